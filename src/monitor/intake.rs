//! From an outline as it came to one that can be measured and stored: the one place where raw becomes checked.

use crate::geom::{Crs, Defect, DefectKind, Fault, Outline, Plane, Region, Unacceptable, check};
use crate::land::{Place, Words};

/// How outlines of one file become regions of one plane.
#[derive(Debug, Clone)]
pub struct Intake {
    /// CRS of the file.
    pub crs: Crs,
    /// Plane of the atlas.
    pub plane: Plane,
}

/// An outline taken in.
#[derive(Debug, Clone, PartialEq)]
pub struct Taken {
    /// As it came, where the file is not in degrees.
    pub source: Option<Outline>,
    /// As it came, in CRS84 degrees.
    pub degrees: Outline,
    /// What it encloses, in the plane.
    pub region: Region,
    /// What it encloses as an outline in degrees, where it had to be repaired.
    pub repaired: Option<Outline>,
    /// What was put right; positions in degrees.
    pub defects: Vec<Defect>,
}

/// Why an outline cannot be taken in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutlineFault {
    /// A word for programs.
    pub code: &'static str,
    /// A sentence for people.
    pub words: Words,
    /// Where.
    pub place: Place,
}

impl Intake {
    /// Projects and judges an outline.
    pub fn take(&self, source: Outline) -> Result<Taken, OutlineFault> {
        let (source, degrees) = if self.crs.is_degrees() {
            (None, source)
        } else {
            let degrees = self.crs.outline_to_degrees(&source).map_err(|unplaced| out_of_range(unplaced.place))?;
            (Some(source), degrees)
        };
        if let Some(place) = beyond_the_globe(&degrees) {
            return Err(out_of_range(place));
        }
        let checked = self.check(&degrees)?;
        let region = match &source {
            // Edges straight in the file's projection are curves in the plane; the file's own vertices were judged above.
            Some(source) => {
                let dense = self.crs.outline_to_degrees_dense(source).map_err(|unplaced| out_of_range(unplaced.place))?;
                if dense.positions.len() == degrees.positions.len() { checked.region } else { self.check(&dense)?.region }
            }
            None => checked.region,
        };
        let repaired = (!checked.defects.is_empty()).then(|| region.outline().map(|at| self.plane.unproject(at)));
        let defects = checked.defects.into_iter().map(|defect| Defect { at: self.plane.unproject(defect.at), ..defect }).collect();
        Ok(Taken { source, degrees, region, repaired, defects })
    }

    fn check(&self, degrees: &Outline) -> Result<crate::geom::Checked, OutlineFault> {
        check(&degrees.map(|at| self.plane.project(at))).map_err(|unacceptable| fault_words(&unacceptable, degrees.multi))
    }
}

/// The first position that is not on the globe.
fn beyond_the_globe(degrees: &Outline) -> Option<Place> {
    let index = degrees.positions.iter().position(|at| !(at[0].abs() <= 180.0 && at[1].abs() <= 90.0))?;
    let ring = degrees.ring_ends.iter().position(|end| index < *end as usize)?;
    let start = if ring == 0 { 0 } else { degrees.ring_ends[ring - 1] as usize };
    let (part, ring) = degrees.place_of(ring);
    Some(Place { part: degrees.multi.then_some(part), ring: Some(ring), vertex: Some((index - start) as u32) })
}

fn out_of_range(place: Place) -> OutlineFault {
    let words = Words::new(
        "坐标超出范围：不是有效的经纬度（或不在该投影带内），请检查坐标系",
        "a coordinate is out of range: not a longitude and latitude (or not in that zone); check the CRS",
    );
    OutlineFault { code: "coordinate_out_of_range", words, place }
}

fn fault_words(unacceptable: &Unacceptable, multi: bool) -> OutlineFault {
    let (code, zh, en) = match unacceptable.fault {
        Fault::Empty => ("empty_geometry", "图形为空", "the outline is empty"),
        Fault::TooFewPoints => ("too_few_points", "环的点数不足 4 个（首尾闭合后至少 4 个）", "a ring has fewer than four positions"),
        Fault::NoArea => ("no_area", "环没有面积（各点共线或重合）", "a ring encloses nothing (its positions are in line or the same)"),
        Fault::WindsTwice => ("winds_twice", "环自相交且重复包围同一块地，无法唯一确定范围", "a ring crosses itself and encloses some ground twice, so it can be read in more than one way"),
        Fault::HoleOutside => ("hole_outside", "内环不在外环之内", "a hole is not inside its shell"),
        Fault::HolesOverlap => ("holes_overlap", "内环相互重叠", "two holes overlap"),
        Fault::PartsOverlap => ("parts_overlap", "多部件图形的部件相互重叠或嵌套", "two parts overlap or lie one inside the other"),
    };
    let place = Place { part: multi.then_some(unacceptable.part), ring: Some(unacceptable.ring), vertex: unacceptable.vertex };
    OutlineFault { code, words: Words::new(zh, en), place }
}

/// What was wrong and what was done about it.
#[must_use]
pub fn defect_words(defect: &Defect) -> Words {
    let (zh, en) = match defect.kind {
        DefectKind::UnclosedRing => ("环首尾未闭合，已闭合", "the ring was open and has been closed"),
        DefectKind::Spike => ("尖刺（沿原路折回），已去除", "a spike that runs out and back was cut off"),
        DefectKind::SelfCrossing => ("环自相交，已在交点处拆分", "the ring crosses itself and was split there"),
        DefectKind::SelfTouch => ("环自接触，已在接触点处拆分", "the ring touches itself and was split there"),
    };
    let (ring, vertex) = (defect.ring, defect.vertex);
    Words::new(format!("第 {ring} 环第 {vertex} 点：{zh}"), format!("ring {ring}, vertex {vertex}: {en}"))
}
