//! Which of a file's fields is which of ours: one table of aliases, in any case, and what was taken for what.

use std::collections::{BTreeMap, BTreeSet};
use tuban_engine::model::{LayerKind, Words};

tuban_engine::model::words! {
    /// A field of ours.
    Field {
        /// The patch's own id.
        PatchId = "patch_id",
        /// What goes before it, where it is unique only within a county: that county.
        PatchIdWithin = "patch_id_within",
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
        /// Of an approval: the day it was granted.
        Granted = "granted",
        /// Of an approval: its last day.
        Ends = "ends",
        /// Of an approval: what it is for.
        ApprovalKind = "approval_kind",
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

/// Headings that may be cut where a name may have ten bytes: those that our exports write into tables, and what else fields are called in Chinese.
pub(super) const HEADINGS: &[&str] = &[
    "图斑序号",
    "图斑编号",
    "监测图斑编号",
    "监测批次",
    "监测期次",
    "文件行号",
    "行政区代码",
    "行政区名称",
    "县级行政区代码",
    "县级行政区名称",
    "图斑类型",
    "变化类型",
    "前时相",
    "后时相",
    "图斑面积",
    "监测面积",
    "耕地面积",
    "自动判定",
    "核定判定",
    "判定理由",
    "图形状态",
    "批准文号",
    "批准时间",
    "批准日期",
    "图层版本",
    "规则版本",
    "地类编码",
    "地类名称",
    "项目名称",
    "红线编号",
    "红线名称",
    "边界编号",
    "边界名称",
    "地块编号",
    "地块名称",
];

impl Wanted {
    /// The fields wanted, each with the names it goes by, best first. Its own word comes last.
    #[must_use]
    pub fn aliases(self) -> &'static [(Field, &'static [&'static str])] {
        const COUNTY_CODE: &[&str] = &["XZQDM", "XZDM", "XJDM", "XZQHDM", "行政区代码", "行政区划代码", "县级行政区代码", "县代码", "县区代码"];
        const COUNTY_NAME: &[&str] = &["XZQMC", "XMC", "XJMC", "XZMC", "行政区名称", "行政区划名称", "县级行政区名称", "县名称", "县区名称", "县名", "县区"];
        const GRANTED: &[&str] = &[
            "PZRQ",
            "PZSJ",
            "PFRQ",
            "PFSJ",
            "SPRQ",
            "SPSJ",
            "BARQ",
            "BASJ",
            "GDRQ",
            "批准日期",
            "批准时间",
            "批复日期",
            "批复时间",
            "审批日期",
            "备案日期",
            "供地日期",
        ];
        match self {
            Self::Survey => &[
                (Field::PatchId, &["JCBH", "JCTBBH", "TBBH", "TBBSM", "TBH", "图斑编号", "监测图斑编号", "监测编号", "图斑号", "地块编号"]),
                (Field::CountyCode, COUNTY_CODE),
                (Field::CountyName, COUNTY_NAME),
                (Field::ChangeType, &["TBLX", "BHLX", "图斑类型", "变化类型"]),
                (Field::DateBefore, &["QSX", "QSXSJ", "QSXRQ", "QSYXSJ", "QSYXRQ", "前时相", "前时相日期", "前时相时间", "before_day"]),
                (Field::DateAfter, &["HSX", "HSXSJ", "HSXRQ", "HSYXSJ", "HSYXRQ", "后时相", "后时相日期", "后时相时间", "after_day"]),
                (Field::StatedArea, &["JCMJ", "MJ", "TBMJ", "图斑面积（平方米）", "图斑面积", "监测面积"]),
            ],
            Self::Layer(LayerKind::County) => &[
                (Field::Code, &["XZQDM", "XZDM", "XJDM", "XZQHDM", "county_code", "adcode", "行政区代码", "行政区划代码", "县级行政区代码", "县代码", "代码"]),
                (Field::Name, &["XZQMC", "XMC", "XJMC", "XZMC", "county_name", "MC", "行政区名称", "行政区划名称", "县级行政区名称", "县名称", "名称"]),
            ],
            Self::Layer(LayerKind::Farmland) => &[(Field::Code, &["DLBM", "地类编码", "地类代码"]), (Field::Name, &["DLMC", "地类名称"])],
            Self::Layer(LayerKind::BasicFarmland) => {
                &[(Field::Code, &["YJJBNTTBBH", "YJJBNTBH", "JBNTTBBH", "JBNTBHTBBH", "TBBH", "BSM", "图斑编号"]), (Field::Name, &["YJJBNTMC", "MC"])]
            }
            Self::Layer(LayerKind::RedLine) => {
                &[(Field::Code, &["HXBH", "STBHHXBH", "HXDM", "BSM", "红线编号"]), (Field::Name, &["HXMC", "STBHHXMC", "MC", "红线名称"])]
            }
            Self::Layer(LayerKind::UrbanBoundary) => {
                &[(Field::Code, &["BJBH", "CZKFBJBH", "CSKFBJBH", "BSM", "边界编号"]), (Field::Name, &["BJMC", "CZKFBJMC", "CSKFBJMC", "MC", "边界名称"])]
            }
            Self::Layer(LayerKind::Approved) => &[
                (Field::Code, &["PZWH", "PWH", "PZWJH", "批准文号", "批文号"]),
                (Field::Name, &["XMMC", "PZXMMC", "MC", "项目名称"]),
                (Field::Granted, GRANTED),
                (
                    Field::Ends,
                    &["YXQZ", "YXQ", "JZRQ", "JZSJ", "DQRQ", "ZZRQ", "到期日期", "到期时间", "截止日期", "有效期至", "有效期止", "有效期", "终止日期"],
                ),
                (Field::ApprovalKind, &["PZLX", "YDLX", "SPLX", "PZLB", "批准类型", "审批类型", "批准类别", "用地类型", "手续类型"]),
            ],
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
    /// that is nowhere is left out. Ids that are unique only within a county are `(patch_id, COUNTY+ID)`.
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
        for (field, aliases) in wanted.aliases().iter().filter(|(field, _)| map.theirs(*field).is_none()).collect::<Vec<_>>() {
            if let Some(found) = seen.iter().find(|name| is_beginning(name, aliases) && !is_of_several(name, seen)) {
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
            if let (Field::PatchId, Some((within, id))) = (*field, theirs.split_once('+'))
                && let (Some(within), Some(id)) = (find(seen, within.trim()), find(seen, id.trim()))
            {
                map.take(Field::PatchIdWithin, within);
                map.take(Field::PatchId, id);
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
        let one = |field: &Field| {
            let theirs = self.theirs(*field)?;
            let within = self.theirs(Field::PatchIdWithin).filter(|_| *field == Field::PatchId).map(|within| format!("{within}+"));
            Some((field.word().to_owned(), within.unwrap_or_default() + theirs))
        };
        Field::ALL.iter().filter(|field| **field != Field::PatchIdWithin).filter_map(one).collect()
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

/// Whether a name is a heading of one of these aliases, and of no other heading, that was cut to the ten bytes that a table allows: three characters or more.
fn is_beginning(name: &str, aliases: &[&str]) -> bool {
    let mut whole = HEADINGS.iter().filter(|heading| heading.len() > name.len() && heading.starts_with(name));
    let is_cut = !name.is_ascii() && name.chars().count() >= 3;
    matches!((whole.next(), whole.next()), (Some(only), None) if is_cut && aliases.contains(only))
}

/// Whether other names were cut to the same one, and have numbers behind it or behind less of it.
fn is_of_several(name: &str, seen: &BTreeSet<String>) -> bool {
    seen.iter().any(|other| {
        let stem = other.trim_end_matches(|digit: char| digit.is_ascii_digit());
        let stem = stem.strip_suffix('_').filter(|_| stem.len() < other.len());
        stem.is_some_and(|stem| stem.chars().count() + 1 >= name.chars().count() && name.starts_with(stem))
    })
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

    #[test]
    fn our_own_headings_and_beginnings_of_them_are_known() {
        let headings = "图斑编号 行政区代码 行政区名称 图斑面积（平方米） 图斑面积（亩）";
        let ours =
            [pair("county_code", "行政区代码"), pair("county_name", "行政区名称"), pair("patch_id", "图斑编号"), pair("stated_area", "图斑面积（平方米）")];
        assert_eq!(taken(Wanted::Survey, headings), ours);
        assert_eq!(taken(Wanted::Survey, "图斑编 行政区代"), [pair("county_code", "行政区代"), pair("patch_id", "图斑编")]);
        // Of several headings the beginning: which of them is unknown.
        assert_eq!(taken(Wanted::Survey, "行政区 图斑"), []);
        assert_eq!(taken(Wanted::Survey, "监测图"), [pair("patch_id", "监测图")]);
        // Of which of them the ids are is for people to say.
        assert_eq!(taken(Wanted::Survey, "监测图 监测图_2"), []);
        assert_eq!(taken(Wanted::Survey, "监测图 监测_1"), []);
        assert_eq!(taken(Wanted::Layer(LayerKind::Approved), "批准文号 项目名称"), [pair("code", "批准文号"), pair("name", "项目名称")]);
        assert_eq!(taken(Wanted::Layer(LayerKind::Farmland), "地类编码 地类名称"), [pair("code", "地类编码"), pair("name", "地类名称")]);
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
