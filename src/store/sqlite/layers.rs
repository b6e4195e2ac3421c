//! Layers and their features.

use super::bulk::{Insert, ROWS, Values};
use super::{SqliteStore, Writing, rows};
use crate::geom::Bounds;
use crate::land::{FeatureFacts, Layer};
use crate::store::{LayerFeature, LayerWriter, NewLayer, StoreError, wkb};
use async_trait::async_trait;
use futures_util::TryStreamExt;
use sqlx::{Row, sqlite::SqliteRow};

/// Features handed on at a time.
const BATCH: usize = 2000;

const FEATURES: &str = "INSERT INTO layer_feature (layer_id, row, code, name, west, south, east, north, cell, degrees, repaired, source)";

struct Taking {
    transaction: Writing,
    id: i64,
    insert: Insert,
    features: u64,
    vertices: u64,
}

#[async_trait]
impl LayerWriter for Taking {
    async fn push(&mut self, features: Vec<LayerFeature>) -> Result<(), StoreError> {
        let mut features = features.into_iter();
        while features.len() > 0 {
            let (mut values, mut rows) = (Values::default(), 0);
            for feature in features.by_ref().take(ROWS) {
                self.vertices += feature.degrees.positions.len() as u64;
                rows += 1;
                self.add(&mut values, feature)?;
            }
            self.insert.execute(&mut self.transaction, rows, values).await?;
            self.features += rows as u64;
        }
        Ok(())
    }

    async fn commit(mut self: Box<Self>, layer: NewLayer) -> Result<Layer, StoreError> {
        let NewLayer { kind, name, effective, crs, sha256, invented, rejected, notes } = layer;
        let layer = Layer {
            id: self.id,
            kind,
            name,
            effective,
            crs,
            sha256,
            invented,
            features: self.features,
            rejected,
            vertices: self.vertices,
            created_ms: rows::now_ms(),
            notes,
        };
        sqlx::query(
            "INSERT INTO layer (id, kind, name, effective, crs, sha256, invented, features, rejected, vertices, created_ms, notes)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
        )
        .bind(layer.id)
        .bind(layer.kind.word())
        .bind(&layer.name)
        .bind(layer.effective.to_string())
        .bind(&layer.crs)
        .bind(&layer.sha256)
        .bind(i64::from(layer.invented))
        .bind(layer.features as i64)
        .bind(layer.rejected as i64)
        .bind(layer.vertices as i64)
        .bind(layer.created_ms)
        .bind(rows::to_json(&layer.notes)?)
        .execute(&mut *self.transaction)
        .await?;
        super::publish(self.transaction).await?;
        Ok(layer)
    }
}

impl Taking {
    fn add(&self, values: &mut Values, feature: LayerFeature) -> Result<(), StoreError> {
        values.add(self.id)?;
        values.add(feature.row as i64)?;
        values.add(feature.facts.code)?;
        values.add(feature.facts.name)?;
        values.add_box(&rows::box_of(&feature.degrees, feature.repaired.as_ref()))?;
        values.add(wkb::write(&feature.degrees))?;
        values.add(feature.repaired.as_ref().map(wkb::write))?;
        values.add(feature.source.as_ref().map(wkb::write))
    }
}

impl SqliteStore {
    pub(super) async fn take_layer(&self) -> Result<Box<dyn LayerWriter>, StoreError> {
        let mut transaction = self.begin().await?;
        let id = super::next_id(&mut transaction, "layer").await?;
        Ok(Box::new(Taking { transaction, id, insert: Insert::new(FEATURES), features: 0, vertices: 0 }))
    }

    pub(super) async fn all_layers(&self) -> Result<Vec<Layer>, StoreError> {
        let rows = sqlx::query("SELECT * FROM layer ORDER BY effective DESC, id DESC").fetch_all(&self.pools.readers).await?;
        let mut layers = rows.iter().map(layer).collect::<Result<Vec<_>, _>>()?;
        layers.sort_by_key(|layer| layer.kind);
        Ok(layers)
    }

    pub(super) async fn drop_layer(&self, id: i64) -> Result<(), StoreError> {
        let mut transaction = self.begin().await?;
        let (surveys, findings): (i64, i64) = sqlx::query_as(
            "SELECT count(DISTINCT used.survey_id), count(finding.patch)
             FROM survey_layer used LEFT JOIN finding ON finding.survey_id = used.survey_id WHERE used.layer_id = $1",
        )
        .bind(id)
        .fetch_one(&mut *transaction)
        .await?;
        if surveys > 0 {
            return Err(StoreError::LayerInUse { layer: id, findings: findings as u64 });
        }
        let removed = sqlx::query("DELETE FROM layer WHERE id = $1").bind(id).execute(&mut *transaction).await?;
        if removed.rows_affected() == 0 {
            return Err(no_layer(id));
        }
        super::publish(transaction).await
    }

    pub(super) async fn all_features(&self, layer: i64, sink: &mut (dyn FnMut(Vec<LayerFeature>) + Send)) -> Result<(), StoreError> {
        let mut found = sqlx::query("SELECT row, code, name, degrees, repaired, source FROM layer_feature WHERE layer_id = $1 ORDER BY id")
            .bind(layer)
            .fetch(&self.pools.readers);
        let (mut batch, mut any) = (Vec::with_capacity(BATCH), false);
        while let Some(row) = found.try_next().await? {
            any = true;
            batch.push(feature(&row)?);
            if batch.len() == BATCH {
                sink(std::mem::replace(&mut batch, Vec::with_capacity(BATCH)));
            }
        }
        drop(found);
        if !batch.is_empty() {
            sink(batch);
        }
        if any { Ok(()) } else { self.layer_exists(layer).await }
    }

    pub(super) async fn some_features(&self, layer: i64, bounds: &Bounds, limit: u32) -> Result<Vec<LayerFeature>, StoreError> {
        // CROSS JOIN: the ranges first, then the index for each of them. SQLite cannot know how few they are.
        let rows = sqlx::query(
            "SELECT row, code, name, degrees, repaired, source
             FROM json_each($1) AS span
             CROSS JOIN layer_feature ON layer_id = $2 AND cell BETWEEN span.value ->> 0 AND span.value ->> 1
             WHERE west <= $3 AND east >= $4 AND south <= $5 AND north >= $6
             LIMIT $7",
        )
        .bind(rows::spans(bounds)?)
        .bind(layer)
        .bind(bounds.max[0])
        .bind(bounds.min[0])
        .bind(bounds.max[1])
        .bind(bounds.min[1])
        .bind(i64::from(limit))
        .fetch_all(&self.pools.readers)
        .await?;
        if rows.is_empty() {
            self.layer_exists(layer).await?;
        }
        rows.iter().map(feature).collect()
    }

    async fn layer_exists(&self, id: i64) -> Result<(), StoreError> {
        let found: Option<i64> = sqlx::query_scalar("SELECT id FROM layer WHERE id = $1").bind(id).fetch_optional(&self.pools.readers).await?;
        found.map(|_| ()).ok_or_else(|| no_layer(id))
    }
}

pub(super) fn no_layer(id: i64) -> StoreError {
    StoreError::NotFound { what: "layer", key: id.to_string() }
}

/// By position, not by name: this runs for every parcel of the city.
fn feature(row: &SqliteRow) -> Result<LayerFeature, StoreError> {
    Ok(LayerFeature {
        row: row.try_get::<i64, _>(0)? as u64,
        facts: FeatureFacts { code: row.try_get(1)?, name: row.try_get(2)? },
        degrees: wkb::read(row.try_get(3)?)?,
        repaired: row.try_get::<Option<&[u8]>, _>(4)?.map(wkb::read).transpose()?,
        source: row.try_get::<Option<&[u8]>, _>(5)?.map(wkb::read).transpose()?,
    })
}

fn layer(row: &SqliteRow) -> Result<Layer, StoreError> {
    Ok(Layer {
        id: row.try_get("id")?,
        kind: rows::word(row, "kind")?,
        name: row.try_get("name")?,
        effective: rows::word(row, "effective")?,
        crs: row.try_get("crs")?,
        sha256: row.try_get("sha256")?,
        invented: row.try_get::<i64, _>("invented")? != 0,
        features: rows::count(row, "features")?,
        rejected: rows::count(row, "rejected")?,
        vertices: rows::count(row, "vertices")?,
        created_ms: row.try_get("created_ms")?,
        notes: rows::json(row, "notes")?,
    })
}
