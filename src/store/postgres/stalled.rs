//! What a stalled node holds.
//!
//! A node that stalls while it writes keeps its transaction open, and with it the turn of every other writer. Its lease runs out and another node claims the
//! job, only to wait for that turn. Nothing the stalled one has written can be committed any more (its token is an old one), so the node that takes its job over
//! ends its sessions, at once and for as long as it waits for its own turn: those in which it writes, or waits for its turn, and is not heard of. Each bears
//! the node's name. A writer that is not a node's, a command line that stalls, is ended by `idle_in_transaction_session_timeout` alone.

use super::pools::Pools;
use crate::store::StoreError;
use sqlx::PgConnection;
use std::convert::Infallible;
use std::sync::PoisonError;
use std::time::Duration;

/// What a session of the node is called; PostgreSQL keeps 63 bytes of a name.
const NAME: &str = "SELECT set_config('application_name', left('tuban ' || $1, 63), false)";

/// Ends the sessions of a node that are in a transaction and wait, be it for the node or for a lock. One that is at work is left alone: its node is there;
/// and so are all of a node that holds a job again.
const END: &str = "
    SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
    WHERE application_name = left('tuban ' || $1, 63) AND datname = current_database() AND usename = current_user
    AND state <> 'idle' AND wait_event_type IN ('Client', 'Lock') AND pid <> pg_backend_pid()
    AND NOT EXISTS (SELECT 1 FROM job WHERE state = 'running' AND lane = 'writing' AND node = $1 AND free_ms > (SELECT now_ms FROM clock))";
/// Between two attempts: a session that was at work may have stalled since.
const AGAIN: Duration = Duration::from_secs(1);

/// Gives a session that is about to write the name of its node, where this process carries out jobs.
pub(super) async fn name(pools: &Pools, session: &mut PgConnection) -> Result<(), StoreError> {
    if let Some(node) = pools.node.get() {
        sqlx::query(NAME).bind(node).execute(session).await?;
    }
    Ok(())
}

/// Ends what the nodes hold whose jobs this one took over, again and again. For who waits for its turn.
pub(super) async fn keep_ending(pools: &Pools) -> Infallible {
    loop {
        tokio::time::sleep(AGAIN).await;
        let before = pools.before.lock().unwrap_or_else(PoisonError::into_inner).clone();
        for node in before {
            end_writers_of(pools, &node).await;
        }
    }
}

/// Ends what a node holds whose job this one has taken over. Where that fails, its turn lasts longer, and nothing else.
pub(super) async fn end_writers_of(pools: &Pools, node: &str) {
    match sqlx::query_scalar::<_, i64>(END).bind(node).fetch_one(&pools.leases).await {
        Ok(0) => {}
        Ok(ended) => tracing::warn!(node, ended, "a node that no longer held its job was still writing; its sessions were ended"),
        Err(error) => tracing::warn!(node, %error, "what a stalled node holds could not be ended"),
    }
}
