//! The client: one door to the wire, and one place that judges what comes back.

use std::{fmt, sync::Arc, time::Duration};

use secrecy::{ExposeSecret, SecretString};
use serde::de::DeserializeOwned;
use tokio::time::{Instant, timeout};
use url::{Host, Url};

use crate::{
    error::{Error, Missing},
    http::{HttpClient, HttpError, HttpRequest, HttpResponse, Method, Reqwest, default_tls},
    pace::{Pace, Scope},
    problem::Problem,
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
    authorization: SecretString,
    http: Arc<dyn HttpClient>,
    deadline: Duration,
    max_wait: Duration,
    pace: Pace,
}

impl Client {
    /// Returns a builder for a client that uses `token`.
    pub fn builder(token: SecretString) -> ClientBuilder {
        ClientBuilder {
            token,
            base_url: DEFAULT_BASE.to_owned(),
            tls: None,
            http: None,
            deadline: DEFAULT_DEADLINE,
            max_wait: DEFAULT_MAX_WAIT,
            paced: true,
        }
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
        let give_up = Instant::now() + inner.max_wait;
        let mut attempt = 0;
        loop {
            let permit = inner
                .pace
                .acquire(call.scope.clone(), give_up)
                .await
                .map_err(|retry_after| call.throttled(retry_after))?;
            let answer = timeout(inner.deadline, inner.http.send(self.request(call))).await;
            drop(permit);
            match call.judge(answer.map_err(|_| Failure::Deadline)) {
                // Not executed, so safe to repeat whatever it was.
                Err(Error::Throttled { retry_after, .. }) => {
                    let wait = inner.pace.hold(&call.scope, retry_after, attempt);
                    if Instant::now() + wait > give_up {
                        return Err(call.throttled(retry_after));
                    }
                    attempt += 1;
                }
                judged => return judged,
            }
        }
    }

    fn request(&self, call: &Call<'_>) -> HttpRequest {
        let mut url = self.inner.base.clone();
        // The empty segment gives the slash at the end, without which the server redirects.
        url.path_segments_mut()
            .expect("a URL with a host has a path")
            .pop_if_empty()
            .extend(call.path)
            .push("");
        for (name, value) in call.query {
            url.query_pairs_mut().append_pair(name, value);
        }
        let request = HttpRequest::new(call.method, url).with_authorization(self.inner.authorization.clone());
        match &call.body {
            Some(body) => request.with_json(body.clone()),
            None => request,
        }
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("base", &self.inner.base.as_str()).finish_non_exhaustive()
    }
}

/// Builds a [`Client`].
pub struct ClientBuilder {
    token: SecretString,
    base_url: String,
    tls: Option<Arc<rustls::ClientConfig>>,
    http: Option<Arc<dyn HttpClient>>,
    deadline: Duration,
    max_wait: Duration,
    paced: bool,
}

impl ClientBuilder {
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
    pub fn max_wait(mut self, max_wait: Duration) -> Self {
        self.max_wait = max_wait.min(LONGEST_WAIT);
        self
    }

    /// Turns off the pace that keeps the published rate limits, for a private server without them.
    ///
    /// What the server answers (429 with `Retry-After`) is honoured nevertheless.
    pub fn unpaced(mut self) -> Self {
        self.paced = false;
        self
    }

    /// Returns the client. Nothing is sent.
    ///
    /// # Errors
    /// [`Error::InvalidInput`] if the base URL is not allowed, the token cannot be sent as a header, or the
    /// TLS settings are not usable.
    pub fn build(self) -> Result<Client, Error> {
        let base = base(&self.base_url)?;
        let token = self.token.expose_secret();
        if token.is_empty() || !token.bytes().all(|b| b.is_ascii_graphic()) {
            let reason = "it must be visible ASCII characters without blanks".into();
            return Err(Error::InvalidInput { what: "token", reason });
        }
        let authorization = SecretString::from(format!("Token {token}"));
        let http = match self.http {
            Some(http) => http,
            None => built_in(self.tls)?,
        };
        let Self { deadline, max_wait, paced, .. } = self;
        let pace = Pace::new(paced);
        Ok(Client { inner: Arc::new(Inner { base, authorization, http, deadline, max_wait, pace }) })
    }
}

impl fmt::Debug for ClientBuilder {
    // Not even the base URL: before `build` it may still carry a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientBuilder").finish_non_exhaustive()
    }
}

/// One request, and what is needed to judge its answer.
#[derive(Debug)]
pub(crate) struct Call<'a> {
    /// What is attempted, to complete "cannot ..".
    pub(crate) operation: &'static str,
    /// What it is about.
    pub(crate) subject: &'a str,
    pub(crate) method: Method,
    pub(crate) path: &'a [&'a str],
    pub(crate) query: &'a [(&'a str, &'a str)],
    pub(crate) body: Option<Vec<u8>>,
    /// The number of items of a bulk request, 0 for others.
    pub(crate) items: usize,
    pub(crate) scope: Scope,
}

impl<'a> Call<'a> {
    /// Returns a call that reads.
    pub(crate) fn read(operation: &'static str, subject: &'a str, path: &'a [&'a str]) -> Self {
        let (method, scope) = (Method::Get, Scope::Read);
        Self { operation, subject, method, path, query: &[], body: None, items: 0, scope }
    }

    /// Returns what the body of a successful answer says.
    pub(crate) fn json<T: DeserializeOwned>(&self, response: &HttpResponse) -> Result<T, Error> {
        // The parser's own words may quote the answer and are left out.
        serde_json::from_slice(response.body())
            .map_err(|_| self.not_understood("the answer is not the JSON that the API promises"))
    }

    /// Returns the error for a successful answer that cannot be used.
    pub(crate) fn not_understood(&self, reason: &str) -> Error {
        let Self { operation, subject, .. } = *self;
        if self.is_write() {
            self.unknown(reason, None)
        } else {
            let reason = format!("{reason}; check the base URL");
            Error::Unexpected { operation, subject: subject.into(), reason }
        }
    }

    fn judge(&self, answer: Result<Result<HttpResponse, HttpError>, Failure>) -> Result<HttpResponse, Error> {
        let Self { operation, subject, .. } = *self;
        let subject = subject.to_owned();
        let response = match answer {
            Ok(Ok(response)) => response,
            Ok(Err(error)) if !error.may_have_been_sent() => {
                let reason = "the server cannot be reached".into();
                return Err(Error::Unavailable { operation, subject, reason, source: Some(error) });
            }
            Ok(Err(error)) => return Err(self.no_answer("the answer was lost", Some(error))),
            Err(Failure::Deadline) => return Err(self.no_answer("no answer within the deadline", None)),
        };
        let status = response.status();
        if (200..300).contains(&status) {
            return Ok(response);
        }
        if (300..400).contains(&status) {
            let reason = format!("the server redirects to {}; check the base URL", target(&response));
            return Err(Error::Unexpected { operation, subject, reason });
        }
        let problem = Problem::decode(status, response.header("content-type"), response.body(), self.items);
        Err(match status {
            400 | 413 => Error::Invalid { operation, subject, problem },
            401 => Error::Unauthenticated { operation, subject },
            403 => Error::Forbidden { operation, subject, problem },
            404 if problem.says("No RRset matches the given query.") => {
                Error::NotFound { operation, subject, missing: Missing::RrSet }
            }
            404 if problem.says("Not found.") || problem.says("No Domain matches the given query.") => {
                Error::NotFound { operation, subject, missing: Missing::Domain }
            }
            409 => Error::Conflict { operation, subject, repeatable: self.is_repeatable(), problem },
            429 => self.throttled(retry_after(&response)),
            500.. => self.no_answer(&format!("the server failed ({problem})"), None),
            _ => {
                let reason = format!("the server gives an unexpected answer ({problem}); check the base URL");
                Error::Unexpected { operation, subject, reason }
            }
        })
    }

    fn no_answer(&self, reason: &str, source: Option<HttpError>) -> Error {
        if self.is_write() {
            return self.unknown(reason, source);
        }
        let (operation, subject) = (self.operation, self.subject.to_owned());
        Error::Unavailable { operation, subject, reason: reason.into(), source }
    }

    fn unknown(&self, reason: &str, source: Option<HttpError>) -> Error {
        Error::Unknown {
            operation: self.operation,
            subject: self.subject.into(),
            reason: reason.into(),
            repeatable: self.is_repeatable(),
            source,
        }
    }

    fn throttled(&self, retry_after: Option<Duration>) -> Error {
        Error::Throttled { operation: self.operation, subject: self.subject.into(), retry_after }
    }

    fn is_write(&self) -> bool {
        self.method != Method::Get
    }

    // A POST creates; everything else says what shall be.
    fn is_repeatable(&self) -> bool {
        self.method != Method::Post
    }
}

enum Failure {
    Deadline,
}

fn base(text: &str) -> Result<Url, Error> {
    let invalid = |reason: &str| Error::InvalidInput { what: "base URL", reason: reason.into() };
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

// The host alone: the rest of a foreign address is nobody's business.
fn target(response: &HttpResponse) -> String {
    let location = response.header("location").unwrap_or_default();
    match Url::parse(location).ok().as_ref().and_then(Url::host_str) {
        Some(host) => format!("the host {host}"),
        None => "another path".into(),
    }
}

fn retry_after(response: &HttpResponse) -> Option<Duration> {
    let seconds = response.header("retry-after")?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds).min(LONGEST_WAIT))
}

const DEFAULT_BASE: &str = "https://desec.io/api/v1";
const DEFAULT_DEADLINE: Duration = Duration::from_secs(70);
const DEFAULT_MAX_WAIT: Duration = Duration::from_mins(1);
// A year, far beyond any limit of the server: moments that far away can still be computed.
const LONGEST_WAIT: Duration = Duration::from_hours(365 * 24);
