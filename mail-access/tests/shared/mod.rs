use std::env;
use std::fmt::Display;
use std::sync::{Arc, OnceLock};

use libtest_mimic::{Completion, Trial};
use mail_access::LocalServers;
use tokio::runtime::Runtime;

/// What many cases share: real servers, started with the first case that wants them. They stop with the last owner, which
/// has to go before the program ends.
pub(crate) struct Shared<W, E> {
    start: Box<dyn Fn() -> Result<W, E> + Send + Sync>,
    started: OnceLock<Result<W, E>>,
    runtime: Runtime,
}

impl<W: Send + Sync + 'static, E: Display + Send + Sync + 'static> Shared<W, E> {
    pub(crate) fn new(start: impl Fn() -> Result<W, E> + Send + Sync + 'static) -> Arc<Self> {
        let runtime = Runtime::new().expect("a runtime starts");
        Arc::new(Self { start: Box::new(start), started: OnceLock::new(), runtime })
    }

    /// Makes a trial of a case, which is ignored with the reason where the servers can't run, unless they are required.
    pub(crate) fn trial(
        self: &Arc<Self>,
        name: impl Into<String>,
        case: impl FnOnce(&W, &Runtime) + Send + 'static,
    ) -> Trial {
        let shared = Arc::clone(self);
        Trial::ignorable_test(name, move || match LocalServers::available() {
            Err(reason) if env::var(REQUIRED).as_deref() != Ok("1") => Ok(Completion::ignored_with(reason)),
            _ => {
                let started = shared.started.get_or_init(|| (shared.start)());
                case(started.as_ref().map_err(ToString::to_string)?, &shared.runtime);
                Ok(Completion::Completed)
            }
        })
    }
}

/// Set to 1 where a missing installation is a failure.
const REQUIRED: &str = "AGENT_MAIL_REQUIRE_SERVERS";
