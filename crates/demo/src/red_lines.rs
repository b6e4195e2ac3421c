//! Ecological red lines: large, ragged areas in the hills, with holes, each within a circle that meets no other circle and
//! no seat. The first one is the largest the preset allows (50 000 positions in the city).

use super::counties::Counties;
use super::ground::{Anchor, SOUTH, SPAN, WEST, measure};
use super::noise::{Dice, Topic};
use super::places::Places;
use super::shapes::{Outline, longest_edge_m, reach_m, rugged};
use super::terrain::Terrain;
use super::write::{Layer, Progress, Shape, Sheet, Value};
use super::{DemoFile, files};
use std::io;

const PURPOSES: [&str; 4] = ["水源涵养", "水土保持", "生物多样性维护", "防风固沙"];

/// How many red lines, and how many positions the smallest and the largest have.
#[derive(Clone, Copy)]
pub(super) struct Extent {
    /// Number of red lines.
    pub count: usize,
    /// Positions of the smallest.
    pub fewest: f64,
    /// Positions of the largest, holes included.
    pub most: f64,
    /// Reach of the largest, metres.
    pub reach_m: f64,
}

/// Writes the red lines.
pub(super) fn write(
    seed: u64,
    extent: Extent,
    counties: &Counties,
    places: &Places,
    terrain: &Terrain,
    sheet: &Sheet,
    progress: Progress,
) -> io::Result<DemoFile> {
    let mut layer = Layer::create(sheet, files::RED_LINE, "生态保护红线", extent.count as u64, progress)?;
    let seats = places.seats().iter().enumerate();
    let mut taken: Vec<(Anchor, f64)> = seats.map(|(k, seat)| (seat.anchor, places.boundary_m(k))).collect();
    let mut dice = Dice::new(seed, Topic::RedLines, 0);
    for index in 0..extent.count {
        let small = index as f64 / extent.count as f64;
        let reach_m = extent.reach_m * (0.22 + 0.78 * (1.0 - small) * (1.0 - small));
        let Some((anchor, reach_m)) = site(&mut dice, reach_m, &taken, counties, terrain) else {
            continue;
        };
        taken.push((anchor, reach_m));
        // A tenth of the positions is kept for holes.
        let wanted = if index == 0 { extent.most } else { dice.log_range(extent.fewest, extent.most * 0.9) };
        let stretch = dice.range(1.0, 1.9);
        let shell = rugged(&mut dice, reach_m, (wanted * 0.9) as usize, 0.6, stretch);
        let mut rings = vec![anchor.place(&shell)];
        for (hole, (east, north)) in holes(&mut dice, &shell) {
            let moved: Outline = hole.iter().rev().map(|(x, y)| (x + east, y + north)).collect();
            rings.push(anchor.place(&moved));
        }
        let Some(measure) = measure(&rings) else {
            continue;
        };
        let county = counties.of(&measure);
        let number = format!("HX{}{:04}", county.code, index + 1);
        let name = format!("{}{}生态保护红线{:03}", county.name, PURPOSES[dice.below(4)], index + 1);
        let properties = [("HXBH", Value::Text(&number)), ("HXMC", Value::Text(&name)), ("XZQDM", Value::Text(county.code))];
        layer.feature(&properties, &Shape::Polygon(rings))?;
    }
    layer.finish()
}

/// The highest of 120 free circles of `reach_m`; smaller and smaller ones where none is free.
fn site(dice: &mut Dice, mut reach_m: f64, taken: &[(Anchor, f64)], counties: &Counties, terrain: &Terrain) -> Option<(Anchor, f64)> {
    for _ in 0..60 {
        let mut best: Option<(f64, Anchor)> = None;
        for _ in 0..120 {
            let (u, v) = (dice.unit(), dice.unit());
            let anchor = Anchor::new(WEST + SPAN * u, SOUTH + SPAN * v);
            let free = taken.iter().all(|(other, reach)| anchor.distance_m(other) > 1.02 * (reach + reach_m));
            let hill = terrain.hill(u, v);
            if free && best.as_ref().is_none_or(|(highest, _)| hill > *highest) && counties.holds(&anchor, 1.1 * reach_m) {
                best = Some((hill, anchor));
            }
        }
        // Low ground is taken only by what has become small.
        if let Some((hill, anchor)) = best
            && (hill > 0.0 || reach_m < 2_000.0)
        {
            return Some((anchor, reach_m));
        }
        reach_m *= 0.93;
    }
    None
}

/// Up to eight holes and where they lie, clear of the shell and of one another.
fn holes(dice: &mut Dice, shell: &[(f64, f64)]) -> Vec<(Outline, (f64, f64))> {
    let (reach, edge) = (reach_m(shell), longest_edge_m(shell));
    let mut circles: Vec<(f64, f64, f64)> = Vec::new();
    for _ in 0..dice.below(17) {
        let (toward, along) = (shell[dice.below(shell.len())], dice.range(0.1, 0.75));
        let (x, y, radius) = (toward.0 * along, toward.1 * along, reach * dice.range(0.03, 0.12));
        let clear = shell.iter().all(|p| libm::hypot(p.0 - x, p.1 - y) > radius + edge);
        let apart = circles.iter().all(|c| libm::hypot(c.0 - x, c.1 - y) > 1.05 * (radius + c.2));
        if clear && apart && circles.len() < 8 {
            circles.push((x, y, radius));
        }
    }
    let most = (shell.len() / 80).max(24);
    let mut draw = |(x, y, radius)| {
        let positions = 20 + dice.below(most - 20);
        (rugged(dice, radius, positions, 0.4, 1.0), (x, y))
    };
    circles.into_iter().map(&mut draw).collect()
}
