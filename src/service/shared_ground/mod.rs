//! Ground that patches share, found before their survey becomes visible, and stored in pieces: who lies on it, and all its areas.
//!
//! 1. Boxes: each new patch is held against the others of its survey and all that are stored, of whatever period. Where nothing overlaps that is all.
//! 2. Pairs whose boxes overlap are measured by the kernel ([`overlapping`]); what is left over are the new patches that share ground, and their neighbours.
//! 3. Of each of those the ground is cut by its neighbours into atoms ([`geom::atoms`](tuban_geom::atoms)), and what changed is measured against
//!    the layers like a patch ([`pieces`]); once more in the layers that a patch was judged by before, where those are others.
//! 4. The pieces of a patch are made to fit its finding, so that what is left of it is exact, column by column ([`fitting`]).
//!
//! Which pieces can change: those whose patches are all new ones that share ground, or neighbours of those. A piece that lies in any other patch
//! lies in no new one.

mod fitting;
mod neighbours;
mod pieces;

use crate::scope::Scope;
use crate::service::{
    Service, ServiceError,
    standing::{Standing, Versions},
};
use crate::store::{GroundWriter, PatchGround, Publishing, StoreError, StoredPatch};
use fitting::Fitting;
use jiff::civil::Date;
use neighbours::{Boxes, Neighbours, overlapping};
use pieces::Piece;
use rayon::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use tuban_engine::model::{Areas, Flag, NewSurvey, PeriodRange, SharedPiece, Survey, TakenOff, Words};
use tuban_engine::{atlas::Atlas, choosing::Choice, normalize::Intake};
use tuban_geom::{Bounds, Crs, Plane, Region};

/// Ground below this is what rounding leaves between neighbours, square metres: a border of a kilometre that came through a projection.
const ROUNDING_M2: f64 = 1e-6;

/// Pairs of patches measured at a time: their outlines are in memory meanwhile.
const PAIRS: usize = 4000;

/// Looks at shared ground while others write.
const LOOKS: u32 = 3;
/// Publications that are tried after a look, as long as it stands.
const PUBLICATIONS: u32 = 100;

/// Patches that take part, by number, with their regions in one plane.
type Regions = BTreeMap<i64, Region>;

/// How many patches of a survey share ground.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Sharing {
    /// All of them.
    patches: usize,
    /// Of those, with patches of other surveys.
    with_others: usize,
}

impl Sharing {
    fn of(own: &BTreeMap<i64, Bounds>, neighbours: &Neighbours) -> Self {
        let sharing = || neighbours.patches().filter(|patch| own.contains_key(patch));
        let with_others = sharing().filter(|patch| neighbours.of(*patch).any(|other| !own.contains_key(&other))).count();
        Self { patches: sharing().count(), with_others }
    }

    /// What people should know of it.
    pub(super) fn warning(self) -> Option<Words> {
        let Self { patches, with_others } = self;
        let words = || {
            Words::new(
                format!("{patches} 个图斑与其他图斑占用同一块地（其中 {with_others} 个与已入库的批次重叠），汇总时每块地只计一次"),
                format!("{patches} patches share ground with others ({with_others} of them with surveys stored before); sums count all ground once"),
            )
        };
        (patches > 0).then(words)
    }
}

/// What the ground of a survey is measured by.
pub(crate) struct MeasuredBy {
    /// The CRS of its file.
    pub crs: Crs,
    /// The set of its first patch.
    pub standing: Arc<Standing>,
    /// All sets of its findings, that one first.
    pub sets: Vec<(i64, Choice)>,
    /// What they were chosen from.
    pub versions: Arc<Versions>,
}

impl Service {
    /// Finds the ground that a survey shares and publishes it, with the facts that follow. Others write meanwhile, so it looks again where surveys changed before it came to
    /// publish; a last time under the write lock.
    pub(super) async fn publish(&self, writer: &mut dyn Publishing, by: &MeasuredBy, facts: impl Fn(Sharing) -> NewSurvey) -> Result<Survey, ServiceError> {
        for look in 0..=LOOKS {
            if look == LOOKS {
                writer.stop_others().await?;
            }
            let (sharing, own) = self.look(writer, by.crs, &by.standing.atlas, &by.sets, &by.versions).await?;
            let facts = facts(sharing);
            for _ in 0..PUBLICATIONS {
                if let Some(survey) = writer.publish(&facts).await? {
                    return Ok(survey);
                }
                if !writer.look_stands(&|place| own.meet(&place)).await? {
                    break;
                }
            }
        }
        Err(ServiceError::Broken("surveys changed while nobody else wrote".to_owned()))
    }

    /// Finds what the patches of the survey that `writer` writes share with each other and with stored ones, and stores it. The survey's file is in `crs`, and its
    /// findings were made with `sets`, of which `atlas` is the first. Answers how many of its patches share ground.
    pub(super) async fn share_ground(
        &self,
        writer: &mut dyn GroundWriter,
        crs: Crs,
        atlas: &Atlas,
        sets: &[(i64, Choice)],
        versions: &Versions,
    ) -> Result<Sharing, ServiceError> {
        Ok(self.look(writer, crs, atlas, sets, versions).await?.0)
    }

    /// [`share_ground`](Self::share_ground), and where its patches lie.
    async fn look(
        &self,
        writer: &mut dyn GroundWriter,
        crs: Crs,
        atlas: &Atlas,
        sets: &[(i64, Choice)],
        versions: &Versions,
    ) -> Result<(Sharing, Boxes), ServiceError> {
        let own: BTreeMap<i64, Bounds> = writer.own_places().await?.into_iter().map(|place| (place.patch, place.bounds)).collect();
        let mut near = Boxes::of(own.clone());
        let candidates = near.pairs(writer).await?;
        let mut neighbours = Neighbours::default();
        self.confirm(writer, crs, atlas.plane(), candidates, &mut neighbours).await?;
        if neighbours.is_empty() {
            return Ok((Sharing::default(), near));
        }
        let changed: BTreeSet<i64> = neighbours.patches().collect();
        let stored: BTreeMap<i64, Bounds> = changed.iter().filter(|patch| !own.contains_key(patch)).filter_map(|patch| near.place(*patch)).collect();
        let sharing = Sharing::of(&own, &neighbours);
        // What stored neighbours share with others was found when they came, and is not measured again; unless they came before it was looked for.
        neighbours.add_pieces(&writer.pieces(&stored.keys().copied().collect::<Vec<_>>()).await?);
        let mut near_stored = Boxes::of(stored);
        let candidates = near_stored.pairs(writer).await?.into_iter().filter(|pair| !neighbours.are(*pair)).collect();
        self.confirm(writer, crs, atlas.plane(), candidates, &mut neighbours).await?;
        let all: Vec<i64> = neighbours.patches().collect();
        let grounds = writer.grounds(&all).await?;
        let shares = self.measure(&grounds, crs, (atlas, sets, versions), &neighbours, &changed).await?;
        let changed: Vec<i64> = changed.into_iter().collect();
        let kept = writer.forget_pieces(&changed).await?;
        let mut fitting = Fitting::new(&grounds, &kept);
        let pieces: Vec<SharedPiece> = fitting.fit(shares);
        writer.add_pieces(&pieces).await?;
        Ok((sharing, near))
    }

    /// What is taken off those of these patches that share ground, in the sums of these months; of each patch's own period where none are named.
    pub async fn taken_off(&self, scope: &Scope, patches: &[StoredPatch], range: Option<PeriodRange>) -> Result<BTreeMap<i64, TakenOff>, ServiceError> {
        let sharing: Vec<i64> = patches.iter().filter(|patch| patch.finding.flags.contains(&Flag::SharesGround)).map(|patch| patch.id).collect();
        Ok(if sharing.is_empty() { BTreeMap::new() } else { self.store.taken_off(scope, &sharing, range).await? })
    }

    /// Measures candidates, portion by portion, and notes which do share ground.
    async fn confirm(
        &self,
        writer: &mut dyn GroundWriter,
        crs: Crs,
        plane: &Plane,
        mut candidates: Vec<[i64; 2]>,
        neighbours: &mut Neighbours,
    ) -> Result<(), ServiceError> {
        candidates.sort_unstable();
        candidates.dedup();
        for portion in candidates.chunks(PAIRS) {
            let patches: BTreeSet<i64> = portion.iter().flatten().copied().collect();
            let grounds = writer.grounds(&patches.into_iter().collect::<Vec<_>>()).await?;
            let found = tokio::task::block_in_place(|| Ok::<_, ServiceError>(overlapping(portion, &regions(&grounds, crs, plane)?)))?;
            for pair in found {
                neighbours.add(pair);
            }
        }
        Ok(())
    }

    #[expect(clippy::type_complexity, reason = "a piece beside its areas by day, here only")]
    /// The pieces that lie in `changed` patches alone, each with its areas in the columns of each of its patches.
    async fn measure(
        &self,
        grounds: &[PatchGround],
        crs: Crs,
        (atlas, sets, versions): (&Atlas, &[(i64, Choice)], &Versions),
        neighbours: &Neighbours,
        changed: &BTreeSet<i64>,
    ) -> Result<Vec<SharedPiece>, ServiceError> {
        let ground_of: BTreeMap<i64, &PatchGround> = grounds.iter().map(|ground| (ground.patch, ground)).collect();
        let days_of = |piece: &Piece| piece.patches.iter().filter_map(|patch| ground_of.get(patch)).map(|ground| ground.after).collect();
        let measured = |atlas: &Atlas| -> Result<Vec<(Piece, BTreeMap<Date, Areas>)>, ServiceError> {
            tokio::task::block_in_place(|| {
                let pieces = pieces::of(&regions(grounds, crs, atlas.plane())?, neighbours, changed);
                let measured = pieces.into_par_iter().map(|piece| piece.measure(atlas, days_of(&piece)).map(|areas| (piece, areas)));
                Ok(measured.collect::<std::io::Result<_>>()?)
            })
        };
        let share = |patch: &i64, areas: &BTreeMap<Date, Areas>| {
            let ground = ground_of.get(patch)?;
            Some(pieces::share(ground, *areas.get(&ground.after)?))
        };
        let first = measured(atlas)?;
        let mut found: BTreeMap<Vec<i64>, SharedPiece> = first
            .iter()
            .map(|(piece, areas)| (piece.patches.clone(), SharedPiece { shares: piece.patches.iter().filter_map(|patch| share(patch, areas)).collect() }))
            .collect();
        let (in_hand, others) = (sets.first().map(|(set, _)| *set), grounds.iter().map(|ground| ground.layer_set).collect::<BTreeSet<i64>>());
        for set in others.into_iter().filter(|set| *set != 0 && Some(*set) != in_hand) {
            // Sets of the survey that is written may be known to its transaction alone.
            let judged_by = match sets.iter().find(|(own, _)| *own == set) {
                Some((_, choice)) => Arc::clone(&self.stand(versions, *choice).await?.atlas),
                None => Arc::new(self.atlas_of(&*self.layer_set(set).await?, versions).await?),
            };
            for (piece, areas) in measured(&judged_by)? {
                let shares = found.get_mut(&piece.patches).map(|piece| piece.shares.as_mut_slice()).unwrap_or_default();
                for was in shares.iter_mut().filter(|was| ground_of.get(&was.patch).is_some_and(|ground| ground.layer_set == set)) {
                    *was = share(&was.patch, &areas).unwrap_or(*was);
                }
            }
        }
        Ok(found.into_values().collect())
    }
}

/// The regions that were measured when the patches came in, in this plane.
fn regions(grounds: &[PatchGround], own: Crs, plane: &Plane) -> Result<Regions, ServiceError> {
    let region = |ground: &PatchGround| {
        let crs = ground.crs.as_deref().map_or(Ok(own), crate::service::export::understood)?;
        let intake = Intake::new(crs, plane.clone());
        let damaged = |_| StoreError::Damaged(format!("patch {} no longer passes the check it passed on import", ground.patch));
        Ok((ground.patch, intake.stored(ground.source.clone(), ground.degrees.clone()).map_err(damaged)?.region))
    };
    grounds.par_iter().map(region).collect()
}
