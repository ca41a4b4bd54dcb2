//! Every command: what the server hears, what comes of its answer, and that no refusal and no lost link is an answer.

use futures_util::StreamExt;

use super::deeds::{CHANGING, Deed, READING};
use super::*;
use crate::{Flag, FolderName, MessageStore, Query, Reason};

async fn run(deed: &Deed, dialogue: Dialogue) -> Result<String, Error> {
    let script = Script::of([dialogue]);
    let done = (deed.act)(script.mail()).await;
    assert_eq!(script.problems(), [""; 0], "{}", deed.name);
    done
}

#[tokio::test(start_paused = true)]
async fn every_command_is_heard_and_its_answer_read() {
    for deed in READING.iter().chain(CHANGING) {
        let done = run(deed, deed.dialogue(None)).await;
        assert_eq!(
            done.unwrap_or_else(|error| panic!("{}: {error:?}", deed.name)),
            deed.gives,
            "{}",
            deed.name
        );
    }
}

#[tokio::test(start_paused = true)]
async fn no_other_piece_is_taken_for_the_one_that_was_asked_for() {
    let deed = READING.iter().find(|deed| deed.name == "read").expect("it is listed");
    let at = deed.talk.len() - 1;
    for (row, expected) in [
        ("* 2 FETCH (UID 5 BODY[]<2> {3}\r\nabc)\r\n", "[97, 98, 99]"),
        ("* 2 FETCH (UID 5 BODY[]<2> \"\")\r\n", "[]"),
        ("* 2 FETCH (UID 5 BODY[] {3}\r\nabc)\r\n", "protocol"),
        ("* 2 FETCH (UID 5 BODY[]<0> {3}\r\nabc)\r\n", "protocol"),
        ("* 2 FETCH (UID 5 BODY[]<2> NIL)\r\n", "protocol"),
        ("* 2 FETCH (UID 5)\r\n", "protocol"),
        ("* 2 FETCH (UID 6 BODY[]<2> {3}\r\nabc)\r\n", "gone"),
        ("", "gone"),
    ] {
        let done = run(deed, deed.dialogue(Some((at, &format!("{row}@ OK done\r\n"))))).await;
        let done = match done {
            Ok(bytes) => bytes,
            Err(Error::Protocol { .. }) => "protocol".to_owned(),
            Err(error) if error.reason() == Some(Reason::NoSuchMessage) => "gone".to_owned(),
            Err(error) => panic!("{row:?}: {error:?}"),
        };
        assert_eq!(done, expected, "{row:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn no_refusal_is_an_answer() {
    for deed in READING.iter().chain(CHANGING) {
        let commands = deed.talk.iter().filter(|(parts, _)| parts[0] != "LOGOUT").count();
        for at in 0..commands {
            let reads = at < deed.changes_at || deed.talk[at].0 == ["NOOP"];
            let lost = if reads { "unavailable" } else { "interrupted" };
            // It may be one message that can't be given out or read: the server is asked for less of it, and is gone.
            let is_content = deed.name == "messages" && deed.talk[at].0[0].contains("FLAGS");
            let (no, nonsense) = if is_content { (lost, lost) } else { ("refused", "protocol") };
            for (answer, expected) in [
                ("@ NO [SERVERBUG] later\r\n", "refused"),
                ("@ NO no\r\n", no),
                ("@ BAD what\r\n", "protocol"),
                ("@ BAD\r\n", "protocol"),
                ("A99 OK done\r\n", "protocol"),
                ("+ more\r\n", "protocol"),
                ("* 1 NONSENSE\r\n", nonsense),
                ("* BYE\r\n", lost),
                ("", lost),
            ] {
                let error = run(deed, deed.dialogue(Some((at, answer)))).await.expect_err(deed.name);
                let kind = match &error {
                    Error::Refused { .. } => "refused",
                    Error::Protocol { .. } => "protocol",
                    Error::Unavailable { .. } => "unavailable",
                    Error::Interrupted { .. } => "interrupted",
                    _ => "another",
                };
                assert_eq!(kind, expected, "{} {at} {answer:?}: {error:?}", deed.name);
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_link_lost_at_any_byte_is_no_answer() {
    for deed in READING.iter().chain(CHANGING) {
        let whole = deed.dialogue(None);
        let farewell = if deed.name == "messages" { "* BYE\r\nA6 OK done\r\n".len() } else { 0 };
        for bytes in 0..whole.said() - farewell {
            let done = run(deed, whole.clone().cut_after(bytes)).await;
            assert!(
                matches!(done, Err(Error::Unavailable { .. } | Error::Interrupted { .. })),
                "{} after {bytes} bytes: {done:?}",
                deed.name
            );
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_can_not_be_sent_or_done_is_told_before_anything_is() {
    let mail = Script::of([]).mail();
    let (login, inbox) = (ada(), FolderName::inbox());
    let at = Position { uid_validity: 7, uid: 1 };
    let header = Query::Header("a: b\r\nc".into(), String::new());
    let searched = mail.search(&login, &inbox, &header).await.map(drop);
    let empty = mail.append(&login, &inbox, b"", &[], None).await.map(drop);
    let null = mail.append(&login, &inbox, b"a\0b", &[Flag::Seen], None).await.map(drop);
    let long = mail.read(&login, &inbox, at, 0..(16 << 20) + 1).await.map(drop);
    for done in [searched, empty, null, long] {
        assert!(matches!(done, Err(Error::Invalid { .. })), "{done:?}");
    }
}

/// A message that has no date is no message that was removed.
#[tokio::test(start_paused = true)]
async fn a_message_without_a_date_is_not_left_out() {
    let row = |rest: &str| format!("* 1 FETCH (UID 3 FLAGS () INTERNALDATE \"some day\" {rest})\r\n");
    let entries = "UID FETCH 1:5 (UID FLAGS RFC822.SIZE INTERNALDATE)";
    let listing = logged_in().then(select("A1", 1, 6)).then(asks("A2", entries, &row("RFC822.SIZE 14")));
    let listed =
        Script::of([listing]).mail().list(&ada(), &FolderName::inbox(), &Selection::After(None)).await;
    let entry = &listed.unwrap().entries[0];
    assert_eq!((entry.uid, entry.internal_date), (uid(3), std::time::SystemTime::UNIX_EPOCH));
}

/// A copy that is refused again and again because messages go meanwhile is only no error if none is left.
#[tokio::test(start_paused = true)]
async fn a_copy_that_never_comes_about_is_no_success() {
    let refused = |tag: &str| {
        let (heard, said) =
            (format!("{tag} UID COPY 3,5 \"b\"\r\n"), format!("{tag} NO [EXPUNGEISSUED] gone\r\n"));
        Dialogue::default().hears(heard).says(said)
    };
    for (left, is_fine) in [(&[][..], true), (&[5], false)] {
        let script = Script::of([logged_in()
            .then(select("A1", 2, 6))
            .then(refused("A2"))
            .then(asks("A3", "NOOP", ""))
            .then(refused("A4"))
            .then(asks("A5", "NOOP", ""))
            .then(refused("A6"))
            .then(asks("A7", "UID FETCH 3,5 (UID RFC822.SIZE)", &sizes(left)))]);
        let (inbox, to) = (FolderName::inbox(), "b".parse().unwrap());
        let done = script.mail().copy(&ada(), &inbox, 7, &[uid(3), uid(5)], &to).await;
        assert_eq!((done.is_ok(), script.problems()), (is_fine, vec![]), "{done:?}");
        assert!(done.is_ok_and(|copied| copied.is_empty()) || !is_fine);
    }
}

/// A server that copies and doesn't tell which ones it copied has copied all that were there.
#[tokio::test(start_paused = true)]
async fn what_was_copied_without_a_word_is_removed() {
    let script = Script::of([greeting("SASL-IR AUTH=PLAIN")
        .hears("L1 AUTHENTICATE PLAIN AGFkYUBhZ2VudHMuZXhhbXBsZQBjYW5hcnk=\r\n")
        .says("L1 OK [CAPABILITY IMAP4rev1 UIDPLUS] in\r\n")
        .then(select("A1", 2, 6))
        .then(asks("A2", "UID COPY 3,5 \"b\"", ""))
        .then(asks("A3", "UID FETCH 3,5 (UID RFC822.SIZE)", &sizes(&[5])))
        .then(asks("A4", r"UID STORE 5 +FLAGS.SILENT (\Deleted)", ""))
        .then(asks("A5", "UID EXPUNGE 5", ""))]);
    let (inbox, to) = (FolderName::inbox(), "b".parse().unwrap());
    let moved = script.mail().move_to(&ada(), &inbox, 7, &[uid(3), uid(5)], &to).await.unwrap();
    assert_eq!((moved, script.problems()), (vec![], vec![]));
    assert!(script.heard().ends_with("A5 UID EXPUNGE 5\r\n"), "{}", script.heard());
}

#[tokio::test(start_paused = true)]
async fn a_server_without_an_extension_is_asked_for_nothing() {
    let bare = || Script::of([logged_in()]).mail();
    let (login, inbox) = (ada(), FolderName::inbox());
    let other = "b".parse().unwrap();
    assert_eq!(bare().quota(&login).await.unwrap(), None);
    for refused in [
        bare().move_to(&login, &inbox, 7, &[uid(1)], &other).await.map(drop),
        bare().expunge(&login, &inbox, 7, &[uid(1)]).await,
        bare().changes(&login, &inbox, 7, 1).await.map(drop),
        bare().delete_folder(&login, &inbox).await,
        bare().rename_folder(&login, &inbox, &other).await,
    ] {
        assert_eq!(refused.unwrap_err().reason(), Some(Reason::Unsupported));
    }
}

/// A reader may take its time; a server may not.
#[tokio::test(start_paused = true)]
async fn a_stream_waits_for_its_reader_and_not_for_long_for_its_server() {
    let listed = "* 1 FETCH (UID 3 RFC822.SIZE 1)\r\n* 2 FETCH (UID 5 RFC822.SIZE 1)\r\n";
    let begun = logged_in()
        .hears("A1 EXAMINE INBOX\r\n")
        .says("* 2 EXISTS\r\n* OK [UIDVALIDITY 7] x\r\n* OK [UIDNEXT 6] x\r\nA1 OK done\r\n")
        .then(asks("A2", "UID FETCH 1:5 (UID RFC822.SIZE)", listed))
        .hears(format!("A3 UID FETCH 3,5 {BODIES}\r\n"))
        .says(body(3));
    let answered = || {
        begun
            .clone()
            .waits(Duration::from_secs(100))
            .says(body(5))
            .says("A3 OK done\r\n")
            .hears("A4 LOGOUT\r\n")
            .closes()
    };
    for (dialogue, pause, expected) in [
        (answered(), Duration::from_secs(90), "whole"),
        (answered(), Duration::ZERO, "unavailable"),
        (begun.clone().waits(Duration::from_secs(1)).closes(), Duration::from_mins(30), "unavailable"),
    ] {
        let script = Script::of([dialogue]);
        let mut messages = script.mail().messages(&ada(), &FolderName::inbox(), &Selection::After(None));
        assert_eq!(messages.next().await.unwrap().unwrap().uid(), uid(3));
        tokio::time::sleep(pause).await;
        let next = messages.next().await.unwrap();
        let kind = match &next {
            Ok(message) if message.uid() == uid(5) && messages.next().await.is_none() => "whole",
            Err(Error::Unavailable { .. }) if messages.next().await.is_none() => "unavailable",
            _ => "another",
        };
        assert_eq!((kind, script.problems()), (expected, vec![]), "{next:?}");
    }
}
