//! Every recorded exchange, through the typed method of its endpoint.
//!
//! A module for each resource plays its exchanges: `play` returns `None` for an exchange of another resource.
//! Otherwise it calls the typed method on a client whose only answer is the recorded one, asserts what was
//! decoded if that answer is a success, and returns the error if it is none. A recorded request that the typed
//! API cannot express is played with a stand-in, so that at least its answer is judged.

mod account;
mod confirmation;
mod login;
mod policies;
mod registration;
mod root;
mod tokens;
mod totp;

use std::sync::Arc;

use desec_api::{Client, Error};

use crate::recording::{Exchange, Script, recording};

/// What became of a played exchange: the error is judged by the caller.
pub(crate) type Played = Option<Result<(), Error>>;

/// Returns a client that answers as recorded, once.
pub(crate) fn client(exchange: &Exchange) -> (Arc<Script>, Client) {
    let script = Script::new([exchange.response()]);
    let client = script.client();
    (script, client)
}

/// Returns whether `path` (without its query) has the form of `template`, such as `/domains/{name}/`.
pub(crate) fn matches(template: &str, path: &str) -> bool {
    let path = path.split('?').next().unwrap_or_default();
    let Some(path) = path.strip_prefix("/api/v1") else { return false };
    let (template, path): (Vec<_>, Vec<_>) = (template.split('/').collect(), path.split('/').collect());
    let fits = |(step, given): (&&str, &&str)| step == given || step.starts_with('{') && !given.is_empty();
    template.len() == path.len() && template.iter().zip(&path).all(fits)
}

#[test]
fn recordings_are_read() {
    assert_eq!(recording("login").len(), 8);
    assert!(matches("/domains/{name}/", "/api/v1/domains/x.example/?a=b"));
    assert!(!matches("/domains/{name}/", "/api/v1/domains/"));
}
