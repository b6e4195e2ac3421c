//! The values that parameters have: how each is read from text, what is said where it cannot be, and its JSON Schema.

use super::Problem;

use crate::service::{Gcj02, Service, Wanted, layers::county_codes::CountyCodes, why_not};
use crate::service::{
    export::{Encoding, Format},
    patches::{PatchPosition, VerdictFilter},
};
use jiff::civil::Date;
use tuban_engine::model::{CountyCode, CountyNames, LayerKind, Level, NotAWord, OnConflict, Period, Standard, Words, read_days, words};
use tuban_geom::{Bounds, Crs};
use utoipa::openapi::{KnownFormat, Object, ObjectBuilder, SchemaFormat, Type};

/// A value of a parameter.
pub trait Value: Sized {
    /// Reads it, or says in both languages what it should be.
    fn read(text: &str) -> Result<Self, Words>;

    /// Its JSON Schema.
    fn schema() -> Object;

    /// What is said where it must be there and is not.
    fn missing() -> Words {
        Words::new("必须给出", "is required")
    }
}

/// A text of no set form.
fn text() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String)
}

/// One of these words.
fn one_of(words: &[&str]) -> Object {
    text().enum_values(Some(words.iter().copied())).build()
}

/// Implements [`Value`] for enums of words.
macro_rules! value_of_words {
    ($($type:ty),+ $(,)?) => {
        $(impl Value for $type {
            fn read(text: &str) -> Result<Self, Words> {
                text.parse().map_err(|why: NotAWord| why.words())
            }

            fn schema() -> Object {
                one_of(&Self::ALL.iter().map(|value| value.word()).collect::<Vec<_>>())
            }
        })+
    };
}

words! {
    /// The one word of a parameter that says yes or is absent.
    Yes {
        /// Yes.
        Yes = "yes",
    }
}

words! {
    /// What may become of confirmed verdicts.
    LoseVerdicts {
        /// They may be lost.
        Drop = "drop",
    }
}

value_of_words!(CountyCodes, Format, Gcj02, LayerKind, Level, LoseVerdicts, OnConflict, Standard, Yes);

/// Implements [`Value`] for whole numbers.
macro_rules! value_of_numbers {
    ($($type:ty: $format:ident),+ $(,)?) => {
        $(impl Value for $type {
            fn read(text: &str) -> Result<Self, Words> {
                text.parse().map_err(|_| Words::new("应为整数，且不过大或过小", "must be a whole number, and neither too large nor too small"))
            }

            fn schema() -> Object {
                let schema = ObjectBuilder::new().schema_type(Type::Integer).format(Some(SchemaFormat::KnownFormat(KnownFormat::$format)));
                if <$type>::MIN == 0 { schema.minimum(Some(0)) } else { schema }.build()
            }
        })+
    };
}

value_of_numbers!(i64: Int64, u64: Int64, u32: Int32);

impl Value for String {
    fn read(text: &str) -> Result<Self, Words> {
        Ok(text.to_owned())
    }

    fn schema() -> Object {
        text().min_length(Some(1)).build()
    }
}

impl Value for Period {
    fn read(text: &str) -> Result<Self, Words> {
        text.parse().map_err(|why: tuban_engine::model::NotAPeriod| why.words())
    }

    fn schema() -> Object {
        text().examples(["2022-04", "2022-Q2", "2022"]).build()
    }
}

impl Value for Crs {
    fn read(text: &str) -> Result<Self, Words> {
        text.parse().map_err(|why: tuban_geom::UnknownCrs| why_not(&why.name))
    }

    fn schema() -> Object {
        text().examples(["EPSG:4490", "EPSG:4527"]).build()
    }
}

impl Value for Date {
    fn read(text: &str) -> Result<Self, Words> {
        text.parse().map_err(|_| Words::new("应为日期，如 2022-04-01", "must be a day, such as 2022-04-01"))
    }

    fn schema() -> Object {
        text().format(Some(SchemaFormat::KnownFormat(KnownFormat::Date))).build()
    }
}

impl Value for VerdictFilter {
    fn read(text: &str) -> Result<Self, Words> {
        text.parse().map_err(|why: NotAWord| why.words())
    }

    fn schema() -> Object {
        one_of(&[
            "legal",
            "illegal",
            "suspected_illegal",
            "other",
            "doubtful",
            "pending",
            "confirmed_legal",
            "confirmed_illegal",
            "confirmed_other",
            "confirmed_doubtful",
        ])
    }
}

/// Of a Shapefile's text, in capitals or not.
impl Value for Encoding {
    fn read(text: &str) -> Result<Self, Words> {
        text.to_uppercase().parse().map_err(|why: NotAWord| why.words())
    }

    fn schema() -> Object {
        one_of(&Self::ALL.iter().map(|value| value.word()).collect::<Vec<_>>())
    }
}

/// What a file is read for: `survey`, or a kind of layer.
impl Value for Wanted {
    fn read(text: &str) -> Result<Self, Words> {
        if text == SURVEY { Ok(Self::Survey) } else { LayerKind::read(text).map(Self::Layer) }
    }

    fn schema() -> Object {
        let words: Vec<&str> = std::iter::once(SURVEY).chain(LayerKind::ALL.iter().map(|kind| kind.word())).collect();
        one_of(&words)
    }
}

/// The word for a survey where kinds of layers are the others.
const SURVEY: &str = "survey";

/// `yes` or `no`, of which `no` is usual; `true` and `false` are understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct YesOrNo(bool);

impl YesOrNo {
    /// Whether it is there and says yes.
    #[must_use]
    pub fn is_yes(said: Option<Self>) -> bool {
        said.is_some_and(|said| said.0)
    }
}

impl Value for YesOrNo {
    fn read(text: &str) -> Result<Self, Words> {
        match text {
            "yes" | "true" => Ok(Self(true)),
            "no" | "false" => Ok(Self(false)),
            _ => Err(NotAWord::new(text, &["yes", "no"]).words()),
        }
    }

    fn schema() -> Object {
        one_of(&["yes", "no", "true", "false"])
    }
}

/// How many of a list are answered at once: from 1 to `MOST`, and `USUAL` where nothing is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit<const USUAL: u32, const MOST: u32>(u32);

impl<const USUAL: u32, const MOST: u32> Limit<USUAL, MOST> {
    /// What was said, or what is usual.
    #[must_use]
    pub fn or_usual(said: Option<Self>) -> u32 {
        said.map_or(USUAL, |Self(limit)| limit)
    }
}

impl<const USUAL: u32, const MOST: u32> Value for Limit<USUAL, MOST> {
    fn read(text: &str) -> Result<Self, Words> {
        let limit = u32::read(text)?;
        let is_in_range = (1..=MOST).contains(&limit);
        is_in_range.then_some(Self(limit)).ok_or_else(|| Words::new(format!("应为 1 到 {MOST}"), format!("must be 1 to {MOST}")))
    }

    fn schema() -> Object {
        ObjectBuilder::new()
            .schema_type(Type::Integer)
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::Int32)))
            .minimum(Some(1))
            .maximum(Some(MOST))
            .default(Some(USUAL.into()))
            .build()
    }
}

/// Where a list of patches goes on: `SURVEY-PATCH`, as `next` has it.
impl Value for PatchPosition {
    fn read(text: &str) -> Result<Self, Words> {
        let (survey, patch) = text.split_once('-').ok_or_else(|| Words::new("请照 next 里的写", "take it from next"))?;
        Ok(Self { survey: i64::read(survey)?, patch: i64::read(patch)? })
    }

    fn schema() -> Object {
        text().pattern(Some("^[0-9]+-[0-9]+$")).build()
    }
}

/// The day of an image: a day, or a month, which has a first and a last day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ImageDays {
    /// The first day that can be meant.
    pub first: Date,
    /// The last one.
    pub last: Date,
}

impl Value for ImageDays {
    fn read(text: &str) -> Result<Self, Words> {
        let today = tuban_engine::model::today();
        let (first, last) =
            read_days(text).ok_or_else(|| Words::new("应为日期或月份，如 2022-04-01、2022-04", "must be a day or a month, such as 2022-04-01 or 2022-04"))?;
        if first > today {
            return Err(Words::new(format!("晚于今天（{today}）"), format!("is after today ({today})")));
        }
        Ok(Self { first, last })
    }

    fn schema() -> Object {
        text().examples(["2022-04-01", "2022-04"]).build()
    }
}

/// `west,south,east,north` in degrees.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bbox(Bounds);

/// Why a text is no box.
fn no_box(zh: &str, en: &str) -> Words {
    Words::new(format!("应为“西,南,东,北”，单位为度：{zh}"), format!("must be west,south,east,north in degrees: {en}"))
}

fn latitude_first() -> Words {
    no_box("经度在前，纬度在后", "longitude comes first")
}

impl Bbox {
    /// Tells one that was written latitude first from one that is elsewhere, by the box of the counties in force.
    pub fn within(self, city: Option<&Bounds>) -> Result<Bounds, Problem> {
        let Self(bounds) = self;
        let swapped = Bounds { min: [bounds.min[1], bounds.min[0]], max: [bounds.max[1], bounds.max[0]] };
        match city {
            Some(city) if !bounds.touches(city) && swapped.touches(city) => Err(Problem::parameter("bbox", &latitude_first())),
            _ => Ok(bounds),
        }
    }
}

impl Value for Bbox {
    fn read(text: &str) -> Result<Self, Words> {
        let numbers: Option<Vec<f64>> = text.split(',').map(|number| number.trim().parse().ok().filter(|n: &f64| n.is_finite())).collect();
        let Some([west, south, east, north]) = numbers.and_then(|numbers| <[f64; 4]>::try_from(numbers).ok()) else {
            return Err(no_box("要四个数", "four numbers"));
        };
        if south.abs() > 90.0 || north.abs() > 90.0 {
            return Err(latitude_first());
        }
        if west.abs() > 180.0 || east.abs() > 180.0 {
            return Err(no_box("这些数像是米，不是度", "degrees, not metres"));
        }
        if west > east || south > north {
            return Err(no_box("西 ≤ 东，南 ≤ 北", "west ≤ east, south ≤ north"));
        }
        Ok(Self(Bounds { min: [west, south], max: [east, north] }))
    }

    fn schema() -> Object {
        text().examples(["116.3,39.8,116.4,39.9"]).build()
    }
}

/// Six digits, or the name of a county in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CountyKey(String);

impl CountyKey {
    /// The county's code.
    ///
    /// # Errors
    /// Where it is no county; the problem lists the counties in force.
    pub async fn code(self, service: &Service) -> Result<String, Problem> {
        let Self(text) = self;
        if CountyCode::is(&text) {
            return Ok(text);
        }
        let counties = service.counties().await?;
        CountyNames::of(&counties).code_of(&text).map(str::to_owned).ok_or_else(|| {
            let all: Vec<String> = counties.iter().map(|county| format!("{} {}", county.code, county.name)).collect();
            let all = all.join("、");
            Problem::parameter("county", &Words::new(format!("应为六位代码或名称：{all}"), format!("must be six digits or a name: {all}")))
        })
    }
}

impl Value for CountyKey {
    fn read(text: &str) -> Result<Self, Words> {
        Ok(Self(text.trim().to_owned()))
    }

    fn schema() -> Object {
        text().examples(["110101", "东城区"]).build()
    }
}

/// A name or a reason, in at most 500 letters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remark(pub String);

/// Letters of a name or a reason at most.
const LETTERS: usize = 500;

impl Value for Remark {
    fn read(text: &str) -> Result<Self, Words> {
        let text = text.trim();
        let is_short = text.chars().count() <= LETTERS;
        is_short.then(|| Self(text.to_owned())).ok_or_else(|| Words::new(format!("最多 {LETTERS} 个字"), format!("has at most {LETTERS} letters")))
    }

    fn schema() -> Object {
        text().min_length(Some(1)).max_length(Some(LETTERS)).build()
    }
}

/// A reason that must be given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason(pub Remark);

impl Value for Reason {
    fn read(text: &str) -> Result<Self, Words> {
        Remark::read(text).map(Self)
    }

    fn schema() -> Object {
        Remark::schema()
    }

    fn missing() -> Words {
        Words::new("必须写明原因", "is required: say why")
    }
}
