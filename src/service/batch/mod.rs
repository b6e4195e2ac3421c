//! The main job with no database: a file of patches and files of layers in, a file of findings out.

mod layers;
pub mod line;

use crate::formats::{Arrival, Stated, Wanted, ogr::Workshop};
use crate::service::{
    Refusal, RefusalKind, ServiceError,
    batch::line::{Lines, Output, Telling, rejected},
    layers::codes::CodeChoices,
    reading::{
        Reading, Wish,
        diagnostics::{Noticed, declared_empty, nothing, outside_counties},
        home,
    },
    reclassification::rejudging::InHand,
    surveys::{
        ids::Ids,
        judging::{Judge, days, duplicate},
        sums::{outside_warning, unreadable_warning},
    },
};
use jiff::civil::Date;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Seek, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use tuban_engine::model::{AutomaticVerdict, Days, LayerKind, Provenance, VerdictCounts, Words, today};
use tuban_engine::{
    atlas::Atlas,
    choosing::{Choice, Choosing, Version},
    memory::Memory,
    rule::{Rule, Rules},
};

pub use layers::{Loaded, load};

/// Rejects that are told where not one patch can be taken.
const REJECTS_SHOWN: usize = 20;

/// What to classify against what.
#[derive(Debug, Clone)]
pub struct ClassifyFiles {
    /// The patches.
    pub patches: PathBuf,
    /// The layers.
    pub layers: Vec<LayerPath>,
    /// What people say of the patches; their CRS is also that of layers that name none.
    pub stated: Stated,
    /// Where files are unpacked and who reads them.
    pub workshop: Workshop,
    /// `OUR=THEIRS` for the patches' fields.
    pub map: Vec<String>,
    /// What people say of the codes of layers.
    pub codes: CodeChoices,
    /// What the layers may take.
    pub memory: Memory,
    /// The day that stands for days of images that the patches do not say.
    pub as_of: Option<Date>,
    /// Whether to say why in sentences.
    pub explain: bool,
}

/// A layer to classify against.
#[derive(Debug, Clone)]
pub struct LayerPath {
    /// What it tells.
    pub kind: LayerKind,
    /// Its file.
    pub path: PathBuf,
    /// Which of the file's layers, where it has several.
    pub layer: Option<String>,
    /// That it has no features, and is meant to have none.
    pub empty: bool,
    /// The day from which it counts; without one it always does.
    pub effective: Option<Date>,
    /// What all of its approvals are for, where people say so.
    pub approval_kind: Option<String>,
}

impl LayerPath {
    /// The only layer of that file.
    #[must_use]
    pub fn new(kind: LayerKind, path: PathBuf) -> Self {
        Self { kind, path, layer: None, empty: false, effective: None, approval_kind: None }
    }

    /// A refusal of its file that says which file it is, for there are several, and what can be done here.
    fn blame(&self, error: ServiceError) -> ServiceError {
        let ServiceError::Refused(mut refusal) = error else { return error };
        let (kind, name) = (self.kind, self.path.display());
        let (zh, en) = match refusal.code.as_ref() {
            "several_layers" | "no_such_layer" => (
                format!("；此处 --layer-name 只对图斑有效，图层请写成 --layer {kind}=文件#图层名"),
                format!("; --layer-name is for the patches here: write --layer {kind}=FILE#LAYER"),
            ),
            "unknown_crs" => (
                "；此处 --crs 只对图斑和没有写明坐标系的图层有效，请先转换这个图层".to_owned(),
                "; --crs is for the patches here, and for layers that name no CRS: convert this layer first".to_owned(),
            ),
            _ => <(String, String)>::default(),
        };
        refusal.words = Words::new(format!("图层 {kind}（{name}）：{}{zh}", refusal.words.zh), format!("layer {kind} ({name}): {}{en}", refusal.words.en));
        ServiceError::Refused(refusal)
    }
}

/// What was done, and what people should know of it.
#[derive(Debug, Clone, Default)]
pub struct Classified {
    /// Where the time went.
    pub timings: Timings,
    /// Patches by automatic verdict.
    pub verdicts: VerdictCounts,
    /// How the files were read, and what is odd about them.
    pub notes: Vec<Words>,
    /// What features of layers were left out, a sentence for each layer: findings near them are not to be trusted.
    pub left_out: Vec<Words>,
}

/// Where the time went. Reading and classifying overlap on several cores; each is the wall time it would hold up the others.
#[derive(Debug, Clone, Default, serde::Serialize)]
pub struct Timings {
    /// Reading, checking and indexing the layers, seconds.
    pub load_s: f64,
    /// Opening the patches and finding their fields, seconds.
    pub read_s: f64,
    /// Reading on, parsing, repairing, measuring and judging, seconds.
    pub classify_s: f64,
    /// Writing, seconds.
    pub write_s: f64,
    /// Features read.
    pub patches: u64,
    /// Of those, rejected.
    pub rejected: u64,
    /// Vertices of the layers as prepared.
    pub layers_vertices: u64,
    /// Most memory the process ever held, MB.
    pub peak_rss_mb: f64,
}

/// Classifies; `report` is told what is being done and how many features are done.
///
/// # Errors
/// Also where the patches as a whole cannot be right (most of them in no county, or shifted by the look of it): then what was written is not to be kept.
pub fn classify_files(
    files: &ClassifyFiles,
    rules: &Rules,
    output: Output,
    out: &mut impl Write,
    report: &(dyn Fn(&str, u64) + Sync),
) -> Result<Classified, ServiceError> {
    let choosing = files.choosing(rules);
    let (last, mut others) = choices(files, &choosing).map_err(late)?;
    let (mut load_s, mut notes, mut missing, mut spilled) = (0.0, Vec::new(), Vec::new(), Spilled::default());
    let rule = |choice: Choice| &rules.versions()[choosing.rule(choice)];
    let mut set = |choice: Choice| {
        let started = Instant::now();
        let of_set = ClassifyFiles { layers: choosing.versions(choice).map(|version| files.layers[version.id as usize].clone()).collect(), ..files.clone() };
        let Loaded { atlas, notes: of_layers, left_out } = load(&of_set, rule(choice), report).map_err(late)?;
        load_s += started.elapsed().as_secs_f64();
        for (all, some) in [(&mut notes, of_layers), (&mut missing, left_out)] {
            for words in some {
                if !all.contains(&words) {
                    all.push(words);
                }
            }
        }
        Ok::<_, ServiceError>((atlas, InHand { choosing: &choosing, choice, since: choosing.since(choice), layer_set: 0 }))
    };
    while let Some(choice) = others.pop_first() {
        let (atlas, in_hand) = set(choice)?;
        spilled.0.insert(choice, spill(files, rule(choice), &atlas, in_hand, output).map_err(late)?);
    }
    let (atlas, in_hand) = set(last)?;
    let Classified { timings, verdicts, notes: of_patches, .. } =
        classify_set(files, rule(last), &atlas, Some(in_hand), spilled, output, out, report).map_err(late)?;
    let timings = Timings { load_s, layers_vertices: atlas.vertices(), peak_rss_mb: peak_rss_mb(), ..timings };
    Ok(Classified { timings, verdicts, notes: notes.into_iter().chain(of_patches).collect(), left_out: missing })
}

impl ClassifyFiles {
    /// How layers are chosen among those given; the number of a version is its place.
    fn choosing(&self, rules: &Rules) -> Choosing {
        let version = |(id, layer): (usize, &LayerPath)| Version { kind: layer.kind, effective: layer.effective.unwrap_or(Date::MIN), id: id as i64 };
        Choosing::new(self.layers.iter().enumerate().map(version), rules.versions(), today())
    }

    /// The day that stands for those that patches do not say.
    fn day(&self) -> Date {
        self.as_of.unwrap_or_else(today)
    }

    /// The days that are written: what would be another tomorrow is not.
    fn written_days(&self, days: &Days) -> Option<Days> {
        (!days.unclear || self.as_of.is_some()).then_some(*days)
    }

    fn telling<'a>(&self, rule: &'a Rule, atlas: &'a Atlas, in_hand: Option<InHand<'a>>, output: Output) -> Telling<'a> {
        let provenance = self.explain.then(|| Provenance { layers: atlas.used(), rule: rule.version.clone() });
        Telling { atlas, rule, in_hand, provenance, output }
    }
}

/// What the patches are to be judged by: one choice, and the others that some need. Where days make no difference the file is not read for it.
fn choices(files: &ClassifyFiles, choosing: &Choosing) -> Result<(Choice, BTreeSet<Choice>), ServiceError> {
    let (day, mut found) = (files.day(), BTreeSet::new());
    if choosing.is_open() {
        let arrival = receive(&files.patches, files)?;
        let mut reading = Reading::open(&Wish { file: &arrival, wanted: Wanted::Survey, stated: &files.stated, map: &files.map, counties: None })?;
        let now = today();
        reading.each_batch(
            |raw| Ok(choosing.at(&days(&raw, (day, day), now))),
            |choices| {
                found.extend(choices);
                Ok(())
            },
        )?;
    }
    let last = found.pop_last().unwrap_or_else(|| choosing.at(&Days { before: day, after: day, unclear: true }));
    Ok((last, found))
}

/// Lines of patches that other sets judged, each set's in a file without a name.
#[derive(Debug, Default)]
struct Spilled(BTreeMap<Choice, BufReader<File>>);

impl Spilled {
    /// The next line of a set, which is that of the feature in that row.
    fn next(&mut self, choice: Choice, row: u64) -> Result<Told, ServiceError> {
        let broken = || ServiceError::Broken(format!("row {row} was judged by no set"));
        let (mut line, file) = (Vec::new(), self.0.get_mut(&choice).ok_or_else(broken)?);
        file.read_until(b'\0', &mut line)?;
        line.pop();
        let told: Told = serde_json::from_slice(&line).map_err(std::io::Error::from)?;
        if told.row == row { Ok(told) } else { Err(broken()) }
    }
}

/// A line that another set judged.
#[derive(Debug, serde::Serialize, serde::Deserialize)]
struct Told {
    row: u64,
    verdict: AutomaticVerdict,
    /// Whether it lies in no county.
    outside: bool,
    /// Whether something that was left out of a layer may lie there.
    lacks_members: bool,
    /// Whether a layer is later than its change.
    later: bool,
    text: String,
}

/// Judges the patches that a set is for, and writes their lines to a file of its own.
fn spill(files: &ClassifyFiles, rule: &Rule, atlas: &Atlas, in_hand: InHand<'_>, output: Output) -> Result<BufReader<File>, ServiceError> {
    let arrival = receive(&files.patches, files)?;
    let wish = Wish { file: &arrival, wanted: Wanted::Survey, stated: &files.stated, map: &files.map, counties: home(Wanted::Survey, atlas) };
    let mut reading = Reading::open(&wish)?;
    let judge = Judge::new(atlas, rule, &reading, (files.day(), files.day())).within(in_hand);
    let mut file = BufWriter::new(tempfile::tempfile()?);
    let telling = files.telling(rule, atlas, Some(in_hand), output);
    reading.fold_batches(
        Lines::of,
        |lines, raw| {
            let found = judge.find(raw)?;
            lines.push(&found, files.written_days(&found.days), &telling);
            Ok(())
        },
        |lines| {
            for (line, _, text) in lines.iter() {
                if let Some(verdict) = line.verdict {
                    let (row, outside, lacks_members, later) = (line.row, line.outside, line.lacks_members, line.later);
                    let told = Told { row, verdict, outside, lacks_members, later, text: text.to_owned() };
                    serde_json::to_writer(&mut file, &told).map_err(std::io::Error::from)?;
                    file.write_all(b"\0")?;
                }
            }
            Ok(())
        },
    )?;
    let mut file = file.into_inner().map_err(std::io::IntoInnerError::into_error)?;
    file.rewind()?;
    Ok(BufReader::new(file))
}

/// What people are told where the patches name their CRS only after themselves.
fn late(error: ServiceError) -> ServiceError {
    let ServiceError::LateCrs(crs) = error else { return error };
    let words = Words::new(format!("坐标系 {crs} 写在要素之后，请加 --crs {crs}"), format!("the CRS {crs} is named after the features; say --crs {crs}"));
    Refusal::new(RefusalKind::Unreadable, "crs_after_features", words).into()
}

fn receive(path: &Path, files: &ClassifyFiles) -> Result<Arrival, ServiceError> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    Ok(Arrival::receive(path, &name, &files.workshop)?)
}

/// Classifies the patches against layers that are loaded. Times of loading and memory stay open.
pub fn classify(
    files: &ClassifyFiles,
    rule: &Rule,
    atlas: &Atlas,
    output: Output,
    out: &mut impl Write,
    report: &(dyn Fn(&str, u64) + Sync),
) -> Result<Classified, ServiceError> {
    classify_set(files, rule, atlas, None, Spilled::default(), output, out, report)
}

/// Classifies with the layers of one set; patches of other times have been classified with other sets.
#[expect(clippy::too_many_arguments, reason = "one for each thing that the two callers differ in")]
fn classify_set(
    files: &ClassifyFiles,
    rule: &Rule,
    atlas: &Atlas,
    in_hand: Option<InHand<'_>>,
    mut spilled: Spilled,
    output: Output,
    out: &mut impl Write,
    report: &(dyn Fn(&str, u64) + Sync),
) -> Result<Classified, ServiceError> {
    let mut timings = Timings::default();
    let started = Instant::now();
    let arrival = receive(&files.patches, files)?;
    let wish = Wish { file: &arrival, wanted: Wanted::Survey, stated: &files.stated, map: &files.map, counties: home(Wanted::Survey, atlas) };
    let mut reading = Reading::open(&wish)?;
    timings.read_s = started.elapsed().as_secs_f64();
    let judge = Judge::new(atlas, rule, &reading, (files.day(), files.day()));
    let judge = if let Some(in_hand) = in_hand { judge.within(in_hand) } else { judge };
    let started = Instant::now();
    let mut writing = Duration::ZERO;
    let mut ids = Ids::default();
    let (mut noticed, mut outside, mut later, mut verdicts) = (Noticed::default(), 0, 0, VerdictCounts::default());
    let (mut unreadable, mut lacking, mut rejects) = (0, 0_u64, Vec::new());
    let telling = files.telling(rule, atlas, in_hand, output);
    out.write_all(output.head(files.explain).as_bytes())?;
    let mut first = true;
    reading.fold_batches(
        Lines::of,
        |lines, raw| {
            let found = judge.find(raw)?;
            lines.push(&found, files.written_days(&found.days), &telling);
            Ok(())
        },
        |lines| {
            let began = Instant::now();
            timings.patches += lines.len() as u64;
            for (line, patch_id, mut text) in lines.iter() {
                noticed.add(line.notice);
                let (mut again, told) = (String::new(), line.elsewhere.map(|choice| spilled.next(choice, line.row)).transpose()?);
                let (mut verdict, mut is_outside, mut is_lacking, mut is_later) = (line.verdict, line.outside, line.lacks_members, line.later);
                if let Some(told) = &told {
                    (verdict, is_outside, is_lacking, is_later, text) = (Some(told.verdict), told.outside, told.lacks_members, told.later, &told.text);
                }
                if let Some(earlier) = verdict.and_then(|_| ids.earlier(patch_id, line.row, line.county)) {
                    rejected(&mut again, &duplicate(line.row, patch_id, earlier), &output.quote(patch_id), &telling);
                    text = &again;
                }
                let verdict = verdict.filter(|_| again.is_empty());
                if let Some(verdict) = verdict {
                    verdicts.count(verdict);
                }
                timings.rejected += u64::from(verdict.is_none());
                rejects.extend(line.reject.as_deref().filter(|_| rejects.len() < REJECTS_SHOWN).cloned());
                if output == Output::GeoJson && !std::mem::take(&mut first) {
                    out.write_all(b",\n")?;
                }
                out.write_all(text.as_bytes())?;
                outside += u64::from(verdict.is_some() && is_outside);
                unreadable += u64::from(verdict.is_some() && line.unreadable);
                lacking += u64::from(verdict.is_some() && is_lacking);
                later += u64::from(verdict.is_some() && is_later);
            }
            writing += began.elapsed();
            report("classify", timings.patches);
            Ok(())
        },
    )?;
    let accepted = timings.patches - timings.rejected;
    if let Some(refusal) = nothing(timings.patches, accepted, files.stated.empty) {
        return Err(Refusal { rejects, ..refusal }.into());
    }
    if let Some(refusal) =
        noticed.question().or_else(|| ids.question(&reading)).or_else(|| outside_counties(accepted, outside, &reading.crs().to_string(), atlas, rule))
    {
        return Err(refusal.into());
    }
    let mut notes = noticed.words(&reading, accepted);
    notes.extend(unreadable_warning(unreadable));
    notes.extend(outside_warning(outside));
    notes.extend(lacking_warning(lacking));
    notes.extend((timings.patches == 0).then(declared_empty));
    notes.extend(later_warning(later));
    let began = Instant::now();
    out.write_all(output.tail().as_bytes())?;
    out.flush()?;
    writing += began.elapsed();
    timings.write_s = writing.as_secs_f64();
    timings.classify_s = started.elapsed().saturating_sub(writing).as_secs_f64();
    Ok(Classified { timings, verdicts, notes, left_out: Vec::new() })
}

/// What is said where so many patches lie where something was left out of a layer.
fn lacking_warning(lacking: u64) -> Option<Words> {
    let words = || {
        Words::new(
            format!("{lacking} 个图斑所在位置有未能采用的图层要素，结果已标记 layer_member_left_out，不能据此下结论"),
            format!("{lacking} patches lie where features of layers were left out; they are marked layer_member_left_out and decide nothing"),
        )
    };
    (lacking > 0).then(words)
}

/// What is said where layers are later than what changed.
fn later_warning(later: u64) -> Option<Words> {
    let words = || {
        Words::new(
            format!("{later} 个图斑的变化早于某图层的最早版本，按其最早版本套合（layer_later_than_change）"),
            format!("{later} patches changed before the earliest version of a layer; the earliest was used (layer_later_than_change)"),
        )
    };
    (later > 0).then(words)
}

/// Most memory this process ever held, MB; 0 where the system does not say.
fn peak_rss_mb() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|rest| rest.trim().trim_end_matches("kB").trim().parse::<f64>().ok()).map_or(0.0, |kb| kb * 1024.0 / 1e6)
}
