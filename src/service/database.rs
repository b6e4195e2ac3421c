//! The database as a whole: opened, moved, looked through.

use super::Service;
pub use crate::store::checking::{Vouched, check_store};
pub use crate::store::transfer::transfer;
pub use crate::store::{StoreError, Thing, open, upgrade};

impl Service {
    /// A number that grows with every change of what is stored.
    pub async fn revision(&self) -> Result<i64, StoreError> {
        self.store.revision().await
    }

    /// Whether the database itself keeps a checksum of every page; `None` where it never does.
    pub async fn page_checksums(&self) -> Result<Option<bool>, StoreError> {
        self.store.page_checksums().await
    }
}
