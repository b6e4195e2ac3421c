//! `tuban classify`: the main job with no database.

use super::{Budget, Codes, Failure, Said, bounds::Bounds, output, progress::Counter};
use crate::service::{
    Room, Workshop,
    batch::{ClassifyFiles, LayerPath, classify_files, line::Output},
};
use clap::Args;
use std::io::BufWriter;
use std::path::PathBuf;
use tuban_engine::model::LayerKind;
use tuban_engine::{memory::Memory, rule::Rules};

#[derive(Debug, Args)]
pub struct Classify {
    /// The patches, in any format that `survey add` takes.
    patches: PathBuf,
    /// A layer, e.g. farmland=parcels.geojson, or farmland=city.gdb#DLTB for one of several in a file; with the day from which it counts,
    /// farmland@2021-12-31=parcels.geojson, several of a kind: each patch is held against that of its own time. May be repeated.
    #[arg(long = "layer", value_name = "KIND[@DAY]=FILE[#LAYER]", value_parser = layer)]
    layers: Vec<LayerPath>,
    /// The file of this kind of layer has no features, and is meant to have none: say that nothing is approved with an empty file; may be repeated.
    #[arg(long = "empty-layer", value_name = "KIND")]
    empty_layers: Vec<LayerKind>,
    /// Where findings go: a path that ends in .csv or .geojson.
    #[arg(short, long, value_name = "OUT")]
    output: PathBuf,
    #[command(flatten)]
    said: Said,
    /// Which field of the patches is which of ours, or `county_code=` for none; may be repeated.
    #[arg(long, value_name = "OUR=THEIRS")]
    map: Vec<String>,
    /// The day that stands for days of images that patches do not say; today where it is absent.
    #[arg(long, value_name = "YYYY-MM-DD")]
    as_of: Option<jiff::civil::Date>,
    /// What all approvals are for, where they are of one kind: 农转用, 增减挂钩, 供地, 设施农用地, 农村道路 or 临时用地; goes before what the file says.
    #[arg(long, value_name = "KIND")]
    approval_kind: Option<String>,
    #[command(flatten)]
    codes: Codes,
    #[command(flatten)]
    budget: Budget,
    #[command(flatten)]
    bounds: Bounds,
    /// Say of each patch why, in sentences in Chinese and English: more columns.
    #[arg(long)]
    explain: bool,
    /// Print where the time went as one JSON line on stderr.
    #[arg(long)]
    timings: bool,
}

fn layer(text: &str) -> Result<LayerPath, String> {
    let (kind, path) = text.split_once('=').ok_or("write KIND=FILE, KIND@YYYY-MM-DD=FILE, or KIND=FILE#LAYER")?;
    let (kind, effective) = match kind.split_once('@') {
        Some((kind, day)) => (kind, Some(day.parse().map_err(|_| format!("“{day}” is not a day written YYYY-MM-DD"))?)),
        None => (kind, None),
    };
    let whole = LayerPath { effective, ..LayerPath::new(kind.parse()?, path.into()) };
    // A file may have the sign in its name.
    Ok(match path.rsplit_once('#').filter(|_| !whole.path.exists()) {
        Some((path, layer)) => LayerPath { path: path.into(), layer: Some(layer.to_owned()), ..whole },
        None => whole,
    })
}

impl Classify {
    pub fn run(self, rules: &Rules) -> Result<(), Failure> {
        let written = Output::of(&self.output).ok_or_else(|| Failure::Usage(format!("{}: the output must end in .csv or .geojson", self.output.display())))?;
        let mut versions: Vec<_> = self.layers.iter().map(|layer| (layer.kind, layer.effective)).collect();
        versions.sort();
        if let Some([(kind, day), _]) = versions.array_windows().find(|[a, b]| a == b) {
            let day = day.map(|day| format!("@{day}")).unwrap_or_default();
            return Err(Failure::Usage(format!(
                "--layer {kind}{day}= is given twice; give each version the day from which it counts, --layer {kind}@YYYY-MM-DD="
            )));
        }
        let mut layers = self.layers;
        for approved in layers.iter_mut().filter(|layer| layer.kind == LayerKind::Approved) {
            approved.approval_kind.clone_from(&self.approval_kind);
        }
        for kind in &self.empty_layers {
            if !layers.iter().any(|layer| layer.kind == *kind) {
                return Err(Failure::Usage(format!("--empty-layer {kind}: there is no --layer {kind}=")));
            }
            layers.iter_mut().filter(|layer| layer.kind == *kind).for_each(|layer| layer.empty = true);
        }
        let file = output::beside(&self.output)?;
        let memory = Memory::new(self.budget.bytes(), output::folder(&self.output));
        let workshop = self.bounds.of(Workshop { room: Room::of(memory.for_features()), ..Workshop::new(std::env::temp_dir()) });
        workshop.sweep();
        let counter = Counter::new("layers");
        let files = ClassifyFiles {
            patches: self.patches,
            layers,
            stated: self.said.into(),
            map: self.map,
            codes: self.codes.into(),
            memory,
            as_of: self.as_of,
            explain: self.explain,
            workshop,
        };
        let mut out = BufWriter::with_capacity(1 << 20, file);
        let classified = classify_files(&files, rules, written, &mut out, &|what, done| counter.at_stage(what, done))?;
        drop(counter);
        let file = out.into_inner().map_err(std::io::IntoInnerError::into_error)?;
        output::keep(file, &self.output)?;
        for note in &classified.notes {
            complain!("{} / {}", note.zh, note.en);
        }
        let (done, verdicts, file) = (&classified.timings, classified.verdicts, self.output.display());
        let (patches, rejected) = (done.patches - done.rejected, done.rejected);
        complain!(
            "共 {patches} 个图斑：合法 {}，疑似违法 {}，其他 {}，存疑 {}；拒收 {rejected} 个 → {file}",
            verdicts.legal,
            verdicts.suspected_illegal,
            verdicts.other,
            verdicts.doubtful
        );
        complain!(
            "{patches} patches: {} legal, {} suspected illegal, {} other, {} doubtful; {rejected} refused → {file}",
            verdicts.legal,
            verdicts.suspected_illegal,
            verdicts.other,
            verdicts.doubtful
        );
        if self.timings {
            complain!("{}", serde_json::to_string(&classified.timings).unwrap_or_default());
        }
        for words in &classified.left_out {
            complain!("{} / {}", words.zh, words.en);
        }
        if classified.left_out.is_empty() { Ok(()) } else { Err(Failure::LeftOut) }
    }
}
