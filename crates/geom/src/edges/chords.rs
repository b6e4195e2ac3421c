//! The edges of a layer as its file drew them, put together from the steps and pieces they were cut into.

use super::{Drawn, Edge, Written};
use crate::coverage::EdgeNear;
use crate::crs::LONGEST_EDGE_M;
use crate::{Bounds, Plane};
use std::collections::HashMap;
use std::io;

/// Steps by which an edge is followed either way: 20 km in steps of 70 m.
const MOST_STEPS: usize = 300;
/// How far a step may leave the line that it goes on, metres: where the layer was cut, a step of 70 m that is straight in the plane was cut as well.
const BEND_M: f64 = 2e-4;
/// What steps of one edge may differ by, as a part of them.
const EQUAL: f64 = 1e-5;

/// A layer's edges, with those that were put together so far.
pub(super) struct Chords<'a> {
    plane: &'a Plane,
    layer: Drawn<'a>,
    known: HashMap<[[u64; 2]; 2], Edge>,
}

impl<'a> Chords<'a> {
    pub fn new(plane: &'a Plane, layer: Drawn<'a>) -> Self {
        Self { plane, layer, known: HashMap::new() }
    }

    pub fn written(&self) -> Written {
        self.layer.written
    }

    /// Edges of the layer near a box, as they were cut, each once.
    pub fn near(&self, around: &Bounds) -> io::Result<Vec<Edge>> {
        let mut edges: Vec<Edge> = self.layer.coverage.edges_near(around)?.into_iter().map(|near| near.edge).collect();
        edges.dedup();
        Ok(edges)
    }

    /// The whole edge that one was cut from.
    pub fn whole(&mut self, edge: Edge) -> io::Result<Edge> {
        let key = edge.map(|at| at.map(f64::to_bits));
        if let Some(whole) = self.known.get(&key) {
            return Ok(*whole);
        }
        let whole = [self.end([edge[1], edge[0]])?, self.end(edge)?];
        // Whichever end it was begun at, it is one edge.
        let whole = if whole[1] < whole[0] { [whole[1], whole[0]] } else { whole };
        self.known.insert(key, whole);
        Ok(whole)
    }

    /// Where an edge that runs on through its second end does end.
    fn end(&self, [from, mut to]: Edge) -> io::Result<[f64; 2]> {
        let mut before = from;
        for _ in 0..MOST_STEPS {
            let Some(next) = self.next(before, to)? else { break };
            (before, to) = (to, next);
        }
        Ok(to)
    }

    /// The other end of the step on which an edge goes on: of the same member, straight on as the file draws, and parted from it by no vertex of the file.
    fn next(&self, before: [f64; 2], at: [f64; 2]) -> io::Result<Option<[f64; 2]>> {
        let here = self.ending_at(at)?;
        let other_end = |near: &EdgeNear| if near.edge[0] == at { near.edge[1] } else { near.edge[0] };
        let (own, others): (Vec<EdgeNear>, Vec<EdgeNear>) = here.iter().copied().partition(|near| other_end(near) == before);
        for near in others.into_iter().filter(|near| own.iter().any(|own| own.member == near.member)) {
            let on = other_end(&near);
            if self.goes_on(before, at, on) && (is_cut(&here, near.member) || self.is_step(before, at, on, near.member)?) {
                return Ok(Some(on));
            }
        }
        Ok(None)
    }

    /// Edges of pieces that end at a place.
    fn ending_at(&self, at: [f64; 2]) -> io::Result<Vec<EdgeNear>> {
        let near = self.layer.coverage.edges_near(&Bounds { min: at, max: at })?;
        Ok(near.into_iter().filter(|near| near.edge.contains(&at)).collect())
    }

    /// Whether a place between two others is where one edge of a projected file was cut into steps: those are as long as each other, but where the layer was cut once more.
    fn is_step(&self, before: [f64; 2], at: [f64; 2], on: [f64; 2], member: u32) -> io::Result<bool> {
        if self.layer.written.crs.is_degrees() {
            return Ok(false);
        }
        let [Some(p), Some(q), Some(r)] = [before, at, on].map(|at| self.drawn(at)) else { return Ok(false) };
        let [one, other] = [[p, q], [q, r]].map(|[a, b]| libm::hypot(b[0] - a[0], b[1] - a[1]));
        if (one - other).abs() <= EQUAL * one.max(other) {
            return Ok(true);
        }
        let far = if one < other { before } else { on };
        Ok(one.max(other) <= LONGEST_EDGE_M + BEND_M && is_cut(&self.ending_at(far)?, member))
    }

    /// Whether the way from one place to another goes straight on to a third, as the file draws.
    fn goes_on(&self, from: [f64; 2], at: [f64; 2], to: [f64; 2]) -> bool {
        let [Some(p), Some(q), Some(r)] = [from, at, to].map(|at| self.drawn(at)) else { return false };
        let (way, on) = ([r[0] - p[0], r[1] - p[1]], [q[0] - p[0], q[1] - p[1]]);
        let length = libm::hypot(way[0], way[1]);
        let forwards = on[0] * (way[0] - on[0]) + on[1] * (way[1] - on[1]) > 0.0;
        forwards && (way[0] * on[1] - way[1] * on[0]).abs() <= BEND_M * length
    }

    /// A place in a plane in which the file's edges are straight.
    fn drawn(&self, at: [f64; 2]) -> Option<[f64; 2]> {
        if self.layer.written.crs.is_degrees() { Some(at) } else { self.layer.written.crs.from_degrees(self.plane.unproject(at)) }
    }
}

/// Whether edges that end at one place are of different pieces of a member.
fn is_cut(here: &[EdgeNear], member: u32) -> bool {
    let mut pieces = here.iter().filter(|near| near.member == member).map(|near| near.piece);
    let first = pieces.next();
    pieces.any(|piece| Some(piece) != first)
}
