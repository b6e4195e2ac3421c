//! What lies where: hills in the north-west, three rivers that run south, roads between seats, built-up places, and fields
//! in between. Land classes follow from that, so that a class comes in patches as it does on a real map.

use super::ground::{Anchor, SOUTH, SPAN, WEST};
use super::noise::{Dice, Relief, Topic};
use super::places::Places;

/// A class of the national land-use standard (DLBM, DLMC).
pub(super) type Class = (&'static str, &'static str);

const PADDY: Class = ("0101", "水田");
const IRRIGATED: Class = ("0102", "水浇地");
const DRY: Class = ("0103", "旱地");
const ORCHARD: Class = ("0201", "果园");
const WOODS: Class = ("0301", "乔木林地");
const GRASS: Class = ("0404", "其他草地");
const INDUSTRY: Class = ("0601", "工业用地");
const TOWN: Class = ("0701", "城镇住宅用地");
const VILLAGE: Class = ("0702", "农村宅基地");
const HIGHWAY: Class = ("1003", "公路用地");
const LANE: Class = ("1006", "农村道路");
const RIVER: Class = ("1101", "河流水面");
const POND: Class = ("1104", "坑塘水面");
const DITCH: Class = ("1107", "沟渠");
const FARMYARD: Class = ("1202", "设施农用地");

/// What farmland is that was built on.
pub(super) const BUILT_UP: Class = TOWN;

/// Share of the ground that is hill.
const HILLS: f64 = 0.34;

/// Whether a class is farmland (耕地).
pub(super) fn is_farmland(class: Class) -> bool {
    matches!(class.0, "0101" | "0102" | "0103")
}

/// The lie of the land. Places are given as fractions (u, v) of the extent.
pub(super) struct Terrain {
    height: Relief,
    wet: Relief,
    fields: Relief,
    foot: f64,
    rivers: Vec<(f64, Relief)>,
    built: Vec<(f64, f64, f64)>,
    roads: Vec<[f64; 4]>,
    cell: f64,
}

impl Terrain {
    /// `cells`: parcels along one side of the city, which is what a river or a road is wide at least.
    pub(super) fn new(seed: u64, cells: usize, places: &Places) -> Self {
        let mut dice = Dice::new(seed, Topic::Terrain, 0);
        let at = |anchor: &Anchor| ((anchor.lon - WEST) / SPAN, (anchor.lat - SOUTH) / SPAN);
        let built = places.list.iter().map(|place| {
            let (u, v) = at(&place.anchor);
            (u, v, place.built_m / 180_000.0)
        });
        let built: Vec<_> = built.collect();
        let mut terrain = Self {
            height: Relief::new(&mut dice, 3.5, 5),
            wet: Relief::new(&mut dice, 7.0, 3),
            fields: Relief::new(&mut dice, 60.0, 2),
            foot: 0.0,
            rivers: [0.2, 0.52, 0.8].map(|u| (u + dice.range(-0.06, 0.06), Relief::new(&mut dice, 3.0, 3))).into(),
            roads: roads(&built[..places.seats().len()]),
            built,
            cell: 0.93 / cells as f64,
        };
        let mut heights: Vec<f64> = (0..4096).map(|k| terrain.height(f64::from(k % 64) / 64.0, f64::from(k / 64) / 64.0)).collect();
        heights.sort_by(f64::total_cmp);
        terrain.foot = heights[(4095.0 * (1.0 - HILLS)) as usize];
        terrain
    }

    /// Height above the foot of the hills, about −1 to 1; hills are above 0.
    pub(super) fn hill(&self, u: f64, v: f64) -> f64 {
        self.height(u, v) - self.foot
    }

    fn height(&self, u: f64, v: f64) -> f64 {
        self.height.at(u, v) + 0.8 * v - 0.6 * u
    }

    /// The class of a parcel around (u, v).
    pub(super) fn class(&self, u: f64, v: f64, dice: &mut Dice) -> Class {
        let hill = self.hill(u, v);
        self.built_up(u, v, dice)
            .or_else(|| self.river(u, v))
            .or_else(|| self.road(u, v, dice))
            .unwrap_or_else(|| if hill > 0.0 { self.upland(u, v, hill, dice) } else { self.plain(u, v, hill, dice) })
    }

    fn built_up(&self, u: f64, v: f64, dice: &mut Dice) -> Option<Class> {
        let rough = 0.35 * self.fields.at(u, v);
        let near = |&&(pu, pv, radius): &&(f64, f64, f64)| {
            let (du, dv) = (u - pu, (v - pv) * 1.22);
            let reach = radius * (1.0 + rough);
            du * du + dv * dv < reach * reach
        };
        let &(pu, pv, radius) = self.built.iter().find(near)?;
        let inner = (u - pu).abs() + (v - pv).abs() < radius * 0.6;
        let class = match (radius > 0.012, inner) {
            (true, true) => [TOWN, TOWN, TOWN, TOWN, INDUSTRY, HIGHWAY],
            (true, false) => [TOWN, INDUSTRY, INDUSTRY, VILLAGE, TOWN, GRASS],
            _ => [VILLAGE, VILLAGE, TOWN, INDUSTRY, VILLAGE, LANE],
        };
        Some(class[dice.below(6)])
    }

    fn river(&self, u: f64, v: f64) -> Option<Class> {
        let half = (self.cell * 0.5).max(0.0012);
        let hit = |(start, bends): &(f64, Relief)| {
            // Where it runs aslant, the reach of one parcel's height is counted, so that it stays in one piece.
            let (a, b) = (start + 0.1 * bends.at(0.3, v - half), start + 0.1 * bends.at(0.3, v + half));
            let (west, east) = (a.min(b) - 0.8 * half, a.max(b) + 0.8 * half);
            // A river rises somewhere: north of that there is only its valley.
            v < 0.93 && (west..east).contains(&u)
        };
        self.rivers.iter().any(hit).then_some(RIVER)
    }

    /// A road is one parcel wide. Where parcels are kilometres across (the small city) that would be too much road.
    fn road(&self, u: f64, v: f64, dice: &mut Dice) -> Option<Class> {
        let half = (self.cell * 0.5).max(0.0003);
        let hit = |&[au, av, bu, bv]: &[f64; 4]| {
            let (du, dv) = (bu - au, bv - av);
            let along = (((u - au) * du + (v - av) * dv) / (du * du + dv * dv)).clamp(0.0, 1.0);
            let bend = 0.006 * libm::sin(9.0 * along) * libm::sin(std::f64::consts::PI * along);
            let (east, north) = (u - au - along * du - bend, v - av - along * dv + bend);
            east * east + north * north < half * half
        };
        let thin = if self.cell > 0.004 { 0.35 } else { 1.0 };
        (self.roads.iter().any(hit) && dice.chance(thin)).then_some(HIGHWAY)
    }

    fn upland(&self, u: f64, v: f64, hill: f64, dice: &mut Dice) -> Class {
        let mix = self.fields.at(u, v) + 0.5 * self.wet.at(u, v) - 1.2 * hill + dice.range(-0.25, 0.25);
        match mix {
            m if m > 0.25 => DRY,
            m if m > 0.05 => ORCHARD,
            m if m > -0.05 => GRASS,
            _ if dice.chance(0.03) => VILLAGE,
            _ => WOODS,
        }
    }

    fn plain(&self, u: f64, v: f64, hill: f64, dice: &mut Dice) -> Class {
        let (wet, fields) = (self.wet.at(u, v) - 0.9 * hill - 0.25, self.fields.at(u, v));
        if fields > 0.66 {
            return if dice.chance(0.85) { VILLAGE } else { INDUSTRY };
        }
        match dice.unit() {
            x if x < 0.03 => VILLAGE,
            x if x < 0.045 => LANE,
            x if x < 0.062 => DITCH,
            x if x < 0.075 => POND,
            x if x < 0.083 => FARMYARD,
            x if x < 0.10 => WOODS,
            x if fields < -0.55 && x < 0.6 => ORCHARD,
            x if wet > 0.25 + 0.2 * x => PADDY,
            x if wet < -0.15 - 0.2 * x => DRY,
            _ => IRRIGATED,
        }
    }

    /// The class of an island that another parcel surrounds.
    pub(super) fn island(dice: &mut Dice) -> Class {
        [VILLAGE, POND, FARMYARD, VILLAGE, DRY, IRRIGATED, WOODS, INDUSTRY][dice.below(8)]
    }
}

/// From each seat to the two nearest others.
fn roads(seats: &[(f64, f64, f64)]) -> Vec<[f64; 4]> {
    let mut roads = Vec::new();
    for (k, a) in seats.iter().enumerate() {
        let mut others: Vec<(f64, usize)> = seats.iter().enumerate().map(|(j, b)| ((a.0 - b.0) * (a.0 - b.0) + (a.1 - b.1) * (a.1 - b.1), j)).collect();
        others.sort_by(|x, y| x.0.total_cmp(&y.0));
        for &(_, j) in others.iter().skip(1).take(2) {
            if j > k || !roads.contains(&[seats[j].0, seats[j].1, a.0, a.1]) {
                roads.push([a.0, a.1, seats[j].0, seats[j].1]);
            }
        }
    }
    roads
}
