//! Messages that a server lists and doesn't give out: they come by less, and those behind them come too.

use super::*;
use crate::{Limit, Received};

fn show(message: &Received) -> String {
    let how = match message.opaque() {
        Some(Limit::Withheld) if message.raw().is_empty() => "bare",
        Some(Limit::Withheld) => "header",
        _ => "whole",
    };
    assert_eq!((message.is_truncated(), message.whole_size()), (how != "whole", 14));
    format!("{} {how}", message.uid())
}

fn shown(batch: &Batch) -> Vec<String> {
    batch.messages.iter().map(show).collect()
}

fn begin() -> Dialogue {
    logged_in().then(lists(&["a", "b"]))
}

const MESSAGE: &str = "+OK\r\nSubject: a\r\n\r\n.\r\n";

#[tokio::test(start_paused = true)]
async fn what_is_refused_comes_by_its_header_or_bare() {
    let refused =
        || begin().hears("RETR 1\r\nRETR 2\r\n").says(format!("-ERR can't\r\n{MESSAGE}")).then(leaves());
    let asked = || begin().hears("TOP 1 0\r\nRETR 2\r\n");
    let by_header = asked().says(MESSAGE.repeat(2)).then(leaves());
    let not_even = asked().says(format!("-ERR can't\r\n{MESSAGE}")).then(leaves());
    let rest = begin().then(gives(&[2])).then(leaves());
    for (sessions, how) in [
        (vec![refused(), by_header], "1 header"),
        (vec![refused(), not_even, rest], "1 bare"),
        // It was another session that had it.
        (vec![refused(), logged_in().then(lists(&["b"])).then(gives(&[1])).then(leaves())], ""),
    ] {
        let script = Script::of(sessions);
        let batch = fetch_all(&mail(&script)).await.unwrap();
        let expected: Vec<_> = [how, "2 whole"].into_iter().filter(|how| !how.is_empty()).collect();
        assert_eq!(
            (shown(&batch), batch.more, script.problems()),
            (expected.iter().map(ToString::to_string).collect(), false, vec![])
        );
    }
}

/// One that is longer than it may be ends the session.
#[tokio::test(start_paused = true)]
async fn what_can_not_be_read_is_asked_for_by_less() {
    let config = || config().with_max_message(14);
    let endless = format!("+OK\r\n{}", "x".repeat(3 << 20));
    let first = begin().hears("RETR 1\r\nRETR 2\r\n").says(&endless);
    let second = begin().hears("TOP 1 0\r\nRETR 2\r\n").says(MESSAGE.repeat(2)).then(leaves());
    let script = Script::of([first, second]);
    let batch = mail_with(&script, config()).fetch(&ada(), &Selection::After(None), 10).await.unwrap();
    assert_eq!((shown(&batch), batch.more), (vec!["1 header".to_owned(), "2 whole".into()], false));
    // What was whole by then is given out.
    let second = begin().hears("RETR 1\r\nRETR 2\r\n").says(format!("{MESSAGE}{endless}"));
    let script = Script::of([second]);
    let batch = mail_with(&script, config()).fetch(&ada(), &Selection::After(None), 10).await.unwrap();
    assert_eq!((shown(&batch), batch.more), (vec!["1 whole".to_owned()], true));
}

#[tokio::test(start_paused = true)]
async fn a_server_in_trouble_is_no_broken_message() {
    for (answer, is_refused) in [("-ERR [SYS/TEMP] disk\r\n", true), ("", false), ("+OK\r\nSub", false)] {
        let asked = begin().hears("RETR 1\r\nRETR 2\r\n").says(answer.repeat(if is_refused { 2 } else { 1 }));
        let asked = if is_refused { asked.then(leaves()) } else { asked.closes() };
        let script = Script::of([asked]);
        let error = fetch_all(&mail(&script)).await.unwrap_err();
        assert_eq!(matches!(error, Error::Refused { .. }), is_refused, "{error:?}");
        assert!(error.is_retryable() && script.connections() == 1, "{error:?}");
    }
}
