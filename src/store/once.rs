//! Ground that patches share counts once in a sum: for the first of the patches that a piece lies in, among those asked for.
//!
//! 1. The sums by county are made as if nothing were shared. What is shared is read piece by piece, with all that decides who comes first.
//! 2. From each other patch the piece is taken off, in that patch's own columns. Confirmed areas were filed without a shape: of them the part is taken off that
//!    the piece is of the patch, area by area and farmland by farmland, so that a verdict on the whole patch loses just what the piece has.
//! 3. Where confirmed verdicts on a piece differ, the first counts, and what the mildest and the severest would make of it is told beside.
//!
//! All of it in units of 2⁻⁶⁰ m², each part rounded once: exact, whichever order and database, as the sums are.

use super::columns::Columns;
use super::totals::{County, Exact};
use super::{StoreError, ground};
use crate::scope::Scope;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use tuban_engine::model::{Areas, Claimant, Contradiction, Filing, GroundShare, PeriodRange, Precedence, Reason, SharedWith, SharingPatch, TakenOff, Verdict};

/// The columns of [`Claim::read`], but for those of the finding and the filing.
pub(super) const COLUMNS: &str = "ground.id, ground.checksum, ground.piece, ground.patch, ground.survey_id, survey.level, survey.period, survey.months, patch.patch_id, patch.number, finding.county_code, \
    ground.area_m2, ground.farmland_m2, ground.automatic_legal_farmland_m2, ground.automatic_illegal_farmland_m2, ground.areas, \
    finding.area_m2 AS whole_m2, finding.farmland_m2 AS whole_farmland_m2, finding.reason, \
    filing.verdict AS filed, legal_m2, legal_farmland_m2, illegal_m2, illegal_farmland_m2";

/// Of the surveys within the months $1 to $2.
pub(super) const OF_RANGE: &str = "survey.period >= $1 AND survey.period + survey.months - 1 <= $2";

/// A patch's claim to a piece.
#[derive(Debug)]
pub(super) struct Claim {
    piece: i64,
    precedence: Precedence,
    patch_id: String,
    county_code: Option<String>,
    share: GroundShare,
    /// The patch's area and farmland, of which the piece is a part.
    whole: [f64; 2],
    /// Whether it was judged without any land survey, so that its farmland says nothing.
    farmland_unknown: bool,
    /// The confirmed verdict, if it decides.
    filing: Option<Filing>,
}

impl Claim {
    /// A row of [`COLUMNS`].
    pub(super) fn read(row: &impl Columns) -> Result<Self, StoreError> {
        let patch_id = row.text("patch_id")?;
        let filing = super::rows::filing(row, &patch_id)?.filter(Filing::decides);
        let share = ground::read_share(row)?;
        let patch = row.maybe_integer("number")?.unwrap_or(share.patch);
        let precedence = Precedence { pending: filing.is_none(), level: row.word("level")?, period: row.period()?, survey: share.survey, patch };
        let whole = [row.double("whole_m2")?, row.double("whole_farmland_m2")?];
        let (piece, county_code) = (row.integer("piece")?, row.maybe_text("county_code")?);
        let farmland_unknown = row.word::<Reason>("reason")? == Reason::NoFarmlandLayer;
        Ok(Self { piece, precedence, patch_id, county_code, share, whole, farmland_unknown, filing })
    }

    /// Whether its patch belongs to the scope.
    fn is_of(&self, scope: &Scope) -> bool {
        scope.has(self.county_code.as_deref())
    }

    /// As who asks sees it.
    fn claimant(&self, scope: &Scope, filing: &Filing) -> Option<Claimant> {
        self.is_of(scope).then(|| Claimant { precedence: self.precedence, patch_id: self.patch_id.clone(), verdict: filing.verdict })
    }

    /// Whether both are confirmed and differ.
    fn contradicts(&self, other: &Self) -> bool {
        matches!((&self.filing, &other.filing), (Some(one), Some(another)) if one.verdict != another.verdict)
    }

    /// Legal and illegal farmland of the piece as the filing has it.
    fn reading(&self) -> Option<[Exact; 2]> {
        let filing = self.filing.as_ref()?;
        let off = Off::of(self);
        Some([off.farmland_of(filing.legal_farmland_m2, self.whole), off.farmland_of(filing.illegal_farmland_m2, self.whole)])
    }
}

/// What is taken off one patch.
#[derive(Debug, Clone, Copy, Default)]
struct Off {
    area: Exact,
    farmland: Exact,
    automatic_legal_farmland: Exact,
    automatic_illegal_farmland: Exact,
}

impl Off {
    fn of(claim: &Claim) -> Self {
        let share = &claim.share;
        Self {
            area: Exact::of(share.areas.area_m2),
            farmland: Exact::of(share.areas.farmland_m2),
            automatic_legal_farmland: Exact::of(share.automatic_legal_farmland_m2),
            automatic_illegal_farmland: Exact::of(share.automatic_illegal_farmland_m2),
        }
    }

    fn add(&mut self, claim: &Claim) {
        let more = Self::of(claim);
        self.area += more.area;
        self.farmland += more.farmland;
        self.automatic_legal_farmland += more.automatic_legal_farmland;
        self.automatic_illegal_farmland += more.automatic_illegal_farmland;
    }

    /// Whether nothing of the patch is left.
    fn is_all(&self, whole: [f64; 2]) -> bool {
        self.area >= Exact::of(whole[0])
    }

    /// The part of a filed area that lies on this ground.
    fn area_of(&self, filed_m2: f64, whole: [f64; 2]) -> Exact {
        Exact::of(filed_m2).part(self.area, Exact::of(whole[0]))
    }

    /// The part of a filed farmland area: of the farmland, where the finding has any.
    fn farmland_of(&self, filed_m2: f64, whole: [f64; 2]) -> Exact {
        if whole[1] > 0.0 && !self.is_all(whole) { Exact::of(filed_m2).part(self.farmland, Exact::of(whole[1])) } else { self.area_of(filed_m2, whole) }
    }
}

/// Calls `each` with the claims to each piece that lies in several of the patches, the first in precedence first.
fn pieces<'c>(claims: &'c [Claim], mut each: impl FnMut(&[&'c Claim])) {
    for piece in claims.chunk_by(|one, next| one.piece == next.piece).filter(|piece| piece.len() > 1) {
        let mut piece: Vec<&Claim> = piece.iter().collect();
        piece.sort_unstable_by_key(|claim| claim.precedence);
        each(&piece);
    }
}

/// Takes off what counts for others. The claims are those to every piece that lies in a patch that was summed, piece by piece. Contradictions of the scope's patches are told.
pub(super) fn take_off(counties: &mut [County], claims: &[Claim], scope: &Scope) -> Vec<Contradiction> {
    let by_code: HashMap<Option<String>, usize> = counties.iter().enumerate().map(|(place, county)| (county.code.clone(), place)).collect();
    let mut taken: BTreeMap<i64, (&Claim, Off)> = BTreeMap::new();
    let mut contradictions: BTreeMap<(Precedence, Precedence), Contradiction> = BTreeMap::new();
    pieces(claims, |piece| {
        let Some((first, others)) = piece.split_first() else { return };
        for &claim in others {
            taken.entry(claim.share.patch).or_insert((claim, Off::default())).1.add(claim);
            let contradicts = first.contradicts(claim) && (first.is_of(scope) || claim.is_of(scope));
            if let (true, Some(counts), Some(differs)) = (contradicts, &first.filing, &claim.filing) {
                let known_m2 = |m2: f64| (!first.farmland_unknown).then_some(m2);
                let none = || {
                    let (first, other) = (first.claimant(scope, counts), claim.claimant(scope, differs));
                    Contradiction { first, other, area_m2: 0.0, farmland_m2: known_m2(0.0) }
                };
                let found = contradictions.entry((first.precedence, claim.precedence)).or_insert_with(none);
                found.area_m2 += first.share.areas.area_m2;
                found.farmland_m2 = found.farmland_m2.and_then(|sum_m2| known_m2(sum_m2 + first.share.areas.farmland_m2));
            }
        }
        if let Some(county) = by_code.get(&first.county_code).and_then(|place| counties.get_mut(*place)) {
            dispute(county, piece);
        }
    });
    for (claim, off) in taken.values() {
        if let Some(county) = by_code.get(&claim.county_code).and_then(|place| counties.get_mut(*place)) {
            take_from(county, claim, off);
        }
    }
    contradictions.into_values().collect()
}

/// Notes what other confirmed verdicts would make of a piece than the first one, whose county it counts in.
fn dispute(county: &mut County, piece: &[&Claim]) {
    let readings: Vec<[Exact; 2]> = piece.iter().filter_map(|claim| claim.reading()).collect();
    let differ = piece.iter().any(|claim| piece[0].contradicts(claim));
    let severity = |[legal, illegal]: &&[Exact; 2]| (*illegal, std::cmp::Reverse(*legal));
    if let (true, Some(counts), Some(best), Some(worst)) =
        (differ, readings.first(), readings.iter().min_by_key(severity), readings.iter().max_by_key(severity))
    {
        for class in 0..2 {
            county.best[class] += best[class] - counts[class];
            county.worst[class] += worst[class] - counts[class];
        }
    }
}

/// Takes ground off a patch in its county's sums.
fn take_from(county: &mut County, claim: &Claim, off: &Off) {
    let [whole_m2, whole_farmland_m2] = claim.whole;
    let counted = u64::from(off.is_all(claim.whole));
    let gone_unknown = if claim.farmland_unknown { counted } else { 0 };
    let class = match &claim.filing {
        None => {
            let pending = &mut county.classes[3];
            pending.area -= off.area;
            pending.farmland -= off.farmland;
            pending.forget_unknown(gone_unknown);
            3
        }
        Some(filing) => {
            let other = |whole: f64, legal: f64, illegal: f64| if whole > legal + illegal { whole - legal - illegal } else { 0.0 };
            let filed = [
                (filing.legal_m2, filing.legal_farmland_m2),
                (filing.illegal_m2, filing.illegal_farmland_m2),
                (other(whole_m2, filing.legal_m2, filing.illegal_m2), other(whole_farmland_m2, filing.legal_farmland_m2, filing.illegal_farmland_m2)),
            ];
            for (class, (area_m2, farmland_m2)) in county.classes.iter_mut().zip(filed) {
                class.area -= off.area_of(area_m2, claim.whole);
                class.farmland -= off.farmland_of(farmland_m2, claim.whole);
            }
            if filing.leaves_a_rest(whole_m2) {
                county.classes[2].forget_unknown(gone_unknown);
            }
            class_of(filing.verdict)
        }
    };
    county.classes[class].patches -= counted;
    county.farmland_unknown = county.farmland_unknown.saturating_sub(gone_unknown);
    county.automatic_legal_farmland -= off.automatic_legal_farmland;
    county.automatic_illegal_farmland -= off.automatic_illegal_farmland;
    county.taken_off.patches += counted;
    county.taken_off.area += off.area;
    county.taken_off.farmland += off.farmland;
    county.taken_off.farmland_unknown += u64::from(claim.farmland_unknown);
}

/// What is taken off each of some patches of the scope in the sums of these months, or of its own period where none are named; and whom it shares ground with in any.
/// The claims are those to every piece that lies in one of the patches.
pub(super) fn taken_off(claims: &[Claim], scope: &Scope, patches: &[i64], range: Option<PeriodRange>) -> BTreeMap<i64, TakenOff> {
    let mut found: BTreeMap<i64, TakenOff> = BTreeMap::new();
    let mut wholes: BTreeMap<i64, (&Claim, Off)> = BTreeMap::new();
    for piece in claims.chunk_by(|one, next| one.piece == next.piece).filter(|piece| piece.len() > 1) {
        for own in piece.iter().filter(|claim| claim.is_of(scope) && patches.contains(&claim.precedence.patch)) {
            let period = own.precedence.period;
            let range = range.unwrap_or(PeriodRange { from: period, until: period });
            let among = piece.iter().filter(|claim| range.contains(claim.precedence.period));
            let first =
                among.min_by_key(|claim| claim.precedence).filter(|_| range.contains(period)).map_or(own.precedence.patch, |first| first.precedence.patch);
            let taken_off = found.entry(own.precedence.patch).or_insert_with(|| TakenOff { patch_id: own.patch_id.clone(), ..TakenOff::default() });
            if first != own.precedence.patch {
                add(&mut taken_off.areas, &own.share.areas);
                wholes.entry(own.precedence.patch).or_insert((own, Off::default())).1.add(own);
            }
            for other in piece.iter().filter(|other| other.precedence.patch != own.precedence.patch) {
                share_with(taken_off, own, other, first == other.precedence.patch);
            }
        }
    }
    for (patch, (own, off)) in wholes {
        let taken_off = found.entry(patch).or_default();
        taken_off.nothing_left = off.is_all(own.whole);
        if let Some(filing) = &own.filing {
            taken_off.filed_legal_farmland_m2 = off.farmland_of(filing.legal_farmland_m2, own.whole).m2();
            taken_off.filed_illegal_farmland_m2 = off.farmland_of(filing.illegal_farmland_m2, own.whole).m2();
        }
        taken_off.in_proportion = !taken_off.nothing_left && own.filing.as_ref().is_some_and(|filing| filing.is_of_a_part(own.whole[0]));
    }
    let out_of_scope: BTreeSet<i64> = claims.iter().filter(|claim| !claim.is_of(scope)).map(|claim| claim.precedence.patch).collect();
    for taken_off in found.values_mut() {
        taken_off.with.sort_unstable_by_key(|with| with.patch.as_ref().map(|patch| patch.precedence));
        for with in &mut taken_off.with {
            with.patch = with.patch.take().filter(|patch| !out_of_scope.contains(&patch.precedence.patch));
        }
    }
    found
}

/// Which of a county's classes a patch counts in.
fn class_of(verdict: Verdict) -> usize {
    match verdict {
        Verdict::Legal => 0,
        Verdict::Illegal => 1,
        Verdict::Other => 2,
        Verdict::Doubtful => 3,
    }
}

fn add(sum: &mut Areas, more: &Areas) {
    let mut more = *more;
    for (sum, more) in sum.each_mut().into_iter().zip(more.each_mut()) {
        *sum += *more;
    }
}

fn share_with(taken_off: &mut TakenOff, own: &Claim, other: &Claim, counts: bool) {
    let area_m2 = own.share.areas.area_m2;
    let taken_m2 = if counts { area_m2 } else { 0.0 };
    let is_it = |with: &&mut SharedWith| with.patch.as_ref().is_some_and(|patch| patch.precedence == other.precedence);
    if let Some(with) = taken_off.with.iter_mut().find(is_it) {
        with.shared_m2 += area_m2;
        with.taken_m2 += taken_m2;
        return;
    }
    let confirmed = other.filing.as_ref().map(|filing| filing.verdict);
    taken_off.with.push(SharedWith {
        patch: Some(SharingPatch { precedence: other.precedence, patch_id: other.patch_id.clone(), confirmed }),
        shared_m2: area_m2,
        taken_m2,
        contradicts: own.contradicts(other),
    });
}
