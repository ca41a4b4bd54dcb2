use std::io;
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::time::Instant;

use super::session::{COMMAND, Session};
use crate::wire::{CLOSING, Fault};
use crate::{Address, Outgoing, Status, Submission};

impl Session {
    /// Hands one message over.
    ///
    /// The session can be used again after `Ok` only. Every fault but [`Fault::Interrupted`] says that the message
    /// was not taken.
    pub(crate) async fn submit(&mut self, message: &Outgoing) -> Result<Submission, Fault> {
        let mail = self.mail_command(message)?;
        let (accepted, refused) = self.envelope(mail, message.recipients()).await?;
        let status = self.content(message.bytes()).await?;
        Ok(Submission::new(accepted, refused, status))
    }

    /// Writes MAIL with the size (RFC 1870) and, if the message holds them, a word on 8-bit bytes (RFC 6152).
    fn mail_command(&self, message: &Outgoing) -> Result<String, Fault> {
        let mut command = format!("MAIL FROM:<{}>", message.sender());
        if let Some(limit) = self.offer("SIZE") {
            let limit = limit.trim().parse().unwrap_or(0);
            if limit > 0 && message.size() as u64 > limit {
                let text = format!("the server takes messages up to {limit} bytes");
                return Err(Fault::Refused(Status::new(552, Some((5, 3, 4)), &text)));
            }
            command = format!("{command} SIZE={}", message.size());
        }
        if !message.bytes().is_ascii() {
            if self.offer("8BITMIME").is_none() {
                let text = "the message holds 8-bit bytes and the server doesn't take them";
                return Err(Fault::Refused(Status::new(554, Some((5, 6, 3)), text)));
            }
            command += " BODY=8BITMIME";
        }
        Ok(command + "\r\n")
    }

    /// Sends MAIL, RCPT and DATA: many in one go where the server allows it (RFC 2920), else one by one.
    async fn envelope(&mut self, mail: String, recipients: &[Address]) -> Result<Recipients, Fault> {
        let mut commands = vec![(mail, Asked::Mail)];
        commands.extend(recipients.iter().map(|to| (format!("RCPT TO:<{to}>\r\n"), Asked::Recipient(to))));
        commands.push(("DATA\r\n".into(), Asked::Data));
        let (mut accepted, mut refused, mut no_sender, mut no_data) = (Vec::new(), Vec::new(), None, None);
        let width = if self.offer("PIPELINING").is_some() { FLIGHT } else { 1 };
        for flight in commands.chunks(width) {
            if matches!(flight, [(_, Asked::Data)]) && accepted.is_empty() {
                break;
            }
            let bytes: String = flight.iter().map(|(command, _)| command.as_str()).collect();
            self.send(bytes.as_bytes()).await?;
            for (_, asked) in flight {
                let reply = self.reply(COMMAND, asked.name()).await?;
                match (asked, reply.code) {
                    // It closes the connection and answers nothing more.
                    (_, CLOSING) => return Err(Fault::Refused(reply.status())),
                    (Asked::Mail, 200..=299) => {}
                    (Asked::Mail, 400..=599) => no_sender = Some(reply.status()),
                    (Asked::Recipient(to), 200..=299) => accepted.push((*to).clone()),
                    (Asked::Recipient(to), 400..=599) => refused.push(((*to).clone(), reply.status())),
                    (Asked::Data, GO_AHEAD) => self.in_content = true,
                    (Asked::Data, 400..=599) => no_data = Some(reply.status()),
                    (_, code) => return Err(Fault::Protocol(format!("{code} is not {}", asked.name()))),
                }
            }
            if let Some(status) = no_sender {
                return Err(Fault::Refused(status));
            }
        }
        // A server that wants a message for nobody gets none.
        if accepted.is_empty() {
            return Err(Fault::Refused(reason(refused)));
        }
        match no_data {
            Some(status) => Err(Fault::Refused(status)),
            None => Ok((accepted, refused)),
        }
    }

    /// Sends the message and reads what became of it.
    async fn content(&mut self, message: &[u8]) -> Result<Status, Fault> {
        if !self.stream.buffer().is_empty() {
            return Err(Fault::Protocol("it came before the message".into()));
        }
        let content = dot_stuffed(message);
        let limit = COMMAND + Duration::from_secs(content.len() as u64 / SLOWEST_UPLOAD);
        self.upload(&content, Instant::now() + limit).await?;
        drop(content);
        // From here on the server may have taken the message, whatever is wrong with its answer.
        let reply =
            self.reply(FINAL_DOT, "the answer to the message").await.map_err(|fault| match fault {
                Fault::Lost(error) => Fault::Interrupted(error),
                Fault::Protocol(problem) => Fault::Interrupted(io::Error::other(problem)),
                other => other,
            })?;
        self.in_content = false;
        match reply.code {
            200..=299 => Ok(reply.status()),
            400..=599 => Err(Fault::Refused(reply.status())),
            _ => Err(Fault::Interrupted(io::Error::other("the answer is neither yes nor no"))),
        }
    }

    /// Writes all of it. A write that failed may have sent what it was given, so that the final dot is in doubt as
    /// soon as a write holds any of it.
    async fn upload(&mut self, content: &[u8], deadline: Instant) -> Result<(), Fault> {
        let safe = content.len() - END.len();
        let mut sent = 0;
        while sent < content.len() {
            let piece = &content[sent..content.len().min(sent + PIECE)];
            let in_doubt = sent + piece.len() > safe;
            let lost = |error| if in_doubt { Fault::Interrupted(error) } else { Fault::Lost(error) };
            match tokio::time::timeout_at(deadline, self.stream.write(piece)).await {
                Ok(Ok(0)) => return Err(lost(io::ErrorKind::WriteZero.into())),
                Ok(Ok(written)) => sent += written,
                Ok(Err(error)) => return Err(lost(error)),
                Err(_) => return Err(lost(io::ErrorKind::TimedOut.into())),
            }
        }
        match tokio::time::timeout_at(deadline, self.stream.flush()).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(Fault::Interrupted(error)),
            Err(_) => Err(Fault::Interrupted(io::ErrorKind::TimedOut.into())),
        }
    }
}

type Recipients = (Vec<Address>, Vec<(Address, Status)>);

/// What a reply is about.
enum Asked<'a> {
    Mail,
    Recipient(&'a Address),
    Data,
}

impl Asked<'_> {
    fn name(&self) -> &'static str {
        match self {
            Self::Mail => "the answer to MAIL",
            Self::Recipient(_) => "the answer to RCPT",
            Self::Data => "the answer to DATA",
        }
    }
}

/// Takes a reason that may pass, if there is one: then it is worth trying again.
fn reason(refused: Vec<(Address, Status)>) -> Status {
    let mut statuses: Vec<_> = refused.into_iter().map(|(_, status)| status).collect();
    let passing = statuses.iter().position(Status::is_temporary).unwrap_or(0);
    statuses.swap_remove(passing)
}

/// Doubles the dots at the beginning of lines and adds the end (RFC 5321 section 4.5.2).
fn dot_stuffed(message: &[u8]) -> Vec<u8> {
    let mut content = Vec::with_capacity(message.len() + message.len() / 64 + 2 + END.len());
    for line in message.split_inclusive(|&byte| byte == b'\n') {
        if line.starts_with(b".") {
            content.push(b'.');
        }
        content.extend_from_slice(line);
    }
    let end = if content.ends_with(b"\r\n") { &END[2..] } else { END };
    content.extend_from_slice(end);
    content
}

const END: &[u8] = b"\r\n.\r\n";
const GO_AHEAD: u16 = 354;
/// Commands sent in one go: their replies have to fit into what a connection holds while nobody reads it.
const FLIGHT: usize = 100;
const PIECE: usize = 1 << 16;
/// Bytes in a second; an upload may take as long as over the slowest link that is of use.
const SLOWEST_UPLOAD: u64 = 16 << 10;
/// A server needs it for its filters, and one that is left too early delivers twice (RFC 5321 section 4.5.3.2.6).
const FINAL_DOT: Duration = Duration::from_mins(10);
