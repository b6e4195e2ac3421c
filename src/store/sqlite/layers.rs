//! Layers and their features.

use super::bulk::{Arguments, Insert, ROWS};
use super::{SqliteStore, unpublished::Unpublished};
use crate::store::unpublished::{Pace, Waiting, What, bytes_of_feature, layer_placeholder};
use crate::store::{FEATURES_AT_A_TIME, Held, JobOutcome, LayerFeature, LayerWriter, NewLayer, StoreError, cells, fail, rows, sql, tables, values};
use async_trait::async_trait;
use futures_util::TryStreamExt;
use tuban_engine::model::{Layer, LeftOut, Reject};
use tuban_geom::Bounds;

/// Features collected before they are written: their count, and their bytes.
const WAITING: (usize, usize) = (8192, 4 << 20);

struct Taking {
    store: SqliteStore,
    unpublished: Unpublished,
    held: Option<(Held, Vec<Reject>)>,
    id: i64,
    insert: Insert,
    waiting: Waiting<LayerFeature>,
    features: u64,
    vertices: u64,
}

impl Taking {
    /// Writes what is collected.
    async fn flush(&mut self) -> Result<(), StoreError> {
        let mut rows = self.waiting.take().into_iter();
        while rows.len() > 0 {
            let (mut portion, pace) = (self.unpublished.portion().await?, Pace::begin());
            let mut next_feature = super::next_id(&mut portion, "layer_feature").await?;
            while rows.len() > 0 && !pace.is_over() {
                let (mut arguments, mut count) = (Arguments::default(), 0);
                for feature in rows.by_ref().take(ROWS) {
                    values::feature(&mut arguments, next_feature, self.id, &feature)?;
                    next_feature += 1;
                    count += 1;
                }
                self.insert.execute(&mut portion, count, arguments).await?;
            }
            fail::point("layer rows: before commit");
            portion.commit().await?;
            fail::point("layer rows: after commit");
        }
        Ok(())
    }
}

#[async_trait]
impl LayerWriter for Taking {
    async fn push(&mut self, features: Vec<LayerFeature>) -> Result<(), StoreError> {
        self.features += features.len() as u64;
        self.vertices += features.iter().map(|feature| feature.degrees.positions.len() as u64).sum::<u64>();
        if self.waiting.add(features, bytes_of_feature) { self.flush().await } else { Ok(()) }
    }

    async fn leave_out(&mut self, left_out: Vec<LeftOut>) -> Result<(), StoreError> {
        let (mut rows, insert) = (left_out.chunks(ROWS), Insert::new(&tables::LAYER_LEFT_OUT));
        while rows.len() > 0 {
            let (mut transaction, pace) = (self.unpublished.portion().await?, Pace::begin());
            while let Some(some) = pace.next(&mut rows) {
                let mut arguments = Arguments::default();
                some.iter().try_for_each(|one| values::left_out(&mut arguments, self.id, one))?;
                insert.execute(&mut transaction, some.len(), arguments).await?;
            }
            fail::point("left out: before commit");
            transaction.commit().await?;
        }
        Ok(())
    }

    fn only_while(&mut self, held: Held, rejects: Vec<Reject>) {
        self.held = Some((held, rejects));
    }

    async fn commit(mut self: Box<Self>, layer: NewLayer) -> Result<Layer, StoreError> {
        self.flush().await?;
        let layer = layer.stored(self.id, self.features, self.vertices);
        let mut transaction = self.unpublished.publication().await?;
        let mut arguments = Arguments::default();
        values::layer(&mut arguments, &layer)?;
        Insert::replacing(&tables::LAYER).execute(&mut transaction, 1, arguments).await?;
        self.unpublished.end(&mut transaction).await?;
        fail::point("publish layer: before commit");
        if let Some((held, rejects)) = self.held {
            let outcome = JobOutcome::Layer { id: layer.id, rejects };
            self.store.queue.commit(transaction, &held, &outcome, layer.features + layer.rejected).await?;
        } else {
            super::publish(transaction).await?;
        }
        fail::point("publish layer: after commit");
        self.unpublished.is_published();
        Ok(layer)
    }

    async fn abandon(self: Box<Self>) -> Result<(), StoreError> {
        self.unpublished.abandon().await
    }
}

impl SqliteStore {
    pub(super) async fn take_layer(&self) -> Result<Box<dyn LayerWriter>, StoreError> {
        let mut transaction = self.begin().await?;
        let id = super::next_id(&mut transaction, "layer").await?;
        let mut arguments = Arguments::default();
        values::layer(&mut arguments, &layer_placeholder(id))?;
        Insert::new(&tables::LAYER).execute(&mut transaction, 1, arguments).await?;
        let unpublished = Unpublished::begin(self, transaction, What::Layer, id).await?;
        let (waiting, insert) = (Waiting::up_to(WAITING.0, WAITING.1), Insert::new(&tables::LAYER_FEATURE));
        Ok(Box::new(Taking { store: self.clone(), unpublished, held: None, id, insert, waiting, features: 0, vertices: 0 }))
    }

    pub(super) async fn all_layers(&self) -> Result<Vec<Layer>, StoreError> {
        let rows = sqlx::query(sql::LAYERS).fetch_all(&self.pools.facts).await?;
        let mut layers = rows::layers(&rows)?;
        layers.sort_by_key(|layer| layer.kind);
        Ok(layers)
    }

    pub(super) async fn what_is_left_out(&self, layer: i64) -> Result<Vec<LeftOut>, StoreError> {
        let rows = sqlx::query(sql::LEFT_OUT).bind(layer).fetch_all(&self.pools.facts).await?;
        rows.iter().map(rows::left_out).collect()
    }

    pub(super) async fn drop_layer(&self, id: i64) -> Result<(), StoreError> {
        let mut transaction = self.begin().await?;
        let (surveys, findings): (i64, i64) = sqlx::query_as(sql::RESTING_ON_LAYER).bind(id).fetch_one(&mut *transaction).await?;
        if surveys > 0 {
            return Err(StoreError::LayerInUse { layer: id, findings: findings as u64 });
        }
        sqlx::query(sql::REMOVE_SETS_OF_LAYER).bind(id).execute(&mut *transaction).await?;
        let removed = sqlx::query(sql::REMOVE_LAYER).bind(id).execute(&mut *transaction).await?;
        if removed.rows_affected() == 0 {
            return Err(StoreError::no_layer(id));
        }
        super::publish(transaction).await
    }

    pub(super) async fn all_features(&self, layer: i64, sink: &mut (dyn FnMut(Vec<LayerFeature>) + Send)) -> Result<(), StoreError> {
        let mut found = sqlx::query(sql::FEATURES).bind(layer).fetch(&self.pools.readers);
        let (mut batch, mut count) = (Vec::with_capacity(FEATURES_AT_A_TIME), 0);
        while let Some(row) = found.try_next().await? {
            count += 1;
            batch.push(rows::feature(&row)?);
            if batch.len() == FEATURES_AT_A_TIME {
                sink(std::mem::replace(&mut batch, Vec::with_capacity(FEATURES_AT_A_TIME)));
            }
        }
        drop(found);
        if !batch.is_empty() {
            sink(batch);
        }
        let stored = self.layer_exists(layer).await?;
        if count == stored { Ok(()) } else { Err(StoreError::Damaged(format!("layer {layer} has {count} features where {stored} were stored"))) }
    }

    pub(super) async fn some_features(&self, layer: i64, bounds: &Bounds, limit: u32) -> Result<Vec<LayerFeature>, StoreError> {
        // CROSS JOIN: the ranges first, then the index for each of them. SQLite cannot know how few they are.
        let rows = sqlx::query(
            "SELECT layer_feature.id, layer_id, row, code, name, west, south, east, north, cell, degrees, repaired, source, granted, ends, kind, first_effective, checksum
             FROM json_each($1) AS span
             CROSS JOIN layer_feature ON layer_id = $2 AND cell BETWEEN span.value ->> 0 AND span.value ->> 1
             WHERE west <= $3 AND east >= $4 AND south <= $5 AND north >= $6 AND EXISTS (SELECT 1 FROM layer WHERE id = $2 AND created_ms <> 0)
             LIMIT $7",
        )
        .bind(spans(bounds)?)
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
        rows.iter().map(rows::feature).collect()
    }

    /// How many features a layer has; refuses where there is no such layer.
    async fn layer_exists(&self, id: i64) -> Result<i64, StoreError> {
        let found: Option<i64> = sqlx::query_scalar(sql::FEATURES_OF_LAYER).bind(id).fetch_optional(&self.pools.facts).await?;
        found.ok_or_else(|| StoreError::no_layer(id))
    }
}

/// The ranges of cells around a box, as JSON for `json_each`.
pub(super) fn spans(bounds: &Bounds) -> Result<String, StoreError> {
    values::to_json(&cells::ranges(bounds))
}
