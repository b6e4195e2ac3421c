//! Ground that patches share: what is taken off a patch, who has it, and which confirmed verdicts contradict each other.

use super::{
    Desk, Problem,
    findings::AreasAnswer,
    query::{self, Path, Query, query},
    values::Limit,
};
use crate::scope::Scope;
use crate::service::surveys::reading::OverlapsPage;
use axum::{Json, extract::State};
use serde::Serialize;
use tuban_engine::model::{Area, Claimant, Contradiction, Level, Period, Provenance, SharedWith, TakenOff, Verdict};
use utoipa::ToSchema;

/// What is taken off a patch in a sum, because it counts for other patches.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = TakenOff)]
pub struct TakenOffAnswer {
    #[serde(flatten)]
    areas: AreasAnswer,
    /// Whether nothing is left, so that the patch is not counted.
    nothing_left: bool,
    /// Whether its confirmed areas, which were filed without a shape for a part of it, are taken off in proportion.
    in_proportion: bool,
    /// The patches it shares ground with, the first in precedence first.
    shares_with: Vec<SharedWithAnswer>,
}

/// Another patch on the same ground. Of one that who asks may not see only the areas are told.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SharedWith)]
struct SharedWithAnswer {
    id: Option<i64>,
    patch_id: Option<String>,
    survey_id: Option<i64>,
    period: Option<String>,
    level: Option<Level>,
    confirmed_verdict: Option<Verdict>,
    /// The ground that both have.
    shared: Area,
    /// Of that, what counts for the other one.
    taken_off: Area,
    /// Whether both are confirmed and differ.
    contradicts: bool,
    /// Where the other one is.
    href: Option<String>,
}

impl From<SharedWith> for SharedWithAnswer {
    fn from(with: SharedWith) -> Self {
        let SharedWith { patch, shared_m2, taken_m2, contradicts } = with;
        let precedence = patch.as_ref().map(|patch| patch.precedence);
        Self {
            id: precedence.map(|precedence| precedence.patch),
            survey_id: precedence.map(|precedence| precedence.survey),
            period: precedence.map(|precedence| precedence.period.to_string()),
            level: precedence.map(|precedence| precedence.level),
            confirmed_verdict: patch.as_ref().and_then(|patch| patch.confirmed),
            patch_id: patch.map(|patch| patch.patch_id),
            shared: Area::of_m2(shared_m2),
            taken_off: Area::of_m2(taken_m2),
            contradicts,
            href: precedence.map(|precedence| href(precedence.patch)),
        }
    }
}

fn href(patch: i64) -> String {
    format!("/api/patches/{patch}")
}

impl TakenOffAnswer {
    /// The answer for what is taken off a patch whose finding rests on that.
    #[must_use]
    pub fn new(taken_off: TakenOff, provenance: &Provenance) -> Self {
        let TakenOff { areas, nothing_left, in_proportion, with, .. } = taken_off;
        Self { areas: AreasAnswer::new(&areas, provenance), nothing_left, in_proportion, shares_with: with.into_iter().map(Into::into).collect() }
    }
}

/// Confirmed verdicts that differ on ground that both patches have.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Contradiction)]
pub struct ContradictionAnswer {
    /// The one that counts; null where who asks may not see it.
    counts: Option<ClaimantAnswer>,
    /// The other one; null where who asks may not see it.
    contradicts: Option<ClaimantAnswer>,
    /// The ground that both have.
    area: Area,
    /// Of that, farmland, in the columns of the one that counts; null where that is unknown.
    farmland: Option<Area>,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Claimant)]
struct ClaimantAnswer {
    id: i64,
    patch_id: String,
    survey_id: i64,
    period: String,
    verdict: Verdict,
    href: String,
}

impl From<Claimant> for ClaimantAnswer {
    fn from(claimant: Claimant) -> Self {
        let Claimant { precedence, patch_id, verdict } = claimant;
        let (id, survey_id, period) = (precedence.patch, precedence.survey, precedence.period.to_string());
        Self { id, patch_id, survey_id, period, verdict, href: href(id) }
    }
}

impl From<Contradiction> for ContradictionAnswer {
    fn from(contradiction: Contradiction) -> Self {
        let Contradiction { first, other, area_m2, farmland_m2 } = contradiction;
        Self { counts: first.map(Into::into), contradicts: other.map(Into::into), area: Area::of_m2(area_m2), farmland: farmland_m2.map(Area::of_m2) }
    }
}

query! {
    /// Which part of the list, and the sums of which months.
    #[derive(Debug)]
    pub struct OverlapsQuery {
        /// First month whose sums are meant; the survey's own period where absent.
        period: Option<Period>,
        /// Last month; `period` where absent.
        until: Option<Period>,
        /// At most so many, 1 to 1000; 100 where absent.
        limit: Option<Limit<100, 1000>>,
        /// Where to go on, from `next`.
        after: Option<i64>,
    }
}

/// The patches of a survey that share ground with others.
#[derive(Debug, Serialize, ToSchema)]
pub struct Overlaps {
    /// How many there are in all.
    patches: u64,
    overlaps: Vec<Overlap>,
    /// A relative URL to go on with, or null.
    next: Option<String>,
}

/// A patch that shares ground.
#[derive(Debug, Serialize, ToSchema)]
struct Overlap {
    id: i64,
    patch_id: String,
    href: String,
    taken_off: TakenOffAnswer,
}

/// The patches of a survey that share ground with others, of whatever survey and period.
#[utoipa::path(get, path = "/api/surveys/{id}/overlaps", tag = "surveys", params(("id" = i64, Path), OverlapsQuery),
    responses((status = OK, body = Overlaps), (status = BAD_REQUEST, body = Problem), (status = NOT_FOUND, body = Problem)))]
pub async fn overlaps(State(desk): State<Desk>, scope: Scope, Path(id): Path<i64>, Query(query): Query<OverlapsQuery>) -> Result<Json<Overlaps>, Problem> {
    let range = query::range(query.period, query.until)?;
    let limit = Limit::or_usual(query.limit);
    let after = query.after.unwrap_or(0);
    let OverlapsPage { patches, taken_off, last } = desk.service.overlaps(&scope, id, range, after, limit).await?;
    let months = range.map_or(String::new(), |range| format!("period={}&until={}&", range.from, range.until));
    let next = last.map(|last| format!("/api/surveys/{id}/overlaps?{months}after={last}&limit={limit}"));
    let mut overlaps = Vec::with_capacity(taken_off.len());
    for (id, taken_off) in taken_off {
        let set = desk.service.layer_set(desk.service.patch(&scope, id).await?.finding.layer_set).await?;
        overlaps.push(Overlap { id, patch_id: taken_off.patch_id.clone(), href: href(id), taken_off: TakenOffAnswer::new(taken_off, &set.provenance) });
    }
    Ok(Json(Overlaps { patches, overlaps, next }))
}
