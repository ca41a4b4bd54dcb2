use std::collections::VecDeque;
use std::io::{self, Cursor};
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use async_trait::async_trait;
use mail_access::{Connector, Endpoint, Login, PlainStream, SmtpImap, SmtpImapConfig, Stream};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Runs `talk` with a client of a server that says `bytes`: each write of the client releases what stands up to the
/// next record separator, 0x1e, and behind the last one it hangs up.
pub(crate) fn with_server<T>(bytes: &[u8], talk: impl AsyncFnOnce(SmtpImap, Login) -> T) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime can be made");
    runtime.block_on(async {
        let server = Endpoint::new("mail.agents.example", 465).expect("a name");
        let turns = bytes.split(|byte| *byte == SEPARATOR).map(<[u8]>::to_vec).collect();
        let player = Arc::new(Player(Mutex::new(Some(turns))));
        let mail = SmtpImap::new(SmtpImapConfig::new(server.clone(), server), player);
        let login = Login::new("ada@agents.example".parse().expect("an address"), SECRET.into());
        talk(mail, login).await
    })
}

/// Whatever a server says, a text about it is one line and holds no password.
pub(crate) fn clean(text: &str) {
    assert!(!text.contains(|c: char| c.is_control()) && !text.contains(SECRET), "{text:?}");
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
    later: VecDeque<Vec<u8>>,
    waker: Option<Waker>,
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

pub(crate) const SEPARATOR: u8 = 0x1e;
const SECRET: &str = "canary-5417";
