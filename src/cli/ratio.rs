//! `tuban ratio`: the county table in the terminal, as JSON or as CSV.

use super::{City, Database, Failure, scope};
use crate::http::RatiosAnswer;
use crate::service::{harmless, ratios::Ratios};
use clap::Args;
use tuban_engine::model::{Area, Period, PeriodRange, Tally, round_half_up};
use tuban_engine::rule::Rules;

#[derive(Debug, Args)]
pub struct Ratio {
    /// First period, taken wholly: 2022-04, 2022-Q2 or 2022; the newest period with a survey where absent.
    #[arg(long)]
    period: Option<Period>,
    /// Last period, taken wholly.
    #[arg(long, requires = "period")]
    until: Option<Period>,
    /// As JSON, the same as GET /api/ratios.
    #[arg(long, conflicts_with = "csv")]
    json: bool,
    /// As CSV.
    #[arg(long)]
    csv: bool,
    #[command(flatten)]
    city: City,
    #[command(flatten)]
    database: Database,
}

impl Ratio {
    pub async fn run(self, rules: Rules) -> Result<(), Failure> {
        let range = self.period.map(|from| PeriodRange::new(from, self.until)).transpose().map_err(|why| Failure::Usage(why.en))?;
        let service = self.database.open(rules).await?.of_city(self.city.name);
        let ratios = service.ratios(&scope(), range).await?;
        if self.json {
            let answer = RatiosAnswer::new(ratios);
            say!("{}", serde_json::to_string_pretty(&answer).map_err(|error| Failure::Usage(error.to_string()))?);
        } else if self.csv {
            print_csv(&ratios)?;
        } else {
            print_table(&ratios);
        }
        Ok(())
    }
}

/// Two decimals, or a dash where there is no ratio: never 0 %.
fn percent(ratio: Option<f64>) -> String {
    ratio.map_or_else(dash, |ratio| format!("{:.2}", round_half_up(ratio, 2)))
}

/// From best to worst; one dash where neither is known.
fn span(best: Option<f64>, worst: Option<f64>) -> String {
    best.or(worst).map_or_else(dash, |_| format!("{}–{}", percent(best), percent(worst)))
}

/// 亩 with two decimals.
fn mu(m2: f64) -> String {
    format!("{:.2}", Area::of_m2(m2).mu)
}

/// Stands for what is unknown, or for a ratio of nothing.
fn dash() -> String {
    "—".to_owned()
}

fn rows(ratios: &Ratios) -> impl Iterator<Item = &Tally> {
    ratios.counties.iter().chain([&ratios.city])
}

/// Columns of the CSV, in order.
const COLUMNS: [&str; 15] = [
    "county_code",
    "county_name",
    "legal_patches",
    "illegal_patches",
    "other_patches",
    "pending_patches",
    "legal_farmland_mu",
    "illegal_farmland_mu",
    "pending_farmland_mu",
    "ratio_percent",
    "provisional_percent",
    "best_percent",
    "worst_percent",
    "line_crossed",
    "farmland_unknown_patches",
];

fn print_csv(ratios: &Ratios) -> std::io::Result<()> {
    let mut csv = csv::Writer::from_writer(std::io::stdout());
    csv.write_record(COLUMNS)?;
    for Tally { totals, name, confirmed, provisional, best, worst, line_crossed, .. } in rows(ratios) {
        let counts = [totals.legal.patches, totals.illegal.patches, totals.other.patches, totals.pending.patches].map(|count| count.to_string());
        let farmland = [&totals.legal, &totals.illegal, &totals.pending].map(|group| group.farmland().map(mu).unwrap_or_default());
        let percents = [confirmed, provisional, best, worst].map(|ratio| ratio.map(|ratio| format!("{:.2}", round_half_up(ratio, 2))).unwrap_or_default());
        let place = [totals.county_code.as_deref().unwrap_or_default(), name].map(|text| harmless(text).into_owned());
        let rest = [line_crossed.clone().unwrap_or_default(), totals.farmland_unknown.to_string()];
        csv.write_record(place.iter().chain(&counts).chain(&farmland).chain(&percents).chain(&rest))?;
    }
    csv.flush()
}

fn print_table(ratios: &Ratios) {
    say!("违法耕地面积比例 {} – {}  (亩, %)\n", ratios.range.from, ratios.range.until);
    say!(
        "{}{:>8}{:>8}{:>8}{:>8}{:>12}{:>12}{:>9}{:>9}{:>16}  超线",
        pad("", 20),
        "合法",
        "违法",
        "其他",
        "未核",
        "合法耕地",
        "违法耕地",
        "比例",
        "预判",
        "最好–最坏"
    );
    for row in rows(ratios) {
        let totals = &row.totals;
        say!(
            "{}{:>10}{:>10}{:>10}{:>10}{:>16}{:>16}{:>11}{:>11}{:>21}  {}",
            pad(&format!("{} {}", totals.county_code.as_deref().unwrap_or(""), row.name), 20),
            totals.legal.patches,
            totals.illegal.patches,
            totals.other.patches,
            totals.pending.patches,
            totals.legal.farmland().map_or_else(dash, mu),
            totals.illegal.farmland().map_or_else(dash, mu),
            percent(row.confirmed),
            percent(row.provisional),
            span(row.best, row.worst),
            row.line_crossed.as_deref().unwrap_or("")
        );
    }
    for other in &ratios.straddling {
        say!(
            "\n批次 {}（{}）只有一部分在此范围内，未计入 / survey {} ({}) lies only partly in this range and is not counted",
            other.survey,
            other.period,
            other.survey,
            other.period
        );
    }
    let unknown = ratios.city.totals.farmland_unknown;
    if unknown > 0 {
        say!("\n{unknown} 个图斑无地类图斑可依，耕地面积未知 / there is no land survey for {unknown} patches: their farmland is unknown");
    }
    for lever in &ratios.city.levers {
        let mu = |m2: f64| Area::of_m2(m2).mu;
        say!(
            "\n{}降到 {} %：复耕 {:.2} 亩，或补办 {:.2} 亩，或新增合法 {:.2} 亩",
            ratios.city.name,
            lever.percent,
            mu(lever.restore_m2),
            mu(lever.approve_m2),
            mu(lever.more_legal_m2)
        );
    }
}

/// Pads to `width` columns; a Chinese character takes two.
fn pad(text: &str, width: usize) -> String {
    let taken: usize = text.chars().map(|c| if c.is_ascii() { 1 } else { 2 }).sum();
    format!("{text}{}", " ".repeat(width.saturating_sub(taken)))
}
