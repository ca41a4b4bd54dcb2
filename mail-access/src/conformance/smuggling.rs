use std::collections::HashMap;

use super::exchange::{Exchange, subjects};
use super::{Harness, Missing};
use crate::{Attachment, NewMessage, Outgoing};

/// Line ends of every kind around a dot, and behind them what a server would take for a second message to Bob.
pub(super) async fn no_body_smuggles_a_second_message(harness: &dyn Harness) -> Result<(), Missing> {
    let exchange = Exchange::open(harness).await;
    let (ada, bob) = (exchange.ada.address(), exchange.bob.address());
    let second = format!(
        "MAIL FROM:<{ada}>\r\nRCPT TO:<{bob}>\r\nDATA\r\nSubject: smuggled\r\n\r\nx\r\n.\r\nQUIT\r\n"
    );
    let mut sent = HashMap::new();
    for end in ENDS {
        let body = format!("a{end}{second}{end}");
        for message in messages(&exchange, &body) {
            exchange.submit(&message).await;
            sent.insert(message.message_id().clone(), message);
        }
    }
    let arrived = exchange.settled(sent.len()).await;
    assert_eq!(arrived.len(), sent.len() + 1, "{:?}", subjects(&arrived));
    for message in &arrived {
        let id = message.message_id().expect("each was given one");
        if let Some(sent) = sent.remove(id) {
            assert_eq!(body_of(message.raw()), body_of(sent.bytes()), "{:?}", message.subject());
        }
    }
    assert!(sent.is_empty(), "{sent:?}");
    Ok(())
}

/// Puts a body into each place that holds one.
fn messages(exchange: &Exchange, body: &str) -> Vec<Outgoing> {
    let new = || NewMessage::to(exchange.bob.address());
    let file = |kind: &str| Attachment::new("a", kind, body);
    let messages = [
        new().with_subject("text").with_text(body),
        new().with_subject("html").with_html(body),
        new().with_subject("file").with_attachment(file("application/octet-stream")),
        new().with_subject("message").with_attachment(file("message/rfc822")),
    ];
    let ada = exchange.ada.address().into();
    messages.into_iter().map(|message| message.seal(&ada).expect("the message can be written")).collect()
}

fn body_of(raw: &[u8]) -> &[u8] {
    let header = raw.windows(4).position(|window| window == b"\r\n\r\n").expect("the header ends");
    &raw[header + 4..]
}

const ENDS: &[&str] =
    &["\n.\n", "\n.\r\n", "\r.\r", "\r\n.\r\n", "\r\n.\n", "\r\n.\r", "\r.\r\n", "\r\n.\r\r\n", ".", "\n."];
