//! From sums to ratios, lines and levers. Pure.
//!
//! 违法耕地面积比例 = illegal ÷ (legal + illegal) farmland. Other and pending patches are in neither term; best and worst say what the pending ones could make
//! of it, and what confirmed verdicts that contradict each other on shared ground leave open. Where farmland that they rest on is unknown, so are they. The city's row is the sum of the counties' rows, never their average.

use crate::model::{Disputed, Lever, Line, NO_COUNTY, Tally, Totals, WHOLE_CITY};

/// The counties' tallies by code (patches in no county last), and the city's, which is called [`WHOLE_CITY`]. A county without a name is called by its code.
///
/// ```
/// use tuban_engine::model::{Area, Group, Totals};
/// use tuban_engine::rollup::roll_up;
///
/// let farmland = |mu: f64| Group { farmland_m2: mu * Area::M2_PER_MU, ..Group::default() };
/// let county = Totals { legal: farmland(874.4), illegal: farmland(174.24), ..Totals::default() };
/// let (_, city) = roll_up(vec![county], &[], |_| None);
/// assert_eq!(format!("{:.2} %", city.confirmed.unwrap()), "16.62 %");
/// ```
#[must_use]
pub fn roll_up(mut totals: Vec<Totals>, lines: &[Line], name_of: impl Fn(&str) -> Option<String>) -> (Vec<Tally>, Tally) {
    totals.sort_by(|a, b| (a.county_code.is_none(), &a.county_code).cmp(&(b.county_code.is_none(), &b.county_code)));
    let mut city = Totals::default();
    for county in &totals {
        add(&mut city, county);
    }
    let counties = totals
        .into_iter()
        .map(|county| {
            let name = match &county.county_code {
                Some(code) => name_of(code).unwrap_or_else(|| code.clone()),
                None => NO_COUNTY.to_owned(),
            };
            tally(county, name, lines)
        })
        .collect();
    (counties, tally(city, WHOLE_CITY.to_owned(), lines))
}

fn add(sum: &mut Totals, one: &Totals) {
    let groups = [
        (&mut sum.legal, &one.legal),
        (&mut sum.illegal, &one.illegal),
        (&mut sum.other, &one.other),
        (&mut sum.pending, &one.pending),
        (&mut sum.taken_off, &one.taken_off),
    ];
    for (sum, one) in groups {
        *sum += *one;
    }
    sum.farmland_unknown += one.farmland_unknown;
    sum.automatic_legal_farmland_m2 += one.automatic_legal_farmland_m2;
    sum.automatic_illegal_farmland_m2 += one.automatic_illegal_farmland_m2;
    for class in 0..2 {
        sum.disputed.best_m2[class] += one.disputed.best_m2[class];
        sum.disputed.worst_m2[class] += one.disputed.worst_m2[class];
    }
}

/// `part` of `part + rest` in per cent, or `None` where both are nothing.
fn percent(part: f64, rest: f64) -> Option<f64> {
    (part + rest > 0.0).then(|| 100.0 * part / (part + rest))
}

fn tally(totals: Totals, name: String, lines: &[Line]) -> Tally {
    let (legal, illegal, pending) = (totals.legal.farmland_m2, totals.illegal.farmland_m2, totals.pending.farmland_m2);
    let Disputed { best_m2, worst_m2 } = totals.disputed;
    let confirmed = percent(illegal, legal);
    let surveyed = totals.farmland_unknown == 0;
    let pending_is_known = totals.pending.farmland_unknown == 0;
    let crossed: Vec<&Line> = lines.iter().filter(|line| confirmed.is_some_and(|ratio| ratio > line.percent)).collect();
    Tally {
        confirmed,
        provisional: percent(totals.automatic_illegal_farmland_m2, totals.automatic_legal_farmland_m2).filter(|_| surveyed),
        best: percent(illegal + best_m2[1], legal + best_m2[0] + pending).filter(|_| pending_is_known),
        worst: percent(illegal + worst_m2[1] + pending, legal + worst_m2[0]).filter(|_| pending_is_known),
        line_crossed: crossed.iter().max_by(|a, b| a.percent.total_cmp(&b.percent)).map(|line| line.name.clone()),
        levers: crossed.iter().map(|line| levers(illegal, legal, line.percent)).collect(),
        name,
        totals,
    }
}

/// What brings a ratio of `illegal` and `legal` farmland down to `percent`, each alone.
fn levers(illegal: f64, legal: f64, percent: f64) -> Lever {
    let t = percent / 100.0;
    Lever { percent, restore_m2: illegal - legal * t / (1.0 - t), approve_m2: illegal - t * (illegal + legal), more_legal_m2: illegal / t - illegal - legal }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Area, Group, round_half_up};

    fn lines() -> Vec<Line> {
        vec![Line { name: "target".into(), percent: 5.0 }, Line { name: "accountability".into(), percent: 15.0 }]
    }

    fn group(patches: u64, mu: f64, farmland_mu: f64) -> Group {
        Group { patches, area_m2: mu * Area::M2_PER_MU, farmland_m2: farmland_mu * Area::M2_PER_MU, farmland_unknown: 0 }
    }

    /// Oracle: the city's published report for January–April (docs/ARCHITECTURE.md, “Ratio”).
    fn published() -> Totals {
        Totals {
            county_code: Some("371302".into()),
            legal: group(190, 1906.9, 874.4),
            illegal: group(124, 358.5, 174.24),
            other: group(451, 4506.5, 0.0),
            ..Totals::default()
        }
    }

    #[test]
    fn the_published_row() {
        let (_, city) = roll_up(vec![published()], &lines(), |_| None);
        assert_eq!(round_half_up(city.confirmed.unwrap(), 2), 16.62);
        assert_eq!(city.line_crossed.as_deref(), Some("accountability"));
        let mu: Vec<[f64; 3]> =
            city.levers.iter().map(|lever| [lever.restore_m2, lever.approve_m2, lever.more_legal_m2].map(|m2| Area::of_m2(m2).mu)).collect();
        assert_eq!(mu, [[128.22, 121.81, 2436.16], [19.93, 16.94, 112.96]]);
    }

    #[test]
    fn each_lever_alone_reaches_its_line() {
        let (illegal, legal) = (174.24, 874.4);
        for line in [5.0, 15.0] {
            let lever = levers(illegal, legal, line);
            for (illegal, legal) in
                [(illegal - lever.restore_m2, legal), (illegal - lever.approve_m2, legal + lever.approve_m2), (illegal, legal + lever.more_legal_m2)]
            {
                assert!((percent(illegal, legal).unwrap() - line).abs() < 1e-12);
            }
        }
    }

    #[test]
    fn nothing_confirmed_is_no_ratio_and_pending_spans_all() {
        let pending = Totals { pending: group(3, 30.0, 20.0), automatic_illegal_farmland_m2: 5.0, automatic_legal_farmland_m2: 15.0, ..Totals::default() };
        let (_, city) = roll_up(vec![pending], &lines(), |_| None);
        assert_eq!((city.confirmed, city.provisional, city.best, city.worst), (None, Some(25.0), Some(0.0), Some(100.0)));
        assert_eq!((city.line_crossed, city.levers.len()), (None, 0));
        let (rows, city) = roll_up(vec![], &lines(), |_| None);
        assert_eq!((rows.len(), city.confirmed, city.best, city.worst), (0, None, None, None));
    }

    /// Oracle: by hand; 10 of 40 legal are illegal by another verdict, or none of it by a third.
    #[test]
    fn best_and_worst_read_disputed_ground_both_ways() {
        let disputed = Disputed { best_m2: [0.0, 0.0], worst_m2: [-10.0, 10.0] };
        let totals = Totals { legal: group(1, 0.0, 0.0), illegal: Group { farmland_m2: 60.0, ..group(1, 0.0, 0.0) }, disputed, ..Totals::default() };
        let totals = Totals { legal: Group { farmland_m2: 40.0, ..group(1, 0.0, 0.0) }, ..totals };
        let (_, city) = roll_up(vec![totals], &lines(), |_| None);
        assert_eq!((city.confirmed, city.best, city.worst), (Some(60.0), Some(60.0), Some(70.0)));
    }

    /// Oracle: by hand; 1 000 m² illegal and 1 000 m² legal farmland are filed, and what the pending patch lies on is unknown.
    #[test]
    fn unknown_farmland_leaves_only_what_was_filed() {
        let (legal, illegal) = (Group { farmland_m2: 1_000.0, ..group(1, 1.5, 0.0) }, Group { farmland_m2: 1_000.0, ..group(1, 1.5, 0.0) });
        let pending = Group { farmland_unknown: 1, ..group(1, 30.0, 0.0) };
        let totals = Totals { legal, illegal, pending, farmland_unknown: 1, automatic_illegal_farmland_m2: 1_000.0, ..Totals::default() };
        let (_, city) = roll_up(vec![totals.clone()], &lines(), |_| None);
        assert_eq!((city.confirmed, city.provisional, city.best, city.worst), (Some(50.0), None, None, None));
        assert_eq!((city.totals.pending.farmland(), city.totals.legal.farmland(), city.levers.len()), (None, Some(1_000.0), 2));
        // Once it is confirmed, what was filed of it is all that the cases rest on; the overlay still says nothing of it.
        let filed = Totals { pending: Group::default(), ..totals };
        let (_, city) = roll_up(vec![filed], &lines(), |_| None);
        assert_eq!((city.confirmed, city.provisional, city.best, city.worst), (Some(50.0), None, Some(50.0), Some(50.0)));
    }

    #[test]
    fn a_ratio_on_the_line_has_not_crossed_it() {
        let on = Totals { legal: group(1, 95.0, 95.0), illegal: group(1, 5.0, 5.0), ..Totals::default() };
        assert_eq!(
            tally(Totals { legal: Group { farmland_m2: 95.0, ..on.legal }, illegal: Group { farmland_m2: 5.0, ..on.illegal }, ..on }, String::new(), &lines())
                .line_crossed,
            None
        );
    }

    #[test]
    fn the_city_is_the_sum_of_counties_in_order_and_not_their_average() {
        let row = |code: Option<&str>, legal: f64, illegal: f64| Totals {
            county_code: code.map(str::to_owned),
            legal: group(1, legal, legal),
            illegal: group(1, illegal, illegal),
            ..Totals::default()
        };
        let (rows, city) = roll_up(vec![row(None, 1.0, 1.0), row(Some("371329"), 90.0, 10.0), row(Some("371302"), 1.0, 9.0)], &lines(), |code| {
            (code == "371302").then(|| "甲".to_owned())
        });
        assert_eq!(rows.iter().map(|row| row.name.as_str()).collect::<Vec<_>>(), ["甲", "371329", "不在任何县内"]);
        // 20 / 112, by hand; the average of the three would be 50 %.
        assert_eq!(round_half_up(city.confirmed.unwrap(), 2), 17.86);
    }
}
