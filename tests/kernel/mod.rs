//! The kernel, tested like an enemy: against exact rational arithmetic, against laws, against GEOS and PROJ, and with what nobody would draw.

mod approvals;
mod arrangement;
mod coverage;
mod edges;
mod geos;
mod laws;
mod limits;
mod pairs;
mod proj;
mod rational;
pub(crate) mod shapes;
mod tiling;
mod touching;
mod validity;

use rational::Rings;
use tuban_geom::{Figure, Outline, Region, check};

/// A polygon: a shell and its holes.
fn region(rings: &Rings) -> Region {
    let checked = check(&Outline::polygon(rings)).unwrap();
    assert_eq!(checked.defects, []);
    checked.region
}

fn figure(rings: &Rings) -> Figure {
    Figure::new(region(rings))
}

/// What the kernel says that two polygons share.
fn shared_m2(a: &Rings, b: &Rings) -> f64 {
    figure(a).shared_m2(region(b).rings())
}

/// The goal for any overlap: as a part of the patch's area.
const GOAL: f64 = 1e-9;
/// The goal for sums that must close: A∩B = B∩A, and the pieces of a tiled patch.
const CLOSES: f64 = 1e-12;

/// The largest of the errors seen; its test prints it (`--nocapture`).
#[derive(Default)]
struct Worst {
    error: f64,
    seen: u32,
}

impl Worst {
    /// Takes `measured` for `exact`, as a part of `whole`, and says whether it is within `goal`.
    fn takes(&mut self, measured: f64, exact: f64, whole: f64, goal: f64) -> bool {
        let error = (measured - exact).abs() / whole;
        self.seen += 1;
        self.error = self.error.max(error);
        error <= goal
    }
}

impl Drop for Worst {
    fn drop(&mut self) {
        let name = std::thread::current().name().unwrap_or_default().to_owned();
        println!("{name}: worst of {} is {:.2e}", self.seen, self.error);
    }
}
