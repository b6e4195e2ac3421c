//! `tuban demo-verdicts`: invents what the counties of the demo city found on the ground, so that there are ratios to look at.

use super::{Database, Failure, scope};
use crate::service::patches::{Filter, StoredPatch};
use clap::Args;
use tuban_engine::model::{AutomaticVerdict, Filing, Period, Verdict};
use tuban_engine::rule::Rules;

#[derive(Debug, Args)]
pub struct DemoVerdicts {
    /// The period whose patches are judged; refused where a survey of it does not say of itself that it is invented.
    #[arg(long)]
    period: Period,
    #[command(flatten)]
    database: Database,
}

/// Patches asked for at a time.
const PAGE: u32 = 2000;

impl DemoVerdicts {
    pub async fn run(self, rules: Rules) -> Result<(), Failure> {
        let service = self.database.open(rules).await?;
        let surveys: Vec<_> = service.surveys(&scope()).await?.into_iter().filter(|survey| survey.facts.period == self.period).collect();
        if surveys.iter().any(|survey| !survey.facts.invented) {
            return Err(Failure::Usage(format!("a survey of {} is real: verdicts are only invented for the demo city", self.period)));
        }
        for survey in surveys {
            let mut filter = Filter { survey: Some(survey.id), limit: PAGE, ..Filter::of(scope()) };
            loop {
                let page = service.patches(&filter).await?;
                let Some(last) = page.last() else { break };
                filter.after = last.place();
                let filings: Vec<Filing> = page.iter().filter_map(invent).collect();
                service.record_invented(&scope(), survey.id, &filings).await?;
            }
        }
        Ok(())
    }
}

/// A verdict, or none for one patch in six: the counties are never quite done. Counties differ in how much they build without asking.
fn invent(patch: &StoredPatch) -> Option<Filing> {
    // A number from 0 to 99 that depends on the patch alone.
    let chance = |salt: u64| {
        let mixed = patch.patch.patch_id.bytes().fold(salt, |sum, byte| (sum ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
        (mixed >> 32) % 100
    };
    if chance(1) < 16 {
        return None;
    }
    let areas = patch.finding.areas;
    let county = patch.finding.county_code.as_deref().and_then(|code| code.parse::<u64>().ok()).unwrap_or(0);
    let illegal_share = county * 7 % 5;
    let of = |verdict, legal_m2, legal_farmland_m2, illegal_m2, illegal_farmland_m2| Filing {
        patch_id: patch.patch.patch_id.clone(),
        verdict,
        legal_m2,
        legal_farmland_m2,
        illegal_m2,
        illegal_farmland_m2,
    };
    Some(match patch.finding.verdict {
        AutomaticVerdict::Legal => of(Verdict::Legal, areas.area_m2, areas.farmland_m2, 0.0, 0.0),
        AutomaticVerdict::SuspectedIllegal if chance(2) < illegal_share => {
            let verdict = Verdict::Illegal;
            of(verdict, areas.approved_in_time_m2, areas.approved_in_time_farmland_m2, areas.unapproved_m2(), areas.unapproved_farmland_m2())
        }
        AutomaticVerdict::SuspectedIllegal if areas.approved_in_time_m2 > 0.0 => of(Verdict::Legal, areas.area_m2, areas.farmland_m2, 0.0, 0.0),
        AutomaticVerdict::Doubtful => of(Verdict::Doubtful, 0.0, 0.0, 0.0, 0.0),
        AutomaticVerdict::SuspectedIllegal | AutomaticVerdict::Other => of(Verdict::Other, 0.0, 0.0, 0.0, 0.0),
    })
}
