//! Which column of a table of verdicts is which: our own words, those of our exports, and what offices call them.

use crate::formats::narrow;
use crate::service::verdicts::areas::Unit;
use tuban_engine::model::{Filing, Reject, Words};

/// The four areas of a filing, in the order of [`Filing::areas_m2`]: our word, and what it is called once prefix and unit are taken off.
pub(super) const AREAS: [(&str, &str, &[&str]); 4] = [
    ("legal", "合法面积", &["legal", "filed_legal", "合法面积", "合法用地面积", "合法"]),
    (
        "legal_farmland",
        "合法耕地面积",
        &["legal_farmland", "filed_legal_farmland", "合法耕地面积", "合法耕地", "合法占用耕地面积", "合法占用耕地", "合法占耕面积", "合法用地耕地面积"],
    ),
    ("illegal", "违法面积", &["illegal", "filed_illegal", "违法面积", "违法用地面积", "违法"]),
    (
        "illegal_farmland",
        "违法耕地面积",
        &["illegal_farmland", "filed_illegal_farmland", "违法耕地面积", "违法耕地", "违法占用耕地面积", "违法占用耕地", "违法占耕面积", "违法用地耕地面积"],
    ),
];

const PATCH_ID: &[&str] = &["patch_id", "图斑编号", "jcbh", "监测图斑编号", "监测编号", "jctbbh", "tbbh", "tbbsm", "tbh", "图斑号"];
const SURVEY: &[&str] = &["survey_id", "监测批次", "监测批次号"];
const VERDICT: &[&str] =
    &["confirmed_verdict", "核定判定", "核定结果", "审核结果", "核查结果", "填报判定", "判定结果", "verdict", "判定", "是否违法", "是否合法"];

/// How the column of verdicts is to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Asks {
    /// A word: 合法, 违法, 其他, 存疑.
    Which,
    /// 是 for illegal.
    IsIllegal,
    /// 是 for legal.
    IsLegal,
}

/// An area's column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct AreaColumn {
    /// Place among the cells of a row.
    pub cell: usize,
    pub unit: Unit,
}

/// Where each is among the cells of a row.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Columns {
    pub patch_id: usize,
    pub survey: Option<usize>,
    pub verdict: usize,
    pub asks: Asks,
    /// In an export of ours, what people see and what the overlay says, neither of which is read.
    pub shown: Option<[usize; 2]>,
    /// Each of [`AREAS`], in one unit or several.
    pub areas: [Vec<AreaColumn>; 4],
    /// The headings of those cells.
    headings: Vec<String>,
}

impl Columns {
    /// The columns to keep of a table, if this row may be its heading.
    pub fn likely(heading: &[String]) -> Option<Vec<usize>> {
        let plain: Vec<String> = heading.iter().map(|text| plain(text)).collect();
        place(&plain, PATCH_ID).zip(place(&plain, VERDICT))?;
        Some(kept(&plain))
    }

    /// Where each is; or what is missing, or there twice.
    pub fn find(heading: &[String]) -> Result<Self, Words> {
        let plain: Vec<String> = heading.iter().map(|text| plain(text)).collect();
        let kept = kept(&plain);
        let cell = |column: usize| kept.iter().position(|one| *one == column).unwrap_or_default();
        let seen = heading.iter().filter(|text| !text.is_empty()).cloned().collect::<Vec<_>>().join("、");
        let (Some(patch_id), Some(verdict)) = (place(&plain, PATCH_ID), place(&plain, VERDICT)) else { return Err(missing(&["patch_id", "verdict"], &seen)) };
        let asks = match plain[verdict].as_str() {
            "是否违法" => Asks::IsIllegal,
            "是否合法" => Asks::IsLegal,
            _ => Asks::Which,
        };
        let mut areas: [Vec<AreaColumn>; 4] = Default::default();
        let (mut absent, mut without_unit) = (Vec::new(), Vec::new());
        for ((word, _, names), columns) in AREAS.iter().zip(&mut areas) {
            for (column, text) in plain.iter().enumerate() {
                let Some((name, unit)) = Unit::behind(text) else {
                    without_unit.extend(names.contains(&bare(text)).then(|| heading[column].clone()));
                    continue;
                };
                if !names.contains(&bare(name)) {
                    continue;
                }
                if columns.iter().any(|one| one.unit == unit) {
                    return Err(Words::new(format!("“{}”有两列", heading[column]), format!("column “{}” is there twice", heading[column])));
                }
                columns.push(AreaColumn { cell: cell(column), unit });
            }
            absent.extend(columns.is_empty().then_some(*word));
        }
        if !absent.is_empty() && !without_unit.is_empty() {
            let names = without_unit.join("、");
            return Err(Words::new(
                format!("“{names}”没有写明单位，请在表头写明，如“违法面积（亩）”或“违法面积（平方米）”"),
                format!("“{names}” names no unit: write it into the heading, e.g. illegal_mu or illegal_m2"),
            ));
        }
        if !absent.is_empty() {
            return Err(missing(&absent, &seen));
        }
        let shown = place(&plain, &["判定", "verdict"]).filter(|column| *column != verdict).zip(place(&plain, &["自动判定", "automatic_verdict"]));
        Ok(Self {
            patch_id: cell(patch_id),
            survey: place(&plain, SURVEY).map(cell),
            verdict: cell(verdict),
            asks,
            shown: shown.map(|(shown, automatic)| [cell(shown), cell(automatic)]),
            areas,
            headings: kept.iter().map(|column| heading[*column].clone()).collect(),
        })
    }

    /// What was taken for what.
    pub fn named(&self) -> Vec<(&'static str, String)> {
        let heading = |cell: usize| self.headings.get(cell).cloned().unwrap_or_default();
        let areas = AREAS.iter().zip(&self.areas).flat_map(|((word, ..), columns)| columns.iter().map(|column| (*word, heading(column.cell))));
        let first = [("patch_id", self.patch_id), ("verdict", self.verdict)].into_iter().chain(self.survey.map(|survey| ("survey_id", survey)));
        first.map(|(ours, cell)| (ours, heading(cell))).chain(areas).collect()
    }

    /// The column of the larger of legal and illegal construction.
    pub fn largest(&self, filing: &Filing) -> usize {
        let area = if filing.illegal_m2 > filing.legal_m2 { 2 } else { 0 };
        self.areas[area].first().map_or(self.verdict, |column| column.cell)
    }

    /// The reject of a row, of which this column is at fault.
    pub fn reject(&self, row: u64, patch_id: Option<&str>, code: &str, column: Option<usize>, words: &Words) -> Reject {
        let heading = column.and_then(|column| self.headings.get(column)).map(String::as_str);
        let (zh, en) = heading.map_or_else(Default::default, |heading| (format!("“{heading}”："), format!("“{heading}”: ")));
        let step = heading.map(|heading| format!("/{}", heading.replace('~', "~0").replace('/', "~1"))).unwrap_or_default();
        Reject {
            row,
            patch_id: patch_id.map(str::to_owned),
            code: code.to_owned(),
            reason: Words::new(format!("{zh}{}", words.zh), format!("{en}{}", words.en)),
            pointer: format!("/{row}{step}"),
            ring: None,
            vertex: None,
        }
    }
}

/// What is said where columns are missing.
pub(super) fn missing(absent: &[&str], seen: &str) -> Words {
    let chinese = |word: &&str| match *word {
        "patch_id" => "图斑编号".to_owned(),
        "verdict" => "核定判定（合法、违法、其他、存疑）".to_owned(),
        area => AREAS.iter().find(|(word, ..)| *word == area).map_or_else(String::new, |(_, chinese, _)| format!("{chinese}（亩或平方米）")),
    };
    let english = |word: &&str| if matches!(*word, "patch_id" | "verdict") { (*word).to_owned() } else { format!("{word}_m2") };
    let zh = absent.iter().map(chinese).collect::<Vec<_>>().join("、");
    let en = absent.iter().map(english).collect::<Vec<_>>().join(", ");
    let are = if absent.len() == 1 { "is" } else { "are" };
    Words::new(format!("表头缺少：{zh}；表里有：{seen}"), format!("{en} {are} missing from the heading, which has: {seen}"))
}

/// The columns that say something to us, in the table's order.
fn kept(plain: &[String]) -> Vec<usize> {
    let area = |text: &str| Unit::behind(text).is_some_and(|(name, _)| AREAS.iter().any(|(_, _, names)| names.contains(&bare(name))));
    let others = [PATCH_ID, SURVEY, VERDICT, &["自动判定", "automatic_verdict"]];
    let is_kept = |text: &String| area(text) || others.iter().any(|names| names.contains(&text.as_str()));
    plain.iter().enumerate().filter(|(_, text)| is_kept(text)).map(|(column, _)| column).collect()
}

/// The first column with the best of these names.
fn place(plain: &[String], names: &[&str]) -> Option<usize> {
    names.iter().find_map(|name| plain.iter().position(|text| text == name))
}

/// A heading without blanks, in small ASCII letters, whatever its width.
fn plain(text: &str) -> String {
    text.chars().filter(|one| !one.is_whitespace() && *one != '\u{feff}').map(narrow).flat_map(char::to_lowercase).collect()
}

/// A name without what says whose figure it is.
fn bare(name: &str) -> &str {
    ["核定", "填报", "其中", "其中:", "县级", "市级"].iter().fold(name, |name, prefix| name.strip_prefix(prefix).unwrap_or(name)).trim_start_matches(':')
}
