//! Secrets in HashiCorp Vault, by its HTTP API (feature `vault`).

mod call;
#[cfg(feature = "conformance")]
pub(crate) mod fake;
mod path;
mod seen;
mod session;
#[cfg(all(test, feature = "conformance"))]
mod tests;

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use mail_access::Address;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use tokio::time::{Instant, sleep, sleep_until};
use url::{Host, Url};

use self::call::{Door, Failure, What, no_mount, problems, refusal, says};
use self::seen::Seen;
pub use self::session::VaultLogin;
use self::session::{Session, unreadable};
use crate::backend::SecretStore;
use crate::http::{HttpClient, HttpResponse, Method};
use crate::{Error, ErrorKind};

/// Secrets in a KV engine of version 2, at `secret/mail/users/<domain>/<user>`, in the field `password`.
///
/// - Of a person's mailbox Vault keeps the password that it was made with: a password that the person has chosen since
///   is known to nobody else.
/// - What is stored is stored by check-and-set: after a `get` the next `put` of the address succeeds only if nobody else
///   has stored one meanwhile, else it is [`NotReady`](ErrorKind::NotReady) and the next look shows what is there. That
///   holds of the 32 768 addresses that were looked at last; a `put` of another one looks itself first. All fields of the
///   secret are replaced.
/// - `remove` deletes the metadata with all versions.
/// - A token is renewed after two thirds of its time, by the call that comes then; [`keep_token`](Self::keep_token) does
///   it for a program that is idle. A 403 leads to one new login by AppRole, at most one in a minute. A login that was
///   refused is not tried again for a minute.
/// - Reading is tried three times. What writes is repeated only where it was not sent, or where a look shows that it was
///   not carried out. Each request has a deadline, 10 seconds unless set.
///
/// The policy has to allow `create`, `read` and `update` on `secret/data/mail/users/*` and `delete` on
/// `secret/metadata/mail/users/*`. Characters of the local part other than letters, digits, `-`, `_` and dots stand in
/// the path as `=` and two hex digits; the case of letters makes no other path.
pub struct Vault {
    door: Door,
    session: Session,
    mount: Vec<String>,
    prefix: Vec<String>,
    seen: Mutex<Seen>,
}

impl Vault {
    /// Makes a store in the Vault at `address`, `https://vault.example.org:8200`. Nothing is sent yet.
    ///
    /// # Errors
    /// [`InvalidInput`](ErrorKind::InvalidInput) if the address is no `https` URL (or `http` on a loopback host), or has
    /// user, query or fragment.
    pub fn new(address: &str, login: VaultLogin, http: Arc<dyn HttpClient>) -> Result<Self, Error> {
        let base = base_url(address).ok_or_else(|| {
            Error::new(ErrorKind::InvalidInput, "name vault", "address")
                .with_detail("it has to be like https://vault.example.org:8200; http only on this machine")
        })?;
        Ok(Self {
            door: Door { http, base, namespace: None, deadline: Duration::from_secs(10) },
            session: Session::new(login),
            mount: vec!["secret".to_owned()],
            prefix: vec!["mail".to_owned(), "users".to_owned()],
            seen: Mutex::default(),
        })
    }

    /// Sets the mount of the engine; `secret` unless set.
    ///
    /// # Errors
    /// [`InvalidInput`](ErrorKind::InvalidInput) if it is not segments of letters, digits, `-`, `_` and dots.
    pub fn with_mount(mut self, mount: &str) -> Result<Self, Error> {
        self.mount = path::checked(mount).ok_or_else(|| no_path("mount"))?;
        Ok(self)
    }

    /// Sets what stands before domain and user in the path; `mail/users` unless set.
    ///
    /// # Errors
    /// As [`with_mount`](Self::with_mount).
    pub fn with_prefix(mut self, prefix: &str) -> Result<Self, Error> {
        self.prefix = path::checked(prefix).ok_or_else(|| no_path("prefix"))?;
        Ok(self)
    }

    /// Sets the namespace, `team/mail` (`X-Vault-Namespace`); none unless set.
    ///
    /// # Errors
    /// As [`with_mount`](Self::with_mount).
    pub fn with_namespace(mut self, namespace: &str) -> Result<Self, Error> {
        let segments = path::checked(namespace).ok_or_else(|| no_path("namespace"))?;
        self.door.namespace = Some(segments.join("/"));
        Ok(self)
    }

    /// Sets how long one request may take; 10 seconds unless set.
    pub fn with_deadline(mut self, deadline: Duration) -> Self {
        self.door.deadline = deadline;
        self
    }

    /// Keeps the token from running out while the program has nothing to ask, for ever. The caller spawns it.
    pub async fn keep_token(&self) {
        let what = What { operation: "renew token", subject: &self.door.base };
        loop {
            let pause = match self.session.token(&self.door, &what).await {
                Ok(_) => self.session.due().await,
                Err(error) => {
                    tracing::warn!(%error, "no vault token");
                    None
                }
            };
            let at_most = Instant::now() + LOOK;
            sleep_until(pause.map_or(at_most, |due| due.min(at_most))).await;
        }
    }

    /// Reads what is stored and its version, trying again where nothing can be known.
    async fn read(&self, what: &What<'_>, path: &Path) -> Result<Stored, Error> {
        let path: Vec<&str> = path.data.iter().map(String::as_str).collect();
        let mut pauses = PAUSES.iter();
        let answer = loop {
            match self.call(what, Method::Get, &path, None).await? {
                Ok(answer) => break answer,
                Err(failure) => match pauses.next() {
                    Some(pause) => sleep(*pause).await,
                    None => return Err(failure.unavailable(what)),
                },
            }
        };
        match answer.status {
            200 => Stored::parse(&answer).ok_or_else(|| unreadable(what)),
            // It says so of a secret that is not there, of one whose version is deleted, and of a mount that is not there.
            404 => match (problems(&answer), Stored::parse(&answer)) {
                (Some(problems), _) if problems.is_empty() => Ok(Stored { secret: None, version: 0 }),
                (None, Some(deleted)) => Ok(deleted),
                _ => Err(no_mount(what)),
            },
            _ => Err(refusal(what, &answer)),
        }
    }

    /// Makes one call with a token; a 403 is asked again with another one.
    async fn call(
        &self,
        what: &What<'_>,
        method: Method,
        path: &[&str],
        body: Option<SecretString>,
    ) -> Result<Result<HttpResponse, Failure>, Error> {
        let token = self.session.token(&self.door, what).await?;
        let answer = self.door.call(method, path, Some(&token.value), body.clone()).await;
        if let Ok(refused) = &answer
            && refused.status == 403
            && let Some(token) = self.session.another(&self.door, what, &token).await?
        {
            return Ok(self.door.call(method, path, Some(&token.value), body).await);
        }
        Ok(answer)
    }

    async fn write(
        &self,
        what: &What<'_>,
        path: &Path,
        secret: &SecretString,
        version: u64,
    ) -> Result<u64, Error> {
        let body = serde_json::json!({
            "options": { "cas": version },
            "data": { FIELD: secret.expose_secret() },
        });
        let body = SecretString::from(body.to_string());
        let segments: Vec<&str> = path.data.iter().map(String::as_str).collect();
        let mut pauses = PAUSES.iter();
        loop {
            let unknown = match self.call(what, Method::Post, &segments, Some(body.clone())).await? {
                Ok(answer) if answer.status == 200 => {
                    return Written::parse(&answer).ok_or_else(|| unreadable(what));
                }
                Ok(answer)
                    if answer.status == 400 && says(&answer, "check-and-set parameter did not match") =>
                {
                    None
                }
                // An engine of version 1 takes everything and says nothing.
                Ok(answer) if answer.status == 204 => return Err(no_mount(what)),
                Ok(answer) => return Err(refusal(what, &answer)),
                Err(failure) => Some(failure),
            };
            if !matches!(unknown, Some(Failure::NotDone(_))) {
                let there = match (self.read(what, path).await, unknown) {
                    (Ok(there), _) => there,
                    (Err(_), Some(failure)) => return Err(failure.interrupted(what)),
                    (Err(error), None) => return Err(error),
                };
                if there.holds(secret) {
                    return Ok(there.version);
                }
                if there.version != version {
                    return Err(what
                        .error(ErrorKind::NotReady)
                        .with_detail("somebody else has stored or removed a secret meanwhile")
                        .with_fix("look at what is there now, then decide"));
                }
            } else if let Some(failure) = unknown
                && pauses.len() == 0
            {
                return Err(failure.unavailable(what));
            }
            match pauses.next() {
                Some(pause) => sleep(*pause).await,
                None => return Err(what.error(ErrorKind::Interrupted).with_repeatable()),
            }
        }
    }

    fn path(&self, address: &Address) -> Path {
        let below = |kind: &str| {
            let mut path = self.mount.clone();
            path.push(kind.to_owned());
            path.extend(self.prefix.iter().cloned());
            path.extend(path::segments(address));
            path
        };
        Path { data: below("data"), metadata: below("metadata") }
    }

    fn note(&self, path: &Path, version: Option<u64>) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        match version {
            Some(version) => seen.note(&path.data, version),
            None => seen.forget(&path.data),
        }
    }

    fn noted(&self, path: &Path) -> Option<u64> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).get(&path.data)
    }
}

#[async_trait]
impl SecretStore for Vault {
    async fn get(&self, address: &Address) -> Result<Option<SecretString>, Error> {
        let (what, path) = (What { operation: "read secret", subject: address }, self.path(address));
        let stored = self.read(&what, &path).await?;
        self.note(&path, Some(stored.version));
        Ok(stored.secret)
    }

    async fn put(&self, address: &Address, secret: &SecretString) -> Result<(), Error> {
        let (what, path) = (What { operation: "write secret", subject: address }, self.path(address));
        let version = match self.noted(&path) {
            Some(version) => version,
            None => self.read(&what, &path).await?.version,
        };
        // Whatever comes of it, the version that was noted is not it any more.
        self.note(&path, None);
        let version = self.write(&what, &path, secret, version).await?;
        self.note(&path, Some(version));
        Ok(())
    }

    async fn remove(&self, address: &Address) -> Result<(), Error> {
        let (what, path) = (What { operation: "remove secret", subject: address }, self.path(address));
        self.note(&path, None);
        let segments: Vec<&str> = path.metadata.iter().map(String::as_str).collect();
        let mut pauses = PAUSES.iter();
        loop {
            match self.call(&what, Method::Delete, &segments, None).await? {
                Ok(answer) if [200, 204].contains(&answer.status) => return Ok(()),
                Ok(answer) if answer.status == 404 && problems(&answer).is_some_and(|all| all.is_empty()) => {
                    return Ok(());
                }
                Ok(answer) => return Err(refusal(&what, &answer)),
                Err(failure @ Failure::NotDone(_)) => match pauses.next() {
                    Some(pause) => sleep(*pause).await,
                    None => return Err(failure.unavailable(&what)),
                },
                // A repetition might remove what somebody has stored since.
                Err(failure) => return Err(failure.interrupted(&what)),
            }
        }
    }
}

/// Shows where it is.
impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Vault")
            .field("address", &self.door.base.as_str())
            .field("namespace", &self.door.namespace)
            .field("mount", &self.mount.join("/"))
            .field("prefix", &self.prefix.join("/"))
            .finish_non_exhaustive()
    }
}

/// Where a secret lies, in segments.
struct Path {
    data: Vec<String>,
    metadata: Vec<String>,
}

/// What Vault has of a secret.
struct Stored {
    secret: Option<SecretString>,
    /// 0 if it was never there.
    version: u64,
}

impl Stored {
    /// Reads `{"data": {"data": {..}, "metadata": {"version": 3, ..}}}`; a version that was deleted has no data.
    fn parse(answer: &HttpResponse) -> Option<Self> {
        #[derive(Deserialize)]
        struct Answer {
            data: Versioned,
        }
        #[derive(Deserialize)]
        struct Versioned {
            data: Option<HashMap<String, serde_json::Value>>,
            metadata: Metadata,
        }
        #[derive(Deserialize)]
        struct Metadata {
            version: u64,
        }
        let Versioned { data, metadata } = serde_json::from_slice::<Answer>(&answer.body).ok()?.data;
        let secret = match data {
            None => None,
            Some(mut fields) => match fields.remove(FIELD)? {
                serde_json::Value::String(secret) => Some(secret.into()),
                _ => return None,
            },
        };
        Some(Self { secret, version: metadata.version })
    }

    fn holds(&self, secret: &SecretString) -> bool {
        self.secret.as_ref().is_some_and(|there| there.expose_secret() == secret.expose_secret())
    }
}

/// What Vault says of a secret that was stored.
#[derive(Deserialize)]
struct Written {
    version: u64,
}

impl Written {
    fn parse(answer: &HttpResponse) -> Option<u64> {
        #[derive(Deserialize)]
        struct Answer {
            data: Written,
        }
        Some(serde_json::from_slice::<Answer>(&answer.body).ok()?.data.version)
    }
}

fn base_url(text: &str) -> Option<Url> {
    let url = Url::parse(text.trim()).ok()?;
    let loopback = match url.host()? {
        Host::Domain(name) => name == "localhost",
        Host::Ipv4(address) => address.is_loopback(),
        Host::Ipv6(address) => address.is_loopback(),
    };
    let plain = url.username().is_empty() && url.password().is_none();
    let plain = plain && url.query().is_none() && url.fragment().is_none();
    (plain && (url.scheme() == "https" || (url.scheme() == "http" && loopback))).then_some(url)
}

#[cfg(feature = "from-env")]
pub(super) fn is_path(text: &str) -> bool {
    path::checked(text).is_some()
}

fn no_path(what: &str) -> Error {
    Error::new(ErrorKind::InvalidInput, "name vault", what)
        .with_detail("it has to be segments of letters, digits, -, _ and dots, with / between them")
}

const FIELD: &str = "password";
/// Before the second and third try.
const PAUSES: [Duration; 2] = [Duration::from_millis(100), Duration::from_millis(500)];
/// How long `keep_token` sleeps at most.
const LOOK: Duration = Duration::from_mins(10);
