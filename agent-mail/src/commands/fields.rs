//! A JSON object as it was written, before it is a command.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use mail_access::{Address, FolderName};
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::action::whole;
use super::{Action, Command, Email, Reading, problem};
use crate::{AgentId, Error};

/// A JSON object in its order, with names that come twice.
#[derive(Debug)]
pub(super) struct Fields(Vec<(String, Value)>);

impl Fields {
    /// Joins the name of a tool and its input.
    pub(super) fn of_tool(name: &str, input: &Value) -> Result<Self, Error> {
        let Value::Object(input) = input else {
            return Err(problem("invalid_json", name, "the input of a command is one JSON object"));
        };
        let action = (ACTION.to_owned(), Value::from(name));
        let fields = input.iter().map(|(name, value)| (name.clone(), value.clone()));
        Ok(Self(std::iter::once(action).chain(fields).collect()))
    }

    /// Holds the fields against the table of the command that they name.
    fn checked(self) -> Result<(Action, Checked), Error> {
        let mut values = BTreeMap::new();
        for (name, value) in self.0 {
            if values.contains_key(&name) {
                return Err(problem("duplicate_field", &name, "the field comes twice")
                    .with_fix("name each field once"));
            }
            values.insert(name, value);
        }
        let missing =
            |name: &str| problem("missing_field", name, "the field is missing").with_fix("add the field");
        let action: Action = match values.remove(ACTION) {
            Some(Value::String(name)) => name.parse()?,
            Some(_) => return Err(invalid(ACTION, "it has to be the name of a command")),
            None => return Err(missing(ACTION)),
        };
        for (name, value) in &values {
            let Some(param) = action.params().iter().find(|param| param.name == name) else {
                let known: Vec<&str> = action.params().iter().map(|param| param.name).collect();
                let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
                let detail = format!("{action} has no such field; its fields: {known}");
                return Err(problem("unknown_field", name, &detail).with_fix("leave the field out"));
            };
            if let Some(objection) = param.objection(value) {
                return Err(invalid(name, &objection));
            }
        }
        let required = action.params().iter().filter(|param| param.is_required);
        match required.map(|param| param.name).find(|name| !values.contains_key(*name)) {
            Some(name) => Err(missing(name)),
            None => Ok((action, Checked(values))),
        }
    }
}

impl TryFrom<Fields> for Command {
    type Error = Error;

    fn try_from(fields: Fields) -> Result<Self, Error> {
        let (action, mut fields) = fields.checked()?;
        Ok(match action {
            Action::CreateMailbox => Self::CreateMailbox { agent: fields.agent()? },
            Action::DeleteMailbox => Self::DeleteMailbox { agent: fields.agent()? },
            Action::ListMailboxes => Self::ListMailboxes,
            Action::MonitorAll => Self::MonitorAll { reading: fields.reading()? },
            Action::MonitorMailbox => {
                Self::MonitorMailbox { agent: fields.agent()?, reading: fields.reading()? }
            }
            Action::SendEmail => Self::SendEmail(Box::new(Email {
                agent: fields.agent()?,
                to: fields.addresses("to")?,
                cc: fields.addresses("cc")?,
                bcc: fields.addresses("bcc")?,
                subject: fields.text("subject").unwrap_or_default(),
                text: fields.text("text"),
                html: fields.text("html"),
                key: fields.text("key"),
            })),
        })
    }
}

/// The fields of a command, each of the kind that the table says.
struct Checked(BTreeMap<String, Value>);

impl Checked {
    fn agent(&mut self) -> Result<AgentId, Error> {
        self.parsed("agent")?.ok_or_else(|| invalid("agent", "it has to be a text"))
    }

    fn reading(&mut self) -> Result<Reading, Error> {
        let mut reading = Reading::new();
        if let Some(folder) = self.parsed::<FolderName>("folder")? {
            reading.folder = folder;
        }
        if let Some(Value::Bool(unread_only)) = self.0.remove("unread_only") {
            reading.unread_only = unread_only;
        }
        if let Some(Value::Bool(mark_seen)) = self.0.remove("mark_seen") {
            reading.mark_seen = mark_seen;
        }
        if let Some(limit) = self.0.remove("limit").as_ref().and_then(whole) {
            reading.limit = usize::try_from(limit).unwrap_or(reading.limit);
        }
        Ok(reading)
    }

    fn addresses(&mut self, name: &str) -> Result<Vec<Address>, Error> {
        let Some(Value::Array(all)) = self.0.remove(name) else { return Ok(Vec::new()) };
        let texts = all.iter().filter_map(Value::as_str);
        let parsed = texts.map(|text| text.parse().map_err(|error| invalid(name, &format!("{error}"))));
        parsed.collect()
    }

    fn text(&mut self, name: &str) -> Option<String> {
        match self.0.remove(name) {
            Some(Value::String(text)) => Some(text),
            _ => None,
        }
    }

    fn parsed<T: FromStr<Err: fmt::Display>>(&mut self, name: &str) -> Result<Option<T>, Error> {
        let parsed = self.text(name).map(|text| text.parse());
        parsed.transpose().map_err(|error: T::Err| invalid(name, &error.to_string()))
    }
}

impl<'de> Deserialize<'de> for Fields {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;

        impl<'de> Visitor<'de> for Object {
            type Value = Fields;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("one JSON object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields, A::Error> {
                let mut fields = Vec::new();
                while let Some(field) = map.next_entry()? {
                    fields.push(field);
                }
                Ok(Fields(fields))
            }
        }

        deserializer.deserialize_map(Object)
    }
}

fn invalid(name: &str, detail: &str) -> Error {
    problem("invalid_field", name, detail).with_fix("correct the field")
}

const ACTION: &str = "action";
