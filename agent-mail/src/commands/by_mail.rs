//! Commands by mail.

use async_trait::async_trait;
use mail_access::quote::{self, PartKind};
use mail_access::{Address, AutoSubmitted, Kind, NewMessage};

use super::{Command, CommandAnswer, Commands, problem};
use crate::journal::fingerprint;
use crate::{AgentMailbox, Effects, Error, ErrorKind, Event, EventHandler, Inbound, Sending};

/// An agent that obeys commands by mail: the [handler](EventHandler) of the mailbox that they come to.
///
/// - It obeys those that it was told of, each within the [rights](super::Rights) it was told, and only if the
///   [trusted server](crate::AgentMailBuilder::trusted_server) [vouches](Inbound::verified_from) for the author. That
///   proves the domain of an address; that nobody there writes in the name of others is that domain's care. Without a
///   trusted server nobody is obeyed. Other mail is passed over in silence, whatever it says.
/// - The command is the new text of the mail's plain text: one JSON object and nothing else. What is quoted, forwarded or
///   stands in a signature, in HTML or in a file is not obeyed.
/// - What a machine, a list or a newsletter sent is not obeyed, nor answered.
/// - A mail is obeyed once: by its author and Message-ID. That is noted together with the answer (about 100 bytes, kept
///   until the agent is retired). After a crash in between it is obeyed again, which all commands stand: `send_email` gets
///   the mail for a key; `mark_seen` is refused, as the second reading would find nothing.
/// - A command that fails because something can't be reached is tried once more after a pause; then its sender is told.
/// - The [answer](CommandAnswer) is JSON in the thread of the mail, to its author and nobody else, by the
///   [courier](crate::AgentMail::courier). What it shows of other mail is marked as untrusted and fenced. If the rules of
///   the system don't let it go, the command stays done and unanswered.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
/// use agent_mail::commands::{CommandMailbox, Commands};
/// use agent_mail::mail_access::TrustedServer;
/// use agent_mail::{Embedded, NewMessage};
///
/// let world = Embedded::new("agents.example".parse()?);
/// let mail = world.system().trusted_server(TrustedServer::new("mail.invalid")).build()?;
/// let desk = mail.provision(&"desk".parse()?).await?;
/// let boss = mail.provision(&"boss".parse()?).await?;
/// let handler = CommandMailbox::new().with_sender(boss.address().clone(), Commands::new(mail.clone()));
///
/// let order = r#"{"action": "create_mailbox", "agent": "ada"}"#;
/// boss.send(NewMessage::to(desk.contact()).with_subject("An order").with_text(order)).await?;
/// let courier = mail.courier();
/// let mut events = boss.events();
/// tokio::select! {
///     error = desk.serve(&handler) => return Err(error.into()),
///     () = courier.run(std::future::pending()) => {}
///     event = events.next() => {
///         let event = event.expect("it goes on")?;
///         let answer = event.received().and_then(|message| message.text()).expect("an answer").expose();
///         assert!(answer.contains("agent_ada@agents.example"));
///     }
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct CommandMailbox {
    senders: Vec<(Address, Commands)>,
}

impl CommandMailbox {
    /// Obeys nobody.
    pub fn new() -> Self {
        Self::default()
    }

    /// Obeys the owner of an address too, within the rights of these commands. Of several for one address the last one
    /// counts.
    pub fn with_sender(mut self, sender: Address, commands: Commands) -> Self {
        self.senders.retain(|(known, _)| !known.is_same_mailbox(&sender));
        self.senders.push((sender, commands));
        self
    }

    /// Finds who commands; or why nobody does.
    fn commander<'a>(&'a self, message: &'a Inbound) -> Result<(&'a Address, &'a Commands), &'static str> {
        let author = message.verified_from().ok_or("nobody vouches for its author")?;
        let known = self.senders.iter().find(|(sender, _)| sender.is_same_mailbox(author));
        let (sender, commands) = known.ok_or("its author may not command")?;
        let received = message.message().expose();
        if message.kind() != Kind::Letter || !received.allows_auto_reply() {
            return Err("no person wrote it");
        }
        Ok((sender, commands))
    }
}

#[async_trait]
impl EventHandler for CommandMailbox {
    async fn handle(&self, mailbox: &AgentMailbox, event: &Event) -> Result<Effects, Error> {
        let Some(message) = event.received() else { return Ok(Effects::new()) };
        let passed_over = |reason: &str| {
            tracing::info!(agent = %mailbox.id(), uid = %message.uid(), reason, "mail is no command");
            Ok(Effects::new())
        };
        let (sender, commands) = match self.commander(message) {
            Ok(commander) => commander,
            Err(reason) => return passed_over(reason),
        };
        let Some(id) = message.message_id() else { return passed_over("it has no Message-ID") };
        let author = sender.to_string().to_lowercase();
        let name = fingerprint(format!("{author}\n{}", id.expose().as_str()).as_bytes());
        let note = format!("commands/{name}");
        if mailbox.note(&note).await?.is_some() {
            return passed_over("it was obeyed before");
        }
        let outcome = match command(mailbox, message, &name) {
            Ok(command) => commands.execute(&command).await,
            Err(error) => Err(error),
        };
        // What may be over in a moment is tried once more; longer than that nobody else's command waits for it.
        let outcome = match outcome {
            Err(error) if error.kind() == ErrorKind::Unavailable && !event.is_redelivery() => {
                return Err(error);
            }
            outcome => outcome,
        };
        let said = if outcome.is_ok() { "done" } else { "refused" };
        tracing::info!(agent = %mailbox.id(), uid = %message.uid(), outcome = said, "command by mail");
        let answer = answer(message, sender, &CommandAnswer::from(outcome));
        let answer = Sending::new(answer).with_key(format!("command/{name}/answer"));
        // It is written here and not with the acknowledgement: an answer that the rules stop must not stop the serving.
        match mailbox.commit(Effects::new().with_note(&note, said).with_send(answer)).await {
            Ok(()) => Ok(Effects::new()),
            Err(error) if error.is_retryable() || error.kind() == ErrorKind::NotFound => Err(error),
            Err(error) => {
                tracing::warn!(agent = %mailbox.id(), %error, "the answer to a command can't be sent");
                Ok(Effects::new().with_note(&note, said))
            }
        }
    }
}

/// Reads the command in a mail.
fn command(mailbox: &AgentMailbox, message: &Inbound, name: &str) -> Result<Command, Error> {
    let text = message.text().map(crate::Untrusted::expose).ok_or_else(|| {
        problem("no_command", "mail", "it has no plain text").with_fix("send the command as plain text")
    })?;
    let split = quote::split(text);
    // An answer within a quote would be cut out of its middle and joined.
    if split
        .parts()
        .iter()
        .filter(|part| part.kind() == PartKind::New && !part.text().trim().is_empty())
        .count()
        > 1
    {
        return Err(problem("no_command", "mail", "its text is in several pieces")
            .with_fix("write the command in one piece, above any quote"));
    }
    let mut command = Command::parse(split.new_text().trim())?;
    let impossible =
        |detail: &str| problem("not_by_mail", "mail", detail).with_fix("do it in another way than by mail");
    match &mut command {
        Command::SendEmail(email) => {
            email.key.get_or_insert_with(|| format!("command/{name}"));
        }
        Command::DeleteMailbox { agent } if agent == mailbox.id() => {
            return Err(impossible("the mailbox that obeys can't remove itself"));
        }
        Command::MonitorAll { reading } | Command::MonitorMailbox { reading, .. } if reading.mark_seen => {
            return Err(impossible("mark_seen is not possible by mail"));
        }
        _ => {}
    }
    Ok(command)
}

fn answer(message: &Inbound, sender: &Address, answer: &CommandAnswer) -> NewMessage {
    let text = serde_json::to_string_pretty(answer).unwrap_or_else(|_| answer.to_json());
    NewMessage::answer_to(message.message().expose(), sender.clone())
        .with_text(text)
        .with_auto_submitted(AutoSubmitted::Replied)
}
