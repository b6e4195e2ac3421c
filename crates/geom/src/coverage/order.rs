//! Hilbert order: members are renumbered along the curve by which their pieces are packed ([`Boxes`](super::Boxes)), instead of in the order they came in.
//! Pieces of a member stay together, and in their order.
//!
//! 1. What a figure meets lies together in memory, and is found there at once.
//! 2. Sums over members that overlap depend on their order in the last bits. The curve depends on where members lie and not on how the file lists them,
//!    so a file whose features are shuffled gives the same figures.

use super::positions::{Positions, Reader};
use super::{Coverage, Piece, Shelf};
use std::io;

impl Coverage {
    /// Renumbers the members along the curve, and lays their positions into memory, or onto an empty shelf; tells for each new number the old one. Overlaps
    /// keep the numbers under which members were pushed.
    pub fn along_a_curve(mut self, shelf: Option<Box<dyn Shelf>>) -> io::Result<(Self, Vec<u32>)> {
        let mut own = vec![0..0; self.members as usize];
        let mut first = 0;
        for pieces in self.pieces.chunk_by(|a, b| a.member == b.member) {
            let end = first + pieces.len() as u32;
            own[pieces[0].member as usize] = first..end;
            first = end;
        }
        let order = self.members_by_place();
        let mut new_piece = vec![0; self.pieces.len()];
        let (mut pieces, mut ring_ends) = (Vec::with_capacity(self.pieces.len()), Vec::with_capacity(self.ring_ends.len()));
        let mut positions = shelf.map_or_else(|| Positions::held(self.positions.len()), Positions::shelved);
        let mut reader = Reader::new(&self);
        for (member, old) in (0..).zip(&order) {
            for piece in own[*old as usize].clone() {
                let first = ring_ends.len() as u32;
                for ring in reader.rings(piece)? {
                    positions.append(ring)?;
                    ring_ends.push(positions.len());
                }
                new_piece[piece as usize] = pieces.len() as u32;
                pieces.push(Piece { member, rings: [first, ring_ends.len() as u32], ..self.pieces[piece as usize] });
            }
        }
        positions.settle()?;
        let overlapping = order.iter().map(|old| self.overlapping[*old as usize]).collect();
        self.index.renumber(&new_piece);
        Ok((Self { positions, ring_ends, pieces, overlapping, ..self }, order))
    }

    /// The members in the order in which the curve first meets a piece of theirs; those without any at the end.
    fn members_by_place(&self) -> Vec<u32> {
        let mut is_met = vec![false; self.members as usize];
        let along = self.index.numbers().iter().map(|piece| self.pieces[*piece as usize].member).chain(0..self.members);
        along.filter(|member| !std::mem::replace(&mut is_met[*member as usize], true)).collect()
    }
}

#[cfg(test)]
mod tests {
    use crate::{CoverageBuilder, Figure, Hits, Region};

    fn square(x: f64, y: f64, side: f64) -> Region {
        Region::of_shell(vec![[x, y], [x + side, y], [x + side, y + side], [x, y + side], [x, y]])
    }

    /// Oracle: the same members in the order they came in.
    #[test]
    fn members_in_another_order_measure_the_same() {
        let mut builder = CoverageBuilder::default();
        // Scattered, the last ones cut into many pieces, some on top of others.
        let ring =
            |x: f64| (0..=400).map(|k| f64::from(k % 400) * std::f64::consts::TAU / 400.0).map(|turn| [x + 9.0 * turn.cos(), 9.0 * turn.sin()]).collect();
        for k in 0..60_u32 {
            builder.push(&square(f64::from(k * 37 % 60), f64::from(k * 11 % 7), 1.0)).unwrap();
        }
        for k in 0..3 {
            builder.push(&Region::of_shell(ring(20.0 * f64::from(k)))).unwrap();
        }
        let before = builder.finish().unwrap();
        let mut bytes = Vec::new();
        before.freeze(&mut bytes).unwrap();
        let (after, order) = crate::Coverage::thaw(&mut bytes.as_slice(), |_, _| Ok(None)).unwrap().along_a_curve(None).unwrap();
        let mut members = order.clone();
        members.sort_unstable();
        assert_eq!(members, (0..63).collect::<Vec<_>>());
        assert_ne!(order, members);
        assert_eq!((after.vertices(), after.overlaps()), (before.vertices(), before.overlaps()));
        for k in 0..40 {
            let figure = Figure::new(square(f64::from(k) * 1.4, f64::from(k % 5), 2.3));
            let (hits, mut again) = (before.hits(&figure).unwrap(), after.hits(&figure).unwrap());
            assert!(again.is_sorted_by_key(|hit| hit.member));
            let covered = [before.covered_m2(&figure, &hits).unwrap(), after.covered_m2(&figure, &again).unwrap()];
            again.iter_mut().for_each(|hit| hit.member = order[hit.member as usize]);
            again.sort_unstable_by_key(|hit| hit.member);
            let areas = |hits: &Hits| hits.iter().map(|hit| (hit.member, hit.area_m2)).collect::<Vec<_>>();
            assert_eq!(areas(&again), areas(&hits));
            assert!((covered[0] - covered[1]).abs() <= 1e-14 * figure.area_m2(), "{covered:?}");
            assert!(
                hits.iter()
                    .all(|hit| before.overlaps_another(hit.member) == after.overlaps_another(order.iter().position(|old| *old == hit.member).unwrap() as u32))
            );
        }
    }
}
