//! County codes: six digits that do not end in 00, and one name each. What else stands in their place is understood, asked about, or told.

use crate::formats::tidy_code;
use crate::service::{Refusal, RefusalKind};
use std::collections::{BTreeMap, BTreeSet};
use tuban_engine::model::{COUNTIES, FeatureFacts, Words, words};

words! {
    /// What to do with features of a layer of counties that are no counties.
    CountyCodes {
        /// Villages and towns count to the county that their code begins with, a county of several names has the usual one, and a city's outline is left out.
        Merge = "merge",
        /// Leave them out.
        LeaveOut = "leave_out",
        /// Take them as they are.
        Keep = "keep",
    }
}

/// What a county code turned out to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Read<'a> {
    /// A county.
    County(&'a str),
    /// A town (nine digits) or a village (twelve), with the county it lies in.
    Within(&'a str),
    /// A city or province: it ends in 00.
    Above(&'a str),
    /// None of these.
    Unreadable,
}

/// Reads a tidy code.
#[must_use]
pub fn read(code: &str) -> Read<'_> {
    let digits = code.len();
    match code.get(..6).filter(|_| code.bytes().all(|digit| digit.is_ascii_digit())) {
        Some(six) if digits == 6 && six.ends_with("00") => Read::Above(six),
        Some(six) if digits == 6 => Read::County(six),
        // Nine: towns; twelve: villages; nineteen: a village as parcels have it (ZLDWDM). With nothing but zeros behind, the county itself.
        Some(six) if matches!(digits, 9 | 12 | 19) && !six.ends_with("00") && code[6..].bytes().all(|digit| digit == b'0') => Read::County(six),
        Some(six) if matches!(digits, 9 | 12 | 19) && !six.ends_with("00") => Read::Within(six),
        _ => Read::Unreadable,
    }
}

/// The code of a county by its name.
#[must_use]
pub fn by_name(name: &str) -> Option<&'static str> {
    COUNTIES.iter().find(|(_, known)| *known == name).map(|(code, _)| *code)
}

/// Rows that are told one by one.
const TOLD: usize = 5;

/// The codes of a layer of counties as a whole.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct CountyTally {
    decided: Option<CountyCodes>,
    counties: u64,
    tidied: u64,
    by_name: u64,
    within: Seen,
    above: Seen,
    unreadable: Seen,
    names: BTreeMap<String, BTreeSet<String>>,
}

/// How often something was seen, with examples.
#[derive(Debug, Clone, Default, PartialEq)]
struct Seen {
    count: u64,
    examples: Vec<String>,
}

impl Seen {
    fn add(&mut self, row: u64, facts: &FeatureFacts) {
        self.count += 1;
        if self.examples.len() < TOLD {
            self.examples.push(format!("第 {row} 行“{}”{}", facts.code, facts.name));
        }
    }

    fn told(&self) -> String {
        self.examples.join("、")
    }
}

/// What becomes of a feature of a layer of counties.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sorted {
    /// A member, with the code and name it has there.
    Member(FeatureFacts),
    /// Left out because people said so.
    LeftOut,
    /// Not to be taken before people have said what to do.
    Open,
}

impl CountyTally {
    /// Of a layer of which people have decided that, if anything.
    #[must_use]
    pub fn of(decided: Option<CountyCodes>) -> Self {
        Self { decided, ..Self::default() }
    }

    /// Counts a feature whose code and name are as they came.
    pub fn add(&mut self, row: u64, came: &FeatureFacts) {
        let tidy = tidy_code(&came.code);
        let code = by_name(came.code.trim()).unwrap_or(&tidy);
        match read(code) {
            Read::County(six) => {
                self.counties += 1;
                self.by_name += u64::from(by_name(came.code.trim()).is_some());
                self.tidied += u64::from(tidy != came.code && by_name(came.code.trim()).is_none());
                if let Sorted::Member(facts) = sort(self.decided, came)
                    && !facts.name.is_empty()
                {
                    self.names.entry(six.to_owned()).or_default().insert(facts.name);
                }
            }
            Read::Within(_) => self.within.add(row, came),
            Read::Above(_) => self.above.add(row, came),
            Read::Unreadable => self.unreadable.add(row, came),
        }
    }

    /// What must be asked before the layer can be taken in.
    #[must_use]
    pub fn question(&self) -> Option<Refusal> {
        let ask = |code, choices: &[&str], zh: String, en: String| Some(Refusal::new(RefusalKind::Unacceptable, code, Words::new(zh, en)).choices(choices));
        let open = self.decided.is_none();
        if open && self.within.count > 0 {
            let (count, told) = (self.within.count, self.within.told());
            return ask(
                "county_village_codes",
                &["county_codes=merge"],
                format!("{count} 个要素是乡镇或村（9 位或 12 位代码），不是县级行政区：{told}；可按前六位归并到所属县，或改用县级行政区图层"),
                format!(
                    "{count} features are towns or villages (codes of 9 or 12 digits) and no counties: {told}; count them to their counties, or send a layer of counties"
                ),
            );
        }
        if open && self.above.count > 0 {
            let (count, told) = (self.above.count, self.above.told());
            return ask(
                "county_with_city",
                &["county_codes=leave_out", "county_codes=keep"],
                format!("{count} 个要素是市或省的轮廓（代码以 00 结尾），会与各县重叠：{told}；可不采用这些要素，没有县的市可按原样采用"),
                format!(
                    "{count} features are outlines of a city or province (codes that end in 00), which overlap the counties: {told}; leave them out, or take them as they are where a city has no counties"
                ),
            );
        }
        if self.decided != Some(CountyCodes::LeaveOut) && self.unreadable.count > 0 {
            let (count, told) = (self.unreadable.count, self.unreadable.told());
            return ask(
                "county_code_unreadable",
                &["county_codes=leave_out"],
                format!("{count} 个要素的行政区代码无法识别（应为 6 位数字）：{told}；请改正，或不采用这些要素"),
                format!("the county codes of {count} features cannot be understood (six digits are wanted): {told}; correct them, or leave them out"),
            );
        }
        let (code, names) = self.names.iter().find(|(_, names)| names.len() > 1)?;
        if self.decided == Some(CountyCodes::Keep) {
            return None;
        }
        let names = names.iter().cloned().collect::<Vec<_>>().join("、");
        ask(
            "county_names_differ",
            &["county_codes=keep"],
            format!("代码 {code} 有几个名称：{names}；请改正，或按原样采用"),
            format!("county {code} has several names: {names}; correct them, or take them as they are"),
        )
    }

    /// What people should know of the codes.
    #[must_use]
    pub fn notes(&self) -> Vec<Words> {
        let mut notes = Vec::new();
        let mut note = |count: u64, zh: &str, en: &str| {
            if count > 0 {
                notes.push(Words::new(format!("{count} 个要素{zh}"), format!("{count} features {en}")));
            }
        };
        note(
            self.tidied,
            "的行政区代码写法不规范（全角、空格、小数），已识别",
            "have county codes that were written oddly (full width, blanks, decimals) and were understood",
        );
        note(self.by_name, "的代码字段里是名称，已按名称识别", "have a name in the field of the code, which was understood");
        match self.decided {
            Some(CountyCodes::Merge) => {
                note(self.within.count, "是乡镇或村，已归并到所属县", "are towns or villages and count to their counties");
                note(self.above.count, "是市或省的轮廓，未采用", "are outlines of a city or province and were left out");
            }
            Some(CountyCodes::LeaveOut) => {
                note(self.within.count + self.above.count + self.unreadable.count, "不是县级行政区，按要求未采用", "are no counties and were left out as told");
            }
            _ => {}
        }
        notes
    }
}

/// What becomes of a feature whose code and name are as they came.
#[must_use]
pub fn sort(decided: Option<CountyCodes>, came: &FeatureFacts) -> Sorted {
    let tidy = tidy_code(&came.code);
    let from_name = by_name(came.code.trim());
    let member = |six: &str, name: &str| Sorted::Member(FeatureFacts::new(six.to_owned(), name.to_owned()));
    let usual = |six: &str| COUNTIES.iter().find(|(code, _)| *code == six).map(|(_, name)| *name);
    let name = if from_name.is_some() && came.name.is_empty() { came.code.trim() } else { came.name.as_str() };
    match (read(from_name.unwrap_or(&tidy)), decided) {
        (Read::County(six), Some(CountyCodes::Merge)) => member(six, usual(six).unwrap_or(name)),
        (Read::County(six), _) => member(six, name),
        (Read::Within(six), Some(CountyCodes::Merge)) => member(six, usual(six).unwrap_or(six)),
        (Read::Within(_) | Read::Above(_), Some(CountyCodes::Keep)) => member(&tidy, name),
        (Read::Above(_), Some(CountyCodes::Merge)) | (_, Some(CountyCodes::LeaveOut)) => Sorted::LeftOut,
        _ => Sorted::Open,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally(decided: Option<CountyCodes>, features: &[(&str, &str)]) -> CountyTally {
        let mut tally = CountyTally::of(decided);
        for (row, (code, name)) in (1..).zip(features) {
            tally.add(row, &FeatureFacts::new((*code).to_owned(), (*name).to_owned()));
        }
        tally
    }

    fn sorted(decided: Option<CountyCodes>, code: &str, name: &str) -> Option<(String, String)> {
        match sort(decided, &FeatureFacts::new(code.to_owned(), name.to_owned())) {
            Sorted::Member(facts) => Some((facts.code, facts.name)),
            Sorted::LeftOut | Sorted::Open => None,
        }
    }

    #[test]
    fn what_is_no_county_is_asked_about() {
        // Oracle: GB/T 2260: six digits, a city's end in 00; 统计用区划代码: nine for a town, twelve for a village.
        for (features, expected) in [
            (&[("371302", "兰山区"), ("371311", "罗庄区")][..], None),
            (&[("371302", "兰山区"), ("371302", "兰山区")], None),
            (&[("371302", "兰山区"), ("371302", "")], None),
            (&[("３７１３０２", "兰山区"), ("371311.0", "罗庄区"), ("罗庄区", "")], None),
            (&[("371302000", "兰山区"), ("371311000000", "罗庄区")], None),
            (&[("371302001200", "村0"), ("371302001201", "村1")], Some("county_village_codes")),
            (&[("371302", "兰山区"), ("371302001", "街道")], Some("county_village_codes")),
            (&[("371300", "临沂市"), ("371302", "兰山区")], Some("county_with_city")),
            (&[("370000", "山东省")], Some("county_with_city")),
            (&[("371302", "兰山区"), ("3713", "村0")], Some("county_code_unreadable")),
            (&[("371302", "兰山区"), ("3713110", "罗庄区")], Some("county_code_unreadable")),
            (&[("371302", "兰山区"), ("371302", "罗庄区")], Some("county_names_differ")),
        ] {
            assert_eq!(tally(None, features).question().map(|refusal| refusal.code.into_owned()).as_deref(), expected, "{features:?}");
        }
        let said = tally(None, &[("371302001200", "村0"), ("371302001201", "村1")]).question().unwrap().words.zh;
        assert!(said.contains("2 个要素") && said.contains("第 1 行“371302001200”村0"), "{said}");
    }

    #[test]
    fn people_decide() {
        let own = |code: &str, name: &str| Some((code.to_owned(), name.to_owned()));
        let (merge, leave_out, keep) = (Some(CountyCodes::Merge), Some(CountyCodes::LeaveOut), Some(CountyCodes::Keep));
        assert_eq!(sorted(merge, "371302001200", "村0"), own("371302", "兰山区"));
        assert_eq!(sorted(merge, "110101001001", "村0"), own("110101", "110101"), "no name is known");
        assert_eq!(sorted(leave_out, "371300", "临沂市"), None);
        assert_eq!(sorted(leave_out, "371302", "兰山区"), own("371302", "兰山区"));
        assert_eq!(sorted(keep, "441900", "东莞市"), own("441900", "东莞市"), "a city without counties");
        assert_eq!(sorted(None, "罗庄区", ""), own("371311", "罗庄区"));
        assert_eq!(tally(merge, &[("371302001200", "村0"), ("371302", "兰山")]).question(), None);
        let notes = tally(leave_out, &[("371300", "临沂市"), ("371302", "兰山区"), ("３７１３１１", "罗庄区")]).notes();
        assert!(notes[0].zh.contains("1 个要素的行政区代码写法不规范") && notes[1].zh.contains("1 个要素不是县级行政区"), "{notes:?}");
    }
}
