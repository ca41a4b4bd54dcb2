use proptest::prelude::*;

use super::*;

const TOP: &str = "Return-Path: <eve@b.example>\r\nDelivered-To: hub@hub.example\r\n";
const LMTP: &str = "Received: from mail.example\r\n\tby 0f3a with LMTP\r\n\tid x\r\n\t(envelope-from <eve@b.example>)\r\n\tfor <hub@hub.example>; Fri, 20 Nov 2026\r\n";
const SMTP: &str = "Received: from b.example (b.example [192.0.2.1])\r\n\tby mail.example (Postfix) with ESMTPS id y;\r\n\tFri, 20 Nov 2026\r\n";
const ADA: &str = "X-Original-To: ada@x.example\r\n";
const BOB: &str = "X-Original-To: bob@x.example\r\n";

fn by(rule: &EnvelopeRule, parts: &[&str]) -> Result<String, Unroutable> {
    rule.recipient(parts.concat().as_bytes()).map(|address| address.to_string())
}

#[test]
fn only_the_field_between_delivery_and_the_first_hop_counts() {
    let rule = EnvelopeRule::mailcow();
    let end = "To: carol@x.example\r\nSubject: s\r\n\r\nbody\r\n";
    for (parts, expected) in [
        (&[TOP, LMTP, ADA, SMTP, end][..], Ok("ada@x.example")),
        // What the sender wrote stands below, whatever it looks like.
        (&[TOP, LMTP, ADA, SMTP, BOB, end], Ok("ada@x.example")),
        (&[TOP, LMTP, ADA, SMTP, LMTP, BOB, SMTP, end], Ok("ada@x.example")),
        (&[TOP, LMTP, ADA, SMTP, "\r\n", BOB], Ok("ada@x.example")),
        (&[TOP, LMTP, SMTP, BOB, end], Err(Unroutable::NoEvidence)),
        (&[TOP, LMTP, SMTP, LMTP, BOB, SMTP, end], Err(Unroutable::NoEvidence)),
        (&[TOP, SMTP, LMTP, BOB, SMTP, end], Err(Unroutable::NoEvidence)),
        // Above the delivery stands nothing that is about the envelope.
        (&[BOB, TOP, LMTP, ADA, SMTP, end], Ok("ada@x.example")),
        (&[BOB, TOP, LMTP, SMTP, end], Err(Unroutable::NoEvidence)),
        // Without an end to the server's lines they may be the sender's.
        (&[TOP, LMTP, ADA, end], Err(Unroutable::NoEvidence)),
        (&[TOP, LMTP, ADA, "\r\n", SMTP], Err(Unroutable::NoEvidence)),
        (&[TOP, LMTP, ADA, " \t\r\n", SMTP, end], Err(Unroutable::NoEvidence)),
        (&[TOP, ADA, SMTP, end], Err(Unroutable::NoEvidence)),
        (&[ADA], Err(Unroutable::NoEvidence)),
        (&[], Err(Unroutable::NoEvidence)),
        // Twice is fine if it says the same.
        (&[TOP, LMTP, ADA, ADA, SMTP, end], Ok("ada@x.example")),
        (&[TOP, LMTP, ADA, "X-ORIGINAL-TO: ADA@x.example\r\n", SMTP, end], Ok("ada@x.example")),
        (&[TOP, LMTP, ADA, BOB, SMTP, end], Err(Unroutable::Ambiguous)),
        (&[TOP, LMTP, BOB, ADA, SMTP, BOB, end], Err(Unroutable::Ambiguous)),
        // Fields that others of the server's programs add don't matter.
        (&[TOP, LMTP, ADA, "X-Spam-Flag: NO\r\njunk\r\n: x\r\n", SMTP, end], Ok("ada@x.example")),
        (&[TOP, LMTP, "X-Spam: a\r\n X-Original-To: bob@x.example\r\n", ADA, SMTP, end], Ok("ada@x.example")),
        (&[TOP, LMTP, "x-original-to :\r\n\t<Ada+Tag@X.example>\r\n", SMTP, end], Ok("Ada+Tag@x.example")),
        (&[TOP, LMTP, "X-Original-To: \"a b\"@x.example\n", SMTP, end], Ok("\"a b\"@x.example")),
        (
            &[TOP, LMTP, "X-Original-To: ada@b\u{fc}cher.example\r\n", SMTP, end],
            Ok("ada@xn--bcher-kva.example"),
        ),
        (&[TOP, LMTP, "X-Original-To: ada\r\n", SMTP, end], Err(Unroutable::NoAddress)),
        (&[TOP, LMTP, "X-Original-To:\r\n", ADA, SMTP, end], Err(Unroutable::NoAddress)),
        (&[TOP, LMTP, "X-Original-To: a@x.example, b@x.example\r\n", SMTP, end], Err(Unroutable::NoAddress)),
        (&[TOP, LMTP, "X-Original-To-Not: bob@x.example\r\n", SMTP, end], Err(Unroutable::NoEvidence)),
        // The host that greets can call itself anything.
        (
            &[
                TOP,
                "Received: from with (with LMTP by x) by mail.example (Postfix) with ESMTPS id y\r\n",
                BOB,
                SMTP,
                end,
            ],
            Err(Unroutable::NoEvidence),
        ),
        (&[TOP, "RECEIVED: by 0f3a WITH lmtps id x\n", ADA, "received:\n", end], Ok("ada@x.example")),
    ] {
        assert_eq!(by(&rule, parts), expected.map(str::to_owned), "{parts:?}");
    }
}

#[test]
fn the_rule_can_be_that_of_another_server() {
    let on_top = EnvelopeRule::on_top("Delivered-To").unwrap();
    let to_bob = "Delivered-To: bob@x.example\r\n";
    for (parts, expected) in [
        (
            &["Return-Path: <a@b>\r\n", "Delivered-To: ada@x.example\r\n", SMTP, to_bob, "\r\n"][..],
            Ok("ada@x.example"),
        ),
        (&[to_bob, "delivered-to: ada@x.example\r\n", SMTP], Err(Unroutable::Ambiguous)),
        (&[SMTP, to_bob, SMTP], Err(Unroutable::NoEvidence)),
        (&[to_bob, "\r\n"], Err(Unroutable::NoEvidence)),
    ] {
        assert_eq!(by(&on_top, parts), expected.map(str::to_owned), "{parts:?}");
    }
    for (host, fits) in [("MAIL.example.", true), ("b.example", false), ("mail.example", true)] {
        let found = by(&on_top.clone().with_host(host), &[to_bob, SMTP]);
        assert_eq!(found.is_ok(), fits, "{host}: {found:?}");
    }
    let lmtp = EnvelopeRule::mailcow().with_host("other").with_host("0f3a");
    assert!(by(&lmtp, &[TOP, LMTP, ADA, SMTP]).is_ok());
    assert!(by(&EnvelopeRule::mailcow().with_host("other"), &[TOP, LMTP, ADA, SMTP]).is_err());
    let envelope_to = EnvelopeRule::mailcow().with_field("Envelope-To").unwrap();
    assert!(by(&envelope_to, &[LMTP, BOB, "ENVELOPE-TO: ada@x.example\r\n", SMTP]).is_ok());
    for field in ["", "To", "cc", "BCC", "A:", "A B", "\u{e9}"] {
        assert!(EnvelopeRule::on_top(field).is_err(), "{field:?}");
    }
}

#[test]
fn a_flood_costs_only_what_stands_above_it() {
    let rule = EnvelopeRule::mailcow();
    let flood = BOB.repeat(100_000);
    assert_eq!(by(&rule, &[TOP, LMTP, ADA, SMTP, &flood]), Ok("ada@x.example".to_owned()));
    let filler = "X-Filler: x\r\n".repeat(10_000);
    assert_eq!(by(&rule, &[TOP, LMTP, &filler, ADA, SMTP]), Err(Unroutable::TooLong));
    assert_eq!(
        by(&rule, &[TOP, LMTP, ADA, "A: b\r\n", &" x\r\n".repeat(100_000), SMTP]),
        Err(Unroutable::TooLong)
    );
}

proptest! {
    /// Whatever the sender writes, and whatever breaks his lines, the server's word counts.
    #[test]
    fn no_sender_can_speak_for_the_server(lines in proptest::collection::vec(prop_oneof![
        Just(LMTP.to_owned()), Just(SMTP.to_owned()), Just(BOB.to_owned()), Just(TOP.to_owned()), Just("\r\n".to_owned()),
        "[ \t]?[A-Za-z-]{0,12}:? ?[ -~]{0,30}\r?\n?", "\\PC{0,20}\n",
    ], 0..12)) {
        let rule = EnvelopeRule::mailcow();
        let senders = lines.concat();
        prop_assert_eq!(by(&rule, &[TOP, LMTP, ADA, SMTP, &senders]), Ok("ada@x.example".to_owned()));
        // Where the server wrote nothing, nobody is found in what the sender wrote.
        prop_assert_eq!(by(&rule, &[TOP, LMTP, SMTP, &senders]), Err(Unroutable::NoEvidence));
        prop_assert_eq!(by(&rule, &[SMTP, &senders]), Err(Unroutable::NoEvidence));
    }

    #[test]
    fn any_bytes_are_read(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = EnvelopeRule::mailcow().recipient(&bytes);
        let _ = EnvelopeRule::mailcow().recipient(&[TOP.as_bytes(), LMTP.as_bytes(), b"X-Original-To: ", &bytes].concat());
    }
}
