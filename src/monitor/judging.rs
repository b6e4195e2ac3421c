//! One raw feature to a patch with its finding, or to a reject with its reason. Pure; called from every core.
//!
//! In two steps: [`Judge::take_in`] needs the feature only, [`Judge::find`] the layers, which want to be met in the order of the ground.

use super::{
    atlas::Atlas,
    classify::{Assessment, assess},
    gcj02::{self, testify},
    intake::{Intake, OutlineFault, Taken},
    noticed::Notice,
    reading::Reading,
    rule::Rule,
};
use crate::formats::{Field, RawFeature};
use crate::geom::{Figure, Outline};
use crate::land::{COUNTIES, Finding, Patch, Reject};
use std::{collections::HashMap, io};

/// Everything a feature is judged by.
pub struct Judge<'a> {
    atlas: &'a Atlas,
    rule: &'a Rule,
    intake: Intake,
    asks_gcj02: bool,
    county_codes: HashMap<String, String>,
}

/// What became of a feature.
#[derive(Debug, Clone, PartialEq)]
pub struct Judged {
    /// Row in the file, from 1.
    pub row: u64,
    /// The patch's id, also where it is refused.
    pub patch_id: String,
    /// Whether that id is the feature's own `id` and no field.
    pub by_feature_id: bool,
    /// The patch with its finding, or why not.
    pub verdict: Result<Box<(Patch, Finding)>, Reject>,
    /// What was noticed of it.
    pub notice: Notice,
}

/// What of a feature is kept for later.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keeps {
    /// Everything that is stored.
    All,
    /// Its outlines, without attributes.
    Outlines,
    /// Only the region that is measured.
    Region,
}

impl Keeps {
    /// Bytes of the file that may be in memory together.
    #[must_use]
    pub fn round_bytes(self) -> usize {
        match self {
            Self::Region => 16 << 20,
            Self::All | Self::Outlines => 4 << 20,
        }
    }
}

/// A feature taken in, or refused, before it is held against the layers.
pub struct Candidate {
    row: u64,
    patch_id: String,
    by_feature_id: bool,
    stated_county: Option<String>,
    attributes: String,
    notice: Notice,
    taken: Result<Taken, Reject>,
}

/// What was found of a feature, before a patch is made of it that can be stored.
pub struct Found {
    /// See [`Judged`].
    pub row: u64,
    /// See [`Judged`].
    pub patch_id: String,
    by_feature_id: bool,
    /// What the file says.
    pub stated_county: Option<String>,
    attributes: String,
    /// See [`Judged`].
    pub notice: Notice,
    /// The outline and what was made of it, or why not.
    pub outcome: Result<(Taken, Assessment), Reject>,
}

impl Candidate {
    /// Where it lies in the plane, if anywhere.
    #[must_use]
    pub fn place(&self) -> Option<[f64; 2]> {
        self.taken.as_ref().ok()?.place()
    }
}

impl<'a> Judge<'a> {
    /// A judge of the features of a file.
    #[must_use]
    pub fn new(atlas: &'a Atlas, rule: &'a Rule, reading: &Reading) -> Self {
        let known = COUNTIES.iter().map(|(code, name)| ((*name).to_owned(), (*code).to_owned()));
        let in_force = atlas.counties().map(|county| (county.name.clone(), county.code.clone()));
        let (intake, asks_gcj02) = (reading.intake(atlas.plane()), reading.gcj02_is_open());
        Self { atlas, rule, intake, asks_gcj02, county_codes: known.chain(in_force).collect() }
    }

    /// Takes one feature in; its attributes and what lies only beside what is measured, where `keeps` says so.
    pub fn take_in(&self, raw: RawFeature<'_>, keeps: Keeps) -> Candidate {
        let own = raw.fields.get(Field::PatchId).map(str::to_owned);
        let by_feature_id = own.is_none() && raw.feature_id.is_some();
        let stated_county = self.stated_county(&raw);
        let notice = Notice { decimals: raw.decimals, has_z: raw.has_z, ..Notice::default() };
        let (row, attributes) = (raw.row, if keeps == Keeps::All { raw.attributes.to_owned() } else { String::new() });
        let patch_id = own.or(raw.feature_id).unwrap_or_else(|| row.to_string());
        let taken = match raw.geometry {
            Ok(outline) => self.intake.take(outline).map_err(|fault| fault.reject(row, Some(patch_id.clone()))),
            Err(fault) => Err(fault.reject(row, Some(patch_id.clone()))),
        };
        // Only the first rows are asked about an offset, which takes their outlines.
        let region_only = keeps == Keeps::Region && !(self.asks_gcj02 && row <= gcj02::ROWS);
        let taken = taken.map(|taken| if region_only { Taken { source: None, degrees: Outline::default(), dense: None, ..taken } } else { taken });
        Candidate { row, patch_id, by_feature_id, stated_county, attributes, notice, taken }
    }

    /// Judges one feature. Fails only where layers cannot be read back.
    pub fn judge(&self, candidate: Candidate) -> io::Result<Judged> {
        let Found { row, patch_id, by_feature_id, stated_county, attributes, notice, outcome } = self.find(candidate)?;
        let verdict = outcome.map(|(taken, assessment)| {
            let finding = assessment.finding(self.atlas, self.rule, stated_county.as_deref());
            let Taken { source, degrees, repaired, defects, .. } = taken;
            Box::new((Patch { row, patch_id: patch_id.clone(), stated_county, attributes, source, degrees, repaired, defects }, finding))
        });
        Ok(Judged { row, patch_id, by_feature_id, verdict, notice })
    }

    /// Measures one feature and judges what was measured. Fails only where layers cannot be read back.
    pub fn find(&self, candidate: Candidate) -> io::Result<Found> {
        let Candidate { row, patch_id, by_feature_id, stated_county, attributes, mut notice, taken } = candidate;
        let outcome = match taken {
            Ok(mut taken) => {
                if self.asks_gcj02 && row <= gcj02::ROWS {
                    notice.testimony = testify(self.atlas, row, &taken.degrees, stated_county.as_deref())?;
                }
                let figure = Figure::new(std::mem::take(&mut taken.region));
                Ok((taken, assess(self.atlas, self.rule, &figure)?))
            }
            Err(reject) => Err(reject),
        };
        Ok(Found { row, patch_id, by_feature_id, stated_county, attributes, notice, outcome })
    }

    /// The county the feature says it is in: the first six digits of its code, else by name.
    fn stated_county(&self, raw: &RawFeature<'_>) -> Option<String> {
        let code = raw.fields.get(Field::CountyCode).filter(|code| code.len() >= 6 && code.bytes().all(|b| b.is_ascii_digit()));
        match code {
            Some(code) => Some(code[..6].to_owned()),
            None => raw.fields.get(Field::CountyName).and_then(|name| self.county_codes.get(name)).cloned(),
        }
    }
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

/// The reject of a feature whose id an earlier one has.
#[must_use]
pub fn duplicate(row: u64, patch_id: &str, earlier: u64) -> Reject {
    let reason = crate::land::Words::new(format!("图斑编号 {patch_id} 与第 {earlier} 行重复"), format!("row {earlier} already has the patch id {patch_id}"));
    Reject {
        row,
        patch_id: Some(patch_id.to_owned()),
        code: "duplicate_id".to_owned(),
        reason,
        pointer: format!("/features/{}", row.saturating_sub(1)),
        ring: None,
        vertex: None,
    }
}
