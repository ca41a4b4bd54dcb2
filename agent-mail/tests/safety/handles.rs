//! What an agent holds reaches its own mailbox only.

use std::fs;
use std::path::{Path, PathBuf};

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
