//! Runs the cases of the contract of `MailAccess` over each backend, as `backend::case`.

mod conformance {
    pub(crate) mod alike;
    pub(crate) mod cutting;
    pub(crate) mod post_office;
    pub(crate) mod postfix_dovecot;
    pub(crate) mod postfix_pop3;
}

use std::env;
use std::sync::Arc;

use libtest_mimic::{Arguments, Completion, Trial};
use mail_access::Policy;
use mail_access::conformance::{CASES, Case, Harness};
use tokio::runtime::Runtime;

use conformance::alike::portrait;
use conformance::post_office::OfficeHarness;
use conformance::postfix_dovecot::ServersHarness;
use conformance::postfix_pop3::{Pop3Harness, leaves_no_trace_but_what_it_deletes};

fn main() {
    let arguments = Arguments::from_args();
    let runtime = Arc::new(Runtime::new().expect("a runtime starts"));
    let servers = postfix_dovecot(&arguments);
    let pop3 = servers.clone().and_then(postfix_pop3);
    let backends = [
        Backend { name: "post-office", harness: Ok(Arc::new(OfficeHarness::new(Policy::new()))) },
        Backend {
            name: "post-office-like-postfix",
            harness: Ok(Arc::new(OfficeHarness::new(Policy::like_postfix()))),
        },
        Backend {
            name: "postfix-dovecot",
            harness: servers.clone().map(|servers| servers as Arc<dyn Harness>),
        },
        Backend { name: "postfix-pop3", harness: pop3.clone().map(|pop3| pop3 as Arc<dyn Harness>) },
    ];
    let mut trials: Vec<_> = backends.iter().flat_map(|backend| backend.trials(&runtime)).collect();
    trials.push(no_trace(&runtime, pop3));
    trials.push(alike(&runtime, &backends[1], &backends[2]));
    let conclusion = libtest_mimic::run(&arguments, trials);
    // The servers stop when their last owner goes, which no exit would wait for.
    drop(backends);
    conclusion.exit();
}

/// Starts the servers unless only a list is wanted.
fn postfix_dovecot(arguments: &Arguments) -> Result<Arc<ServersHarness>, String> {
    if arguments.list {
        return Err("not started for a list".to_owned());
    }
    match ServersHarness::start() {
        Ok(harness) => Ok(Arc::new(harness)),
        Err(reason) if env::var(REQUIRED).as_deref() != Ok("1") => Err(reason),
        Err(reason) => panic!("the servers are required and don't run: {reason}"),
    }
}

/// Reads the same servers by POP3.
fn postfix_pop3(servers: Arc<ServersHarness>) -> Result<Arc<Pop3Harness>, String> {
    match Pop3Harness::new(servers) {
        Ok(harness) => Ok(Arc::new(harness)),
        Err(reason) if env::var(REQUIRED).as_deref() != Ok("1") => Err(reason),
        Err(reason) => panic!("the servers are required and don't run: {reason}"),
    }
}

struct Backend {
    name: &'static str,
    /// Or why it is not available: each of its cases is then shown as ignored for this reason.
    harness: Result<Arc<dyn Harness>, String>,
}

impl Backend {
    /// All trials share a runtime, as connections that a backend keeps belong to one.
    fn trials(&self, runtime: &Arc<Runtime>) -> impl Iterator<Item = Trial> {
        CASES.iter().map(|case| {
            let (runtime, harness) = (Arc::clone(runtime), self.harness.clone());
            Trial::ignorable_test(format!("{}::{}", self.name, case.name()), move || {
                Ok(run(*case, &runtime, harness))
            })
        })
    }
}

fn no_trace(runtime: &Arc<Runtime>, pop3: Result<Arc<Pop3Harness>, String>) -> Trial {
    let runtime = Arc::clone(runtime);
    Trial::ignorable_test("pop3_leaves_no_trace_but_what_it_deletes", move || match pop3 {
        Err(reason) => Ok(Completion::ignored_with(reason)),
        Ok(pop3) => {
            runtime.block_on(leaves_no_trace_but_what_it_deletes(&pop3));
            Ok(Completion::Completed)
        }
    })
}

/// The office has to speak as the servers do, word for word.
fn alike(runtime: &Arc<Runtime>, office: &Backend, servers: &Backend) -> Trial {
    let runtime = Arc::clone(runtime);
    let (office, servers) = (office.harness.clone(), servers.harness.clone());
    Trial::ignorable_test("post_office_speaks_as_postfix_and_dovecot_do", move || {
        let (office, servers) = match (office, servers) {
            (Ok(office), Ok(servers)) => (office, servers),
            (_, Err(reason)) | (Err(reason), _) => return Ok(Completion::ignored_with(reason)),
        };
        let ours = runtime.block_on(portrait(&*office)).expect("the office can do all of it");
        let theirs = runtime.block_on(portrait(&*servers)).expect("the servers can do all of it");
        assert_alike(&ours, &theirs);
        Ok(Completion::Completed)
    })
}

fn assert_alike(ours: &[String], theirs: &[String]) {
    for (ours, theirs) in ours.iter().zip(theirs) {
        assert_eq!(ours, theirs, "the office doesn't say what the servers say");
    }
    assert_eq!(ours.len(), theirs.len());
}

fn run(case: Case, runtime: &Runtime, harness: Result<Arc<dyn Harness>, String>) -> Completion {
    match harness {
        Err(reason) => Completion::ignored_with(reason),
        Ok(harness) => match runtime.block_on(case.run(&*harness)) {
            Err(missing) => Completion::ignored_with(missing),
            Ok(()) => Completion::Completed,
        },
    }
}

/// Set to 1 where a missing installation is a failure.
const REQUIRED: &str = "AGENT_MAIL_REQUIRE_SERVERS";
