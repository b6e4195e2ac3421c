//! Promises about surveys that are withdrawn, restored, moved or replaced, and about patches that are sent again.

use super::layers::{resting_on, stored_layer};
use super::{stored, stored_on};
use crate::builders::{facts, feature, filing, finding, key, layer, month, only, patch, patch_at, reject, square};
use std::collections::BTreeSet;
use std::time::Duration;
use tuban::scope::Scope;
use tuban::store::{Filter, Store, StoreError, StoredPatch, SurveyKey, Thing, Unasked};
use tuban_engine::model::{Decision, Event, Finding, Flag, LayerKind, Level, NewSurvey, OnConflict, Patch, Survey, Verdict};
use tuban_geom::Outline;

const ALL: Unasked = Unasked { verdicts_go: true, sent_again: true };

fn by(name: &str, reason: &str) -> Decision {
    Decision { by: Some(name.to_owned()), reason: Some(reason.to_owned()) }
}

fn all() -> Filter {
    Filter { limit: 1000, ..Filter::of(Scope::all()) }
}

/// Everything that asks for patches in one way or another.
fn questions() -> Vec<Filter> {
    let bounds = Some(square(118.0, 35.0, 2.0).bounds());
    let county = Some("371302".to_owned());
    vec![
        all(),
        Filter { county: county.clone(), ..all() },
        Filter { range: Some(only("2022-04")), ..all() },
        Filter { range: Some(only("2022-04")), county, bounds, ..all() },
        Filter { bounds, ..all() },
        Filter { patch_id: Some("1".to_owned()), ..all() },
        Filter { survey: Some(1), ..all() },
    ]
}

async fn replaced(store: &dyn Store, key: &SurveyKey, patches: Vec<Patch>, unasked: Unasked) -> Result<Survey, StoreError> {
    taken(store, key, OnConflict::Replace, patches, unasked).await
}

async fn taken(store: &dyn Store, key: &SurveyKey, on_conflict: OnConflict, patches: Vec<Patch>, unasked: Unasked) -> Result<Survey, StoreError> {
    let mut writer = store.begin_survey(key.clone(), on_conflict).await?;
    writer.refuse(unasked);
    let facts = NewSurvey { patches: patches.len() as u64, ..facts(key) };
    writer.push(patches.into_iter().map(|patch| (patch, finding(Some("371302")))).collect()).await?;
    writer.commit(facts).await
}

async fn patches_of(store: &dyn Store, survey: i64) -> Vec<StoredPatch> {
    store.patches(&Filter { survey: Some(survey), ..all() }).await.unwrap()
}

fn not_found<T>(answer: &Result<T, StoreError>) -> bool {
    matches!(answer, Err(StoreError::NotFound { .. }))
}

pub(super) async fn a_withdrawn_survey_is_nowhere_but_among_the_withdrawn(store: &dyn Store) {
    let under = stored_layer(store, layer(LayerKind::Farmland, "2022-01-01"), vec![feature(1, 118.0, 35.0)]).await;
    let april = key("2022-04", "x");
    let mut writer = store.begin_survey(april.clone(), OnConflict::Reject).await.unwrap();
    let two = vec![(patch("1"), finding(Some("371302"))), (patch("2"), finding(None))];
    let resting = super::on(&mut *writer, two, &resting_on(&under)).await;
    writer.push(resting).await.unwrap();
    writer.push_rejects(vec![reject(7)]).await.unwrap();
    let survey = writer.commit(NewSurvey { patches: 2, ..facts(&april) }).await.unwrap();
    store.file_verdicts(&Scope::all(), None, &[filing("1", Verdict::Legal)]).await.unwrap();
    let patches = patches_of(store, survey.id).await;
    let revision = store.revision().await.unwrap();

    store.withdraw(survey.id, &by("王五", "选错了月份")).await.unwrap();
    assert!(store.revision().await.unwrap() > revision, "maps and caches hear of it");
    assert_eq!(store.surveys(&Scope::all()).await.unwrap(), []);
    assert!(
        not_found(&store.survey(&Scope::all(), survey.id).await)
            && not_found(&store.provenance(survey.id).await)
            && not_found(&store.rejects(survey.id, 0, 9).await)
    );
    for query in questions() {
        assert_eq!((store.patches(&query).await.unwrap().len(), store.count_patches(&query).await.unwrap()), (0, 0), "{query:?}");
        assert_eq!(store.patch_marks(&query, true).await.unwrap(), [], "{query:?}");
    }
    assert!(not_found(&store.patch(&Scope::all(), patches[0].id).await));
    let summed = store.summed(&Scope::all(), Some(only("2022-04"))).await.unwrap();
    assert!(summed.totals.is_empty() && summed.provenance.is_empty() && summed.straddling.is_empty());
    assert_eq!(store.file_verdicts(&Scope::all(), None, &[filing("2", Verdict::Other)]).await.unwrap().unknown, ["2"]);
    assert!(not_found(&store.file_verdicts(&Scope::all(), Some(survey.id), &[filing("2", Verdict::Other)]).await));
    assert!(not_found(&store.begin_reclassification(survey.id).await.map(drop)));
    assert!(matches!(store.remove_layer(under.id).await, Err(StoreError::LayerInUse { .. })), "it may yet be restored");
    assert!(not_found(&store.withdraw(survey.id, &Decision::default()).await), "twice");
    assert!(not_found(&store.move_survey(survey.id, (month("2022-05"), Level::City), &Decision::default()).await));

    let withdrawn = store.withdrawn().await.unwrap();
    assert_eq!((withdrawn.len(), withdrawn[0].survey.id, withdrawn[0].confirmed), (1, survey.id, 1));
    assert_eq!(withdrawn[0].survey.facts.period, month("2022-04"));
    let event = withdrawn[0].event.clone().unwrap();
    assert_eq!((event.event, event.decision, &event.details["confirmed"]), (Event::Withdrawn, by("王五", "选错了月份"), &serde_json::json!(1)));
}

pub(super) async fn what_is_restored_is_what_it_was(store: &dyn Store) {
    let april = key("2022-04", "x");
    let survey = stored(store, &april, vec![(patch("1"), finding(Some("371302"))), (patch_at("2", 118.4, 35.0), finding(None))]).await;
    store.file_verdicts(&Scope::all(), None, &[filing("1", Verdict::Illegal)]).await.unwrap();
    let (patches, totals) = (patches_of(store, survey.id).await, store.totals(&Scope::all(), only("2022-04")).await.unwrap());
    store.withdraw(survey.id, &Decision::default()).await.unwrap();
    // The same upload may come again meanwhile, for another month.
    let may = taken(store, &SurveyKey { period: month("2022-05"), ..april.clone() }, OnConflict::Reject, vec![patch("1")], ALL).await.unwrap();
    assert!(not_found(&store.restore(may.id, &Decision::default()).await), "it counts");
    assert_eq!(store.restore(survey.id, &by("王五", "没有选错")).await.unwrap(), survey);
    assert_eq!((patches_of(store, survey.id).await, store.totals(&Scope::all(), only("2022-04")).await.unwrap()), (patches, totals));
    assert_eq!((store.survey(&Scope::all(), survey.id).await.unwrap(), store.withdrawn().await.unwrap()), (survey.clone(), vec![]));
    assert!(
        matches!(store.begin_survey(april, OnConflict::Add).await.map(drop), Err(StoreError::AlreadyStored(there)) if *there == survey),
        "it has its key again"
    );
    let history = store.history(survey.id).await.unwrap();
    assert_eq!(history.iter().map(|event| event.event).collect::<Vec<_>>(), [Event::Withdrawn, Event::Restored]);
    assert_eq!(history[1].decision, by("王五", "没有选错"));
}

pub(super) async fn a_place_that_was_filled_meanwhile_is_named_with_both(store: &dyn Store) {
    let april = key("2022-04", "x");
    let first = stored(store, &april, vec![(patch("1"), finding(None))]).await;
    store.withdraw(first.id, &Decision::default()).await.unwrap();
    let second = taken(store, &april, OnConflict::Reject, vec![patch("1")], ALL).await.unwrap();
    assert!(second.id > first.id, "the very same upload is another survey now");
    match store.restore(first.id, &Decision::default()).await {
        Err(StoreError::PeriodTaken { period, level, survey, existing }) => {
            assert_eq!((period, level, survey, existing), (month("2022-04"), Level::City, first.id, second.id));
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(store.surveys(&Scope::all()).await.unwrap(), [second.clone()]);
    store.withdraw(second.id, &Decision::default()).await.unwrap();
    store.restore(first.id, &Decision::default()).await.unwrap();
    assert_eq!(store.withdrawn().await.unwrap().iter().map(|one| one.survey.id).collect::<Vec<_>>(), [second.id]);
}

pub(super) async fn a_survey_moves_to_its_period_with_the_days_that_the_period_stands_for(store: &dyn Store) {
    let unclear = Finding { flags: vec![Flag::DatesUnclear], ..finding(Some("371302")) };
    let days = tuban_engine::model::Days { before: "2022-10-01".parse().unwrap(), after: "2022-10-31".parse().unwrap(), unclear: true };
    let patches = vec![(patch("said"), finding(None)), (Patch { days, ..patch_at("unsaid", 118.5, 35.0) }, unclear)];
    let survey = stored(store, &key("2022-10", "x"), patches).await;
    let taken_by = stored(store, &key("2022-05", "y"), vec![]).await;
    store.file_verdicts(&Scope::all(), None, &[filing("said", Verdict::Legal)]).await.unwrap();
    let refused = store.move_survey(survey.id, (month("2022-05"), Level::City), &Decision::default()).await;
    assert!(matches!(refused, Err(StoreError::PeriodTaken { existing, .. }) if existing == taken_by.id));

    let moved = store.move_survey(survey.id, (month("2022-06"), Level::Ministry), &by("李四", "其实是六月")).await.unwrap();
    assert_eq!((moved.survey.facts.period, moved.survey.facts.level, moved.days_changed), (month("2022-06"), Level::Ministry, 1));
    assert_eq!(moved.survey, store.survey(&Scope::all(), survey.id).await.unwrap());
    assert_eq!(store.totals(&Scope::all(), only("2022-10")).await.unwrap(), []);
    assert_eq!(store.totals(&Scope::all(), only("2022-06")).await.unwrap().iter().map(|county| county.legal.patches).sum::<u64>(), 1, "verdicts go with it");
    let now = patches_of(store, survey.id).await;
    assert_eq!(now[0].patch.days, patch("said").days, "what the file says stays");
    // Oracle: the calendar.
    assert_eq!((now[1].patch.days.before.to_string(), now[1].patch.days.after.to_string()), ("2022-06-01".to_owned(), "2022-06-30".to_owned()));
    let history = store.history(survey.id).await.unwrap();
    assert_eq!(
        (history.len(), history[0].event, &history[0].details["from"], &history[0].details["to"]),
        (1, Event::Moved, &"2022-10".into(), &"2022-06".into())
    );
    // The same upload is recognised where it is now, and not where it was.
    let there = SurveyKey { level: Level::Ministry, ..key("2022-06", "x") };
    assert!(matches!(store.begin_survey(there, OnConflict::Reject).await.map(drop), Err(StoreError::AlreadyStored(_))));
    assert!(store.begin_survey(key("2022-10", "x"), OnConflict::Reject).await.is_ok());
}

pub(super) async fn what_was_withdrawn_long_ago_is_removed_for_good(store: &dyn Store) {
    let under = stored_layer(store, layer(LayerKind::Farmland, "2022-01-01"), vec![feature(1, 118.0, 35.0)]).await;
    let gone = stored_on(store, &key("2022-04", "x"), vec![(patch("1"), finding(Some("371302")))], &resting_on(&under)).await;
    let stays = stored(store, &key("2022-05", "x"), vec![(patch("2"), finding(None))]).await;
    store.file_verdicts(&Scope::all(), None, &[filing("1", Verdict::Legal)]).await.unwrap();
    store.withdraw(gone.id, &Decision::default()).await.unwrap();
    assert_eq!(store.remove_withdrawn(Duration::from_hours(1)).await.unwrap(), 0, "it was withdrawn a moment ago");
    tokio::time::sleep(Duration::from_millis(5)).await;
    assert_eq!(store.remove_withdrawn(Duration::ZERO).await.unwrap(), 1);
    assert_eq!((store.withdrawn().await.unwrap(), store.surveys(&Scope::all()).await.unwrap()), (vec![], vec![stays]));
    assert!(not_found(&store.restore(gone.id, &Decision::default()).await));
    assert_eq!(store.confirmed(gone.id).await.unwrap(), 0);
    let history = store.history(gone.id).await.unwrap();
    assert_eq!(history.iter().map(|event| event.event).collect::<Vec<_>>(), [Event::Withdrawn, Event::Removed], "what became of it stays known");
    store.remove_layer(under.id).await.unwrap();
}

pub(super) async fn a_replacement_keeps_number_and_verdict_of_what_did_not_change(store: &dyn Store) {
    let april = key("2022-04", "one");
    let before = vec![patch("same"), patch_at("moved", 118.4, 35.0), patch_at("gone", 118.5, 35.0), patch_at("turned", 118.6, 35.0)];
    let old = stored(store, &april, before.into_iter().map(|patch| (patch, finding(Some("371302")))).collect()).await;
    let later = stored(store, &key("2022-05", "may"), vec![(patch_at("of May", 118.7, 35.0), finding(Some("371302")))]).await;
    store.file_verdicts(&Scope::all(), Some(old.id), &["same", "turned"].map(|id| filing(id, Verdict::Legal))).await.unwrap();
    let was = patches_of(store, old.id).await;
    let number = |patches: &[StoredPatch], id: &str| patches.iter().find(|one| one.patch.patch_id == id).map(|one| one.id);

    // The ring of one begins elsewhere and runs the other way; another county answers for all.
    let turned = Outline::polygon(&[[[118.601, 35.001], [118.601, 35.0], [118.6, 35.0], [118.6, 35.001], [118.601, 35.001]]]);
    let after = vec![
        patch_at("moved", 118.41, 35.0),
        Patch { attributes: r#"{"BZ":"fixed"}"#.to_owned(), ..patch("same") },
        Patch { degrees: turned, ..patch("turned") },
        patch_at("new", 118.8, 35.0),
    ];
    let mut writer = store.begin_survey(key("2022-04", "two"), OnConflict::Replace).await.unwrap();
    writer.refuse(ALL);
    writer.push(after.into_iter().map(|patch| (patch, finding(Some("371311")))).collect()).await.unwrap();
    let new = writer.commit(NewSurvey { patches: 4, ..facts(&key("2022-04", "two")) }).await.unwrap();

    let now = patches_of(store, new.id).await;
    assert_eq!(now.iter().map(|one| one.patch.patch_id.as_str()).collect::<BTreeSet<_>>(), ["moved", "same", "turned", "new"].into());
    for id in ["same", "turned"] {
        assert_eq!(number(&now, id), number(&was, id), "{id}");
        let kept = store.patch(&Scope::all(), number(&was, id).unwrap()).await.unwrap();
        assert_eq!((kept.survey_id, kept.filing.unwrap().verdict), (new.id, Verdict::Legal), "{id}");
    }
    assert!(
        number(&now, "moved") > number(&was, "turned") && not_found(&store.patch(&Scope::all(), number(&was, "moved").unwrap()).await),
        "a link leads to no other patch"
    );
    let same = store.patch(&Scope::all(), number(&was, "same").unwrap()).await.unwrap();
    assert_eq!((same.patch.attributes.as_str(), same.finding.county_code.as_deref()), (r#"{"BZ":"fixed"}"#, Some("371311")), "the rest is the new file's");
    let legal: Vec<_> = store.totals(&Scope::all(), only("2022-04")).await.unwrap().into_iter().filter(|county| county.legal.patches > 0).collect();
    assert_eq!((legal.len(), legal[0].county_code.as_deref(), legal[0].legal.patches), (1, Some("371311"), 2));
    assert_eq!(store.surveys(&Scope::all()).await.unwrap(), [later, new.clone()]);
    let told = store.history(new.id).await.unwrap();
    assert_eq!((told[0].event, &told[0].details["patches_kept"], &told[0].details["verdicts_kept"]), (Event::Replaces, &2.into(), &2.into()));

    // What was replaced is withdrawn as it was, and restored under its own numbers.
    let withdrawn = store.withdrawn().await.unwrap();
    assert_eq!((withdrawn.len(), withdrawn[0].survey.id, withdrawn[0].confirmed), (1, old.id, 2));
    assert_eq!(withdrawn[0].event.as_ref().unwrap().event, Event::Replaced);
    assert!(matches!(store.restore(old.id, &Decision::default()).await, Err(StoreError::PeriodTaken { existing, .. }) if existing == new.id));
    store.withdraw(new.id, &Decision::default()).await.unwrap();
    assert_eq!(store.restore(old.id, &Decision::default()).await.unwrap(), old);
    let mut again = patches_of(store, old.id).await;
    again.sort_by_key(|one| was.iter().position(|before| before.patch.patch_id == one.patch.patch_id));
    assert_eq!(again, was);
    assert_eq!(store.patch(&Scope::all(), was[0].id).await.unwrap(), was[0]);
}

pub(super) async fn numbers_of_replaced_patches_go_on_where_both_surveys_count(store: &dyn Store) {
    let (one, two) = (key("2022-04", "one"), key("2022-04", "two"));
    let patches = || ["a", "b"].map(patch).to_vec();
    let old = taken(store, &one, OnConflict::Reject, patches(), ALL).await.unwrap();
    store.file_verdicts(&Scope::all(), Some(old.id), &[filing("a", Verdict::Legal)]).await.unwrap();
    let new = replaced(store, &two, patches(), ALL).await.unwrap();
    let numbers = |patches: &[StoredPatch]| patches.iter().map(|patch| patch.id).collect::<BTreeSet<_>>();
    let went_on = patches_of(store, new.id).await;
    store.file_verdicts(&Scope::all(), Some(new.id), &[filing("a", Verdict::Illegal)]).await.unwrap();

    // The new survey was of May; so the old one is that of April after all. Both have a patch “a”, and a link leads to one of them.
    store.move_survey(new.id, (month("2022-05"), Level::City), &Decision::default()).await.unwrap();
    store.restore(old.id, &Decision::default()).await.unwrap();
    let restored = patches_of(store, old.id).await;
    assert!(numbers(&went_on).is_disjoint(&numbers(&restored)), "{went_on:?} {restored:?}");
    assert_eq!(numbers(&patches_of(store, new.id).await), numbers(&went_on), "they keep theirs");
    for (survey, patches, verdict) in [(old.id, &restored, Verdict::Legal), (new.id, &went_on, Verdict::Illegal)] {
        for one in patches {
            let found = store.patch(&Scope::all(), one.id).await.unwrap();
            let filed = (one.patch.patch_id == "a").then_some(verdict);
            assert_eq!(
                (found.survey_id, found.patch.patch_id.as_str(), found.filing.map(|filing| filing.verdict)),
                (survey, one.patch.patch_id.as_str(), filed)
            );
        }
    }

    // Replaced once more, and then once more again: links go on through both.
    let third = replaced(store, &key("2022-04", "three"), patches(), Unasked::default()).await.unwrap();
    let fourth = replaced(store, &key("2022-04", "four"), patches(), Unasked::default()).await.unwrap();
    assert_eq!(numbers(&patches_of(store, fourth.id).await), numbers(&restored));
    assert_eq!(store.patch(&Scope::all(), restored[0].id).await.unwrap().survey_id, fourth.id);
    let confirmed = |withdrawn: Vec<tuban::store::Withdrawn>| withdrawn.iter().map(|one| (one.survey.id, one.confirmed)).collect::<Vec<_>>();
    assert_eq!(confirmed(store.withdrawn().await.unwrap()), [(third.id, 1), (old.id, 1)]);
}

pub(super) async fn a_verdict_that_is_filed_while_its_survey_is_replaced_goes_on(store: &dyn Store) {
    let ids = ["a", "b", "c"];
    let patches = || ids.into_iter().enumerate().map(|(n, id)| patch_at(id, 118.3 + 0.01 * n as f64, 35.0));
    let old = taken(store, &key("2022-04", "one"), OnConflict::Reject, patches().collect(), ALL).await.unwrap();
    store.file_verdicts(&Scope::all(), Some(old.id), &[filing("a", Verdict::Legal), filing("b", Verdict::Legal)]).await.unwrap();

    let new = key("2022-04", "two");
    let mut writer = store.begin_survey(new.clone(), OnConflict::Replace).await.unwrap();
    writer.push(patches().map(|patch| (patch, finding(Some("371311")))).collect()).await.unwrap();
    writer.own_places().await.unwrap();
    // Numbers and verdicts are taken over, and then it is not published: another survey came since it was looked for shared ground.
    stored(store, &key("2022-05", "may"), vec![(patch_at("of May", 118.7, 35.0), finding(Some("371302")))]).await;
    let facts = NewSurvey { patches: 3, ..facts(&new) };
    assert_eq!(writer.publish(&facts).await.unwrap(), None);
    store.file_verdicts(&Scope::all(), Some(old.id), &[filing("b", Verdict::Illegal), filing("c", Verdict::Other)]).await.unwrap();
    writer.own_places().await.unwrap();
    let new = writer.publish(&facts).await.unwrap().unwrap();

    let filed =
        |patches: Vec<StoredPatch>| patches.into_iter().map(|one| (one.patch.patch_id, one.filing.map(|filing| filing.verdict))).collect::<BTreeSet<_>>();
    let told = [("a", Verdict::Legal), ("b", Verdict::Illegal), ("c", Verdict::Other)].map(|(id, verdict)| (id.to_owned(), Some(verdict)));
    assert_eq!(filed(patches_of(store, new.id).await), told.into());
    let sums = store.totals(&Scope::all(), only("2022-04")).await.unwrap();
    assert_eq!((sums.len(), sums[0].legal.patches, sums[0].illegal.patches, sums[0].other.patches, sums[0].pending.patches), (1, 1, 1, 1, 0));
}

pub(super) async fn what_was_taken_over_in_a_publication_that_was_undone_is_taken_over_again(store: &dyn Store) {
    let ids = ["a", "b"];
    let patches = || ids.into_iter().enumerate().map(|(n, id)| patch_at(id, 118.3 + 0.01 * n as f64, 35.0));
    let old = taken(store, &key("2022-04", "one"), OnConflict::Reject, patches().collect(), ALL).await.unwrap();
    store.file_verdicts(&Scope::all(), Some(old.id), &[filing("a", Verdict::Illegal)]).await.unwrap();
    let numbers = |patches: &[StoredPatch]| patches.iter().map(|one| (one.patch.patch_id.clone(), one.id)).collect::<BTreeSet<_>>();
    let was = numbers(&patches_of(store, old.id).await);

    let new = key("2022-04", "two");
    let mut writer = store.begin_survey(new.clone(), OnConflict::Replace).await.unwrap();
    writer.push(patches().map(|patch| (patch, finding(Some("371311")))).collect()).await.unwrap();
    writer.own_places().await.unwrap();
    stored(store, &key("2022-05", "may"), vec![(patch_at("of May", 118.7, 35.0), finding(Some("371302")))]).await;
    // Under the lock numbers and verdicts are taken over in the transaction that publishes; the look at shared ground is too old, and it is undone.
    writer.stop_others().await.unwrap();
    let facts = NewSurvey { patches: 2, ..facts(&new) };
    assert_eq!(writer.publish(&facts).await.unwrap(), None);
    writer.own_places().await.unwrap();
    let new = writer.publish(&facts).await.unwrap().unwrap();

    let now = patches_of(store, new.id).await;
    assert_eq!(numbers(&now), was);
    let filed = now.iter().filter_map(|one| one.filing.as_ref().map(|filing| (one.patch.patch_id.as_str(), filing.verdict))).collect::<Vec<_>>();
    assert_eq!(filed, [("a", Verdict::Illegal)]);
    assert_eq!(store.totals(&Scope::all(), only("2022-04")).await.unwrap()[0].illegal.patches, 1);
}

pub(super) async fn verdicts_that_would_go_are_asked_about_and_nothing_is_done(store: &dyn Store) {
    let april = key("2022-04", "one");
    let before = ["a", "b", "c"].into_iter().enumerate().map(|(n, id)| (patch_at(id, 118.3 + 0.01 * n as f64, 35.0), finding(Some("371302"))));
    let old = stored(store, &april, before.collect()).await;
    store.file_verdicts(&Scope::all(), None, &["a", "b"].map(|id| filing(id, Verdict::Illegal))).await.unwrap();
    let was = patches_of(store, old.id).await;
    let without_b = || vec![patch_at("a", 118.3, 35.0), patch_at("c", 118.32, 35.0)];
    match replaced(store, &key("2022-04", "two"), without_b(), ALL).await {
        Err(StoreError::VerdictsWouldGo { surveys, verdicts, kept, patches }) => assert_eq!((surveys, verdicts, kept, patches), (vec![old.id], 1, 1, 2)),
        other => panic!("{other:?}"),
    }
    assert_eq!((store.surveys(&Scope::all()).await.unwrap(), patches_of(store, old.id).await), (vec![old.clone()], was));
    assert_eq!((store.withdrawn().await.unwrap(), store.history(old.id).await.unwrap()), (vec![], vec![]));
    // Said so, it is done; and where none would go nobody is asked.
    let new = replaced(store, &key("2022-04", "two"), without_b(), Unasked { verdicts_go: false, ..ALL }).await.unwrap();
    let kept: Vec<_> = patches_of(store, new.id).await.into_iter().filter_map(|one| one.filing).map(|filing| filing.patch_id).collect();
    assert_eq!(kept, ["a"]);
    replaced(store, &key("2022-04", "three"), vec![patch_at("a", 118.3, 35.0)], ALL).await.unwrap();
}

pub(super) async fn a_replacement_takes_the_place_of_all_surveys_there_its_own_twin_included(store: &dyn Store) {
    let (one, two) = (key("2022-04", "one"), key("2022-04", "two"));
    let first = stored(store, &one, vec![(patch("1"), finding(None))]).await;
    let second = stored(store, &two, vec![(patch_at("2", 118.4, 35.0), finding(None))]).await;
    let number = patches_of(store, first.id).await[0].id;
    let alone = replaced(store, &one, vec![patch("1")], ALL).await.unwrap();
    assert!(alone.id > second.id);
    assert_eq!((store.surveys(&Scope::all()).await.unwrap(), patches_of(store, alone.id).await[0].id), (vec![alone.clone()], number));
    // Standing alone it is there already.
    assert!(matches!(replaced(store, &one, vec![patch("1")], ALL).await, Err(StoreError::AlreadyStored(there)) if *there == alone));
}

pub(super) async fn patches_sent_again_are_asked_about(store: &dyn Store) {
    let june = stored(store, &key("2022-06", "x"), ["a", "b", "c"].map(|id| (patch(id), finding(None))).to_vec()).await;
    let same = || vec![patch("a"), patch("b"), patch_at("c", 118.4, 35.0), patch_at("d", 118.5, 35.0)];
    for (key, on_conflict) in [
        (key("2022-10", "y"), OnConflict::Reject),
        (key("2022-06", "y"), OnConflict::Add),
        (SurveyKey { level: Level::Ministry, ..key("2022-06", "x") }, OnConflict::Reject),
    ] {
        match taken(store, &key, on_conflict, same(), ALL).await {
            Err(StoreError::SentBefore { survey, period, same, patches, .. }) => {
                assert_eq!((survey, period, same, patches), (june.id, month("2022-06"), 2, 4), "c has another outline, d is new");
            }
            other => panic!("{key:?}: {other:?}"),
        }
        assert_eq!(store.surveys(&Scope::all()).await.unwrap(), [june.clone()]);
    }
    taken(store, &key("2022-07", "z"), OnConflict::Reject, vec![patch_at("a", 118.4, 35.0), patch("e")], ALL).await.unwrap();
    taken(store, &key("2022-10", "y"), OnConflict::Reject, same(), Unasked { sent_again: false, ..ALL }).await.unwrap();
    // What was withdrawn was not sent.
    store.withdraw(june.id, &Decision::default()).await.unwrap();
    taken(store, &key("2022-08", "x"), OnConflict::Reject, vec![patch("c")], ALL).await.unwrap();
}

pub(super) async fn pages_follow_each_other_through_surveys_with_numbers_of_others(store: &dyn Store) {
    let april: Vec<_> = (0..7).map(|n| patch_at(&format!("a{n}"), 118.3 + 0.01 * f64::from(n), 35.0)).collect();
    stored(store, &key("2022-04", "one"), april.iter().cloned().map(|patch| (patch, finding(Some("371302")))).collect()).await;
    stored(store, &key("2022-05", "may"), (0..5).map(|n| (patch_at(&format!("m{n}"), 118.3, 35.2 + 0.01 * f64::from(n)), finding(Some("371302")))).collect())
        .await;
    replaced(store, &key("2022-04", "two"), april[2..].iter().cloned().chain([patch_at("new", 118.9, 35.0)]).collect(), ALL).await.unwrap();
    let whole_year = tuban_engine::model::PeriodRange::new(month("2022-04"), Some(month("2022-05"))).unwrap();
    for query in [
        Filter { limit: 3, ..all() },
        Filter { limit: 2, range: Some(whole_year), ..all() },
        Filter { limit: 3, county: Some("371302".to_owned()), ..all() },
        Filter { limit: 4, bounds: Some(square(118.0, 35.0, 1.0).bounds()), ..all() },
    ] {
        let (mut seen, mut query) = (Vec::new(), query);
        loop {
            let page = store.patches(&query).await.unwrap();
            let Some(last) = page.last() else { break };
            query.after = last.place();
            seen.extend(page.iter().map(StoredPatch::place));
        }
        assert!(seen.len() == 11 && seen.is_sorted_by(|one, next| one < next), "{query:?} {seen:?}");
    }
}

pub(super) async fn a_replacement_that_fails_leaves_what_was_there(store: &dyn Store) {
    let old = stored(store, &key("2022-04", "one"), vec![(patch("1"), finding(Some("371302")))]).await;
    store.file_verdicts(&Scope::all(), None, &[filing("1", Verdict::Legal)]).await.unwrap();
    let was = patches_of(store, old.id).await;
    let mut writer = store.begin_survey(key("2022-04", "two"), OnConflict::Replace).await.unwrap();
    writer.push(vec![(patch("1"), finding(Some("371311")))]).await.unwrap();
    drop(writer);
    assert_eq!((store.surveys(&Scope::all()).await.unwrap(), patches_of(store, old.id).await), (vec![old], was));
    assert!(matches!(store.survey(&Scope::all(), 99).await, Err(StoreError::NotFound { what: Thing::Survey, .. })));
}
