//! One raw feature to a patch with its finding, or to a reject with its reason. Pure; called from every core.

use crate::formats::{Field, RawFeature, Values, tidy_code};
use crate::service::{
    layers::county_codes,
    reading::{Reading, diagnostics::Notice},
    reclassification::rejudging::InHand,
    surveys::{
        ids::county_number,
        patch_id::{self, Unusable},
    },
};
use jiff::civil::Date;
use std::{borrow::Cow, io};
use tuban_engine::model::{CountyCode, CountyNames, Days, Finding, Patch, Reject, Words, shortened, today};
use tuban_engine::{
    atlas::Atlas,
    classify::{Assessment, assess},
    gcj02_evidence::{self, testify},
    normalize::{Intake, Taken},
    rule::Rule,
};
use tuban_geom::{Figure, Written};

/// Everything a feature is judged by.
pub struct Judge<'a> {
    atlas: &'a Atlas,
    rule: &'a Rule,
    intake: Intake,
    written: Written,
    asks_gcj02: bool,
    /// Whether a field holds the ids.
    ids_in_field: bool,
    /// What a county may be called instead of its code.
    county_names: CountyNames,
    /// First and last day of the survey's period, for what the file does not say.
    period_days: (Date, Date),
    today: Date,
    /// The patches that its set is for; without one it is for all.
    in_hand: Option<InHand<'a>>,
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
    /// The county it says it is in, as a number; 0 where it says none.
    pub county: u32,
    /// The patch with its finding, which it has not where another set is to judge it; or why not.
    pub verdict: Result<Box<(Patch, Option<Finding>)>, Reject>,
    /// What was noticed of it.
    pub notice: Notice,
}

/// What was found of a feature, before a patch is made of it that can be stored.
pub struct Found<'a> {
    /// See [`Judged`].
    pub row: u64,
    /// See [`Judged`].
    pub patch_id: Cow<'a, str>,
    by_feature_id: bool,
    /// What the file says.
    pub stated_county: Option<Cow<'a, str>>,
    /// When its images were taken.
    pub days: Days,
    attributes: &'a str,
    /// See [`Judged`].
    pub notice: Notice,
    /// The outline and what was made of it, which is nothing where another set is to judge it; or why not.
    pub outcome: Result<(Taken, Option<Assessment>), Reject>,
}

impl<'a> Judge<'a> {
    /// A judge of the features of a file. `period_days` stand for days that the file does not say.
    #[must_use]
    pub fn new(atlas: &'a Atlas, rule: &'a Rule, reading: &Reading, period_days: (Date, Date)) -> Self {
        let intake = Intake { disputed_m2: rule.tolerance.cover_m2(), ..reading.intake(atlas.plane()) };
        let (asks_gcj02, ids_in_field) = (reading.gcj02_is_open(), reading.fields().theirs(Field::PatchId).is_some());
        let (written, county_names) = (reading.written(), CountyNames::of(atlas.counties()));
        Self { atlas, rule, intake, written, asks_gcj02, ids_in_field, county_names, period_days, today: today(), in_hand: None }
    }

    /// Limits the classifier to the patches that a set in hand is for.
    #[must_use]
    pub fn within(self, in_hand: InHand<'a>) -> Self {
        Self { in_hand: Some(in_hand), ..self }
    }

    /// When the images of a feature were taken.
    #[must_use]
    pub fn days(&self, raw: &RawFeature<'_>) -> Days {
        days(raw, self.period_days, self.today)
    }

    /// Judges one feature. Fails only where layers cannot be read back.
    pub fn judge(&self, raw: RawFeature<'_>) -> io::Result<Judged> {
        let Found { row, patch_id, by_feature_id, stated_county, days, attributes, notice, outcome } = self.find(raw)?;
        let (patch_id, county) = (patch_id.into_owned(), county_number(stated_county.as_deref()));
        let verdict = outcome.map(|(taken, assessment)| {
            let finding = assessment.map(|assessment| {
                let finding = assessment.finding(self.atlas, self.rule, stated_county.as_deref());
                match &self.in_hand {
                    Some(in_hand) => in_hand.complete(finding, &days),
                    None => finding,
                }
            });
            let Taken { source, degrees, repaired, defects, .. } = taken;
            let (patch_id, stated_county, attributes) = (patch_id.clone(), stated_county.map(Cow::into_owned), attributes.to_owned());
            Box::new((Patch { row, patch_id, stated_county, days, attributes, source, degrees, repaired, defects }, finding))
        });
        Ok(Judged { row, patch_id, by_feature_id, county, verdict, notice })
    }

    /// Measures one feature and judges what was measured. Fails only where layers cannot be read back.
    pub fn find<'f>(&'f self, raw: RawFeature<'f>) -> io::Result<Found<'f>> {
        let days = self.days(&raw);
        let RawFeature { row, mut feature_id, attributes, mut fields, geometry, decimals, has_z, mixed } = raw;
        let stated_county = self.stated_county(&mut fields);
        let (own, lost) = match self.own_id(&mut fields, &mut feature_id) {
            Ok(own) => (own, None),
            Err(unusable) => (Some(Cow::Owned(unusable.shown.clone())), Some(unusable)),
        };
        let by_feature_id = own.is_some() && !self.ids_in_field;
        let has_id = own.is_some();
        let patch_id = own.unwrap_or_else(|| Cow::Owned(patch_id::stand_in(row)));
        let mut notice = Notice { decimals, has_z, mixed, ..Notice::default() };
        // A feature that is refused is called by whatever id it has.
        let named = || if has_id { Some(patch_id.clone().into_owned()) } else { feature_id.clone().or_else(|| Some(patch_id.clone().into_owned())) };
        let taken = match (lost, geometry) {
            (Some(unusable), _) => Err(unusable_id(row, unusable)),
            (None, Ok(outline)) => self.intake.take(outline).map_err(|fault| fault.reject(row, named())),
            (None, Err(fault)) => Err(fault.reject(row, named())),
        };
        let outcome = match taken {
            Ok(mut taken) => {
                if self.asks_gcj02 && row <= gcj02_evidence::ROWS {
                    let stated_county = stated_county.as_deref().filter(|stated| CountyCode::is(stated));
                    notice.testimony = testify(self.atlas, row, &taken.degrees, stated_county)?;
                }
                let assessment = if self.in_hand.is_none_or(|in_hand| in_hand.holds(&days)) {
                    let figure = Figure::new(std::mem::take(&mut taken.region));
                    Some(assess(self.atlas, self.rule, &figure, taken.as_drawn(self.written), days.after)?)
                } else {
                    None
                };
                Ok((taken, assessment))
            }
            Err(reject) => Err(reject),
        };
        Ok(Found { row, patch_id, by_feature_id, stated_county, days, attributes, notice, outcome })
    }

    /// The id that the feature has in its field, or, where the file has no such field, of its own; else why no patch can be known by it.
    fn own_id<'f>(&self, fields: &mut Values<'f>, feature_id: &mut Option<String>) -> Result<Option<Cow<'f, str>>, Unusable> {
        let within = fields.take(Field::PatchIdWithin);
        let id = if self.ids_in_field { fields.take(Field::PatchId) } else { feature_id.take().map(Cow::Owned) };
        let Some(id) = id else { return Ok(None) };
        let own = patch_id::own(id)?;
        Ok(match (own, within) {
            (Some(id), Some(within)) => Some(Cow::Owned(patch_id::within_county(&within, &id))),
            (own, _) => own,
        })
    }

    /// The county the feature says it is in: six digits, by its code or by a name of the layer in force; else what stands in the place of the code, as it is written.
    fn stated_county<'f>(&'f self, fields: &mut Values<'f>) -> Option<Cow<'f, str>> {
        let code = fields.take(Field::CountyCode);
        if code.as_deref().is_some_and(CountyCode::is) {
            return code;
        }
        let by_name = |name: &str| self.county_names.code_of(name).map(Cow::Borrowed);
        let by_code = code.as_deref().and_then(|code| in_county(code).map(Cow::Owned).or_else(|| by_name(code)));
        // What is no code of a county is kept to be shown, and flagged.
        by_code.or_else(|| fields.get(Field::CountyName).and_then(by_name)).or_else(|| code.map(|code| Cow::Owned(shortened(&code).into_owned())))
    }
}

/// The county that a code, in whatever width, is of or lies in.
fn in_county(code: &str) -> Option<String> {
    match county_codes::read(&tidy_code(code)) {
        county_codes::Read::County(six) | county_codes::Read::Within(six) | county_codes::Read::Above(six) => Some(six.to_owned()),
        county_codes::Read::Unreadable => None,
    }
}

/// When the images of a feature were taken; `period_days` stand for days that it does not say.
#[must_use]
pub fn days(raw: &RawFeature<'_>, period_days: (Date, Date), today: Date) -> Days {
    Days::of(raw.fields.get(Field::DateBefore), raw.fields.get(Field::DateAfter), period_days, today)
}

/// The reject of a feature whose id no patch can be known by.
fn unusable_id(row: u64, id: Unusable) -> Reject {
    let pointer = format!("/features/{}/properties", row.saturating_sub(1));
    Reject { row, patch_id: Some(id.shown), code: id.code.to_owned(), reason: id.reason, pointer, ring: None, vertex: None }
}

/// The reject of a feature whose id an earlier one has.
#[must_use]
pub fn duplicate(row: u64, patch_id: &str, earlier: u64) -> Reject {
    let reason = Words::new(format!("图斑编号 {patch_id} 与第 {earlier} 行重复"), format!("row {earlier} already has the patch id {patch_id}"));
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
