use std::time::Duration;

use super::reply::Reply;
use crate::wire::{Buffered, Fault, Stream, buffered, is_quiet, within, write};
use crate::{DomainName, Login};

/// A connection to a submission server that is logged in, between two messages.
pub(crate) struct Session {
    pub(super) stream: Buffered,
    /// Tells whether the server takes what comes next for a line of the message.
    pub(super) in_content: bool,
    offers: Vec<String>,
}

impl Session {
    /// Greets and logs in.
    pub(crate) async fn open(stream: Stream, login: &Login) -> Result<Self, Fault> {
        let mut session = Self { stream: buffered(stream), in_content: false, offers: Vec::new() };
        let greeting = session.reply(GREETING, "the greeting").await?;
        if greeting.code != READY {
            return Err(Fault::Refused(greeting.status()));
        }
        session.hello(login.address().domain()).await?;
        session.authenticate(login).await?;
        Ok(session)
    }

    /// Tells whether a session that was parked can be used again: the server neither left nor spoke out of turn.
    pub(crate) fn is_usable(&mut self) -> bool {
        is_quiet(&mut self.stream)
    }

    /// Takes leave without waiting for the answer; it doesn't matter whether it succeeds.
    pub(crate) async fn quit(mut self) {
        if self.in_content {
            return;
        }
        let farewell = async { Ok(write(&mut self.stream, b"QUIT\r\n").await.is_ok()) };
        let _ = within(FAREWELL, "QUIT", farewell).await;
    }

    /// Returns the parameters of an extension that the server offers (RFC 5321 section 4.1.1.1).
    pub(super) fn offer(&self, keyword: &str) -> Option<&str> {
        self.offers.iter().find_map(|line| {
            let (offered, parameters) = line.split_once(' ').unwrap_or((line, ""));
            offered.eq_ignore_ascii_case(keyword).then_some(parameters)
        })
    }

    /// Sends a command and reads its reply.
    pub(super) async fn ask(
        &mut self,
        command: &str,
        limit: Duration,
        what: &'static str,
    ) -> Result<Reply, Fault> {
        self.send(command.as_bytes()).await?;
        self.reply(limit, what).await
    }

    /// Sends one or more commands in one go.
    pub(super) async fn send(&mut self, commands: &[u8]) -> Result<(), Fault> {
        let sent =
            within(COMMAND, "sending a command", async { Ok(write(&mut self.stream, commands).await) });
        sent.await?
    }

    /// Reads the next reply.
    pub(super) async fn reply(&mut self, limit: Duration, what: &'static str) -> Result<Reply, Fault> {
        within(limit, what, async { Ok(Reply::read(&mut self.stream).await) }).await?
    }

    /// Names the domain that the messages come from: the host's own name is nobody's business.
    async fn hello(&mut self, domain: &DomainName) -> Result<(), Fault> {
        let reply = self.ask(&format!("EHLO {domain}\r\n"), COMMAND, "the answer to EHLO").await?;
        if !reply.is_positive() {
            return Err(Fault::Refused(reply.status()));
        }
        self.offers = reply.lines.into_iter().skip(1).collect();
        Ok(())
    }
}

pub(super) const COMMAND: Duration = Duration::from_mins(1);
const GREETING: Duration = Duration::from_secs(30);
const FAREWELL: Duration = Duration::from_secs(1);
const READY: u16 = 220;
