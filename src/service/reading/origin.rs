//! Where the plane that everything is measured in has its origin: at the whole degree that most features of a layer begin nearest to.
//!
//! They are counted, in one pass, so that their order does not matter, nor a few that lie anywhere.

use crate::service::{
    ServiceError, in_force,
    reading::{Reading, Wish},
};
use crate::store::Store;
use std::collections::BTreeMap;
use tuban_engine::model::Layer;
use tuban_geom::Plane;

/// How many features begin nearest to which whole degree of longitude and latitude.
#[derive(Debug, Default)]
struct WholeDegrees(BTreeMap<[i32; 2], u64>);

impl WholeDegrees {
    fn count(&mut self, at: [f64; 2]) {
        *self.0.entry(at.map(|degrees| degrees.round() as i32)).or_default() += 1;
    }

    /// The plane around the one with most; of several the westernmost, southernmost; without any, the national plane.
    fn plane(&self) -> Plane {
        let most = self.0.iter().max_by_key(|(at, count)| (**count, std::cmp::Reverse(**at)));
        most.map_or_else(Plane::national, |([lon, lat], _)| Plane::at(f64::from(*lon), f64::from(*lat)))
    }
}

/// The plane of what is measured against a file alone.
pub(crate) fn of_file(wish: &Wish<'_>) -> Result<Plane, ServiceError> {
    let mut reading = Reading::open(wish)?;
    let crs = reading.crs();
    let mut degrees = WholeDegrees::default();
    reading.each_batch(
        |raw| Ok(raw.geometry.ok().and_then(|outline| outline.positions.first().and_then(|at| crs.to_degrees(*at)))),
        |positions| {
            positions.into_iter().flatten().for_each(|at| degrees.count(at));
            Ok(())
        },
    )?;
    Ok(degrees.plane())
}

/// The plane of a stored layer.
pub(crate) async fn of_layer(store: &dyn Store, layer: &Layer) -> Result<Plane, ServiceError> {
    let mut degrees = WholeDegrees::default();
    store
        .each_feature(layer.id, &mut |features| {
            features.iter().filter_map(|feature| feature.degrees.positions.first()).for_each(|at| degrees.count(*at));
        })
        .await?;
    Ok(degrees.plane())
}

/// The plane that the layers in force are measured in, if there are any: that of the first, which is the counties where there are some.
pub(crate) async fn of_layers_in_force(store: &dyn Store) -> Result<Option<Plane>, ServiceError> {
    let layers = store.layers().await?;
    match in_force(&layers).first() {
        Some(first) => Ok(Some(of_layer(store, first).await?)),
        None => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn most_features_decide_and_neither_their_order_nor_a_wild_one_does() {
        let places = [[118.6, 35.2], [118.4, 34.9], [118.7, 34.6], [0.0, 0.0], [119.2, 35.1]];
        for first in 0..places.len() {
            let mut degrees = WholeDegrees::default();
            (0..places.len()).for_each(|k| degrees.count(places[(first + k) % places.len()]));
            assert_eq!(degrees.plane().origin(), [119.0, 35.0], "{first}");
        }
        let mut even = WholeDegrees::default();
        for at in [[119.0, 35.0], [118.0, 36.0], [118.0, 35.0]] {
            even.count(at);
        }
        assert_eq!((even.plane().origin(), WholeDegrees::default().plane().origin()), ([118.0, 35.0], Plane::national().origin()));
    }
}
