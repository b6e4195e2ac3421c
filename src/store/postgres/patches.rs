//! Patches: pages, one, and marks for maps.
//!
//! Every question is answered in two steps: first the numbers of the patches, from narrow tables and indexes alone, cut to the page;
//! then the wide columns of those few. The connections join in the order written, each row by index (`open::Pools::pages`). The first step stands alone
//! (MATERIALIZED) and the few are put in order here: asked to sort, a planner that must not would rather walk all patches in order.

use super::{PostgresStore, text};
use crate::scope::Scope;
use crate::store::{Filter, PatchMark, StoreError, StoredPatch, Thing, VerdictFilter, cells, rows, sql};
use sqlx::{Postgres, QueryBuilder};

/// The verdict that people confirmed, of the patch at hand; NULL where they did not.
const CONFIRMED: &str = "(SELECT filing.verdict FROM filing WHERE filing.county = finding.county AND filing.patch = finding.patch)";

/// The wide columns of the numbers in `page`. LEFT JOIN: a patch without its other rows is damage, not a page with a patch less.
const OF_PAGE: &str = " FROM page JOIN patch ON patch.id = page.id AND patch.county = page.county \
    LEFT JOIN patch_outline ON patch_outline.county = page.county AND patch_outline.patch = page.id \
    JOIN survey ON survey.id = patch.survey_id AND survey.withdrawn_ms IS NULL \
    LEFT JOIN finding ON finding.county = page.county AND finding.patch = page.id AND finding.made = survey.made \
    LEFT JOIN filing ON filing.county = page.county AND filing.patch = page.id";

impl PostgresStore {
    pub(super) async fn some_patches(&self, filter: &Filter) -> Result<Vec<StoredPatch>, StoreError> {
        let mut sql = page(filter);
        sql.push("SELECT ").push(sql::WHOLE).push(OF_PAGE);
        let rows = sql.build().fetch_all(&self.pools.pages).await?;
        let mut patches = rows.iter().map(rows::stored_patch).collect::<Result<Vec<_>, _>>()?;
        patches.sort_unstable_by_key(StoredPatch::place);
        Ok(patches)
    }

    pub(super) async fn how_many_patches(&self, filter: &Filter) -> Result<u64, StoreError> {
        let mut sql = page(&Filter { limit: u32::MAX, ..filter.clone() });
        let count: i64 = sql.push("SELECT count(*) FROM page").build_query_scalar().fetch_one(&self.pools.sums).await?;
        Ok(count as u64)
    }

    pub(super) async fn one_patch(&self, scope: &Scope, id: i64) -> Result<StoredPatch, StoreError> {
        let mut sql = QueryBuilder::new("WITH page (id, county) AS MATERIALIZED (SELECT id, county FROM patch WHERE number IS NULL AND id = ");
        sql.push_bind(id);
        let counties = codes(scope);
        if let Some(counties) = &counties {
            sql.push(" AND county = ANY(").push_bind(counties.clone()).push(")");
        }
        sql.push(" UNION ALL SELECT id, county FROM patch WHERE number = ").push_bind(id);
        if let Some(counties) = counties {
            sql.push(" AND county = ANY(").push_bind(counties).push(")");
        }
        sql.push(") SELECT ").push(sql::WHOLE).push(OF_PAGE);
        let row = sql.build().fetch_optional(&self.pools.pages).await?;
        rows::stored_patch(&row.ok_or_else(|| StoreError::NotFound { what: Thing::Patch, key: id.to_string() })?)
    }

    pub(super) async fn some_marks(&self, filter: &Filter, outlines: bool) -> Result<Vec<PatchMark>, StoreError> {
        let mut sql = page(filter);
        sql.push("SELECT ").push(sql::MARK).push(", coalesce(").push(CONFIRMED).push(", finding.verdict) AS verdict, ").push(CONFIRMED).push(" AS confirmed");
        sql.push(if outlines { sql::MARK_OUTLINE } else { "" });
        // LEFT JOIN, as above.
        sql.push(" FROM page LEFT JOIN patch ON patch.id = page.id AND patch.county = page.county");
        sql.push(" LEFT JOIN survey ON survey.id = patch.survey_id");
        sql.push(" LEFT JOIN finding ON finding.county = page.county AND finding.patch = page.id AND finding.made = survey.made");
        sql.push(if outlines { " LEFT JOIN patch_outline ON patch_outline.county = page.county AND patch_outline.patch = page.id" } else { "" });
        let rows = sql.build().fetch_all(&self.pools.pages).await?;
        let mut marks = rows.iter().map(|row| rows::mark(row, outlines)).collect::<Result<Vec<_>, _>>()?;
        marks.sort_unstable_by_key(|mark| mark.id);
        Ok(marks)
    }
}

/// `WITH page (id, county) AS (…)`: the numbers of the patches asked for, in order, cut to the limit.
fn page(filter: &Filter) -> QueryBuilder<Postgres> {
    let mut sql = QueryBuilder::new("WITH page (id, county) AS MATERIALIZED (SELECT patch.id, patch.county FROM ");
    drive(&mut sql, filter);
    sql.push(
        " JOIN survey ON survey.id = patch.survey_id WHERE survey.withdrawn_ms IS NULL AND survey.made = finding.made AND (patch.survey_id, patch.id) > (",
    );
    sql.push_bind(filter.after.survey).push(", ").push_bind(filter.after.patch).push(")");
    narrow(&mut sql, filter);
    match filter.verdict {
        Some(VerdictFilter::Pending) => sql.push(" AND coalesce(").push(CONFIRMED).push(", 'doubtful') = 'doubtful'"),
        Some(VerdictFilter::Shown(word)) => sql.push(" AND coalesce(").push(CONFIRMED).push(", finding.verdict) = ").push_bind(word),
        Some(VerdictFilter::Confirmed(verdict)) => sql.push(" AND ").push(CONFIRMED).push(" = ").push_bind(verdict.word()),
        None => &mut sql,
    };
    sql.push(" ORDER BY patch.survey_id, patch.id LIMIT ").push_bind(i64::from(filter.limit)).push(") ");
    sql
}

/// Where the search starts: at the patch's own id, at the place, at the county, or at the patches in order; the most selective first. What
/// is joined later is found by its key. OFFSET 0 keeps the planner from walking all patches in order instead, to save itself the sorting.
fn drive(sql: &mut QueryBuilder<Postgres>, filter: &Filter) {
    const FINDING: &str = " JOIN finding ON finding.county = patch.county AND finding.patch = patch.id";
    if let Some(patch_id) = &filter.patch_id {
        sql.push("(SELECT * FROM patch WHERE patch.patch_id = ").push_bind(text::write(patch_id).into_owned());
        within(sql, filter);
        sql.push(" OFFSET 0) AS patch").push(FINDING);
    } else if let Some(bounds) = &filter.bounds {
        let (low, high): (Vec<i64>, Vec<i64>) = cells::ranges(bounds).into_iter().unzip();
        sql.push("unnest(").push_bind(low).push("::bigint[], ").push_bind(high).push("::bigint[]) AS span (low, high)");
        sql.push(" CROSS JOIN LATERAL (SELECT * FROM patch WHERE patch.cell BETWEEN span.low AND span.high");
        within(sql, filter);
        sql.push(" OFFSET 0) AS patch").push(FINDING);
    } else if filter.is_of_counties() && filter.survey.is_none() {
        sql.push("finding JOIN patch ON patch.county = finding.county AND patch.id = finding.patch");
    } else {
        sql.push("patch").push(FINDING);
    }
}

fn within(sql: &mut QueryBuilder<Postgres>, filter: &Filter) {
    if let Some(bounds) = &filter.bounds {
        sql.push(" AND patch.west <= ").push_bind(bounds.max[0]).push(" AND patch.east >= ").push_bind(bounds.min[0]);
        sql.push(" AND patch.south <= ").push_bind(bounds.max[1]).push(" AND patch.north >= ").push_bind(bounds.min[1]);
    }
}

/// What else is asked of patch and survey.
fn narrow(sql: &mut QueryBuilder<Postgres>, filter: &Filter) {
    if let Some(survey) = filter.survey {
        sql.push(" AND patch.survey_id = ").push_bind(survey);
    }
    if let Some(county) = &filter.county {
        // Twice: each names the partition. The one of '' holds also the patches that no county answers for.
        let county = text::write(county).into_owned();
        sql.push(" AND finding.county_code IS NOT NULL AND finding.county = ").push_bind(county.clone()).push(" AND patch.county = ").push_bind(county);
    }
    if let Some(counties) = codes(&filter.scope) {
        sql.push(" AND finding.county = ANY(").push_bind(counties.clone()).push(") AND patch.county = ANY(").push_bind(counties).push(")");
    }
    if let Some(range) = filter.range {
        let (from, until) = range.ordinals();
        sql.push(" AND survey.period >= ").push_bind(from).push(" AND survey.period + survey.months - 1 <= ").push_bind(until);
        // No patch of the range lies outside of these two: an index has patches in the order of their surveys.
        for (bound, which, otherwise) in [(" AND patch.survey_id >= ", "min", "0"), (" AND patch.survey_id <= ", "max", "9223372036854775807")] {
            sql.push(bound).push("coalesce((SELECT ").push(which);
            sql.push("(id) FROM survey WHERE period >= ")
                .push_bind(from)
                .push(" AND period + months - 1 <= ")
                .push_bind(until)
                .push("), ")
                .push(otherwise)
                .push(")");
        }
    }
}

/// The codes of a scope's counties, as they are stored; `None` of *all*, for which nothing is added to a statement.
pub(super) fn codes(scope: &Scope) -> Option<Vec<String>> {
    scope.counties().map(|counties| counties.iter().map(ToString::to_string).collect())
}
