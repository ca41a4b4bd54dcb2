//! What a watched inbox costs this side, without TLS: `cargo test --release -p mail-access --lib memory -- --ignored --nocapture`.

use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use async_trait::async_trait;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::*;
use crate::imap::double::{Double, PASSWORD};
use crate::wire::{Connector, Endpoint, PlainStream, Stream};
use crate::{SmtpImap, Watcher};

/// An IMAP server that is no more than a buffer: an empty INBOX that can be watched.
struct Canned {
    heard: Vec<u8>,
    says: VecDeque<u8>,
}

impl Canned {
    fn answer(&mut self, line: &str) {
        let (tag, command) = line.split_once(' ').unwrap_or((line, ""));
        let said = match command.split(' ').next().unwrap_or_default() {
            "SELECT" => "* 0 EXISTS\r\n* OK [UIDVALIDITY 7] x\r\n* OK [UIDNEXT 1] x\r\n",
            "IDLE" => return self.says.extend(b"+ idling\r\n"),
            _ => "",
        };
        self.says.extend(format!("{said}{tag} OK [CAPABILITY IMAP4rev1 IDLE] x\r\n").bytes());
    }
}

impl AsyncRead for Canned {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.says.is_empty() {
            return Poll::Pending;
        }
        let count = self.says.len().min(buf.remaining());
        let bytes: Vec<u8> = self.says.drain(..count).collect();
        self.says.shrink_to_fit();
        buf.put_slice(&bytes);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Canned {
    fn poll_write(mut self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let mut heard = std::mem::take(&mut self.heard);
        heard.extend_from_slice(bytes);
        let text = String::from_utf8_lossy(&heard).into_owned();
        text.split_terminator("\r\n").for_each(|line| self.answer(line));
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[derive(Debug)]
struct Cans;

#[async_trait]
impl Connector for Cans {
    async fn connect(&self, _: &Endpoint) -> io::Result<Stream> {
        let greeting = b"* OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN] x\r\n";
        Ok(Box::new(Canned { heard: Vec::new(), says: greeting.iter().copied().collect() }))
    }

    async fn connect_plain(&self, _: &Endpoint) -> io::Result<PlainStream> {
        Err(io::ErrorKind::Unsupported.into())
    }

    async fn upgrade(&self, _: &Endpoint, _: PlainStream) -> io::Result<Stream> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

fn resident() -> usize {
    let pages = std::fs::read_to_string("/proc/self/statm").unwrap();
    pages.split(' ').nth(1).unwrap().parse::<usize>().unwrap() * 4096
}

#[tokio::test]
#[ignore = "it measures and takes memory"]
async fn memory_of_a_watched_inbox() {
    const INBOXES: usize = 20_000;
    let config = Double::config().with_max_imap_connections(INBOXES);
    let mail: Arc<dyn MailAccess> = Arc::new(SmtpImap::new(config, Arc::new(Cans)));
    let login = |number: usize| {
        Login::new(format!("agent-{number}@agents.example").parse().unwrap(), PASSWORD.into())
    };
    let (first, wait) = (Position { uid_validity: 7, uid: 0 }, Duration::from_mins(9));
    let before = resident();
    for number in 0..INBOXES {
        let (mail, login) = (Arc::clone(&mail), login(number));
        tokio::spawn(async move { mail.wait(&login, first, wait).await });
    }
    tokio::time::sleep(Duration::from_secs(5)).await;
    let waits = resident();
    println!("{} bytes for each that waits", (waits - before) / INBOXES);
    let session = std::mem::size_of::<crate::imap::Session>();
    println!("of that {session} are a session, and async-imap and the buffer before it hold 5120");
    for number in 0..INBOXES {
        let mut watcher = Watcher::new(Arc::clone(&mail), login(number), None);
        tokio::spawn(async move { watcher.next().await });
    }
    tokio::time::sleep(Duration::from_secs(5)).await;
    println!("{} bytes more for each watcher", (resident() - waits) / INBOXES);
    assert!((waits - before) / INBOXES < 10_000);
}
