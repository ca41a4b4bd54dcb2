use std::time::Duration;

use secrecy::SecretString;
use tokio::time::Instant;

use crate::wire::script::{Dialogue, Script};
use crate::{Batch, Error, Login, MailAccess, Position, Selection, Uid};

mod commands;
mod compressed;
mod crowded;
mod deeds;
mod door;
mod faults;
mod hints;
mod hostile;
mod id;
mod many;
mod memory;
mod notify;
mod random;
mod read;
mod runtimes;
mod sweep;
mod wait;
mod withheld;

fn ada() -> Login {
    Login::new("ada@agents.example".parse().unwrap(), SecretString::from("canary"))
}

fn greeting(capabilities: &str) -> Dialogue {
    Dialogue::default().says(format!("* OK [CAPABILITY IMAP4rev1 {capabilities}] ready\r\n"))
}

fn logged_in() -> Dialogue {
    greeting("SASL-IR AUTH=PLAIN")
        .hears("L1 AUTHENTICATE PLAIN AGFkYUBhZ2VudHMuZXhhbXBsZQBjYW5hcnk=\r\n")
        .says("L1 OK [CAPABILITY IMAP4rev1 IDLE] in\r\n")
}

/// Selects an INBOX with UIDVALIDITY 7.
fn select(tag: &str, exists: u32, uid_next: u32) -> Dialogue {
    Dialogue::default().hears(format!("{tag} SELECT INBOX\r\n")).says(format!(
        "* FLAGS (\\Seen)\r\n* {exists} EXISTS\r\n* 0 RECENT\r\n* OK [UIDVALIDITY 7] valid\r\n\
         * OK [UIDNEXT {uid_next}] next\r\n{tag} OK [READ-WRITE] selected\r\n"
    ))
}

fn asks(tag: &str, command: &str, answer: &str) -> Dialogue {
    let answer = format!("{answer}{tag} OK done\r\n");
    Dialogue::default().hears(format!("{tag} {command}\r\n")).says(answer)
}

/// The answer to the list of sizes.
fn sizes(uids: &[u32]) -> String {
    let rows = uids.iter().map(|uid| format!("* {uid} FETCH (UID {uid} RFC822.SIZE 14)\r\n"));
    rows.collect::<Vec<_>>().concat()
}

fn body(uid: u32) -> String {
    let content = "Subject: a\r\n\r\n";
    format!(
        "* {uid} FETCH (UID {uid} FLAGS (\\Seen $x) INTERNALDATE \"20-Nov-2026 10:39:50 +0000\" \
         BODY[] {{{}}}\r\n{content})\r\n",
        content.len()
    )
}

const BODIES: &str = "(UID FLAGS INTERNALDATE BODY.PEEK[])";

/// Reads two messages, beginning with the command A1.
fn two_messages() -> Dialogue {
    select("A1", 2, 6).then(asks("A2", "UID FETCH 1:5 (UID RFC822.SIZE)", &sizes(&[3, 5]))).then(asks(
        "A3",
        &format!("UID FETCH 3,5 {BODIES}"),
        &(body(3) + &body(5)),
    ))
}

fn uids(batch: &Batch) -> Vec<u32> {
    batch.messages.iter().map(|message| message.uid().get()).collect()
}

fn uid(number: u32) -> Uid {
    Uid::new(number).unwrap()
}

async fn fetch(dialogue: Dialogue, selection: Selection, limit: usize) -> Result<Batch, Error> {
    let script = Script::of([dialogue]);
    let done = script.mail().fetch(&ada(), &selection, limit).await;
    assert_eq!(script.problems(), [""; 0]);
    done
}

async fn fetch_all(dialogue: Dialogue) -> Result<Batch, Error> {
    fetch(dialogue, Selection::After(None), 10).await
}
