//! `tuban export findings|layer`.

use super::{Database, Failure, crs, output, progress::Counter, scope};
use crate::service::export::{Encoding, Export, Format, Selection, Subject};
use crate::service::patches::VerdictFilter;
use clap::{Args, Subcommand};
use std::path::PathBuf;
use tuban_engine::model::{Period, PeriodRange};
use tuban_engine::rule::Rules;
use tuban_geom::Crs;

#[derive(Debug, Subcommand)]
pub enum ExportCommand {
    /// Patches with their findings; the filters combine.
    Findings(Findings),
    /// A layer.
    Layer {
        /// Its number, from `layer list`.
        id: i64,
        #[command(flatten)]
        out: Out,
    },
}

#[derive(Debug, Args)]
pub struct Findings {
    /// Only of this survey, from `survey list`.
    #[arg(long)]
    survey: Option<i64>,
    /// First period, taken wholly: 2022-04, 2022-Q2 or 2022.
    #[arg(long)]
    period: Option<Period>,
    /// Last period, taken wholly.
    #[arg(long, requires = "period")]
    until: Option<Period>,
    /// Only of this county, six digits.
    #[arg(long)]
    county: Option<String>,
    /// Only the patch with this number in the store.
    #[arg(long)]
    patch: Option<i64>,
    /// `legal`, `illegal`, `suspected_illegal`, `other`, `doubtful` or `pending`.
    #[arg(long)]
    verdict: Option<VerdictFilter>,
    #[command(flatten)]
    out: Out,
}

/// What is written, and where to.
#[derive(Debug, Args)]
pub struct Out {
    /// `geojson`, `csv`, `xlsx`, `gpkg`, `shp` (zipped), `gdb` (zipped) or `fgb`.
    #[arg(long)]
    format: Format,
    /// Text of a Shapefile: `UTF-8` (default) or `GBK`.
    #[arg(long)]
    encoding: Option<Encoding>,
    /// CRS of the shapes, e.g. EPSG:4527; EPSG:4490 where absent.
    #[arg(long, value_parser = crs)]
    crs: Option<Crs>,
    /// The file; in this folder, under a name that says what it holds, where absent.
    #[arg(short, long, value_name = "OUT")]
    output: Option<PathBuf>,
    #[command(flatten)]
    database: Database,
}

impl ExportCommand {
    pub async fn run(self, rules: Rules) -> Result<(), Failure> {
        match self {
            Self::Findings(findings) => findings.run(rules).await,
            Self::Layer { id, out } => out.write(Subject::Layer(id), rules).await,
        }
    }
}

impl Findings {
    async fn run(self, rules: Rules) -> Result<(), Failure> {
        let range = self.period.map(|from| PeriodRange::new(from, self.until)).transpose().map_err(|why| Failure::Usage(why.en))?;
        let selection = Selection { survey: self.survey, range, county: self.county, verdict: self.verdict, patch: self.patch };
        self.out.write(Subject::Findings(selection), rules).await
    }
}

impl Out {
    async fn write(self, subject: Subject, rules: Rules) -> Result<(), Failure> {
        let export = Export::new(subject, self.format, self.encoding, self.crs).map_err(|misfit| Failure::Usage(misfit.to_string()))?;
        let service = self.database.open(rules).await?;
        let counter = Counter::new(self.format.word());
        let mut exported = service.export(&scope(), &export, &|done| counter.at(done)).await?;
        drop(counter);
        let path = self.output.unwrap_or_else(|| PathBuf::from(&exported.name));
        let mut file = output::beside(&path)?;
        std::io::copy(&mut exported.file, file.as_file_mut())?;
        output::keep(file, &path)?;
        say!("{}: {} features", path.display(), exported.features);
        Ok(())
    }
}
