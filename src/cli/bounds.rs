//! Options that bound what one file, and one feature of it, may take.

use crate::service::{FeatureBounds, Workshop};
use std::time::Duration;

/// What one feature, and the process that reads for GDAL, may take.
#[derive(Debug, clap::Args)]
pub struct Bounds {
    /// Vertices that one feature may have; fewer where memory is short.
    #[arg(long, env = "TUBAN_MAX_FEATURE_VERTICES", default_value_t = FeatureBounds::default().vertices, value_name = "COUNT")]
    max_feature_vertices: u64,
    /// Text that one feature may have, MiB.
    #[arg(long, env = "TUBAN_MAX_FEATURE_TEXT", default_value_t = FeatureBounds::default().text_bytes >> 20, value_name = "MIB", value_parser = clap::value_parser!(u64).range(1..4096))]
    max_feature_text: u64,
    /// Fields that one feature may have.
    #[arg(long, env = "TUBAN_MAX_FEATURE_KEYS", default_value_t = FeatureBounds::default().keys, value_name = "COUNT")]
    max_feature_keys: u64,
    /// Address space of one process of tuban-ogr, MiB.
    #[arg(long, env = "TUBAN_WORKER_MEMORY", default_value_t = 2048, value_name = "MIB", value_parser = clap::value_parser!(u64).range(256..1 << 20))]
    worker_memory: u64,
    /// Longest wait for anything from tuban-ogr, seconds; a file of which less comes than features are due in that time is given up.
    #[arg(long, env = "TUBAN_WORKER_PATIENCE", default_value_t = 60, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..))]
    worker_patience: u64,
    /// Least features a second of tuban-ogr, or a hundred vertices for each; 0 for no such bound.
    #[arg(long, env = "TUBAN_WORKER_LEAST_RATE", default_value_t = 20, value_name = "COUNT")]
    worker_least_rate: u64,
}

impl Bounds {
    /// Workers with these bounds.
    pub fn of(&self, workshop: Workshop) -> Workshop {
        let bounds = FeatureBounds { vertices: self.max_feature_vertices, text_bytes: self.max_feature_text << 20, keys: self.max_feature_keys };
        let mut workshop = Workshop { bounds, patience: Duration::from_secs(self.worker_patience), least_rate: self.worker_least_rate, ..workshop };
        workshop.limits.memory_bytes = self.worker_memory << 20;
        workshop
    }
}
