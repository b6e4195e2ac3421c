//! Against GEOS: the areas of pairs, and what invalid outlines become. The fixture and its generator lie in fixtures/kernel; where the kernel and
//! GEOS differ by more than 1e-9 of the patch, exact arithmetic decides. `TUBAN_KERNEL_GEOS` names a larger file, made the same way.

use super::rational::{self, Rings};
use super::{GOAL, Worst, figure, region};
use serde::Deserialize;
use tuban_geom::{Checked, DefectKind, Fault, Outline, check};

/// Rings in whole units of 2⁻²⁰ m.
type Units = Vec<Vec<[i64; 2]>>;

#[derive(Deserialize)]
#[serde(untagged)]
enum Line {
    Pair { kind: String, a: Units, b: Units, a_m2: f64, shared_m2: f64 },
    Broken { kind: String, parts: Vec<Units>, valid: bool, clear: bool, m2: f64 },
}

fn lines() -> Vec<Line> {
    let path = std::env::var("TUBAN_KERNEL_GEOS").unwrap_or_else(|_| "fixtures/kernel/geos.jsonl".into());
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn metres(units: &Units) -> Rings {
    units.iter().map(|ring| ring.iter().map(|at| at.map(|value| value as f64 / f64::from(1 << 20))).collect()).collect()
}

#[test]
fn pairs_share_what_geos_says() {
    let (mut worst, mut geos_errs) = (Worst::default(), 0);
    for line in lines() {
        let Line::Pair { kind, a, b, a_m2, shared_m2 } = line else { continue };
        let (a, b) = (metres(&a), metres(&b));
        let measured = figure(&a).shared_m2(region(&b).rings());
        if ["touching", "corner", "upon", "filling"].contains(&kind.as_str()) {
            assert_eq!(measured, 0.0, "{kind}");
        }
        if (measured - shared_m2).abs() > GOAL * a_m2 {
            let exact = rational::shared_m2(&a, &b);
            assert!((measured - exact).abs() <= GOAL * a_m2, "{kind}: {measured}, GEOS {shared_m2}, exactly {exact}");
            geos_errs += 1;
        } else {
            worst.takes(measured, shared_m2, a_m2, GOAL);
        }
    }
    println!("GEOS differs in {geos_errs} pairs, where the kernel is right");
    assert!(worst.seen > 200);
}

/// What can be read in one way becomes what GEOS makes of it; what can be read in two is refused; what is valid is left alone.
#[test]
fn broken_outlines_become_what_geos_makes_of_them() {
    let (mut worst, mut refused, mut needlessly) = (Worst::default(), 0, 0);
    for (number, line) in lines().into_iter().enumerate() {
        let Line::Broken { kind, parts, valid, clear, m2 } = line else { continue };
        let mut outline = Outline { multi: true, ..Outline::default() };
        for rings in &parts {
            metres(rings).iter().for_each(|ring| outline.push_ring(ring));
            outline.end_part();
        }
        match check(&outline) {
            Ok(Checked { region, defects }) => {
                assert!(clear, "{number}: {kind} taken, but it has two readings");
                assert!(worst.takes(region.area_m2(), m2, m2, GOAL), "{number}: {kind} {} and GEOS {m2}", region.area_m2());
                assert!(!valid || defects.iter().all(|defect| defect.kind == DefectKind::SelfTouch), "{number}: {kind} is valid: {defects:?}");
            }
            Err(error) => {
                assert!(!valid, "{number}: {kind} is valid: {error:?}");
                refused += 1;
                needlessly += u32::from(clear && error.fault != Fault::NoArea);
            }
        }
    }
    println!("{refused} refused, {needlessly} of them without need");
    // A ring that touches itself where ground on one side winds +1 and on the other −1: its loops would cross, and it is refused.
    assert!(worst.seen > 100 && needlessly * 100 < worst.seen);
}
