//! Against GEOS on ten thousand pairs, drawn and measured by fixtures/kernel/pairs.py as the test runs (Debian's python3-shapely): where the kernel and GEOS
//! differ by more than 1e-9 of the patch, exact arithmetic decides. And the pairs that people published because GEOS is wrong about them.

use super::rational::{self, Rings};
use super::{GOAL, Worst, figure, region, shared_m2};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::process::Command;

const PAIRS: usize = 10_000;

#[derive(Deserialize)]
struct Pair {
    kind: String,
    a: Vec<String>,
    b: Vec<String>,
    m2: Option<f64>,
}

/// Rings written as the bits of their doubles.
fn rings(bits: &[String]) -> Rings {
    let double = |digits: &[u8]| f64::from_bits(u64::from_str_radix(std::str::from_utf8(digits).unwrap(), 16).unwrap());
    bits.iter().map(|ring| ring.as_bytes().as_chunks::<32>().0.iter().map(|at| [double(&at[..16]), double(&at[16..])]).collect()).collect()
}

/// Of one kind of pairs.
#[derive(Debug, Default)]
struct Count {
    pairs: u32,
    /// GEOS is wrong by more than the goal, or gives up; the most it is wrong by, in parts of the patch.
    wrong: u32,
    worst: f64,
}

#[test]
fn ten_thousand_pairs_are_what_geos_says_or_geos_is_wrong() {
    let drawn = Command::new("/usr/bin/python3").args(["-W", "ignore", "fixtures/kernel/pairs.py", &PAIRS.to_string()]).output().unwrap();
    assert!(drawn.status.success(), "{}", String::from_utf8_lossy(&drawn.stderr));
    let text = String::from_utf8(drawn.stdout).unwrap();
    let (version, lines) = text.split_once('\n').unwrap();
    let version = version.trim_matches('"');
    let (mut counts, mut worst) = (BTreeMap::<String, Count>::new(), Worst::default());
    for line in lines.lines() {
        let Pair { kind, a, b, m2 } = serde_json::from_str(line).unwrap();
        let (a, b) = (rings(&a), rings(&b));
        let patch = figure(&a);
        let (measured, area) = (patch.shared_m2(region(&b).rings()), patch.area_m2());
        if ["touching", "touching with holes", "slivers that touch", "corner", "upon"].contains(&kind.as_str()) {
            assert_eq!(measured, 0.0, "{kind}");
        }
        let count = counts.entry(kind.clone()).or_default();
        count.pairs += 1;
        let off = m2.map_or(f64::INFINITY, |m2| (measured - m2).abs() / area);
        if off > GOAL {
            let exact = rational::shared_m2(&a, &b);
            assert!(worst.takes(measured, exact, area, GOAL), "{kind}: {measured}, GEOS {m2:?}, exactly {exact}, of {area}");
            count.wrong += 1;
            count.worst = count.worst.max(off);
        } else {
            worst.takes(measured, m2.unwrap(), area, GOAL);
        }
    }
    for (kind, Count { pairs, wrong, worst }) in &counts {
        println!("{kind}: GEOS {version} is wrong in {wrong} of {pairs}, by {worst:.1e} of the patch at most");
        assert!(*pairs as usize >= PAIRS / counts.len(), "{kind}");
    }
    assert_eq!((counts.len(), worst.seen as usize), (12, PAIRS));
}

/// Pairs that were published because GEOS is wrong about them. Oracle: exact arithmetic.
///
/// | published as | what it is | GEOS 3.11.1, m² |
/// | --- | --- | --- |
/// | shapely/shapely#2368, libgeos/geos#1344 | two plots that touch but for a last bit | 127.931…, the whole |
/// | shapely/shapely#1871 | two triangles that touch but for a last bit | 15 851, the whole |
/// | shapely/shapely#1427 | two rectangles that touch but for a last bit | 0 (3.10.2: nearly the whole) |
/// | locationtech/jts#798 | a triangle of 4e-12 m² in a square | 0 |
#[test]
fn pairs_that_geos_is_wrong_about_are_exact() {
    let closed = |ring: &[[f64; 2]]| vec![[ring, &ring[..1]].concat()];
    let pairs: [(&str, &[[f64; 2]], &[[f64; 2]]); 4] = [
        (
            "shapely#2368",
            &[
                [-295.250_303_512_496_66, 4.236_074_061_427_525],
                [-295.087_112_342_183_33, -2.301_948_231_163_383],
                [-314.642_180_258_006_53, -2.790_049_108_757_038_3],
                [-314.805_371_428_319_86, 3.747_973_183_833_869_5],
            ],
            &[
                [-275.695_235_596_673_46, 4.724_174_939_021_180_5],
                [-275.532_044_426_360_13, -1.813_847_353_569_727_3],
                [-295.087_112_342_183_33, -2.301_948_231_163_382_5],
                [-295.250_303_512_496_66, 4.236_074_061_427_525],
            ],
        ),
        (
            "shapely#1871",
            &[[446.0, -207.0], [315.0, -75.999_999_999_999_99], [557.0, -76.0]],
            &[[184.0, -207.0], [315.0, -76.0], [446.0, -207.0], [315.0, -338.0]],
        ),
        (
            "shapely#1427",
            &[
                [4.330_127_018_922_193, 2.500_000_000_000_000_4],
                [6.830_127_018_922_194, -1.830_127_018_922_194],
                [4.232_050_807_568_878_5, -3.330_127_018_922_194],
                [1.732_050_807_568_877_2, 1.0],
            ],
            &[
                [4.330_127_018_922_193, 2.500_000_000_000_000_4],
                [5.830_127_018_922_193, -0.098_076_211_353_315_57],
                [7.562_177_826_491_071, 0.901_923_788_646_684_9],
                [6.062_177_826_491_07, 3.500_000_000_000_001],
            ],
        ),
        (
            "jts#798",
            &[[66_697.401_201_373_33, 185_279.954_691_073_36], [66_698.375, 185_273.625], [66_697.375, 185_280.125]],
            &[[66_710.0, 185_280.0], [66_710.0, 185_260.0], [66_690.0, 185_260.0], [66_690.0, 185_280.0]],
        ),
    ];
    for (name, a, b) in pairs {
        let (a, b) = (closed(a), closed(b));
        let (exact, area) = (rational::shared_m2(&a, &b), rational::own_m2(&a));
        for (one, other) in [(&a, &b), (&b, &a)] {
            let measured = shared_m2(one, other);
            println!("{name}: {measured:e}, exactly {exact:e}, of {area:e}");
            assert!((measured - exact).abs() <= GOAL * area, "{name}: {measured} for {exact} of {area}");
        }
    }
}
