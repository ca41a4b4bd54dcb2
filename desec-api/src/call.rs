//! One request, and the one place that judges what comes back.

use std::time::Duration;

use serde::{Serialize, de::DeserializeOwned};
use url::Url;

use crate::{
    client::LONGEST_WAIT,
    error::{Credential, Error, ForbiddenBy, Missing},
    http::{Accept, HttpError, HttpResponse, Method},
    pace::{Refused, Scope},
    pagination::linked,
    problem::Problem,
};

/// One request, and what is needed to judge its answer.
///
/// It has no `Debug`: its body may hold a password, its path a code that stands for one.
pub(crate) struct Call<'a> {
    /// What is attempted, to complete "cannot ..".
    pub(crate) operation: &'static str,
    /// What it is about. Never a secret.
    pub(crate) subject: &'a str,
    pub(crate) method: Method,
    pub(crate) place: Place<'a>,
    pub(crate) query: &'a [(&'a str, &'a str)],
    pub(crate) body: Option<Vec<u8>>,
    /// The number of items of a bulk request, 0 for others.
    pub(crate) items: usize,
    pub(crate) scope: Scope,
    pub(crate) accept: Accept,
    /// What proves the caller's identity: the token, a password in the body, or nothing.
    pub(crate) credential: Credential,
    /// What a plain "Not found." is about.
    pub(crate) absent: Missing,
    /// Whether it reads a page of a list: a refusal that names the first page is an answer then.
    pub(crate) is_page: bool,
}

/// Where a request goes.
#[derive(Clone, Copy)]
pub(crate) enum Place<'a> {
    /// The segments of a path below the base URL; a slash is added at the end.
    Api(&'a [&'a str]),
    /// Another address, taken as it is.
    Elsewhere(&'a Url),
}

impl<'a> Call<'a> {
    /// Returns a call that reads at `path`, with the token, in the scope of reads.
    pub(crate) fn read(operation: &'static str, subject: &'a str, path: &'a [&'a str]) -> Self {
        Self {
            operation,
            subject,
            method: Method::Get,
            place: Place::Api(path),
            query: &[],
            body: None,
            items: 0,
            scope: Scope::Read,
            accept: Accept::Json,
            credential: Credential::Token,
            absent: Missing::Domain,
            is_page: false,
        }
    }

    /// Returns a call that writes at `path`, with the token, in `scope`.
    pub(crate) fn write(
        operation: &'static str,
        subject: &'a str,
        method: Method,
        path: &'a [&'a str],
        scope: Scope,
    ) -> Self {
        Self { method, scope, ..Self::read(operation, subject, path) }
    }

    /// Adds a body.
    pub(crate) fn with_json(self, body: &impl Serialize) -> Self {
        let body = serde_json::to_vec(body).expect("names of members are text");
        Self { body: Some(body), ..self }
    }

    /// Returns what the body of a successful answer says.
    pub(crate) fn json<T: DeserializeOwned>(&self, response: &HttpResponse) -> Result<T, Error> {
        // The parser's own words may quote the answer and are left out.
        serde_json::from_slice(response.body())
            .map_err(|_| self.not_understood("the answer is not the JSON that the API promises"))
    }

    /// Returns the error for a successful answer that cannot be used.
    pub(crate) fn not_understood(&self, reason: &str) -> Error {
        if self.is_write() {
            self.unknown(reason, None)
        } else {
            self.other(format!("{reason}; check the base URL"))
        }
    }

    /// Returns what the answer means.
    pub(crate) fn judge(
        &self,
        answer: Result<Result<HttpResponse, HttpError>, DeadlineExceeded>,
    ) -> Result<HttpResponse, Error> {
        let response = match answer {
            Ok(Ok(response)) => response,
            Ok(Err(error)) if !error.may_have_been_sent() => {
                let (operation, subject) = (self.operation, self.subject.to_owned());
                let reason = "the server cannot be reached".into();
                return Err(Error::Unavailable { operation, subject, reason, source: Some(error) });
            }
            Ok(Err(error)) => return Err(self.no_answer("the answer was lost", Some(error))),
            Err(DeadlineExceeded) => return Err(self.no_answer("no answer within the deadline", None)),
        };
        match response.status() {
            200..300 => Ok(response),
            400 if self.is_page && linked(&response, "first").is_some() => Ok(response),
            300..400 => {
                let target = target(&response);
                Err(self.other(format!("the server redirects to {target}; check the base URL")))
            }
            429 => Err(self.throttled(self.scope.clone(), retry_after(&response))),
            status => {
                let content_type = response.header("content-type");
                Err(self.refused(Problem::decode(status, content_type, response.body(), self.items)))
            }
        }
    }

    fn refused(&self, problem: Problem) -> Error {
        let (operation, subject) = (self.operation, self.subject.to_owned());
        match problem.status {
            400 | 413 => Error::Invalid { operation, subject, problem },
            401 => Error::Unauthenticated { operation, subject, credential: self.credential },
            403 if self.credential == Credential::Password && problem.says(BAD_PASSWORD) => {
                Error::Unauthenticated { operation, subject, credential: self.credential }
            }
            403 => Error::Forbidden { operation, subject, by: ForbiddenBy::of(&problem), problem },
            404 if let Some(missing) = Missing::of(&problem, self.absent) => {
                Error::NotFound { operation, subject, missing }
            }
            404 if problem.says(BAD_CURSOR) => {
                self.other("the server does not know the next page any more; start the list again".into())
            }
            409 => Error::Conflict { operation, subject, repeatable: self.is_repeatable(), problem },
            500.. => self.no_answer(&format!("the server failed ({problem})"), None),
            _ => self.other(format!("the server gives an unexpected answer ({problem}); check the base URL")),
        }
    }

    fn other(&self, reason: String) -> Error {
        Error::Other { operation: self.operation, subject: self.subject.into(), reason }
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

    /// Returns the error for a turn in `scope` that comes too late.
    pub(crate) fn throttled(&self, scope: Scope, retry_after: Option<Duration>) -> Error {
        Error::Throttled { operation: self.operation, subject: self.subject.into(), scope, retry_after }
    }

    /// Returns the error for what the pace refuses.
    pub(crate) fn turned_away(&self, refused: Refused) -> Error {
        match refused {
            Refused::TooLate { scope, retry_after } => self.throttled(scope, retry_after),
            Refused::NotNoted(source) => {
                Error::PaceStore { operation: self.operation, subject: self.subject.into(), source }
            }
        }
    }

    // A dynDNS update is a GET that writes.
    fn is_write(&self) -> bool {
        self.method != Method::Get || matches!(self.scope, Scope::DynDns(_))
    }

    // A POST creates; everything else says what shall be.
    fn is_repeatable(&self) -> bool {
        self.method != Method::Post
    }
}

/// No answer came in time.
#[derive(Debug)]
pub(crate) struct DeadlineExceeded;

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

const BAD_PASSWORD: &str = "Invalid username/password.";
const BAD_CURSOR: &str = "Invalid cursor";
