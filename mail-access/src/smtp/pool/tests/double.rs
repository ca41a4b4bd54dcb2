use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, DuplexStream};
use tokio::sync::watch;

use super::*;
use crate::wire::link::{Cut, Link, Traffic};
use crate::wire::{PlainStream, Stream};

/// A submission server in memory that takes what is right and remembers it.
pub(super) struct Double {
    pub(super) offers: &'static str,
    /// How many bytes a connection holds each way.
    pub(super) buffer: usize,
    /// How long it thinks before each reply.
    pub(super) pace: Duration,
    pub(super) fault: Option<Trouble>,
    cuts: Mutex<VecDeque<Option<Cut>>>,
    restart: watch::Sender<()>,
    traffic: Arc<Traffic>,
    seen: Arc<Mutex<Seen>>,
}

/// What it does instead of a reply.
#[derive(Clone, Copy, Debug)]
pub(super) struct Trouble {
    /// From which reply of a connection on, the greeting being 0.
    pub(super) from: usize,
    pub(super) kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Silent,
    /// One byte each 10 s.
    Slow,
    /// Neither reads nor speaks.
    Deaf,
    /// Says that it closes, and does.
    Closing,
}

#[derive(Debug, Default)]
pub(super) struct Seen {
    pub(super) connections: usize,
    pub(super) open: usize,
    pub(super) peak: usize,
    pub(super) logins: usize,
    pub(super) refused: usize,
    pub(super) quits: usize,
    pub(super) taken: Vec<usize>,
    /// How many bytes went to the server and to the client.
    pub(super) bytes: [usize; 2],
    pub(super) bytes_of_three: [usize; 2],
    /// Commands that were wrong where they came.
    pub(super) problems: Vec<String>,
}

impl Double {
    pub(super) fn new(offers: &'static str) -> Self {
        Self {
            offers,
            buffer: 1 << 16,
            pace: Duration::ZERO,
            fault: None,
            cuts: Mutex::default(),
            restart: watch::Sender::default(),
            traffic: Arc::default(),
            seen: Arc::default(),
        }
    }

    /// Breaks the next connections that are opened, one by one.
    pub(super) fn cutting(self, cuts: impl IntoIterator<Item = Cut>) -> Self {
        *self.cuts.lock().unwrap() = cuts.into_iter().map(Some).collect();
        self
    }

    /// Ends all connections.
    pub(super) fn restart(&self) {
        self.restart.send_replace(());
    }

    pub(super) fn seen<T>(&self, look: impl FnOnce(&mut Seen) -> T) -> T {
        let Traffic { connections, open, peak, bytes } = &*self.traffic;
        let count = |counter: &AtomicUsize| counter.load(Ordering::Relaxed);
        let mut seen = self.seen.lock().unwrap();
        (seen.connections, seen.open, seen.peak) = (count(connections), count(open), count(peak));
        seen.bytes = [count(&bytes[0]), count(&bytes[1])];
        look(&mut seen)
    }

    pub(super) fn taken(&self) -> Vec<usize> {
        self.seen(|seen| seen.taken.clone())
    }
}

impl fmt::Debug for Double {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Double").finish_non_exhaustive()
    }
}

#[async_trait]
impl Connector for Double {
    async fn connect(&self, _server: &Endpoint) -> io::Result<Stream> {
        let (here, there) = tokio::io::duplex(self.buffer);
        let cut = self.cuts.lock().unwrap().pop_front().flatten();
        let talk = Talk {
            stream: BufReader::new(there),
            replies: 0,
            pace: self.pace,
            fault: self.fault,
            restart: self.restart.subscribe(),
            seen: Arc::clone(&self.seen),
        };
        let offers = self.offers;
        tokio::spawn(async move { talk.serve(offers).await });
        Ok(Box::new(Link::new(here, cut, &self.traffic)))
    }

    async fn connect_plain(&self, server: &Endpoint) -> io::Result<PlainStream> {
        self.connect(server).await.map(PlainStream::new)
    }

    async fn upgrade(&self, _server: &Endpoint, plain: PlainStream) -> io::Result<Stream> {
        Ok(plain.into_inner())
    }
}

struct Talk {
    stream: BufReader<DuplexStream>,
    replies: usize,
    pace: Duration,
    fault: Option<Trouble>,
    restart: watch::Receiver<()>,
    seen: Arc<Mutex<Seen>>,
}

impl Talk {
    async fn serve(mut self, offers: &'static str) -> Option<()> {
        self.say("220 mail ESMTP\r\n").await?;
        let (mut sender, mut recipients, mut content) = (false, 0, Vec::new());
        let mut refused = false;
        loop {
            let line = self.line().await?;
            let word = line.split([' ', ':', '\r']).next().unwrap_or_default().to_owned();
            match (word.as_str(), sender, recipients) {
                ("EHLO", ..) => self.say(&format!("250-mail\r\n{offers}250 AUTH PLAIN\r\n")).await?,
                ("AUTH", ..) => self.login(&line).await?,
                ("MAIL", false, _) => {
                    sender = true;
                    self.say("250 2.1.0 ok\r\n").await?;
                }
                ("RCPT", true, _) => {
                    let to = line.trim_end().trim_start_matches("RCPT TO:");
                    refused = to.starts_with("<no");
                    recipients += usize::from(!refused);
                    self.say(&format!("{} {to}\r\n", if refused { "550 5.1.1" } else { "250 2.1.5" }))
                        .await?;
                }
                ("DATA" | "BDAT", true, 0) if refused => self.say("554 5.5.1 for whom?\r\n").await?,
                ("DATA", true, 1..) => {
                    self.say("354 go on\r\n").await?;
                    while !content.ends_with(b"\r\n.\r\n") {
                        content.extend_from_slice(self.line().await?.as_bytes());
                    }
                    let verdict = self.take(&content);
                    (sender, recipients, content) = (false, 0, Vec::new());
                    self.say(&verdict).await?;
                }
                ("BDAT", true, 1..) => {
                    let size = line.split_whitespace().nth(1)?.parse().ok()?;
                    content = vec![0; size];
                    self.stream.read_exact(&mut content).await.ok()?;
                    let verdict = self.take(&content);
                    (sender, recipients, content) = (false, 0, Vec::new());
                    self.say(&verdict).await?;
                }
                ("RSET", ..) => {
                    (sender, recipients) = (false, 0);
                    self.say("250 2.0.0 ok\r\n").await?;
                }
                ("QUIT", ..) => {
                    self.seen.lock().unwrap().quits += 1;
                    return self.say("221 bye\r\n").await;
                }
                _ => {
                    self.seen.lock().unwrap().problems.push(line);
                    self.say("503 not now\r\n").await?;
                }
            }
        }
    }

    /// Reads a line, unless the connections are to end.
    async fn line(&mut self) -> Option<String> {
        let mut line = Vec::new();
        tokio::select! {
            read = self.stream.read_until(b'\n', &mut line) => read.ok()?,
            _ = self.restart.changed() => return None,
        };
        String::from_utf8(line).ok().filter(|line| line.ends_with("\r\n"))
    }

    async fn login(&mut self, line: &str) -> Option<()> {
        let blob = STANDARD.decode(line.trim_end().rsplit(' ').next()?).ok()?;
        let right = blob.rsplit(|&byte| byte == 0).next()? == PASSWORD.as_bytes();
        self.seen.lock().unwrap().logins += 1;
        if right {
            return self.say("235 2.7.0 ok\r\n").await;
        }
        self.seen.lock().unwrap().refused += 1;
        self.say("535 5.7.8 no\r\n").await
    }

    /// Takes a message, unless it says that it is spam, and returns what there is to say.
    fn take(&mut self, content: &[u8]) -> String {
        let text = String::from_utf8_lossy(content);
        let number = text.strip_prefix("Subject: ").and_then(|rest| rest.lines().next()?.parse().ok());
        let is_closing = self.trouble() == Some(Kind::Closing);
        let mut seen = self.seen.lock().unwrap();
        match number {
            Some(number) if text.contains("\r\nspam\r\n") => format!("554 5.7.1 {number}\r\n"),
            Some(number) => {
                if !is_closing {
                    seen.taken.push(number);
                }
                format!("250 2.0.0 {number}\r\n")
            }
            None => {
                seen.problems.push(text.into_owned());
                "554 5.6.0 what?\r\n".into()
            }
        }
    }

    /// Tells what becomes of the next reply.
    fn trouble(&self) -> Option<Kind> {
        self.fault.filter(|fault| self.replies >= fault.from).map(|fault| fault.kind)
    }

    /// Replies, or gets into trouble.
    async fn say(&mut self, text: &str) -> Option<()> {
        tokio::time::sleep(self.pace).await;
        let trouble = self.trouble();
        self.replies += 1;
        match trouble {
            None => self.stream.write_all(text.as_bytes()).await.ok(),
            Some(Kind::Silent) => {
                while self.stream.read_u8().await.is_ok() {}
                None
            }
            Some(Kind::Deaf) => std::future::pending().await,
            Some(Kind::Closing) => {
                self.stream.write_all(b"421 4.3.2 closing\r\n").await.ok()?;
                None
            }
            Some(Kind::Slow) => {
                for byte in text.bytes() {
                    tokio::time::sleep(Duration::from_secs(10)).await;
                    self.stream.write_u8(byte).await.ok()?;
                }
                Some(())
            }
        }
    }
}

pub(super) const PASSWORD: &str = "canary";
pub(super) const PIPELINING: &str = "250-PIPELINING\r\n";
pub(super) const CHUNKING: &str = "250-PIPELINING\r\n250-CHUNKING\r\n";
pub(super) const NEITHER: &str = "";
