//! Who is asking: with the scope of one county the service shows what is the county's, and nothing that others do changes what it sees.
//!
//! The oracle is brute force: what *all* is answered, cut down here to the county.

use super::app::{
    TestApp,
    both::over_both,
    city,
    file::{File, polygon, rectangle},
};
use serde_json::json;
use std::collections::BTreeSet;
use std::io::Read;
use tuban::http::Problem;
use tuban::scope::Scope;
use tuban::service::export::{Export, Format, Selection, Subject};
use tuban::service::jobs::{Done, Quota};
use tuban::service::patches::{Filter, StoredPatch};
use tuban::service::reclassification::Reclassification;
use tuban::service::tiles::{Tile, TileOf};
use tuban::service::{RefusalKind, ServiceError};
use tuban::store::StoreError;
use tuban_engine::model::{Decision, LayerKind, Level, Survey, VerdictCounts};

over_both!(
    a_county_is_answered_what_is_its_own,
    what_others_do_changes_nothing_that_a_county_sees,
    what_concerns_all_counties_is_for_all_only,
    a_patch_that_changes_county_takes_its_verdict_along_and_leaves_its_history
);

const A: &str = "371302";
const B: &str = "371311";

fn of(codes: &[&str]) -> Scope {
    Scope::of_counties(codes.iter().map(|code| code.parse().unwrap()))
}

/// The county layer, with a third county in the east; the first border runs along that meridian.
fn counties(border: f64) -> File {
    [(A, "兰山区", 118.3, border), (B, "罗庄区", border, 118.5), ("371312", "河东区", 118.5, 118.6)]
        .into_iter()
        .fold(File::default().member(r#""invented":true"#), |file, (code, name, west, east)| {
            file.feature(&json!({ "XZQDM": code, "XZQMC": name }), &polygon(&[rectangle(west, 35.0, east, 35.1)]))
        })
}

/// A patch of a thousandth of a degree.
fn at(west: f64, south: f64) -> Vec<[f64; 2]> {
    rectangle(west, south, west + 0.001, south + 0.001)
}

/// Three counties with surveys of April and May: patches of each, two that share ground across the border, verdicts, a refused feature.
async fn city(app: &TestApp) {
    for (kind, layer) in city::layers() {
        let layer = if kind == LayerKind::County { counties(118.4) } else { layer };
        app.import_layer(kind, &layer, "2022-01-01").await;
    }
    let april = city::one_of_each()
        .patch("B1", &[at(118.41, 35.02)])
        .patch("B2", &[at(118.46, 35.03)])
        .patch("C1", &[at(118.51, 35.02)])
        .patch("ACROSS-A", &[rectangle(118.397, 35.03, 118.4005, 35.031)])
        .patch("ACROSS-B", &[rectangle(118.3995, 35.03, 118.404, 35.031)])
        .patch_of("BAD", "[[[118.31,35.01]]]");
    app.uploaded("period=2022-04&level=city", &april).await;
    app.uploaded("period=2022-05&level=city", &File::default().patch("A5", &[at(118.33, 35.04)]).patch("C5", &[at(118.52, 35.04)])).await;
    file(app, &Scope::all(), "S1,illegal,0,0,5000,5000\nB1,legal,5000,5000,0,0\nACROSS-A,legal,9000,0,0,0\nACROSS-B,illegal,0,0,9000,0\n").await;
}

async fn file(app: &TestApp, scope: &Scope, rows: &str) {
    let csv = format!("patch_id,verdict,legal_m2,legal_farmland_m2,illegal_m2,illegal_farmland_m2\n{rows}");
    app.service.file_verdicts(scope, None, csv.as_bytes()).await.unwrap();
}

async fn patches(app: &TestApp, scope: &Scope) -> Vec<StoredPatch> {
    app.service.patches(&Filter { limit: 1000, ..Filter::of(scope.clone()) }).await.unwrap()
}

async fn numbered(app: &TestApp, patch_id: &str) -> i64 {
    patches(app, &Scope::all()).await.iter().find(|stored| stored.patch.patch_id == patch_id).unwrap().id
}

fn findings(format: Format) -> Export {
    Export::new(Subject::Findings(Selection::default()), format, None, None).unwrap()
}

fn quota() -> Quota {
    Quota { client: "a test".to_owned(), each: 100, all: 100 }
}

async fn exported(app: &TestApp, scope: &Scope) -> (String, u64, String) {
    let mut exported = app.service.export(scope, &findings(Format::Csv), &|_| {}).await.unwrap();
    let mut text = String::new();
    exported.file.read_to_string(&mut text).unwrap();
    (exported.name, exported.features, text)
}

/// All that a scope is answered, as text.
async fn seen(app: &TestApp, scope: &Scope) -> Vec<String> {
    let service = &app.service;
    let own = patches(app, scope).await;
    let surveys = service.surveys(scope).await.unwrap();
    let mut all = vec![format!("{own:?}"), format!("{surveys:?}"), format!("{:?}", exported(app, scope).await)];
    for range in [None, Some(crate::builders::only("2022-04")), Some(crate::builders::only("2022"))] {
        all.push(format!("{:?}", service.ratios(scope, range).await.unwrap()));
        all.push(format!("{:?}", service.taken_off(scope, &own, range).await.unwrap()));
        for survey in &surveys {
            all.push(format!("{:?}", service.overlaps(scope, survey.id, range, 0, 100).await.unwrap()));
        }
    }
    for survey in &surveys {
        all.push(format!("{:?}", service.survey(scope, survey.id).await.unwrap()));
        all.push(format!("{:?}", service.basis(scope, survey.id).await.unwrap()));
    }
    for stored in &own {
        assert_eq!(service.patch(scope, stored.id).await.unwrap(), *stored);
        all.push(format!("{:?}", service.former_findings(scope, stored.id).await.unwrap()));
    }
    // Page by page: the places are where it goes on.
    let mut paged = Filter { limit: 2, ..Filter::of(scope.clone()) };
    while let Some(last) = service.patches(&paged).await.unwrap().last() {
        paged.after = last.place();
        all.push(format!("{:?}", paged.after));
    }
    all
}

async fn a_county_is_answered_what_is_its_own(app: TestApp) {
    city(&app).await;
    let everything = Scope::all();
    let service = &app.service;
    let (whole, all) = (service.ratios(&everything, None).await.unwrap(), patches(&app, &everything).await);
    for scope in [of(&[A]), of(&[B]), of(&[A, "371312"]), of(&["371399"])] {
        let own: Vec<&StoredPatch> = all.iter().filter(|stored| scope.has(stored.finding.county_code.as_deref())).collect();
        assert_eq!(patches(&app, &scope).await.iter().collect::<Vec<_>>(), own);
        assert_eq!(own.is_empty(), scope.has(Some("371399")));
        // Surveys: those of its patches, as sums over these.
        let with_own: BTreeSet<i64> = own.iter().map(|stored| stored.survey_id).collect();
        let surveys = service.surveys(&scope).await.unwrap();
        assert_eq!(surveys.iter().map(|survey| survey.id).collect::<BTreeSet<_>>(), with_own);
        for survey in service.surveys(&everything).await.unwrap() {
            let found = service.survey(&scope, survey.id).await;
            assert_eq!(found.as_ref().ok(), surveys.iter().find(|one| one.id == survey.id));
            let Ok(found) = found else { continue };
            let mut verdicts = VerdictCounts::default();
            let of_it: Vec<_> = own.iter().filter(|stored| stored.survey_id == survey.id).collect();
            of_it.iter().for_each(|stored| verdicts.count(stored.finding.verdict));
            let sum = |area: fn(&StoredPatch) -> f64| of_it.iter().map(|stored| area(stored)).sum::<f64>();
            assert_eq!((found.facts.patches, found.facts.verdicts), (of_it.len() as u64, verdicts));
            assert!((found.facts.area_m2 - sum(|stored| stored.finding.areas.area_m2)).abs() < 1e-6);
            assert!((found.facts.farmland_m2 - sum(|stored| stored.finding.areas.farmland_m2)).abs() < 1e-6);
            assert_eq!((found.facts.rejected, found.facts.outside, found.facts.warnings.len()), (0, 0, 0));
            assert_eq!(Survey { facts: survey.facts.clone(), ..found }, survey, "all else is the survey's");
        }
        // Ratios: the rows of its counties, and their sum.
        let range = Some(whole.range);
        let ratios = service.ratios(&scope, range).await.unwrap();
        let rows: Vec<_> = whole.counties.iter().filter(|row| scope.has(row.totals.county_code.as_deref())).cloned().collect();
        assert_eq!(ratios.counties, rows);
        let pending: u64 = rows.iter().map(|row| row.totals.pending.patches).sum();
        assert_eq!(ratios.city.totals.pending.patches, pending);
        // Shared ground: of another county's patch there is the area and nothing else.
        let (seen, known) = (service.taken_off(&scope, &all, None).await.unwrap(), service.taken_off(&everything, &all, None).await.unwrap());
        assert_eq!(seen.keys().collect::<Vec<_>>(), known.keys().filter(|id| own.iter().any(|stored| stored.id == **id)).collect::<Vec<_>>());
        for (id, mut taken_off) in known.into_iter().filter(|(id, _)| seen.contains_key(id)) {
            for with in &mut taken_off.with {
                with.patch = with.patch.take().filter(|patch| own.iter().any(|stored| stored.id == patch.precedence.patch));
            }
            assert_eq!(seen[&id], taken_off);
        }
        let (features, count) = (exported(&app, &scope).await.1, own.len() as u64);
        assert_eq!(features, count);
    }
    // The newest period is that of the county's own newest survey.
    assert_eq!(service.ratios(&of(&[B]), None).await.unwrap().range, crate::builders::only("2022-04"));
    let across = numbered(&app, "ACROSS-A").await;
    let (a, b) = (of(&[A]), of(&[A, B]));
    let taken = async |scope: &Scope| service.taken_off(scope, &all, None).await.unwrap().remove(&across).unwrap().with;
    assert!(matches!(&taken(&a).await[..], [with] if with.patch.is_none() && with.shared_m2 > 1000.0 && with.contradicts));
    assert!(matches!(&taken(&b).await[..], [with] if with.patch.as_ref().is_some_and(|patch| patch.patch_id == "ACROSS-B")));
    let contradictions = service.ratios(&a, Some(crate::builders::only("2022-04"))).await.unwrap().contradictions;
    assert!(
        matches!(&contradictions[..], [one] if one.first.as_ref().is_some_and(|first| first.patch_id == "ACROSS-A") && one.other.is_none() && one.area_m2 > 1000.0)
    );
}

async fn what_others_do_changes_nothing_that_a_county_sees(app: TestApp) {
    city(&app).await;
    let (a, b, everything) = (of(&[A]), of(&[B]), Scope::all());
    let service = &app.service;
    let job = service.queue_export(&a, &findings(Format::Csv), &quota()).await.unwrap();
    let Done::File(made) = service.ended(&a, &job).await.unwrap() else { panic!() };
    let before = (seen(&app, &a).await, tiles(&app, &a).await, made.clone());
    let is_unchanged = async |what: &str| {
        let Done::File(made) = service.ended(&a, &job).await.unwrap() else { panic!() };
        assert_eq!((seen(&app, &a).await, tiles(&app, &a).await, made), before, "{what}");
    };
    // A survey of B's and C's alone: filed, judged again, moved, withdrawn, restored, replaced.
    let of_b = |id: &str| File::default().patch(id, &[at(118.43, 35.05)]).patch("C8", &[at(118.55, 35.05)]);
    let survey = app.uploaded("period=2022-06&level=province", &of_b("B8")).await["id"].as_i64().unwrap();
    is_unchanged("an import").await;
    file(&app, &b, "B8,illegal,0,0,100,100\nB2,illegal,0,0,200,0\n").await;
    file(&app, &everything, "C1,other,0,0,0,0\nB1,doubtful,0,0,0,0\n").await;
    is_unchanged("verdicts").await;
    service.reclassify(&everything, &Reclassification { survey, token: None, by: None }, &|_| {}).await.unwrap();
    is_unchanged("a re-classification").await;
    service.move_survey(&everything, survey, ("2022-04".parse().unwrap(), Level::Province), &Decision::default()).await.unwrap();
    is_unchanged("a move").await;
    service.withdraw(&everything, survey, &Decision::default()).await.unwrap();
    is_unchanged("a withdrawal").await;
    service.restore(&everything, survey, &Decision::default()).await.unwrap();
    is_unchanged("a restoration").await;
    app.uploaded("period=2022-04&level=province&on_conflict=replace&verdicts=drop", &of_b("B9")).await;
    is_unchanged("a replacement").await;
    let others = service.queue_export(&b, &findings(Format::Csv), &quota()).await.unwrap();
    service.ended(&b, &others).await.unwrap();
    is_unchanged("a job of another county").await;
    // Each sees its own job, and all of them are seen by *all*.
    for (scope, id, sees) in [(&a, &job, true), (&b, &job, false), (&a, &others, false), (&everything, &job, true), (&everything, &others, true)] {
        let found = service.job(scope, id).await;
        assert_eq!(found.is_ok(), sees, "{scope:?}");
        assert_eq!(service.file_chunk(scope, id, 0).await.is_ok(), sees);
        if !sees {
            assert!(matches!(found, Err(ServiceError::Store(StoreError::NotFound { .. }))));
            assert!(matches!(service.cancel(scope, id).await, Err(ServiceError::Store(StoreError::NotFound { .. }))));
        }
    }
    let text = String::from_utf8(service.file_chunk(&a, &job, 0).await.unwrap().unwrap()).unwrap();
    assert_eq!(text, exported(&app, &a).await.2, "a job is carried out in the scope in which it was asked for");
    // What A does itself is seen: its tiles are asked for again, and those that show the verdict have another ETag.
    file(&app, &a, "A5,legal,100,100,0,0\n").await;
    let (seen, tiles) = (seen(&app, &a).await, tiles(&app, &a).await);
    assert_ne!(seen, before.0);
    assert_ne!(tiles[0], before.1[0]);
    let changed = tiles.iter().zip(&before.1).filter(|(now, before)| now != before).count();
    assert!(changed > 1 && changed < tiles.len(), "{changed} of {}", tiles.len());
}

/// Tiles over the three counties, and the layers on them, with what they are known by.
async fn tiles(app: &TestApp, scope: &Scope) -> Vec<String> {
    let mut all = vec![app.service.tiles_version(scope).await.unwrap()];
    for (z, x, y) in [(8, 212, 101), (10, 848, 405), (13, 6788, 3243), (13, 6790, 3243)] {
        for of in [TileOf::Patches(None), TileOf::Patches(Some(crate::builders::only("2022-04"))), TileOf::Layer(LayerKind::County)] {
            all.push(format!("{:?}", app.service.tile(scope, Tile::new(z, x, y).unwrap(), of, None).await.unwrap()));
        }
    }
    all
}

async fn what_concerns_all_counties_is_for_all_only(app: TestApp) {
    city(&app).await;
    let (a, service) = (of(&[A]), &app.service);
    let revision = service.revision().await.unwrap();
    let decision = Decision::default();
    let asked = Reclassification { survey: 1, token: None, by: None };
    let is_refused = |error: ServiceError| {
        assert!(matches!(&error, ServiceError::Refused(refusal) if refusal.kind == RefusalKind::Forbidden), "{error:?}");
        let problem = serde_json::to_value(Problem::from(error)).unwrap();
        assert_eq!((&problem["status"], &problem["type"]), (&json!(403), &json!("/problems/for_all_only")), "{problem}");
    };
    is_refused(service.withdrawn(&a).await.unwrap_err());
    is_refused(service.jobs(&a, 9).await.unwrap_err());
    is_refused(service.last_jobs(&a, 9).await.unwrap_err());
    is_refused(service.withdraw(&a, 1, &decision).await.unwrap_err());
    is_refused(service.restore(&a, 1, &decision).await.unwrap_err());
    is_refused(service.move_survey(&a, 1, ("2023-01".parse().unwrap(), Level::City), &decision).await.unwrap_err());
    is_refused(service.reclassify(&a, &asked, &|_| {}).await.unwrap_err());
    is_refused(service.difference(&a, 1, &|_| {}).await.unwrap_err());
    is_refused(service.queue_reclassification(&a, &asked, &quota()).await.unwrap_err());
    is_refused(service.remove_layer(&a, 1).await.unwrap_err());
    // Of what is read there is none.
    let is_not_there = |error: StoreError| assert!(matches!(error, StoreError::NotFound { .. }), "{error:?}");
    is_not_there(service.rejects(&a, 1, 0, 9).await.unwrap_err());
    is_not_there(service.history(&a, 1).await.unwrap_err());
    is_not_there(service.confirmed(&a, 1).await.unwrap_err());
    assert_eq!(service.revision().await.unwrap(), revision);
    // And a verdict on another county's patch is refused like one on none.
    let csv = |id: &str| format!("patch_id,verdict,legal_m2,legal_farmland_m2,illegal_m2,illegal_farmland_m2\n{id},legal,1,1,0,0\n");
    let mut refusals = Vec::new();
    for id in ["B1", "B0"] {
        let Err(ServiceError::Refused(refusal)) = service.file_verdicts(&a, None, csv(id).as_bytes()).await else { panic!() };
        refusals.push((refusal.code.clone(), refusal.rejects[0].code.clone(), refusal.rejects[0].reason.clone()));
    }
    assert_eq!(refusals[0], refusals[1]);
    assert_eq!(refusals[0].1, "unknown_patch");
}

async fn a_patch_that_changes_county_takes_its_verdict_along_and_leaves_its_history(app: TestApp) {
    city(&app).await;
    let (a, b, service) = (of(&[A]), of(&[B]), &app.service);
    let (moved, stays) = (numbered(&app, "ACROSS-A").await, numbered(&app, "S1").await);
    assert!(service.former_findings(&a, moved).await.unwrap().is_empty());
    // The border runs further west now.
    app.import_layer(LayerKind::County, &counties(118.395), "2022-02-01").await;
    service.reclassify(&Scope::all(), &Reclassification { survey: 1, token: None, by: None }, &|_| {}).await.unwrap();
    let now = service.patch(&b, moved).await.unwrap();
    assert_eq!(now.filing.as_ref().map(|filing| filing.legal_m2), Some(9000.0));
    assert!(matches!(service.patch(&a, moved).await, Err(StoreError::NotFound { .. })));
    // The county that it left sees the findings of its own time, its new one all of them.
    let of_its_time = service.former_findings(&a, moved).await.unwrap();
    assert_eq!(of_its_time.iter().map(|former| former.finding.county_code.as_deref()).collect::<Vec<_>>(), [Some(A)]);
    assert_eq!(service.former_findings(&b, moved).await.unwrap(), of_its_time);
    assert!(matches!(service.former_findings(&of(&["371312"]), moved).await, Err(StoreError::NotFound { .. })));
    assert!(matches!(service.former_findings(&b, stays).await, Err(StoreError::NotFound { .. })));
    // Of a patch that does not count any more there are none.
    service.withdraw(&Scope::all(), 1, &Decision::default()).await.unwrap();
    for scope in [&a, &b, &Scope::all()] {
        assert!(matches!(service.former_findings(scope, moved).await, Err(StoreError::NotFound { .. })));
    }
}
