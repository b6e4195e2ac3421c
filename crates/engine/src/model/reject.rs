//! Features refused: which, where the fault lies, and why, in words for people.

use serde::{Deserialize, Serialize};
use tuban_geom::Unplaced;

/// A sentence in both languages of the house.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Words {
    /// Chinese.
    pub zh: String,
    /// English.
    pub en: String,
}

impl Words {
    /// Both sentences.
    pub fn new(zh: impl Into<String>, en: impl Into<String>) -> Self {
        Self { zh: zh.into(), en: en.into() }
    }

    /// An outline lies where its CRS has no ground.
    #[must_use]
    pub fn out_of_range() -> Self {
        Self::new("坐标超出所用坐标系的范围", "a position lies outside the ground of its CRS")
    }

    /// An outline has more vertices than a feature may have.
    #[must_use]
    pub fn too_many_vertices(most: u64) -> Self {
        Self::new(
            format!("图形的顶点超过 {most} 个（单个要素的上限，内存少时更低），请拆分后上传"),
            format!("the outline has more than {most} vertices, which is as many as a feature may have (fewer where memory is short); split it"),
        )
    }
}

/// Where in a feature the fault lies. Counted from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Place {
    /// Part of a MultiPolygon; `None` for a Polygon.
    pub part: Option<u32>,
    /// Ring of the part; 0 is the shell.
    pub ring: Option<u32>,
    /// Position in the ring.
    pub vertex: Option<u32>,
}

/// A feature refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Reject {
    /// Row in the file, from 1.
    pub row: u64,
    /// The patch's id, where one could be read.
    pub patch_id: Option<String>,
    /// A word for programs, e.g. `too_few_points`.
    pub code: String,
    /// A sentence for people.
    pub reason: Words,
    /// RFC 6901 pointer to the fault in the file, for GeoJSON.
    pub pointer: String,
    /// Ring of the fault, from 0.
    pub ring: Option<u32>,
    /// Vertex of the fault, from 0.
    pub vertex: Option<u32>,
}

impl From<Unplaced> for Place {
    fn from(at: Unplaced) -> Self {
        Self { part: at.part, ring: Some(at.ring), vertex: Some(at.vertex) }
    }
}

impl Place {
    /// The RFC 6901 pointer to this place in the feature in row `row` (from 1).
    #[must_use]
    pub fn pointer(&self, row: u64) -> String {
        use std::fmt::Write;
        let mut pointer = format!("/features/{}/geometry", row.saturating_sub(1));
        let mut steps = [self.part, self.ring, self.vertex].into_iter().flatten().peekable();
        if steps.peek().is_some() {
            pointer.push_str("/coordinates");
        }
        for step in steps {
            let _ = write!(pointer, "/{step}");
        }
        pointer
    }
}
