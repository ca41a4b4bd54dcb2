use proptest::prelude::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::scan::{MAX_DEPTH, MAX_KEPT, MAX_LINE};
use super::*;
use crate::wire::buffered;

fn scan(bytes: &[u8], pieces: usize) -> Result<(), Violation> {
    let mut scan = Scan { max_literal: 100, ..Scan::default() };
    bytes
        .to_vec()
        .chunks_mut(pieces)
        .try_for_each(|piece| scan.read(piece).map_err(|(_, violation)| violation))
}

/// Returns what the parser sees, and the lines that it doesn't.
fn cover(bytes: &[u8], pieces: usize) -> (Vec<u8>, Vec<String>) {
    let (mut bytes, mut scan) = (bytes.to_vec(), Scan { max_literal: 100, ..Scan::default() });
    bytes.chunks_mut(pieces).try_for_each(|piece| scan.read(piece)).unwrap();
    (bytes, scan.kept.into_iter().map(|line| String::from_utf8(line).unwrap()).collect())
}

#[test]
fn lines_of_words_are_kept_from_the_parser() {
    let said = "* LIST (\\Sent) \"/\" {5}\r\na\r\n\"b\r\n* 3 EXISTS\r\n* OK [X] LIST\r\n\
                * ESEARCH (TAG \"A3\") UID ALL 1:3\r\n* STATUS {3}\r\n{9} (MESSAGES 1)\r\nA3 OK done\r\n";
    for pieces in [1, 2, 3, 7, 1000] {
        let (seen, kept) = cover(said.as_bytes(), pieces);
        let expected = [
            "LIST (\\Sent) \"/\" {5}\r\na\r\n\"b",
            "ESEARCH (TAG \"A3\") UID ALL 1:3",
            "STATUS {3}\r\n{9} (MESSAGES 1)",
        ];
        assert_eq!(kept, expected, "in pieces of {pieces}");
        let covered = |line: &str| format!("* OK {}\r\n", "\x01".repeat(line.len() - 3));
        let [list, search, status] = expected.map(covered);
        let expected = format!("{list}* 3 EXISTS\r\n* OK [X] LIST\r\n{search}{status}A3 OK done\r\n");
        assert_eq!(String::from_utf8(seen).unwrap(), expected, "in pieces of {pieces}");
    }
}

#[test]
fn what_servers_say_passes() {
    for answer in [
        "* OK [CAPABILITY IMAP4rev1 IDLE] it's (not \"balanced {\r\n",
        "* LIST () \"/\" {100}\r\n0123456789012345678901234567890123456789012345678901234567890123456789\
         012345678901234567890123456789\r\n* CAPABILITY IMAP4rev1\r\n",
        "* FLAGS (\\Answered \\Seen)\r\n* 3 EXISTS\r\n* SEARCH 1 2 3\r\n* SEARCH\r\n",
        "* OK [PERMANENTFLAGS (\\Seen \\*)] ok\r\n* OK [HIGHESTMODSEQ 1]\r\nA1 OK [READ-WRITE] done\r\n+ idling\r\n",
        "* 1 FETCH (UID 3 RFC822.SIZE 14)\r\n* 1 EXPUNGE\r\n* 4 FETCH (FLAGS ())\r\n",
        "* 12 FETCH (UID 3 FLAGS (\\Seen) INTERNALDATE \"20-Nov-2026 10:39:50 +0000\" BODY[] {5}\r\n((\0\r\n)\r\n",
        "* 1 FETCH (BODY[HEADER]<0> {0}\r\n BODY[HEADER.FIELDS (MESSAGE-ID)] {2}\r\n\r\n UID 3)\r\n",
        "* 1 FETCH (BODY[] \"a \\\" ( \\\\\" UID 3)\r\n* 1 FETCH (BODY[] NIL)\r\n",
    ] {
        for pieces in [1, 2, 3, 7, 1000] {
            assert_eq!(scan(answer.as_bytes(), pieces), Ok(()), "{answer:?} in pieces of {pieces}");
        }
    }
}

#[test]
fn what_no_server_may_say_does_not() {
    let long = format!("* OK {}\r\n", "x".repeat(MAX_LINE));
    let kept = format!("* SEARCH {}\r\n", "x".repeat(MAX_KEPT));
    let names = format!("* LIST {}", "{100}\r\n0123456789".repeat(MAX_KEPT / 10));
    let deep = format!("* 1 FETCH {}", "(".repeat(MAX_DEPTH + 1));
    for answer in [
        "* 1 FETCH (BODY[] {101}\r\n",
        "* 1 FETCH (BODY[] {99999999999999999999}\r\n",
        "* 1 FETCH (BODY[] {000000000000000000000000000005}\r\n",
        "* 1 FETCH (X {5}\r\n",
        "* 1 FETCH (X (BODY[] {5}\r\n",
        "* 1 FETCH (X \"BODY[] {5}\r\n",
        "* 1 FETCH BODY[] {5}\r\n",
        "* 1 FETCH (UID 3\r\n",
        "* 1 FETCH (X \"a\r\n",
        "* 1 FETCH )\r\n",
        "* 1 fetch (InternalDate nil)\r\n",
        "* OK [BADCHARSET ({5}\r\n",
        "* OK [BADCHARSET ({000000000000000000000500000000}\r\n",
        "* LIST () \"/\" {101}\r\n",
        "* LIST () \"/\" x{5}\r\n",
        "* LIST () \"/\" \"{5}\r\n",
        "* FLAGS {5}\r\n",
        "* LIST (\r\n",
        "* ID\r\n",
        "* ABC\r\n",
        "* 1 FETCH (X a\" BODYSTRUCTURE (",
        "* 1 FETCH (X \"\\q BODYSTRUCTURE (",
        "* 1 FETCH (X \"a\"b Y",
        "* 1 FETCH (X (\"a) BODYSTRUCTURE (",
        "* 1 FETCH (X a\" Y (\" b] {100}\r\n",
        "* 1 FETCH (BODY[] {60}\r\n012345678901234567890123456789012345678901234567890123456789 BODY[] {41}\r\n",
        "* OK \x01\r\n",
        "A1 OK [X] {5}\r\n",
        "* OK [UIDNEXT 3]\u{fc}\r\n",
        "* OK a\rb\r\n",
        "* OK a\nb\r\n",
        "\n",
        "* OK \0\r\n",
        &long,
        &kept,
        &names,
        &deep,
    ] {
        for pieces in [1, 7, 1 << 20] {
            assert!(scan(answer.as_bytes(), pieces).is_err(), "{answer:?} in pieces of {pieces}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_allowance_holds_for_one_answer() {
    let (here, mut there) = tokio::io::duplex(1000);
    let mut guard = GuardStream::new(buffered(Box::new(here)));
    let mut buf = [0; 100];
    for _ in 0..3 {
        guard.allow(12, 0, Some(Duration::from_mins(1)));
        there.write_all(b"* OK 12345\r\n").await.unwrap();
        assert_eq!(guard.read(&mut buf).await.unwrap(), 12);
    }
    there.write_all(b"*").await.unwrap();
    let error = guard.read(&mut buf).await.unwrap_err();
    assert_eq!(error.to_string(), "an answer is too long");
    guard.allow(12, 0, Some(Duration::from_mins(1)));
    let begin = tokio::time::Instant::now();
    assert_eq!(guard.read(&mut buf).await.unwrap_err().kind(), io::ErrorKind::TimedOut);
    assert_eq!(begin.elapsed(), Duration::from_mins(1));
}

/// Lists count wherever they stand: the parser takes for strings what the guard doesn't, and the other way round.
#[test]
fn nothing_nests_behind_a_quote() {
    let many = "(".repeat(MAX_DEPTH + 1);
    for before in ["* 1 FETCH (X \"", "* 1 FETCH (BODY[] \"a\\\"", "* 1 FETCH (X a\"", "* 1 FETCH (X \"\\q"] {
        let answer = format!("{before} BODYSTRUCTURE {many}");
        assert!(scan(answer.as_bytes(), 1000).is_err(), "{answer}");
    }
    let quoted = "* 1 FETCH (BODY[] \"a (b) \\\\\" UID 3)\r\n";
    assert_eq!(scan(quoted.as_bytes(), 1000), Ok(()));
}

#[tokio::test]
async fn a_literal_is_within_the_allowance() {
    let (here, mut there) = tokio::io::duplex(1000);
    let mut guard = GuardStream::new(buffered(Box::new(here)));
    guard.allow(100, 1000, None);
    there.write_all(b"* 1 FETCH (BODY[] {101}\r\n").await.unwrap();
    assert!(guard.read(&mut [0; 100]).await.is_err());
}

/// What the guard lets through may be refused by the parser, but keeps it neither recursing nor panicking.
fn parse_all(mut bytes: &[u8]) {
    while let Ok((rest, _)) = async_imap::imap_proto::Response::parse(bytes) {
        bytes = rest;
    }
}

proptest! {
    #[test]
    fn a_verdict_does_not_depend_on_the_pieces(parts in proptest::collection::vec(fragment(), 0..30), pieces in 1_usize..40) {
        let bytes = parts.concat();
        prop_assert_eq!(scan(bytes.as_bytes(), pieces), scan(bytes.as_bytes(), usize::MAX));
    }

    #[test]
    fn what_passes_does_the_parser_no_harm(parts in proptest::collection::vec(fragment(), 0..30)) {
        let bytes = parts.concat();
        let (mut bytes, mut scan) = (bytes.into_bytes(), Scan { max_literal: 100, ..Scan::default() });
        let good = bytes.chunks_mut(1).map_while(|byte| scan.read(byte).ok()).count();
        parse_all(&bytes[..good]);
    }
}

fn fragment() -> impl Strategy<Value = &'static str> {
    proptest::sample::select(vec![
        "* ",
        "1",
        " ",
        "FETCH (",
        "(",
        ")",
        ")\r\n",
        "\r\n",
        "\"",
        "\\",
        "BODY[] {3}\r\n",
        "abc",
        "UID 3 ",
        "]",
        "[",
        "* OK [UIDVALIDITY 1]",
        "\u{fc}",
        "INTERNALDATE ",
        "NIL",
        "FLAGS (",
        "BODYSTRUCTURE (",
        "{9}\r\n",
        "A1 NO ",
        "* 1 FETCH (",
        "X ",
        "* LIST () NIL ",
        "* ESEARCH ",
        "\x01",
    ])
}

/// A violation takes nothing along of what came before it in one piece.
#[tokio::test]
async fn whole_lines_before_a_violation_are_passed_on() {
    let sent = b"* 1 EXISTS\r\n* 2 EXISTS\r\n* 3 FETCH (BODY[] {500}\r\nxy";
    let (here, mut there) = tokio::io::duplex(1 << 10);
    tokio::io::AsyncWriteExt::write_all(&mut there, sent).await.unwrap();
    let mut guard = GuardStream::new(crate::wire::buffered(Box::new(here)));
    guard.allow(1 << 20, 100, None);
    let (mut read, mut error) = (Vec::new(), None);
    while error.is_none() {
        error = tokio::io::AsyncReadExt::read_buf(&mut guard, &mut read).await.err();
    }
    assert_eq!(read, b"* 1 EXISTS\r\n* 2 EXISTS\r\n");
    assert!(tokio::io::AsyncReadExt::read_buf(&mut guard, &mut read).await.is_err(), "it stays so");
}
