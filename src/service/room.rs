//! Room on the disks of this node: told before it runs out, since reading goes on and writing does not.

use crate::service::Service;
pub use crate::store::room::Room;

impl Service {
    /// The folders that this node writes to, and how much may still be written there.
    #[must_use]
    pub fn rooms(&self) -> Vec<Room> {
        let database = self.store.folder();
        [Room::of("spool", &self.spool), database.and_then(|folder| Room::of("database", &folder))].into_iter().flatten().collect()
    }

    /// Whether so many bytes can be written and `reserve` is left everywhere. Where the system does not say, writing will.
    #[must_use]
    pub fn has_room_for(&self, bytes: u64, reserve: u64) -> bool {
        self.rooms().iter().all(|room| room.free_bytes >= reserve.saturating_add(bytes))
    }
}
