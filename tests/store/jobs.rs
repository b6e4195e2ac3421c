//! Promises about jobs: each is carried out by one node at a time, once, whoever dies or comes back late.

use crate::builders::{facts, feature, finding, key, layer, patch};
use std::collections::BTreeMap;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::AsyncReadExt;
use tuban::scope::Scope;
use tuban::store::{Held, Job, JobFile, JobOutcome, NewJob, NewLayer, Quota, Store, StoreError, SurveyKey};
use tuban_engine::model::{JobKind, JobState, Lane, LayerKind, OnConflict, Progress, Reject, Stage, Survey, Words};

/// Longer than any test.
const LONG: Duration = Duration::from_hours(1);
/// A lease that has run out as soon as it is given.
const OVER: Duration = Duration::ZERO;

async fn queued(store: &dyn Store, id: &str, file: &[u8]) {
    queued_as(store, JobKind::SurveyImport, id, file).await;
}

async fn queued_as(store: &dyn Store, kind: JobKind, id: &str, mut file: &[u8]) {
    let job = NewJob { id: id.to_owned(), kind, parameters: format!(r#"{{"name":"{id}"}}"#) };
    store.enqueue(job, &mut file).await.unwrap();
}

async fn claimed(store: &dyn Store, node: &str, lease: Duration) -> (Job, Held) {
    store.claim(Lane::Writing, node, lease).await.unwrap().expect("a job can be claimed")
}

/// Ends a job that made no file; answers whether it was held.
async fn settled(store: &dyn Store, held: &Held, outcome: JobOutcome) -> bool {
    store.settle(held, outcome, &mut tokio::io::empty()).await.unwrap()
}

fn failed() -> JobOutcome {
    JobOutcome::Failure("{}".to_owned())
}

async fn file_of(store: &dyn Store, job: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    for number in 0.. {
        match store.chunk(job, number).await.unwrap() {
            Some(chunk) => bytes.extend(chunk),
            None => break,
        }
    }
    bytes
}

/// What cannot be read.
struct Breaks;

impl tokio::io::AsyncRead for Breaks {
    fn poll_read(self: Pin<&mut Self>, _: &mut Context<'_>, _: &mut tokio::io::ReadBuf<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Err(std::io::Error::other("the disk fails")))
    }
}

/// Stores a survey of two patches as that job's.
async fn store_as(store: &dyn Store, held: &Held, key: &SurveyKey) -> Result<Survey, StoreError> {
    let mut writer = store.begin_survey(key.clone(), OnConflict::Add).await.unwrap();
    writer.push(vec![(patch("1"), finding(None)), (patch("2"), finding(None))]).await.unwrap();
    writer.only_while(held.clone());
    writer.commit(tuban_engine::model::NewSurvey { patches: 2, ..facts(key) }).await
}

pub(super) async fn a_job_reads_back_with_its_file(store: &dyn Store) {
    let file: Vec<u8> = (0..3_000_000_u32).map(|n| (n % 251) as u8).collect();
    queued(store, "a", &file).await;
    queued(store, "b", b"").await;
    let a = store.job("a").await.unwrap();
    assert_eq!((a.kind, a.parameters.as_str(), a.state, a.progress), (JobKind::SurveyImport, r#"{"name":"a"}"#, JobState::Running, Progress::NONE));
    assert_eq!((a.node, a.token, a.attempts, a.error, a.outcome), (None, 0, 0, None, None));
    assert!(a.created_ms > 0 && (a.started_ms, a.ended_ms) == (None, None));
    assert_eq!((file_of(store, "a").await == file, file_of(store, "b").await), (true, vec![]));
    assert_eq!(store.jobs(9).await.unwrap().iter().map(|job| job.id.as_str()).collect::<Vec<_>>(), ["b", "a"], "newest first");
    assert_eq!(store.jobs(1).await.unwrap().len(), 1);
}

pub(super) async fn a_job_that_is_not_there_is_not_found(store: &dyn Store) {
    assert!(matches!(store.job("x").await, Err(StoreError::NotFound { .. })));
    assert!(store.claim(Lane::Writing, "n", LONG).await.unwrap().is_none());
    assert_eq!(store.chunk("x", 0).await.unwrap(), None);
    let nobody = Held { job: "x".to_owned(), token: 0 };
    assert!(!store.renew(&nobody, LONG, Progress::NONE).await.unwrap());
}

pub(super) async fn each_job_goes_to_one_node_the_oldest_first(store: &dyn Store) {
    for id in ["1", "2", "3", "4", "5", "6", "7", "8"] {
        queued(store, id, b"x").await;
    }
    assert_eq!(claimed(store, "first", OVER).await.0.id, "1");
    let node = |name: String| async move {
        let mut mine = Vec::new();
        loop {
            match store.claim(Lane::Writing, &name, LONG).await.unwrap() {
                Some((job, held)) => {
                    assert!(settled(store, &held, failed()).await);
                    mine.push(job.id);
                }
                // Nothing left, or others hold the rest.
                None if store.jobs(99).await.unwrap().iter().all(|job| job.state != JobState::Running) => return mine,
                None => tokio::task::yield_now().await,
            }
        }
    };
    let mut done = futures_util::future::join_all((0..4).map(|n| node(n.to_string()))).await.concat();
    done.sort();
    assert_eq!(done, ["1", "2", "3", "4", "5", "6", "7", "8"]);
}

pub(super) async fn a_job_is_claimed_by_another_node_only_after_its_lease(store: &dyn Store) {
    queued(store, "a", b"x").await;
    let (job, held) = claimed(store, "first", LONG).await;
    assert_eq!((job.node.as_deref(), job.token, job.attempts), (Some("first"), 1, 1));
    assert!(store.claim(Lane::Writing, "second", LONG).await.unwrap().is_none());
    assert!(store.renew(&held, OVER, Progress::NONE).await.unwrap());
    let (job, second) = claimed(store, "second", LONG).await;
    assert_eq!((job.node.as_deref(), second.token > held.token, job.attempts), (Some("second"), true, 2));
}

pub(super) async fn progress_is_seen_and_the_lease_prolonged(store: &dyn Store) {
    queued(store, "a", b"x").await;
    let (_, held) = claimed(store, "n", OVER).await;
    let far = Progress { stage: Stage::Classifying, done: 1200, total: Some(5000) };
    assert!(store.renew(&held, LONG, far).await.unwrap());
    assert_eq!(store.job("a").await.unwrap().progress, far);
    assert!(store.claim(Lane::Writing, "other", LONG).await.unwrap().is_none());
}

pub(super) async fn a_stale_fencing_token_changes_nothing(store: &dyn Store) {
    queued(store, "a", b"x").await;
    let (_, late) = claimed(store, "stalled", OVER).await;
    let (_, held) = claimed(store, "second", LONG).await;
    let before = store.job("a").await.unwrap();
    assert!(!store.renew(&late, LONG, Progress { done: 7, ..Progress::NONE }).await.unwrap());
    assert!(!store.release(&late, OVER, Some("late")).await.unwrap());
    assert!(!settled(store, &late, failed()).await);
    assert!(matches!(store_as(store, &late, &key("2022-04", "x")).await, Err(StoreError::LeaseLost(job)) if job == "a"));
    assert_eq!((store.job("a").await.unwrap(), store.surveys(&Scope::all()).await.unwrap()), (before, vec![]));
    assert_eq!(file_of(store, "a").await, b"x");
    store_as(store, &held, &key("2022-04", "x")).await.unwrap();
}

pub(super) async fn a_survey_and_the_end_of_its_job_become_visible_together(store: &dyn Store) {
    queued(store, "a", b"x").await;
    let (_, held) = claimed(store, "n", LONG).await;
    let mut writer = store.begin_survey(key("2022-04", "x"), OnConflict::Reject).await.unwrap();
    writer.only_while(held.clone());
    drop(writer);
    assert_eq!(store.job("a").await.unwrap().state, JobState::Running, "a writer that is dropped ends nothing");
    let survey = store_as(store, &held, &key("2022-04", "x")).await.unwrap();
    let job = store.job("a").await.unwrap();
    assert_eq!((job.state, job.node.as_deref()), (JobState::Done, Some("n")));
    assert_eq!(job.outcome, Some(JobOutcome::Survey { id: survey.id, was_there: false }));
    assert_eq!(job.progress, Progress { stage: Stage::Storing, done: 2, total: Some(2) });
    assert_eq!(file_of(store, "a").await, b"", "its file is forgotten");
    assert!(store.claim(Lane::Writing, "other", LONG).await.unwrap().is_none());
}

pub(super) async fn a_layer_and_the_end_of_its_job_become_visible_together(store: &dyn Store) {
    let refused = Reject {
        row: 2,
        patch_id: None,
        code: "bad_dlbm".to_owned(),
        reason: Words::new("不是 4 位地类编码", "not a class code"),
        pointer: "/features/1".to_owned(),
        ring: None,
        vertex: None,
    };
    queued_as(store, JobKind::LayerImport, "a", b"x").await;
    let (_, late) = claimed(store, "stalled", OVER).await;
    let (_, held) = claimed(store, "n", LONG).await;
    let store_as = async |held: &Held| {
        let mut writer = store.begin_layer().await.unwrap();
        writer.push(vec![feature(1, 118.0, 35.0)]).await.unwrap();
        writer.only_while(held.clone(), vec![refused.clone()]);
        writer.commit(NewLayer { rejected: 1, ..layer(LayerKind::Farmland, "2022-01-01") }).await
    };
    assert!(matches!(store_as(&late).await, Err(StoreError::LeaseLost(job)) if job == "a"));
    assert_eq!((store.job("a").await.unwrap().state, store.layers().await.unwrap()), (JobState::Running, vec![]));
    let stored = store_as(&held).await.unwrap();
    let job = store.job("a").await.unwrap();
    assert_eq!(job.outcome, Some(JobOutcome::Layer { id: stored.id, rejects: vec![refused.clone()] }));
    assert_eq!((job.state, job.progress.done, job.progress.total), (JobState::Done, 2, Some(2)));
    assert!(matches!(store_as(&held).await, Err(StoreError::LeaseLost(_))), "one layer at most");
    assert_eq!((store.layers().await.unwrap(), file_of(store, "a").await), (vec![stored], vec![]));
}

pub(super) async fn a_job_stores_one_survey_at_most(store: &dyn Store) {
    queued(store, "a", b"x").await;
    let (_, held) = claimed(store, "n", LONG).await;
    let survey = store_as(store, &held, &key("2022-04", "x")).await.unwrap();
    for another in [key("2022-04", "y"), key("2022-05", "x")] {
        assert!(matches!(store_as(store, &held, &another).await, Err(StoreError::LeaseLost(_))));
    }
    assert!(!settled(store, &held, failed()).await);
    assert_eq!(store.surveys(&Scope::all()).await.unwrap(), [survey]);
}

pub(super) async fn a_job_given_back_is_claimed_again_after_the_pause(store: &dyn Store) {
    queued(store, "a", b"x").await;
    let (_, held) = claimed(store, "n", LONG).await;
    assert!(store.renew(&held, LONG, Progress { done: 7, ..Progress::NONE }).await.unwrap());
    assert!(store.release(&held, OVER, None).await.unwrap());
    let job = store.job("a").await.unwrap();
    assert_eq!((job.node, job.attempts, job.error, job.progress), (None, 0, None, Progress::NONE), "handed over in good order, no attempt is counted");
    let (job, held) = claimed(store, "n", LONG).await;
    assert_eq!(job.attempts, 1);
    assert!(store.release(&held, OVER, Some("the disk is full")).await.unwrap());
    let (job, held) = claimed(store, "n", LONG).await;
    assert_eq!((job.attempts, job.error.as_deref()), (2, Some("the disk is full")));
    assert!(store.release(&held, LONG, Some("again")).await.unwrap());
    assert!(store.claim(Lane::Writing, "n", LONG).await.unwrap().is_none(), "not before the pause is over");
    queued(store, "b", b"x").await;
    assert_eq!(claimed(store, "n", LONG).await.0.id, "b", "a pause keeps nobody else waiting");
}

pub(super) async fn what_came_of_a_job_reads_back(store: &dyn Store) {
    let failed = JobOutcome::Failure(r#"{"refused":"文件"}"#.to_owned());
    for (id, outcome, state) in [("a", failed, JobState::Failed), ("b", JobOutcome::Survey { id: 7, was_there: true }, JobState::Done)] {
        queued(store, id, b"x").await;
        let (_, held) = claimed(store, "n", LONG).await;
        assert!(settled(store, &held, outcome.clone()).await);
        let job = store.job(id).await.unwrap();
        assert_eq!((job.state, job.outcome, file_of(store, id).await), (state, Some(outcome), vec![]));
        assert!(job.created_ms <= job.started_ms.unwrap() && job.started_ms <= job.ended_ms, "{:?} {:?}", job.started_ms, job.ended_ms);
    }
}

pub(super) async fn jobs_wait_for_no_other_unless_both_ask_for_the_same(store: &dyn Store) {
    for (id, of) in [("1", "a file"), ("2", "a file"), ("5", "another file")] {
        let job = NewJob { id: id.to_owned(), kind: JobKind::SurveyImport, parameters: format!(r#"{{"of":"{of}"}}"#) };
        store.enqueue(job, &mut &b""[..]).await.unwrap();
    }
    for id in ["3", "4"] {
        queued_as(store, JobKind::Export, id, b"").await;
    }
    let claim = async |lane, node| store.claim(lane, node, LONG).await.unwrap().map(|(job, held)| (job.id, held));
    let (first, held) = claim(Lane::Writing, "one").await.unwrap();
    assert_eq!((first.as_str(), claim(Lane::Writing, "two").await.unwrap().0.as_str()), ("1", "5"), "a long import holds no other up");
    assert_eq!(claim(Lane::Writing, "two").await, None, "the second of two that ask for the same finds what the first has stored");
    assert_eq!(claim(Lane::Reading, "one").await.unwrap().0, "3", "an export does not wait for an import");
    assert_eq!(claim(Lane::Reading, "two").await.unwrap().0, "4", "nor for another export");
    assert!(settled(store, &held, failed()).await);
    assert_eq!(claim(Lane::Writing, "two").await.unwrap().0, "2", "nor an import for an export");
}

pub(super) async fn a_file_and_the_end_of_its_job_become_visible_together(store: &dyn Store) {
    let file: Vec<u8> = (0..3_000_000_u32).map(|n| (n % 251) as u8).collect();
    let facts = JobFile { name: "套合结果.gpkg".to_owned(), media_type: "a/b".to_owned(), bytes: 3_000_000, sha256: "00".to_owned(), features: 7 };
    let outcome = JobOutcome::File(facts);
    queued_as(store, JobKind::Export, "a", b"").await;
    let (_, late) = store.claim(Lane::Reading, "stalled", OVER).await.unwrap().unwrap();
    let (_, held) = store.claim(Lane::Reading, "n", LONG).await.unwrap().unwrap();
    // A disk that fails after two chunks of three.
    let mut breaks = (&file[..2 << 20]).chain(Breaks);
    assert!(store.settle(&held, outcome.clone(), &mut breaks).await.is_err());
    assert_eq!((store.job("a").await.unwrap().state, file_of(store, "a").await), (JobState::Running, vec![]), "half a file is none");
    assert!(!store.settle(&late, outcome.clone(), &mut &b"late"[..]).await.unwrap());
    assert_eq!((store.job("a").await.unwrap().state, file_of(store, "a").await), (JobState::Running, vec![]));
    assert!(store.settle(&held, outcome.clone(), &mut &file[..]).await.unwrap());
    assert_eq!(store.job("a").await.unwrap().outcome, Some(outcome.clone()));
    assert!(file_of(store, "a").await == file);
    for held in [&late, &held] {
        assert!(!store.settle(held, outcome.clone(), &mut &b"again"[..]).await.unwrap(), "it is over");
    }
    assert!(file_of(store, "a").await == file);
}

pub(super) async fn files_that_jobs_made_are_dropped_by_age_and_beyond_a_size_the_oldest_first(store: &dyn Store) {
    for id in ["1", "2", "3", "4"] {
        queued_as(store, JobKind::Export, id, b"").await;
        let (_, held) = store.claim(Lane::Reading, "n", LONG).await.unwrap().unwrap();
        let made = JobFile { name: id.to_owned(), media_type: "a/b".to_owned(), bytes: 10, sha256: "00".to_owned(), features: 1 };
        assert!(store.settle(&held, JobOutcome::File(made), &mut &b"0123456789"[..]).await.unwrap());
        assert_eq!(store.job(id).await.unwrap().file_bytes, Some(10));
    }
    // One that made none, and one whose upload waits: neither is anybody's to drop.
    queued(store, "5", b"x").await;
    let (_, held) = claimed(store, "n", LONG).await;
    assert!(settled(store, &held, failed()).await);
    queued(store, "6", b"upload").await;
    let kept = async || {
        let mut kept = Vec::new();
        for job in store.jobs(9).await.unwrap().into_iter().filter(|job| job.file_bytes.is_some()) {
            assert_eq!(file_of(store, &job.id).await, b"0123456789");
            kept.push(job.id);
        }
        kept.sort();
        kept.join(" ")
    };
    for (kept_for, bytes, left) in [(LONG, 1000, "1 2 3 4"), (LONG, 30, "2 3 4"), (LONG, 11, "3 4"), (LONG, 1, "4"), (OVER, 1000, "")] {
        store.drop_files(kept_for, bytes).await.unwrap();
        assert_eq!(kept().await, left, "{bytes}");
    }
    let job = store.job("4").await.unwrap();
    assert!(matches!(job.outcome, Some(JobOutcome::File(_))), "what it made is still known");
    assert_eq!((file_of(store, "4").await, file_of(store, "6").await), (vec![], b"upload".to_vec()));
}

pub(super) async fn jobs_go_on_while_a_survey_comes_in(store: &dyn Store) {
    let mut writer = store.begin_survey(key("2022-04", "x"), OnConflict::Reject).await.unwrap();
    writer.push(vec![(patch("1"), finding(None))]).await.unwrap();
    let meanwhile = async {
        queued(store, "a", b"x").await;
        let (_, held) = claimed(store, "n", LONG).await;
        assert!(store.renew(&held, LONG, Progress::NONE).await.unwrap());
        assert!(store.release(&held, OVER, None).await.unwrap());
    };
    tokio::time::timeout(Duration::from_secs(20), meanwhile).await.expect("the queue is not locked by a survey");
    writer.commit(facts(&key("2022-04", "x"))).await.unwrap();
}

pub(super) async fn of_jobs_that_are_over_the_last_thousand_are_remembered(store: &dyn Store) {
    queued(store, "0000", b"x").await;
    let (_, waiting) = claimed(store, "n", OVER).await;
    assert!(store.release(&waiting, LONG, Some("later")).await.unwrap());
    for number in 1..=1010 {
        queued(store, &format!("{number:04}"), b"").await;
        let (_, held) = claimed(store, "n", LONG).await;
        assert!(settled(store, &held, failed()).await);
    }
    let left: BTreeMap<String, JobState> = store.jobs(9999).await.unwrap().into_iter().map(|job| (job.id, job.state)).collect();
    assert!((1000..1010).contains(&left.len()), "{}", left.len());
    assert_eq!((left["0000"], left["1010"], left.get("0001")), (JobState::Running, JobState::Failed, None), "what is not over is never forgotten");
}

pub(super) async fn a_job_that_is_cancelled_is_over_and_its_holder_can_store_nothing(store: &dyn Store) {
    queued(store, "queued", b"x").await;
    assert!(store.cancel("queued", failed()).await.unwrap());
    queued(store, "held", b"x").await;
    let (job, held) = claimed(store, "n", LONG).await;
    assert_eq!((job.id.as_str(), store.holds(&held).await.unwrap()), ("held", true));
    assert!(store.cancel("held", failed()).await.unwrap());
    for id in ["queued", "held"] {
        let over = store.job(id).await.unwrap();
        assert_eq!((over.state, over.outcome, over.ended_ms.is_some()), (JobState::Failed, Some(failed()), true), "{id}");
        assert_eq!(store.chunk(id, 0).await.unwrap(), None, "{id}");
        assert!(!store.cancel(id, JobOutcome::Failure("another".to_owned())).await.unwrap(), "{id}");
        assert_eq!(store.job(id).await.unwrap().outcome, Some(failed()), "{id}");
    }
    assert!(!store.holds(&held).await.unwrap());
    assert!(!store.renew(&held, LONG, Progress::NONE).await.unwrap());
    assert!(!store.release(&held, OVER, None).await.unwrap());
    assert!(!settled(store, &held, JobOutcome::Failure("late".to_owned())).await);
    assert!(matches!(store_as(store, &held, &key("2022-04", "x")).await, Err(StoreError::LeaseLost(job)) if job == "held"));
    assert_eq!(store.surveys(&Scope::all()).await.unwrap(), []);
    // Nobody waits for what it held.
    queued(store, "next", b"x").await;
    assert_eq!(claimed(store, "n", LONG).await.0.id, "next");
}

pub(super) async fn a_job_that_is_over_is_not_cancelled(store: &dyn Store) {
    queued(store, "a", b"x").await;
    let (_, held) = claimed(store, "n", LONG).await;
    store_as(store, &held, &key("2022-04", "x")).await.unwrap();
    let before = store.job("a").await.unwrap();
    assert!(!store.cancel("a", failed()).await.unwrap());
    assert_eq!((store.job("a").await.unwrap(), store.surveys(&Scope::all()).await.unwrap().len()), (before, 1));
    assert!(matches!(store.cancel("x", failed()).await, Err(StoreError::NotFound { .. })));
}

pub(super) async fn claims_that_ran_out_are_counted_and_those_given_back_are_not(store: &dyn Store) {
    queued(store, "a", b"x").await;
    let mut lost = Vec::new();
    let (job, held) = claimed(store, "first", LONG).await;
    lost.push((job.lost, job.lost_by));
    // Handed over in good order, and after an error.
    assert!(store.release(&held, OVER, None).await.unwrap());
    let (job, held) = claimed(store, "second", LONG).await;
    lost.push((job.lost, job.lost_by));
    assert!(store.release(&held, OVER, Some("the disk")).await.unwrap());
    // Two that say nothing any more.
    for node in ["third", "fourth", "fifth"] {
        let (job, _) = claimed(store, node, OVER).await;
        lost.push((job.lost, job.lost_by));
    }
    let by = |node: &str| Some(node.to_owned());
    assert_eq!(lost, [(0, None), (0, None), (0, None), (1, by("third")), (2, by("fourth"))]);
    // One claims its own again, and says of itself what it was: the database was away.
    assert_eq!(claimed(store, "fifth", OVER).await.0.lost, 2);
    store.survived("a", "third").await.unwrap();
    assert_eq!(store.job("a").await.unwrap().lost, 2, "another one was lost since");
    store.survived("a", "fourth").await.unwrap();
    let job = store.job("a").await.unwrap();
    assert_eq!((job.lost, job.lost_by), (1, None));
}

pub(super) async fn a_client_has_so_many_jobs_that_are_not_over_and_all_have_so_many(store: &dyn Store) {
    let quota = |client: &str| Quota { client: client.to_owned(), each: 2, all: 3 };
    let queue = async |id: &str, client: &str| {
        let job = NewJob { id: id.to_owned(), kind: JobKind::Export, parameters: "{}".to_owned() };
        store.enqueue_within(job, Some(&quota(client)), &mut &b"x"[..]).await
    };
    queue("1", "one").await.unwrap();
    queue("2", "one").await.unwrap();
    assert!(matches!(queue("3", "one").await, Err(StoreError::QueueFull { jobs: 2, own: true })));
    assert!(matches!(store.has_room(&quota("one")).await, Err(StoreError::QueueFull { jobs: 2, own: true })));
    store.has_room(&quota("two")).await.unwrap();
    queue("3", "two").await.unwrap();
    for client in ["two", "three"] {
        assert!(matches!(queue("4", client).await, Err(StoreError::QueueFull { jobs: 3, own: false })), "{client}");
    }
    assert_eq!((store.jobs(9).await.unwrap().len(), store.chunk("4", 0).await.unwrap()), (3, None), "what was refused left nothing");
    assert!(store.cancel("1", failed()).await.unwrap());
    queue("4", "one").await.unwrap();
    // What no client queued, such as a command, is not counted by client, and not refused.
    queued(store, "5", b"x").await;
}
