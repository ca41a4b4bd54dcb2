//! Several folders over one connection: told by the server, or asked for.

use futures_util::StreamExt;

use super::*;
use crate::{FolderChange, FolderName};

const ITEMS: &str = "(MESSAGES UNSEEN UIDNEXT UIDVALIDITY)";
const SET: &str = r#"NOTIFY SET (MAILBOXES (INBOX "Entw&APw-rfe") (MessageNew MessageExpunge FlagChange)) (PERSONAL (MessageNew MessageExpunge FlagChange))"#;

fn offering(offers: &str) -> Dialogue {
    greeting("SASL-IR AUTH=PLAIN")
        .hears("L1 AUTHENTICATE PLAIN AGFkYUBhZ2VudHMuZXhhbXBsZQBjYW5hcnk=\r\n")
        .says(format!("L1 OK [CAPABILITY IMAP4rev1 {offers}] in\r\n"))
}

fn status(tag: &str, folder: &str, messages: u32) -> Dialogue {
    let told = format!(
        "* STATUS {folder} (MESSAGES {messages} UNSEEN 0 UIDNEXT {} UIDVALIDITY 7)\r\n",
        messages + 1
    );
    asks(tag, &format!("STATUS {folder} {ITEMS}"), &told)
}

fn both(tags: [&str; 2], messages: [u32; 2]) -> Dialogue {
    status(tags[0], "INBOX", messages[0]).then(status(tags[1], r#""Entw&APw-rfe""#, messages[1]))
}

fn folders() -> [FolderName; 2] {
    [FolderName::inbox(), "Entw\u{fc}rfe".parse().unwrap()]
}

fn show(change: Option<Result<FolderChange, Error>>) -> String {
    match change.expect("it goes on") {
        Ok(change) => format!("{} {}", change.folder, change.status.messages),
        Err(error) => error.to_string(),
    }
}

const EVERY: Duration = Duration::from_secs(30);
const HOUR: Duration = Duration::from_hours(1);

#[tokio::test(start_paused = true)]
async fn a_server_that_tells_is_asked_only_then() {
    let dialogue = offering("NOTIFY")
        .then(asks("A1", SET, "* STATUS INBOX (MESSAGES 9 UIDNEXT 9)\r\n"))
        .then(both(["A2", "A3"], [1, 5]))
        .waits(Duration::from_secs(100))
        // As Dovecot writes it, which is not as it is asked.
        .says("* STATUS {9}\r\nEntw\u{fc}rfe (UIDNEXT 7 MESSAGES 6)\r\n* STATUS other (MESSAGES 1)\r\n")
        // Of the INBOX it tells while it is asked for the other.
        .hears(format!("A4 STATUS \"Entw&APw-rfe\" {ITEMS}\r\n"))
        .says("* STATUS INBOX (MESSAGES 2 UIDNEXT 3)\r\n* STATUS \"Entw&APw-rfe\" (MESSAGES 6 UNSEEN 1 UIDNEXT 7 UIDVALIDITY 7)\r\nA4 OK\r\n")
        .then(status("A5", "INBOX", 2))
        // It gives up telling, and is asked to begin anew.
        .says("* OK [NOTIFICATIONOVERFLOW] too much\r\n")
        .then(asks("A6", SET, ""))
        .then(both(["A7", "A8"], [2, 8]))
        .says("* BYE\r\n");
    let script = Script::of([dialogue]);
    let begin = Instant::now();
    let mut changes = script.mail().watch_folders(&ada(), &folders(), HOUR);
    for expected in ["INBOX 1", "Entw\u{fc}rfe 5", "Entw\u{fc}rfe 6", "INBOX 2", "Entw\u{fc}rfe 8"] {
        assert_eq!(show(changes.next().await), expected);
    }
    assert_eq!((begin.elapsed().as_secs(), script.problems()), (100, vec![]));
    assert!(show(changes.next().await).contains("can't be reached"));
    assert!(changes.next().await.is_none());
}

/// Dovecot tells only while an IDLE runs, and what it tells before that has begun counts too.
#[tokio::test(start_paused = true)]
async fn an_idle_runs_where_there_is_one() {
    let set = r#"NOTIFY SET (MAILBOXES (INBOX "work") (MessageNew MessageExpunge FlagChange))"#;
    let idle = |tag: &str| Dialogue::default().hears(format!("{tag} IDLE\r\n"));
    let again = |done: &str, tag: &str, folder: &str, messages: u32| {
        let told = format!("(MESSAGES {messages} UNSEEN 0 UIDNEXT {} UIDVALIDITY 7)", messages + 1);
        Dialogue::default()
            .hears(format!("DONE\r\n{tag} STATUS {folder} {ITEMS}\r\n"))
            .says(format!("{done} OK\r\n* STATUS {folder} {told}\r\n{tag} OK\r\n"))
    };
    let dialogue = offering("NOTIFY IDLE")
        .then(asks("A1", set, ""))
        .then(status("A2", "INBOX", 1))
        .then(status("A3", r#""work""#, 5))
        .then(idle("A4"))
        .says("* STATUS work (MESSAGES 6)\r\n* STATUS INBOX (MESSAGES 2)\r\n")
        .waits(Duration::from_secs(1))
        .says("+ idling\r\n")
        .then(again("A4", "A5", r#""work""#, 6))
        .then(status("A6", "INBOX", 2))
        .then(idle("A7"))
        .says("+ idling\r\n")
        .waits(Duration::from_secs(100))
        .says("* OK Still here\r\n")
        // By the clock, which also proves that it is there.
        .then(again("A7", "A8", "INBOX", 3))
        .then(status("A9", r#""work""#, 6))
        .then(idle("A10"))
        .says("+ idling\r\n* BYE\r\n");
    let script = Script::of([dialogue]);
    let begin = Instant::now();
    let watched = [FolderName::inbox(), "work".parse().unwrap()];
    let mut changes = script.mail().watch_folders(&ada(), &watched, HOUR);
    for (expected, seconds) in
        [("INBOX 1", 0), ("work 5", 0), ("work 6", 1), ("INBOX 2", 1), ("INBOX 3", 151)]
    {
        assert_eq!((show(changes.next().await).as_str(), begin.elapsed().as_secs()), (expected, seconds));
    }
    assert!(show(changes.next().await).contains("can't be reached"));
    assert_eq!(script.problems(), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_does_not_tell_is_asked_by_the_clock() {
    let no = Dialogue::default().hears(format!("A1 {SET}\r\n")).says("A1 NO [BADEVENT (MessageNew)] no\r\n");
    let asked = |tags: [[&str; 2]; 3]| {
        both(tags[0], [1, 5]).then(both(tags[1], [1, 5])).then(both(tags[2], [2, 5])).says("* BYE\r\n")
    };
    for dialogue in [
        offering("IDLE").then(asked([["A1", "A2"], ["A3", "A4"], ["A5", "A6"]])),
        offering("NOTIFY").then(no).then(asked([["A2", "A3"], ["A4", "A5"], ["A6", "A7"]])),
    ] {
        let script = Script::of([dialogue]);
        let begin = Instant::now();
        let mut changes = script.mail().watch_folders(&ada(), &folders(), EVERY);
        for (expected, seconds) in [("INBOX 1", 0), ("Entw\u{fc}rfe 5", 0), ("INBOX 2", 60)] {
            assert_eq!((show(changes.next().await).as_str(), begin.elapsed().as_secs()), (expected, seconds));
        }
        assert!(show(changes.next().await).contains("can't be reached"));
        assert_eq!(script.problems(), [""; 0]);
    }
}

/// A server that is silent for long is asked; if it is gone that is an error.
#[tokio::test(start_paused = true)]
async fn silence_is_looked_into() {
    let quiet = || offering("NOTIFY").then(asks("A1", SET, "")).then(both(["A2", "A3"], [1, 5]));
    let lives = quiet().then(both(["A4", "A5"], [1, 6]));
    for (dialogue, expected, seconds) in [
        (lives, "Entw\u{fc}rfe 6", 150),
        (quiet(), "watch_folders: mail.agents.example:993 can't be reached", 210),
    ] {
        let script = Script::of([dialogue]);
        let begin = Instant::now();
        let changes = script.mail().watch_folders(&ada(), &folders(), HOUR);
        assert_eq!(
            (show(changes.skip(2).next().await).as_str(), begin.elapsed().as_secs()),
            (expected, seconds)
        );
    }
}

/// Names, searches and headers go as UTF-8 where the server agrees to it, and a folder is selected only then.
#[tokio::test(start_paused = true)]
async fn utf8_is_agreed_on_where_it_is_offered() {
    use crate::{MessageStore, Query};
    let (name, text) = ("\"Entw\u{fc}rfe & Co\"", "gr\u{fc}n");
    let message = "Subject: gr\u{fc}n\r\n\r\nx\r\n";
    let selected = "* 1 EXISTS\r\n* OK [UIDVALIDITY 7] x\r\n* OK [UIDNEXT 2] x\r\n";
    let dialogue = offering("ENABLE UTF8=ACCEPT LITERAL+")
        .then(asks("A1", "ENABLE UTF8=ACCEPT", "* ENABLED UTF8=ACCEPT\r\n"))
        .then(asks("A2", r#"LIST "" "*""#, &format!("* LIST () \"/\" {name}\r\n")))
        .then(asks("A3", r#"LSUB "" "*""#, ""))
        .then(asks("A4", &format!("SELECT {name}"), selected))
        .then(asks(
            "A5",
            &format!("UID SEARCH UID 1:1 SUBJECT {{{}+}}\r\n{text}", text.len()),
            "* SEARCH 1\r\n",
        ))
        .then(asks("A6", &format!("APPEND {name} () UTF8 (~{{{}+}}\r\n{message})", message.len()), ""))
        .then(asks("A7", &format!("APPEND {name} () {{5+}}\r\na: b\n"), ""));
    let script = Script::of([dialogue]);
    let mail = script.mail();
    let folder = mail.folders(&ada()).await.unwrap().remove(0).name;
    assert_eq!(folder.as_str(), "Entw\u{fc}rfe & Co");
    let found = mail.search(&ada(), &folder, &Query::Subject(text.into())).await.unwrap();
    assert_eq!(found.uids, [uid(1)]);
    for message in [message.as_bytes(), b"a: b\n"] {
        mail.append(&ada(), &folder, message, &[], None).await.unwrap();
    }
    assert_eq!(script.problems(), [""; 0]);
}

/// The INBOX that was selected with the login is given up for it, and one that refuses is used as it is.
#[tokio::test(start_paused = true)]
async fn utf8_that_is_offered_late_or_refused_does_no_harm() {
    let late = greeting("SASL-IR AUTH=PLAIN")
        .hears("L1 AUTHENTICATE PLAIN AGFkYUBhZ2VudHMuZXhhbXBsZQBjYW5hcnk=\r\nA1 SELECT INBOX\r\n")
        .says("L1 OK [CAPABILITY IMAP4rev2 UTF8=ACCEPT] in\r\n* 2 EXISTS\r\n* OK [UIDVALIDITY 7] x\r\n* OK [UIDNEXT 6] x\r\nA1 OK\r\n")
        .then(asks("A2", "UNSELECT", ""));
    let enabled = asks("A3", "ENABLE UTF8=ACCEPT", "* ENABLED UTF8=ACCEPT\r\n");
    let refused = Dialogue::default().hears("A3 ENABLE UTF8=ACCEPT\r\n").says("A3 OK nothing\r\n");
    for answer in [enabled, refused] {
        let script = Script::of([late
            .clone()
            .then(answer)
            .then(select("A4", 2, 6))
            .then(asks("A5", "UID FETCH 1:5 (UID RFC822.SIZE)", &sizes(&[3, 5])))
            .then(asks("A6", &format!("UID FETCH 3,5 {BODIES}"), &(body(3) + &body(5))))]);
        let batch = script.mail().fetch(&ada(), &Selection::After(None), 10).await.unwrap();
        assert_eq!((uids(&batch), script.problems()), (vec![3, 5], vec![]));
    }
}
