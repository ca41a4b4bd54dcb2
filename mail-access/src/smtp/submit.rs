use std::io;
use std::time::Duration;

use super::commands;
use super::content::Content;
use super::deadlines::{AFTER_A_REST, COMMAND, DATA, ENVELOPE, LAST_WORDS, MESSAGE};
use super::reply::Reply;
use super::session::{Session, Standing};
use crate::wire::{CLOSING, Fault};
use crate::{Address, Outgoing, Status, Submission};

impl Session {
    /// Hands one message over.
    ///
    /// Every fault but [`Fault::Interrupted`] says that the message was not taken. After a refusal the session may be
    /// of use for another one, as [`is_usable`](Self::is_usable) tells; after any other fault, and if the call was
    /// dropped, it is not.
    pub(crate) async fn submit(&mut self, message: &Outgoing) -> Result<Submission, Fault> {
        let mail = commands::mail(message, &self.offers)?;
        let (accepted, refused) = self.envelope(mail, message).await?;
        let status = self.content(message.bytes()).await?;
        Ok(Submission::new(accepted, refused, status))
    }

    /// Names sender and recipients: many commands in one go where the server allows it (RFC 2920), else one by one.
    async fn envelope(&mut self, mail: String, message: &Outgoing) -> Result<Recipients, Fault> {
        let pipelining = self.offers.has("PIPELINING");
        let mut commands = Vec::with_capacity(message.recipients().len() + 3);
        if self.standing == Standing::Refused {
            commands.push(("RSET\r\n".into(), Asked::Reset));
        }
        commands.push((mail, Asked::Mail));
        let rcpt = |to| (commands::rcpt(to, message.reports()), Asked::Recipient(to));
        commands.extend(message.recipients().iter().map(rcpt));
        // With the go-ahead there is no way back, so it may have to wait for the replies.
        if pipelining && !self.chunks() && !message.is_all_or_nothing() {
            commands.push(("DATA\r\n".into(), Asked::Data));
        }
        let mut replies = Replies::default();
        let mut limit = if self.talk.heard.elapsed() > REST { Some(AFTER_A_REST) } else { None };
        self.standing = Standing::Unknown;
        for flight in commands.chunks(if pipelining { FLIGHT } else { 1 }) {
            if matches!(flight, [(_, Asked::Data)]) {
                break;
            }
            let bytes: String = flight.iter().map(|(command, _)| command.as_str()).collect();
            self.talk.send(bytes.as_bytes()).await?;
            for (_, asked) in flight {
                let limit = limit.take().unwrap_or(asked.limit());
                let reply = self.talk.reply(limit, asked.name()).await?;
                if matches!(asked, Asked::Data) && reply.code == GO_AHEAD {
                    self.standing = Standing::Content;
                }
                replies.take(asked, &reply)?;
            }
            if replies.sender.is_some() {
                break;
            }
        }
        let refusal = replies.refusal(message.is_all_or_nothing());
        if self.standing == Standing::Unknown && refusal.is_some() {
            self.standing = Standing::Refused;
        }
        match refusal {
            Some(fault) => Err(fault),
            None => Ok((replies.accepted, replies.refused)),
        }
    }

    /// Sends the message and reads what became of it.
    async fn content(&mut self, message: &[u8]) -> Result<Status, Fault> {
        let content = if self.chunks() {
            Content::chunk(message)
        } else {
            self.go_ahead().await?;
            Content::dotted(message)
        };
        if self.talk.is_ahead() {
            return Err(Fault::Protocol("it came before the message".into()));
        }
        self.standing = Standing::Content;
        if let Err(fault) = content.send(&mut self.talk.stream).await {
            return Err(self.last_words().await.unwrap_or(fault));
        }
        // From here on the server may have taken the message, whatever is wrong with its answer.
        let reply =
            self.talk.reply(MESSAGE, "the answer to the message").await.map_err(|fault| match fault {
                Fault::Lost(error) => Fault::Interrupted(error),
                Fault::Protocol(problem) => Fault::Interrupted(io::Error::other(problem)),
                other => other,
            })?;
        match reply.code {
            200..=299 => {
                self.standing = Standing::Idle;
                Ok(reply.status())
            }
            400..=599 => {
                self.standing = if reply.code == CLOSING { Standing::Unknown } else { Standing::Refused };
                Err(Fault::Refused(reply.status()))
            }
            _ => Err(Fault::Interrupted(io::Error::other("the answer is neither yes nor no"))),
        }
    }

    /// Asks for DATA unless it was asked for together with the recipients.
    async fn go_ahead(&mut self) -> Result<(), Fault> {
        if self.standing == Standing::Content {
            return Ok(());
        }
        let reply = self.talk.ask("DATA\r\n", DATA, Asked::Data.name()).await?;
        match reply.code {
            GO_AHEAD => Ok(()),
            400..=599 => {
                self.standing = if reply.code == CLOSING { Standing::Unknown } else { Standing::Refused };
                Err(Fault::Refused(reply.status()))
            }
            code => Err(Fault::Protocol(format!("{code} is not {}", Asked::Data.name()))),
        }
    }

    /// Reads why the server closed the connection in the middle of the message, if it said so.
    async fn last_words(&mut self) -> Option<Fault> {
        let reply = self.talk.reply(LAST_WORDS, "the reason").await.ok()?;
        (400..=599).contains(&reply.code).then(|| Fault::Refused(reply.status()))
    }

    /// Tells whether messages go as chunks, which need neither a go-ahead nor doubled dots.
    fn chunks(&self) -> bool {
        self.offers.has("CHUNKING")
    }
}

type Recipients = (Vec<Address>, Vec<(Address, Status)>);

/// What a reply is about.
enum Asked<'a> {
    Reset,
    Mail,
    Recipient(&'a Address),
    Data,
}

impl Asked<'_> {
    fn name(&self) -> &'static str {
        match self {
            Self::Reset => "the answer to RSET",
            Self::Mail => "the answer to MAIL",
            Self::Recipient(_) => "the answer to RCPT",
            Self::Data => "the answer to DATA",
        }
    }

    fn limit(&self) -> Duration {
        match self {
            Self::Reset => COMMAND,
            Self::Mail | Self::Recipient(_) => ENVELOPE,
            Self::Data => DATA,
        }
    }
}

/// What the server said about an envelope.
#[derive(Default)]
struct Replies {
    accepted: Vec<Address>,
    refused: Vec<(Address, Status)>,
    sender: Option<Status>,
    data: Option<Status>,
}

impl Replies {
    fn take(&mut self, asked: &Asked<'_>, reply: &Reply) -> Result<(), Fault> {
        match (asked, reply.code) {
            // It closes the connection and answers nothing more.
            (_, CLOSING) => return Err(Fault::Refused(reply.status())),
            (Asked::Reset | Asked::Mail, 200..=299) | (Asked::Data, GO_AHEAD) => {}
            (Asked::Reset, _) => return Err(io::Error::other("it doesn't take RSET").into()),
            (Asked::Mail, 400..=599) => self.sender = Some(reply.status()),
            (Asked::Recipient(to), 200..=299) => self.accepted.push((*to).clone()),
            (Asked::Recipient(to), 400..=599) => self.refused.push(((*to).clone(), reply.status())),
            (Asked::Data, 400..=599) => self.data = Some(reply.status()),
            (_, code) => return Err(Fault::Protocol(format!("{code} is not {}", asked.name()))),
        }
        Ok(())
    }

    /// Says why the message must not be sent, if that is so. A server that wants a message for nobody gets none.
    fn refusal(&mut self, all_or_nothing: bool) -> Option<Fault> {
        if let Some(status) = self.sender.take() {
            return Some(Fault::Refused(status));
        }
        if self.accepted.is_empty() || (all_or_nothing && !self.refused.is_empty()) {
            let mut refused = std::mem::take(&mut self.refused);
            // The one that decides whether another try is worth while comes first: it is if one of those that were
            // refused may be accepted, or with all or nothing, if every one may.
            let hopeless = |(_, status): &(Address, Status)| !status.is_temporary();
            refused.sort_by_key(|one| hopeless(one) != all_or_nothing);
            return Some(match refused.len() + self.accepted.len() {
                1 => Fault::Refused(refused.remove(0).1),
                _ => Fault::RecipientsRefused(refused),
            });
        }
        self.data.take().map(Fault::Refused)
    }
}

const GO_AHEAD: u16 = 354;
/// Commands sent in one go: their replies have to fit into what a connection holds while nobody reads it.
const FLIGHT: usize = 100;
/// A connection that was silent for so long may be dead without anybody knowing.
const REST: Duration = Duration::from_secs(10);
