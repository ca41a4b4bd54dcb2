//! The envelope of the next message goes behind the message before, whatever becomes of that one.

use std::sync::Arc;

use tokio::task::JoinHandle;

use super::*;
use crate::SmtpImap;

/// What goes over the wire for one of the messages here.
fn envelope(name: &str) -> String {
    format!("MAIL FROM:<ada@agents.example> SIZE=3\r\nRCPT TO:<{name}@x.example>\r\nDATA\r\n")
}

const GO_ON: &str = "250 2.1.0 ok\r\n250 2.1.5 ok\r\n354 go on\r\n";

fn to(name: &str) -> Outgoing {
    message(&[&format!("{name}@x.example")], "x\r\n")
}

/// Up to the answer to a first message, after which the server is known to be fast, and to where it wants the second.
fn up_to_second() -> Dialogue {
    logged_in()
        .hears(envelope("one"))
        .says(GO_ON)
        .hears("x\r\n.\r\n")
        .says("250 2.0.0 one\r\n")
        .hears(envelope("two"))
        .says(GO_ON)
        .hears(format!("x\r\n.\r\n{}", envelope("three")))
}

fn third_alone() -> Dialogue {
    logged_in().hears(envelope("three")).says(GO_ON).hears("x\r\n.\r\n").says("250 2.0.0 three\r\n")
}

/// Submits a first message, and then the second and the third at a time.
async fn submit_three(mail: &Arc<SmtpImap>, third: Outgoing) -> [JoinHandle<Result<Submission, Error>>; 2] {
    let first = mail.submit(&ada(), &to("one")).await.unwrap();
    assert_eq!(first.status.text, "one");
    [to("two"), third].map(|message| {
        let mail = Arc::clone(mail);
        tokio::spawn(async move { mail.submit(&ada(), &message).await })
    })
}

/// Returns what became of the second and the third message, and how many connections that took.
async fn three(
    connections: usize,
    dialogues: impl IntoIterator<Item = Dialogue>,
    third: Outgoing,
) -> (Result<Submission, Error>, Result<Submission, Error>, usize) {
    let script = Script::of(dialogues);
    let config = Script::config().with_max_smtp_connections(connections, connections);
    let mail = Arc::new(SmtpImap::new(config, Arc::clone(&script) as Arc<dyn crate::Connector>));
    let [second, third] = submit_three(&mail, third).await;
    let told = (second.await.unwrap(), third.await.unwrap(), script.connections());
    assert_eq!(script.problems(), [""; 0]);
    told
}

fn text(told: &Result<Submission, Error>) -> String {
    match told {
        Ok(done) => done.status.to_string(),
        Err(error) => error.status().map_or_else(|| error.to_string(), ToString::to_string),
    }
}

#[tokio::test(start_paused = true)]
async fn two_messages_take_one_flight_each() {
    let dialogue = up_to_second()
        .says(format!("250 2.0.0 two\r\n{GO_ON}"))
        .hears("x\r\n.\r\n")
        .says("250 2.0.0 three\r\n");
    let (second, third, connections) = three(1, [dialogue], to("three")).await;
    assert_eq!((text(&second).as_str(), text(&third).as_str()), ("250 2.0.0 two", "250 2.0.0 three"));
    assert_eq!(connections, 1);
}

#[tokio::test(start_paused = true)]
async fn a_refused_message_does_no_harm_to_the_one_behind_it() {
    for refusal in ["554 5.7.1 spam", "451 4.7.1 later"] {
        let dialogue = up_to_second()
            .says(format!("{refusal}\r\n{GO_ON}"))
            .hears("x\r\n.\r\n")
            .says("250 2.0.0 three\r\n");
        let (second, third, connections) = three(1, [dialogue], to("three")).await;
        assert!(matches!(second, Err(Error::Refused { .. })), "{second:?}");
        assert_eq!((text(&second).as_str(), text(&third).as_str()), (refusal, "250 2.0.0 three"));
        assert_eq!(connections, 1);
    }
}

#[tokio::test(start_paused = true)]
async fn refused_recipients_of_the_next_message_are_its_own() {
    let flight =
        "MAIL FROM:<ada@agents.example> SIZE=3\r\nRCPT TO:<no@x.example>\r\nRCPT TO:<yes@x.example>\r\n";
    let third = || message(&["no@x.example", "yes@x.example"], "x\r\n");
    let start = |end: &str| {
        logged_in()
            .hears(envelope("one"))
            .says(GO_ON)
            .hears("x\r\n.\r\n")
            .says("250 2.0.0 one\r\n")
            .hears(envelope("two"))
            .says(GO_ON)
            .hears(format!("x\r\n.\r\n{flight}{end}"))
    };
    let replies = "250 2.0.0 two\r\n250 2.1.0 ok\r\n550 5.1.1 no\r\n250 2.1.5 yes\r\n";
    let dialogue = start("DATA\r\n")
        .says(format!("{replies}354 go on\r\n"))
        .hears("x\r\n.\r\n")
        .says("250 2.0.0 three\r\n");
    let (second, done, _) = three(1, [dialogue], third()).await;
    assert_eq!((second.unwrap().refused, text(&done).as_str()), (vec![], "250 2.0.0 three"));
    let done = done.unwrap();
    assert_eq!(done.accepted, ["yes@x.example".parse().unwrap()]);
    assert_eq!(done.refused[0].0, "no@x.example".parse().unwrap());

    // With all or nothing the go-ahead is asked for later, or not at all.
    let dialogue = start("").says(replies).hears("RSET\r\n");
    let dialogue = dialogue.says("250 ok\r\n");
    let script = Script::of([dialogue]);
    let config = Script::config().with_max_smtp_connections(1, 1);
    let mail = Arc::new(SmtpImap::new(config, Arc::clone(&script) as Arc<dyn crate::Connector>));
    let [second, third] = submit_three(&mail, third().with_all_or_nothing()).await;
    assert_eq!(text(&second.await.unwrap()), "250 2.0.0 two");
    assert!(
        matches!(third.await.unwrap(), Err(Error::RecipientsRefused { refused, .. }) if refused.len() == 1)
    );
    // A further message finds the rest of the envelope there, and takes it out first.
    let _ = tokio::time::timeout(Duration::from_secs(1), mail.submit(&ada(), &to("four"))).await;
    assert!(script.heard().contains("RSET\r\nMAIL"), "{}", script.heard());
}

/// None of the third message's content went out, so that it may go by another connection.
#[tokio::test(start_paused = true)]
async fn a_lost_link_costs_the_next_message_nothing() {
    for (said, second_is) in [
        // The answer to the second message is lost with the link, or comes before the link is.
        (String::new(), "unknown"),
        ("250 2.0.0 two\r\n".to_owned(), "250 2.0.0 two"),
        (format!("250 2.0.0 two\r\n{}", &GO_ON[..20]), "250 2.0.0 two"),
        ("554 5.7.1 spam\r\n".to_owned(), "554 5.7.1 spam"),
        ("nonsense\r\n".to_owned(), "unknown"),
        // It doesn't take what comes behind a message.
        ("250 2.0.0 two\r\n503 5.5.1 a\r\n503 5.5.1 b\r\n503 5.5.1 c\r\n".to_owned(), "250 2.0.0 two"),
        ("250 2.0.0 two\r\n421 4.3.2 bye\r\n".to_owned(), "250 2.0.0 two"),
    ] {
        let first = up_to_second().says(&said).closes();
        let (second, third, connections) = three(1, [first, third_alone()], to("three")).await;
        assert_eq!(
            matches!(second, Err(Error::Interrupted { .. })),
            second_is == "unknown",
            "{said:?}: {second:?}"
        );
        assert!(second_is == "unknown" || text(&second) == second_is, "{said:?}: {second:?}");
        assert_eq!((text(&third).as_str(), connections), ("250 2.0.0 three", 2), "{said:?}");
    }
}

/// A server that is about to close takes neither message; both go by another connection.
#[tokio::test(start_paused = true)]
async fn a_server_that_closes_instead_of_an_answer_gets_both_again() {
    let again = logged_in()
        .hears(envelope("two"))
        .says(GO_ON)
        .hears("x\r\n.\r\n")
        .says("250 2.0.0 two\r\n")
        .hears(envelope("three"))
        .says(GO_ON)
        .hears("x\r\n.\r\n")
        .says("250 2.0.0 three\r\n");
    let first = up_to_second().says("421 4.3.2 bye\r\n").closes();
    let (second, third, connections) = three(1, [first, again], to("three")).await;
    assert_eq!((text(&second).as_str(), text(&third).as_str()), ("250 2.0.0 two", "250 2.0.0 three"));
    assert_eq!(connections, 2);
}

/// A go-ahead for a message that nobody gets is not followed, and the connection is of no more use.
#[tokio::test(start_paused = true)]
async fn a_message_for_nobody_is_not_sent_behind_another() {
    let first = up_to_second().says("250 2.0.0 two\r\n250 ok\r\n550 5.1.1 no\r\n354 go on\r\n");
    let (second, third, _) = three(1, [first], to("three")).await;
    assert_eq!((text(&second).as_str(), text(&third).as_str()), ("250 2.0.0 two", "550 5.1.1 no"));
}

/// Who went ahead waits a second for the answer to the message before, and no longer.
#[tokio::test(start_paused = true)]
async fn a_slow_answer_keeps_the_next_message_waiting_for_a_second() {
    let slow = Duration::from_mins(9);
    let alone = |name: &str, time| {
        let asked = Dialogue::default().hears(envelope(name)).says(GO_ON).hears("x\r\n.\r\n");
        asked.waits(time).says(format!("250 2.0.0 {name}\r\n"))
    };
    let first = || up_to_second().waits(slow).says(format!("250 2.0.0 two\r\n{GO_ON}"));
    let other = logged_in().then(alone("other", Duration::from_millis(900)));
    let third = alone("three", Duration::ZERO);
    // There is another connection, which is free again by then, or none but this one.
    for (connections, second) in [(2, other.then(third.clone())), (1, logged_in().then(third))] {
        let script = Script::of([first(), second]);
        let config = Script::config().with_max_smtp_connections(connections, connections);
        let config = config.with_max_smtp_wait(Duration::from_mins(20));
        let mail = Arc::new(SmtpImap::new(config, Arc::clone(&script) as Arc<dyn crate::Connector>));
        assert_eq!(text(&mail.submit(&ada(), &to("one")).await), "250 2.0.0 one");
        let begin = Instant::now();
        let names = if connections == 2 { &["two", "other", "three"][..] } else { &["two", "three"] };
        let calls: Vec<_> = names
            .iter()
            .map(|name| {
                let (mail, message) = (Arc::clone(&mail), to(name));
                tokio::spawn(async move { (mail.submit(&ada(), &message).await, begin.elapsed()) })
            })
            .collect();
        for (call, name) in calls.into_iter().zip(names) {
            let (told, took) = call.await.unwrap();
            assert_eq!(text(&told), format!("250 2.0.0 {name}"));
            let expected = match (*name, connections) {
                ("other", _) => Duration::from_millis(900),
                ("three", 2) => Duration::from_secs(1),
                _ => slow,
            };
            assert_eq!(took.as_millis(), expected.as_millis(), "{name}");
        }
        tokio::task::yield_now().await;
        assert_eq!((script.connections(), script.problems()), (2, vec![]));
        assert!(!script.heard().contains("DATA\r\nQUIT"), "it is a line of a message: {}", script.heard());
    }
}

/// A server that was slow the last time gets nothing ahead.
#[tokio::test(start_paused = true)]
async fn a_slow_server_gets_one_message_at_a_time() {
    let alone = |name: &str| {
        Dialogue::default()
            .hears(envelope(name))
            .says(GO_ON)
            .hears("x\r\n.\r\n")
            .waits(Duration::from_millis(300))
            .says(format!("250 2.0.0 {name}\r\n"))
    };
    let dialogue = logged_in().then(alone("one")).then(alone("two")).then(alone("three"));
    let (second, third, connections) = three(1, [dialogue], to("three")).await;
    assert_eq!((text(&second).as_str(), text(&third).as_str()), ("250 2.0.0 two", "250 2.0.0 three"));
    assert_eq!(connections, 1);
}

/// Its envelope is out: it is carried to its end, and the connection stays of use.
#[tokio::test(start_paused = true)]
async fn a_call_dropped_when_its_envelope_is_out_is_carried_to_its_end() {
    let pause = Duration::from_millis(100);
    let dialogue = up_to_second()
        .waits(pause)
        .says(format!("250 2.0.0 two\r\n{GO_ON}"))
        .hears("x\r\n.\r\n")
        .says("250 2.0.0 three\r\n")
        .hears(envelope("four"))
        .says(GO_ON)
        .hears("x\r\n.\r\n")
        .says("250 2.0.0 four\r\n");
    let script = Script::of([dialogue]);
    let config = Script::config().with_max_smtp_connections(1, 1);
    let mail = Arc::new(SmtpImap::new(config, Arc::clone(&script) as Arc<dyn crate::Connector>));
    let [second, third] = submit_three(&mail, to("three")).await;
    tokio::time::sleep(pause / 2).await;
    assert!(script.heard().ends_with(&envelope("three")), "{}", script.heard());
    third.abort();
    assert!(third.await.is_err());
    assert_eq!(text(&second.await.unwrap()), "250 2.0.0 two");
    assert_eq!(text(&mail.submit(&ada(), &to("four")).await), "250 2.0.0 four");
    assert_eq!((script.connections(), script.problems()), (1, vec![]));
}

/// Chunks need no go-ahead, and go one behind the other in the same way.
#[tokio::test(start_paused = true)]
async fn chunks_go_behind_each_other() {
    let chunk = "BDAT 3 LAST\r\nx\r\n";
    let envelope = |name: &str| envelope(name).replace("DATA\r\n", "").replace(" SIZE=3", "");
    let ok = "250 2.1.0 ok\r\n250 2.1.5 ok\r\n";
    let dialogue = offering("250-PIPELINING\r\n250-CHUNKING\r\n250 AUTH PLAIN\r\n")
        .hears("AUTH PLAIN AGFkYUBhZ2VudHMuZXhhbXBsZQBjYW5hcnk=\r\n")
        .says("235 ok\r\n")
        .hears(envelope("one"))
        .says(ok)
        .hears(chunk)
        .says("250 2.0.0 one\r\n")
        .hears(envelope("two"))
        .says(ok)
        .hears(format!("{chunk}{}", envelope("three")))
        .says(format!("554 5.7.1 two\r\n{ok}"))
        .hears(chunk)
        .says("250 2.0.0 three\r\n");
    let (second, third, connections) = three(1, [dialogue], to("three")).await;
    assert_eq!((text(&second).as_str(), text(&third).as_str()), ("554 5.7.1 two", "250 2.0.0 three"));
    assert_eq!(connections, 1);
}
