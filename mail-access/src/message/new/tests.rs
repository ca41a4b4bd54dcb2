use std::time::SystemTime;

use super::reply::MAX_REFERENCES;
use super::*;
use crate::message::{Outgoing, Received};
use crate::{Error, Uid};

mod digest;
mod parts;
mod properties;
mod replies;

fn address(text: &str) -> Address {
    text.parse().unwrap()
}

fn reparse(outgoing: &Outgoing) -> Received {
    received(outgoing.bytes())
}

fn received(raw: &[u8]) -> Received {
    Received::parse(Uid::new(1).unwrap(), SystemTime::UNIX_EPOCH, false, raw.to_vec())
}

#[test]
fn everything_written_is_read_back() {
    let from = Contact::named("Ada Lövelace 🚀", address("ada@agents.example"));
    let sealed = NewMessage::to(Contact::named("Müller, Bob \"the\" <x>", address("bob@agents.example")))
        .with_cc(address("carol@agents.example"))
        .with_bcc(address("dave@agents.example"))
        .with_subject(
            "Grüße — and a very long subject that has to be folded over several lines, 你好, to the end",
        )
        .with_text("line\n.\nlast\r\n\rgrüße")
        .with_html("<p>grüße</p>")
        .with_attachment(Attachment::new(
            "übersicht.bin",
            "application/octet-stream",
            vec![0, 13, 10, 46, 255],
        ))
        .seal(&from)
        .unwrap();
    let received = reparse(&sealed);
    assert_eq!(received.message_id(), Some(sealed.message_id()));
    assert_eq!(received.from(), Some(&from));
    assert_eq!(received.to()[0].name.as_deref(), Some("Müller, Bob \"the\" <x>"));
    assert_eq!(received.cc()[0].address, address("carol@agents.example"));
    assert_eq!(
        received.subject(),
        "Grüße — and a very long subject that has to be folded over several lines, 你好, to the end"
    );
    assert_eq!(received.text().unwrap().replace("\r\n", "\n"), "line\n.\nlast\n\ngrüße");
    assert_eq!(received.html().unwrap().trim_end(), "<p>grüße</p>");
    let file = &received.attachments()[0];
    assert_eq!(file.name.as_deref(), Some("übersicht.bin"));
    assert_eq!(file.content, [0, 13, 10, 46, 255]);
    assert_eq!(sealed.recipients().len(), 3);
    assert!(!String::from_utf8_lossy(sealed.bytes()).contains("dave"), "Bcc stands in the envelope only");
}

#[test]
fn lines_stay_within_what_smtp_allows() {
    let sealed = NewMessage::to(address("bob@agents.example"))
        .with_subject("x".repeat(3000))
        .with_text("y".repeat(5000))
        .with_html("<b>".repeat(2000))
        .seal(&address("ada@agents.example").into())
        .unwrap();
    let longest = sealed.bytes().split(|b| *b == b'\n').map(<[u8]>::len).max().unwrap();
    // A subject that offers no place to fold has to stay whole (RFC 5322 section 2.2.3); the rest may not.
    let body = sealed.bytes().windows(4).position(|w| w == b"\r\n\r\n").unwrap();
    let longest_of_body = sealed.bytes()[body..].split(|b| *b == b'\n').map(<[u8]>::len).max().unwrap();
    assert!(longest_of_body <= 998, "{longest_of_body}");
    assert!(longest <= 4000, "{longest}");
}

/// ASCII files were sent as they are, which line ends of their own don't survive.
#[test]
fn a_file_arrives_byte_for_byte() {
    for content in ["a\nb\n", "a\rb", "a\r\nb", "", ".\n", "\0"] {
        let file = Attachment::new("a.csv", "text/csv", content);
        let sealed = NewMessage::to(address("bob@agents.example")).with_attachment(file);
        let received = reparse(&sealed.seal(&address("ada@agents.example").into()).unwrap());
        assert_eq!(received.attachments()[0].content, content.as_bytes(), "{content:?}");
    }
}

#[test]
fn a_repeated_recipient_gets_one_copy() {
    let sealed = NewMessage::to(address("bob@agents.example"))
        .with_cc(address("BOB@agents.example"))
        .seal(&address("ada@agents.example").into())
        .unwrap();
    assert_eq!(sealed.recipients(), [address("bob@agents.example")]);
}

#[test]
fn hidden_recipients_alone_are_enough_and_none_are_not() {
    let ada = address("ada@agents.example").into();
    let hidden = NewMessage::default().with_bcc(address("bob@agents.example"));
    assert_eq!(hidden.seal(&ada).unwrap().recipients().len(), 1);
    assert!(matches!(NewMessage::default().seal(&ada), Err(Error::Invalid { what: "recipients", .. })));
}

#[test]
fn what_could_inject_a_header_is_named_and_refused() {
    let bob = || address("bob@agents.example");
    let ada = Contact::from(address("ada@agents.example"));
    let cases = [
        ("subject", NewMessage::to(bob()).with_subject("a\r\nBcc: x@y.example")),
        ("to", NewMessage::to(Contact::named("a\nb", bob()))),
        ("cc", NewMessage::to(bob()).with_cc(Contact::named("a\0b", bob()))),
        (
            "attachment name",
            NewMessage::to(bob()).with_attachment(Attachment::new("a\rb", "text/plain", *b"")),
        ),
        ("attachment type", NewMessage::to(bob()).with_attachment(Attachment::new("a", "text", *b""))),
    ];
    for (part, message) in cases {
        match message.seal(&ada) {
            Err(Error::Invalid { what, .. }) => assert_eq!(what, part),
            other => panic!("{part}: {other:?}"),
        }
    }
}

#[test]
fn an_answer_stays_in_the_thread() {
    let ada = Contact::from(address("ada@agents.example"));
    let first = NewMessage::to(address("bob@agents.example")).with_subject("Engines").seal(&ada).unwrap();
    let answer = NewMessage::reply_to(&reparse(&first)).unwrap().with_text("yes");
    let answer = answer.seal(&address("bob@agents.example").into()).unwrap();
    assert_eq!(answer.recipients(), [address("ada@agents.example")]);
    let answer = reparse(&answer);
    assert_eq!(answer.subject(), "Re: Engines");
    assert_eq!(answer.in_reply_to(), Some(first.message_id()));
    assert_eq!(answer.references(), std::slice::from_ref(first.message_id()));
    let second = NewMessage::reply_to(&answer).unwrap().seal(&ada).unwrap();
    let second = reparse(&second);
    assert_eq!(second.subject(), "Re: Engines");
    assert_eq!(second.references(), [first.message_id().clone(), answer.message_id().unwrap().clone()]);
}

#[test]
fn a_long_thread_keeps_its_first_and_latest_references() {
    let ids: Vec<String> = (0..60).map(|n| format!("<{n}@agents.example>")).collect();
    let raw = format!("From: a@b.example\r\nMessage-ID: <last@x>\r\nReferences: {}\r\n\r\n", ids.join(" "));
    let received = received(raw.as_bytes());
    let answer = NewMessage::reply_to(&received).unwrap();
    let references: Vec<_> = answer.references.iter().map(MessageId::as_str).collect();
    assert_eq!(references.len(), MAX_REFERENCES);
    assert_eq!((references[0], references[19]), ("0@agents.example", "last@x"));
}

/// An encoded name may decode to one with a line end; copied into an answer it made the builder panic.
#[test]
fn a_hostile_name_can_be_answered() {
    let raw =
        b"From: =?utf-8?B?YQpiAGM=?= <x@y.example>\r\nSubject: =?utf-8?Q?a=0D=0ABcc:_z@z.example?=\r\n\r\n";
    let received = received(raw);
    let answer =
        NewMessage::reply_to(&received).unwrap().seal(&address("ada@agents.example").into()).unwrap();
    assert_eq!(answer.recipients(), [address("x@y.example")]);
    assert!(!String::from_utf8_lossy(answer.bytes()).contains("\r\nBcc:"));
}
