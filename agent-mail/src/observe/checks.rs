//! Which check said what.

use std::fmt::{self, Debug, Write as _};

use super::Operation;
#[cfg(feature = "metrics")]
use super::meter::Meter;
use super::operation::{Watch, own, with_current};
use crate::safety::{Admission, InboundCheck, Letter, OutboundCheck, Ruling};
use crate::{AgentId, AgentMailbox, Error, ErrorKind, Inbound};

/// Asks a check about a message that is to be sent.
pub(crate) async fn outbound(check: &dyn OutboundCheck, letter: &Letter) -> Result<Ruling, Error> {
    let watch = Operation::Check.begin(&letter.agent);
    named(&watch, || name_of(check));
    let asked = async { check.check(letter).await.inspect(|ruling| said(|| name_of(check), word(ruling))) };
    watch.over(asked).await
}

/// Asks a check about a message that came in.
pub(crate) async fn inbound(
    check: &dyn InboundCheck,
    mailbox: &AgentMailbox,
    message: &Inbound,
) -> Result<Admission, Error> {
    let watch = Operation::Check.begin(mailbox.id());
    named(&watch, || name_of(check));
    named_message(&watch, mailbox, message);
    let asked = async {
        let admission = check.check(mailbox.id(), message).await?;
        let word = match admission {
            Admission::Deliver => "deliver",
            Admission::Flag(_) => "flag",
            Admission::Drop(_) => "drop",
        };
        said(|| name_of(check), word);
        Ok(admission)
    };
    watch.over(asked).await
}

/// Tells what a rule said of a message that is to be sent.
pub(crate) fn ruled(rule: &'static str, agent: &AgentId, ruling: Ruling) -> Ruling {
    tell(&Operation::Check.begin(agent), rule, word(&ruling));
    ruling
}

/// Tells that a rule has stopped a message with this error; of another error, that says nothing of the message, it tells
/// nothing.
pub(crate) fn stopped(rule: &'static str, agent: &AgentId, error: Error) -> Error {
    let word = match error.kind() {
        ErrorKind::Held => "hold",
        ErrorKind::RateLimited | ErrorKind::NotReady => "later",
        ErrorKind::PermissionDenied => "refuse",
        _ => return error,
    };
    tell(&Operation::Check.begin(agent), rule, word);
    error
}

/// Tells that a rule keeps a message that came in from its agent.
pub(crate) fn dropped(rule: &'static str, mailbox: &AgentMailbox, message: &Inbound) {
    let watch = Operation::Check.begin(mailbox.id());
    named_message(&watch, mailbox, message);
    tell(&watch, rule, "drop");
}

fn tell(watch: &Watch, rule: &'static str, word: &'static str) {
    named(watch, || rule.to_owned());
    watch.span.in_scope(|| said(|| rule.to_owned(), word));
    watch.span.record("outcome", "ok");
}

fn named(watch: &Watch, name: impl FnOnce() -> String) {
    if !watch.span.is_disabled() {
        watch.span.record("check", name());
    }
}

fn named_message(watch: &Watch, mailbox: &AgentMailbox, message: &Inbound) {
    if !watch.span.is_disabled() {
        watch.span.record("uid", message.uid().get());
        let id = message.message_id().map(crate::Untrusted::expose);
        if let Some(id) = id.and_then(|id| own(id, mailbox.address().domain())) {
            watch.span.record("message_id", id);
        }
    }
}

#[cfg_attr(not(feature = "metrics"), allow(unused_variables))]
fn said(name: impl FnOnce() -> String, word: &'static str) {
    with_current(|span| {
        span.record("ruling", word);
    });
    #[cfg(feature = "metrics")]
    if matches!(word, "hold" | "later" | "refuse" | "drop") {
        metrics::counter!(Meter::ChecksStopped.metric(), "check" => name(), "ruling" => word).increment(1);
    }
}

fn word(ruling: &Ruling) -> &'static str {
    match ruling {
        Ruling::Pass => "pass",
        Ruling::Change(_) => "change",
        Ruling::Hold(_) | Ruling::HoldFor { .. } => "hold",
        Ruling::Later(_) => "later",
        Ruling::Refuse(_) => "refuse",
    }
}

/// Returns the name of a check's type, with which its `Debug` begins; nothing behind it is even formatted.
fn name_of(check: &(impl Debug + ?Sized)) -> String {
    let mut name = Name(String::new());
    // It fails at the first character that belongs to no name.
    let _cut = write!(name, "{check:?}");
    let is_type = name.0.starts_with(|first: char| first.is_ascii_uppercase());
    if is_type { name.0 } else { "unnamed".to_owned() }
}

struct Name(String);

impl fmt::Write for Name {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let part: &str =
            text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').next().unwrap_or_default();
        self.0.push_str(part);
        if part.len() == text.len() && self.0.len() <= LONGEST_NAME { Ok(()) } else { Err(fmt::Error) }
    }
}

const LONGEST_NAME: usize = 64;

#[cfg(test)]
mod tests {
    use async_trait::async_trait;

    use super::*;
    use crate::{Address, NewMessage};

    struct Unseen;

    impl Debug for Unseen {
        fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
            panic!("nobody listens")
        }
    }

    #[async_trait]
    impl OutboundCheck for Unseen {
        fn name(&self) -> &'static str {
            "unseen"
        }
        async fn check(&self, _: &Letter) -> Result<Ruling, Error> {
            Ok(Ruling::Pass)
        }
    }

    /// No test of this program has a subscriber.
    #[tokio::test]
    async fn while_nobody_listens_nothing_is_formatted() {
        let ada: Address = "ada@a.example".parse().unwrap();
        let letter = Letter::new("ada".parse().unwrap(), ada.clone(), NewMessage::to(ada));
        assert!(matches!(outbound(&Unseen, &letter).await.unwrap(), Ruling::Pass));
        assert!(Operation::Send.begin(&letter.agent).span.is_disabled());
    }

    #[test]
    fn of_a_check_only_the_name_of_its_type_shows() {
        #[derive(Debug)]
        struct OnlyFor(#[allow(dead_code)] &'static str);
        #[derive(Debug)]
        struct Quiet;
        assert_eq!(name_of(&OnlyFor("bob@b.example")), "OnlyFor");
        assert_eq!(name_of(&Quiet), "Quiet");
        assert_eq!(name_of("bob@b.example"), "unnamed");
        assert_eq!(name_of(&"X".repeat(1000)), "unnamed");
        assert_eq!(name_of(&[1, 2]), "unnamed");
    }
}
