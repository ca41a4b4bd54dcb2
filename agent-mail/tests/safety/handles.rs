//! What an agent holds reaches its own mailbox only.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use agent_mail::{ErrorKind, NewMessage, Period, RequireApproval, Sending};
use mail_access::Fault;

use crate::world::{agent, eve, world};

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(sources(&path));
        } else if path.extension().is_some_and(|kind| kind == "rs") {
            files.push(path);
        }
    }
    files
}

/// The public functions of a type, each in one line up to its body.
fn public_functions(of: &str) -> Vec<String> {
    let mut functions = Vec::new();
    for path in sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src")) {
        let source = fs::read_to_string(path).unwrap();
        for block in source.split(&format!("\nimpl {of} {{\n")).skip(1) {
            let block = block.split("\n}\n").next().unwrap();
            for function in block.split("\n    pub ").skip(1) {
                let signature = function.split(" {\n").next().unwrap();
                if !signature.starts_with('(') {
                    functions.push(signature.split_whitespace().collect::<Vec<_>>().join(" "));
                }
            }
        }
    }
    functions
}

#[test]
fn a_mailbox_names_no_other_agent_and_reaches_no_key() {
    let functions = public_functions("AgentMailbox");
    assert!(functions.iter().any(|function| function.starts_with("async fn send(")), "{functions:?}");
    for function in functions {
        let words: Vec<&str> = function.split(|c: char| !c.is_alphanumeric()).collect();
        for forbidden in [
            "AgentMail",
            "SecretString",
            "Login",
            "Provisioner",
            "MailAdmin",
            "StateStore",
            "SecretStore",
            "DnsProvider",
            "MailAccess",
            "MessageStore",
            "System",
            "Claim",
            "Operator",
        ] {
            assert!(!words.contains(&forbidden), "{forbidden}: {function}");
        }
        let names_agent = words.contains(&"AgentId");
        assert!(!names_agent || function == "fn id(&self) -> &AgentId", "{function}");
    }
    for of in ["Event", "Events", "Inbound", "Unconfirmed"] {
        for function in public_functions(of) {
            let words: Vec<&str> = function.split(|c: char| !c.is_alphanumeric()).collect();
            assert!(!words.contains(&"AgentMail") && !words.contains(&"SecretString"), "{of}: {function}");
        }
    }
}

#[test]
fn what_an_author_wrote_is_marked() {
    for function in public_functions("Inbound") {
        let Some((name, returned)) = function.split_once(" -> ") else { continue };
        let is_ours = [
            "&str",
            "String",
            "Contact",
            "MessageId",
            "Attachment",
            "Code",
            "Link",
            "[u8]",
            "Report",
            "Received",
        ]
        .iter()
        .all(|theirs| !returned.contains(theirs));
        let is_known = ["new(", "with_flag(", "flags("].iter().any(|own| name.contains(own));
        assert!(is_ours || is_known || returned.contains("Untrusted<") || returned == "Fenced", "{function}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_handle_of_an_agent_that_was_retired_shows_nothing_of_a_later_one_of_its_name() {
    let world = world();
    let check = RequireApproval::when("all", |letter| letter.message.subject() == "hold");
    let mail = world.system().outbound_check(Arc::new(check)).build().unwrap();
    let old = agent(&mail, "ada").await;
    mail.retire(old.id()).await.unwrap();
    let new = agent(&mail, "ada").await;
    let (letter, tomorrow) = (NewMessage::to(eve()), SystemTime::now() + Duration::from_hours(24));
    let later = Sending::new(letter.clone()).with_key("later").with_time(tomorrow);
    let queued = new.enqueue(later.clone()).await.unwrap();
    new.send_once("sent", letter.clone()).await.unwrap();
    new.send(letter.clone().with_subject("hold")).await.unwrap_err();
    new.set_metadata("role", Some(&"spy".into())).await.unwrap();
    world.post_office().fail_next(new.address(), Fault::SubmitLost);
    new.send(letter.clone()).await.unwrap_err();

    let kinds = [
        old.enqueue(later).await.map(drop),
        old.send_once("sent", letter.clone()).await.map(drop),
        old.outbox().await.map(drop),
        old.cancel(&queued).await.map(drop),
        old.unconfirmed().await.map(drop),
        old.held().await.map(drop),
        old.metadata().await.map(drop),
        old.usage(Period::all()).await.map(drop),
    ]
    .map(|shown| shown.err().map(|error| error.kind()));
    assert_eq!(kinds, [Some(ErrorKind::NotFound); 8]);
    let own = (new.outbox().await.unwrap(), new.unconfirmed().await.unwrap(), new.held().await.unwrap());
    assert_eq!((own.0.len(), own.1.len(), own.2.len()), (1, 1, 1));
    assert_eq!(new.metadata().await.unwrap().len(), 1);
}
