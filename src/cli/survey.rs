//! `tuban survey add|list|reclassify|verdicts|withdraw|restore|move|history`.

use super::{Database, Failure, Said, progress::Counter, scope, survey_line::print, withdrawal};
use crate::service::{
    reclassification::{Reclassification, difference::Difference, outdated::Outdated},
    surveys::import::SurveyFile,
    verdicts::Filer,
};
use clap::{Args, Subcommand};
use std::path::PathBuf;
use tuban_engine::model::{Level, OnConflict, Period};
use tuban_engine::rule::Rules;

#[derive(Debug, Subcommand)]
pub enum SurveyCommand {
    /// Take a survey in: every patch gets its finding.
    Add(Add),
    /// List all surveys.
    List(List),
    /// Show what making the findings of surveys anew, each by the layers and the rule of its own time, would change; with --yes, do it. Patches and confirmed
    /// verdicts stay.
    Reclassify(Reclassify),
    /// Record confirmed verdicts from a table (CSV or XLSX) with the columns `patch_id`, verdict, `legal_m2`, `legal_farmland_m2`, `illegal_m2`,
    /// `illegal_farmland_m2` (or `…_mu`, `…_ha`), or from an export of findings that was filled in.
    Verdicts(Verdicts),
    /// Withdraw a survey: it does not count any more, and can be restored for 30 days.
    Withdraw(withdrawal::Withdraw),
    /// Restore a survey that was withdrawn or replaced.
    Restore(withdrawal::Restore),
    /// Move a survey to the period and level it is of.
    Move(withdrawal::Move),
    /// What became of a survey since it was stored.
    History(withdrawal::History),
}

#[derive(Debug, Args)]
pub struct List {
    /// Those that were withdrawn or replaced, and can be restored.
    #[arg(long)]
    withdrawn: bool,
    #[command(flatten)]
    database: Database,
}

#[derive(Debug, Args)]
pub struct Add {
    /// What it is of: a month 2022-04, a quarter 2022-Q2 or a year 2022.
    #[arg(long)]
    period: Period,
    /// Who issued it: `ministry`, `province` or `city`.
    #[arg(long)]
    level: Level,
    #[command(flatten)]
    said: Said,
    /// Which field of the file is which of ours, e.g. `patch_id=TBH`, or `county_code=` for none; may be repeated.
    #[arg(long, value_name = "OUR=THEIRS")]
    map: Vec<String>,
    /// What to do when that period and level has a survey: `reject`, `replace` or `add`.
    #[arg(long, default_value = "reject")]
    on_conflict: OnConflict,
    /// Replace also where confirmed verdicts go, because their patches are not in the file or have another outline there.
    #[arg(long)]
    drop_verdicts: bool,
    /// Store patches also where another survey holds them already, with the same ids and outlines.
    #[arg(long)]
    again: bool,
    #[command(flatten)]
    database: Database,
    /// The file: GeoJSON, a Shapefile or FileGDB (zipped, or as it is), `GeoPackage`, `FlatGeobuf`, KML, a `MapInfo` table or DXF.
    file: PathBuf,
}

#[derive(Debug, Args)]
pub struct Verdicts {
    /// Only patches of this survey, from `survey list`.
    #[arg(long)]
    survey: Option<i64>,
    /// Who files.
    #[arg(long, value_name = "NAME")]
    by: Option<String>,
    /// Only tell what would change.
    #[arg(long)]
    preview: bool,
    #[command(flatten)]
    database: Database,
    /// The table: CSV or XLSX.
    file: PathBuf,
}

#[derive(Debug, Args)]
#[command(group(clap::ArgGroup::new("which").required(true).args(["surveys", "outdated"])))]
pub struct Reclassify {
    /// Every survey whose findings do not rest on the layers and the rule that the days of its patches choose.
    #[arg(long)]
    outdated: bool,
    /// Do it, where the difference is still the one that is shown.
    #[arg(long)]
    yes: bool,
    /// The name of who asks for it, which is kept with the findings that are replaced.
    #[arg(long)]
    by: Option<String>,
    #[command(flatten)]
    database: Database,
    /// Numbers, from `survey list`.
    surveys: Vec<i64>,
}

impl SurveyCommand {
    pub async fn run(self, rules: Rules) -> Result<(), Failure> {
        match self {
            Self::Add(add) => add.run(rules).await,
            Self::List(list) if list.withdrawn => withdrawal::list(&list.database, rules).await,
            Self::List(list) => {
                let service = list.database.open(rules).await?;
                service.surveys(&scope()).await?.iter().for_each(print);
                Ok(())
            }
            Self::Withdraw(withdraw) => withdraw.run(rules).await,
            Self::Restore(restore) => restore.run(rules).await,
            Self::Move(to) => to.run(rules).await,
            Self::History(history) => history.run(rules).await,
            Self::Reclassify(reclassify) => reclassify.run(rules).await,
            Self::Verdicts(verdicts) => verdicts.run(rules).await,
        }
    }
}

impl Add {
    async fn run(self, rules: Rules) -> Result<(), Failure> {
        let service = self.database.open(rules).await?;
        let name = self.file.file_name().map_or_else(|| self.file.display().to_string(), |name| name.to_string_lossy().into_owned());
        let file = SurveyFile {
            path: self.file,
            name,
            period: self.period,
            level: self.level,
            stated: self.said.into(),
            map: self.map,
            on_conflict: self.on_conflict,
            drop_verdicts: self.drop_verdicts,
            again: self.again,
            sha256: None,
        };
        let counter = Counter::new("survey");
        let imported = service.import_survey(&scope(), &file, &|progress| counter.at_stage(progress.stage.word(), progress.done)).await?;
        drop(counter);
        if imported.was_there {
            say!("the same file is already stored:");
        }
        print(&imported.survey);
        let facts = &imported.survey.facts;
        say!("  {} repaired, {} rejected, {} in no county; ids from {}", facts.repaired, facts.rejected, facts.outside, facts.patch_id_source);
        for (ours, theirs) in &facts.fields {
            say!("  {ours} = {theirs}");
        }
        for warning in &facts.warnings {
            say!("  {} / {}", warning.zh, warning.en);
        }
        super::print_rejects(&service.rejects(&scope(), imported.survey.id, 0, 100).await?);
        Ok(())
    }
}

impl Verdicts {
    async fn run(self, rules: Rules) -> Result<(), Failure> {
        let service = self.database.open(rules).await?;
        let filer = Filer { survey: self.survey, by: self.by, preview: self.preview };
        let filed = service.file_table(&scope(), &filer, std::fs::File::open(&self.file)?).await?;
        if !self.preview {
            say!("{} verdicts recorded", filed.recorded());
            return Ok(());
        }
        say!(
            "{} new, {} changed, {} the same, {} rows without a verdict, {} rows wrong",
            filed.new,
            filed.changed,
            filed.same,
            filed.without,
            filed.refused_rows
        );
        for change in &filed.changes {
            let before = change.before.as_ref().map_or("–", |before| before.verdict.word());
            say!("  row {} {}: {before} → {}", change.row, change.after.patch_id, change.after.verdict);
        }
        super::print_rejects(&filed.refused);
        Ok(())
    }
}

impl Reclassify {
    async fn run(self, rules: Rules) -> Result<(), Failure> {
        let service = self.database.open(rules).await?;
        let mut surveys = self.surveys;
        if self.outdated {
            for (survey, why) in service.outdated(&scope()).await? {
                for why in &why {
                    say!("survey {survey}: {}", because(why));
                }
                surveys.push(survey);
            }
        }
        for survey in &surveys {
            let counter = Counter::new("survey");
            let difference = service.difference(&scope(), *survey, &|progress| counter.at_stage(progress.stage.word(), progress.done)).await?;
            drop(counter);
            tell(&difference);
            if self.yes {
                let counter = Counter::new("survey");
                let asked = Reclassification { survey: *survey, token: Some(difference.token), by: self.by.clone() };
                let judged = service.reclassify(&scope(), &asked, &|progress| counter.at_stage(progress.stage.word(), progress.done)).await?;
                drop(counter);
                print(&judged);
            }
        }
        if !self.yes && !surveys.is_empty() {
            say!("nothing was changed; --yes makes the findings anew");
        }
        Ok(())
    }
}

fn because(why: &Outdated) -> String {
    let named = |layer: &Option<tuban_engine::model::LayerUsed>| {
        layer.as_ref().map_or_else(|| "none".to_owned(), |layer| format!("#{} “{}” of {}", layer.id, layer.name, layer.effective))
    };
    match why {
        Outdated::Layer { kind, was, is } => format!("{kind}: {} → {}", named(was), named(is)),
        Outdated::Rule { was, is } => format!("rule: {was} → {is}"),
    }
}

/// Prints what would change.
fn tell(difference: &Difference) {
    let Difference { survey, patches, changed, verdicts, changes, counties, city, .. } = difference;
    say!("survey {survey}: {changed} of {patches} findings would change");
    for ((before, after), patches) in verdicts {
        say!("  {before} → {after}: {patches} patches");
    }
    let percent = |ratio: Option<f64>| ratio.map_or_else(|| "—".to_owned(), |ratio| format!("{:.2} %", tuban_engine::model::round_half_up(ratio, 2)));
    for (before, after) in counties.iter().chain(city).filter(|(before, after)| before.totals != after.totals) {
        say!(
            "  {}: confirmed {} → {}, provisional {} → {}",
            before.name,
            percent(before.confirmed),
            percent(after.confirmed),
            percent(before.provisional),
            percent(after.provisional)
        );
    }
    for change in changes {
        say!("  {} (#{}): {} {} → {} {}", change.patch_id, change.id, change.before.verdict, change.before.reason, change.after.verdict, change.after.reason);
    }
    if *changed > changes.len() as u64 {
        say!("  and {} more", changed - changes.len() as u64);
    }
}
