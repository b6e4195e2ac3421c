//! One tile: its place, and the features drawn on it.

use fast_mvt::{MvtCoord, MvtError, MvtGeomType, MvtLayerBuilder, MvtValueRef};
use std::f64::consts::PI;
use tuban_geom::{Bounds, Outline, clip_ring, twice_signed_area};

/// Tile units along an edge.
const EXTENT: f64 = 4096.0;
/// Tile units drawn beyond the edge, so that outlines are not cut at it.
const BUFFER: f64 = 64.0;
/// Positions closer together than this, in tile units, are drawn as one: half a pixel on a tile of 512.
const STEP: f64 = 4.0;

/// A tile's place in the web maps' pyramid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Tile {
    /// Zoom, 0 to 22.
    pub z: u8,
    /// Column, from the west.
    pub x: u32,
    /// Row, from the north.
    pub y: u32,
}

impl Tile {
    /// The tile, if the pyramid has it.
    #[must_use]
    pub fn new(z: u8, x: u32, y: u32) -> Option<Self> {
        (z <= 22 && x < 1 << z && y < 1 << z).then_some(Self { z, x, y })
    }

    /// What it draws, with its buffer, degrees.
    #[must_use]
    pub fn bounds(&self) -> Bounds {
        let tiles = f64::from(1_u32 << self.z);
        let margin = BUFFER / EXTENT;
        let lon = |x: f64| x / tiles * 360.0 - 180.0;
        let lat = |y: f64| (PI * (1.0 - 2.0 * y / tiles)).sinh().atan().to_degrees();
        let (x, y) = (f64::from(self.x), f64::from(self.y));
        Bounds { min: [lon(x - margin), lat(y + 1.0 + margin)], max: [lon(x + 1.0 + margin), lat(y - margin)] }
    }

    /// Degrees to tile units.
    fn place(&self, [lon, lat]: [f64; 2]) -> [f64; 2] {
        let tiles = f64::from(1_u32 << self.z);
        let x = (lon + 180.0) / 360.0;
        let y = (1.0 - lat.to_radians().tan().asinh() / PI) / 2.0;
        [(x * tiles - f64::from(self.x)) * EXTENT, (y * tiles - f64::from(self.y)) * EXTENT]
    }
}

/// A value of a feature's property.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Value<'a> {
    /// Text.
    Text(&'a str),
    /// A whole number.
    Number(i64),
    /// Yes or no.
    Flag(bool),
}

/// Draws features on a tile of one layer.
pub struct TileBuilder {
    tile: Tile,
    layer: MvtLayerBuilder,
    features: u32,
}

impl TileBuilder {
    /// An empty tile whose layer is named `name`.
    pub fn new(tile: Tile, name: &str) -> Result<Self, MvtError> {
        Ok(Self { tile, layer: MvtLayerBuilder::new(name)?, features: 0 })
    }

    /// Draws an outline; what lies beyond the tile or is too small to see is left out.
    pub fn draw(self, outline: &Outline, properties: &[(&str, Value<'_>)]) -> Result<Self, MvtError> {
        let mut parts: Vec<Vec<Vec<MvtCoord>>> = Vec::new();
        for rings in outline.parts() {
            let mut part = Vec::new();
            for (nth, ring) in rings.enumerate() {
                match self.ring(outline.ring(ring)) {
                    Some(ring) => part.push(ring),
                    // Without its shell a part is not seen at all.
                    None if nth == 0 => break,
                    None => {}
                }
            }
            if !part.is_empty() {
                parts.push(part);
            }
        }
        self.push(&parts, properties)
    }

    /// Draws a box, as large as a pixel at least: a patch seen from afar.
    pub fn draw_mark(self, bounds: &Bounds, properties: &[(&str, Value<'_>)]) -> Result<Self, MvtError> {
        let (a, b) = (self.tile.place([bounds.min[0], bounds.max[1]]), self.tile.place([bounds.max[0], bounds.min[1]]));
        let coord = |x: f64, y: f64| MvtCoord { x: x.round() as i32, y: y.round() as i32 };
        let (x0, y0, x1, y1) = (a[0], a[1], b[0].max(a[0] + 2.0 * STEP), b[1].max(a[1] + 2.0 * STEP));
        self.push(&[vec![vec![coord(x0, y0), coord(x1, y0), coord(x1, y1), coord(x0, y1)]]], properties)
    }

    fn push(self, parts: &[Vec<Vec<MvtCoord>>], properties: &[(&str, Value<'_>)]) -> Result<Self, MvtError> {
        if parts.is_empty() {
            return Ok(self);
        }
        let mut feature = self.layer.feature_of(MvtGeomType::Polygon);
        for part in parts {
            for (nth, ring) in part.iter().enumerate() {
                feature.ring(ring.iter().copied(), nth == 0)?;
            }
        }
        for (key, value) in properties {
            let value = match value {
                Value::Text(text) => MvtValueRef::String(text),
                Value::Number(number) => MvtValueRef::Int(*number),
                Value::Flag(flag) => MvtValueRef::Bool(*flag),
            };
            feature.tag_ref(key, value)?;
        }
        Ok(Self { layer: feature.end(), features: self.features + 1, tile: self.tile })
    }

    /// A ring in tile units, clipped and thinned out; `None` where nothing of it is to be seen.
    fn ring(&self, ring: &[[f64; 2]]) -> Option<Vec<MvtCoord>> {
        let mut clipped: Vec<[f64; 2]> = ring.iter().map(|at| self.tile.place(*at)).collect();
        if clipped.first() != clipped.last() {
            clipped.extend(clipped.first().copied());
        }
        let bounds = Bounds::of(&clipped);
        for (axis, at, above) in [(0, -BUFFER, true), (0, EXTENT + BUFFER, false), (1, -BUFFER, true), (1, EXTENT + BUFFER, false)] {
            let beyond = if above { bounds.min[axis] < at } else { bounds.max[axis] > at };
            if beyond {
                clipped = clip_ring(&clipped, axis, at, above)?;
            }
        }
        let mut kept: Vec<[f64; 2]> = Vec::with_capacity(clipped.len());
        for at in &clipped {
            if kept.last().is_none_or(|last| (at[0] - last[0]).abs() + (at[1] - last[1]).abs() >= STEP) {
                kept.push(*at);
            }
        }
        if kept.len() > 1 && kept.first() == kept.last() {
            kept.pop();
        }
        if kept.len() < 3 {
            // Too small for its shape: a pixel in its place.
            let [x, y] = *clipped.first()?;
            kept = vec![[x, y], [x + STEP, y], [x + STEP, y + STEP]];
        }
        let mut rounded: Vec<[f64; 2]> = kept.iter().map(|at| [at[0].round(), at[1].round()]).collect();
        if is_flat(&rounded) {
            // Too thin for its shape, like a road of one metre: a line as thin as a tile can draw.
            rounded = thinnest(&rounded)?;
        }
        Some(rounded.iter().map(|at| MvtCoord { x: at[0] as i32, y: at[1] as i32 }).collect())
    }

    /// The tile's bytes; none at all where nothing was drawn.
    #[must_use]
    pub fn finish(self) -> Vec<u8> {
        if self.features == 0 { Vec::new() } else { self.layer.encode() }
    }
}

/// Whether a ring, not closed, encloses nothing.
fn is_flat(ring: &[[f64; 2]]) -> bool {
    let closed: Vec<[f64; 2]> = ring.iter().chain(ring.first()).copied().collect();
    twice_signed_area(&closed) == 0.0
}

/// The ring of one unit's width along the two positions of `flat` that are farthest from its first.
fn thinnest(flat: &[[f64; 2]]) -> Option<Vec<[f64; 2]>> {
    let apart = |a: &[f64; 2], b: &[f64; 2]| (a[0] - b[0]).abs() + (a[1] - b[1]).abs();
    let farthest = |from: &[f64; 2]| flat.iter().max_by(|a, b| apart(a, from).total_cmp(&apart(b, from))).copied();
    let a = farthest(flat.first()?)?;
    let b = farthest(&a)?;
    let aside = if (b[0] - a[0]).abs() >= (b[1] - a[1]).abs() { [0.0, 1.0] } else { [1.0, 0.0] };
    let moved = |at: [f64; 2]| [at[0] + aside[0], at[1] + aside[1]];
    Some(if a == b { vec![a, [a[0] + 1.0, a[1]], [a[0] + 1.0, a[1] + 1.0]] } else { vec![a, b, moved(b), moved(a)] })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tiles_are_where_the_web_maps_have_them() {
        // Oracle: mercantile 1.2.1, bounds(843, 403, 10): west 116.3671875, south 35.4606699514953, east 116.71875, north 35.7465122599185.
        let bounds = Tile::new(10, 843, 403).unwrap().bounds();
        let margin = 360.0 / 1024.0 / 64.0;
        assert!((bounds.min[0] + margin - 116.367_187_5).abs() < 1e-9 && (bounds.max[0] - margin - 116.718_75).abs() < 1e-9, "{bounds:?}");
        // The margin is as many metres to the north and south as to the east and west: cos φ times the degrees.
        let (south, north) = (35.460_669_951_495_3, 35.746_512_259_918_5);
        assert!((bounds.min[1] - (south - margin * f64::to_radians(south).cos())).abs() < 1e-5, "{bounds:?}");
        assert!((bounds.max[1] - (north + margin * f64::to_radians(north).cos())).abs() < 1e-5, "{bounds:?}");
        assert_eq!(Tile::new(10, 1024, 0), None);
        assert_eq!(Tile::new(23, 0, 0), None);
    }

    #[test]
    fn what_is_beyond_the_tile_makes_an_empty_tile() {
        let tile = Tile::new(10, 843, 403).unwrap();
        let far = Outline::polygon(&[[[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 0.0]]]);
        assert!(TileBuilder::new(tile, "far").unwrap().draw(&far, &[]).unwrap().finish().is_empty());
        let around = Outline::polygon(&[[[100.0, 30.0], [130.0, 30.0], [130.0, 40.0], [100.0, 40.0], [100.0, 30.0]]]);
        assert!(!TileBuilder::new(tile, "near").unwrap().draw(&around, &[("code", Value::Text("371302"))]).unwrap().finish().is_empty());
    }
}
