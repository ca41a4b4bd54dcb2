//! What can be commanded.

use mail_access::{Address, FolderName, NewMessage};
use serde::{Deserialize, Serialize, Serializer};
use serde_json::Value;

use super::fields::Fields;
use super::{Action, MOST_MESSAGES, problem};
use crate::{AgentId, Error};

/// A command to a system of mailboxes, as a program, a language model or a mail gives it.
///
/// As JSON it is one object with the name in `action`. Whatever is not wanted there is an error that says so by its
/// [code](Error::code): `unknown_command`, `unknown_field`, `missing_field`, `duplicate_field`, `invalid_field`,
/// `invalid_json`, `too_large`.
///
/// ```
/// use agent_mail::commands::Command;
///
/// let command = Command::parse(r#"{"action": "monitor_mailbox", "agent": "ada", "limit": 5}"#)?;
/// assert_eq!(Command::parse(&serde_json::to_string(&command)?)?, command);
///
/// let error = Command::parse(r#"{"action": "create_mailbox", "agent": "ada", "admin": true}"#).unwrap_err();
/// assert_eq!(error.code(), Some("unknown_field"));
/// assert_eq!(error.to_string(), "read command admin: create_mailbox has no such field; its fields: agent");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "action", rename_all = "snake_case", try_from = "Fields")]
#[non_exhaustive]
pub enum Command {
    /// Gives an agent its mailbox, or opens the one it has.
    CreateMailbox {
        /// The agent.
        agent: AgentId,
    },
    /// Removes an agent with its mailbox and its mail.
    DeleteMailbox {
        /// The agent.
        agent: AgentId,
    },
    /// Lists the agents and their addresses.
    ListMailboxes,
    /// Reads the mail of all mailboxes.
    MonitorAll {
        /// What is read of each.
        #[serde(flatten)]
        reading: Reading,
    },
    /// Reads the mail of one mailbox.
    MonitorMailbox {
        /// The agent.
        agent: AgentId,
        /// What is read.
        #[serde(flatten)]
        reading: Reading,
    },
    /// Sends a message from an agent's mailbox.
    SendEmail(Box<Email>),
}

impl Command {
    /// Reads a command in JSON, of at most 1 MiB.
    ///
    /// # Errors
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput) with a code that says what is wrong.
    pub fn parse(json: &str) -> Result<Self, Error> {
        if json.len() > MOST_JSON {
            let detail = format!("it has {} bytes, and {MOST_JSON} are allowed", json.len());
            return Err(problem("too_large", "JSON", &detail).with_fix("send less"));
        }
        let fields: Fields = serde_json::from_str(json).map_err(|error| {
            let detail =
                format!("it is not one JSON object (line {}, column {})", error.line(), error.column());
            problem("invalid_json", "JSON", &detail).with_fix("send one JSON object and nothing else")
        })?;
        fields.try_into()
    }

    /// Reads the call of a [tool](super::Tool): its name and its input.
    ///
    /// # Errors
    /// As [`parse`](Self::parse).
    pub fn of_tool(name: &str, input: &Value) -> Result<Self, Error> {
        Fields::of_tool(name, input)?.try_into()
    }

    /// Returns what it does.
    pub fn action(&self) -> Action {
        match self {
            Self::CreateMailbox { .. } => Action::CreateMailbox,
            Self::DeleteMailbox { .. } => Action::DeleteMailbox,
            Self::ListMailboxes => Action::ListMailboxes,
            Self::MonitorAll { .. } => Action::MonitorAll,
            Self::MonitorMailbox { .. } => Action::MonitorMailbox,
            Self::SendEmail(_) => Action::SendEmail,
        }
    }

    /// Returns the one agent that it is about, if it names one.
    pub fn agent(&self) -> Option<&AgentId> {
        match self {
            Self::CreateMailbox { agent }
            | Self::DeleteMailbox { agent }
            | Self::MonitorMailbox { agent, .. } => Some(agent),
            Self::SendEmail(email) => Some(&email.agent),
            Self::ListMailboxes | Self::MonitorAll { .. } => None,
        }
    }
}

/// What is read of a mailbox.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Reading {
    /// Whether only messages that nobody marked as seen are read, the oldest first; else the newest ones are.
    pub unread_only: bool,
    /// The folder.
    #[serde(serialize_with = "folder")]
    pub folder: FolderName,
    /// How many messages are read at most, 1 to 100.
    pub limit: usize,
    /// Whether what was read is marked as seen.
    pub mark_seen: bool,
}

impl Reading {
    /// Reads 20 unseen messages of the INBOX at most, and marks nothing.
    pub fn new() -> Self {
        Self { unread_only: true, folder: FolderName::inbox(), limit: 20, mark_seen: false }
    }

    /// Reads the newest messages, seen or not.
    #[must_use]
    pub fn with_all(mut self) -> Self {
        self.unread_only = false;
        self
    }

    /// Reads another folder.
    #[must_use]
    pub fn with_folder(mut self, folder: FolderName) -> Self {
        self.folder = folder;
        self
    }

    /// Sets how many messages are read at most; below 1 is 1, above 100 is 100.
    #[must_use]
    pub fn with_limit(mut self, messages: usize) -> Self {
        self.limit = messages.clamp(1, usize::try_from(MOST_MESSAGES).unwrap_or(usize::MAX));
        self
    }

    /// Marks as seen what was read.
    #[must_use]
    pub fn with_mark_seen(mut self) -> Self {
        self.mark_seen = true;
        self
    }
}

impl Default for Reading {
    fn default() -> Self {
        Self::new()
    }
}

/// A message that is to be sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Email {
    /// From whose mailbox.
    pub agent: AgentId,
    /// Who gets it.
    pub to: Vec<Address>,
    /// Who gets a copy.
    pub cc: Vec<Address>,
    /// Who gets a copy that the others don't see.
    pub bcc: Vec<Address>,
    /// The subject.
    pub subject: String,
    /// The plain text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// The HTML.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub html: Option<String>,
    /// A name for this sending: with the same name and content it is sent once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
}

impl Email {
    /// Begins with a message that has a subject and no body.
    pub fn new(agent: AgentId, to: Address, subject: impl Into<String>) -> Self {
        let (cc, bcc, subject) = (Vec::new(), Vec::new(), subject.into());
        Self { agent, to: vec![to], cc, bcc, subject, text: None, html: None, key: None }
    }

    /// Sets the plain text.
    #[must_use]
    pub fn with_text(mut self, text: impl Into<String>) -> Self {
        self.text = Some(text.into());
        self
    }

    /// Sets the HTML.
    #[must_use]
    pub fn with_html(mut self, html: impl Into<String>) -> Self {
        self.html = Some(html.into());
        self
    }

    /// Names this sending, so that it is done once.
    #[must_use]
    pub fn with_key(mut self, key: impl Into<String>) -> Self {
        self.key = Some(key.into());
        self
    }

    /// Makes the message; `None` if nobody is to get it.
    pub(super) fn message(&self) -> Option<NewMessage> {
        let (first, others) = self.to.split_first()?;
        let mut message = NewMessage::to(first).with_subject(&self.subject);
        message = others.iter().fold(message, NewMessage::with_to);
        message = self.cc.iter().fold(message, NewMessage::with_cc);
        message = self.bcc.iter().fold(message, NewMessage::with_bcc);
        if let Some(text) = &self.text {
            message = message.with_text(text);
        }
        if let Some(html) = &self.html {
            message = message.with_html(html);
        }
        Some(message)
    }
}

fn folder<S: Serializer>(folder: &FolderName, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(folder.as_str())
}

const MOST_JSON: usize = 1 << 20;
