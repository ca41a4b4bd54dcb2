//! The cases that every [`MailAccess`](crate::MailAccess) and every [`MessageStore`](crate::MessageStore) has to pass,
//! one for each sentence of their contracts.
//!
//! A backend implements [`Harness`] and runs each of [`CASES`]; a case that fails panics. This module follows the
//! needs of the cases and is not covered by semantic versioning.

mod changing;
mod content;
mod desk;
mod exchange;
mod fetch;
mod folders;
mod harness;
mod login;
mod mark_seen;
mod reading;
mod recipients;
mod rename;
mod reports;
mod search;
mod smuggling;
mod store;
mod submit;
mod wait;

use std::fmt;
use std::future::Future;
use std::pin::Pin;

pub use self::harness::{Harness, Missing};

/// One sentence of the contract, and what proves it.
#[derive(Clone, Copy)]
pub struct Case {
    name: &'static str,
    run: for<'a> fn(&'a dyn Harness) -> Running<'a>,
}

impl Case {
    /// Returns the sentence, as a name in lower case with underscores.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Runs the case; cases may run at the same time.
    ///
    /// # Errors
    /// [`Missing`] if the harness can't do what the case needs: it was not proved, and not refuted.
    ///
    /// # Panics
    /// If the contract is broken; the message says where.
    pub async fn run(&self, harness: &dyn Harness) -> Result<(), Missing> {
        (self.run)(harness).await
    }
}

impl fmt::Debug for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

type Running<'a> = Pin<Box<dyn Future<Output = Result<(), Missing>> + Send + 'a>>;

macro_rules! cases {
    ($($module:ident: $($case:ident)*;)*) => {
        &[$($(Case { name: stringify!($case), run: |harness| Box::pin($module::$case(harness)) },)*)*]
    };
}

/// All cases. One that is not listed here is dead code, and the compiler says so.
pub const CASES: &[Case] = cases! {
    login:
        a_wrong_password_is_refused_by_every_method
        an_unknown_login_is_refused_by_every_method
        a_login_for_submission_is_checked_and_nothing_is_sent
        one_mailbox_bears_all_methods_at_the_same_time;
    submit:
        what_is_accepted_is_delivered
        a_plus_address_delivers
        the_catch_all_takes_what_nobody_owns
        an_unknown_recipient_is_refused_or_reported_by_a_dsn
        another_sender_is_refused
        an_oversized_message_is_refused
        submissions_of_one_login_at_the_same_time_all_arrive_once
        an_interrupted_submit_has_taken_the_message_or_not
        a_message_submitted_again_is_delivered_again_with_its_message_id
        a_dropped_submit_leaves_the_message_whole_or_not_at_all;
    smuggling:
        no_body_smuggles_a_second_message;
    recipients:
        one_refused_recipient_does_not_lose_the_others
        each_refused_recipient_has_an_answer_of_its_own
        all_or_nothing_reaches_nobody_if_one_recipient_is_refused
        if_all_recipients_are_refused_nothing_is_sent
        if_several_are_refused_each_is_named
        recipients_over_the_limit_are_put_off_and_the_others_get_it
        a_message_to_many_arrives_once_at_each;
    content:
        a_message_arrives_byte_for_byte
        what_the_system_adds_stands_above_the_message
        a_body_that_a_dot_could_end_arrives_as_one_message
        bytes_over_127_arrive_as_they_are
        a_line_of_998_bytes_stays_whole_and_a_longer_one_loses_nothing
        a_blind_copy_arrives_and_does_not_show
        a_blind_copy_that_stands_in_the_header_is_taken_out;
    reports:
        what_was_accepted_and_fails_later_is_reported
        a_full_mailbox_is_refused_or_reported
        a_delivery_is_reported_to_who_asks_for_it
        without_a_wish_for_reports_there_is_none;
    fetch:
        an_error_is_never_an_empty_batch
        messages_come_whole_and_in_the_order_of_their_uids
        at_most_limit_messages_are_given_out_those_with_the_lowest_uids
        a_limit_of_0_counts_as_1
        a_position_of_another_uidvalidity_begins_at_the_first_message
        a_mailbox_numbered_anew_shows_another_uidvalidity
        uids_that_are_no_longer_there_are_left_out
        uids_of_another_uidvalidity_are_an_error
        the_worked_example_comes_out_as_written
        a_message_is_found_by_its_message_id
        a_message_that_can_not_be_given_out_keeps_no_other_back
        fetching_changes_nothing
        a_dropped_fetch_leaves_nothing_behind;
    mark_seen:
        all_are_marked_in_one_go
        marking_what_is_gone_or_marked_changes_nothing
        marking_in_another_uidvalidity_is_an_error_and_marks_nothing
        without_uids_nothing_is_done
        a_dropped_mark_leaves_each_message_marked_or_not;
    wait:
        a_wait_ends_when_a_message_arrives
        nothing_between_fetch_and_wait_is_missed
        a_wait_behind_another_uidvalidity_ends_at_once
        a_wait_ends_after_its_time
        waiting_changes_nothing
        waiting_and_reading_in_turns_gives_each_message_once
        a_dropped_wait_leaves_the_next_call_correct;
    store:
        a_wrong_login_is_refused_by_every_method_of_the_store
        a_folder_that_is_not_there_is_refused_by_every_method
        uids_of_another_uidvalidity_are_refused_by_every_method_and_nothing_is_done
        without_uids_no_method_does_anything
        one_mailbox_bears_all_methods_of_the_store_at_the_same_time;
    folders:
        each_folder_is_listed_once_by_name_the_inbox_among_them
        a_folder_tells_what_it_is_meant_for
        a_name_that_only_holds_others_is_no_folder
        names_in_any_script_come_back_as_they_were
        a_created_folder_is_empty_and_those_above_it_are_listed
        a_folder_that_is_there_already_is_left_as_it_is
        a_name_with_an_empty_level_is_refused
        a_deleted_folder_is_gone_with_its_messages_and_those_below_it_stay
        to_delete_a_folder_that_is_not_there_is_no_error
        the_inbox_can_not_be_deleted
        a_folder_of_the_system_is_there_again_empty_and_numbered_anew
        a_dropped_create_or_delete_is_done_or_not;
    rename:
        a_renamed_folder_keeps_its_messages_and_those_below_go_along
        what_can_not_be_renamed_is_refused_and_stays
        the_inbox_can_not_be_renamed
        renaming_changes_no_subscription
        a_dropped_rename_is_done_or_not
        a_subscription_is_noted_however_often_it_is_said
        a_subscription_outlives_its_folder
        a_name_without_a_folder_can_only_be_unsubscribed_from
        a_dropped_subscription_is_noted_or_not;
    search:
        uids_found_come_in_ascending_order_each_once
        no_match_is_an_empty_list_and_a_failed_search_an_error
        text_is_found_in_any_case_charset_and_encoding
        empty_text_is_found_in_every_field_and_every_body
        parts_are_searched_as_far_as_they_are_text
        text_can_not_end_what_it_stands_in
        flags_uids_dates_and_sizes_are_found
        a_message_is_searched_by_its_message_id
        a_dropped_search_leaves_nothing_behind;
    reading:
        a_status_counts_messages_and_those_unseen
        a_list_tells_sizes_flags_and_dates_by_ascending_uid
        a_list_and_a_stream_give_out_what_is_selected
        a_stream_gives_out_whole_messages_and_marks_none
        a_stream_ends_with_its_first_error
        a_dropped_stream_disturbs_no_other_call
        the_bytes_of_a_range_are_read
        a_range_that_can_not_be_is_invalid
        a_message_that_is_gone_can_not_be_read
        what_came_changed_or_went_is_told
        a_quota_counts_all_folders_to_the_kib
        without_a_quota_there_is_none
        reading_changes_nothing_be_it_dropped_or_not;
    changing:
        flags_and_keywords_are_added_taken_away_and_set
        flags_of_what_is_gone_and_flags_that_are_set_change_nothing
        a_dropped_change_of_flags_leaves_each_message_changed_or_not
        an_appended_message_is_kept_as_it_is
        a_message_appended_twice_is_there_twice
        what_can_not_be_appended_is_refused
        a_dropped_append_leaves_the_message_whole_or_not_at_all
        these_messages_are_expunged_and_no_others
        a_dropped_expunge_leaves_each_message_removed_or_not
        copies_have_the_flags_and_the_dates_and_their_places_are_told
        what_is_not_there_is_neither_copied_nor_moved
        a_folder_may_be_its_own_target
        without_room_nothing_is_copied_and_all_can_be_moved
        a_dropped_copy_leaves_all_copied_or_none
        an_interrupted_copy_was_made_or_not
        moved_messages_are_in_the_other_folder_as_they_were
        a_dropped_move_leaves_each_message_in_one_folder_or_both;
};
