//! A server that answers as a test says and counts what is on its way.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use mailcow_api::{Client, ClientBuilder, HttpClient, HttpError, HttpRequest, HttpResponse};

type Answer = Box<dyn Fn(usize, &HttpRequest) -> Result<HttpResponse, HttpError> + Send + Sync>;

/// A server whose answer to call number `n` (from 0) is a function of it. Each answer takes `delay`.
pub(crate) struct Server {
    answer: Answer,
    delay: Duration,
    calls: AtomicUsize,
    now: AtomicUsize,
    most: AtomicUsize,
}

impl Server {
    pub(crate) fn new(
        delay: Duration,
        answer: impl Fn(usize, &HttpRequest) -> Result<HttpResponse, HttpError> + Send + Sync + 'static,
    ) -> Arc<Self> {
        let [calls, now, most] = Default::default();
        Arc::new(Self { answer: Box::new(answer), delay, calls, now, most })
    }

    /// Starts to build a client of this server.
    pub(crate) fn client(self: &Arc<Self>) -> ClientBuilder {
        let http: Arc<dyn HttpClient> = Arc::clone(self) as _;
        Client::builder("https://mail.example.com", "KEY".into()).http_client(http)
    }

    /// Returns how many calls came in.
    pub(crate) fn calls(&self) -> usize {
        self.calls.load(Ordering::SeqCst)
    }

    /// Returns how many calls were on their way at once at most, and starts to count anew.
    pub(crate) fn take_most(&self) -> usize {
        self.most.swap(0, Ordering::SeqCst)
    }
}

/// One call on its way; also a dropped one ends.
struct OnItsWay<'a>(&'a AtomicUsize);

impl Drop for OnItsWay<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

#[async_trait]
impl HttpClient for Server {
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let number = self.calls.fetch_add(1, Ordering::SeqCst);
        let now = self.now.fetch_add(1, Ordering::SeqCst) + 1;
        let _way = OnItsWay(&self.now);
        self.most.fetch_max(now, Ordering::SeqCst);
        tokio::time::sleep(self.delay).await;
        (self.answer)(number, &request)
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server").finish_non_exhaustive()
    }
}

/// Answers every call as a server in good order does.
pub(crate) fn good(request: &HttpRequest) -> HttpResponse {
    let code = match request.url.path().trim_start_matches("/api/v1/") {
        "get/status/version" => return HttpResponse::new(200, r#"{"version":"2026-07a"}"#),
        "add/mailbox" => "mailbox_added",
        "edit/mailbox" => "mailbox_modified",
        "edit/rl-mbox" => "rl_saved",
        "delete/mailbox" => "mailbox_removed",
        other => panic!("{other} is not known here"),
    };
    HttpResponse::new(200, format!(r#"[{{"type":"success","log":[],"msg":["{code}","x"]}}]"#))
}

pub(crate) fn unreachable() -> HttpError {
    HttpError::Connect("nobody listens".into())
}

pub(crate) fn lost() -> HttpError {
    HttpError::Lost("the link broke".into())
}
