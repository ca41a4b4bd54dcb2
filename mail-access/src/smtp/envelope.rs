use std::io;
use std::time::Duration;

use super::commands;
use super::deadlines::{AFTER_A_REST, COMMAND, DATA, ENVELOPE};
use super::reply::Reply;
use super::session::{Session, Standing};
use crate::wire::{CLOSING, Fault};
use crate::{Address, Outgoing, Status};

/// The recipients that the server takes the message for, and those that it refused.
pub(super) type Recipients = (Vec<Address>, Vec<(Address, Status)>);

/// The commands of an envelope that goes ahead, and what their replies are about.
pub(super) type Ahead = (String, Vec<Asked>);

impl Session {
    /// Names sender and recipients: many commands in one go where the server allows it (RFC 2920), else one by one.
    /// Where they went ahead, behind the message before, only their replies are read.
    pub(super) async fn envelope(&mut self, message: &Outgoing) -> Result<Recipients, Fault> {
        let mut replies = Replies::default();
        if self.standing == Standing::Ahead {
            let asked = std::mem::take(&mut self.ahead);
            self.replies(asked, &mut replies, None).await?;
            // It may still be in the message before, which it didn't take: a new connection never is.
            if replies.sender.as_ref().is_some_and(|status| status.code == OUT_OF_ORDER) {
                self.standing = Standing::Unknown;
                return Err(io::Error::other("it doesn't take an envelope behind a message").into());
            }
        } else {
            self.ask(message, &mut replies).await?;
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

    /// Writes the envelope of the next message, to be sent behind the one before (RFC 2920 section 3.1); `None` where
    /// the server doesn't allow that, or the message needs what it doesn't offer.
    pub(super) fn envelope_ahead(&self, next: &Outgoing) -> Option<Ahead> {
        let commands = self.commands(next).ok()?;
        let is_one_flight = commands.len() <= FLIGHT && self.offers.has("PIPELINING");
        is_one_flight.then(|| commands.into_iter().unzip())
    }

    fn commands(&self, message: &Outgoing) -> Result<Vec<(String, Asked)>, Fault> {
        let mut commands = Vec::with_capacity(message.recipients().len() + 3);
        let mail = commands::mail(message, &self.offers)?;
        if self.standing == Standing::Refused {
            commands.push(("RSET\r\n".into(), Asked::Reset));
        }
        commands.push((mail, Asked::Mail));
        let rcpt = |to: &Address| (commands::rcpt(to, message.reports()), Asked::Recipient(to.clone()));
        commands.extend(message.recipients().iter().map(rcpt));
        // With the go-ahead there is no way back, so it may have to wait for the replies.
        if self.offers.has("PIPELINING") && !self.chunks() && !message.is_all_or_nothing() {
            commands.push(("DATA\r\n".into(), Asked::Data));
        }
        Ok(commands)
    }

    async fn ask(&mut self, message: &Outgoing, replies: &mut Replies) -> Result<(), Fault> {
        let mut commands = self.commands(message)?.into_iter().peekable();
        let mut limit = (self.talk.heard.elapsed() > REST).then_some(AFTER_A_REST);
        let flight = if self.offers.has("PIPELINING") { FLIGHT } else { 1 };
        self.standing = Standing::Unknown;
        while commands.peek().is_some() && replies.sender.is_none() {
            let (bytes, asked): (String, Vec<_>) = commands.by_ref().take(flight).unzip();
            if matches!(*asked, [Asked::Data]) {
                break;
            }
            self.talk.send(bytes.as_bytes()).await?;
            self.replies(asked, replies, limit.take()).await?;
        }
        Ok(())
    }

    /// Reads what is said to the commands of one flight; `limit` is for the first of them.
    async fn replies(
        &mut self,
        asked: Vec<Asked>,
        replies: &mut Replies,
        mut limit: Option<Duration>,
    ) -> Result<(), Fault> {
        self.standing = Standing::Unknown;
        for asked in asked {
            let reply = self.talk.reply(limit.take().unwrap_or(asked.limit()), asked.name()).await?;
            if matches!(asked, Asked::Data) && reply.code == GO_AHEAD {
                self.standing = Standing::Content;
            }
            replies.take(asked, &reply)?;
        }
        Ok(())
    }

    /// Asks for DATA unless it was asked for together with the recipients.
    pub(super) async fn go_ahead(&mut self) -> Result<(), Fault> {
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
}

/// What a reply is about.
pub(super) enum Asked {
    Reset,
    Mail,
    Recipient(Address),
    Data,
}

impl Asked {
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
    fn take(&mut self, asked: Asked, reply: &Reply) -> Result<(), Fault> {
        let name = asked.name();
        match (asked, reply.code) {
            // It closes the connection and answers nothing more.
            (_, CLOSING) => return Err(Fault::Refused(reply.status())),
            (Asked::Reset | Asked::Mail, 200..=299) | (Asked::Data, GO_AHEAD) => {}
            (Asked::Reset, _) => return Err(io::Error::other("it doesn't take RSET").into()),
            (Asked::Mail, 400..=599) => self.sender = Some(reply.status()),
            (Asked::Recipient(to), 200..=299) => self.accepted.push(to),
            (Asked::Recipient(to), 400..=599) => self.refused.push((to, reply.status())),
            (Asked::Data, 400..=599) => self.data = Some(reply.status()),
            (_, code) => return Err(Fault::Protocol(format!("{code} is not {name}"))),
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
/// "Bad sequence of commands".
const OUT_OF_ORDER: u16 = 503;
/// Commands sent in one go: their replies have to fit into what a connection holds while nobody reads it.
const FLIGHT: usize = 100;
/// A connection that was silent for so long may be dead without anybody knowing.
const REST: Duration = Duration::from_secs(10);
