//! The county table.

use super::{
    Desk, Problem,
    query::{self, Query, query},
    shared_ground::ContradictionAnswer,
    timestamp,
};
use crate::scope::Scope;
use crate::service::ratios::Ratios;
use axum::{Json, extract::State};
use serde::Serialize;
use tuban_engine::model::{Area, Group, LayerUsed, Line, Period, Tally, round_half_up};
use utoipa::ToSchema;

query! {
    /// Which months to sum.
    #[derive(Debug)]
    pub struct RatiosQuery {
        /// First period, taken wholly: `2022-04`, `2022-Q2` or `2022`; the newest period with a survey where absent.
        period: Option<Period>,
        /// Last period, taken wholly; `period` where absent.
        until: Option<Period>,
    }
}

/// Ratios by county and for the city, with counts, areas, lines and levers.
#[utoipa::path(get, path = "/api/ratios", tag = "city", params(RatiosQuery), responses((status = OK, body = RatiosAnswer), (status = BAD_REQUEST, body = Problem)))]
pub async fn ratios(State(desk): State<Desk>, scope: Scope, Query(query): Query<RatiosQuery>) -> Result<Json<RatiosAnswer>, Problem> {
    let range = query::range(query.period, query.until)?;
    let ratios = desk.service.ratios(&scope, range).await?;
    Ok(Json(RatiosAnswer::new(ratios)))
}

/// The table of ratios.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Ratios)]
pub struct RatiosAnswer {
    /// First period, taken wholly.
    pub from: String,
    /// Last period, taken wholly.
    pub until: String,
    /// Surveys of which only a part lies between the two: they are not counted.
    pub straddling: Vec<StraddlingAnswer>,
    /// By county.
    pub counties: Vec<RowAnswer>,
    /// Their sum.
    pub city: RowAnswer,
    /// Confirmed verdicts that differ on shared ground; the first of each pair counts, and the best and the worst case show both.
    pub contradictions: Vec<ContradictionAnswer>,
    /// Lines ratios are held against.
    pub lines: Vec<Line>,
    /// Layer versions the findings rest on.
    pub layers: Vec<LayerUsed>,
    /// Rule versions the findings were made with.
    pub rule: String,
    /// When this was summed.
    pub computed_at: String,
}

impl RatiosAnswer {
    /// The answer for a county table, summed now.
    #[must_use]
    pub fn new(ratios: Ratios) -> Self {
        Self {
            from: ratios.range.from.to_string(),
            until: ratios.range.until.to_string(),
            straddling: ratios.straddling.into_iter().map(|other| StraddlingAnswer { survey_id: other.survey, period: other.period.to_string() }).collect(),
            counties: ratios.counties.into_iter().map(Into::into).collect(),
            city: ratios.city.into(),
            contradictions: ratios.contradictions.into_iter().map(Into::into).collect(),
            lines: ratios.lines,
            layers: ratios.provenance.layers,
            rule: ratios.provenance.rule,
            computed_at: timestamp(jiff::Timestamp::now().as_millisecond()),
        }
    }
}

/// A survey that is not counted, because its period lies only partly in what was asked for.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Straddling)]
pub struct StraddlingAnswer {
    survey_id: i64,
    period: String,
}

/// One county's row.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Tally)]
pub struct RowAnswer {
    county_code: Option<String>,
    county_name: String,
    legal: GroupAnswer,
    illegal: GroupAnswer,
    other: GroupAnswer,
    pending: GroupAnswer,
    /// Patches with nothing left and all ground that counts for other patches; in none of the others.
    taken_off: GroupAnswer,
    total: GroupAnswer,
    /// Patches judged without any land survey, confirmed ones among them: where there are any, `provisional` is null.
    farmland_unknown: u64,
    ratio: RatioAnswer,
    line_crossed: Option<String>,
    levers: Vec<LeverAnswer>,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Group)]
struct GroupAnswer {
    patches: u64,
    area: Area,
    /// Null where that of some of its ground is unknown.
    farmland: Option<Area>,
    /// Patches with ground in the group of which nobody knows how much is farmland: judged without any land survey, and no filing says it.
    farmland_unknown: u64,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Ratio)]
pub struct RatioAnswer {
    /// Of what was filed, so also where there is no land survey.
    confirmed: Option<f64>,
    /// Null also where some patches were judged without any land survey.
    provisional: Option<f64>,
    /// Null also where the farmland of some pending patches is unknown.
    best: Option<f64>,
    /// Null as `best` is.
    worst: Option<f64>,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Lever)]
struct LeverAnswer {
    percent: f64,
    restore: Area,
    approve: Area,
    more_legal: Area,
}

impl From<&Tally> for RatioAnswer {
    fn from(tally: &Tally) -> Self {
        let rounded = |ratio: Option<f64>| ratio.map(|ratio| round_half_up(ratio, 2));
        Self { confirmed: rounded(tally.confirmed), provisional: rounded(tally.provisional), best: rounded(tally.best), worst: rounded(tally.worst) }
    }
}

impl From<Group> for GroupAnswer {
    fn from(group: Group) -> Self {
        Self { patches: group.patches, area: Area::of_m2(group.area_m2), farmland: group.farmland().map(Area::of_m2), farmland_unknown: group.farmland_unknown }
    }
}

impl From<Tally> for RowAnswer {
    fn from(tally: Tally) -> Self {
        let ratio = RatioAnswer::from(&tally);
        let totals = tally.totals;
        let mut total = Group::default();
        for group in [totals.legal, totals.illegal, totals.other, totals.pending] {
            total += group;
        }
        Self {
            county_code: totals.county_code,
            county_name: tally.name,
            legal: totals.legal.into(),
            illegal: totals.illegal.into(),
            other: totals.other.into(),
            pending: totals.pending.into(),
            taken_off: totals.taken_off.into(),
            total: total.into(),
            farmland_unknown: totals.farmland_unknown,
            ratio,
            line_crossed: tally.line_crossed,
            levers: tally
                .levers
                .into_iter()
                .map(|lever| LeverAnswer {
                    percent: lever.percent,
                    restore: Area::of_m2(lever.restore_m2),
                    approve: Area::of_m2(lever.approve_m2),
                    more_legal: Area::of_m2(lever.more_legal_m2),
                })
                .collect(),
        }
    }
}
