//! Since when an approval without a day of its own has been known: the effective day of the first stored version that holds it, by document number and outline.

use crate::service::ServiceError;
use crate::store::Store;
use jiff::civil::Date;
use std::collections::HashMap;
use std::hash::Hasher;
use tuban_engine::model::{LayerFeature, LayerKind};
use twox_hash::XxHash3_64;

/// Approvals of the versions of earlier days, each with the first of these days.
#[derive(Debug, Default)]
pub(crate) struct FirstSeen(HashMap<u64, Date>);

impl FirstSeen {
    /// Reads the versions of approvals that count from before `effective`.
    pub(crate) async fn before(store: &dyn Store, effective: Date) -> Result<Self, ServiceError> {
        let mut first = HashMap::new();
        for layer in store.layers().await?.into_iter().filter(|layer| layer.kind == LayerKind::Approved && layer.effective < effective) {
            store
                .each_feature(layer.id, &mut |features| {
                    for feature in &features {
                        let since = feature.facts.first_effective.unwrap_or(layer.effective);
                        first.entry(key(feature)).and_modify(|known: &mut Date| *known = since.min(*known)).or_insert(since);
                    }
                })
                .await?;
        }
        Ok(Self(first))
    }

    /// The first day of an approval that comes with a version of `effective`.
    pub(crate) fn of(&self, feature: &LayerFeature, effective: Date) -> Date {
        self.0.get(&key(feature)).copied().unwrap_or(effective)
    }
}

/// Document number and outline, wherever its rings begin and whichever way they run; positions to a nanodegree, which is a tenth of a millimetre.
fn key(feature: &LayerFeature) -> u64 {
    let nano = |degrees: f64| (degrees * 1e9).round() as i64;
    // A ring's closing position is its first one again.
    let closing = |positions: &[[f64; 2]]| usize::from(positions.len() > 1 && positions.first() == positions.last());
    let mut outline = 0_u64;
    for ring in (0..feature.degrees.ring_ends.len()).map(|ring| feature.degrees.ring(ring)) {
        for [x, y] in &ring[..ring.len() - closing(ring)] {
            let mut hash = XxHash3_64::new();
            hash.write_i64(nano(*x));
            hash.write_i64(nano(*y));
            outline = outline.wrapping_add(hash.finish());
        }
    }
    let mut hash = XxHash3_64::new();
    hash.write(feature.facts.code.as_bytes());
    hash.write_u64(outline);
    hash.finish()
}
