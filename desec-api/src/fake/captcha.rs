//! `/captcha/`: puzzles, all with the same solution.

use serde_json::{Value, json};

use super::{
    answer::{Answer, Reply},
    ask::Ask,
    fields::Fields,
    state::State,
};
use crate::{Method, Scope};

/// A puzzle that was not yet solved.
pub(super) struct Captcha {
    id: String,
}

pub(super) fn create(state: &mut State, ask: &Ask<'_>) -> Reply {
    state.count(None, &Scope::AccountPassive)?;
    if ask.method != Method::Post {
        return Err(ask.not_allowed());
    }
    let given = ask.members()?;
    let mut fields = Fields::new(&given);
    let kind = fields.text("kind", usize::MAX).unwrap_or_else(|| "image".into());
    let challenge = match kind.as_str() {
        "image" => IMAGE,
        "audio" => AUDIO,
        other => {
            fields.wrong("kind", &format!("\"{other}\" is not a valid choice."));
            ""
        }
    };
    fields.check()?;
    let id = state.id();
    state.captchas.push(Captcha { id: id.clone() });
    Ok(Answer::json(201, json!({ "id": id, "challenge": challenge, "kind": kind })))
}

/// Checks the solution that was sent, if one was, and returns whether it is right. It is used up either way.
pub(super) fn solve(state: &mut State, fields: &mut Fields<'_>) -> bool {
    let Some(given) = fields.present("captcha") else { return false };
    let text = |name: &str| given.get(name).and_then(Value::as_str);
    let missing: serde_json::Map<String, Value> = ["id", "solution"]
        .into_iter()
        .filter(|name| text(name).is_none())
        .map(|name| (name.to_owned(), json!([super::fields::REQUIRED])))
        .collect();
    if !missing.is_empty() {
        fields.note("captcha", missing.into());
        return false;
    }
    let Some(place) = state.captchas.iter().position(|captcha| text("id") == Some(&captcha.id)) else {
        fields.note("captcha", json!({ "id": ["CAPTCHA does not exist."] }));
        return false;
    };
    state.captchas.remove(place);
    let right = text("solution").is_some_and(|solution| solution.trim().eq_ignore_ascii_case(SOLUTION));
    if !right {
        let text = "CAPTCHA could not be validated. Please obtain a new one and try again.";
        fields.note("captcha", json!({ "non_field_errors": [text] }));
    }
    right
}

pub(super) const SOLUTION: &str = "FAKE1";
// One white pixel, and a moment of silence.
const IMAGE: &str =
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGP4DwABAQEAsBnFLAAAAABJRU5ErkJggg==";
const AUDIO: &str = "UklGRiYAAABXQVZFZm10IBAAAAABAAEAQB8AAEAfAAABAAgAZGF0YQIAAACAgA==";
