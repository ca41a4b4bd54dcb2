//! The wire seam: one method, so that bytes can be scripted, faulted and recorded.

use std::{borrow::Cow, fmt, time::Duration};

use async_trait::async_trait;
use secrecy::{ExposeSecret, SecretString};
use url::Url;

/// Sends one HTTP request and returns the answer.
#[async_trait]
pub trait HttpClient: fmt::Debug + Send + Sync + 'static {
    /// Sends `request` once.
    ///
    /// # Contract
    /// - Every answer of a server is `Ok`, whatever its status; redirects are not followed, nothing is
    ///   repeated, no cookie is kept.
    /// - [`HttpError::not_sent`] is returned only where no byte of the request left this machine;
    ///   anything else is [`HttpError::lost`].
    /// - The request's authorization reaches no log and no error.
    /// - Waiting is bounded by the caller, who drops the future; a dropped call may have been executed.
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, HttpError>;
}

/// The method of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Method {
    /// `GET`
    Get,
    /// `POST`
    Post,
    /// `PUT`
    Put,
    /// `PATCH`
    Patch,
    /// `DELETE`
    Delete,
}

impl Method {
    /// Returns the name of the method in upper case.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }
}

/// A request as it is handed to an [`HttpClient`].
///
/// `Debug` shows method and path only, and of a path not the code that confirms an action.
#[derive(Clone)]
pub struct HttpRequest {
    method: Method,
    url: Url,
    authorization: Option<SecretString>,
    accept: Accept,
    body: Option<Vec<u8>>,
    typed: bool,
}

/// The kind of answer that a request asks for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Accept {
    /// JSON: most of the API.
    #[default]
    Json,
    /// Whatever the server has: zone files and dynDNS.
    Any,
    /// A page, as browsers do; the client never asks for one.
    #[cfg(feature = "fake-server")]
    Html,
}

impl HttpRequest {
    /// Returns a request without authorization and body.
    pub fn new(method: Method, url: Url) -> Self {
        Self { method, url, authorization: None, accept: Accept::default(), body: None, typed: true }
    }

    /// Adds the value of the `Authorization` header.
    pub fn with_authorization(mut self, value: SecretString) -> Self {
        self.authorization = Some(value);
        self
    }

    /// Sets the kind of answer to ask for.
    pub(crate) fn with_accept(mut self, accept: Accept) -> Self {
        self.accept = accept;
        self
    }

    /// Adds a JSON body.
    pub fn with_json(mut self, body: Vec<u8>) -> Self {
        self.body = Some(body);
        self
    }

    /// Adds a body without a content type, as the client never does.
    #[cfg(feature = "fake-server")]
    pub(crate) fn with_untyped(mut self, body: Vec<u8>) -> Self {
        self.body = Some(body);
        self.typed = false;
        self
    }

    /// Returns the method.
    pub fn method(&self) -> Method {
        self.method
    }

    /// Returns the address.
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// Returns the value of the `Authorization` header, which must be sent as a sensitive header.
    pub fn authorization(&self) -> Option<&SecretString> {
        self.authorization.as_ref()
    }

    /// Returns the other headers to send: names in lower case, with their values.
    pub fn headers(&self) -> impl Iterator<Item = (&'static str, &'static str)> + use<> {
        let content_type =
            self.body.as_ref().filter(|_| self.typed).map(|_| ("content-type", "application/json"));
        let accept = match self.accept {
            Accept::Json => "application/json",
            Accept::Any => "*/*",
            #[cfg(feature = "fake-server")]
            Accept::Html => "text/html",
        };
        [("accept", accept), ("user-agent", USER_AGENT)].into_iter().chain(content_type)
    }

    /// Returns the body, if there is one.
    pub fn body(&self) -> Option<&[u8]> {
        self.body.as_deref()
    }
}

impl fmt::Debug for HttpRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpRequest")
            .field("method", &self.method)
            .field("path", &shown_path(self.url.path()))
            .finish_non_exhaustive()
    }
}

/// Returns `path` as it may be shown: without the code of `/v/{action}/{code}/`, which is a secret.
pub(crate) fn shown_path(path: &str) -> Cow<'_, str> {
    let bare = path.strip_suffix('/').unwrap_or(path);
    match bare.rsplit_once('/') {
        Some((action, code)) if action.rsplit('/').nth(1) == Some("v") && !code.is_empty() => {
            format!("{action}/[REDACTED]{}", &path[bare.len()..]).into()
        }
        _ => path.into(),
    }
}

/// An answer as an [`HttpClient`] returns it.
///
/// The client reads the headers `content-type`, `link`, `location` and `retry-after`. `Debug` shows
/// the status and the size of the body only.
#[derive(Clone)]
pub struct HttpResponse {
    status: u16,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl HttpResponse {
    /// Returns an answer with `status` and nothing else.
    pub fn new(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: Vec::new() }
    }

    /// Adds a header.
    pub fn with_header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_ascii_lowercase(), value.to_owned()));
        self
    }

    /// Sets the body.
    pub fn with_body(mut self, body: Vec<u8>) -> Self {
        self.body = body;
        self
    }

    /// Returns the status code.
    pub fn status(&self) -> u16 {
        self.status
    }

    /// Returns the value of the first header called `name`, in any letter case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// Returns all headers: names in lower case, with their values.
    pub fn headers(&self) -> impl Iterator<Item = (&str, &str)> {
        self.headers.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Returns the body.
    pub fn body(&self) -> &[u8] {
        &self.body
    }
}

impl fmt::Debug for HttpResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpResponse")
            .field("status", &self.status)
            .field("body_bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}

/// A request that brought no answer.
#[derive(Debug, thiserror::Error)]
#[error("{reason}")]
pub struct HttpError {
    reason: String,
    sent: bool,
    #[source]
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl HttpError {
    /// Returns the error of a request of which no byte was sent.
    pub fn not_sent(reason: impl Into<String>) -> Self {
        Self { reason: reason.into(), sent: false, source: None }
    }

    /// Returns the error of a request that may have been executed although no answer arrived.
    pub fn lost(reason: impl Into<String>) -> Self {
        Self { reason: reason.into(), sent: true, source: None }
    }

    /// Adds the cause, which must show neither the URL nor the authorization.
    pub fn with_source(mut self, source: impl std::error::Error + Send + Sync + 'static) -> Self {
        self.source = Some(Box::new(source));
        self
    }

    /// Returns whether the request may have reached the server.
    pub fn may_have_been_sent(&self) -> bool {
        self.sent
    }
}

/// Returns the settings used where none are given: ring, the roots of Mozilla, no client certificate.
pub(crate) fn default_tls() -> Result<rustls::ClientConfig, rustls::Error> {
    let mut roots = rustls::RootCertStore::empty();
    roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
    Ok(rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth())
}

#[derive(Debug)]
pub(crate) struct Reqwest(reqwest::Client);

impl Reqwest {
    pub(crate) fn new(tls: rustls::ClientConfig) -> Result<Self, reqwest::Error> {
        reqwest::Client::builder()
            .tls_backend_preconfigured(tls)
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .referer(false)
            // A proxy taken from the environment would see the token on a plain loopback address.
            .no_proxy()
            .connect_timeout(CONNECT_TIMEOUT)
            .build()
            .map(Self)
    }
}

#[async_trait]
impl HttpClient for Reqwest {
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let method = match request.method {
            Method::Get => reqwest::Method::GET,
            Method::Post => reqwest::Method::POST,
            Method::Put => reqwest::Method::PUT,
            Method::Patch => reqwest::Method::PATCH,
            Method::Delete => reqwest::Method::DELETE,
        };
        let mut builder = self.0.request(method, request.url.clone());
        for (name, value) in request.headers() {
            builder = builder.header(name, value);
        }
        if let Some(secret) = &request.authorization {
            let mut value = reqwest::header::HeaderValue::from_str(secret.expose_secret())
                .map_err(|_| HttpError::not_sent("the authorization is no header value"))?;
            value.set_sensitive(true);
            builder = builder.header(reqwest::header::AUTHORIZATION, value);
        }
        if let Some(body) = request.body {
            builder = builder.body(body);
        }
        read(builder.send().await.map_err(failed)?).await
    }
}

async fn read(mut answer: reqwest::Response) -> Result<HttpResponse, HttpError> {
    let mut response = HttpResponse::new(answer.status().as_u16());
    for name in ["content-type", "link", "location", "retry-after"] {
        for value in answer.headers().get_all(name).iter().filter_map(|value| value.to_str().ok()) {
            response = response.with_header(name, value);
        }
    }
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(failed)? {
        if body.len() + chunk.len() > MAX_ANSWER {
            return Err(HttpError::lost("the answer is larger than 32 MiB"));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(response.with_body(body))
}

fn failed(error: reqwest::Error) -> HttpError {
    let error = error.without_url();
    if error.is_connect() || error.is_builder() {
        HttpError::not_sent("no connection to the server").with_source(error)
    } else {
        HttpError::lost("the connection broke before the answer was complete").with_source(error)
    }
}

const USER_AGENT: &str = concat!("desec-api/", env!("CARGO_PKG_VERSION"));
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
// A page has 500 RRsets of at most 64 KiB each.
const MAX_ANSWER: usize = 32 * 1024 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_not_shown() {
        for (path, shown) in [
            ("/api/v1/v/delete-account/SECRET/", "/api/v1/v/delete-account/[REDACTED]/"),
            ("/v/delete-account/SECRET", "/v/delete-account/[REDACTED]"),
            ("/api/v1/domains/v/rrsets/", "/api/v1/domains/v/rrsets/"),
            ("/api/v1/v/delete-account/", "/api/v1/v/delete-account/"),
            ("/", "/"),
            ("", ""),
        ] {
            assert_eq!(shown_path(path), shown);
        }
    }
}
