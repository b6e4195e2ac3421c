//! Approvals (批准用地): rectangles and rounder sites around seats and towns, many overlapping an earlier one, as a second
//! approval for the same site does. Surveys place patches on them.

use super::counties::Counties;
use super::ground::{Anchor, Ring, measure};
use super::noise::{Dice, Topic};
use super::places::Places;
use super::shapes::{Sketch, clear_m, reach_m};
use super::write::{Layer, Progress, Shape, Sheet, Value};
use super::{DemoFile, files};
use std::f64::consts::PI;
use std::io;

/// First year and number of years in which most of the demo's approvals were given.
const YEARS: (usize, usize) = (2016, 6);
/// One approval of so many came after what it is for was built: 补办, in the second half of 2022.
const LATER: usize = 20;
/// One of so many has no day.
const UNDATED: usize = 25;
/// What approvals are for, each as often as it is listed.
const KINDS: [&str; 16] = [
    "农转用",
    "农转用",
    "农转用",
    "农转用",
    "农转用",
    "农转用",
    "农转用",
    "农转用",
    "农转用",
    "农转用",
    "增减挂钩",
    "增减挂钩",
    "供地",
    "供地",
    "设施农用地",
    "临时用地",
];

/// An approved site.
pub(super) struct Approval {
    /// Its centre.
    pub anchor: Anchor,
    /// How it was drawn.
    pub sketch: Sketch,
    /// Radius in metres of a circle around the centre that is all approved.
    pub clear_m: f64,
    ring: Ring,
}

/// Draws `count` approvals.
pub(super) fn draw(seed: u64, count: usize, counties: &Counties, places: &Places) -> Vec<Approval> {
    let mut dice = Dice::new(seed, Topic::Approvals, 0);
    let mut list: Vec<Approval> = Vec::with_capacity(count);
    while list.len() < count {
        let boxy = dice.chance(0.6);
        let positions = if boxy && dice.chance(0.7) { 4 } else { 5 + dice.below(26) };
        let sketch = Sketch {
            area_m2: dice.log_range(3_000.0, 250_000.0),
            positions,
            stretch: dice.log_range(1.0, 3.0),
            turn: dice.range(0.0, PI),
            boxy,
            rough: if boxy { 0.0 } else { 0.35 },
        };
        let outline = sketch.draw(&mut dice);
        let reach = reach_m(&outline);
        let anchor = match list.len() {
            n if n > 0 && dice.chance(0.25) => {
                let near = &list[dice.below(n)];
                let (east, north) = (dice.range(-1.0, 1.0), dice.range(-1.0, 1.0));
                near.anchor.moved(east * (near.clear_m + 0.5 * reach), north * (near.clear_m + 0.5 * reach))
            }
            _ => places.draw(&mut dice),
        };
        if counties.holds(&anchor, 1.3 * reach) {
            list.push(Approval { anchor, sketch, clear_m: clear_m(&outline), ring: anchor.place(&outline) });
        }
    }
    list
}

/// Writes the approvals; documents are numbered through each year in the order of their dates.
pub(super) fn write(list: &[Approval], counties: &Counties, sheet: &Sheet, progress: Progress) -> io::Result<DemoFile> {
    let mut layer = Layer::create(sheet, files::APPROVED, "批准用地", list.len() as u64, progress)?;
    let (first, years) = YEARS;
    for (index, approval) in list.iter().enumerate() {
        let Some(measure) = measure([&approval.ring]) else {
            continue;
        };
        let (year, number, in_year) = (first + index % years, index / years, list.len().div_ceil(years));
        let (document, day) = if index % LATER == LATER - 1 {
            (format!("鲁政土字〔2022〕{:04}号", index / LATER + 1), format!("2022-{:02}-{:02}", 7 + index / LATER % 6, 1 + index / LATER % 28))
        } else {
            let (month, day) = month_and_day(number * 365 / in_year);
            (format!("鲁政土字〔{year}〕{:04}号", number + 1), format!("{year}-{month:02}-{day:02}"))
        };
        let kind = KINDS[index * 7 % KINDS.len()];
        let properties = [
            ("PZWH", Value::Text(&document)),
            ("PZRQ", Value::Text(if index % UNDATED == UNDATED - 1 { "" } else { &day })),
            ("PZLX", Value::Text(kind)),
            // Land is lent for a while: what is built on it in 2022 is within.
            ("JZRQ", Value::Text(if kind == "临时用地" { "2023-12-31" } else { "" })),
            ("PZMJ", Value::Number(measure.area_m2 / 10_000.0, 4)),
            ("XZQDM", Value::Text(counties.of(&measure).code)),
        ];
        layer.feature(&properties, &Shape::Polygon(vec![approval.ring.clone()]))?;
    }
    layer.finish()
}

/// Month and day, from 1, of the day 0..365 of a common year.
fn month_and_day(mut day: usize) -> (usize, usize) {
    for (month, days) in [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31].into_iter().enumerate() {
        if day < days {
            return (month + 1, day + 1);
        }
        day -= days;
    }
    (12, 31)
}
