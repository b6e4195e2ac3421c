//! A survey as a line.

use tuban_engine::model::Survey;

/// Prints a survey with its numbers.
pub(super) fn print(survey: &Survey) {
    let facts = &survey.facts;
    let verdicts = facts.verdicts;
    say!(
        "survey {} {} {} “{}” {}: {} patches: {} legal, {} suspected illegal, {} other, {} doubtful",
        survey.id,
        facts.period,
        facts.level,
        facts.name,
        facts.crs,
        facts.patches,
        verdicts.legal,
        verdicts.suspected_illegal,
        verdicts.other,
        verdicts.doubtful
    );
}
