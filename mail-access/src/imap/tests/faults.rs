//! Servers that refuse, fall silent or leave.

use super::*;

#[tokio::test(start_paused = true)]
async fn a_link_lost_at_any_byte_is_never_an_answer() {
    let whole = logged_in().then(two_messages());
    for k in 0..whole.said() {
        let done = fetch_all(whole.clone().cut_after(k)).await;
        assert!(matches!(done, Err(Error::Unavailable { .. })), "after {k} bytes: {done:?}");
    }
    assert_eq!(uids(&fetch_all(whole).await.unwrap()), [3, 5]);
}

#[tokio::test(start_paused = true)]
async fn silence_ends_at_the_deadline_in_every_state() {
    let whole = logged_in().then(two_messages());
    for steps in 0..whole.steps() {
        let begin = Instant::now();
        let done = fetch_all(whole.clone().silent_after(steps)).await;
        assert!(matches!(done, Err(Error::Unavailable { .. })), "{steps}: {done:?}");
        assert_eq!(begin.elapsed().as_secs(), if steps == 0 { 30 } else { 60 }, "{steps}");
    }
}

/// A slow download goes on as long as bytes come, and one that stops within a message does not.
#[tokio::test(start_paused = true)]
async fn a_download_lives_on_its_bytes() {
    let listed = logged_in()
        .then(select("A1", 1, 4))
        .then(asks("A2", "UID FETCH 1:3 (UID RFC822.SIZE)", &sizes(&[3])))
        .hears(format!("A3 UID FETCH 3 {BODIES}\r\n"));
    let answer = format!("{}A3 OK done\r\n", body(3));
    let slow = |pause| {
        let (first, rest) = answer.split_at(answer.len() - 25);
        rest.bytes().fold(listed.clone().says(first), |slow, byte| {
            slow.waits(Duration::from_secs(pause)).says([byte])
        })
    };
    let begin = Instant::now();
    assert_eq!(uids(&fetch_all(slow(40)).await.unwrap()), [3]);
    assert_eq!(begin.elapsed().as_secs(), 1000);
    let begin = Instant::now();
    assert!(matches!(fetch_all(slow(61)).await, Err(Error::Unavailable { .. })));
    assert_eq!(begin.elapsed().as_secs(), 60);
}

#[tokio::test(start_paused = true)]
async fn no_refusal_is_an_empty_batch() {
    for (command, before) in [("A1", 0), ("A2", 1), ("A3", 2)] {
        let steps = logged_in().steps() + before * 2 + 1;
        for (answer, expected) in [
            (format!("{command} NO [SERVERBUG] later\r\n"), "refused"),
            // Of the bodies one may be refused: the others are asked for, and the server is gone.
            (format!("{command} NO no\r\n"), if command == "A3" { "unavailable" } else { "refused" }),
            (format!("{command} BAD what\r\n"), "protocol"),
            ("A99 OK done\r\n".to_owned(), "protocol"),
            ("+ more\r\n".to_owned(), "protocol"),
            ("* BYE\r\n".to_owned(), "unavailable"),
            (String::new(), "unavailable"),
        ] {
            let dialogue = logged_in().then(two_messages()).silent_after(steps).says(&answer).closes();
            let error = fetch_all(dialogue).await.unwrap_err();
            let kind = match &error {
                Error::Refused { .. } => "refused",
                Error::Protocol { .. } => "protocol",
                Error::Unavailable { .. } => "unavailable",
                _ => "another",
            };
            assert_eq!(kind, expected, "{answer:?}: {error:?}");
            assert_eq!(error.is_retryable(), answer.contains("SERVERBUG") || expected == "unavailable");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_dropped_call_harms_no_other() {
    for moment in 0.. {
        let script = Script::each(logged_in().then(two_messages()).paced(), 64);
        let mail = script.mail();
        let (login, selection) = (ada(), Selection::After(None));
        let mut call = mail.fetch(&login, &selection, 10);
        let finished = tokio::time::timeout(Duration::from_millis(moment), &mut call).await.is_ok();
        drop(call);
        if finished {
            assert!(moment > 20, "a call of {moment} steps was not cut finely");
            return;
        }
        let batch = mail.fetch(&login, &selection, 10).await;
        assert_eq!(batch.map(|batch| uids(&batch)).unwrap(), [3, 5], "dropped after {moment} steps");
        assert_eq!(script.problems(), [""; 0], "dropped after {moment} steps");
    }
}
