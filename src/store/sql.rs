//! Statements that serve both databases as they are: `$1` is a placeholder in both.

/// All layers, newest effective day first.
pub(super) const LAYERS: &str = "SELECT * FROM layer ORDER BY effective DESC, id DESC";
/// Of one layer.
pub(super) const LAYER_ID: &str = "SELECT id FROM layer WHERE id = $1";
/// Removes one layer.
pub(super) const REMOVE_LAYER: &str = "DELETE FROM layer WHERE id = $1";
/// Surveys and findings that rest on a layer.
pub(super) const RESTING_ON_LAYER: &str = "
    SELECT count(DISTINCT used.survey_id), count(finding.patch)
    FROM survey_layer used LEFT JOIN finding ON finding.survey_id = used.survey_id WHERE used.layer_id = $1";
/// The features of a layer in the file's order.
pub(super) const FEATURES: &str =
    "SELECT row, code, name, degrees, repaired, source, granted, ends, kind, first_effective FROM layer_feature WHERE layer_id = $1 ORDER BY id";

/// What is not in a layer, by row.
pub(super) const LEFT_OUT: &str = "SELECT row, code, zh, en, west, south, east, north FROM layer_left_out WHERE layer_id = $1 ORDER BY row";

/// All surveys that count, newest period first.
pub(super) const SURVEYS: &str = "SELECT * FROM survey WHERE withdrawn_ms IS NULL ORDER BY period + months DESC, period DESC, id DESC";
/// One survey that counts.
pub(super) const ONE_SURVEY: &str = "SELECT * FROM survey WHERE id = $1 AND withdrawn_ms IS NULL";
/// The survey of a period and level from the same upload; a withdrawn one has let go of its key.
pub(super) const SAME_SURVEY: &str = "SELECT * FROM survey WHERE period = $1 AND months = $2 AND level = $3 AND upload_key = $4";
/// Surveys of a period and level, the newest first.
pub(super) const OTHER_SURVEYS: &str = "SELECT id FROM survey WHERE period = $1 AND months = $2 AND level = $3 AND withdrawn_ms IS NULL ORDER BY id DESC";
/// Rule and layers in one statement, so that they are of the same moment; a survey may rest on no layer at all.
pub(super) const PROVENANCE: &str = "
    SELECT rule, position, layer_id, kind, survey_layer.name, effective
    FROM survey LEFT JOIN survey_layer ON survey_id = survey.id WHERE survey.id = $1 AND withdrawn_ms IS NULL ORDER BY position";
/// The newest period that has a survey: the one that ends last, of several the shortest.
pub(super) const NEWEST_PERIOD: &str = "SELECT period, months FROM survey WHERE withdrawn_ms IS NULL ORDER BY period + months DESC, period DESC LIMIT 1";
/// Surveys whose period lies within the months $1 to $2.
pub(super) const WITHIN: &str = "SELECT id FROM survey WHERE period >= $1 AND period + months - 1 <= $2 AND withdrawn_ms IS NULL";
/// Surveys of which some months are among $1 to $2 and some are not.
pub(super) const STRADDLING: &str = "
    SELECT id, period, months FROM survey WHERE period <= $2 AND period + months - 1 >= $1 AND (period < $1 OR period + months - 1 > $2) AND withdrawn_ms IS NULL
    ORDER BY period + months DESC, period DESC, id DESC";
/// The same of every survey within some months, newest period first.
pub(super) const PROVENANCES: &str = "
    SELECT survey.id AS survey, rule, position, layer_id, kind, survey_layer.name, effective
    FROM survey LEFT JOIN survey_layer ON survey_id = survey.id WHERE period >= $1 AND period + months - 1 <= $2 AND withdrawn_ms IS NULL
    ORDER BY period + months DESC, period DESC, survey.id DESC, position";
/// A page of a survey's rejects.
pub(super) const REJECTS: &str = "SELECT row, patch_id, code, zh, en, pointer, ring, vertex FROM reject WHERE survey_id = (SELECT id FROM survey WHERE id = $1 AND withdrawn_ms IS NULL) AND row > $2 ORDER BY row, id LIMIT $3";

/// Removes the findings of a survey.
pub(super) const REMOVE_FINDINGS: &str = "DELETE FROM finding WHERE survey_id = $1";
/// Patches of a survey.
pub(super) const PATCHES_OF_SURVEY: &str = "SELECT count(*) FROM patch WHERE survey_id = $1";
/// Says what a survey's new findings say of it: its number, patches in no county, the four verdicts, area, farmland, warnings, rule, when.
pub(super) const REJUDGED: &str = "
    UPDATE survey SET outside = $2, legal = $3, suspected_illegal = $4, other = $5, doubtful = $6, area_m2 = $7, farmland_m2 = $8, warnings = $9, rule = $10,
        judged_ms = $11
    WHERE id = $1 RETURNING *";
/// Forgets what a survey's findings rested on.
pub(super) const FORGET_PROVENANCE: &str = "DELETE FROM survey_layer WHERE survey_id = $1";

/// The number of the last change.
pub(super) const REVISION: &str = "SELECT number FROM revision";
/// Says that something changed.
pub(super) const PUBLISH: &str = "UPDATE revision SET number = number + 1";

/// The columns of [`rows::stored_patch`](super::rows::stored_patch).
pub(super) const WHOLE: &str = "patch.id, patch.survey_id, survey.period, survey.months, patch.row, patch.patch_id, patch.stated_county, before_day, after_day, \
    CASE WHEN before_day IS NULL THEN survey.fields END AS survey_fields, CASE WHEN before_day IS NULL THEN survey.created_ms END AS survey_created_ms, \
    attributes, defects, degrees, patch_outline.repaired, source, \
    finding.area_m2, finding.farmland_m2, basic_farmland_m2, red_line_m2, urban_boundary_m2, approved_m2, approved_farmland_m2, \
    approved_before_m2, approved_before_farmland_m2, approved_undated_m2, approved_undated_farmland_m2, approved_later_m2, approved_later_farmland_m2, \
    approved_in_time_m2, approved_in_time_farmland_m2, other_use_m2, other_use_farmland_m2, \
    parcels, counties, approvals, flags, doubts, finding.verdict, reason, automatic_legal_farmland_m2, automatic_illegal_farmland_m2, finding.county_code, \
    (SELECT count(*) FROM shared_ground WHERE shared_ground.patch = patch.id) AS shared, \
    filing.verdict AS filed, legal_m2, legal_farmland_m2, illegal_m2, illegal_farmland_m2, filed_ms, filed_by";
