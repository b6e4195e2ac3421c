//! When the images were taken between which a patch changed: what its verdict is about.

use jiff::civil::Date;

/// The days of the image before the change (前时相, QSX) and of the one after it (后时相, HSX).
///
/// In the store, days that are NULL (a patch stored by an older program) are worked out when they are read, as they would be now: from the fields that came and the
/// period of the survey.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub struct Days {
    /// Of the image before the change: the land survey that counts is the last one of then.
    pub before: Date,
    /// Of the image after the change, not before that: lines, counties, approvals and rule are those of then.
    pub after: Date,
    /// Whether the file does not say both so that they can be believed.
    pub unclear: bool,
}

impl Days {
    /// The days that a file says, or those of `otherwise` (first and last day of the survey's period) for what it does not say. What cannot be read counts as not said, as
    /// do days after `today` and, both of them, days in the wrong order.
    ///
    /// Of a month, the image before is of its first day and the one after of its last: as for a period, what is meant lies between. Of the month that it is today, the last
    /// day is today.
    #[must_use]
    pub fn of(before: Option<&str>, after: Option<&str>, otherwise: (Date, Date), today: Date) -> Self {
        let said = |text: Option<&str>| text.and_then(read_days).filter(|(first, _)| *first <= today);
        let (before, after) = (said(before).map(|(first, _)| first), said(after).map(|(_, last)| last.min(today)));
        let days = Self { before: before.unwrap_or(otherwise.0), after: after.unwrap_or(otherwise.1), unclear: before.is_none() || after.is_none() };
        if days.before <= days.after { days } else { Self { before: otherwise.0, after: otherwise.1, unclear: true } }
    }
}

/// The first and the last day that a text can mean: a day, a month, a moment (the day that it is in China then), the number of a day as spreadsheets count it. `None` where
/// it means none without doubt.
#[must_use]
pub fn read_days(text: &str) -> Option<(Date, Date)> {
    if text.contains(['e', 'E']) {
        // Digits as some programs write numbers: 2.0220401e7.
        let number: f64 = text.trim().parse().ok()?;
        let whole = number.fract() == 0.0 && (1e4..1e15).contains(&number);
        return whole.then(|| numbered(number as u64, (number as u64).ilog10() as usize + 1)).flatten();
    }
    let mut rest = Rest(text);
    rest.blanks();
    let days = rest.days()?;
    rest.blanks();
    rest.0.is_empty().then_some(days)
}

/// Appends a day, `YYYY-MM-DD`.
pub fn push_day(text: &mut String, day: Date) {
    let (year, month, day) = (day.year().unsigned_abs(), day.month().unsigned_abs(), day.day().unsigned_abs());
    let digit = |number: u16, power: u16| char::from(b'0' + (number / power % 10) as u8);
    text.extend([1000, 100, 10, 1].map(|power| digit(year, power)));
    for part in [month, day] {
        text.extend(['-', digit(part.into(), 10), digit(part.into(), 1)]);
    }
}

/// A letter as it is on a plain keyboard: full-width digits, letters and signs are made narrow, all dashes are one.
pub(super) fn plain(c: char) -> char {
    match c {
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(c as u32 - 0xfee0).unwrap_or(c),
        '\u{2010}'..='\u{2015}' | '\u{2212}' => '-',
        '。' | '·' => '.',
        _ => c,
    }
}

/// Years in which land was looked at from above; what lies before is what programs write for no day.
const YEARS: std::ops::RangeInclusive<i16> = 1950..=2999;
/// Spreadsheets count days from the one before 1899-12-31, because they take 1900 for a leap year.
const SPREADSHEETS_DAY_0: Date = jiff::civil::date(1899, 12, 30);
/// The numbers that are taken for such: 1950-01-01 to 2099-12-31. Files that count from 1904 are not guessed at.
const SPREADSHEETS_DAYS: std::ops::RangeInclusive<u64> = 18_264..=73_050;

/// What is not read yet.
struct Rest<'t>(&'t str);

impl Rest<'_> {
    fn days(&mut self) -> Option<(Date, Date)> {
        let (number, digits) = self.number()?;
        match (digits, self.peek()) {
            (4, Some(sign @ ('-' | '/' | '.' | '年' | ' '))) => self.after_year(number as i16, sign),
            (_, None) => numbered(number, digits),
            // A number that became a real one; in a spreadsheet, the rest is the time of day.
            (_, Some('.')) => {
                self.next();
                let (fraction, _) = self.number()?;
                let day = numbered(number, digits)?;
                (fraction == 0 || digits == 5).then_some(day)
            }
            (8 | 14, Some('T' | 't' | ' ')) => {
                let day = numbered(number, digits)?.0;
                self.moment(day)
            }
            _ => None,
        }
    }

    fn after_year(&mut self, year: i16, sign: char) -> Option<(Date, Date)> {
        self.blanks();
        let sign = if sign == ' ' { self.peek().filter(|sign| matches!(sign, '-' | '/' | '.' | '年'))? } else { sign };
        self.take(sign)?;
        let of_month = if sign == '年' { '月' } else { sign };
        self.blanks();
        let (month, digits) = self.short()?;
        self.blanks();
        if self.peek().is_none() && sign != '年' {
            // 2022.1 is also what is left of 2022.10 as a number.
            return if sign == '.' && month == 1 && digits == 1 { None } else { days_of_month(year, month) };
        }
        self.take(of_month)?;
        self.blanks();
        if self.peek().is_none() && sign == '年' {
            return days_of_month(year, month);
        }
        let day = day(year, month, self.short()?.0)?;
        if sign == '年' {
            self.blanks();
            if let Some('日' | '号') = self.peek() {
                self.next();
            }
        }
        if let Some('T' | 't' | ' ') = self.peek() { self.moment(day) } else { Some((day, day)) }
    }

    /// A time of day, and how far its clock is from Greenwich where that is said; else it is China's.
    fn moment(&mut self, day: Date) -> Option<(Date, Date)> {
        self.next();
        self.blanks();
        if self.peek().is_none() {
            return Some((day, day));
        }
        let hour = self.short()?.0;
        self.take(':')?;
        let minute = self.short()?.0;
        let mut second = 0;
        if self.take(':').is_some() {
            second = self.short()?.0;
            if let Some('.' | ',') = self.peek() {
                self.next();
                self.number()?;
            }
        }
        let time = jiff::civil::Time::new(hour, minute, second.min(59), 0).ok()?;
        self.blanks();
        let seconds = match self.peek() {
            None => return Some((day, day)),
            Some('Z' | 'z') => {
                self.next();
                0
            }
            Some(sign @ ('+' | '-')) => {
                self.next();
                let (number, digits) = self.number()?;
                let minutes = match digits {
                    4 => (number / 100) * 60 + number % 100,
                    1 | 2 if self.take(':').is_some() => number * 60 + u64::try_from(self.short()?.0).ok()?,
                    1 | 2 => number * 60,
                    _ => return None,
                };
                let seconds = i32::try_from(minutes).ok()? * 60;
                if sign == '-' { -seconds } else { seconds }
            }
            Some(_) => return None,
        };
        let offset = jiff::tz::Offset::from_seconds(seconds).ok()?;
        let moment = offset.to_timestamp(day.to_datetime(time)).ok()?;
        let day = moment.to_zoned(jiff::tz::offset(8).to_time_zone()).date();
        Some((day, day))
    }

    fn peek(&self) -> Option<char> {
        self.0.chars().next().map(|c| if c.is_whitespace() { ' ' } else { plain(c) })
    }

    fn next(&mut self) {
        let mut chars = self.0.chars();
        chars.next();
        self.0 = chars.as_str();
    }

    fn take(&mut self, wanted: char) -> Option<()> {
        (self.peek() == Some(wanted)).then(|| self.next())
    }

    fn blanks(&mut self) {
        self.0 = self.0.trim_start();
    }

    /// Digits: the number, and how many they are.
    fn number(&mut self) -> Option<(u64, usize)> {
        let (mut number, mut digits) = (0_u64, 0);
        while let Some(digit) = self.peek().and_then(|c| c.to_digit(10)) {
            number = number.checked_mul(10)?.checked_add(digit.into())?;
            digits += 1;
            self.next();
        }
        (digits > 0).then_some((number, digits))
    }

    /// One digit or two.
    fn short(&mut self) -> Option<(i8, usize)> {
        let (number, digits) = self.number()?;
        (digits <= 2).then_some((number as i8, digits))
    }
}

/// Digits alone: `20220401`, `202204`, `20220401103000`, the day of a spreadsheet.
fn numbered(number: u64, digits: usize) -> Option<(Date, Date)> {
    let part = |by: u64, of: u64| (number / by % of) as i8;
    match digits {
        5 if SPREADSHEETS_DAYS.contains(&number) => {
            let day = SPREADSHEETS_DAY_0.checked_add(jiff::Span::new().days(number as i64)).ok()?;
            Some((day, day))
        }
        6 => days_of_month((number / 100) as i16, part(1, 100)),
        8 => day((number / 10_000) as i16, part(100, 100), part(1, 100)).map(|day| (day, day)),
        // Milliseconds since 1970, as services write moments: with thirteen digits from 2001-09-09 on, with twelve what can be no year, month, day and time.
        13 => moment_of(number),
        12 if number >= 300_000_000_000 => moment_of(number),
        14 if part(10_000, 100) < 24 && part(100, 100) < 60 && part(1, 100) < 60 => numbered(number / 1_000_000, 8),
        _ => None,
    }
}

/// China's clock before Greenwich's, seconds.
const CHINA_S: u64 = 8 * 3600;

/// The day in China of a moment in milliseconds since 1970.
fn moment_of(milliseconds: u64) -> Option<(Date, Date)> {
    let days = (milliseconds / 1000 + CHINA_S) / 86_400;
    let day = jiff::civil::date(1970, 1, 1).checked_add(jiff::Span::new().days(i64::try_from(days).ok()?)).ok()?;
    YEARS.contains(&day.year()).then_some((day, day))
}

fn day(year: i16, month: i8, day: i8) -> Option<Date> {
    Date::new(year, month, day).ok().filter(|day| YEARS.contains(&day.year()))
}

fn days_of_month(year: i16, month: i8) -> Option<(Date, Date)> {
    let first = day(year, month, 1)?;
    Some((first, first.last_of_month()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn date(text: &str) -> Date {
        text.parse().unwrap()
    }

    #[test]
    fn every_form_of_a_day_is_read() {
        // Oracle: the calendar by hand; the spreadsheet's number is what LibreOffice Calc shows of 2022-04-01 as a number, 44652.
        for text in [
            "20220401",
            "2022-04-01",
            "2022/04/01",
            "2022/4/1",
            "2022-4-1",
            "2022.4.1",
            "2022.04.01",
            "2022年4月1日",
            "2022年04月01日",
            "2022 年 4 月 1 日",
            "2022年4月1号",
            " 2022-04-01 ",
            "２０２２０４０１",
            "２０２２－０４－０１",
            "２０２２／４／１",
            "２０２２年４月１日",
            "２０２２．４．１",
            "2022–04–01",
            "2022 - 04 - 01",
            "　2022-04-01　",
            "44652",
            "44652.0",
            "44652.75",
            "20220401.0",
            "20220401.000",
            "20220401103000",
            "2022-04-01T10:30:00",
            "2022-04-01 10:30",
            "2022/04/01 00:00:00",
            "2022-04-01T00:00:00Z",
            "2022-03-31T16:00:00Z",
            "2022-04-01T00:00:00+08:00",
            "2022-03-31T16:00:00.000Z",
            "2022-04-01 00:00:00+08",
            "2022-04-01T23:59:59.999+0800",
            "2022-03-31T20:00:00-04:00",
            "2.0220401e7",
            "4.4652E4",
            "2022年4月1日 10:30",
            "2022-04-01T",
            "20220401 10:30:00",
        ] {
            assert_eq!(read_days(text), Some((date("2022-04-01"), date("2022-04-01"))), "{text}");
        }
        for text in ["2022-04", "2022-4", "202204", "2022/04", "2022/4", "2022.04", "2022.4", "2022年4月", "２０２２年４月", "2022 年 4 月", "202204.0"]
        {
            assert_eq!(read_days(text), Some((date("2022-04-01"), date("2022-04-30"))), "{text}");
        }
        assert_eq!(read_days("2024-02"), Some((date("2024-02-01"), date("2024-02-29"))));
        assert_eq!(read_days("2022.10"), Some((date("2022-10-01"), date("2022-10-31"))));
        // Oracle: 1904 was a leap year, 2100 will be none: `python3 -c "import datetime as d; print(d.date(1899,12,30)+d.timedelta(73050))"`.
        assert_eq!(read_days("73050"), Some((date("2099-12-31"), date("2099-12-31"))));
        assert_eq!(read_days("18264"), Some((date("1950-01-01"), date("1950-01-01"))));
    }

    #[test]
    fn a_moment_of_a_service_is_the_day_that_it_is_in_china() {
        // Oracle: `TZ=Asia/Shanghai date -d @1648742400 +%F`, and so on.
        for (text, day) in [
            ("1648742399000", "2022-03-31"),
            ("1648742400000", "2022-04-01"),
            ("1648771200000", "2022-04-01"),
            ("1648828799999", "2022-04-01"),
            ("1648828800000", "2022-04-02"),
            ("1.6487712e12", "2022-04-01"),
            ("1648771200000.0", "2022-04-01"),
            ("946656000000", "2000-01-01"),
        ] {
            assert_eq!(read_days(text), Some((date(day), date(day))), "{text}");
        }
        // Twelve digits that may as well be a day with its hour and minute.
        assert_eq!(read_days("202204011030"), None);
    }

    #[test]
    fn what_names_no_day_without_doubt_is_not_read() {
        for text in [
            "",
            " ",
            "0",
            "00000000",
            "2022",
            "2022年",
            "20221301",
            "20220431",
            "2022-02-30",
            "2022-13",
            "2022-00",
            "2022-04-00",
            "2022.1",
            "22-04-01",
            "01/04/2022",
            "4/1/2022",
            "2022-04-01x",
            "2022-04/01",
            "2022年4",
            "2022年4月1日起",
            "四月",
            "无",
            "null",
            "1900-01-01",
            "1899-12-30",
            "99991231",
            "30000101",
            "44652.",
            "18263",
            "73051",
            "446520",
            "2022-Q2",
            "-20220401",
            "20220401.5",
            "1648742400",
            "2022-04-01T25:00",
            "2022-04-01T10",
            "2022-04-01 10:30 PM",
            "2022--04",
            "123456789012345678901234567890",
            "20220401256000",
            "2022-004-01",
            "2022-04-01+08:00",
            "2022 04 01",
            "1e99",
            "2022-Sep",
        ] {
            assert_eq!(read_days(text), None, "{text}");
        }
    }

    #[test]
    fn what_is_not_said_or_not_to_be_believed_is_the_periods() {
        let (otherwise, today) = ((date("2022-04-01"), date("2022-04-30")), date("2022-05-10"));
        // QSX, HSX → before, after, unclear. Oracle: docs of the field, §8, by hand.
        for (before, after, expected) in [
            ("20211105", "2022-04-12", ("2021-11-05", "2022-04-12", false)),
            ("2022-04-12", "2022-04-12", ("2022-04-12", "2022-04-12", false)),
            ("2021-11", "2022-04", ("2021-11-01", "2022-04-30", false)),
            ("2021-11-05", "2022-05", ("2021-11-05", "2022-05-10", false)),
            ("", "2022-04-12", ("2022-04-01", "2022-04-12", true)),
            ("2021-11-05", "", ("2021-11-05", "2022-04-30", true)),
            ("", "", ("2022-04-01", "2022-04-30", true)),
            ("不详", "2022-04-12", ("2022-04-01", "2022-04-12", true)),
            ("2022-04-12", "2021-11-05", ("2022-04-01", "2022-04-30", true)),
            ("2021-11-05", "2022-05-11", ("2021-11-05", "2022-04-30", true)),
            ("2021-11-05", "2022-06", ("2021-11-05", "2022-04-30", true)),
            ("2022-05-11", "2022-04-12", ("2022-04-01", "2022-04-12", true)),
            // With the period's day it would be in the wrong order.
            ("2022-05-02", "", ("2022-04-01", "2022-04-30", true)),
            ("", "2022-03-15", ("2022-04-01", "2022-04-30", true)),
        ] {
            let said = |text: &'static str| Some(text).filter(|text| !text.is_empty());
            let (first, last, unclear) = expected;
            assert_eq!(Days::of(said(before), said(after), otherwise, today), Days { before: date(first), after: date(last), unclear }, "{before} – {after}");
        }
    }

    #[test]
    fn a_day_is_written_as_jiff_writes_it() {
        for text in ["2022-04-01", "1950-12-31", "2999-10-09"] {
            let mut written = String::new();
            push_day(&mut written, date(text));
            assert_eq!(written, text);
        }
    }
}
