//! One raw feature to a patch with its finding, or to a reject with its reason. Pure; called from every core.

use super::{
    atlas::Atlas,
    classify::classify,
    gcj02::{Testimony, testify},
    intake::{Intake, OutlineFault, Taken},
    reading::Reading,
    rule::Rule,
};
use crate::formats::{Field, RawFeature};
use crate::geom::Figure;
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
    /// The most decimals a coordinate is written with.
    pub decimals: u8,
    /// Whether heights were dropped.
    pub has_z: bool,
    /// What the layers say of a GCJ-02 offset here, while that is open.
    pub testimony: Testimony,
}

/// What was found of a feature, before a patch is made of it that can be stored.
pub struct Found<'r> {
    /// See [`Judged`].
    pub row: u64,
    /// See [`Judged`].
    pub patch_id: String,
    by_feature_id: bool,
    stated_county: Option<String>,
    attributes: &'r str,
    decimals: u8,
    has_z: bool,
    /// The outline and its finding, or why not.
    pub outcome: Result<(Taken, Finding), Reject>,
}

impl Found<'_> {
    /// A patch with its finding, or a reject.
    fn judged(self, testimony: Testimony) -> Judged {
        let Self { row, patch_id, by_feature_id, stated_county, attributes, decimals, has_z, outcome } = self;
        let patch = |taken: Taken| Patch {
            row,
            patch_id: patch_id.clone(),
            stated_county,
            attributes: attributes.to_owned(),
            source: taken.source,
            degrees: taken.degrees,
            repaired: taken.repaired,
            defects: taken.defects,
        };
        let verdict = match outcome {
            Ok((taken, finding)) => Ok(Box::new((patch(taken), finding))),
            Err(reject) => Err(reject),
        };
        Judged { row, patch_id, by_feature_id, verdict, decimals, has_z, testimony }
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

    /// Judges one feature. Fails only where layers cannot be read back.
    pub fn judge(&self, raw: RawFeature<'_>) -> io::Result<Judged> {
        let found = self.find(raw)?;
        let testimony = match &found.outcome {
            Ok((taken, _)) if self.asks_gcj02 => testify(self.atlas, found.row, &taken.degrees, found.stated_county.as_deref())?,
            _ => Testimony::default(),
        };
        Ok(found.judged(testimony))
    }

    /// Measures one feature and judges what was measured. Fails only where layers cannot be read back.
    pub fn find<'r>(&self, raw: RawFeature<'r>) -> io::Result<Found<'r>> {
        let own = raw.fields.get(Field::PatchId).map(str::to_owned);
        let by_feature_id = own.is_none() && raw.feature_id.is_some();
        let patch_id = own.or_else(|| raw.feature_id.clone()).unwrap_or_else(|| raw.row.to_string());
        let stated_county = self.stated_county(&raw);
        let taken = match raw.geometry {
            Ok(outline) => self.intake.take(outline).map_err(|fault| fault.reject(raw.row, Some(patch_id.clone()))),
            Err(fault) => Err(fault.reject(raw.row, Some(patch_id.clone()))),
        };
        let outcome = match taken {
            Ok(mut taken) => {
                let figure = Figure::new(std::mem::take(&mut taken.region));
                let finding = classify(self.atlas, self.rule, &figure, stated_county.as_deref())?;
                Ok((taken, finding))
            }
            Err(reject) => Err(reject),
        };
        let (row, decimals, has_z, attributes) = (raw.row, raw.decimals, raw.has_z, raw.attributes);
        Ok(Found { row, patch_id, by_feature_id, stated_county, attributes, decimals, has_z, outcome })
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
