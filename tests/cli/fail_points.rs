//! Fail points: the program is ended at each of them in turn, on both databases. What it was doing is done or not done, and nothing else is left after the sweep.

use super::{
    app::{
        city,
        file::{File, polygon, rectangle},
    },
    kill::{survey, whole_surveys},
    place::{ended, read},
    rounds,
    serve::Serving,
    tuban,
};
use crate::cluster::{self, Cluster};
use sqlx::{AssertSqlSafe, Connection, PgConnection, SqliteConnection};
use std::collections::BTreeSet;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;
use tuban::store::{Store, fail, postgres::PostgresStore, sqlite::SqliteStore};
use tuban_engine::model::Survey;

const SIGABRT: i32 = 6;
/// Patches of the surveys: few, because every moment is tried and not a random one.
const PATCHES: u32 = 40;
/// Every table that an import or a re-classification writes to.
const TABLES: [&str; 15] = [
    "survey",
    "patch",
    "patch_outline",
    "finding",
    "filing",
    "reject",
    "shared_ground",
    "survey_set",
    "survey_event",
    "finding_history",
    "layer",
    "layer_feature",
    "layer_left_out",
    "unpublished",
    "unpublished_set",
];

/// A folder with a database that has a county layer and a survey and is put back to that before each trial, and with files to bring in.
struct Trial {
    folder: tempfile::TempDir,
    database: String,
    /// Where it is copied to.
    other: String,
    /// The cluster that it lies in; none for a file.
    cluster: Option<&'static Cluster>,
}

impl Trial {
    async fn sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = |name: &str| format!("sqlite:{}/{name}.db", folder.path().display());
        let (database, other) = (url("tuban"), url("other"));
        Self { folder, database, other, cluster: None }.filled().await
    }

    async fn postgres() -> Self {
        let (database, other) = (cluster::fresh_url().await, cluster::bare_url().await);
        let cluster = Some(cluster::shared().await);
        Self { folder: tempfile::tempdir().unwrap(), database, other, cluster }.filled().await
    }

    async fn filled(self) -> Self {
        let nowhere = serde_json::json!({ "XZQDM": "371312", "XZQMC": "河东区" });
        let with_a_fault = city::counties().feature(&nowhere, r#"{"type":"Polygon","coordinates":[]}"#);
        let parcels = File::default().feature(&serde_json::json!({ "DLBM": "0102" }), &polygon(&[rectangle(118.3, 35.0, 118.5, 35.2)]));
        for (name, text) in [
            ("counties", city::counties().text()),
            ("faulty", with_a_fault.text()),
            ("parcels", parcels.text()),
            ("old", survey("old", PATCHES)),
            ("new", rejected()),
            ("again", survey("old", PATCHES + 1)),
        ] {
            std::fs::write(self.path().join(format!("{name}.geojson")), text).unwrap();
        }
        self.done(&["layer", "add", "--kind", "county", "--name", "行政区", "--effective", "2022-01-01", "counties.geojson"]);
        self.done(&["survey", "add", "--period", "2022-04", "--level", "city", "old.geojson"]);
        std::fs::write(self.path().join("verdicts.csv"), "patch_id,verdict,legal_m2,legal_farmland_m2,illegal_m2,illegal_farmland_m2\nold7,legal,100,0,0,0\n")
            .unwrap();
        self.done(&["survey", "verdicts", "verdicts.csv"]);
        self.done(&["layer", "add", "--kind", "farmland", "--name", "耕地", "--effective", "2022-01-01", "--classes", "2017", "parcels.geojson"]);
        self.reopen().await;
        match self.cluster {
            None => _ = std::fs::copy(self.path().join("tuban.db"), self.path().join("before.db")).unwrap(),
            Some(cluster) => cluster.administer(&format!("CREATE DATABASE {0}_before TEMPLATE {0}", name_in(&self.database))).await,
        }
        self
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = tuban(self.path(), arguments);
        command.env("TUBAN_DATABASE", &self.database);
        command
    }

    /// Runs a command, which succeeds.
    fn done(&self, arguments: &[&str]) {
        let output = self.command(arguments).output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    }

    /// Runs a command, which ends at that point.
    fn ends_at(&self, arguments: &[&str], point: &str) {
        let status = self.command(arguments).env("TUBAN_FAIL_POINT", point).stdout(Stdio::null()).stderr(Stdio::null()).status().unwrap();
        assert_eq!(status.signal(), Some(SIGABRT), "{arguments:?} does not come to {point}: {status}");
    }

    /// Puts the database back, without a copy of it and without prepared layers.
    async fn put_back(&self) {
        for entry in std::fs::read_dir(self.path()).unwrap().map(|entry| entry.unwrap().path()) {
            let name = entry.file_name().unwrap().to_str().unwrap();
            if name.ends_with(".layers") {
                std::fs::remove_dir_all(entry).unwrap();
            } else if name.starts_with("tuban.db") || name.starts_with("other.db") {
                std::fs::remove_file(entry).unwrap();
            }
        }
        let Some(cluster) = self.cluster else {
            std::fs::copy(self.path().join("before.db"), self.path().join("tuban.db")).unwrap();
            return;
        };
        let (database, other) = (name_in(&self.database), name_in(&self.other));
        for statement in [
            format!("DROP DATABASE IF EXISTS {database} WITH (FORCE)"),
            format!("CREATE DATABASE {database} TEMPLATE {database}_before"),
            format!("DROP DATABASE IF EXISTS {other} WITH (FORCE)"),
            format!("CREATE DATABASE {other}"),
        ] {
            cluster.administer(&statement).await;
        }
    }

    /// Rows of every table; after the statement, where there is one.
    async fn rows_after(&self, statement: Option<&'static str>) -> Vec<i64> {
        let (statement, mut counts) = (statement.unwrap_or("SELECT 1"), Vec::new());
        let count = |table: &str| AssertSqlSafe(format!("SELECT count(*) FROM {table}"));
        if self.cluster.is_some() {
            let mut server = PgConnection::connect(&self.database).await.unwrap();
            sqlx::query(statement).execute(&mut server).await.unwrap();
            for table in TABLES {
                counts.push(sqlx::query_scalar(count(table)).fetch_one(&mut server).await.unwrap());
            }
            server.close().await.unwrap();
        } else {
            let mut file = SqliteConnection::connect(&self.database).await.unwrap();
            sqlx::query(statement).execute(&mut file).await.unwrap();
            for table in TABLES {
                counts.push(sqlx::query_scalar(count(table)).fetch_one(&mut file).await.unwrap());
            }
            file.close().await.unwrap();
        }
        counts
    }

    async fn rows(&self) -> Vec<i64> {
        self.rows_after(None).await
    }

    /// Opens the database as a restarted program would, and answers its surveys, each of which is whole.
    async fn reopen(&self) -> Vec<Survey> {
        self.looked_through(false).await
    }

    /// Removes what a killed program left behind, whenever it was last heard of.
    async fn sweep(&self) {
        self.looked_through(true).await;
    }

    async fn looked_through(&self, sweep: bool) -> Vec<Survey> {
        async fn look(store: &dyn Store, sweep: bool) -> Vec<Survey> {
            if sweep {
                store.remove_unpublished(Duration::ZERO).await.unwrap();
            }
            whole_surveys(store).await
        }
        if self.cluster.is_some() {
            let store = PostgresStore::open(&self.database).await.unwrap();
            let surveys = look(&store, sweep).await;
            store.verify().await.unwrap();
            store.close().await;
            surveys
        } else {
            let store = SqliteStore::open(&self.database).await.unwrap();
            let surveys = look(&store, sweep).await;
            store.verify().await.unwrap();
            store.close().await;
            surveys
        }
    }
}

/// The name of a database in its URL.
fn name_in(url: &str) -> &str {
    url.split(['/', '?']).nth(3).unwrap()
}

/// A survey of the same ground as the one that is there, with a feature that is refused.
fn rejected() -> String {
    let patches = (0..PATCHES).fold(File::default(), |file, n| {
        let (west, south) = (118.3012 + 0.001 * f64::from(n % 190), 35.001 + 0.001 * f64::from(n / 190));
        file.patch(&format!("new{n}"), &[rectangle(west, south, west + 0.0005, south + 0.0005)])
    });
    patches.patch_of("refused", "[]").text()
}

/// Runs every story on both databases.
macro_rules! stories {
    ($($story:ident),+) => {
        stories!(on_sqlite sqlite $($story),+);
        stories!(on_postgres postgres $($story),+);
    };
    ($name:ident $database:ident $($story:ident),+) => {
        mod $name {
            $(#[tokio::test]
            async fn $story() {
                let trial = super::Trial::$database().await;
                for _ in 0..super::rounds() {
                    super::$story(&trial).await;
                }
            })+
        }
    };
}

stories!(a_program_that_ends_at_any_point_leaves_all_or_nothing, a_node_that_ends_at_any_point_of_a_job_stores_it_once);

async fn a_program_that_ends_at_any_point_leaves_all_or_nothing(trial: &Trial) {
    trial.put_back().await;
    let before = trial.rows().await;
    let beside: &[&str] = &["survey", "add", "--period", "2022-05", "--level", "city", "new.geojson"];
    let migrate = ["migrate", "--from", &trial.database, "--to", &trial.other];
    let commands: [(&[&str], &[&str]); 7] = [
        (
            &["layer", "add", "--kind", "county", "--name", "行政区", "--effective", "2022-02-01", "faulty.geojson"],
            &["register: ", "layer rows: ", "left out: ", "publish layer: ", "change: "],
        ),
        (beside, &["snapshot: ", "layer set: ", "survey rows: ", "rejects: ", "publish survey: before", "publish survey: after commit"]),
        (
            &["survey", "add", "--period", "2022-04", "--level", "city", "--on-conflict", "replace", "--drop-verdicts", "new.geojson"],
            &["publish survey: after withdrawing", "publish survey: before", "change: before"],
        ),
        (
            &["survey", "add", "--period", "2022-04", "--level", "city", "--on-conflict", "replace", "again.geojson"],
            &["take over: ", "publish survey: after withdrawing", "publish survey: after commit"],
        ),
        (&["survey", "reclassify", "--yes", "1"], &["former findings: ", "new findings: ", "publish findings: "]),
        (&["survey", "withdraw", "--reason", "x", "1"], &["change: "]),
        (&migrate, &["copy: "]),
    ];
    let mut tried = BTreeSet::new();
    for (arguments, of) in commands {
        trial.put_back().await;
        trial.done(arguments);
        let after = trial.rows().await;
        for point in fail::POINTS.iter().filter(|point| of.iter().any(|begin| point.starts_with(begin))) {
            trial.put_back().await;
            trial.ends_at(arguments, point);
            tried.insert(*point);
            let surveys = trial.reopen().await;
            assert!(surveys.len() <= 2, "{arguments:?} at {point}");
            trial.sweep().await;
            let left = trial.rows().await;
            assert!(left == before || left == after, "{arguments:?} at {point}: {left:?} is neither {before:?} nor {after:?}");
            if arguments[0] == "migrate" {
                trial.done(arguments);
            }
        }
    }
    // One that was killed in a sweep, of what another one had written that was killed.
    for point in fail::POINTS.iter().filter(|point| point.starts_with("sweep:")) {
        trial.put_back().await;
        trial.ends_at(beside, "survey rows: after commit");
        trial.rows_after(Some("UPDATE unpublished SET alive_ms = 1")).await;
        trial.ends_at(beside, point);
        tried.insert(*point);
        trial.sweep().await;
        assert_eq!(trial.rows().await, before, "{point}");
    }
    let missed = fail::POINTS.iter().filter(|point| !point.starts_with("job: ") && !tried.contains(*point));
    assert_eq!(missed.collect::<Vec<_>>(), Vec::<&&str>::new(), "points that no command was ended at");
}

async fn a_node_that_ends_at_any_point_of_a_job_stores_it_once(trial: &Trial) {
    let serve = ["serve", "--listen", "127.0.0.1:0", "--lease", "500ms"];
    let points = [
        "job: before commit",
        "job: after commit",
        "job: before commit#2",
        "job: after commit#2",
        "job: between what it stored and its end",
        "register: after commit",
        "publish survey: before commit",
        "publish survey: after commit",
    ];
    // PostgreSQL commits what a job stores together with its end.
    for point in points.into_iter().filter(|point| trial.cluster.is_none() || !point.contains("between")) {
        trial.put_back().await;
        let mut dies = Serving::started({
            let mut command = trial.command(&serve);
            command.env("TUBAN_FAIL_POINT", point);
            command
        });
        let sent = reqwest::Client::new().post(format!("{}/api/surveys?period=2022-05&level=city", dies.address)).header("prefer", "respond-async");
        let answered = sent.body(rejected()).send().await;
        assert_eq!(dies.child.wait().unwrap().signal(), Some(SIGABRT), "{point}");
        let lives = Serving::started(trial.command(&serve));
        let jobs = read(&lives.address, "/api/jobs").await["jobs"].as_array().unwrap().clone();
        assert_eq!(jobs.len(), usize::from(point != "job: before commit"), "{point}");
        for job in &jobs {
            let done = ended(&lives.address, &format!("/api/jobs/{}", job["id"].as_str().unwrap())).await;
            assert_eq!(done["survey"]["patches"], PATCHES, "{point}");
        }
        assert!(answered.is_err() || !jobs.is_empty(), "{point}: what was promised is kept");
        drop(lives);
        assert_eq!(trial.reopen().await.len(), 1 + jobs.len(), "{point}");
        trial.sweep().await;
    }
}
