use std::time::Duration;

use tokio::io::AsyncBufReadExt;
use tokio::time::Instant;

use super::deadlines::{COMMAND, GREETING};
use super::offers::Offers;
use super::reply::Reply;
use crate::DomainName;
use crate::wire::{Buffered, Fault, Stream, buffered, is_quiet, within, write};

/// Commands and replies over one stream. It knows no login, so that it can go over one that is not private.
pub(super) struct Conversation {
    pub(super) stream: Buffered,
    /// When the server was last heard.
    pub(super) heard: Instant,
}

impl Conversation {
    pub(super) fn over(stream: Stream) -> Self {
        Self { stream: buffered(stream), heard: Instant::now() }
    }

    /// Waits for the server's first words.
    pub(super) async fn greeting(&mut self) -> Result<(), Fault> {
        let greeting = self.reply(GREETING, "the greeting").await?;
        match greeting.code {
            READY => Ok(()),
            400..=599 => Err(Fault::Refused(greeting.status())),
            code => Err(Fault::Protocol(format!("{code} is no greeting"))),
        }
    }

    /// Names the domain that the messages come from, as the host's own name is nobody's business, and returns what
    /// the server offers.
    pub(super) async fn hello(&mut self, domain: &DomainName) -> Result<Offers, Fault> {
        let reply = self.ask(&format!("EHLO {domain}\r\n"), COMMAND, "the answer to EHLO").await?;
        match reply.code {
            OK => Ok(Offers::of(&reply)),
            400..=599 => Err(Fault::Refused(reply.status())),
            code => Err(Fault::Protocol(format!("{code} is no answer to EHLO"))),
        }
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
        let reply = within(limit, what, async { Ok(Reply::read(&mut self.stream).await) }).await??;
        self.heard = Instant::now();
        Ok(reply)
    }

    /// Tells whether the server said more than it was asked, as far as is known.
    pub(super) fn is_ahead(&self) -> bool {
        !self.stream.buffer().is_empty()
    }

    /// Waits for what nobody asked for: the end of the stream, or words of the server.
    pub(super) async fn disturbed(&mut self) {
        let _ = self.stream.fill_buf().await;
    }

    /// Tells whether the stream is open and the server silent, as far as is known without asking it.
    pub(super) fn is_quiet(&mut self) -> bool {
        is_quiet(&mut self.stream)
    }
}

const READY: u16 = 220;
const OK: u16 = 250;
