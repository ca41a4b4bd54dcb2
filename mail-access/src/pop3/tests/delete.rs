//! Removing messages: they go when the session ends, all of them or none.

use super::*;

/// Lists three messages and numbers them, for the calls that follow.
fn listed() -> Dialogue {
    logged_in().then(lists(&["a", "b", "c"])).then(leaves())
}

fn deletes() -> Dialogue {
    logged_in()
        .then(lists(&["a", "b", "c"]))
        .hears("DELE 1\r\nDELE 3\r\n")
        .says("+OK\r\n+OK\r\n")
        .hears("QUIT\r\n")
        .says("+OK bye\r\n")
}

async fn delete(mail: &SmtpPop3, uids: &[Uid]) -> Result<(), Error> {
    let Err(Error::Renumbered { found, .. }) = mail.delete(&ada(), 0, uids).await else {
        panic!("0 is no UIDVALIDITY")
    };
    mail.delete(&ada(), found, uids).await
}

#[tokio::test(start_paused = true)]
async fn messages_go_when_the_session_ends() {
    let left = logged_in().then(lists(&["b"])).then(leaves());
    let script = Script::of([listed(), deletes(), left.clone(), left]);
    let mail = mail(&script);
    delete(&mail, &[uid(1), uid(3), uid(9)]).await.unwrap();
    let after = mail.fetch(&ada(), &Selection::Uids(0, vec![]), 1).await.unwrap_err();
    let Error::Renumbered { found, .. } = after else { panic!("{after:?}") };
    mail.delete(&ada(), found, &[uid(1), uid(3)]).await.expect("it is safe to repeat");
    assert_eq!(script.problems(), [""; 0]);
}

/// Up to QUIT nothing has happened; after it nobody knows.
#[tokio::test(start_paused = true)]
async fn a_link_lost_at_any_byte_tells_whether_it_may_have_happened() {
    let farewell = "+OK bye\r\n".len();
    let whole = deletes();
    for k in 0..whole.said() {
        let script = Script::of([listed(), whole.clone().cut_after(k)]);
        let error = delete(&mail(&script), &[uid(1), uid(3)]).await.unwrap_err();
        let may_have = k > whole.said() - farewell;
        let script_says = matches!(error, Error::Interrupted { .. });
        // Behind the last answer to DELE the link may be gone before QUIT is sent, or after.
        if k != whole.said() - farewell {
            assert_eq!(script_says, may_have, "after {k} bytes: {error:?}");
        }
        assert!(script_says || matches!(error, Error::Unavailable { .. }), "after {k} bytes: {error:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn silence_ends_at_the_deadline_in_every_state() {
    let whole = deletes();
    for steps in 0..whole.steps() {
        let script = Script::of([listed(), whole.clone().silent_after(steps)]);
        let begin = Instant::now();
        let error = delete(&mail(&script), &[uid(1), uid(3)]).await.unwrap_err();
        assert_eq!(begin.elapsed().as_secs(), if steps == 0 { 30 } else { 60 }, "{steps}");
        // The server hears QUIT in its last step but one.
        let after_quit = steps + 2 >= whole.steps();
        assert_eq!(matches!(error, Error::Interrupted { .. }), after_quit, "{steps}: {error:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_refusal_removes_nothing_and_is_told() {
    let refused = logged_in()
        .then(lists(&["a", "b", "c"]))
        .hears("DELE 1\r\nDELE 3\r\n")
        .says("-ERR read only\r\n+OK\r\n")
        .hears("RSET\r\n")
        .says("+OK\r\n")
        .hears("QUIT\r\n")
        .says("+OK bye\r\n");
    // Somebody else may have removed it: what is still there is tried again.
    let again = logged_in().then(lists(&["b", "c"])).hears("DELE 2\r\n").says("+OK\r\n").hears("QUIT\r\n");
    let script = Script::of([listed(), refused.clone(), again.clone().says("+OK\r\n")]);
    delete(&mail(&script), &[uid(1), uid(3)]).await.unwrap();
    assert_eq!(script.problems(), [""; 0]);
    let script = Script::of([listed(), refused.clone(), refused.clone(), refused]);
    let error = delete(&mail(&script), &[uid(1), uid(3)]).await.unwrap_err();
    assert_eq!(error.to_string(), "delete: the server refused: read only");
    assert_eq!(script.problems(), [""; 0]);
    for (answer, interrupted) in [("-ERR some deleted messages not removed\r\n", false), ("what\r\n", true)] {
        let script = Script::of([listed(), deletes().silent_after(deletes().steps() - 1).says(answer)]);
        let error = delete(&mail(&script), &[uid(1), uid(3)]).await.unwrap_err();
        assert_eq!(matches!(error, Error::Interrupted { .. }), interrupted, "{error:?}");
        assert_eq!(matches!(error, Error::Refused { .. }), !interrupted, "{error:?}");
    }
}

/// Whoever says goodbye then deletes what the server had agreed to; whoever just goes deletes nothing.
#[tokio::test(start_paused = true)]
async fn what_can_not_be_taken_back_is_not_committed() {
    let refused = logged_in()
        .then(lists(&["a", "b", "c"]))
        .hears("DELE 1\r\nDELE 3\r\n")
        .says("+OK\r\n-ERR [SYS/TEMP] later\r\n")
        .hears("RSET\r\n")
        .says("-ERR what\r\n");
    let script = Script::of([listed(), refused]);
    let error = delete(&mail(&script), &[uid(1), uid(3)]).await.unwrap_err();
    assert!(matches!(error, Error::Refused { .. }), "{error:?}");
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(script.heard().ends_with("DELE 3\r\nRSET\r\n"), "{}", script.heard());
}
