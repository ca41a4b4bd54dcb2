//! Calls that this crate has no method for: what a later Mailcow adds.

use std::fmt;

use serde_json::Value;

use crate::{
    Client, Error, Method,
    answer::{self, Operation},
    client::{Success, Target, traced},
    door::Call,
};

/// What a [`RawCall`] does: the first word of a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RawAction {
    /// Reads by GET (`get/..`).
    Get,
    /// Reads by POST (`search/..`).
    Search,
    /// Creates (`add/..`).
    Add,
    /// Changes (`edit/..`).
    Edit,
    /// Deletes (`delete/..`).
    Delete,
}

impl RawAction {
    /// The word, and how errors name a call of this action.
    fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Get => ("get", "get/*"),
            Self::Search => ("search", "search/*"),
            Self::Add => ("add", "add/*"),
            Self::Edit => ("edit", "edit/*"),
            Self::Delete => ("delete", "delete/*"),
        }
    }

    fn is_read(self) -> bool {
        matches!(self, Self::Get | Self::Search)
    }
}

/// A call for [`Client::raw`].
#[derive(Clone)]
#[must_use]
pub struct RawCall {
    action: RawAction,
    category: String,
    segments: Vec<String>,
    body: Option<Value>,
    success: Vec<String>,
}

impl RawCall {
    /// Builds a call of `action/category`, as `get/mailbox`.
    pub fn new(action: RawAction, category: &str) -> Self {
        Self { action, category: category.to_owned(), segments: Vec::new(), body: None, success: Vec::new() }
    }

    /// Sets what follows in the path, in plain text: it is encoded as Mailcow needs it.
    pub fn with_segments<T: Into<String>>(mut self, segments: impl IntoIterator<Item = T>) -> Self {
        self.segments = segments.into_iter().map(Into::into).collect();
        self
    }

    /// Sets the JSON body.
    pub fn with_body(mut self, body: Value) -> Self {
        self.body = Some(body);
        self
    }

    /// Sets the codes, or the free texts, of which one confirms a write. A write needs at least one.
    pub fn with_success<T: Into<String>>(mut self, codes: impl IntoIterator<Item = T>) -> Self {
        self.success = codes.into_iter().map(Into::into).collect();
        self
    }
}

impl fmt::Debug for RawCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Not the body: it may hold passwords.
        f.debug_struct("RawCall")
            .field("action", &self.action)
            .field("category", &self.category)
            .field("segments", &self.segments)
            .finish_non_exhaustive()
    }
}

impl Client {
    /// Makes a call that this crate has no method for, with the same manners and judged as strictly: a read returns
    /// what the server shows (`None` for not found or empty), a write returns `None` once the server confirmed it by
    /// one of the codes that the caller expects and reported no problem beside it.
    ///
    /// ```
    /// use mailcow_api::{FakeMailcow, RawAction, RawCall};
    /// use serde_json::json;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), mailcow_api::Error> {
    /// let client = FakeMailcow::new().client();
    /// let add = RawCall::new(RawAction::Add, "domain")
    ///     .with_body(json!({"domain": "agents.example.com", "active": 1, "key_size": 0}))
    ///     .with_success(["domain_added"]);
    /// client.raw(&add).await?;
    /// let get = RawCall::new(RawAction::Get, "domain").with_segments(["agents.example.com"]);
    /// let domain = client.raw(&get).await?.expect("it was added");
    /// assert_eq!(domain["domain_name"], "agents.example.com");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Returns [`Error`] as every other method does, with `get/*` and so on for the operation, and
    /// [`Error::InvalidInput`] for a category that is no word, a write without a body or without codes to expect, and
    /// a GET with a body.
    pub async fn raw(&self, call: &RawCall) -> Result<Option<Value>, Error> {
        let (action, route) = call.action.words();
        let mut path = vec![call.category.as_str()];
        path.extend(call.segments.iter().map(String::as_str));
        let subject = path.join("/");
        let operation = Operation { route, subject: &subject };
        check(call).map_err(|reason| operation.invalid(reason))?;
        let body = call.body.as_ref().map(|body| body.to_string().into());
        let target = Target::from(&path[1..]);
        let is_get = call.action == RawAction::Get;
        let sent = Call {
            operation,
            route: &format!("{action}/{}", call.category),
            method: if is_get { Method::Get } else { Method::Post },
            target: &target,
            body,
            is_repeatable: call.action.is_read(),
        };
        let judge = |body: &[u8]| {
            if call.action.is_read() {
                return answer::decode(operation, body);
            }
            let codes: Vec<_> = call.success.iter().map(String::as_str).collect();
            answer::confirm(operation, Success::AnyOf(&codes), body).map(|()| None)
        };
        traced(operation, self.call(sent).await.and_then(|body| judge(&body)))
    }
}

fn check(call: &RawCall) -> Result<(), &'static str> {
    let is_word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    if call.category.is_empty() || !call.category.chars().all(is_word) {
        return Err("the category is a word of letters, digits, hyphens and underscores");
    }
    if (call.action == RawAction::Get) == call.body.is_some() {
        return Err("a get has no body, everything else has one");
    }
    if !call.action.is_read() && call.success.is_empty() {
        return Err("without a code to expect nobody can tell whether a write was done");
    }
    Ok(())
}
