//! The members of a request, read one by one as the server reads them.

use serde_json::{Map, Value, json};

use super::{answer::Answer, ask::python_type};

/// Reads members, and gathers what is wrong with them.
pub(super) struct Fields<'a> {
    given: &'a Map<String, Value>,
    errors: Map<String, Value>,
    /// Whether what is missing stays as it is.
    partial: bool,
}

impl<'a> Fields<'a> {
    pub(super) fn new(given: &'a Map<String, Value>) -> Self {
        Self { given, errors: Map::new(), partial: false }
    }

    /// Lets required members be missing.
    pub(super) fn partial(mut self, partial: bool) -> Self {
        self.partial = partial;
        self
    }

    /// Returns a member that must be there.
    pub(super) fn required(&mut self, name: &str) -> Option<&'a Value> {
        let value = self.given.get(name);
        if value.is_none() && !self.partial {
            self.wrong(name, REQUIRED);
        }
        value
    }

    /// Returns a member that is there and not null.
    pub(super) fn present(&mut self, name: &str) -> Option<&'a Value> {
        let value = self.given.get(name)?;
        if value.is_null() {
            self.wrong(name, "This field may not be null.");
            return None;
        }
        Some(value)
    }

    pub(super) fn boolean(&mut self, name: &str) -> Option<bool> {
        let found = match self.present(name)? {
            Value::Bool(value) => Some(*value),
            Value::Number(number) => number.as_u64().filter(|n| *n < 2).map(|n| n == 1),
            Value::String(text) => match text.trim().to_lowercase().as_str() {
                "t" | "y" | "yes" | "true" | "on" | "1" => Some(true),
                "f" | "n" | "no" | "false" | "off" | "0" => Some(false),
                _ => None,
            },
            _ => None,
        };
        if found.is_none() {
            self.wrong(name, "Must be a valid boolean.");
        }
        found
    }

    /// Returns a text without the blanks around it, of at most `longest` characters.
    pub(super) fn text(&mut self, name: &str, longest: usize) -> Option<String> {
        let value = self.present(name)?;
        let Some(text) = coerced(value) else {
            self.wrong(name, "Not a valid string.");
            return None;
        };
        if text.chars().count() > longest {
            self.wrong(name, &format!("Ensure this field has no more than {longest} characters."));
            return None;
        }
        Some(text)
    }

    /// Returns a text that must be there and not be empty.
    pub(super) fn word(&mut self, name: &str) -> Option<String> {
        self.required(name)?;
        let text = self.text(name, usize::MAX)?;
        if text.is_empty() {
            self.wrong(name, BLANK);
            return None;
        }
        Some(text)
    }

    /// Returns an address that must be there, in lower case.
    pub(super) fn email(&mut self, name: &str) -> Option<String> {
        let text = self.word(name)?.to_lowercase();
        let parts = text.split_once('@').filter(|(local, domain)| {
            !local.is_empty() && domain.contains('.') && !domain.contains('@') && !domain.ends_with('.')
        });
        if parts.is_none() || text.contains(char::is_whitespace) {
            self.wrong(name, "Enter a valid email address.");
            return None;
        }
        Some(text)
    }

    /// Notes what is wrong with a member.
    pub(super) fn wrong(&mut self, name: &str, text: &str) {
        match self.errors.get_mut(name).and_then(Value::as_array_mut) {
            Some(texts) => texts.push(json!(text)),
            None => self.note(name, json!([text])),
        }
    }

    /// Notes what is wrong with a member, in another shape than a list of texts.
    pub(super) fn note(&mut self, name: &str, errors: Value) {
        self.errors.insert(name.to_owned(), errors);
    }

    pub(super) fn is_fine(&self, name: &str) -> bool {
        !self.errors.contains_key(name)
    }

    pub(super) fn errors(self) -> Map<String, Value> {
        self.errors
    }

    /// Returns the refusal, if anything was wrong.
    pub(super) fn check(self) -> Result<(), Answer> {
        if self.errors.is_empty() { Ok(()) } else { Err(Answer::refused(Value::Object(self.errors))) }
    }
}

/// Returns the text that the server makes of a value, without the blanks around it.
pub(super) fn coerced(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.trim().to_owned()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// Returns the items of a list, or the text that says what was given instead.
pub(super) fn list(value: &Value) -> Result<&Vec<Value>, String> {
    let text = || format!("Expected a list of items but got type \"{}\".", python_type(value));
    value.as_array().ok_or_else(text)
}

pub(super) const BLANK: &str = "This field may not be blank.";
pub(super) const REQUIRED: &str = "This field is required.";
