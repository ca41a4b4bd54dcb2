//! A request as the API reads it.

use secrecy::ExposeSecret;
use serde_json::{Map, Value, json};

use super::answer::Answer;
use crate::{HttpRequest, Method};

pub(super) struct Ask<'a> {
    pub(super) request: &'a HttpRequest,
    pub(super) method: Method,
    query: Vec<(String, String)>,
}

impl<'a> Ask<'a> {
    pub(super) fn new(request: &'a HttpRequest) -> Self {
        let pairs = request.url().query_pairs();
        let query = pairs.map(|(name, value)| (name.into_owned(), value.into_owned())).collect();
        Self { request, method: request.method(), query }
    }

    /// Returns the value of a parameter; of several, the last one.
    pub(super) fn query(&self, name: &str) -> Option<&str> {
        self.query.iter().rev().find(|(given, _)| given == name).map(|(_, value)| value.as_str())
    }

    pub(super) fn queries(&self) -> &[(String, String)] {
        &self.query
    }

    pub(super) fn accepts_json(&self) -> bool {
        let mut headers = self.request.headers();
        headers.any(|(name, value)| name == "accept" && value != "text/html")
    }

    /// Returns the secret of the token that was sent, if one was.
    pub(super) fn secret(&self) -> Result<Option<&'a str>, Answer> {
        let Some(given) = self.request.authorization() else { return Ok(None) };
        let mut words = given.expose_secret().split_ascii_whitespace();
        if !words.next().is_some_and(|scheme| scheme.eq_ignore_ascii_case("token")) {
            return Ok(None);
        }
        let Some(secret) = words.next() else {
            return Err(Answer::unauthenticated("Invalid token header. No credentials provided."));
        };
        match words.next() {
            None => Ok(Some(secret)),
            Some(_) => {
                Err(Answer::unauthenticated("Invalid token header. Token string should not contain spaces."))
            }
        }
    }

    /// Returns the JSON that was sent, if anything was.
    pub(super) fn data(&self) -> Result<Option<Value>, Answer> {
        let Some(body) = self.request.body().filter(|body| !body.is_empty()) else { return Ok(None) };
        if !self.request.headers().any(|header| header == ("content-type", "application/json")) {
            return Err(Answer::detail(415, "Unsupported media type \"\" in request."));
        }
        let parsed = parse(body);
        parsed.map(Some).map_err(|text| Answer::detail(400, &format!("JSON parse error - {text}")))
    }

    /// Returns the members of the object that was sent; nothing counts as an empty one.
    pub(super) fn members(&self) -> Result<Map<String, Value>, Answer> {
        match self.data()? {
            None => Ok(Map::new()),
            Some(Value::Object(members)) => Ok(members),
            Some(Value::Null) => Err(Answer::refused(json!({ "non_field_errors": ["No data provided"] }))),
            Some(other) => {
                let text = format!("Invalid data. Expected a dictionary, but got {}.", python_type(&other));
                Err(Answer::refused(json!({ "non_field_errors": [text] })))
            }
        }
    }

    pub(super) fn not_allowed(&self) -> Answer {
        Answer::detail(405, &format!("Method \"{}\" not allowed.", self.method.as_str()))
    }
}

/// Returns how the server calls the type of a value.
pub(super) fn python_type(value: &Value) -> &'static str {
    match value {
        Value::Null => "NoneType",
        Value::Bool(_) => "bool",
        Value::Number(number) if number.is_f64() => "float",
        Value::Number(_) => "int",
        Value::String(_) => "str",
        Value::Array(_) => "list",
        Value::Object(_) => "dict",
    }
}

/// Returns a segment of a path as text.
pub(super) fn decoded(segment: &str) -> String {
    let mut bytes = Vec::with_capacity(segment.len());
    let mut rest = segment.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        let digits = tail.get(..2).and_then(|digits| std::str::from_utf8(digits).ok());
        match digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) if first == b'%' => {
                bytes.push(byte);
                rest = &tail[2..];
            }
            _ => {
                bytes.push(first);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

// The words of the server's own parser.
fn parse(body: &[u8]) -> Result<Value, String> {
    if body.starts_with(b"\xef\xbb\xbf") {
        return Err("Unexpected UTF-8 BOM (decode using utf-8-sig): line 1 column 1 (char 0)".into());
    }
    let text = std::str::from_utf8(body).map_err(|error| {
        let at = error.valid_up_to();
        let reason =
            if error.error_len().is_none() { "unexpected end of data" } else { "invalid start byte" };
        format!("'utf-8' codec can't decode byte 0x{:02x} in position {at}: {reason}", body[at])
    })?;
    serde_json::from_str(text).map_err(|error| {
        let said = error.to_string();
        let found = WORDS.iter().find(|(ours, _)| said.starts_with(ours));
        let word = match found {
            Some((_, theirs)) => theirs,
            None if error.is_eof() && expects_name(text) => WORDS[0].1,
            None => "Expecting value",
        };
        let column = error.column() + usize::from(error.is_eof());
        let before: usize = text.split_inclusive('\n').take(error.line() - 1).map(str::len).sum();
        let position = (before + column).saturating_sub(1);
        format!("{word}: line {} column {column} (char {position})", error.line())
    })
}

// Whether a text that ends too early could go on with the name of a member.
fn expects_name(text: &str) -> bool {
    let (mut open, mut quoted, mut escaped) = (Vec::new(), false, false);
    for c in text.chars() {
        match c {
            '"' if !escaped => quoted = !quoted,
            '{' | '[' if !quoted => open.push(c),
            '}' | ']' if !quoted => drop(open.pop()),
            _ => {}
        }
        escaped = quoted && c == '\\' && !escaped;
    }
    open.last() == Some(&'{') && text.trim_end().ends_with(['{', ','])
}

const WORDS: [(&str, &str); 6] = [
    ("key must be a string", "Expecting property name enclosed in double quotes"),
    ("EOF while parsing an object", "Expecting property name enclosed in double quotes"),
    ("trailing comma", "Expecting property name enclosed in double quotes"),
    ("trailing characters", "Extra data"),
    ("expected `,`", "Expecting ',' delimiter"),
    ("expected `:`", "Expecting ':' delimiter"),
];
