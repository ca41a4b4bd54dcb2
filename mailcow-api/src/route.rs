//! How a resource file names its routes: what is read, what is written, and by which answer a write is known.

use std::fmt;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;
use url::Url;

/// A route that reads by GET, as `get/mailbox`.
#[derive(Clone, Copy)]
pub(crate) struct Read(pub(crate) &'static str);

/// A route that reads by POST, as `search/mailbox`.
#[derive(Clone, Copy)]
pub(crate) struct Search(pub(crate) &'static str);

/// A route that writes, with the answer by which the server confirms it: mostly one code, else a list of codes,
/// [`TaskCompleted`] or [`PlainTrue`].
#[derive(Clone, Copy)]
pub(crate) struct Write<S = &'static str> {
    pub(crate) route: &'static str,
    pub(crate) success: S,
}

/// A route that writes and answers with an object of its own instead of a code, as `{"token": ..}`.
#[derive(Clone, Copy)]
pub(crate) struct WriteReturning(pub(crate) &'static str);

/// The answer `{"type":"success","msg":"Task completed"}`, only for routes that have no code of their own: Mailcow
/// says it too when it did nothing.
#[derive(Clone, Copy)]
pub(crate) struct TaskCompleted;

/// The answer `true`.
#[derive(Clone, Copy)]
pub(crate) struct PlainTrue;

/// What confirms a write.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Success<'a> {
    Code(&'a str),
    AnyOf(&'a [&'a str]),
    TaskCompleted,
    PlainTrue,
}

impl<'a> From<&'a str> for Success<'a> {
    fn from(code: &'a str) -> Self {
        Self::Code(code)
    }
}

impl<'a> From<&'a [&'a str]> for Success<'a> {
    fn from(codes: &'a [&'a str]) -> Self {
        Self::AnyOf(codes)
    }
}

impl From<TaskCompleted> for Success<'_> {
    fn from(_: TaskCompleted) -> Self {
        Self::TaskCompleted
    }
}

impl From<PlainTrue> for Success<'_> {
    fn from(_: PlainTrue) -> Self {
        Self::PlainTrue
    }
}

/// What follows the route in the URL: segments of the path, then the query.
#[derive(Clone, Debug, Default)]
pub(crate) struct Target<'a> {
    segments: Vec<&'a str>,
    query: Vec<(&'static str, String)>,
}

impl Target<'_> {
    /// Adds `?name=value`.
    pub(crate) fn with_query(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.query.push((name, value.into()));
        self
    }

    /// Returns the URL of `route` below `base`, or what is wrong with a segment.
    pub(crate) fn url(&self, base: &Url, route: &str) -> Result<Url, String> {
        let mut path = route.to_owned();
        for segment in &self.segments {
            if segment.is_empty() || matches!(*segment, "." | "..") || segment.contains('/') {
                return Err("a name that is empty, is a dot or holds a slash cannot be in a path".to_owned());
            }
            if segment.chars().any(char::is_control) {
                return Err("the name holds a control character".to_owned());
            }
            path.push('/');
            // Twice: nginx decodes the path into a query that PHP decodes again.
            path.push_str(&encode(&encode(segment)));
        }
        let mut url = base.join(&path).map_err(|error| error.to_string())?;
        if !self.query.is_empty() {
            url.query_pairs_mut().extend_pairs(&self.query);
        }
        Ok(url)
    }

    /// The name of the target in errors.
    pub(crate) fn subject(&self) -> String {
        if self.segments.is_empty() { "the server".to_owned() } else { self.segments.join("/") }
    }
}

impl<'a> From<Option<&'a str>> for Target<'a> {
    fn from(segment: Option<&'a str>) -> Self {
        Self { segments: segment.into_iter().collect(), query: Vec::new() }
    }
}

impl<'a, const N: usize> From<[&'a str; N]> for Target<'a> {
    fn from(segments: [&'a str; N]) -> Self {
        Self { segments: segments.to_vec(), query: Vec::new() }
    }
}

impl<'a> From<&[&'a str]> for Target<'a> {
    fn from(segments: &[&'a str]) -> Self {
        Self { segments: segments.to_vec(), query: Vec::new() }
    }
}

/// What a call does, which decides how many may run at once and how long one may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CallKind {
    /// Reads (`get/*`, `search/*`).
    Read,
    /// Creates (`add/*`).
    Create,
    /// Changes (`edit/*`).
    Edit,
    /// Deletes (`delete/*`).
    Delete,
}

impl CallKind {
    /// Reads the kind from the first word of a route.
    pub(crate) fn of(route: &str) -> Self {
        match route.split('/').next() {
            // The one GET that writes.
            _ if route == "get/reset-last-login" => Self::Edit,
            Some("add") => Self::Create,
            Some("edit") => Self::Edit,
            Some("delete") => Self::Delete,
            _ => Self::Read,
        }
    }
}

impl fmt::Display for CallKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Read => "read",
            Self::Create => "create",
            Self::Edit => "edit",
            Self::Delete => "delete",
        })
    }
}

/// A setting for each kind of call.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PerKind<T> {
    pub(crate) read: T,
    pub(crate) create: T,
    pub(crate) edit: T,
    pub(crate) delete: T,
}

impl<T> PerKind<T> {
    pub(crate) fn of(&self, kind: CallKind) -> &T {
        match kind {
            CallKind::Read => &self.read,
            CallKind::Create => &self.create,
            CallKind::Edit => &self.edit,
            CallKind::Delete => &self.delete,
        }
    }

    pub(crate) fn set(&mut self, kind: CallKind, value: T) {
        match kind {
            CallKind::Read => self.read = value,
            CallKind::Create => self.create = value,
            CallKind::Edit => self.edit = value,
            CallKind::Delete => self.delete = value,
        }
    }

    pub(crate) fn map<U>(&self, to: impl Fn(&T) -> U) -> PerKind<U> {
        let Self { read, create, edit, delete } = self;
        PerKind { read: to(read), create: to(create), edit: to(edit), delete: to(delete) }
    }
}

/// The body of each `edit/*`.
#[derive(Serialize)]
pub(crate) struct EditItems<'a, I, A> {
    pub(crate) items: &'a [I],
    pub(crate) attr: &'a A,
}

fn encode(text: &str) -> String {
    utf8_percent_encode(text, SEGMENT).to_string()
}

const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'@');

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn url<'a>(target: impl Into<Target<'a>>) -> Result<String, String> {
        let base: Url = "https://mail.example.com/api/v1/".parse().unwrap();
        let url = target.into().url(&base, "get/mailbox")?;
        Ok(url.as_str().strip_prefix("https://mail.example.com/api/v1/").unwrap().to_owned())
    }

    /// Reads a path as nginx and PHP do.
    fn seen(path: &str) -> Vec<String> {
        let decode =
            |text: &str| percent_encoding::percent_decode_str(text).decode_utf8().unwrap().into_owned();
        let query = decode(path);
        let query = query.split('&').next().unwrap().replace('+', " ");
        decode(&query).split('/').map(str::to_owned).collect()
    }

    #[test]
    fn segments_are_encoded_twice_and_the_query_once() {
        assert_eq!(url(None).unwrap(), "get/mailbox");
        assert_eq!(url(Some("agent-1@b.example")).unwrap(), "get/mailbox/agent-1@b.example");
        assert_eq!(url(Some("plus+tag@b.example")).unwrap(), "get/mailbox/plus%252Btag@b.example");
        assert_eq!(url(Some("r&d?#@b.example")).unwrap(), "get/mailbox/r%2526d%253F%2523@b.example");
        let all = Target::from(["all", "a.example,b.example"]).with_query("tags", "a b,c&d");
        assert_eq!(all.subject(), "all/a.example,b.example");
        assert_eq!(url(all).unwrap(), "get/mailbox/all/a.example%252Cb.example?tags=a+b%2Cc%26d");
    }

    #[test]
    fn what_no_path_can_name_is_refused() {
        for bad in ["", ".", "..", "a/b@b.example", "a\n@b.example"] {
            assert!(url(["all", bad]).is_err(), "{bad:?} was accepted");
        }
    }

    #[test]
    fn the_kind_is_the_first_word() {
        let kinds = ["get/x", "search/x", "add/x", "edit/x/y", "delete/x"].map(CallKind::of);
        assert_eq!(
            kinds,
            [CallKind::Read, CallKind::Read, CallKind::Create, CallKind::Edit, CallKind::Delete]
        );
    }

    proptest! {
        #[test]
        fn the_server_sees_the_segments_that_were_meant(segments in prop::collection::vec(any::<String>(), 1..4)) {
            let given: Vec<_> = segments.iter().map(String::as_str).collect();
            let bad = |text: &&str| {
                text.is_empty() || *text == "." || *text == ".." || text.chars().any(|c| c == '/' || c.is_control())
            };
            match url(given.as_slice()) {
                Ok(path) => prop_assert_eq!(&seen(&path)[2..], &segments[..]),
                Err(_) => prop_assert!(given.iter().any(bad)),
            }
        }
    }
}
