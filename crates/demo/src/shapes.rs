//! Outlines in metres around (0, 0). All are star-shaped around their centre: positions in order of angle, no two of them
//! half a turn apart. Stretching and turning keep that, so every outline is a valid simple polygon by construction.

use super::noise::{Dice, Ripple};
use std::f64::consts::TAU;

/// Metres east and north.
pub(super) type Outline = Vec<(f64, f64)>;

/// How an outline shall look.
#[derive(Clone, Copy)]
pub(super) struct Sketch {
    /// Area in m².
    pub area_m2: f64,
    /// Positions, at least 5.
    pub positions: usize,
    /// Length over width, from 1.
    pub stretch: f64,
    /// Direction of the length, radians.
    pub turn: f64,
    /// A building site with four corners rather than a heap.
    pub boxy: bool,
    /// Roughness: how much radii differ, 0 to 0.4.
    pub rough: f64,
}

impl Sketch {
    /// Draws the outline, counter-clockwise, with exactly the area asked for.
    pub(super) fn draw(&self, dice: &mut Dice) -> Outline {
        let mut outline = if self.boxy { frame(dice, self.positions) } else { round(dice, self.positions) };
        let ripple = Ripple::new(dice, 3, 6, 0.6);
        let (sin, cos) = libm::sincos(self.turn);
        let long = self.stretch.sqrt();
        for (x, y) in &mut outline {
            let angle = libm::atan2(*y, *x) / TAU;
            let radius = 1.0 + self.rough * ripple.at(if angle < 0.0 { angle + 1.0 } else { angle });
            let (along, across) = (*x * radius * long, *y * radius / long);
            (*x, *y) = (along * cos - across * sin, along * sin + across * cos);
        }
        let factor = (self.area_m2 / area_m2(&outline)).sqrt();
        outline.iter().map(|(x, y)| (x * factor, y * factor)).collect()
    }

    /// Draws the outline with every edge below `limit_m`: more positions, then less stretch and roughness, until it fits.
    pub(super) fn draw_short(mut self, dice: &mut Dice, limit_m: f64) -> Outline {
        loop {
            let outline = self.draw(dice);
            if longest_edge_m(&outline) < limit_m || (self.positions >= 40 && self.stretch <= 1.0) {
                return outline;
            }
            if self.positions >= 40 {
                (self.stretch, self.rough) = ((self.stretch * 0.8).max(1.0), self.rough * 0.8);
            }
            self.positions = (self.positions + 1 + self.positions / 5).min(40);
        }
    }
}

/// Positions at uneven angles on the unit circle.
fn round(dice: &mut Dice, positions: usize) -> Outline {
    let angle = |k: usize| TAU * (k as f64 + dice.range(-0.3, 0.3)) / positions as f64;
    let on_circle = |angle: f64| {
        let (sin, cos) = libm::sincos(angle);
        (cos, sin)
    };
    (0..positions).map(angle).map(on_circle).collect()
}

/// The four corners of a square, and the other positions spread over its sides.
fn frame(dice: &mut Dice, positions: usize) -> Outline {
    let corners = [(1.0, 1.0), (-1.0, 1.0), (-1.0, -1.0), (1.0, -1.0)];
    let others = positions.saturating_sub(4);
    let mut outline = Vec::with_capacity(positions);
    for side in 0..4 {
        let (a, b): ((f64, f64), (f64, f64)) = (corners[side], corners[(side + 1) % 4]);
        let between = (others + side) / 4;
        outline.push(a);
        for k in 1..=between {
            let t = (k as f64 + dice.range(-0.3, 0.3)) / (between + 1) as f64;
            outline.push((a.0 + (b.0 - a.0) * t, a.1 + (b.1 - a.1) * t));
        }
    }
    outline
}

/// A coastline-like outline that stays within `reach_m` of its centre: fractal radii, `rough` from 0 to 0.8.
pub(super) fn rugged(dice: &mut Dice, reach_m: f64, positions: usize, rough: f64, stretch: f64) -> Outline {
    let ripple = Ripple::new(dice, 4, positions / 3, 0.58);
    let (sin, cos) = libm::sincos(dice.range(0.0, TAU));
    let mut outline = round(dice, positions);
    for (k, (x, y)) in outline.iter_mut().enumerate() {
        let noise = (1.7 * ripple.at(k as f64 / positions as f64)).clamp(-1.0, 1.0);
        let radius = reach_m * (1.0 + rough * noise) / (1.0 + rough);
        let (along, across) = (*x * radius, *y * radius / stretch);
        (*x, *y) = (along * cos - across * sin, along * sin + across * cos);
    }
    outline
}

/// The edges of an outline, the closing one last.
pub(super) fn edges(outline: &[(f64, f64)]) -> impl Iterator<Item = ((f64, f64), (f64, f64))> + '_ {
    outline.iter().copied().zip(outline.iter().copied().cycle().skip(1))
}

/// Signed area in m², counter-clockwise positive.
pub(super) fn area_m2(outline: &[(f64, f64)]) -> f64 {
    edges(outline).map(|(a, b)| a.0 * b.1 - b.0 * a.1).sum::<f64>() / 2.0
}

/// The longest edge in metres.
pub(super) fn longest_edge_m(outline: &[(f64, f64)]) -> f64 {
    edges(outline).map(|(a, b)| libm::hypot(b.0 - a.0, b.1 - a.1)).fold(0.0, f64::max)
}

/// The radius in metres of the circle around the centre that holds the outline.
pub(super) fn reach_m(outline: &[(f64, f64)]) -> f64 {
    outline.iter().map(|p| libm::hypot(p.0, p.1)).fold(0.0, f64::max)
}

/// The radius in metres of the largest circle around the centre that the outline holds.
pub(super) fn clear_m(outline: &[(f64, f64)]) -> f64 {
    let to_edge = |(a, b): ((f64, f64), (f64, f64))| {
        let (dx, dy) = (b.0 - a.0, b.1 - a.1);
        let along = (-(a.0 * dx + a.1 * dy) / (dx * dx + dy * dy)).clamp(0.0, 1.0);
        libm::hypot(a.0 + along * dx, a.1 + along * dy)
    };
    edges(outline).map(to_edge).fold(f64::INFINITY, f64::min)
}
