//! Surveys taken back, restored, moved, replaced with their verdicts kept, and sent again.

use super::app::{APRIL, TestApp, city, file::File, text};
use reqwest::Method;
use serde_json::{Value, json};
use tuban::scope::Scope;

const REPLACING: &str = "period=2022-04&level=city&on_conflict=replace";

/// Patches that lie apart from each other; with that remark.
fn patches(ids: &[&str], remark: &str) -> File {
    ids.iter().enumerate().fold(File::default(), |file, (n, id)| {
        let west = 118.31 + 0.003 * n as f64;
        let ring = super::app::file::rectangle(west, 35.02, west + 0.001, 35.021);
        file.feature(&json!({ "JCBH": id, "BZ": remark }), &super::app::file::polygon(&[ring]))
    })
}

async fn filed(app: &TestApp, rows: &str) {
    let csv = format!("patch_id,verdict,legal_m2,legal_farmland_m2,illegal_m2,illegal_farmland_m2\n{rows}");
    app.service.file_verdicts(&Scope::all(), None, csv.as_bytes()).await.unwrap();
}

async fn delete(app: &TestApp, path: &str) -> super::app::Answer {
    let path = if path.contains("reason=") { path.to_owned() } else { format!("{path}?reason=x") };
    app.send(app.request(Method::DELETE, &path)).await
}

/// What of a ratio must not change.
async fn ratio(app: &TestApp) -> Value {
    let told = app.read("/api/ratios?period=2022-04").await;
    json!([told["city"], told["counties"]])
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_month_is_taken_back_and_the_right_one_taken_in() {
    let app = TestApp::city().await;
    let wrong = app.uploaded("period=2022-10&level=city", &city::one_of_each()).await;
    let (id, patch) = (wrong["id"].as_i64().unwrap(), app.patches("").await[0]["id"].clone());
    filed(&app, "S1,illegal,0,0,200,100\n").await;
    assert_eq!(app.read(&format!("/api/surveys/{id}/history")).await["confirmed"], 1, "what it would cost");
    let answer = delete(&app, &format!("/api/surveys/{id}?reason=%E9%80%89%E9%94%99%E6%9C%88%E4%BB%BD&by=%E7%8E%8B%E4%BA%94")).await;
    assert_eq!((answer.status.as_u16(), answer.bytes.len()), (204, 0));

    for gone in [
        format!("/api/surveys/{id}"),
        format!("/api/surveys/{id}/provenance"),
        format!("/api/surveys/{id}/rejects"),
        format!("/api/patches/{patch}"),
        format!("/api/exports/findings?format=csv&survey={id}"),
    ] {
        app.get(&gone).await.problem(404, "not_found");
    }
    assert!(app.surveys().await.is_empty() && app.patch_ids("").await.is_empty());
    assert_eq!(app.read("/api/about").await["periods"], json!([]));
    assert_eq!(app.read("/api/ratios?period=2022-10").await["city"]["total"]["patches"], 0);
    assert!(!app.get("/api/exports/findings?format=csv&period=2022-10").await.text().contains("S1"));
    assert_eq!(app.get("/api/tiles/patches/14/13576/6474.mvt?period=2022-10").await.status, 204);
    delete(&app, &format!("/api/surveys/{id}")).await.problem(404, "not_found");
    app.post(&format!("/api/surveys/{id}/reclassification"), "").await.problem(404, "not_found");

    let listed = app.read("/api/surveys?withdrawn=yes").await["surveys"][0].clone();
    assert_eq!(
        (&listed["id"], &listed["confirmed"], &listed["event"]["event"], &listed["event"]["reason"], &listed["event"]["by"]),
        (&json!(id), &json!(1), &json!("withdrawn"), &json!("选错月份"), &json!("王五"))
    );
    assert!(!text(&listed["withdrawn_at"]).is_empty());

    // The very same file for the right month: nobody asks, and nothing says that it is there.
    let right = app.uploaded(APRIL, &city::one_of_each()).await;
    assert_eq!((app.surveys().await.len(), &right["period"]), (1, &json!("2022-04")));
    // Restored, both are there.
    let restored = app.post(&format!("/api/surveys/{id}/restore?by=%E7%8E%8B%E4%BA%94"), "").await;
    assert_eq!((restored.status.as_u16(), restored.json()), (200, wrong));
    assert_eq!(app.patch_ids("verdict=illegal").await, ["S1"]);
    let events: Vec<Value> = app.read(&format!("/api/surveys/{id}/history")).await["events"].as_array().unwrap().clone();
    assert_eq!(events.iter().map(|event| text(&event["event"])).collect::<Vec<_>>(), ["withdrawn", "restored"]);
    assert_eq!(app.read(&format!("/api/surveys/{}/history", right["id"])).await["events"], json!([]));
    app.get("/api/surveys/99/history").await.problem(404, "not_found");
    // It must be said why.
    for (method, path) in [(Method::DELETE, format!("/api/surveys/{id}")), (Method::POST, format!("/api/surveys/{id}/move?period=2022-01"))] {
        assert_eq!(app.send(app.request(method, &path)).await.problem(400, "parameter")["parameter"], "reason");
    }
    app.get("/api/surveys?withdrawn=perhaps").await.problem(400, "parameter");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn restoring_and_moving_into_a_month_that_is_taken_name_both() {
    let app = TestApp::city().await;
    let first = app.uploaded(APRIL, &patches(&["A", "B"], "")).await["id"].clone();
    delete(&app, &format!("/api/surveys/{first}")).await;
    let second = app.uploaded(APRIL, &patches(&["A", "B", "C"], "")).await["id"].clone();
    let problem = app.post(&format!("/api/surveys/{first}/restore"), "").await.problem(409, "period_taken");
    assert_eq!((&problem["survey"], &problem["existing"]), (&first, &second));
    let moved = app.post(&format!("/api/surveys/{second}/move?period=2022-05&reason=x"), "").await;
    assert_eq!((moved.status.as_u16(), &moved.json()["period"]), (200, &json!("2022-05")), "{}", moved.text());
    // Oracle: the file says no days, so that the period's stand for those of all three.
    assert_eq!(moved.json()["days_changed"], 3);
    assert_eq!(app.post(&format!("/api/surveys/{first}/restore"), "").await.status, 200);
    let problem = app.post(&format!("/api/surveys/{first}/move?period=2022-05&reason=x"), "").await.problem(409, "period_taken");
    assert_eq!((&problem["survey"], &problem["existing"]), (&first, &second));
    assert_eq!(app.post(&format!("/api/surveys/{first}/move?level=ministry&reason=x"), "").await.json()["level"], "ministry");
    for (query, parameter) in [("", "period"), ("period=x", "period"), ("level=village", "level")] {
        assert_eq!(app.post(&format!("/api/surveys/{first}/move?reason=x&{query}"), "").await.problem(400, "parameter")["parameter"], parameter);
    }
    app.post("/api/surveys/99/move?period=2022-01&reason=x", "").await.problem(404, "not_found");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn replacing_with_the_same_patches_keeps_every_verdict_and_the_ratio() {
    let app = TestApp::city().await;
    app.uploaded(APRIL, &patches(&["A1", "A2", "A3", "A4"], "")).await;
    filed(&app, "A1,legal,900,300,0,0\nA2,illegal,0,0,200,100\nA3,other,0,0,0,0\n").await;
    let (before, numbers) = (ratio(&app).await, app.patches("").await.iter().map(|one| one["id"].clone()).collect::<Vec<_>>());
    // Oracle: 100 / (100 + 300) by hand.
    assert_eq!(before[0]["ratio"]["confirmed"], 25.0);
    let replacing = app.uploaded(REPLACING, &patches(&["A1", "A2", "A3", "A4"], "fixed")).await;
    assert_eq!(app.surveys().await.iter().map(|survey| survey["id"].clone()).collect::<Vec<_>>(), [replacing["id"].clone()]);
    assert_eq!(ratio(&app).await, before);
    assert_eq!(app.patches("").await.iter().map(|one| one["id"].clone()).collect::<Vec<_>>(), numbers);
    assert_eq!(app.patch("A1").await["properties"]["attributes"]["BZ"], "fixed");
    assert_eq!(app.patch("A1").await["properties"]["confirmed_verdict"], "legal");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn verdicts_that_would_go_are_counted_and_asked_about_also_as_a_job() {
    let app = TestApp::city().await;
    let old = app.uploaded(APRIL, &patches(&["A1", "A2", "A3"], "")).await;
    filed(&app, "A1,legal,900,300,0,0\nA3,illegal,0,0,200,100\n").await;
    let before = ratio(&app).await;
    let without_a3 = patches(&["A1", "A2"], "");
    let problem = app.upload(REPLACING, without_a3.text()).await.problem(409, "verdicts_would_go");
    let counts = json!({ "surveys": problem["surveys"], "verdicts": problem["verdicts"], "verdicts_kept": problem["verdicts_kept"], "patches_kept": problem["patches_kept"] });
    assert_eq!(counts, json!({ "surveys": [old["id"]], "verdicts": 1, "verdicts_kept": 1, "patches_kept": 2 }));
    assert!(text(&problem["detail"]).contains("1 个已确认的判定") && !text(&problem["detail"]).contains("on_conflict"));
    let queued = app.request(Method::POST, &format!("/api/surveys?{REPLACING}")).header("prefer", "respond-async").body(without_a3.text());
    let job = text(&app.send(queued).await.json()["id"]);
    let events = app.get(&format!("/api/jobs/{job}/events")).await.text();
    assert!(events.contains("verdicts_would_go"), "{events}");
    assert_eq!(app.read(&format!("/api/jobs/{job}")).await["problem"]["verdicts"], 1);
    assert_eq!((ratio(&app).await, app.read("/api/surveys?withdrawn=yes").await), (before, json!({ "surveys": [] })));
    app.upload(&format!("{REPLACING}&verdicts=perhaps"), without_a3.text()).await.problem(400, "parameter");
    let new = app.uploaded(&format!("{REPLACING}&verdicts=drop"), &without_a3).await;
    assert_eq!(app.read(&format!("/api/surveys/{}/history", new["id"])).await["confirmed"], 1);
    app.has_an_empty_spool();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn patches_sent_again_are_asked_about() {
    let app = TestApp::city().await;
    let june = app.uploaded("period=2022-06&level=city", &patches(&["A", "B", "C"], "")).await;
    // The very bytes of June, and the same patches written otherwise.
    for (query, file) in [
        ("period=2022-10&level=city", patches(&["A", "B", "C"], "")),
        ("period=2022-06&level=ministry", patches(&["A", "B", "C"], "")),
        ("period=2022-06&level=city&on_conflict=add", patches(&["A", "B", "C", "D"], "再报")),
    ] {
        let problem = app.upload_asking(query, file.text()).await.problem(409, "sent_before");
        assert_eq!((&problem["survey"], &problem["same"], &problem["period"]), (&june["id"], &json!(3), &json!("2022-06")), "{query}");
        assert!(text(&problem["detail"]).contains("2022-06"), "{problem}");
        assert_eq!(app.surveys().await.len(), 1);
    }
    assert_eq!(app.upload_asking("period=2022-10&level=city&again=yes", patches(&["A", "B", "C"], "").text()).await.status, 201);
    app.upload_asking("period=2022-11&level=city&again=perhaps", patches(&["A"], "").text()).await.problem(400, "parameter");
    app.has_an_empty_spool();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_said_of_a_file_makes_it_another_upload() {
    let app = TestApp::city().await;
    let survey = File::default().feature(&json!({ "JCBH": "no", "图号": "A-1" }), &super::app::file::polygon(&[city::suspected()]));
    let first = app.uploaded(APRIL, &survey).await;
    let corrected = format!("{APRIL}&map=patch_id%3D图号");
    app.upload(&corrected, survey.text()).await.problem(409, "survey_exists");
    let replaced = app.uploaded(&format!("{corrected}&on_conflict=replace"), &survey).await;
    assert_eq!((app.patch_ids("").await, &replaced["sha256"]), (vec!["A-1".to_owned()], &first["sha256"]));
    // The very same request once more, whatever was to be done about a conflict.
    for on_conflict in ["reject", "replace", "add"] {
        let again = app.upload(&format!("{corrected}&on_conflict={on_conflict}"), survey.text()).await;
        assert_eq!((again.status.as_u16(), again.json()["id"].clone()), (200, replaced["id"].clone()), "{on_conflict}");
    }
    let added = app.uploaded(&format!("{APRIL}&on_conflict=add"), &survey).await;
    assert_eq!((app.surveys().await.len(), app.patch_ids("").await), (2, vec!["A-1".to_owned(), "no".to_owned()]));
    // With replace the one alone is asked for: what was added goes.
    let alone = app.uploaded(&format!("{corrected}&on_conflict=replace"), &survey).await;
    assert!(alone["id"] != replaced["id"] && alone["id"] != added["id"]);
    assert_eq!(app.patch_ids("").await, ["A-1"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_withdrawal_during_a_reclassification_waits_and_both_are_whole() {
    let app = std::sync::Arc::new(TestApp::city().await);
    let ids: Vec<String> = (0..600).map(|n| format!("P{n}")).collect();
    let many = ids.iter().enumerate().fold(File::default(), |file, (n, id)| {
        let (west, south) = (118.301 + 0.001 * (n % 60) as f64, 35.001 + 0.001 * (n / 60) as f64);
        file.patch(id, &[super::app::file::rectangle(west, south, west + 0.0005, south + 0.0005)])
    });
    let id = app.uploaded(APRIL, &many).await["id"].clone();
    let judged = {
        let (app, id) = (std::sync::Arc::clone(&app), id.clone());
        tokio::spawn(async move { app.post(&format!("/api/surveys/{id}/reclassification"), "").await.status.as_u16() })
    };
    let taken_back = delete(&app, &format!("/api/surveys/{id}")).await.status.as_u16();
    let judged = judged.await.unwrap();
    assert!(taken_back == 204 && matches!(judged, 200 | 404), "{taken_back} {judged}");
    assert_eq!(app.read("/api/ratios?period=2022-04").await["city"]["total"]["patches"], 0);
    assert_eq!(app.post(&format!("/api/surveys/{id}/restore"), "").await.status, 200);
    assert_eq!(app.read("/api/ratios?period=2022-04").await["city"]["total"]["patches"], 600);
}

/// Oracle: by hand; two squares of which the second one's west half is the first one's east half, so that both together are one and a half of one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ground_that_came_while_a_survey_was_withdrawn_counts_once_when_it_is_back() {
    let app = TestApp::city().await;
    let square = |id: &str, west: f64| File::default().patch(id, &[super::app::file::rectangle(west, 35.02, west + 0.001, 35.021)]);
    let area = async |period: &str| app.read(&format!("/api/ratios?period={period}&until=2022-05")).await["city"]["total"]["area"]["m2"].as_f64().unwrap();
    let first = app.uploaded(APRIL, &square("A", 118.31)).await["id"].clone();
    let alone = area("2022-04").await;
    assert_eq!(delete(&app, &format!("/api/surveys/{first}")).await.status, 204);
    app.uploaded("period=2022-05&level=city", &square("B", 118.3105)).await;
    assert!((area("2022-04").await - alone).abs() < 1e-3, "what was withdrawn takes nothing off");
    assert_eq!(app.post(&format!("/api/surveys/{first}/restore"), "").await.status, 200);
    assert!((area("2022-04").await - 1.5 * alone).abs() < 1e-3, "{} {alone}", area("2022-04").await);
    assert!((area("2022-05").await - alone).abs() < 1e-3, "a month alone does not change");
    // Withdrawn again, the other one has all of its ground.
    assert_eq!(delete(&app, &format!("/api/surveys/{first}")).await.status, 204);
    assert!((area("2022-04").await - alone).abs() < 1e-3);
}
