//! Class codes (DLBM) of a layer of parcels: how each is read, and which standard the layer is of, judged by its codes as a whole.

use crate::formats::tidy_code;
use crate::service::{Refusal, RefusalKind};
use std::borrow::Cow;
use std::collections::BTreeMap;
use tuban_engine::classes::of;
use tuban_engine::model::{FeatureFacts, Standard, Words};

/// How a code was understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Understood {
    /// A lost leading zero was put back.
    pub lost_zero: bool,
    /// Widths, blanks, case or a decimal point were put right.
    pub tidied: bool,
    /// What the third survey and the guide have of it.
    pub fits: [Fit; 2],
}

/// What a standard has of a code and its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Fit {
    /// Not even the code.
    #[default]
    Nothing,
    /// The code, under another name.
    Code,
    /// Both.
    CodeAndName,
}

impl Fit {
    fn of(standard: Standard, facts: &FeatureFacts) -> Self {
        match of(standard).classes.get(&facts.code) {
            Some(name) if *name == facts.name => Self::CodeAndName,
            Some(_) => Self::Code,
            None => Self::Nothing,
        }
    }
}

/// A code that was not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownCode {
    /// As it was written.
    pub code: String,
    /// Whether the second survey has it.
    pub of_second_survey: bool,
}

/// Reads the code in these facts by the standard that people name, else by either of those with four digits; answers them with the code as it is understood.
pub fn read(stated: Option<Standard>, facts: FeatureFacts) -> Result<(FeatureFacts, Understood), UnknownCode> {
    let code = tidy_code(&facts.code);
    let tidied = code != facts.code;
    let known = |code: &str| match stated {
        Some(standard) => of(standard).classes.contains_key(code),
        None => of(Standard::ThirdSurvey).classes.contains_key(code) || of(Standard::Guide).classes.contains_key(code),
    };
    let understood = |facts: FeatureFacts, lost_zero| {
        let fits = [Standard::ThirdSurvey, Standard::Guide].map(|standard| Fit::of(standard, &facts));
        Ok((facts, Understood { lost_zero, tidied, fits }))
    };
    if known(&code) {
        return match code {
            Cow::Borrowed(_) => understood(facts, false),
            Cow::Owned(code) => understood(FeatureFacts { code, ..facts }, false),
        };
    }
    // Spreadsheets drop the leading zero of 0101, and of 011.
    let whole = if stated == Some(Standard::SecondSurvey) { 2 } else { 3 };
    let digits = code.bytes().take_while(u8::is_ascii_digit).count();
    let with_zero = format!("0{code}");
    if digits == whole && known(&with_zero) {
        return understood(FeatureFacts { code: with_zero, ..facts }, true);
    }
    let of_second_survey = stated.is_none() && of(Standard::SecondSurvey).classes.contains_key(&*code);
    Err(UnknownCode { of_second_survey, code: facts.code })
}

/// Codes that are told one by one.
const TOLD: usize = 5;
/// Different unknown codes that are counted apart.
const COUNTED: usize = 1000;

/// The codes of a layer as a whole.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ClassTally {
    stated: Option<Standard>,
    /// Features whose code was as it should be.
    whole: u64,
    /// Features whose code lost its zero and, as it came, is none of the second survey.
    lost: u64,
    /// Features whose code lost its zero, unless it is one of the second survey.
    either: u64,
    /// Features whose code only the second survey has.
    second: u64,
    tidied: u64,
    repaired: u64,
    /// Unknown codes: how often, and the first row.
    unknown: BTreeMap<String, (u64, u64)>,
    /// Of the third survey and the guide: features whose code and name it has, and whose code.
    fits: [(u64, u64); 2],
}

impl ClassTally {
    /// Of a layer that people say to be of this standard.
    #[must_use]
    pub fn of(stated: Option<Standard>) -> Self {
        Self { stated, ..Self::default() }
    }

    /// Counts a feature that was taken in.
    pub fn take(&mut self, facts: &FeatureFacts, understood: Understood) {
        let came_without_zero = understood.lost_zero && self.stated.is_none();
        let of_second = |code: &str| of(Standard::SecondSurvey).classes.contains_key(code);
        if !came_without_zero {
            self.whole += 1;
        } else if facts.code.get(1..).is_some_and(of_second) {
            self.either += 1;
        } else {
            self.lost += 1;
        }
        self.tidied += u64::from(understood.tidied);
        self.repaired += u64::from(understood.lost_zero);
        for (fits, fit) in self.fits.iter_mut().zip(understood.fits) {
            fits.0 += u64::from(fit == Fit::CodeAndName);
            fits.1 += u64::from(fit != Fit::Nothing);
        }
    }

    /// Counts a feature that was refused for its code.
    pub fn refuse(&mut self, row: u64, unknown: &UnknownCode) {
        self.second += u64::from(unknown.of_second_survey);
        if self.unknown.len() < COUNTED || self.unknown.contains_key(&unknown.code) {
            self.unknown.entry(unknown.code.clone()).or_insert((0, row)).0 += 1;
        }
    }

    /// The standard that the layer is read by.
    #[must_use]
    pub fn standard(&self) -> Standard {
        let [third, guide] = self.fits;
        self.stated.unwrap_or(if guide > third { Standard::Guide } else { Standard::ThirdSurvey })
    }

    /// What must be asked before the layer can be taken in.
    #[must_use]
    pub fn question(&self) -> Option<Refusal> {
        let four_digits = self.whole + self.lost;
        let is_second = self.second > 0 && self.second >= four_digits || self.second == 0 && self.either > 0 && four_digits == 0;
        if self.stated.is_none() && is_second {
            let seen = self.second + self.either;
            let words = Words::new(
                format!(
                    "{seen} 个要素的地类编码是第二次土地调查的三位编码（如 {}）：请确认分类标准：按二调读取（其中 011、012、013 为耕地），或是丢失了前导 0 的三调编码、按三调读取",
                    self.examples_of_three_digits()
                ),
                format!(
                    "{seen} features have class codes of three digits, as in the second land survey (e.g. {}): say which standard they are of: the second survey, whose farmland is 011, 012 and 013, or the third survey, where they are codes that lost their zero",
                    self.examples_of_three_digits()
                ),
            );
            return Some(Refusal::new(RefusalKind::Unacceptable, "second_survey_codes", words).choices(&["classes=2007", "classes=2017"]));
        }
        let refused: u64 = self.unknown.values().map(|(count, _)| count).sum();
        let taken = self.whole + self.lost + self.either;
        (taken > 0 && refused > taken).then(|| {
            let (zh, en) = self.examples();
            let words = Words::new(
                format!("{refused} 个要素的地类编码不在分类标准中，多于能识别的 {taken} 个，图层未入库：{zh}"),
                format!("{refused} features have class codes that are in no standard, more than the {taken} that have one; the layer was not stored: {en}"),
            );
            Refusal::new(RefusalKind::Unacceptable, "unknown_class_codes", words)
        })
    }

    /// What people should know of the codes.
    #[must_use]
    pub fn notes(&self) -> Vec<Words> {
        let mut notes = Vec::new();
        if self.repaired > 0 {
            let count = self.repaired;
            notes.push(Words::new(format!("{count} 个 DLBM 丢失了前导 0，已补上"), format!("{count} DLBM had lost their leading zero, which was put back")));
        }
        if self.tidied > 0 {
            let count = self.tidied;
            notes.push(Words::new(
                format!("{count} 个 DLBM 写法不规范（全角、空格、小数），已识别"),
                format!("{count} DLBM were written oddly (full width, blanks, decimals) and were understood"),
            ));
        }
        if !self.unknown.is_empty() {
            let refused: u64 = self.unknown.values().map(|(count, _)| count).sum();
            let (zh, en) = self.examples();
            notes.push(Words::new(
                format!("{refused} 个要素的地类编码不在分类标准中，已拒收：{zh}"),
                format!("{refused} features were refused because their class code is in no standard: {en}"),
            ));
        }
        let taken = self.whole + self.lost + self.either;
        let [third, guide] = self.fits;
        let fits = match self.standard() {
            Standard::SecondSurvey => taken,
            Standard::ThirdSurvey => third.1,
            Standard::Guide => guide.1,
        };
        if fits < taken {
            let (count, name) = (taken - fits, &of(self.standard()).name);
            notes.push(Words::new(
                format!("{count} 个要素的编码不在“{name}”中，而在另一分类标准中"),
                format!("{count} features have codes of another standard than {}", self.standard()),
            ));
        }
        notes
    }

    fn examples(&self) -> (String, String) {
        let mut most: Vec<_> = self.unknown.iter().collect();
        most.sort_by_key(|(_, (count, row))| (std::cmp::Reverse(*count), *row));
        let told = |tell: &dyn Fn(&str, u64, u64) -> String| most.iter().take(TOLD).map(|(code, (count, row))| tell(code, *count, *row)).collect::<Vec<_>>();
        let zh = told(&|code, count, row| format!("“{code}” {count} 个（首例第 {row} 行）")).join("、");
        let en = told(&|code, count, row| format!("“{code}” {count} times (first in row {row})")).join(", ");
        (zh, en)
    }

    fn examples_of_three_digits(&self) -> String {
        let second = of(Standard::SecondSurvey);
        let codes: Vec<&str> = self.unknown.keys().map(String::as_str).filter(|code| second.classes.contains_key(*code)).take(TOLD).collect();
        if codes.is_empty() { "101、102".to_owned() } else { codes.join("、") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally(stated: Option<Standard>, codes: &[(&str, &str)]) -> ClassTally {
        let mut tally = ClassTally::of(stated);
        for (row, (code, name)) in (1..).zip(codes) {
            match read(stated, FeatureFacts::new((*code).to_owned(), (*name).to_owned())) {
                Ok((facts, understood)) => tally.take(&facts, understood),
                Err(unknown) => tally.refuse(row, &unknown),
            }
        }
        tally
    }

    fn asked(codes: &[&str]) -> Option<String> {
        let codes: Vec<(&str, &str)> = codes.iter().map(|code| (*code, "")).collect();
        tally(None, &codes).question().map(|refusal| refusal.code.into_owned())
    }

    #[test]
    fn codes_are_read_in_whatever_width_and_repaired_only_where_a_class_comes_out() {
        let by = |standard, text: &str| super::read(standard, FeatureFacts::new(text.to_owned(), String::new()));
        let read = |text| {
            let read = by(None, text).map(|(facts, understood)| (facts.code, understood.lost_zero, understood.tidied));
            read.map_err(|unknown| unknown.of_second_survey)
        };
        for (text, expected) in [
            ("0101", Ok(("0101".to_owned(), false, false))),
            ("101", Ok(("0101".to_owned(), true, false))),
            ("０１０２", Ok(("0102".to_owned(), false, true))),
            (" 0103.0 ", Ok(("0103".to_owned(), false, true))),
            ("101.0", Ok(("0101".to_owned(), true, true))),
            ("201k", Ok(("0201K".to_owned(), true, true))),
            ("05h1", Ok(("05H1".to_owned(), false, true))),
            ("060101", Ok(("060101".to_owned(), false, false))),
            ("9999", Err(false)),
            ("012", Err(true)),
            ("111", Err(true)),
            ("旱地", Err(false)),
            ("", Err(false)),
        ] {
            assert_eq!(read(text), expected, "{text}");
        }
        assert_eq!(by(Some(Standard::SecondSurvey), "13").unwrap().0.code, "013");
        assert!(by(Some(Standard::SecondSurvey), "0101").is_err());
        assert!(by(Some(Standard::Guide), "0305").is_err());
    }

    #[test]
    fn a_layer_of_the_second_survey_is_asked_about_and_a_stray_code_is_not() {
        let second = || Some("second_survey_codes".to_owned());
        assert_eq!(asked(&["012", "111", "203"]), second());
        assert_eq!(asked(&["101", "102"]), second(), "with no code of four digits beside them");
        assert_eq!(asked(&["101", "0102", "1202"]), None);
        assert_eq!(asked(&["101", "301", "601"]), None, "301 is none of the second survey");
        assert_eq!(asked(&["012", "0101", "0102"]), None);
        assert_eq!(asked(&["0101", "9999"]), None);
        assert_eq!(asked(&["0101", "9999", "abcd"]), Some("unknown_class_codes".to_owned()));
        assert_eq!(tally(Some(Standard::SecondSurvey), &[("012", ""), ("203", "")]).question(), None);
    }

    #[test]
    fn the_standard_is_the_one_that_has_most_of_the_codes_and_names() {
        assert_eq!(tally(None, &[("0601", "工业用地"), ("0101", "水田")]).standard(), Standard::ThirdSurvey);
        assert_eq!(tally(None, &[("0601", "农村道路"), ("0101", "水田")]).standard(), Standard::Guide);
        assert_eq!(tally(None, &[("0205", ""), ("0101", "")]).standard(), Standard::Guide);
        assert_eq!(tally(None, &[("0101", "")]).standard(), Standard::ThirdSurvey);
        let notes = tally(None, &[("0101", ""), ("0305", ""), ("9999", ""), ("９９９９", ""), ("9999", "")]).notes();
        assert!(notes[0].zh.contains("3 个要素") && notes[0].zh.contains("“9999” 2 个（首例第 3 行）"), "{notes:?}");
    }
}
