//! As much of JSON Schema (draft 2020-12) as the schemas use; what it doesn't know it refuses to judge by.

use agent_mail::Address;
use serde_json::Value;

/// Tells whether a value is valid.
///
/// # Panics
/// If the schema uses a word that is not known here.
pub(crate) fn is_valid(schema: &Value, value: &Value) -> bool {
    let Value::Object(words) = schema else { panic!("no schema: {schema}") };
    words.iter().all(|(word, rule)| match (word.as_str(), value) {
        ("oneOf", _) => rule.as_array().unwrap().iter().filter(|one| is_valid(one, value)).count() == 1,
        ("const", _) => rule == value,
        ("type", _) => match rule.as_str().unwrap() {
            "object" => value.is_object(),
            "array" => value.is_array(),
            "string" => value.is_string(),
            "boolean" => value.is_boolean(),
            "integer" => value.as_f64().is_some_and(|number| number.fract() == 0.0),
            other => panic!("unknown type {other}"),
        },
        ("properties", Value::Object(fields)) => {
            fields.iter().all(|(name, value)| rule.get(name).is_none_or(|schema| is_valid(schema, value)))
        }
        ("required", Value::Object(fields)) => {
            rule.as_array().unwrap().iter().all(|name| fields.contains_key(name.as_str().unwrap()))
        }
        ("additionalProperties", Value::Object(fields)) => {
            assert_eq!(rule, false, "unknown rule");
            fields.keys().all(|name| schema["properties"].get(name).is_some())
        }
        ("minItems", Value::Array(items)) => items.len() as u64 >= rule.as_u64().unwrap(),
        ("maxItems", Value::Array(items)) => items.len() as u64 <= rule.as_u64().unwrap(),
        ("items", Value::Array(items)) => items.iter().all(|item| is_valid(rule, item)),
        ("minLength", Value::String(text)) => text.chars().count() as u64 >= rule.as_u64().unwrap(),
        ("maxLength", Value::String(text)) => text.chars().count() as u64 <= rule.as_u64().unwrap(),
        ("pattern", Value::String(text)) => {
            assert_eq!(rule, r"^[^\u0000-\u001f\u007f-\u009f]*$", "unknown pattern");
            !text.chars().any(|c| matches!(c, '\0'..='\u{1f}' | '\u{7f}'..='\u{9f}'))
        }
        ("format", Value::String(text)) => {
            assert_eq!(rule, "email", "unknown format");
            text.parse::<Address>().is_ok()
        }
        ("minimum", Value::Number(number)) => number.as_f64() >= rule.as_f64(),
        ("maximum", Value::Number(number)) => number.as_f64() <= rule.as_f64(),
        // Words for people and on other types say nothing about this one (section 10 of the core, 6 of the validation).
        (
            "description"
            | "properties"
            | "required"
            | "additionalProperties"
            | "minItems"
            | "maxItems"
            | "items"
            | "minLength"
            | "maxLength"
            | "pattern"
            | "format"
            | "minimum"
            | "maximum",
            _,
        ) => true,
        (other, _) => panic!("unknown word {other}"),
    })
}
