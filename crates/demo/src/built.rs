//! What was built since: the land survey at the end of 2022 has a built-up parcel where a patch of April or May lay on
//! farmland, off every approval that it was drawn on.

use super::ground::{Anchor, Point, Ring, contains, cross};
use super::room::Room;

/// Outlines of patches that nobody was asked about, none on another.
pub(super) struct Built {
    room: Room,
    /// By longitude of the anchor.
    sites: Vec<(Anchor, Ring)>,
}

impl Built {
    /// Nothing was built.
    pub(super) fn new() -> Self {
        Self { room: Room::new(), sites: Vec::new() }
    }

    /// Remembers a site within a circle, unless that touches one of another month.
    pub(super) fn add(&mut self, anchor: &Anchor, reach_m: f64, ring: &Ring) {
        if self.room.is_free(anchor, reach_m) {
            self.room.take(anchor, reach_m);
            self.sites.push((*anchor, ring.clone()));
        }
    }

    /// Puts the sites in order, so that they can be looked for.
    pub(super) fn sort(&mut self) {
        self.sites.sort_by(|(a, _), (b, _)| a.lon.total_cmp(&b.lon));
    }

    /// The sites that lie wholly in a parcel, from west to east. O(log sites), and for each in the parcel's box its edges times the parcel's.
    pub(super) fn within<'s>(&'s self, parcel: &'s [Ring]) -> impl Iterator<Item = &'s Ring> {
        let shell: &[Point] = parcel.first().map_or(&[], Vec::as_slice);
        let bound = |of: fn(Point) -> f64| {
            let (least, most) = (f64::INFINITY, f64::NEG_INFINITY);
            shell.iter().map(|&point| of(point)).fold((least, most), |(least, most), at| (least.min(at), most.max(at)))
        };
        let ((west, east), (south, north)) = (bound(Point::lon), bound(Point::lat));
        let from = self.sites.partition_point(|(anchor, _)| anchor.lon < west);
        let near = self.sites[from..].iter().take_while(move |(anchor, _)| anchor.lon <= east);
        near.filter(move |(anchor, _)| (south..=north).contains(&anchor.lat)).map(|(_, ring)| ring).filter(|site| lies_in(site, parcel))
    }
}

/// Whether a ring lies in the first of `rings` and in none of the others, touching none.
fn lies_in(site: &Ring, rings: &[Ring]) -> bool {
    let Some((shell, holes)) = rings.split_first() else { return false };
    let inside = |at: &Point| contains(shell, *at) && !holes.iter().any(|hole| contains(hole, *at));
    // A hole inside the site has no end outside of it.
    let around = holes.iter().any(|hole| hole.first().is_some_and(|&at| contains(site, at)));
    site.iter().all(inside) && !around && !rings.iter().any(|ring| edges(ring).any(|one| edges(site).any(|other| touch(one, other))))
}

fn edges(ring: &Ring) -> impl Iterator<Item = (Point, Point)> {
    (0..ring.len()).map(|k| (ring[k], ring[(k + 1) % ring.len()]))
}

/// Whether two edges have a point in common; also true of some that lie on one line.
fn touch((a, b): (Point, Point), (c, d): (Point, Point)) -> bool {
    let side = |o, p, q| cross(o, p, q).signum();
    side(a, b, c) * side(a, b, d) <= 0 && side(c, d, a) * side(c, d, b) <= 0
}
