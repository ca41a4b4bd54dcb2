//! What is agreed on after the login: COMPRESS (RFC 4978).

use std::sync::Arc;

use flate2::Compression;

use super::*;
use crate::SmtpImap;
use crate::wire::{deflated, stored};

fn squeezed(bytes: &[u8]) -> Vec<u8> {
    deflated(bytes, Compression::best()).unwrap()
}

fn logged_in(offers: &str) -> Dialogue {
    greeting("SASL-IR AUTH=PLAIN")
        .hears("L1 AUTHENTICATE PLAIN AGFkYUBhZ2VudHMuZXhhbXBsZQBjYW5hcnk=\r\n")
        .says(format!("L1 OK [CAPABILITY IMAP4rev1 IDLE {offers}] in\r\n"))
}

fn agreed() -> Dialogue {
    logged_in("COMPRESS=DEFLATE").hears("C3 COMPRESS DEFLATE\r\n").says("C3 OK go on\r\n")
}

async fn read(dialogue: Dialogue) -> Result<Batch, Error> {
    let script = Script::of([dialogue]);
    let mail = SmtpImap::new(Script::config().with_imap_compression(), Arc::clone(&script) as _);
    let done = mail.fetch(&ada(), &Selection::After(None), 10).await;
    assert_eq!(script.problems(), [""; 0]);
    done
}

#[tokio::test(start_paused = true)]
async fn a_session_is_compressed_from_the_agreement_on() {
    let batch = read(agreed().then(two_messages().mapped(stored, squeezed))).await;
    assert_eq!(uids(&batch.unwrap()), [3, 5]);
    let bytewise = two_messages().mapped(stored, squeezed).by_bytes();
    assert_eq!(uids(&read(agreed().then(bytewise)).await.unwrap()), [3, 5]);
}

#[tokio::test(start_paused = true)]
async fn a_link_that_is_cut_anywhere_is_no_end() {
    let whole = agreed().then(two_messages().mapped(stored, squeezed));
    // The last bytes end the block and flush it, behind all that is said.
    for cut in 0..whole.said() - 6 {
        let done = read(whole.clone().cut_after(cut)).await;
        assert!(matches!(done, Err(Error::Unavailable { .. })), "{cut} of {}: {done:?}", whole.said());
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_that_does_not_compress_is_read_as_it_is() {
    let refused = logged_in("COMPRESS=DEFLATE").hears("C3 COMPRESS DEFLATE\r\n").says("C3 NO not now\r\n");
    for dialogue in [logged_in("COMPRESS=LZ4"), refused] {
        assert_eq!(uids(&read(dialogue.then(two_messages())).await.unwrap()), [3, 5]);
    }
}

#[tokio::test(start_paused = true)]
async fn what_stands_between_plain_and_compressed_is_an_error() {
    let asked = logged_in("COMPRESS=DEFLATE").hears("C3 COMPRESS DEFLATE\r\n");
    for (dialogue, problem) in [
        (asked.clone().says("C3 OK go on\r\n* 1 EXISTS\r\n"), "it goes on in the open after COMPRESS"),
        (asked.clone().says("C3 BAD what\r\n"), "it doesn't understand COMPRESS"),
        (asked.clone().says("+ go on\r\n"), "it doesn't understand COMPRESS"),
        (
            asked.says("C3 OK go on\r\n").hears(stored(b"A1 SELECT INBOX\r\n")).says("* 1 EXISTS\r\n"),
            // Inflated it is nothing.
            "it holds a NUL, or a CR or LF alone",
        ),
    ] {
        let error = read(dialogue).await.unwrap_err();
        assert!(matches!(&error, Error::Protocol { problem: found, .. } if found == problem), "{error:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_bomb_ends_the_connection() {
    // The limit of the guard holds for what comes out: 1 MiB for a SELECT, in lines that don't repeat themselves.
    let lines = |count: u32| {
        let lines = (0..count).map(|number| format!("* OK {}\r\n", number.wrapping_mul(2_654_435_761)));
        lines.collect::<String>()
    };
    let zeros = squeezed(&vec![b'0'; 1 << 20]).repeat(1000);
    for (bomb, problem) in [
        ([squeezed(b"* OK "), zeros].concat(), "a line is too long"),
        (squeezed("* OK x\r\n".repeat(100_000).as_bytes()), "an answer is compressed too much"),
        (squeezed(lines(100_000).as_bytes()), "an answer is too long"),
    ] {
        let dialogue = agreed().hears(stored(b"A1 SELECT INBOX\r\n")).says(bomb);
        let error = read(dialogue).await.unwrap_err();
        assert!(matches!(&error, Error::Protocol { problem: found, .. } if found == problem), "{error:?}");
    }
}
