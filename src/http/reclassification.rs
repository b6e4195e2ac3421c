//! What the findings of a survey rest on; what making them anew would change, and doing it.

use super::{
    Client, Desk, Problem,
    answers::SurveyAnswer,
    jobs::{self, JobAnswer},
    query::{Path, Query, query},
    ratios::RatioAnswer,
    surveys::answer,
};
use crate::scope::Scope;
use crate::service::reclassification::{
    Reclassification,
    difference::{Change, Difference},
    outdated::{Basis, Outdated},
};
use axum::{Json, extract::State, http::HeaderMap, response::Response};
use serde::Serialize;
use tuban_engine::model::{Area, AutomaticVerdict, LayerKind, LayerUsed, Reason, Tally};
use utoipa::ToSchema;

/// What the findings of a survey rest on.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Provenance)]
pub struct ProvenanceAnswer {
    /// The layer versions of all sets that its findings rest on.
    layers: Vec<LayerUsed>,
    rule: String,
    /// Whether those are what the days of its patches choose now; else the survey may be judged anew.
    in_force: bool,
    /// What is chosen otherwise now.
    outdated: Vec<OutdatedAnswer>,
}

/// What is chosen otherwise now: a layer version, or the rule.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Outdated)]
pub struct OutdatedAnswer {
    /// The layer's kind; null where it is the rule.
    kind: Option<LayerKind>,
    /// The version that findings rest on; null where there was none.
    was: Option<LayerUsed>,
    /// The version that the days of their patches choose now.
    is: Option<LayerUsed>,
    /// The rule that findings were made by, where that is what differs.
    rule_was: Option<String>,
    /// The rule that the days of their patches choose now.
    rule_is: Option<String>,
}

impl From<Outdated> for OutdatedAnswer {
    fn from(outdated: Outdated) -> Self {
        match outdated {
            Outdated::Layer { kind, was, is } => Self { kind: Some(kind), was, is, rule_was: None, rule_is: None },
            Outdated::Rule { was, is } => Self { kind: None, was: None, is: None, rule_was: Some(was), rule_is: Some(is) },
        }
    }
}

/// What the findings of a survey rest on.
#[utoipa::path(get, path = "/api/surveys/{id}/provenance", tag = "surveys", params(("id" = i64, Path)), responses((status = OK, body = ProvenanceAnswer), (status = NOT_FOUND, body = Problem)))]
pub async fn provenance(State(desk): State<Desk>, scope: Scope, Path(id): Path<i64>) -> Result<Json<ProvenanceAnswer>, Problem> {
    let Basis { provenance, outdated } = desk.service.basis(&scope, id).await?;
    let in_force = outdated.is_empty();
    Ok(Json(ProvenanceAnswer { layers: provenance.layers, rule: provenance.rule, in_force, outdated: outdated.into_iter().map(Into::into).collect() }))
}

/// What making the findings of a survey anew would change.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Difference)]
pub struct DifferenceAnswer {
    survey: i64,
    /// To be given as `token` when it is done: if layers, patches or rule have changed since, it is not.
    token: String,
    patches: u64,
    /// Patches whose finding would say something else.
    changed: u64,
    /// By the verdicts that patches have and would have, as far as the two differ.
    verdicts: Vec<VerdictChange>,
    /// The survey's own ratios by county, as they are and as they would be.
    counties: Vec<RatioChange>,
    city: Option<RatioChange>,
    /// The first thousand of the patches that would change.
    changes: Vec<ChangeAnswer>,
    /// Why it would be refused.
    problem: Option<Problem>,
}

/// Patches that would have another verdict.
#[derive(Debug, Serialize, ToSchema)]
struct VerdictChange {
    before: AutomaticVerdict,
    after: AutomaticVerdict,
    patches: u64,
}

/// Ratios of a county.
#[derive(Debug, Serialize, ToSchema)]
struct RatioChange {
    county_code: Option<String>,
    county_name: String,
    before: RatioAnswer,
    after: RatioAnswer,
}

/// A patch that would change.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = FindingChange)]
struct ChangeAnswer {
    id: i64,
    patch_id: String,
    before: SideAnswer,
    after: SideAnswer,
}

/// What a finding says.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = FindingSide)]
struct SideAnswer {
    verdict: AutomaticVerdict,
    reason: Reason,
    county_code: Option<String>,
    /// Null where there is no version of the parcels.
    farmland: Option<Area>,
    approved: Area,
}

impl From<&tuban_engine::model::Finding> for SideAnswer {
    fn from(finding: &tuban_engine::model::Finding) -> Self {
        Self {
            verdict: finding.verdict,
            reason: finding.reason,
            county_code: finding.county_code.clone(),
            farmland: (!finding.farmland_is_unknown()).then(|| Area::of_m2(finding.areas.farmland_m2)),
            approved: Area::of_m2(finding.areas.approved_m2),
        }
    }
}

impl From<(Tally, Tally)> for RatioChange {
    fn from((before, after): (Tally, Tally)) -> Self {
        let (old, new) = (RatioAnswer::from(&before), RatioAnswer::from(&after));
        Self { county_code: before.totals.county_code, county_name: before.name, before: old, after: new }
    }
}

impl From<Difference> for DifferenceAnswer {
    fn from(difference: Difference) -> Self {
        let Difference { survey, token, patches, changed, verdicts, changes, counties, city, outside, .. } = difference;
        let change = |Change { id, patch_id, before, after }| ChangeAnswer { id, patch_id, before: (&before).into(), after: (&after).into() };
        Self {
            survey,
            token,
            patches,
            changed,
            verdicts: verdicts.into_iter().map(|((before, after), patches)| VerdictChange { before, after, patches }).collect(),
            counties: counties.into_iter().map(Into::into).collect(),
            city: city.map(Into::into),
            changes: changes.into_iter().map(change).collect(),
            problem: outside.map(|refusal| Problem::of(&refusal.into())),
        }
    }
}

/// What making the findings of a survey anew would change, each by the layers and the rule of its patch's own time. Nothing is stored.
#[utoipa::path(get, path = "/api/surveys/{id}/reclassification", tag = "surveys", params(("id" = i64, Path)),
    responses((status = OK, body = DifferenceAnswer), (status = NOT_FOUND, body = Problem)))]
pub async fn difference(State(desk): State<Desk>, scope: Scope, Path(id): Path<i64>) -> Result<Json<DifferenceAnswer>, Problem> {
    Ok(Json(desk.service.difference(&scope, id, &|_| {}).await?.into()))
}

query! {
    /// How it is done.
    #[derive(Debug)]
    pub struct ReclassificationQuery {
        /// The token of the difference that was looked at; if layers, patches or rule have changed since, the answer is 409 `changed_meanwhile`.
        token: Option<String>,
        /// The name of who asks for it, kept with the findings that are replaced.
        by: Option<String>,
    }
}

/// Makes the findings of a survey anew, each by the layers and the rule of its patch's own time. Answers when done, or at once with `Prefer: respond-async`.
#[utoipa::path(post, path = "/api/surveys/{id}/reclassification", tag = "surveys", params(("id" = i64, Path), ReclassificationQuery),
    responses((status = OK, body = SurveyAnswer), (status = ACCEPTED, body = JobAnswer), (status = NOT_FOUND, body = Problem), (status = CONFLICT, body = Problem),
        (status = GONE, description = "the job was cancelled", body = Problem), (status = UNPROCESSABLE_ENTITY, body = Problem), (status = TOO_MANY_REQUESTS, body = Problem)))]
pub async fn reclassify(
    State(desk): State<Desk>,
    scope: Scope,
    Path(survey): Path<i64>,
    Query(ReclassificationQuery { token, by }): Query<ReclassificationQuery>,
    client: Client,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let job = desk.service.queue_reclassification(&scope, &Reclassification { survey, token, by }, &desk.quota(client)).await?;
    if jobs::prefers_async(&headers) {
        return jobs::accepted_as_preferred(&desk, &scope, &job).await;
    }
    jobs::answered(&desk, &scope, &job, desk.service.ended(&scope, &job), answer).await
}
