//! Any message arrives as it was, and as one.

use proptest::prelude::*;

use super::*;

/// Counts the messages that a server sees which takes `end` for the end of one; nothing may be left behind it.
fn count(content: &[u8], end: &[u8]) -> usize {
    let ends = content.windows(end.len()).filter(|window| *window == end).count();
    assert!(content.ends_with(end), "something is left: {:?}", String::from_utf8_lossy(content));
    ends
}

/// Takes the doubled dots away, as the receiver does.
fn undotted(message: &[u8]) -> Vec<u8> {
    let lines = message.split_inclusive(|&byte| byte == b'\n');
    lines.flat_map(|line| line.strip_prefix(b".").unwrap_or(line)).copied().collect()
}

async fn sent(content: &str) -> Vec<u8> {
    let flight = format!(
        "MAIL FROM:<ada@agents.example> SIZE={}\r\nRCPT TO:<bob@x.example>\r\nDATA\r\n",
        content.len()
    );
    let dialogue =
        logged_in().hears(flight).says("250 a\r\n250 b\r\n354 c\r\n").waits(Duration::from_secs(1));
    let script = Script::of([dialogue]);
    // Nobody answers the message; what counts is what was sent.
    let _ = script.mail().submit(&ada(), &message(&["bob@x.example"], content)).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let heard = script.heard();
    heard.split_once("DATA\r\n").unwrap().1.as_bytes().to_vec()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: ProptestConfig::default().cases.min(64), ..Default::default() })]
    #[test]
    fn every_server_sees_one_message(lines in proptest::collection::vec(line(), 0..8), ended in any::<bool>()) {
        let mut content = lines.join("\r\n");
        if ended {
            content += "\r\n";
        }
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        let sent = runtime.block_on(sent(&content));
        // What stands before the content is the line of DATA.
        let mut on_the_wire = b"\r\n".to_vec();
        on_the_wire.extend_from_slice(&sent);
        for end in [&b"\r\n.\r\n"[..], b"\n.\r\n"] {
            prop_assert_eq!(count(&on_the_wire, end), 1, "{:?}", content);
        }
        prop_assert!(!sent.windows(3).any(|three| three == b"\n.\n" || three == b"\r.\r"));
        let body = sent.strip_suffix(b".\r\n").unwrap();
        let expected = if content.ends_with("\r\n") { content } else { content + "\r\n" };
        prop_assert_eq!(String::from_utf8(undotted(body)).unwrap(), expected);
    }
}

fn line() -> impl Strategy<Value = &'static str> {
    proptest::sample::select(vec![
        "",
        ".",
        "..",
        "...",
        ". ",
        ".x",
        "x.",
        "x",
        "QUIT",
        "MAIL FROM:<eve@x.example>",
    ])
}
