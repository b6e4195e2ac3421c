//! `tuban inspect`: what a file is, and what would become of it.

use super::{Codes, Database, Failure, Said};
use crate::service::{
    Room, Wanted, Workshop,
    reading::inspect::{InspectFile, Inspection, inspect},
};
use clap::Args;
use std::path::PathBuf;
use tuban_engine::model::{LayerKind, today};
use tuban_engine::{atlas::Atlas, memory::Memory, rule::Rules};
use tuban_geom::Plane;

#[derive(Debug, Args)]
pub struct Inspect {
    /// What it would be read for: `survey`, or a kind of layer.
    #[arg(long, default_value = "survey")]
    kind: String,
    #[command(flatten)]
    said: Said,
    /// Which field of the file is which of ours, or `county_code=` for none; may be repeated.
    #[arg(long, value_name = "OUR=THEIRS")]
    map: Vec<String>,
    /// Of a layer, what all of its approvals are for, where they are of one kind: 农转用, 增减挂钩, 供地, 设施农用地, 农村道路 or 临时用地; goes before what the file says.
    #[arg(long, value_name = "KIND")]
    approval_kind: Option<String>,
    #[command(flatten)]
    codes: Codes,
    /// Hold it against the layers of this database; without it only the file itself is looked at.
    #[arg(long, env = "TUBAN_DATABASE", value_name = "URL")]
    database: Option<String>,
    /// Folder for layers prepared from that database. Beside an SQLite file where absent.
    #[arg(long, env = "TUBAN_SPOOL", value_name = "FOLDER")]
    spool: Option<PathBuf>,
    /// The file.
    file: PathBuf,
}

impl Inspect {
    pub async fn run(self, rules: Rules) -> Result<(), Failure> {
        let wanted = match self.kind.as_str() {
            "survey" => Wanted::Survey,
            kind => Wanted::Layer(kind.parse::<LayerKind>().map_err(|wrong| Failure::Usage(wrong.to_string()))?),
        };
        let name = self.file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let file = InspectFile {
            path: &self.file,
            name: &name,
            wanted,
            stated: self.said.into(),
            map: self.map,
            codes: self.codes.into(),
            approval_kind: self.approval_kind,
        };
        let seen = if let Some(database) = self.database {
            let service = Database { database, spool: self.spool }.open(rules).await?;
            service.refresh_atlas().await?;
            tokio::task::block_in_place(|| service.inspect(&file, None))?
        } else {
            let memory = Memory::new(Memory::usual_budget(), std::env::temp_dir());
            let workshop = Workshop { room: Room::of(memory.for_features()), ..Workshop::new(std::env::temp_dir()) };
            workshop.sweep();
            tokio::task::block_in_place(|| inspect(&file, &Atlas::empty(Plane::national()), rules.at(today()), &workshop, &memory))?
        };
        print(&seen);
        match seen.problem {
            Some(problem) => Err(crate::service::ServiceError::from(problem).into()),
            None => Ok(()),
        }
    }
}

fn print(seen: &Inspection) {
    say!("格式 format: {}", seen.format);
    for layer in &seen.layers {
        let mark = if seen.layer.as_ref() == Some(&layer.name) { "*" } else { " " };
        let count = layer.count.map_or_else(|| "?".to_owned(), |count| count.to_string());
        let crs = layer.crs.as_ref().map_or("–", |crs| crs.found.as_str());
        say!("{mark} 图层 layer “{}” {} {} {count}  {crs}", layer.name, layer.format, layer.geometry);
    }
    if let Some(crs) = seen.crs {
        say!("坐标系 CRS: {crs} ({})", seen.crs_source);
    }
    if let Some(encoding) = &seen.encoding {
        say!("编码 encoding: {}，{} / {}", encoding.label, encoding.why.zh, encoding.why.en);
    }
    if let Some(at) = seen.extent {
        say!("范围 extent: {:.6}, {:.6}, {:.6}, {:.6}", at.min[0], at.min[1], at.max[0], at.max[1]);
    }
    for (theirs, ours) in &seen.fields {
        say!("  {theirs} → {}", ours.as_deref().unwrap_or("–"));
    }
    for row in &seen.preview {
        say!("  {row}");
    }
    for (row, words) in &seen.defects {
        say!("  第 {row} 行：{} / row {row}: {}", words.zh, words.en);
    }
    super::print_rejects(&seen.rejects);
    for words in seen.warnings.iter().chain([&seen.outcome()]) {
        say!("{}\n{}", words.zh, words.en);
    }
}
