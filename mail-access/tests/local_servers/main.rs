//! The servers by themselves, over raw sockets and TLS.

mod client;
mod faults;
mod lifetime;
mod mail;

use std::env;
use std::error::Error;
use std::process::ExitCode;
use std::sync::{Arc, OnceLock};

use libtest_mimic::{Arguments, Completion, Trial};
use mail_access::{LocalServers, LocalServersConfig};

fn main() -> ExitCode {
    if let Ok(order) = env::var(lifetime::CHILD) {
        return lifetime::child(&order);
    }
    let servers = Arc::new(OnceLock::new());
    let alone = lifetime::CASES.iter().chain(faults::CASES).map(|(name, case)| trial(name, case));
    let shared = mail::CASES.iter().map(|(name, case)| {
        let servers = Arc::clone(&servers);
        trial(name, move || {
            let servers = servers.get_or_init(|| LocalServers::start(&config()));
            let servers = servers.as_ref().map_err(Clone::clone)?;
            case(servers).map_err(|error| format!("{error}\n{}", servers.log_tail()).into())
        })
    });
    let conclusion = libtest_mimic::run(&Arguments::from_args(), alone.chain(shared).collect());
    // The trials are gone, and with them all other owners: the servers stop here.
    drop(servers);
    conclusion.exit_code()
}

/// A case is ignored with the reason where the servers cannot run, unless they are required.
fn trial(name: &str, case: impl FnOnce() -> Outcome + Send + 'static) -> Trial {
    let trial = Trial::ignorable_test(name, || match LocalServers::available() {
        Err(reason) if env::var(REQUIRED).as_deref() != Ok("1") => Ok(Completion::ignored_with(reason)),
        _ => case().map(|()| Completion::Completed).map_err(|error| error.to_string().into()),
    });
    trial.with_kind("local-servers")
}

fn config() -> LocalServersConfig {
    LocalServersConfig::new(["example.test", "acl.test"]).with_message_size_limit(mail::SIZE_LIMIT)
}

type Case = fn() -> Outcome;

/// A case says what it saw instead of panicking, so that the servers' logs can be added.
type Outcome = Result<(), Box<dyn Error>>;

/// Set to 1 where a missing installation is a failure.
const REQUIRED: &str = "AGENT_MAIL_REQUIRE_SERVERS";
