//! The commands as tools of language models.

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::{Action, Command};

/// A command as a tool: its name, what it does, and the JSON schema (draft 2020-12) of its input.
///
/// Its own JSON is `{name, description, input_schema}`; [`openai`](Self::openai) and [`mcp`](Self::mcp) are the forms of
/// others.
///
/// ```
/// use agent_mail::commands::{Command, Tool};
///
/// let tools = Tool::all();
/// let send = tools.iter().find(|tool| tool.name == "send_email").expect("it is there");
/// assert_eq!(send.input_schema["required"], serde_json::json!(["agent", "to", "subject"]));
/// assert_eq!(send.openai()["function"]["name"], "send_email");
///
/// let input = serde_json::json!({ "agent": "ada", "to": ["bob@partner.example"], "subject": "Engines" });
/// assert_eq!(Command::of_tool(&send.name, &input)?.action().as_str(), "send_email");
/// # Ok::<(), agent_mail::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Tool {
    /// The name of the command.
    pub name: String,
    /// What it does.
    pub description: String,
    /// What it takes.
    pub input_schema: Value,
}

impl Tool {
    /// Returns a tool for each command; [`Commands::tools`](super::Commands::tools) leaves out those that aren't allowed.
    pub fn all() -> Vec<Self> {
        Action::ALL.into_iter().map(Self::of).collect()
    }

    /// Returns the tool for a command.
    pub fn of(action: Action) -> Self {
        let (name, description) = (action.as_str().to_owned(), action.description().to_owned());
        Self { name, description, input_schema: schema(action, Map::new()) }
    }

    /// Returns the form of `OpenAI`'s function calls.
    pub fn openai(&self) -> Value {
        let Self { name, description, input_schema } = self;
        let function = json!({ "name": name, "description": description, "parameters": input_schema });
        json!({ "type": "function", "function": function })
    }

    /// Returns the form of the Model Context Protocol's `tools/list`.
    pub fn mcp(&self) -> Value {
        json!({ "name": self.name, "description": self.description, "inputSchema": self.input_schema })
    }
}

impl Command {
    /// Returns the JSON schema (draft 2020-12) of commands, with the name in `action`.
    pub fn schema() -> Value {
        let of = |action: Action| {
            let name = json!({ "const": action.as_str(), "description": action.description() });
            schema(action, Map::from_iter([("action".to_owned(), name)]))
        };
        json!({ "oneOf": Action::ALL.map(of) })
    }
}

fn schema(action: Action, mut properties: Map<String, Value>) -> Value {
    let mut required: Vec<String> = properties.keys().cloned().collect();
    for param in action.params() {
        properties.insert(param.name.to_owned(), param.schema());
        if param.is_required {
            required.push(param.name.to_owned());
        }
    }
    json!({
        "type": "object", "properties": properties, "required": required, "additionalProperties": false,
    })
}
