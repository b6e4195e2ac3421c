//! From an outline as it came to one that can be measured and stored: the one place where raw becomes checked.

use crate::edges::AsDrawn;
use crate::model::{Area, Patch, Place, Reject, Words};
use tuban_geom::{
    Checked, Crs, Defect, DefectKind, Dispute, Fault, Outline, Plane, Region, Unacceptable, Unplaced, Written, check, check_in, check_rings, check_rings_in,
    dispute, remove_gcj02, twice_signed_area, unite,
};

mod nesting;

/// How outlines of one file become regions of one plane.
///
/// ```
/// use tuban_engine::normalize::Intake;
/// use tuban_geom::{DefectKind, Outline, Plane};
///
/// // A file in Gauss–Krüger metres, of which one ring is not closed.
/// let intake = Intake::new("EPSG:4527".parse().unwrap(), Plane::at(118.0, 35.0));
/// let corners = [[39_637_100.0, 3_864_500.0], [39_637_150.0, 3_864_500.0], [39_637_150.0, 3_864_550.0], [39_637_100.0, 3_864_550.0]];
/// let taken = intake.take(Outline::polygon(&[corners])).unwrap();
/// assert_eq!(taken.defects[0].kind, DefectKind::UnclosedRing);
/// assert!(taken.source.is_some(), "the outline in the file's own coordinates is kept");
/// ```
#[derive(Debug, Clone)]
pub struct Intake {
    /// CRS of the file.
    pub crs: Crs,
    /// Whether its positions carry the offset of GCJ-02, which is taken off.
    pub shifted: bool,
    /// Plane of the atlas.
    pub plane: Plane,
    /// Ground that readings of an outline may differ about, square metres, and no more than `DISPUTED_SHARE` of it: it is put right and named.
    pub disputed_m2: f64,
    /// Whether rings are told to be shells or holes by the direction they run in, as in a Shapefile; else by their place in the outline.
    pub by_direction: bool,
    /// Vertices that an outline may have once its long edges are cut.
    pub most_vertices: u64,
}

/// [`Intake::disputed_m2`] where no rule says otherwise: 0.001 亩, as the tolerance for cover.
const DISPUTED_M2: f64 = 0.001 * Area::M2_PER_MU;
/// The part of an outline that may be disputed.
const DISPUTED_SHARE: f64 = 0.01;
/// Readings that differ by less than this part do not differ.
const ROUNDING: f64 = 1e-9;

/// An outline taken in.
#[derive(Debug, Clone, PartialEq)]
pub struct Taken {
    /// As it came, where that is not what is measured: the file is not in degrees, or shifted.
    pub source: Option<Outline>,
    /// Where it lies, in CRS84 degrees.
    pub degrees: Outline,
    /// The outline in degrees with its long edges cut, where they were straight in the file's projection and are not in degrees: what is measured.
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

impl OutlineFault {
    /// The reject of the feature in row `row`.
    #[must_use]
    pub fn reject(self, row: u64, patch_id: Option<String>) -> Reject {
        Reject {
            row,
            patch_id,
            code: self.code.to_owned(),
            reason: self.words,
            pointer: self.place.pointer(row),
            ring: self.place.ring,
            vertex: self.place.vertex,
        }
    }
}

impl Taken {
    /// As the file drew it.
    #[must_use]
    pub fn as_drawn(&self, written: Written) -> AsDrawn<'_> {
        AsDrawn { degrees: &self.degrees, written }
    }
}

impl Intake {
    /// Normalizes outlines of a file in `crs`, which become regions of `plane`.
    #[must_use]
    pub fn new(crs: Crs, plane: Plane) -> Self {
        Self { crs, shifted: false, plane, disputed_m2: DISPUTED_M2, by_direction: false, most_vertices: u64::MAX }
    }

    /// Projects and judges an outline.
    ///
    /// Nearly every outline has one reading in the plane. Where it has not, the outline is judged as it was drawn, in the file's own coordinates: what is valid there is
    /// taken, and so is what readings hardly differ about.
    pub fn take(&self, source: Outline) -> Result<Taken, OutlineFault> {
        let (source, degrees) = if self.crs.is_degrees() && !self.shifted {
            self.crs.place(&source)?;
            (None, source)
        } else {
            let degrees = self.degrees(&source)?;
            (Some(source), degrees)
        };
        let as_drawn = source.as_ref().unwrap_or(&degrees);
        self.refuse_more(as_drawn)?;
        let checked = self.check(&degrees, as_drawn);
        // Edges straight in the file's projection are curves in the plane; the file's own vertices were judged above.
        let dense = match &source {
            Some(source) if self.shifted && !self.crs.is_degrees() => Some(self.crs.outline_to_degrees_dense(source)?.map(remove_gcj02)),
            Some(source) => self.crs.densify(source, &degrees)?,
            None => None,
        };
        let checked = match (checked, &dense) {
            (Ok(checked), Some(dense)) => self.check(dense, as_drawn).map(|dense| Checked { region: dense.region, defects: checked.defects }),
            (checked, _) => checked,
        };
        let (region, defects) = match checked {
            Ok(Checked { region, defects }) => {
                let defects = defects.into_iter().map(|defect| Defect { at: self.plane.unproject(defect.at), ..defect }).collect::<Vec<_>>();
                (region, defects)
            }
            Err(fault) => self.as_drawn(as_drawn, dense.as_ref().unwrap_or(&degrees), &fault)?,
        };
        self.refuse_nothing(&region, as_drawn)?;
        let region = if defects.is_empty() { region } else { without_specks(region) };
        let repaired = (!defects.is_empty()).then(|| region.outline().map(|at| self.plane.unproject(at)));
        Ok(Taken { source, degrees, dense, region, repaired, defects })
    }

    /// The region of an outline that has no one reading in the plane, with what was put right; positions of defects in degrees. `measured` is the outline in degrees, its
    /// long edges cut.
    fn as_drawn(&self, outline: &Outline, measured: &Outline, fault: &Unacceptable) -> Result<(Region, Vec<Defect>), OutlineFault> {
        let refused = |unacceptable: &Unacceptable| fault_words(unacceptable, outline.multi);
        if matches!(fault.fault, Fault::Empty | Fault::TooFewPoints | Fault::NoArea) {
            return Err(refused(fault));
        }
        let is_nothing = |ring: usize| self.is_nothing(outline, ring);
        let Dispute { defects, share, worst } = dispute(outline, &is_nothing).map_err(|fault| refused(&fault))?;
        // Rings that run the wrong way round can take each other's ground away altogether.
        let region = read(&measured.map(|at| self.plane.project(at)), &is_nothing);
        let area_m2 = region.as_ref().map_or(f64::INFINITY, Region::area_m2);
        let most = (self.disputed_m2 / area_m2).min(if self.disputed_m2.is_finite() { DISPUTED_SHARE } else { 1.0 });
        if share > ROUNDING.max(most) {
            return match self.by_direction.then(|| nesting::nested(outline)).flatten() {
                Some(nested) => self.nested(&nested, outline),
                None => Err(refused(&worst.unwrap_or(*fault))),
            };
        }
        let region = region.map_err(|fault| refused(&fault))?;
        let defects = defects.into_iter().map(|defect| Defect { at: self.place(defect.at), ..defect }).collect();
        Ok((region, defects))
    }

    /// Takes in an outline whose rings were told apart by which lies in which.
    fn nested(&self, nested: &nesting::Nested, outline: &Outline) -> Result<(Region, Vec<Defect>), OutlineFault> {
        let as_drawn = Self { by_direction: false, ..self.clone() };
        let Taken { region, mut defects, .. } = as_drawn.take(nested.outline.clone())?;
        for defect in &mut defects {
            (defect.part, defect.ring) = nested.place_of(outline, defect);
        }
        let (part, ring) = outline.place_of(nested.first);
        let at = outline.ring(nested.first).first().map_or([0.0; 2], |at| self.place(*at));
        defects.push(Defect { kind: DefectKind::RingDirection, part, ring, vertex: 0, at });
        Ok((region, defects))
    }

    /// A position of the file in degrees; what cannot be placed was refused before.
    fn place(&self, at: [f64; 2]) -> [f64; 2] {
        let degrees = self.crs.to_degrees(at).unwrap_or(at);
        if self.shifted { remove_gcj02(degrees) } else { degrees }
    }

    /// The region of an outline that was repaired, as it will be read back from what is stored of it; nothing for one that was not, whose region it has.
    pub fn region_as_stored(&self, taken: &Taken) -> Result<Option<Region>, OutlineFault> {
        let damaged = |outline: &Outline| fault_words(&Unacceptable { fault: Fault::WindsTwice, part: 0, ring: 0, vertex: None }, outline.multi);
        taken.repaired.as_ref().map(|repaired| region_again(repaired, &self.plane).ok_or_else(|| damaged(repaired))).transpose()
    }

    /// Takes the outline of a stored patch of the file in again: in the same plane what is measured is the same to the last bit.
    pub fn again(&self, patch: Patch) -> Result<Taken, OutlineFault> {
        self.stored(patch.source, patch.degrees)
    }

    /// Takes a stored outline in again: the outline as it came, where that was kept, and where it lies in degrees.
    ///
    /// What was taken in once has no tolerance to keep; it is asked for first because rings are told apart by their directions only where it is exceeded.
    pub fn stored(&self, source: Option<Outline>, degrees: Outline) -> Result<Taken, OutlineFault> {
        let shifted = is_moved(source.as_ref(), &degrees, self.crs);
        let outline = source.unwrap_or(degrees);
        let like = |by_direction: bool, disputed_m2: f64| Self { shifted, disputed_m2, by_direction, ..self.clone() };
        let strict = like(false, DISPUTED_M2).take(outline.clone());
        strict.or_else(|_| like(true, DISPUTED_M2).take(outline.clone())).or_else(|_| like(false, f64::INFINITY).take(outline))
    }

    /// An outline of the file to CRS84 degrees, vertex by vertex.
    pub fn degrees(&self, source: &Outline) -> Result<Outline, OutlineFault> {
        let degrees = self.crs.outline_to_degrees(source)?;
        Ok(if self.shifted { degrees.map(remove_gcj02) } else { degrees })
    }

    /// Judges an outline in degrees, which in the file's own coordinates was `as_drawn`.
    fn check(&self, degrees: &Outline, as_drawn: &Outline) -> Result<Checked, Unacceptable> {
        check_rings_in(degrees, |at| self.plane.project(at), &|ring| self.is_nothing(as_drawn, ring))
    }

    /// Whether a ring of an outline of the file encloses nothing as it was drawn.
    fn is_nothing(&self, outline: &Outline, ring: usize) -> bool {
        let metre = if self.crs.is_degrees() { METRE_DEGREES } else { 1.0 };
        let ring = outline.ring(ring);
        let least = LEAST_WIDTH_M * metre * around(ring);
        // The loops of a figure of eight may cancel: only one that is looked at closely is nothing.
        twice_signed_area(ring).abs() <= least
            && match check(&Outline::polygon(&[ring])) {
                Ok(Checked { region, .. }) => 2.0 * region.area_m2() <= least,
                Err(Unacceptable { fault, .. }) => matches!(fault, Fault::Empty | Fault::TooFewPoints | Fault::NoArea),
            }
    }

    /// Refuses an outline of which cutting its long edges would make more than there is memory for.
    fn refuse_more(&self, as_drawn: &Outline) -> Result<(), OutlineFault> {
        let vertices = as_drawn.positions.len() as u64;
        if vertices.saturating_add(self.crs.steps_between(as_drawn)) <= self.most_vertices {
            return Ok(());
        }
        Err(OutlineFault { code: "too_many_vertices", words: Words::too_many_vertices(self.most_vertices), place: Place::default() })
    }

    /// Refuses a region of less than the least width; a thin one also where it is nothing but a line as it was drawn.
    fn refuse_nothing(&self, region: &Region, as_drawn: &Outline) -> Result<(), OutlineFault> {
        let width_m = 2.0 * region.area_m2().abs() / region.rings().map(around).sum::<f64>();
        let is_nothing = width_m <= LEAST_WIDTH_M || width_m < THIN_M && (0..as_drawn.ring_ends.len()).all(|ring| self.is_nothing(as_drawn, ring));
        let too_thin = Unacceptable { fault: Fault::TooThin, part: 0, ring: 0, vertex: None };
        if is_nothing { Err(fault_words(&too_thin, as_drawn.multi)) } else { Ok(()) }
    }
}

/// What an outline in the plane encloses, however little of it is disputed: what was taken in before.
fn read(outline: &Outline, is_nothing: &dyn Fn(usize) -> bool) -> Result<Region, Unacceptable> {
    match check_rings(outline, is_nothing) {
        Ok(checked) => Ok(checked.region),
        Err(_) => unite(outline, is_nothing),
    }
}

/// The region of an outline in degrees that was taken in before; `None` where it no longer passes its check.
#[must_use]
pub fn region_again(degrees: &Outline, plane: &Plane) -> Option<Region> {
    let checked = check_in(degrees, |at| plane.project(at)).map(|checked| checked.region);
    checked.or_else(|_| unite(&degrees.map(|at| plane.project(at)), &|_| false)).ok()
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

/// Mean width, twice the area by the way around, up to which a ring encloses nothing, metres: the last of nine decimals of a degree. A line that came through another
/// projection is no longer quite straight.
const LEAST_WIDTH_M: f64 = 1e-4;
/// Mean width, metres, from which a region is not asked whether it was drawn as a line: that of a line 40 km long that is straight in degrees.
const THIN_M: f64 = 2.0;
/// Degrees of a metre, roughly.
const METRE_DEGREES: f64 = 1e-5;

/// What of a repaired outline its lobes of no width may be together, as a part of it.
const SPECKS: f64 = 1e-9;

/// The region without the loops that splitting left where rings cross within a few last digits: written in degrees they would enclose nothing, and the outline
/// would not pass its check again.
fn without_specks(region: Region) -> Region {
    let kept = Region::of_rings(region.rings().filter(|ring| twice_signed_area(ring).abs() > LEAST_WIDTH_M * around(ring)));
    if (kept.area_m2() - region.area_m2()).abs() <= SPECKS * region.area_m2() { kept } else { region }
}

/// The length of a closed ring.
fn around(ring: &[[f64; 2]]) -> f64 {
    let length = |edge: &[[f64; 2]]| {
        let [dx, dy] = [edge[1][0] - edge[0][0], edge[1][1] - edge[0][1]];
        (dx * dx + dy * dy).sqrt()
    };
    ring.windows(2).map(length).sum()
}

impl From<Unplaced> for OutlineFault {
    fn from(at: Unplaced) -> Self {
        Self { code: "out_of_range", words: Words::out_of_range(), place: at.into() }
    }
}

fn fault_words(unacceptable: &Unacceptable, multi: bool) -> OutlineFault {
    let (code, zh, en) = match unacceptable.fault {
        Fault::Empty => ("empty_geometry", "图形为空", "the outline is empty"),
        Fault::TooFewPoints => ("too_few_points", "环的点数不足 4 个（首尾闭合后至少 4 个）", "a ring has fewer than four positions"),
        Fault::NoArea => ("no_area", "环没有面积（各点共线或重合）", "a ring encloses nothing (its positions are in line or the same)"),
        Fault::TooThin => (
            "no_area",
            "图形平均宽度不足 0.1 毫米（面积的两倍除以周长），视为没有面积",
            "the outline is on average less than 0.1 mm wide (twice its area by its length) and counts as nothing",
        ),
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
        DefectKind::CollapsedRing => ("环没有面积，已去除此环，图形其余部分保留", "the ring encloses nothing and was left out; the rest of the outline stays"),
        DefectKind::WindsTwice => {
            ("环重复包围极小的一块地（不超过容差），按只包围一次计", "the ring encloses a little ground twice (within tolerance), which counts once")
        }
        DefectKind::HoleOutside => {
            ("内环略微超出外环（不超过容差），超出部分不计", "a little of the hole lies outside its shell (within tolerance) and is passed over")
        }
        DefectKind::HolesOverlap => {
            ("内环之间略有重叠（不超过容差），按并集扣除", "the hole shares a little ground with another (within tolerance), which is taken out once")
        }
        DefectKind::PartsOverlap => {
            ("部件之间略有重叠（不超过容差），按并集计", "the part shares a little ground with another (within tolerance), which counts once")
        }
        DefectKind::RingDirection => (
            "环的走向与 Shapefile 的规定相反，已按包含关系区分外环和内环",
            "rings run the wrong way round for a Shapefile; shells and holes were told apart by which lies in which",
        ),
    };
    let (ring, vertex) = (defect.ring, defect.vertex);
    Words::new(format!("第 {ring} 环第 {vertex} 点：{zh}"), format!("ring {ring}, vertex {vertex}: {en}"))
}
