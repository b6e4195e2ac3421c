//! The layers of the main job with no database: read from files, each held against those before it.

use crate::formats::{Stated, Wanted};
use crate::service::{
    Refusal, ServiceError,
    batch::{ClassifyFiles, LayerPath, receive},
    layers::{
        approval_facts::{self, ApprovalsNoticed},
        codes::CodeTally,
        county_overlaps::{self, Holders, Outlines},
        import::{self, LayerJudge, LayerOutcome},
        left_out::{self, Refused},
    },
    reading::{
        Wish,
        diagnostics::{Noticed, declared_empty, nothing},
        home, origin,
    },
};
use std::sync::Arc;
use tuban_engine::model::{LayerKind, LayerUsed, Reject, Words};
use tuban_engine::{
    approval_kinds::ApprovalKinds,
    atlas::{Atlas, LayerBuilder, PreparedLayer},
    rule::Rule,
};
use tuban_geom::Written;

/// Layers ready to be held against, and what people should know of them.
#[derive(Debug)]
pub struct Loaded {
    /// The layers.
    pub atlas: Atlas,
    /// How their files were read, and what is odd about them.
    pub notes: Vec<Words>,
    /// See [`Classified`].
    pub left_out: Vec<Words>,
}

/// Prepares the layers; where most features of the first one are decides the plane, and each is held against those before it.
pub fn load(files: &ClassifyFiles, rule: &Rule, report: &(dyn Fn(&str, u64) + Sync)) -> Result<Loaded, ServiceError> {
    let mut layers = files.layers.clone();
    layers.sort_by_key(|layer| layer.kind);
    let (mut before, mut notes, mut missing): (Option<Atlas>, Vec<Words>, Vec<Words>) = (None, Vec::new(), Vec::new());
    for layer in &layers {
        let prepared = load_layer(layer, files, rule, before.take(), report).map_err(|error| layer.blame(error))?;
        let name = layer.path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        notes.extend(prepared.notes);
        missing.extend(left_out::summary(layer.kind, prepared.layer.refused()));
        let mut atlas = prepared.before;
        let effective = layer.effective.map(|day| day.to_string()).unwrap_or_default();
        atlas.put(LayerUsed { id: 0, kind: layer.kind, name, effective }, prepared.written, Arc::new(prepared.layer), rule);
        before = Some(atlas);
    }
    if let Some(atlas) = before {
        return Ok(Loaded { atlas, notes, left_out: missing });
    }
    let arrival = receive(&files.patches, files)?;
    let wish = Wish { file: &arrival, wanted: Wanted::Survey, stated: &files.stated, map: &files.map, counties: None };
    Ok(Loaded { atlas: Atlas::empty(origin::of_file(&wish)?), notes, left_out: missing })
}

/// Told what is being read, and how many features are.
type Report<'a> = &'a (dyn Fn(&str, u64) + Sync);

/// A layer ready to be put into the atlas it was held against.
struct Prepared {
    layer: PreparedLayer,
    written: Written,
    before: Atlas,
    notes: Vec<Words>,
}

fn load_layer(
    layer: &LayerPath,
    files: &ClassifyFiles,
    rule: &Rule,
    before: Option<Atlas>,
    report: &(dyn Fn(&str, u64) + Sync),
) -> Result<Prepared, ServiceError> {
    let arrival = receive(&layer.path, files)?;
    let own = Stated { layer: layer.layer.clone(), empty: layer.empty, ..Stated::default() };
    // What is said of the patches' CRS is for layers that do not say their own; one that says what cannot be read in is refused.
    let crs = match files.stated.crs {
        Some(crs) if arrival.open(&own)?.head().crs.is_none() => Some(crs),
        _ => None,
    };
    let wanted = Wanted::Layer(layer.kind);
    let counties = before.as_ref().and_then(|before| home(wanted, before));
    let read = |stated: &Stated, without: &Holders| {
        let wish = Wish { file: &arrival, wanted, stated, map: &[], counties };
        let plane = before.as_ref().map_or_else(|| origin::of_file(&wish), |before| Ok(before.plane().clone()))?;
        let nothing = Atlas::empty(plane.clone());
        let (layer, written, notes) = read_layer(&wish, layer, before.as_ref().unwrap_or(&nothing), files, &rule.approvals, (without, report))?;
        Ok((layer, written, notes, plane))
    };
    let (mut stated, mut without) = (Stated { crs, ..own }, Holders::new());
    let (layer, written, notes, plane) = loop {
        match read(&stated, &without) {
            Err(ServiceError::LateCrs(crs)) if stated.crs != Some(crs) => stated.crs = Some(crs),
            Err(ServiceError::Holders(holders)) if !holders.is_subset(&without) => without.extend(holders),
            outcome => break outcome?,
        }
    };
    Ok(Prepared { layer, written, notes, before: before.unwrap_or_else(|| Atlas::empty(plane)) })
}

fn read_layer(
    wish: &Wish<'_>,
    path: &LayerPath,
    before: &Atlas,
    files: &ClassifyFiles,
    kinds: &ApprovalKinds,
    (without, report): (&Holders, Report<'_>),
) -> Result<(PreparedLayer, Written, Vec<Words>), ServiceError> {
    let kind = path.kind;
    approval_facts::check_said(kind, path.approval_kind.as_deref(), kinds)?;
    let mut reading = import::open(wish, kind)?;
    let judge = LayerJudge::new(kind, files.codes, &reading, before.plane(), before).with_approval_kind(path.approval_kind.as_deref()).without(without);
    let mut builder = LayerBuilder::new(kind, &files.memory);
    let (mut noticed, mut codes, mut missing) = (Noticed::default(), CodeTally::of(kind, files.codes, before), Vec::new());
    let (mut approvals, mut outlines) = (ApprovalsNoticed::default(), Outlines::default());
    let (mut done, mut refused) = (0, 0);
    let mut first: Option<Reject> = None;
    reading.each_batch(
        |raw| Ok(judge.judge(raw)?),
        |batch| {
            done += batch.len() as u64;
            for LayerOutcome { row, notice, code, judged } in batch {
                noticed.add(notice);
                codes.add(row, &code, judged.as_ref().ok().map(|judged| &judged.feature.facts));
                match judged {
                    Ok(judged) => {
                        if kind == LayerKind::Approved {
                            approvals.add(&judged.feature.facts, judged.unread, kinds);
                        }
                        builder.push(&judged.feature.facts, &judged.pieces, &judged.feature.degrees)?;
                        outlines.add(kind, &judged.feature.facts, judged.area_m2);
                    }
                    Err(Some(one)) => {
                        let Refused { reject, left_out } = *one;
                        refused += 1;
                        missing.extend(left_out);
                        first.get_or_insert(reject);
                    }
                    Err(None) => {}
                }
            }
            report(kind.word(), done);
            Ok(())
        },
    )?;
    if let Some(question) = codes.question() {
        return Err(question.into());
    }
    let mut notes = noticed.words(&reading, done - refused);
    if let Some(refusal) = nothing(done, done - refused, wish.stated.empty) {
        return Err(Refusal { rejects: first.into_iter().collect(), ..refusal }.into());
    }
    let layer = builder.finish()?.without(missing).of_classes(codes.standard());
    outlines.settle(files.codes.county_codes, &layer)?;
    notes.extend((done == 0).then(declared_empty));
    notes.extend(codes.notes());
    notes.extend(county_overlaps::left_out(without));
    notes.extend(approvals.words(reading.fields()));
    // The command line cannot ask about a layer; where it is shifted and the patches are not, they are asked about.
    notes.extend(noticed.question().map(|question| question.words));
    notes.extend(first.map(|reject| {
        let (row, why) = (reject.row, reject.reason);
        Words::new(
            format!("{refused} 个要素被略去，第一个在第 {row} 行：{}", why.zh),
            format!("{refused} features were left out, the first in row {row}: {}", why.en),
        )
    }));
    let of_layer = |words: Words| Words::new(format!("图层 {kind}：{}", words.zh), format!("layer {kind}: {}", words.en));
    Ok((layer, reading.written(), notes.into_iter().map(of_layer).collect()))
}
