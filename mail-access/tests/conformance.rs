//! Runs the cases of the contract of `MailAccess` over each backend, as `backend::case`.

mod conformance {
    pub(crate) mod post_office;
}

use std::sync::Arc;

use libtest_mimic::{Arguments, Completion, Trial};
use mail_access::conformance::{CASES, Case, Harness};
use tokio::runtime::Runtime;

use conformance::post_office::OfficeHarness;

fn main() {
    let arguments = Arguments::from_args();
    let runtime = Arc::new(Runtime::new().expect("a runtime starts"));
    let backends = [Backend { name: "post-office", harness: Ok(Arc::new(OfficeHarness::new())) }];
    let trials = backends.iter().flat_map(|backend| backend.trials(&runtime)).collect();
    libtest_mimic::run(&arguments, trials).exit();
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

fn run(case: Case, runtime: &Runtime, harness: Result<Arc<dyn Harness>, String>) -> Completion {
    match harness {
        Err(reason) => Completion::ignored_with(reason),
        Ok(harness) => match runtime.block_on(case.run(&*harness)) {
            Err(missing) => Completion::ignored_with(missing),
            Ok(()) => Completion::Completed,
        },
    }
}
