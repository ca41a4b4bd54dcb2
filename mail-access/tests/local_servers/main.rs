//! The servers by themselves, over raw sockets and TLS.

mod client;
mod lifetime;
mod mail;

use std::env;
use std::process::ExitCode;
use std::sync::{Arc, OnceLock};

use libtest_mimic::{Arguments, Failed, Trial};
use mail_access::{LocalServers, LocalServersConfig};

fn main() -> ExitCode {
    if let Ok(order) = env::var(lifetime::CHILD) {
        return lifetime::child(&order);
    }
    let unavailable =
        LocalServers::available().err().filter(|_| env::var_os(REQUIRED).is_none_or(|v| v != "1"));
    if let Some(reason) = &unavailable {
        eprintln!("every case is ignored: {reason}");
    }
    let servers = Arc::new(OnceLock::new());
    let mut trials: Vec<Trial> =
        lifetime::CASES.iter().map(|(name, case)| trial(name, unavailable.is_some(), case)).collect();
    trials.extend(mail::CASES.iter().map(|(name, case)| {
        let servers = Arc::clone(&servers);
        trial(name, unavailable.is_some(), move || {
            let servers =
                servers.get_or_init(|| LocalServers::start(&config()).map_err(|error| error.to_string()));
            let servers = servers.as_ref()?;
            case(servers).map_err(|error| Failed::from(format!("{error}\n{}", servers.log_tail())))
        })
    }));
    let conclusion = libtest_mimic::run(&Arguments::from_args(), trials);
    // The trials are gone, and with them all but this owner: the servers stop here, `exit` would skip that.
    drop(servers);
    conclusion.exit_code()
}

fn trial(name: &str, ignored: bool, case: impl FnOnce() -> Result<(), Failed> + Send + 'static) -> Trial {
    Trial::test(name, case).with_kind("local-servers").with_ignored_flag(ignored)
}

fn config() -> LocalServersConfig {
    LocalServersConfig::new(["example.test", "acl.test"]).with_message_size_limit(mail::SIZE_LIMIT)
}

/// A case says what it saw instead of panicking, so that the logs can be added.
type Outcome = Result<(), Box<dyn std::error::Error>>;

/// Set to 1 where a missing installation is a failure.
const REQUIRED: &str = "AGENT_MAIL_REQUIRE_SERVERS";
