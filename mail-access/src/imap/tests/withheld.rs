//! Messages that a server lists and doesn't give out: they come by less, and those behind them come too.

use std::time::SystemTime;

use futures_util::StreamExt;

use super::*;
use crate::{FolderName, Limit, MessageStore, Received, Watcher};

const HEADER: &str = "(UID FLAGS BODY.PEEK[HEADER]<0.1048576>)";
const UNDATED: &str = "(UID FLAGS BODY.PEEK[])";

/// The list of 3 and 5, from `tag` on.
fn list(tag: &str) -> Dialogue {
    asks(tag, "UID FETCH 1:5 (UID RFC822.SIZE)", &sizes(&[3, 5]))
}

fn header(uid: u32) -> String {
    format!("* {uid} FETCH (UID {uid} FLAGS () BODY[HEADER]<0> {{14}}\r\nSubject: a\r\n\r\n)\r\n")
}

fn show(message: &Received) -> String {
    let how = match message.opaque() {
        Some(Limit::Withheld) if message.raw().is_empty() => "bare",
        Some(Limit::Withheld) => "header",
        Some(_) => "another limit",
        None => "whole",
    };
    assert_eq!(message.is_truncated(), how != "whole");
    assert_eq!(message.whole_size(), 14, "{how}");
    format!("{} {how}", message.uid())
}

fn shown(batch: &Batch) -> Vec<String> {
    batch.messages.iter().map(show).collect()
}

/// What a server says of message 3, beside message 5, when it doesn't give it out and yet says OK.
fn without_it() -> Vec<String> {
    vec![
        body(5),
        format!("* 3 FETCH (UID 3 FLAGS () INTERNALDATE \"20-Nov-2026 10:39:50 +0000\")\r\n{}", body(5)),
        format!(
            "* 3 FETCH (UID 3 FLAGS () INTERNALDATE \"20-Nov-2026 10:39:50 +0000\" BODY[] NIL)\r\n{}",
            body(5)
        ),
    ]
}

#[tokio::test(start_paused = true)]
async fn what_is_not_given_out_comes_by_its_header_or_bare() {
    for answer in without_it() {
        for (answers, how) in [(header(3), "3 header"), (String::new(), "3 bare")] {
            let mut dialogue = logged_in()
                .then(select("A1", 2, 6))
                .then(list("A2"))
                .then(asks("A3", &format!("UID FETCH 3,5 {BODIES}"), &answer))
                .then(select("A4", 2, 6))
                .then(list("A5"))
                .then(asks("A6", &format!("UID FETCH 3 {HEADER}"), &answers));
            let mut next = "A7";
            if answers.is_empty() {
                dialogue = dialogue.then(asks("A7", "UID FETCH 3 (UID RFC822.SIZE)", &sizes(&[3])));
                next = "A8";
            }
            let dialogue = dialogue.then(asks(next, &format!("UID FETCH 5 {BODIES}"), &body(5)));
            let batch = fetch_all(dialogue).await.unwrap();
            assert_eq!(
                (shown(&batch), batch.more),
                (vec![how.to_owned(), "5 whole".into()], false),
                "{answer}"
            );
        }
    }
}

/// It was removed after all, between the list and the last question.
#[tokio::test(start_paused = true)]
async fn what_went_meanwhile_does_not_come_bare() {
    let dialogue = logged_in()
        .then(select("A1", 2, 6))
        .then(list("A2"))
        .then(asks("A3", &format!("UID FETCH 3,5 {BODIES}"), &body(5)))
        .then(select("A4", 2, 6))
        .then(list("A5"))
        .then(asks("A6", &format!("UID FETCH 3 {HEADER}"), ""))
        .then(asks("A7", "UID FETCH 3 (UID RFC822.SIZE)", "* 1 EXPUNGE\r\n"))
        .then(select("A8", 1, 6))
        .then(asks("A9", "UID FETCH 1:5 (UID RFC822.SIZE)", &sizes(&[5])))
        .then(asks("A10", &format!("UID FETCH 5 {BODIES}"), &body(5)));
    assert_eq!(shown(&fetch_all(dialogue).await.unwrap()), ["5 whole"]);
}

#[tokio::test(start_paused = true)]
async fn a_date_that_is_none_keeps_no_message_back() {
    let field = "Received: from a by b; Fri, 20 Nov 2026 10:39:50 +0000\r\n\r\n";
    for (content, seconds) in [(field, 1_795_171_190), ("Subject: abcdefghijklmnopqrstuvwxyz\r\n\r\n", 0)] {
        let row = format!(
            "* 3 FETCH (UID 3 FLAGS () INTERNALDATE \"some day\" BODY[] {{{}}}\r\n{content})\r\n",
            content.len()
        );
        let dialogue = logged_in()
            .then(select("A1", 2, 6))
            .then(asks("A2", "UID FETCH 1:5 (UID RFC822.SIZE)", &sizes(&[3])))
            .then(asks("A3", &format!("UID FETCH 3 {BODIES}"), &row));
        let message = fetch_all(dialogue).await.unwrap().messages.remove(0);
        assert_eq!(message.internal_date(), SystemTime::UNIX_EPOCH + Duration::from_secs(seconds));
        assert_eq!((message.opaque(), message.raw()), (None, content.as_bytes()));
    }
}

/// The first connections of a mailbox in which message 3 can't be read: what is asked for each time, and the answer.
fn broken(asked: &[(&str, &str)]) -> Vec<Dialogue> {
    let one = |(asked, answer): &(&str, &str)| {
        logged_in().then(select("A1", 2, 6)).then(list("A2")).then(asks("A3", asked, answer))
    };
    asked.iter().map(one).collect()
}

#[tokio::test(start_paused = true)]
async fn what_ends_the_connection_is_asked_for_by_itself_and_by_less() {
    let both = format!("UID FETCH 3,5 {BODIES}");
    let (alone, by_header) = (format!("UID FETCH 3 {BODIES}"), format!("UID FETCH 3 {HEADER}"));
    let undated = format!("UID FETCH 3 {UNDATED}");
    let over =
        "* 3 FETCH (UID 3 FLAGS () INTERNALDATE \"20-Nov-2026 10:39:50 +0000\" BODY[] {500000000}\r\nx";
    let nil = "* 3 FETCH (UID 3 FLAGS () INTERNALDATE NIL BODY[] {1}\r\nx)\r\n";
    let odd = "* 3 FETCH (UID 3 FLAGS ()) INTERNALDATE\r\n";
    let whole = "* 3 FETCH (UID 3 FLAGS () BODY[] {14}\r\nSubject: a\r\n\r\n)\r\n";
    let rest = |tag: &str| asks(tag, &format!("UID FETCH 5 {BODIES}"), &body(5));
    let begin = || logged_in().then(select("A1", 2, 6)).then(list("A2"));
    let bare = || begin().then(asks("A3", "UID FETCH 3 (UID RFC822.SIZE)", &sizes(&[3]))).then(rest("A4"));
    let last = |asked: &str, answer: &str| begin().then(asks("A3", asked, answer)).then(rest("A4"));
    for (first, end, how) in [
        (vec![(&*both, over), (&alone, over)], last(&by_header, &header(3)), "3 header"),
        (vec![(&*both, odd), (&alone, odd), (&by_header, odd)], bare(), "3 bare"),
        (vec![(&*both, nil), (&alone, nil)], last(&undated, whole), "3 whole"),
        (vec![(&*both, nil), (&alone, nil), (&undated, over), (&by_header, over)], bare(), "3 bare"),
        // It was another one, or has passed.
        (vec![(&*both, over)], last(&alone, &body(3)), "3 whole"),
    ] {
        let script = Script::of(broken(&first).into_iter().chain([end]));
        let batch = script.mail().fetch(&ada(), &Selection::After(None), 10).await.unwrap();
        assert_eq!((shown(&batch), batch.more), (vec![how.to_owned(), "5 whole".into()], false), "{first:?}");
        assert_eq!((script.connections(), script.problems()), (first.len() + 1, vec![]), "{first:?}");
    }
}

/// What was whole by then is given out, and the next call begins with what is not.
#[tokio::test(start_paused = true)]
async fn what_came_before_is_given_out() {
    let answer = format!("{}* 5 FETCH (UID 5 BODY[] {{4294967295}}\r\n", body(3));
    let both = format!("UID FETCH 3,5 {BODIES}");
    let batch = fetch(broken(&[(&both, &answer)]).remove(0), Selection::After(None), 10).await.unwrap();
    assert_eq!((shown(&batch), batch.more), (vec!["3 whole".to_owned()], true));
}

/// A server that is out of order for now, or gone, says nothing about a message.
#[tokio::test(start_paused = true)]
async fn a_server_in_trouble_is_no_broken_message() {
    let asked = || {
        logged_in().then(select("A1", 2, 6)).then(list("A2")).hears(format!("A3 UID FETCH 3,5 {BODIES}\r\n"))
    };
    for (said, expected) in [
        ("A3 NO [UNAVAILABLE] not now\r\n", "refused"),
        ("A3 NO [SERVERBUG] oops\r\n", "refused"),
        ("A3 NO [INUSE] locked\r\n", "refused"),
        ("* BYE internal error\r\n", "unavailable"),
        ("* 3 FETCH (UID 3 FLA", "unavailable"),
        ("A3 BAD what\r\n", "protocol"),
    ] {
        let script = Script::of([asked().says(said).closes()]);
        let done = script.mail().fetch(&ada(), &Selection::After(None), 10).await;
        let kind = match &done {
            Err(Error::Refused { status, .. }) if status.is_temporary() => "refused",
            Err(Error::Unavailable { .. }) => "unavailable",
            Err(Error::Protocol { .. }) => "protocol",
            _ => "another",
        };
        assert_eq!((kind, script.connections()), (expected, 1), "{said:?}: {done:?}");
    }
}

/// A server that ends the connection at one message each time, and works else, does not do so for ever.
#[tokio::test(start_paused = true)]
async fn a_message_that_ends_each_connection_is_let_by() {
    let (both, alone) = (format!("UID FETCH 3,5 {BODIES}"), format!("UID FETCH 5 {BODIES}"));
    let by_header = format!("UID FETCH 5 {HEADER}");
    let ends = |asked: &str, said: &str| {
        let begun = logged_in().then(select("A1", 2, 6)).then(list("A2"));
        begun.hears(format!("A3 {asked}\r\n")).says(said).closes()
    };
    let rest = |tag: &str| asks(tag, &format!("UID FETCH 3 {BODIES}"), &body(3));
    let bye = "* BYE internal error\r\n";
    let begun = || logged_in().then(select("A1", 2, 6)).then(list("A2"));
    let three = || vec![ends(&both, &(body(3) + bye)), ends(&alone, bye), ends(&alone, "* 5 FETCH (UID 5")];
    let given = begun().then(asks("A3", &by_header, &header(5))).then(rest("A4"));
    let bare = begun().then(asks("A3", "UID FETCH 5 (UID RFC822.SIZE)", &sizes(&[5]))).then(rest("A4"));
    let sound = begun().then(asks("A3", &alone, &body(5))).then(rest("A4")).closes();
    // One that was beyond doubt once has all its chances again.
    let anew = [sound.clone(), ends(&both, &(body(3) + bye)), sound];
    for (dialogues, expected) in [
        ([three(), vec![given]].concat(), vec!["-", "-", "-", "5 header"]),
        ([three(), vec![ends(&by_header, bye), bare]].concat(), vec!["-", "-", "-", "-", "5 bare"]),
        ([three()[..2].to_vec(), anew.to_vec()].concat(), vec!["-", "-", "5 whole", "-", "5 whole"]),
    ] {
        let script = Script::of(dialogues);
        let mail = script.mail();
        for expected in expected {
            let done = mail.fetch(&ada(), &Selection::After(None), 10).await;
            match (expected, &done) {
                ("-", Err(Error::Unavailable { .. })) => {}
                (_, Ok(batch)) => assert_eq!(shown(batch), ["3 whole", expected]),
                _ => panic!("{expected}: {done:?}"),
            }
        }
        assert_eq!(script.problems(), [""; 0]);
    }
}

/// A refusal that stays may be about one message: it is, if its header is given out, and else it is about all.
#[tokio::test(start_paused = true)]
async fn a_message_that_is_refused_comes_by_its_header() {
    let no = |tag: &str, asked: &str| {
        Dialogue::default().hears(format!("{tag} {asked}\r\n")).says(format!("{tag} NO can't fetch that\r\n"))
    };
    let (both, alone) = (format!("UID FETCH 3,5 {BODIES}"), format!("UID FETCH 3 {BODIES}"));
    let by_header = format!("UID FETCH 3 {HEADER}");
    let begin = || {
        logged_in()
            .then(select("A1", 2, 6))
            .then(list("A2"))
            .then(no("A3", &both))
            .then(asks("A4", "NOOP", ""))
            .then(list("A5"))
            .then(no("A6", &alone))
    };
    let given = begin().then(asks("A7", &by_header, &header(3))).then(asks(
        "A8",
        &format!("UID FETCH 5 {BODIES}"),
        &body(5),
    ));
    assert_eq!(shown(&fetch_all(given).await.unwrap()), ["3 header", "5 whole"]);
    let error = fetch_all(begin().then(no("A7", &by_header))).await.unwrap_err();
    assert!(matches!(error, Error::Refused { .. }), "{error:?}");
}

fn examine(exists: u32) -> Dialogue {
    logged_in()
        .hears("A1 EXAMINE INBOX\r\n")
        .says(format!("* {exists} EXISTS\r\n* OK [UIDVALIDITY 7] x\r\n* OK [UIDNEXT 6] x\r\nA1 OK done\r\n"))
}

async fn stream(dialogues: Vec<Dialogue>) -> Vec<String> {
    let script = Script::of(dialogues);
    let mail = script.mail();
    let messages = mail.messages(&ada(), &FolderName::inbox(), &Selection::After(None));
    let read: Vec<_> =
        messages.map(|one| one.map_or_else(|error| format!("{error}"), |one| show(&one))).collect().await;
    assert_eq!(script.problems(), [""; 0]);
    read
}

const LOGOUT: &str = "LOGOUT";

#[tokio::test(start_paused = true)]
async fn a_stream_goes_on_behind_what_is_not_given_out() {
    let both = format!("UID FETCH 3,5 {BODIES}");
    for answer in without_it() {
        let dialogue = examine(2)
            .then(list("A2"))
            .then(asks("A3", &both, &answer))
            .then(asks("A4", "UID FETCH 3,5 (UID RFC822.SIZE)", &sizes(&[3, 5])))
            .then(asks("A5", &format!("UID FETCH 3 {HEADER}"), &header(3)))
            .then(asks("A6", &format!("UID FETCH 5 {BODIES}"), &body(5)))
            .then(asks("A7", LOGOUT, "* BYE\r\n"));
        assert_eq!(stream(vec![dialogue]).await, ["3 header", "5 whole"], "{answer}");
    }
    // The last one is missing, and then it is gone.
    let dialogue = examine(2)
        .then(list("A2"))
        .then(asks("A3", &both, &body(3)))
        .then(asks("A4", "UID FETCH 5 (UID RFC822.SIZE)", ""))
        .then(asks("A5", LOGOUT, "* BYE\r\n"));
    assert_eq!(stream(vec![dialogue]).await, ["3 whole"]);
}

#[tokio::test(start_paused = true)]
async fn a_stream_goes_on_over_another_connection_behind_what_can_not_be_read() {
    let over =
        "* 5 FETCH (UID 5 FLAGS () INTERNALDATE \"20-Nov-2026 10:39:50 +0000\" BODY[] {500000000}\r\nx";
    let first =
        examine(2).then(list("A2")).then(asks("A3", &format!("UID FETCH 3,5 {BODIES}"), &(body(3) + over)));
    let second = examine(2).then(asks("A2", &format!("UID FETCH 5 {HEADER}"), &header(5)));
    let second = second.then(asks("A3", LOGOUT, "* BYE\r\n"));
    assert_eq!(stream(vec![first.clone(), second]).await, ["3 whole", "5 header"]);
    let renumbered = logged_in()
        .hears("A1 EXAMINE INBOX\r\n")
        .says("* 2 EXISTS\r\n* OK [UIDVALIDITY 8] x\r\n* OK [UIDNEXT 6] x\r\nA1 OK done\r\n");
    let read = stream(vec![first, renumbered]).await;
    assert!(read.len() == 2 && read[1].contains('8'), "{read:?}");
}

/// The cursor of a watcher moves past it.
#[tokio::test(start_paused = true)]
async fn a_watcher_goes_on() {
    let dialogue = logged_in()
        .then(select("A1", 2, 6))
        .then(list("A2"))
        .then(asks("A3", &format!("UID FETCH 3,5 {BODIES}"), &body(5)))
        .then(select("A4", 2, 6))
        .then(list("A5"))
        .then(asks("A6", &format!("UID FETCH 3 {HEADER}"), ""))
        .then(asks("A7", "UID FETCH 3 (UID RFC822.SIZE)", &sizes(&[3])))
        .then(asks("A8", &format!("UID FETCH 5 {BODIES}"), &body(5)));
    let script = Script::of([dialogue]);
    let mut watcher = Watcher::new(std::sync::Arc::new(script.mail()), ada(), None);
    for expected in ["3 bare", "5 whole"] {
        let seen = watcher.next().await.unwrap().unwrap();
        assert_eq!((show(&seen.message), seen.at.uid), (expected.into(), seen.message.uid().get()));
    }
    assert_eq!(script.problems(), [""; 0]);
}
