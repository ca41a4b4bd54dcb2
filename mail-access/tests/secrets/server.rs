//! Servers in memory that repeat what they heard where they can, and break off where they are told to.

use std::future::pending;
use std::io;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use mail_access::{Connector, Endpoint, PlainStream, Stream};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader, DuplexStream};

/// How a server treats its client.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Temper {
    /// The mechanisms, as AUTH names them.
    pub(crate) mechanisms: &'static str,
    /// The other extensions that it offers, each as a line.
    pub(crate) offers: &'static [&'static str],
    /// What it refuses, and how: the beginning of a command, `.` for the message, and a reply in which `{}` stands
    /// for what it heard last.
    pub(crate) refuses: Option<(&'static str, &'static str)>,
    /// After how many lines that it heard it hangs up.
    pub(crate) hangs_up_after: Option<usize>,
    /// After how many lines that it heard it says nothing more.
    pub(crate) falls_silent_after: Option<usize>,
}

impl Default for Temper {
    fn default() -> Self {
        let (mechanisms, offers): (_, &[_]) = ("PLAIN", &["PIPELINING", "8BITMIME", "SIZE 0"]);
        Self { mechanisms, offers, refuses: None, hangs_up_after: None, falls_silent_after: None }
    }
}

/// Leads to an IMAP server on port 993, whose INBOX holds one message, and to an SMTP server on any other port.
#[derive(Debug)]
pub(crate) struct Servers {
    temper: Temper,
    message: String,
    heard: Arc<Mutex<String>>,
}

impl Servers {
    pub(crate) fn new(temper: Temper, message: &str) -> Self {
        Self { temper, message: message.to_owned(), heard: Arc::default() }
    }

    /// Shares all that clients say to them.
    pub(crate) fn heard(&self) -> Arc<Mutex<String>> {
        Arc::clone(&self.heard)
    }

    fn open(&self, server: &Endpoint) -> DuplexStream {
        let (here, there) = tokio::io::duplex(1 << 16);
        let stream = BufReader::new(there);
        let mut talk = Talk { stream, temper: self.temper, lines: 0, heard: Arc::clone(&self.heard) };
        let (message, reads) = (self.message.clone(), server.port() == 993);
        tokio::spawn(async move {
            // It ends when one of them hangs up.
            let _ = if reads { talk.imap(&message).await } else { talk.smtp().await };
        });
        here
    }
}

#[async_trait]
impl Connector for Servers {
    async fn connect(&self, server: &Endpoint) -> io::Result<Stream> {
        Ok(Box::new(self.open(server)))
    }

    async fn connect_plain(&self, server: &Endpoint) -> io::Result<PlainStream> {
        Ok(PlainStream::new(self.open(server)))
    }

    async fn upgrade(&self, _: &Endpoint, plain: PlainStream) -> io::Result<Stream> {
        Ok(plain.into_inner())
    }
}

struct Talk {
    stream: BufReader<DuplexStream>,
    temper: Temper,
    lines: usize,
    heard: Arc<Mutex<String>>,
}

impl Talk {
    async fn smtp(&mut self) -> io::Result<()> {
        self.say("220 mail.agents.example ESMTP").await?;
        let mut recipients = 0;
        loop {
            let line = self.line().await?;
            match line.split([' ', ':']).next().unwrap_or_default() {
                "EHLO" => self.hello().await?,
                "STARTTLS" => self.say("220 go on").await?,
                "AUTH" => self.authenticate(&line).await?,
                "RCPT" => recipients += usize::from(self.judge(&line, "250 2.1.5 ok").await?),
                "DATA" if recipients == 0 => self.say("554 5.5.1 for nobody").await?,
                "DATA" if self.judge(&line, "354 go on").await? => {
                    while self.line().await? != "." {}
                    self.judge(".", "250 2.0.0 queued").await?;
                    recipients = 0;
                }
                "BDAT" => {
                    let size = line.split(' ').nth(1).and_then(|size| size.parse().ok()).unwrap_or(0);
                    let mut chunk = vec![0; size];
                    self.stream.read_exact(&mut chunk).await?;
                    self.heard.lock().unwrap().push_str(&String::from_utf8_lossy(&chunk));
                    self.judge(".", "250 2.0.0 queued").await?;
                }
                "QUIT" => return self.say("221 bye").await,
                _ => _ = self.judge(&line, "250 2.0.0 ok").await?,
            }
        }
    }

    async fn hello(&mut self) -> io::Result<()> {
        let mut lines = vec!["mail.agents.example".to_owned(), "STARTTLS".to_owned()];
        lines.extend(self.temper.offers.iter().map(ToString::to_string));
        for line in lines {
            self.say(&format!("250-{line}")).await?;
        }
        self.say(&format!("250 AUTH {}", self.temper.mechanisms)).await
    }

    async fn authenticate(&mut self, line: &str) -> io::Result<()> {
        if line == "AUTH LOGIN" {
            for question in ["334 VXNlcm5hbWU6", "334 UGFzc3dvcmQ6"] {
                self.say(question).await?;
                self.line().await?;
            }
        }
        let accepted = self.judge(line, "235 2.7.0 ok").await?;
        if !accepted && line.starts_with("AUTH XOAUTH2") {
            self.line().await?;
            self.say_heard("535 5.7.8 {}").await?;
        }
        Ok(())
    }

    async fn imap(&mut self, message: &str) -> io::Result<()> {
        let mechanisms = self.temper.mechanisms.split(' ').map(|mechanism| format!("AUTH={mechanism}"));
        let mechanisms = mechanisms.collect::<Vec<_>>().join(" ");
        let offers = self.temper.offers.iter().find(|offer| **offer == "SASL-IR").unwrap_or(&"IMAP4rev1");
        self.say(&format!("* OK [CAPABILITY IMAP4rev1 IDLE {offers} {mechanisms}] ready")).await?;
        loop {
            let mut line = self.line().await?;
            while ["}", "AUTHENTICATE PLAIN", "AUTHENTICATE XOAUTH2"].iter().any(|end| line.ends_with(end)) {
                self.say("+ go on").await?;
                line += &self.line().await?;
            }
            let (tag, command) = line.split_once(' ').unwrap_or((&line, ""));
            if let Some((begin, reply)) = self.temper.refuses
                && command.starts_with(begin)
            {
                self.say_heard(&format!("{tag} {reply}")).await?;
                if reply.starts_with('+') {
                    self.line().await?;
                    self.say_heard(&format!("{tag} NO [AUTHENTICATIONFAILED] {{}}")).await?;
                }
                continue;
            }
            match command {
                "CAPABILITY" => self.say("* CAPABILITY IMAP4rev1 IDLE").await?,
                "SELECT INBOX" => {
                    self.say("* 1 EXISTS\r\n* OK [UIDVALIDITY 7] x\r\n* OK [UIDNEXT 6] x").await?;
                }
                "IDLE" => {
                    self.say("+ idling").await?;
                    self.line().await?;
                }
                command if command.starts_with("UID SEARCH") => self.say("* SEARCH 5").await?,
                command if command.contains("BODY.PEEK") => {
                    let begin = "* 1 FETCH (UID 5 FLAGS () INTERNALDATE \"20-Nov-2026 10:39:50 +0000\"";
                    self.say(&format!("{begin} BODY[] {{{}}}\r\n{message})", message.len())).await?;
                }
                command if command.starts_with("UID FETCH") => {
                    self.say(&format!("* 1 FETCH (UID 5 RFC822.SIZE {})", message.len())).await?;
                }
                _ => {}
            }
            self.say(&format!("{tag} OK done")).await?;
        }
    }

    /// Answers as its temper is, and tells whether that was no refusal.
    async fn judge(&mut self, line: &str, else_says: &str) -> io::Result<bool> {
        match self.temper.refuses {
            Some((begin, reply)) if line.starts_with(begin) => {
                self.say_heard(reply).await?;
                Ok(false)
            }
            _ => {
                self.say(else_says).await?;
                Ok(true)
            }
        }
    }

    async fn say_heard(&mut self, reply: &str) -> io::Result<()> {
        let heard = self.heard.lock().unwrap().replace(['\r', '\n'], " ");
        let start = heard.char_indices().rev().nth(REPEATED).map_or(0, |(start, _)| start);
        self.say(&reply.replace("{}", &heard[start..])).await
    }

    async fn say(&mut self, line: &str) -> io::Result<()> {
        if self.temper.falls_silent_after.is_some_and(|after| self.lines >= after) {
            return pending().await;
        }
        self.stream.write_all(format!("{line}\r\n").as_bytes()).await
    }

    async fn line(&mut self) -> io::Result<String> {
        if self.temper.hangs_up_after.is_some_and(|after| self.lines >= after) {
            return Err(io::ErrorKind::ConnectionAborted.into());
        }
        let mut line = String::new();
        if self.stream.read_line(&mut line).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.lines += 1;
        self.heard.lock().unwrap().push_str(&line);
        Ok(line.trim_end_matches(['\r', '\n']).to_owned())
    }
}

/// As many characters of what it heard last fit into a reply.
const REPEATED: usize = 400;
