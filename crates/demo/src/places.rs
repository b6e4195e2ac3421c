//! Seats and towns: where people build. Every county has a seat and ten towns; approvals and patches cluster around them.

use super::counties::Counties;
use super::ground::{Anchor, measure};
use super::noise::{Dice, Topic};
use super::shapes::rugged;
use super::write::{Layer, Progress, Shape, Sheet, Value};
use super::{DemoFile, files};
use std::io;

/// Towns of a county.
const TOWNS: usize = 10;
/// The three city districts, whose seats are larger than those of the counties.
const DISTRICTS: [&str; 3] = ["371302", "371311", "371312"];

/// A seat or a town.
pub(super) struct Place {
    /// Its centre.
    pub anchor: Anchor,
    /// How far buildings reach, metres.
    pub built_m: f64,
    /// Deviation of the distance at which building goes on, metres.
    spread_m: f64,
}

/// All places: the seats in the order of the counties, then the towns.
pub(super) struct Places {
    /// Seats first.
    pub list: Vec<Place>,
    seats: usize,
}

impl Places {
    /// Founds the seats near the centres of the counties and the towns between them.
    pub(super) fn new(seed: u64, counties: &Counties) -> Self {
        let mut dice = Dice::new(seed, Topic::Places, 0);
        let mut list = Vec::new();
        for (index, county) in counties.list.iter().enumerate() {
            let (lon, lat) = counties.centre(index);
            let centre = Anchor::new(lon, lat);
            let moved = centre.moved(dice.range(-6e3, 6e3), dice.range(-6e3, 6e3));
            let anchor = if counties.locate(moved.lon, moved.lat) == Some(index) { moved } else { centre };
            let size = if DISTRICTS.contains(&county.code) { 1.6 } else { 1.0 };
            list.push(Place { anchor, built_m: size * dice.range(3_000.0, 4_600.0), spread_m: size * dice.range(5_000.0, 8_000.0) });
        }
        let seats = list.len();
        for index in 0..seats {
            for _ in 0..TOWNS {
                list.push(town(&mut dice, counties, index, &list));
            }
        }
        Self { list, seats }
    }

    /// The seats, in the order of the counties.
    pub(super) fn seats(&self) -> &[Place] {
        &self.list[..self.seats]
    }

    /// A place where building goes on: mostly near seats, often near towns.
    pub(super) fn draw(&self, dice: &mut Dice) -> Anchor {
        let index = if dice.chance(0.55) { dice.below(self.seats) } else { self.seats + dice.below(self.list.len() - self.seats) };
        let (east, north) = dice.normals();
        let Place { anchor, spread_m, .. } = &self.list[index];
        anchor.moved(east * spread_m, north * spread_m)
    }

    /// The reach in metres of the development boundary of a seat: two of them never meet.
    pub(super) fn boundary_m(&self, seat: usize) -> f64 {
        let here = &self.seats()[seat];
        let others = self.seats().iter().enumerate().filter(|(k, _)| *k != seat);
        let nearest = others.map(|(_, other)| here.anchor.distance_m(&other.anchor)).fold(f64::INFINITY, f64::min);
        (here.built_m * 1.7).min(nearest * 0.48)
    }

    /// Writes the urban development boundaries, one around each seat, of 300 to 3 000 positions.
    pub(super) fn write_boundaries(&self, seed: u64, counties: &Counties, sheet: &Sheet, progress: Progress) -> io::Result<DemoFile> {
        let mut layer = Layer::create(sheet, files::URBAN_BOUNDARY, "城镇开发边界", self.seats as u64, progress)?;
        for (index, seat) in self.seats().iter().enumerate() {
            let mut dice = Dice::new(seed, Topic::Urban, index as u64);
            let positions = dice.log_range(300.0, 2_800.0) as usize;
            let stretch = dice.range(1.0, 1.5);
            let ring = seat.anchor.place(&rugged(&mut dice, self.boundary_m(index), positions, 0.45, stretch));
            let county = measure([&ring]).map_or(&counties.list[index], |m| counties.of(&m));
            let number = format!("BJ{}{:03}", county.code, index + 1);
            layer.feature(&[("BJBH", Value::Text(&number)), ("XZQDM", Value::Text(county.code))], &Shape::Polygon(vec![ring]))?;
        }
        layer.finish()
    }
}

/// A town in the county, at least four kilometres from any other place if fifty tries find one.
fn town(dice: &mut Dice, counties: &Counties, county: usize, list: &[Place]) -> Place {
    let ring = &counties.list[county].ring;
    let mut anchor = list[county].anchor;
    for _ in 0..50 {
        // Between the seat and a position on the border lies the county, more or less; the locator decides.
        let (end, along) = (ring[dice.below(ring.len())], dice.unit().sqrt());
        let from = list[county].anchor;
        let found = Anchor::new(from.lon + (end.lon() - from.lon) * along, from.lat + (end.lat() - from.lat) * along);
        if counties.locate(found.lon, found.lat) != Some(county) {
            continue;
        }
        anchor = found;
        if list.iter().all(|place| place.anchor.distance_m(&found) > 4_000.0) {
            break;
        }
    }
    Place { anchor, built_m: dice.range(500.0, 1_300.0), spread_m: dice.range(1_500.0, 3_500.0) }
}
