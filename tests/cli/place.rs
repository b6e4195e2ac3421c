//! A database that several `tuban serve` use, and what is asked of them.

use super::{
    app::{
        city,
        file::{File, polygon, rectangle},
    },
    done,
    serve::Serving,
    tuban,
};
use crate::cluster;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tuban::scope::Scope;
use tuban::store::{Filter, Job, JobOutcome, Store};
use tuban_engine::model::{Finding, LayerKind, Patch, PeriodRange, Survey};

/// A database with two layers.
pub(super) struct Place {
    pub(super) folder: tempfile::TempDir,
    pub(super) database: String,
}

impl Place {
    pub(super) async fn sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let database = format!("sqlite:{}/tuban.db", folder.path().display());
        Self { folder, database }.with_layers()
    }

    pub(super) async fn postgres() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), database: cluster::fresh_url().await }.with_layers()
    }

    pub(super) fn with_layers(self) -> Self {
        for (kind, layer) in city::layers().into_iter().take(2) {
            self.add_layer(kind, &layer, "2022-01-01");
        }
        self
    }

    pub(super) fn add_layer(&self, kind: LayerKind, layer: &File, effective: &str) {
        let folder = self.folder.path();
        std::fs::write(folder.join("layer.geojson"), layer.text()).unwrap();
        let about = ["--kind", kind.word(), "--name", kind.chinese(), "--effective", effective];
        done(folder, &[&["layer", "add", "--database", &self.database][..], &about, &["layer.geojson"]].concat());
    }

    pub(super) fn node(&self, lease: &str) -> Serving {
        Serving::started(tuban(self.folder.path(), &["serve", "--listen", "127.0.0.1:0", "--lease", lease, "--database", &self.database]))
    }

    pub(super) async fn store(&self) -> Arc<dyn Store> {
        tuban::store::open(&self.database).await.unwrap()
    }
}

/// `count` small patches across both counties, with days of their own: the same findings whatever period they are imported under.
pub(super) fn survey(name: &str, count: u32) -> String {
    survey_of(name, 0..count)
}

/// Those of such patches with these numbers; those with other numbers lie elsewhere.
pub(super) fn survey_of(name: &str, numbers: std::ops::Range<u32>) -> String {
    let file = numbers.fold(File::default(), |file, n| {
        let (west, south) = (118.301 + 0.001 * f64::from(n % 190), 35.001 + 0.001 * f64::from(n / 190));
        let days = json!({ "JCBH": format!("{name}{n}"), "QSX": "2022-03-01", "HSX": "2022-03-31" });
        file.feature(&days, &polygon(&[rectangle(west, south, west + 0.0005, south + 0.0005)]))
    });
    file.text()
}

pub(super) fn parameters(month: u32) -> String {
    format!("period={}-{:02}&level=city", 2000 + month / 12, 1 + month % 12)
}

pub(super) async fn upload(node: &str, query: &str, body: String) -> String {
    let request = reqwest::Client::new().post(format!("{node}/api/surveys?{query}&again=yes")).header("prefer", "respond-async").body(body);
    let answer = request.send().await.unwrap();
    assert_eq!(answer.status(), 202);
    answer.headers()["location"].to_str().unwrap().to_owned()
}

pub(super) async fn read(node: &str, path: &str) -> Value {
    reqwest::get(format!("{node}{path}")).await.unwrap().json().await.unwrap()
}

/// The job, once it is done.
pub(super) async fn ended(node: &str, job: &str) -> Value {
    let patience = Instant::now();
    loop {
        let seen = read(node, job).await;
        if seen["state"] != "running" {
            assert_eq!(seen["state"], "done", "{seen}");
            return seen;
        }
        assert!(patience.elapsed() < Duration::from_mins(2), "{seen}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// How often a job was claimed.
pub(super) async fn claims(store: &dyn Store, job: &str) -> i64 {
    store.job(job.strip_prefix("/api/jobs/").unwrap()).await.unwrap().token
}

/// Uploads a survey and waits for it, again and again while the database is away; its number.
pub(super) async fn uploaded_at_last(node: &str, query: &str, body: String) -> Value {
    loop {
        let answer = reqwest::Client::new().post(format!("{node}/api/surveys?{query}&again=yes")).body(body.clone()).send().await.unwrap();
        match answer.status().as_u16() {
            200 | 201 => return answer.json::<Value>().await.unwrap()["id"].clone(),
            503 => assert!(answer.headers().contains_key("retry-after")),
            other => panic!("{other}: {}", answer.text().await.unwrap()),
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// The patches of a survey with their findings, in the file's order: the same of two imports of the same patches.
pub(super) async fn findings(store: &dyn Store, survey: &Value) -> Vec<(Patch, Finding)> {
    let of_survey = Filter { survey: survey.as_i64(), limit: u32::MAX, ..Filter::of(Scope::all()) };
    store.patches(&of_survey).await.unwrap().into_iter().map(|stored| (stored.patch, stored.finding)).collect()
}

/// Takes a survey back, so that the next one does not share its ground.
pub(super) async fn withdraw(node: &str, survey: &Value) {
    let answer = reqwest::Client::new().delete(format!("{node}/api/surveys/{}?reason=x", survey["id"])).send().await.unwrap();
    assert_eq!(answer.status(), 204);
}

/// Every survey is there once, and whole, or was taken back, and no upload is left behind; answers how many there are.
pub(super) async fn looked_through(store: &dyn Store) -> usize {
    let surveys = store.surveys(&Scope::all()).await.unwrap();
    let withdrawn = store.withdrawn().await.unwrap();
    let all = surveys.len() + withdrawn.len();
    let months: BTreeSet<_> = surveys.iter().chain(withdrawn.iter().map(|withdrawn| &withdrawn.survey)).map(|survey| survey.facts.period).collect();
    assert_eq!(months.len(), all, "no survey is there twice");
    let jobs = store.jobs(1000).await.unwrap();
    // A file that was sent again after a 503 is a second job, whose survey was there.
    let stored = |job: &Job| matches!(job.outcome, Some(JobOutcome::Survey { was_there: false, .. }));
    assert_eq!(jobs.iter().filter(|job| stored(job)).count(), all, "every survey was stored by one job");
    for job in jobs.iter().filter(|job| job.file_bytes.is_none()) {
        assert_eq!(store.chunk(&job.id, 0).await.unwrap(), None, "{}: its file is forgotten", job.id);
    }
    for Survey { facts, id, .. } in &surveys {
        // Month by month, for what surveys share counts once in a range of several.
        let totals = store.totals(&Scope::all(), PeriodRange { from: facts.period, until: facts.period }).await.unwrap();
        assert_eq!(totals.iter().map(|county| county.pending.patches).sum::<u64>(), facts.patches, "survey {id}: no patch is lost or doubled");
    }
    all
}
