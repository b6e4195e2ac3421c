//! The command line. Exit codes for scripts: 0 done, 1 a defect or a failing disk or database, 2 wrong usage, 3 the input was refused,
//! 4 in conflict with what is stored (the same file already stored is no conflict: 0), 6 no room on a disk, 7 what is stored is damaged.

/// Prints a line. A reader that has seen enough (`| head`) ends the program quietly; `println!` would panic.
macro_rules! say {
    ($($words:tt)*) => {
        if $crate::cli::terminal::print(format_args!($($words)*)).is_err() {
            std::process::exit(0);
        }
    };
}

/// Prints a line to standard error; `eprintln!` would panic where that is closed.
macro_rules! complain {
    ($($words:tt)*) => {
        let _ = $crate::cli::terminal::complain(format_args!($($words)*));
    };
}

mod bounds;
mod check_store;
mod classify;
mod client_bounds;
mod demo;
mod demo_verdicts;
mod export;
mod inspect;
mod layer;
mod migrate;
mod output;
mod progress;
mod ratio;
mod serve;
mod survey;
mod survey_line;
mod terminal;
mod withdrawal;

use crate::scope::Scope;
use crate::service::{
    Gcj02, RefusalKind, Service, ServiceError, Stated,
    database::{self, StoreError},
    layers::{codes::CodeChoices, county_codes::CountyCodes},
};
use bytesize::ByteSize;
use clap::{Parser, Subcommand};
use std::borrow::Cow;
use std::path::PathBuf;
use std::process::ExitCode;
use tuban_engine::model::{LONGEST_NAME, Reject, Standard, shortened};
use tuban_engine::{memory::Memory, rule::Rules};
use tuban_geom::Crs;

/// 图斑 Tuban: what does every patch occupy, and why.
#[derive(Debug, Parser)]
#[command(name = "tuban", version, about, disable_help_subcommand = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
    /// The rules to judge by (TOML), each from its day on; those built in where absent.
    #[arg(long, global = true, env = "TUBAN_RULES", value_name = "FILE")]
    rules: Option<PathBuf>,
    /// How log lines look, on stderr; `RUST_LOG` says which there are.
    #[arg(long, global = true, env = "TUBAN_LOG", value_name = "FORM", default_value = "text")]
    log: LogForm,
}

/// How log lines look.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum LogForm {
    /// For people.
    Text,
    /// One JSON object a line, for programs.
    Json,
}

impl LogForm {
    fn start(self) {
        let filter = tracing_subscriber::EnvFilter::try_from_default_env().unwrap_or_else(|_| "warn,tuban=info".into());
        let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
        match self {
            Self::Text => lines.init(),
            Self::Json => lines.json().flatten_event(true).with_span_list(false).init(),
        }
    }
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve the page and the API.
    Serve(serve::Serve),
    /// Layers: what patches are held against.
    #[command(subcommand)]
    Layer(layer::LayerCommand),
    /// Surveys: patches, as they were issued.
    #[command(subcommand)]
    Survey(survey::SurveyCommand),
    /// The main job with no database: patches and layers in, findings out.
    Classify(classify::Classify),
    /// What a file is, what its fields are taken for, and what would become of it; nothing is stored.
    Inspect(inspect::Inspect),
    /// The county table.
    Ratio(ratio::Ratio),
    /// Findings or a layer as a file.
    #[command(subcommand)]
    Export(export::ExportCommand),
    /// Look through all of a database for damage.
    CheckStore(check_store::CheckStore),
    /// Move to another database.
    Migrate(migrate::Migrate),
    /// Generate an invented city to try everything on.
    Demo(demo::Demo),
    /// Invent confirmed verdicts for a month of the invented city.
    DemoVerdicts(demo_verdicts::DemoVerdicts),
}

/// What is known of a file from elsewhere; it wins over what the file says.
#[derive(Debug, clap::Args)]
struct Said {
    /// CRS of the file where it does not say itself, or says wrong, e.g. EPSG:4527.
    #[arg(long, value_parser = crs)]
    crs: Option<Crs>,
    /// Which of its layers, where it has several.
    #[arg(long, value_name = "NAME")]
    layer_name: Option<String>,
    /// What its text is in where that is taken wrongly: GBK, GB18030 or UTF-8.
    #[arg(long)]
    encoding: Option<String>,
    /// What to do with an offset of GCJ-02 where that was asked: `keep` or `remove`.
    #[arg(long)]
    gcj02: Option<Gcj02>,
    /// It has no features, and is meant to have none.
    #[arg(long)]
    empty: bool,
}

impl From<Said> for Stated {
    fn from(said: Said) -> Self {
        Self { crs: said.crs, layer: said.layer_name, encoding: said.encoding, gcj02: said.gcj02, empty: said.empty }
    }
}

/// What is known of a layer's codes.
#[derive(Debug, Clone, Copy, clap::Args)]
struct Codes {
    /// The standard that class codes (DLBM) are of, where that was asked: 2007 (second survey, three digits), 2017 (third survey) or 2023 (guide).
    #[arg(long)]
    classes: Option<Standard>,
    /// What to do with features of a county layer that are no counties, where that was asked: `merge`, `leave_out` or `keep`.
    #[arg(long)]
    county_codes: Option<CountyCodes>,
}

impl From<Codes> for CodeChoices {
    fn from(codes: Codes) -> Self {
        Self { classes: codes.classes, county_codes: codes.county_codes }
    }
}

/// What the process may take.
#[derive(Debug, clap::Args)]
struct Budget {
    /// Memory to stay within, e.g. 1GB; half of the machine's where it is not said. Layers that need more are read from disk as they are needed.
    #[arg(long, env = "TUBAN_MEMORY", value_name = "SIZE")]
    memory: Option<ByteSize>,
}

impl Budget {
    fn bytes(&self) -> u64 {
        self.memory.map_or_else(Memory::usual_budget, |memory| memory.as_u64())
    }
}

/// Whose land it is.
#[derive(Debug, clap::Args)]
struct City {
    /// What the city is called on the page and in tables, where the row of all counties is 全市 otherwise.
    #[arg(long = "city", env = "TUBAN_CITY", value_name = "NAME", value_parser = city_name)]
    name: Option<String>,
}

/// Reads the name of a city.
fn city_name(text: &str) -> Result<String, String> {
    let is_name = matches!(shortened(text), Cow::Borrowed(_)) && !text.chars().any(char::is_control);
    is_name.then(|| text.to_owned()).ok_or_else(|| format!("最多 {LONGEST_NAME} 个字符，在一行内 / at most {LONGEST_NAME} characters, on one line"))
}

/// Who is asking: a command is given on the machine that holds the database, and sees and changes everything.
fn scope() -> Scope {
    Scope::all()
}

/// Which database.
#[derive(Debug, clap::Args)]
struct Database {
    /// Where everything is kept: `sqlite:PATH` or `postgres://USER@HOST/NAME`.
    #[arg(long, env = "TUBAN_DATABASE", default_value = "sqlite:tuban.db", value_name = "URL")]
    database: String,
    /// Folder for what this node can make again: uploads on their way in, prepared layers. Beside an SQLite file where absent.
    #[arg(long, env = "TUBAN_SPOOL", value_name = "FOLDER")]
    spool: Option<PathBuf>,
}

impl Database {
    async fn open(&self, rules: Rules) -> Result<Service, Failure> {
        let store = database::open(&self.database).await?;
        let spool = self.spool.clone().unwrap_or_else(|| self.spool_beside());
        Ok(Service::open(store, rules, spool)?)
    }

    /// Beside the file; for a server's database, `tuban.spool` where the program was started.
    fn spool_beside(&self) -> PathBuf {
        let file = self.database.strip_prefix("sqlite:").map_or("tuban", |path| path.trim_start_matches("//"));
        PathBuf::from(file.split('?').next().unwrap_or(file)).with_extension("spool")
    }
}

/// Why a command did not do what was asked.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error("{0}")]
    Usage(String),
    /// What was asked was done, but not with all of the layers: what is said on stderr says which.
    #[error("图层有要素未能采用，结果不完整 / features of layers were left out, so the findings are not complete")]
    LeftOut,
    #[error(transparent)]
    Service(#[from] ServiceError),
    #[error(transparent)]
    Serve(#[from] crate::http::ServeError),
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self::Service(error.into())
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::Service(error.into())
    }
}

impl Failure {
    fn exit_code(&self) -> u8 {
        match self {
            Self::Usage(_) => 2,
            Self::LeftOut => 5,
            Self::Service(error) if error.is_no_room() => 6,
            Self::Service(ServiceError::Store(StoreError::Damaged(_))) => 7,
            Self::Service(ServiceError::Refused(refusal)) if refusal.kind != RefusalKind::Conflict => 3,
            Self::Service(
                ServiceError::Refused(_)
                | ServiceError::Store(StoreError::Conflict { .. } | StoreError::PeriodTaken { .. } | StoreError::LayerInUse { .. } | StoreError::NotFound { .. }),
            ) => 4,
            _ => 1,
        }
    }

    fn print(&self) {
        match self {
            Self::Service(ServiceError::Refused(refusal)) => {
                complain!("{}\n{}", refusal.words.zh, refusal.words.en);
                if let Some(pointer) = &refusal.pointer {
                    complain!("  {pointer}");
                }
                print_rejects(&refusal.rejects);
                let offered: Vec<String> = refusal.offer.iter().chain(&refusal.choices).filter_map(|offer| option(offer)).collect();
                let option = (!offered.is_empty()).then(|| offered.join(" | ")).or_else(|| options(&refusal.code).map(str::to_owned));
                if let Some(option) = option {
                    complain!("  {option}");
                }
            }
            other => {
                complain!("{other}");
            }
        }
    }
}

/// Rejects listed on a terminal.
const REJECTS_LISTED: usize = 20;

fn print_rejects(rejects: &[Reject]) {
    for reject in rejects.iter().take(REJECTS_LISTED) {
        complain!("  row {} {}: {} / {} ({})", reject.row, reject.patch_id.as_deref().unwrap_or("–"), reject.reason.zh, reject.reason.en, reject.pointer);
    }
    if rejects.len() > REJECTS_LISTED {
        complain!("  … and {} more", rejects.len() - REJECTS_LISTED);
    }
}

/// The option that can help against a refusal of that kind.
fn options(code: &str) -> Option<&'static str> {
    Some(match code {
        "wrong_crs" | "unknown_crs" | "crs_after_features" | "outside_counties" => "--crs EPSG:N",
        "several_layers" | "no_such_layer" => "--layer-name NAME",
        "fields" => "--map OUR=THEIRS",
        _ => return None,
    })
}

/// The option for what a refusal offers as a parameter of the API.
fn option(offer: &str) -> Option<String> {
    match offer.split_once('=')? {
        ("empty", _) => Some("--empty".to_owned()),
        ("layer", name) => Some(format!("--layer-name {name}")),
        (name, value) => Some(format!("--{} {value}", name.replace('_', "-"))),
    }
}

/// Reads `EPSG:N`.
fn crs(text: &str) -> Result<Crs, String> {
    Crs::parse(text).map_err(|unknown| {
        let words = crate::service::why_not(&unknown.name);
        format!("{}\n{}", words.zh, words.en)
    })
}

/// Runs the command that the process was started with.
#[must_use]
pub fn run() -> ExitCode {
    let cli = Cli::parse();
    cli.log.start();
    let outcome = Rules::load(cli.rules.as_deref()).map_err(Failure::Usage).and_then(|rules| {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        runtime.block_on(async {
            match cli.command {
                Command::Serve(command) => command.run(rules).await,
                Command::Layer(command) => command.run(rules).await,
                Command::Survey(command) => command.run(rules).await,
                Command::Classify(command) => tokio::task::block_in_place(|| command.run(&rules)),
                Command::Inspect(command) => command.run(rules).await,
                Command::Migrate(command) => command.run().await,
                Command::CheckStore(command) => command.run().await,
                Command::Ratio(command) => command.run(rules).await,
                Command::Export(command) => command.run(rules).await,
                Command::DemoVerdicts(command) => command.run(rules).await,
                Command::Demo(command) => tokio::task::block_in_place(|| command.run()),
            }
        })
    });
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            failure.print();
            ExitCode::from(failure.exit_code())
        }
    }
}

/// Reads `2s`, `500ms`.
fn duration(text: &str) -> Result<std::time::Duration, String> {
    let span: jiff::SignedDuration = text.parse().map_err(|error: jiff::Error| error.to_string())?;
    std::time::Duration::try_from(span).map_err(|error| error.to_string())
}
