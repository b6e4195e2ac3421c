//! A program that is killed while a survey comes in: the survey is there whole, or not at all.

use super::{
    app::{
        city,
        file::{File, polygon, rectangle},
    },
    done, rounds, tuban,
};
use rand_chacha::{
    ChaCha8Rng,
    rand_core::{RngCore, SeedableRng},
};
use serde_json::json;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};
use tuban::scope::Scope;
use tuban::store::{Filter, Store, sqlite::SqliteStore};
use tuban_engine::model::Survey;

/// Moments at which it is killed, in each round.
const KILLS: u32 = 30;
/// Patches of the survey that comes in.
const PATCHES: u32 = 3000;

/// `count` patches named `name`, each with a remark of 4 000 letters so that there is something to write, and after each thousand one that is refused.
pub(super) fn survey(name: &str, count: u32) -> String {
    let remark = "x".repeat(4000);
    let file = (0..count).fold(File::default(), |file, n| {
        let (west, south) = (118.301 + 0.001 * f64::from(n % 190), 35.001 + 0.001 * f64::from(n / 190));
        let patch = polygon(&[rectangle(west, south, west + 0.0005, south + 0.0005)]);
        let file = file.feature(&json!({ "JCBH": format!("{name}{n}"), "BZ": remark }), &patch);
        if n % 1000 == 999 { file.patch_of("refused", "[]") } else { file }
    });
    file.text()
}

/// Opens the database as a restarted program would, has it looked through, and answers its surveys, each of which is whole.
pub(super) async fn reopen(folder: &Path) -> Vec<Survey> {
    let store = SqliteStore::open(&format!("sqlite:{}/tuban.db", folder.display())).await.unwrap();
    store.verify().await.unwrap();
    let surveys = whole_surveys(&store).await;
    store.close().await;
    surveys
}

/// The surveys of a store, each of which is whole.
pub(super) async fn whole_surveys(store: &dyn Store) -> Vec<Survey> {
    let surveys = store.surveys(&Scope::all()).await.unwrap();
    let mut patches = 0;
    for survey in &surveys {
        let found = store.patch_marks(&Filter { survey: Some(survey.id), limit: u32::MAX, ..Filter::of(Scope::all()) }, false).await.unwrap().len();
        assert_eq!(found as u64, survey.facts.patches, "survey {} is whole", survey.id);
        assert_eq!(store.rejects(survey.id, 0, 1000).await.unwrap().len() as u64, survey.facts.rejected);
        patches += found;
    }
    let all = store.patch_marks(&Filter { limit: u32::MAX, ..Filter::of(Scope::all()) }, false).await.unwrap().len();
    assert_eq!(all, patches, "no patch is without its survey");
    surveys
}

/// When to kill for the nth time in a round, as a share of what the import takes. The first ten fall anywhere in it, one to each tenth; the others around its end, where everything is
/// written out at once.
fn moment(kill: u32, dice: &mut ChaCha8Rng) -> f64 {
    let unit = f64::from(dice.next_u32()) / f64::from(u32::MAX);
    match kill {
        0..10 => (f64::from(kill) + unit) / 10.0,
        _ => 0.75 + 0.45 * (f64::from(kill - 10) + unit) / f64::from(KILLS - 10),
    }
}

#[tokio::test]
async fn a_survey_is_whole_or_absent_whenever_the_program_is_killed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    for (name, text) in [("counties", city::counties().text()), ("old", survey("old", 200)), ("new", survey("new", PATCHES))] {
        std::fs::write(path.join(format!("{name}.geojson")), text).unwrap();
    }
    done(path, &["layer", "add", "--kind", "county", "--name", "行政区", "--effective", "2022-01-01", "counties.geojson"]);
    done(path, &["survey", "add", "--period", "2022-04", "--level", "city", "old.geojson"]);
    let before = reopen(path).await;
    assert_eq!(before.len(), 1);
    std::fs::copy(path.join("tuban.db"), path.join("before.db")).unwrap();
    // Beside the old survey, or in its place.
    let beside = ["survey", "add", "--period", "2022-05", "--level", "city", "new.geojson"];
    let instead = ["survey", "add", "--period", "2022-04", "--level", "city", "--on-conflict", "replace", "new.geojson"];
    let began = Instant::now();
    done(path, &beside);
    let takes = began.elapsed();

    let mut dice = ChaCha8Rng::seed_from_u64(765);
    for kill in 0..KILLS * rounds() {
        for leftover in ["tuban.db-wal", "tuban.db-shm"] {
            let _ = std::fs::remove_file(path.join(leftover));
        }
        std::fs::copy(path.join("before.db"), path.join("tuban.db")).unwrap();
        let (arguments, replacing) = if kill % 2 == 0 { (&beside[..], false) } else { (&instead[..], true) };
        let moment = moment(kill % KILLS, &mut dice);
        let mut child = tuban(path, arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        std::thread::sleep(takes.mul_f64(moment).min(Duration::from_mins(1)));
        child.kill().unwrap();
        child.wait().unwrap();

        let after = reopen(path).await;
        let new = after.iter().find(|survey| survey.facts.patches == u64::from(PATCHES));
        match (new, replacing) {
            (None, _) => assert_eq!(after, before, "kill {kill}"),
            (Some(_), true) => assert_eq!(after.len(), 1, "kill {kill}"),
            (Some(_), false) => assert_eq!((after.len(), after.contains(&before[0])), (2, true), "kill {kill}"),
        }
        let said = done(path, arguments);
        assert_eq!(said.contains("already stored"), new.is_some(), "kill {kill}: {said}");
        let again = reopen(path).await;
        assert_eq!(again.len(), if replacing { 1 } else { 2 }, "kill {kill}");
        assert!(again.iter().any(|survey| survey.facts.patches == u64::from(PATCHES) && survey.facts.rejected == 3), "kill {kill}");
    }
}
