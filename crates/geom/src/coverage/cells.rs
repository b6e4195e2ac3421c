//! What is known of the ground without looking for pieces: a grid of cells, each with nothing in it, or wholly inside one piece, or neither.
//!
//! Most figures lie well within a county, and far from any red line or approval. A figure whose box touches only cells that are empty, or only cells that one
//! piece fills, is answered from here: it shares nothing, or all of it, which is what measuring would find. Any other one is measured.
//!
//! 1. A cell that an edge passes, or may pass within [`MARGIN`] of a cell, is left open. Edges and figures are put into cells by the same rising function, so
//!    what rounds into another cell does so for both.
//! 2. A cell in the box of a piece that none of its edges passes is inside or outside as its middle is.
//! 3. A cell that more than one piece has a part in is left open.

use super::{Bounds, PIECE_VERTICES, PieceBox, at, positions::Reader};
use rayon::prelude::*;
use std::io;
use std::ops::RangeInclusive;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

/// Cells for each piece of a layer, about.
const PER_PIECE: usize = 256;
/// Cells of a layer, about, and never twice as many: 2 MB, so that a processor's cache holds those of all layers.
const MOST: usize = 1 << 19;
/// Cells for each piece below which too few would be filled, or empty, to be worth it.
const LEAST_PER_PIECE: usize = 8;
/// Cells that one figure is looked up in, at most.
const LOOKED_UP: usize = 16;
/// Vertices that each cell may be held against, on average.
const MOST_VERTICES: usize = 8 * PIECE_VERTICES;
/// How far, in cells, rounding may move an edge between its ends.
const MARGIN: f64 = 1e-6;

const EMPTY: u32 = u32::MAX;
const OPEN: u32 = u32::MAX - 1;

/// The cells of a layer; without any nothing is known.
#[derive(Debug, Default)]
pub(super) struct Cells {
    origin: [f64; 2],
    /// Cells a metre.
    scale: f64,
    columns: usize,
    rows: usize,
    /// [`EMPTY`], [`OPEN`], or the piece that fills the cell; row by row.
    states: Vec<u32>,
}

/// What is known of the ground under a box.
pub(super) enum Under {
    /// No piece has any of it.
    Nothing,
    /// This piece has all of it, and no other one has any.
    Piece(u32),
    /// That has to be measured.
    Unknown,
}

impl Cells {
    /// Of the pieces of a layer, whose boxes these are; `reader` reads them back, `vertices` tells how many a piece has.
    pub(super) fn of<'c>(boxes: &[PieceBox], vertices: impl Fn(u32) -> usize, reader: impl Fn() -> Reader<'c> + Sync + Send) -> io::Result<Self> {
        let most = (boxes.len() * PER_PIECE).min(MOST);
        let bounds = boxes.iter().map(wide).fold(Bounds::EMPTY, |all, one| all.union(&one));
        let [width, height] = [0, 1].map(|axis| bounds.max[axis] - bounds.min[axis]);
        if most < boxes.len() * LEAST_PER_PIECE || !(width > 0.0 && height > 0.0) {
            return Ok(Self::default());
        }
        let side = (width * height / most as f64).sqrt();
        let [columns, rows] = [width, height].map(|length| (length / side).floor() + 1.0);
        if columns * rows > 2.0 * MOST as f64 {
            // A layer as thin as a line.
            return Ok(Self::default());
        }
        let [columns, rows] = [columns, rows].map(|count| count as usize);
        let grid = Self { origin: bounds.min, scale: 1.0 / side, columns, rows, states: Vec::new() };
        let within = |one: &PieceBox| grid.cells_within(&wide(one)).into_iter().map(Iterator::count).product::<usize>();
        let work = boxes.iter().zip(0..).map(|(one, piece)| within(one).saturating_mul(vertices(piece))).fold(0, usize::saturating_add);
        if work > MOST_VERTICES * (columns * rows + LEAST_PER_PIECE * boxes.len()) {
            // Pieces that lie on each other all over the place, or large ones that could not be cut.
            return Ok(Self::default());
        }
        let states: Vec<AtomicU32> = (0..columns * rows).map(|_| AtomicU32::new(EMPTY)).collect();
        (0..boxes.len() as u32).into_par_iter().try_for_each_init(
            || (reader(), Vec::new()),
            |(reader, passed), piece| {
                let rings = reader.rings(piece)?;
                grid.put(&rings, piece, passed, &states);
                io::Result::Ok(())
            },
        )?;
        Ok(Self { states: states.into_iter().map(AtomicU32::into_inner).collect(), ..grid })
    }

    /// Gives each piece another number.
    pub(super) fn renumber(&mut self, new: &[u32]) {
        self.states.iter_mut().filter(|state| **state < OPEN).for_each(|state| *state = new[*state as usize]);
    }

    /// What is known of the ground under a box.
    pub(super) fn under(&self, bounds: &Bounds) -> Under {
        let (Some([left, bottom]), Some([right, top])) = (self.cell(bounds.min), self.cell(bounds.max)) else { return Under::Unknown };
        if (right - left + 1) * (top - bottom + 1) > LOOKED_UP {
            return Under::Unknown;
        }
        let first = self.states[bottom * self.columns + left];
        let same = |row: usize| self.states[row * self.columns + left..=row * self.columns + right].iter().all(|state| *state == first);
        match first {
            OPEN => Under::Unknown,
            _ if !(bottom..=top).all(same) => Under::Unknown,
            EMPTY => Under::Nothing,
            piece => Under::Piece(piece),
        }
    }

    /// A place in columns and rows.
    fn in_cells(&self, at: [f64; 2]) -> [f64; 2] {
        [0, 1].map(|axis| (at[axis] - self.origin[axis]) * self.scale)
    }

    /// The columns and the rows that a box touches.
    fn cells_within(&self, bounds: &Bounds) -> [RangeInclusive<usize>; 2] {
        let (min, max) = (self.in_cells(bounds.min), self.in_cells(bounds.max));
        [Self::range(min[0], max[0], self.columns), Self::range(min[1], max[1], self.rows)]
    }

    /// Column and row of a place, where it is in the grid.
    fn cell(&self, at: [f64; 2]) -> Option<[usize; 2]> {
        let [x, y] = self.in_cells(at);
        let inside = x >= 0.0 && y >= 0.0 && x < self.columns as f64 && y < self.rows as f64;
        inside.then_some([x as usize, y as usize])
    }

    /// The numbers of columns or rows, of which there are `count`, that lie between two coordinates in cells.
    fn range(from: f64, to: f64, count: usize) -> RangeInclusive<usize> {
        let within = |value: f64| (value.max(0.0) as usize).min(count - 1);
        within(from)..=within(to)
    }

    /// Notes a piece in the cells it has a part in. `passed` is memory to work in.
    fn put<'a>(&self, rings: &(impl Iterator<Item = &'a [[f64; 2]]> + Clone), piece: u32, passed: &mut Vec<bool>, states: &[AtomicU32]) {
        let bounds = rings.clone().fold(Bounds::EMPTY, |bounds, ring| bounds.union(&Bounds::of(ring)));
        let [columns, rows] = self.cells_within(&bounds);
        let (left, bottom, width) = (*columns.start(), *rows.start(), columns.clone().count());
        passed.clear();
        passed.resize(width * rows.clone().count(), false);
        for edge in rings.clone().flat_map(|ring| ring.windows(2)) {
            let (a, b) = (self.in_cells(edge[0]), self.in_cells(edge[1]));
            let ([x1, y1], [x2, y2]) = if a[0] <= b[0] { (a, b) } else { (b, a) };
            for column in Self::range(x1, x2, self.columns) {
                // From where the edge enters the column to where it leaves it.
                let y_at = |x: f64| {
                    if x <= x1 {
                        y1
                    } else if x >= x2 {
                        y2
                    } else {
                        y1 + (y2 - y1) * ((x - x1) / (x2 - x1))
                    }
                };
                let (enters, leaves) = (y_at(column as f64 - MARGIN), y_at(column as f64 + 1.0 + MARGIN));
                let (low, high) = (enters.min(leaves) - MARGIN, enters.max(leaves) + MARGIN);
                for row in Self::range(low.max(y1.min(y2)), high.min(y1.max(y2)), self.rows) {
                    passed[(row - bottom) * width + column - left] = true;
                }
            }
        }
        for row in rows {
            for column in columns.clone() {
                let state = &states[row * self.columns + column];
                if passed[(row - bottom) * width + column - left] {
                    state.store(OPEN, Relaxed);
                    continue;
                }
                let middle = [column, row].map(|cell| cell as f64 + 0.5);
                let middle = [0, 1].map(|axis| self.origin[axis] + middle[axis] / self.scale);
                if rings.clone().map(|ring| at::winding(ring, middle)).sum::<i32>() != 0 && state.compare_exchange(EMPTY, piece, Relaxed, Relaxed).is_err() {
                    state.store(OPEN, Relaxed);
                }
            }
        }
    }
}

/// A box in double precision.
fn wide([x0, y0, x1, y1]: &PieceBox) -> Bounds {
    Bounds { min: [f64::from(*x0), f64::from(*y0)], max: [f64::from(*x1), f64::from(*y1)] }
}

#[cfg(test)]
mod tests {
    use super::Under;
    use crate::{CoverageBuilder, Figure, Region};
    use proptest::prelude::*;
    use std::f64::consts::TAU;

    /// A star of some points around a place, with a hole in it where that is asked for.
    fn star([x, y]: [f64; 2], radius: f64, points: u32, turn: f64, hole: bool) -> Region {
        let ring = |radius: f64, to: f64| {
            (0..=2 * points).map(move |k| {
                let (angle, reach) = (turn + TAU * f64::from(k % (2 * points)) / f64::from(2 * points), if k % 2 == 0 { radius } else { radius * to });
                [x + reach * angle.cos(), y + reach * angle.sin()]
            })
        };
        let mut region = Region::default();
        region.push(ring(radius, 0.6), true);
        if hole {
            region.push(ring(radius * 0.3, 0.8), false);
        }
        region
    }

    fn a_star() -> impl Strategy<Value = Region> {
        ((0.0..1000.0, 0.0..1000.0), 5.0..200.0, 3_u32..90, 0.0..TAU, any::<bool>())
            .prop_map(|((x, y), radius, points, turn, hole)| star([x, y], radius, points, turn, hole))
    }

    proptest! {
        /// Oracle: every member measured, whole.
        #[test]
        fn what_is_known_without_measuring_is_what_measuring_finds(
            stars in prop::collection::vec(a_star(), 1..8),
            figures in prop::collection::vec(((-20.0..1020.0, -20.0..1020.0), 0.01..30.0, 3_u32..9), 60),
        ) {
            let mut builder = CoverageBuilder::default();
            for star in &stars {
                builder.push(star).unwrap();
            }
            let (coverage, order) = builder.finish().unwrap().along_a_curve(None).unwrap();
            for ((x, y), radius, points) in figures {
                let figure = Figure::new(star([x, y], radius, points, 0.3, false));
                let shared: Vec<f64> = order.iter().map(|member| figure.shared_m2(stars[*member as usize].rings())).collect();
                let least_m2 = 1e-12 * figure.area_m2();
                match coverage.cells.under(figure.bounds()) {
                    Under::Unknown => {}
                    Under::Nothing => prop_assert!(shared.iter().all(|area_m2| *area_m2 <= least_m2), "{shared:?}"),
                    Under::Piece(of) => {
                        let of = coverage.pieces[of as usize].member;
                        prop_assert!((shared[of as usize] - figure.area_m2()).abs() <= least_m2);
                        prop_assert!((0..).zip(&shared).all(|(member, area_m2)| member == of || *area_m2 <= least_m2), "{shared:?}");
                    }
                }
            }
        }
    }

    /// A part of a figure that lies in its hole is a ring there and one back.
    #[test]
    fn rings_that_cancel_have_nothing_of_what_they_lie_on() {
        let mut builder = CoverageBuilder::default();
        builder.push(&star([0.0, 0.0], 1000.0, 80, 0.0, false)).unwrap();
        let coverage = builder.finish().unwrap();
        let stars = (0..50).map(|k| star([f64::from(k) * 7.0, f64::from(k) * 10.0], 3.0, 6, 0.0, false));
        let there = stars.into_iter().find(|star| matches!(coverage.cells.under(&star.bounds()), Under::Piece(_))).unwrap();
        let ring = there.rings().next().unwrap();
        assert_eq!(coverage.hits(&Figure::new(there.clone())).unwrap().len(), 1);
        let back: Vec<[f64; 2]> = ring.iter().rev().copied().collect();
        let nothing = Figure::new(Region::of_rings([ring, &back].into_iter()));
        assert!(matches!(coverage.cells.under(nothing.bounds()), Under::Piece(_)));
        assert!(coverage.hits(&nothing).unwrap().is_empty());
    }

    #[test]
    fn most_small_figures_on_a_large_member_need_no_measuring() {
        let mut builder = CoverageBuilder::default();
        builder.push(&star([0.0, 0.0], 1000.0, 80, 0.0, false)).unwrap();
        let coverage = builder.finish().unwrap();
        let under = |x: f64| coverage.cells.under(Figure::new(star([x, x], 2.0, 4, 0.0, false)).bounds());
        let full = (-30..30).filter(|k| matches!(under(f64::from(*k) * 10.0), Under::Piece(_))).count();
        assert!(full > 30, "{full} of 60");
        assert!(matches!(under(-800.0), Under::Nothing) && matches!(under(2000.0), Under::Unknown));
    }
}
