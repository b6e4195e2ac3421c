//! Sums by county that are exact, so that neither the order of the rows nor the database that adds them shows in an answer.
//!
//! A sum of doubles depends on their order, and each database adds in its own. So every area is cut, in SQL, into three integers: whole
//! square metres, and twice 30 bits of the rest. Integers have one sum. They are put together here, and rounded to a double once.

use super::{StoreError, columns::Columns};
use std::ops::{AddAssign, Sub, SubAssign};
use tuban_engine::model::{Disputed, Finding, Group, Period, PeriodRange, Totals};

/// Three sums over the rows where `$when` holds, named `$name` with 0, 30 and 60 behind it: of an area's whole m², and of the rest in
/// units of 2⁻³⁰ and of 2⁻⁶⁰ m². One database rounds in a CAST, the other one cuts: what one of the integers has less, the next has more.
/// Only the last one must be a whole number before: to add 1.5·2⁵² and take it away rounds half to even in both.
macro_rules! exact_sum {
    ($area:literal when $when:literal as $name:literal) => {
        concat!(
            exact_sum!(@sum concat!("CAST(", $area, " AS BIGINT)"), $when, $name, "0"), ", ",
            exact_sum!(@sum exact_sum!(@middle $area), $when, $name, "30"), ", ",
            exact_sum!(@sum concat!(
                "CAST(((", exact_sum!(@rest $area), " - ", exact_sum!(@middle $area), ") * 1073741824.0 + 6755399441055744.0) - 6755399441055744.0 AS BIGINT)"
            ), $when, $name, "60")
        )
    };
    (@rest $area:literal) => { concat!("(", $area, " - CAST(", $area, " AS BIGINT)) * 1073741824.0") };
    (@middle $area:literal) => { concat!("CAST(", exact_sum!(@rest $area), " AS BIGINT)") };
    (@sum $integer:expr, $when:literal, $name:literal, $bits:literal) => {
        concat!("CAST(sum(", $integer, ") FILTER (WHERE ", $when, ") AS BIGINT) AS ", $name, "_", $bits)
    };
}

/// Only confirmed verdicts that decide: a doubtful one counts as none. Areas go by sub-parcel, so that one filing can add to all three
/// classes, while its patch counts in the class of its verdict; what is neither legal nor illegal of a patch is other. By survey, because
/// an index has the findings in that order: [`read`] adds up the surveys. Areas of 0 are left out, to save the adding.
macro_rules! totals {
    (findings $finding:literal filings $own:literal by $survey:literal where $condition:literal) => {
        concat!(
            "SELECT finding.survey_id, finding.county_code,
        count(*) FILTER (WHERE filing.verdict = 'legal')   AS legal_patches,
        count(*) FILTER (WHERE filing.verdict = 'illegal') AS illegal_patches,
        count(*) FILTER (WHERE filing.verdict = 'other')   AS other_patches,
        count(*) FILTER (WHERE filing.patch IS NULL)       AS pending_patches, ",
            exact_sum!("filing.legal_m2" when "filing.legal_m2 <> 0" as "legal_m2"),
            ", ",
            exact_sum!("filing.legal_farmland_m2" when "filing.legal_farmland_m2 <> 0" as "legal_farmland_m2"),
            ", ",
            exact_sum!("filing.illegal_m2" when "filing.illegal_m2 <> 0" as "illegal_m2"),
            ", ",
            exact_sum!("filing.illegal_farmland_m2" when "filing.illegal_farmland_m2 <> 0" as "illegal_farmland_m2"),
            ", ",
            exact_sum!("(finding.area_m2 - filing.legal_m2 - filing.illegal_m2)" when "finding.area_m2 > filing.legal_m2 + filing.illegal_m2" as "other_m2"),
            ", ",
            exact_sum!("(finding.farmland_m2 - filing.legal_farmland_m2 - filing.illegal_farmland_m2)"
                when "finding.farmland_m2 > filing.legal_farmland_m2 + filing.illegal_farmland_m2" as "other_farmland_m2"),
            ", ",
            exact_sum!("finding.area_m2" when "filing.patch IS NULL" as "pending_m2"),
            ", ",
            exact_sum!("finding.farmland_m2" when "filing.patch IS NULL AND finding.farmland_m2 <> 0" as "pending_farmland_m2"),
            ", ",
            exact_sum!("finding.automatic_legal_farmland_m2" when "finding.automatic_legal_farmland_m2 <> 0" as "automatic_legal_farmland_m2"),
            ", ",
            exact_sum!("finding.automatic_illegal_farmland_m2" when "finding.automatic_illegal_farmland_m2 <> 0" as "automatic_illegal_farmland_m2"),
            " FROM ", $finding, " LEFT JOIN filing ON ", $own, " AND filing.verdict <> 'doubtful'
    WHERE ", $condition, "
    GROUP BY ", $survey, ", finding.county_code
    ORDER BY finding.county_code NULLS LAST"
        )
    };
}

/// Of the surveys within the months $1 to $2, where the patch alone tells its filing. CROSS JOIN keeps SQLite to that order, in which nothing needs sorting.
pub(super) const OF_MONTHS: &str = totals!(findings "survey CROSS JOIN finding ON finding.survey_id = survey.id AND finding.made = survey.made"
    filings "filing.patch = finding.patch" by "survey.id" where "period >= $1 AND period + months - 1 <= $2 AND withdrawn_ms IS NULL");
/// Of the surveys within the months $1 to $2, in the counties of the list $3.
pub(super) const OF_MONTHS_IN: &str = totals!(findings "survey CROSS JOIN finding ON finding.survey_id = survey.id AND finding.made = survey.made"
    filings "filing.patch = finding.patch" by "survey.id" where "period >= $1 AND period + months - 1 <= $2 AND withdrawn_ms IS NULL
    AND finding.county_code IN (SELECT value FROM json_each($3))");
/// Of the surveys in the list $1, as above.
pub(super) const OF_LIST: &str = totals!(findings "finding" filings "filing.patch = finding.patch" by "finding.survey_id" where "(finding.survey_id, finding.made) IN (SELECT id, made FROM survey WHERE id IN (SELECT value FROM json_each($1)))");
/// Of all surveys that have sums.
pub(super) const OF_ALL: &str = totals!(findings "finding" filings "filing.patch = finding.patch" by "finding.survey_id" where "(finding.survey_id, finding.made) IN (SELECT id, made FROM survey WHERE sums IS NOT NULL)");
/// Of the patches in the list $1.
pub(super) const OF_PATCHES: &str = totals!(findings "finding" filings "filing.patch = finding.patch" by "finding.survey_id" where "finding.patch IN (SELECT value FROM json_each($1)) AND finding.made = (SELECT made FROM survey WHERE survey.id = finding.survey_id)");
/// Of the patches of the survey $1 that have a filing.
pub(super) const OF_FILED: &str = totals!(findings "finding" filings "filing.patch = finding.patch" by "finding.survey_id"
    where "finding.survey_id = $1 AND finding.made = (SELECT made FROM survey WHERE id = $1) AND EXISTS (SELECT 1 FROM filing filed WHERE filed.patch = finding.patch)");
/// Of the same patches, as if they had none.
pub(super) const OF_FILED_PENDING: &str = totals!(findings "finding" filings "false" by "finding.survey_id"
    where "finding.survey_id = $1 AND finding.made = (SELECT made FROM survey WHERE id = $1) AND EXISTS (SELECT 1 FROM filing filed WHERE filed.patch = finding.patch)");

/// Of the surveys in the array $1, where filings and findings are partitioned by county. A planner that knows the surveys reads only their findings: for a
/// month of 20 000 patches among a million 75 ms instead of 530 ms.
pub(super) const OF_SURVEYS: &str = totals!(findings "finding" filings "filing.county = finding.county AND filing.patch = finding.patch" by "finding.survey_id" where "finding.survey_id = ANY($1)
    AND (finding.survey_id, finding.made) IN (SELECT id, made FROM survey WHERE id = ANY($1))");
/// Of the surveys in the array $1, in the counties of the array $2.
pub(super) const OF_SURVEYS_IN: &str = totals!(findings "finding" filings "filing.county = finding.county AND filing.patch = finding.patch" by "finding.survey_id" where "finding.survey_id = ANY($1)
    AND (finding.survey_id, finding.made) IN (SELECT id, made FROM survey WHERE id = ANY($1)) AND finding.county = ANY($2)");
/// Of the patches in the array $1, as above.
pub(super) const OF_PATCH_ARRAY: &str = totals!(findings "finding" filings "filing.county = finding.county AND filing.patch = finding.patch" by "finding.survey_id" where "finding.patch = ANY($1) AND finding.made = (SELECT made FROM survey WHERE survey.id = finding.survey_id)");
/// Of the patches of the survey $1 that have a filing, as above.
pub(super) const OF_FILED_BY_COUNTY: &str = totals!(findings "finding" filings "filing.county = finding.county AND filing.patch = finding.patch" by "finding.survey_id"
    where "finding.survey_id = $1 AND finding.made = (SELECT made FROM survey WHERE id = $1) AND EXISTS (SELECT 1 FROM filing filed WHERE filed.county = finding.county AND filed.patch = finding.patch)");
/// Of the same patches, as if they had none.
pub(super) const OF_FILED_PENDING_BY_COUNTY: &str = totals!(findings "finding" filings "false" by "finding.survey_id"
    where "finding.survey_id = $1 AND finding.made = (SELECT made FROM survey WHERE id = $1) AND EXISTS (SELECT 1 FROM filing filed WHERE filed.county = finding.county AND filed.patch = finding.patch)");

/// Patches of unknown farmland by county: how many in all, how many pending, and of how many confirmed ones a rest is other ground. A statement of its own, because
/// the index that [`totals!`] walks has no reasons: it is asked only of surveys that are known to have such patches, nearly always none, and where all of a
/// survey's are such, the index alone answers.
macro_rules! unknown_farmland {
    (findings $finding:literal filings $own:literal by $survey:literal surveys $surveys:literal) => {
        concat!(
            "SELECT finding.survey_id, finding.county_code,
        count(*)                                                                      AS farmland_unknown,
        count(*) FILTER (WHERE filing.patch IS NULL)                                  AS pending_unknown,
        count(*) FILTER (WHERE finding.area_m2 > filing.legal_m2 + filing.illegal_m2) AS other_unknown
    FROM ",
            $finding,
            " LEFT JOIN filing ON ",
            $own,
            " AND filing.verdict <> 'doubtful'
    WHERE ",
            $surveys,
            " AND (finding.survey_id IN (SELECT id FROM survey WHERE farmland_unknown = patches) OR finding.reason = 'no_farmland_layer')
    GROUP BY ",
            $survey,
            ", finding.county_code"
        )
    };
}

/// Of the surveys in the list $1, where the patch alone tells its filing. Left alone, a planner would rather read the findings of all surveys.
pub(super) const UNKNOWN_OF_LIST: &str = unknown_farmland!(
    findings "survey CROSS JOIN finding INDEXED BY finding_by_county ON finding.survey_id = survey.id AND finding.made = survey.made"
    filings "filing.patch = finding.patch" by "survey.id" surveys "survey.id IN (SELECT value FROM json_each($1))");

/// Of the surveys in the list $1, in the counties of the list $2.
pub(super) const UNKNOWN_OF_LIST_IN: &str = unknown_farmland!(
    findings "survey CROSS JOIN finding INDEXED BY finding_by_county ON finding.survey_id = survey.id AND finding.made = survey.made"
    filings "filing.patch = finding.patch" by "survey.id"
    surveys "survey.id IN (SELECT value FROM json_each($1)) AND finding.county_code IN (SELECT value FROM json_each($2))");

/// Of the surveys in the array $1, in the counties of the array $2.
pub(super) const UNKNOWN_OF_SURVEYS_IN: &str = unknown_farmland!(findings "finding" filings "filing.county = finding.county AND filing.patch = finding.patch"
    by "finding.survey_id" surveys "finding.survey_id = ANY($1) AND (finding.survey_id, finding.made) IN (SELECT id, made FROM survey WHERE id = ANY($1)) AND finding.county = ANY($2)");

/// Of the surveys in the array $1; see [`OF_SURVEYS`].
pub(super) const UNKNOWN_OF_SURVEYS: &str = unknown_farmland!(findings "finding" filings "filing.county = finding.county AND filing.patch = finding.patch"
    by "finding.survey_id" surveys "finding.survey_id = ANY($1) AND (finding.survey_id, finding.made) IN (SELECT id, made FROM survey WHERE id = ANY($1))");

/// What each survey that counts has in some counties, one survey or all: `$findings` says which. Whether a patch was repaired is told by its outline.
macro_rules! own {
    (findings $finding:literal outlines $outline:literal by $survey:literal where $condition:literal) => {
        concat!(
            "SELECT finding.survey_id, count(*) AS patches, count(outline.repaired) AS repaired,
        count(*) FILTER (WHERE finding.verdict = 'legal')             AS legal,
        count(*) FILTER (WHERE finding.verdict = 'suspected_illegal') AS suspected_illegal,
        count(*) FILTER (WHERE finding.verdict = 'other')             AS other,
        count(*) FILTER (WHERE finding.verdict = 'doubtful')          AS doubtful,
        count(*) FILTER (WHERE finding.reason = 'no_farmland_layer')  AS farmland_unknown, ",
            exact_sum!("finding.area_m2" when "true" as "area_m2"),
            ", ",
            exact_sum!("finding.farmland_m2" when "finding.farmland_m2 <> 0" as "farmland_m2"),
            " FROM ", $finding, " LEFT JOIN patch_outline outline ON ", $outline, " WHERE withdrawn_ms IS NULL AND ", $condition, " GROUP BY ", $survey
        )
    };
}

/// Of all surveys, in the counties of the list $1; of one, its number as $2.
pub(super) const OWN_OF_LIST: &str = own!(findings "survey CROSS JOIN finding ON finding.survey_id = survey.id AND finding.made = survey.made"
    outlines "outline.patch = finding.patch" by "survey.id"
    where "finding.county_code IN (SELECT value FROM json_each($1)) AND survey.id = coalesce($2, survey.id)");

/// Of all surveys, in the counties of the array $1; of one, its number as $2.
pub(super) const OWN_OF_COUNTIES: &str = own!(findings "survey JOIN finding ON finding.survey_id = survey.id AND finding.made = survey.made"
    outlines "outline.county = finding.county AND outline.patch = finding.patch" by "finding.survey_id"
    where "finding.county = ANY($1) AND survey.id = coalesce($2, survey.id)");

/// The classes a patch can be in, and the columns of their sums.
const CLASSES: [[&str; 3]; 4] = [
    ["legal_patches", "legal_m2", "legal_farmland_m2"],
    ["illegal_patches", "illegal_m2", "illegal_farmland_m2"],
    ["other_patches", "other_m2", "other_farmland_m2"],
    ["pending_patches", "pending_m2", "pending_farmland_m2"],
];

/// A sum of areas in units of 2⁻⁶⁰ m²: of areas above 2⁻⁸ m² to the last bit, of smaller ones to the unit. Holds up to 2⁶³ m².
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Exact(i128);

impl Exact {
    /// The three columns of `exact_sum!`; NULL is the sum of no rows.
    pub(super) fn read(row: &impl Columns, name: &str) -> Result<Self, StoreError> {
        let part = |bits: u32| -> Result<i128, StoreError> { Ok(i128::from(row.maybe_integer(&format!("{name}_{bits}"))?.unwrap_or(0)) << (60 - bits)) };
        Ok(Self(part(0)? + part(30)? + part(60)?))
    }

    /// In units of 2⁻⁶⁰ m².
    pub(super) fn units(self) -> i128 {
        self.0
    }

    /// Of units of 2⁻⁶⁰ m².
    pub(super) fn of_units(units: i128) -> Self {
        Self(units)
    }

    /// An area, as `exact_sum!` cuts it.
    pub(super) fn of(m2: f64) -> Self {
        Self((m2 * (1_u64 << 60) as f64).round_ties_even() as i128)
    }

    /// `some` of `whole` of it, both not below 0 and `some` at most `whole`; rounded once. All of it where `whole` is nothing.
    pub(super) fn part(self, some: Self, whole: Self) -> Self {
        if some.0 >= whole.0 {
            return self;
        }
        // Long multiplication and division at once, a bit of `self` at a time: quotient and rest of what was seen of it.
        let (mut quotient, mut rest) = (0_i128, 0_i128);
        for bit in (0..127).rev() {
            quotient *= 2;
            rest *= 2;
            if self.0 >> bit & 1 == 1 {
                rest += some.0;
            }
            while rest >= whole.0 {
                rest -= whole.0;
                quotient += 1;
            }
        }
        Self(quotient + i128::from(rest * 2 >= whole.0))
    }

    /// The double nearest to it.
    pub(super) fn m2(self) -> f64 {
        self.0 as f64 / (1_u64 << 60) as f64
    }
}

impl AddAssign for Exact {
    fn add_assign(&mut self, other: Self) {
        self.0 += other.0;
    }
}

impl Sub for Exact {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self(self.0 - other.0)
    }
}

impl SubAssign for Exact {
    fn sub_assign(&mut self, other: Self) {
        self.0 -= other.0;
    }
}

/// A [`Group`], still exact.
#[derive(Default, Clone, Copy)]
pub(super) struct Class {
    pub(super) patches: u64,
    pub(super) area: Exact,
    pub(super) farmland: Exact,
    pub(super) farmland_unknown: u64,
}

impl Class {
    /// Counts so many patches of unknown farmland less, of which nothing is left.
    pub(super) fn forget_unknown(&mut self, patches: u64) {
        self.farmland_unknown = self.farmland_unknown.saturating_sub(patches);
    }

    fn rounded(self) -> Group {
        Group { patches: self.patches, area_m2: self.area.m2(), farmland_m2: self.farmland.m2(), farmland_unknown: self.farmland_unknown }
    }
}

/// The sums of one county, still exact.
#[derive(Default)]
pub(super) struct County {
    pub(super) code: Option<String>,
    /// Legal, illegal, other, pending.
    pub(super) classes: [Class; 4],
    /// Patches of unknown farmland, whatever their class.
    pub(super) farmland_unknown: u64,
    pub(super) automatic_legal_farmland: Exact,
    pub(super) automatic_illegal_farmland: Exact,
    /// Patches with nothing left; area and farmland that count for other patches; patches of unknown farmland that any of it is taken off.
    pub(super) taken_off: Class,
    /// See [`Disputed`].
    pub(super) best: [Exact; 2],
    pub(super) worst: [Exact; 2],
}

impl County {
    /// A row of `totals!`.
    pub(super) fn of(row: &impl Columns) -> Result<Self, StoreError> {
        let mut county = Self { code: row.maybe_text("county_code")?, ..Self::default() };
        county.add(row)?;
        Ok(county)
    }

    /// A patch without a verdict, as `totals!` counts it.
    pub(super) fn add_pending(&mut self, finding: &Finding) {
        let [_, _, _, pending] = &mut self.classes;
        pending.patches += 1;
        pending.area += Exact::of(finding.areas.area_m2);
        pending.farmland += Exact::of(finding.areas.farmland_m2);
        self.automatic_legal_farmland += Exact::of(finding.automatic_legal_farmland_m2);
        self.automatic_illegal_farmland += Exact::of(finding.automatic_illegal_farmland_m2);
    }

    fn add(&mut self, row: &impl Columns) -> Result<(), StoreError> {
        for (class, [patches, area, farmland]) in self.classes.iter_mut().zip(CLASSES) {
            class.patches += row.count(patches)?;
            class.area += Exact::read(row, area)?;
            class.farmland += Exact::read(row, farmland)?;
        }
        self.automatic_legal_farmland += Exact::read(row, "automatic_legal_farmland_m2")?;
        self.automatic_illegal_farmland += Exact::read(row, "automatic_illegal_farmland_m2")?;
        Ok(())
    }

    /// Takes note of its patches of unknown farmland.
    fn add_unknown(&mut self, row: &impl Columns) -> Result<(), StoreError> {
        let [_, _, other, pending] = &mut self.classes;
        self.farmland_unknown += row.count("farmland_unknown")?;
        pending.farmland_unknown += row.count("pending_unknown")?;
        other.farmland_unknown += row.count("other_unknown")?;
        Ok(())
    }

    fn rounded(self) -> Totals {
        let [legal, illegal, other, pending] = self.classes.map(Class::rounded);
        Totals {
            county_code: self.code,
            legal,
            illegal,
            other,
            pending,
            automatic_legal_farmland_m2: self.automatic_legal_farmland.m2(),
            automatic_illegal_farmland_m2: self.automatic_illegal_farmland.m2(),
            farmland_unknown: self.farmland_unknown,
            taken_off: self.taken_off.rounded(),
            disputed: Disputed { best_m2: self.best.map(Exact::m2), worst_m2: self.worst.map(Exact::m2) },
        }
    }
}

/// The newest period that has a survey, as [`NEWEST_PERIOD`](super::sql::NEWEST_PERIOD) answers it; this month where there is none.
pub(super) fn newest(row: Option<&impl Columns>) -> Result<PeriodRange, StoreError> {
    let newest = row.map_or_else(|| Ok(Period::current()), Columns::period)?;
    Ok(PeriodRange { from: newest, until: newest })
}

/// Rows of [`OF_MONTHS`] or [`OF_SURVEYS`], which have the surveys of a county one after the other, and those of unknown farmland among the same surveys.
pub(super) fn read<C: Columns>(rows: &[C], unknown: &[C]) -> Result<Vec<County>, StoreError> {
    let mut counties: Vec<County> = Vec::new();
    for row in rows {
        let code = row.maybe_text("county_code")?;
        if counties.last().is_none_or(|county| county.code != code) {
            counties.push(County { code, ..County::default() });
        }
        if let Some(county) = counties.last_mut() {
            county.add(row)?;
        }
    }
    for row in unknown {
        let code = row.maybe_text("county_code")?;
        if let Some(county) = counties.iter_mut().find(|county| county.code == code) {
            county.add_unknown(row)?;
        }
    }
    Ok(counties)
}

/// The sums, rounded once.
pub(super) fn rounded(counties: Vec<County>) -> Vec<Totals> {
    counties.into_iter().map(County::rounded).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Oracle: 256 bits by hand, in halves.
    #[test]
    fn a_part_is_exact_whatever_the_size() {
        let unit = |units: i128| Exact(units);
        assert_eq!(unit(7).part(unit(1), unit(3)), unit(2)); // 7/3
        assert_eq!(unit(7).part(unit(1), unit(2)), unit(4)); // 3.5, half up
        assert_eq!(unit(7).part(unit(3), unit(3)), unit(7));
        assert_eq!(unit(7).part(unit(0), unit(3)), unit(0));
        assert_eq!(unit(7).part(unit(5), unit(0)), unit(7));
        // (2^100 + 1)(2^101 − 2) / 2^102 = 2^99 − 1/2 + 1/2 − 2^−101, whose nearest whole number is 2^99.
        assert_eq!(unit((1 << 100) + 1).part(unit((1 << 101) - 2), unit(1 << 102)), unit(1 << 99));
        assert_eq!(Exact::of(1e13).part(Exact::of(1e12), Exact::of(4e12)), Exact::of(2.5e12));
    }
}
