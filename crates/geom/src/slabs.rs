//! Sweep line: areas of any combination of regions, by vertical slabs.
//!
//! Between two neighbouring x at which an edge ends or two edges cross, edges are ordered from bottom to top and each gap between two of them is one
//! trapezoid with one winding number for each tag. Where edges are many, the plane is halved first, either way, into cells with few edges; of what
//! lies below a cell only the winding numbers along its floor remain. No topology is built and nothing can fail; a misordered near-tie costs as much area as the
//! tie is thick. Slower than [`overlay`](super::overlay), so it serves where that cannot: outlines that cross themselves, and many members of a layer on the
//! same ground. O(n²) for n edges that all cross each other.

use super::Bounds;

/// An edge with x1 < x2, belonging to one of several overlaid regions.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Edge {
    /// Left end.
    pub x1: f64,
    /// Left end.
    pub y1: f64,
    /// Right end.
    pub x2: f64,
    /// Right end.
    pub y2: f64,
    /// What crossing the edge upwards adds to the winding number: 1 where the ring runs left to right, else −1.
    pub step: i32,
    /// Which region.
    pub tag: u32,
}

impl Edge {
    /// The edge from `a` to `b`, or `None` where it is vertical and so bounds no trapezoid.
    #[must_use]
    pub fn between(a: [f64; 2], b: [f64; 2], tag: u32) -> Option<Self> {
        match a[0].partial_cmp(&b[0])? {
            std::cmp::Ordering::Less => Some(Self { x1: a[0], y1: a[1], x2: b[0], y2: b[1], step: 1, tag }),
            std::cmp::Ordering::Greater => Some(Self { x1: b[0], y1: b[1], x2: a[0], y2: a[1], step: -1, tag }),
            std::cmp::Ordering::Equal => None,
        }
    }

    /// Height at `x`; exact at both ends.
    fn y(&self, x: f64) -> f64 {
        if x <= self.x1 {
            self.y1
        } else if x >= self.x2 {
            self.y2
        } else {
            self.y1 + (self.y2 - self.y1) * ((x - self.x1) / (self.x2 - self.x1))
        }
    }

    /// The part of the edge with `lo` ≤ x ≤ `hi`, if it has any length.
    #[must_use]
    pub fn clipped(&self, lo: f64, hi: f64) -> Option<Self> {
        let (x1, x2) = (self.x1.max(lo), self.x2.min(hi));
        (x1 < x2).then(|| Self { x1, y1: self.y(x1), x2, y2: self.y(x2), ..*self })
    }

    fn low(&self) -> f64 {
        self.y1.min(self.y2)
    }

    fn high(&self) -> f64 {
        self.y1.max(self.y2)
    }

    /// The parts of the edge below and above y = `cut`; one of them only where the edge stays on one side.
    fn parted(&self, cut: f64) -> (Option<Self>, Option<Self>) {
        if self.low() >= cut {
            return (None, Some(*self));
        } else if self.high() <= cut {
            return (Some(*self), None);
        }
        let x = (self.x1 + (self.x2 - self.x1) * ((cut - self.y1) / (self.y2 - self.y1))).clamp(self.x1, self.x2);
        let left = (self.x1 < x).then_some(Self { x2: x, y2: cut, ..*self });
        let right = (x < self.x2).then_some(Self { x1: x, y1: cut, ..*self });
        if self.y1 < self.y2 { (left, right) } else { (right, left) }
    }

    /// The x at which two edges properly cross, if they do.
    fn crossing(&self, other: &Self) -> Option<f64> {
        let (lo, hi) = (self.x1.max(other.x1), self.x2.min(other.x2));
        if lo >= hi {
            return None;
        }
        let (left, right) = (self.y(lo) - other.y(lo), self.y(hi) - other.y(hi));
        (left * right < 0.0).then(|| lo + (hi - lo) * (left / (left - right))).filter(|x| lo < *x && *x < hi)
    }
}

/// What is told of the ground on the way up through a slab, from trapezoid to trapezoid. After each slab the way leads back down.
pub trait Ground {
    /// The way crosses an edge: the winding number of region `tag` changes by `step`.
    fn cross(&mut self, tag: u32, step: i32);
    /// A trapezoid, in square metres, and the edge it stands on, where that lies in the same cell.
    fn take(&mut self, area_m2: f64, on: Option<&Edge>);
    /// The trapezoid itself, for those that ask more of it than its area.
    fn take_trapezoid(&mut self, trapezoid: &Trapezoid<'_>) {
        self.take(trapezoid.area_m2(), trapezoid.on);
    }
}

/// Ground between two neighbouring edges within one slab.
#[derive(Debug, Clone, Copy)]
pub struct Trapezoid<'e> {
    /// Where the slab begins and ends.
    pub x: [f64; 2],
    /// Height of the lower edge at both.
    pub under: [f64; 2],
    /// Height of the upper edge at both.
    pub over: [f64; 2],
    /// The lower edge; `None` for the floor of the cell.
    pub on: Option<&'e Edge>,
    /// The upper edge; `None` for the top of the cell.
    pub below: Option<&'e Edge>,
}

impl Trapezoid<'_> {
    /// Its area, square metres.
    #[must_use]
    pub fn area_m2(&self) -> f64 {
        (self.x[1] - self.x[0]) * ((self.over[0] - self.under[0]) + (self.over[1] - self.under[1])) / 2.0
    }
}

/// The winding number of each of a few regions, told to a closure with every trapezoid's square metres.
struct Windings<'a> {
    windings: Vec<i32>,
    visit: &'a mut dyn FnMut(&[i32], f64),
}

impl Ground for Windings<'_> {
    fn cross(&mut self, tag: u32, step: i32) {
        self.windings[tag as usize] += step;
    }

    fn take(&mut self, area_m2: f64, _: Option<&Edge>) {
        (self.visit)(&self.windings, area_m2);
    }
}

/// Calls `visit` with the winding numbers (one for each tag) and the area in square metres of every trapezoid below the uppermost edge.
pub fn cells(edges: Vec<Edge>, tags: usize, visit: &mut dyn FnMut(&[i32], f64)) {
    walk(edges, &mut Windings { windings: vec![0; tags], visit });
}

/// Appends the edges of rings in the frame of `bounds`, cut to its width; what is wholly below or above the box lies flat on it.
pub fn push_rings<'a>(edges: &mut Vec<Edge>, bounds: &Bounds, rings: impl Iterator<Item = &'a [[f64; 2]]>, tag: u32) {
    let Bounds { min: [x0, y0], max: [x1, y1] } = *bounds;
    for pair in rings.flat_map(|ring| ring.windows(2)) {
        let (a, b) = ([pair[0][0] - x0, pair[0][1] - y0], [pair[1][0] - x0, pair[1][1] - y0]);
        let Some(mut edge) = Edge::between(a, b, tag).and_then(|edge| edge.clipped(0.0, x1 - x0)) else { continue };
        if edge.y1.max(edge.y2) <= 0.0 {
            (edge.y1, edge.y2) = (0.0, 0.0);
        } else if edge.y1.min(edge.y2) >= y1 - y0 {
            (edge.y1, edge.y2) = (y1 - y0, y1 - y0);
        }
        edges.push(edge);
    }
}

/// Walks over all ground within the box around `edges`.
pub fn walk(edges: Vec<Edge>, ground: &mut dyn Ground) {
    let mut bounds = Bounds::EMPTY;
    for edge in &edges {
        bounds.extend([edge.x1, edge.y1]);
        bounds.extend([edge.x2, edge.y2]);
    }
    if bounds.min[0] < bounds.max[0] {
        let mut parting = edges.len() * edges.len();
        halve(Cell { edges, floor: Vec::new(), bounds }, 0, &mut parting, ground);
    }
}

/// Edges up to this number are swept at once; above it the cell is halved.
const FEW: usize = 96;
/// Halvings after which a cell is swept as it is.
const DEPTH: u32 = 60;

/// A box, the edges in it, and the ground's winding numbers along its floor.
struct Cell {
    bounds: Bounds,
    edges: Vec<Edge>,
    floor: Vec<Rise>,
}

/// Along a cell's floor, from `x` on, the winding number of region `tag` is `step` more.
#[derive(Clone, Copy)]
struct Rise {
    x: f64,
    tag: u32,
    step: i32,
}

/// Cuts the cell at the median end, across or upright, until it holds few edges or neither parts them; then into quarters, as long as those part them and no
/// more than `parting` edges have been looked at for that: edges that cross all of a cell, and each other, have no ends in it to part them at.
fn halve(cell: Cell, depth: u32, parting: &mut usize, ground: &mut dyn Ground) {
    if cell.edges.len() > FEW && depth < DEPTH {
        let first = (depth % 2) as usize;
        let cut = median(&cell, first).map(|cut| (first, cut)).or_else(|| median(&cell, 1 - first).map(|cut| (1 - first, cut)));
        if let Some((axis, cut)) = cut {
            let (one, other) = if axis == 0 { parted_upright(cell, cut) } else { parted_across(cell, cut) };
            halve(one, depth + 1, parting, ground);
            halve(other, depth + 1, parting, ground);
            return;
        } else if *parting >= cell.edges.len() && quarters_part(&cell) {
            *parting -= cell.edges.len();
            let [x, y] = cell.bounds.middle();
            let (left, right) = parted_upright(cell, x);
            for half in [left, right] {
                let (below, above) = parted_across(half, y);
                halve(below, depth + 2, parting, ground);
                halve(above, depth + 2, parting, ground);
            }
            return;
        }
    }
    sweep(cell, ground);
}

/// Whether each quarter of the cell has clearly fewer edges than the cell: not so where all of them run along the same way.
fn quarters_part(cell: &Cell) -> bool {
    let [x, y] = cell.bounds.middle();
    let mut quarters = [0_usize; 4];
    for edge in &cell.edges {
        for (right, lo, hi) in [(0, cell.bounds.min[0], x), (1, x, cell.bounds.max[0])] {
            if let Some(part) = edge.clipped(lo, hi) {
                quarters[right] += usize::from(part.low() < y);
                quarters[right + 2] += usize::from(part.high() > y);
            }
        }
    }
    quarters.into_iter().all(|some| some <= cell.edges.len() * 7 / 8)
}

/// The median end of edges within the cell, if cutting there parts them.
fn median(cell: &Cell, axis: usize) -> Option<f64> {
    let (lo, hi) = (cell.bounds.min[axis], cell.bounds.max[axis]);
    let ends = |edge: &Edge| if axis == 0 { [edge.x1, edge.x2] } else { [edge.y1, edge.y2] };
    let mut within: Vec<f64> = cell.edges.iter().flat_map(ends).filter(|end| lo < *end && *end < hi).collect();
    if within.is_empty() {
        return None;
    }
    let middle = within.len() / 2;
    let cut = *within.select_nth_unstable_by(middle, f64::total_cmp).1;
    let sides: usize = cell.edges.iter().map(ends).map(|[a, b]| usize::from(a.min(b) < cut) + usize::from(a.max(b) > cut)).sum();
    (sides < cell.edges.len() * 7 / 4).then_some(cut)
}

/// What is left and right of x = `cut`.
fn parted_upright(cell: Cell, cut: f64) -> (Cell, Cell) {
    let Cell { bounds, edges, floor } = cell;
    let (mut left, mut right) = (bounds, bounds);
    (left.max[0], right.min[0]) = (cut, cut);
    let of = |bounds: Bounds, floor| Cell { edges: edges.iter().filter_map(|edge| edge.clipped(bounds.min[0], bounds.max[0])).collect(), floor, bounds };
    let begun = floor.iter().map(|rise| Rise { x: rise.x.max(cut), ..*rise }).collect();
    (of(left, floor.iter().copied().filter(|rise| rise.x < cut).collect()), of(right, merged(begun)))
}

/// What is below and above y = `cut`. Edges below become the floor of what is above.
fn parted_across(cell: Cell, cut: f64) -> (Cell, Cell) {
    let (mut below, mut above) = (Vec::new(), Vec::new());
    let mut floor = cell.floor.clone();
    for edge in &cell.edges {
        let (under, over) = edge.parted(cut);
        if let Some(under) = under {
            floor.extend([Rise { x: under.x1, tag: under.tag, step: under.step }, Rise { x: under.x2, tag: under.tag, step: -under.step }]);
        }
        below.extend(under);
        above.extend(over);
    }
    let (mut low, mut high) = (cell.bounds, cell.bounds);
    (low.max[1], high.min[1]) = (cut, cut);
    (Cell { edges: below, floor: cell.floor, bounds: low }, Cell { edges: above, floor: merged(floor), bounds: high })
}

/// Rises in their order from left to right, those of one region at one place as one.
fn merged(mut floor: Vec<Rise>) -> Vec<Rise> {
    floor.sort_unstable_by(|a, b| a.x.total_cmp(&b.x).then(a.tag.cmp(&b.tag)));
    floor.dedup_by(|next, kept| {
        let same = next.x == kept.x && next.tag == kept.tag;
        if same {
            kept.step += next.step;
        }
        same
    });
    floor.retain(|rise| rise.step != 0);
    floor
}

/// An edge over a slab.
struct Over<'e> {
    edge: &'e Edge,
    /// Height at the left and at the right of the slab.
    y: [f64; 2],
}

/// Takes the trapezoids of one cell.
fn sweep(cell: Cell, ground: &mut dyn Ground) {
    let Cell { mut edges, floor, bounds: Bounds { min: [lo, bottom], max: [hi, top] } } = cell;
    edges.sort_unstable_by(|a, b| a.x1.total_cmp(&b.x1));
    let xs = breaks(&edges, &floor, [lo, hi]);
    let mut rises = floor.iter().peekable();
    let mut coming = edges.iter().peekable();
    let mut stack: Vec<Over<'_>> = Vec::new();
    for slab in xs.windows(2) {
        let (left, right) = (slab[0], slab[1]);
        while let Some(rise) = rises.next_if(|rise| rise.x <= left) {
            ground.cross(rise.tag, rise.step);
        }
        stack.retain_mut(|over| {
            over.y = [over.y[1], over.edge.y(right)];
            right <= over.edge.x2
        });
        while let Some(edge) = coming.next_if(|edge| edge.x1 <= left) {
            if right <= edge.x2 {
                stack.push(Over { edge, y: [edge.y(left), edge.y(right)] });
            }
        }
        settle(&mut stack);
        let mut under = ([bottom; 2], None);
        for Over { edge, y } in &stack {
            ground.take_trapezoid(&Trapezoid { x: [left, right], under: under.0, over: *y, on: under.1, below: Some(*edge) });
            ground.cross(edge.tag, edge.step);
            under = (*y, Some(*edge));
        }
        ground.take_trapezoid(&Trapezoid { x: [left, right], under: under.0, over: [top; 2], on: under.1, below: None });
        for over in &stack {
            ground.cross(over.edge.tag, -over.edge.step);
        }
    }
    let passed = floor.len() - rises.len();
    floor[..passed].iter().for_each(|rise| ground.cross(rise.tag, -rise.step));
}

/// Where slabs begin and end: at ends and crossings of edges, and where the floor changes. Edges come by left end.
fn breaks(edges: &[Edge], floor: &[Rise], [lo, hi]: [f64; 2]) -> Vec<f64> {
    let mut xs = vec![lo, hi];
    xs.extend(edges.iter().flat_map(|edge| [edge.x1, edge.x2]).chain(floor.iter().map(|rise| rise.x)).filter(|x| lo < *x && *x < hi));
    for (i, edge) in edges.iter().enumerate() {
        let beside = edges[i + 1..].iter().take_while(|other| other.x1 < edge.x2);
        xs.extend(beside.filter(|other| other.high() >= edge.low() && other.low() <= edge.high()).filter_map(|other| edge.crossing(other)));
    }
    xs.sort_unstable_by(f64::total_cmp);
    xs.dedup();
    xs
}

/// Puts edges in their order from bottom to top; from slab to slab it hardly changes.
fn settle(stack: &mut [Over<'_>]) {
    let height = |over: &Over<'_>| over.y[0] + over.y[1];
    for end in 1..stack.len() {
        let mut place = end;
        while place > 0 && height(&stack[place - 1]) > height(&stack[place]) {
            stack.swap(place - 1, place);
            place -= 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edges(ring: &[[f64; 2]], tag: u32) -> impl Iterator<Item = Edge> + '_ {
        ring.windows(2).filter_map(move |pair| Edge::between(pair[0], pair[1], tag))
    }

    /// Oracle: by hand; the lobes of this figure of eight are two triangles of 1 m² each.
    #[test]
    fn the_lobes_of_a_figure_of_eight_wind_opposite_ways() {
        let eight = [[0.0, 0.0], [2.0, 2.0], [2.0, 0.0], [0.0, 2.0], [0.0, 0.0]];
        let (mut plus, mut minus) = (0.0, 0.0);
        cells(edges(&eight, 0).collect(), 1, &mut |w, area| match w[0] {
            1 => plus += area,
            -1 => minus += area,
            _ => {}
        });
        assert_eq!((plus, minus), (1.0, 1.0));
    }

    /// Oracle: by hand; squares of side 3, 3 and 2 whose common square has side 1.
    #[test]
    fn three_squares_share_what_they_share() {
        let square = |x: f64, y: f64, s: f64| [[x, y], [x + s, y], [x + s, y + s], [x, y + s], [x, y]];
        let all: Vec<_> = [square(0.0, 0.0, 3.0), square(1.0, 1.0, 3.0), square(2.0, 2.0, 2.0)]
            .iter()
            .enumerate()
            .flat_map(|(tag, ring)| edges(ring, tag as u32).collect::<Vec<_>>())
            .collect();
        let (mut three, mut any) = (0.0, 0.0);
        cells(all, 3, &mut |w, area| {
            if w.iter().all(|w| *w > 0) {
                three += area;
            }
            if w.iter().any(|w| *w > 0) {
                any += area;
            }
        });
        assert_eq!((three, any), (1.0, 14.0));
    }

    /// Oracle: by hand; 300 lying teeth of 1 by 100 m on a back, and a square over all of them, so that cells are cut both ways.
    #[test]
    fn halving_changes_nothing() {
        let mut comb = vec![[-1.0, 0.0]];
        for tooth in 0..300 {
            let y = f64::from(2 * tooth);
            comb.extend([[0.0, y], [100.0 + f64::from(tooth % 7), y], [100.0 + f64::from(tooth % 7), y + 1.0], [0.0, y + 1.0]]);
        }
        comb.extend([[-1.0, 599.0], [-1.0, 0.0]]);
        let square = [[50.0, 0.0], [60.0, 0.0], [60.0, 599.0], [50.0, 599.0], [50.0, 0.0]];
        let (mut both, mut own) = (0.0, 0.0);
        cells(edges(&comb, 0).chain(edges(&square, 1)).collect(), 2, &mut |w, area| {
            both += if w == [1, 1] { area } else { 0.0 };
            own += if w[0] == 1 { area } else { 0.0 };
            assert!(area < 1e-9 || w.iter().all(|w| (0..=1).contains(w)), "{w:?} {area}");
        });
        let teeth: f64 = (0..300).map(|tooth| 100.0 + f64::from(tooth % 7)).sum();
        assert!((both - 3000.0).abs() < 1e-9 && (own - teeth - 599.0).abs() < 1e-9, "{both} {own}");
    }
}
