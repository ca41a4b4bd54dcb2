//! The canonical form: stored digests of it have to last.

use proptest::prelude::*;

use super::*;

fn to_bob() -> NewMessage {
    NewMessage::to(address("bob@agents.example"))
}

/// What the first release wrote.
#[test]
fn an_older_message_keeps_its_bytes() {
    let mut message = NewMessage::to(Contact::named("Bob", address("b@x.example")))
        .with_subject("s")
        .with_text("t")
        .with_html("h")
        .with_attachment(Attachment::new("f", "a/b", *b"\x01"));
    message.in_reply_to = Some("2@x".parse().unwrap());
    message.references = vec!["1@x".parse().unwrap(), "2@x".parse().unwrap()];
    let part = |tag: &str, content: &str| {
        format!("{tag}{:0>8}{content}", char::from(u8::try_from(content.len()).unwrap())).replace('0', "\0")
    };
    let parts = [
        ("t", "b@x.example"),
        ("n", "Bob"),
        ("s", "s"),
        ("p", "t"),
        ("h", "h"),
        ("f", "f"),
        ("m", "a/b"),
        ("a", "\x01"),
        ("r", "2@x"),
        ("r", "1@x"),
        ("r", "2@x"),
    ];
    let expected: String = parts.iter().map(|(tag, content)| part(tag, content)).collect();
    assert_eq!(String::from_utf8(message.canonical()).unwrap(), expected);
}

#[test]
fn each_part_makes_another_message() {
    let png = || Attachment::new("a", "image/png", *b"");
    let question = received(b"From: a@b.example\r\nMessage-ID: <1@x>\r\n\r\nwhy");
    let answer = || NewMessage::reply_to(&question).unwrap();
    let messages = [
        to_bob(),
        to_bob().with_text(""),
        to_bob().with_html(""),
        to_bob().with_to(address("bob@agents.example")),
        to_bob().with_cc(address("bob@agents.example")),
        to_bob().with_bcc(address("bob@agents.example")),
        to_bob().with_reply_to(address("bob@agents.example")),
        to_bob().with_attachment(png()),
        to_bob().with_inline("", png()),
        to_bob().with_inline("a", png()),
        to_bob().with_calendar(""),
        to_bob().with_header("a", ""),
        to_bob().with_header("", "a"),
        to_bob().with_header("a", "").with_header("a", ""),
        to_bob().with_unsubscribe(""),
        to_bob().with_auto_submitted(AutoSubmitted::Generated),
        to_bob().with_auto_submitted(AutoSubmitted::Replied),
        to_bob().with_quote(&question),
        answer(),
        answer().with_quote(&question),
        NewMessage::forward(&question).unwrap(),
    ];
    for (n, one) in messages.iter().enumerate() {
        for (m, other) in messages.iter().enumerate() {
            assert_eq!(one.canonical() == other.canonical(), n == m, "{one:?} {other:?}");
        }
    }
}

proptest! {
    /// Few letters, so that two messages are often nearly the same.
    #[test]
    fn different_messages_differ(one in message(), other in message()) {
        prop_assert_eq!(one.canonical() == other.canonical(), one == other);
        prop_assert_eq!(one.clone().canonical(), one.canonical());
    }
}

fn message() -> impl Strategy<Value = NewMessage> {
    proptest::collection::vec((0..12_u8, "[ab]{0,2}", "[ab]{0,2}"), 0..4).prop_map(|parts| {
        parts.into_iter().fold(NewMessage::default(), |message, (kind, one, other)| {
            let contact =
                || Contact { name: Some(other.clone()), address: address(&format!("{one}x@y.example")) };
            let file = || Attachment::new(&*one, &*other, one.clone());
            match kind {
                0 => message.with_to(contact()),
                1 => message.with_cc(contact()),
                2 => message.with_bcc(contact()),
                3 => message.with_reply_to(contact()),
                4 => message.with_subject(one),
                5 => message.with_text(one),
                6 => message.with_html(one),
                7 => message.with_calendar(one),
                8 => message.with_unsubscribe(one),
                9 => message.with_header(one, other),
                10 => message.with_attachment(file()),
                _ => message.with_inline(other.clone(), file()),
            }
        })
    })
}
