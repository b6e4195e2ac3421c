//! Rings whose directions do not tell shells from holes: told apart by which lies in which.

use tuban_geom::{Defect, Outline, lies_in};

/// An outline put together by which ring lies in which.
pub(super) struct Nested {
    /// The outline.
    pub outline: Outline,
    /// For each of its rings, which one it was.
    was: Vec<usize>,
    /// The first ring that is now another's, or no longer is.
    pub first: usize,
}

/// Most rings that are told apart like this: each is held against each.
const MOST_RINGS: usize = 1000;

/// Every ring in an even number of others as a shell, and the others as holes of the smallest ring around them; `None` where that is how they are already, where
/// there are too many, and where some are open.
pub(super) fn nested(outline: &Outline) -> Option<Nested> {
    let count = outline.ring_ends.len();
    let ring = |number: usize| outline.ring(number);
    if !(2..=MOST_RINGS).contains(&count) || (0..count).any(|number| ring(number).len() < 4 || ring(number).first() != ring(number).last()) {
        return None;
    }
    let around: Vec<Vec<usize>> = (0..count).map(|inner| (0..count).filter(|outer| *outer != inner && lies_in(ring(inner), ring(*outer))).collect()).collect();
    // The smallest ring around another one lies in all others that do.
    let owner = |number: usize| around[number].iter().copied().max_by_key(|outer| around[*outer].len());
    let is_hole = |number: usize| around[number].len() % 2 == 1;
    let (mut nested, mut was) = (Outline { multi: true, ..Outline::default() }, Vec::new());
    for shell in (0..count).filter(|number| !is_hole(*number)) {
        let own = std::iter::once(shell).chain((0..count).filter(|hole| is_hole(*hole) && owner(*hole) == Some(shell)));
        for number in own {
            nested.push_ring(ring(number));
            was.push(number);
        }
        nested.end_part();
    }
    let first = (0..count).find(|number| is_hole(*number) != (outline.place_of(*number).1 > 0))?;
    (was.len() == count).then_some(Nested { outline: nested, was, first })
}

impl Nested {
    /// The part and ring of `outline` that a defect of the nested one is about.
    pub fn place_of(&self, outline: &Outline, defect: &Defect) -> (u32, u32) {
        let number = self.outline.parts().nth(defect.part as usize).map_or(0, |rings| rings.start) + defect.ring as usize;
        outline.place_of(self.was.get(number).copied().unwrap_or(0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn square(at: f64, side: f64) -> Vec<[f64; 2]> {
        vec![[at, at], [at + side, at], [at + side, at + side], [at, at + side], [at, at]]
    }

    /// Oracle: by hand.
    #[test]
    fn an_island_in_a_hole_in_a_shell_is_told_apart() {
        let mut parts = Outline { multi: true, ..Outline::default() };
        for ring in [square(4.0, 1.0), square(0.0, 9.0), square(2.0, 5.0)] {
            parts.push_ring(&ring);
            parts.end_part();
        }
        let nested = nested(&parts).unwrap();
        assert_eq!((nested.outline.part_ends.as_slice(), nested.was.as_slice(), nested.first), (&[1, 3][..], &[0, 1, 2][..], 2));
        let apart = Outline::polygon(&[square(0.0, 9.0), square(2.0, 5.0)]);
        assert!(super::nested(&apart).is_none());
    }
}
