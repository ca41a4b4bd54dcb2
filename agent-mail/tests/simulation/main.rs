//! The world in memory as a simulator: what a seed decides, and what has to hold whatever it decides.
#![allow(
    clippy::duration_suboptimal_units,
    clippy::items_after_statements,
    clippy::match_same_arms,
    clippy::redundant_closure_for_method_calls,
    clippy::similar_names,
    clippy::unchecked_time_subtraction,
    reason = "a story reads best as a table: its times in one unit, its cases line by line"
)]

mod cassettes;
mod contract;
mod determinism;
mod outages;
mod outside;
mod stories;
mod troubles;

use agent_mail::{Address, AgentId, NewMessage};
use tokio::runtime::{Builder, Runtime};

fn id(name: &str) -> AgentId {
    name.parse().expect("it is a name")
}

fn address(text: &str) -> Address {
    text.parse().expect("it is an address")
}

fn note(to: &Address, subject: &str) -> NewMessage {
    NewMessage::to(to).with_subject(subject).with_text("A line of text.")
}

fn paused() -> Runtime {
    Builder::new_current_thread().enable_all().start_paused(true).build().expect("a runtime can be made")
}

/// How many seeds a test tries.
fn seeds(default: u64) -> u64 {
    let wanted = std::env::var("AGENT_MAIL_SEEDS").ok().and_then(|text| text.parse().ok());
    wanted.unwrap_or(default)
}

/// The first seed, to go on with one that failed.
fn first_seed() -> u64 {
    std::env::var("AGENT_MAIL_SEED").ok().and_then(|text| text.parse().ok()).unwrap_or(1)
}
