use super::exchange::{Exchange, body_of, restored, subjects};
use super::{Harness, Missing};
use crate::{NewMessage, Outgoing, Received};

pub(super) async fn a_message_arrives_byte_for_byte(harness: &dyn Harness) -> Result<(), Missing> {
    let exchange = Exchange::open(harness).await;
    let long = "x".repeat(900);
    let body = format!(
        ".\r\n..\r\n.a\r\n\r\n \ttabs and blanks \t\r\nFrom here on\r\n\u{fc}\r\n{long}\r\n.\r\n\r\n"
    );
    let message = exchange.with_body(body.as_bytes());
    exchange.submit(&message).await;
    let arrived = exchange.arrived(&exchange.bob, 1).await;
    assert_eq!(body_of(arrived[0].raw()), body.as_bytes());
    assert_eq!(arrived[0].message_id(), Some(message.message_id()));
    Ok(())
}

pub(super) async fn what_the_system_adds_stands_above_the_message(
    harness: &dyn Harness,
) -> Result<(), Missing> {
    let exchange = Exchange::open(harness).await;
    let message = exchange.message("header fields   with \u{fc} and blanks");
    let text = String::from_utf8(message.bytes().to_vec()).expect("it is text");
    let odd = "X-Odd:no blank\r\nx-FOLDED: one\r\n\t two \r\nReceived: by elsewhere.example; long ago\r\n";
    let message = restored(&message, format!("{odd}{text}").into_bytes());
    exchange.submit(&message).await;
    let arrived = exchange.arrived(&exchange.bob, 1).await;
    let raw = arrived[0].raw();
    assert!(raw.ends_with(message.bytes()), "{}", String::from_utf8_lossy(raw));
    let added = String::from_utf8_lossy(&raw[..raw.len() - message.bytes().len()]).into_owned();
    let returned = format!("Return-Path: <{}>\r\n", exchange.ada.address());
    assert!(added.starts_with(&returned) && added.contains("\r\nReceived: "), "{added}");
    Ok(())
}

pub(super) async fn a_body_that_a_dot_could_end_arrives_as_one_message(
    harness: &dyn Harness,
) -> Result<(), Missing> {
    let exchange = Exchange::open(harness).await;
    let forged =
        "MAIL FROM:<x@elsewhere.example>\r\nRCPT TO:<y@elsewhere.example>\r\nDATA\r\nSubject: smuggled\r\n";
    let smuggled = format!("a\r\n.\r\n{forged}\r\nx\r\n.\r\n");
    let bodies = [
        "",
        ".",
        "..",
        ".\r\n",
        "\r\n.\r\n",
        "a\r\n.\r\n.\r\n",
        ".\r\n\r\n\r\n",
        "a\r\n.",
        "no end",
        &smuggled,
    ];
    let mut sent = Vec::new();
    for body in bodies {
        let message = exchange.with_body(body.as_bytes());
        exchange.submit(&message).await;
        sent.push((message, body));
    }
    let arrived = exchange.settled(sent.len()).await;
    assert_eq!(arrived.len(), bodies.len() + 1, "{arrived:?}");
    for (message, body) in sent {
        let end = if body.is_empty() || body.ends_with("\r\n") { "" } else { "\r\n" };
        assert_eq!(body_of(the(&arrived, &message).raw()), format!("{body}{end}").as_bytes(), "{body:?}");
    }
    Ok(())
}

pub(super) async fn bytes_over_127_arrive_as_they_are(harness: &dyn Harness) -> Result<(), Missing> {
    let exchange = Exchange::open(harness).await;
    // All but NUL and those that end lines, in no known charset.
    let mut body: Vec<u8> = (1..=255).filter(|byte| !b"\r\n".contains(byte)).collect();
    body.extend_from_slice(b"\r\n");
    exchange.submit(&exchange.with_body(&body)).await;
    assert_eq!(body_of(exchange.arrived(&exchange.bob, 1).await[0].raw()), body);
    Ok(())
}

pub(super) async fn a_line_of_998_bytes_stays_whole_and_a_longer_one_loses_nothing(
    harness: &dyn Harness,
) -> Result<(), Missing> {
    let exchange = Exchange::open(harness).await;
    let line = |bytes: usize| "0123456789".repeat(bytes / 10 + 1)[..bytes].to_owned() + "\r\n";
    let (fine, long) = (line(998), line(999) + &line(5_000));
    let whole = exchange.with_body(format!("{fine}.{}", line(997)).as_bytes());
    let broken = exchange.with_body(long.as_bytes());
    for message in [&whole, &broken] {
        exchange.submit(message).await;
    }
    let arrived = exchange.arrived(&exchange.bob, 2).await;
    assert_eq!(body_of(the(&arrived, &whole).raw()), body_of(whole.bytes()));
    let body = String::from_utf8_lossy(body_of(the(&arrived, &broken).raw())).into_owned();
    assert_eq!(body.replace("\r\n ", ""), long);
    Ok(())
}

pub(super) async fn a_blind_copy_arrives_and_does_not_show(harness: &dyn Harness) -> Result<(), Missing> {
    let exchange = Exchange::open(harness).await;
    let carol = harness.mailbox().await;
    let message = NewMessage::to(exchange.bob.address()).with_bcc(carol.address()).with_subject("psst");
    let message = message.seal(&exchange.ada.address().into()).expect("the message can be written");
    exchange.submit(&message).await;
    assert_eq!(subjects(&exchange.arrived(&carol, 1).await), ["psst"]);
    let arrived = exchange.arrived(&exchange.bob, 1).await;
    let raw = String::from_utf8_lossy(arrived[0].raw());
    assert!(!raw.contains(carol.address().local_part()), "{raw}");
    Ok(())
}

pub(super) async fn a_blind_copy_that_stands_in_the_header_is_taken_out(
    harness: &dyn Harness,
) -> Result<(), Missing> {
    let exchange = Exchange::open(harness).await;
    let message = exchange.message("psst");
    let text = String::from_utf8(message.bytes().to_vec()).expect("it is text");
    let bcc = "bcc: one-hidden@agents.example,\r\n\ttwo-hidden@agents.example\r\n";
    exchange.submit(&restored(&message, format!("{bcc}{text}").into_bytes())).await;
    let arrived = exchange.arrived(&exchange.bob, 1).await;
    let raw = String::from_utf8_lossy(arrived[0].raw()).into_owned();
    assert!(!raw.contains("hidden") && raw.ends_with(&text), "{raw}");
    Ok(())
}

fn the<'a>(arrived: &'a [Received], message: &Outgoing) -> &'a Received {
    let mut found = arrived.iter().filter(|one| one.message_id() == Some(message.message_id()));
    let one = found.next().expect("the message arrived");
    assert!(found.next().is_none(), "it arrived once");
    one
}
