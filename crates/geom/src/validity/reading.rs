//! How the ground of an outline can be read, and which ring is to blame where readings differ: step 4 of the judgement.

use super::{DefectKind, Fault, Ring, Unacceptable};
use crate::crossing::{Contact, Span};
use crate::slabs::{self, Edge, Ground};

/// Disputed trapezoids for each of which blame is looked for; of more than that only the largest are.
const BLAMED: usize = 10_000;

/// What readings of an outline differ about.
pub(super) struct Reading<'a> {
    windings: Windings<'a>,
    /// m of each part.
    parts: Vec<i32>,
    /// Σ m.
    claims: i32,
    /// Parts whose m is neither 0 nor 1, and rings that wind more than once: a hole must not take away what the shell claims twice.
    unclear: u32,
    looked: usize,
    blames: Vec<Blame>,
    /// Ground that every reading takes for the outline's, square metres.
    pub once_m2: f64,
    /// Ground about which readings differ, square metres.
    pub disputed_m2: f64,
}

/// Why ground is disputed, and the ring to blame.
#[derive(Clone, Copy)]
pub(super) struct Blame {
    pub fault: Fault,
    ring: usize,
    area_m2: f64,
    largest_m2: f64,
    /// In the largest trapezoid.
    near: [f64; 2],
}

/// How often each ring winds around the ground on the way.
pub(super) struct Windings<'a> {
    pub rings: &'a [Ring],
    pub of: Vec<i32>,
}

impl Windings<'_> {
    /// Whether the ground belongs to the outline in the reading that joins all others: in a part's shell and in none of its holes.
    pub fn is_inside(&self) -> bool {
        let mut shell = None;
        let mut in_shell = false;
        for (ring, winding) in self.rings.iter().zip(&self.of) {
            if shell != Some(ring.part) {
                if in_shell {
                    return true;
                }
                (shell, in_shell) = (Some(ring.part), false);
            }
            if ring.ring == 0 {
                in_shell = *winding != 0;
            } else if *winding != 0 {
                in_shell = false;
            }
        }
        in_shell
    }
}

impl<'a> Reading<'a> {
    /// Reads the ground of some rings, of which these are the edges.
    pub fn of(rings: &'a [Ring], edges: &[Span]) -> Self {
        let parts = rings.last().map_or(0, |ring| ring.part as usize + 1);
        let mut reading = Self {
            windings: Windings { rings, of: vec![0; rings.len()] },
            parts: vec![0; parts],
            claims: 0,
            unclear: 0,
            looked: 0,
            blames: Vec::new(),
            once_m2: 0.0,
            disputed_m2: 0.0,
        };
        let origin = edges[0].a;
        slabs::walk(shifted(edges.iter().map(|edge| (edge.a, edge.b, edge.ring)), origin), &mut reading);
        for blame in &mut reading.blames {
            blame.near = [blame.near[0] + origin[0], blame.near[1] + origin[1]];
        }
        reading
    }

    /// Blames, the one for the most ground first.
    pub fn blames(&self) -> Vec<Blame> {
        let mut blames = self.blames.clone();
        blames.sort_by(|one, other| other.area_m2.total_cmp(&one.area_m2));
        blames
    }

    /// The blame for the most ground.
    pub fn worst(&self) -> Option<Blame> {
        self.blames().first().copied()
    }

    /// Why the ground is disputed, and the ring to blame.
    fn fault(&self) -> (Fault, usize) {
        let Windings { rings, of } = &self.windings;
        let last = |is: &dyn Fn(&Ring, i32) -> bool| rings.iter().zip(of).rposition(|(ring, winding)| is(ring, *winding)).unwrap_or(0);
        if let Some(ring) = of.iter().position(|winding| winding.abs() > 1) {
            return (Fault::WindsTwice, ring);
        }
        let Some(part) = self.parts.iter().position(|m| *m < 0) else {
            return (Fault::PartsOverlap, last(&|ring, winding| ring.ring == 0 && winding != 0));
        };
        let hole = last(&|ring, winding| ring.part as usize == part && ring.ring > 0 && winding != 0);
        let in_shell = rings.iter().zip(of).any(|(ring, winding)| ring.part as usize == part && ring.ring == 0 && *winding != 0);
        (if in_shell { Fault::HolesOverlap } else { Fault::HoleOutside }, hole)
    }

    fn blame(&mut self, area_m2: f64, on: Option<&Edge>) {
        let (fault, ring) = self.fault();
        let near = on.map_or([f64::NAN; 2], |edge| [f64::midpoint(edge.x1, edge.x2), f64::midpoint(edge.y1, edge.y2)]);
        match self.blames.iter_mut().find(|blame| (blame.fault, blame.ring) == (fault, ring)) {
            Some(blame) => {
                blame.area_m2 += area_m2;
                if area_m2 > blame.largest_m2 {
                    (blame.largest_m2, blame.near) = (area_m2, near);
                }
            }
            None => self.blames.push(Blame { fault, ring, area_m2, largest_m2: area_m2, near }),
        }
    }
}

impl Ground for Reading<'_> {
    fn cross(&mut self, tag: u32, step: i32) {
        let ring = &self.windings.rings[tag as usize];
        let (winding, m) = (&mut self.windings.of[tag as usize], &mut self.parts[ring.part as usize]);
        let change = ((*winding + step).abs() - winding.abs()) * if ring.ring == 0 { 1 } else { -1 };
        let unclear = |winding: i32, m: i32| u32::from(winding.abs() > 1) + u32::from(!(0..=1).contains(&m));
        self.unclear -= unclear(*winding, *m);
        *winding += step;
        *m += change;
        self.claims += change;
        self.unclear += unclear(*winding, *m);
    }

    fn take(&mut self, area_m2: f64, on: Option<&Edge>) {
        match (self.unclear, self.claims) {
            (0, 0) => {}
            (0, 1) => self.once_m2 += area_m2,
            _ => {
                self.disputed_m2 += area_m2;
                self.looked += 1;
                if self.looked <= BLAMED || self.blames.iter().all(|blame| area_m2 > 2.0 * blame.largest_m2) {
                    self.blame(area_m2, on);
                }
            }
        }
    }
}

impl Blame {
    /// The fault with its place, and where it is: the contact of the ring that is nearest to the disputed ground, or the ring's first vertex.
    pub fn place(&self, rings: &[Ring], edges: &[Span], contacts: &[Contact]) -> (Unacceptable, [f64; 2]) {
        let ring = &rings[self.ring];
        let own = |contact: &Contact| contact.edges.into_iter().rev().find(|edge| edges[*edge as usize].ring as usize == self.ring);
        let away = |at: [f64; 2]| (at[0] - self.near[0]).powi(2) + (at[1] - self.near[1]).powi(2);
        let twice = |contact: &&Contact| self.fault != Fault::WindsTwice || contact.edges.iter().all(|edge| edges[*edge as usize].ring as usize == self.ring);
        let nearest = contacts.iter().filter(twice).filter_map(|contact| Some((own(contact)?, contact.at))).min_by(|a, b| away(a.1).total_cmp(&away(b.1)));
        let vertex = nearest.map(|(edge, _)| ring.vertices[edges[edge as usize].vertex as usize]);
        let at = nearest.map_or(ring.positions[0], |(_, at)| at);
        (Unacceptable { fault: self.fault, part: ring.part, ring: ring.ring, vertex }, at)
    }

    /// The fault as a defect, where it is put right.
    pub fn kind(&self) -> DefectKind {
        match self.fault {
            Fault::HoleOutside => DefectKind::HoleOutside,
            Fault::HolesOverlap => DefectKind::HolesOverlap,
            Fault::PartsOverlap => DefectKind::PartsOverlap,
            _ => DefectKind::WindsTwice,
        }
    }
}

/// Edges as the slabs want them, near the origin.
pub(super) fn shifted(edges: impl Iterator<Item = ([f64; 2], [f64; 2], u32)>, origin: [f64; 2]) -> Vec<Edge> {
    let shift = |at: [f64; 2]| [at[0] - origin[0], at[1] - origin[1]];
    edges.filter_map(|(a, b, tag)| Edge::between(shift(a), shift(b), tag)).collect()
}
