//! The oracle: areas in exact rational arithmetic.
//!
//! Every f64 is an integer over a power of two, so polygons of f64 vertices have exact areas, and so has every combination of them. Shares
//! nothing with the kernel: no rounding, no predicates, no orientation (what is inside is told by counting edges, even or odd).
//!
//! 1. Scale all coordinates by one power of two, to integers.
//! 2. Cut the plane by vertical lines at every vertex and every crossing; their x are exact rationals.
//! 3. Between two lines, edges are ordered by their exact height half-way; each gap between two of them is a trapezoid, kept or not.
//! 4. Trapezoids are summed in units of 2⁻³⁰⁰ of a scaled unit, each rounded away from 0: the sum is 0 only if every kept one is empty.

use num_bigint::{BigInt, Sign};
use num_rational::BigRational;
use num_traits::{One, Signed, ToPrimitive, Zero};

/// Closed rings of one region, in any orientation. Inside is where an odd number of edges lie below.
pub type Rings = Vec<Vec<[f64; 2]>>;

/// Bits below the scaled unit that sums keep.
const BITS: u32 = 300;

struct Edge {
    x1: BigInt,
    y1: BigInt,
    x2: BigInt,
    y2: BigInt,
    region: usize,
    /// For a quick and safe look whether two edges can meet.
    bounds: [f64; 4],
}

/// The area shared by two regions.
pub fn shared_m2(a: &Rings, b: &Rings) -> f64 {
    area_m2(&[a, b], |inside| inside[0] && inside[1])
}

/// The area of one region.
pub fn own_m2(a: &Rings) -> f64 {
    area_m2(&[a], |inside| inside[0])
}

/// The area of the ground that `keep` keeps, told for each region whether the ground lies in it. Exact but for the last rounding to f64.
pub fn area_m2(regions: &[&Rings], keep: impl Fn(&[bool]) -> bool) -> f64 {
    let positions = || regions.iter().flat_map(|rings| rings.iter()).flatten().flatten();
    let lowest = positions().filter(|value| **value != 0.0).map(|value| parts(*value).1).min().unwrap_or(0);
    let scaled = |value: f64| {
        let (mantissa, exponent) = parts(value);
        if mantissa == 0 { BigInt::zero() } else { BigInt::from(mantissa) << (exponent - lowest) as u32 }
    };
    let mut edges = Vec::new();
    for (region, rings) in regions.iter().enumerate() {
        for pair in rings.iter().flat_map(|ring| ring.windows(2)).filter(|pair| pair[0][0] != pair[1][0]) {
            let (a, b) = if pair[0][0] < pair[1][0] { (pair[0], pair[1]) } else { (pair[1], pair[0]) };
            let bounds = [a[0], a[1].min(b[1]), b[0], a[1].max(b[1])];
            edges.push(Edge { x1: scaled(a[0]), y1: scaled(a[1]), x2: scaled(b[0]), y2: scaled(b[1]), region, bounds });
        }
    }
    let sum = slabs(&edges, regions.len(), &keep);
    let unit = BITS as i32 - 2 * lowest;
    let sum = if unit >= 0 { BigRational::new(sum, BigInt::one() << unit as u32) } else { BigRational::from_integer(sum << (-unit) as u32) };
    sum.to_f64().expect("an area is finite")
}

/// An integer and a power of two whose product is the value.
fn parts(value: f64) -> (i64, i32) {
    assert!(value.is_finite());
    let bits = value.abs().to_bits();
    let (exponent, fraction) = ((bits >> 52) as i32, (bits & ((1 << 52) - 1)) as i64);
    let (mantissa, exponent) = if exponent == 0 { (fraction, -1074) } else { (fraction | (1 << 52), exponent - 1075) };
    if mantissa == 0 {
        return (0, 0);
    }
    let twos = mantissa.trailing_zeros();
    ((mantissa >> twos) * if value < 0.0 { -1 } else { 1 }, exponent + twos as i32)
}

/// Steps 2 to 4.
fn slabs(edges: &[Edge], regions: usize, keep: &impl Fn(&[bool]) -> bool) -> BigInt {
    let mut xs: Vec<BigRational> = edges.iter().flat_map(|edge| [&edge.x1, &edge.x2]).map(|x| BigRational::from_integer(x.clone())).collect();
    for (i, edge) in edges.iter().enumerate() {
        xs.extend(edges[i + 1..].iter().filter_map(|other| crossing(edge, other)));
    }
    xs.sort();
    xs.dedup();
    let mut sum = BigInt::zero();
    for slab in xs.windows(2) {
        let (left, right) = (&slab[0], &slab[1]);
        let middle = (left + right) / BigInt::from(2);
        let (p, q) = (middle.numer(), middle.denom());
        // Height half-way is n/(d·q).
        let mut stack: Vec<(BigInt, BigInt, usize)> = edges
            .iter()
            .filter(|edge| &edge.x1 * left.denom() <= *left.numer() && &edge.x2 * right.denom() >= *right.numer())
            .map(|edge| {
                let d = &edge.x2 - &edge.x1;
                (&edge.y1 * &d * q + (&edge.y2 - &edge.y1) * (p - &edge.x1 * q), d, edge.region)
            })
            .collect();
        stack.sort_by(|a, b| (&a.0 * &b.1).cmp(&(&b.0 * &a.1)));
        let width = right - left;
        let mut inside = vec![false; regions];
        for pair in stack.windows(2) {
            let ((low, low_d, region), (high, high_d, _)) = (&pair[0], &pair[1]);
            inside[*region] = !inside[*region];
            if keep(&inside) {
                let top = (high * low_d - low * high_d) * width.numer();
                let bottom = low_d * high_d * q * width.denom();
                sum += ((top << BITS) + &bottom - BigInt::one()) / bottom;
            }
        }
    }
    sum
}

/// The x at which two edges cross between their ends, if they do.
fn crossing(e: &Edge, f: &Edge) -> Option<BigRational> {
    let apart = |low: usize, high: usize| e.bounds[low] > f.bounds[high] || f.bounds[low] > e.bounds[high];
    if apart(0, 2) || apart(1, 3) {
        return None;
    }
    let side = |e: &Edge, x: &BigInt, y: &BigInt| (&e.x2 - &e.x1) * (y - &e.y1) - (&e.y2 - &e.y1) * (x - &e.x1);
    let (a, b) = (side(e, &f.x1, &f.y1), side(e, &f.x2, &f.y2));
    let opposite = |a: &BigInt, b: &BigInt| a.sign() != Sign::NoSign && b.sign() != Sign::NoSign && a.sign() != b.sign();
    if !opposite(&a, &b) || !opposite(&side(f, &e.x1, &e.y1), &side(f, &e.x2, &e.y2)) {
        return None;
    }
    // Along f, the distance from e falls from |a| to 0 and grows to |b|.
    let (a, b) = (a.abs(), b.abs());
    Some(BigRational::new(&f.x1 * &b + &f.x2 * &a, a + b))
}

/// Oracle of the oracle: by hand.
#[test]
fn the_oracle_knows_squares_triangles_and_holes() {
    let square = |x: f64, y: f64, side: f64| vec![[x, y], [x + side, y], [x + side, y + side], [x, y + side], [x, y]];
    let (big, small) = (vec![square(0.0, 0.0, 3.0), square(1.0, 1.0, 1.0)], vec![square(0.5, 0.5, 2.0)]);
    assert_eq!(own_m2(&big), 8.0);
    assert_eq!(shared_m2(&big, &small), 3.0);
    assert_eq!(area_m2(&[&big, &small], |inside| inside[0] || inside[1]), 9.0);
    assert_eq!(shared_m2(&big, &vec![square(3.0, 0.0, 3.0)]), 0.0);
    let triangles = [vec![vec![[0.0, 0.0], [3.0, 0.0], [0.0, 1.0], [0.0, 0.0]]], vec![vec![[0.0, 0.0], [3.0, 0.0], [3.0, 1.0], [0.0, 0.0]]]];
    assert_eq!(shared_m2(&triangles[0], &triangles[1]), 0.75);
    // A third of a unit to the last bit: the crossing of x/3 with 1/2 − x is no f64.
    let thirds = [vec![vec![[0.0, 0.0], [3.0, 1.0], [3.0, 0.0], [0.0, 0.0]]], vec![vec![[0.0, 1.0], [1.0, 0.0], [0.0, 0.0], [0.0, 1.0]]]];
    assert_eq!(shared_m2(&thirds[0], &thirds[1]), 0.125);
    let tiny = f64::MIN_POSITIVE.sqrt();
    assert_eq!(own_m2(&vec![square(0.0, 0.0, tiny)]), tiny * tiny);
    assert_eq!(own_m2(&vec![vec![[1e8, 0.0], [1e8 + 1.0, 0.0], [1e8, 1e-7], [1e8, 0.0]]]), 5e-8);
}

/// Oracle of the oracle: |A| + |B| = |A ∪ B| + |A ∩ B|, and three-way inclusion and exclusion, exactly but for the last rounding.
#[test]
fn the_oracle_includes_and_excludes() {
    let mut draw = super::shapes::Draw::new(1);
    for _ in 0..30 {
        let [a, b, c] = [draw.star([0.0, 0.0], 10.0, 9), draw.star([3.0, 1.0], 8.0, 8), draw.comb([-4.0, -6.0], [9.0, 12.0], 4)];
        let sum = own_m2(&a) + own_m2(&b) + own_m2(&c) - shared_m2(&a, &b) - shared_m2(&a, &c) - shared_m2(&b, &c)
            + area_m2(&[&a, &b, &c], |inside| inside.iter().all(|one| *one));
        let union = area_m2(&[&a, &b, &c], |inside| inside.iter().any(|one| *one));
        assert!((sum - union).abs() < union * 1e-14, "{sum} {union}");
    }
}
