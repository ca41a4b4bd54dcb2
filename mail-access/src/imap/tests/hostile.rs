//! Answers that would stop the program or fill its memory if they reached the parser.

use super::*;

/// Puts an answer in the place of the bodies.
fn instead_of_bodies(answer: &str) -> Dialogue {
    logged_in()
        .then(select("A1", 2, 6))
        .then(asks("A2", "UID FETCH 1:5 (UID RFC822.SIZE)", &sizes(&[3])))
        .then(asks("A3", &format!("UID FETCH 3 {BODIES}"), answer))
}

#[tokio::test(start_paused = true)]
async fn hostile_answers_end_the_connection_only() {
    let deep = format!("* 3 FETCH (UID 3 BODYSTRUCTURE {}", "(".repeat(600));
    let hidden = format!("* 3 FETCH (X (BODY[] {{600}}\r\n{}", "(".repeat(600));
    for answer in [
        "* OK [UIDVALIDITY 1]\u{fc}\r\n",
        "* OK [UIDNEXT 1]\u{20ac}x\r\n",
        "* 3 FETCH (UID 3 FLAGS () INTERNALDATE NIL BODY[] {1}\r\nx)\r\n",
        "* 3 FETCH (UID 3 FLAGS () internaldate nil BODY[] {1}\r\nx)\r\n",
        "* 3 FETCH (UID 3 BODY[] {4294967295}\r\n",
        "* 3 FETCH (UID 3 BODY[] {18446744073709551616}\r\n",
        "* 3 FETCH (UID 3 BODY[] {500000000}\r\n",
        "* LIST () \"/\" {100000000}\r\n",
        "* OK [BADCHARSET ({400000000}\r\n",
        "* 3 FETCH (UID 3 BODY[] ~{3}\r\nabc)\r\n",
        "* 3 FETCH (UID 3\r\n",
        "* 3 FETCH )\r\n",
        "\0\r\n",
        "* OK a\nb\r\n",
        &deep,
        &hidden,
    ] {
        // It may be that message: the server is asked for less of it, and has its chance to be read on.
        let script = Script::of([instead_of_bodies(answer)]);
        let error = script.mail().fetch(&ada(), &Selection::After(None), 10).await.unwrap_err();
        assert!(matches!(error, Error::Unavailable { .. }), "{answer:?}: {error:?}");
        // Where nothing but a list is asked for it is the server's fault.
        let select = logged_in().then(asks("A1", "SELECT INBOX", answer));
        let error = fetch_all(select).await.unwrap_err();
        assert!(matches!(error, Error::Protocol { .. }), "{answer:?}: {error:?}");
        assert!(!format!("{error:?}").contains("((("), "an error doesn't repeat what a server said");
    }
}

/// Whatever stops the parser is the server's fault: the guard knows these two, the net beneath it holds all.
#[tokio::test(start_paused = true)]
async fn a_parser_that_panics_is_a_lost_connection() {
    let answer = "* OK [UIDVALIDITY 1]\u{fc}\r\n";
    let unguarded = std::panic::catch_unwind(|| {
        async_imap::imap_proto::Response::parse(answer.as_bytes()).map(|(_, parsed)| format!("{parsed:?}"))
    });
    assert!(unguarded.is_err(), "the parser was mended: its guard can go");
    let dialogue = instead_of_bodies("* OK [PERMANENTFLAGS (a] ]\u{fc})\r\n");
    assert!(fetch_all(dialogue).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn an_endless_answer_ends_at_its_allowance() {
    let many = "* 3 FETCH (FLAGS (\\Seen))\r\n".repeat(50_000);
    let select = logged_in().then(asks("A1", "SELECT INBOX", &many));
    assert!(matches!(fetch_all(select).await, Err(Error::Protocol { .. })));
    let line = format!("* OK {}\r\n", "x".repeat(2 << 20));
    let select = logged_in().then(asks("A1", "SELECT INBOX", &line));
    assert!(matches!(fetch_all(select).await, Err(Error::Protocol { .. })));
}
