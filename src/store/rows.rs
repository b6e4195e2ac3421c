//! From rows to values, whichever database answers.

use super::checksum::{self, check, check_plain};
use super::columns::Columns;
use super::tables::Table;
use super::{Job, LayerFeature, PatchMark, StoreError, StoredPatch, Straddling, sets, tables};
use serde_json::value::RawValue;
use std::collections::{BTreeMap, HashMap};
use tuban_engine::model::{
    Areas, AutomaticVerdict, Days, Decision, FeatureFacts, Filing, Finding, Flag, FormerFinding, Layer, LayerSet, LayerUsed, LeftOut, NewSurvey, Patch, Period,
    Progress, Provenance, Reject, Signature, Survey, SurveyEvent, Verdict, VerdictCounts, Words, day_of_ms,
};

/// A row of `job`.
pub(super) fn job(row: &impl Columns) -> Result<Job, StoreError> {
    Ok(Job {
        id: row.text("id")?,
        kind: row.word("kind")?,
        parameters: row.text("parameters")?,
        state: row.word("state")?,
        progress: Progress { stage: row.word("stage")?, done: row.count("done")?, total: row.maybe_integer("total")?.map(|total| total as u64) },
        node: row.maybe_text("node")?,
        token: row.integer("token")?,
        attempts: row.count("attempts")?,
        lost: row.count("lost")?,
        lost_by: row.maybe_text("lost_by")?,
        error: row.maybe_text("error")?,
        outcome: row.maybe_json("outcome")?,
        created_ms: row.integer("created_ms")?,
        started_ms: row.maybe_integer("started_ms")?,
        ended_ms: row.maybe_integer("ended_ms")?,
        file_bytes: row.maybe_integer("file_bytes")?.map(|bytes| bytes as u64),
    })
}

/// A row of `layer`.
pub(super) fn layer(row: &impl Columns) -> Result<Layer, StoreError> {
    check_plain(row, &tables::LAYER)?;
    Ok(Layer {
        id: row.integer("id")?,
        kind: row.word("kind")?,
        name: row.text("name")?,
        effective: row.word("effective")?,
        crs: row.text("crs")?,
        decimals: row.maybe_small("decimals")?.map(|decimals| decimals as u8),
        sha256: row.text("sha256")?,
        invented: row.integer("invented")? != 0,
        features: row.count("features")?,
        rejected: row.count("rejected")?,
        vertices: row.count("vertices")?,
        created_ms: row.integer("created_ms")?,
        classes: row.maybe_word("classes")?,
        notes: row.json("notes")?,
        undated: row.maybe_integer("undated")?.map(|count| count as u64),
    })
}

/// A row of `layer_feature`.
pub(super) fn feature(row: &impl Columns) -> Result<LayerFeature, StoreError> {
    check_plain(row, &tables::LAYER_FEATURE)?;
    Ok(LayerFeature {
        row: row.count("row")?,
        facts: FeatureFacts {
            code: row.text("code")?,
            name: row.text("name")?,
            granted: row.maybe_day("granted")?,
            ends: row.maybe_day("ends")?,
            kind: row.maybe_text("kind")?,
            first_effective: row.maybe_day("first_effective")?,
        },
        degrees: row.outline("degrees")?,
        repaired: row.maybe_outline("repaired")?,
        source: row.maybe_outline("source")?,
    })
}

/// A row of `layer_left_out`.
pub(super) fn left_out(row: &impl Columns) -> Result<LeftOut, StoreError> {
    check_plain(row, &tables::LAYER_LEFT_OUT)?;
    let bounds = row.maybe_double("west")?.map(|_| row.bounds()).transpose()?;
    Ok(LeftOut { row: row.count("row")?, code: row.text("code")?, reason: Words { zh: row.text("zh")?, en: row.text("en")? }, bounds })
}

/// A row of `survey`.
pub(super) fn survey(row: &impl Columns) -> Result<Survey, StoreError> {
    check_plain(row, &tables::SURVEY)?;
    let facts = NewSurvey {
        name: row.text("name")?,
        period: row.period()?,
        level: row.word("level")?,
        crs: row.text("crs")?,
        decimals: row.maybe_small("decimals")?.map(|decimals| decimals as u8),
        sha256: row.text("sha256")?,
        upload_key: row.text("upload_key")?,
        invented: row.integer("invented")? != 0,
        patches: row.count("patches")?,
        repaired: row.count("repaired")?,
        rejected: row.count("rejected")?,
        outside: row.count("outside")?,
        patch_id_source: row.word("patch_id_source")?,
        fields: row.json("fields")?,
        verdicts: VerdictCounts {
            legal: row.count("legal")?,
            suspected_illegal: row.count("suspected_illegal")?,
            other: row.count("other")?,
            doubtful: row.count("doubtful")?,
        },
        area_m2: row.double("area_m2")?,
        farmland_m2: row.double("farmland_m2")?,
        farmland_unknown: row.count("farmland_unknown")?,
        warnings: row.json("warnings")?,
    };
    let [id, created_ms, judged_ms] = [row.integer("id")?, row.integer("created_ms")?, row.integer("judged_ms")?];
    Ok(Survey { id, created_ms, judged_ms, withdrawn_ms: row.maybe_integer("withdrawn_ms")?, facts })
}

/// Rows of [`sql::SURVEYS`](super::sql::SURVEYS): the surveys that count.
pub(super) fn surveys<C: Columns>(rows: &[C]) -> Result<Vec<Survey>, StoreError> {
    let all = all_of(rows, &tables::SURVEY)?;
    let counts = |survey: &Survey| survey.withdrawn_ms.is_none();
    all.into_iter().map(survey).filter(|survey| survey.as_ref().map_or(true, counts)).collect()
}

/// Rows of [`sql::LAYERS`](super::sql::LAYERS): the layers that are published.
pub(super) fn layers<C: Columns>(rows: &[C]) -> Result<Vec<Layer>, StoreError> {
    let all = all_of(rows, &tables::LAYER)?;
    all.into_iter().map(layer).filter(|layer| layer.as_ref().map_or(true, |layer| layer.created_ms != 0)).collect()
}

/// All rows of a table that was read whole beside the number of its rows, each as it was written. That there is a row of `row_count`, and as many rows as it says,
/// tells an empty table from a damaged one.
pub(super) fn all_of<'r, C: Columns>(rows: &'r [C], table: &Table) -> Result<Vec<&'r C>, StoreError> {
    let damaged = || StoreError::Damaged(format!("table {} has not as many rows as it should", table.name));
    let count = rows.first().ok_or_else(damaged)?.integer("of_all")?;
    let all: Vec<&C> = rows.iter().filter(|row| row.maybe_integer("id").is_ok_and(|id| id.is_some())).collect();
    if all.len() as i64 != count {
        return Err(damaged());
    }
    all.iter().try_for_each(|row| check_plain(*row, table))?;
    Ok(all)
}

/// A row of `survey_event`.
pub(super) fn event(row: &impl Columns) -> Result<SurveyEvent, StoreError> {
    let decision = Decision { by: row.maybe_text("who")?, reason: row.maybe_text("reason")? };
    Ok(SurveyEvent { at_ms: row.integer("at_ms")?, event: row.word("event")?, decision, details: row.json("details")? })
}

/// Rows of [`sql::PROVENANCE`](super::sql::PROVENANCE): the layers and rules of all sets of a survey, each once. None where there is no such survey.
pub(super) fn provenance(rows: &[impl Columns]) -> Result<Option<Provenance>, StoreError> {
    if rows.is_empty() {
        return Ok(None);
    }
    let (mut layers, mut rules) = (Vec::new(), Vec::new());
    for set in layer_sets(rows)? {
        layers.extend(set.provenance.layers.into_iter().filter(|layer| !layers.contains(layer)).collect::<Vec<_>>());
        if !rules.contains(&set.provenance.rule) {
            rules.push(set.provenance.rule);
        }
    }
    Ok(Some(Provenance { layers, rule: rules.join("、") }))
}

/// The layer version in a row; none where a set holds none.
fn layer_used(row: &impl Columns) -> Result<Option<LayerUsed>, StoreError> {
    if row.maybe_integer("position")?.is_none() {
        return Ok(None);
    }
    Ok(Some(LayerUsed { id: row.maybe_integer("layer_id")?.unwrap_or(0), kind: row.word("kind")?, name: row.text("name")?, effective: row.text("effective")? }))
}

/// Rows of [`sql::LAYER_SETS`](super::sql::LAYER_SETS), the rows of each set one after the other; those without a set are left out.
pub(super) fn layer_sets(rows: &[impl Columns]) -> Result<Vec<LayerSet>, StoreError> {
    let mut sets: Vec<(LayerSet, String)> = Vec::new();
    for row in rows {
        let Some(id) = row.maybe_integer("id")? else { continue };
        check(row, &tables::LAYER_SET, |name| if name == checksum::COLUMN { "set_checksum" } else { name })?;
        check_plain(row, &tables::LAYER_SET_LAYER)?;
        if sets.last().is_none_or(|(set, _)| set.id != id) {
            let origin = row.maybe_double("lon0")?.zip(row.maybe_double("lat0")?).map(|(lon, lat)| [lon, lat]);
            sets.push((LayerSet { id, provenance: Provenance { layers: Vec::new(), rule: row.text("rule")? }, origin }, row.text("layers")?));
        }
        if let Some((set, _)) = sets.last_mut() {
            set.provenance.layers.extend(layer_used(row)?);
        }
    }
    let whole = |(set, layers): (LayerSet, String)| {
        if sets::key(&set.provenance) == layers {
            return Ok(set);
        }
        Err(StoreError::Damaged(format!("layer set {} does not hold the layers {layers} that it was made of", set.id)))
    };
    sets.into_iter().map(whole).collect()
}

/// Rows of the days of a survey's patches, with their sets; nothing where one has none.
pub(super) fn days_and_sets(rows: &[impl Columns]) -> Result<Option<Vec<(Days, i64)>>, StoreError> {
    let mut found = Vec::with_capacity(rows.len());
    for row in rows {
        if row.maybe_text("before_day")?.or(row.maybe_text("after_day")?).is_none() {
            return Ok(None);
        }
        let days = Days { before: row.word("before_day")?, after: row.word("after_day")?, unclear: false };
        found.push((days, row.maybe_integer("layer_set")?.unwrap_or(0)));
    }
    Ok(Some(found))
}

/// A row of `finding_history`.
pub(super) fn former(row: &impl Columns) -> Result<FormerFinding, StoreError> {
    check_plain(row, &tables::FINDING_HISTORY)?;
    Ok(FormerFinding {
        finding: row.json("finding")?,
        judged_ms: row.integer("judged_ms")?,
        replaced_ms: row.integer("replaced_ms")?,
        replaced_by: row.maybe_text("replaced_by")?,
    })
}

/// Provenance of several surveys, from rows grouped by survey.
pub(super) fn provenances<C: Columns>(rows: &[C]) -> Result<Vec<Provenance>, StoreError> {
    let surveys = rows.iter().map(|row| row.integer("survey")).collect::<Result<Vec<_>, _>>()?;
    let mut found = Vec::new();
    let mut from = 0;
    for of_one in surveys.chunk_by(|one, next| one == next) {
        found.extend(provenance(&rows[from..from + of_one.len()])?);
        from += of_one.len();
    }
    Ok(found)
}

/// A row of `reject`.
pub(super) fn reject(row: &impl Columns) -> Result<Reject, StoreError> {
    Ok(Reject {
        row: row.count("row")?,
        patch_id: row.maybe_text("patch_id")?,
        code: row.text("code")?,
        reason: Words { zh: row.text("zh")?, en: row.text("en")? },
        pointer: row.text("pointer")?,
        ring: row.maybe_small("ring")?,
        vertex: row.maybe_small("vertex")?,
    })
}

/// The number by which people know a patch.
fn number(row: &impl Columns) -> Result<i64, StoreError> {
    row.maybe_integer("number")?.map_or_else(|| row.integer("id"), Ok)
}

/// A row of [`sql::WHOLE`](super::sql::WHOLE).
pub(super) fn stored_patch(row: &impl Columns) -> Result<StoredPatch, StoreError> {
    check_whole(row)?;
    let (period, finding) = (row.period()?, finding(row)?);
    let patch = patch(row, period, &finding)?;
    let filing = filing(row, &patch.patch_id)?;
    let signature = filing.as_ref().map(|_| signature(row)).transpose()?;
    Ok(StoredPatch { id: number(row)?, key: row.integer("id")?, survey_id: row.integer("survey_id")?, period, patch, finding, filing, signature })
}

/// The columns of [`sql::WHOLE`](super::sql::WHOLE) that come from four tables, each row of which has a checksum.
fn check_whole(row: &impl Columns) -> Result<(), StoreError> {
    check_plain(row, &tables::PATCH)?;
    check_outline(row)?;
    check(row, &tables::FINDING, |name| match name {
        "patch" => "id",
        "survey_id" => "finding_survey",
        checksum::COLUMN => "finding_checksum",
        name => name,
    })?;
    check(row, &tables::FILING, |name| match name {
        "patch" => "id",
        "verdict" => "filed",
        checksum::COLUMN => "filing_checksum",
        name => name,
    })
}

/// Of a row of `patch_outline` beside one of `patch`.
pub(super) fn check_outline(row: &impl Columns) -> Result<(), StoreError> {
    check(row, &tables::PATCH_OUTLINE, |name| match name {
        "patch" => "id",
        checksum::COLUMN => "outline_checksum",
        name => name,
    })
}

fn patch(row: &impl Columns, period: Period, finding: &Finding) -> Result<Patch, StoreError> {
    let attributes = row.text("attributes")?;
    Ok(Patch {
        days: days(row, &attributes, period, &finding.flags)?,
        row: row.count("row")?,
        patch_id: row.text("patch_id")?,
        stated_county: row.maybe_text("stated_county")?,
        attributes,
        source: row.maybe_outline("source")?,
        degrees: row.outline("degrees")?,
        repaired: row.maybe_outline("repaired")?,
        defects: row.json("defects")?,
    })
}

/// A patch's days; those that an older program did not store are worked out from what it did.
pub(super) fn days(row: &impl Columns, attributes: &str, period: Period, flags: &[Flag]) -> Result<Days, StoreError> {
    let Some(created_ms) = row.maybe_integer("survey_created_ms")? else {
        return Ok(Days { before: row.word("before_day")?, after: row.word("after_day")?, unclear: flags.contains(&Flag::DatesUnclear) });
    };
    let fields: BTreeMap<String, String> = row.json("survey_fields")?;
    let [before, after] = ["date_before", "date_after"].map(|ours| fields.get(ours));
    let came: HashMap<String, Box<RawValue>> = if before.or(after).is_some() { serde_json::from_str(attributes).unwrap_or_default() } else { HashMap::new() };
    let value = |theirs: Option<&String>| theirs.and_then(|theirs| came.get(theirs)).map(|raw| plain(raw.get()));
    Ok(Days::of(value(before).as_deref(), value(after).as_deref(), period.days(), day_of_ms(created_ms)))
}

/// A value of JSON as plain text: a string without its quotes, a number as it is written.
fn plain(json: &str) -> String {
    serde_json::from_str(json).unwrap_or_else(|_| json.to_owned())
}

fn finding(row: &impl Columns) -> Result<Finding, StoreError> {
    let mut flags: Vec<Flag> = row.json("flags")?;
    // Not a column of its own: a patch that comes later makes it true of those before it.
    if row.integer("shared")? > 0 {
        flags.push(Flag::SharesGround);
    }
    Ok(Finding {
        areas: areas(row)?,
        doubts: row.maybe_json("doubts")?.unwrap_or_default(),
        parcels: row.json("parcels")?,
        counties: row.json("counties")?,
        approvals: row.json("approvals")?,
        flags,
        verdict: row.word("verdict")?,
        reason: row.word("reason")?,
        automatic_legal_farmland_m2: row.double("automatic_legal_farmland_m2")?,
        automatic_illegal_farmland_m2: row.double("automatic_illegal_farmland_m2")?,
        county_code: row.maybe_text("county_code")?,
        layer_set: row.maybe_integer("layer_set")?.unwrap_or(0),
    })
}

/// The areas of a finding. What its approvals were, by their days, is NULL in findings of older programs and where nothing is approved.
pub(super) fn areas(row: &impl Columns) -> Result<Areas, StoreError> {
    let areas = Areas {
        area_m2: row.double("area_m2")?,
        farmland_m2: row.double("farmland_m2")?,
        basic_farmland_m2: row.double("basic_farmland_m2")?,
        red_line_m2: row.double("red_line_m2")?,
        urban_boundary_m2: row.double("urban_boundary_m2")?,
        approved_m2: row.double("approved_m2")?,
        approved_farmland_m2: row.double("approved_farmland_m2")?,
        ..Areas::default()
    };
    let Some(approved_before_m2) = row.maybe_double("approved_before_m2")? else { return Ok(areas.with_undated_approvals()) };
    Ok(Areas {
        approved_before_m2,
        approved_before_farmland_m2: row.double("approved_before_farmland_m2")?,
        approved_undated_m2: row.double("approved_undated_m2")?,
        approved_undated_farmland_m2: row.double("approved_undated_farmland_m2")?,
        approved_later_m2: row.double("approved_later_m2")?,
        approved_later_farmland_m2: row.double("approved_later_farmland_m2")?,
        approved_in_time_m2: row.double("approved_in_time_m2")?,
        approved_in_time_farmland_m2: row.double("approved_in_time_farmland_m2")?,
        other_use_m2: row.double("other_use_m2")?,
        other_use_farmland_m2: row.double("other_use_farmland_m2")?,
        ..areas
    })
}

fn signature(row: &impl Columns) -> Result<Signature, StoreError> {
    Ok(Signature { by: row.text("filed_by")?, at_ms: row.integer("filed_ms")? })
}

/// The filing of a patch, where it has one: its verdict is `filed`.
pub(super) fn filing(row: &impl Columns, patch_id: &str) -> Result<Option<Filing>, StoreError> {
    if row.maybe_text("filed")?.is_none() {
        return Ok(None);
    }
    Ok(Some(Filing {
        patch_id: patch_id.to_owned(),
        verdict: row.word("filed")?,
        legal_m2: row.double("legal_m2")?,
        legal_farmland_m2: row.double("legal_farmland_m2")?,
        illegal_m2: row.double("illegal_m2")?,
        illegal_farmland_m2: row.double("illegal_farmland_m2")?,
    }))
}

/// A row of [`sql::STRADDLING`](super::sql::STRADDLING).
pub(super) fn straddling(row: &impl Columns) -> Result<Straddling, StoreError> {
    Ok(Straddling { survey: row.integer("id")?, period: row.period()? })
}

/// A row of a mark; its outline where it was asked for. Its verdict is a word that no single bit turns into another one.
pub(super) fn mark(row: &impl Columns, outlines: bool) -> Result<PatchMark, StoreError> {
    check_plain(row, &tables::PATCH)?;
    if outlines {
        check_outline(row)?;
    }
    let verdict = row.text("verdict")?;
    if verdict.parse::<AutomaticVerdict>().is_err() && verdict.parse::<Verdict>().is_err() {
        return Err(StoreError::Damaged(format!("verdict: there is no verdict {verdict}")));
    }
    Ok(PatchMark {
        id: number(row)?,
        patch_id: row.text("patch_id")?,
        verdict,
        confirmed: row.maybe_text("confirmed")?.is_some(),
        bounds: row.bounds()?,
        degrees: if outlines { Some(row.maybe_outline("repaired")?.map_or_else(|| row.outline("degrees"), Ok)?) } else { None },
    })
}
