//! What is asked for, and what is made of the answers.

use std::time::SystemTime;

use super::*;

fn after(uid: u32) -> Selection {
    Selection::After(Some(Position { uid_validity: 7, uid }))
}

#[tokio::test(start_paused = true)]
async fn messages_are_listed_and_then_read_in_one_go() {
    let batch = fetch_all(logged_in().then(two_messages())).await.unwrap();
    assert_eq!((batch.uid_validity, uids(&batch), batch.more), (7, vec![3, 5], false));
    let message = &batch.messages[0];
    assert_eq!((message.subject(), message.is_seen(), message.is_truncated()), ("a", true, false));
    assert_eq!(message.internal_date(), SystemTime::UNIX_EPOCH + Duration::from_secs(1_795_171_190));
}

#[tokio::test(start_paused = true)]
async fn nothing_new_takes_one_round_trip() {
    for (selection, exists, uid_next) in [
        (after(5), 2, 6),
        (after(u32::MAX), 2, 6),
        (Selection::After(None), 0, 1),
        (Selection::Uids(7, vec![]), 2, 6),
        (Selection::Unseen, 0, 1),
    ] {
        let batch = fetch(logged_in().then(select("A1", exists, uid_next)), selection, 10).await.unwrap();
        assert!(batch.messages.is_empty() && !batch.more);
    }
}

#[tokio::test(start_paused = true)]
async fn a_position_of_another_numbering_begins_at_the_first() {
    let other = Selection::After(Some(Position { uid_validity: 6, uid: 9 }));
    assert_eq!(uids(&fetch(logged_in().then(two_messages()), other, 10).await.unwrap()), [3, 5]);
    let dialogue = logged_in().then(select("A1", 2, 6));
    let error = fetch(dialogue, Selection::Uids(6, vec![uid(3)]), 10).await.unwrap_err();
    assert!(matches!(error, Error::Renumbered { expected: 6, found: 7, .. }), "{error:?}");
}

#[tokio::test(start_paused = true)]
async fn limits_leave_the_rest_for_later() {
    let list = asks("A2", "UID FETCH 1:5 (UID RFC822.SIZE)", &sizes(&[5, 3]));
    let dialogue = logged_in().then(select("A1", 2, 6)).then(list.clone()).then(asks(
        "A3",
        &format!("UID FETCH 3 {BODIES}"),
        &body(3),
    ));
    let batch = fetch(dialogue.clone(), Selection::After(None), 0).await.unwrap();
    assert_eq!((uids(&batch), batch.more), (vec![3], true));
    let script = Script::of([dialogue]);
    let config = Script::config().with_max_batch(27);
    let mail = crate::SmtpImap::new(config, script.clone());
    let batch = mail.fetch(&ada(), &Selection::After(None), 10).await.unwrap();
    assert_eq!((uids(&batch), batch.more), (vec![3], true), "the second one passes 27 bytes");
}

#[tokio::test(start_paused = true)]
async fn of_a_large_message_the_header_is_read() {
    let row = "* 3 FETCH (UID 3 FLAGS () INTERNALDATE \" 1-Jan-1970 00:00:00 +0000\" BODY[HEADER]<0> {14}\r\n\
               Subject: a\r\n\r\n)\r\n";
    let script = Script::of([logged_in()
        .then(select("A1", 2, 6))
        .then(asks("A2", "UID FETCH 1:5 (UID RFC822.SIZE)", "* 3 FETCH (UID 3 RFC822.SIZE 4294967295)\r\n"))
        .then(asks("A3", "UID FETCH 3 (UID FLAGS INTERNALDATE BODY.PEEK[HEADER]<0.1048576>)", row))]);
    let batch = script.mail().fetch(&ada(), &Selection::After(None), 10).await.unwrap();
    assert_eq!(script.problems(), [""; 0]);
    let message = &batch.messages[0];
    assert_eq!((message.subject(), message.is_seen(), message.is_truncated()), ("a", false, true));
}

#[tokio::test(start_paused = true)]
async fn unseen_messages_are_searched() {
    let dialogue = logged_in()
        .then(select("A1", 50_001, 90_000))
        .then(asks("A2", "UID SEARCH UID 1:50000 UNSEEN", "* SEARCH\r\n"))
        .then(asks("A3", "UID SEARCH UID 50001:89999 UNSEEN", "* SEARCH 60000 99999\r\n"))
        .then(asks("A4", "UID FETCH 60000 (UID RFC822.SIZE)", &sizes(&[60_000])))
        .then(asks("A5", &format!("UID FETCH 60000 {BODIES}"), &body(60_000)));
    assert_eq!(uids(&fetch(dialogue, Selection::Unseen, 10).await.unwrap()), [60_000]);
    let few = logged_in().then(select("A1", 50_000, u32::MAX)).then(asks(
        "A2",
        "UID SEARCH UID 1:4294967294 UNSEEN",
        "* SEARCH\r\n",
    ));
    assert!(fetch(few, Selection::Unseen, 10).await.unwrap().messages.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_message_id_is_the_same_and_not_contained() {
    let row = |uid: u32, id: &str| {
        let header = format!("Message-ID: <{id}>\r\n\r\n");
        let section = "BODY[HEADER.FIELDS (MESSAGE-ID)]";
        format!("* {uid} FETCH (UID {uid} RFC822.SIZE 14 {section} {{{}}}\r\n{header})\r\n", header.len())
    };
    let dialogue = logged_in()
        .then(select("A1", 2, 6))
        .then(asks("A2", "UID SEARCH UID 1:5 HEADER Message-ID \"1@x.example\"", "* SEARCH 3 5\r\n"))
        .then(asks(
            "A3",
            "UID FETCH 3,5 (UID RFC822.SIZE BODY.PEEK[HEADER.FIELDS (MESSAGE-ID)])",
            &(row(3, "11@x.example") + &row(5, "1@x.example")),
        ))
        .then(asks("A4", &format!("UID FETCH 5 {BODIES}"), &body(5)));
    let id = Selection::MessageId("<1@x.example>".parse().unwrap());
    assert_eq!(uids(&fetch(dialogue, id, 10).await.unwrap()), [5]);
}

#[tokio::test(start_paused = true)]
async fn what_was_not_asked_for_is_not_given_out() {
    let unasked = "* 4 EXISTS\r\n* 9 FETCH (FLAGS (\\Seen))\r\n* 9 FETCH (UID 9 FLAGS () MODSEQ (12))\r\n* 1 EXPUNGE\r\n";
    let list = format!("{unasked}{}", sizes(&[3, 77]));
    let bodies = format!("{unasked}{}{}{}", body(3), body(3), body(77));
    let dialogue = logged_in()
        .then(select("A1", 2, 6))
        .then(asks("A2", "UID FETCH 1:5 (UID RFC822.SIZE)", &list))
        .then(asks("A3", &format!("UID FETCH 3 {BODIES}"), &bodies));
    assert_eq!(uids(&fetch_all(dialogue).await.unwrap()), [3]);
    let dialogue = logged_in()
        .then(select("A1", 2, 6))
        .then(asks("A2", "UID FETCH 3:4 (UID RFC822.SIZE)", &list))
        .then(asks("A3", &format!("UID FETCH 3 {BODIES}"), &bodies));
    let named = Selection::Uids(7, vec![uid(4), uid(3), uid(4)]);
    assert_eq!(uids(&fetch(dialogue, named, 10).await.unwrap()), [3]);
}

#[tokio::test(start_paused = true)]
async fn a_message_deleted_meanwhile_starts_it_again() {
    let list = |tag: &str, uids: &[u32]| asks(tag, "UID FETCH 1:5 (UID RFC822.SIZE)", &sizes(uids));
    let both = format!("UID FETCH 3,5 {BODIES}");
    let gone = Dialogue::default().hears(format!("A3 {both}\r\n"));
    for first in [
        gone.clone().says("A3 NO [EXPUNGEISSUED] some are gone\r\n"),
        gone.says(format!("{}A3 OK done\r\n", body(5))),
    ] {
        let dialogue = logged_in()
            .then(select("A1", 2, 6))
            .then(list("A2", &[3, 5]))
            .then(first)
            .then(select("A4", 1, 6))
            .then(list("A5", &[5]))
            .then(asks("A6", &format!("UID FETCH 5 {BODIES}"), &body(5)));
        assert_eq!(uids(&fetch_all(dialogue).await.unwrap()), [5]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_kept_session_sees_new_mail_and_a_fresh_one_new_numbers() {
    let kept = logged_in()
        .then(two_messages())
        .then(asks("A4", "NOOP", "* 3 EXISTS\r\n"))
        .then(asks("A5", "UID FETCH 6:4294967295 (UID RFC822.SIZE)", "* 3 FETCH (UID 6 RFC822.SIZE 14)\r\n"))
        .then(asks("A6", &format!("UID FETCH 6 {BODIES}"), &body(6)))
        .then(asks("A7", "NOOP", ""))
        .closes();
    let fresh = logged_in()
        .hears("A1 SELECT INBOX\r\n")
        .says("* 0 EXISTS\r\n* OK [UIDVALIDITY 8] x\r\n* OK [UIDNEXT 1] x\r\nA1 OK done\r\n");
    let script = Script::of([kept, fresh]);
    let mail = script.mail();
    assert_eq!(uids(&mail.fetch(&ada(), &Selection::After(None), 10).await.unwrap()), [3, 5]);
    assert_eq!(uids(&mail.fetch(&ada(), &after(5), 10).await.unwrap()), [6]);
    assert_eq!(uids(&mail.fetch(&ada(), &after(6), 10).await.unwrap()), [0; 0]);
    tokio::task::yield_now().await;
    let error = mail.mark_seen(&ada(), 7, &[uid(6)]).await.unwrap_err();
    assert!(matches!(error, Error::Renumbered { expected: 7, found: 8, .. }), "{error:?}");
    assert_eq!((script.connections(), script.problems()), (2, vec![]));
}

/// What the server told with the login is of no use after another command.
#[tokio::test(start_paused = true)]
async fn an_inbox_is_fresh_for_one_command() {
    use crate::wire::Connector as _;
    let status = "* STATUS INBOX (MESSAGES 0 UNSEEN 0 UIDNEXT 1 UIDVALIDITY 7)\r\n";
    let items = "(MESSAGES UNSEEN UIDNEXT UIDVALIDITY)";
    let script = Script::of([logged_in()
        .then(select("A1", 0, 1))
        .then(asks("A2", &format!("STATUS INBOX {items}"), status))
        .then(asks("A3", "NOOP", "* 1 EXISTS\r\n"))]);
    let server = crate::Endpoint::new("mail.agents.example", 993).unwrap();
    let stream = script.connect(&server).await.unwrap();
    let mut session =
        crate::imap::Session::open(stream, &ada(), true, &crate::imap::Terms::default()).await.unwrap();
    session.status(&crate::FolderName::inbox()).await.unwrap();
    session.select().await.unwrap();
    assert!(script.heard().ends_with("A3 NOOP\r\n"), "{}", script.heard());
}

#[tokio::test(start_paused = true)]
async fn a_session_that_ended_while_kept_is_replaced() {
    for ending in [
        Dialogue::default().closes(),
        Dialogue::default().says("* BYE idle for too long\r\n").closes(),
        Dialogue::default().hears("A4 NOOP\r\n").says("* 2 EX").closes(),
    ] {
        let script = Script::of([
            logged_in().then(two_messages()).then(ending.clone()),
            logged_in().then(two_messages()),
        ]);
        let mail = script.mail();
        for _ in 0..2 {
            assert_eq!(uids(&mail.fetch(&ada(), &Selection::After(None), 10).await.unwrap()), [3, 5]);
            tokio::task::yield_now().await;
        }
        assert_eq!((script.connections(), script.problems()), (2, vec![]), "{ending:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn marks_are_set_in_one_go() {
    let store = "UID STORE 3:4,9 +FLAGS.SILENT (\\Seen)";
    let script = Script::of([logged_in().then(select("A1", 2, 6)).then(asks("A2", store, ""))]);
    script.mail().mark_seen(&ada(), 7, &[uid(9), uid(4), uid(3)]).await.unwrap();
    assert_eq!(script.problems(), [""; 0]);
    let marking = || logged_in().then(select("A1", 2, 6)).hears(format!("A2 {store}\r\n"));
    for (answer, expected) in [
        ("A2 NO [EXPUNGEISSUED] some are gone\r\n", "ok"),
        ("A2 NO [expungeissued] some are gone\r\n", "ok"),
        ("A2 NO read-only\r\n", "refused"),
        ("A2 BAD what\r\n", "protocol"),
        ("* BYE\r\n", "interrupted"),
        ("A2 O", "interrupted"),
    ] {
        let script = Script::of([marking().says(answer).closes()]);
        let done = script.mail().mark_seen(&ada(), 7, &[uid(9), uid(4), uid(3)]).await;
        let kind = match &done {
            Ok(()) => "ok",
            Err(Error::Refused { .. }) => "refused",
            Err(Error::Protocol { .. }) => "protocol",
            Err(Error::Interrupted { .. }) => "interrupted",
            Err(_) => "another",
        };
        assert_eq!(kind, expected, "{answer:?}: {done:?}");
    }
    let script = Script::of([logged_in().then(select("A1", 2, 6)).hears("A2").closes()]);
    script.mail().mark_seen(&ada(), 6, &[]).await.unwrap();
}
