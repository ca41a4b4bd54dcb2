//! How a client is set up.

use std::{fmt, sync::Arc, time::Duration};

use secrecy::SecretString;
use tokio::sync::Semaphore;
use url::{Host, Url};

use crate::{
    CallKind, Client, Error, HttpClient, ReqwestClient, RetryPolicy, door::Door, http::ProxyCredential,
    key::KeyRing, retry::RetryBudget, route::PerKind,
};

/// Builds a [`Client`].
#[derive(Clone)]
#[must_use]
pub struct ClientBuilder {
    base_url: String,
    api_key: SecretString,
    tls: Option<Arc<rustls::ClientConfig>>,
    http: Option<Arc<dyn HttpClient>>,
    proxy: Option<(String, SecretString)>,
    deadlines: PerKind<Duration>,
    concurrency: PerKind<usize>,
    chunks: PerKind<usize>,
    retries: RetryPolicy,
}

impl ClientBuilder {
    pub(crate) fn new(base_url: &str, api_key: SecretString) -> Self {
        Self {
            base_url: base_url.to_owned(),
            api_key,
            tls: None,
            http: None,
            proxy: None,
            deadlines: DEADLINES,
            concurrency: CONCURRENCY,
            chunks: CHUNKS,
            retries: RetryPolicy::default(),
        }
    }

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

    /// Adds a user name and a password for a proxy in front of Mailcow that asks for HTTP Basic (RFC 7617).
    ///
    /// Mailcow itself ignores HTTP Basic: only the API key lets a call in.
    pub fn proxy_credentials(mut self, user: &str, password: SecretString) -> Self {
        self.proxy = Some((user.to_owned(), password));
        self
    }

    /// Sets how long one call of any kind may take; see [`deadline_of`](Self::deadline_of).
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadlines = PerKind { read: deadline, create: deadline, edit: deadline, delete: deadline };
        self
    }

    /// Sets how long one call of a kind may take once it is sent: by default 60 s for reads and creates, 120 s for
    /// edits and deletes.
    ///
    /// Mailcow rebuilds a view after each write: with thousands of mailboxes and aliases one delete was measured to
    /// take 29 s and more.
    pub fn deadline_of(mut self, kind: CallKind, deadline: Duration) -> Self {
        self.deadlines.set(kind, deadline);
        self
    }

    /// Sets how many calls of a kind may be on their way at once, at least 1: by default 8 reads, 8 creates, 4 edits
    /// and 1 delete. Further calls wait for their turn in the order they came; their deadline has not begun then.
    ///
    /// More makes a Mailcow not faster but slower: its creates are bound by the processor.
    pub fn concurrency(mut self, kind: CallKind, calls: usize) -> Self {
        self.concurrency.set(kind, calls.clamp(1, Semaphore::MAX_PERMITS));
        self
    }

    /// Sets how reads, and writes that are safe to repeat, are repeated.
    pub fn retries(mut self, policy: RetryPolicy) -> Self {
        self.retries = policy;
        self
    }

    /// Sets how many items of a bulk edit or delete go into one call, 50 and 4 by default, at least 1.
    ///
    /// The answer to an edit grows with the square of the items, about 70 kB for 50. A delete takes half a minute at
    /// worst, and the deadline counts for the whole call.
    pub fn items_per_call(mut self, kind: CallKind, items: usize) -> Self {
        self.chunks.set(kind, items.max(1));
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
        let keys = KeyRing::new(self.api_key)?;
        let proxy = self.proxy.map(|(user, password)| ProxyCredential::new(&user, password)).transpose()?;
        let http = match (self.http, self.tls) {
            (Some(http), _) => http,
            (None, Some(tls)) => Arc::new(ReqwestClient::new(tls)?),
            (None, None) => Arc::new(ReqwestClient::with_public_roots()?),
        };
        let door = Door {
            base,
            keys,
            proxy,
            http,
            deadlines: self.deadlines,
            permits: self.concurrency.map(|calls| Semaphore::new(*calls)),
            retries: self.retries,
            budget: RetryBudget::new(),
            chunks: self.chunks,
        };
        Ok(Client::new(door))
    }
}

impl fmt::Debug for ClientBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Not the URL: unchecked, it may still carry credentials.
        f.debug_struct("ClientBuilder").field("deadlines", &self.deadlines).finish_non_exhaustive()
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

fn invalid(reason: impl Into<String>) -> Error {
    Error::InvalidInput { operation: "the client", reason: reason.into() }
}

const DEADLINES: PerKind<Duration> = PerKind {
    read: Duration::from_mins(1),
    create: Duration::from_mins(1),
    edit: Duration::from_mins(2),
    delete: Duration::from_mins(2),
};
const CONCURRENCY: PerKind<usize> = PerKind { read: 8, create: 8, edit: 4, delete: 1 };
const CHUNKS: PerKind<usize> = PerKind { read: 1, create: 1, edit: 50, delete: 4 };

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
}
