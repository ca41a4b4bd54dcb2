//! A YAML document as a tree in which everything knows its place.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::{Location, Spanned};

use super::{MailListError, Place};

/// A value and where it begins.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) place: Place,
    pub(super) value: Value,
}

#[derive(Debug)]
pub(super) enum Value {
    Null,
    Bool,
    Integer(u64),
    OtherNumber,
    Text(String),
    List(Vec<Node>),
    Map(Vec<(Place, String, Node)>),
}

impl Node {
    /// Reads one document without anchors, tags and merge keys.
    pub(super) fn read(text: &str) -> Result<Self, MailListError> {
        let options = serde_saphyr::options! {
            budget: serde_saphyr::budget! {
                max_anchors: 0,
                max_aliases: 0,
                max_depth: MAX_DEPTH,
                max_documents: 1,
                max_nodes: MAX_NODES,
                max_events: 2 * MAX_NODES,
            },
            merge_keys: serde_saphyr::MergeKeyPolicy::AsOrdinary,
            strict_booleans: true,
            reject_unsupported_tags: true,
            with_snippet: false,
        };
        let root: Spanned<Value> =
            serde_saphyr::from_str_with_options(text, options).map_err(|error| refused(&error))?;
        Ok(root.into())
    }

    /// Says what it is, for a reader who expected something else.
    pub(super) fn kind(&self) -> &'static str {
        match self.value {
            Value::Null => "nothing",
            Value::Bool => "true or false",
            Value::Integer(_) | Value::OtherNumber => "a number",
            Value::Text(_) => "a text",
            Value::List(_) => "a list",
            Value::Map(_) => "a map of keys and values",
        }
    }
}

impl From<Spanned<Value>> for Node {
    fn from(spanned: Spanned<Value>) -> Self {
        Self { place: Place::from(spanned.referenced), value: spanned.value }
    }
}

impl From<Location> for Place {
    fn from(location: Location) -> Self {
        // What has no place of its own, an empty document, is said of the beginning.
        Self { line: location.line().max(1), column: location.column().max(1) }
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyValue)
    }
}

struct AnyValue;

impl<'de> Visitor<'de> for AnyValue {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text, a number, a list or a map")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_none<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Value, E> {
        Ok(Value::Bool)
    }

    fn visit_u64<E>(self, number: u64) -> Result<Value, E> {
        Ok(Value::Integer(number))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Value, E> {
        Ok(u64::try_from(number).map_or(Value::OtherNumber, Value::Integer))
    }

    fn visit_u128<E>(self, _: u128) -> Result<Value, E> {
        Ok(Value::OtherNumber)
    }

    fn visit_i128<E>(self, _: i128) -> Result<Value, E> {
        Ok(Value::OtherNumber)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Value, E> {
        Ok(Value::OtherNumber)
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(Value::Text(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
        let mut nodes = Vec::new();
        while let Some(node) = list.next_element::<Spanned<Value>>()? {
            nodes.push(node.into());
        }
        Ok(Value::List(nodes))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut entries = Vec::new();
        while let Some((key, node)) = map.next_entry::<Spanned<String>, Spanned<Value>>()? {
            entries.push((key.referenced.into(), key.value, node.into()));
        }
        Ok(Value::Map(entries))
    }
}

fn refused(error: &serde_saphyr::Error) -> MailListError {
    use serde_saphyr::Error as Yaml;
    use serde_saphyr::budget::BudgetBreach;

    let place = error.location().map_or(Place { line: 1, column: 1 }, Place::from);
    let problem = match error.without_snippet() {
        Yaml::DuplicateMappingKey { key: Some(key), .. } => format!("the key {key:?} stands twice here"),
        Yaml::DuplicateMappingKey { .. } => "a key stands twice here".to_owned(),
        Yaml::Budget { breach: BudgetBreach::Anchors { .. } | BudgetBreach::Aliases { .. }, .. } => {
            "anchors and aliases are not taken; write the entry out".to_owned()
        }
        Yaml::UnknownAnchor { .. } => "anchors and aliases are not taken; write the entry out".to_owned(),
        Yaml::Budget { breach: BudgetBreach::Depth { .. }, .. } => {
            "this is nested too deeply; expected are domains, their users and nothing below".to_owned()
        }
        Yaml::Budget { breach: BudgetBreach::Documents { .. }, .. } | Yaml::MultipleDocuments { .. } => {
            "a second document begins here; expected is one".to_owned()
        }
        Yaml::Budget { .. } => format!("the list is too long; expected are at most {MAX_NODES} entries"),
        other => {
            let words = other.render_with_formatter(&serde_saphyr::UserMessageFormatter);
            let first = words.lines().next().unwrap_or_default();
            format!("this is no YAML: {}", first.chars().take(200).collect::<String>())
        }
    };
    MailListError::new(vec![(place, problem)])
}

const MAX_DEPTH: usize = 16;
const MAX_NODES: usize = 200_000;
