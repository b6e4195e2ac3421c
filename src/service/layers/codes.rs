//! The codes of a layer's features: read one by one, judged as a whole.

use crate::formats::{Field, RawFeature};
use crate::service::{
    Refusal,
    layers::{
        class_codes::{self, ClassTally, Understood, UnknownCode},
        county_codes::{self, CountyCodes, CountyTally, Sorted},
    },
};
use serde::{Deserialize, Serialize};
use tuban_engine::atlas::Atlas;
use tuban_engine::model::{CountyNames, FeatureFacts, LONGEST_CODE, LayerKind, Reject, Standard, Words, is_too_long, shortened};

/// What people say of the codes of a layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct CodeChoices {
    /// The standard that class codes are of.
    #[serde(default)]
    pub classes: Option<Standard>,
    /// What to do with features of a layer of counties that are no counties.
    #[serde(default)]
    pub county_codes: Option<CountyCodes>,
}

/// What was seen of a feature's code.
#[derive(Debug, Clone, PartialEq)]
pub enum CodeSeen {
    /// Nothing to be said of it.
    Plain,
    /// The code of a class, understood or not.
    Class(Result<Understood, UnknownCode>),
    /// Code and name of a county, as they came.
    County(Box<FeatureFacts>),
}

/// What a feature is called in its layer; or why it is not in it, nothing where people said to leave it out.
pub type Named = Result<FeatureFacts, Option<Box<Reject>>>;

/// The names by which the codes of a layer of that kind may be known: those of the counties in force where it is one of counties.
#[must_use]
pub fn names_in_force(kind: LayerKind, atlas: &Atlas) -> CountyNames {
    if kind == LayerKind::County { CountyNames::of(atlas.counties()) } else { CountyNames::default() }
}

/// Reads code and name of a feature.
pub fn read(kind: LayerKind, choices: CodeChoices, in_force: &CountyNames, raw: &RawFeature<'_>) -> (CodeSeen, Named) {
    let (code, name) = (raw.fields.get(Field::Code).unwrap_or(""), raw.fields.get(Field::Name).unwrap_or(""));
    if is_too_long(code) {
        let words = Words::new(
            format!("编码超过 {LONGEST_CODE} 个字符，请检查字段对应是否有误"),
            format!("its code is longer than {LONGEST_CODE} characters; check which field it was taken from"),
        );
        return (CodeSeen::Plain, Err(Some(reject(raw.row, "code_too_long", words))));
    }
    let facts = FeatureFacts::new(code.to_owned(), shortened(name).into_owned());
    match kind {
        LayerKind::County => {
            let named = match county_codes::sort(choices.county_codes, in_force, &facts) {
                Sorted::Member(member) => Ok(member),
                Sorted::LeftOut => Err(None),
                Sorted::Open => {
                    let code = &facts.code;
                    let words =
                        Words::new(format!("县代码“{code}”不是县级行政区的 6 位数字"), format!("county code “{code}” is not the six digits of a county"));
                    Err(Some(reject(raw.row, "bad_county_code", words)))
                }
            };
            (CodeSeen::County(Box::new(facts)), named)
        }
        LayerKind::Farmland => match class_codes::read(choices.classes, facts) {
            Ok((facts, understood)) => (CodeSeen::Class(Ok(understood)), Ok(facts)),
            Err(unknown) => {
                let code = &unknown.code;
                let words = Words::new(format!("DLBM“{code}”不是分类标准中的地类编码"), format!("DLBM “{code}” is not a class code of the standard"));
                let reject = reject(raw.row, "bad_dlbm", words);
                (CodeSeen::Class(Err(unknown)), Err(Some(reject)))
            }
        },
        _ => (CodeSeen::Plain, Ok(facts)),
    }
}

/// Whether the name of a feature is longer than one may be.
#[must_use]
pub fn is_shortened(raw: &RawFeature<'_>) -> bool {
    raw.fields.get(Field::Name).is_some_and(|name| matches!(shortened(name), std::borrow::Cow::Owned(_)))
}

fn reject(row: u64, code: &str, reason: Words) -> Box<Reject> {
    let pointer = format!("/features/{}/properties", row.saturating_sub(1));
    Box::new(Reject { row, patch_id: None, code: code.to_owned(), reason, pointer, ring: None, vertex: None })
}

/// The codes of a layer as a whole.
#[derive(Debug, Clone, PartialEq)]
pub struct CodeTally {
    kind: LayerKind,
    classes: ClassTally,
    counties: CountyTally,
}

impl CodeTally {
    /// Of a layer of that kind, of which people say that, while the layers of that atlas are in force.
    #[must_use]
    pub fn of(kind: LayerKind, choices: CodeChoices, atlas: &Atlas) -> Self {
        Self { kind, classes: ClassTally::of(choices.classes), counties: CountyTally::of(choices.county_codes, names_in_force(kind, atlas)) }
    }

    /// Counts a feature; `facts` is what it is called where it was taken in.
    pub fn add(&mut self, row: u64, seen: &CodeSeen, facts: Option<&FeatureFacts>) {
        match (seen, facts) {
            (CodeSeen::Class(Ok(understood)), Some(facts)) => self.classes.take(facts, *understood),
            (CodeSeen::Class(Err(unknown)), _) => self.classes.refuse(row, unknown),
            (CodeSeen::County(came), _) => self.counties.add(row, came),
            (CodeSeen::Class(Ok(_)), None) | (CodeSeen::Plain, _) => {}
        }
    }

    /// What must be asked before the layer can be taken in.
    #[must_use]
    pub fn question(&self) -> Option<Refusal> {
        match self.kind {
            LayerKind::County => self.counties.question(),
            LayerKind::Farmland => self.classes.question(),
            _ => None,
        }
    }

    /// What people should know of the codes.
    #[must_use]
    pub fn notes(&self) -> Vec<Words> {
        match self.kind {
            LayerKind::County => self.counties.notes(),
            LayerKind::Farmland => self.classes.notes(),
            _ => Vec::new(),
        }
    }

    /// The standard that a parcel layer is read by.
    #[must_use]
    pub fn standard(&self) -> Option<Standard> {
        (self.kind == LayerKind::Farmland).then(|| self.classes.standard())
    }
}
