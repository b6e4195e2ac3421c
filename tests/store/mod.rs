//! What every store promises, each promise a test against `&dyn Store`, run once for each database; and what only one of them has.

mod jobs;
mod layers;
mod patches;
mod periods;
mod postgres;
mod reclassification;
mod scope;
mod shared_ground;
mod silence;
mod sqlite;
mod story;
mod sums;
mod surveys;
mod transfer;
mod unpublished;
mod upgrade;
mod verdicts;
mod withdrawals;
mod writers;

use crate::builders;
use tuban::store::{Store, SurveyKey, SurveyWriter};
use tuban_engine::model::{Finding, OnConflict, Patch, Provenance, Survey};

/// Runs every promise against every database: a promise that is not listed is reported as dead code.
macro_rules! promises {
    ($($room:ident: $($promise:ident),+;)+) => {
        promises!(on_sqlite sqlite $($room: $($promise),+;)+);
        promises!(on_postgres postgres $($room: $($promise),+;)+);
    };
    ($name:ident $database:ident $($room:ident: $($promise:ident),+;)+) => {
        mod $name {
            $(mod $room {
                $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $promise() {
                    let (store, _kept) = super::super::$database::fresh().await;
                    super::super::$room::$promise(&store).await;
                    store.verify().await.unwrap();
                })+
            })+
        }
    };
}

promises! {
    layers:
        a_layer_reads_back_to_the_last_bit, features_come_in_the_order_of_the_file_and_in_batches, layers_come_newest_first_within_a_kind,
        only_features_whose_box_touches_are_found, a_layer_under_a_finding_cannot_be_removed, a_removed_layer_is_gone_with_its_features,
        a_layer_that_is_not_there_is_not_found, what_is_left_out_of_a_layer_is_kept_with_it;
    surveys:
        a_survey_reads_back_as_it_was_stored, the_same_file_is_not_stored_twice_whatever_is_asked, the_same_file_may_come_for_another_month_or_level,
        a_second_survey_of_a_month_is_refused_by_default, replacing_leaves_nothing_of_the_old_ones_in_sight, adding_keeps_both, surveys_come_newest_period_first,
        rejects_come_by_row_and_page_by_page, provenance_reads_back_with_files_of_the_command_line, a_survey_cannot_rest_on_a_layer_that_is_gone,
        a_survey_that_turns_out_to_be_another_one_is_not_stored_twice,
        a_survey_that_is_not_there_is_not_found;
    periods:
        a_month_and_the_quarter_and_year_that_it_begins_are_three_periods, a_range_takes_what_lies_in_it_and_names_what_straddles,
        without_a_range_the_period_that_ends_last_is_summed, days_of_images_read_back;
    patches:
        a_patch_reads_back_to_the_last_bit, pages_follow_each_other_without_gap_or_repeat, every_filter_narrows_and_filters_add_up, a_box_finds_what_plain_comparison_finds,
        verdict_filters_see_the_confirmed_verdict_first, marks_carry_what_a_map_needs, a_patch_that_is_not_there_is_not_found, text_from_outside_is_never_sql;
    reclassification:
        new_findings_take_the_place_of_the_old_ones_and_all_else_stays, what_belongs_to_a_patch_follows_it_to_the_county_that_answers_for_it_now,
        a_reclassification_that_is_dropped_leaves_the_findings_that_were_there, a_reclassification_takes_each_patch_of_the_survey_once_and_no_other,
        new_findings_and_the_end_of_their_job_become_visible_together, new_findings_rest_on_what_is_there;
    scope:
        a_scope_sees_the_patches_of_its_counties_whatever_is_asked, a_patch_out_of_scope_is_filed_like_one_that_is_not_there;
    verdicts:
        an_unknown_id_keeps_the_whole_file_out, an_id_in_two_surveys_is_ambiguous_until_the_survey_is_named, the_latest_filing_counts, totals_sum_by_county_over_the_months,
        one_filing_adds_to_three_classes, doubtful_counts_as_pending, the_golden_row_of_the_city_comes_out, verdicts_for_a_survey_that_is_not_there_are_refused,
        a_preview_tells_what_would_change_and_changes_nothing, who_filed_it_and_when_stay_with_a_verdict_until_it_changes, a_filing_larger_than_the_patch_keeps_all_out;
    sums:
        any_order_of_the_same_areas_has_the_one_exact_sum, verdicts_have_exact_sums_too, the_largest_areas_that_are_taken_do_not_overflow_a_sum,
        specks_are_summed_in_units_of_a_billionth_of_a_billionth, patches_of_unknown_farmland_are_counted_by_county_and_class;
    shared_ground:
        ground_under_three_patches_counts_once, april_alone_never_changes_because_of_june, confirmed_comes_before_pending_and_higher_levels_first,
        of_contradicting_verdicts_the_first_counts_and_both_are_told, areas_filed_without_a_shape_are_taken_off_in_proportion,
        a_patch_of_unknown_farmland_is_forgotten_with_its_last_ground, any_rectangles_sum_to_what_counting_tiles_gives, patches_without_verdicts_never_change_the_confirmed_sums, pieces_go_with_their_patches;
    withdrawals:
        a_withdrawn_survey_is_nowhere_but_among_the_withdrawn, what_is_restored_is_what_it_was, a_place_that_was_filled_meanwhile_is_named_with_both,
        a_survey_moves_to_its_period_with_the_days_that_the_period_stands_for, what_was_withdrawn_long_ago_is_removed_for_good,
        a_replacement_keeps_number_and_verdict_of_what_did_not_change, numbers_of_replaced_patches_go_on_where_both_surveys_count,
        a_verdict_that_is_filed_while_its_survey_is_replaced_goes_on,
        what_was_taken_over_in_a_publication_that_was_undone_is_taken_over_again, verdicts_that_would_go_are_asked_about_and_nothing_is_done,
        a_replacement_takes_the_place_of_all_surveys_there_its_own_twin_included, patches_sent_again_are_asked_about,
        pages_follow_each_other_through_surveys_with_numbers_of_others, a_replacement_that_fails_leaves_what_was_there;
    writers:
        a_dropped_writer_leaves_nothing, a_cancelled_task_leaves_nothing_and_blocks_no_writer, writers_queue_up_instead_of_failing, readers_see_before_or_after_only,
        a_replacement_that_is_dropped_leaves_the_old_survey, what_reads_little_does_not_wait_for_what_reads_much,
        sums_and_what_they_rest_on_are_of_one_moment;
    unpublished:
        what_is_not_published_is_invisible, others_write_between_the_portions_of_a_long_one, a_writer_that_was_silent_for_too_long_can_write_no_more,
        whether_a_survey_may_come_is_decided_again_when_it_is_published, ground_is_looked_at_again_where_other_surveys_came_meanwhile,
        of_two_reclassifications_of_a_survey_one_comes_first, a_layer_stays_while_findings_are_written_that_rest_on_it;
    jobs:
        a_job_reads_back_with_its_file, a_job_that_is_not_there_is_not_found, each_job_goes_to_one_node_the_oldest_first,
        a_job_is_claimed_by_another_node_only_after_its_lease, progress_is_seen_and_the_lease_prolonged, a_stale_fencing_token_changes_nothing,
        a_survey_and_the_end_of_its_job_become_visible_together, a_layer_and_the_end_of_its_job_become_visible_together, a_job_stores_one_survey_at_most, a_job_given_back_is_claimed_again_after_the_pause,
        a_job_that_is_cancelled_is_over_and_its_holder_can_store_nothing, a_job_that_is_over_is_not_cancelled, claims_that_ran_out_are_counted_and_those_given_back_are_not,
        a_client_has_so_many_jobs_that_are_not_over_and_all_have_so_many,
        what_came_of_a_job_reads_back, jobs_wait_for_no_other_unless_both_ask_for_the_same,
        a_file_and_the_end_of_its_job_become_visible_together,
        files_that_jobs_made_are_dropped_by_age_and_beyond_a_size_the_oldest_first, jobs_go_on_while_a_survey_comes_in, of_jobs_that_are_over_the_last_thousand_are_remembered;
    story:
        a_year_in_the_city;
}

/// Stores a survey of these findings, resting on nothing.
async fn stored(store: &dyn Store, key: &SurveyKey, findings: Vec<(Patch, Finding)>) -> Survey {
    stored_on(store, key, findings, &Provenance { layers: Vec::new(), rule: "2022-1".to_owned() }).await
}

/// Stores a survey of these findings, resting on that.
async fn stored_on(store: &dyn Store, key: &SurveyKey, findings: Vec<(Patch, Finding)>, provenance: &Provenance) -> Survey {
    let mut writer = store.begin_survey(key.clone(), OnConflict::Add).await.unwrap();
    let facts = tuban_engine::model::NewSurvey { patches: findings.len() as u64, ..builders::facts(key) };
    let resting = on(&mut *writer, findings, provenance).await;
    writer.push(resting).await.unwrap();
    writer.commit(facts).await.unwrap()
}

/// The same findings, resting on that.
async fn on(writer: &mut dyn SurveyWriter, findings: Vec<(Patch, Finding)>, provenance: &Provenance) -> Vec<(Patch, Finding)> {
    let layer_set = writer.layer_set(provenance, [118.0, 35.0]).await.unwrap();
    findings.into_iter().map(|(patch, finding)| (patch, Finding { layer_set, ..finding })).collect()
}

/// Outlines that no library would let pass, which a store must give back as they are.
fn weird_outlines() -> Vec<tuban_geom::Outline> {
    use tuban_geom::Outline;
    let mut two_parts = Outline { multi: true, ..Outline::default() };
    two_parts.push_ring(&[[118.0, 35.0], [118.1, 35.0], [118.1, 35.1], [118.0, 35.0]]);
    two_parts.push_ring(&[[118.02, 35.01], [118.03, 35.01], [118.03, 35.02]]);
    two_parts.end_part();
    two_parts.push_ring(&[[119.0, 36.0]]);
    two_parts.end_part();
    let one_multi = Outline { multi: true, ..builders::square(118.0, 35.0, 0.1) };
    vec![
        builders::square(118.123_456_789_012_34, 35.000_000_000_000_01, 1e-13),
        Outline::polygon(&[[[118.0, 35.0], [118.1, 35.0], [118.1, 35.1]]]),
        Outline::polygon(&[&[[118.0, 35.0], [118.1, 35.0]][..], &[]]),
        Outline::polygon::<[[f64; 2]; 0]>(&[]),
        Outline::default(),
        Outline::polygon(&[[[-0.0, f64::MIN_POSITIVE], [f64::MAX, f64::EPSILON], [1e-300, 5e-324], [f64::INFINITY, f64::NEG_INFINITY]]]),
        two_parts,
        one_multi,
    ]
}
