//! What exactly goes over the wire, and what is made of the replies.

use super::*;

#[tokio::test(start_paused = true)]
async fn a_message_takes_two_flights() {
    let begin = Instant::now();
    let done = submit(logged_in().then(one_message()), &to_bob()).await.unwrap();
    assert_eq!(done.accepted, ["bob@x.example".parse().unwrap()]);
    assert_eq!(done.refused, []);
    assert_eq!(done.status.to_string(), "250 2.0.0 queued as 7");
    assert_eq!(begin.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn without_pipelining_each_command_waits_for_its_reply() {
    let dialogue = offering("250 AUTH LOGIN\r\n")
        .hears("AUTH LOGIN\r\n")
        .says("334 VXNlcm5hbWU6\r\n")
        .hears("YWRhQGFnZW50cy5leGFtcGxl\r\n")
        .says("334 UGFzc3dvcmQ6\r\n")
        .hears("Y2FuYXJ5\r\n")
        .says("235 ok\r\n")
        .hears("MAIL FROM:<ada@agents.example>\r\n")
        .says("250 ok\r\n")
        .hears("RCPT TO:<bob@x.example>\r\n")
        .says("250 ok\r\n")
        .hears("RCPT TO:<eve@x.example>\r\n")
        .says("550 no\r\n")
        .hears("DATA\r\n")
        .says("354 go on\r\n")
        .hears("x\r\n.\r\n")
        .says("250 queued\r\n");
    let done = submit(dialogue, &message(&["bob@x.example", "eve@x.example"], "x")).await.unwrap();
    assert_eq!((done.accepted.len(), done.refused.len()), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn many_recipients_go_in_several_flights() {
    let recipients: Vec<_> = (0..250).map(|number| format!("a{number}@x.example")).collect();
    let rcpt = |range: std::ops::Range<usize>| -> String {
        recipients[range].iter().map(|one| format!("RCPT TO:<{one}>\r\n")).collect::<Vec<_>>().concat()
    };
    let ok = |count| "250 ok\r\n".repeat(count);
    let dialogue = logged_in()
        .hears(format!("MAIL FROM:<ada@agents.example> SIZE=3\r\n{}", rcpt(0..99)))
        .says(ok(100))
        .hears(rcpt(99..199))
        .says(ok(100))
        .hears(format!("{}DATA\r\n", rcpt(199..250)))
        .says(format!("452 4.5.3 too many\r\n{}354 go on\r\n", ok(50)))
        .hears("x\r\n.\r\n")
        .says("250 queued\r\n");
    let recipients: Vec<_> = recipients.iter().map(String::as_str).collect();
    let done = submit(dialogue, &message(&recipients, "x\r\n")).await.unwrap();
    assert_eq!(done.accepted.len(), 249);
    let (refused, status) = &done.refused[0];
    assert_eq!((refused.to_string().as_str(), status.is_temporary()), ("a199@x.example", true));
}

#[tokio::test(start_paused = true)]
async fn eight_bit_bytes_are_declared() {
    let dialogue = logged_in()
        .hears("MAIL FROM:<ada@agents.example> SIZE=12 BODY=8BITMIME\r\nRCPT TO:<bob@x.example>\r\nDATA\r\n")
        .says("250 ok\r\n250 ok\r\n354 go on\r\n")
        .hears("A: b\r\n\r\n\u{fc}\r\n.\r\n")
        .says("250 queued\r\n");
    assert!(submit(dialogue, &message(&["bob@x.example"], "A: b\r\n\r\n\u{fc}\r\n")).await.is_ok());
    let seven_bit = offering("250 AUTH PLAIN\r\n")
        .hears("AUTH PLAIN AGFkYUBhZ2VudHMuZXhhbXBsZQBjYW5hcnk=\r\n")
        .says("235 ok\r\n");
    let error = submit(seven_bit, &message(&["bob@x.example"], "A: b\r\n\r\n\u{fc}\r\n")).await.unwrap_err();
    assert_eq!(error.status().unwrap().enhanced, Some((5, 6, 3)));
}

#[tokio::test(start_paused = true)]
async fn a_kept_session_takes_the_next_message() {
    let script =
        Script::of([logged_in().then(one_message()).then(one_message()), logged_in().then(one_message())]);
    let mail = script.mail();
    for _ in 0..2 {
        mail.submit(&ada(), &to_bob()).await.unwrap();
    }
    assert_eq!(script.connections(), 1);
    tokio::time::advance(Duration::from_mins(1)).await;
    mail.submit(&ada(), &to_bob()).await.unwrap();
    assert_eq!((script.connections(), script.problems()), (2, vec![]));
}

#[tokio::test(start_paused = true)]
async fn a_session_that_ended_while_kept_is_replaced() {
    let unread = one_message().steps() - 1;
    for ending in [
        Dialogue::default().closes(),
        Dialogue::default().says("421 4.4.2 timeout\r\n").closes(),
        Dialogue::default().says("250 a reply to nothing\r\n"),
        one_message().cut_after(20),
        one_message().silent_after(1).says("421 4.3.2 shutting down\r\n"),
        Dialogue::default().waits(Duration::from_secs(1)).closes(),
    ] {
        let first = logged_in().then(one_message()).then(ending.clone());
        let script = Script::of([first, logged_in().then(one_message())]);
        let mail = script.mail();
        mail.submit(&ada(), &to_bob()).await.unwrap();
        tokio::task::yield_now().await;
        let begin = Instant::now();
        let done = mail.submit(&ada(), &to_bob()).await;
        assert!(done.is_ok(), "{ending:?}: {done:?}");
        assert!(begin.elapsed() <= Duration::from_secs(1), "{ending:?}");
        assert_eq!(script.connections(), 2, "{ending:?}");
    }
    // Once the message is on its way, a lost link is not repaired in silence.
    let first = logged_in().then(one_message()).then(one_message().silent_after(unread).closes());
    let script = Script::of([first, logged_in().then(one_message())]);
    let mail = script.mail();
    mail.submit(&ada(), &to_bob()).await.unwrap();
    assert!(matches!(mail.submit(&ada(), &to_bob()).await, Err(Error::Interrupted { .. })));
    assert_eq!(script.connections(), 1);
}

#[tokio::test(start_paused = true)]
async fn another_password_never_gets_a_kept_session() {
    let refusing = offering("250 AUTH PLAIN\r\n")
        .hears("AUTH PLAIN AGFkYUBhZ2VudHMuZXhhbXBsZQBvdGhlcg==\r\n")
        .says("535 5.7.8 no\r\n");
    let script = Script::of([logged_in().then(one_message()), refusing]);
    let mail = script.mail();
    mail.submit(&ada(), &to_bob()).await.unwrap();
    let eve = Login::new(ada().address().clone(), SecretString::from("other"));
    assert!(matches!(mail.submit(&eve, &to_bob()).await, Err(Error::Authentication { .. })));
    assert_eq!(script.problems(), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_session_that_refused_a_message_is_left_with_quit() {
    let dialogue = logged_in()
        .hears("MAIL FROM:<ada@agents.example> SIZE=18\r\nRCPT TO:<bob@x.example>\r\nDATA\r\n")
        .says("250 ok\r\n553 5.7.1 not yours\r\n554 5.5.1 no valid recipients\r\n")
        .hears("QUIT\r\n");
    let script = Script::of([dialogue]);
    let error = script.mail().submit(&ada(), &to_bob()).await.unwrap_err();
    assert_eq!(error.to_string(), "submit: the server refused: 553 5.7.1 not yours");
    tokio::task::yield_now().await;
    assert!(script.heard().ends_with("QUIT\r\n"), "{}", script.heard());
}
