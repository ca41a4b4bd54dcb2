//! The whole way on real servers: Mailcow and deSEC as fakes over HTTP, mail through Postfix and Dovecot.

mod desk;
mod fleet;
mod outbox;
#[path = "../program/mod.rs"]
mod program;
mod worker;
mod world;

use std::env;
use std::process::ExitCode;

use libtest_mimic::{Arguments, Completion, Trial};
use mail_access::LocalServers;

use world::World;

fn main() -> ExitCode {
    if let Ok(report) = env::var(worker::REPORT) {
        return worker::main(&report);
    }
    if let Ok(guarantee) = env::var(outbox::DIES) {
        return outbox::main(&guarantee);
    }
    let trials = vec![
        trial("the_program_runs_on_real_servers", fleet::the_program_runs_on_real_servers),
        trial("a_killed_program_loses_nothing_and_repeats_nothing_untold", worker::killed_and_started_again),
        trial("conversations_and_drafts_at_real_servers", desk::conversations_and_drafts_at_real_servers),
        trial("a_retired_agent_can_not_log_in", fleet::a_retired_agent_can_not_log_in),
        trial("the_courier_sends_and_files_copies", outbox::the_courier_sends_and_files_copies),
        trial(
            "a_message_that_was_taken_when_the_program_died_is_not_sent_again",
            outbox::a_message_that_was_taken_when_the_program_died_is_not_sent_again,
        ),
    ];
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

/// A case is ignored with the reason where the servers cannot run, unless they are required.
fn trial(name: &str, case: impl FnOnce(&World) + Send + 'static) -> Trial {
    let run = move || match LocalServers::available() {
        Err(reason) if env::var(REQUIRED).as_deref() != Ok("1") => Ok(Completion::ignored_with(reason)),
        _ => {
            let world = World::start();
            let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| case(&world)));
            // The test's own message is on standard error already; the servers' side of it is not.
            outcome.map_err(|_| world.servers().log_tail())?;
            Ok(Completion::Completed)
        }
    };
    Trial::ignorable_test(name, run).with_kind("postfix-dovecot")
}

/// Set to 1 where a missing installation is a failure.
const REQUIRED: &str = "AGENT_MAIL_REQUIRE_SERVERS";
