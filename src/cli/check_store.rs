//! `tuban check-store`.

use super::{Failure, progress::Counter};
use crate::service::database::{Vouched, check_store};
use clap::Args;
use tuban_engine::model::day_of_ms;

/// Reads everything and holds every row against its checksum, every survey against its root. Names the first damaged row, with exit code 7.
#[derive(Debug, Args)]
pub struct CheckStore {
    /// The database: `sqlite:PATH` or `postgres://USER@HOST/NAME`.
    #[arg(long, env = "TUBAN_DATABASE", default_value = "sqlite:tuban.db", value_name = "URL")]
    database: String,
}

impl CheckStore {
    pub async fn run(self) -> Result<(), Failure> {
        let counter = Counter::new("");
        let (checked, vouched) = check_store(&self.database, &|table, rows| counter.at_stage(table, rows)).await?;
        drop(counter);
        let mut not_vouched_for = 0;
        for table in checked {
            say!("{:<16} {:>10} {:>10}", table.table, table.rows, table.not_vouched_for);
            not_vouched_for += table.not_vouched_for;
        }
        if not_vouched_for > 0 {
            say!(
                "{not_vouched_for} 行由旧版本写入，没有校验和，无法担保 / {not_vouched_for} rows of an older program have no checksum and are not vouched for"
            );
        }
        if let Some(Vouched { rows, done_ms }) = vouched.filter(|vouched| vouched.rows > 0) {
            let day = day_of_ms(done_ms);
            say!(
                "{rows} 行在 {day} 升级时补了校验和：此前的损坏无从知晓 / {rows} rows were given checksums by the upgrade of {day}: damage from before is not known"
            );
        }
        say!("没有发现损坏 / no damage was found");
        Ok(())
    }
}
