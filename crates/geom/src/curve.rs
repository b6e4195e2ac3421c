//! Hilbert curve: places that are near each other are mostly near each other along it, so what is stored in its order is found together in memory.

/// A Hilbert curve over a box.
#[derive(Debug, Clone, Copy)]
pub struct Curve {
    min: [f64; 2],
    scale: [f64; 2],
}

impl Curve {
    /// The curve over the box around some places.
    pub fn over(places: impl Iterator<Item = [f64; 2]>) -> Self {
        let bounds = places.fold(super::Bounds::EMPTY, |mut all, at| {
            all.extend(at);
            all
        });
        let scale = |axis: usize| {
            let length = bounds.max[axis] - bounds.min[axis];
            if length > 0.0 { 65_535.0 / length } else { 0.0 }
        };
        Self { min: bounds.min, scale: [scale(0), scale(1)] }
    }

    /// How far along the curve a place lies: 16 bits of each coordinate, taken from the highest down, each turning the quarter it chooses.
    #[must_use]
    pub fn at(&self, [x, y]: [f64; 2]) -> u32 {
        let mut x = ((x - self.min[0]) * self.scale[0]) as u32;
        let mut y = ((y - self.min[1]) * self.scale[1]) as u32;
        let mut along = 0;
        for bit in (0..16).rev() {
            let (right, upper) = (x >> bit & 1, y >> bit & 1);
            along = along << 2 | (3 * right) ^ upper;
            if upper == 0 {
                if right == 1 {
                    (x, y) = (!x & 0xffff, !y & 0xffff);
                }
                (x, y) = (y, x);
            }
        }
        along
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Oracle: what a Hilbert curve is: it goes through every place once, and from each to one right beside it.
    #[test]
    fn it_goes_from_neighbour_to_neighbour() {
        let places = |size: u32| (0..size * size).map(move |k| [f64::from(k % size), f64::from(k / size)]);
        let curve = Curve::over(places(64));
        let mut along: Vec<(u32, [f64; 2])> = places(64).map(|at| (curve.at(at), at)).collect();
        along.sort_by_key(|(along, _)| *along);
        assert!(along.windows(2).all(|pair| pair[0].0 < pair[1].0), "no place is met twice");
        assert!(along.windows(2).all(|pair| (pair[0].1[0] - pair[1].1[0]).abs() + (pair[0].1[1] - pair[1].1[1]).abs() == 1.0));
    }

    #[test]
    fn a_single_place_and_none_are_no_trouble() {
        assert_eq!(Curve::over(std::iter::once([3.0, 4.0])).at([3.0, 4.0]), Curve::over(std::iter::empty()).at([0.0, 0.0]));
    }
}
