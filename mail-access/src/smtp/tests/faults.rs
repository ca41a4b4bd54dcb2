//! Servers that refuse, fall silent, leave, or talk nonsense.

use super::*;

/// What the server says up to and with its request for the content.
const BEFORE_CONTENT: usize = "250 2.0.0 queued as 7\r\n".len();

#[tokio::test(start_paused = true)]
async fn a_link_lost_at_any_byte_is_told_for_what_it_is() {
    let whole = logged_in().then(one_message());
    let asked = whole.said() - BEFORE_CONTENT;
    for k in 0..whole.said() {
        match submit(whole.clone().cut_after(k), &to_bob()).await {
            Err(Error::Unavailable { .. }) if k < asked => {}
            Err(Error::Interrupted { .. }) if k >= asked => {}
            other => panic!("after {k} of {asked} bytes: {other:?}"),
        }
    }
    assert!(submit(whole.clone().cut_after(whole.said()), &to_bob()).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn silence_ends_at_the_deadline_in_every_state() {
    let whole = logged_in().then(one_message());
    for steps in 0..whole.steps() {
        let begin = Instant::now();
        let error = submit(whole.clone().silent_after(steps), &to_bob()).await.unwrap_err();
        let seconds = begin.elapsed().as_secs();
        let last = steps + 1 >= whole.steps() - 1;
        match error {
            Error::Unavailable { .. } if !last => {
                assert!([120, 300].contains(&seconds), "{steps}: {seconds} s");
            }
            Error::Interrupted { .. } if last => assert_eq!(seconds, 600, "{steps}"),
            other => panic!("{steps}: {other:?}"),
        }
    }
}

/// The figures of RFC 5321 section 4.5.3.2, one command at a time.
#[tokio::test(start_paused = true)]
async fn each_phase_has_its_own_deadline() {
    let open = Dialogue::default()
        .says("220 mail.agents.example ESMTP\r\n")
        .hears("EHLO agents.example\r\n")
        .says("250-me\r\n250 STARTTLS\r\n")
        .hears("STARTTLS\r\n")
        .says("220 go\r\n");
    let secure = |extension: &str| {
        Dialogue::default()
            .hears("EHLO agents.example\r\n")
            .says(format!("250-me\r\n250-{extension}\r\n250 AUTH PLAIN\r\n"))
            .hears("AUTH PLAIN AGFkYUBhZ2VudHMuZXhhbXBsZQBjYW5hcnk=\r\n")
            .says("235 ok\r\n")
            .hears("MAIL FROM:<ada@agents.example>\r\n")
            .says("250 ok\r\n")
            .hears("RCPT TO:<bob@x.example>\r\n")
            .says("250 ok\r\n")
    };
    let content = "Subject: x\r\n\r\n..y\r\n.\r\n";
    let dotted = secure("HELP").hears("DATA\r\n").says("354 go\r\n").hears(content).says("250 ok\r\n");
    let chunk = secure("CHUNKING").hears("BDAT 18 LAST\r\nSubject: x\r\n\r\n.y\r\n").says("250 ok\r\n");
    for (inside, last) in [(dotted, &[120, 600][..]), (chunk, &[600])] {
        let whole = open.clone().then(inside);
        // Greeting, EHLO, STARTTLS, EHLO, AUTH, MAIL, RCPT.
        let mut deadlines = [&[300; 7][..], last].concat().into_iter();
        // The greeting is the first step, and from then on each second one is a reply.
        for steps in (0..whole.steps()).step_by(2) {
            let script = Script::of([whole.clone().silent_after(steps)]);
            let config = Script::config().with_smtp_security(crate::Security::StartTls);
            let begin = Instant::now();
            let done = crate::SmtpImap::new(config, script).submit(&ada(), &to_bob()).await;
            let deadline = deadlines.next().unwrap();
            assert_eq!(begin.elapsed().as_secs(), deadline, "step {steps}: {done:?}");
            let unknown = done.unwrap_err().is_outcome_unknown();
            assert_eq!(unknown, deadline == 600, "step {steps}");
        }
        assert_eq!(deadlines.next(), None);
    }
}

/// A server that takes no more bytes stops the upload, and has the dot or not by what was written.
#[tokio::test(start_paused = true)]
async fn an_upload_that_stalls_ends_at_its_deadline() {
    let big = message(&["bob@x.example"], &"x\r\n".repeat(1 << 19));
    let dialogue = offering("250-PIPELINING\r\n250 AUTH PLAIN\r\n")
        .hears("AUTH PLAIN AGFkYUBhZ2VudHMuZXhhbXBsZQBjYW5hcnk=\r\n")
        .says("235 ok\r\n")
        .hears("MAIL FROM:<ada@agents.example>\r\nRCPT TO:<bob@x.example>\r\nDATA\r\n")
        .says("250 ok\r\n250 ok\r\n354 go on\r\n")
        .waits(Duration::from_secs(100_000));
    let begin = Instant::now();
    let error = submit(dialogue, &big).await.unwrap_err();
    assert!(matches!(error, Error::Unavailable { .. }), "{error:?}");
    // A second more for the reason, should there be one.
    assert_eq!(begin.elapsed().as_secs(), 180 + 96 + 1);
}

#[tokio::test(start_paused = true)]
async fn refusals_are_told_with_the_servers_words() {
    let flight = "MAIL FROM:<ada@agents.example> SIZE=1\r\nRCPT TO:<bob@x.example>\r\nRCPT TO:<eve@x.example>\r\nDATA\r\n";
    for (replies, status, of_recipients) in [
        ("550 5.7.1 a\r\n503 b\r\n503 c\r\n503 d\r\n", "550 5.7.1 a", false),
        ("550 5.7.1 a\r\n250 b\r\n250 c\r\n354 d\r\n", "550 5.7.1 a", false),
        ("250 a\r\n550 b\r\n550 c\r\n554 d\r\n", "550 b", true),
        ("250 a\r\n550 b\r\n451 c\r\n554 d\r\n", "451 c", true),
        // A server that wants a message for nobody gets none.
        ("250 a\r\n550 b\r\n551 c\r\n354 d\r\n", "550 b", true),
        ("250 a\r\n250 b\r\n550 c\r\n451 4.3.0 d\r\n", "451 4.3.0 d", false),
        ("421 4.3.2 a\r\n421 b\r\n421 c\r\n421 d\r\n", "421 4.3.2 a", false),
    ] {
        let script = Script::of([logged_in().hears(flight).says(replies)]);
        let sent = message(&["bob@x.example", "eve@x.example"], "x");
        let error = script.mail().submit(&ada(), &sent).await.unwrap_err();
        match error {
            Error::Refused { .. } => assert!(!of_recipients, "{replies:?}"),
            Error::RecipientsRefused { ref refused, .. } => {
                assert!(of_recipients && refused.len() == 2, "{replies:?}");
            }
            other => panic!("{replies:?}: {other:?}"),
        }
        assert_eq!(error.status().unwrap().to_string(), status);
        tokio::task::yield_now().await;
        let after = script.heard().split_once("DATA\r\n").unwrap().1.to_owned();
        assert!(["", "QUIT\r\n"].contains(&after.as_str()), "{after:?}");
        assert!(!replies.contains("354") || after.is_empty(), "QUIT would be a line of the message");
    }
}

#[tokio::test(start_paused = true)]
async fn the_last_reply_decides() {
    for (reply, expected) in [
        ("554 5.7.1 spam\r\n", "refused"),
        ("451 later\r\n", "refused"),
        ("421 shutting down\r\n", "refused"),
        ("334 what\r\n", "interrupted"),
        ("nonsense\r\n", "interrupted"),
        ("250-queued\r\n251 or not\r\n", "interrupted"),
        ("250 queued\n", "interrupted"),
    ] {
        let dialogue = logged_in().then(one_message());
        let dialogue = dialogue.clone().silent_after(dialogue.steps() - 1).says(reply).closes();
        let kind = match submit(dialogue, &to_bob()).await {
            Err(Error::Refused { .. }) => "refused",
            Err(Error::Interrupted { .. }) => "interrupted",
            other => panic!("{reply:?}: {other:?}"),
        };
        assert_eq!(kind, expected, "{reply:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn no_reply_comes_before_its_question() {
    let login = "AUTH PLAIN AGFkYUBhZ2VudHMuZXhhbXBsZQBjYW5hcnk=\r\n";
    let flight = "MAIL FROM:<ada@agents.example> SIZE=18\r\nRCPT TO:<bob@x.example>\r\nDATA\r\n";
    for dialogue in [
        Dialogue::default().says("220 a\r\n250 AUTH PLAIN\r\n"),
        offering("250 AUTH PLAIN\r\n235 ok\r\n"),
        offering("250 AUTH PLAIN\r\n").hears(login).says("235 ok\r\n250 ok\r\n"),
        logged_in().hears(flight).says("250 a\r\n250 b\r\n354 c\r\n250 queued\r\n"),
        logged_in().hears(flight).says("250 a\r\n250 b\r\n250 c\r\n"),
        logged_in().hears(flight).says("250 a\r\n354 b\r\n354 c\r\n"),
        Dialogue::default().says(format!("220 {}\r\n", "x".repeat(4000))),
        Dialogue::default().says("220-x\r\n".repeat(200)),
        offering("250 SIZE 10\r\n"),
    ] {
        let error = submit(dialogue.clone(), &to_bob()).await.unwrap_err();
        assert!(matches!(error, Error::Protocol { .. }), "{dialogue:?}: {error:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_too_large_is_not_sent() {
    let script = Script::of([logged_in()]);
    let large = message(&["bob@x.example"], &"x\r\n".repeat(400));
    let error = script.mail().submit(&ada(), &large).await.unwrap_err();
    assert_eq!(error.status().map(|status| (status.code, status.enhanced)), Some((552, Some((5, 3, 4)))));
    assert!(!script.heard().contains("MAIL"));
}

#[tokio::test(start_paused = true)]
async fn a_refused_login_is_told_from_a_server_that_can_not_check_it() {
    let login = "AUTH PLAIN AGFkYUBhZ2VudHMuZXhhbXBsZQBjYW5hcnk=\r\n";
    for (reply, wrong) in [
        ("535 5.7.8 no\r\n", true),
        ("535 5.7.8 no AGFkYUBhZ2VudHMuZXhhbXBsZQBjYW5hcnk=\r\n", true),
        ("535 5.7.8 canary is wrong\r\n", true),
        ("454 4.7.0 canary can't be checked\r\n", false),
    ] {
        let error =
            submit(offering("250 AUTH PLAIN\r\n").hears(login).says(reply), &to_bob()).await.unwrap_err();
        assert_eq!(matches!(error, Error::Authentication { .. }), wrong, "{reply:?}: {error:?}");
        assert_eq!(error.is_retryable(), !wrong);
        let shown = format!("{error} {error:?}");
        assert!(!shown.contains("canary") && !shown.contains("AGFkYUBh"), "{shown}");
    }
    let nul = Login::new(ada().address().clone(), SecretString::from("a\0b"));
    let script = Script::of([offering("250 AUTH PLAIN\r\n")]);
    assert!(matches!(script.mail().submit(&nul, &to_bob()).await, Err(Error::Invalid { .. })));
}
