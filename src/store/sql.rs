//! Statements that serve both databases as they are: `$1` is a placeholder in both.

use super::tables::Table;

/// All layers, newest effective day first, each beside how many there are; one row where there is none. `created_ms` is 0 until a layer is published.
pub(super) const LAYERS: &str = "
    SELECT layer.*, count AS of_all FROM row_count LEFT JOIN layer ON true WHERE row_count.name = 'layer' ORDER BY effective DESC, layer.id DESC";
/// How many features a layer has.
pub(super) const FEATURES_OF_LAYER: &str = "SELECT features FROM layer WHERE id = $1 AND created_ms <> 0";
/// Removes one layer.
pub(super) const REMOVE_LAYER: &str = "DELETE FROM layer WHERE id = $1 AND created_ms <> 0";
/// Surveys and findings that rest on a layer.
pub(super) const RESTING_ON_LAYER: &str = "
    WITH used (survey_id, layer_set) AS (
        SELECT survey_id, layer_set FROM survey_set WHERE layer_set IN (SELECT layer_set FROM layer_set_layer WHERE layer_id = $1)
        UNION SELECT survey_id, layer_set FROM finding_history WHERE layer_set IN (SELECT layer_set FROM layer_set_layer WHERE layer_id = $1)
        UNION SELECT number, layer_set FROM unpublished_set JOIN unpublished ON unpublished.id = unpublished_set.unpublished
            WHERE layer_set IN (SELECT layer_set FROM layer_set_layer WHERE layer_id = $1)
    )
    SELECT count(DISTINCT used.survey_id), count(finding.patch)
    FROM used LEFT JOIN finding ON finding.survey_id = used.survey_id AND finding.layer_set = used.layer_set
        AND finding.made = (SELECT made FROM survey WHERE survey.id = used.survey_id)";
/// Removes the sets of a layer, on which nothing rests.
pub(super) const REMOVE_SETS_OF_LAYER: &str = "DELETE FROM layer_set WHERE id IN (SELECT layer_set FROM layer_set_layer WHERE layer_id = $1)";
/// The features of a layer in the file's order.
pub(super) const FEATURES: &str = "SELECT id, layer_id, row, code, name, west, south, east, north, cell, degrees, repaired, source, granted, ends, kind, first_effective, checksum FROM layer_feature WHERE layer_id = $1 AND EXISTS (SELECT 1 FROM layer WHERE id = $1 AND created_ms <> 0) ORDER BY id";

/// What is not in a layer, by row.
pub(super) const LEFT_OUT: &str = "SELECT layer_id, row, code, zh, en, west, south, east, north, checksum FROM layer_left_out WHERE layer_id = (SELECT id FROM layer WHERE id = $1 AND created_ms <> 0) ORDER BY row";

/// All surveys, whether they count or not, newest period first, each beside how many there are; one row where there is none.
pub(super) const SURVEYS: &str = "
    SELECT survey.*, count AS of_all FROM row_count LEFT JOIN survey ON true WHERE row_count.name = 'survey'
    ORDER BY period + months DESC, period DESC, survey.id DESC";
/// Numbers that several patches have which count.
pub(super) const TAKEN_TWICE: &str = "
    SELECT count(*) FROM (SELECT coalesce(number, patch.id) AS known_by FROM patch JOIN survey ON survey.id = survey_id AND withdrawn_ms IS NULL
        GROUP BY coalesce(number, patch.id) HAVING count(*) > 1) AS twice";
/// By how many rows the tables differ from what they should have.
pub(super) const MISSING_ROWS: &str = "
    SELECT CAST(abs((SELECT count FROM row_count WHERE name = 'survey') - (SELECT count(*) FROM survey))
        + abs((SELECT count FROM row_count WHERE name = 'layer') - (SELECT count(*) FROM layer)) AS BIGINT)";
/// One survey that counts.
pub(super) const ONE_SURVEY: &str = "SELECT * FROM survey WHERE id = $1 AND withdrawn_ms IS NULL";
/// The survey of a period and level from the same upload; a withdrawn one has let go of its key.
pub(super) const SAME_SURVEY: &str = "SELECT * FROM survey WHERE period = $1 AND months = $2 AND level = $3 AND upload_key = $4";
/// Surveys of a period and level, the newest first.
pub(super) const OTHER_SURVEYS: &str = "SELECT id FROM survey WHERE period = $1 AND months = $2 AND level = $3 AND withdrawn_ms IS NULL ORDER BY id DESC";
/// Rule and layers in one statement, so that they are of the same moment; a survey may rest on no layer at all.
pub(super) const PROVENANCE: &str = "
    SELECT layer_set.id, layer_set.rule, layers, lon0, lat0, layer_set.checksum AS set_checksum, layer_set_layer.layer_set, position, layer_id, kind,
        layer_set_layer.name, effective, layer_set_layer.checksum
    FROM survey LEFT JOIN survey_set ON survey_set.survey_id = survey.id LEFT JOIN layer_set ON layer_set.id = survey_set.layer_set
    LEFT JOIN layer_set_layer ON layer_set_layer.layer_set = layer_set.id
    WHERE survey.id = $1 AND withdrawn_ms IS NULL ORDER BY survey_set.layer_set, position";
/// All sets with their layers.
pub(super) const LAYER_SETS: &str = "
    SELECT layer_set.id, rule, layers, lon0, lat0, layer_set.checksum AS set_checksum, layer_set_layer.layer_set, position, layer_id, kind, name, effective, layer_set_layer.checksum
    FROM layer_set LEFT JOIN layer_set_layer ON layer_set_layer.layer_set = layer_set.id ORDER BY layer_set.id, position";
/// The set of that rule and those layers, and whether its origin is known.
pub(super) const SAME_SET: &str = "SELECT id, lon0 IS NOT NULL FROM layer_set WHERE rule = $1 AND layers = $2";
/// Says where the origin of a set is, which was made by a program that did not say so.
pub(super) const SET_ORIGIN: &str = "UPDATE layer_set SET lon0 = $2, lat0 = $3, checksum = NULL WHERE id = $1";
/// Former findings of a patch that counts, by its number, the last one first; not those of a writer that has not published.
pub(super) const FORMER_FINDINGS: &str = "
    SELECT id, patch, survey_id, layer_set, finding, judged_ms, replaced_ms, replaced_by, checksum FROM finding_history
    WHERE patch = $1 AND NOT EXISTS (SELECT 1 FROM unpublished WHERE unpublished.id = finding_history.unpublished)
        AND EXISTS (SELECT 1 FROM patch JOIN survey ON survey.id = patch.survey_id AND survey.withdrawn_ms IS NULL
            WHERE (patch.id = $1 AND patch.number IS NULL) OR patch.number = $1)
    ORDER BY id DESC";
/// The newest period that has a survey: the one that ends last, of several the shortest.
pub(super) const NEWEST_PERIOD: &str = "SELECT period, months FROM survey WHERE withdrawn_ms IS NULL ORDER BY period + months DESC, period DESC LIMIT 1";
/// Surveys whose period lies within the months $1 to $2.
pub(super) const WITHIN: &str = "SELECT id FROM survey WHERE period >= $1 AND period + months - 1 <= $2 AND withdrawn_ms IS NULL";
/// Of those, surveys with patches whose farmland is unknown.
pub(super) const WITHIN_UNKNOWN: &str =
    "SELECT id FROM survey WHERE period >= $1 AND period + months - 1 <= $2 AND withdrawn_ms IS NULL AND farmland_unknown > 0";
/// Surveys of which some months are among $1 to $2 and some are not.
pub(super) const STRADDLING: &str = "
    SELECT id, period, months FROM survey WHERE period <= $2 AND period + months - 1 >= $1 AND (period < $1 OR period + months - 1 > $2) AND withdrawn_ms IS NULL
    ORDER BY period + months DESC, period DESC, id DESC";
/// Provenance of every survey between two periods, newest first.
pub(super) const PROVENANCES: &str = "
    SELECT survey.id AS survey, layer_set.id, layer_set.rule, layers, lon0, lat0, layer_set.checksum AS set_checksum, layer_set_layer.layer_set, position, layer_id, kind,
        layer_set_layer.name, effective, layer_set_layer.checksum
    FROM survey LEFT JOIN survey_set ON survey_set.survey_id = survey.id LEFT JOIN layer_set ON layer_set.id = survey_set.layer_set
    LEFT JOIN layer_set_layer ON layer_set_layer.layer_set = layer_set.id
    WHERE period >= $1 AND period + months - 1 <= $2 AND withdrawn_ms IS NULL
    ORDER BY period + months DESC, period DESC, survey.id DESC, survey_set.layer_set, position";
/// A page of a survey's rejects.
pub(super) const REJECTS: &str = "SELECT row, patch_id, code, zh, en, pointer, ring, vertex FROM reject WHERE survey_id = (SELECT id FROM survey WHERE id = $1 AND withdrawn_ms IS NULL) AND row > $2 ORDER BY row, id LIMIT $3";

/// How many findings of a survey a writer has made.
pub(super) const MADE: &str = "SELECT count(*) FROM finding WHERE survey_id = $1 AND made = $2";
/// Patches of a survey.
pub(super) const PATCHES_OF_SURVEY: &str = "SELECT count(*) FROM patch WHERE survey_id = $1";
/// Says what a survey's new findings say of it: its number, patches in no county, the four verdicts, area, farmland, warnings, rule, when, patches of unknown farmland,
/// the writer that made them, whose findings count from now on.
pub(super) const REJUDGED: &str = "
    UPDATE survey SET outside = $2, legal = $3, suspected_illegal = $4, other = $5, doubtful = $6, area_m2 = $7, farmland_m2 = $8, warnings = $9, rule = $10,
        judged_ms = $11, farmland_unknown = $12, made = $13, checksum = NULL
    WHERE id = $1 RETURNING *";
/// Forgets what a survey's findings rested on.
pub(super) const FORGET_SETS: &str = "DELETE FROM survey_set WHERE survey_id = $1";
/// Says that findings of a survey rest on a set.
pub(super) const RESTS_ON: &str = "INSERT INTO survey_set (survey_id, layer_set) VALUES ($1, $2)";

/// A survey, whether it counts or not.
pub(super) const ANY_SURVEY: &str = "SELECT * FROM survey WHERE id = $1";
/// Says what the checksum of a survey's row is.
pub(super) const VOUCH_FOR_SURVEY: &str = "UPDATE survey SET checksum = $2 WHERE id = $1";
/// Says what the findings and verdicts of a survey sum to.
pub(super) const SET_SUMS: &str = "UPDATE survey SET sums = $2 WHERE id = $1";
/// Says that verdicts of its patches were filed.
pub(super) const FILED: &str = "UPDATE survey SET filings = filings + 1 WHERE id = $1";
/// How often that was said.
pub(super) const FILINGS: &str = "SELECT filings FROM survey WHERE id = $1";
/// What a survey sums to, where it is known.
pub(super) const SUMS: &str = "SELECT sums FROM survey WHERE id = $1 AND sums IS NOT NULL";
/// The surveys of these months that have sums, with them.
pub(super) const SUMS_WITHIN: &str =
    "SELECT id, sums FROM survey WHERE period >= $1 AND period + months - 1 <= $2 AND withdrawn_ms IS NULL AND sums IS NOT NULL";
/// All surveys that have sums, with them.
pub(super) const ALL_SUMS: &str = "SELECT id, sums FROM survey WHERE sums IS NOT NULL";

/// Of a table that is read whole, the rows that count: of findings those of one generation.
pub(super) fn that_count(table: &Table) -> &'static str {
    if table.name == "finding" { " AND made = (SELECT made FROM survey WHERE survey.id = finding.survey_id)" } else { "" }
}

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
    parcels, counties, approvals, flags, doubts, finding.verdict, reason, automatic_legal_farmland_m2, automatic_illegal_farmland_m2, finding.county_code, layer_set, \
    (SELECT count(*) FROM shared_ground WHERE shared_ground.patch = patch.id) AS shared, \
    filing.verdict AS filed, legal_m2, legal_farmland_m2, illegal_m2, illegal_farmland_m2, filed_ms, filed_by, \
    west, south, east, north, cell, patch.number, finding.survey_id AS finding_survey, \
    patch.checksum, patch_outline.checksum AS outline_checksum, finding.checksum AS finding_checksum, filing.checksum AS filing_checksum";

/// The columns of [`rows::mark`](super::rows::mark) but for the verdicts: all of its patch, which has a checksum.
pub(super) const MARK: &str =
    "patch.id, patch.survey_id, patch.row, patch_id, stated_county, west, south, east, north, cell, before_day, after_day, patch.number, patch.checksum";
/// The columns of the outline of [`MARK`].
pub(super) const MARK_OUTLINE: &str = ", attributes, defects, degrees, patch_outline.repaired, source, patch_outline.checksum AS outline_checksum";
