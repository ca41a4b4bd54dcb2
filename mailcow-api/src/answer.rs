//! The one judge of answers. Mailcow says HTTP 200 for most failures, so a write is done only if its own success
//! code is in the answer and no problem stands beside it.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{DeserializeOwned, Error as _, IgnoredAny, MapAccess, Visitor},
};
use url::Url;

use crate::{
    CallKind, Error, HttpError, HttpResponse, Problem, ProblemKind, bulk::PartlyDone, route::Success,
};

/// What a call was about: all that the judge needs to name it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Operation<'a> {
    pub(crate) route: &'static str,
    pub(crate) subject: &'a str,
}

impl Operation<'_> {
    pub(crate) fn kind(&self) -> CallKind {
        CallKind::of(self.route)
    }

    pub(crate) fn invalid(&self, reason: impl Into<String>) -> Error {
        Error::InvalidInput { operation: self.route, reason: reason.into() }
    }

    /// The error for a call that may have reached the application but has no answer.
    pub(crate) fn unanswered(&self, reason: impl Into<String>, source: Option<HttpError>) -> Error {
        let (operation, reason) = (self.route, reason.into());
        if self.kind() == CallKind::Read {
            Error::Unavailable { operation, reason, source }
        } else {
            Error::Unknown { operation, subject: self.subject.to_owned(), reason, source }
        }
    }

    /// The error for an empty answer to a read.
    fn no_key(&self) -> Error {
        if self.route.starts_with("search/") {
            return self.unexpected("it is empty, as after an error inside of mailcow");
        }
        Error::Unauthenticated {
            operation: self.route,
            kind: ProblemKind::WrongKey,
            reason: "the answer is empty, as when mailcow sees no key; does a proxy strip the header X-API-Key",
        }
    }

    fn unexpected(&self, reason: impl Into<String>) -> Error {
        Error::Unexpected { operation: self.route, reason: reason.into() }
    }

    pub(crate) fn refused(&self, problem: Problem) -> Error {
        self.refused_for(problem, Vec::new())
    }

    fn refused_for(&self, problem: Problem, further: Vec<Problem>) -> Error {
        Error::Refused { operation: self.route, subject: self.subject.to_owned(), problem, further }
    }

    fn partial(&self, problem: Problem, further: Vec<Problem>) -> Error {
        Error::Partial { operation: self.route, subject: self.subject.to_owned(), problem, further }
    }
}

/// Judges how the call went on the wire and returns the body of an answer with status 200.
pub(crate) fn accept(
    operation: Operation<'_>,
    base: &Url,
    sent: Result<HttpResponse, HttpError>,
) -> Result<Vec<u8>, Error> {
    let route = operation.route;
    let response = match sent {
        Ok(response) => response,
        Err(error @ HttpError::Connect(_)) => {
            let reason = "it could not be reached".to_owned();
            return Err(Error::Unavailable { operation: route, reason, source: Some(error) });
        }
        Err(error @ HttpError::Lost(_)) => {
            return Err(operation.unanswered("there is no whole answer", Some(error)));
        }
        Err(error @ HttpError::TooLarge { .. }) if operation.kind() != CallKind::Read => {
            return Err(operation.unanswered("the answer is too large to read", Some(error)));
        }
        Err(HttpError::TooLarge { limit }) => {
            return Err(operation.unexpected(format!("it is larger than {limit} bytes")));
        }
    };
    match response.status {
        200 => Ok(response.body),
        300..=399 => {
            Err(Error::Redirected { operation: route, host: target_host(base, response.location.as_deref()) })
        }
        401 => {
            let (kind, reason) = rejection(&response.body);
            Err(Error::Unauthenticated { operation: route, kind, reason })
        }
        403 => Err(Error::PermissionDenied { operation: route }),
        404 => Err(Error::Unsupported { operation: route }),
        // Mailcow has no limit of its own: a proxy turned the call away before Mailcow saw it.
        429 => {
            let reason = "a proxy in front of it limits the rate".to_owned();
            Err(Error::Unavailable { operation: route, reason, source: None })
        }
        status @ (201..=299 | 408 | 500..) => {
            Err(operation.unanswered(format!("the status is {status}"), None))
        }
        status => Err(operation.unexpected(format!("the status is {status}"))),
    }
}

/// Judges the answer to a write: `Ok` only if `success` is there and no problem beside it.
pub(crate) fn confirm(operation: Operation<'_>, success: Success<'_>, body: &[u8]) -> Result<(), Error> {
    // PHP writes it as 1 where it does not go through JSON.
    if matches!(success, Success::PlainTrue) && matches!(body.trim_ascii(), b"true" | b"1") {
        return Ok(());
    }
    let (good, bad): (Vec<_>, Vec<_>) =
        entries_of_write(operation, body)?.into_iter().partition(Entry::is_good);
    let mut problems = bad.into_iter().map(|entry| entry.problem);
    if let Some(problem) = problems.next() {
        let further = problems.collect();
        return Err(if good.is_empty() {
            operation.refused_for(problem, further)
        } else {
            operation.partial(problem, further)
        });
    }
    if good.iter().any(|entry| entry.confirms(success)) {
        return Ok(());
    }
    // Also `{"type":"success","msg":"Task completed"}`, which Mailcow says when it did nothing.
    Err(operation.unanswered("the answer does not confirm it", None))
}

/// Judges the answer to a write on several items and adds what it says about each to `outcome`.
pub(crate) fn confirm_each(
    operation: Operation<'_>,
    success: Success<'_>,
    items: &[String],
    body: &[u8],
    outcome: &mut PartlyDone,
) -> Result<(), Error> {
    outcome.judge(operation, success, items, &entries_of_write(operation, body)?);
    Ok(())
}

/// Judges the answer to a write that is an object of its own instead of a code.
pub(crate) fn returned<T: DeserializeOwned>(operation: Operation<'_>, body: &[u8]) -> Result<T, Error> {
    if let Some(entries) = messages(body) {
        return Err(match entries.into_iter().find(|entry| !entry.is_good()) {
            Some(entry) => operation.refused(entry.problem),
            None => operation.unanswered("the answer does not confirm it", None),
        });
    }
    serde_json::from_slice(body).map_err(|_| operation.unanswered("the answer has no known shape", None))
}

/// Judges the answer to a read: `None` for `{}` and `[]`, which stand for *not found* and *empty* alike.
pub(crate) fn decode<T: DeserializeOwned>(operation: Operation<'_>, body: &[u8]) -> Result<Option<T>, Error> {
    if !has_content(operation, body)? {
        return Ok(None);
    }
    serde_json::from_slice(body).map(Some).map_err(|error| {
        // Only the place: the words of serde may repeat a value.
        let (line, column) = (error.line(), error.column());
        operation.unexpected(format!("its JSON is not as known, line {line} column {column}"))
    })
}

/// Judges the answer to a read of raw text.
pub(crate) fn text(operation: Operation<'_>, body: &[u8]) -> Result<Option<String>, Error> {
    let has_content = has_content(operation, body)?;
    Ok(has_content.then(|| String::from_utf8_lossy(body).into_owned()))
}

/// Returns whether the answer to a read holds something that is no message.
fn has_content(operation: Operation<'_>, body: &[u8]) -> Result<bool, Error> {
    let mut marks = body.iter().filter(|byte| !byte.is_ascii_whitespace());
    match (marks.next(), marks.next(), marks.next()) {
        (None, ..) => Err(operation.no_key()),
        (Some(b'{'), Some(b'}'), None) | (Some(b'['), Some(b']'), None) => Ok(false),
        _ => match messages(body) {
            None => Ok(true),
            Some(entries) => Err(match entries.into_iter().find(|entry| !entry.is_good()) {
                Some(entry) => operation.refused(entry.problem),
                None => operation.unexpected("it is a message and no content"),
            }),
        },
    }
}

/// One message of an answer. Its `log`, which echoes the request, is not read.
#[derive(Debug)]
pub(crate) struct Entry {
    kind: String,
    pub(crate) problem: Problem,
}

impl Entry {
    pub(crate) fn is_good(&self) -> bool {
        self.kind == "success" || self.kind == "info"
    }

    /// Returns whether this is what `success` waits for.
    pub(crate) fn confirms(&self, success: Success<'_>) -> bool {
        let is = |code: &str| match self.problem.code() {
            Problem::FREE_TEXT => self.problem.args().first().is_some_and(|text| text == code),
            own => own == code,
        };
        self.kind == "success"
            && match success {
                Success::Code(code) => is(code),
                Success::AnyOf(codes) => codes.iter().any(|code| is(code)),
                Success::TaskCompleted => is("Task completed"),
                Success::PlainTrue => false,
            }
    }
}

fn entries_of_write(operation: Operation<'_>, body: &[u8]) -> Result<Vec<Entry>, Error> {
    if body.trim_ascii().is_empty() {
        return Err(operation.unanswered("the answer is empty, as after an error inside of mailcow", None));
    }
    entries(body).ok_or_else(|| operation.unanswered("the answer has no known shape", None))
}

/// Reads the entries of an answer: an array of them or a single one. `None` if anything else is there.
pub(crate) fn entries(body: &[u8]) -> Option<Vec<Entry>> {
    one_or_many::<Message<false>>(body)
}

/// Reads an answer that consists of messages and nothing else. The rows of a log have a type and a text too, but
/// more beside it.
fn messages(body: &[u8]) -> Option<Vec<Entry>> {
    one_or_many::<Message<true>>(body)
}

fn one_or_many<T: DeserializeOwned + Into<Entry>>(body: &[u8]) -> Option<Vec<Entry>> {
    // As text: what serde_json skips it does not check.
    let body = std::str::from_utf8(body).ok()?;
    match body.trim_ascii().as_bytes().first()? {
        b'{' => serde_json::from_str(body).ok().map(|one: T| vec![one.into()]),
        b'[' => {
            let many: Vec<T> = serde_json::from_str(body).ok()?;
            Some(many.into_iter().map(Into::into).collect())
        }
        _ => None,
    }
}

/// The JSON of an [`Entry`]: an object and no array, which a derived reader would take too.
struct Message<const STRICT: bool>(Entry);

impl<const STRICT: bool> From<Message<STRICT>> for Entry {
    fn from(message: Message<STRICT>) -> Self {
        message.0
    }
}

impl<'de, const STRICT: bool> Deserialize<'de> for Message<STRICT> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(MessageVisitor::<STRICT>)
    }
}

struct MessageVisitor<const STRICT: bool>;

impl<'de, const STRICT: bool> Visitor<'de> for MessageVisitor<STRICT> {
    type Value = Message<STRICT>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a message")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let (mut kind, mut problem) = (None, None);
        while let Some(name) = map.next_key::<String>()? {
            match name.as_str() {
                "type" if kind.is_none() => kind = Some(map.next_value()?),
                "msg" if problem.is_none() => problem = Some(Problem::decode(&map.next_value()?)),
                "log" => _ = map.next_value::<IgnoredAny>()?,
                "type" | "msg" => return Err(A::Error::custom("a field is there twice")),
                _ if STRICT => return Err(A::Error::custom("it is no message")),
                _ => _ = map.next_value::<IgnoredAny>()?,
            }
        }
        let (Some(kind), Some(problem)) = (kind, problem) else {
            return Err(A::Error::custom("a field is missing"));
        };
        Ok(Message(Entry { kind, problem }))
    }
}

fn target_host(base: &Url, location: Option<&str>) -> String {
    let target = location.and_then(|location| base.join(location).ok());
    target.as_ref().and_then(Url::host_str).unwrap_or("an unnamed host").to_owned()
}

fn rejection(body: &[u8]) -> (ProblemKind, &'static str) {
    let says = |text: &[u8]| body.windows(text.len()).any(|window| window == text);
    if says(b"api access denied for ip") {
        let reason = "the address of this host is not in the list of allowed addresses of the key";
        (ProblemKind::AddressNotAllowed, reason)
    } else if says(b"authentication failed") {
        (ProblemKind::WrongKey, "it is unknown or inactive")
    } else {
        let reason = "the answer is none of mailcow's, a proxy in front of it may want another credential";
        (ProblemKind::ProxyDenied, reason)
    }
}

#[cfg(test)]
mod tests;
