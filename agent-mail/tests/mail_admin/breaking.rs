//! A way to Mailcow on which one call goes wrong.

use std::future::pending;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use agent_mail::Mailcow;
use async_trait::async_trait;
use mailcow_api::{Client, FakeMailcow, HttpClient, HttpError, HttpRequest, HttpResponse, RetryPolicy};
use tokio::sync::Notify;

/// How a call goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// The server is not reached.
    Unreachable,
    /// It is not carried out, and the server says so only in HTTP.
    Refused500,
    /// It is carried out, and the connection is lost.
    DoneAndLost,
    /// It is carried out, and the answer is empty.
    DoneAndEmpty,
    /// The caller gives up before it is carried out.
    Dropped,
    /// The caller gives up when it is carried out.
    DoneAndDropped,
    /// It is not carried out and never answered: the client's deadline ends it.
    Unanswered,
    /// It is carried out and never answered.
    DoneAndUnanswered,
}

impl Trouble {
    pub(crate) const ALL: [Self; 8] = [
        Self::Unreachable,
        Self::Refused500,
        Self::DoneAndLost,
        Self::DoneAndEmpty,
        Self::Dropped,
        Self::DoneAndDropped,
        Self::Unanswered,
        Self::DoneAndUnanswered,
    ];
    pub(crate) const OF_READS: [Self; 3] = [Self::Unreachable, Self::Dropped, Self::Unanswered];
}

/// Lets call number `at`, from 0, go wrong and no other.
#[derive(Debug)]
pub(crate) struct Breaking {
    fake: FakeMailcow,
    at: usize,
    trouble: Trouble,
    calls: AtomicUsize,
    hangs: Notify,
}

impl Breaking {
    pub(crate) fn new(fake: &FakeMailcow, at: usize, trouble: Trouble) -> Arc<Self> {
        let (fake, calls, hangs) = (fake.clone(), AtomicUsize::new(0), Notify::new());
        Arc::new(Self { fake, at, trouble, calls, hangs })
    }

    pub(crate) fn mailcow(self: &Arc<Self>) -> Mailcow {
        let client = Client::builder("https://mail.example.com", self.fake.api_key())
            .http_client(self.clone())
            .retries(RetryPolicy::none());
        Mailcow::new(client.build().unwrap())
    }

    /// Runs a call until it ends, or is dropped when its trouble is that.
    pub(crate) async fn run<T>(&self, call: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            biased;
            done = call => Some(done),
            () = self.hangs.notified() => None,
        }
    }

    /// Tells whether the call that was to go wrong was made.
    pub(crate) fn was_met(&self) -> bool {
        self.calls.load(Ordering::Relaxed) > self.at
    }
}

#[async_trait]
impl HttpClient for Breaking {
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let error = |kind: io::ErrorKind| Box::new(io::Error::from(kind));
        if self.calls.fetch_add(1, Ordering::Relaxed) != self.at {
            return self.fake.handle(&request);
        }
        match self.trouble {
            Trouble::Unreachable => return Err(HttpError::Connect(error(io::ErrorKind::ConnectionRefused))),
            Trouble::Refused500 => return Ok(HttpResponse::new(500, "<html>database</html>")),
            Trouble::Dropped => {
                self.hangs.notify_one();
                pending::<()>().await;
            }
            Trouble::Unanswered => pending::<()>().await,
            Trouble::DoneAndLost
            | Trouble::DoneAndEmpty
            | Trouble::DoneAndDropped
            | Trouble::DoneAndUnanswered => {}
        }
        drop(self.fake.handle(&request));
        match self.trouble {
            Trouble::DoneAndEmpty => Ok(HttpResponse::new(200, "")),
            Trouble::DoneAndDropped => {
                self.hangs.notify_one();
                pending().await
            }
            Trouble::DoneAndUnanswered => pending().await,
            _ => Err(HttpError::Lost(error(io::ErrorKind::ConnectionReset))),
        }
    }
}
