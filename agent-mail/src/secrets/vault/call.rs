//! One exchange with Vault, and the one place that judges answers.

use std::error::Error as StdError;
use std::fmt::{self, Display};
use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;
use serde::Deserialize;
use tokio::time::timeout;
use url::Url;

use crate::http::{HttpClient, HttpError, HttpRequest, HttpResponse, Method};
use crate::{Error, ErrorKind};

/// What all requests go out by.
#[derive(Debug)]
pub(super) struct Door {
    pub(super) http: Arc<dyn HttpClient>,
    pub(super) base: Url,
    pub(super) namespace: Option<String>,
    pub(super) deadline: Duration,
}

/// What is done, and to what, for errors.
#[derive(Clone, Copy)]
pub(super) struct What<'a> {
    pub(super) operation: &'static str,
    pub(super) subject: &'a (dyn Display + Sync),
}

impl What<'_> {
    pub(super) fn error(&self, kind: ErrorKind) -> Error {
        Error::new(kind, self.operation, self.subject)
    }
}

/// Why there is no answer that says what happened.
#[derive(Debug)]
pub(super) enum Failure {
    /// Nothing happened; the same may work in a moment.
    NotDone(Box<dyn StdError + Send + Sync>),
    /// It may have happened.
    Unknown(Box<dyn StdError + Send + Sync>),
}

impl Failure {
    /// Puts it in words for what only reads, or may be repeated as it is.
    pub(super) fn unavailable(self, what: &What<'_>) -> Error {
        let (Self::NotDone(source) | Self::Unknown(source)) = self;
        unavailable(what).with_source(source)
    }

    /// Puts it in words for what may have been written.
    pub(super) fn interrupted(self, what: &What<'_>) -> Error {
        match self {
            Self::NotDone(source) => unavailable(what).with_source(source),
            Self::Unknown(source) => what.error(ErrorKind::Interrupted).with_repeatable().with_source(source),
        }
    }
}

impl Door {
    /// Sends one request, and returns whatever Vault said to it; that it was not there, or not well, is a [`Failure`].
    pub(super) async fn call(
        &self,
        method: Method,
        path: &[&str],
        token: Option<&SecretString>,
        body: Option<SecretString>,
    ) -> Result<HttpResponse, Failure> {
        let mut url = self.base.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().push("v1").extend(path);
        }
        let mut request = HttpRequest::new(method, url).with_header("x-vault-request", "true");
        if let Some(namespace) = &self.namespace {
            request = request.with_header("x-vault-namespace", namespace);
        }
        if let Some(token) = token {
            request = request.with_secret_header("x-vault-token", token.clone());
        }
        if let Some(body) = body {
            request = request.with_body("application/json", body);
        }
        let response = match timeout(self.deadline, self.http.send(request)).await {
            Err(elapsed) => return Err(Failure::Unknown(elapsed.into())),
            Ok(Err(HttpError::NotSent(source))) => return Err(Failure::NotDone(source)),
            Ok(Err(error)) => return Err(Failure::Unknown(error.into())),
            Ok(Ok(response)) => response,
        };
        match response.status {
            // A node that has not yet seen what another one wrote refuses before it does anything.
            412 => Err(Failure::NotDone(Status(412).into())),
            status @ (500 | 502 | 504) => Err(Failure::Unknown(Status(status).into())),
            _ => Ok(response),
        }
    }
}

/// Puts a refusal in words: every status but those that the caller has dealt with.
pub(super) fn refusal(what: &What<'_>, response: &HttpResponse) -> Error {
    let status = response.status;
    let lifted = match status {
        400 if says(response, "missing client token") => what
            .error(ErrorKind::Unauthenticated)
            .with_detail("vault got no token")
            .with_fix("check that nothing between here and vault takes the header X-Vault-Token out"),
        400 => what.error(ErrorKind::Rejected).with_detail("vault does not take the request"),
        403 => what
            .error(ErrorKind::PermissionDenied)
            .with_detail("vault's policy does not allow it, or the token has run out")
            .with_fix(
                "let the policy read, create and update the path of data/, and delete that of metadata/",
            ),
        404 => no_mount(what),
        // A quota is told by words; the header comes only where the operator has switched it on.
        429 if response.retry_after.is_some() || says(response, "quota exceeded") => what
            .error(ErrorKind::RateLimited)
            .with_detail("vault's quota of requests is used up")
            .with_fix("ask less often, or raise the quota (sys/quotas)")
            .with_retry_after(response.retry_after),
        429 | 472 | 473 => unavailable(what)
            .with_detail("the vault node is on standby")
            .with_fix("give the address of the active node, or of what stands before all of them"),
        301..=308 => unavailable(what)
            .with_detail("the vault node points to another one, which is not followed")
            .with_fix("give the address of the active node, or of what stands before all of them"),
        503 => unavailable(what)
            .with_detail("vault is sealed, or not running")
            .with_fix("unseal vault, then try again"),
        _ => what
            .error(ErrorKind::Unexpected)
            .with_detail(format!("status {status} is none that vault answers with here")),
    };
    lifted.with_code(status.to_string())
}

/// Says that the engine is not there, and not merely a secret in it.
pub(super) fn no_mount(what: &What<'_>) -> Error {
    what.error(ErrorKind::Unexpected)
        .with_detail("vault has no secrets engine of KV version 2 there")
        .with_fix("check the mount, the namespace and that the engine is of version 2")
        .with_code("404")
}

/// Tells whether one of Vault's own words about a refusal is this one.
pub(super) fn says(response: &HttpResponse, words: &str) -> bool {
    problems(response).is_some_and(|problems| problems.iter().any(|problem| problem.contains(words)))
}

/// Reads Vault's words about a refusal; `None` if the body is not Vault's.
pub(super) fn problems(response: &HttpResponse) -> Option<Vec<String>> {
    #[derive(Deserialize)]
    struct Problems {
        errors: Vec<String>,
    }
    Some(serde_json::from_slice::<Problems>(&response.body).ok()?.errors)
}

fn unavailable(what: &What<'_>) -> Error {
    what.error(ErrorKind::Unavailable)
        .with_detail("vault can't be reached, or has no time")
        .with_fix("check that vault runs and its address is right, then try again")
}

#[derive(Debug)]
struct Status(u16);

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "vault answered with status {}", self.0)
    }
}

impl StdError for Status {}
