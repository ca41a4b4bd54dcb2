//! The cases that every [`MailAccess`](crate::MailAccess) has to pass, one for each sentence of its contract.
//!
//! A backend implements [`Harness`] and runs each of [`CASES`]; a case that fails panics. This module follows the
//! needs of the cases and is not covered by semantic versioning.

mod exchange;
mod fetch;
mod harness;
mod login;
mod mark_seen;
mod smuggling;
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
        one_mailbox_bears_all_methods_at_the_same_time;
    submit:
        what_is_accepted_is_delivered
        a_message_arrives_byte_for_byte
        a_blind_copy_arrives_and_does_not_show
        a_plus_address_delivers
        the_catch_all_takes_what_nobody_owns
        an_unknown_recipient_is_refused_or_reported_by_a_dsn
        one_refused_recipient_does_not_lose_the_others
        all_or_nothing_reaches_nobody_if_one_recipient_is_refused
        if_all_recipients_are_refused_nothing_is_sent
        another_sender_is_refused
        an_oversized_message_is_refused
        a_message_submitted_again_is_delivered_again_with_its_message_id
        a_dropped_submit_leaves_the_message_whole_or_not_at_all;
    smuggling:
        no_body_smuggles_a_second_message;
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
        a_dropped_wait_leaves_the_next_call_correct;
};
