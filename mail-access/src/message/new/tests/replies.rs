//! Answers and forwards.

use super::*;

const QUESTION: &str = "From: \"Ada (A.)\" <ada@agents.example>\r\nTo: Bob <bob@agents.example>, carol@agents.example\r\n\
    Cc: BOB@agents.example, Dave <dave@x.example>, dave@x.example\r\nSubject: Engines\r\nMessage-ID: <2@agents.example>\r\n\
    References: <0@agents.example> <1@agents.example>\r\nDate: Mon, 2 Feb 2026 10:00:00 +0100\r\n";

fn question(text: &str) -> Received {
    received(format!("{QUESTION}\r\n{text}").as_bytes())
}

fn addresses(list: &[Contact]) -> Vec<String> {
    list.iter().map(|contact| contact.address.to_string()).collect()
}

fn sealed(message: NewMessage) -> Received {
    reparse(&message.with_bcc(address("x@y.example")).seal(&address("bob@agents.example").into()).unwrap())
}

#[test]
fn an_answer_to_all_goes_to_each_of_the_others_once() {
    let bob = address("bob@agents.example");
    let answer = NewMessage::reply_all_to(&question(""), &[bob]).unwrap();
    assert_eq!(addresses(&answer.to), ["ada@agents.example"]);
    assert_eq!(addresses(&answer.cc), ["carol@agents.example", "dave@x.example"]);
    assert_eq!(answer.cc[1].name.as_deref(), Some("Dave"));
    let list =
        received(format!("Reply-To: list@x.example, Eve <eve@x.example>\r\n{QUESTION}\r\n").as_bytes());
    let answer = NewMessage::reply_all_to(&list, &[]).unwrap();
    assert_eq!(addresses(&answer.to), ["list@x.example", "eve@x.example"]);
    assert_eq!(addresses(&answer.cc), ["bob@agents.example", "carol@agents.example", "dave@x.example"]);
    assert_eq!(addresses(&NewMessage::reply_to(&list).unwrap().to), ["list@x.example"]);
}

#[test]
fn an_answer_to_ones_own_message_goes_to_whom_that_went() {
    let ada = [address("ada@agents.example")];
    let answer = NewMessage::reply_all_to(&question(""), &ada).unwrap();
    assert_eq!(addresses(&answer.to), ["bob@agents.example", "carol@agents.example"]);
    assert_eq!(addresses(&answer.cc), ["dave@x.example"]);
    let note = received(b"From: ada@agents.example\r\nTo: ada@agents.example\r\n\r\n");
    assert_eq!(addresses(&NewMessage::reply_all_to(&note, &ada).unwrap().to), ["ada@agents.example"]);
    let copy = received(b"From: ada@agents.example\r\nCc: bob@agents.example\r\n\r\n");
    assert_eq!(addresses(&NewMessage::reply_all_to(&copy, &ada).unwrap().to), ["bob@agents.example"]);
    assert!(NewMessage::reply_all_to(&received(b"Subject: x\r\n\r\n"), &ada).is_err());
    assert!(NewMessage::reply_to(&received(b"Subject: x\r\n\r\n")).is_err());
}

#[test]
fn the_thread_is_taken_from_what_the_message_tells() {
    for (fields, thread) in [
        ("Message-ID: <2@x>\r\nReferences: <0@x> <1@x>\r\nIn-Reply-To: <1@x>\r\n", vec!["0@x", "1@x", "2@x"]),
        ("Message-ID: <2@x>\r\nIn-Reply-To: <1@x>\r\n", vec!["1@x", "2@x"]),
        ("Message-ID: <2@x>\r\n", vec!["2@x"]),
        ("Message-ID: <2@x>\r\nReferences: <2@x> <1@x> <1@x>\r\n", vec!["1@x", "2@x"]),
        ("References: <0@x> <1@x>\r\n", vec!["0@x", "1@x"]),
        ("", vec![]),
    ] {
        let received = received(format!("From: a@b.example\r\n{fields}\r\n").as_bytes());
        let answer = NewMessage::reply_to(&received).unwrap();
        let references: Vec<_> = answer.references.iter().map(MessageId::as_str).collect();
        assert_eq!(references, thread, "{fields:?}");
        assert_eq!(answer.in_reply_to.as_ref(), received.message_id());
    }
}

#[test]
fn a_quote_marks_each_line() {
    let received = question("Do they\r\ndream? \r\n\r\n> of what\r\n>> of sheep\r\n From here\r\n\r\n");
    let expected = "Yes.\r\n\r\nOn Mon, 2 Feb 2026 09:00:00 +0000, Ada (A.) <ada@agents.example> wrote:\r\n> Do they\r\n\
        > dream?\r\n>\r\n>> of what\r\n>>> of sheep\r\n>  From here\r\n";
    let answer = NewMessage::reply_to(&received).unwrap();
    for answer in [
        answer.clone().with_text("Yes.\n\n").with_quote(&received),
        answer.clone().with_quote(&received).with_text("Yes."),
    ] {
        assert_eq!(sealed(answer).text(), Some(expected));
    }
    let alone = sealed(answer.with_quote(&received));
    assert!(alone.text().unwrap().starts_with("On Mon"), "{:?}", alone.text());
    assert_eq!(alone.html(), None);
}

#[test]
fn a_quote_within_html_is_escaped() {
    let received = question("<script>alert(\"1\")</script> & so\r\non");
    let html = "<html><body><p>Yes.</p></BODY></html>";
    let answer = NewMessage::reply_to(&received).unwrap().with_html(html).with_quote(&received);
    let answer = sealed(answer);
    let html = answer.html().unwrap();
    assert!(
        html.contains("&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt; &amp; so\r\n<br>on</blockquote>"),
        "{html}"
    );
    assert!(
        html.contains("<p>On Mon, 2 Feb 2026 09:00:00 +0000, Ada (A.) &lt;ada@agents.example&gt; wrote:</p>"),
        "{html}"
    );
    assert!(html.trim_end().ends_with("</blockquote>\r\n</BODY></html>"), "{html}");
    assert!(!html.contains("<script"), "{html}");
}

#[test]
fn lone_line_ends_leave_no_line_without_a_mark() {
    let received = question("a\rb\nc");
    let answer = NewMessage::reply_to(&received).unwrap().with_quote(&received);
    assert!(sealed(answer).text().unwrap().ends_with("wrote:\r\n> a\r\n> b\r\n> c\r\n"));
}

#[test]
fn a_message_without_text_is_quoted_as_none() {
    let received = question("");
    let answer = NewMessage::reply_to(&received).unwrap().with_text("Yes.").with_quote(&received);
    assert_eq!(sealed(answer).text().map(str::trim_end), Some("Yes."));
}

#[test]
fn a_forward_repeats_the_message_and_its_files() {
    let original = NewMessage::to(address("ada@agents.example"))
        .with_subject("Engines")
        .with_text("> see file")
        .with_attachment(Attachment::new("a.bin", "application/octet-stream", [0, 1, 2]))
        .seal(&Contact::named("Bob", address("bob@agents.example")))
        .unwrap();
    let forward =
        NewMessage::forward(&reparse(&original)).unwrap().with_text("For you.").with_html("<p>For you.</p>");
    let forward = sealed(forward.with_to(address("carol@agents.example")));
    assert_eq!(
        (forward.subject(), forward.in_reply_to(), forward.references()),
        ("Fwd: Engines", None, &[][..])
    );
    let text = forward.text().unwrap();
    assert!(text.starts_with("For you.\r\n\r\n---------- Forwarded message ----------\r\nFrom: Bob <bob@agents.example>\r\nDate: "), "{text}");
    assert!(text.ends_with("\r\nSubject: Engines\r\nTo: ada@agents.example\r\n\r\n> see file"), "{text}");
    assert!(forward.html().unwrap().contains("<p>&gt; see file</p>"), "{:?}", forward.html());
    assert_eq!(forward.attachments()[0].content, [0, 1, 2]);
}

#[test]
fn a_forward_as_a_file_holds_the_message_as_it_came() {
    for text in ["gr\u{fc}n\r\n", "plain\r\n.\r\n"] {
        let received = question(text);
        let forward =
            NewMessage::forward_as_attachment(&received).unwrap().with_to(address("carol@agents.example"));
        let forward = forward.seal(&address("bob@agents.example").into()).unwrap();
        let parsed = mailparse::parse_mail(forward.bytes()).unwrap();
        let file = &parsed.subparts[1];
        assert_eq!(file.ctype.mimetype, "message/rfc822");
        assert_eq!(file.get_body_raw().unwrap(), received.raw());
        assert_eq!(reparse(&forward).subject(), "Fwd: Engines");
    }
    // The wire would break it, and no encoding is allowed: it goes as a mere file.
    let received = question("a\nb");
    let forward =
        NewMessage::forward_as_attachment(&received).unwrap().with_to(address("carol@agents.example"));
    let forward = sealed(forward);
    let file = &forward.attachments()[0];
    assert_eq!(
        (file.content_type.as_str(), file.content.as_slice()),
        ("application/octet-stream", received.raw())
    );
}

#[test]
fn what_was_not_fetched_is_not_forwarded() {
    let head =
        Received::parse_header(Uid::new(1).unwrap(), SystemTime::UNIX_EPOCH, false, QUESTION.as_bytes());
    for forward in [NewMessage::forward(&head), NewMessage::forward_as_attachment(&head)] {
        assert!(matches!(forward, Err(Error::Invalid { what: "forward", .. })));
    }
}
