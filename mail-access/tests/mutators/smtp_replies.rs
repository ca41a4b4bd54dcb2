use std::io::{self, Cursor};
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use async_trait::async_trait;
use mail_access::{
    Connector, Endpoint, Error, Login, MailAccess, Outgoing, PlainStream, SmtpImap, SmtpImapConfig, Stream,
};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Plays `bytes` as a submission server: each write of the client releases what stands up to the next record
/// separator, 0x1e, and behind the last one it hangs up.
pub(crate) fn check(bytes: &[u8]) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime can be made");
    let done = runtime.block_on(async {
        let server = Endpoint::new("mail.agents.example", 465).expect("a name");
        let player =
            Player(Mutex::new(Some(bytes.split(|byte| *byte == SEPARATOR).map(<[u8]>::to_vec).collect())));
        let mail = SmtpImap::new(SmtpImapConfig::new(server.clone(), server), Arc::new(player));
        let login = Login::new("ada@agents.example".parse().expect("an address"), SECRET.into());
        mail.submit(&login, &message()).await
    });
    match done {
        Ok(submission) => {
            assert!(yeses(bytes) >= LEAST, "nobody said yes so often");
            assert!((200..300).contains(&submission.status.code) && !submission.accepted.is_empty());
            assert_eq!(submission.accepted.len() + submission.refused.len(), message().recipients().len());
            submission.refused.iter().for_each(|(_, status)| clean(&status.to_string()));
            clean(&submission.status.to_string());
        }
        Err(error) => {
            clean(&error.to_string());
            if let Some(status) = error.status() {
                // Nobody can be said to have refused what he didn't answer.
                assert!(status.code == 0 || (400..600).contains(&status.code), "{status}");
                let _ = (status.reason(), status.retry_after());
            }
            assert!(!matches!(error, Error::Invalid { .. } | Error::Renumbered { .. }), "{error:?}");
        }
    }
}

/// Tells how many lines could be the end of a 2yz or 3yz.
fn yeses(bytes: &[u8]) -> usize {
    let ends = bytes.split(|byte| b"\n\x1e".contains(byte));
    ends.filter(|line| {
        line.len() >= 4 && b"23".contains(&line[0]) && line[1..3].iter().all(u8::is_ascii_digit)
    })
    .count()
}

fn clean(text: &str) {
    assert!(!text.contains(|c: char| c.is_control()) && !text.contains(SECRET), "{text:?}");
}

fn message() -> Outgoing {
    let address = |text: &str| text.parse().expect("an address");
    let recipients = vec![address("bob@x.example"), address("eve@x.example")];
    let id = "1@agents.example".parse().expect("an id");
    Outgoing::restore(address("ada@agents.example"), recipients, id, *b"Subject: x\r\n\r\n.y\r\n")
        .expect("a message")
}

/// One connection, and no second one.
struct Player(Mutex<Option<Vec<Vec<u8>>>>);

impl std::fmt::Debug for Player {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Player").finish_non_exhaustive()
    }
}

#[async_trait]
impl Connector for Player {
    async fn connect(&self, _: &Endpoint) -> io::Result<Stream> {
        let turns = self.0.lock().expect("nobody panics").take();
        let mut turns = turns.ok_or(io::ErrorKind::ConnectionRefused)?.into_iter();
        let now = Cursor::new(turns.next().unwrap_or_default());
        Ok(Box::new(Played { now, later: turns.collect(), waker: None }))
    }

    async fn connect_plain(&self, _: &Endpoint) -> io::Result<PlainStream> {
        Err(io::ErrorKind::Unsupported.into())
    }

    async fn upgrade(&self, _: &Endpoint, _: PlainStream) -> io::Result<Stream> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

struct Played {
    now: Cursor<Vec<u8>>,
    later: std::collections::VecDeque<Vec<u8>>,
    waker: Option<std::task::Waker>,
}

impl AsyncRead for Played {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let is_read = self.now.position() == self.now.get_ref().len() as u64;
        if is_read && !self.later.is_empty() {
            self.waker = Some(cx.waker().clone());
            return Poll::Pending;
        }
        Pin::new(&mut self.now).poll_read(cx, buf)
    }
}

impl AsyncWrite for Played {
    fn poll_write(mut self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let rest = usize::try_from(self.now.position()).unwrap_or(0);
        let mut now = self.now.get_ref()[rest..].to_vec();
        now.extend(self.later.pop_front().unwrap_or_default());
        self.now = Cursor::new(now);
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

const SEPARATOR: u8 = 0x1e;
const SECRET: &str = "canary-5417";
/// Greeting, EHLO, AUTH, MAIL, one RCPT and the message itself; with chunks nothing asks for leave.
const LEAST: usize = 6;
