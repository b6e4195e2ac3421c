//! The ids of a survey's patches, to find the ones that come again: one text with all of them, for a survey has hundreds of thousands.

use crate::formats::Field;
use crate::service::{Refusal, RefusalKind, reading::Reading};
use foldhash::fast::RandomState;
use hashbrown::HashTable;
use std::collections::HashSet;
use std::hash::BuildHasher;
use tuban_engine::model::Words;

/// The ids seen so far, each with the row of the patch that had it first.
#[derive(Debug, Clone, Default)]
pub(crate) struct Ids {
    ids: String,
    entries: Vec<Entry>,
    /// Places in `entries`, by the hash of the id.
    places: HashTable<u32>,
    hasher: RandomState,
    again: Again,
}

/// An id, the row it was in, and the county that its patch says it is in; 0 for none.
#[derive(Debug, Clone)]
struct Entry {
    end: usize,
    row: u64,
    county: u32,
}

/// The patches whose id came before.
#[derive(Debug, Clone, Default)]
struct Again {
    /// How many.
    patches: u64,
    /// County and id of each that was in another county than those before.
    elsewhere: HashSet<(u32, String)>,
    /// Whether any was in the same county as one before, or it is not known.
    in_county: bool,
}

/// Where so many ids come again in other counties, or one in so many, the whole survey is asked about: a slip of the pen does not repeat itself.
const MANY: u64 = 3;
/// See [`MANY`].
const ONE_IN: u64 = 50;

impl Ids {
    /// The row of the earlier patch with this id; where there is none, this row is noted as the first. `county` is what the patch says, six digits.
    pub(crate) fn earlier(&mut self, id: &str, row: u64, county: u32) -> Option<u64> {
        let Self { ids, entries, places, hasher, again } = self;
        let of = |place: u32| {
            let start = place.checked_sub(1).map_or(0, |before| entries[before as usize].end);
            &ids[start..entries[place as usize].end]
        };
        let hash = hasher.hash_one(id);
        if let Some(place) = places.find(hash, |place| of(*place) == id) {
            let first = &entries[*place as usize];
            again.patches += 1;
            let is_known = county != 0 && first.county != 0 && county != first.county;
            again.in_county |= !is_known || !again.elsewhere.insert((county, id.to_owned()));
            return Some(first.row);
        }
        places.insert_unique(hash, entries.len() as u32, |place| hasher.hash_one(of(*place)));
        ids.push_str(id);
        entries.push(Entry { end: ids.len(), row, county });
        None
    }

    /// The question whether ids are meant within their county, where that would make every one of them unique and the field was not named by people.
    pub(crate) fn question(&self, reading: &Reading) -> Option<Refusal> {
        let Again { patches, in_county, .. } = self.again;
        let many = patches >= MANY || patches * ONE_IN >= patches + self.entries.len() as u64;
        if patches == 0 || in_county || !many || reading.says_ids() {
            return None;
        }
        let fields = reading.fields();
        let (county, id) = (fields.theirs(Field::CountyCode).or(fields.theirs(Field::CountyName))?, fields.theirs(Field::PatchId)?);
        let words = Words::new(
            format!(
                "图斑编号（字段 {id}）在不同的县重复了 {patches} 次，在每个县内是唯一的。请确认：编号加上县（字段 {county}）才是图斑编号时，把图斑编号对应为“{county}+{id}”；否则对应为“{id}”，重复的将被拒收"
            ),
            format!(
                "{patches} patches have an id (field {id}) that one of another county has; within each county ids are unique. Where county and number together are the id, take “{county}+{id}” for it; else “{id}”, and those that come again are refused"
            ),
        );
        Some(Refusal { offer: Some(format!("map=patch_id={county}+{id}")), ..Refusal::new(RefusalKind::Unacceptable, "ids_per_county", words) })
    }
}

/// A county as the number that its code is; 0 for none.
pub(crate) fn county_number(code: Option<&str>) -> u32 {
    code.and_then(|code| code.parse().ok()).unwrap_or(0)
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
                prop_assert_eq!(seen.earlier(id, row, 0), earlier);
            }
        }
    }
}
