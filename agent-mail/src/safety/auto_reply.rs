//! Answers that come to rest (RFC 3834).

use std::fmt;

use mail_access::{Address, AutoSubmitted, Contact, Kind, Received};

use super::budget::Budget;
use super::pairs::{CIRCLE, PAIR};
use super::reply;
use crate::journal::fingerprint;
use crate::{AgentMailbox, Error, ErrorKind, Inbound, Receipt};

/// How agents that answer by themselves come to rest.
///
/// With it in the [`Policy`](crate::safety::Policy), [`AgentMailbox::reply`] answers each message once, and only if a
/// program may answer it (RFC 3834 section 2): no list sent it on and no machine made it, it has a sender to report to,
/// and it is not the agent's own. The answer says that a program wrote it (Auto-Submitted) and counts the answers before
/// it in `X-Agent-Hops`; a message that has this count may be answered by an agent though a program wrote it, until the
/// count is used up. Every answer, however it is made, counts against the budget of its pair of agent and correspondent,
/// and the same words for the third time within a day are a circle and stop.
#[derive(Clone, Debug)]
#[must_use]
pub struct AutoReplies {
    hops: u32,
    pub(super) pair: Budget,
    pub(super) repeats: usize,
}

impl AutoReplies {
    /// Allows 8 hops, 30 answers an hour to one correspondent, and the same words twice.
    pub fn new() -> Self {
        Self { hops: 8, pair: Budget::per_hour(30), repeats: 2 }
    }

    /// Sets how many answers may follow upon a message that is none; 8 unless set.
    pub fn with_hops(mut self, hops: u32) -> Self {
        self.hops = hops;
        self
    }

    /// Sets how many answers one agent gives one correspondent; 30 an hour unless set.
    pub fn with_pair_budget(mut self, budget: Budget) -> Self {
        self.pair = budget;
        self
    }

    pub(super) fn problem(&self) -> Option<&'static str> {
        self.pair.problem()
    }
}

impl Default for AutoReplies {
    fn default() -> Self {
        Self::new()
    }
}

/// What became of an automatic answer.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AutoReply {
    /// It was sent; or it was sent before, and this is its receipt again.
    Sent(Receipt),
    /// The message is not to be answered by a program.
    Silent(Silence),
}

/// Why a program doesn't answer a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Silence {
    /// The agent wrote it itself.
    Own,
    /// It is a report, or comes from a mail system (RFC 3834 section 2: `MAILER-DAEMON`, a null sender).
    Machine,
    /// A program wrote it (Auto-Submitted), and no agent that counts its hops.
    Automatic,
    /// A list sent it on, or it is one of many alike.
    Bulk,
    /// Its sender forbids it.
    Forbidden,
    /// As many agents have answered each other as may.
    Hops,
    /// It has an answer.
    Answered,
    /// The correspondent has had as many answers as may be in that time.
    Pair,
    /// The same words went to the same correspondent before, again and again.
    Circle,
}

impl AgentMailbox {
    /// Answers a message with a text: in its thread, to the one who wrote it.
    ///
    /// The answer goes to the address in From. With a [trusted server](crate::AgentMailBuilder::trusted_server) that has to
    /// vouch for it; without one From is taken at its word. A Reply-To is followed only if it is of the author's domain or
    /// the [`Policy`](crate::safety::Policy) allows it. With [`AutoReplies`] in the policy it is an automatic answer.
    ///
    /// For an answer with more than a text, [`send`](Self::send) what [`answer`](Self::answer) makes.
    ///
    /// # Errors
    /// As [`send`](Self::send); [`InvalidInput`](ErrorKind::InvalidInput) too if the message names no address to answer
    /// to, [`PermissionDenied`](ErrorKind::PermissionDenied) if nobody vouches for its author, or the policy says that it is
    /// not to be answered by a program ([code](Error::code) `auto_reply`).
    pub async fn reply(&self, to: &Inbound, text: impl Into<String>) -> Result<Receipt, Error> {
        let policy = self.inner().system.system().policy.as_ref();
        let Some(rules) = policy.and_then(|policy| policy.auto_replies.as_ref()) else {
            return self.send(reply::answer(self, to)?.with_text(text)).await;
        };
        match answer(self, rules, to, text.into()).await? {
            AutoReply::Sent(receipt) => Ok(receipt),
            AutoReply::Silent(silence) => Err(silence.into_error(self)),
        }
    }

    /// Answers a message as a program: once, and only if a program may answer it (RFC 3834), by the [`AutoReplies`] of the
    /// policy. Without them 8 hops are allowed and nothing is counted for the pair.
    ///
    /// Safe to repeat for the same message and text. A dropped call leaves it answered, or in the outbox, or not.
    ///
    /// # Errors
    /// As [`reply`](Self::reply), but that a message is not to be answered is no error.
    pub async fn auto_reply(&self, to: &Inbound, text: impl Into<String>) -> Result<AutoReply, Error> {
        let policy = self.inner().system.system().policy.as_ref();
        let rules = policy.and_then(|policy| policy.auto_replies.clone()).unwrap_or_default();
        answer(self, &rules, to, text.into()).await
    }
}

async fn answer(
    mailbox: &AgentMailbox,
    rules: &AutoReplies,
    to: &Inbound,
    text: String,
) -> Result<AutoReply, Error> {
    let received = to.message().expose();
    if let Some(silence) = silence(received, mailbox.address(), rules.hops) {
        return Ok(AutoReply::Silent(silence));
    }
    let hops = hops(received).unwrap_or(0) + 1;
    let message = reply::answer(mailbox, to)?
        .with_text(text)
        .with_auto_submitted(AutoSubmitted::Replied)
        .with_header(HOPS, hops.to_string());
    match mailbox.send_once(&format!("answer/{}", name(received)), message).await {
        Ok(receipt) => Ok(AutoReply::Sent(receipt)),
        Err(error) => match (error.kind(), error.code()) {
            (ErrorKind::AlreadyExists, _) => Ok(AutoReply::Silent(Silence::Answered)),
            (_, Some(PAIR)) => Ok(AutoReply::Silent(Silence::Pair)),
            (_, Some(CIRCLE)) => Ok(AutoReply::Silent(Silence::Circle)),
            _ => Err(error),
        },
    }
}

/// Says why a program doesn't answer a message, if it doesn't.
fn silence(received: &Received, own: &Address, most: u32) -> Option<Silence> {
    if received.all_from().iter().chain(received.sender()).any(|from| from.address.is_same_mailbox(own)) {
        return Some(Silence::Own);
    }
    let count = hops(received);
    if count.is_none_or(|count| count >= most) && received.header(HOPS).is_some() {
        return Some(Silence::Hops);
    }
    if received.allows_auto_reply() {
        return None;
    }
    match received.kind() {
        Kind::DeliveryReport | Kind::FeedbackReport | Kind::ReadReport => Some(Silence::Machine),
        Kind::List | Kind::Bulk => Some(Silence::Bulk),
        Kind::AutoReply | Kind::AutoGenerated => match count {
            // Whether anything but Auto-Submitted forbids it shows without that.
            Some(_) => (!without_auto_submitted(received).allows_auto_reply()).then_some(Silence::Forbidden),
            None => Some(Silence::Automatic),
        },
        _ if is_from_daemon(received) || received.header("Return-Path").is_some_and(|path| path == "<>") => {
            Some(Silence::Machine)
        }
        _ => Some(Silence::Forbidden),
    }
}

/// How many answers went before, by the message's own word; none if it has no such word, or one that can't be.
fn hops(received: &Received) -> Option<u32> {
    let mut counts = received.headers().filter(|(name, _)| name.eq_ignore_ascii_case(HOPS));
    match (counts.next(), counts.next()) {
        (Some((_, count)), None) => count.trim().parse().ok(),
        _ => None,
    }
}

fn without_auto_submitted(received: &Received) -> Received {
    let fields = received.headers().filter(|(name, _)| !name.eq_ignore_ascii_case("Auto-Submitted"));
    let lines: Vec<String> = fields.map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    Received::parse_header(received.uid(), received.internal_date(), true, lines.concat().into_bytes())
}

fn is_from_daemon(received: &Received) -> bool {
    let is_daemon = |from: &Contact| {
        ["mailer-daemon", "postmaster"]
            .iter()
            .any(|name| from.address.local_part().eq_ignore_ascii_case(name))
    };
    received.from().is_some_and(is_daemon)
}

/// Names a message by its author and Message-ID, so that a copy gets no second answer.
fn name(received: &Received) -> String {
    let from = received.from().map(|from| from.address.to_string().to_lowercase()).unwrap_or_default();
    match received.message_id() {
        Some(id) => fingerprint(format!("{from}\n{}", id.as_str()).as_bytes()),
        None => fingerprint(received.raw()),
    }
}

impl Silence {
    fn into_error(self, mailbox: &AgentMailbox) -> Error {
        Error::new(ErrorKind::PermissionDenied, "reply", mailbox.id())
            .with_detail(format!("a program doesn't answer it: {self}"))
            .with_code("auto_reply")
            .with_fix("leave it unanswered, or send a message of the agent's own accord")
    }
}

/// Says why, in a few words.
impl fmt::Display for Silence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Own => "it is the agent's own",
            Self::Machine => "a mail system wrote it",
            Self::Automatic => "a program wrote it",
            Self::Bulk => "it went to many",
            Self::Forbidden => "its sender forbids it",
            Self::Hops => "agents have answered each other often enough",
            Self::Answered => "it has an answer",
            Self::Pair => "its author has had many answers lately",
            Self::Circle => "its author has had the same answer before",
        })
    }
}

const HOPS: &str = "X-Agent-Hops";

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use mail_access::Uid;

    use super::*;

    fn why(header: &str) -> Option<Silence> {
        let raw = format!("{header}\r\nSubject: x\r\n\r\nhello\r\n").into_bytes();
        let message = Received::parse(Uid::new(1).unwrap(), SystemTime::UNIX_EPOCH, false, raw);
        silence(&message, &"me@agents.example".parse().unwrap(), 8)
    }

    #[test]
    fn a_program_answers_only_what_a_program_may() {
        for (header, expected) in [
            ("From: a@b.example", None),
            ("From: a@b.example\r\nAuto-Submitted: no", None),
            ("From: ME@agents.example", Some(Silence::Own)),
            ("From: a@b.example\r\nSender: me@agents.example", Some(Silence::Own)),
            ("From: a@b.example, me@agents.example", Some(Silence::Own)),
            ("Return-Path: <>\r\nFrom: a@b.example", Some(Silence::Machine)),
            ("From: MAILER-DAEMON@b.example", Some(Silence::Machine)),
            ("From: a@b.example\r\nAuto-Submitted: auto-replied", Some(Silence::Automatic)),
            ("From: a@b.example\r\nAuto-Submitted: auto-generated", Some(Silence::Automatic)),
            ("From: a@b.example\r\nList-Id: <l.b.example>", Some(Silence::Bulk)),
            ("From: a@b.example\r\nList-Unsubscribe: <https://b.example>", Some(Silence::Bulk)),
            ("From: a@b.example\r\nPrecedence: bulk", Some(Silence::Bulk)),
            ("From: a@b.example\r\nPrecedence: junk", Some(Silence::Bulk)),
            ("From: a@b.example\r\nPrecedence: list", Some(Silence::Bulk)),
            ("From: a@b.example\r\nX-Auto-Response-Suppress: All", Some(Silence::Forbidden)),
            ("From: a@b.example\r\nAuto-Submitted: auto-replied\r\nX-Agent-Hops: 7", None),
            ("From: a@b.example\r\nAuto-Submitted: auto-replied\r\nX-Agent-Hops: 8", Some(Silence::Hops)),
            ("From: a@b.example\r\nX-Agent-Hops: 8", Some(Silence::Hops)),
            ("From: a@b.example\r\nX-Agent-Hops: -1", Some(Silence::Hops)),
            ("From: a@b.example\r\nX-Agent-Hops: 1\r\nX-Agent-Hops: 2", Some(Silence::Hops)),
            (
                "From: a@b.example\r\nAuto-Submitted: auto-replied\r\nX-Agent-Hops: 1\r\nPrecedence: bulk",
                Some(Silence::Forbidden),
            ),
            (
                "Return-Path: <>\r\nFrom: a@b.example\r\nAuto-Submitted: auto-replied\r\nX-Agent-Hops: 1",
                Some(Silence::Forbidden),
            ),
        ] {
            assert_eq!(why(header), expected, "{header}");
        }
    }
}
