//! Promises about ground that patches share: in every sum it counts once, for whoever comes first.
//!
//! The oracle is a floor of square tiles, 100 m² each: patches are rectangles of whole tiles, and every expected figure is counted tile by tile.

use super::stored;
use crate::builders::{facts, filing, finding, month, only, patch};
use rand_chacha::{
    ChaCha8Rng,
    rand_core::{RngCore, SeedableRng},
};
use std::collections::BTreeMap;
use tuban::scope::Scope;
use tuban::store::{Store, SurveyKey};
use tuban_engine::model::{
    Areas, Filing, Finding, GroundShare, Level, NewSurvey, OnConflict, PeriodRange, Reason, SharedPiece, SharedWith, Survey, Totals, Verdict,
};

const TILE_M2: f64 = 100.0;
const SIDE: i32 = 8;

/// Tiles from a corner to a corner.
type Tiles = [i32; 4];

#[derive(Debug, Clone)]
struct Drawn {
    id: i64,
    name: String,
    period: &'static str,
    level: Level,
    survey: i64,
    tiles: Tiles,
    verdict: Option<Verdict>,
}

impl Drawn {
    fn holds(&self, x: i32, y: i32) -> bool {
        let [x0, y0, x1, y1] = self.tiles;
        (x0..x1).contains(&x) && (y0..y1).contains(&y)
    }

    fn areas(&self) -> Areas {
        areas_of(floor().filter(|(x, y)| self.holds(*x, *y)))
    }
}

/// The id of a neighbour that may be seen.
fn name(with: &SharedWith) -> &str {
    &with.patch.as_ref().unwrap().patch_id
}

fn floor() -> impl Iterator<Item = (i32, i32)> {
    (0..SIDE).flat_map(|x| (0..SIDE).map(move |y| (x, y)))
}

/// Two of three tiles are farmland.
fn is_farmland((x, y): (i32, i32)) -> bool {
    (x + 2 * y) % 3 != 0
}

fn areas_of(tiles: impl Iterator<Item = (i32, i32)>) -> Areas {
    tiles.fold(Areas::default(), |sum, tile| Areas {
        area_m2: sum.area_m2 + TILE_M2,
        farmland_m2: sum.farmland_m2 + if is_farmland(tile) { TILE_M2 } else { 0.0 },
        ..sum
    })
}

fn share(drawn: &Drawn, areas: Areas) -> GroundShare {
    GroundShare { patch: drawn.id, survey: drawn.survey, areas, automatic_legal_farmland_m2: 0.0, automatic_illegal_farmland_m2: areas.farmland_m2 }
}

/// The pieces of all patches, counted.
fn pieces(all: &[Drawn]) -> Vec<SharedPiece> {
    let mut tiles: BTreeMap<Vec<usize>, Vec<(i32, i32)>> = BTreeMap::new();
    for (x, y) in floor() {
        tiles.entry((0..all.len()).filter(|one| all[*one].holds(x, y)).collect()).or_default().push((x, y));
    }
    let several = tiles.into_iter().filter(|(members, _)| members.len() > 1);
    several.map(|(members, tiles)| SharedPiece { shares: members.iter().map(|one| share(&all[*one], areas_of(tiles.iter().copied()))).collect() }).collect()
}

/// Stores patches, survey by survey, with the pieces of all so far; fills in the numbers.
async fn store_all(store: &dyn Store, all: &mut [Drawn]) -> Vec<Survey> {
    let mut surveys: Vec<Survey> = Vec::new();
    let mut done = 0;
    while done < all.len() {
        let (period, level) = (all[done].period, all[done].level);
        let end = done + all[done..].iter().take_while(|drawn| (drawn.period, drawn.level) == (period, level)).count();
        let key = SurveyKey { period: month(period), level, upload_key: format!("{period}{level}") };
        let mut writer = store.begin_survey(key.clone(), OnConflict::Reject).await.unwrap();
        let found = |drawn: &Drawn| Finding { areas: drawn.areas(), automatic_illegal_farmland_m2: drawn.areas().farmland_m2, ..finding(Some("371302")) };
        writer.push(all[done..end].iter().map(|drawn| (patch(&drawn.name), found(drawn))).collect()).await.unwrap();
        let places = writer.own_places().await.unwrap();
        assert_eq!(places.len(), end - done);
        for (drawn, place) in all[done..end].iter_mut().zip(places) {
            (drawn.id, drawn.survey) = (place.patch, surveys.len() as i64 + 1);
        }
        let patches: Vec<i64> = all[..end].iter().map(|drawn| drawn.id).collect();
        assert_eq!(writer.forget_pieces(&patches).await.unwrap(), []);
        writer.add_pieces(&pieces(&all[..end])).await.unwrap();
        let survey = writer.commit(facts(&key)).await.unwrap();
        assert_eq!(survey.id, all[done].survey);
        surveys.push(survey);
        done = end;
    }
    for drawn in all.iter() {
        if let Some(verdict) = drawn.verdict {
            let areas = drawn.areas();
            let whole = |of: Verdict| if verdict == of { [areas.area_m2, areas.farmland_m2] } else { [0.0; 2] };
            let ([legal_m2, legal_farmland_m2], [illegal_m2, illegal_farmland_m2]) = (whole(Verdict::Legal), whole(Verdict::Illegal));
            let filed = Filing { legal_m2, legal_farmland_m2, illegal_m2, illegal_farmland_m2, ..filing(&drawn.name, verdict) };
            assert_eq!(store.file_verdicts(&Scope::all(), Some(drawn.survey), &[filed]).await.unwrap().recorded, 1);
        }
    }
    surveys
}

/// Legal, illegal, other and pending: patches, area and farmland; counted tile by tile.
fn counted(all: &[Drawn], range: PeriodRange) -> [(u64, f64, f64); 4] {
    let asked: Vec<&Drawn> = all.iter().filter(|drawn| range.contains(month(drawn.period))).collect();
    let confirmed = |drawn: &Drawn| drawn.verdict.filter(|verdict| *verdict != Verdict::Doubtful);
    let mut left: BTreeMap<i64, Areas> = BTreeMap::new();
    for (x, y) in floor() {
        let first = asked
            .iter()
            .filter(|drawn| drawn.holds(x, y))
            .min_by_key(|drawn| (confirmed(drawn).is_none(), drawn.level, month(drawn.period), drawn.survey, drawn.id));
        if let Some(first) = first {
            let left = left.entry(first.id).or_default();
            *left = areas_of(std::iter::once((x, y))).plus(left);
        }
    }
    let mut classes = [(0, 0.0, 0.0); 4];
    for drawn in asked {
        let class = match confirmed(drawn) {
            Some(Verdict::Legal) => 0,
            Some(Verdict::Illegal) => 1,
            Some(_) => 2,
            None => 3,
        };
        if let Some(left) = left.get(&drawn.id) {
            classes[class] = (classes[class].0 + 1, classes[class].1 + left.area_m2, classes[class].2 + left.farmland_m2);
        }
    }
    classes
}

/// Legal and illegal farmland as filed, less what of it is taken off, patch by patch. All of it in whole tiles, so nothing is rounded.
async fn left_of_filed(store: &dyn Store, all: &[Drawn], range: PeriodRange) -> [f64; 2] {
    let asked: Vec<&Drawn> = all.iter().filter(|drawn| range.contains(month(drawn.period))).collect();
    let taken_off = store.taken_off(&Scope::all(), &asked.iter().map(|drawn| drawn.id).collect::<Vec<_>>(), Some(range)).await.unwrap();
    let mut left = [0.0; 2];
    for drawn in asked {
        let [legal, illegal] = taken_off.get(&drawn.id).map_or([0.0; 2], |off| [off.filed_legal_farmland_m2, off.filed_illegal_farmland_m2]);
        let filed = |of: Verdict| if drawn.verdict == Some(of) { drawn.areas().farmland_m2 } else { 0.0 };
        left[0] += filed(Verdict::Legal) - legal;
        left[1] += filed(Verdict::Illegal) - illegal;
    }
    left
}

trait Plus {
    fn plus(self, other: &Self) -> Self;
}

impl Plus for Areas {
    fn plus(self, other: &Self) -> Self {
        Self { area_m2: self.area_m2 + other.area_m2, farmland_m2: self.farmland_m2 + other.farmland_m2, ..self }
    }
}

async fn totals(store: &dyn Store, range: PeriodRange) -> Totals {
    store.totals(&Scope::all(), range).await.unwrap().into_iter().next().unwrap_or_default()
}

fn classes(totals: &Totals) -> [(u64, f64, f64); 4] {
    [totals.legal, totals.illegal, totals.other, totals.pending].map(|group| (group.patches, group.area_m2, group.farmland_m2))
}

fn drawn(name: &str, period: &'static str, level: Level, tiles: Tiles, verdict: Option<Verdict>) -> Drawn {
    Drawn { id: 0, name: name.to_owned(), period, level, survey: 0, tiles, verdict }
}

fn months(from: &str, until: &str) -> PeriodRange {
    PeriodRange::new(month(from), Some(month(until))).unwrap()
}

/// Three squares of nine tiles, each moved by a tile both ways: 27 tiles of patches on 19 of ground.
fn three(periods: [&'static str; 3], level: Level, verdicts: [Option<Verdict>; 3]) -> Vec<Drawn> {
    let square = |n: usize| {
        let at = n as i32;
        drawn(&n.to_string(), periods[n], level, [at, at, at + 3, at + 3], verdicts[n])
    };
    (0..3).map(square).collect()
}

pub(super) async fn ground_under_three_patches_counts_once(store: &dyn Store) {
    let mut all = three(["2022-04"; 3], Level::City, [None; 3]);
    store_all(store, &mut all).await;
    // Shared pieces: 1 tile of all three, 3 of the first two, 3 of the last two.
    assert_eq!(pieces(&all).iter().map(|piece| (piece.shares.len(), piece.shares[0].areas.area_m2)).collect::<Vec<_>>(), [(2, 300.0), (3, 100.0), (2, 300.0)]);
    let sums = totals(store, only("2022-04")).await;
    assert_eq!((sums.pending.patches, sums.pending.area_m2, sums.taken_off.area_m2), (3, 1900.0, 800.0));
    assert_eq!(classes(&sums), counted(&all, only("2022-04")));
    assert_eq!(sums.automatic_illegal_farmland_m2, sums.pending.farmland_m2);
    assert_eq!(store.sharing(&Scope::all()).await.unwrap(), BTreeMap::from([(1, 3)]));
    assert_eq!(store.sharing_of(&Scope::all(), 1, all[0].id, 9).await.unwrap(), [all[1].id, all[2].id]);
}

pub(super) async fn april_alone_never_changes_because_of_june(store: &dyn Store) {
    let mut all = three(["2022-04", "2022-05", "2022-06"], Level::City, [None; 3]);
    store_all(store, &mut all).await;
    for (range, tiles) in [
        (only("2022-04"), 9.0),
        (only("2022-05"), 9.0),
        (only("2022-06"), 9.0),
        (months("2022-04", "2022-05"), 14.0),
        (months("2022-05", "2022-06"), 14.0),
        (months("2022-04", "2022-06"), 19.0),
    ] {
        let sums = totals(store, range).await;
        assert_eq!(sums.pending.area_m2, tiles * TILE_M2, "{range:?}");
        assert_eq!(classes(&sums), counted(&all, range), "{range:?}");
    }
    // Of May's patch nothing is taken off in May; in the spring, what April has of it.
    let may = all[1].id;
    let alone = store.taken_off(&Scope::all(), &[may], None).await.unwrap().remove(&may).unwrap();
    assert_eq!((alone.areas.area_m2, alone.nothing_left, alone.with.len()), (0.0, false, 2));
    let spring = store.taken_off(&Scope::all(), &[may], Some(months("2022-04", "2022-06"))).await.unwrap().remove(&may).unwrap();
    assert_eq!(spring.areas.area_m2, 400.0);
    assert_eq!(spring.with.iter().map(|with| (name(with), with.shared_m2, with.taken_m2)).collect::<Vec<_>>(), [("0", 400.0, 400.0), ("2", 400.0, 0.0)]);
}

pub(super) async fn confirmed_comes_before_pending_and_higher_levels_first(store: &dyn Store) {
    let whole = [0, 0, 2, 2];
    let mut all = vec![
        drawn("city", "2022-04", Level::City, whole, None),
        drawn("province", "2022-04", Level::Province, whole, None),
        drawn("ministry", "2022-05", Level::Ministry, whole, None),
        drawn("filed", "2022-06", Level::City, whole, Some(Verdict::Illegal)),
        drawn("doubtful", "2022-07", Level::Ministry, whole, Some(Verdict::Doubtful)),
    ];
    store_all(store, &mut all).await;
    for (range, first) in [
        (only("2022-04"), "province"),
        (months("2022-04", "2022-05"), "ministry"),
        (months("2022-04", "2022-07"), "filed"),
        (only("2022-07"), "doubtful"),
        (months("2022-06", "2022-07"), "filed"),
    ] {
        let ids: Vec<i64> = all.iter().filter(|drawn| range.contains(month(drawn.period))).map(|drawn| drawn.id).collect();
        let taken_off = store.taken_off(&Scope::all(), &ids, Some(range)).await.unwrap();
        let left: Vec<&str> =
            all.iter().filter(|drawn| ids.contains(&drawn.id) && !taken_off[&drawn.id].nothing_left).map(|drawn| drawn.name.as_str()).collect();
        assert_eq!(left, [first], "{range:?}");
        let sums = totals(store, range).await;
        assert_eq!(classes(&sums), counted(&all, range), "{range:?}");
        assert_eq!(sums.taken_off.patches, ids.len() as u64 - 1, "{range:?}");
    }
}

pub(super) async fn of_contradicting_verdicts_the_first_counts_and_both_are_told(store: &dyn Store) {
    let mut all = three(["2022-04", "2022-05", "2022-05"], Level::City, [Some(Verdict::Legal), Some(Verdict::Illegal), None]);
    store_all(store, &mut all).await;
    let spring = months("2022-04", "2022-05");
    let summed = store.summed(&Scope::all(), Some(spring)).await.unwrap();
    let sums = &summed.totals[0];
    assert_eq!(classes(sums), counted(&all, spring));
    let both = areas_of(floor().filter(|(x, y)| all[0].holds(*x, *y) && all[1].holds(*x, *y)));
    let [found] = summed.contradictions.as_slice() else { panic!("{:?}", summed.contradictions) };
    assert_eq!(
        (found.first.as_ref().map(|one| one.patch_id.as_str()), found.other.as_ref().map(|one| one.patch_id.as_str()), found.area_m2, found.farmland_m2),
        (Some("0"), Some("1"), both.area_m2, Some(both.farmland_m2))
    );
    // The first one is the mildest; by the severest, what both have is illegal.
    assert_eq!(sums.disputed.best_m2, [0.0, 0.0]);
    assert_eq!(sums.disputed.worst_m2, [-both.farmland_m2, both.farmland_m2]);
    assert_eq!(store.summed(&Scope::all(), Some(only("2022-05"))).await.unwrap().contradictions, []);
    let taken_off = store.taken_off(&Scope::all(), &[all[1].id], Some(spring)).await.unwrap().remove(&all[1].id).unwrap();
    assert_eq!(taken_off.with.iter().map(|with| (name(with), with.contradicts)).collect::<Vec<_>>(), [("0", true), ("2", false)]);
}

/// Oracle: by hand. Of May's and June's patches nobody knows the farmland. May's lies wholly on April's, so that nothing of it is left in the spring; June's has one tile there.
pub(super) async fn a_patch_of_unknown_farmland_is_forgotten_with_its_last_ground(store: &dyn Store) {
    let mut all = vec![
        drawn("april", "2022-04", Level::City, [0, 0, 4, 4], Some(Verdict::Illegal)),
        drawn("may", "2022-05", Level::City, [0, 0, 3, 3], None),
        drawn("june", "2022-06", Level::City, [3, 3, 6, 6], None),
    ];
    let surveys = store_all(store, &mut all).await;
    for (survey, patch) in surveys.iter().zip(&all).skip(1) {
        let mut writer = store.begin_reclassification(survey.id).await.unwrap();
        let areas = Areas { farmland_m2: 0.0, ..patch.areas() };
        writer.push(vec![(patch.id, Finding { areas, reason: Reason::NoFarmlandLayer, ..finding(Some("371302")) })]).await.unwrap();
        writer.commit(NewSurvey { farmland_unknown: 1, ..survey.facts.clone() }).await.unwrap();
    }
    for (range, pending, in_all, taken_off) in
        [(only("2022-05"), 1, 1, 0), (months("2022-05", "2022-06"), 2, 2, 0), (months("2022-04", "2022-05"), 0, 0, 1), (months("2022-04", "2022-06"), 1, 1, 2)]
    {
        let sums = totals(store, range).await;
        assert_eq!((sums.pending.patches, sums.pending.farmland_unknown, sums.farmland_unknown), (pending, pending, in_all), "{range:?}");
        assert_eq!((sums.taken_off.farmland_unknown, sums.illegal.farmland_unknown, sums.other.farmland_unknown), (taken_off, 0, 0), "{range:?}");
    }
}

/// Oracle: by hand; 3 of 9 tiles are filed illegal, and 4 of the 9 count for another: 300 − 300·4/9 m², rounded once.
pub(super) async fn areas_filed_without_a_shape_are_taken_off_in_proportion(store: &dyn Store) {
    let mut all = three(["2022-04", "2022-05", "2022-06"], Level::City, [Some(Verdict::Other), None, None]);
    store_all(store, &mut all).await;
    let part = Filing { illegal_m2: 300.0, illegal_farmland_m2: 200.0, ..filing("1", Verdict::Illegal) };
    store.file_verdicts(&Scope::all(), Some(all[1].survey), &[part]).await.unwrap();
    let sums = totals(store, months("2022-04", "2022-05")).await;
    assert_eq!(sums.illegal.area_m2, 300.0 - 300.0 * 4.0 / 9.0);
    let farmland = |of: &dyn Fn(i32, i32) -> bool| areas_of(floor().filter(|(x, y)| of(*x, *y))).farmland_m2;
    let (whole, both) = (farmland(&|x, y| all[1].holds(x, y)), farmland(&|x, y| all[1].holds(x, y) && all[0].holds(x, y)));
    assert!((sums.illegal.farmland_m2 - (200.0 - 200.0 * both / whole)).abs() < 1e-12, "{}", sums.illegal.farmland_m2);
    let taken_off = store.taken_off(&Scope::all(), &[all[1].id], Some(months("2022-04", "2022-05"))).await.unwrap().remove(&all[1].id).unwrap();
    assert!(taken_off.in_proportion);
    assert!((200.0 - taken_off.filed_illegal_farmland_m2 - sums.illegal.farmland_m2).abs() < 1e-12, "{taken_off:?}");
    assert!(!store.taken_off(&Scope::all(), &[all[1].id], None).await.unwrap()[&all[1].id].in_proportion);
}

pub(super) async fn any_rectangles_sum_to_what_counting_tiles_gives(store: &dyn Store) {
    let mut random = ChaCha8Rng::seed_from_u64(8);
    let mut below = |end: i32| (random.next_u64() % end as u64) as i32;
    let periods = ["2022-04", "2022-05", "2022-06"];
    let verdicts = [None, None, Some(Verdict::Legal), Some(Verdict::Illegal), Some(Verdict::Other), Some(Verdict::Doubtful)];
    let mut all = Vec::new();
    for period in periods {
        for level in [Level::City, Level::Ministry] {
            for n in 0..4 {
                let (x, y) = (below(SIDE - 2), below(SIDE - 2));
                let tiles = [x, y, x + 1 + below(SIDE - x), y + 1 + below(SIDE - y)];
                all.push(drawn(&format!("{period}{level}{n}"), period, level, tiles, verdicts[below(6) as usize]));
            }
        }
    }
    store_all(store, &mut all).await;
    for from in periods {
        for until in periods.iter().filter(|until| **until >= from) {
            let range = months(from, until);
            let sums = totals(store, range).await;
            assert_eq!(classes(&sums), counted(&all, range), "{range:?} {all:?}");
            assert_eq!(left_of_filed(store, &all, range).await, [sums.legal.farmland_m2, sums.illegal.farmland_m2], "{range:?} {all:?}");
        }
    }
}

/// Whatever has no verdict comes, goes and comes again: the confirmed sums do not move by a bit.
pub(super) async fn patches_without_verdicts_never_change_the_confirmed_sums(store: &dyn Store) {
    let mut all = three(["2022-05"; 3], Level::City, [Some(Verdict::Legal), Some(Verdict::Illegal), Some(Verdict::Other)]);
    store_all(store, &mut all).await;
    let confirmed = |sums: Totals| [sums.legal, sums.illegal, sums.other];
    let before = confirmed(totals(store, months("2022-01", "2022-12")).await);
    let mut random = ChaCha8Rng::seed_from_u64(9);
    let mut unfiled: BTreeMap<Level, Vec<Drawn>> = BTreeMap::new();
    for (round, level) in [Level::Ministry, Level::Province, Level::Ministry, Level::Ministry].into_iter().enumerate() {
        // A higher level, an earlier month, on the same ground.
        let key = SurveyKey { period: month("2022-01"), level, upload_key: round.to_string() };
        let mut writer = store.begin_survey(key.clone(), OnConflict::Replace).await.unwrap();
        let mut below = |end: i32| (random.next_u64() % end as u64) as i32;
        let mut others: Vec<Drawn> = (0..3)
            .map(|n| {
                let (x, y) = (below(4), below(4));
                drawn(&format!("new {n}"), "2022-01", level, [x, y, x + 1 + below(4), y + 1 + below(4)], None)
            })
            .collect();
        writer.push(others.iter().map(|one| (patch(&one.name), Finding { areas: one.areas(), ..finding(Some("371302")) })).collect()).await.unwrap();
        for (one, place) in others.iter_mut().zip(writer.own_places().await.unwrap()) {
            (one.id, one.survey) = (place.patch, all[0].survey + 1 + round as i64);
        }
        // What the level had before is replaced; pieces are those of all that is stored.
        unfiled.insert(level, others.clone());
        let together: Vec<Drawn> = all.iter().chain(unfiled.values().flatten()).cloned().collect();
        writer.forget_pieces(&together.iter().map(|one| one.id).collect::<Vec<_>>()).await.unwrap();
        writer.add_pieces(&pieces(&together)).await.unwrap();
        let survey = writer.commit(facts(&key)).await.unwrap();
        assert_eq!(survey.id, others[0].survey);
        let sums = totals(store, months("2022-01", "2022-12")).await;
        assert_eq!(confirmed(sums.clone()), before, "{round}");
        if round == 0 {
            assert_eq!(classes(&sums), counted(&together, months("2022-01", "2022-12")));
        }
    }
}

pub(super) async fn pieces_go_with_their_patches(store: &dyn Store) {
    let mut all = three(["2022-04", "2022-05", "2022-06"], Level::City, [None; 3]);
    store_all(store, &mut all).await;
    let key = SurveyKey { period: month("2022-05"), level: Level::City, upload_key: "another".to_owned() };
    let writer = store.begin_survey(key.clone(), OnConflict::Replace).await.unwrap();
    writer.commit(facts(&key)).await.unwrap();
    // April and June still share one tile; nothing is left of what they shared with May alone.
    let (april, june) = (all[0].id, all[2].id);
    let off = store.taken_off(&Scope::all(), &[april, june], Some(months("2022-04", "2022-06"))).await.unwrap();
    assert_eq!((off[&april].areas.area_m2, off[&june].areas.area_m2), (0.0, 100.0));
    assert_eq!(store.sharing(&Scope::all()).await.unwrap(), BTreeMap::from([(1, 1), (3, 1)]));
    // Pieces that lie in others too are left to them.
    let lone = stored(store, &SurveyKey { period: month("2022-07"), level: Level::City, upload_key: "x".to_owned() }, vec![(patch("7"), finding(None))]).await;
    let mut writer = store.begin_reclassification(lone.id).await.unwrap();
    assert_eq!(writer.forget_pieces(&[june]).await.unwrap().len(), 1);
    assert_eq!(writer.forget_pieces(&[april, june]).await.unwrap(), []);
}
