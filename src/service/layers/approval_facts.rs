//! What approvals say of their day, end and kind, read from their fields; and what people should know of how that went.

use crate::formats::{Field, FieldMap, RawFeature};
use crate::service::{Refusal, RefusalKind};
use jiff::{Span, civil::Date};
use tuban_engine::approval_kinds::ApprovalKinds;
use tuban_engine::model::{FeatureFacts, LayerKind, Words, read_days, shortened};

/// What could not be read of an approval's own words, as they are.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Unread {
    granted: Option<String>,
    ends: Option<String>,
}

/// Adds to the facts of an approval what it says of its day, end and kind; `said` is the kind that people say of the whole file, which goes before what the file says.
pub(crate) fn read(raw: &RawFeature<'_>, facts: &mut FeatureFacts, said: Option<&str>) -> Unread {
    let text = |field| raw.fields.get(field);
    let granted = text(Field::Granted).and_then(last_day);
    let ends = text(Field::Ends).map_or(Ok(None), |text| end(text, granted));
    let unread = Unread {
        granted: text(Field::Granted).filter(|_| granted.is_none()).map(str::to_owned),
        ends: text(Field::Ends).filter(|_| ends.is_err()).map(str::to_owned),
    };
    facts.granted = granted;
    facts.ends = ends.unwrap_or_default();
    facts.kind = said.or(text(Field::ApprovalKind)).map(|kind| shortened(kind).into_owned());
    unread
}

/// The day that a text says; of a month the last one: an approval of that month is not known to be older.
fn last_day(text: &str) -> Option<Date> {
    read_days(text).map(|(_, last)| last)
}

/// The last day that a text allows: a day, the second day of a span of days, or so many years or months from the day it was granted; `None` where it says that there
/// is no end, an error where it cannot be read.
fn end(text: &str, granted: Option<Date>) -> Result<Option<Date>, ()> {
    if ["长期", "永久", "无期限"].iter().any(|word| text.contains(word)) {
        return Ok(None);
    }
    let last = text.rsplit(['至', '到', '~', '～', '—']).next().unwrap_or(text);
    let day = last_day(last).or_else(|| last_day(last.trim_end_matches(['止', '前', '内']))).or_else(|| granted?.checked_add(span(text)?).ok());
    day.map(Some).ok_or(())
}

/// `2年`, `24个月`.
fn span(text: &str) -> Option<Span> {
    let text = text.trim();
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let number: i16 = text.get(..digits)?.parse().ok()?;
    match text.get(digits..)?.trim() {
        "年" => Span::new().try_years(number).ok(),
        "个月" | "月" => Span::new().try_months(number).ok(),
        _ => None,
    }
}

/// What was noticed of a file's approvals.
#[derive(Debug, Clone, Default)]
pub(crate) struct ApprovalsNoticed {
    /// Taken in.
    taken: u64,
    undated: u64,
    without_kind: u64,
    granted: Examples,
    ends: Examples,
    kinds: Examples,
}

/// How many there were, and the first one.
#[derive(Debug, Clone, Default)]
struct Examples {
    count: u64,
    first: Option<String>,
}

impl Examples {
    fn add(&mut self, one: Option<String>) {
        if let Some(one) = one {
            self.count += 1;
            self.first.get_or_insert(one);
        }
    }

    /// The first one in words, where there is one.
    fn words(&self, words: impl Fn(u64, &str) -> Words) -> Option<Words> {
        self.first.as_deref().map(|first| words(self.count, first))
    }
}

impl ApprovalsNoticed {
    /// Takes note of an approval that was taken in.
    pub(crate) fn add(&mut self, facts: &FeatureFacts, unread: Unread, kinds: &ApprovalKinds) {
        self.taken += 1;
        self.undated += u64::from(facts.granted.is_none());
        self.without_kind += u64::from(facts.kind.is_none());
        self.granted.add(unread.granted);
        self.ends.add(unread.ends);
        self.kinds.add(facts.kind.clone().filter(|kind| !kinds.knows(kind)));
    }

    /// Approvals without a day that can be read.
    pub(crate) fn undated(&self) -> u64 {
        self.undated
    }

    /// What people should know: what was taken for what, and what was not there or could not be read.
    pub(crate) fn words(&self, fields: &FieldMap) -> Vec<Words> {
        let Self { taken, undated, without_kind, .. } = self;
        if *taken == 0 {
            return Vec::new();
        }
        let taken_for = [(Field::Granted, "批准日期", "their day"), (Field::Ends, "到期日期", "their end"), (Field::ApprovalKind, "批准类型", "their kind")];
        let named = taken_for.map(|(field, zh, en)| fields.theirs(field).map(|theirs| (format!("{zh}取自 {theirs}"), format!("{en} from {theirs}"))));
        let (named_zh, named_en): (Vec<_>, Vec<_>) = named.into_iter().flatten().unzip();
        let named = (!named_zh.is_empty()).then(|| Words::new(named_zh.join("，"), format!("approvals: {}", named_en.join(", "))));
        let days = (*undated > 0).then(|| {
            if undated == taken {
                Words::new(
                    "没有批准日期，请重新提供文件；在此之前按无日期的批准计",
                    "no approval says a day; send the file again with one. Until then they count as without a day",
                )
            } else {
                Words::new(
                    format!("{taken} 个批准中有 {undated} 个没有批准日期，请补充后重新提供文件"),
                    format!("{undated} of {taken} approvals have no day; send the file again with one"),
                )
            }
        });
        let unread_days = self.granted.words(|count, first| {
            Words::new(format!("{count} 个批准日期读不懂（如“{first}”），按无日期计"), format!("{count} days of approval cannot be read (such as “{first}”)"))
        });
        let ends = self.ends.words(|count, first| {
            Words::new(
                format!("{count} 个到期日期读不懂（如“{first}”），按没有期限计"),
                format!("{count} ends cannot be read (such as “{first}”) and are left out"),
            )
        });
        let kinds = self.kinds.words(|count, first| {
            Words::new(
                format!("{count} 个批准的类型不明（如“{first}”），按建设用地批准计"),
                format!("{count} approvals are of an unknown kind (such as “{first}”) and are taken for building"),
            )
        });
        let no_kind = (*without_kind > 0).then(|| {
            Words::new(
                format!("{without_kind} 个批准没有批准类型，按建设用地批准计；整个文件是同一类型的，可在提供文件时指明"),
                format!("{without_kind} approvals say no kind and are taken for building; where all of a file are of one kind, say so with the file"),
            )
        });
        [named, days, unread_days, ends, no_kind, kinds].into_iter().flatten().collect()
    }
}

/// Refuses a kind said of a whole file that is none, or of a layer that is no approvals.
pub(crate) fn check_said(kind: LayerKind, said: Option<&str>, kinds: &ApprovalKinds) -> Result<(), Refusal> {
    let Some(said) = said else { return Ok(()) };
    let refuse = |words| Err(Refusal::new(RefusalKind::Unreadable, "kind_of_approval", words));
    if kind != LayerKind::Approved {
        let words = Words::new("只有批准用地图层才有批准类型", "only a layer of approvals has a kind of approval");
        return refuse(words);
    }
    if !kinds.knows(said) {
        let known = kinds.names().collect::<Vec<_>>().join("、");
        return refuse(Words::new(format!("没有“{said}”这种批准类型，可用的有：{known}"), format!("“{said}” is no kind of approval; there are: {known}")));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_is_a_day_the_end_of_a_span_or_so_long_after_the_approval() {
        let day = |text: &str| text.parse::<Date>().unwrap();
        let granted = Some(day("2020-05-01"));
        // Oracle: the calendar.
        for (text, expected) in [
            ("2022-04-30", "2022-04-30"),
            ("20220430", "2022-04-30"),
            ("2020年5月1日至2022年4月30日", "2022-04-30"),
            ("2020-05-01~2022-04-30", "2022-04-30"),
            ("至2022年4月30日止", "2022-04-30"),
            ("2022年4月", "2022-04-30"),
            ("2年", "2022-05-01"),
            ("24个月", "2022-05-01"),
        ] {
            assert_eq!(end(text, granted), Ok(Some(day(expected))), "{text}");
        }
        assert_eq!(end("长期", granted), Ok(None));
        for text in ["两年", "2", "见批文"] {
            assert_eq!(end(text, granted), Err(()), "{text}");
        }
        assert_eq!(end("2年", None), Err(()));
    }
}
