//! Holds each [`MessageStore`](mail_access::MessageStore) against a plain model of a mailbox: some random operations,
//! and no difference.
//!
//! `MODEL_OPERATIONS` sets how many operations a run on PostOffice has, a run on real servers has fewer; `MODEL_SEED`
//! repeats a run.

mod letters;
mod plain;
mod queries;
mod random;
mod run;

#[path = "../conformance/cutting.rs"]
mod cutting;
#[path = "../conformance/post_office.rs"]
mod post_office;
#[path = "../conformance/postfix_dovecot.rs"]
mod postfix_dovecot;

use std::env;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use libtest_mimic::{Arguments, Completion, Trial};
use mail_access::Policy;
use mail_access::conformance::Harness;
use tokio::runtime::Runtime;

use post_office::OfficeHarness;
use postfix_dovecot::ServersHarness;
use run::Run;

fn main() {
    let arguments = Arguments::from_args();
    let operations = number("MODEL_OPERATIONS").unwrap_or(OPERATIONS);
    let seed = number("MODEL_SEED").unwrap_or_else(by_the_clock);
    let trials = vec![
        Trial::ignorable_test("post-office::behaves_as_the_plain_model", move || {
            Ok(trial(&|| Ok(Arc::new(OfficeHarness::new(Policy::like_postfix()))), seed, operations))
        }),
        Trial::ignorable_test("postfix-dovecot::behaves_as_the_plain_model", move || {
            Ok(trial(&servers, seed, operations * SHARE / 100))
        }),
    ];
    libtest_mimic::run(&arguments, trials).exit();
}

fn trial(start: &dyn Fn() -> Result<Arc<dyn Harness>, String>, seed: u64, operations: u64) -> Completion {
    let harness = match start() {
        Ok(harness) => harness,
        Err(reason) => return Completion::ignored_with(reason),
    };
    println!("MODEL_SEED={seed} MODEL_OPERATIONS={operations}");
    let runtime = Runtime::new().expect("a runtime starts");
    match runtime.block_on(Run::open(&*harness, seed)) {
        Err(missing) => Completion::ignored_with(missing),
        Ok(mut run) => {
            runtime.block_on(run.operate(operations));
            Completion::Completed
        }
    }
}

fn servers() -> Result<Arc<dyn Harness>, String> {
    match ServersHarness::start() {
        Ok(harness) => Ok(Arc::new(harness)),
        Err(reason) if env::var(REQUIRED).as_deref() != Ok("1") => Err(reason),
        Err(reason) => panic!("the servers are required and don't run: {reason}"),
    }
}

fn number(variable: &str) -> Option<u64> {
    let text = env::var(variable).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{variable}={text} is no number")))
}

fn by_the_clock() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("it is after 1970");
    now.as_secs() << 20 | u64::from(now.subsec_micros())
}

const OPERATIONS: u64 = 2_000;
/// Of the operations on PostOffice, in percent.
const SHARE: u64 = 15;
/// Set to 1 where a missing installation is a failure.
const REQUIRED: &str = "AGENT_MAIL_REQUIRE_SERVERS";
