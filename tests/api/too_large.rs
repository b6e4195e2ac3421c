//! A polygon that is more than the rule's share of its county, or of all counties, is no patch: doubtful, with its area and the share.

use super::app::{TestApp, city, file};
use file::{File, rectangle};

/// Oracle: the counties of `city` are 0.1° wide and high, so a rectangle's share is that of its degrees; the rule allows 0.05 of a county or of both together.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_patch_larger_than_the_rules_share_is_doubtful_and_says_so() {
    let app = TestApp::city().await;
    let survey = File::default()
        .patch("four", &[rectangle(118.31, 35.02, 118.33, 35.04)])
        .patch("six", &[rectangle(118.31, 35.05, 118.33, 35.08)])
        // Six per cent of one county and a corner of another.
        .patch("across", &[rectangle(118.3799, 35.01, 118.4001, 35.04)])
        // Six per cent of all counties, in none; and four.
        .patch("outside", &[rectangle(118.60, 35.0, 118.63, 35.04)])
        .patch("near", &[rectangle(118.70, 35.0, 118.72, 35.04)])
        .patch("world", &[rectangle(100.0, 20.0, 130.0, 50.0)]);
    let answer = app.upload("period=2022-04&level=city", survey.text()).await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    for (id, is_too_large) in [("four", false), ("six", true), ("across", true), ("outside", true), ("near", false), ("world", true)] {
        let patch = app.patch(id).await;
        let finding = &patch["properties"]["finding"];
        assert_eq!(finding["reason"] == "too_large", is_too_large, "{id}: {finding}");
        if is_too_large {
            assert_eq!(patch["properties"]["automatic_verdict"], "doubtful", "{id}");
            let (zh, en) = (finding["explanation"]["zh"].as_str().unwrap(), finding["explanation"]["en"].as_str().unwrap());
            assert!(zh.contains("5%") && zh.contains("存疑") && en.contains("5 %"), "{id}: {zh} {en}");
        }
    }
    // The table says it, too.
    let csv = app.get("/api/exports/findings?format=csv&period=2022-04").await;
    let text = String::from_utf8(csv.bytes).unwrap();
    assert_eq!(text.matches("图斑过大").count(), 4, "{text}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_counties_nothing_is_too_large() {
    let app = TestApp::bare().await;
    for (kind, layer) in city::layers().into_iter().skip(1) {
        app.import_layer(kind, &layer, "2022-01-01").await;
    }
    app.uploaded("period=2022-04&level=city", &File::default().patch("world", &[rectangle(117.0, 34.0, 119.0, 36.0)])).await;
    assert_ne!(app.patch("world").await["properties"]["finding"]["reason"], "too_large");
}
