//! The monthly surveys: change patches around seats and towns, on approvals and off them, never on one another within a
//! survey. Every edge is shorter than 65 m on the ground. See faults.rs for the patches that are spoilt on purpose.

use super::approvals::Approval;
use super::built::Built;
use super::counties::Counties;
use super::faults::{Fate, fates, spoil};
use super::ground::{Anchor, MU_M2, Ring, SOUTH, SPAN, WEST, measure};
use super::noise::{Dice, Topic};
use super::places::Places;
use super::room::Room;
use super::shapes::{Outline, Sketch, clear_m, reach_m};
use super::write::{Layer, Progress, Shape, Sheet, Value};
use super::{DemoFile, files};
use std::f64::consts::PI;
use std::io;

/// Edges are drawn below this, so that they are surely below 65 m after rounding and on the ellipsoid.
const EDGE_M: f64 = 64.0;
/// Kinds of change, the frequent ones several times.
const KINDS: [&str; 12] = ["房屋建筑", "房屋建筑", "房屋建筑", "推填土", "推填土", "推填土", "硬化地面", "硬化地面", "道路", "光伏用地", "采矿用地", "其他"];

/// The part of all wishes that is for a place on an approval.
const ON_APPROVALS: f64 = 0.145;

/// What surveys are drawn from.
pub(super) struct Ground<'a> {
    /// The city's seed.
    pub seed: u64,
    /// Counties.
    pub counties: &'a Counties,
    /// Seats and towns.
    pub places: &'a Places,
    /// Approvals.
    pub approvals: &'a [Approval],
}

/// A sound patch.
struct Patch {
    anchor: Anchor,
    /// Polygons, each a shell and holes.
    parts: Vec<Vec<Ring>>,
    /// How far it reaches from the anchor, metres.
    reach_m: f64,
    /// Whether it was drawn off every approval.
    unasked: bool,
}

/// Writes the `survey`-th survey (April, May, June 2022) with `count` patches; those of April and May that nobody was asked about are `built`.
pub(super) fn write(ground: &Ground, survey: usize, count: usize, built: &mut Built, sheet: &Sheet, progress: Progress) -> io::Result<DemoFile> {
    let (name, month) = (files::SURVEYS[survey], survey + 4);
    let title = format!("2022年{month}月监测图斑");
    let mut layer = Layer::create(sheet, name, &title, count as u64, progress)?;
    let mut dice = Dice::new(ground.seed, Topic::Surveys, survey as u64);
    let mut room = Room::new();
    for (index, fate) in fates(&mut dice, count, survey).into_iter().enumerate() {
        let patch = draw(ground, fate, &mut room, &mut dice);
        let Some(measure) = measure(patch.parts.iter().flatten()) else {
            continue;
        };
        if let (0 | 1, Fate::Plain | Fate::Astray, true, [part]) = (survey, fate, patch.unasked, patch.parts.as_slice()) {
            built.add(&patch.anchor, patch.reach_m, &part[0]);
        }
        let lies = ground.counties.locate(measure.lon, measure.lat).unwrap_or(0);
        let turn = if fate == Fate::Astray { 1 + dice.below(11) } else { 0 };
        let county = &ground.counties.list[(lies + turn) % 12];
        let before = format!("2021-{:02}-{:02}", 7 + dice.below(6), 1 + dice.below(28));
        let after = format!("2022-{month:02}-{:02}", 1 + dice.below(28));
        let properties = [
            ("JCBH", Value::Text(&format!("{}{:06}", county.code, sheet.number * count + index + 1))),
            ("XZQDM", Value::Text(county.code)),
            ("XZQMC", Value::Text(county.name)),
            ("TBLX", Value::Text(KINDS[dice.below(KINDS.len())])),
            ("QSX", Value::Text(&before)),
            ("HSX", Value::Text(&after)),
            ("JCMJ", Value::Number(measure.area_m2 / MU_M2, 2)),
        ];
        layer.feature(&properties, &shape(patch, fate, &mut dice))?;
    }
    layer.finish()
}

fn shape(mut patch: Patch, fate: Fate, dice: &mut Dice) -> Shape {
    match (patch.parts.len(), fate) {
        (2.., _) => Shape::MultiPolygon(patch.parts),
        (_, Fate::Hole) => Shape::Polygon(patch.parts.remove(0)),
        _ => spoil(fate, patch.parts.remove(0).remove(0), &patch.anchor, EDGE_M, dice),
    }
}

/// Draws a patch where there is room: fifty tries as wished, then anywhere.
fn draw(ground: &Ground, fate: Fate, room: &mut Room, dice: &mut Dice) -> Patch {
    let wish = dice.unit();
    let mut tries = 0;
    loop {
        let wish = if tries < 50 { wish } else { 0.99 };
        let (anchor, sketch) = site(ground, wish, fate, dice);
        let outline = sketch.draw_short(dice, EDGE_M);
        let (parts, reach) = parts(&outline, sketch, fate, dice);
        tries += 1;
        // A city can fill up only in a preset that does not exist; even then every patch is drawn.
        let free = room.is_free(&anchor, reach) || tries > 500;
        if free && ground.counties.holds(&anchor, 1.4 * reach) {
            room.take(&anchor, reach);
            let place = |rings: &Vec<Outline>| rings.iter().map(|ring| anchor.place(ring)).collect();
            return Patch { anchor, parts: parts.iter().map(place).collect(), reach_m: reach, unasked: wish >= ON_APPROVALS };
        }
    }
}

/// Where a patch lies and how it looks, by a wish in [0, 1).
fn site(ground: &Ground, wish: f64, fate: Fate, dice: &mut Dice) -> (Anchor, Sketch) {
    let boxy = dice.chance(0.4);
    // Two parts of more than 15 亩 would reach further than `Room` looks.
    let (most, long) = if fate == Fate::Parts { (14.0, 1.4) } else { (59.0, 4.0) };
    // What a hole takes must leave 0.3 亩.
    let least = if fate == Fate::Hole { 1.0 } else { 0.32 };
    let mut sketch = Sketch {
        area_m2: dice.log_range(least, most) * MU_M2,
        positions: 5 + dice.below(36),
        stretch: dice.log_range(1.0, long),
        turn: dice.range(0.0, PI),
        boxy,
        rough: if boxy { 0.12 } else { 0.4 },
    };
    let anchor = match wish {
        x if x < ON_APPROVALS => {
            // On an approval; in a third of the cases across its border.
            let approval = &ground.approvals[dice.below(ground.approvals.len())];
            let inside = wish < 0.09;
            (sketch.turn, sketch.stretch) = (approval.sketch.turn, approval.sketch.stretch.min(long));
            sketch.area_m2 = sketch.area_m2.min(if inside { 0.3 } else { 0.8 } * approval.sketch.area_m2);
            let off = approval.clear_m * if inside { 0.45 } else { 1.0 };
            let (sin, cos) = libm::sincos(dice.range(0.0, 2.0 * PI));
            approval.anchor.moved(off * cos, off * sin)
        }
        x if x < 0.149 => {
            let border = &ground.counties.border;
            let on = border[dice.below(border.len())];
            Anchor::new(on.lon(), on.lat())
        }
        x if x < 0.80 => ground.places.draw(dice),
        _ => Anchor::new(WEST + SPAN * dice.unit(), SOUTH + SPAN * dice.unit()),
    };
    (anchor, sketch)
}

/// The polygons of a patch in metres around its anchor, and how far they reach.
fn parts(outline: &Outline, sketch: Sketch, fate: Fate, dice: &mut Dice) -> (Vec<Vec<Outline>>, f64) {
    let reach = reach_m(outline);
    match fate {
        Fate::Hole => {
            let positions = 5 + dice.below(6);
            let round = Sketch { positions, stretch: 1.0, boxy: false, rough: 0.2, ..sketch };
            let hole = round.draw(dice);
            // Even five positions on a circle of 30 m leave no edge near the limit.
            let factor = dice.range(0.4, 0.7) * clear_m(outline).min(30.0 / 0.7) / reach_m(&hole);
            let hole = hole.iter().rev().map(|(x, y)| (x * factor, y * factor)).collect();
            (vec![vec![outline.clone(), hole]], reach)
        }
        Fate::Parts => {
            let second = sketch.draw_short(dice, EDGE_M);
            let apart = reach + reach_m(&second) + dice.range(3.0, 15.0);
            let (sin, cos) = libm::sincos(dice.range(0.0, 2.0 * PI));
            let second_reach = apart + reach_m(&second);
            let moved = second.iter().map(|(x, y)| (x + apart * cos, y + apart * sin)).collect();
            (vec![vec![outline.clone()], vec![moved]], second_reach)
        }
        _ => (vec![vec![outline.clone()]], reach),
    }
}
