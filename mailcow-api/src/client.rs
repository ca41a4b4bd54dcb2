//! The client and its one door to the wire.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use secrecy::{ExposeSecret, SecretString};
use serde::{Serialize, de::DeserializeOwned};
use url::{Host, Url};

use crate::{
    DomainName, Error, HttpClient, HttpRequest, Method, ReqwestClient,
    answer::{self, Operation},
};

/// A client of one Mailcow server with one API key. Clones are cheap and share everything.
///
/// Each call may be dropped at any point. A dropped read leaves nothing behind; a dropped write may or may not be
/// carried out by the server, so read back before sending it again.
#[derive(Clone)]
pub struct Client {
    inner: Arc<Inner>,
}

struct Inner {
    base: Url,
    api_key: SecretString,
    http: Arc<dyn HttpClient>,
    deadline: Duration,
    dkim_turns: Mutex<HashMap<DomainName, Arc<tokio::sync::Mutex<()>>>>,
}

/// A route that reads, as `get/mailbox`.
#[derive(Clone, Copy)]
pub(crate) struct Read(pub(crate) &'static str);

/// A route that writes, with the code by which the server confirms it.
#[derive(Clone, Copy)]
pub(crate) struct Write {
    pub(crate) route: &'static str,
    pub(crate) success: &'static str,
}

impl Client {
    /// Starts to build a client of the server at `base_url`, with or without `/api/v1` at its end.
    ///
    /// ```
    /// use mailcow_api::Client;
    ///
    /// let client = Client::builder("https://mail.example.com", "AAAAAA-BBBBBB-CCCCCC".into()).build()?;
    /// # Ok::<(), mailcow_api::Error>(())
    /// ```
    pub fn builder(base_url: &str, api_key: SecretString) -> ClientBuilder {
        ClientBuilder {
            base_url: base_url.to_owned(),
            api_key,
            tls: None,
            http: None,
            deadline: Duration::from_mins(2),
        }
    }

    /// Reads one object or list; `name` is the last segment of the path. `None` means not found or empty.
    pub(crate) async fn read<T: DeserializeOwned>(
        &self,
        route: Read,
        name: Option<&str>,
    ) -> Result<Option<T>, Error> {
        let operation = Operation { route: route.0, subject: name.unwrap_or("the server"), is_write: false };
        let answered = self.call(operation, name, None).await;
        traced(operation, answered.and_then(|body| answer::decode(operation, &body)))
    }

    /// Writes and returns once the server has confirmed it.
    pub(crate) async fn write(
        &self,
        write: Write,
        subject: &str,
        body: &impl Serialize,
    ) -> Result<(), Error> {
        let operation = Operation { route: write.route, subject, is_write: true };
        let json =
            serde_json::to_string(body).map_err(|_| operation.invalid("it cannot be written as JSON"))?;
        let answered = self.call(operation, None, Some(json.into())).await;
        traced(operation, answered.and_then(|body| answer::confirm(operation, write.success, &body)))
    }

    /// Waits until no other call of this client makes or deletes the DKIM key of `domain`.
    pub(crate) async fn dkim_turn(&self, domain: &DomainName) -> tokio::sync::OwnedMutexGuard<()> {
        let turn = {
            let mut turns = self.inner.dkim_turns.lock().unwrap_or_else(PoisonError::into_inner);
            // Whoever waits or works holds a second reference; the rest is no longer needed.
            turns.retain(|_, turn| Arc::strong_count(turn) > 1);
            Arc::clone(turns.entry(domain.clone()).or_default())
        };
        turn.lock_owned().await
    }

    /// The one door to the wire: every route goes through here.
    async fn call(
        &self,
        operation: Operation<'_>,
        name: Option<&str>,
        body: Option<SecretString>,
    ) -> Result<Vec<u8>, Error> {
        let url = self.inner.url(operation, name)?;
        let method = if operation.is_write { Method::Post } else { Method::Get };
        let mut request = HttpRequest::new(method, url, self.inner.api_key.clone());
        request.body = body;
        let deadline = self.inner.deadline;
        match tokio::time::timeout(deadline, self.inner.http.send(request)).await {
            Ok(sent) => answer::accept(operation, &self.inner.base, sent),
            Err(_) => {
                Err(operation.unanswered(format!("no answer within {} s", deadline.as_secs_f32()), None))
            }
        }
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("base", &self.inner.base.as_str())
            .field("deadline", &self.inner.deadline)
            .finish_non_exhaustive()
    }
}

impl Inner {
    fn url(&self, operation: Operation<'_>, name: Option<&str>) -> Result<Url, Error> {
        let mut path = operation.route.to_owned();
        if let Some(name) = name {
            if name.is_empty() || matches!(name, "." | "..") || name.contains('/') {
                return Err(
                    operation.invalid("a name that is empty, is a dot or holds a slash cannot be read")
                );
            }
            if name.chars().any(char::is_control) {
                return Err(operation.invalid("the name holds a control character"));
            }
            // Twice: nginx decodes the path into a query that PHP decodes again.
            let once = utf8_percent_encode(name, SEGMENT).to_string();
            path.push('/');
            path.extend(utf8_percent_encode(&once, SEGMENT));
        }
        self.base.join(&path).map_err(|error| operation.invalid(error.to_string()))
    }
}

/// Builds a [`Client`].
#[derive(Clone)]
#[must_use]
pub struct ClientBuilder {
    base_url: String,
    api_key: SecretString,
    tls: Option<Arc<rustls::ClientConfig>>,
    http: Option<Arc<dyn HttpClient>>,
    deadline: Duration,
}

impl ClientBuilder {
    /// Sets which certificates are trusted. The default are the public authorities.
    pub fn tls(mut self, config: impl Into<Arc<rustls::ClientConfig>>) -> Self {
        self.tls = Some(config.into());
        self
    }

    /// Replaces the HTTP client, and with it TLS: for tests, recordings or a client of your own.
    pub fn http_client(mut self, http: Arc<dyn HttpClient>) -> Self {
        self.http = Some(http);
        self
    }

    /// Sets how long one call may take, 120 s by default.
    ///
    /// Mailcow rebuilds a view after each write: with thousands of mailboxes and aliases one delete was measured to
    /// take 29 s and more.
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// Builds the client. Nothing is sent yet; [`Client::version`] checks the credentials.
    ///
    /// # Errors
    /// Returns [`Error::InvalidInput`] if the URL is none, is not https (plain http is for a loopback host only) or
    /// carries credentials or a query, if the API key holds other characters than letters, digits and hyphens, or
    /// if the TLS configuration is not usable.
    pub fn build(self) -> Result<Client, Error> {
        let base = base(&self.base_url)?;
        let key = self.api_key.expose_secret();
        if key.is_empty() || !key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-') {
            return Err(invalid("the api key is made of letters, digits and hyphens only"));
        }
        let http = match (self.http, self.tls) {
            (Some(http), _) => http,
            (None, Some(tls)) => Arc::new(ReqwestClient::new(tls)?),
            (None, None) => Arc::new(ReqwestClient::with_public_roots()?),
        };
        let inner = Inner {
            base,
            api_key: self.api_key,
            http,
            deadline: self.deadline,
            dkim_turns: Mutex::default(),
        };
        Ok(Client { inner: Arc::new(inner) })
    }
}

impl fmt::Debug for ClientBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Not the URL: unchecked, it may still carry credentials.
        f.debug_struct("ClientBuilder").field("deadline", &self.deadline).finish_non_exhaustive()
    }
}

/// Reads a base URL in any of its forms and returns the one that ends in `/api/v1/`.
fn base(text: &str) -> Result<Url, Error> {
    let mut url = Url::parse(text).map_err(|error| invalid(format!("the base url is none: {error}")))?;
    let is_loopback = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    match url.scheme() {
        "https" => {}
        "http" if is_loopback => {}
        "http" => return Err(invalid("the base url is not https; plain http is only for a loopback host")),
        _ => return Err(invalid("the base url is not https")),
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(invalid("the base url holds credentials; mailcow takes only an api key"));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(invalid("the base url holds a query or a fragment"));
    }
    let path = url.path().trim_end_matches('/');
    let path = path.strip_suffix("/api/v1").unwrap_or(path).trim_end_matches('/');
    let path = format!("{path}/api/v1/");
    url.set_path(&path);
    Ok(url)
}

fn traced<T>(operation: Operation<'_>, result: Result<T, Error>) -> Result<T, Error> {
    let outcome = result.as_ref().map_or_else(Error::label, |_| "ok");
    tracing::debug!(operation = operation.route, outcome, "mailcow call");
    result
}

fn invalid(reason: impl Into<String>) -> Error {
    Error::InvalidInput { operation: "the client", reason: reason.into() }
}

const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'@');

#[cfg(test)]
mod tests {
    use super::*;

    fn build(url: &str, key: &str) -> Result<Client, Error> {
        Client::builder(url, key.into()).build()
    }

    #[test]
    fn every_form_of_the_base_url_means_the_same() {
        for (given, meant) in [
            ("https://mail.example.com", "https://mail.example.com/api/v1/"),
            ("https://mail.example.com/", "https://mail.example.com/api/v1/"),
            ("https://mail.example.com/api/v1", "https://mail.example.com/api/v1/"),
            ("https://mail.example.com/api/v1//", "https://mail.example.com/api/v1/"),
            ("https://mail.example.com:8443/mail/", "https://mail.example.com:8443/mail/api/v1/"),
            ("http://localhost:8080", "http://localhost:8080/api/v1/"),
            ("http://127.0.0.9", "http://127.0.0.9/api/v1/"),
            ("http://[::1]:1/api/v1/", "http://[::1]:1/api/v1/"),
        ] {
            assert_eq!(base(given).unwrap().as_str(), meant);
        }
    }

    #[test]
    fn unsafe_or_odd_urls_are_refused_without_repeating_them() {
        for bad in [
            "http://mail.example.com",
            "http://localhost.example.com",
            "http://128.0.0.1",
            "ftp://mail.example.com",
            "mail.example.com",
            "https://user:SECRET@mail.example.com",
            "https://mail.example.com/?key=SECRET",
            "https://mail.example.com/#SECRET",
        ] {
            let error = build(bad, "KEY").unwrap_err();
            assert!(matches!(error, Error::InvalidInput { .. }), "{bad}");
            assert!(!format!("{error} {error:?}").contains("SECRET"), "{error}");
        }
    }

    #[test]
    fn a_key_that_mailcow_would_alter_is_refused() {
        for bad in ["", "AAAAAA\n", "AAA BBB", "schlüssel"] {
            assert!(build("https://mail.example.com", bad).is_err(), "{bad:?} was accepted");
        }
    }

    #[test]
    fn names_are_encoded_twice() {
        let client = build("https://mail.example.com", "KEY").unwrap();
        let url = |name| {
            let operation = Operation { route: "get/mailbox", subject: name, is_write: false };
            client.inner.url(operation, Some(name)).map(|url| url.path().to_owned())
        };
        assert_eq!(url("agent-1@b.example").unwrap(), "/api/v1/get/mailbox/agent-1@b.example");
        assert_eq!(url("plus+tag@b.example").unwrap(), "/api/v1/get/mailbox/plus%252Btag@b.example");
        assert_eq!(url("r&d?#@b.example").unwrap(), "/api/v1/get/mailbox/r%2526d%253F%2523@b.example");
        for bad in ["", ".", "..", "a/b@b.example", "a\n@b.example"] {
            assert!(url(bad).is_err(), "{bad:?} was accepted");
        }
    }

    #[tokio::test]
    async fn turns_are_per_domain_and_forgotten_afterwards() {
        let client = build("https://mail.example.com", "KEY").unwrap();
        let (one, two) = ("one.example".parse().unwrap(), "two.example".parse().unwrap());
        let first = client.dkim_turn(&one).await;
        let other = client.dkim_turn(&two).await;
        let again = client.clone();
        let waiting = tokio::spawn(async move { drop(again.dkim_turn(&one).await) });
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished());
        drop(first);
        waiting.await.unwrap();
        drop(other);
        drop(client.dkim_turn(&"three.example".parse().unwrap()).await);
        assert_eq!(client.inner.dkim_turns.lock().unwrap().len(), 1);
    }
}
