//! The catalogue of causes against every refusal that was recorded of the real servers.

use std::fs;
use std::path::Path;

use agent_mail::doctor::Remedy;
use serde_json::Value;

/// Reads all recorded exchanges below a folder.
fn recordings(folder: &Path, into: &mut Vec<Value>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            recordings(&path, into);
        } else {
            let file: Value = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
            into.extend(file.as_array().cloned().unwrap_or_default());
        }
    }
}

fn all(crate_name: &str) -> Vec<Value> {
    let mut found = Vec::new();
    recordings(
        &Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(crate_name).join("tests/fixtures"),
        &mut found,
    );
    found
}

/// Finds the `msg` of everything that is no success.
fn refusals<'a>(value: &'a Value, found: &mut Vec<&'a Value>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| refusals(item, found)),
        Value::Object(fields) => {
            let kind = fields.get("type").and_then(Value::as_str).unwrap_or_default();
            if let ("danger" | "warning" | "error", Some(msg)) = (kind, fields.get("msg")) {
                found.push(msg);
            }
        }
        _ => {}
    }
}

#[test]
fn every_refusal_of_mailcow_that_was_recorded_has_a_cause_and_a_fix() {
    let exchanges = all("mailcow-api");
    let mut msgs = Vec::new();
    for exchange in &exchanges {
        refusals(&exchange["response"]["body"], &mut msgs);
    }
    assert!(msgs.len() > 150, "only {} refusals were read", msgs.len());
    for msg in msgs {
        let first = if let Value::Array(words) = msg { &words[0] } else { msg };
        let word = first.as_str().unwrap();
        let remedy = Remedy::of_mailcow_code(word).or_else(|| Remedy::of_mailcow_words(&msg.to_string()));
        assert!(remedy.is_some_and(|remedy| remedy.code != "other"), "{msg}");
    }
}

#[test]
fn every_kind_that_mailcow_s_client_makes_has_a_cause_and_a_fix() {
    let source = include_str!("../../mailcow-api/src/problem.rs");
    let code = source.split("pub fn code(&self) -> &'static str {").nth(1).unwrap();
    let kinds: Vec<_> = code.split("pub fn fix").next().unwrap().split("=> \"").skip(1).collect();
    assert_eq!(kinds.len(), 16, "the kinds are read from the source, so that none is forgotten");
    for kind in kinds {
        let kind = kind.split('"').next().unwrap();
        assert!(Remedy::of_mailcow_code(kind).is_some(), "{kind}");
    }
    for code in ["partly_done", "unknown_outcome", "unexpected_answer"] {
        assert!(Remedy::of_mailcow_code(code).is_some(), "{code}");
    }
}

/// Finds each text of an answer that is a message.
fn texts(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| texts(item, found)),
        Value::Object(fields) => fields.values().for_each(|field| texts(field, found)),
        Value::String(text) => found.push(text.clone()),
        _ => {}
    }
}

#[test]
fn every_refusal_of_desec_that_was_recorded_has_a_cause_and_a_fix() {
    let mut messages = Vec::new();
    for exchange in all("desec-api") {
        let response = &exchange["response"];
        if response["status"].as_u64().is_some_and(|status| status >= 400) {
            texts(&response["body"], &mut messages);
        }
    }
    assert!(messages.len() > 200, "only {} messages were read", messages.len());
    for message in messages {
        assert!(message.is_empty() || Remedy::of_desec_words(&message).is_some(), "{message}");
    }
}

/// Troubles of whole calls: the cause is found by the server's words in the sources of the facade's error.
mod of_calls {
    use std::sync::Arc;
    use std::time::Duration;

    use agent_mail::backend::DnsProvider;
    use agent_mail::doctor::Remedy;
    use agent_mail::health::{QuarantineControl, QueueControl};
    use agent_mail::{AgentMail, Desec, Embedded, Mailcow};
    use desec_api::{FakeDesec, Ttl};
    use mailcow_api::{Client, FakeHealth, FakeMailcow, NewDomain};

    fn program(client: Client) -> AgentMail {
        let embedded = Embedded::new("agents.example".parse().unwrap());
        let mailcow = Arc::new(Mailcow::new(client));
        embedded.system().provisioner(mailcow).build().unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn what_mailcow_refuses_or_is_names_its_cause() {
        type Trouble = fn(&FakeMailcow);
        let troubles: [(Trouble, &str); 5] = [
            (|fake| fake.set_allow_from("192.0.2.1"), "address_not_allowed"),
            (|fake| fake.set_health(FakeHealth::DatabaseDown), "back_end_down"),
            (|fake| fake.set_health(FakeHealth::Starting), "back_end_down"),
            (|fake| fake.set_health(FakeHealth::Unreachable), "unreachable"),
            (|fake| fake.set_health(FakeHealth::DockerApiDown), "back_end_down"),
        ];
        for (trouble, code) in troubles {
            let fake = FakeMailcow::new();
            trouble(&fake);
            let mailcow = Mailcow::new(fake.client());
            let error = mailcow.queue().await.unwrap_err();
            assert_eq!(Remedy::of_error(&error).code, code, "{error:?}");
            let error = mailcow.quarantined().await.unwrap_err();
            assert_eq!(Remedy::of_error(&error).code, code, "{error:?}");
        }
        let fake = FakeMailcow::new();
        for (key, code) in [(fake.read_only_key(), "read_only_key"), ("AAAAAA".into(), "wrong_key")] {
            let client = Client::builder("https://mail.example", key)
                .http_client(Arc::new(fake.clone()))
                .build()
                .unwrap();
            let error = program(client).provision(&"ada".parse().unwrap()).await.unwrap_err();
            assert_eq!(Remedy::of_error(&error).code, code, "{error:?}");
        }
        let domain = NewDomain::new("agents.example".parse().unwrap()).with_max_mailboxes(0);
        let fake = FakeMailcow::new();
        fake.client().add_domain(&domain).await.unwrap();
        let error = program(fake.client()).provision(&"ada".parse().unwrap()).await.unwrap_err();
        assert_eq!(Remedy::of_error(&error).code, "max_mailbox_exceeded", "{error:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn what_desec_refuses_names_its_cause() {
        let fake = FakeDesec::new();
        let client = || fake.client_builder().max_wait(Duration::from_secs(1));
        let zone = |client: desec_api::Client| async move {
            let error = Desec::new(client).zone(&"example.org".parse().unwrap()).await.unwrap_err();
            Remedy::of_error(&error).code
        };
        assert_eq!(zone(client().build().unwrap()).await, "dns_no_such_zone");
        fake.add_domain(&"example.org".parse().unwrap(), Ttl::new(3600).unwrap());
        fake.inject(desec_api::Fault::Throttled { retry_after: Some(Duration::from_hours(20)) });
        assert_eq!(zone(client().build().unwrap()).await, "dns_throttled");
        fake.inject(desec_api::Fault::Unreachable);
        assert_eq!(zone(client().build().unwrap()).await, "unavailable");
    }
}
