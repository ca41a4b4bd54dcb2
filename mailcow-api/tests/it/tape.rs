//! A whole recording, of which every exchange has to be played.

use std::{cell::RefCell, collections::BTreeSet, fmt::Debug};

use mailcow_api::{Client, Error};
use serde_json::Value;

use crate::replay::{self, Exchange};

/// A fixture that notes which of its exchanges were played, and fails if one was not.
pub(crate) struct Tape {
    name: &'static str,
    exchanges: Vec<Exchange>,
    left: RefCell<BTreeSet<usize>>,
}

impl Tape {
    pub(crate) fn load(name: &'static str) -> Self {
        let exchanges = replay::load(name);
        let left = RefCell::new((0..exchanges.len()).collect());
        Self { name, exchanges, left }
    }

    /// Returns a client to which this exchange happens as recorded.
    pub(crate) fn play(&self, at: usize) -> Client {
        self.altered(at, |_| ())
    }

    /// Returns a client to which this exchange happens, except that it sends these fields too, or other values of
    /// them, or leaves them out (null). The fields of an edit are meant to be those of its `attr`.
    pub(crate) fn sending(&self, at: usize, fields: Value) -> Client {
        self.altered(at, |exchange| {
            let body = &mut exchange.body;
            let body = if body["attr"].is_object() { &mut body["attr"] } else { body };
            let (Value::Object(body), Value::Object(fields)) = (body, fields) else {
                panic!("the recorded body is no object")
            };
            for (name, value) in fields {
                if value.is_null() {
                    assert!(body.remove(&name).is_some(), "the recording has no field {name}");
                } else {
                    body.insert(name, value);
                }
            }
        })
    }

    /// Returns a client to which this exchange happens with this body instead.
    pub(crate) fn with_body(&self, at: usize, body: Value) -> Client {
        self.altered(at, |exchange| exchange.body = body)
    }

    /// Returns a client to which this exchange happens under this path instead.
    pub(crate) fn with_path(&self, at: usize, path: &str) -> Client {
        self.altered(at, |exchange| exchange.path = format!("/api/v1/{path}"))
    }

    pub(crate) fn altered(&self, at: usize, alter: impl FnOnce(&mut Exchange)) -> Client {
        let mut exchange = self.exchanges[at].clone();
        alter(&mut exchange);
        self.mark(at);
        replay::client([exchange])
    }

    /// Returns a client that must not send anything: what was recorded here is refused beforehand.
    pub(crate) fn unsent(&self, at: usize) -> Client {
        self.mark(at);
        replay::note_played(self.name, at);
        replay::client([])
    }

    /// Notes that no method of the client can send what was recorded here.
    pub(crate) fn impossible(&self, at: usize, reason: &str) {
        assert!(!reason.is_empty());
        self.mark(at);
        replay::note_played(self.name, at);
    }

    fn mark(&self, at: usize) {
        assert!(self.left.borrow_mut().remove(&at), "{} {at} is played twice", self.name);
    }
}

impl Drop for Tape {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            assert!(self.left.borrow().is_empty(), "not played of {}: {:?}", self.name, self.left.borrow());
        }
    }
}

/// Puts what a call came to into a few words: `ok`, or the sort of failure with the codes the server gave.
pub(crate) fn outcome<T: Debug>(result: Result<T, Error>) -> String {
    let Err(error) = result else { return "ok".to_owned() };
    match &error {
        Error::InvalidInput { .. } => "invalid input".to_owned(),
        Error::Unknown { .. } => "unknown".to_owned(),
        Error::Refused { problem, .. } => format!("refused: {problem}"),
        Error::Partial { problem, .. } => format!("partial: {problem}"),
        Error::PartlyDone { items, .. } => {
            let refused = items.refused.iter().map(|(item, problem)| format!("{item} refused: {problem}"));
            let problems = items.problems.iter().map(|problem| format!("problem: {problem}"));
            let told: Vec<_> = refused.chain(problems).collect();
            format!("done {:?}, unknown {:?}, {}", items.done, items.unknown, told.join("; "))
        }
        other => panic!("an outcome that no recording has: {other:?}"),
    }
}
