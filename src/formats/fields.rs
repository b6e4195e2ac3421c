//! Which of a file's fields is which of ours: one table of aliases, in any case, and what was taken for what.

use crate::land::{LayerKind, Words};
use std::collections::{BTreeMap, BTreeSet};

crate::land::words! {
    /// A field of ours.
    Field {
        /// The patch's own id.
        PatchId = "patch_id",
        /// The county it says it is in, six digits.
        CountyCode = "county_code",
        /// That county's name.
        CountyName = "county_name",
        /// 图斑类型.
        ChangeType = "change_type",
        /// Date of the image before the change.
        DateBefore = "date_before",
        /// Date of the image after the change.
        DateAfter = "date_after",
        /// The area it says it has.
        StatedArea = "stated_area",
        /// Of a layer's feature: county code, DLBM, number of an approval, or its own number.
        Code = "code",
        /// Of a layer's feature: county name, DLMC, or its own name.
        Name = "name",
    }
}

/// What a file is read for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// Patches of a survey.
    Survey,
    /// Features of a layer.
    Layer(LayerKind),
}

impl Wanted {
    /// The fields wanted, each with the names it goes by, best first. Its own word comes last.
    #[must_use]
    pub fn aliases(self) -> &'static [(Field, &'static [&'static str])] {
        const COUNTY_CODE: &[&str] = &["XZQDM", "XZDM", "XJDM", "XZQHDM"];
        const COUNTY_NAME: &[&str] = &["XZQMC", "XMC", "XJMC", "XZMC"];
        match self {
            Self::Survey => &[
                (Field::PatchId, &["JCBH", "JCTBBH", "TBBH", "TBBSM", "TBH"]),
                (Field::CountyCode, COUNTY_CODE),
                (Field::CountyName, COUNTY_NAME),
                (Field::ChangeType, &["TBLX", "BHLX"]),
                (Field::DateBefore, &["QSX", "QSXSJ", "QSXRQ", "QSYXSJ", "QSYXRQ", "前时相", "前时相日期", "前时相时间", "before_day"]),
                (Field::DateAfter, &["HSX", "HSXSJ", "HSXRQ", "HSYXSJ", "HSYXRQ", "后时相", "后时相日期", "后时相时间", "after_day"]),
                (Field::StatedArea, &["JCMJ", "MJ", "TBMJ"]),
            ],
            Self::Layer(LayerKind::County) => &[
                (Field::Code, &["XZQDM", "XZDM", "XJDM", "XZQHDM", "county_code", "adcode"]),
                (Field::Name, &["XZQMC", "XMC", "XJMC", "XZMC", "county_name", "MC"]),
            ],
            Self::Layer(LayerKind::Farmland) => &[(Field::Code, &["DLBM"]), (Field::Name, &["DLMC"])],
            Self::Layer(LayerKind::BasicFarmland) => {
                &[(Field::Code, &["YJJBNTTBBH", "YJJBNTBH", "JBNTTBBH", "JBNTBHTBBH", "TBBH", "BSM"]), (Field::Name, &["YJJBNTMC", "MC"])]
            }
            Self::Layer(LayerKind::RedLine) => &[(Field::Code, &["HXBH", "STBHHXBH", "HXDM", "BSM"]), (Field::Name, &["HXMC", "STBHHXMC", "MC"])],
            Self::Layer(LayerKind::UrbanBoundary) => {
                &[(Field::Code, &["BJBH", "CZKFBJBH", "CSKFBJBH", "BSM"]), (Field::Name, &["BJMC", "CZKFBJMC", "CSKFBJMC", "MC"])]
            }
            Self::Layer(LayerKind::Approved) => &[(Field::Code, &["PZWH", "PWH", "PZWJH"]), (Field::Name, &["XMMC", "PZXMMC", "MC"])],
        }
    }
}

/// Which of a file's fields was taken for which of ours.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FieldMap {
    theirs: [Option<String>; Field::ALL.len()],
    /// Of each of these names, what [`mark`] says.
    marks: [u32; Field::ALL.len()],
}

impl FieldMap {
    /// Finds the fields wanted among the names `seen` in the file's first features.
    ///
    /// For each, an override `(ours, theirs)` wins, of which an empty `theirs` says that the file has no such field; else the first alias that is there. A field
    /// that is nowhere is left out.
    ///
    /// # Errors
    /// When an override names a field that is not ours or not in the file; the words list those that are.
    pub fn resolve(wanted: Wanted, seen: &BTreeSet<String>, overrides: &[(String, String)]) -> Result<Self, Words> {
        let mut map = Self::default();
        for (field, aliases) in wanted.aliases() {
            if let Some(found) = aliases.iter().chain([&field.word()]).find_map(|alias| find(seen, alias)) {
                map.take(*field, found);
            }
        }
        for (ours, theirs) in overrides {
            let Some((field, _)) = wanted.aliases().iter().find(|(field, _)| field.word() == ours) else {
                let all: Vec<&str> = wanted.aliases().iter().map(|(field, _)| field.word()).collect();
                let all = all.join(", ");
                return Err(Words::new(format!("没有名为“{ours}”的字段可对应，可用的有：{all}"), format!("“{ours}” is no field of ours; there are: {all}")));
            };
            if theirs.is_empty() {
                map.leave_out(*field);
                continue;
            }
            let Some(found) = find(seen, theirs) else {
                let all: Vec<&str> = seen.iter().map(String::as_str).collect();
                let all = all.join(", ");
                return Err(Words::new(format!("文件中没有字段“{theirs}”，文件的字段有：{all}"), format!("the file has no field “{theirs}”; it has: {all}")));
            };
            map.take(*field, found);
        }
        Ok(map)
    }

    /// What was taken for what: ours → theirs.
    #[must_use]
    pub fn taken(&self) -> BTreeMap<String, String> {
        Field::ALL.iter().filter_map(|field| Some((field.word().to_owned(), self.theirs(*field)?.to_owned()))).collect()
    }

    /// The file's name for a field of ours.
    #[must_use]
    pub fn theirs(&self, field: Field) -> Option<&str> {
        self.theirs[field as usize].as_deref()
    }

    /// The fields of ours that are read from `theirs`.
    #[inline]
    pub(super) fn fields_of<'s>(&'s self, theirs: &'s str) -> impl Iterator<Item = Field> + 's {
        let mark = mark(theirs);
        let mut alike = self.marks.iter().rev().fold(0_u32, |bits, one| bits << 1 | u32::from(*one == mark));
        std::iter::from_fn(move || {
            while alike != 0 {
                let field = Field::ALL[alike.trailing_zeros() as usize];
                alike &= alike - 1;
                if self.theirs(field) == Some(theirs) {
                    return Some(field);
                }
            }
            None
        })
    }

    fn leave_out(&mut self, field: Field) {
        self.theirs[field as usize] = None;
        self.marks[field as usize] = 0;
    }

    fn take(&mut self, field: Field, theirs: &str) {
        self.theirs[field as usize] = Some(theirs.to_owned());
        self.marks[field as usize] = mark(theirs);
    }
}

/// Length and a few bytes of a name: what tells most names apart, in one comparison.
#[inline]
fn mark(name: &str) -> u32 {
    match name.as_bytes() {
        [] => 0,
        bytes => u32::from_le_bytes([bytes.len() as u8, bytes[0], bytes[bytes.len() / 2], bytes[bytes.len() - 1]]),
    }
}

/// A name as the file spells it: exactly so, or else in another case.
fn find<'s>(seen: &'s BTreeSet<String>, name: &str) -> Option<&'s String> {
    seen.get(name).or_else(|| seen.iter().find(|theirs| theirs.trim().eq_ignore_ascii_case(name)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(names: &str) -> BTreeSet<String> {
        names.split(' ').map(str::to_owned).collect()
    }

    fn taken(wanted: Wanted, names: &str) -> Vec<(String, String)> {
        FieldMap::resolve(wanted, &seen(names), &[]).unwrap().taken().into_iter().collect()
    }

    fn pair(ours: &str, theirs: &str) -> (String, String) {
        (ours.to_owned(), theirs.to_owned())
    }

    #[test]
    fn aliases_are_found_in_any_case_best_first() {
        assert_eq!(taken(Wanted::Survey, "tbbh jcbh Xzqdm XMC other"), [pair("county_code", "Xzqdm"), pair("county_name", "XMC"), pair("patch_id", "jcbh")]);
        assert_eq!(taken(Wanted::Survey, "TBBH tbbh"), [pair("patch_id", "TBBH")]);
        assert_eq!(
            taken(Wanted::Survey, "patch_id MJ QSX HSX TBLX"),
            [pair("change_type", "TBLX"), pair("date_after", "HSX"), pair("date_before", "QSX"), pair("patch_id", "patch_id"), pair("stated_area", "MJ")]
        );
        assert_eq!(taken(Wanted::Layer(LayerKind::Farmland), "BSM DLBM DLMC"), [pair("code", "DLBM"), pair("name", "DLMC")]);
        assert_eq!(taken(Wanted::Layer(LayerKind::Approved), "pzwh"), [pair("code", "pzwh")]);
        assert_eq!(taken(Wanted::Layer(LayerKind::County), "code name"), [pair("code", "code"), pair("name", "name")]);
        assert_eq!(taken(Wanted::Survey, "nothing"), []);
    }

    #[test]
    fn an_override_wins() {
        let map = FieldMap::resolve(Wanted::Survey, &seen("JCBH 编号"), &[pair("patch_id", "编号")]).unwrap();
        assert_eq!(map.theirs(Field::PatchId), Some("编号"));
    }

    #[test]
    fn a_field_that_was_found_can_be_none() {
        let map = FieldMap::resolve(Wanted::Survey, &seen("JCBH XZQDM"), &[pair("county_code", "")]).unwrap();
        assert_eq!(map.taken().into_iter().collect::<Vec<_>>(), [pair("patch_id", "JCBH")]);
        assert_eq!(map.fields_of("XZQDM").next(), None);
    }

    #[test]
    fn an_override_of_what_is_not_there_is_told_what_is() {
        let error = FieldMap::resolve(Wanted::Survey, &seen("JCBH MJ"), &[pair("patch_id", "BH")]).unwrap_err();
        assert!(error.zh.contains("BH") && error.en.contains("JCBH, MJ"), "{error:?}");
        let error = FieldMap::resolve(Wanted::Layer(LayerKind::Farmland), &seen("JCBH MJ"), &[pair("patch_id", "JCBH")]).unwrap_err();
        assert!(error.en.contains("code, name"), "{error:?}");
    }
}
