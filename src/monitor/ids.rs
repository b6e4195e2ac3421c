//! The ids of a survey's patches, to find the ones that come again: one text with all of them, for a survey has hundreds of thousands.

use foldhash::fast::RandomState;
use hashbrown::HashTable;
use std::hash::BuildHasher;

/// The ids seen so far, each with the row of the patch that had it first.
#[derive(Debug, Clone, Default)]
pub(super) struct Ids {
    ids: String,
    entries: Vec<Entry>,
    /// Places in `entries`, by the hash of the id.
    places: HashTable<u32>,
    hasher: RandomState,
}

/// An id, and the row it was in.
#[derive(Debug, Clone)]
struct Entry {
    end: usize,
    row: u64,
}

impl Ids {
    /// The row of the earlier patch with this id; where there is none, this row is noted as the first.
    pub(super) fn earlier(&mut self, id: &str, row: u64) -> Option<u64> {
        let Self { ids, entries, places, hasher } = self;
        let of = |place: u32| {
            let start = place.checked_sub(1).map_or(0, |before| entries[before as usize].end);
            &ids[start..entries[place as usize].end]
        };
        let hash = hasher.hash_one(id);
        if let Some(place) = places.find(hash, |place| of(*place) == id) {
            return Some(entries[*place as usize].row);
        }
        places.insert_unique(hash, entries.len() as u32, |place| hasher.hash_one(of(*place)));
        ids.push_str(id);
        entries.push(Entry { end: ids.len(), row });
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::HashMap;

    proptest! {
        /// Oracle: the standard library's map.
        #[test]
        fn the_first_row_of_each_id_is_told(ids in prop::collection::vec("[ab图]{0,4}", 0..300)) {
            let (mut seen, mut known) = (Ids::default(), HashMap::new());
            for (id, row) in ids.iter().zip(1..) {
                let earlier = known.get(id).copied();
                known.entry(id).or_insert(row);
                prop_assert_eq!(seen.earlier(id, row), earlier);
            }
        }
    }
}
