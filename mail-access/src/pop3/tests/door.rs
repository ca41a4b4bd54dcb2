//! Greetings, what servers offer, and logins.

use super::*;

const TOKEN_BLOB: &str = "dXNlcj1hZGFAYWdlbnRzLmV4YW1wbGUBYXV0aD1CZWFyZXIgY2FuYXJ5AQE=";

fn by_user() -> Dialogue {
    Dialogue::default()
        .hears("USER ada@agents.example\r\n")
        .says("+OK\r\n")
        .hears("PASS canary\r\n")
        .says("+OK in\r\n")
}

fn empty() -> Dialogue {
    one_by_one(&[("STAT", "+OK 0 0"), ("LIST", "+OK\r\n."), ("UIDL", "+OK\r\n.")])
}

fn one_by_one(exchanges: &[(&str, &str)]) -> Dialogue {
    exchanges.iter().fold(Dialogue::default(), |dialogue, (command, answer)| {
        dialogue.hears(format!("{command}\r\n")).says(format!("{answer}\r\n"))
    })
}

#[tokio::test(start_paused = true)]
async fn it_logs_in_by_what_is_offered() {
    for door in [
        greets("USER").then(by_user()),
        // It doesn't know CAPA.
        Dialogue::default().says("+OK\r\n").hears("CAPA\r\n").says("-ERR what\r\n").then(by_user()),
        logged_in_with("SASL LOGIN PLAIN,USER"),
        logged_in_with("sasl plain"),
    ] {
        assert_eq!(uids(&fetch(door.then(empty())).await.unwrap()), [0; 0]);
    }
    for offers in ["TOP", "SASL LOGIN"] {
        assert!(matches!(fetch(greets(offers)).await, Err(Error::Protocol { .. })), "{offers}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_token_goes_out_as_one_and_never_as_a_password() {
    let token = |secret: &str| Login::with_token(ada().address().clone(), secret.into());
    let script = Script::of([
        greets("SASL XOAUTH2").hears(format!("AUTH XOAUTH2 {TOKEN_BLOB}\r\n")).says("+OK\r\n").then(empty()),
        greets("SASL XOAUTH2")
            .hears(format!("AUTH XOAUTH2 {TOKEN_BLOB}\r\n"))
            .says("+ eyJzdGF0dXMiOiI0MDAifQ==\r\n")
            .hears("\r\n")
            .says("-ERR [AUTH] no\r\n"),
        greets("SASL PLAIN,USER"),
    ]);
    let mail = mail_with(&script, config().with_refused_login_pause(Duration::ZERO));
    let login = token("canary");
    let mut answers = Vec::new();
    for _ in 0..3 {
        answers.push(mail.fetch(&login, &Selection::Unseen, 1).await);
    }
    assert!(matches!(answers[..], [Ok(_), Err(Error::Authentication { .. }), Err(Error::Protocol { .. })]));
    assert_eq!(script.problems(), [""; 0]);
}

/// A line may have 255 bytes (RFC 2449 section 4).
#[tokio::test(start_paused = true)]
async fn a_long_token_follows_its_command() {
    let login = Login::with_token(ada().address().clone(), "x".repeat(300).into());
    let blob = crate::wire::sasl::xoauth2(&login).unwrap();
    let script = Script::of([greets("SASL XOAUTH2")
        .hears("AUTH XOAUTH2\r\n")
        .says("+ \r\n")
        .hears(format!("{}\r\n", secrecy::ExposeSecret::expose_secret(&blob)))
        .says("+OK\r\n")
        .then(empty())]);
    assert!(mail(&script).fetch(&login, &Selection::Unseen, 1).await.is_ok());
    assert_eq!(script.problems(), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_password_can_add_no_command() {
    for password in ["a\r\nDELE 1", "a\nb", "a\0b"] {
        let script = Script::of([greets("USER")]);
        let login = Login::new(ada().address().clone(), password.into());
        let error = mail(&script).fetch(&login, &Selection::Unseen, 1).await.unwrap_err();
        assert!(matches!(error, Error::Invalid { .. }), "{error:?}");
        assert_eq!(script.heard(), "CAPA\r\n");
    }
}

#[tokio::test(start_paused = true)]
async fn a_wrong_password_is_shown_once_and_then_not_for_a_while() {
    let refuses =
        greets("SASL PLAIN").hears(format!("AUTH PLAIN {BLOB}\r\n")).says("-ERR [AUTH] canary is wrong\r\n");
    let script = Script::of([refuses.clone(), refuses, logged_in_with("SASL PLAIN").then(empty())]);
    let mail = mail(&script);
    let start = Position { uid_validity: 7, uid: 0 };
    let (login, one, first) = (ada(), [uid(1)], fetch_all(&mail).await);
    tokio::time::advance(Duration::from_mins(1)).await;
    let (second, third) = tokio::join!(fetch_all(&mail), mail.mark_seen(&login, 7, &one));
    let (fourth, fifth) =
        tokio::join!(mail.wait(&login, start, Duration::from_secs(1)), mail.delete(&login, 7, &one));
    for (error, left) in [
        (first.unwrap_err(), 5),
        (second.unwrap_err(), 4),
        (third.unwrap_err(), 4),
        (fourth.unwrap_err(), 4),
        (fifth.unwrap_err(), 4),
    ] {
        assert!(matches!(error, Error::Authentication { .. }), "{error:?}");
        assert_eq!(error.retry_after(), Some(Duration::from_mins(left)));
        assert!(!format!("{error} {error:?}").contains("canary"), "{error:?}");
    }
    assert_eq!(script.connections(), 1);
    tokio::time::advance(Duration::from_mins(4)).await;
    assert!(fetch_all(&mail).await.is_err());
    tokio::time::advance(Duration::from_mins(5)).await;
    assert!(fetch_all(&mail).await.is_ok());
    assert_eq!((script.connections(), script.problems()), (3, vec![]));
}

#[tokio::test(start_paused = true)]
async fn what_may_pass_is_no_wrong_password() {
    for (refusal, kind, temporary) in [
        ("-ERR [IN-USE] locked", "refused", true),
        ("-ERR [LOGIN-DELAY] too soon", "refused", true),
        ("-ERR [sys/temp] later", "refused", true),
        ("-ERR maildrop already locked", "refused", true),
        ("-ERR [SYS/PERM] never", "refused", false),
        ("-ERR [AUTH] no", "authentication", false),
        ("-ERR account is locked", "authentication", false),
        ("-ERR", "authentication", false),
        ("+ more", "protocol", false),
        ("235 ok", "protocol", false),
        ("+ok", "protocol", false),
    ] {
        let door =
            greets("SASL PLAIN").hears(format!("AUTH PLAIN {BLOB}\r\n")).says(format!("{refusal}\r\n"));
        let error = fetch_all(&mail(&Script::each(door, 1 << 10))).await.unwrap_err();
        let found = match &error {
            Error::Refused { .. } => "refused",
            Error::Authentication { .. } => "authentication",
            Error::Protocol { .. } => "protocol",
            _ => "another",
        };
        assert_eq!((found, error.is_retryable()), (kind, temporary), "{refusal}: {error:?}");
    }
    for (greeting, temporary) in [("-ERR too many connections", true), ("-ERR [SYS/PERM] go away", false)] {
        let error = fetch(Dialogue::default().says(format!("{greeting}\r\n"))).await.unwrap_err();
        assert!(matches!(error, Error::Refused { .. }), "{error:?}");
        assert_eq!(error.is_retryable(), temporary);
    }
}

#[tokio::test(start_paused = true)]
async fn a_maildrop_that_is_in_use_is_tried_again_for_a_while() {
    let in_use = greets("SASL PLAIN").hears(format!("AUTH PLAIN {BLOB}\r\n")).says("-ERR [IN-USE] busy\r\n");
    let script = Script::of([in_use.clone(), in_use.clone(), two_messages()]);
    let begin = Instant::now();
    assert_eq!(uids(&fetch_all(&mail(&script)).await.unwrap()), [1, 2]);
    assert_eq!((begin.elapsed(), script.problems()), (Duration::from_millis(750), vec![]));
    let script = Script::each(in_use, 1 << 10);
    assert!(fetch_all(&mail(&script)).await.unwrap_err().is_retryable());
    assert_eq!(script.connections(), 5);
}
