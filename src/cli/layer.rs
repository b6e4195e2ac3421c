//! `tuban layer add|list|remove`.

use super::{Codes, Database, Failure, Said, print_rejects, progress::Counter, scope};
use crate::service::layers::import::LayerFile;
use clap::{Args, Subcommand};
use std::path::PathBuf;
use tuban_engine::model::LayerKind;
use tuban_engine::rule::Rules;

#[derive(Debug, Subcommand)]
pub enum LayerCommand {
    /// Take a layer in.
    Add(Add),
    /// List all layer versions.
    List(Database),
    /// Remove a layer on which no finding rests.
    Remove {
        /// Its number, from `layer list`.
        id: i64,
        #[command(flatten)]
        database: Database,
    },
}

#[derive(Debug, Args)]
pub struct Add {
    /// What it tells: `county`, `farmland` (the parcel layer; DLBM decides), `basic_farmland`, `red_line`, `urban_boundary` or `approved`.
    #[arg(long)]
    kind: LayerKind,
    /// What people call it.
    #[arg(long)]
    name: String,
    /// The day from which it counts, YYYY-MM-DD.
    #[arg(long)]
    effective: jiff::civil::Date,
    #[command(flatten)]
    said: Said,
    /// Which field of the file is which of ours, e.g. code=DLDM, or code= for none; may be repeated.
    #[arg(long, value_name = "OUR=THEIRS")]
    map: Vec<String>,
    /// What all of its approvals are for, where they are of one kind: 农转用, 增减挂钩, 供地, 设施农用地, 农村道路 or 临时用地; goes before what the file says.
    #[arg(long, value_name = "KIND")]
    approval_kind: Option<String>,
    #[command(flatten)]
    codes: Codes,
    #[command(flatten)]
    database: Database,
    /// The file: GeoJSON, a Shapefile or FileGDB (zipped, or as it is), `GeoPackage`, `FlatGeobuf`, KML, a `MapInfo` table or DXF.
    file: PathBuf,
}

impl LayerCommand {
    pub async fn run(self, rules: Rules) -> Result<(), Failure> {
        match self {
            Self::Add(add) => add.run(rules).await,
            Self::List(database) => list(&database, rules).await,
            Self::Remove { id, database } => {
                let service = database.open(rules).await?;
                service.remove_layer(&scope(), id).await?;
                say!("removed layer {id}");
                Ok(())
            }
        }
    }
}

impl Add {
    async fn run(self, rules: Rules) -> Result<(), Failure> {
        let service = self.database.open(rules).await?;
        let counter = Counter::new(self.kind.word());
        let file = LayerFile {
            stated: self.said.into(),
            map: self.map,
            codes: self.codes.into(),
            approval_kind: self.approval_kind,
            ..LayerFile::new(self.file, self.kind, self.name, self.effective)
        };
        let imported = service.import_layer(&scope(), &file, &|done| counter.at(done)).await?;
        drop(counter);
        let layer = imported.layer;
        say!(
            "layer {} {} “{}” {}: {} features, {} vertices, {} rejected",
            layer.id,
            layer.kind,
            layer.name,
            layer.crs,
            layer.features,
            layer.vertices,
            layer.rejected
        );
        if let Some(classes) = layer.classes {
            say!("  classes of {classes}");
        }
        for note in &layer.notes {
            say!("  {note}");
        }
        print_rejects(&imported.rejects);
        Ok(())
    }
}

async fn list(database: &Database, rules: Rules) -> Result<(), Failure> {
    let service = database.open(rules).await?;
    for (layer, in_force) in service.layers().await? {
        let mark = if in_force { "*" } else { " " };
        say!("{mark} {:>4}  {:<15} {}  {:>9} features  {}", layer.id, layer.kind.word(), layer.effective, layer.features, layer.name);
        if let Some(advice) = layer.advice() {
            say!("        {} / {}", advice.zh, advice.en);
        }
    }
    say!("* in force");
    Ok(())
}
