//! Confirmed verdicts from a CSV file: `patch_id`, verdict, `legal_m2`, `legal_farmland_m2`, `illegal_m2`, `illegal_farmland_m2`.

use super::{Monitor, MonitorError, Refusal, RefusalKind};
use crate::land::{Filing, Reject, Verdict, Words};
use std::collections::HashMap;
use std::io::Read;

/// Columns a verdict file must have.
const COLUMNS: [&str; 6] = ["patch_id", "verdict", "legal_m2", "legal_farmland_m2", "illegal_m2", "illegal_farmland_m2"];

impl Monitor {
    /// Records the verdicts of a CSV file, all or none; answers how many.
    pub async fn file_verdicts(&self, survey: Option<i64>, csv: impl Read) -> Result<u64, MonitorError> {
        let filings = read(csv)?;
        let filed = self.store.file_verdicts(survey, &filings).await?;
        let row_of: HashMap<&str, u64> = filings.iter().zip(1..).map(|(filing, row)| (filing.patch_id.as_str(), row)).collect();
        let reject =
            |id: &String, code: &str, zh: &str, en: &str| reject(row_of.get(id.as_str()).copied().unwrap_or(0), Some(id.clone()), code, Words::new(zh, en));
        let unknown = filed.unknown.iter().map(|id| reject(id, "unknown_patch", "没有这个图斑", "there is no such patch"));
        let ambiguous = filed
            .ambiguous
            .iter()
            .map(|id| reject(id, "ambiguous_patch", "几个监测批次都有这个图斑，请指明批次", "several surveys have this patch; say which survey is meant"));
        let rejects: Vec<Reject> = unknown.chain(ambiguous).collect();
        if rejects.is_empty() { Ok(filed.recorded) } else { Err(refused(rejects)) }
    }
}

fn reject(row: u64, patch_id: Option<String>, code: &str, reason: Words) -> Reject {
    Reject { row, patch_id, code: code.to_owned(), reason, pointer: format!("/{}", row.saturating_sub(1)), ring: None, vertex: None }
}

fn refused(rejects: Vec<Reject>) -> MonitorError {
    let n = rejects.len();
    let words = Words::new(format!("{n} 行判定有误，全部未入库"), format!("{n} rows are wrong; nothing was recorded"));
    Refusal { rejects, ..Refusal::new(RefusalKind::Unacceptable, "verdicts_refused", words) }.into()
}

fn unreadable(why: &str) -> MonitorError {
    Refusal::new(
        RefusalKind::Unreadable,
        "not_a_verdict_file",
        Words::new(format!("判定文件无法读取：{why}"), format!("the file of verdicts cannot be read: {why}")),
    )
    .into()
}

/// Reads and judges every row; all faults are named at once.
fn read(csv: impl Read) -> Result<Vec<Filing>, MonitorError> {
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(csv);
    let headers = reader.headers().map_err(|error| unreadable(&error.to_string()))?.clone();
    let column = |name: &str| {
        headers
            .iter()
            .position(|header| header.trim_start_matches('\u{feff}') == name)
            .ok_or_else(|| unreadable(&format!("column {name} is missing; it needs {}", COLUMNS.join(","))))
    };
    let columns: Vec<usize> = COLUMNS.iter().map(|name| column(name)).collect::<Result<_, _>>()?;
    let (mut filings, mut rejects) = (Vec::new(), Vec::new());
    let mut seen = HashMap::new();
    for (row, record) in (1..).zip(reader.records()) {
        let record = record.map_err(|error| unreadable(&error.to_string()))?;
        let texts: Vec<&str> = columns.iter().map(|column| record.get(*column).unwrap_or("")).collect();
        let filing = filing(&texts).and_then(|filing| match seen.insert(filing.patch_id.clone(), row) {
            Some(earlier) => Err(Words::new(format!("图斑与第 {earlier} 行重复"), format!("the patch is already in row {earlier}"))),
            None => Ok(filing),
        });
        match filing {
            Ok(filing) => filings.push(filing),
            Err(words) => rejects.push(reject(row, texts.first().map(|id| (*id).to_owned()), "bad_verdict", words)),
        }
    }
    if rejects.is_empty() { Ok(filings) } else { Err(refused(rejects)) }
}

/// One row, with its areas agreeing with its verdict.
fn filing(texts: &[&str]) -> Result<Filing, Words> {
    let area = |index: usize| {
        let (name, text) = (COLUMNS[index], texts[index]);
        let wrong = || Words::new(format!("{name}：“{text}” 不是不小于 0 的平方米数"), format!("{name}: “{text}” is not square metres of 0 or more"));
        text.parse::<f64>().ok().filter(|m2| (0.0..1e13).contains(m2)).ok_or_else(wrong)
    };
    let verdict: Verdict = texts[1].parse().map_err(|why: String| Words::new(format!("verdict：{why}"), format!("verdict: {why}")))?;
    let filing =
        Filing { patch_id: texts[0].to_owned(), verdict, legal_m2: area(2)?, legal_farmland_m2: area(3)?, illegal_m2: area(4)?, illegal_farmland_m2: area(5)? };
    let wrong = |zh: &str, en: &str| Err(Words::new(zh, en));
    if filing.patch_id.is_empty() {
        return wrong("没有图斑编号", "there is no patch id");
    }
    if filing.legal_farmland_m2 > filing.legal_m2 || filing.illegal_farmland_m2 > filing.illegal_m2 {
        return wrong("耕地面积大于总面积", "more farmland than area");
    }
    // A patch counts as illegal if any illegal ground remains, else legal if any legal, else other.
    let counted = if filing.illegal_m2 > 0.0 {
        Verdict::Illegal
    } else if filing.legal_m2 > 0.0 {
        Verdict::Legal
    } else {
        Verdict::Other
    };
    if verdict != Verdict::Doubtful && verdict != counted {
        return Err(Words::new(
            format!("判定 {verdict} 与面积不符：按面积应为 {counted}"),
            format!("verdict {verdict} disagrees with the areas, which make it {counted}"),
        ));
    }
    if verdict == Verdict::Doubtful && (filing.legal_m2 > 0.0 || filing.illegal_m2 > 0.0) {
        return wrong("存疑图斑不应有合法或违法面积", "a doubtful patch has neither legal nor illegal area");
    }
    Ok(filing)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rejects(rows: &str) -> Vec<(u64, String)> {
        match read(format!("patch_id,verdict,legal_m2,legal_farmland_m2,illegal_m2,illegal_farmland_m2\n{rows}").as_bytes()) {
            Err(MonitorError::Refused(refusal)) => refusal.rejects.into_iter().map(|reject| (reject.row, reject.reason.en)).collect(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn good_rows_are_read_whatever_the_order_of_columns() {
        let filings = read("\u{feff}verdict,patch_id,legal_m2,legal_farmland_m2,illegal_m2,illegal_farmland_m2\nillegal,A1,10,5,2.5,1\n".as_bytes()).unwrap();
        assert_eq!(
            filings,
            [Filing { patch_id: "A1".into(), verdict: Verdict::Illegal, legal_m2: 10.0, legal_farmland_m2: 5.0, illegal_m2: 2.5, illegal_farmland_m2: 1.0 }]
        );
    }

    #[test]
    fn every_bad_row_is_named() {
        let found = rejects(
            "A1,legal,10,11,0,0\nA2,legal,0,0,5,0\nA3,guilty,0,0,0,0\nA4,other,0,0,0,0\nA4,other,0,0,0,0\nA5,illegal,0,0,-1,0\nA6,illegal,0,0,NaN,0\nA7,doubtful,1,0,0,0\n,other,0,0,0,0\n",
        );
        assert_eq!(found.iter().map(|(row, _)| *row).collect::<Vec<_>>(), [1, 2, 3, 5, 6, 7, 8, 9]);
        assert!(found[1].1.contains("make it illegal"), "{}", found[1].1);
    }

    #[test]
    fn a_missing_column_is_named() {
        let error = read("patch_id,verdict\nA,other\n".as_bytes()).unwrap_err();
        assert!(error.to_string().contains("legal_m2 is missing"), "{error}");
    }
}
