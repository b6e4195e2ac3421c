//! One row of a table of verdicts to a filing whose areas agree with its verdict, or to what is wrong with it.

use crate::formats::table::{Cell, Row};
use crate::service::verdicts::{
    areas::{Unit, Written},
    columns::{AREAS, AreaColumn, Asks, Columns},
};
use crate::store::NewFiling;
use std::collections::HashMap;
use tuban_engine::model::{Area, Filing, Reject, Verdict, Words};

/// A filing that was read.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Read {
    /// Row in the spreadsheet, from 1.
    pub row: u64,
    pub new: NewFiling,
    /// Legal and illegal construction as written.
    written: [Written; 2],
}

/// All rows that were read.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Filled {
    pub columns: Columns,
    pub filings: Vec<Read>,
    /// Rows without a verdict.
    pub without: u64,
    pub rejects: Vec<Reject>,
}

/// By how much more than the patch may be filed, 亩, beyond what rounding leaves open. Source: practice of the city's reviewers.
const MORE_MU: f64 = 0.01;
/// The most that rounding is believed to leave open, 亩: half of the second decimal, which is what offices write.
const OPEN_MU: f64 = 0.005;

/// What is wrong in which column.
type Fault = (usize, Words);

/// Reads all rows.
pub(super) fn fill(columns: Columns, rows: Vec<Row>, survey: Option<i64>) -> Filled {
    let (mut filings, mut rejects, mut without): (Vec<Read>, _, _) = (Vec::new(), Vec::new(), 0);
    let mut seen = HashMap::new();
    for row in rows {
        let id = patch_id(&row, &columns);
        let named = id.as_ref().ok().cloned();
        let outcome = one(&row, &columns, id, survey).and_then(|read| match read {
            Some(read) => match seen.insert((read.new.survey, read.new.filing.patch_id.clone()), read.row) {
                Some(earlier) => Err(vec![(columns.patch_id, twice(earlier))]),
                None => Ok(Some(read)),
            },
            None => Ok(None),
        });
        match outcome {
            Ok(Some(read)) => filings.push(read),
            Ok(None) => without += 1,
            Err(faults) => {
                rejects.extend(faults.iter().map(|(column, words)| columns.reject(row.number, named.as_deref(), "bad_verdict", Some(*column), words)));
            }
        }
    }
    Filled { columns, filings, without, rejects }
}

/// What is said of a patch that an earlier row has.
pub(super) fn twice(earlier: u64) -> Words {
    Words::new(format!("图斑与第 {earlier} 行重复"), format!("the patch is already in row {earlier}"))
}

impl Read {
    /// Whether the areas would fit the patch if one were in another unit than its heading says.
    pub fn mixed_up(&self, area_m2: f64) -> Option<Words> {
        let other = self.written.iter().filter(|written| written.number > 0.0).find_map(|written| {
            let smaller = [Unit::SquareMetres, Unit::Mu].into_iter().filter(|unit| unit.m2() < written.unit.m2());
            smaller.into_iter().find(|unit| written.number * unit.m2() <= area_m2 * 1.01).map(|unit| (written.unit, unit))
        });
        other.map(|(said, meant)| {
            let ([said_zh, said_en], [meant_zh, meant_en]) = (said.words(), meant.words());
            Words::new(format!("是否把{meant_zh}填进了“{said_zh}”的列？"), format!("were {meant_en} written into a column of {said_en}?"))
        })
    }
}

/// A filing, or nothing where the row has no verdict.
fn one(row: &Row, columns: &Columns, id: Result<String, Words>, survey: Option<i64>) -> Result<Option<Read>, Vec<Fault>> {
    let cell = |place: usize| row.cells.get(place).and_then(Option::as_ref);
    if let Ok(id) = &id
        && matches!(id.as_str(), "合计" | "总计" | "小计")
    {
        return Ok(None);
    }
    let mut faults: Vec<Fault> = Vec::new();
    if row.beyond {
        faults.push((
            columns.patch_id,
            Words::new("表头右侧还有内容，这一行可能多了一列", "something stands to the right of the last heading: the row may have a column too many"),
        ));
    }
    let mut areas = [None; 4];
    for (area, of_area) in areas.iter_mut().zip(&columns.areas) {
        *area = written(of_area, &cell).unwrap_or_else(|fault| {
            faults.push(fault);
            None
        });
    }
    let has_ground = areas.iter().flatten().any(|area: &Written| area.m2 > 0.0);
    let verdict = cell(columns.verdict).map_or(Ok(Said::Nothing), |cell| said(cell, columns.asks)).unwrap_or_else(|words| {
        faults.push((columns.verdict, words));
        Said::Nothing
    });
    if faults.is_empty() && matches!(verdict, Said::Nothing) {
        return match not_filed(columns, &cell, has_ground) {
            Some(fault) => Err(vec![fault]),
            None => Ok(None),
        };
    }
    let survey = survey_of(columns, &cell, survey).unwrap_or_else(|fault| {
        faults.push(fault);
        None
    });
    let patch_id = id.unwrap_or_else(|words| {
        faults.push((columns.patch_id, words));
        String::new()
    });
    if !faults.is_empty() {
        return Err(faults);
    }
    let counted = agreed(columns, verdict, &areas).map_err(|fault| vec![fault])?;
    let [legal, legal_farmland, illegal, illegal_farmland] = areas.map(|area| area.unwrap_or_else(Written::zero));
    let open_m2: f64 = [legal, illegal].iter().map(|area| area.open_m2.min(OPEN_MU * Area::M2_PER_MU)).sum();
    let filing = Filing {
        patch_id,
        verdict: counted,
        legal_m2: legal.m2,
        legal_farmland_m2: legal_farmland.m2,
        illegal_m2: illegal.m2,
        illegal_farmland_m2: illegal_farmland.m2,
    };
    let new = NewFiling { survey, filing, slack_m2: Some(MORE_MU * Area::M2_PER_MU + open_m2) };
    Ok(Some(Read { row: row.number, new, written: [legal, illegal] }))
}

/// What is wrong with a row that has no verdict; nothing is where it was only not filed yet.
fn not_filed<'r>(columns: &Columns, cell: &impl Fn(usize) -> Option<&'r Cell>, has_ground: bool) -> Option<Fault> {
    if has_ground {
        return Some((columns.verdict, Words::new("填了面积而没有填判定", "there are areas but no verdict")));
    }
    // In an export of ours the verdict that people see repeats the automatic one until another is confirmed.
    let [shown, automatic] = columns.shown?;
    let differs = cell(shown).is_some() && cell(shown) != cell(automatic);
    differs.then(|| (shown, Words::new("请把判定填在“核定判定”列", "write the verdict into the column of confirmed verdicts")))
}

/// What a cell says of the verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Said {
    Nothing,
    This(Verdict),
    /// Not illegal: the areas decide between legal and other.
    NotIllegal,
}

fn said(cell: &Cell, asks: Asks) -> Result<Said, Words> {
    let text = match cell {
        Cell::Text(text) => text.trim(),
        Cell::Number(_) | Cell::Odd(_) => "",
    };
    let verdict = match (asks, text.to_lowercase().as_str()) {
        (Asks::IsIllegal, "是") | (Asks::IsLegal, "否") | (_, "违法" | "illegal") => Said::This(Verdict::Illegal),
        (Asks::IsLegal, "是") | (_, "合法" | "legal") => Said::This(Verdict::Legal),
        (Asks::IsIllegal, "否") => Said::NotIllegal,
        (_, "其他" | "其它" | "other") => Said::This(Verdict::Other),
        (_, "存疑" | "doubtful") => Said::This(Verdict::Doubtful),
        (_, "未核" | "待核" | "未填" | "pending" | "—" | "-" | "/") => Said::Nothing,
        (_, "疑似违法" | "suspected_illegal") => {
            return Err(Words::new(
                "“疑似违法”是自动判定；请按核查结果填 合法、违法、其他 或 存疑",
                "“suspected_illegal” is what the overlay says: file legal, illegal, other or doubtful",
            ));
        }
        _ => {
            let shown = match cell {
                Cell::Text(text) | Cell::Odd(text) => text.clone(),
                Cell::Number(number) => number.to_string(),
            };
            return Err(Words::new(
                format!("“{shown}” 不是判定，应为 合法、违法、其他、存疑 或 未核"),
                format!("“{shown}” is none of: legal, illegal, other, doubtful, pending"),
            ));
        }
    };
    Ok(verdict)
}

/// An area, in whichever of its units it was filled in; in all of them alike where in several.
fn written<'r>(columns: &[AreaColumn], cell: &impl Fn(usize) -> Option<&'r Cell>) -> Result<Option<Written>, Fault> {
    let mut area: Option<Written> = None;
    for column in columns {
        let Some(cell) = cell(column.cell) else { continue };
        let next = Written::read(cell, column.unit).map_err(|words| (column.cell, words))?;
        area = Some(match area {
            None => next,
            Some(before) => before.with(next).ok_or_else(|| {
                let ([one, one_en], [two, two_en]) = (before.unit.words(), next.unit.words());
                let words = Words::new(
                    format!("{} {one}与 {} {two}不是同一面积，请改正其中一列或留空", before.number, next.number),
                    format!("{} {one_en} and {} {two_en} are not the same area: correct one of the columns or leave it blank", before.number, next.number),
                );
                (column.cell, words)
            })?,
        });
    }
    Ok(area)
}

/// The verdict, if the areas agree with it.
fn agreed(columns: &Columns, said: Said, areas: &[Option<Written>; 4]) -> Result<Verdict, Fault> {
    let m2 = |area: usize| areas[area].map_or(0.0, |area| area.m2);
    let first = |area: usize| columns.areas[area].first().map_or(columns.verdict, |column| column.cell);
    for (all, farmland) in [(0, 1), (2, 3)] {
        if m2(all) > 0.0 && areas[farmland].is_none() {
            let name = AREAS[farmland].1;
            let words =
                Words::new(format!("填了面积而没有填{name}；没有占用耕地请填 0"), "the area is filed but not its farmland; write 0 where there is none");
            return Err((first(farmland), words));
        }
        if m2(farmland) > m2(all) {
            return Err((first(farmland), Words::new("耕地面积大于总面积", "more farmland than area")));
        }
    }
    // A patch counts as illegal if any illegal ground remains, else legal if any legal, else other.
    let counted = match (m2(2) > 0.0, m2(0) > 0.0) {
        (true, _) => Verdict::Illegal,
        (false, true) => Verdict::Legal,
        (false, false) => Verdict::Other,
    };
    match said {
        Said::This(Verdict::Doubtful) if counted != Verdict::Other => {
            Err((columns.verdict, Words::new("存疑图斑不应有合法或违法面积", "a doubtful patch has neither legal nor illegal area")))
        }
        Said::This(Verdict::Doubtful) => Ok(Verdict::Doubtful),
        Said::This(verdict) if verdict == counted => Ok(verdict),
        Said::NotIllegal if counted != Verdict::Illegal => Ok(counted),
        Said::This(verdict) => Err((
            columns.verdict,
            Words::new(
                format!("判定“{}”与面积不符：按面积应为“{}”", verdict.chinese(), counted.chinese()),
                format!("verdict {verdict} disagrees with the areas, which make it {counted}"),
            ),
        )),
        Said::NotIllegal | Said::Nothing => {
            Err((columns.verdict, Words::new("填的是不违法，却有违法面积", "it is said not to be illegal, and has illegal area")))
        }
    }
}

/// Digits of a number that a spreadsheet keeps.
const KEPT: f64 = 1e15;

fn patch_id(row: &Row, columns: &Columns) -> Result<String, Words> {
    match row.cells.get(columns.patch_id).and_then(Option::as_ref) {
        Some(Cell::Text(text)) => Ok(text.clone()),
        Some(Cell::Number(number)) if number.fract() == 0.0 && number.abs() < KEPT => Ok(number.to_string()),
        Some(Cell::Number(_)) => Err(Words::new(
            "编号被表格存成了数字，超过 15 位的部分已失真；请把该列设为文本后重填",
            "the spreadsheet made the id a number and rounded it beyond 15 digits: make the column text and fill it in again",
        )),
        Some(Cell::Odd(shown)) => Err(Words::new(format!("“{shown}” 不是图斑编号"), format!("“{shown}” is no patch id"))),
        None => Err(Words::new("没有图斑编号", "there is no patch id")),
    }
}

fn survey_of<'r>(columns: &Columns, cell: &impl Fn(usize) -> Option<&'r Cell>, survey: Option<i64>) -> Result<Option<i64>, Fault> {
    let Some((column, there)) = columns.survey.and_then(|column| Some((column, cell(column)?))) else { return Ok(survey) };
    let number = match there {
        Cell::Number(number) if number.fract() == 0.0 && number.abs() < KEPT => Some(*number as i64),
        Cell::Text(text) => text.parse().ok(),
        _ => None,
    };
    match (number, survey) {
        (None, _) => Err((column, Words::new("监测批次不是序号", "the survey is no number"))),
        (Some(number), Some(survey)) if number != survey => {
            Err((column, Words::new(format!("这一行属于监测批次 {number}，不是所选的 {survey}"), format!("the row is of survey {number}, not of {survey}"))))
        }
        (number, _) => Ok(number),
    }
}
