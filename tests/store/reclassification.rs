//! Promises about findings that are made anew.

use super::layers::{resting_on, stored_layer};
use super::{stored, stored_on};
use crate::builders::{facts, feature, filing, finding, key, layer, only, patch, patch_at, reject};
use std::time::Duration;
use tuban::scope::Scope;
use tuban::store::{Filter, Held, JobOutcome, NewJob, Store, StoreError, StoredPatch, Thing};
use tuban_engine::model::{
    Areas, AutomaticVerdict, Filing, Finding, JobKind, JobState, Lane, LayerKind, NewSurvey, OnConflict, Patch, Progress, Provenance, Stage, Survey, Verdict,
    VerdictCounts, Words,
};

/// Longer than any test.
const LONG: Duration = Duration::from_hours(1);

fn of(survey: &Survey) -> Filter {
    Filter { survey: Some(survey.id), limit: 999, ..Filter::of(Scope::all()) }
}

async fn numbers(store: &dyn Store, survey: &Survey) -> Vec<i64> {
    store.patches(&of(survey)).await.unwrap().iter().map(|stored| stored.id).collect()
}

/// 500 m² of it illegal, where before there were 4 000.
fn smaller(county: Option<&str>) -> Finding {
    Finding { areas: Areas { area_m2: 10_000.0, farmland_m2: 500.0, ..Areas::default() }, automatic_illegal_farmland_m2: 500.0, ..finding(county) }
}

/// Judges every patch of a survey anew.
async fn judged_anew(store: &dyn Store, survey: &Survey, finding: &Finding, provenance: &Provenance) -> Result<Survey, StoreError> {
    let mut writer = store.begin_reclassification(survey.id).await?;
    let layer_set = writer.layer_set(provenance, [118.0, 35.0]).await?;
    writer.push(numbers(store, survey).await.into_iter().map(|id| (id, Finding { layer_set, ..finding.clone() })).collect()).await?;
    writer.commit(survey.facts.clone()).await
}

/// Looked for by county, by month and county, and alone.
async fn answers_for(store: &dyn Store, county: &str) -> Vec<StoredPatch> {
    let by_county = Filter { county: Some(county.to_owned()), limit: 999, ..Filter::of(Scope::all()) };
    let found = store.patches(&by_county).await.unwrap();
    assert_eq!(store.patches(&Filter { range: Some(only("2022-04")), ..by_county }).await.unwrap(), found);
    for stored in &found {
        assert_eq!(store.patch(&Scope::all(), stored.id).await.unwrap(), *stored);
    }
    found
}

pub(super) async fn new_findings_take_the_place_of_the_old_ones_and_all_else_stays(store: &dyn Store) {
    let old = stored_layer(store, layer(LayerKind::Farmland, "2022-01-01"), vec![feature(1, 118.3, 35.0)]).await;
    let new = stored_layer(store, layer(LayerKind::Farmland, "2022-06-01"), vec![feature(1, 118.3, 35.0)]).await;
    let april = key("2022-04", "x");
    let mut writer = store.begin_survey(april.clone(), OnConflict::Reject).await.unwrap();
    let patches = ["1", "2", "3"].map(|id| Patch { repaired: (id == "2").then(|| patch_at(id, 118.4, 35.1).degrees), ..patch(id) });
    let found = patches.clone().map(|patch| (patch, finding(Some("371302")))).to_vec();
    let resting = super::on(&mut *writer, found, &resting_on(&old)).await;
    writer.push(resting).await.unwrap();
    writer.push_rejects(vec![reject(4)]).await.unwrap();
    let given =
        NewSurvey { patches: 3, repaired: 1, rejected: 1, warnings: vec![Words::new("坐标只有 6 位小数", "only six decimals")], ..facts(&april) };
    let survey = writer.commit(given.clone()).await.unwrap();
    let beside = stored_on(store, &key("2022-05", "y"), vec![(patch("5"), finding(Some("371302")))], &resting_on(&old)).await;
    let filed = Filing { illegal_m2: 10_000.0, illegal_farmland_m2: 0.1 + 0.2, ..filing("2", Verdict::Illegal) };
    store.file_verdicts(&Scope::all(), Some(survey.id), std::slice::from_ref(&filed)).await.unwrap();
    let (before, revision) = (store.patches(&of(&survey)).await.unwrap(), store.revision().await.unwrap());

    // In two portions. Nobody sees any of it, whoever judges still reads the patches, and another survey's are none of its business.
    let mut writer = store.begin_reclassification(survey.id).await.unwrap();
    let ids: Vec<i64> = before.iter().map(|stored| stored.id).collect();
    let anew = Provenance { rule: "2022-2 \u{0}".to_owned(), ..resting_on(&new) };
    let layer_set = writer.layer_set(&anew, [118.0, 35.0]).await.unwrap();
    let smaller = |county| Finding { layer_set, ..smaller(county) };
    writer.push(vec![(ids[0], smaller(Some("371302"))), (ids[1], smaller(Some("371302")))]).await.unwrap();
    writer.keep_former(before.iter().take(2).map(|stored| (stored.id, stored.finding.clone())).collect(), Some("张三")).await.unwrap();
    assert_eq!((store.patches(&of(&survey)).await.unwrap(), store.revision().await.unwrap()), (before.clone(), revision));
    writer.push(vec![(ids[2], Finding { verdict: AutomaticVerdict::Doubtful, ..smaller(Some("371302")) })]).await.unwrap();
    let judged = NewSurvey {
        outside: 1,
        verdicts: VerdictCounts { suspected_illegal: 2, doubtful: 1, ..VerdictCounts::default() },
        area_m2: 0.1 + 0.2,
        farmland_m2: 1.0 / 3.0,
        warnings: vec![Words::new("“图” \u{0}", "said anew \u{0}")],
        ..given
    };
    // What does not follow from findings is not theirs to say.
    let told = NewSurvey { name: "another".to_owned(), patches: 9, repaired: 9, rejected: 9, ..judged.clone() };
    let after = writer.commit(told).await.unwrap();

    assert_eq!((after.id, after.created_ms, &after.facts), (survey.id, survey.created_ms, &judged));
    assert!(survey.judged_ms == survey.created_ms && after.judged_ms >= survey.judged_ms);
    assert_eq!(store.survey(&Scope::all(), survey.id).await.unwrap(), after);
    let found = store.patches(&of(&survey)).await.unwrap();
    for (stored, (id, patch)) in found.iter().zip(ids.iter().zip(&patches)) {
        assert_eq!((stored.id, &stored.patch), (*id, patch));
    }
    assert_eq!(found.iter().map(|stored| stored.finding.areas.farmland_m2).collect::<Vec<_>>(), [500.0; 3]);
    assert_eq!(found.iter().map(|stored| stored.filing.clone()).collect::<Vec<_>>(), [None, Some(filed), None]);
    let totals = store.totals(&Scope::all(), only("2022-04")).await.unwrap();
    assert_eq!((totals.len(), totals[0].pending.farmland_m2, totals[0].illegal.farmland_m2), (1, 1_000.0, 0.1 + 0.2));
    assert_eq!(store.provenance(survey.id).await.unwrap(), anew);
    for (stored, kept) in before.iter().zip([true, true, false]) {
        let former = store.former_findings(stored.id).await.unwrap();
        assert_eq!(former.len(), usize::from(kept));
        for former in former {
            assert_eq!((&former.finding, former.judged_ms, former.replaced_by.as_deref()), (&stored.finding, survey.judged_ms, Some("张三")));
            assert!(former.replaced_ms >= survey.judged_ms);
        }
    }
    // Of the same layers and rule the number is the same, whatever origin is offered; and what was offered first stays.
    let sets = store.layer_sets().await.unwrap();
    assert_eq!(
        sets.iter().map(|set| (set.id, &set.provenance, set.origin)).collect::<Vec<_>>(),
        [(1, &resting_on(&old), Some([118.0, 35.0])), (2, &anew, Some([118.0, 35.0]))]
    );
    let mut writer = store.begin_reclassification(survey.id).await.unwrap();
    assert_eq!(writer.layer_set(&resting_on(&old), [120.0, 30.0]).await.unwrap(), 1);
    drop(writer);
    assert_eq!(store.layer_sets().await.unwrap(), sets);
    assert_eq!(store.rejects(survey.id, 0, 9).await.unwrap(), [reject(4)]);
    assert_eq!(store.revision().await.unwrap(), revision + 1);
    assert_eq!((store.survey(&Scope::all(), beside.id).await.unwrap(), store.provenance(beside.id).await.unwrap()), (beside, resting_on(&old)));
}

pub(super) async fn what_belongs_to_a_patch_follows_it_to_the_county_that_answers_for_it_now(store: &dyn Store) {
    let nasty = "'; DROP TABLE patch; -- \u{0}";
    let counties = [Some("371302"), Some("371311"), None, Some(nasty)];
    // From each to each, with and without a filing.
    let ways: Vec<_> = counties.iter().flat_map(|from| counties.iter().map(move |to| (*from, *to))).collect();
    let named = |number: usize| patch(&number.to_string());
    let survey = stored(store, &key("2022-04", "x"), ways.iter().enumerate().map(|(number, (from, _))| (named(number), finding(*from))).collect()).await;
    let filings: Vec<Filing> = (0..ways.len()).step_by(2).map(|number| filing(&number.to_string(), Verdict::Illegal)).collect();
    store.file_verdicts(&Scope::all(), None, &filings).await.unwrap();
    let ids = numbers(store, &survey).await;

    let mut writer = store.begin_reclassification(survey.id).await.unwrap();
    for (portion, ways) in ids.chunks(5).zip(ways.chunks(5)) {
        writer.push(portion.iter().zip(ways).map(|(id, (_, to))| (*id, smaller(*to))).collect()).await.unwrap();
    }
    writer.commit(survey.facts.clone()).await.unwrap();
    let found = store.patches(&of(&survey)).await.unwrap();
    assert_eq!(found.iter().map(|stored| stored.id).collect::<Vec<_>>(), ids);
    for (number, (stored, (_, to))) in found.iter().zip(&ways).enumerate() {
        assert_eq!((&stored.patch, &stored.finding, stored.filing.is_some()), (&named(number), &smaller(*to), number % 2 == 0));
    }
    for county in counties.iter().flatten() {
        assert_eq!(answers_for(store, county).await.len(), counties.len(), "{county}");
    }
    for totals in store.totals(&Scope::all(), only("2022-04")).await.unwrap() {
        assert_eq!(totals.illegal.patches + totals.pending.patches, counties.len() as u64, "{totals:?}");
    }
    // And back: nothing was left behind that would be in the way.
    judged_anew(store, &survey, &finding(Some("371302")), &Provenance::default()).await.unwrap();
    assert_eq!(answers_for(store, "371302").await.len(), ways.len());
}

pub(super) async fn a_reclassification_that_is_dropped_leaves_the_findings_that_were_there(store: &dyn Store) {
    let survey = stored(store, &key("2022-04", "x"), (0..300).map(|n| (patch(&n.to_string()), finding(Some("371302")))).collect()).await;
    store.file_verdicts(&Scope::all(), None, &[filing("7", Verdict::Legal)]).await.unwrap();
    let (before, revision) = (store.patches(&of(&survey)).await.unwrap(), store.revision().await.unwrap());
    for _ in 0..3 {
        let mut writer = store.begin_reclassification(survey.id).await.unwrap();
        writer.push(before.iter().take(200).map(|stored| (stored.id, smaller(Some("371311")))).collect()).await.unwrap();
        drop(writer);
    }
    assert_eq!((store.patches(&of(&survey)).await.unwrap(), store.revision().await.unwrap()), (before, revision));
    judged_anew(store, &survey, &smaller(None), &Provenance::default()).await.unwrap();
}

pub(super) async fn a_reclassification_takes_each_patch_of_the_survey_once_and_no_other(store: &dyn Store) {
    let survey = stored(store, &key("2022-04", "x"), ["1", "2", "3"].map(|id| (patch(id), finding(Some("371302")))).to_vec()).await;
    let other = stored(store, &key("2022-05", "x"), vec![(patch("4"), finding(Some("371302")))]).await;
    let before = store.patches(&of(&survey)).await.unwrap();
    let (ids, foreign) = (numbers(store, &survey).await, numbers(store, &other).await[0]);
    let [one, two, three] = [ids[0], ids[1], ids[2]];
    for portions in [
        vec![],
        vec![vec![one, two]],
        vec![vec![one], vec![three]],
        vec![vec![one, two, three, foreign]],
        vec![vec![one, two, two]],
        vec![vec![one, two, three], vec![three]],
        vec![vec![three, two, one]],
        vec![vec![one, two, three, 999]],
    ] {
        let mut writer = store.begin_reclassification(survey.id).await.unwrap();
        let mut refused = false;
        for portion in &portions {
            refused |= writer.push(portion.iter().map(|id| (*id, smaller(Some("371311")))).collect()).await.is_err();
        }
        if refused {
            drop(writer);
        } else {
            let outcome = writer.commit(survey.facts.clone()).await;
            assert!(matches!(outcome, Err(StoreError::Database(_))), "{portions:?}: {outcome:?}");
        }
        assert_eq!(store.patches(&of(&survey)).await.unwrap(), before, "{portions:?}");
    }
    judged_anew(store, &survey, &smaller(Some("371311")), &Provenance::default()).await.unwrap();
}

pub(super) async fn new_findings_and_the_end_of_their_job_become_visible_together(store: &dyn Store) {
    let survey = stored(store, &key("2022-04", "x"), ["1", "2"].map(|id| (patch(id), finding(Some("371302")))).to_vec()).await;
    let job = NewJob { id: "a".to_owned(), kind: JobKind::Reclassification, parameters: format!(r#"{{"survey":{}}}"#, survey.id) };
    store.enqueue(job, &mut tokio::io::empty()).await.unwrap();
    let (_, late) = store.claim(Lane::Writing, "stalled", Duration::ZERO).await.unwrap().unwrap();
    let (_, held) = store.claim(Lane::Writing, "n", LONG).await.unwrap().unwrap();
    let (before, ids) = (store.patches(&of(&survey)).await.unwrap(), numbers(store, &survey).await);
    let judge = async |held: &Held| {
        let mut writer = store.begin_reclassification(survey.id).await.unwrap();
        writer.push(ids.iter().map(|id| (*id, smaller(Some("371311")))).collect()).await.unwrap();
        writer.only_while(held.clone());
        writer.commit(survey.facts.clone()).await
    };
    assert!(matches!(judge(&late).await, Err(StoreError::LeaseLost(job)) if job == "a"));
    assert_eq!((store.job("a").await.unwrap().state, store.patches(&of(&survey)).await.unwrap()), (JobState::Running, before));
    let judged = judge(&held).await.unwrap();
    let job = store.job("a").await.unwrap();
    assert_eq!((job.state, job.outcome), (JobState::Done, Some(JobOutcome::Survey { id: judged.id, was_there: true })));
    assert_eq!(job.progress, Progress { stage: Stage::Storing, done: 2, total: Some(2) });
    assert_eq!(answers_for(store, "371311").await.len(), 2);
    assert!(matches!(judge(&held).await, Err(StoreError::LeaseLost(_))), "once");
    assert!(store.claim(Lane::Writing, "other", LONG).await.unwrap().is_none());
}

pub(super) async fn new_findings_rest_on_what_is_there(store: &dyn Store) {
    let gone = stored_layer(store, layer(LayerKind::Farmland, "2022-01-01"), vec![feature(1, 118.3, 35.0)]).await;
    store.remove_layer(gone.id).await.unwrap();
    let survey = stored(store, &key("2022-04", "x"), vec![(patch("1"), finding(None))]).await;
    let before = store.patches(&of(&survey)).await.unwrap();
    let outcome = judged_anew(store, &survey, &smaller(None), &resting_on(&gone)).await;
    assert!(matches!(outcome, Err(StoreError::NotFound { what: Thing::Layer, .. })), "{outcome:?}");
    assert_eq!((store.patches(&of(&survey)).await.unwrap(), store.provenance(survey.id).await.unwrap().layers), (before, vec![]));
    assert!(matches!(store.begin_reclassification(survey.id + 1).await, Err(StoreError::NotFound { what: Thing::Survey, .. })));
}
