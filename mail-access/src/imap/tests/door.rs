//! The way in: greeting and login.

use super::*;

#[tokio::test(start_paused = true)]
async fn every_way_to_log_in_leads_to_the_inbox() {
    let blob = "AGFkYUBhZ2VudHMuZXhhbXBsZQBjYW5hcnk=\r\n";
    let asked = |greeting: Dialogue, tag: &str, offers: &str| {
        let answer = format!("* CAPABILITY IMAP4rev1 {offers}\r\n{tag} OK done\r\n");
        greeting.hears(format!("{tag} CAPABILITY\r\n")).says(answer)
    };
    let plain = Dialogue::default().says("* OK ready\r\n");
    for door in [
        logged_in(),
        greeting("AUTH=PLAIN")
            .hears("L1 AUTHENTICATE PLAIN\r\n")
            .says("+ \r\n")
            .hears(blob)
            .says("* CAPABILITY IMAP4rev1 IDLE\r\nL1 OK in\r\n"),
        asked(
            asked(plain, "C1", "LITERAL+")
                .hears("L1 LOGIN {18}\r\n")
                .says("+ go on\r\n")
                .hears("ada@agents.example {6}\r\n")
                .says("+ go on\r\n")
                .hears("canary\r\n")
                .says("L1 ok in\r\n"),
            "C2",
            "IDLE",
        ),
    ] {
        let batch = fetch_all(door.then(select("A1", 0, 1))).await.unwrap();
        assert!(batch.messages.is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn a_login_that_goes_on_and_on_is_given_up() {
    let door = greeting("SASL-IR AUTH=PLAIN")
        .hears("L1 AUTHENTICATE PLAIN AGFkYUBhZ2VudHMuZXhhbXBsZQBjYW5hcnk=\r\nA1 SELECT INBOX\r\n");
    let door = (0..20).fold(door, |door, _| door.waits(Duration::from_secs(50)).says("* OK wait\r\n"));
    let begin = tokio::time::Instant::now();
    let error = fetch_all(door).await.unwrap_err();
    assert!(matches!(error, Error::Unavailable { .. }), "{error:?}");
    assert_eq!(begin.elapsed(), Duration::from_mins(3));
}

#[tokio::test(start_paused = true)]
async fn a_password_stays_within_its_literal() {
    let dialogue = greeting("X")
        .hears("L1 LOGIN {18}\r\n")
        .says("+\r\n")
        .hears("ada@agents.example {14}\r\n")
        .says("+\r\n")
        .hears("p\r\nA9 DELETE x\r\n")
        .says("L1 NO no\r\n");
    let script = Script::of([dialogue]);
    let login = Login::new(ada().address().clone(), SecretString::from("p\r\nA9 DELETE x"));
    let error = script.mail().fetch(&login, &Selection::Unseen, 1).await.unwrap_err();
    assert!(matches!(error, Error::Authentication { .. }), "{error:?}");
    assert_eq!(script.problems(), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_token_goes_by_xoauth2_and_never_as_a_password() {
    // user=ada@agents.example^Aauth=Bearer ya29.canary^A^A
    let blob = "dXNlcj1hZGFAYWdlbnRzLmV4YW1wbGUBYXV0aD1CZWFyZXIgeWEyOS5jYW5hcnkBAQ==";
    let at_once = greeting("SASL-IR AUTH=XOAUTH2").hears(format!("L1 AUTHENTICATE XOAUTH2 {blob}\r\n"));
    let asked = greeting("AUTH=PLAIN AUTH=XOAUTH2")
        .hears("L1 AUTHENTICATE XOAUTH2\r\n")
        .says("+ \r\n")
        .hears(format!("{blob}\r\n"));
    let welcome = "L1 OK [CAPABILITY IMAP4rev1 IDLE] in\r\n";
    let refused =
        |reply: &str| at_once.clone().says("+ eyJzdGF0dXMiOiI0MDAifQ==\r\n").hears("\r\n").says(reply);
    for (dialogue, expected) in [
        (at_once.clone().says(welcome).then(select("A1", 0, 1)), "in"),
        (asked.says(welcome).then(select("A1", 0, 1)), "in"),
        (refused("L1 NO [AUTHENTICATIONFAILED] ya29.canary\r\n"), "authentication"),
        (refused(welcome), "protocol"),
        (greeting("SASL-IR AUTH=PLAIN AUTH=LOGIN"), "protocol"),
    ] {
        let script = Script::of([dialogue]);
        let login = Login::with_token(ada().address().clone(), SecretString::from("ya29.canary"));
        let done = script.mail().fetch(&login, &Selection::After(None), 10).await;
        let kind = match &done {
            Ok(_) => "in",
            Err(Error::Authentication { .. }) => "authentication",
            Err(Error::Protocol { .. }) => "protocol",
            Err(_) => "another",
        };
        assert_eq!((kind, script.problems()), (expected, vec![]), "{done:?}");
        assert!(!format!("{done:?}").contains("canary"), "{done:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn refusals_at_the_door_are_told_apart() {
    let login = "L1 AUTHENTICATE PLAIN AGFkYUBhZ2VudHMuZXhhbXBsZQBjYW5hcnk=\r\n";
    let after = |answer: &str| greeting("SASL-IR AUTH=PLAIN").hears(login).says(answer).closes();
    let says = |line: &str| Dialogue::default().says(line).closes();
    for (dialogue, expected) in [
        (after("L1 NO [AUTHENTICATIONFAILED] no\r\n"), "authentication"),
        (after("L1 NO AGFkYUBhZ2VudHMuZXhhbXBsZQBjYW5hcnk= (canary)\r\n"), "authentication"),
        (after("L1 NO [UNAVAILABLE] later\r\n"), "refused"),
        (after("L1 NO [LIMIT]\r\n"), "refused"),
        (after("* BYE too many\r\n"), "unavailable"),
        (after(""), "unavailable"),
        (after("L1 BAD canary AGFkYUBhZ2VudHMuZXhhbXBsZQBjYW5hcnk=\r\n"), "protocol"),
        (after("+ more\r\n"), "protocol"),
        (after("L2 OK in\r\n"), "protocol"),
        (after("L1 MAYBE\r\n"), "protocol"),
        (after(&"* OK wait\r\n".repeat(100)), "protocol"),
        (says("* PREAUTH welcome\r\n"), "protocol"),
        (says("* BYE busy\r\n"), "unavailable"),
        (says("220 smtp\r\n"), "protocol"),
        (says(&format!("* OK {}\r\n", "x".repeat(9000))), "protocol"),
        (greeting("LOGINDISABLED STARTTLS"), "protocol"),
        (greeting("SASL-IR AUTH=PLAIN").says("L1 OK in\r\n"), "protocol"),
        (says(""), "unavailable"),
    ] {
        let error = fetch_all(dialogue.clone()).await.unwrap_err();
        let kind = match &error {
            Error::Authentication { .. } => "authentication",
            Error::Refused { .. } if error.is_retryable() => "refused",
            Error::Unavailable { .. } => "unavailable",
            Error::Protocol { .. } => "protocol",
            _ => "another",
        };
        assert_eq!(kind, expected, "{dialogue:?}: {error:?}");
        let shown = format!("{error} {error:?}");
        assert!(!shown.contains("canary") && !shown.contains("AGFkYUBh"), "{shown}");
    }
}

#[tokio::test(start_paused = true)]
async fn another_password_never_gets_a_kept_session() {
    let refusing = greeting("SASL-IR AUTH=PLAIN")
        .hears("L1 AUTHENTICATE PLAIN AGFkYUBhZ2VudHMuZXhhbXBsZQBvdGhlcg==\r\n")
        .says("L1 NO no\r\n");
    let script = Script::of([logged_in().then(two_messages()), refusing]);
    let mail = script.mail();
    mail.fetch(&ada(), &Selection::After(None), 10).await.unwrap();
    let other = Login::new(ada().address().clone(), SecretString::from("other"));
    let error = mail.fetch(&other, &Selection::After(None), 10).await.unwrap_err();
    assert!(matches!(error, Error::Authentication { .. }), "{error:?}");
    assert_eq!(script.problems(), [""; 0]);
}
