//! The spatial index: every box gets one number, its cell, and a search becomes a few ranges of numbers in an ordinary index.
//!
//! Cells lie in a pyramid of square grids, each twice as fine as the one above it. A box is filed in the finest grid whose cells are no
//! smaller than the box, under the cell of its lower left corner; so a box that touches a search box has its corner at most one cell
//! left of it or below it (the idea of XZ-ordering: C. Böhm et al., 1999). What the ranges find is then held against the exact box.
//!
//! Measured against SQLite's R*Tree on 300 000 boxes (SQLite 3.40 from Python, `executemany`): filing takes 0.4 s instead of 3.1 s and
//! removing 0.2 s instead of 3.0 s. The R*Tree also rounds boxes to single precision, and a plain integer column works in every database.

use tuban_geom::Bounds;

/// Grids in the pyramid. The cells of the finest are 360°/2¹⁷, about 300 m: the size of a large parcel.
const GRIDS: u32 = 18;
/// Above so many rows of cells, one range over all of them is cheaper than one range a row.
const MANY_ROWS: i64 = 24;
/// Makes up for rounding where a box is exactly as large as a cell.
const MARGIN: f64 = 1.000_001;

/// The number under which a box is filed. Boxes of nothing, or larger than the world, have one too.
pub(super) fn cell(bounds: &Bounds) -> i64 {
    let extent = (bounds.max[0] - bounds.min[0]).max(bounds.max[1] - bounds.min[1]);
    let grid = (0..GRIDS).rev().find(|grid| extent <= size(*grid)).unwrap_or(0);
    number(grid, step(bounds.min[1], grid), step(bounds.min[0], grid))
}

/// Ranges of numbers, both ends included, disjoint, that hold every box that touches `bounds`, and some that do not.
pub(super) fn ranges(bounds: &Bounds) -> Vec<(i64, i64)> {
    let mut ranges = Vec::new();
    for grid in 0..GRIDS {
        let reach = size(grid) * MARGIN;
        let [west, south] = bounds.min.map(|low| step(low - reach, grid));
        let [east, north] = bounds.max.map(|high| step(high, grid));
        if north - south < MANY_ROWS {
            ranges.extend((south..=north).map(|row| (number(grid, row, west), number(grid, row, east))));
        } else {
            ranges.push((number(grid, south, west), number(grid, north, east)));
        }
    }
    ranges
}

/// Side of a grid's cells, degrees.
fn size(grid: u32) -> f64 {
    360.0 / f64::from(1_u32 << grid)
}

/// Row or column of a coordinate. What lies outside the world counts to its edge, so that nothing is lost there.
fn step(degrees: f64, grid: u32) -> i64 {
    let last = (1_i64 << grid) - 1;
    (((degrees + 180.0) / size(grid)).floor() as i64).clamp(0, last)
}

fn number(grid: u32, row: i64, column: i64) -> i64 {
    i64::from(grid) << 40 | row << 20 | column
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn found(stored: &Bounds, search: &Bounds) -> usize {
        let cell = cell(stored);
        ranges(search).iter().filter(|(low, high)| (*low..=*high).contains(&cell)).count()
    }

    fn any_box() -> impl Strategy<Value = Bounds> {
        let at = (-200.0..200.0_f64, -200.0..200.0_f64);
        // Sides over many orders of magnitude, and some that are exactly a cell.
        let side = || prop_oneof![(-22.0..9.0_f64).prop_map(f64::exp2), (0..GRIDS).prop_map(size), Just(0.0)];
        (at, side(), side()).prop_map(|((x, y), w, h)| Bounds { min: [x, y], max: [x + w, y + h] })
    }

    proptest! {
        #[test]
        fn whatever_touches_is_found_once(stored in any_box(), search in any_box()) {
            let times = found(&stored, &search);
            prop_assert!(times <= 1, "{times} times");
            if stored.touches(&search) {
                prop_assert_eq!(times, 1);
            }
        }

        #[test]
        fn boxes_that_share_only_an_edge_are_found(stored in any_box(), w in 0.0..1.0_f64) {
            let right = Bounds { min: [stored.max[0], stored.min[1]], max: [stored.max[0] + w, stored.max[1]] };
            let left = Bounds { min: [stored.min[0] - w, stored.max[1]], max: [stored.min[0], stored.max[1] + w] };
            prop_assert_eq!((found(&stored, &right), found(&stored, &left)), (1, 1));
        }
    }

    #[test]
    fn a_small_search_takes_few_ranges_and_misses_what_is_far() {
        let tile = Bounds { min: [118.30, 35.00], max: [118.31, 35.01] };
        assert!(ranges(&tile).len() < 50, "{}", ranges(&tile).len());
        assert_eq!(found(&Bounds { min: [118.40, 35.00], max: [118.401, 35.001] }, &tile), 0);
    }

    #[test]
    fn boxes_of_nothing_and_everything_have_a_cell() {
        let everything = Bounds { min: [f64::NEG_INFINITY; 2], max: [f64::INFINITY; 2] };
        assert_eq!(found(&everything, &Bounds { min: [1.0, 1.0], max: [2.0, 2.0] }), 1);
        assert_eq!(found(&Bounds { min: [1.0, 1.0], max: [2.0, 2.0] }, &everything), 1);
        let _ = (cell(&Bounds::EMPTY), ranges(&Bounds::EMPTY));
    }
}
