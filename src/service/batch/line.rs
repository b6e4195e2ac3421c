//! What `tuban classify` writes of a feature: a line of CSV or a GeoJSON feature.

use crate::formats::{geojson::Geometry, writing::harmless};
use crate::service::{
    reading::diagnostics::Notice,
    reclassification::rejudging::InHand,
    surveys::{ids::county_number, judging::Found},
};
use std::borrow::Cow;
use std::path::Path;
use tuban_engine::model::{Areas, AutomaticVerdict, Condition, CountyCode, Days, Explanation, LayerKind, Provenance, Reject, push_day};
use tuban_engine::{atlas::Atlas, choosing::Choice, classify::Assessment, explain::explain, normalize::Taken, rule::Rule};

/// What is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Output {
    /// One row a feature, in the order of [`COLUMNS`].
    Csv,
    /// A FeatureCollection in CRS84 with the same columns as properties.
    GeoJson,
}

/// Columns of the output, in order. Areas are square metres with four decimals, empty for a rejected feature; days are empty where the file does not say them.
pub const COLUMNS: &str = "patch_id,county_code,area_m2,farmland_m2,basic_farmland_m2,red_line_m2,urban_boundary_m2,approved_m2,approved_farmland_m2,verdict,condition,before_day,after_day,\
approved_before_m2,approved_before_farmland_m2,approved_undated_m2,approved_undated_farmland_m2,approved_later_m2,approved_later_farmland_m2,\
other_use_m2,other_use_farmland_m2,reason,county_name,flags";
/// What comes behind them where sentences are asked for: why, in Chinese and in English.
const EXPLAINED: &str = ",explanation,explanation_en";

/// What findings rest on, and how they are told.
#[derive(Debug, Clone)]
pub(crate) struct Telling<'a> {
    /// The layers in hand.
    pub(crate) atlas: &'a Atlas,
    /// The rule in hand.
    pub(crate) rule: &'a Rule,
    /// The patches that these are for; nothing where they are for all.
    pub(crate) in_hand: Option<InHand<'a>>,
    /// The layer versions, for sentences; `None` where no sentence is asked for.
    pub(crate) provenance: Option<Provenance>,
    /// What is written.
    pub(crate) output: Output,
}

impl Telling<'_> {
    /// Tells what is odd about a finding, word by word.
    fn each_flag(&self, assessment: &Assessment, found: &Found<'_>, mut tell: impl FnMut(&'static str)) {
        assessment.flags(self.rule, self.atlas, found.stated_county.as_deref()).into_iter().for_each(|flag| tell(flag.word()));
        if let Some(in_hand) = &self.in_hand {
            in_hand.since.flags(&found.days).for_each(|flag| tell(flag.word()));
        }
    }

    /// Why, in a sentence; nothing where none is asked for.
    fn sentence(&self, assessment: &Assessment, found: &Found<'_>) -> Option<Explanation> {
        let provenance = self.provenance.as_ref()?;
        let finding = assessment.finding(self.atlas, self.rule, found.stated_county.as_deref());
        let finding = match &self.in_hand {
            Some(in_hand) => in_hand.complete(finding, &found.days),
            None => finding,
        };
        Some(explain(&finding, provenance, &found.days, &self.rule.tolerance))
    }
}

/// The lines of a batch's features: their texts one after the other, and so their ids.
pub(crate) struct Lines {
    texts: String,
    ids: String,
    lines: Vec<Line>,
}

/// What is known of a feature's line of the output.
#[expect(clippy::struct_excessive_bools, reason = "each is counted by itself, in any combination")]
pub(crate) struct Line {
    /// Row in the file, from 1.
    pub(crate) row: u64,
    /// The county it says it is in; 0 for none.
    pub(crate) county: u32,
    id_end: usize,
    text_end: usize,
    /// What was found of the feature; none where it was not taken.
    pub(crate) verdict: Option<AutomaticVerdict>,
    /// Whether it lies in no county in force.
    pub(crate) outside: bool,
    /// Whether its county code cannot be understood.
    pub(crate) unreadable: bool,
    /// Whether something that was left out of a layer may lie there.
    pub(crate) lacks_members: bool,
    /// What was noticed of it.
    pub(crate) notice: Notice,
    /// The set that is to judge it, where that is not the one in hand.
    pub(crate) elsewhere: Option<Choice>,
    /// Whether a layer that it was judged by is later than its change.
    pub(crate) later: bool,
    /// Why it was not taken.
    pub(crate) reject: Option<Box<Reject>>,
}

impl Output {
    /// What comes before the first line.
    pub(crate) fn head(self, explained: bool) -> String {
        match self {
            Self::Csv => format!("{COLUMNS}{}\n", if explained { EXPLAINED } else { "" }),
            Self::GeoJson => "{\"type\":\"FeatureCollection\",\"features\":[\n".to_owned(),
        }
    }

    /// What comes after the last line.
    pub(crate) fn tail(self) -> &'static str {
        match self {
            Self::Csv => "",
            Self::GeoJson => "\n]}\n",
        }
    }

    /// The output of a path, by its ending.
    #[must_use]
    pub fn of(path: &Path) -> Option<Self> {
        match path.extension()?.to_str()?.to_ascii_lowercase().as_str() {
            "csv" => Some(Self::Csv),
            "geojson" | "json" => Some(Self::GeoJson),
            _ => None,
        }
    }

    /// A text as it is written; none that a spreadsheet would run.
    pub(crate) fn quote(self, text: &str) -> Cow<'_, str> {
        match self {
            Self::Csv => match harmless(text) {
                text if text.bytes().any(|byte| matches!(byte, b',' | b'"' | b'\n' | b'\r')) => Cow::Owned(format!("\"{}\"", text.replace('"', "\"\""))),
                text => text,
            },
            Self::GeoJson => Cow::Owned(serde_json::to_string(text).unwrap_or_default()),
        }
    }
}

/// The areas in the order of [`COLUMNS`]; those that a kind without any layer would tell are unknown.
fn columns(areas: &Areas, atlas: &Atlas) -> [Option<f64>; 7] {
    let known = |kind, area_m2| atlas.has(kind).then_some(area_m2);
    [
        Some(areas.area_m2),
        known(LayerKind::Farmland, areas.farmland_m2),
        known(LayerKind::BasicFarmland, areas.basic_farmland_m2),
        known(LayerKind::RedLine, areas.red_line_m2),
        known(LayerKind::UrbanBoundary, areas.urban_boundary_m2),
        known(LayerKind::Approved, areas.approved_m2),
        known(LayerKind::Approved, areas.approved_farmland_m2).filter(|_| atlas.has(LayerKind::Farmland)),
    ]
}

/// Columns of approvals by their days, and of other uses.
const BY_DAY: [&str; 8] = [
    "approved_before_m2",
    "approved_before_farmland_m2",
    "approved_undated_m2",
    "approved_undated_farmland_m2",
    "approved_later_m2",
    "approved_later_farmland_m2",
    "other_use_m2",
    "other_use_farmland_m2",
];

/// The areas of [`BY_DAY`]; unknown without layers, as [`columns`] are.
fn by_day(areas: &Areas, atlas: &Atlas) -> [Option<f64>; 8] {
    let land = atlas.has(LayerKind::Approved);
    let farmland = land && atlas.has(LayerKind::Farmland);
    let areas_m2 = [
        areas.approved_before_m2,
        areas.approved_before_farmland_m2,
        areas.approved_undated_m2,
        areas.approved_undated_farmland_m2,
        areas.approved_later_m2,
        areas.approved_later_farmland_m2,
        areas.other_use_m2,
        areas.other_use_farmland_m2,
    ];
    let mut areas_m2 = areas_m2.into_iter();
    [land, farmland, land, farmland, land, farmland, land, farmland].map(|known| areas_m2.next().filter(|_| known))
}

impl Lines {
    /// Room for the lines of so many features.
    pub(crate) fn of(features: usize) -> Self {
        Self { texts: String::with_capacity(features * 240), ids: String::with_capacity(features * 16), lines: Vec::with_capacity(features) }
    }

    /// Appends what is written of what was found.
    pub(crate) fn push(&mut self, found: &Found<'_>, days: Option<Days>, telling: &Telling<'_>) {
        let Telling { atlas, in_hand, output, .. } = *telling;
        let (quoted_id, text) = (output.quote(&found.patch_id), &mut self.texts);
        match &found.outcome {
            Err(reject) => rejected(text, reject, &quoted_id, telling),
            Ok((_, None)) => {}
            Ok((taken, Some(assessment))) => {
                let county_code = assessment.county_code(atlas, found.stated_county.as_deref());
                match output {
                    Output::Csv => csv(text, &quoted_id, county_code, (taken, assessment, found), telling, days),
                    Output::GeoJson => geojson(text, &quoted_id, county_code, (taken, assessment, found), telling, days),
                }
            }
        }
        self.ids.push_str(&found.patch_id);
        let judged = found.outcome.as_ref().ok().and_then(|(_, assessment)| assessment.as_ref());
        let (verdict, outside) = (judged.map(|assessment| assessment.verdict), judged.is_some_and(|assessment| assessment.is_outside(atlas)));
        let elsewhere = in_hand.as_ref().filter(|_| matches!(found.outcome, Ok((_, None)))).map(|in_hand| in_hand.choosing.at(&found.days));
        let later = in_hand.as_ref().is_some_and(|in_hand| in_hand.since.are_later(&found.days));
        let (id_end, text_end) = (self.ids.len(), self.texts.len());
        let county = county_number(found.stated_county.as_deref());
        let unreadable = found.stated_county.as_deref().is_some_and(|stated| !CountyCode::is(stated));
        let lacks_members = judged.is_some_and(|assessment| assessment.measured.lacks_members);
        let reject = found.outcome.as_ref().err().cloned().map(Box::new);
        let (row, notice) = (found.row, found.notice);
        self.lines.push(Line { row, county, id_end, text_end, verdict, outside, unreadable, lacks_members, notice, elsewhere, later, reject });
    }

    /// How many.
    pub(crate) fn len(&self) -> usize {
        self.lines.len()
    }

    /// Each line, with the patch's id and its text.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&Line, &str, &str)> {
        let (mut id_start, mut text_start) = (0, 0);
        self.lines.iter().map(move |line| {
            let (id, text) = (&self.ids[id_start..line.id_end], &self.texts[text_start..line.text_end]);
            (id_start, text_start) = (line.id_end, line.text_end);
            (line, id, text)
        })
    }
}

/// Appends what is written of a refused feature.
pub(crate) fn rejected(text: &mut String, reject: &Reject, quoted_id: &str, telling: &Telling<'_>) {
    let output = telling.output;
    let condition = format!("rejected: {}", reject.reason.en);
    let condition = output.quote(&condition);
    match output {
        Output::Csv => text.extend([quoted_id, ",,,,,,,,,,", &condition, ",,,,,,,,,,,,,", if telling.provenance.is_some() { ",," } else { "" }, "\n"]),
        Output::GeoJson => {
            text.extend(["{\"type\":\"Feature\",\"properties\":{\"patch_id\":", quoted_id, ",\"condition\":", &condition, "},\"geometry\":null}"]);
        }
    }
}

/// How the outline was taken, and, in the same place, that something may be missing of the layers there.
fn condition(taken: &Taken, assessment: &Assessment) -> [&'static str; 2] {
    let condition = if taken.repaired.is_some() { Condition::Repaired } else { Condition::Ok };
    [condition.word(), if assessment.measured.lacks_members { "; layer_member_left_out" } else { "" }]
}

/// What a patch was taken for, and what was found of it.
type Told<'a> = (&'a Taken, &'a Assessment, &'a Found<'a>);

/// The name of the county that answers for it; nothing where none is in force there.
fn county_name<'a>(assessment: &Assessment, atlas: &'a Atlas) -> Option<&'a str> {
    assessment.measured.counties.first().map(|share| atlas.fact(LayerKind::County, share.fact).name.as_str())
}

fn csv(line: &mut String, quoted_id: &str, county_code: Option<&str>, (taken, assessment, found): Told<'_>, telling: &Telling<'_>, days: Option<Days>) {
    let atlas = telling.atlas;
    line.extend([quoted_id, ",", county_code.unwrap_or("")]);
    for area_m2 in columns(&assessment.measured.areas, atlas) {
        line.push(',');
        if let Some(area_m2) = area_m2 {
            push_four_decimals(line, area_m2);
        }
    }
    let [condition, lacking] = condition(taken, assessment);
    line.extend([",", assessment.verdict.word(), ",", condition, lacking]);
    for day in [days.map(|days| days.before), days.map(|days| days.after)] {
        line.push(',');
        if let Some(day) = day {
            push_day(line, day);
        }
    }
    for area_m2 in by_day(&assessment.measured.areas, atlas) {
        line.push(',');
        if let Some(area_m2) = area_m2 {
            push_four_decimals(line, area_m2);
        }
    }
    line.extend([",", assessment.reason.word(), ",", &Output::Csv.quote(county_name(assessment, atlas).unwrap_or_default())]);
    let mut between = ",";
    telling.each_flag(assessment, found, |flag| line.extend([std::mem::replace(&mut between, ";"), flag]));
    if between == "," {
        line.push(',');
    }
    if let Some(Explanation { zh, en }) = telling.sentence(assessment, found) {
        line.extend([",", &Output::Csv.quote(&zh), ",", &Output::Csv.quote(&en)]);
    }
    line.push('\n');
}

fn geojson(text: &mut String, quoted_id: &str, county_code: Option<&str>, (taken, assessment, found): Told<'_>, telling: &Telling<'_>, days: Option<Days>) {
    let atlas = telling.atlas;
    let county = county_code.map_or(Cow::Borrowed("null"), |code| Output::GeoJson.quote(code));
    text.extend(["{\"type\":\"Feature\",\"properties\":{\"patch_id\":", quoted_id, ",\"county_code\":", &county]);
    for (name, area_m2) in COLUMNS.split(',').skip(2).zip(columns(&assessment.measured.areas, atlas)) {
        text.extend([",\"", name, "\":"]);
        match area_m2 {
            Some(area_m2) => push_four_decimals(text, area_m2),
            None => text.push_str("null"),
        }
    }
    let geometry = serde_json::to_string(&Geometry(Cow::Borrowed(taken.repaired.as_ref().unwrap_or(&taken.degrees)))).unwrap_or_default();
    let doubts = &assessment.doubts;
    for (name, doubt) in [("edge_bound_m2", &doubts.unapproved), ("edge_bound_farmland_m2", &doubts.unapproved_farmland)] {
        if doubt.m2() > 0.0 {
            text.extend([",\"", name, "\":"]);
            push_four_decimals(text, doubt.m2());
        }
    }
    text.extend([",\"county_name\":", &county_name(assessment, atlas).map_or(Cow::Borrowed("null"), |name| Output::GeoJson.quote(name)), ",\"flags\":["]);
    let mut between = "\"";
    telling.each_flag(assessment, found, |flag| text.extend([std::mem::replace(&mut between, ",\""), flag, "\""]));
    text.push(']');
    if let Some(Explanation { zh, en }) = telling.sentence(assessment, found) {
        text.extend([",\"explanation\":", &Output::GeoJson.quote(&zh), ",\"explanation_en\":", &Output::GeoJson.quote(&en)]);
    }
    let [condition, lacking] = condition(taken, assessment);
    text.extend([",\"verdict\":\"", assessment.verdict.word(), "\",\"condition\":\"", condition, lacking, "\""]);
    for (name, day) in [("before_day", days.map(|days| days.before)), ("after_day", days.map(|days| days.after))] {
        text.extend([",\"", name, "\":"]);
        match day {
            None => text.push_str("null"),
            Some(day) => {
                text.push('"');
                push_day(text, day);
                text.push('"');
            }
        }
    }
    for (name, area_m2) in BY_DAY.into_iter().zip(by_day(&assessment.measured.areas, atlas)) {
        text.extend([",\"", name, "\":"]);
        match area_m2 {
            Some(area_m2) => push_four_decimals(text, area_m2),
            None => text.push_str("null"),
        }
    }
    text.extend([",\"reason\":\"", assessment.reason.word(), "\"},\"geometry\":", &geometry, "}"]);
}

/// Bits of a double's fraction, its leading one included.
const DIGITS: i32 = 53;

/// Appends what `{value:.4}` would, digit for digit, in a tenth of the time: a patch has seven areas, and formatting them was a twelfth of the whole job.
///
/// A double is m·2ᵉ with whole m and e, so m·10⁴ fits 128 bits and is rounded half-even by looking at the bits that are shifted out; below 2⁵⁰ what is left fits 64.
fn push_four_decimals(text: &mut String, value: f64) {
    use std::fmt::Write;
    if value.to_bits() == 0 {
        // Most patches have nothing of most layers.
        text.push_str("0.0000");
        return;
    }
    let exponent = ((value.to_bits() >> (DIGITS - 1)) & 0x7ff) as i32 - 1075;
    if value.is_sign_negative() || !(-120..-2).contains(&exponent) {
        // What is 2⁵⁰ or more, what is too small to be seen, and what no area can be.
        let _ = write!(text, "{value:.4}");
        return;
    }
    let mantissa = value.to_bits() & ((1 << (DIGITS - 1)) - 1) | 1 << (DIGITS - 1);
    let scaled = u128::from(mantissa) * 10_000;
    let (kept, dropped) = (scaled >> -exponent, scaled & ((1 << -exponent) - 1));
    let half = 1_u128 << (-exponent - 1);
    let rounded = kept as u64 + u64::from(dropped > half || dropped == half && kept & 1 == 1);
    text.push_str(itoa::Buffer::new().format(rounded / 10_000));
    let fraction = rounded % 10_000;
    let digit = |power: u64| char::from(b'0' + (fraction / power % 10) as u8);
    text.extend(['.', digit(1000), digit(100), digit(10), digit(1)]);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Oracle: the standard library, which writes every digit of the double and rounds half-even.
        #[test]
        fn four_decimals_are_those_of_the_standard_library(bits in any::<u64>(), area in 0.0..1e9_f64, eighths in 0_u32..1_000_000, power in -140..70_i32) {
            let of_each_size = (1.0 + area / 1e9) * 2.0_f64.powi(power);
            for value in [f64::from_bits(bits), area, area / 1e12, of_each_size, f64::from(eighths) / 32768.0, 0.0, -0.0] {
                let mut text = String::new();
                push_four_decimals(&mut text, value);
                prop_assert_eq!(text, format!("{value:.4}"));
            }
        }
    }
}
