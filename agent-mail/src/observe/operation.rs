use futures_util::FutureExt as _;
use mail_access::{DomainName, MessageId, Outgoing};
use tracing::{Instrument as _, Span, field::Empty};

use crate::{AgentId, Error, ErrorKind};

/// What the facade does, as spans and metrics name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Operation {
    /// An agent gets its mailbox.
    Provision,
    /// An agent's mailbox is opened.
    Open,
    /// An agent is removed.
    Retire,
    /// A message is sent while the caller waits.
    Send,
    /// A message is put into the outbox.
    Enqueue,
    /// The courier tries to get on with a message in the outbox.
    Attempt,
    /// An event is handed out.
    HandOut,
    /// An event is acknowledged.
    Acknowledge,
    /// A handler handles an event.
    Handle,
    /// A check is asked about a message.
    Check,
}

/// The target of all spans of the agents' half.
pub const TARGET: &str = "agent_mail";

impl Operation {
    /// All operations.
    pub const ALL: [Self; 10] = [
        Self::Provision,
        Self::Open,
        Self::Retire,
        Self::Send,
        Self::Enqueue,
        Self::Attempt,
        Self::HandOut,
        Self::Acknowledge,
        Self::Handle,
        Self::Check,
    ];

    /// Returns its name, as it stands in the field and in the label `operation`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Provision => "provision",
            Self::Open => "open",
            Self::Retire => "retire",
            Self::Send => "send",
            Self::Enqueue => "enqueue",
            Self::Attempt => "attempt",
            Self::HandOut => "hand_out",
            Self::Acknowledge => "acknowledge",
            Self::Handle => "handle",
            Self::Check => "check",
        }
    }

    /// Returns the name of its span.
    pub const fn span(self) -> &'static str {
        match self {
            Self::Provision => "agent_mail.provision",
            Self::Open => "agent_mail.open",
            Self::Retire => "agent_mail.retire",
            Self::Send => "agent_mail.send",
            Self::Enqueue => "agent_mail.enqueue",
            Self::Attempt => "agent_mail.attempt",
            Self::HandOut => "agent_mail.hand_out",
            Self::Acknowledge => "agent_mail.acknowledge",
            Self::Handle => "agent_mail.handle",
            Self::Check => "agent_mail.check",
        }
    }

    /// Begins it for an agent. What follows belongs to it, until what it is laid [`over`](Watch::over) ends.
    pub(crate) fn begin(self, agent: &AgentId) -> Watch {
        macro_rules! span {
            ($level:ident, $operation:ident) => {
                tracing::span!(
                    target: TARGET,
                    tracing::Level::$level,
                    Operation::$operation.span(),
                    operation = Operation::$operation.name(),
                    agent = agent.as_str(),
                    message_id = Empty,
                    uid = Empty,
                    kind = Empty,
                    redelivery = Empty,
                    check = Empty,
                    ruling = Empty,
                    outcome = Empty,
                )
            };
        }
        let span = match self {
            Self::Provision => span!(INFO, Provision),
            Self::Open => span!(DEBUG, Open),
            Self::Retire => span!(INFO, Retire),
            Self::Send => span!(INFO, Send),
            Self::Enqueue => span!(INFO, Enqueue),
            Self::Attempt => span!(INFO, Attempt),
            Self::HandOut => span!(DEBUG, HandOut),
            Self::Acknowledge => span!(DEBUG, Acknowledge),
            Self::Handle => span!(INFO, Handle),
            Self::Check => span!(DEBUG, Check),
        };
        Watch {
            span,
            #[cfg(feature = "metrics")]
            timer: super::meter::Timer::start(self),
        }
    }
}

/// An operation that was begun.
#[derive(Debug)]
pub(crate) struct Watch {
    pub(super) span: Span,
    #[cfg(feature = "metrics")]
    timer: super::meter::Timer,
}

impl Watch {
    /// Lets work be done as this operation.
    pub(crate) fn over<T>(
        self,
        work: impl Future<Output = Result<T, Error>>,
    ) -> impl Future<Output = Result<T, Error>> {
        let span = self.span.clone();
        work.instrument(span).map(move |result| {
            self.end(outcome(&result));
            result
        })
    }

    fn end(self, outcome: &'static str) {
        self.span.record("outcome", outcome);
        #[cfg(feature = "metrics")]
        self.timer.stop(outcome);
    }
}

/// Names the message of the operation that is going on: one that was just given its identity.
pub(crate) fn sealed(message: Outgoing) -> Outgoing {
    with_current(|span| {
        span.record("message_id", message.message_id().as_str());
    });
    message
}

/// Does something with the span of the operation that is going on, if somebody listens. A span of the program's own is
/// left alone.
pub(super) fn with_current(act: impl FnOnce(&Span)) {
    let span = Span::current();
    if span.metadata().is_some_and(|metadata| metadata.target() == TARGET) {
        act(&span);
    }
}

/// Returns an identity if an agent of this domain can have drawn it; of others, anybody may have written anything.
pub(super) fn own<'a>(id: &'a MessageId, domain: &DomainName) -> Option<&'a str> {
    let (random, of) = id.as_str().split_once('@')?;
    let is_random = random.len() == 32 && random.bytes().all(|byte| byte.is_ascii_hexdigit());
    (is_random && of == domain.as_str()).then_some(id.as_str())
}

fn outcome<T>(result: &Result<T, Error>) -> &'static str {
    result.as_ref().map_or_else(|error| word(error.kind()), |_| "ok")
}

/// Returns the name of a kind of error, as it stands in the field and in the label `outcome`.
pub(crate) const fn word(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::AlreadyExists => "already_exists",
        ErrorKind::Held => "held",
        ErrorKind::Interrupted => "interrupted",
        ErrorKind::InvalidInput => "invalid_input",
        ErrorKind::NotFound => "not_found",
        ErrorKind::NotReady => "not_ready",
        ErrorKind::PermissionDenied => "permission_denied",
        ErrorKind::RateLimited => "rate_limited",
        ErrorKind::Rejected => "rejected",
        ErrorKind::Stale => "stale",
        ErrorKind::Unauthenticated => "unauthenticated",
        ErrorKind::Unavailable => "unavailable",
        ErrorKind::Unexpected => "unexpected",
        ErrorKind::Unsupported => "unsupported",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_identities_that_an_agent_drew_are_shown() {
        let domain: DomainName = "agents.example".parse().unwrap();
        let shown = |text: &str| own(&text.parse().unwrap(), &domain).is_some();
        let drawn = MessageId::of_random(7, &domain);
        assert!(shown(drawn.as_str()));
        assert!(!shown(&drawn.as_str().replace("agents.example", "b.example")));
        assert!(!shown("a-secret-in-thirty-two-characters@agents.example"));
        assert!(!shown("bob.b.example@agents.example"));
    }

    #[test]
    fn the_names_belong_together() {
        for operation in Operation::ALL {
            assert_eq!(operation.span(), format!("{TARGET}.{}", operation.name()));
        }
    }
}
