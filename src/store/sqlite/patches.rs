//! Patches: pages, one, and marks for maps.
//!
//! Every question is answered in two steps: first the numbers of the patches, from narrow tables and indexes alone, cut to the page;
//! then the wide columns of those few.

use super::{SqliteStore, layers::spans};
use crate::scope::Scope;
use crate::store::{Filter, PatchMark, StoreError, StoredPatch, Thing, VerdictFilter, rows, sql};
use sqlx::{QueryBuilder, Sqlite};

/// The verdict that people confirmed, of the patch at hand; NULL where they did not.
const CONFIRMED: &str = "(SELECT filing.verdict FROM filing WHERE filing.patch = finding.patch)";

/// The wide columns of the numbers in `page`.
///
/// LEFT JOIN: a number whose row is not where an index says is damage, not a page with a patch less.
const OF_PAGE: &str = " FROM page LEFT JOIN patch ON patch.id = page.id LEFT JOIN patch_outline ON patch_outline.patch = page.id \
    LEFT JOIN survey ON survey.id = patch.survey_id AND survey.withdrawn_ms IS NULL LEFT JOIN finding ON finding.patch = page.id AND finding.made = survey.made \
    LEFT JOIN filing ON filing.patch = page.id \
    ORDER BY patch.survey_id, page.id";

impl SqliteStore {
    pub(super) async fn some_patches(&self, filter: &Filter) -> Result<Vec<StoredPatch>, StoreError> {
        let mut sql = page(filter)?;
        sql.push("SELECT ").push(sql::WHOLE).push(OF_PAGE);
        let rows = sql.build().fetch_all(&self.pools.readers).await?;
        rows.iter().map(rows::stored_patch).collect()
    }

    pub(super) async fn how_many_patches(&self, filter: &Filter) -> Result<u64, StoreError> {
        let mut sql = page(&Filter { limit: u32::MAX, ..filter.clone() })?;
        let count: i64 = sql.push("SELECT count(*) FROM page").build_query_scalar().fetch_one(&self.pools.readers).await?;
        Ok(count as u64)
    }

    pub(super) async fn one_patch(&self, scope: &Scope, id: i64) -> Result<StoredPatch, StoreError> {
        let mut sql = QueryBuilder::new("WITH page (id) AS (SELECT patch.id FROM (SELECT id, survey_id FROM patch WHERE number IS NULL AND id = ");
        sql.push_bind(id).push(" UNION ALL SELECT id, survey_id FROM patch WHERE number = ").push_bind(id);
        sql.push(") AS patch CROSS JOIN survey ON survey.id = patch.survey_id AND survey.withdrawn_ms IS NULL");
        if !scope.is_all() {
            sql.push(" CROSS JOIN finding ON finding.patch = patch.id AND finding.made = survey.made");
            within_scope(&mut sql, scope);
        }
        sql.push(") SELECT ").push(sql::WHOLE).push(OF_PAGE);
        let row = sql.build().fetch_optional(&self.pools.readers).await?;
        rows::stored_patch(&row.ok_or_else(|| StoreError::NotFound { what: Thing::Patch, key: id.to_string() })?)
    }

    pub(super) async fn some_marks(&self, filter: &Filter, outlines: bool) -> Result<Vec<PatchMark>, StoreError> {
        let mut sql = page(filter)?;
        sql.push("SELECT ").push(sql::MARK).push(", coalesce(").push(CONFIRMED).push(", finding.verdict) AS verdict, ").push(CONFIRMED).push(" AS confirmed");
        sql.push(if outlines { sql::MARK_OUTLINE } else { "" });
        // LEFT JOIN, as above.
        sql.push(" FROM page LEFT JOIN patch ON patch.id = page.id LEFT JOIN survey ON survey.id = patch.survey_id");
        sql.push(" LEFT JOIN finding ON finding.patch = page.id AND finding.made = survey.made");
        sql.push(if outlines { " LEFT JOIN patch_outline ON patch_outline.patch = page.id" } else { "" });
        let rows = sql.push(" ORDER BY coalesce(patch.number, patch.id)").build().fetch_all(&self.pools.readers).await?;
        rows.iter().map(|row| rows::mark(row, outlines)).collect()
    }
}

/// `WITH page (id) AS (…)`: the numbers of the patches asked for, in order, cut to the limit.
fn page(filter: &Filter) -> Result<QueryBuilder<Sqlite>, StoreError> {
    let mut sql = QueryBuilder::new("WITH page (id) AS (SELECT finding.patch FROM ");
    let order = drive(&mut sql, filter)?;
    sql.push(" AND survey.withdrawn_ms IS NULL AND finding.made = survey.made");
    if let Some(survey) = filter.survey {
        sql.push(" AND survey.id = ").push_bind(survey);
    }
    if let Some(range) = filter.range {
        let (from, until) = range.ordinals();
        sql.push(" AND survey.period >= ").push_bind(from).push(" AND survey.period + survey.months - 1 <= ").push_bind(until);
    }
    if let Some(county) = &filter.county {
        sql.push(" AND finding.county_code = ").push_bind(county.as_str());
    }
    within_scope(&mut sql, &filter.scope);
    match filter.verdict {
        Some(VerdictFilter::Pending) => sql.push(" AND coalesce(").push(CONFIRMED).push(", 'doubtful') = 'doubtful'"),
        Some(VerdictFilter::Shown(word)) => sql.push(" AND coalesce(").push(CONFIRMED).push(", finding.verdict) = ").push_bind(word),
        Some(VerdictFilter::Confirmed(verdict)) => sql.push(" AND ").push(CONFIRMED).push(" = ").push_bind(verdict.word()),
        None => &mut sql,
    };
    sql.push(order).push(" LIMIT ").push_bind(i64::from(filter.limit)).push(") ");
    Ok(sql)
}

/// Where the search starts: at the patch's own id, at the place, or at the survey; the most selective first. CROSS JOIN keeps
/// SQLite to that order. Ends in a WHERE that more can be added to; answers the ORDER BY that fits.
fn drive(sql: &mut QueryBuilder<Sqlite>, filter: &Filter) -> Result<&'static str, StoreError> {
    if let Some(patch_id) = &filter.patch_id {
        sql.push("patch CROSS JOIN finding ON finding.patch = patch.id CROSS JOIN survey ON survey.id = patch.survey_id WHERE patch.patch_id = ")
            .push_bind(patch_id.as_str());
        within(sql, filter);
    } else if let Some(bounds) = &filter.bounds {
        sql.push("json_each(").push_bind(spans(bounds)?).push(") AS span CROSS JOIN patch ON patch.cell BETWEEN span.value ->> 0 AND span.value ->> 1");
        sql.push(" CROSS JOIN finding ON finding.patch = patch.id CROSS JOIN survey ON survey.id = patch.survey_id WHERE true");
        within(sql, filter);
    } else {
        // Within a survey, an index gives the numbers in order. So no page needs sorting, nor more reading than its own rows. NOT INDEXED: the surveys by
        // number, not by period.
        if filter.is_of_counties() {
            sql.push("survey NOT INDEXED CROSS JOIN finding ON finding.survey_id = survey.id AND finding.made = survey.made WHERE finding.patch > ");
        } else {
            sql.push("survey NOT INDEXED CROSS JOIN patch ON patch.survey_id = survey.id CROSS JOIN finding ON finding.patch = patch.id WHERE patch.id > ");
        }
        sql.push("CASE survey.id WHEN ").push_bind(filter.after.survey).push(" THEN ").push_bind(filter.after.patch).push(" ELSE 0 END AND survey.id >= ");
        sql.push_bind(filter.after.survey);
        return Ok(if filter.is_of_counties() { " ORDER BY survey.id, finding.patch" } else { " ORDER BY survey.id, patch.id" });
    }
    sql.push(" AND (patch.survey_id, patch.id) > (").push_bind(filter.after.survey).push(", ").push_bind(filter.after.patch).push(")");
    Ok(" ORDER BY patch.survey_id, patch.id")
}

/// Only findings of the scope's counties; nothing is added for *all*.
fn within_scope(sql: &mut QueryBuilder<Sqlite>, scope: &Scope) {
    if let Some(counties) = scope.counties() {
        let mut list = sql.push(" AND finding.county_code IN (").separated(", ");
        for county in counties {
            list.push_bind(county.to_string());
        }
        sql.push(")");
    }
}

fn within(sql: &mut QueryBuilder<Sqlite>, filter: &Filter) {
    if let Some(bounds) = &filter.bounds {
        sql.push(" AND patch.west <= ").push_bind(bounds.max[0]).push(" AND patch.east >= ").push_bind(bounds.min[0]);
        sql.push(" AND patch.south <= ").push_bind(bounds.max[1]).push(" AND patch.north >= ").push_bind(bounds.min[1]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tuban_engine::model::PeriodRange;
    use tuban_geom::Bounds;

    async fn plan(store: &SqliteStore, filter: Filter) -> String {
        let sql = sqlx::AssertSqlSafe(format!("EXPLAIN QUERY PLAN {} SELECT id FROM page", page(&filter).unwrap().sql().as_str()));
        let steps: Vec<(i64, i64, i64, String)> = sqlx::query_as(sql).fetch_all(&store.pools.readers).await.unwrap();
        steps.into_iter().map(|(_, _, _, step)| step).collect::<Vec<_>>().join("\n")
    }

    #[tokio::test]
    async fn pages_are_searched_by_index_and_need_no_sorting() {
        let folder = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(&format!("sqlite:{}/t.db", folder.path().display())).await.unwrap();
        let april = "2022-04".parse().unwrap();
        let (all, range) = (Filter { limit: 9, ..Filter::of(Scope::all()) }, Some(PeriodRange { from: april, until: april }));
        let bounds = Some(Bounds { min: [118.0, 35.0], max: [118.1, 35.1] });
        let county = Some("371302".to_owned());
        let of = |codes: &[&str]| Scope::of_counties(codes.iter().map(|code| code.parse().unwrap()));
        let by_survey = "patch_by_survey (survey_id=? AND rowid>?)";
        let by_county = "COVERING INDEX finding_by_county (survey_id=? AND made=? AND county_code=? AND patch>?)";
        for (filter, index, sorts) in [
            (all.clone(), by_survey, false),
            (Filter { survey: Some(1), ..all.clone() }, by_survey, false),
            (Filter { range, verdict: Some(VerdictFilter::Pending), ..all.clone() }, by_survey, false),
            (Filter { county: county.clone(), ..all.clone() }, by_county, false),
            (Filter { county: county.clone(), range, ..all.clone() }, by_county, false),
            (Filter { patch_id: Some("1".to_owned()), bounds, ..all.clone() }, "patch_by_patch_id (patch_id=?)", true),
            (Filter { bounds, county, range, ..all.clone() }, "patch_by_place (cell>? AND cell<?)", true),
            (Filter { scope: of(&["371302"]), ..all.clone() }, by_county, false),
            (Filter { scope: of(&["371302", "371311"]), range, ..all.clone() }, by_county, true),
            (Filter { scope: of(&["371302"]), bounds, ..all }, "patch_by_place (cell>? AND cell<?)", true),
        ] {
            let plan = plan(&store, filter.clone()).await;
            assert!(plan.contains(index) && plan.contains("TEMP B-TREE") == sorts, "{filter:?}\n{plan}");
        }
    }
}
