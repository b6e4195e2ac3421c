//! A packed Hilbert R-tree of the pieces' boxes in single precision, sixteen to a node, laid out so that a node's sixteen are compared at once.
//!
//! Boxes are sorted along a Hilbert curve and packed: node k of a level has the entries 16k to 16k+15 of the level below, so that there are no links to
//! follow. An index that compares one box at a time took a fifth of the main job.

use crate::Curve;
use rayon::prelude::*;
use smallvec::SmallVec;
use wide::f32x8;

/// Lower left and upper right of a piece, metres, rounded outwards to half the bytes: it finds some pieces more, and those share nothing.
pub(super) type PieceBox = [f32; 4];

/// What a search found; nearly always few enough to need no allocation.
pub(super) type Numbers = SmallVec<[u32; 32]>;

/// Entries of a node.
const WIDTH: usize = 16;
/// Of eight entries each.
const HALVES: usize = 2;

/// The boxes of sixteen entries, side by side. Unused ones are the box of nothing, which touches no box.
#[derive(Debug, Clone, Copy)]
#[repr(align(64))]
struct Node {
    min_x: [f32x8; HALVES],
    min_y: [f32x8; HALVES],
    max_x: [f32x8; HALVES],
    max_y: [f32x8; HALVES],
}

/// The box of nothing.
const NOTHING: PieceBox = [f32::INFINITY, f32::INFINITY, f32::NEG_INFINITY, f32::NEG_INFINITY];

/// Some boxes, in order to find those that touch another.
#[derive(Debug, Default)]
pub(super) struct Boxes {
    /// The leaves, then the nodes above them, and so on up to the root.
    nodes: Vec<Node>,
    /// Where each level begins in `nodes`; the last one has one node.
    levels: Vec<u32>,
    /// For each entry of the leaves, the number of its box.
    numbers: Vec<u32>,
}

impl Node {
    fn of(boxes: impl Iterator<Item = PieceBox>) -> Self {
        let mut sides = NOTHING.map(|side| [side; WIDTH]);
        for (lane, one) in boxes.enumerate() {
            for (side, value) in sides.iter_mut().zip(one) {
                side[lane] = value;
            }
        }
        let [min_x, min_y, max_x, max_y] = sides.map(|side| std::array::from_fn(|half| f32x8::from(&side[half * 8..half * 8 + 8])));
        Self { min_x, min_y, max_x, max_y }
    }

    /// The box around all of them.
    fn around(&self) -> PieceBox {
        let fold = |side: &[f32x8; HALVES], first: f32, of: fn(f32, f32) -> f32| side.iter().flat_map(|half| half.to_array()).fold(first, of);
        [
            fold(&self.min_x, NOTHING[0], f32::min),
            fold(&self.min_y, NOTHING[1], f32::min),
            fold(&self.max_x, NOTHING[2], f32::max),
            fold(&self.max_y, NOTHING[3], f32::max),
        ]
    }

    /// One bit for each entry, set where it touches the box.
    #[inline]
    fn touching(&self, window: PieceBox) -> u32 {
        let [x0, y0, x1, y1] = window.map(f32x8::splat);
        let half = |k: usize| {
            let touching = self.min_x[k].simd_le(x1) & self.min_y[k].simd_le(y1) & self.max_x[k].simd_ge(x0) & self.max_y[k].simd_ge(y0);
            touching.to_bitmask()
        };
        half(0) | half(1) << 8
    }
}

impl Boxes {
    /// The numbers of the boxes along the curve they are packed by.
    pub(super) fn numbers(&self) -> &[u32] {
        &self.numbers
    }

    /// Gives each box another number.
    pub(super) fn renumber(&mut self, new: &[u32]) {
        self.numbers.iter_mut().for_each(|number| *number = new[*number as usize]);
    }

    /// Packs boxes; their numbers are their places. O(n log n).
    pub(super) fn of(boxes: &[PieceBox]) -> Self {
        if boxes.is_empty() {
            return Self::default();
        }
        let curve = Curve::over(boxes.iter().map(middle));
        let mut numbers: Vec<(u32, u32)> = boxes.par_iter().enumerate().map(|(number, one)| (curve.at(middle(one)), number as u32)).collect();
        numbers.par_sort_unstable();
        let numbers: Vec<u32> = numbers.into_iter().map(|(_, number)| number).collect();
        let mut nodes: Vec<Node> = numbers.chunks(WIDTH).map(|some| Node::of(some.iter().map(|number| boxes[*number as usize]))).collect();
        let mut levels = vec![0];
        let mut begin = 0;
        while nodes.len() - begin > 1 {
            let level = begin..nodes.len();
            begin = nodes.len();
            levels.push(begin as u32);
            for first in level.clone().step_by(WIDTH) {
                let node = Node::of(nodes[first..level.end.min(first + WIDTH)].iter().map(Node::around));
                nodes.push(node);
            }
        }
        Self { nodes, levels, numbers }
    }

    /// Numbers of the boxes that touch `window`, ascending.
    pub(super) fn search(&self, window: PieceBox) -> Numbers {
        let mut found = Numbers::new();
        if let Some(top) = self.levels.len().checked_sub(1) {
            self.descend(top, 0, window, &mut found);
            found.sort_unstable();
        }
        found
    }

    fn descend(&self, level: usize, node: usize, window: PieceBox, found: &mut Numbers) {
        let mut touching = self.nodes[self.levels[level] as usize + node].touching(window);
        while touching != 0 {
            let entry = node * WIDTH + touching.trailing_zeros() as usize;
            touching &= touching - 1;
            match level.checked_sub(1) {
                Some(below) => self.descend(below, entry, window, found),
                None => found.push(self.numbers[entry]),
            }
        }
    }
}

fn middle([x0, y0, x1, y1]: &PieceBox) -> [f64; 2] {
    [f32::midpoint(*x0, *x1), f32::midpoint(*y0, *y1)].map(f64::from)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn a_box() -> impl Strategy<Value = PieceBox> {
        (0_u8..60, 0_u8..60, 0_u8..9, 0_u8..9).prop_map(|(x, y, width, height)| [x, y, x + width, y + height].map(f32::from))
    }

    proptest! {
        /// Oracle: looking at every box.
        #[test]
        fn a_search_finds_what_looking_at_every_box_finds(boxes in prop::collection::vec(a_box(), 0..700), window in a_box()) {
            let touches = |one: &PieceBox| one[0] <= window[2] && one[1] <= window[3] && one[2] >= window[0] && one[3] >= window[1];
            let expected: Vec<u32> = (0..boxes.len() as u32).filter(|number| touches(&boxes[*number as usize])).collect();
            prop_assert_eq!(Boxes::of(&boxes).search(window).to_vec(), expected);
        }
    }
}
