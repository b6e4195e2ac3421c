//! Promises about layers.

use super::{stored_on, weird_outlines};
use crate::builders::{feature, finding, key, layer, patch, square};
use tuban::store::{NewLayer, Store, StoreError, Thing};
use tuban_engine::model::{FeatureFacts, Layer, LayerFeature, LayerKind, LayerUsed, LeftOut, Provenance, Standard, Words};
use tuban_geom::{Bounds, Outline};

pub(super) async fn stored_layer(store: &dyn Store, layer: NewLayer, features: Vec<LayerFeature>) -> Layer {
    let mut writer = store.begin_layer().await.unwrap();
    writer.push(features).await.unwrap();
    writer.commit(layer).await.unwrap()
}

async fn all_features(store: &dyn Store, layer: i64) -> Vec<LayerFeature> {
    let mut all = Vec::new();
    store.each_feature(layer, &mut |batch| all.extend(batch)).await.unwrap();
    all
}

/// What a finding made with that layer rests on.
pub(super) fn resting_on(layer: &Layer) -> Provenance {
    Provenance {
        layers: vec![LayerUsed { id: layer.id, kind: layer.kind, name: layer.name.clone(), effective: layer.effective.to_string() }],
        rule: "2022-1".to_owned(),
    }
}

pub(super) async fn a_layer_reads_back_to_the_last_bit(store: &dyn Store) {
    let features: Vec<_> = weird_outlines()
        .into_iter()
        .enumerate()
        .map(|(at, degrees)| LayerFeature {
            row: 7 * at as u64 + 1,
            facts: FeatureFacts {
                granted: (at % 2 == 0).then(|| "2021-02-28".parse().unwrap()),
                ends: (at % 3 == 1).then(|| "9999-12-31".parse().unwrap()),
                kind: (at % 4 == 1).then(|| "设施农用地 '\u{0}".to_owned()),
                first_effective: (at % 5 == 2).then(|| "2020-02-29".parse().unwrap()),
                ..FeatureFacts::new(format!("0{at}03"), "旱地 “K” 'x'; --\n\t𠀀".to_owned())
            },
            source: (at % 3 == 0).then(|| square(39_600_000.0, 3_800_000.0, 100.0 / 3.0)),
            repaired: (at % 2 == 0).then(|| square(118.0, 35.0, 0.1 / 3.0)),
            degrees,
        })
        .collect();
    let new = NewLayer {
        rejected: 3,
        notes: vec!["第 3 行与第 4 行重叠".to_owned(), String::new()],
        invented: false,
        undated: Some(4),
        ..layer(LayerKind::Farmland, "2022-02-28")
    };
    let stored = stored_layer(store, new.clone(), features.clone()).await;

    assert_eq!(store.layers().await.unwrap(), std::slice::from_ref(&stored));
    assert_eq!((stored.features, stored.rejected, stored.notes, stored.name, stored.effective), (8, 3, new.notes, new.name, new.effective));
    assert_eq!(stored.undated, Some(4));
    assert_eq!(stored.vertices, features.iter().map(|feature| feature.degrees.positions.len() as u64).sum::<u64>());
    let read = all_features(store, stored.id).await;
    assert_eq!(read, features);
    // Equality of doubles takes −0.0 for 0.0; their bits do not.
    let bits = |all: &[LayerFeature]| {
        all.iter().flat_map(|feature| feature.degrees.positions.iter().flatten().map(|x| x.to_bits()).collect::<Vec<_>>()).collect::<Vec<_>>()
    };
    assert_eq!(bits(&read), bits(&features));
}

/// A layer of which two features were refused, one of them nobody knows where.
pub(super) async fn layer_with_left_outs(store: &dyn Store) -> (Layer, Vec<LeftOut>) {
    let left_out = |row, bounds| LeftOut { row, code: "hole_outside".to_owned(), reason: Words::new("内环“”", "a hole's"), bounds };
    let missing = vec![left_out(2, Some(Bounds { min: [118.0 + 1e-13, 35.0], max: [118.1, 35.0 + 1.0 / 3.0] })), left_out(7, None)];
    let mut writer = store.begin_layer().await.unwrap();
    writer.push(vec![feature(1, 118.0, 35.0)]).await.unwrap();
    writer.leave_out(missing.clone()).await.unwrap();
    let new = NewLayer { classes: Some(Standard::SecondSurvey), rejected: 2, ..layer(LayerKind::Farmland, "2022-03-01") };
    (writer.commit(new).await.unwrap(), missing)
}

pub(super) async fn what_is_left_out_of_a_layer_is_kept_with_it(store: &dyn Store) {
    let (stored, missing) = layer_with_left_outs(store).await;
    assert_eq!(store.left_out(stored.id).await.unwrap(), missing);
    assert_eq!(store.layers().await.unwrap()[0].classes, Some(Standard::SecondSurvey));
    let whole = stored_layer(store, layer(LayerKind::County, "2022-03-01"), vec![feature(1, 118.0, 35.0)]).await;
    assert_eq!((store.left_out(whole.id).await.unwrap(), store.left_out(99).await.unwrap()), (vec![], vec![]));
    store.remove_layer(stored.id).await.unwrap();
    assert_eq!(store.left_out(stored.id).await.unwrap(), []);
}

pub(super) async fn features_come_in_the_order_of_the_file_and_in_batches(store: &dyn Store) {
    let features: Vec<_> = (1..=5000).map(|row| feature(row, 118.0 + (row * 37 % 100) as f64 / 100.0, 35.0)).collect();
    let mut writer = store.begin_layer().await.unwrap();
    for pushed in features.chunks(777) {
        writer.push(pushed.to_vec()).await.unwrap();
    }
    let stored = writer.commit(layer(LayerKind::Farmland, "2022-01-01")).await.unwrap();
    let mut batches = Vec::new();
    store.each_feature(stored.id, &mut |batch| batches.push(batch)).await.unwrap();
    assert!(batches.len() > 1 && batches.iter().all(|batch| !batch.is_empty()));
    assert_eq!(batches.concat(), features);
}

pub(super) async fn layers_come_newest_first_within_a_kind(store: &dyn Store) {
    for (kind, effective) in [
        (LayerKind::Farmland, "2021-01-01"),
        (LayerKind::County, "2020-01-01"),
        (LayerKind::Farmland, "2022-01-01"),
        (LayerKind::Approved, "2022-05-01"),
        (LayerKind::Farmland, "2021-12-31"),
    ] {
        stored_layer(store, layer(kind, effective), vec![feature(1, 118.0, 35.0)]).await;
    }
    let order: Vec<_> = store.layers().await.unwrap().into_iter().map(|layer| (layer.kind, layer.effective.to_string())).collect();
    let expected = [
        (LayerKind::County, "2020-01-01"),
        (LayerKind::Farmland, "2022-01-01"),
        (LayerKind::Farmland, "2021-12-31"),
        (LayerKind::Farmland, "2021-01-01"),
        (LayerKind::Approved, "2022-05-01"),
    ];
    assert_eq!(order, expected.map(|(kind, effective)| (kind, effective.to_owned())));
}

pub(super) async fn only_features_whose_box_touches_are_found(store: &dyn Store) {
    let mut features: Vec<_> = (0..400).map(|n| feature(n + 1, 118.0 + (n % 20) as f64 * 0.002, 35.0 + (n / 20) as f64 * 0.002)).collect();
    // Where there is a repaired outline, it is the one that counts.
    features.push(LayerFeature { repaired: Some(square(118.0, 35.0, 0.0001)), ..feature(401, 120.0, 36.0) });
    // Large ones, and one of nothing.
    features.push(LayerFeature { degrees: square(117.0, 34.0, 3.0), ..feature(402, 0.0, 0.0) });
    features.push(LayerFeature { degrees: Outline::default(), ..feature(403, 0.0, 0.0) });
    let stored = stored_layer(store, layer(LayerKind::Farmland, "2022-01-01"), features.clone()).await;
    stored_layer(store, layer(LayerKind::Farmland, "2023-01-01"), features.clone()).await;

    let searches = [
        [118.0, 35.0, 118.005, 35.003],
        [118.001, 35.001, 118.001, 35.001],
        [117.0, 34.0, 117.001, 34.001],
        [-180.0, -90.0, 180.0, 90.0],
        [10.0, 10.0, 11.0, 11.0],
        [118.0385, 35.0, 118.04, 35.0],
    ];
    for [west, south, east, north] in searches {
        let bounds = Bounds { min: [west, south], max: [east, north] };
        let mut found: Vec<_> = store.features_within(stored.id, &bounds, 1000).await.unwrap().into_iter().map(|feature| feature.row).collect();
        found.sort_unstable();
        let expected: Vec<_> = features
            .iter()
            .filter(|feature| feature.repaired.as_ref().unwrap_or(&feature.degrees).bounds().touches(&bounds))
            .map(|feature| feature.row)
            .collect();
        assert_eq!(found, expected, "{bounds:?}");
    }
    let city = Bounds { min: [117.0, 34.0], max: [119.0, 36.0] };
    assert_eq!(store.features_within(stored.id, &city, 7).await.unwrap().len(), 7);
}

pub(super) async fn a_layer_under_a_finding_cannot_be_removed(store: &dyn Store) {
    let under = stored_layer(store, layer(LayerKind::Farmland, "2022-01-01"), vec![feature(1, 118.0, 35.0)]).await;
    stored_on(store, &key("2022-04", "a"), vec![(patch("1"), finding(None)), (patch("2"), finding(None))], &resting_on(&under)).await;
    stored_on(store, &key("2022-05", "a"), vec![(patch("3"), finding(None))], &resting_on(&under)).await;
    match store.remove_layer(under.id).await {
        Err(StoreError::LayerInUse { layer, findings }) => assert_eq!((layer, findings), (under.id, 3)),
        other => panic!("{other:?}"),
    }
    assert_eq!(all_features(store, under.id).await.len(), 1);
}

pub(super) async fn a_removed_layer_is_gone_with_its_features(store: &dyn Store) {
    let (gone, kept) = (
        stored_layer(store, layer(LayerKind::Farmland, "2022-01-01"), vec![feature(1, 118.0, 35.0)]).await,
        stored_layer(store, layer(LayerKind::Farmland, "2023-01-01"), vec![feature(1, 118.0, 35.0)]).await,
    );
    store.remove_layer(gone.id).await.unwrap();
    assert_eq!(store.layers().await.unwrap(), std::slice::from_ref(&kept));
    assert_eq!(all_features(store, kept.id).await.len(), 1);
    assert!(matches!(store.each_feature(gone.id, &mut |_| ()).await, Err(StoreError::NotFound { what: Thing::Layer, .. })));
    // Its number is not given again.
    let next = stored_layer(store, layer(LayerKind::Farmland, "2024-01-01"), vec![]).await;
    assert!(next.id > kept.id);
}

pub(super) async fn a_layer_that_is_not_there_is_not_found(store: &dyn Store) {
    let anywhere = Bounds { min: [0.0, 0.0], max: [1.0, 1.0] };
    assert!(matches!(store.remove_layer(9).await, Err(StoreError::NotFound { what: Thing::Layer, .. })));
    assert!(matches!(store.each_feature(9, &mut |_| ()).await, Err(StoreError::NotFound { what: Thing::Layer, .. })));
    assert!(matches!(store.features_within(9, &anywhere, 9).await, Err(StoreError::NotFound { what: Thing::Layer, .. })));
    // An empty layer is there.
    let empty = stored_layer(store, layer(LayerKind::RedLine, "2022-01-01"), vec![]).await;
    store.each_feature(empty.id, &mut |_| panic!("a batch of nothing")).await.unwrap();
    assert!(store.features_within(empty.id, &anywhere, 9).await.unwrap().is_empty());
}
