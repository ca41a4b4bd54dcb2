//! The hub: its addresses keep the contract of `MailAccess`, and it works on real servers.

mod harness;
mod servers;
#[path = "../shared/mod.rs"]
mod shared;

use std::process::ExitCode;
use std::sync::Arc;

use libtest_mimic::{Arguments, Completion, Trial};
use mail_access::conformance::CASES;
use shared::Shared;
use tokio::runtime::Runtime;

fn main() -> ExitCode {
    let runtime = Arc::new(Runtime::new().expect("a runtime starts"));
    let mut trials: Vec<_> = CASES
        .iter()
        .filter(|case| !NOT_PROMISED.contains(&case.name()))
        .map(|case| {
            let (runtime, case) = (Arc::clone(&runtime), *case);
            Trial::ignorable_test(format!("hub-over-post-office::{}", case.name()), move || {
                Ok(runtime.block_on(async {
                    match case.run(&harness::HubHarness::new()).await {
                        Err(missing) => Completion::ignored_with(missing),
                        Ok(()) => Completion::Completed,
                    }
                }))
            })
        })
        .collect();
    let worlds = [true, false].map(|filter| (filter, Shared::new(move || servers::start(filter))));
    for (filter, world) in &worlds {
        for (name, _, case) in servers::CASES.iter().filter(|(_, wanted, _)| wanted == filter) {
            let name = format!("postfix-dovecot::{name}");
            trials.push(world.trial(name, |world, runtime| runtime.block_on(case(world))));
        }
    }
    let conclusion = libtest_mimic::run(&Arguments::from_args(), trials);
    // The trials are gone, and with them all other owners: the servers stop here.
    drop(worlds);
    conclusion.exit_code()
}

/// Passwords of a hub's addresses are not looked at, and to the server every address of the domain is one, which it
/// reports as an alias of the hub's mailbox.
const NOT_PROMISED: [&str; 4] = [
    "a_wrong_password_is_refused_by_every_method",
    "an_error_is_never_an_empty_batch",
    "an_unknown_recipient_is_refused_or_reported_by_a_dsn",
    "a_delivery_is_reported_to_who_asks_for_it",
];
