//! Commands: what a program, a language model or a mail asks of a system of mailboxes, as plain data with JSON in and out.
//!
//! ```
//! # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
//! use agent_mail::AgentMail;
//! use agent_mail::commands::Commands;
//!
//! let commands = Commands::new(AgentMail::embedded("agents.example")?);
//! commands.execute_json(r#"{"action": "create_mailbox", "agent": "ada"}"#).await;
//! let send = r#"{"action": "send_email", "agent": "ada", "to": ["agent_ada@agents.example"], "subject": "note"}"#;
//! commands.execute_json(send).await;
//!
//! let mail: serde_json::Value = serde_json::from_str(
//!     &commands.execute_json(r#"{"action": "monitor_mailbox", "agent": "ada", "unread_only": true}"#).await,
//! )?;
//! assert_eq!(mail["result"]["messages"][0]["untrusted"]["subject"], "note");
//!
//! let wrong = commands.execute_json(r#"{"action": "delete_everything"}"#).await;
//! assert!(wrong.contains(r#""code":"unknown_command""#) && wrong.contains(r#""fix":"#));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! [`Commands`] executes them within [`Rights`], [`Tool`] describes them to language models, [`CommandMailbox`] obeys
//! those that come by mail, [`Reporter`] tells by mail how the mailboxes are, and [`MailboxWatch`] tells sinks of alerts
//! when one can't be read.

mod action;
mod answer;
mod by_mail;
mod command;
mod fields;
mod reading;
mod report;
mod reporter;
mod rights;
mod tools;
mod watch;

use std::fmt;
use std::time::Duration;

use serde_json::Value;

pub use self::action::Action;
pub use self::answer::{
    AuthorsWords, CommandAnswer, CommandError, CommandResult, MailView, Mailbox, MailboxMail, MonitorOutcome,
    Monitored, RefusedRecipient, SentEmail,
};
pub use self::by_mail::CommandMailbox;
pub use self::command::{Command, Email, Reading};
pub use self::report::{MailboxFigures, Report, ReportRow};
pub use self::reporter::{Reporter, Schedule};
pub use self::rights::Rights;
pub use self::tools::Tool;
pub use self::watch::MailboxWatch;

use crate::calendar::written;
use crate::{AgentMail, AgentMailbox, Error, ErrorKind, Receipt};

/// Executes commands within rights.
#[derive(Clone)]
#[must_use]
pub struct Commands {
    mail: AgentMail,
    rights: Rights,
    text_budget: usize,
    at_once: usize,
    deadline: Duration,
}

impl Commands {
    /// Allows all commands on all mailboxes of a system: whoever holds the system may do all that.
    pub fn new(mail: AgentMail) -> Self {
        let deadline = Duration::from_secs(30);
        Self { mail, rights: Rights::all(), text_budget: 4_000, at_once: 8, deadline }
    }

    /// Allows an agent to read and to send with its own mailbox, and nothing else.
    pub fn of_agent(mailbox: &AgentMailbox) -> Self {
        Self::new(mailbox.inner().system.clone()).with_rights(Rights::of_agent(mailbox.id().clone()))
    }

    /// Allows only what is allowed already and by these rights too.
    pub fn with_rights(mut self, rights: Rights) -> Self {
        self.rights = self.rights.and(rights);
        self
    }

    /// Sets how many characters of a message are shown in its fenced form; 4000 unless set, fewer than 1500 count as 1500.
    pub fn with_text_budget(mut self, characters: usize) -> Self {
        self.text_budget = characters;
        self
    }

    /// Sets how many mailboxes are read at the same time, at least one; 8 unless set.
    pub fn with_at_once(mut self, mailboxes: usize) -> Self {
        self.at_once = mailboxes.max(1);
        self
    }

    /// Sets how long it waits for one mailbox that is read; 30 seconds unless set.
    pub fn with_deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// Returns what is allowed.
    pub fn rights(&self) -> &Rights {
        &self.rights
    }

    /// Returns the commands that are allowed, as tools.
    pub fn tools(&self) -> Vec<Tool> {
        let allowed = Action::ALL.into_iter().filter(|action| self.rights.allows_action(*action));
        allowed.map(Tool::of).collect()
    }

    /// Executes a command.
    ///
    /// A dropped call leaves it done or not. All but [`SendEmail`](Command::SendEmail) without a key is safe to repeat.
    ///
    /// # Errors
    /// [`PermissionDenied`](ErrorKind::PermissionDenied) with the code `not_allowed` if the rights don't allow it: nothing
    /// was done then; else as [`AgentMail::provision`], [`AgentMail::retire`], [`AgentMail::open`] and
    /// [`AgentMailbox::send`], [`Unsupported`](ErrorKind::Unsupported) if a mailbox can't be read that way here, or what
    /// the mail system says. That one of all mailboxes can't be read is no error.
    pub async fn execute(&self, command: &Command) -> Result<CommandResult, Error> {
        self.rights.check(command)?;
        tracing::debug!(action = %command.action(), agent = command.agent().map(tracing::field::display), "command");
        Ok(match command {
            Command::CreateMailbox { agent } => {
                let mailbox = self.mail.provision(agent).await?;
                CommandResult::CreateMailbox(Mailbox::new(agent.clone(), mailbox.address().clone()))
            }
            Command::DeleteMailbox { agent } => {
                self.mail.retire(agent).await?;
                CommandResult::DeleteMailbox { agent: agent.clone() }
            }
            Command::ListMailboxes => CommandResult::ListMailboxes { mailboxes: self.mailboxes().await? },
            Command::MonitorAll { reading } => {
                CommandResult::MonitorAll { mailboxes: self.monitor_all(reading).await? }
            }
            Command::MonitorMailbox { agent, reading } => {
                let mailbox = Mailbox::new(agent.clone(), self.mail.address_of(agent)?);
                CommandResult::MonitorMailbox { mailbox, mail: self.monitor(agent, reading).await? }
            }
            Command::SendEmail(email) => CommandResult::SendEmail(self.send(email).await?),
        })
    }

    /// Executes a command in JSON and returns the [answer](CommandAnswer) in JSON, whatever it is.
    pub async fn execute_json(&self, command: &str) -> String {
        let outcome = match Command::parse(command) {
            Ok(command) => self.execute(&command).await,
            Err(error) => Err(error),
        };
        CommandAnswer::from(outcome).to_json()
    }

    /// Executes the call of a [tool](Self::tools): its name and its input.
    pub async fn execute_tool(&self, name: &str, input: &Value) -> CommandAnswer {
        let outcome = match Command::of_tool(name, input) {
            Ok(command) => self.execute(&command).await,
            Err(error) => Err(error),
        };
        outcome.into()
    }

    async fn send(&self, email: &Email) -> Result<SentEmail, Error> {
        let mailbox = self.mail.open(&email.agent).await?;
        let message = email.message().ok_or_else(|| {
            Error::new(ErrorKind::InvalidInput, "send", &email.agent)
                .with_detail("nobody is to get the message")
        })?;
        let Receipt { message_id, accepted, refused } = match &email.key {
            Some(key) => mailbox.send_once(key, message).await?,
            None => mailbox.send(message).await?,
        };
        let refused = refused.into_iter().map(|refusal| RefusedRecipient {
            recipient: refusal.recipient,
            code: refusal.code,
            untrusted: clipped(&refusal.text),
        });
        Ok(SentEmail {
            mailbox: Mailbox::new(email.agent.clone(), mailbox.address().clone()),
            message_id: message_id.to_string(),
            sent_at: written(self.mail.system().chance.now()),
            accepted,
            refused: refused.collect(),
        })
    }
}

/// Shows what is allowed.
impl fmt::Debug for Commands {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Commands")
            .field("mail", &self.mail)
            .field("rights", &self.rights)
            .finish_non_exhaustive()
    }
}

/// Makes an error of a command that can't be read. What is wrong may be long and of any characters.
fn problem(code: &'static str, what: &str, detail: &str) -> Error {
    let what = clipped(&what.escape_debug().to_string());
    let detail = clipped(detail);
    Error::new(ErrorKind::InvalidInput, "read command", what).with_code(code).with_detail(detail)
}

fn clipped(text: &str) -> String {
    match text.char_indices().nth(MOST_CHARACTERS) {
        Some((end, _)) => format!("{}\u{2026}", &text[..end]),
        None => text.to_owned(),
    }
}

const MOST_CHARACTERS: usize = 300;
const MOST_MESSAGES: u64 = 100;
