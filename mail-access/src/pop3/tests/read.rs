//! What is read, and how it is asked for.

use super::*;

#[tokio::test(start_paused = true)]
async fn numbers_and_marks_last_from_session_to_session() {
    let script = Script::of([
        logged_in().then(lists(&["a", "b"])).then(gives(&[1, 2])).then(leaves()),
        logged_in().then(lists(&["a", "b"])).then(leaves()),
        // The first one went, and another came.
        logged_in().then(lists(&["b", "c"])).then(gives(&[1, 2])).then(leaves()),
        logged_in().then(lists(&["b", "c"])).then(gives(&[2])).then(leaves()),
        logged_in().then(lists(&["b", "c"])).then(leaves()),
    ]);
    let mail = mail(&script);
    let first = fetch_all(&mail).await.unwrap();
    let validity = first.uid_validity;
    assert_eq!((uids(&first), first.more), (vec![1, 2], false));
    mail.mark_seen(&ada(), validity, &[uid(2), uid(9)]).await.unwrap();
    let second = fetch_all(&mail).await.unwrap();
    assert_eq!((uids(&second), second.uid_validity), (vec![2, 3], validity));
    assert!(second.messages[0].is_seen() && !second.messages[1].is_seen());
    let unseen = mail.fetch(&ada(), &Selection::Unseen, 10).await.unwrap();
    assert_eq!(uids(&unseen), [3]);
    let other = Selection::Uids(validity ^ 1, vec![uid(2)]);
    match mail.fetch(&ada(), &other, 10).await {
        Err(Error::Renumbered { expected, found, .. }) => {
            assert_eq!((expected, found), (validity ^ 1, validity));
        }
        answer => panic!("{answer:?}"),
    }
    assert_eq!(script.problems(), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn another_value_numbers_anew() {
    let script = Script::each(two_messages(), 1 << 10);
    let (one, other) = (mail(&script), mail(&script));
    let (first, second) = (fetch_all(&one).await.unwrap(), fetch_all(&other).await.unwrap());
    assert_ne!(first.uid_validity, second.uid_validity);
    one.forget(&ada());
    assert_ne!(fetch_all(&one).await.unwrap().uid_validity, first.uid_validity);
}

#[tokio::test(start_paused = true)]
async fn without_pipelining_each_command_waits_for_its_answer() {
    let dialogue = logged_in_with("UIDL,SASL PLAIN")
        .hears("STAT\r\n")
        .says("+OK 2 28\r\n")
        .hears("LIST\r\n")
        .says("+OK\r\n1 14\r\n2 14\r\n.\r\n")
        .hears("UIDL\r\n")
        .says("+OK\r\n1 a\r\n2 b\r\n.\r\n")
        .then(gives(&[1]))
        .then(gives(&[2]))
        .hears("RSET\r\n")
        .says("+OK\r\n")
        .hears("QUIT\r\n")
        .says("+OK\r\n");
    assert_eq!(uids(&fetch(dialogue).await.unwrap()), [1, 2]);
}

#[tokio::test(start_paused = true)]
async fn many_messages_are_asked_for_by_the_flight() {
    let identities: Vec<_> = (0..70).map(|number| format!("id-{number}")).collect();
    let identities: Vec<_> = identities.iter().map(String::as_str).collect();
    let flights = [1..33, 33..65, 65..71].map(|numbers| gives(&numbers.collect::<Vec<u32>>()));
    let reading = flights.into_iter().fold(logged_in().then(lists(&identities)), Dialogue::then);
    let script = Script::of([reading.then(leaves())]);
    let batch = mail(&script).fetch(&ada(), &Selection::After(None), 100).await.unwrap();
    assert_eq!(uids(&batch), (1..=70).collect::<Vec<_>>());
    assert_eq!(script.problems(), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn of_a_large_message_only_the_header_is_read() {
    let session = logged_in()
        .then(lists_sizes(&[("a", 14), ("b", 2000), ("c", 14)]))
        .hears("RETR 1\r\nTOP 2 0\r\nRETR 3\r\n")
        .says("+OK\r\nSubject: a\r\n\r\n.\r\n+OK\r\nSubject: b\r\n\r\n.\r\n+OK\r\nSubject: c\r\n\r\n.\r\n")
        .then(leaves());
    let script = Script::of([session]);
    let batch = fetch_all(&mail_with(&script, config().with_max_message(1000))).await.unwrap();
    let truncated: Vec<_> = batch.messages.iter().map(|one| (one.subject(), one.is_truncated())).collect();
    assert_eq!(truncated, [("a", false), ("b", true), ("c", false)]);
    assert_eq!(script.problems(), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_batch_holds_so_many_bytes_and_one_message_at_least() {
    for (most, numbers) in [(1, vec![1]), (27, vec![1]), (28, vec![1, 2]), (100, vec![1, 2, 3])] {
        let session = logged_in().then(lists(&["a", "b", "c"])).then(gives(&numbers)).then(leaves());
        let script = Script::of([session]);
        let batch = fetch_all(&mail_with(&script, config().with_max_batch(most))).await.unwrap();
        assert_eq!((uids(&batch), batch.more), (numbers.clone(), numbers.len() < 3), "{most}");
        assert_eq!(script.problems(), [""; 0]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_message_id_is_looked_for_in_the_headers() {
    let header = |id: &str| format!("+OK\r\nMessage-ID: <{id}@x.example>\r\n\r\n.\r\n");
    let session = logged_in()
        .then(lists(&["a", "b", "c"]))
        .hears("TOP 1 0\r\nTOP 2 0\r\nTOP 3 0\r\n")
        .says(["1", "2", "1"].map(header).concat())
        .then(gives(&[1]))
        .then(leaves());
    let script = Script::of([session]);
    let wanted = Selection::MessageId("1@x.example".parse().unwrap());
    let batch = mail(&script).fetch(&ada(), &wanted, 1).await.unwrap();
    assert_eq!((uids(&batch), batch.more, script.problems()), (vec![1], true, vec![]));
}

/// Whoever deleted it did so after this session had begun.
#[tokio::test(start_paused = true)]
async fn a_message_that_goes_meanwhile_is_left_out() {
    let goes = logged_in()
        .then(lists(&["a", "b"]))
        .hears("RETR 1\r\nRETR 2\r\n")
        .says("-ERR message expunged\r\n+OK\r\nSubject: a\r\n\r\n.\r\n")
        .then(leaves());
    let script = Script::of([goes, logged_in().then(lists(&["b"])).then(gives(&[1])).then(leaves())]);
    assert_eq!(uids(&fetch_all(&mail(&script)).await.unwrap()), [2]);
    assert_eq!((script.problems(), script.connections()), (vec![], 2));
}

#[tokio::test(start_paused = true)]
async fn bytes_come_as_they_are_and_dates_from_the_last_server() {
    let raw = "Received: from x by y; Fri, 20 Nov 2026 10:39:50 +0100 (CET)\r\nReceived: z; Mon, 1 Jan 1990 00:00:00 +0000\r\n\
        Date: Mon, 1 Jan 2001 00:00:00 +0000\r\nSubject: x\r\n\r\n..a\r\n.\u{fc}\r\n\tlone\rcr and\nlf\r\n\r\n";
    let stuffed = raw.replace("\r\n.", "\r\n..");
    let session = |stuffed: &str| {
        let given = format!("+OK 99 octets\r\n{stuffed}.\r\n");
        logged_in().then(lists(&["a"])).hears("RETR 1\r\n").says(given).then(leaves())
    };
    let batch = fetch(session(&stuffed)).await.unwrap();
    assert_eq!(String::from_utf8_lossy(batch.messages[0].raw()), raw);
    let arrived =
        |batch: &Batch| batch.messages[0].internal_date().duration_since(std::time::UNIX_EPOCH).unwrap();
    assert_eq!(arrived(&batch).as_secs(), 1_795_167_590);
    let batch = fetch(session("Received: ;\r\nDate: Mon, 1 Jan 2001 00:00:00 +0000\r\n\r\n")).await.unwrap();
    assert_eq!(arrived(&batch).as_secs(), 978_307_200);
}
