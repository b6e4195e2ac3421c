//! What a survey is of: a month, a quarter or a year; and ranges of those.

use super::{Words, days::plain};
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use std::{cmp::Ordering, fmt, str::FromStr};

/// The day it is in China, which has one time zone.
#[must_use]
pub fn today() -> Date {
    day_in_china(jiff::Timestamp::now())
}

/// The day that a moment lies in, in China.
fn day_in_china(moment: jiff::Timestamp) -> Date {
    moment.to_zoned(jiff::tz::offset(8).to_time_zone()).date()
}

/// The day in China of so many milliseconds since 1970; the first one that can be told where they are out of all bounds.
#[must_use]
pub fn day_of_ms(ms: i64) -> Date {
    jiff::Timestamp::from_millisecond(ms).map_or(Date::ZERO, day_in_china)
}

/// How long a period is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PeriodKind {
    /// 月.
    Month,
    /// 季度, beginning with January, April, July or October.
    Quarter,
    /// 年.
    Year,
}

impl PeriodKind {
    /// Months that it is long.
    #[must_use]
    pub fn months(self) -> i64 {
        match self {
            Self::Month => 1,
            Self::Quarter => 3,
            Self::Year => 12,
        }
    }

    fn of(months: i64) -> Option<Self> {
        [Self::Month, Self::Quarter, Self::Year].into_iter().find(|kind| kind.months() == months)
    }
}

/// A month, a quarter or a year, written `2022-04`, `2022-Q2` or `2022`. In order, the one that ends later is the later one; of those that end together, the shorter one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Period {
    kind: PeriodKind,
    year: u16,
    /// The first one, from 1.
    month: u8,
}

/// Years that a period may lie in.
const YEARS: std::ops::RangeInclusive<u16> = 1900..=2999;

impl Period {
    /// The month it is in China.
    #[must_use]
    pub fn current() -> Self {
        let today = today();
        Self { kind: PeriodKind::Month, year: today.year().unsigned_abs(), month: today.month().unsigned_abs() }
    }

    /// Whether it is a month, a quarter or a year.
    #[must_use]
    pub fn kind(self) -> PeriodKind {
        self.kind
    }

    /// Its first month, as months since year 0: the number by which periods are stored.
    #[must_use]
    pub fn ordinal(self) -> i64 {
        i64::from(self.year) * 12 + i64::from(self.month) - 1
    }

    /// Its last month, counted as [`ordinal`](Self::ordinal).
    #[must_use]
    pub fn last_ordinal(self) -> i64 {
        self.ordinal() + self.kind.months() - 1
    }

    /// The period of so many months from an [`ordinal`](Self::ordinal) on, if there is such a one.
    #[must_use]
    pub fn from_ordinal(ordinal: i64, months: i64) -> Option<Self> {
        let kind = PeriodKind::of(months)?;
        let year = u16::try_from(ordinal.div_euclid(12)).ok()?;
        let month = u8::try_from(ordinal.rem_euclid(12) + 1).ok()?;
        (YEARS.contains(&year) && ordinal.rem_euclid(months) == 0).then_some(Self { kind, year, month })
    }

    /// Its first day.
    #[must_use]
    pub fn first_day(self) -> Date {
        first_day_of(self.ordinal())
    }

    /// Its last day.
    #[must_use]
    pub fn last_day(self) -> Date {
        first_day_of(self.last_ordinal()).last_of_month()
    }

    /// First and last day: what stands for the days of images that are not known.
    #[must_use]
    pub fn days(self) -> (Date, Date) {
        (self.first_day(), self.last_day())
    }

    /// A text without its blanks, in plain letters; see [`NotAPeriod`] for what is understood.
    fn read(text: &str) -> Option<Self> {
        let (year, rest) = text.split_at_checked(4)?;
        if !text.bytes().take(4).all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let year: u16 = year.parse().ok()?;
        if let "" | "年" | "年度" = rest {
            return Self::new(PeriodKind::Year, year, 1);
        }
        if let Some(quarter) = quarter(rest) {
            return Self::new(PeriodKind::Quarter, year, 3 * quarter - 2);
        }
        Self::new(PeriodKind::Month, year, month(rest)?)
    }

    fn new(kind: PeriodKind, year: u16, month: u8) -> Option<Self> {
        (YEARS.contains(&year) && (1..=12).contains(&month)).then_some(Self { kind, year, month })
    }
}

/// The first day of a month counted from year 0, which lies in [`YEARS`].
fn first_day_of(ordinal: i64) -> Date {
    let (year, month) = (ordinal.div_euclid(12), ordinal.rem_euclid(12) + 1);
    Date::new(year as i16, month as i8, 1).unwrap_or(Date::ZERO)
}

/// What stands behind a year: `-Q2`, `Q2`, `年第2季度`, `年二季度`, `第二季度`.
fn quarter(rest: &str) -> Option<u8> {
    let rest = rest.trim_start_matches(['-', '/', '.', '年']);
    let number = match rest.strip_prefix(['Q', 'q']) {
        Some(number) => number,
        None => rest.strip_suffix("季度")?.trim_start_matches('第'),
    };
    Some(match number {
        "1" | "一" => 1,
        "2" | "二" => 2,
        "3" | "三" => 3,
        "4" | "四" => 4,
        _ => return None,
    })
}

/// What stands behind a year: `04`, `-04`, `-4`, `/4`, `.04`, `年4月`, `年4月份`.
fn month(rest: &str) -> Option<u8> {
    let digits = match rest.chars().next()? {
        '年' => rest.trim_start_matches('年').trim_end_matches('份').strip_suffix('月')?,
        '-' | '/' => &rest[1..],
        // A number that was October ends in .1, too.
        '.' if rest != ".1" => &rest[1..],
        _ if rest.len() == 2 => rest,
        _ => return None,
    };
    (matches!(digits.len(), 1 | 2) && digits.bytes().all(|byte| byte.is_ascii_digit())).then(|| digits.parse().ok()).flatten()
}

/// A text that names no period.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotAPeriod(String);

impl NotAPeriod {
    /// What is wrong, and what is understood.
    #[must_use]
    pub fn words(&self) -> Words {
        Words::new(
            format!(
                "“{}”不是期次；可写月 2022-04（或 2022-4、202204、2022/4、2022年4月），季度 2022-Q2（或 2022Q2、2022年第二季度），年 2022（或 2022年）",
                self.0
            ),
            self.to_string(),
        )
    }
}

impl fmt::Display for NotAPeriod {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "“{}” is no period; write a month as 2022-04 (or 2022-4, 202204, 2022/4, 2022年4月), a quarter as 2022-Q2 (or 2022Q2, 2022年第二季度), a year as 2022 (or 2022年)",
            self.0
        )
    }
}

impl std::error::Error for NotAPeriod {}

impl FromStr for Period {
    type Err = NotAPeriod;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let plainly: String = text.chars().map(plain).filter(|c| !c.is_whitespace()).collect();
        Self::read(&plainly).ok_or_else(|| NotAPeriod(text.to_owned()))
    }
}

impl Ord for Period {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.last_ordinal(), self.ordinal()).cmp(&(other.last_ordinal(), other.ordinal()))
    }
}

impl PartialOrd for Period {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            PeriodKind::Month => write!(f, "{:04}-{:02}", self.year, self.month),
            PeriodKind::Quarter => write!(f, "{:04}-Q{}", self.year, self.month.div_ceil(3)),
            PeriodKind::Year => write!(f, "{:04}", self.year),
        }
    }
}

impl TryFrom<String> for Period {
    type Error = NotAPeriod;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Period> for String {
    fn from(period: Period) -> Self {
        period.to_string()
    }
}

/// All months from the first one of `from` to the last one of `until`. What is of a period is in it where all months of that period are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct PeriodRange {
    /// First period, taken wholly.
    pub from: Period,
    /// Last period, taken wholly; it neither begins nor ends before `from` does.
    pub until: Period,
}

impl PeriodRange {
    /// The range; `until` defaults to `from`.
    pub fn new(from: Period, until: Option<Period>) -> Result<Self, Words> {
        let until = until.unwrap_or(from);
        if until.last_ordinal() < from.last_ordinal() {
            return Err(Words::new(format!("{until} 结束得比 {from} 早"), format!("{until} ends before {from} does")));
        }
        // From April until “2022”: the year wholly, or its last nine months? Both can be said without doubt.
        if until.ordinal() < from.ordinal() {
            return Err(Words::new(format!("{until} 开始得比 {from} 早"), format!("{until} begins before {from} does")));
        }
        Ok(Self { from, until })
    }

    /// Its first and its last month, as [`Period::ordinal`] counts them.
    #[must_use]
    pub fn ordinals(self) -> (i64, i64) {
        (self.from.ordinal(), self.until.last_ordinal())
    }

    /// Whether a period lies in it wholly.
    #[must_use]
    pub fn contains(self, period: Period) -> bool {
        let (first, last) = self.ordinals();
        first <= period.ordinal() && period.last_ordinal() <= last
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn period(text: &str) -> Period {
        text.parse().unwrap()
    }

    #[test]
    fn what_is_beyond_doubt_is_understood_and_written_in_one_way() {
        for (canonical, texts) in [
            ("2022-04", "2022-04|2022-4|202204|2022/04|2022/4|2022.04|2022.4|2022年4月|2022年04月|2022年4月份| ２０２２ 年 ４ 月 |２０２２－０４"),
            ("2022-Q2", "2022-Q2|2022Q2|2022-q2|2022年第二季度|2022年第2季度|2022年二季度|2022第2季度|２０２２Ｑ２|2022年 第 2 季度"),
            ("2022", "2022|2022年|2022年度|２０２２"),
            ("2022-10", "2022-10|2022.10|202210"),
        ] {
            for text in texts.split('|') {
                assert_eq!(text.parse::<Period>().map(|period| period.to_string()), Ok(canonical.to_owned()), "{text}");
            }
        }
    }

    #[test]
    fn what_is_not_is_told_what_is_understood() {
        for wrong in [
            "2022-13",
            "2022-00",
            "2022-0",
            "22-04",
            "",
            "2022-04-01",
            "+022-04",
            "20224",
            "2022.1",
            "2022-Q5",
            "2022-Q0",
            "2022Q22",
            "2022H1",
            "1899",
            "3000",
            "2022-",
            "年4月",
            "2022年4",
            "4/2022",
            "04-2022",
            "2022-004",
            "20220401",
            "2022年13月",
            "二〇二二年",
            "2022-Q",
            "2022季度",
        ] {
            let error = wrong.parse::<Period>().unwrap_err();
            assert!(error.words().zh.contains("2022-Q2") && error.to_string().contains("2022-Q2"), "{wrong}");
        }
    }

    #[test]
    fn a_range_takes_both_ends_wholly() {
        let range = |from, until| PeriodRange::new(period(from), Some(period(until)));
        let spring = range("2022-Q1", "2022-04").unwrap();
        let within = |range: PeriodRange| {
            let all = ["2021-12", "2022-01", "2022-03", "2022-Q1", "2022-04", "2022-Q2", "2022-05", "2022"];
            all.into_iter().filter(|text| range.contains(period(text))).collect::<Vec<_>>()
        };
        assert_eq!(within(spring), ["2022-01", "2022-03", "2022-Q1", "2022-04"]);
        assert_eq!(within(range("2022-04", "2022-Q2").unwrap()), ["2022-04", "2022-Q2", "2022-05"]);
        assert_eq!(within(range("2022", "2022").unwrap()).len(), 7);
        for (from, until) in [("2022-05", "2022-04"), ("2022", "2022-04"), ("2022-04", "2022"), ("2022-Q2", "2022-Q1"), ("2022-Q2", "2022-06")] {
            let allowed = (from, until) == ("2022-Q2", "2022-06");
            assert_eq!(range(from, until).is_ok(), allowed, "{from}–{until}");
        }
    }

    #[test]
    fn in_order_what_ends_later_is_later_and_then_what_is_shorter() {
        let mut periods = ["2022", "2022-12", "2022-Q4", "2022-11", "2023-01", "2022-Q1"].map(period);
        periods.sort_unstable();
        assert_eq!(periods.map(|period| period.to_string()), ["2022-Q1", "2022-11", "2022", "2022-Q4", "2022-12", "2023-01"]);
    }

    proptest! {
        /// Oracle: the calendar of jiff, day by day. Each period of a kind begins the day after the one before it has ended.
        #[test]
        fn the_periods_of_a_kind_tile_the_calendar(at in 0_i64..1099, kind in prop::sample::select(vec![1_i64, 3, 12])) {
            let first = 1900 * 12 + at * 12 / kind * kind;
            let one = Period::from_ordinal(first, kind).unwrap();
            let next = Period::from_ordinal(first + kind, kind).unwrap();
            prop_assert_eq!(one.last_day().tomorrow().unwrap(), next.first_day());
            prop_assert!(one < next && one.first_day() <= one.last_day());
            prop_assert_eq!(one.to_string().parse::<Period>(), Ok(one));
            prop_assert_eq!(Period::from_ordinal(one.ordinal(), one.kind().months()), Some(one));
            // A longer one is its months, and nothing else.
            let months: Vec<_> = (one.ordinal()..=one.last_ordinal()).map(|month| Period::from_ordinal(month, 1).unwrap()).collect();
            prop_assert_eq!(months.len() as i64, kind);
            prop_assert_eq!((months[0].first_day(), months[months.len() - 1].last_day()), one.days());
            for wrong in (1..kind).map(|off| Period::from_ordinal(first + off, kind)) {
                prop_assert_eq!(wrong, None);
            }
        }
    }
}
