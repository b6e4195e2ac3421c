//! Damage: bits of a database flipped, one at a time. Whatever is answered afterwards is what was answered before, or an error: never another figure, outline or
//! attribute. Oracle: the answers before.

use super::{app::TestApp, app::city, done, run};
use crate::cluster::Cluster;
use rand_chacha::{
    ChaCha8Rng,
    rand_core::{RngCore, SeedableRng},
};
use sqlx::{Connection, PgConnection, SqliteConnection};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tuban::scope::Scope;
use tuban::store::postgres::PostgresStore;
use tuban::store::sqlite::SqliteStore;
use tuban::store::{Filter, Store, StoreError};

/// Bits flipped in each database; `TUBAN_HOSTILE` says how many times as many.
fn flips(usual: u32) -> u32 {
    usual * std::env::var("TUBAN_HOSTILE").ok().and_then(|times| times.parse::<u32>().ok()).unwrap_or(1)
}

/// Answers, each under its name; an error in its place.
type Answers = Vec<(&'static str, Result<String, String>)>;

fn told<T: std::fmt::Debug>(answer: Result<T, StoreError>) -> Result<String, String> {
    answer.map(|answer| format!("{answer:?}")).map_err(|error| error.to_string())
}

/// Everything figures, outlines and attributes are answered from.
async fn answers(store: &dyn Store) -> Answers {
    let all = Filter { limit: 1000, ..Filter::of(Scope::all()) };
    let mut answers = vec![
        ("surveys", told(store.surveys(&Scope::all()).await)),
        ("layers", told(store.layers().await)),
        ("sets", told(store.layer_sets().await)),
        ("provenance", told(store.provenance(1).await)),
        ("sums", told(store.summed(&Scope::all(), None).await)),
        ("patches", told(store.patches(&all).await)),
        ("marks", told(store.patch_marks(&all, true).await)),
    ];
    for patch in 1..=4 {
        answers.push(("patch", told(store.patch(&Scope::all(), patch).await)));
    }
    for layer in 1..=6 {
        let mut features = Vec::new();
        let read = store.each_feature(layer, &mut |some| features.extend(some)).await;
        answers.push(("features", told(read.map(|()| features))));
    }
    answers
}

async fn of_file(url: &str) -> Answers {
    let store = match SqliteStore::open(url).await {
        Ok(store) => store,
        Err(error) => return vec![("open", Err(error.to_string()))],
    };
    let answers = answers(&store).await;
    store.close().await;
    answers
}

async fn of_server(url: &str) -> Answers {
    let answering = async {
        let store = match PostgresStore::open(url).await {
            Ok(store) => store,
            Err(error) => return vec![("open", Err(error.to_string()))],
        };
        let answers = answers(&store).await;
        store.close().await;
        answers
    };
    // A server that a damaged page sends round in circles answers nothing, which is no wrong answer.
    tokio::time::timeout(Duration::from_secs(20), answering).await.unwrap_or_else(|_| vec![("open", Err("no answer".to_owned()))])
}

/// What flips led to.
#[derive(Default)]
struct Outcome {
    met: u32,
    silent: Vec<String>,
}

impl Outcome {
    fn note(&mut self, flip: &str, before: &Answers, after: &Answers) {
        self.met += u32::from(after.iter().any(|(_, answer)| answer.is_err()));
        if let [("open", Err(_))] = after.as_slice() {
            return;
        }
        for ((of, answer), (_, sound)) in after.iter().zip(before) {
            if answer.is_ok() && answer != sound {
                self.silent.push(format!("{flip}: {of}: {:.300} became {:.300}", sound.as_ref().unwrap(), answer.as_ref().unwrap()));
            }
        }
    }
}

/// A bit of the file, more often than not of a byte that is not 0: files are full of room.
fn bit(dice: &mut ChaCha8Rng, bytes: &[u8]) -> (usize, u32) {
    loop {
        let (at, bit) = (dice.next_u32() as usize % bytes.len(), dice.next_u32() % 8);
        if bytes[at] != 0 || dice.next_u32().is_multiple_of(8) {
            return (at, bit);
        }
    }
}

/// A city with a survey and verdicts, as one file.
async fn city_in_a_file(at: &Path) -> TestApp {
    let app = TestApp::city().await;
    app.uploaded(super::app::APRIL, &city::one_of_each()).await;
    let verdicts = &b"patch_id,verdict,legal_m2,legal_farmland_m2,illegal_m2,illegal_farmland_m2\nS1,illegal,0,0,10,10\nL1,legal,5,5,0,0\n"[..];
    app.service.file_verdicts(&Scope::all(), None, verdicts).await.unwrap();
    let mut hand = SqliteConnection::connect(&format!("sqlite:{}", app.database().display())).await.unwrap();
    sqlx::query(sqlx::AssertSqlSafe(format!("VACUUM INTO '{}'", at.display()))).execute(&mut hand).await.unwrap();
    app
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flipped_bit_of_a_file_changes_no_figure_without_a_word() {
    let folder = tempfile::tempdir().unwrap();
    let copy = folder.path().join("copy.db");
    let _app = city_in_a_file(&copy).await;
    let (bytes, url) = (std::fs::read(&copy).unwrap(), format!("sqlite:{}", copy.display()));
    let before = of_file(&url).await;
    assert!(before.iter().all(|(_, answer)| answer.is_ok()), "{before:?}");
    let (mut dice, mut outcome, flips) = (ChaCha8Rng::seed_from_u64(11), Outcome::default(), flips(120));
    for flip in 0..flips {
        let (at, bit) = bit(&mut dice, &bytes);
        let mut damaged = bytes.clone();
        damaged[at] ^= 1 << bit;
        for ending in ["-wal", "-shm"] {
            let _ = std::fs::remove_file(folder.path().join(format!("copy.db{ending}")));
        }
        std::fs::write(&copy, damaged).unwrap();
        outcome.note(&format!("flip {flip}: bit {bit} of byte {at}"), &before, &of_file(&url).await);
    }
    println!("{flips} flips in a file: {} met, {} silent", outcome.met, outcome.silent.len());
    assert!(outcome.silent.is_empty(), "{}", outcome.silent.join("\n"));
    assert!(outcome.met > flips / 6, "only {} of {flips} flips were met", outcome.met);
}

/// All files of this database, but for those of the catalogue.
const FILES: &str = "
    SELECT pg_relation_filepath(pg_class.oid) FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
    WHERE nspname IN ('public', 'pg_toast') AND relkind IN ('r', 'i', 't') AND pg_class.oid >= 16384 AND pg_relation_filepath(pg_class.oid) IS NOT NULL";

/// The city in a database of a server that keeps hardly a page in memory, so that it reads what is in its files, and writes none by itself.
async fn city_on_a_server(words: &'static [&str]) -> (Cluster, String) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("city.db");
    let _app = city_in_a_file(&file).await;
    let small = ["-c", "shared_buffers=128kB", "-c", "max_connections=60", "-c", "autovacuum=off"];
    let cluster = tokio::task::spawn_blocking(move || Cluster::start_with(&[words, &small].concat())).await.unwrap();
    cluster.administer("CREATE DATABASE city").await;
    let url = cluster.url("city");
    done(folder.path(), &["migrate", "--from", "sqlite:city.db", "--to", &url]);
    (cluster, url)
}

/// A server with checksums of pages, as docs/OPERATIONS.md has it: also rows that are gone, and indexes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flipped_bit_of_a_server_changes_no_figure_without_a_word() {
    let (cluster, url) = city_on_a_server(&["--data-checksums"]).await;
    let mut hand = PgConnection::connect(&url).await.unwrap();
    sqlx::raw_sql("VACUUM FREEZE").execute(&mut hand).await.unwrap();
    sqlx::raw_sql("CHECKPOINT").execute(&mut hand).await.unwrap();
    let found: Vec<String> = sqlx::query_scalar(FILES).fetch_all(&mut hand).await.unwrap();
    hand.close().await.unwrap();
    let files = found.iter().map(|path| PathBuf::from(cluster.folder()).join("cluster").join(path));
    let files: Vec<PathBuf> = files.filter(|path| path.metadata().is_ok_and(|file| file.len() > 0)).collect();
    let before = of_server(&url).await;
    assert!(before.iter().all(|(_, answer)| answer.is_ok()), "{before:?}");
    let (mut dice, mut outcome, flips) = (ChaCha8Rng::seed_from_u64(12), Outcome::default(), flips(60));
    for flip in 0..flips {
        let file = &files[dice.next_u32() as usize % files.len()];
        let (at, bit) = bit(&mut dice, &std::fs::read(file).unwrap());
        turn(file, at, bit);
        outcome.note(&format!("flip {flip}: bit {bit} of byte {at} of {}", file.display()), &before, &of_server(&url).await);
        turn(file, at, bit);
    }
    println!("{flips} flips in a server: {} met, {} silent", outcome.met, outcome.silent.len());
    assert!(outcome.silent.is_empty(), "{}", outcome.silent.join("\n"));
    assert!(outcome.met > flips / 12, "only {} of {flips} flips were met", outcome.met);
}

/// The columns of tables whose rows have checksums: table, column, type. Of `filings` only matters that it changes.
const COLUMNS: &str = "
    SELECT relname, attname, atttypid::regtype::text FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
    WHERE relkind IN ('r', 'p') AND NOT relispartition AND relnamespace = 'public'::regnamespace AND attnum > 0 AND NOT attisdropped
        AND EXISTS (SELECT 1 FROM pg_attribute other WHERE other.attrelid = pg_class.oid AND other.attname = 'checksum' AND other.atttypid = 'bigint'::regtype)
        AND relname NOT LIKE 'unpublished%' AND attname NOT IN ('county', 'shape', 'checksum', 'filings')
    ORDER BY relname, attnum";

/// Columns by which rows are found.
const KEYS: [&str; 6] = ["id", "patch", "made", "survey_id", "layer_id", "layer_set"];

/// A server without checksums of pages, as PostgreSQL 15 makes it unless asked: a bit of a value.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flipped_bit_of_a_value_changes_no_figure_without_a_word() {
    let (_cluster, url) = city_on_a_server(&[]).await;
    let (mut hand, store) = (PgConnection::connect(&url).await.unwrap(), PostgresStore::open(&url).await.unwrap());
    let columns: Vec<(String, String, String)> = sqlx::query_as(COLUMNS).fetch_all(&mut hand).await.unwrap();
    let before = answers(&store).await;
    assert!(before.iter().all(|(_, answer)| answer.is_ok()), "{before:?}");
    let (mut dice, mut outcome, mut flipped) = (ChaCha8Rng::seed_from_u64(13), Outcome::default(), 0);
    for flip in 0..flips(200) {
        let (table, column, kind) = &columns[dice.next_u32() as usize % columns.len()];
        let bit = dice.next_u32();
        let becomes = match kind.as_str() {
            "bigint" => format!("{column} # (1::bigint << {})", bit % 63),
            "double precision" => format!("{column} + power(2::float8, {} - 30)", bit % 30),
            "text" => {
                format!("overlay({column} placing chr(ascii(substr({column}, {place})) # {}) from {place} for 1)", 1 << (bit % 4), place = 1 + bit / 8 % 12)
            }
            "bytea" => format!("set_bit({column}, {place} % (8 * length({column})), 1 - get_bit({column}, {place} % (8 * length({column}))))", place = bit / 8),
            other => panic!("{table}.{column} is of type {other}"),
        };
        let one = format!("SELECT checksum, {column}::text FROM {table} WHERE {column} IS NOT NULL ORDER BY checksum OFFSET {} LIMIT 1", dice.next_u32() % 3);
        let Some((row, value)) = sqlx::query_as::<_, (i64, String)>(sqlx::AssertSqlSafe(one)).fetch_optional(&mut hand).await.unwrap() else { continue };
        let set = |value: &str| sqlx::AssertSqlSafe(format!("UPDATE {table} SET {column} = {value} WHERE checksum = {row}"));
        // What the database itself refuses, as a verdict that there is not, is no damage.
        let Ok(changed) = sqlx::query(set(&becomes)).execute(&mut hand).await else { continue };
        assert_eq!(changed.rows_affected(), 1);
        flipped += 1;
        // A row that another number leads away from its patch or survey is missed by the sums, by the checksums of pages and by whoever looks through all; not by who
        // reads a list.
        if !KEYS.contains(&column.as_str()) {
            outcome.note(&format!("flip {flip}: {table}.{column}"), &before, &answers(&store).await);
        }
        assert!(store.verify().await.is_err(), "flip {flip}: {table}.{column} {value}: tuban check-store finds nothing");
        sqlx::query(set(&format!("'{}'::{kind}", value.replace('\'', "''")))).execute(&mut hand).await.unwrap();
    }
    assert_eq!(answers(&store).await, before, "all was put back");
    println!("{flipped} flips of values: {} met, {} silent", outcome.met, outcome.silent.len());
    assert!(outcome.silent.is_empty(), "{}", outcome.silent.join("\n"));
    assert!(flipped > flips(100) && outcome.met > flipped / 3, "only {} of {flipped} flips were met", outcome.met);
}

/// Turns a bit of a file.
fn turn(file: &Path, at: usize, bit: u32) {
    let file = std::fs::OpenOptions::new().read(true).write(true).open(file).unwrap();
    let mut byte = [0];
    file.read_exact_at(&mut byte, at as u64).unwrap();
    file.write_all_at(&[byte[0] ^ 1 << bit], at as u64).unwrap();
}

/// What `/ready` says of a server's own checksums.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ready_tells_whether_pages_have_checksums() {
    let over = TestApp::over_postgres().await;
    assert_eq!(over.read("/ready").await["data_checksums"], false, "initdb of PostgreSQL 15 makes none unless asked");
    assert_eq!(TestApp::bare().await.read("/ready").await.get("data_checksums"), None);
}

/// What `tuban check-store` says of one changed value in each table, by whose row it is; nothing of a sound store.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn check_store_names_the_first_damaged_row() {
    let app = TestApp::city().await;
    app.uploaded(super::app::APRIL, &city::one_of_each()).await;
    app.service
        .file_verdicts(&Scope::all(), None, &b"patch_id,verdict,legal_m2,legal_farmland_m2,illegal_m2,illegal_farmland_m2\nS1,illegal,0,0,10,10\n"[..])
        .await
        .unwrap();
    let (database, folder) = (app.database(), Path::new("."));
    let url = format!("sqlite:{}", database.display());
    assert!(done(folder, &["check-store", "--database", &url]).contains("no damage"));
    let mut hand = SqliteConnection::connect(&url).await.unwrap();
    for (meddling, back, named) in [
        (
            "UPDATE finding SET farmland_m2 = farmland_m2 + 1 WHERE patch = 2",
            "UPDATE finding SET farmland_m2 = farmland_m2 - 1 WHERE patch = 2",
            "row 2 of table finding",
        ),
        ("UPDATE patch SET before_day = '2021-01-01' WHERE id = 1", "", "row 1 of table patch"),
    ] {
        sqlx::query(meddling).execute(&mut hand).await.unwrap();
        let (code, _, said) = run(folder, &["check-store", "--database", &url]);
        assert!(code == 7 && said.contains(named), "{meddling}: {code} {said}");
        if !back.is_empty() {
            sqlx::query(back).execute(&mut hand).await.unwrap();
        }
    }
    let answer = app.get("/api/patches/1").await;
    answer.problem(500, "store_damaged");
}

/// A database that is gone, empty or cut beside what belongs to it is not begun anew.
#[tokio::test]
async fn a_missing_or_empty_database_is_not_made_again() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    std::fs::write(at.join("s.geojson"), city::one_of_each().text()).unwrap();
    done(at, &["survey", "add", "--period", "2022-04", "--level", "city", "s.geojson"]);
    let bytes = std::fs::read(at.join("tuban.db")).unwrap();
    for size in [None, Some(0), Some(1), Some(511)] {
        match size {
            None => std::fs::remove_file(at.join("tuban.db")).unwrap(),
            Some(size) => std::fs::write(at.join("tuban.db"), &bytes[..size]).unwrap(),
        }
        let (code, _, said) = run(at, &["survey", "list"]);
        assert!(code == 7 && said.contains("从备份恢复") && said.contains("restore"), "{size:?}: {code} {said}");
        assert_eq!(std::fs::metadata(at.join("tuban.db")).ok().map(|metadata| metadata.len()), size.map(|size| size as u64));
    }
    for ending in ["-jobs", "-jobs-wal", "-jobs-shm", "-wal", "-shm"] {
        let _ = std::fs::remove_file(at.join(format!("tuban.db{ending}")));
    }
    std::fs::remove_file(at.join("tuban.db")).unwrap();
    done(at, &["survey", "list"]);
}
