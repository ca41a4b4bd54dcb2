//! Servers that break the protocol or send too much.

use super::*;

async fn is_protocol(dialogue: Dialogue, what: &str) {
    let done = fetch(dialogue).await;
    assert!(matches!(done, Err(Error::Protocol { .. })), "{what}: {done:?}");
}

#[tokio::test(start_paused = true)]
async fn lists_that_make_no_sense_are_an_error() {
    for (count, sizes, identities) in [
        ("x", "", ""),
        ("-1 0", "", ""),
        ("", "", ""),
        ("99999999999999999999 1", "", ""),
        ("250001 1", "", ""),
        ("1 14", "", ""),
        ("1 14", "1 14\r\n", ""),
        ("1 14", "1 14\r\n", "2 a\r\n"),
        ("1 14", "1 14\r\n", "1 a\r\n2 b\r\n"),
        ("2 14", "1 14\r\n1 14\r\n", "1 a\r\n2 b\r\n"),
        ("2 14", "1 14\r\n2 14\r\n", "1 a\r\n1 a\r\n"),
        ("1 14", "0 14\r\n", "0 a\r\n"),
        ("1 14", "1\r\n", "1 a\r\n"),
        ("1 14", "1 -4\r\n", "1 a\r\n"),
        ("1 14", "1 14\r\n", "1 \r\n"),
        ("1 14", "1 14\r\n", "1 \u{fc}\r\n"),
        ("1 14", "4294967296 14\r\n", "4294967296 a\r\n"),
    ] {
        let answer = format!("+OK {count}\r\n+OK\r\n{sizes}.\r\n+OK\r\n{identities}.\r\n");
        is_protocol(logged_in().hears("STAT\r\nLIST\r\nUIDL\r\n").says(&answer), &answer).await;
    }
    let long = format!("+OK 1 1\r\n+OK\r\n1 1\r\n.\r\n+OK\r\n1 {}\r\n.\r\n", "x".repeat(256));
    is_protocol(logged_in().hears("STAT\r\nLIST\r\nUIDL\r\n").says(long), "a long identity").await;
}

#[tokio::test(start_paused = true)]
async fn what_never_ends_is_broken_off() {
    let offers = "X-OFFER\r\n".repeat(200);
    is_protocol(
        Dialogue::default().says("+OK\r\n").hears("CAPA\r\n").says(format!("+OK\r\n{offers}")),
        "CAPA",
    )
    .await;
    is_protocol(Dialogue::default().says("+OK ").says("x".repeat(4096)), "a line").await;
    is_protocol(Dialogue::default().says("+OK ready\n"), "a lone LF").await;
    let rows: Vec<_> = (1..=250_001).map(|number| format!("{number} 1\r\n")).collect();
    let listing = logged_in().hears("STAT\r\nLIST\r\nUIDL\r\n").says("+OK 1 1\r\n+OK\r\n");
    is_protocol(listing.says(rows.concat()), "LIST").await;
}

#[tokio::test(start_paused = true)]
async fn a_message_that_is_longer_than_listed_ends_at_the_limit() {
    let endless =
        logged_in().then(lists(&["a"])).hears("RETR 1\r\n").says("+OK\r\n").says("x".repeat(3 << 20));
    let header = || logged_in().then(lists(&["a"])).hears("TOP 1 0\r\n").says("+OK\r\n");
    let endless_header = header().says("x".repeat(17 << 20));
    // Nothing of it can be read, and the list is all that is known of it.
    let bare = logged_in().then(lists(&["a"])).then(leaves());
    let script = Script::of([endless, endless_header, bare]);
    let batch = fetch_all(&mail_with(&script, config().with_max_message(1 << 20))).await.unwrap();
    let message = &batch.messages[0];
    assert_eq!((message.opaque(), message.raw().len()), (Some(crate::Limit::Withheld), 0));
    assert_eq!((script.connections(), script.problems()), (3, vec![]));
}

/// An answer that is there before its question would be taken for the next one's.
#[tokio::test(start_paused = true)]
async fn words_out_of_turn_are_an_error() {
    is_protocol(Dialogue::default().says("+OK ready\r\n+OK\r\n.\r\n"), "before CAPA").await;
    let ahead = logged_in().hears("STAT\r\nLIST\r\nUIDL\r\n");
    is_protocol(
        ahead.says("+OK 1 1\r\n+OK\r\n1 1\r\n.\r\n+OK\r\n1 a\r\n.\r\n+OK\r\nx\r\n.\r\n"),
        "before RETR",
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn copies_without_end_are_numbered_in_good_time() {
    let count = 100_000;
    let rows =
        |value: &str| (1..=count).map(|number| format!("{number} {value}\r\n")).collect::<Vec<_>>().concat();
    let answer = format!("+OK {count} 1\r\n+OK\r\n{}.\r\n+OK\r\n{}.\r\n", rows("14"), rows("same"));
    let session = logged_in().hears("STAT\r\nLIST\r\nUIDL\r\n").says(answer);
    let script = Script::of([session.then(gives(&[1, 2])).then(leaves())]);
    let batch = mail(&script).fetch(&ada(), &Selection::After(None), 2).await.unwrap();
    assert_eq!((uids(&batch), batch.more), (vec![1, 2], true));
}
