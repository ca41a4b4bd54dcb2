//! Readers for fields that Mailcow writes now as a number, now as text, now as a bool.

use std::{borrow::Cow, collections::BTreeMap, fmt};

use secrecy::SecretString;
use serde::{
    Deserialize, Deserializer,
    de::{DeserializeOwned, Error as _, Visitor},
};
use serde_json::Value;

/// Reads an integer from a number, a text of digits, a bool or null (0).
pub(crate) fn int<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
    match Scalar::deserialize(deserializer)? {
        Scalar::Null => Ok(0),
        scalar => scalar.int().ok_or_else(|| D::Error::custom("not an integer")),
    }
}

/// Reads an integer where anything that is none (as `"- "`, for *does not apply*) counts as absent.
pub(crate) fn int_if_any<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i64>, D::Error> {
    Ok(Scalar::deserialize(deserializer)?.int())
}

/// Reads a number with a fraction from a number, a text, a bool or null (0).
pub(crate) fn float<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    match Scalar::deserialize(deserializer)? {
        Scalar::Float(number) => Ok(number),
        Scalar::Text(text) => text.trim().parse().map_err(|_| D::Error::custom("not a number")),
        Scalar::Null => Ok(0.0),
        // The integers of a score, a percentage or an uptime are far below 2^53.
        #[allow(clippy::cast_precision_loss, reason = "the numbers are small")]
        scalar => scalar.int().map(|number| number as f64).ok_or_else(|| D::Error::custom("not a number")),
    }
}

/// Reads a flag: 0 and false are off, any other integer is on.
pub(crate) fn flag<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    int(deserializer).map(|value| value != 0)
}

/// Reads text; null is the empty text.
pub(crate) fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    Ok(match Scalar::deserialize(deserializer)? {
        Scalar::Text(text) => text.into_owned(),
        Scalar::Int(number) => number.to_string(),
        Scalar::Null => String::new(),
        Scalar::Bool(_) | Scalar::Float(_) => return Err(D::Error::custom("not a text")),
    })
}

/// Reads a list of texts; what is none (`""`, `{}`, null) is the empty list.
pub(crate) fn texts<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    match Value::deserialize(deserializer)? {
        list @ Value::Array(_) => Vec::deserialize(list).map_err(D::Error::custom),
        _ => Ok(Vec::new()),
    }
}

/// Reads a secret.
pub(crate) fn secret<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SecretString, D::Error> {
    text(deserializer).map(SecretString::from)
}

/// Reads an object; anything else (`false`, `[]`, null) means that there is none.
pub(crate) fn object_if_any<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: DeserializeOwned,
{
    match Value::deserialize(deserializer)? {
        object @ Value::Object(_) => T::deserialize(object).map(Some).map_err(D::Error::custom),
        _ => Ok(None),
    }
}

/// Reads an object of texts; anything else means that it is empty.
pub(crate) fn map<'de, D: Deserializer<'de>>(deserializer: D) -> Result<BTreeMap<String, String>, D::Error> {
    let fields: BTreeMap<String, Value> = object_if_any(deserializer)?.unwrap_or_default();
    let texts = fields.into_iter().map(|(name, value)| Ok((name, text(value)?)));
    texts.collect::<Result<_, serde_json::Error>>().map_err(D::Error::custom)
}

/// Reads a list from a text with commas, in which `-` alone stands for none.
pub(crate) fn list<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    let all = text(deserializer)?;
    let items = all.split(',').map(str::trim).filter(|item| !item.is_empty() && *item != "-");
    Ok(items.map(str::to_owned).collect())
}

/// Reads an id, where 0 and anything that is none stand for *none*.
pub(crate) fn id_if_any<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: DeserializeOwned,
{
    match int_if_any(deserializer)? {
        None | Some(0) => Ok(None),
        Some(number) => T::deserialize(Value::from(number)).map(Some).map_err(D::Error::custom),
    }
}

/// A single value. Derived as an untagged enum it would be copied once more, and lists hold hundreds of thousands.
enum Scalar<'de> {
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(Cow<'de, str>),
}

impl<'de> Deserialize<'de> for Scalar<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ScalarVisitor)
    }
}

struct ScalarVisitor;

impl<'de> Visitor<'de> for ScalarVisitor {
    type Value = Scalar<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a single value")
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Scalar::Null)
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Self::Value, E> {
        Ok(Scalar::Bool(flag))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Self::Value, E> {
        Ok(Scalar::Int(number))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Self::Value, E> {
        #[allow(clippy::cast_precision_loss, reason = "what is no i64 is no integer here")]
        Ok(i64::try_from(number).map_or(Scalar::Float(number as f64), Scalar::Int))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Self::Value, E> {
        Ok(Scalar::Float(number))
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Scalar::Text(text.into()))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Scalar::Text(text.to_owned().into()))
    }

    fn visit_string<E>(self, text: String) -> Result<Self::Value, E> {
        Ok(Scalar::Text(text.into()))
    }
}

impl Scalar<'_> {
    fn int(self) -> Option<i64> {
        match self {
            Self::Bool(flag) => Some(i64::from(flag)),
            Self::Int(number) => Some(number),
            Self::Text(text) => text.trim().parse().ok(),
            // Beyond 2^53 a float no longer names one integer.
            #[allow(clippy::cast_possible_truncation, reason = "the range is checked")]
            Self::Float(number) if number.abs() < 9.0e15 => Some(number as i64),
            Self::Float(_) | Self::Null => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Deserialize)]
    struct Row {
        #[serde(deserialize_with = "int")]
        int: i64,
        #[serde(deserialize_with = "flag")]
        flag: bool,
        #[serde(deserialize_with = "int_if_any")]
        percent: Option<i64>,
        #[serde(deserialize_with = "text")]
        text: String,
        #[serde(deserialize_with = "object_if_any")]
        rl: Option<Inner>,
    }

    #[derive(Deserialize)]
    struct Inner {
        value: String,
    }

    fn row(json: &str) -> Row {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn numbers_texts_and_bools_are_read_alike() {
        let numbers = row(r#"{"int":5,"flag":1,"percent":7,"text":"a","rl":{"value":"10"}}"#);
        assert_eq!((numbers.int, numbers.flag, numbers.percent), (5, true, Some(7)));
        assert_eq!(numbers.rl.unwrap().value, "10");
        let texts = row(r#"{"int":"-5","flag":"0","percent":"- ","text":null,"rl":false}"#);
        assert_eq!((texts.int, texts.flag, texts.percent, texts.text.as_str()), (-5, false, None, ""));
        assert!(texts.rl.is_none());
        let bools = row(r#"{"int":true,"flag":false,"percent":12.0,"text":7,"rl":[]}"#);
        assert_eq!((bools.int, bools.flag, bools.percent, bools.text.as_str()), (1, false, Some(12), "7"));
    }

    #[test]
    fn lists_and_ids_know_their_words_for_none() {
        let list = |json: &str| list(&mut serde_json::Deserializer::from_str(json)).unwrap();
        assert_eq!(list("\"a@b.example,c@d.example\""), ["a@b.example", "c@d.example"]);
        assert!(list("\"-\"").is_empty() && list("\"\"").is_empty() && list("null").is_empty());
        let id = |json: &str| id_if_any::<_, u64>(&mut serde_json::Deserializer::from_str(json)).unwrap();
        assert_eq!((id("\"7\""), id("7")), (Some(7), Some(7)));
        assert_eq!((id("\"0\""), id("null"), id("\"\"")), (None, None, None));
    }

    #[test]
    fn lists_and_fractions_are_read_from_every_shape() {
        let texts = |json: &str| texts(&mut serde_json::Deserializer::from_str(json)).unwrap();
        assert_eq!(texts(r#"["a","b"]"#), ["a", "b"]);
        assert!(texts("\"\"").is_empty() && texts("{}").is_empty() && texts("null").is_empty());
        let float = |json: &str| float(&mut serde_json::Deserializer::from_str(json)).ok();
        assert_eq!((float("16.2"), float("15"), float("\"16.20\"")), (Some(16.2), Some(15.0), Some(16.2)));
        assert_eq!((float("null"), float("\"x\""), float("[]")), (Some(0.0), None, None));
    }

    #[test]
    fn what_is_no_integer_is_an_error() {
        assert!(
            serde_json::from_str::<Row>(r#"{"int":"ten","flag":1,"percent":7,"text":"a","rl":false}"#)
                .is_err()
        );
    }
}
