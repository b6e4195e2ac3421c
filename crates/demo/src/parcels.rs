//! Land-use parcels (DLTB). The net's cells are taken in blocks of two by two: woods keep a block whole, fields are cut
//! into cells and strips. A block is drawn again whenever it is asked for, so that three million need not be held
//! parcels. Parcels tile the city: whatever two of them share, both have position by position.

use super::DemoFile;
use super::built::Built;
use super::counties::Counties;
use super::ground::{Anchor, Point, Ring, SOUTH, SPAN, WEST, measure};
use super::lattice::{Lattice, wiggle};
use super::noise::{Dice, Topic};
use super::shapes::rugged;
use super::terrain::{BUILT_UP, Class, Terrain, is_farmland};
use super::write::{Layer, Progress, Shape, Sheet, Value};
use std::io;

/// A parcel: where it is and what grows there.
pub(super) struct Parcel {
    /// Shell, then holes.
    pub rings: Vec<Ring>,
    /// Land class.
    pub class: Class,
}

/// A parcel before it is drawn: `wide` × `high` cells from (i, j), or one half of a cell.
#[derive(Clone, Copy)]
struct Piece {
    i: usize,
    j: usize,
    wide: usize,
    high: usize,
    half: Option<(Cut, Half)>,
    island: bool,
}

/// How a cell is cut in two: from its southern to its northern line, or from its western to its eastern one.
#[derive(Clone, Copy)]
enum Cut {
    Northward,
    Eastward,
}

/// West or south of the cut, or beyond it.
#[derive(Clone, Copy)]
enum Half {
    Near,
    Far,
}

/// All parcels, block by block.
pub(super) struct Parcels<'a> {
    seed: u64,
    lattice: &'a Lattice,
    terrain: &'a Terrain,
}

impl<'a> Parcels<'a> {
    /// The parcels that `lattice` and `terrain` make.
    pub(super) const fn new(seed: u64, lattice: &'a Lattice, terrain: &'a Terrain) -> Self {
        Self { seed, lattice, terrain }
    }

    /// Blocks along one side.
    pub(super) const fn blocks(&self) -> usize {
        self.lattice.cells / 2
    }

    /// Appends the parcels of the block (bi, bj), an island right after the parcel around it.
    pub(super) fn block(&self, bi: usize, bj: usize, out: &mut Vec<Parcel>) {
        for (k, piece) in self.pieces(bi, bj).iter().enumerate() {
            let key = ((bj * self.blocks() + bi) * 16 + k) as u64;
            let mut dice = Dice::new(self.seed, Topic::Cover, key);
            let (u, v) = self.middle(piece);
            let class = self.terrain.class(u, v, &mut dice);
            let mut rings = vec![self.shell(piece)];
            if piece.island {
                let island = self.island(piece, &mut dice);
                rings.push(island.iter().rev().copied().collect());
                out.push(Parcel { rings, class });
                out.push(Parcel { rings: vec![island], class: Terrain::island(&mut dice) });
            } else {
                out.push(Parcel { rings, class });
            }
        }
    }

    /// The number of parcels, islands included; O(blocks), nothing is drawn.
    pub(super) fn count(&self) -> u64 {
        let side = self.blocks();
        let of = |k: usize| self.pieces(k % side, k / side).iter().map(|piece| 1 + u64::from(piece.island)).sum::<u64>();
        (0..side * side).map(of).sum()
    }

    /// Cuts a block. Hills are left large, fields are cut small.
    fn pieces(&self, bi: usize, bj: usize) -> Vec<Piece> {
        let mut dice = Dice::new(self.seed, Topic::Blocks, (bj * self.blocks() + bi) as u64);
        let (i, j) = (bi * 2, bj * 2);
        let (u, v) = fractions(self.lattice.node(i + 1, j + 1));
        let hill = self.terrain.hill(u, v) > 0.0;
        let (whole, paired, cut) = if hill { (0.35, 0.70, 0.05) } else { (0.02, 0.22, 0.40) };
        let mut pieces = Vec::with_capacity(8);
        let mut add = |dice: &mut Dice, i, j, wide, high, half: Option<_>| {
            let island = half.is_none() && dice.chance(0.0125) && self.lattice.is_square(i, j);
            pieces.push(Piece { i, j, wide, high, half, island });
        };
        let choice = dice.unit();
        if choice < whole {
            add(&mut dice, i, j, 2, 2, None);
        } else if choice < paired {
            let eastward = dice.chance(0.5);
            for k in 0..2 {
                if eastward {
                    add(&mut dice, i, j + k, 2, 1, None);
                } else {
                    add(&mut dice, i + k, j, 1, 2, None);
                }
            }
        } else {
            for k in 0..4 {
                let (i, j) = (i + k % 2, j + k / 2);
                if dice.chance(cut) && self.lattice.is_square(i, j) {
                    let cut = if dice.chance(0.5) { Cut::Northward } else { Cut::Eastward };
                    add(&mut dice, i, j, 1, 1, Some((cut, Half::Near)));
                    add(&mut dice, i, j, 1, 1, Some((cut, Half::Far)));
                } else {
                    add(&mut dice, i, j, 1, 1, None);
                }
            }
        }
        pieces
    }

    /// The middle of a piece's cells, as fractions of the extent.
    fn middle(&self, piece: &Piece) -> (f64, f64) {
        let (a, b) = (self.lattice.node(piece.i, piece.j), self.lattice.node(piece.i + piece.wide, piece.j + piece.high));
        fractions(Point { x: i64::midpoint(a.x, b.x), y: i64::midpoint(a.y, b.y) })
    }

    fn shell(&self, piece: &Piece) -> Ring {
        let Some((cut, half)) = piece.half else {
            return self.lattice.shell(piece.i, piece.j, piece.wide, piece.high);
        };
        let [south, east, north, west] = self.sides(piece.i, piece.j);
        let (from, to) = match cut {
            Cut::Northward => (&south, &north),
            Cut::Eastward => (&west, &east),
        };
        let (a, b) = (from.len() / 2, to.len() / 2);
        let key = (piece.j * self.lattice.cells + piece.i) as u64 + (1 << 40);
        let mut line = Ring::new();
        wiggle(Dice::new(self.seed, Topic::EdgesNorth, key), from[a], to[b], 0.1, &mut line);
        line.push(to[b]);
        match (cut, half) {
            (Cut::Northward, Half::Near) => around(&south[..=a], &line, &north[..=b], &west),
            (Cut::Northward, Half::Far) => around(&south[a..], &east, &north[b..], &line),
            (Cut::Eastward, Half::Near) => around(&south, &east[..=b], &line, &west[..=a]),
            (Cut::Eastward, Half::Far) => around(&line, &east[b..], &north, &west[a..]),
        }
    }

    /// The four lines around a cell with both their ends: southern, eastern, northern, western.
    fn sides(&self, i: usize, j: usize) -> [Ring; 4] {
        let line = |east: bool, i: usize, j: usize| {
            let mut ring = Ring::new();
            if east {
                self.lattice.east(i, j, &mut ring);
            } else {
                self.lattice.north(i, j, &mut ring);
            }
            ring.push(if east { self.lattice.node(i + 1, j) } else { self.lattice.node(i, j + 1) });
            ring
        };
        [line(true, i, j), line(false, i + 1, j), line(true, i, j + 1), line(false, i, j)]
    }

    /// An island in the south-western cell of a piece: no line of a cell comes nearer to its middle than a quarter cell.
    fn island(&self, piece: &Piece, dice: &mut Dice) -> Ring {
        let corner = |di, dj| self.lattice.node(piece.i + di, piece.j + dj);
        let corners = [corner(0, 0), corner(1, 0), corner(1, 1), corner(0, 1)];
        let mean = |of: fn(Point) -> f64| corners.iter().map(|&p| of(p)).sum::<f64>() / 4.0;
        let anchor = Anchor::new(mean(Point::lon), mean(Point::lat));
        let side_m = measure([&corners.to_vec()]).map_or(0.0, |m| m.area_m2.sqrt());
        let positions = 8 + dice.below(17);
        let reach_m = side_m * dice.range(0.10, 0.18);
        anchor.place(&rugged(dice, reach_m, positions, 0.35, 1.0))
    }
}

/// Lower and right lines forward, upper and left lines back; each shared end once.
fn around(lower: &[Point], right: &[Point], upper: &[Point], left: &[Point]) -> Ring {
    let mut ring: Ring = lower[..lower.len() - 1].to_vec();
    ring.extend(&right[..right.len() - 1]);
    ring.extend(upper[1..].iter().rev());
    ring.extend(left[1..].iter().rev());
    ring
}

/// A position as fractions of the extent.
fn fractions(point: Point) -> (f64, f64) {
    ((point.lon() - WEST) / SPAN, (point.lat() - SOUTH) / SPAN)
}

/// A land survey: its file, the day at whose end it was, and what was built by then.
pub(super) struct LandSurvey<'a> {
    /// The file's name.
    pub name: &'static str,
    /// The year at whose end it was.
    pub year: u16,
    /// Farmland that is built on.
    pub built: &'a Built,
}

/// Takes what is built on it out of a parcel of farmland; every site becomes a parcel of its own, behind it.
fn build(mut parcel: Parcel, built: &Built, out: &mut Vec<Parcel>) {
    let sites: Vec<Ring> = if is_farmland(parcel.class) { built.within(&parcel.rings).cloned().collect() } else { Vec::new() };
    parcel.rings.extend(sites.iter().map(|site| site.iter().rev().copied().collect()));
    out.push(parcel);
    out.extend(sites.into_iter().map(|site| Parcel { rings: vec![site], class: BUILT_UP }));
}

/// Writes the parcels as a land survey found them, row of blocks by row of blocks.
pub(super) fn write(parcels: &Parcels, counties: &Counties, survey: &LandSurvey, sheet: &Sheet, progress: Progress) -> io::Result<DemoFile> {
    let title = format!("{}年土地利用现状图斑", survey.year);
    let mut layer = Layer::create(sheet, survey.name, &title, parcels.count(), progress)?;
    let mut numbers = vec![0_u64; counties.list.len()];
    let (mut drawn, mut batch) = (Vec::new(), Vec::new());
    for block in 0..parcels.blocks() * parcels.blocks() {
        let (bi, bj) = (block % parcels.blocks(), block / parcels.blocks());
        parcels.block(bi, bj, &mut drawn);
        for parcel in drawn.drain(..) {
            build(parcel, survey.built, &mut batch);
        }
        for parcel in batch.drain(..) {
            let Some(measure) = measure(&parcel.rings) else {
                continue;
            };
            let county = counties.locate(measure.lon, measure.lat).unwrap_or(0);
            numbers[county] += 1;
            let code = counties.list[county].code;
            let number = numbers[county];
            // Towns and villages of the demo are squares of twelve and of three blocks; only their codes are ever seen.
            let (town, village) = (1 + (bi / 12 * 7 + bj / 12) % 18, 1 + (bi / 3 * 5 + bj / 3) % 40);
            let properties = [
                ("BSM", Value::Text(&format!("{code}2001{number:08}"))),
                ("TBBH", Value::Text(&format!("{number:08}"))),
                ("XZQDM", Value::Text(code)),
                ("ZLDWDM", Value::Text(&format!("{code}{town:03}{village:03}0000000"))),
                ("DLBM", Value::Text(parcel.class.0)),
                ("DLMC", Value::Text(parcel.class.1)),
                ("TBMJ", Value::Number(measure.area_m2, 2)),
            ];
            layer.feature(&properties, &Shape::Polygon(parcel.rings))?;
        }
    }
    layer.finish()
}
