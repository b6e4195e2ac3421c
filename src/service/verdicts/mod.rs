//! Confirmed verdicts from a table that people filled in: read whole, weighed against the patches, and recorded all or none.

mod areas;
mod columns;
mod rows;

use crate::formats::{ReadError, table};
use crate::scope::Scope;
use crate::service::{Refusal, RefusalKind, Service, ServiceError};
use crate::store::{Fate, NewFiling, Signing};
use columns::Columns;
use rows::{Filled, Read as Filling};
use std::io::Read;
use tuban_engine::model::{Area, Filing, Reject, Signature, Words};

/// Bytes of a table of verdicts.
pub const TABLE_BYTES: u64 = 64 << 20;
/// Changes and refused rows that are told one by one.
const SHOWN: usize = 1000;

/// Whose verdicts, of which survey.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filer {
    /// Only patches of this survey are meant, where it is said.
    pub survey: Option<i64>,
    /// Who files; no signature where absent.
    pub by: Option<String>,
    /// Only what would change is told.
    pub preview: bool,
}

/// What became of a table of verdicts, or would.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Filed {
    /// Patches that had no confirmed verdict.
    pub new: u64,
    /// Patches that had another one.
    pub changed: u64,
    /// Patches that had the very same, which stays with who filed it and when.
    pub same: u64,
    /// Rows without a verdict: nothing changes for them.
    pub without: u64,
    /// Which column was taken for what: ours, and its heading.
    pub columns: Vec<(&'static str, String)>,
    /// What changes, in the table's order; the first thousand.
    pub changes: Vec<Change>,
    /// Rows that keep the table out, the first thousand; only told of a preview.
    pub refused: Vec<Reject>,
    /// How many those are in all.
    pub refused_rows: u64,
}

/// A patch whose confirmed verdict changes.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// Row in the spreadsheet, from 1.
    pub row: u64,
    /// What it had.
    pub before: Option<Filing>,
    /// What it has then.
    pub after: Filing,
}

impl Filed {
    /// Verdicts that stand as the table has them.
    #[must_use]
    pub fn recorded(&self) -> u64 {
        self.new + self.changed + self.same
    }
}

impl Service {
    /// Records the verdicts of a table, all or none, or tells what that would change. A patch outside of the scope is as one that is not there.
    ///
    /// # Errors
    /// `verdicts_refused` where rows are wrong, each with its row, column and reason, unless it is a preview.
    pub async fn file_table(&self, scope: &Scope, filer: &Filer, table: impl Read + Send) -> Result<Filed, ServiceError> {
        let by = signed(filer.by.as_deref())?;
        if let Some(survey) = filer.survey {
            self.store.survey(scope, survey).await?;
        }
        let Filled { columns, filings, without, mut rejects } = tokio::task::block_in_place(|| read(table, filer.survey))?;
        // Nothing is recorded where a row is wrong already; what would become of the others is told all the same.
        let preview = filer.preview || !rejects.is_empty();
        let new: Vec<NewFiling> = filings.iter().map(|filling| filling.new.clone()).collect();
        let fates = self.store.file(scope, &new, Signing { by: &by, preview }).await?;
        let mut filed = Filed { without, columns: columns.named(), ..Filed::default() };
        for (filling, fate) in filings.iter().zip(fates) {
            filed.take(filling, fate, &filings, &columns, &mut rejects);
        }
        rejects.sort_by_key(|reject| reject.row);
        filed.refused_rows = rejects.chunk_by(|one, next| one.row == next.row).count() as u64;
        if filed.refused_rows > 0 && !filer.preview {
            return Err(refused(filed.refused_rows, rejects));
        }
        rejects.truncate(SHOWN);
        filed.refused = rejects;
        Ok(filed)
    }

    /// Records the verdicts of a table, all or none, without a signature; answers how many stand as the table has them.
    pub async fn file_verdicts(&self, scope: &Scope, survey: Option<i64>, table: impl Read + Send) -> Result<u64, ServiceError> {
        Ok(self.file_table(scope, &Filer { survey, ..Filer::default() }, table).await?.recorded())
    }
}

impl Filed {
    fn take(&mut self, filling: &Filling, fate: Fate, all: &[Filling], columns: &Columns, rejects: &mut Vec<Reject>) {
        let after = &filling.new.filing;
        let mut changes = |before| {
            if self.changes.len() < SHOWN {
                self.changes.push(Change { row: filling.row, before, after: after.clone() });
            }
        };
        let mut refuse = |code: &str, column: usize, words: Words| rejects.push(columns.reject(filling.row, Some(&after.patch_id), code, Some(column), &words));
        match fate {
            Fate::New => {
                self.new += 1;
                changes(None);
            }
            Fate::Changed(before) => {
                self.changed += 1;
                changes(Some(before));
            }
            Fate::Same => self.same += 1,
            Fate::Unknown => refuse("unknown_patch", columns.patch_id, unknown(&after.patch_id)),
            Fate::Ambiguous => refuse(
                "ambiguous_patch",
                columns.patch_id,
                Words::new("几个监测批次都有这个图斑，请指明批次", "several surveys have this patch; say which survey is meant"),
            ),
            Fate::Twice(earlier) => refuse("bad_verdict", columns.patch_id, rows::twice(all.get(earlier).map_or(0, |filling| filling.row))),
            Fate::TooLarge(area_m2) => refuse("area_too_large", columns.largest(after), too_large(after, area_m2, filling)),
        }
    }
}

fn unknown(patch_id: &str) -> Words {
    let scientific = patch_id.contains("E+") || patch_id.contains("e+");
    let (zh, en) = if scientific {
        (
            "；编号像是被 Excel 改成了科学记数，请把该列设为文本后重填",
            "; it looks as if a spreadsheet made it a rounded number: make the column text and fill it in again",
        )
    } else {
        ("", "")
    };
    Words::new(format!("没有这个图斑{zh}"), format!("there is no such patch{en}"))
}

fn too_large(filing: &Filing, area_m2: f64, filling: &Filling) -> Words {
    let (filed_m2, patch) = (filing.construction_m2(), Area::of_m2(area_m2));
    let filed = Area::of_m2(filed_m2);
    let guess = filling.mixed_up(area_m2).unwrap_or_else(|| Words::new("请核对面积单位（亩、平方米）", "check the unit of the areas (mu or m²)"));
    Words::new(
        format!(
            "填报的合法与违法面积合计 {:.2} 平方米（{:.2} 亩），大于图斑面积 {:.2} 平方米（{:.2} 亩）；{}",
            filed.m2, filed.mu, patch.m2, patch.mu, guess.zh
        ),
        format!(
            "{:.2} m² ({:.2} mu) of legal and illegal construction are more than the patch, which has {:.2} m² ({:.2} mu); {}",
            filed.m2, filed.mu, patch.m2, patch.mu, guess.en
        ),
    )
}

/// Letters of a name.
const NAME: usize = 100;

fn signed(by: Option<&str>) -> Result<String, ServiceError> {
    let by = by.map(str::trim).filter(|by| !by.is_empty()).unwrap_or(Signature::NOBODY);
    if by.chars().count() > NAME || by.chars().any(char::is_control) {
        let words = Words::new(
            format!("填报人姓名最多 {NAME} 个字，且不能有控制字符"),
            format!("the name of who files has at most {NAME} letters and no control characters"),
        );
        return Err(Refusal::new(RefusalKind::Unreadable, "bad_name", words).into());
    }
    Ok(by.to_owned())
}

fn refused(rows: u64, mut rejects: Vec<Reject>) -> ServiceError {
    rejects.truncate(SHOWN);
    let words = Words::new(format!("{rows} 行判定有误，全部未入库"), format!("{rows} rows are wrong; nothing was recorded"));
    Refusal { rejects, ..Refusal::new(RefusalKind::Unacceptable, "verdicts_refused", words) }.into()
}

fn unreadable(code: &'static str, words: &Words) -> ServiceError {
    let words = Words::new(format!("判定文件无法读取：{}", words.zh), format!("the file of verdicts cannot be read: {}", words.en));
    Refusal::new(RefusalKind::Unreadable, code, words).into()
}

/// Reads and judges every row; all faults are named at once.
fn read(table: impl Read, survey: Option<i64>) -> Result<Filled, ServiceError> {
    let mut bytes = Vec::new();
    table.take(TABLE_BYTES + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > TABLE_BYTES {
        let mib = TABLE_BYTES >> 20;
        let words = Words::new(format!("文件超过 {mib} MiB，请分县上传"), format!("the file is larger than {mib} MiB; send it county by county"));
        return Err(unreadable("table_too_large", &words));
    }
    let choose = |heading: &[String]| Columns::likely(heading);
    let table = table::read(&bytes, &choose).map_err(|error| match error {
        ReadError::Refused(refusal) if refusal.code == "no_heading" => {
            unreadable("not_a_verdict_file", &columns::missing(&["patch_id", "verdict"], &refusal.words.zh))
        }
        ReadError::Refused(refusal) => unreadable(refusal.code, &refusal.words),
        other => other.into(),
    })?;
    let columns = Columns::find(&table.heading).map_err(|words| unreadable("not_a_verdict_file", &words))?;
    Ok(rows::fill(columns, table.rows, survey))
}

#[cfg(test)]
mod tests;
