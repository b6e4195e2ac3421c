//! County codes: six digits that do not end in 00, and one name each. What else stands in their place is understood, asked about, or told.

use crate::formats::tidy_code;
use crate::service::{Refusal, RefusalKind};
use std::collections::{BTreeMap, BTreeSet};
use tuban_engine::model::{CountyNames, FeatureFacts, Words, words};

words! {
    /// What to do with features of a layer of counties that are no counties.
    CountyCodes {
        /// Villages and towns count to the county that their code begins with, a county has the name that it has in the layer in force, and a city's outline is left out.
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

/// Rows that are told one by one.
const TOLD: usize = 5;

/// The codes of a layer of counties as a whole.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct CountyTally {
    decided: Option<CountyCodes>,
    in_force: CountyNames,
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
    /// Of a layer of which people have decided that, if anything; those counties are in force.
    #[must_use]
    pub fn of(decided: Option<CountyCodes>, in_force: CountyNames) -> Self {
        Self { decided, in_force, ..Self::default() }
    }

    /// Counts a feature whose code and name are as they came.
    pub fn add(&mut self, row: u64, came: &FeatureFacts) {
        let tidy = tidy_code(&came.code);
        let by_name = self.in_force.code_of(came.code.trim()).is_some();
        match read(self.in_force.code_of(came.code.trim()).unwrap_or(&tidy)) {
            Read::County(six) => {
                self.counties += 1;
                self.by_name += u64::from(by_name);
                self.tidied += u64::from(tidy != came.code && !by_name);
                if let Sorted::Member(facts) = sort(self.decided, &self.in_force, came)
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

/// What becomes of a feature whose code and name are as they came. A name in the place of a code is understood where the layer in force has it.
#[must_use]
pub fn sort(decided: Option<CountyCodes>, in_force: &CountyNames, came: &FeatureFacts) -> Sorted {
    let tidy = tidy_code(&came.code);
    let from_name = in_force.code_of(came.code.trim());
    let member = |six: &str, name: &str| Sorted::Member(FeatureFacts::new(six.to_owned(), name.to_owned()));
    let name = if from_name.is_some() && came.name.is_empty() { came.code.trim() } else { came.name.as_str() };
    match (read(from_name.unwrap_or(&tidy)), decided) {
        (Read::County(six), Some(CountyCodes::Merge)) => member(six, in_force.name_of(six).unwrap_or(name)),
        (Read::County(six), _) => member(six, name),
        (Read::Within(six), Some(CountyCodes::Merge)) => member(six, in_force.name_of(six).unwrap_or(six)),
        (Read::Within(_) | Read::Above(_), Some(CountyCodes::Keep)) => member(&tidy, name),
        (Read::Above(_), Some(CountyCodes::Merge)) | (_, Some(CountyCodes::LeaveOut)) => Sorted::LeftOut,
        _ => Sorted::Open,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two counties that are in force.
    fn in_force() -> CountyNames {
        let layer = [("110101", "东城区"), ("110102", "西城区")].map(|(code, name)| FeatureFacts::new(code.to_owned(), name.to_owned()));
        CountyNames::of(&layer)
    }

    fn tally(decided: Option<CountyCodes>, features: &[(&str, &str)]) -> CountyTally {
        let mut tally = CountyTally::of(decided, in_force());
        for (row, (code, name)) in (1..).zip(features) {
            tally.add(row, &FeatureFacts::new((*code).to_owned(), (*name).to_owned()));
        }
        tally
    }

    fn sorted(decided: Option<CountyCodes>, code: &str, name: &str) -> Option<(String, String)> {
        match sort(decided, &in_force(), &FeatureFacts::new(code.to_owned(), name.to_owned())) {
            Sorted::Member(facts) => Some((facts.code, facts.name)),
            Sorted::LeftOut | Sorted::Open => None,
        }
    }

    #[test]
    fn what_is_no_county_is_asked_about() {
        // Oracle: GB/T 2260: six digits, a city's end in 00; 统计用区划代码: nine for a town, twelve for a village.
        for (features, expected) in [
            (&[("110101", "东城区"), ("110102", "西城区")][..], None),
            (&[("110101", "东城区"), ("110101", "东城区")], None),
            (&[("110101", "东城区"), ("110101", "")], None),
            (&[("１１０１０１", "东城区"), ("110102.0", "西城区"), ("西城区", "")], None),
            (&[("110101000", "东城区"), ("110102000000", "西城区")], None),
            (&[("110101001200", "村0"), ("110101001201", "村1")], Some("county_village_codes")),
            (&[("110101", "东城区"), ("110101001", "街道")], Some("county_village_codes")),
            (&[("110100", "北京市辖区"), ("110101", "东城区")], Some("county_with_city")),
            (&[("110000", "北京市")], Some("county_with_city")),
            (&[("110101", "东城区"), ("1101", "村0")], Some("county_code_unreadable")),
            (&[("110101", "东城区"), ("1101020", "西城区")], Some("county_code_unreadable")),
            (&[("110101", "东城区"), ("110101", "西城区")], Some("county_names_differ")),
        ] {
            assert_eq!(tally(None, features).question().map(|refusal| refusal.code.into_owned()).as_deref(), expected, "{features:?}");
        }
        let said = tally(None, &[("110101001200", "村0"), ("110101001201", "村1")]).question().unwrap().words.zh;
        assert!(said.contains("2 个要素") && said.contains("第 1 行“110101001200”村0"), "{said}");
    }

    #[test]
    fn people_decide() {
        let own = |code: &str, name: &str| Some((code.to_owned(), name.to_owned()));
        let (merge, leave_out, keep) = (Some(CountyCodes::Merge), Some(CountyCodes::LeaveOut), Some(CountyCodes::Keep));
        assert_eq!(sorted(merge, "110101001200", "村0"), own("110101", "东城区"));
        assert_eq!(sorted(merge, "110105001001", "村0"), own("110105", "110105"), "no name is known");
        assert_eq!(sorted(leave_out, "110100", "北京市辖区"), None);
        assert_eq!(sorted(leave_out, "110101", "东城区"), own("110101", "东城区"));
        assert_eq!(sorted(merge, "110102", "西城"), own("110102", "西城区"), "as in the layer in force");
        assert_eq!(sorted(merge, "110106", "丰台区"), own("110106", "丰台区"), "its own, where none is in force");
        assert_eq!(sorted(None, "丰台区", ""), None, "no code is known by a name that is not in force");
        assert_eq!(sorted(keep, "441900", "东莞市"), own("441900", "东莞市"), "a city without counties");
        assert_eq!(sorted(None, "西城区", ""), own("110102", "西城区"));
        assert_eq!(tally(merge, &[("110101001200", "村0"), ("110101", "东城")]).question(), None);
        let notes = tally(leave_out, &[("110100", "北京市辖区"), ("110101", "东城区"), ("１１０１０２", "西城区")]).notes();
        assert!(notes[0].zh.contains("1 个要素的行政区代码写法不规范") && notes[1].zh.contains("1 个要素不是县级行政区"), "{notes:?}");
    }
}
