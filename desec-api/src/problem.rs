//! The server's own answer to a failed request.

mod yaml;

use std::fmt;

use serde_json::Value;

/// The server's own answer to a failed request, flattened from all the shapes it comes in.
///
/// `Display` shows the first three entries.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Problem {
    /// The HTTP status.
    pub status: u16,
    /// What kind of text the answer was.
    pub format: ProblemFormat,
    /// The messages, in the order of the answer, at most 2,000.
    pub entries: Vec<ProblemEntry>,
}

/// The kind of text that a [`Problem`] was read from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ProblemFormat {
    /// JSON: an answer of the API itself.
    Json,
    /// HTML: an answer of the web server in front; the only entry is its title.
    Html,
    /// Any other text: zone files and dynDNS. The only entry is its beginning, unless it is a list in YAML.
    Text,
}

/// One message of a [`Problem`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ProblemEntry {
    /// The position of the item in a bulk request that the message is about.
    pub item: Option<usize>,
    /// The place within the item, such as `records.1`; empty if the message is about the whole, and cut off
    /// where it is absurdly deep.
    pub path: String,
    /// The message, at most 500 characters, without control characters.
    pub message: String,
}

impl Problem {
    /// Decodes an answer to a request with `items` items, 0 for a request that is not a bulk request.
    pub(crate) fn decode(status: u16, content_type: Option<&str>, body: &[u8], items: usize) -> Self {
        let content_type = content_type.unwrap_or_default().to_ascii_lowercase();
        if content_type.starts_with("application/json")
            && let Ok(value) = serde_json::from_slice(body)
        {
            return Self { status, format: ProblemFormat::Json, entries: flatten(&value, items) };
        }
        let text = String::from_utf8_lossy(&body[..body.len().min(MAX_TEXT)]);
        if !content_type.starts_with("text/html") && text.starts_with("- ") {
            return Self { status, format: ProblemFormat::Text, entries: yaml::entries(&text) };
        }
        let (format, message) = if content_type.starts_with("text/html") {
            (ProblemFormat::Html, title(&text))
        } else {
            (ProblemFormat::Text, Some(&*text))
        };
        let message = message.map(clean).filter(|message| !message.is_empty());
        let entries = message
            .map(|message| ProblemEntry { item: None, path: String::new(), message })
            .into_iter()
            .collect();
        Self { status, format, entries }
    }

    /// Returns whether the server says `message` anywhere.
    pub(crate) fn says(&self, message: &str) -> bool {
        self.entries.iter().any(|entry| entry.message == message)
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "status {}", self.status)?;
        for (n, entry) in self.entries.iter().take(SHOWN).enumerate() {
            f.write_str(if n == 0 { ": " } else { "; " })?;
            if let Some(item) = entry.item {
                write!(f, "item {item}: ")?;
            }
            if !entry.path.is_empty() {
                write!(f, "{}: ", entry.path)?;
            }
            f.write_str(&entry.message)?;
        }
        match self.entries.len().saturating_sub(SHOWN) {
            0 => Ok(()),
            more => write!(f, "; and {more} more"),
        }
    }
}

fn flatten(value: &Value, items: usize) -> Vec<ProblemEntry> {
    let mut entries = Vec::new();
    match value {
        // One object for each item, in the order of the request. Errors found while saving come as an
        // array of strings instead, whose length says nothing.
        Value::Array(list) if items > 0 && list.len() == items && list.iter().all(Value::is_object) => {
            for (item, value) in list.iter().enumerate() {
                walk(value, Some(item), "", &mut entries);
            }
        }
        _ => walk(value, None, "", &mut entries),
    }
    entries
}

fn walk(value: &Value, item: Option<usize>, path: &str, entries: &mut Vec<ProblemEntry>) {
    // A small answer can be deep and wide, and each entry has a path of its own.
    if entries.len() == MOST_ENTRIES {
        return;
    }
    let join = |step: &str| match path.len() {
        0 => step.to_owned(),
        1..MAX_PATH => format!("{path}.{step}"),
        _ => path.to_owned(),
    };
    let leaf = |text: &str| ProblemEntry { item, path: path.to_owned(), message: clean(text) };
    match value {
        Value::Null => {}
        Value::Bool(_) | Value::Number(_) => entries.push(leaf(&value.to_string())),
        Value::String(text) => entries.push(leaf(text)),
        Value::Array(list) => {
            for (n, value) in list.iter().enumerate() {
                // Several messages about one place are no places of their own.
                let place = if value.is_string() { path.to_owned() } else { join(&n.to_string()) };
                walk(value, item, &place, entries);
            }
        }
        Value::Object(members) => {
            for (key, value) in members {
                let place = if is_whole(key) { path.to_owned() } else { join(&clean(key)) };
                walk(value, item, &place, entries);
            }
        }
    }
}

// Members that are about the whole, not about a member of the request.
fn is_whole(key: &str) -> bool {
    key == "detail" || key == "non_field_errors"
}

fn title(html: &str) -> Option<&str> {
    let (_, rest) = html.split_once("<title>")?;
    rest.split_once("</title>").map(|(title, _)| title)
}

fn clean(text: &str) -> String {
    let short = text.trim().chars().take(MAX_MESSAGE);
    short.map(|c| if c.is_control() { ' ' } else { c }).collect()
}

const SHOWN: usize = 3;
const MOST_ENTRIES: usize = 2_000;
const MAX_PATH: usize = 200;
const MAX_MESSAGE: usize = 500;
const MAX_TEXT: usize = 4096;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn entries(value: &Value, items: usize) -> Vec<(Option<usize>, String, String)> {
        flatten(value, items).into_iter().map(|e| (e.item, e.path, e.message)).collect()
    }

    fn entry(item: Option<usize>, path: &str, message: &str) -> (Option<usize>, String, String) {
        (item, path.into(), message.into())
    }

    #[test]
    fn every_recorded_shape_is_flattened() {
        let cases = [
            (json!({"detail": "Not found."}), 0, vec![entry(None, "", "Not found.")]),
            (json!({"ttl": ["a", "b"]}), 0, vec![entry(None, "ttl", "a"), entry(None, "ttl", "b")]),
            (json!({"subname": "not a list"}), 0, vec![entry(None, "subname", "not a list")]),
            (json!({"records": [{}, ["bad"]]}), 0, vec![entry(None, "records.1", "bad")]),
            (json!({"records": [{"content": ["bad"]}]}), 0, vec![entry(None, "records.0.content", "bad")]),
            (json!({"records": {"non_field_errors": ["bad"]}}), 0, vec![entry(None, "records", "bad")]),
            (json!({"allowed_subnets": {"1": ["bad"]}}), 0, vec![entry(None, "allowed_subnets.1", "bad")]),
            (json!([{}, {"type": ["bad"]}]), 2, vec![entry(Some(1), "type", "bad")]),
            (json!([{"non_field_errors": "bad"}]), 1, vec![entry(Some(0), "", "bad")]),
            (json!(["found while saving"]), 1, vec![entry(None, "", "found while saving")]),
            (json!([{"type": ["bad"]}]), 2, vec![entry(None, "0.type", "bad")]),
        ];
        for (value, items, expected) in cases {
            assert_eq!(entries(&value, items), expected, "{value}");
        }
    }

    #[test]
    fn pages_of_the_web_server_keep_their_title_only() {
        let html = b"<html>\n<head><title>504 Gateway Time-out</title></head><body>secret</body>";
        let problem = Problem::decode(504, Some("text/html; charset=utf-8"), html, 0);
        assert_eq!(problem.format, ProblemFormat::Html);
        assert_eq!(problem.to_string(), "status 504: 504 Gateway Time-out");
        let problem = Problem::decode(429, Some("text/plain"), &b"busy\n".repeat(5_000), 0);
        assert_eq!(problem.format, ProblemFormat::Text);
        assert!(problem.entries[0].message.len() <= MAX_MESSAGE);
        assert_eq!(Problem::decode(400, None, b"", 0).entries, []);
    }

    #[test]
    fn long_answers_are_shown_short() {
        let value = json!({"a": ["1", "2", "3", "4", "5"]}).to_string();
        let problem = Problem::decode(400, Some("application/json"), value.as_bytes(), 0);
        assert_eq!(problem.to_string(), "status 400: a: 1; a: 2; a: 3; and 2 more");
    }

    #[test]
    fn a_huge_answer_takes_little_memory() {
        let key = "k".repeat(500);
        let leaves = vec!["x"; 200_000];
        let value = (0..100).fold(json!(leaves), |inner, _| json!({ key.as_str(): inner }));
        let problem = Problem::decode(400, Some("application/json"), value.to_string().as_bytes(), 0);
        let size: usize = problem.entries.iter().map(|entry| entry.path.len() + entry.message.len()).sum();
        assert!(size <= 10_000_000, "{size} bytes");
        assert!(problem.to_string().len() < 4096, "{} bytes", problem.to_string().len());
    }

    fn tree() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            "[ -~]{0,20}".prop_map(Value::from),
        ];
        leaf.prop_recursive(5, 60, 6, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                proptest::collection::btree_map("[a-z_]{1,9}", inner, 0..6)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    fn strings<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
        match value {
            Value::String(text) => found.push(text),
            Value::Array(list) => list.iter().for_each(|value| strings(value, found)),
            Value::Object(map) => map.values().for_each(|value| strings(value, found)),
            _ => {}
        }
    }

    proptest! {
        #[test]
        fn no_message_is_lost(value in tree(), items in 0_usize..7) {
            let mut said = Vec::new();
            strings(&value, &mut said);
            let flat = flatten(&value, items);
            let kept: Vec<&str> = flat.iter().map(|entry| entry.message.as_str()).collect();
            for text in said {
                prop_assert!(kept.contains(&text.trim()), "{text:?} of {value}");
            }
        }

        #[test]
        fn any_answer_decodes(
            status in 0_u16..1000,
            json in any::<bool>(),
            body in proptest::collection::vec(any::<u8>(), 0..200),
            items in 0_usize..4,
        ) {
            let content_type = if json { "application/json" } else { "text/html" };
            let problem = Problem::decode(status, Some(content_type), &body, items);
            prop_assert!(problem.to_string().len() < 4096);
        }
    }
}
