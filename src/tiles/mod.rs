//! Map tiles: outlines in degrees → Mapbox Vector Tiles in web Mercator. Knows nothing of where features come from.

mod tile;

pub use tile::{Tile, TileBuilder, Value};
