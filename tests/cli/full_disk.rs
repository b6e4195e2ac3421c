//! Disks that are full or can only be read, at each of the places that a node writes to: every door says so with 507 or keeps the job, reads go on, and all heals
//! without a restart.
//!
//! Where this process may mount, the place is a small tmpfs that is filled to its last byte. Elsewhere the service is told by the system that no file may grow
//! (`RLIMIT_FSIZE`), which it meets as EFBIG; and of PostgreSQL, whose files are not the service's, triggers refuse every row with SQLSTATE 53100.

use super::{
    app::{city, file::File},
    done,
    kill::whole_surveys,
    rounds, run,
    serve::Serving,
    tuban,
};
use crate::cluster::Cluster;
use crate::formats_files::kit;
use reqwest::StatusCode;
use serde_json::Value;
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};
use tuban::store::{Store, postgres::PostgresStore};

/// A disk of a few megabytes.
struct Disk {
    folder: tempfile::TempDir,
    is_mounted: bool,
    /// The server with a database on it, and the database's URL.
    server: Option<(Cluster, String)>,
}

impl Disk {
    fn of_mib(mib: u32) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let size = format!("size={mib}m");
        let mount = Command::new("mount").args(["-t", "tmpfs", "-o", &size, "tmpfs"]).arg(folder.path()).output();
        Self { is_mounted: mount.is_ok_and(|output| output.status.success()), folder, server: None }
    }

    /// One with a PostgreSQL database: a tablespace. The log that is written ahead lies elsewhere, as it should.
    async fn of_postgres() -> Self {
        let (disk, cluster) = (Self::of_mib(96), tokio::task::spawn_blocking(Cluster::start).await.unwrap());
        let mut within = "";
        if disk.is_mounted {
            std::os::unix::fs::chown(disk.path(), Some(of_server("-u")), Some(of_server("-g"))).unwrap();
            cluster.administer(&format!("CREATE TABLESPACE small LOCATION '{}'", disk.path().display())).await;
            within = "TABLESPACE small";
        }
        cluster.administer(&format!("CREATE DATABASE small {within}")).await;
        let url = cluster.url("small");
        PostgresStore::open(&url).await.unwrap().close().await;
        disk.on(cluster, url)
    }

    fn on(mut self, cluster: Cluster, url: String) -> Self {
        self.server = Some((cluster, url));
        self
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Formats of exports. GDAL's worker has a limit on files of its own: where a limit stands for a full disk, it is told of as the worker's.
    fn formats(&self) -> &'static [&'static str] {
        if self.is_mounted { &["csv", "xlsx", "geojson", "gpkg", "shp"] } else { &["csv", "xlsx", "geojson"] }
    }

    fn filler(&self) -> PathBuf {
        self.path().join("filler")
    }

    /// Leaves so many bytes, in whole pages.
    async fn fill(&self, serving: &Serving, left: u64) {
        match &self.server {
            Some((_, server)) if !self.is_mounted => return refuse_rows(server, true).await,
            _ if !self.is_mounted => return serving.limit_files("0"),
            _ => {}
        }
        let mut filler = std::fs::File::create(self.filler()).unwrap();
        for portion in [vec![0; 1 << 16], vec![0; 1 << 12]] {
            while filler.write_all(&portion).is_ok() {}
        }
        filler.set_len(filler.metadata().unwrap().len().saturating_sub(left)).unwrap();
    }

    async fn empty(&self, serving: &Serving) {
        match &self.server {
            _ if self.is_mounted => std::fs::remove_file(self.filler()).unwrap(),
            Some((_, server)) => refuse_rows(server, false).await,
            None => serving.limit_files("unlimited"),
        }
    }
}

/// The number of the user (`-u`) or group (`-g`) that the server runs as.
fn of_server(which: &str) -> u32 {
    let root = Command::new("id").arg("-u").output().unwrap().stdout == b"0\n";
    let id = Command::new("id").arg(which).args(root.then_some("postgres")).output().unwrap();
    String::from_utf8(id.stdout).unwrap().trim().parse().unwrap()
}

/// From now on every new row is refused as if the disk were full; or no longer.
async fn refuse_rows(server: &str, refuse: bool) {
    let mut connection = PgConnection::connect(server).await.unwrap();
    let mut statements = vec![
        "CREATE OR REPLACE FUNCTION no_room() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'no room' USING ERRCODE = '53100'; END $$"
            .to_owned(),
    ];
    for table in ["job", "job_chunk", "survey", "patch", "finding", "filing", "layer", "layer_feature", "unpublished"] {
        statements.push(format!("DROP TRIGGER IF EXISTS no_room ON {table}"));
        if refuse {
            statements.push(format!("CREATE TRIGGER no_room BEFORE INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION no_room()"));
        }
    }
    for statement in statements {
        sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut connection).await.unwrap();
    }
    connection.close().await.unwrap();
}

impl Drop for Disk {
    fn drop(&mut self) {
        if self.is_mounted {
            let _ = Command::new("umount").arg("-l").arg(self.path()).status();
        }
    }
}

impl Serving {
    /// How large the files may become that it writes; the hard limit stays, or only root could raise it again.
    fn limit_files(&self, bytes: &str) {
        assert!(Command::new("prlimit").args(["--pid", &self.child.id().to_string(), &format!("--fsize={bytes}:")]).status().unwrap().success());
    }
}

/// Where the database and the spool are, but for a server's database.
const STORE: [&str; 4] = ["--database", "sqlite:data/tuban.db", "--spool", "spool"];

/// Where a node writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Uploads, files being exported, and what GDAL's worker reads and writes.
    Spool,
    /// The database, and the jobs beside it.
    Database,
    /// The jobs alone.
    Jobs,
    /// The database alone.
    DatabaseAlone,
    /// Prepared layers.
    Snapshots,
    /// The database of a PostgreSQL server, and the jobs in it.
    Tablespace,
}

/// A node with layers and a survey, of which one place lies on a small disk.
struct Node {
    home: tempfile::TempDir,
    serving: Serving,
    disk: Disk,
}

impl Node {
    async fn with(place: Place, options: &[&str]) -> Self {
        let home = tempfile::tempdir().unwrap();
        let disk = if place == Place::Tablespace { Disk::of_postgres().await } else { Disk::of_mib(12) };
        let at = home.path();
        let link = |from: &str| std::os::unix::fs::symlink(disk.path(), at.join(from)).unwrap();
        std::fs::create_dir(at.join("kept")).unwrap();
        match place {
            Place::Spool => link("spool"),
            Place::Database => link("data"),
            Place::Snapshots => link("spool.layers"),
            Place::Tablespace => {}
            Place::Jobs | Place::DatabaseAlone => {
                let (whole, jobs) = if place == Place::Jobs { (at.join("kept"), disk.path().to_owned()) } else { (disk.path().to_owned(), at.join("kept")) };
                std::os::unix::fs::symlink(whole, at.join("data")).unwrap();
                std::os::unix::fs::symlink(jobs.join("jobs"), at.join("data/tuban.db-jobs")).unwrap();
            }
        }
        for (kind, layer) in city::layers() {
            std::fs::write(at.join("layer.geojson"), layer.text()).unwrap();
            let said = ["layer", "add", "--kind", kind.word(), "--name", kind.word(), "--effective", "2022-01-01", "layer.geojson"];
            done(at, &[&said[..], &Self::store(&disk)].concat());
        }
        let serving = Self::serve(at, &[&Self::store(&disk)[..], options].concat());
        Self { home, serving, disk }
    }

    fn store(disk: &Disk) -> [&str; 4] {
        let [database, embedded, spool, folder] = STORE;
        [database, disk.server.as_ref().map_or(embedded, |(_, url)| url), spool, folder]
    }

    fn serve(at: &Path, options: &[&str]) -> Serving {
        let serve = ["serve", "--listen", "127.0.0.1:0", "--lease", "1s"];
        let mut command = tuban(at, &[&serve[..], options].concat());
        // A signal that is ignored stays ignored: EFBIG is then an error instead of the end.
        let program = command.get_program().to_owned();
        let mut shell = Command::new("sh");
        shell.env("TUBAN_OGR", kit::program());
        shell.args(["-c", "trap '' XFSZ; exec \"$@\"", "sh"]).arg(program).args(command.get_args()).current_dir(at);
        for (name, value) in command.get_envs() {
            match value {
                Some(value) => shell.env(name, value),
                None => shell.env_remove(name),
            };
        }
        command = shell;
        Serving::started(command)
    }

    async fn get(&self, path: &str) -> (StatusCode, Vec<u8>) {
        let answer = client().get(format!("{}{path}", self.serving.address)).send().await.unwrap();
        (answer.status(), answer.bytes().await.unwrap().to_vec())
    }

    /// What may come of a write while there is no room: it is done all the same, it is kept as a job that waits, or 507. Answers which.
    async fn write(&self, path: &str, body: String) -> StatusCode {
        let answer = client().post(format!("{}{path}", self.serving.address)).body(body).send().await.unwrap();
        let (status, headers, text) = (answer.status(), answer.headers().clone(), answer.text().await.unwrap());
        assert!(status.is_success() || status == StatusCode::INSUFFICIENT_STORAGE, "{path}: {status} {text}");
        if status == StatusCode::INSUFFICIENT_STORAGE {
            let problem: Value = serde_json::from_str(&text).unwrap();
            assert_eq!((problem["type"].as_str(), headers["retry-after"].to_str().unwrap()), (Some("/problems/no_room"), "60"), "{path}");
        }
        status
    }

    /// An export that no job stored anything during.
    async fn export(&self, format: &str) -> (StatusCode, Vec<u8>) {
        for _ in 0..50 {
            let (status, bytes) = self.get(&format!("/api/exports/findings?format={format}")).await;
            if status != StatusCode::SERVICE_UNAVAILABLE || !String::from_utf8_lossy(&bytes).contains("/problems/changed_meanwhile") {
                return (status, bytes);
            }
        }
        panic!("{format}: jobs never end");
    }

    /// All reads that answer from what is stored.
    async fn reads(&self) -> Vec<(&'static str, StatusCode, String)> {
        let mut all = Vec::new();
        for path in [
            "/api/layers",
            "/api/surveys",
            "/api/patches?limit=100",
            "/api/patches/1",
            "/api/ratios",
            "/api/surveys/1/provenance",
            "/api/tiles/patches/12/3394/1622",
            "/health",
        ] {
            let (status, bytes) = self.get(path).await;
            assert!(status.is_success(), "{path}: {status}");
            // When it was computed is the clock's.
            let text = String::from_utf8_lossy(&bytes).split("\"computed_at\"").next().unwrap().to_owned();
            all.push((path, status, text));
        }
        all
    }
}

/// Whoever is left without an answer is an error here and not a test that hangs; no measure of speed.
fn client() -> reqwest::Client {
    reqwest::Client::builder().timeout(Duration::from_secs(90)).build().unwrap()
}

/// A survey of some hundred kilobytes, so that it does not fit what is left here and there.
fn survey(name: &str) -> String {
    (0..60).fold(File::default(), |file, n| file.feature(&serde_json::json!({ "JCBH": format!("{name}{n}"), "BZ": "x".repeat(8000) }), &square(n))).text()
}

fn square(n: u32) -> String {
    use super::app::file::{polygon, rectangle};
    let west = 118.301 + 0.001 * f64::from(n);
    polygon(&[rectangle(west, 35.003, west + 0.0005, 35.0035)])
}

const VERDICT: &str = "patch_id,verdict,legal_m2,legal_farmland_m2,illegal_m2,illegal_farmland_m2\nS1,illegal,0,0,10,10\n";

/// Goes through all doors with that many bytes left there; answers what became of a survey, a layer, an inspection, verdicts, a re-classification and exports.
async fn doors(node: &Node, round: u32) -> Vec<(&'static str, StatusCode)> {
    let square = File::default().feature(&serde_json::json!({ "PZWH": "P" }), &square(1)).text();
    let mut came = Vec::new();
    came.push(("survey", node.write(&format!("/api/surveys?period=2023-{round:02}&level=city&again=yes"), survey("n")).await));
    came.push(("layer", node.write(&format!("/api/layers?kind=approved&name=later{round}&effective=2022-03-01"), square).await));
    came.push(("inspect", node.write("/api/inspect", survey("i")).await));
    came.push(("verdicts", node.write("/api/verdicts", VERDICT.to_owned()).await));
    came.push(("reclassification", node.write("/api/surveys/1/reclassification", String::new()).await));
    for format in node.disk.formats() {
        let (status, text) = node.export(format).await;
        assert!(status.is_success() || status == 507, "{format}: {status} {}", String::from_utf8_lossy(&text));
        came.push((format, status));
        came.push(("export job", node.write(&format!("/api/exports/findings?format={format}"), String::new()).await));
    }
    came
}

async fn a_place_without_room(place: Place) {
    let node = Node::with(place, &["--reserve", "0"]).await;
    assert_eq!(node.write("/api/surveys?period=2022-04&level=city&again=yes", city::one_of_each().text()).await, 201);
    for (round, left) in [(1, 0), (2, 64 << 10)] {
        let before = node.reads().await;
        node.disk.fill(&node.serving, left).await;
        let came = doors(&node, round).await;
        let no_room = |door: &str| came.iter().any(|(of, status)| *of == door && (*status == 507 || *status == 202));
        match place {
            Place::Spool if left == 0 => {
                for door in ["survey", "layer", "inspect", "verdicts"].iter().chain(node.disk.formats()) {
                    assert!(no_room(door), "{place:?} {door} {came:?}");
                }
            }
            Place::Spool | Place::Database | Place::Jobs | Place::DatabaseAlone => assert!(no_room("survey"), "{place:?} {left} {came:?}"),
            // With a few pages left, or in pages that are not full yet, there may be room for so little.
            Place::Tablespace if left > 0 => {}
            Place::Tablespace => assert!(no_room("survey") && no_room("layer"), "{came:?}"),
            Place::Snapshots if node.disk.is_mounted => assert_eq!(came[0].1, 201, "{came:?}"),
            // A limit stands for all disks at once.
            Place::Snapshots => assert!(no_room("survey"), "{came:?}"),
        }
        if came.iter().all(|(door, status)| !["survey", "layer", "verdicts", "reclassification"].contains(door) || *status == 507) {
            for (now, before) in node.reads().await.iter().zip(&before) {
                assert_eq!(now, before, "{place:?} with {left} bytes left");
            }
        }
        node.disk.empty(&node.serving).await;
        // All heals without a restart, and what was kept is carried out.
        let came = doors(&node, 3 + round).await;
        assert!(came.iter().all(|(_, status)| status.is_success()), "{place:?} {came:?}");
        all_jobs_end_well(&node).await;
    }
    if let Some((_, server)) = &node.disk.server {
        let store = PostgresStore::open(server).await.unwrap();
        // Refused imports are removed in the background, or by this.
        store.remove_unpublished(Duration::ZERO).await.unwrap();
        whole_surveys(&store).await;
        store.verify().await.unwrap();
        store.close().await;
    }
}

async fn all_jobs_end_well(node: &Node) {
    let began = Instant::now();
    loop {
        let jobs: Value = serde_json::from_slice(&node.get("/api/jobs").await.1).unwrap();
        let states: Vec<&str> = jobs["jobs"].as_array().unwrap().iter().map(|job| job["state"].as_str().unwrap()).collect();
        assert!(!states.contains(&"failed"), "{jobs}");
        if !states.contains(&"running") {
            return;
        }
        assert!(began.elapsed() < Duration::from_secs(30), "{jobs}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

macro_rules! places {
    ($($name:ident $place:ident),+) => {
        $(#[tokio::test]
        async fn $name() {
            for _ in 0..rounds() {
                a_place_without_room(Place::$place).await;
            }
        })+
    };
}

places!(
    a_full_spool_is_told_at_every_door_and_heals Spool,
    a_full_database_is_told_at_every_door_and_heals Database,
    a_full_disk_under_the_jobs_is_told_and_heals Jobs,
    a_full_disk_under_the_database_alone_keeps_the_jobs_waiting DatabaseAlone,
    a_full_disk_under_the_snapshots_keeps_nobody_from_anything Snapshots,
    a_full_tablespace_is_told_at_every_door_and_heals Tablespace
);

/// Uploads stop before the disk is full, and readiness and metrics tell.
#[tokio::test]
async fn below_the_reserve_uploads_are_refused_and_readiness_tells() {
    let node = Node::with(Place::Spool, &["--reserve", "1"]).await;
    assert_eq!(node.get("/ready").await.0, StatusCode::OK);
    let free = |metrics: &[u8]| -> f64 {
        let text = String::from_utf8_lossy(metrics).into_owned();
        let line = text.lines().find(|line| line.starts_with("tuban_disk_free_bytes{folder=\"spool\"}")).unwrap().to_owned();
        line.rsplit(' ').next().unwrap().parse().unwrap()
    };
    let before = free(&node.get("/metrics").await.1);
    // What a limit on files does not change, a larger reserve does.
    if !node.disk.is_mounted {
        let node = Node::with(Place::Spool, &["--reserve", "1000000000"]).await;
        assert_eq!((node.get("/ready").await.0, node.get("/ready?reads=yes").await.0), (StatusCode::INSUFFICIENT_STORAGE, StatusCode::OK));
        assert_eq!(node.write("/api/inspect", survey("i")).await, 507);
        return;
    }
    node.disk.fill(&node.serving, 512 << 10).await;
    assert!(free(&node.get("/metrics").await.1) <= f64::from(512 << 10) && before > f64::from(1 << 20));
    assert_eq!((node.get("/ready").await.0, node.get("/ready?reads=yes").await.0), (StatusCode::INSUFFICIENT_STORAGE, StatusCode::OK));
    // It would fit.
    assert_eq!(node.write("/api/surveys?period=2022-04&level=city", city::one_of_each().text()).await, 507);
    node.disk.empty(&node.serving).await;
    assert_eq!(node.get("/ready").await.0, 200);
    assert_eq!(node.write("/api/surveys?period=2022-04&level=city", city::one_of_each().text()).await, 201);
}

/// What a start on a full disk says, and on one that can only be read; a start after that is as if nothing had been.
#[tokio::test]
async fn a_start_without_room_says_so_and_the_command_line_too() {
    let node = Node::with(Place::Database, &[]).await;
    let Node { home, serving, disk } = node;
    drop(serving);
    if !disk.is_mounted {
        let limited = format!("trap '' XFSZ; ulimit -f 0; exec {} serve --database sqlite:new.db --listen 127.0.0.1:0", env!("CARGO_BIN_EXE_tuban"));
        let output = Command::new("sh").args(["-c", &limited]).current_dir(home.path()).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.code() == Some(6) && said.contains("磁盘空间不足") && said.contains("no room"), "{said}");
        return;
    }
    let said = |arguments: &[&str]| {
        let (code, _, said) = run(home.path(), &[arguments, &STORE].concat());
        assert!(code == 6 && said.contains("磁盘空间不足") && said.contains("no room on the disk"), "{arguments:?}: {code} {said}");
    };
    std::fs::write(disk.filler(), []).unwrap();
    let mut filler = std::fs::OpenOptions::new().append(true).open(disk.filler()).unwrap();
    while filler.write_all(&[0; 1 << 12]).is_ok() {}
    std::fs::write(home.path().join("s.geojson"), city::one_of_each().text()).unwrap();
    // What a killed service leaves is enough to read with; after one that ended well there is no room for the log's index.
    let serving = Node::serve(home.path(), &STORE);
    let status = async |path: &str| client().get(format!("{}{path}", serving.address)).send().await.unwrap().status().as_u16();
    assert_eq!((status("/ready").await, status("/ready?reads=yes").await, status("/api/layers").await), (507, 200, 200));
    drop(serving);
    for ending in ["-shm", "-wal"] {
        std::fs::remove_file(disk.path().join(format!("tuban.db{ending}"))).unwrap();
    }
    while filler.write_all(&[0; 1 << 12]).is_ok() {}
    said(&["serve", "--listen", "127.0.0.1:0"]);
    said(&["survey", "add", "--period", "2022-04", "--level", "city", "s.geojson"]);
    drop(filler);
    std::fs::remove_file(disk.filler()).unwrap();
    let remount = |how: &str| assert!(Command::new("mount").args(["-o", &format!("remount,{how}")]).arg(disk.path()).status().unwrap().success());
    remount("ro");
    said(&["survey", "add", "--period", "2022-04", "--level", "city", "s.geojson"]);
    remount("rw");
    done(home.path(), &["survey", "add", "--period", "2022-04", "--level", "city", "s.geojson", "--database", STORE[1], "--spool", "spool"]);
}

/// A spool that can only be read, while the service runs.
#[tokio::test]
async fn a_disk_that_can_only_be_read_is_as_good_as_full() {
    let node = Node::with(Place::Spool, &["--reserve", "0"]).await;
    if !node.disk.is_mounted {
        node.serving.limit_files("0");
        assert_eq!(node.write("/api/inspect", survey("i")).await, 507);
        return;
    }
    let remount = |how: &str| assert!(Command::new("mount").args(["-o", &format!("remount,{how}")]).arg(node.disk.path()).status().unwrap().success());
    for month in 0..2 * rounds() {
        let survey = format!("/api/surveys?period={}-{:02}&level=city&again=yes", 2022 + month / 12, 1 + month % 12);
        remount("ro");
        assert_eq!(node.write(&survey, city::one_of_each().text()).await, 507);
        assert_eq!(node.get("/api/exports/layers/1?format=csv").await.0, 507);
        remount("rw");
        assert_eq!(node.write(&survey, city::one_of_each().text()).await, 201);
    }
}
