//! Bodies that try to end their message early (SMTP smuggling, CVE-2023-51764), against servers that end it where no
//! server should: each sees exactly the one message that was submitted.
//!
//! `PROPTEST_CASES` sets how many bodies there are.
#![cfg(feature = "smtp-imap")]

use std::cell::Cell;
use std::fmt;
use std::io;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use mail_access::{
    Attachment, Connector, Endpoint, Login, MailAccess, NewMessage, Outgoing, SmtpImap, SmtpImapConfig,
    Stream,
};
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};

#[test]
fn each_body_arrives_as_one_message_at_the_strict_and_at_the_lax() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let receivers = [Ends::Strict, Ends::Lax, Ends::LoneLineFeeds].map(Receiver::new);
    let built = Cell::new(0);
    let sent = TestRunner::default().run(&(body(), 0..PLACES), |(body, place)| {
        let Some(message) = message(&body, place) else { return Ok(()) };
        built.set(built.get() + 1);
        for receiver in &receivers {
            let mail = SmtpImap::new(receiver.config(), receiver.clone());
            let submitted = runtime.block_on(mail.submit(&ada(), &message));
            prop_assert!(submitted.is_ok(), "{:?}", submitted);
            let mut seen = receiver.seen.lock().unwrap();
            let seen = std::mem::take(&mut *seen);
            prop_assert_eq!(seen.messages.len(), 1, "{:?}", receiver);
            prop_assert_eq!(seen.senders, vec!["MAIL FROM:<ada@agents.example>".to_owned()]);
            prop_assert_eq!(&seen.messages[0], message.bytes());
        }
        Ok(())
    });
    sent.unwrap();
    assert!(built.get() > 0);
}

/// A raw message that is not fit for the wire is refused; without that, one of these receivers would see two.
#[test]
fn the_receivers_tell_two_messages_from_one() {
    for (content, counts) in [
        ("a\r\n.\r\nMAIL FROM:<x@y>\r\nDATA\r\nb\r\n.\r\n", [2, 2, 2]),
        ("a\n.\nMAIL FROM:<x@y>\r\nDATA\r\nb\r\n.\r\n", [1, 2, 2]),
        ("a\r\n.\nMAIL FROM:<x@y>\r\nDATA\r\nb\r\n.\r\n", [1, 2, 2]),
        ("a\r.\rMAIL FROM:<x@y>\r\nDATA\r\nb\r\n.\r\n", [1, 2, 1]),
        ("a\r\n..\r\nMAIL FROM:<x@y>\r\nDATA\r\nb\r\n.\r\n", [1, 1, 1]),
    ] {
        for (ends, count) in [Ends::Strict, Ends::Lax, Ends::LoneLineFeeds].into_iter().zip(counts) {
            let mut server = Server { ends, in_content: true, ..Server::default() };
            let mut seen = Seen::default();
            server.hear(content.as_bytes(), &mut seen);
            assert_eq!(seen.messages.len(), count, "{ends:?} {content:?}");
        }
    }
}

fn ada() -> Login {
    Login::new("ada@agents.example".parse().unwrap(), "secret".to_owned().into())
}

/// Puts a body into a place that holds one; what can't be sent at all is refused, which is as good.
fn message(body: &str, place: usize) -> Option<Outgoing> {
    let new = || NewMessage::to(ada().address());
    let file = |kind: &str| Attachment::new("a", kind, body);
    let message = match place {
        0 => new().with_text(body),
        1 => new().with_html(body),
        2 => new().with_text(body).with_html(body).with_inline("1", file("image/png")),
        3 => new().with_attachment(file("application/octet-stream")),
        4 => new().with_text(body).with_attachment(file("message/rfc822")),
        5 => new().with_calendar(format!("BEGIN:VCALENDAR\r\nMETHOD:ADD\r\nX-A;{}", body.replace(':', "."))),
        6 => new().with_subject(body),
        _ => {
            let id = "1@agents.example".parse().unwrap();
            let raw = format!("Subject: raw\r\n\r\n{body}\r\n").into_bytes();
            return Outgoing::restore(ada().address().clone(), vec![ada().address().clone()], id, raw).ok();
        }
    };
    message.seal(&ada().address().into()).ok()
}

fn body() -> impl Strategy<Value = String> {
    let random = proptest::collection::vec(proptest::sample::select(FRAGMENTS), 0..16);
    prop_oneof![
        3 => random.prop_map(|fragments| fragments.concat()),
        1 => proptest::sample::select(FRAGMENTS).prop_map(|end| format!("a{end}{SECOND}")),
    ]
}

/// Where a receiver sees the end of a line.
#[derive(Clone, Copy, Debug, Default)]
enum Ends {
    /// At CR LF alone (RFC 5321 section 2.3.8).
    #[default]
    Strict,
    /// At CR LF, CR and LF.
    Lax,
    /// At LF, with or without a CR: LF.LF ends the message.
    LoneLineFeeds,
}

/// A submission server without TLS, which takes everything.
struct Receiver {
    ends: Ends,
    seen: Arc<Mutex<Seen>>,
}

#[derive(Default)]
struct Seen {
    messages: Vec<Vec<u8>>,
    senders: Vec<String>,
}

impl Receiver {
    fn new(ends: Ends) -> Arc<Self> {
        Arc::new(Self { ends, seen: Arc::default() })
    }

    fn config(&self) -> SmtpImapConfig {
        let server = Endpoint::new("mail.agents.example", 465).unwrap();
        SmtpImapConfig::new(server.clone(), server)
    }
}

impl fmt::Debug for Receiver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.ends.fmt(f)
    }
}

#[async_trait]
impl Connector for Receiver {
    async fn connect(&self, _: &Endpoint) -> io::Result<Stream> {
        let (here, there) = tokio::io::duplex(1 << 16);
        let server = Server { ends: self.ends, ..Server::default() };
        tokio::spawn(server.serve(there, Arc::clone(&self.seen)));
        Ok(Box::new(here))
    }
}

#[derive(Default)]
struct Server {
    ends: Ends,
    unread: Vec<u8>,
    in_content: bool,
    content: Vec<u8>,
}

impl Server {
    async fn serve(mut self, mut stream: DuplexStream, seen: Arc<Mutex<Seen>>) {
        let mut buffer = vec![0; 1 << 12];
        let mut answers = b"220 mail.agents.example ESMTP\r\n".to_vec();
        loop {
            if stream.write_all(&answers).await.is_err() {
                return;
            }
            match stream.read(&mut buffer).await {
                Ok(read @ 1..) => answers = self.hear(&buffer[..read], &mut seen.lock().unwrap()),
                _ => return,
            }
        }
    }

    /// Takes what came and gives the answers.
    fn hear(&mut self, bytes: &[u8], seen: &mut Seen) -> Vec<u8> {
        self.unread.extend_from_slice(bytes);
        let mut answers = Vec::new();
        while let Some(line) = self.line() {
            if !self.in_content {
                answers.extend_from_slice(self.command(&line, seen).as_bytes());
            } else if line == b"." {
                seen.messages.push(std::mem::take(&mut self.content));
                self.in_content = false;
                answers.extend_from_slice(b"250 2.0.0 queued\r\n");
            } else {
                self.content.extend_from_slice(line.strip_prefix(b".").unwrap_or(&line));
                self.content.extend_from_slice(b"\r\n");
            }
        }
        answers
    }

    fn command(&mut self, line: &[u8], seen: &mut Seen) -> &'static str {
        let command = String::from_utf8_lossy(line).to_ascii_uppercase();
        match command.split([' ', ':']).next().unwrap_or_default() {
            "EHLO" => "250-mail.agents.example\r\n250-PIPELINING\r\n250-AUTH PLAIN\r\n250 8BITMIME\r\n",
            "AUTH" => "235 2.7.0 ok\r\n",
            "MAIL" => {
                let sender = String::from_utf8_lossy(line);
                seen.senders.push(sender.split_inclusive('>').next().unwrap_or_default().to_owned());
                "250 2.1.0 ok\r\n"
            }
            "DATA" => {
                self.in_content = true;
                "354 go on\r\n"
            }
            "QUIT" => "221 2.0.0 bye\r\n",
            _ => "250 2.0.0 ok\r\n",
        }
    }

    /// Takes the next line, without its end.
    fn line(&mut self) -> Option<Vec<u8>> {
        let unread = &self.unread;
        let crlf = || unread.windows(2).position(|end| end == b"\r\n").map(|at| (at, 2));
        let (at, length) = match self.ends {
            Ends::Strict => crlf()?,
            Ends::LoneLineFeeds => {
                let at = unread.iter().position(|&byte| byte == b'\n')?;
                if at > 0 && unread[at - 1] == b'\r' { (at - 1, 2) } else { (at, 1) }
            }
            Ends::Lax => {
                let at = unread.iter().position(|byte| b"\r\n".contains(byte))?;
                match (unread[at], unread.get(at + 1)) {
                    (b'\r', Some(b'\n')) => (at, 2),
                    // What follows decides whether it is a CR alone.
                    (b'\r', None) => return None,
                    _ => (at, 1),
                }
            }
        };
        let rest = self.unread.split_off(at + length);
        let mut line = std::mem::replace(&mut self.unread, rest);
        line.truncate(at);
        Some(line)
    }
}

const PLACES: usize = 8;
const SECOND: &str =
    "MAIL FROM:<x@y.example>\r\nRCPT TO:<z@y.example>\r\nDATA\r\nSubject: smuggled\r\n\r\nx\r\n.\r\n";
const FRAGMENTS: &[&str] = &[
    "\n.\n",
    "\n.\r\n",
    "\r.\r",
    "\r\n.\r\n",
    "\r\n.\n",
    "\r\n.\r",
    "\r.\r\n",
    "\n.\r",
    ".",
    "\n.",
    "\r\n.",
    "\r",
    "\n",
    "\r\n",
    "..",
    "a",
    "=",
    "\u{fc}",
    "\0",
    "a line of some length that is not long enough to be cut by itself, but with another",
    SECOND,
];
