//! What is wrong with an outline.
/// A kind of defect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DefectKind {
    /// The last position of the ring is not the first one.
    UnclosedRing,
    /// The ring runs out and back along the same line.
    Spike,
    /// The ring crosses itself.
    SelfCrossing,
    /// The ring touches itself.
    SelfTouch,
}
/// What is wrong, and where. Parts, rings and vertices count from 0.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Defect {
    /// What.
    pub kind: DefectKind,
    /// Part of the outline.
    pub part: u32,
    /// Ring of the part; 0 is the shell.
    pub ring: u32,
    /// Vertex of the ring.
    pub vertex: u32,
    /// Where on the ground, degrees (longitude, latitude).
    pub at: [f64; 2],
}
