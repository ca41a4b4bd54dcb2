//! Whatever a server sends: a reply is read whole or refused, and none is read twice or made up.

use proptest::prelude::*;

use super::*;
use crate::wire::buffered;

/// Reads replies until something is wrong, and returns them with what was wrong.
fn read_all(sent: &[u8]) -> (Vec<Reply>, Fault) {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let mut stream = buffered(Box::new(std::io::Cursor::new(sent.to_vec())));
        let mut replies = Vec::new();
        loop {
            match Reply::read(&mut stream).await {
                Ok(reply) => replies.push(reply),
                Err(fault) => return (replies, fault),
            }
        }
    })
}

fn written(reply: &Reply) -> String {
    let last = reply.lines.len() - 1;
    let mark = |number| if number == last { ' ' } else { '-' };
    let lines = reply.lines.iter().enumerate();
    lines
        .map(|(number, line)| format!("{}{}{line}\r\n", reply.code, mark(number)))
        .collect::<Vec<_>>()
        .concat()
}

fn reply() -> impl Strategy<Value = Reply> {
    let lines = proptest::collection::vec("[ -~\u{e4}\u{4e2d}]{0,60}", 1..6);
    (200..600_u16, lines).prop_map(|(code, lines)| Reply { code, lines })
}

/// Pieces of replies, right and wrong, in any order.
fn rubbish() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        proptest::sample::select(vec![
            &b"250"[..],
            b"-",
            b" ",
            b"\r\n",
            b"\n",
            b"\r",
            b"\0",
            b"5.1.1",
            b"250-a\r\n",
            b"250 ok\r\n",
            b"\xff",
            b"354 go\r\n",
            b"999 x\r\n",
            b"421 bye\r\n",
            b"250-5.7.1\r\n",
        ])
        .prop_map(<[u8]>::to_vec),
        proptest::collection::vec(any::<u8>(), 0..8),
    ];
    proptest::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn what_is_written_is_read_again(replies in proptest::collection::vec(reply(), 1..5)) {
        let sent: String = replies.iter().map(written).collect();
        let (read, end) = read_all(sent.as_bytes());
        prop_assert_eq!(read, replies);
        prop_assert!(matches!(end, Fault::Lost(_)), "{:?}", end);
    }

    #[test]
    fn a_cut_takes_nothing_but_the_last_reply(replies in proptest::collection::vec(reply(), 1..4), cut in any::<prop::sample::Index>()) {
        let sent: String = replies.iter().map(written).collect();
        let cut = cut.index(sent.len());
        let (read, end) = read_all(&sent.as_bytes()[..cut]);
        prop_assert!(matches!(end, Fault::Lost(_)), "{:?}", end);
        prop_assert!(read.len() < replies.len());
        prop_assert_eq!(&read[..], &replies[..read.len()]);
    }

    #[test]
    fn rubbish_is_refused_and_nothing_is_made_up(sent in rubbish()) {
        let (replies, end) = read_all(&sent);
        prop_assert!(matches!(end, Fault::Lost(_) | Fault::Protocol(_)), "{:?}", end);
        // Every reply stands there, in this order, with nothing between them.
        let text = String::from_utf8_lossy(&sent);
        let mut rest: &str = &text;
        for reply in &replies {
            prop_assert!((200..600).contains(&reply.code) && reply.lines.len() <= MAX_LINES);
            for line in &reply.lines {
                prop_assert!(rest.starts_with(&reply.code.to_string()), "{:?} in {:?}", reply, text);
                let (first, others) = rest.split_once("\r\n").unwrap();
                prop_assert!(first.ends_with(line.as_str()) && first.len() <= line.len() + 4);
                rest = others;
            }
            let status = reply.status();
            prop_assert!(!status.text.contains(|c: char| c.is_control()) && status.text.chars().count() <= 500);
            prop_assert!(status.enhanced.is_none_or(|(class, ..)| u16::from(class) == reply.code / 100));
            // Neither reads anything into a text that could harm.
            let _ = (status.reason(), status.retry_after());
        }
    }
}
