use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;
use tokio::time::Instant;

use crate::wire::script::{Dialogue, Script};
use crate::wire::{Connector, Endpoint};
use crate::{Batch, Error, Login, MailAccess, Position, Selection, SmtpPop3, SmtpPop3Config, Uid};

mod delete;
mod door;
mod faults;
mod hostile;
mod read;
mod wait;
mod withheld;

fn ada() -> Login {
    Login::new("ada@agents.example".parse().unwrap(), SecretString::from("canary"))
}

fn config() -> SmtpPop3Config {
    let server = |port| Endpoint::new("mail.agents.example", port).unwrap();
    SmtpPop3Config::new(server(465), server(995))
}

fn mail(script: &Arc<Script>) -> SmtpPop3 {
    mail_with(script, config())
}

fn mail_with(script: &Arc<Script>, config: SmtpPop3Config) -> SmtpPop3 {
    SmtpPop3::new(config, Arc::clone(script) as Arc<dyn Connector>)
}

fn greets(offers: &str) -> Dialogue {
    let offers = offers.split(',').map(|offer| format!("{offer}\r\n")).collect::<Vec<_>>().concat();
    Dialogue::default().says("+OK ready\r\n").hears("CAPA\r\n").says(format!("+OK\r\n{offers}.\r\n"))
}

/// Logs in to a server that takes several commands at a time.
fn logged_in() -> Dialogue {
    logged_in_with("TOP,UIDL,PIPELINING,SASL PLAIN")
}

fn logged_in_with(offers: &str) -> Dialogue {
    greets(offers).hears(format!("AUTH PLAIN {BLOB}\r\n")).says("+OK in\r\n")
}

/// Lists messages of 14 bytes with these identities.
fn lists(identities: &[&str]) -> Dialogue {
    lists_sizes(&identities.iter().map(|identity| (*identity, 14)).collect::<Vec<_>>())
}

fn lists_sizes(messages: &[(&str, u64)]) -> Dialogue {
    let rows = |row: &dyn Fn(&str, u64) -> String| {
        let numbered = messages.iter().enumerate();
        numbered
            .map(|(at, (identity, size))| format!("{} {}\r\n", at + 1, row(identity, *size)))
            .collect::<Vec<_>>()
            .concat()
    };
    let sizes = rows(&|_, size| size.to_string());
    let identities = rows(&|identity, _| identity.to_owned());
    Dialogue::default()
        .hears("STAT\r\nLIST\r\nUIDL\r\n")
        .says(format!("+OK {} 28\r\n+OK\r\n{sizes}.\r\n+OK\r\n{identities}.\r\n", messages.len()))
}

fn gives(numbers: &[u32]) -> Dialogue {
    let commands = numbers.iter().map(|number| format!("RETR {number}\r\n")).collect::<Vec<_>>().concat();
    Dialogue::default().hears(commands).says("+OK\r\nSubject: a\r\n\r\n.\r\n".repeat(numbers.len()))
}

fn leaves() -> Dialogue {
    Dialogue::default().hears("RSET\r\nQUIT\r\n").says("+OK\r\n+OK bye\r\n")
}

/// A whole session that reads two messages.
fn two_messages() -> Dialogue {
    logged_in().then(lists(&["a", "b"])).then(gives(&[1, 2])).then(leaves())
}

fn uids(batch: &Batch) -> Vec<u32> {
    batch.messages.iter().map(|message| message.uid().get()).collect()
}

fn uid(number: u32) -> Uid {
    Uid::new(number).unwrap()
}

async fn fetch_all(mail: &SmtpPop3) -> Result<Batch, Error> {
    mail.fetch(&ada(), &Selection::After(None), 10).await
}

/// Reads all messages of one dialogue.
async fn fetch(dialogue: Dialogue) -> Result<Batch, Error> {
    let script = Script::of([dialogue]);
    let done = fetch_all(&mail(&script)).await;
    assert_eq!(script.problems(), [""; 0]);
    done
}

/// `^@ada@agents.example^@canary`
const BLOB: &str = "AGFkYUBhZ2VudHMuZXhhbXBsZQBjYW5hcnk=";
