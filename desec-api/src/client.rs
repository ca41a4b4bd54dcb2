//! The client: one door to the wire, and one place that judges what comes back.

use std::{fmt, sync::Arc, time::Duration};

use secrecy::{ExposeSecret, SecretString};
use tokio::time::{Instant, timeout};
use url::{Host, Url};

use crate::{
    call::{Call, DeadlineExceeded, Place},
    error::{Credential, Error},
    http::{HttpClient, HttpRequest, HttpResponse, Reqwest, default_tls},
    pace::{Pace, Turn},
};

/// A client of the deSEC API for one token. Cloning is cheap; clones share connections and pace.
///
/// Every call may be dropped at any point. A dropped read leaves nothing behind; a dropped write may
/// have been executed.
///
/// ```
/// use desec_api::Client;
///
/// let client = Client::builder("the-secret-of-a-token".into()).build()?;
/// # drop(client);
/// # Ok::<(), desec_api::Error>(())
/// ```
#[derive(Clone)]
pub struct Client {
    inner: Arc<Inner>,
}

struct Inner {
    base: Url,
    authorization: Option<SecretString>,
    http: Arc<dyn HttpClient>,
    deadline: Duration,
    max_wait: Duration,
    pace: Pace,
}

impl Client {
    /// Returns a builder for a client that uses `token`.
    pub fn builder(token: SecretString) -> ClientBuilder {
        ClientBuilder::new(Some(token))
    }

    /// Returns a builder for a client without a token, for what needs none: to register, to log in, to reset
    /// a password, to confirm by a code from a mail.
    ///
    /// Any other call answers [`Error::Unauthenticated`].
    pub fn anonymous() -> ClientBuilder {
        ClientBuilder::new(None)
    }

    /// Returns the base URL, with or without a slash at the end.
    pub(crate) fn base(&self) -> &Url {
        &self.inner.base
    }

    /// Returns the pace that the requests keep.
    pub fn pace(&self) -> &Pace {
        &self.inner.pace
    }

    /// Returns whether the client has a token.
    pub(crate) fn has_token(&self) -> bool {
        self.inner.authorization.is_some()
    }

    /// Sends `call`, waits for its turn, repeats what was throttled, and judges the answer.
    pub(crate) async fn call(&self, call: &Call<'_>) -> Result<HttpResponse, Error> {
        let result = self.attempts(call).await;
        let outcome = match &result {
            Ok(_) => "done",
            Err(error) if error.outcome_unknown() => "unknown",
            Err(_) => "failed",
        };
        tracing::debug!(operation = call.operation, outcome);
        result
    }

    async fn attempts(&self, call: &Call<'_>) -> Result<HttpResponse, Error> {
        let inner = &*self.inner;
        let request = self.request(call)?;
        let (scope, credential, url) = (&call.scope, call.credential, request.url());
        let turn = Turn { scope, credential, url, deadline: inner.deadline };
        let give_up = Instant::now() + inner.max_wait;
        let mut attempt = 0;
        loop {
            let permit =
                inner.pace.acquire(&turn, give_up).await.map_err(|refused| call.turned_away(refused))?;
            let answer = timeout(inner.deadline, inner.http.send(request.clone())).await;
            match &answer {
                Ok(Ok(_)) => permit.answered(),
                Ok(Err(error)) if !error.may_have_been_sent() => permit.unsent(),
                _ => drop(permit),
            }
            match call.judge(answer.map_err(|_| DeadlineExceeded)) {
                // Not executed, so safe to repeat whatever it was.
                Err(Error::Throttled { retry_after, .. }) => {
                    let (scope, wait) = inner.pace.hold(&turn, retry_after, attempt);
                    if Instant::now() + wait > give_up {
                        return Err(call.throttled(scope, retry_after));
                    }
                    attempt += 1;
                }
                judged => return judged,
            }
        }
    }

    fn request(&self, call: &Call<'_>) -> Result<HttpRequest, Error> {
        let mut url = match call.place {
            Place::Elsewhere(url) => url.clone(),
            Place::Api(path) => {
                let mut url = self.inner.base.clone();
                // The empty segment gives the slash at the end, without which the server redirects.
                url.path_segments_mut()
                    .expect("a URL with a host has a path")
                    .pop_if_empty()
                    .extend(path)
                    .push("");
                url
            }
        };
        for (name, value) in call.query {
            url.query_pairs_mut().append_pair(name, value);
        }
        let mut request = HttpRequest::new(call.method, url).with_accept(call.accept);
        if call.credential == Credential::Token {
            let (operation, subject) = (call.operation, call.subject.to_owned());
            let missing = || Error::Unauthenticated { operation, subject, credential: Credential::Token };
            request = request.with_authorization(self.inner.authorization.clone().ok_or_else(missing)?);
        }
        Ok(match &call.body {
            Some(body) => request.with_json(body.clone()),
            None => request,
        })
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("base", &self.inner.base.as_str()).finish_non_exhaustive()
    }
}

/// Builds a [`Client`].
pub struct ClientBuilder {
    token: Option<SecretString>,
    base_url: String,
    tls: Option<Arc<rustls::ClientConfig>>,
    http: Option<Arc<dyn HttpClient>>,
    deadline: Duration,
    max_wait: Duration,
    pace: Pace,
}

impl ClientBuilder {
    fn new(token: Option<SecretString>) -> Self {
        Self {
            token,
            base_url: DEFAULT_BASE.to_owned(),
            tls: None,
            http: None,
            deadline: DEFAULT_DEADLINE,
            max_wait: DEFAULT_MAX_WAIT,
            pace: Pace::new(),
        }
    }

    /// Sets the address of the API, with or without a slash at the end; `https://desec.io/api/v1` if not set.
    ///
    /// It must be https, or http to a loopback host.
    pub fn base_url(mut self, url: impl Into<String>) -> Self {
        self.base_url = url.into();
        self
    }

    /// Sets the TLS settings; ring with the roots of Mozilla if not set.
    ///
    /// They are not used where an own [`http_client`](Self::http_client) is set.
    pub fn tls(mut self, config: impl Into<Arc<rustls::ClientConfig>>) -> Self {
        self.tls = Some(config.into());
        self
    }

    /// Sets what sends the requests, instead of the built-in client (HTTP/1.1, no proxy).
    pub fn http_client(mut self, http: Arc<dyn HttpClient>) -> Self {
        self.http = Some(http);
        self
    }

    /// Sets how long one request may take from connecting to the end of the answer; 70 seconds if not set.
    ///
    /// The server itself gives up after 60 seconds.
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// Sets how long one request may wait for rate limits, its own and the server's; 60 seconds if not set.
    ///
    /// If it is known that the wait is longer, the call fails at once ([`Error::Throttled`]).
    pub fn max_wait(mut self, max_wait: Duration) -> Self {
        self.max_wait = max_wait.min(LONGEST_WAIT);
        self
    }

    /// Sets the pace; one of its own, with the published limits, if not set.
    ///
    /// All clients of an account need clones of one pace, since the server counts them together.
    pub fn pace(mut self, pace: Pace) -> Self {
        self.pace = pace;
        self
    }

    /// Sets a pace without limits ([`Pace::unlimited`]), for a private server that has none.
    ///
    /// What the server answers (429 with `Retry-After`) is honoured nevertheless.
    pub fn unpaced(self) -> Self {
        self.pace(Pace::unlimited())
    }

    /// Returns the client. Nothing is sent.
    ///
    /// # Errors
    /// [`Error::InvalidInput`] if the base URL is not allowed, the token cannot be sent as a header, or the
    /// TLS settings are not usable.
    pub fn build(self) -> Result<Client, Error> {
        let base = allowed_url("base URL", &self.base_url)?;
        let authorization = self.token.map(|token| authorization(&token)).transpose()?;
        let http = match self.http {
            Some(http) => http,
            None => built_in(self.tls)?,
        };
        let Self { deadline, max_wait, pace, .. } = self;
        Ok(Client { inner: Arc::new(Inner { base, authorization, http, deadline, max_wait, pace }) })
    }
}

impl fmt::Debug for ClientBuilder {
    // Not even the base URL: before `build` it may still carry a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientBuilder").finish_non_exhaustive()
    }
}

fn authorization(token: &SecretString) -> Result<SecretString, Error> {
    let token = token.expose_secret();
    if token.is_empty() || !token.bytes().all(|b| b.is_ascii_graphic()) {
        let reason = "it must be visible ASCII characters without blanks".into();
        return Err(Error::InvalidInput { what: "token", reason });
    }
    Ok(SecretString::from(format!("Token {token}")))
}

/// Returns the URL that `text` is, if a request may go there: https, or http to a loopback host.
pub(crate) fn allowed_url(what: &'static str, text: &str) -> Result<Url, Error> {
    let invalid = |reason: &str| Error::InvalidInput { what, reason: reason.into() };
    let url =
        Url::parse(text).map_err(|_| invalid("it is not a URL; give one like https://desec.io/api/v1"))?;
    let loopback = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => return Err(invalid("it has no host")),
    };
    if !(url.scheme() == "https" || url.scheme() == "http" && loopback) {
        return Err(invalid("use https (http is allowed to a loopback host only)"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(invalid("leave out the user name and password"));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(invalid("leave out what follows the path"));
    }
    Ok(url)
}

fn built_in(tls: Option<Arc<rustls::ClientConfig>>) -> Result<Arc<dyn HttpClient>, Error> {
    let invalid = |reason: String| Error::InvalidInput { what: "TLS settings", reason };
    let tls = match tls {
        Some(tls) => Arc::unwrap_or_clone(tls),
        None => default_tls().map_err(|error| invalid(error.to_string()))?,
    };
    let http = Reqwest::new(tls).map_err(|error| invalid(error.to_string()))?;
    Ok(Arc::new(http))
}

const DEFAULT_BASE: &str = "https://desec.io/api/v1";
const DEFAULT_DEADLINE: Duration = Duration::from_secs(70);
const DEFAULT_MAX_WAIT: Duration = Duration::from_mins(1);
// A year, far beyond any limit of the server: moments that far away can still be computed.
pub(crate) const LONGEST_WAIT: Duration = Duration::from_hours(365 * 24);
