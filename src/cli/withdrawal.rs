//! `tuban survey withdraw|restore|move|history`, and the list of those that do not count any more.

use super::{Database, Failure, scope, survey_line::print};
use crate::http::timestamp;
use crate::service::surveys::reading::Withdrawn;
use clap::Args;
use tuban_engine::model::{Decision, Level, Period};
use tuban_engine::rule::Rules;

/// By whom and why.
#[derive(Debug, Args)]
struct Decided {
    /// Why.
    #[arg(long)]
    reason: Option<String>,
    /// Who decided it.
    #[arg(long)]
    by: Option<String>,
}

/// By whom and why, where the reason is needed.
#[derive(Debug, Args)]
struct Justified {
    /// Why.
    #[arg(long, value_parser = clap::builder::NonEmptyStringValueParser::new())]
    reason: String,
    /// Who decided it.
    #[arg(long)]
    by: Option<String>,
}

impl From<Justified> for Decision {
    fn from(justified: Justified) -> Self {
        Self { by: justified.by, reason: Some(justified.reason) }
    }
}

impl From<Decided> for Decision {
    fn from(decided: Decided) -> Self {
        Self { by: decided.by, reason: decided.reason }
    }
}

#[derive(Debug, Args)]
pub struct Withdraw {
    /// Its number, from `survey list`.
    survey: i64,
    #[command(flatten)]
    decided: Justified,
    #[command(flatten)]
    database: Database,
}

#[derive(Debug, Args)]
pub struct Restore {
    /// Its number, from `survey list --withdrawn`.
    survey: i64,
    #[command(flatten)]
    decided: Decided,
    #[command(flatten)]
    database: Database,
}

#[derive(Debug, Args)]
pub struct Move {
    /// Its number, from `survey list`.
    survey: i64,
    /// The period it is of; as it is where absent.
    #[arg(long, required_unless_present = "level")]
    period: Option<Period>,
    /// Who issued it: `ministry`, `province` or `city`; as it is where absent.
    #[arg(long)]
    level: Option<Level>,
    #[command(flatten)]
    decided: Justified,
    #[command(flatten)]
    database: Database,
}

#[derive(Debug, Args)]
pub struct History {
    /// Its number.
    survey: i64,
    #[command(flatten)]
    database: Database,
}

impl Withdraw {
    pub async fn run(self, rules: Rules) -> Result<(), Failure> {
        let service = self.database.open(rules).await?;
        let confirmed = service.confirmed(&scope(), self.survey).await?;
        service.withdraw(&scope(), self.survey, &self.decided.into()).await?;
        say!("survey {} withdrawn, with {confirmed} confirmed verdicts; tuban survey restore {} brings it back", self.survey, self.survey);
        Ok(())
    }
}

impl Restore {
    pub async fn run(self, rules: Rules) -> Result<(), Failure> {
        let service = self.database.open(rules).await?;
        print(&service.restore(&scope(), self.survey, &self.decided.into()).await?);
        Ok(())
    }
}

impl Move {
    pub async fn run(self, rules: Rules) -> Result<(), Failure> {
        let service = self.database.open(rules).await?;
        let facts = service.survey(&scope(), self.survey).await?.facts;
        let to = (self.period.unwrap_or(facts.period), self.level.unwrap_or(facts.level));
        let moved = service.move_survey(&scope(), self.survey, to, &self.decided.into()).await?;
        print(&moved.survey);
        if moved.days_changed > 0 {
            say!("  {} patches have no days of their own: the period's stand for them now; judge the survey again", moved.days_changed);
        }
        Ok(())
    }
}

impl History {
    pub async fn run(self, rules: Rules) -> Result<(), Failure> {
        let service = self.database.open(rules).await?;
        for event in service.history(&scope(), self.survey).await?.events {
            let details: Vec<String> = event.details.iter().map(|(name, value)| format!("{name}={value}")).collect();
            let [by, reason] = [&event.decision.by, &event.decision.reason].map(|said| said.as_deref().unwrap_or("—").to_owned());
            say!("{} {:<9} {by}: {reason}  {}", timestamp(event.at_ms), event.event.word(), details.join(" "));
        }
        Ok(())
    }
}

/// `tuban survey list --withdrawn`.
pub(super) async fn list(database: &Database, rules: Rules) -> Result<(), Failure> {
    let service = database.open(rules).await?;
    for Withdrawn { survey, confirmed, event } in service.withdrawn(&scope()).await? {
        print(&survey);
        let why = event.map(|event| format!("{}: {}", event.event, event.decision.reason.unwrap_or_else(|| "—".to_owned()))).unwrap_or_default();
        say!("  {} {why}; {confirmed} confirmed verdicts", survey.withdrawn_ms.map(timestamp).unwrap_or_default());
    }
    Ok(())
}
