//! Servers that refuse, fall silent or leave.

use std::task::Poll;

use super::*;

#[tokio::test(start_paused = true)]
async fn a_link_lost_at_any_byte_is_never_an_answer() {
    let whole = two_messages();
    // What is said to the farewell no longer matters.
    let farewell = "+OK\r\n+OK bye\r\n".len();
    for k in 0..whole.said() - farewell {
        let done = fetch(whole.clone().cut_after(k)).await;
        assert!(matches!(done, Err(Error::Unavailable { .. })), "after {k} bytes: {done:?}");
    }
    for k in 0..=farewell {
        let done = fetch(whole.clone().cut_after(whole.said() - k)).await;
        assert_eq!(uids(&done.unwrap()), [1, 2], "{k} bytes before the end");
    }
}

#[tokio::test(start_paused = true)]
async fn a_link_lost_while_marking_or_waiting_is_never_an_answer() {
    let whole = logged_in().then(lists(&["a", "b"]));
    for k in 0..whole.said() {
        let script = Script::each(whole.clone().cut_after(k), 1 << 10);
        let (mail, start) = (mail(&script), Position { uid_validity: 7, uid: 0 });
        let marked = mail.mark_seen(&ada(), 7, &[uid(1)]).await;
        assert!(matches!(marked, Err(Error::Unavailable { .. })), "after {k} bytes: {marked:?}");
        let waited = mail.wait(&ada(), start, Duration::from_secs(1)).await;
        assert!(matches!(waited, Err(Error::Unavailable { .. })), "after {k} bytes: {waited:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn silence_ends_at_the_deadline_in_every_state() {
    let whole = two_messages();
    for steps in 0..whole.steps() {
        let begin = Instant::now();
        let done = fetch(whole.clone().silent_after(steps)).await;
        let took = begin.elapsed().as_secs();
        if steps < whole.steps() - 2 {
            assert!(matches!(done, Err(Error::Unavailable { .. })), "{steps}: {done:?}");
            assert_eq!(took, if steps == 0 { 30 } else { 60 }, "{steps}");
        } else {
            assert_eq!(
                (uids(&done.unwrap()), took),
                (vec![1, 2], 5),
                "{steps}: only the farewell is missing"
            );
        }
    }
}

/// A slow download goes on as long as bytes come, and one that stops within a message or crawls does not.
#[tokio::test(start_paused = true)]
async fn a_download_lives_on_its_bytes() {
    let listed = || logged_in().then(lists_sizes(&[("a", 32 << 20)])).hears("RETR 1\r\n").says("+OK\r\n");
    let slow = |pause, bytes: usize| {
        (0..bytes).fold(listed(), |slow, _| slow.waits(Duration::from_secs(pause)).says("x"))
    };
    let begin = Instant::now();
    let done = fetch(slow(59, 20).says("\r\n.\r\n").then(leaves())).await.unwrap();
    assert_eq!((done.messages[0].raw().len(), begin.elapsed().as_secs()), (22, 20 * 59));
    let begin = Instant::now();
    assert!(matches!(fetch(slow(61, 1)).await, Err(Error::Unavailable { .. })));
    assert_eq!(begin.elapsed().as_secs(), 60);
    let begin = Instant::now();
    assert!(matches!(fetch(slow(59, 100)).await, Err(Error::Unavailable { .. })));
    assert_eq!(begin.elapsed().as_secs(), 60 + (32 << 20) / (16 << 10));
}

#[tokio::test(start_paused = true)]
async fn no_refusal_is_an_empty_batch() {
    for (answer, kind) in [
        ("-ERR no\r\n", "refused"),
        ("-ERR [SYS/TEMP] later\r\n", "refused"),
        ("+ more\r\n", "protocol"),
        ("* BYE\r\n", "protocol"),
        ("\r\n", "protocol"),
        ("", "unavailable"),
    ] {
        let stat = logged_in().hears("STAT\r\nLIST\r\nUIDL\r\n");
        for before in [
            "",
            "+OK 0 0\r\n",
            "+OK 0 0\r\n+OK\r\n.\r\n",
            "+OK 1 14\r\n+OK\r\n1 14\r\n.\r\n+OK\r\n1 a\r\n.\r\n",
        ] {
            let dialogue = stat.clone().says(before).says(answer);
            let dialogue = if before.contains("1 a") {
                logged_in().then(lists(&["a"])).hears("RETR 1\r\n").says(answer)
            } else {
                dialogue
            };
            let script = Script::each(dialogue.closes(), 1 << 10);
            let error = fetch_all(&mail(&script)).await.unwrap_err();
            let found = match &error {
                Error::Refused { .. } => "refused",
                Error::Protocol { .. } => "protocol",
                Error::Unavailable { .. } => "unavailable",
                _ => "another",
            };
            // A message that is refused may be that message: it is asked for once more, and this server has gone.
            let is_message = before.contains("1 a") && answer == "-ERR no\r\n";
            assert_eq!(
                found,
                if is_message { "unavailable" } else { kind },
                "{before:?} {answer:?}: {error:?}"
            );
            assert_eq!(error.is_retryable(), is_message || answer.contains("TEMP") || kind == "unavailable");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_dropped_call_harms_no_other() {
    for polls in 0.. {
        let script = Script::each(two_messages(), 16);
        let mail = mail(&script);
        let (login, selection) = (ada(), Selection::After(None));
        let mut call = mail.fetch(&login, &selection, 10);
        let mut left = polls;
        let finished = std::future::poll_fn(|cx| {
            if left == 0 {
                return Poll::Ready(false);
            }
            left -= 1;
            call.as_mut().poll(cx).map(|done| done.is_ok())
        })
        .await;
        drop(call);
        if finished {
            assert!(polls > 10, "a call of {polls} polls was not cut finely");
            return;
        }
        let batch = mail.fetch(&login, &selection, 10).await;
        assert_eq!(batch.map(|batch| uids(&batch)).unwrap(), [1, 2], "dropped after {polls} polls");
        assert_eq!(script.problems(), [""; 0], "dropped after {polls} polls");
    }
}
