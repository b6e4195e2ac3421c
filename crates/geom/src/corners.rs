//! Whether two outlines have the same corners, however their files were written.

use super::Outline;

/// Starts of a ring that are tried: more than one only where corners lie closer together than what counts as the same place.
const STARTS: usize = 8;

impl Outline {
    /// Whether both have the same corners, each within `tolerance` in x and in y: the same parts with the same rings, in whatever order, beginning where they may and
    /// running either way round. Edges are not compared: between the same corners they differ with the CRS.
    #[must_use]
    pub fn has_corners_of(&self, other: &Self, tolerance: f64) -> bool {
        let (mine, theirs) = (parts(self), parts(other));
        matches(&mine, &theirs, |mine, theirs| {
            let ((shell, holes), (their_shell, their_holes)) = (mine.split_at(mine.len().min(1)), theirs.split_at(theirs.len().min(1)));
            let same = |one: &&[[f64; 2]], two: &&[[f64; 2]]| same_ring(one, two, tolerance);
            matches(shell, their_shell, same) && matches(holes, their_holes, same)
        })
    }
}

/// Rings of each part, without the position that closes them.
fn parts(outline: &Outline) -> Vec<Vec<&[[f64; 2]]>> {
    let (mut parts, mut first_ring, mut first) = (Vec::with_capacity(outline.part_ends.len()), 0, 0);
    for end in &outline.part_ends {
        let mut rings = Vec::new();
        for ring_end in outline.ring_ends.get(first_ring..*end as usize).unwrap_or_default() {
            rings.push(open(outline.positions.get(first..*ring_end as usize).unwrap_or_default()));
            first = *ring_end as usize;
        }
        first_ring = *end as usize;
        parts.push(rings);
    }
    parts
}

fn open(ring: &[[f64; 2]]) -> &[[f64; 2]] {
    match ring {
        [first, middle @ .., last] if first == last && !middle.is_empty() => &ring[..ring.len() - 1],
        _ => ring,
    }
}

/// Whether each of these has one of those to itself. Those in the same order are looked at first.
fn matches<T>(these: &[T], those: &[T], same: impl Fn(&T, &T) -> bool) -> bool {
    if these.len() != those.len() {
        return false;
    }
    let mut taken = vec![false; those.len()];
    these.iter().enumerate().all(|(place, this)| {
        let found = std::iter::once(place).chain(0..those.len()).find(|at| !taken[*at] && same(this, &those[*at]));
        found.inspect(|at| taken[*at] = true).is_some()
    })
}

fn same_ring(one: &[[f64; 2]], two: &[[f64; 2]], tolerance: f64) -> bool {
    let near = |a: &[f64; 2], b: &[f64; 2]| (a[0] - b[0]).abs() <= tolerance && (a[1] - b[1]).abs() <= tolerance;
    let Some(first) = one.first() else { return two.is_empty() };
    if one.len() != two.len() {
        return false;
    }
    let mut starts = (0..two.len()).filter(|at| near(first, &two[*at])).take(STARTS);
    starts.any(|start| {
        let onwards = two[start..].iter().chain(&two[..start]);
        let back = two[..=start].iter().rev().chain(two[start + 1..].iter().rev());
        one.iter().zip(onwards).all(|(a, b)| near(a, b)) || one.iter().zip(back).all(|(a, b)| near(a, b))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const MILLIMETRE: f64 = 1e-8;
    const SHELL: [[f64; 2]; 5] = [[0.0, 0.0], [4.0, 0.0], [4.0, 3.0], [0.0, 3.0], [0.0, 0.0]];
    const HOLE: [[f64; 2]; 4] = [[1.0, 1.0], [2.0, 1.0], [1.0, 2.0], [1.0, 1.0]];

    #[test]
    fn a_ring_begins_anywhere_and_runs_either_way() {
        let outline = Outline::polygon(&[&SHELL[..], &HOLE]);
        for start in 0..4 {
            let mut turned: Vec<[f64; 2]> = (0..=4).map(|n| SHELL[(start + n) % 4]).collect();
            assert!(outline.has_corners_of(&Outline::polygon(&[turned.as_slice(), &HOLE]), MILLIMETRE), "{start}");
            turned.reverse();
            assert!(outline.has_corners_of(&Outline::polygon(&[turned.as_slice(), &HOLE]), MILLIMETRE), "{start} reversed");
        }
    }

    #[test]
    fn parts_and_holes_come_in_any_order() {
        let moved = |ring: &[[f64; 2]], by: f64| ring.iter().map(|at| [at[0] + by, at[1]]).collect::<Vec<_>>();
        let multi = |rings: &[&[Vec<[f64; 2]>]]| {
            let mut outline = Outline { multi: true, ..Outline::default() };
            for part in rings {
                part.iter().for_each(|ring| outline.push_ring(ring));
                outline.end_part();
            }
            outline
        };
        let (near, far) = ([moved(&SHELL, 0.0), moved(&HOLE, 0.0), moved(&HOLE, 1.5)], [moved(&SHELL, 9.0)]);
        let one = multi(&[&near, &far]);
        let two = multi(&[&far, &[near[0].clone(), near[2].clone(), near[1].clone()]]);
        assert!(one.has_corners_of(&two, MILLIMETRE) && two.has_corners_of(&one, MILLIMETRE));
        assert!(!one.has_corners_of(&multi(&[&far, &near[..2]]), MILLIMETRE), "a hole is missing");
        assert!(!one.has_corners_of(&multi(&[&far, &far]), MILLIMETRE), "one part twice");
        assert!(!multi(&[&far, &far]).has_corners_of(&one, MILLIMETRE));
    }

    #[test]
    fn a_corner_that_moved_or_is_new_is_another_outline() {
        let outline = Outline::polygon(&[SHELL]);
        let with = |at: usize, by: f64| {
            let mut ring = SHELL;
            ring[at][1] += by;
            Outline::polygon(&[ring])
        };
        assert!(outline.has_corners_of(&with(2, 0.9e-8), MILLIMETRE));
        assert!(!outline.has_corners_of(&with(2, 1.1e-8), MILLIMETRE));
        assert!(!outline.has_corners_of(&Outline::polygon(&[[SHELL[0], SHELL[1], [4.0, 1.0], SHELL[2], SHELL[3], SHELL[0]]]), MILLIMETRE), "a corner more");
        assert!(!outline.has_corners_of(&Outline::default(), MILLIMETRE) && Outline::default().has_corners_of(&Outline::default(), MILLIMETRE));
        // A bow tie of the same corners.
        assert!(!outline.has_corners_of(&Outline::polygon(&[[SHELL[0], SHELL[2], SHELL[1], SHELL[3], SHELL[0]]]), MILLIMETRE));
    }
}
