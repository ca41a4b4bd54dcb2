//! What is used of what a server offers, and what is refused where it doesn't.

use super::*;
use crate::{DeliveryReports, Reason};

const LOGIN: &str = "AUTH PLAIN AGFkYUBhZ2VudHMuZXhhbXBsZQBjYW5hcnk=\r\n";

/// Up to the login, with these extensions.
fn with(extensions: &[&str]) -> Dialogue {
    let lines = extensions.iter().map(|line| format!("250-{line}\r\n")).collect::<Vec<_>>().concat();
    offering(&format!("{lines}250 AUTH PLAIN\r\n")).hears(LOGIN).says("235 ok\r\n")
}

#[tokio::test(start_paused = true)]
async fn reports_are_asked_for_as_they_are_wanted() {
    let all = DeliveryReports::none().with_success().with_failure().with_delay().with_whole_message();
    for (reports, mail, rcpt) in [
        (DeliveryReports::none(), "", "NEVER"),
        (DeliveryReports::none().with_failure().with_header_only(), " RET=HDRS", "FAILURE"),
        (all.with_envelope_id("a+b c").unwrap(), " RET=FULL ENVID=a+2Bb+20c", "SUCCESS,FAILURE,DELAY"),
    ] {
        let flight = format!(
            "MAIL FROM:<ada@agents.example>{mail}\r\n\
             RCPT TO:<bob+tag@x.example> NOTIFY={rcpt} ORCPT=rfc822;bob+2Btag@x.example\r\nDATA\r\n"
        );
        let dialogue = with(&["PIPELINING", "DSN"])
            .hears(flight)
            .says("250 ok\r\n250 ok\r\n354 go on\r\n")
            .hears("x\r\n.\r\n")
            .says("250 queued\r\n");
        let sent = message(&["bob+tag@x.example"], "x\r\n").with_reports(reports);
        let done = submit(dialogue, &sent).await;
        assert!(done.is_ok(), "{done:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_the_server_can_not_do_is_refused_before_anything_is_sent() {
    let reports = to_bob().with_reports(DeliveryReports::none().with_success());
    let script = Script::of([with(&["PIPELINING"])]);
    let error = script.mail().submit(&ada(), &reports).await.unwrap_err();
    assert_eq!(error.status().map(|status| status.code), Some(555), "{error:?}");
    assert!(!error.is_retryable() && !script.heard().contains("MAIL"), "{}", script.heard());
}

#[tokio::test(start_paused = true)]
async fn a_chunk_says_its_length_and_needs_no_dots() {
    for (content, sent) in [
        ("Subject: x\r\n\r\n.y\r\n", "BDAT 18 LAST\r\nSubject: x\r\n\r\n.y\r\n"),
        ("x\r\n.", "BDAT 6 LAST\r\nx\r\n.\r\n"),
        ("\r\n.\r\nQUIT\r\n", "BDAT 11 LAST\r\n\r\n.\r\nQUIT\r\n"),
    ] {
        let dialogue = with(&["PIPELINING", "CHUNKING"])
            .hears("MAIL FROM:<ada@agents.example>\r\nRCPT TO:<bob@x.example>\r\n")
            .says("250 ok\r\n250 ok\r\n")
            .hears(sent)
            .says("250 2.0.0 queued\r\n");
        let done = submit(dialogue, &message(&["bob@x.example"], content)).await;
        assert!(done.is_ok(), "{content:?}: {done:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_chunk_that_is_cut_is_told_for_what_it_is() {
    let begun = with(&["PIPELINING", "CHUNKING"])
        .hears("MAIL FROM:<ada@agents.example>\r\nRCPT TO:<bob@x.example>\r\n")
        .says("250 ok\r\n250 ok\r\n");
    let answered = |reply: &str| begun.clone().hears("BDAT 3 LAST\r\nx\r\n").says(reply);
    for (dialogue, expected) in [
        (begun.clone().hears("BDAT 3 LAST\r\nx\r\n").closes(), "interrupted"),
        (answered("250-half\r\n").closes(), "interrupted"),
        (answered("354 go on\r\n"), "interrupted"),
        (answered("550 5.7.1 spam\r\n"), "refused"),
        (begun.clone().closes(), "lost"),
    ] {
        let kind = match submit(dialogue.clone(), &message(&["bob@x.example"], "x\r\n")).await {
            Err(Error::Interrupted { .. }) => "interrupted",
            Err(Error::Refused { .. }) => "refused",
            // What was written into a closed connection may have arrived.
            Err(Error::Unavailable { .. }) => "lost",
            other => panic!("{dialogue:?}: {other:?}"),
        };
        assert!(kind == expected || (expected == "lost" && kind == "interrupted"), "{dialogue:?}: {kind}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_that_leaves_during_the_upload_is_heard_out() {
    let big = message(&["bob@x.example"], &"x\r\n".repeat(1 << 19));
    let dialogue = with(&["PIPELINING"])
        .hears("MAIL FROM:<ada@agents.example>\r\nRCPT TO:<bob@x.example>\r\nDATA\r\n")
        .says("250 ok\r\n250 ok\r\n354 go on\r\n552 5.3.4 message too big\r\n")
        .closes();
    // The reply is there before the first byte of the message: a server that is out of step.
    assert!(matches!(submit(dialogue, &big).await, Err(Error::Protocol { .. })));
    let dialogue = with(&["PIPELINING"])
        .hears("MAIL FROM:<ada@agents.example>\r\nRCPT TO:<bob@x.example>\r\nDATA\r\n")
        .says("250 ok\r\n250 ok\r\n354 go on\r\n")
        .hears("x\r\nx\r\n")
        .says("552 5.3.4 message too big\r\n")
        .closes();
    let error = submit(dialogue, &big).await.unwrap_err();
    assert_eq!(error.reason(), Some(Reason::TooLarge), "{error:?}");
}

#[tokio::test(start_paused = true)]
async fn all_or_nothing_sends_nothing_if_one_is_refused() {
    let sent = || message(&["bob@x.example", "eve@x.example"], "x\r\n").with_all_or_nothing();
    let envelope = "MAIL FROM:<ada@agents.example>\r\nRCPT TO:<bob@x.example>\r\nRCPT TO:<eve@x.example>\r\n";
    for extensions in [&["PIPELINING"][..], &["PIPELINING", "CHUNKING"]] {
        for (replies, retryable) in [
            ("250 a\r\n250 b\r\n550 5.1.1 c\r\n", false),
            ("250 a\r\n450 4.2.1 b\r\n250 c\r\n", true),
            ("250 a\r\n450 4.2.1 b\r\n550 5.1.1 c\r\n", false),
            ("250 a\r\n550 5.1.1 b\r\n450 4.2.1 c\r\n", false),
        ] {
            let script = Script::of([with(extensions).hears(envelope).says(replies)]);
            let error = script.mail().submit(&ada(), &sent()).await.unwrap_err();
            let Error::RecipientsRefused { refused, .. } = &error else { panic!("{replies:?}: {error:?}") };
            assert_eq!(refused.len(), 3 - replies.matches("250").count(), "{replies:?}");
            assert_eq!(error.is_retryable(), retryable, "{replies:?}");
            tokio::task::yield_now().await;
            let after = script.heard().split_once(envelope).unwrap().1.to_owned();
            assert!(["", "QUIT\r\n"].contains(&after.as_str()), "{after:?}");
        }
        let dialogue = with(extensions).hears(envelope).says("250 a\r\n250 b\r\n250 c\r\n");
        let dialogue = if extensions.len() == 1 {
            dialogue.hears("DATA\r\n").says("354 go on\r\n").hears("x\r\n.\r\n")
        } else {
            dialogue.hears("BDAT 3 LAST\r\nx\r\n")
        };
        let done = submit(dialogue.says("250 queued\r\n"), &sent()).await.unwrap();
        assert_eq!(done.accepted.len(), 2);
    }
}

/// A session, without the pool that would leave it.
#[tokio::test(start_paused = true)]
async fn a_session_takes_the_next_message_after_a_refusal() {
    let refused = "MAIL FROM:<ada@agents.example>\r\nRCPT TO:<bob@x.example>\r\n";
    let dialogue = with(&["PIPELINING", "CHUNKING"])
        .hears(refused)
        .says("250 ok\r\n550 5.1.1 no\r\n")
        .hears(format!("RSET\r\n{refused}"))
        .says("250 ok\r\n250 ok\r\n250 ok\r\n")
        .hears("BDAT 3 LAST\r\nx\r\n")
        .says("451 4.7.1 Try again later\r\n")
        .hears(format!("RSET\r\n{refused}"))
        .says("250 ok\r\n250 ok\r\n250 ok\r\n")
        .hears("BDAT 3 LAST\r\nx\r\n")
        .says("250 queued\r\n")
        .hears(refused)
        .says("421 4.3.2 bye\r\n");
    let script = Script::of([dialogue]);
    let server = crate::Endpoint::new("mail.agents.example", 465).unwrap();
    let security = crate::Security::ImplicitTls;
    let mut session = super::super::Session::connect(&*script, &server, security, &ada()).await.unwrap();
    let sent = message(&["bob@x.example"], "x\r\n");
    for outcome in ["refused", "refused", "taken", "refused"] {
        assert!(session.is_usable(), "before it is {outcome}");
        let done = async {
            let recipients = session.envelope(&sent).await?;
            let content = session.upload(&sent).await?;
            session.finish(content, None).await.map(|_| recipients)
        };
        let done = done.await;
        assert_eq!(done.is_ok(), outcome == "taken", "{done:?}");
    }
    assert!(!session.is_usable(), "421 ends it");
    assert_eq!(script.problems(), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_died_at_rest_is_replaced_within_a_minute() {
    let script = Script::of([logged_in().then(one_message()), logged_in().then(one_message())]);
    let mail = script.mail();
    mail.submit(&ada(), &to_bob()).await.unwrap();
    tokio::time::advance(Duration::from_secs(30)).await;
    let begin = Instant::now();
    mail.submit(&ada(), &to_bob()).await.unwrap();
    assert_eq!((begin.elapsed().as_secs(), script.connections()), (60, 2));
}
