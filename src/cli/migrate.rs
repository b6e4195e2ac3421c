//! `tuban migrate`: from one database to another, whole and compared.

use super::{Failure, progress::Counter};
use crate::service::database;
use clap::Args;

/// Copies everything into an empty database and compares every table; ids stay. Run again, it goes on where it was stopped.
#[derive(Debug, Args)]
pub struct Migrate {
    /// The database to read, which nobody may write to meanwhile. Without it, the tables of --to are only brought up to this program.
    #[arg(long, value_name = "URL")]
    from: Option<String>,
    /// The empty database to fill: `postgres://…` or `sqlite:PATH`.
    #[arg(long, value_name = "URL")]
    to: String,
}

impl Migrate {
    pub async fn run(self) -> Result<(), Failure> {
        let Some(from) = self.from else {
            database::upgrade(&self.to).await?;
            say!("{} is up to date", self.to);
            return Ok(());
        };
        let counter = Counter::new("");
        let compared = database::transfer(&from, &self.to, &|progress| {
            counter.at_stage(&format!("{}{}", if progress.comparing { "= " } else { "" }, progress.table), progress.rows);
        })
        .await?;
        drop(counter);
        for table in compared {
            say!("{:<14} {:>10}  {}", table.table, table.rows, table.sha256);
        }
        Ok(())
    }
}
