//! The wire seam: what this crate needs of an HTTP client, and the implementation over reqwest.

use std::{error::Error as StdError, fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use reqwest::header::{CONTENT_TYPE, HeaderValue, InvalidHeaderValue, LOCATION};
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use crate::Error;

/// Carries one request to the server and its answer back.
#[async_trait]
pub trait HttpClient: fmt::Debug + Send + Sync + 'static {
    /// Sends `request` and returns whatever the server answered, of any status.
    ///
    /// # Contract
    /// - The request is sent at most once: no retries.
    /// - Redirects are not followed, so that the key reaches no other host.
    /// - The API key goes out as the header `X-API-Key`, a credential for a proxy as HTTP Basic, and neither into a log.
    /// - No cookie of an earlier answer is sent: Mailcow would mix up the answers of two calls.
    /// - [`HttpError::Connect`] is returned only if not one byte of the request can have reached the server.
    /// - A dropped call leaves it open whether the server carries the request out.
    ///
    /// # Errors
    /// Returns an [`HttpError`] if there is no whole answer.
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, HttpError>;
}

/// A request to a Mailcow server.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct HttpRequest {
    /// GET to read, POST to write.
    pub method: Method,
    /// The whole URL.
    pub url: Url,
    /// The value of the header `X-API-Key`.
    pub api_key: SecretString,
    /// The JSON body of a POST. It may hold passwords.
    pub body: Option<SecretString>,
    /// The credential for a proxy in front of the server, sent as HTTP Basic (RFC 7617). Mailcow ignores it.
    pub proxy: Option<ProxyCredential>,
}

impl HttpRequest {
    /// Builds a request without a body.
    pub fn new(method: Method, url: Url, api_key: SecretString) -> Self {
        Self { method, url, api_key, body: None, proxy: None }
    }

    /// Sets the JSON body.
    pub fn with_body(mut self, body: SecretString) -> Self {
        self.body = Some(body);
        self
    }
}

/// A user name and a password for a proxy in front of the server.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ProxyCredential {
    /// The user name.
    pub user: String,
    /// The password.
    pub password: SecretString,
}

impl ProxyCredential {
    /// Builds a credential.
    ///
    /// # Errors
    /// Returns [`Error::InvalidInput`] if the user name is empty or holds a colon, or if either holds a control
    /// character: HTTP Basic cannot carry them.
    pub fn new(user: &str, password: SecretString) -> Result<Self, Error> {
        let has_control = |text: &str| text.chars().any(char::is_control);
        if user.is_empty() || user.contains(':') || has_control(user) || has_control(password.expose_secret())
        {
            return Err(Error::InvalidInput {
                operation: "the proxy credential",
                reason: "the user name is empty or holds a colon, or there is a control character".to_owned(),
            });
        }
        Ok(Self { user: user.to_owned(), password })
    }
}

/// The methods Mailcow takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Method {
    /// Reads.
    Get,
    /// Writes.
    Post,
}

/// An answer of a Mailcow server. Its `Debug` shows no content: answers echo secrets.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct HttpResponse {
    /// The HTTP status; Mailcow says 200 for most failures too.
    pub status: u16,
    /// The header `Content-Type`, which Mailcow often gets wrong.
    pub content_type: String,
    /// The header `Location` of a redirect.
    pub location: Option<String>,
    /// The body as received.
    pub body: Vec<u8>,
}

impl HttpResponse {
    /// Builds an answer labelled as JSON.
    pub fn new(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self { status, content_type: "application/json".to_owned(), location: None, body: body.into() }
    }

    /// Sets the content type.
    pub fn with_content_type(mut self, content_type: &str) -> Self {
        content_type.clone_into(&mut self.content_type);
        self
    }

    /// Sets the target of a redirect.
    pub fn with_location(mut self, location: &str) -> Self {
        self.location = Some(location.to_owned());
        self
    }
}

impl fmt::Debug for HttpResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpResponse")
            .field("status", &self.status)
            .field("content_type", &self.content_type)
            .field("body_bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}

/// Why there is no whole answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HttpError {
    /// No connection was made; the server has seen nothing of the request.
    #[error("no connection to the server")]
    Connect(#[source] Box<dyn StdError + Send + Sync>),
    /// The connection failed after the request may have been sent.
    #[error("the connection to the server was lost")]
    Lost(#[source] Box<dyn StdError + Send + Sync>),
    /// The answer is larger than this client reads.
    #[error("the answer is larger than {limit} bytes")]
    #[non_exhaustive]
    TooLarge {
        /// The largest body that is read, in bytes.
        limit: usize,
    },
}

/// [`HttpClient`] over reqwest: HTTP/1.1 and rustls, no redirects, no cookies, no retries, no proxy.
#[derive(Clone, Debug)]
pub struct ReqwestClient {
    http: reqwest::Client,
}

impl ReqwestClient {
    /// Builds a client that trusts what `tls` trusts.
    ///
    /// # Errors
    /// Returns [`Error::InvalidInput`] if reqwest does not take the configuration.
    pub fn new(tls: impl Into<Arc<rustls::ClientConfig>>) -> Result<Self, Error> {
        let mut tls = Arc::unwrap_or_clone(tls.into());
        tls.alpn_protocols = vec![b"http/1.1".to_vec()];
        let http = reqwest::Client::builder()
            .tls_backend_preconfigured(tls)
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .referer(false)
            // A proxy of the environment would see which mailboxes exist; connect straight to the server.
            .no_proxy()
            .connect_timeout(CONNECT_TIMEOUT)
            .build()
            .map_err(|error| Error::InvalidInput {
                operation: BUILD,
                reason: error.without_url().to_string(),
            })?;
        Ok(Self { http })
    }

    /// Builds a client that trusts the public certification authorities (webpki-roots) through ring.
    ///
    /// # Errors
    /// Returns [`Error::InvalidInput`] if rustls or reqwest do not take the configuration.
    pub fn with_public_roots() -> Result<Self, Error> {
        let roots = rustls::RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| Error::InvalidInput { operation: BUILD, reason: error.to_string() })?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Self::new(tls)
    }
}

#[async_trait]
impl HttpClient for ReqwestClient {
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let key = sensitive(&request.api_key).map_err(|error| HttpError::Connect(error.into()))?;
        let builder = match request.method {
            Method::Get => self.http.get(request.url),
            Method::Post => self.http.post(request.url).header(CONTENT_TYPE, "application/json"),
        };
        let mut builder = builder.header("X-API-Key", key);
        if let Some(proxy) = request.proxy {
            builder = builder.basic_auth(proxy.user, Some(proxy.password.expose_secret()));
        }
        if let Some(body) = request.body {
            builder = builder.body(body.expose_secret().to_owned());
        }
        let mut answer = builder.send().await.map_err(classify)?;
        let header = |name| answer.headers().get(name).and_then(|v| v.to_str().ok()).map(str::to_owned);
        let mut response = HttpResponse::new(answer.status().as_u16(), Vec::new());
        response.content_type = header(CONTENT_TYPE).unwrap_or_default();
        response.location = header(LOCATION);
        while let Some(chunk) =
            answer.chunk().await.map_err(|error| HttpError::Lost(error.without_url().into()))?
        {
            if response.body.len() + chunk.len() > MAX_BODY {
                return Err(HttpError::TooLarge { limit: MAX_BODY });
            }
            response.body.extend_from_slice(&chunk);
        }
        Ok(response)
    }
}

/// A header value that no `Debug` and no compression table shows.
fn sensitive(secret: &SecretString) -> Result<HeaderValue, InvalidHeaderValue> {
    let mut value = HeaderValue::from_str(secret.expose_secret())?;
    value.set_sensitive(true);
    Ok(value)
}

/// The URL is stripped because it names mailboxes.
fn classify(error: reqwest::Error) -> HttpError {
    let not_sent = error.is_connect() || error.is_builder();
    let error = error.without_url().into();
    if not_sent { HttpError::Connect(error) } else { HttpError::Lost(error) }
}

const BUILD: &str = "the http client";
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
// A list of 5000 mailboxes is 7.5 MB; a bulk edit of 1000 echoes about 28 MB.
const MAX_BODY: usize = 64 * 1024 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_with_the_key_is_not_shown() {
        assert_eq!(format!("{:?}", sensitive(&"KEY-CANARY".into()).unwrap()), "Sensitive");
    }

    #[test]
    fn neither_request_nor_response_shows_its_secrets() {
        let url = "https://mail.example.com/api/v1/add/mailbox".parse().unwrap();
        let request = HttpRequest::new(Method::Post, url, "KEY-CANARY".into())
            .with_body(r#"{"password":"PW-CANARY"}"#.into());
        let response = HttpResponse::new(200, "PW-CANARY");
        let shown = format!("{request:?} {response:?}");
        assert!(!shown.contains("CANARY"), "{shown}");
        assert!(shown.contains("add/mailbox") && shown.contains("body_bytes: 9"), "{shown}");
    }
}
