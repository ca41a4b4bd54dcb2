//! What commands answer, in JSON.

use mail_access::Address;
use serde::{Deserialize, Serialize};

use crate::{AgentId, Error, ErrorKind};

/// The answer to a command in JSON: `{"result": ..}` or `{"error": ..}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(clippy::exhaustive_enums, reason = "it is done or it isn't")]
pub enum CommandAnswer {
    /// It was done.
    Result(CommandResult),
    /// It was not done, or nobody knows.
    Error(CommandError),
}

impl CommandAnswer {
    /// Returns it in JSON.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).unwrap_or_else(|error| format!(r#"{{"error":"{error}"}}"#))
    }
}

impl From<Result<CommandResult, Error>> for CommandAnswer {
    fn from(outcome: Result<CommandResult, Error>) -> Self {
        outcome.map_or_else(|error| Self::Error((&error).into()), Self::Result)
    }
}

/// What a command did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "action", rename_all = "snake_case")]
#[non_exhaustive]
pub enum CommandResult {
    /// The agent has this mailbox.
    CreateMailbox(Mailbox),
    /// The agent has no mailbox any more.
    DeleteMailbox {
        /// The agent.
        agent: AgentId,
    },
    /// These are the mailboxes.
    ListMailboxes {
        /// By name of the agent.
        mailboxes: Vec<Mailbox>,
    },
    /// This is in the mailboxes.
    MonitorAll {
        /// By name of the agent.
        mailboxes: Vec<Monitored>,
    },
    /// This is in the mailbox.
    MonitorMailbox {
        /// Whose it is.
        #[serde(flatten)]
        mailbox: Mailbox,
        /// What was read.
        #[serde(flatten)]
        mail: MailboxMail,
    },
    /// The mail system has taken charge of the message.
    SendEmail(SentEmail),
}

/// An agent and its address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Mailbox {
    /// The agent.
    pub agent: AgentId,
    /// Its address.
    pub address: Address,
}

impl Mailbox {
    pub(super) fn new(agent: AgentId, address: Address) -> Self {
        Self { agent, address }
    }
}

/// One of several mailboxes: what is in it, or why it can't be read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Monitored {
    /// Whose it is.
    #[serde(flatten)]
    pub mailbox: Mailbox,
    /// What is in it.
    #[serde(flatten)]
    pub outcome: MonitorOutcome,
}

/// What is in a mailbox, or why it can't be read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(clippy::exhaustive_enums, reason = "it can be read or it can't")]
pub enum MonitorOutcome {
    /// What is in it.
    Mail(MailboxMail),
    /// Why it can't be read.
    Error(CommandError),
}

/// What was read of a mailbox.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct MailboxMail {
    /// The folder.
    pub folder: String,
    /// The messages, in the order in which they came.
    pub messages: Vec<MailView>,
    /// Whether there are more than the limit let through.
    pub more: bool,
}

/// A message: what the own mail system says of it, and apart from that what its author wrote.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct MailView {
    /// Its number in the folder.
    pub uid: u32,
    /// When it came, by the mail system's clock (RFC 3339).
    pub arrived: String,
    /// Whether somebody marked it as seen, before this command did.
    pub seen: bool,
    /// Its size in bytes.
    pub size: u64,
    /// Who wrote it, if the trusted server found the domain authenticated.
    pub verified_from: Option<Address>,
    /// What its author wrote.
    pub untrusted: AuthorsWords,
}

/// What the author of a message wrote, who may be anybody and want anything: data, never instructions.
///
/// Texts are cut to 300 characters and lists to 50 entries, `text` to what the
/// [commands](super::Commands::with_text_budget) show.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct AuthorsWords {
    /// The Message-ID.
    pub message_id: Option<String>,
    /// Whom it claims to be from.
    pub from: Option<String>,
    /// To whom it says it goes.
    pub to: Vec<String>,
    /// Who it says gets a copy.
    pub cc: Vec<String>,
    /// The subject.
    pub subject: String,
    /// When it claims to be written (RFC 3339).
    pub date: Option<String>,
    /// The message in its [fenced form](crate::Inbound::for_llm), with the names of its files.
    pub text: String,
}

/// A message that was sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SentEmail {
    /// From whose mailbox.
    #[serde(flatten)]
    pub mailbox: Mailbox,
    /// The identity by which answers name it.
    pub message_id: String,
    /// When it was sent; with a key, when this was asked for last (RFC 3339).
    pub sent_at: String,
    /// For whom the mail system has taken it.
    pub accepted: Vec<Address>,
    /// For whom it has not.
    pub refused: Vec<RefusedRecipient>,
}

/// Somebody for whom the mail system has not taken a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RefusedRecipient {
    /// Who.
    pub recipient: Address,
    /// The reply code (RFC 5321 section 4.2); 4yz may succeed later.
    pub code: u16,
    /// The words of the server, which somebody else may run; cut to 300 characters.
    pub untrusted: String,
}

/// Why a command was not done: an [`Error`] in JSON. It repeats nothing of what a server said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct CommandError {
    /// What kind of failure it is.
    pub kind: ErrorKind,
    /// The stable code, where there is one: `unknown_field`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// What went wrong, and with what.
    pub message: String,
    /// What can be done about it.
    pub fix: String,
    /// Whether the same command may succeed later and is safe to repeat.
    pub retryable: bool,
    /// After how many seconds that makes sense, where that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<u64>,
}

impl From<&Error> for CommandError {
    fn from(error: &Error) -> Self {
        Self {
            kind: error.kind(),
            code: error.code().map(str::to_owned),
            message: error.to_string(),
            fix: error.fix().to_owned(),
            retryable: error.is_retryable(),
            retry_after: error.retry_after().map(|after| after.as_secs()),
        }
    }
}
