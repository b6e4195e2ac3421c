//! Promises about who is asking: a scope of counties sees what is theirs, and nothing else changes what it sees.
//!
//! The oracle is brute force: what *all* is answered, cut down here to the counties of the scope.

use super::stored;
use crate::builders::{filing, finding, key, only, patch_at, square};
use tuban::scope::Scope;
use tuban::store::{Fate, Filter, NewFiling, PatchPosition, Signing, Store, StoreError, StoredPatch, Thing, VerdictFilter};
use tuban_engine::model::{Decision, Filing, Finding, Patch, Provenance, Survey, Verdict};

const A: &str = "371302";
const B: &str = "371311";
const C: &str = "371312";

/// The scope of these counties.
fn of(codes: &[&str]) -> Scope {
    Scope::of_counties(codes.iter().map(|code| code.parse().unwrap()))
}

fn all() -> Filter {
    Filter { limit: 10_000, ..Filter::of(Scope::all()) }
}

/// Patches of a survey in three counties and in none, one after the other, in rows along one border.
fn findings(named: &str, patches: usize) -> Vec<(Patch, Finding)> {
    let county = |n: usize| [Some(A), Some(B), Some(C), None, Some(A)][n % 5];
    (0..patches).map(|n| (patch_at(&format!("{named}{n}"), 118.3 + 0.002 * (n % 7) as f64, 35.0 + 0.002 * (n / 7) as f64), finding(county(n)))).collect()
}

/// Judges the patches of a survey again: the county is the one that `moved` answers for each.
async fn judge_anew(store: &dyn Store, survey: &Survey, moved: impl Fn(&StoredPatch) -> Option<String>) {
    let before = store.patches(&Filter { survey: Some(survey.id), ..all() }).await.unwrap();
    let mut writer = store.begin_reclassification(survey.id).await.unwrap();
    let layer_set = writer.layer_set(&Provenance { layers: Vec::new(), rule: "2022-2".to_owned() }, [118.0, 35.0]).await.unwrap();
    let again = |stored: &StoredPatch| (stored.key, Finding { county_code: moved(stored), layer_set, ..stored.finding.clone() });
    writer.push(before.iter().map(again).collect()).await.unwrap();
    writer.keep_former(before.iter().map(|stored| (stored.id, stored.finding.clone())).collect(), None).await.unwrap();
    writer.commit(survey.facts.clone()).await.unwrap();
}

/// April, May and June; verdicts; a patch that moved from A to B and one that moved from B to A, and a survey that was withdrawn.
async fn city(store: &dyn Store) -> Vec<Survey> {
    let april = stored(store, &key("2022-04", "april"), findings("a", 40)).await;
    let may = stored(store, &key("2022-05", "may"), findings("m", 33)).await;
    let june = stored(store, &key("2022-06", "june"), findings("j", 5)).await;
    let filed: Vec<Filing> =
        [("a0", Verdict::Legal), ("a1", Verdict::Illegal), ("a2", Verdict::Other), ("a5", Verdict::Doubtful)].map(|(id, verdict)| filing(id, verdict)).to_vec();
    assert_eq!(store.file_verdicts(&Scope::all(), Some(april.id), &filed).await.unwrap().recorded, 4);
    judge_anew(store, &april, |stored| match stored.patch.patch_id.as_str() {
        "a0" => Some(B.to_owned()),
        "a1" => Some(A.to_owned()),
        _ => stored.finding.county_code.clone(),
    })
    .await;
    store.withdraw(june.id, &Decision::default()).await.unwrap();
    vec![april, may]
}

fn cut(found: &[StoredPatch], scope: &Scope) -> Vec<StoredPatch> {
    found.iter().filter(|stored| scope.has(stored.finding.county_code.as_deref())).cloned().collect()
}

pub(super) async fn a_scope_sees_the_patches_of_its_counties_whatever_is_asked(store: &dyn Store) {
    let surveys = city(store).await;
    let bounds = Some(square(118.301, 35.0, 0.004).bounds());
    let questions = [
        all(),
        Filter { survey: Some(surveys[0].id), ..all() },
        Filter { range: Some(only("2022-05")), ..all() },
        Filter { county: Some(A.to_owned()), ..all() },
        Filter { county: Some(B.to_owned()), range: Some(only("2022-04")), ..all() },
        Filter { county: Some(B.to_owned()), survey: Some(surveys[1].id), ..all() },
        Filter { bounds, ..all() },
        Filter { bounds, county: Some(C.to_owned()), ..all() },
        Filter { patch_id: Some("a1".to_owned()), ..all() },
        Filter { patch_id: Some("a3".to_owned()), ..all() },
        Filter { verdict: Some(VerdictFilter::Pending), ..all() },
        Filter { verdict: Some(VerdictFilter::Confirmed(Verdict::Illegal)), ..all() },
    ];
    for scope in [of(&[A]), of(&[B, C]), of(&[A, B, C]), of(&["371399"]), of(&[]), Scope::all()] {
        let mut seen = 0;
        for question in &questions {
            let expected = cut(&store.patches(question).await.unwrap(), &scope);
            let asked = Filter { scope: scope.clone(), ..question.clone() };
            assert_eq!(store.patches(&asked).await.unwrap(), expected, "{asked:?}");
            assert_eq!(store.count_patches(&asked).await.unwrap(), expected.len() as u64, "{asked:?}");
            for outlines in [false, true] {
                let ids = |found: &[StoredPatch]| found.iter().map(|stored| stored.id).collect::<Vec<_>>();
                let marks = store.patch_marks(&asked, outlines).await.unwrap();
                let mut known = ids(&expected);
                known.sort_unstable();
                assert_eq!(marks.iter().map(|mark| mark.id).collect::<Vec<_>>(), known, "{asked:?}");
            }
            // Page by page, by the places of its own.
            let (mut paged, mut after) = (Vec::new(), PatchPosition::default());
            loop {
                let page = store.patches(&Filter { after, limit: 4, ..asked.clone() }).await.unwrap();
                let Some(last) = page.last() else { break };
                after = last.place();
                paged.extend(page);
            }
            assert_eq!(paged, expected, "{asked:?}");
            seen += expected.len();
        }
        assert_eq!(seen > 0, scope.has(Some(A)) || scope.has(Some(B)), "{scope:?}");
        for stored in store.patches(&all()).await.unwrap() {
            match store.patch(&scope, stored.id).await {
                Ok(found) => assert!(scope.has(found.finding.county_code.as_deref()) && found == stored),
                Err(error) => {
                    assert!(!scope.has(stored.finding.county_code.as_deref()));
                    // As of one that is not there.
                    assert!(matches!(&error, StoreError::NotFound { what: Thing::Patch, key } if *key == stored.id.to_string()), "{error:?}");
                }
            }
        }
    }
    // The patch that changed its county took its verdict along.
    let moved = store.patches(&Filter { scope: of(&[A]), patch_id: Some("a1".to_owned()), ..all() }).await.unwrap();
    assert_eq!(moved[0].filing.as_ref().map(|filing| filing.verdict), Some(Verdict::Illegal));
}

pub(super) async fn a_patch_out_of_scope_is_filed_like_one_that_is_not_there(store: &dyn Store) {
    stored(store, &key("2022-04", "april"), findings("p", 5)).await;
    // The same ids in another survey, of B alone.
    stored(store, &key("2022-05", "may"), findings("p", 5).into_iter().map(|(patch, _)| (patch, finding(Some(B)))).collect()).await;
    let new = |id: &str| NewFiling { survey: None, filing: filing(id, Verdict::Legal), slack_m2: None };
    let signing = |preview| Signing { by: "张三", preview };
    let revision = store.revision().await.unwrap();
    let asked = ["p0", "p1", "p2", "p3", "none"].map(new);
    for preview in [true, false] {
        let fates = store.file(&of(&[A]), &asked, signing(preview)).await.unwrap();
        assert_eq!(fates, [Fate::New, Fate::Unknown, Fate::Unknown, Fate::Unknown, Fate::Unknown]);
        let fates = store.file(&of(&[A, B]), &asked, signing(preview)).await.unwrap();
        assert_eq!(fates, [Fate::Ambiguous, Fate::Ambiguous, Fate::New, Fate::New, Fate::Unknown]);
    }
    assert_eq!(store.revision().await.unwrap(), revision);
    // What another county has is no ambiguity, and is left alone.
    assert_eq!(store.file(&of(&[A]), &[new("p0"), new("p4")], signing(false)).await.unwrap(), [Fate::New, Fate::New]);
    let filed = store.patches(&Filter { verdict: Some(VerdictFilter::Confirmed(Verdict::Legal)), ..all() }).await.unwrap();
    assert_eq!(
        filed.iter().map(|stored| (stored.patch.patch_id.as_str(), stored.finding.county_code.as_deref())).collect::<Vec<_>>(),
        [("p0", Some(A)), ("p4", Some(A))]
    );
}
