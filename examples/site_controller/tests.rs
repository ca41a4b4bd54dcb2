use std::error::Error;

use agent_mail::http::Method;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::oneshot;

use super::demo::{Caller, TOKEN};
use super::*;

type Done = Result<(), Box<dyn Error>>;

/// A service over a world in memory, on a loopback port.
struct Service {
    caller: Caller,
    stranger: Caller,
    stop: oneshot::Sender<()>,
    served: tokio::task::JoinHandle<std::io::Result<()>>,
}

impl Service {
    async fn start() -> Result<Self, Box<dyn Error>> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let base = format!("http://{}", listener.local_addr()?);
        let (stop, stopped) = oneshot::channel::<()>();
        let served =
            tokio::spawn(serve(listener, world::embedded("mail.example")?, TOKEN.parse()?, async move {
                let _ = stopped.await;
            }));
        Ok(Self {
            caller: Caller::new(base.clone(), Some(TOKEN))?,
            stranger: Caller::new(base, None)?,
            stop,
            served,
        })
    }

    async fn post(&self, path: &str, body: &str) -> Result<(u16, Value), Box<dyn Error>> {
        self.caller.call(Method::Post, path, body).await
    }

    async fn stop(self) -> Done {
        let _ = self.stop.send(());
        Ok(self.served.await??)
    }
}

#[tokio::test]
async fn routes_and_answers_are_those_of_the_document() -> Done {
    let service = Service::start().await?;
    let (status, document) = service.stranger.call(Method::Get, "/openapi.json", "").await?;
    assert_eq!(status, 200, "who may not call may read");
    assert_eq!(document, serde_json::from_str::<Value>(api::OPENAPI)?);

    let bodies = |operation: &str| match operation {
        "addMailbox" => {
            vec![r#"{"local_part":"ada","name":"Ada","quota_mib":64}"#, r#"{"local_part":"ada"}"#, "{}"]
        }
        "enable" => vec!["", "{}", r#"{"domain":null}"#, r#"{"domain":"elsewhere.example"}"#, "[]"],
        _ => vec![""],
    };
    let mut seen = 0;
    for (template, path) in document["paths"].as_object().ok_or("no paths")? {
        for (word, operation) in path.as_object().ok_or("no operations")? {
            let method = match word.as_str() {
                "get" => Method::Get,
                "post" => Method::Post,
                _ => continue,
            };
            seen += 1;
            let id = operation["operationId"].as_str().ok_or("no name")?;
            // Mailboxes need a site that has mail; in the document's order others come before.
            service.post("/sites/shop/mail/enable", "").await?;
            for slug in ["shop", "Hostile!"] {
                let path = template.replace("{slug}", slug);
                for body in bodies(id) {
                    let (status, answer) = service.caller.call(method, &path, body).await?;
                    let responses = &operation["responses"];
                    let response = match &responses[status.to_string()] {
                        Value::Null => &responses["default"],
                        described => described,
                    };
                    let schema = &resolved(&document, response)["content"]["application/json"]["schema"];
                    fits(&document, schema, &answer)
                        .map_err(|why| format!("{id} {body} {status} {answer}: {why}"))?;
                }
            }
            let other = if method == Method::Get { Method::Post } else { Method::Get };
            let path = template.replace("{slug}", "shop");
            assert_eq!(service.caller.call(other, &path, "").await?.0, 405, "{path} takes {word} only");
        }
    }
    assert_eq!(seen, 5);
    for path in ["/", "/sites/shop", "/sites/shop/mail", "/sites/shop/mail/enable/x"] {
        assert_eq!(service.post(path, "").await?.0, 404);
    }
    service.stop().await
}

#[tokio::test]
async fn the_schema_is_strict_enough_to_fail() -> Done {
    let document: Value = serde_json::from_str(api::OPENAPI)?;
    let state = &document["components"]["schemas"]["State"];
    let good = serde_json::json!({ "enabled": true, "provider": "p", "domain": "d", "status": "ready", "last_error": null });
    assert_eq!(fits(&document, state, &good), Ok(()));
    for (key, wrong) in
        [("enabled", Value::Null), ("status", "on".into()), ("last_error", 1.into()), ("more", 1.into())]
    {
        let mut bad = good.clone();
        bad[key] = wrong;
        assert!(fits(&document, state, &bad).is_err(), "{bad}");
    }
    Ok(())
}

#[tokio::test]
async fn only_who_has_the_token_is_heard() -> Done {
    let service = Service::start().await?;
    for path in ["enable", "disable", "mailboxes"] {
        let path = format!("/sites/shop/mail/{path}");
        let (status, answer) = service.stranger.call(Method::Post, &path, "{}").await?;
        assert_eq!((status, answer["problem"]["kind"].as_str()), (401, Some("unauthenticated")));
    }
    let (_, state) = service.caller.call(Method::Get, "/sites/shop/mail/status", "").await?;
    assert_eq!(state["status"], "disabled", "nothing was done");

    let token: Token = TOKEN.parse()?;
    assert!(token.is_in(format!("Bearer {TOKEN}").as_bytes()));
    assert!(token.is_in(format!("bearer {TOKEN}").as_bytes()));
    for wrong in [
        "",
        "Bearer ",
        TOKEN,
        "Bearer only-for-this-dem",
        "Bearer only-for-this-demo2",
        "Bearer Only-for-this-demo",
    ] {
        assert!(!token.is_in(wrong.as_bytes()), "{wrong}");
    }
    assert!("short".parse::<Token>().is_err() && "with a space in it, long".parse::<Token>().is_err());
    assert_eq!(format!("{token:?}"), "Token");
    service.stop().await
}

#[tokio::test]
async fn bad_requests_are_told_what_is_wrong() -> Done {
    let service = Service::start().await?;
    service.post("/sites/shop/mail/enable", "").await?;
    let cases = [
        ("/sites/Shop/mail/enable", "", 400, "a-z, 0-9 and hyphens"),
        ("/sites/..%2fshop/mail/enable", "", 400, "a-z, 0-9 and hyphens"),
        ("/sites/%ff/mail/enable", "", 400, "no text"),
        ("/sites/mail/mail/enable", "", 400, "means something else"),
        ("/sites/two/mail/enable", r#"{"domain":"shop.mail.example"}"#, 400, "shared mail zone"),
        ("/sites/two/mail/enable", r#"{"domain":"a..b"}"#, 400, "domain"),
        ("/sites/two/mail/enable", r#"{"owner":"me"}"#, 400, "unknown field"),
        ("/sites/two/mail/mailboxes", r#"{"local_part":"ada"}"#, 409, "has no mail"),
        ("/sites/shop/mail/mailboxes", "", 400, "EOF"),
        ("/sites/shop/mail/mailboxes", r#"{"local_part":"Ada"}"#, 400, "local part"),
        ("/sites/shop/mail/mailboxes", r#"{"local_part":"ada","quota_mib":4294967295}"#, 400, "quota"),
    ];
    for (path, body, wanted, told) in cases {
        let (status, answer) = service.post(path, body).await?;
        assert_eq!(status, wanted, "{path} {body}: {answer}");
        let problem = &answer["problem"];
        assert!(
            problem["detail"].as_str().is_some_and(|detail| detail.contains(told)),
            "{path} {body}: {answer}"
        );
        assert!(problem["fix"].as_str().is_some_and(|fix| !fix.is_empty()), "{answer}");
    }
    let large = format!(r#"{{"local_part":"{}"}}"#, "a".repeat(api::MAX_BODY));
    let (status, answer) = service.post("/sites/shop/mail/mailboxes", &large).await?;
    assert_eq!((status, answer["problem"]["fix"].as_str()), (413, Some("send less")));
    service.stop().await
}

#[tokio::test]
async fn it_does_not_serve_without_a_token_or_to_the_world() {
    let configured = |pairs: &'static [(&'static str, &'static str)]| {
        move |name: &str| pairs.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
    };
    let cases: [(&[(&str, &str)], &str); 6] = [
        (
            &[("MAILCOW_API_URL", "https://mail.example.org")],
            "not set: AGENT_MAIL_STATE_DIR, DESEC_TOKEN, MAILCOW_API_KEY, MAILCOW_DOMAIN, MAILCOW_HOSTNAME, SITES_TOKEN",
        ),
        (&[("SITES_LISTEN", "127.0.0.1:0")], "not set: SITES_TOKEN"),
        (&[("SITES_TOKEN", "a-token-of-some-length"), ("MAILCOW_API_KEY", "key")], "MAILCOW_HOSTNAME"),
        (
            &[("SITES_TOKEN", "a-token-of-some-length"), ("SITES_KUBERNETES_PREFIX", "mail.example.org")],
            "MAILCOW_API_URL",
        ),
        (&[("SITES_TOKEN", "short")], "at least 16"),
        (&[("SITES_TOKEN", "a-token-of-some-length"), ("SITES_LISTEN", "0.0.0.0:8080")], "loopback"),
    ];
    for (pairs, told) in cases {
        let error = run(&configured(pairs)).await.expect_err(told);
        assert!(error.to_string().contains(told), "{error}");
    }
}

#[tokio::test]
async fn a_call_that_is_under_way_is_answered_after_the_stop() -> Done {
    let service = Service::start().await?;
    let address = service.caller.base.trim_start_matches("http://").to_owned();
    let mut call = TcpStream::connect(&address).await?;
    let head = format!(
        "POST /sites/shop/mail/enable HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {TOKEN}\r\n\
         content-length: 2\r\nexpect: 100-continue\r\n\r\n"
    );
    call.write_all(head.as_bytes()).await?;
    // Who asks for the body has begun with the call.
    let go_on = b"HTTP/1.1 100 Continue\r\n\r\n";
    let mut asked = vec![0; go_on.len()];
    call.read_exact(&mut asked).await?;
    assert_eq!(String::from_utf8_lossy(&asked), String::from_utf8_lossy(go_on));

    let _ = service.stop.send(());
    call.write_all(b"{}").await?;
    let mut answer = String::new();
    call.read_to_string(&mut answer).await?;
    assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("\"status\":\"ready\""), "{answer}");
    service.served.await??;
    assert!(TcpStream::connect(&address).await.is_err(), "nobody listens any more");
    Ok(())
}

#[tokio::test]
async fn without_configuration_it_shows_itself_and_ends() -> Done {
    let mut out = Vec::new();
    demo::run(&mut out).await?;
    let told = String::from_utf8(out)?;
    assert!(
        told.contains("201") && told.contains("\"status\":\"ready\"") && told.ends_with("stopped\n"),
        "{told}"
    );
    Ok(())
}

/// Follows a reference within the document.
fn resolved<'a>(document: &'a Value, node: &'a Value) -> &'a Value {
    match node["$ref"].as_str().and_then(|reference| reference.strip_prefix('#')) {
        Some(pointer) => document.pointer(pointer).unwrap_or(&Value::Null),
        None => node,
    }
}

/// Looks whether a value is as a schema says, in the words that the document uses.
fn fits(document: &Value, schema: &Value, value: &Value) -> Result<(), String> {
    let schema = resolved(document, schema);
    let is = |word: &str| match word {
        "object" => value.is_object(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_u64() || value.is_i64(),
        "null" => value.is_null(),
        _ => false,
    };
    let fitting = match &schema["type"] {
        Value::String(word) => is(word),
        Value::Array(words) => words.iter().filter_map(Value::as_str).any(is),
        _ => false,
    };
    if !fitting {
        return Err(format!("{value} is not of type {}", schema["type"]));
    }
    if schema["enum"].as_array().is_some_and(|allowed| !allowed.contains(value)) {
        return Err(format!("{value} is none of {}", schema["enum"]));
    }
    let Some(fields) = value.as_object() else { return Ok(()) };
    for name in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        if !fields.contains_key(name) {
            return Err(format!("{name} is missing"));
        }
    }
    for (name, field) in fields {
        match schema["properties"].get(name) {
            Some(schema) => fits(document, schema, field)?,
            None if schema["additionalProperties"] == false => return Err(format!("{name} is too many")),
            None => {}
        }
    }
    Ok(())
}
