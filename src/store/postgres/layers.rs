//! Layers and their features.

use super::bulk::{Arguments, ROWS};
use super::copy::Copy;
use super::unpublished::Unpublished;
use super::{PostgresStore, Writing, jobs::Queue};
use crate::store::unpublished::{Pace, Waiting, What, bytes_of_feature, layer_placeholder};
use crate::store::{FEATURES_AT_A_TIME, Held, JobOutcome, LayerFeature, LayerWriter, NewLayer, StoreError, cells, fail, rows, sql, tables, values};
use async_trait::async_trait;
use futures_util::TryStreamExt;
use tuban_engine::model::{Layer, LeftOut, Reject};
use tuban_geom::Bounds;

/// Features of one portion: their count, and their bytes.
const WAITING: (usize, usize) = (1024, 1 << 20);

struct Taking {
    unpublished: Unpublished,
    held: Option<(Held, Vec<Reject>)>,
    id: i64,
    copy: Copy,
    waiting: Waiting<LayerFeature>,
    features: u64,
    vertices: u64,
}

#[async_trait]
impl LayerWriter for Taking {
    async fn push(&mut self, features: Vec<LayerFeature>) -> Result<(), StoreError> {
        self.features += features.len() as u64;
        self.vertices += features.iter().map(|feature| feature.degrees.positions.len() as u64).sum::<u64>();
        if self.waiting.add(features, bytes_of_feature) { self.flush().await } else { Ok(()) }
    }

    async fn leave_out(&mut self, left_out: Vec<LeftOut>) -> Result<(), StoreError> {
        for some in left_out.chunks(WAITING.0) {
            let mut writing = self.unpublished.portion().await?;
            let bond = writing.bond();
            bond.soon(async {
                let mut copy = Copy::new(&tables::LAYER_LEFT_OUT);
                some.iter().try_for_each(|one| values::left_out(copy.row(), self.id, one))?;
                copy.send(&mut writing).await?;
                fail::point("left out: before commit");
                writing.commit().await
            })
            .await?;
        }
        Ok(())
    }

    fn only_while(&mut self, held: Held, rejects: Vec<Reject>) {
        self.held = Some((held, rejects));
    }

    async fn commit(mut self: Box<Self>, layer: NewLayer) -> Result<Layer, StoreError> {
        self.flush().await?;
        let writing = self.unpublished.publication().await?;
        let bond = writing.bond();
        bond.soon(self.conclude(writing, layer)).await
    }

    async fn abandon(self: Box<Self>) -> Result<(), StoreError> {
        self.unpublished.abandon().await
    }
}

impl Taking {
    /// Writes what is collected, as much in a portion as the pace of the last one allows.
    async fn flush(&mut self) -> Result<(), StoreError> {
        let mut rows = self.waiting.take().into_iter();
        while rows.len() > 0 {
            let mut writing = self.unpublished.portion().await?;
            let bond = writing.bond();
            bond.soon(async {
                let pace = Pace::begin();
                while rows.len() > 0 && !pace.is_over() {
                    let some = rows.by_ref().take(ROWS);
                    let mut next_feature = writing.next_ids("layer_feature", some.len()).await?;
                    for feature in some {
                        values::feature(self.copy.row(), next_feature, self.id, &feature)?;
                        next_feature += 1;
                    }
                    self.copy.send(&mut writing).await?;
                }
                fail::point("layer rows: before commit");
                writing.commit().await
            })
            .await?;
            fail::point("layer rows: after commit");
        }
        Ok(())
    }

    async fn conclude(mut self: Box<Self>, mut writing: Writing, layer: NewLayer) -> Result<Layer, StoreError> {
        let layer = layer.stored(self.id, self.features, self.vertices);
        let mut arguments = Arguments::default();
        values::layer(&mut arguments, &layer)?;
        arguments.replace(&tables::LAYER, &mut writing).await?;
        self.unpublished.end(&mut writing).await?;
        if let Some((held, rejects)) = self.held.take() {
            let outcome = JobOutcome::Layer { id: layer.id, rejects };
            Queue::stored(writing.connection(), &held, &outcome, layer.features + layer.rejected).await?;
        }
        fail::point("publish layer: before commit");
        writing.publish().await?;
        fail::point("publish layer: after commit");
        self.unpublished.is_published();
        Ok(layer)
    }
}

impl PostgresStore {
    pub(super) async fn take_layer(&self) -> Result<Box<dyn LayerWriter>, StoreError> {
        let mut writing = Writing::begin(&self.pools).await?;
        let bond = writing.bond();
        bond.soon(async {
            let id = writing.next_ids("layer", 1).await?;
            let mut copy = Copy::new(&tables::LAYER);
            values::layer(copy.row(), &layer_placeholder(id))?;
            copy.send(&mut writing).await?;
            let unpublished = Unpublished::begin(self, writing, What::Layer, id).await?;
            let (copy, waiting) = (Copy::new(&tables::LAYER_FEATURE), Waiting::up_to(WAITING.0, WAITING.1));
            Ok(Box::new(Taking { unpublished, held: None, id, copy, waiting, features: 0, vertices: 0 }) as Box<dyn LayerWriter>)
        })
        .await
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
        let mut writing = Writing::begin(&self.pools).await?;
        let (surveys, findings): (i64, i64) = sqlx::query_as(sql::RESTING_ON_LAYER).bind(id).fetch_one(writing.connection()).await?;
        if surveys > 0 {
            writing.abandon().await?;
            return Err(StoreError::LayerInUse { layer: id, findings: findings as u64 });
        }
        sqlx::query(sql::REMOVE_SETS_OF_LAYER).bind(id).execute(writing.connection()).await?;
        let removed = sqlx::query(sql::REMOVE_LAYER).bind(id).execute(writing.connection()).await?;
        if removed.rows_affected() == 0 {
            writing.abandon().await?;
            return Err(StoreError::no_layer(id));
        }
        sqlx::query("DELETE FROM layer_feature WHERE layer_id = $1").bind(id).execute(writing.connection()).await?;
        writing.publish().await
    }

    pub(super) async fn all_features(&self, layer: i64, sink: &mut (dyn FnMut(Vec<LayerFeature>) + Send)) -> Result<(), StoreError> {
        let mut found = sqlx::query(sql::FEATURES).bind(layer).fetch(&self.pools.sums);
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
        let (low, high): (Vec<i64>, Vec<i64>) = cells::ranges(bounds).into_iter().unzip();
        let rows = sqlx::query(
            "SELECT id, layer_id, row, code, name, west, south, east, north, cell, degrees, repaired, source, granted, ends, kind, first_effective, checksum
             FROM unnest($1::bigint[], $2::bigint[]) AS span (low, high)
             JOIN layer_feature ON layer_id = $3 AND cell BETWEEN span.low AND span.high
             WHERE west <= $4 AND east >= $5 AND south <= $6 AND north >= $7 AND EXISTS (SELECT 1 FROM layer WHERE id = $3 AND created_ms <> 0)
             LIMIT $8",
        )
        .bind(low)
        .bind(high)
        .bind(layer)
        .bind(bounds.max[0])
        .bind(bounds.min[0])
        .bind(bounds.max[1])
        .bind(bounds.min[1])
        .bind(i64::from(limit))
        .fetch_all(&self.pools.pages)
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
