//! Schema and parser agree, and nothing that is sent breaks the parser.

use agent_mail::ErrorKind;
use agent_mail::commands::{Action, Command, Tool};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use crate::validator::is_valid;

/// A full command of each sort, and a bare one.
fn samples() -> Vec<Value> {
    let long = "\u{fc}".repeat(300);
    vec![
        json!({ "action": "create_mailbox", "agent": "ada" }),
        json!({ "action": "create_mailbox", "agent": "\u{e4}".repeat(64) }),
        json!({ "action": "delete_mailbox", "agent": "Order Bot 7" }),
        json!({ "action": "list_mailboxes" }),
        json!({ "action": "monitor_all" }),
        json!({ "action": "monitor_all", "unread_only": false, "folder": "Sent", "limit": 100, "mark_seen": true }),
        json!({ "action": "monitor_mailbox", "agent": "ada" }),
        json!({ "action": "monitor_mailbox", "agent": "ada", "limit": 1.0, "folder": "inbox", "unread_only": true }),
        json!({ "action": "send_email", "agent": "ada", "to": ["a@b.example"], "subject": "" }),
        json!({
            "action": "send_email", "agent": "ada", "to": ["a@b.example", "c@d.example"], "cc": ["e@f.example"],
            "bcc": [], "subject": long, "text": "a\nb\u{0}", "html": "", "key": "k",
        }),
    ]
}

/// Values that are wrong for one field or another.
fn odd() -> Vec<Value> {
    vec![
        Value::Null,
        json!(true),
        json!(0),
        json!(101),
        json!(-1),
        json!(1.5),
        json!(1e300),
        json!(""),
        json!("x"),
        json!("a\r\nBcc: eve@evil.example"),
        json!("x".repeat(301)),
        json!("x".repeat(200_001)),
        json!([]),
        json!(["no address"]),
        json!(["a@b.example", 7]),
        json!(vec!["a@b.example"; 101]),
        json!({ "agent": "ada" }),
    ]
}

fn agree(schema: &Value, value: &Value) -> bool {
    let parsed = Command::parse(&value.to_string());
    assert_eq!(parsed.is_ok(), is_valid(schema, value), "{value} {parsed:?}");
    // What serde reads alone is the same.
    assert_eq!(parsed.is_ok(), serde_json::from_value::<Command>(value.clone()).is_ok(), "{value}");
    if let Ok(command) = &parsed {
        let written = serde_json::to_value(command).unwrap();
        assert!(is_valid(schema, &written), "{written}");
        assert_eq!(&serde_json::from_value::<Command>(written).unwrap(), command);
    }
    parsed.is_ok()
}

#[test]
fn every_sample_parses_and_every_violation_is_refused_by_schema_and_parser() {
    let schema = Command::schema();
    let mut refused = 0;
    for sample in samples() {
        assert!(agree(&schema, &sample), "{sample}");
        let Value::Object(fields) = sample else { unreachable!() };
        let names =
            ["agent", "to", "cc", "bcc", "subject", "text", "html", "key", "limit", "folder", "unread_only"];
        for name in names.into_iter().chain(["mark_seen", "action", "admin", ""]) {
            let mut without = fields.clone();
            without.remove(name);
            refused += u32::from(!agree(&schema, &without.into()));
            for value in odd() {
                let mut changed = fields.clone();
                changed.insert(name.to_owned(), value);
                refused += u32::from(!agree(&schema, &changed.into()));
            }
        }
    }
    assert!(refused > 1_500, "{refused}");
}

#[test]
fn a_tool_takes_what_the_command_takes() {
    assert_eq!(Tool::all().len(), Action::ALL.len());
    for sample in samples() {
        let Value::Object(mut input) = sample.clone() else { unreachable!() };
        let name = input.remove("action").unwrap();
        let tool = Tool::all().into_iter().find(|tool| name == *tool.name).unwrap();
        let input = Value::from(input);
        assert!(is_valid(&tool.input_schema, &input));
        let command = Command::of_tool(&tool.name, &input).unwrap();
        assert_eq!(command, Command::parse(&sample.to_string()).unwrap());
        assert_eq!(command.action().as_str(), tool.name);
        assert_eq!(tool.openai()["function"]["parameters"], tool.input_schema);
        assert_eq!(tool.mcp()["inputSchema"], tool.input_schema);
        // The name of the tool counts; none can be slipped in.
        let mut slipped = input.clone();
        slipped["action"] = "delete_mailbox".into();
        assert_eq!(Command::of_tool(&tool.name, &slipped).unwrap_err().code(), Some("duplicate_field"));
        assert!(!is_valid(&tool.input_schema, &slipped));
    }
    assert!(Command::of_tool("list_mailboxes", &json!([])).is_err());
}

#[test]
fn what_is_wrong_has_a_name_and_a_fix() {
    for (text, code) in [
        ("", "invalid_json"),
        ("null", "invalid_json"),
        (r#"["list_mailboxes"]"#, "invalid_json"),
        (r#"{"action":"list_mailboxes"} {"action":"list_mailboxes"}"#, "invalid_json"),
        (r#"{"action":"list_mailboxes","action":"delete_mailbox"}"#, "duplicate_field"),
        (r#"{"action":"delete_mailbox","agent":"ada","agent":"bob"}"#, "duplicate_field"),
        (r#"{"action":"drop_tables"}"#, "unknown_command"),
        (r#"{"action":"List_Mailboxes"}"#, "unknown_command"),
        (r#"{"action":7}"#, "invalid_field"),
        ("{}", "missing_field"),
        (r#"{"action":"create_mailbox"}"#, "missing_field"),
        (r#"{"action":"create_mailbox","agent":"ada","password":"x"}"#, "unknown_field"),
        (r#"{"action":"create_mailbox","agent":null}"#, "invalid_field"),
        (r#"{"action":"send_email","agent":"ada","to":["@"],"subject":"x"}"#, "invalid_field"),
        (&format!("{}{{}}", " ".repeat(1 << 20)), "too_large"),
        (&format!(r#"{{"action":"create_mailbox","agent":{}1"#, "[".repeat(10_000)), "invalid_json"),
    ] {
        let error = Command::parse(text).unwrap_err();
        assert_eq!(
            (error.kind(), error.code()),
            (ErrorKind::InvalidInput, Some(code)),
            "{}",
            &text[..text.len().min(80)]
        );
        assert!(!error.fix().is_empty() && error.to_string().len() < 2_000);
        assert!(!error.to_string().contains(char::is_control), "{error}");
    }
}

fn json_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(|number| json!(number)),
        (1_u64..110).prop_map(Value::from),
        "[a-z@.]{0,12}".prop_map(Value::from),
        "(?s).{0,20}".prop_map(Value::from),
        "[a-z]{1,5}@[a-z]{1,5}\\.example".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 20, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec(("[a-z_]{0,6}", inner), 0..4)
                .prop_map(|fields| Value::from(Map::from_iter(fields))),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn schema_and_parser_agree_on_hostile_fields(
        sample in prop::sample::select(samples()),
        changes in prop::collection::vec((prop::sample::select(vec![
            "action", "agent", "to", "cc", "subject", "text", "limit", "folder", "unread_only", "key", "__proto__",
        ]), json_value()), 1..3),
    ) {
        let Value::Object(mut fields) = sample else { unreachable!() };
        for (name, value) in changes {
            fields.insert(name.to_owned(), value);
        }
        agree(&Command::schema(), &fields.into());
    }

    #[test]
    fn hostile_bytes_are_refused_and_break_nothing(
        sample in prop::sample::select(samples()),
        cut in any::<prop::sample::Index>(),
        junk in "(?s).{0,8}",
        text in "(?s).{0,200}",
    ) {
        let whole = sample.to_string();
        let (at, _) = whole.char_indices().nth(cut.index(whole.chars().count())).unwrap();
        for hostile in [text, whole[..at].to_owned(), format!("{}{junk}{}", &whole[..at], &whole[at..])] {
            match Command::parse(&hostile) {
                Ok(command) => {
                    let again = serde_json::to_string(&command).unwrap();
                    prop_assert_eq!(Command::parse(&again).unwrap(), command);
                }
                Err(error) => {
                    prop_assert!(error.code().is_some());
                    prop_assert!(!error.to_string().contains(char::is_control), "{}", error);
                }
            }
        }
    }
}
