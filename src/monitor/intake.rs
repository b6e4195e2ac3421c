//! From an outline as it came to one that can be measured and stored: the one place where raw becomes checked.

use crate::formats;
use crate::geom::{Crs, Defect, DefectKind, Fault, Outline, Plane, Region, Unacceptable, check_in, remove_gcj02};
use crate::land::{Patch, Place, Words};

/// How outlines of one file become regions of one plane.
#[derive(Debug, Clone)]
pub struct Intake {
    /// CRS of the file.
    pub crs: Crs,
    /// Whether its positions carry the offset of GCJ-02, which is taken off.
    pub shifted: bool,
    /// Plane of the atlas.
    pub plane: Plane,
}

/// An outline taken in.
#[derive(Debug, Clone, PartialEq)]
pub struct Taken {
    /// As it came, where that is not what is measured: the file is not in degrees, or shifted.
    pub source: Option<Outline>,
    /// Where it lies, in CRS84 degrees.
    pub degrees: Outline,
    /// The same with its long edges cut, where they were straight in the file's projection and are not in degrees: what is measured.
    pub dense: Option<Outline>,
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
        let (source, degrees) = if self.crs.is_degrees() && !self.shifted {
            self.crs.place(&source).map_err(formats::Fault::from)?;
            (None, source)
        } else {
            let degrees = self.degrees(&source)?;
            (Some(source), degrees)
        };
        let checked = self.check(&degrees)?;
        // Edges straight in the file's projection are curves in the plane; the file's own vertices were judged above.
        let dense = match &source {
            Some(source) if self.shifted && !self.crs.is_degrees() => {
                Some(self.crs.outline_to_degrees_dense(source).map_err(formats::Fault::from)?.map(remove_gcj02))
            }
            Some(source) => self.crs.densify(source, &degrees).map_err(formats::Fault::from)?,
            None => None,
        };
        let region = match &dense {
            Some(dense) => self.check(dense)?.region,
            None => checked.region,
        };
        let region = if checked.defects.is_empty() { region } else { without_specks(region) };
        let repaired = (!checked.defects.is_empty()).then(|| region.outline().map(|at| self.plane.unproject(at)));
        let defects = checked.defects.into_iter().map(|defect| Defect { at: self.plane.unproject(defect.at), ..defect }).collect();
        Ok(Taken { source, degrees, dense, region, repaired, defects })
    }

    /// The region of an outline that was repaired, as it will be read back from what is stored of it; nothing for one that was not, whose region it has.
    pub fn region_as_stored(&self, taken: &Taken) -> Result<Option<Region>, OutlineFault> {
        taken.repaired.as_ref().map(|repaired| Ok(self.check(repaired)?.region)).transpose()
    }

    /// Takes the outline of a stored patch of the file in again: in the same plane what is measured is the same to the last bit.
    pub fn again(&self, patch: Patch) -> Result<Taken, OutlineFault> {
        self.stored(patch.source, patch.degrees)
    }

    /// The same of the outline as it came, where that was kept, and of where it lies in degrees.
    pub fn stored(&self, source: Option<Outline>, degrees: Outline) -> Result<Taken, OutlineFault> {
        let shifted = is_moved(source.as_ref(), &degrees, self.crs);
        let outline = source.unwrap_or(degrees);
        if shifted == self.shifted { self.take(outline) } else { Self { shifted, ..self.clone() }.take(outline) }
    }

    /// An outline of the file to CRS84 degrees, vertex by vertex.
    pub fn degrees(&self, source: &Outline) -> Result<Outline, OutlineFault> {
        let degrees = self.crs.outline_to_degrees(source).map_err(formats::Fault::from)?;
        Ok(if self.shifted { degrees.map(remove_gcj02) } else { degrees })
    }

    fn check(&self, degrees: &Outline) -> Result<crate::geom::Checked, OutlineFault> {
        let checked = check_in(degrees, |at| self.plane.project(at)).map_err(|unacceptable| fault_words(&unacceptable, degrees.multi))?;
        let nothing = Unacceptable { fault: Fault::NoArea, part: 0, ring: 0, vertex: None };
        if is_nothing(&checked.region) { Err(fault_words(&nothing, degrees.multi)) } else { Ok(checked) }
    }
}

/// Two places further apart than this are not the same, degrees. The offset of GCJ-02 is a thousand times that.
const APART: f64 = 1e-6;

/// Whether the offset of GCJ-02 was taken off a stored patch, whose file was in `own`.
#[must_use]
pub fn is_shifted(patch: &Patch, own: Crs) -> bool {
    is_moved(patch.source.as_ref(), &patch.degrees, own)
}

fn is_moved(source: Option<&Outline>, degrees: &Outline, own: Crs) -> bool {
    let Some(source) = source else { return false };
    let came = source.positions.first().and_then(|at| own.to_degrees(*at));
    came.zip(degrees.positions.first()).is_some_and(|(came, kept)| (came[0] - kept[0]).abs() >= APART || (came[1] - kept[1]).abs() >= APART)
}

/// Mean width below which an outline encloses nothing, metres: the last of nine decimals of a degree. A line that came through another projection
/// is no longer quite straight.
const LEAST_WIDTH_M: f64 = 1e-4;

/// What of a repaired outline its lobes of no width may be together, as a part of it.
const SPECKS: f64 = 1e-9;

/// The region without the loops that splitting left where rings cross within a few last digits: written in degrees they would enclose nothing, and the outline
/// would not pass its check again.
fn without_specks(region: Region) -> Region {
    let kept = Region::of_rings(region.rings().filter(|ring| !is_nothing(&Region::of_rings(std::iter::once(*ring)))));
    if (kept.area_m2() - region.area_m2()).abs() <= SPECKS * region.area_m2() { kept } else { region }
}

fn is_nothing(region: &Region) -> bool {
    let edges = region.rings().flat_map(|ring| ring.windows(2));
    let length_m = |edge: &[[f64; 2]]| {
        let [dx, dy] = [edge[1][0] - edge[0][0], edge[1][1] - edge[0][1]];
        (dx * dx + dy * dy).sqrt()
    };
    let around_m: f64 = edges.map(length_m).sum();
    region.area_m2().abs() <= LEAST_WIDTH_M * around_m / 2.0
}

impl From<formats::Fault> for OutlineFault {
    fn from(fault: formats::Fault) -> Self {
        Self { code: fault.code(), words: fault.reason(), place: fault.place }
    }
}

fn fault_words(unacceptable: &Unacceptable, multi: bool) -> OutlineFault {
    let (code, zh, en) = match unacceptable.fault {
        Fault::Empty => ("empty_geometry", "图形为空", "the outline is empty"),
        Fault::TooFewPoints => ("too_few_points", "环的点数不足 4 个（首尾闭合后至少 4 个）", "a ring has fewer than four positions"),
        Fault::NoArea => ("no_area", "环没有面积（各点共线或重合）", "a ring encloses nothing (its positions are in line or the same)"),
        Fault::WindsTwice => (
            "winds_twice",
            "环自相交且重复包围同一块地，无法唯一确定范围",
            "a ring crosses itself and encloses some ground twice, so it can be read in more than one way",
        ),
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
