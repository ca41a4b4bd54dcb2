use super::*;

fn read(raw: impl AsRef<[u8]>) -> Content {
    content(raw.as_ref(), &Limits::default())
}

#[test]
fn an_html_only_message_has_no_text_and_a_text_only_one_no_html() {
    let html = read("Content-Type: text/html\r\n\r\n<p>hi</p>\r\n");
    assert_eq!((html.text, html.html.as_deref()), (None, Some("<p>hi</p>\n")));
    let text = read("Content-Type: text/plain\r\n\r\nhi\r\n");
    assert_eq!((text.text.as_deref(), text.html), (Some("hi\n"), None));
}

#[test]
fn names_lose_what_would_deceive_a_reader() {
    let raw = "From: =?utf-8?Q?good=E2=80=AEevil?= <x@y.example>\r\n\r\n";
    assert_eq!(read(raw).from[0].name.as_deref(), Some("goodevil"));
}

#[test]
fn every_writer_is_told() {
    let content = read(
        "From: Ada <ada@a.example>, bob@b.example\r\nSender: eve@e.example\r\nFrom: carol@c.example\r\n\r\n",
    );
    let from: Vec<_> = content.from.iter().map(ToString::to_string).collect();
    assert_eq!(from, ["Ada <ada@a.example>", "bob@b.example", "carol@c.example"]);
    assert_eq!(content.sender.unwrap().to_string(), "eve@e.example");
}

#[test]
fn all_texts_are_joined_and_the_rest_is_attached() {
    let content = read(concat!(
        "Content-Type: multipart/mixed; boundary=b\r\n\r\n",
        "--b\r\n\r\none\r\n",
        "--b\r\nContent-Type: image/png; name=\"a\tb.png\"\r\nContent-ID: <pic@x>\r\nContent-Disposition: inline\r\n",
        "Content-Transfer-Encoding: base64\r\n\r\naGk=\r\n",
        "--b\r\nContent-Type: text/plain; charset=iso-8859-1\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n",
        "tw=F6\x07\r\n",
        "--b\r\nContent-Type: text/calendar; charset=utf-8; method=REQUEST\r\n\r\nBEGIN:VCALENDAR\r\n",
        "--b\r\nContent-Type: text/plain; charset=no-such-one\r\nContent-Disposition: attachment; filename=../x\r\n",
        "Content-Transfer-Encoding: quoted-printable\r\n\r\n=FC\r\n--b--\r\n",
    ));
    assert_eq!(content.text.as_deref(), Some("one\ntw\u{f6}"));
    let files: Vec<_> = content
        .attachments
        .iter()
        .map(|file| (file.name.as_deref(), &*file.content_type, file.content_id.as_deref(), file.is_inline))
        .collect();
    assert_eq!(
        files,
        [
            (Some("a b.png"), "image/png", Some("pic@x"), true),
            (None, "text/calendar", None, false),
            (Some("../x"), "text/plain", None, false),
        ]
    );
    assert_eq!(content.attachments[0].content, b"hi");
    assert_eq!(String::from_utf8_lossy(&content.attachments[2].content), "\u{fffd}");
}

/// Nested messages overflowed the stack as they were dropped, encoded ones as they were decoded.
#[test]
fn a_nest_of_messages_is_opaque_on_a_small_stack() {
    let nest = |depth| "Content-Type: message/rfc822\r\n\r\n".repeat(depth);
    let head = "Subject: nest\r\nContent-Type: message/rfc822\r\n";
    let encoded = "Q29udGVudC1UeXBlOiBtZXNzYWdlL3JmYzgyMgoK".repeat(50_000);
    let bombs = [
        (format!("{head}\r\n{}", nest(60)), None),
        (format!("{head}\r\n{}", nest(900)), Some(Limit::Nesting)),
        (format!("{head}\r\n{}", nest(100_000)), Some(Limit::Nesting)),
        (format!("{head}Content-Transfer-Encoding: base64\r\n\r\n{encoded}"), None),
        (format!("{head}Content -Transfer-Encoding: base64\r\n\r\n{encoded}"), None),
    ];
    for (bomb, opaque) in bombs {
        let small = std::thread::Builder::new().stack_size(512 << 10);
        let content = small.spawn(move || read(bomb)).unwrap().join().unwrap();
        assert_eq!((&*content.subject, content.opaque), ("nest", opaque));
    }
}

#[test]
fn a_nest_of_multiparts_is_measured() {
    let nest = |depth: usize| -> String {
        let open =
            (0..depth).map(|n| format!("Content-Type: multipart/mixed; boundary=b{n}x\r\n\r\n--b{n}x\r\n"));
        let close = (0..depth).rev().map(|n| format!("--b{n}x--\r\n"));
        open.chain([String::from("\r\nthe core\r\n")]).chain(close).collect()
    };
    assert_eq!((read(nest(60)).opaque, read(nest(60)).text.as_deref()), (None, Some("the core")));
    assert_eq!(read(nest(64)).opaque, Some(Limit::Nesting));
    let modest = Limits::default().with_nesting(3).with_parts(3).with_size(1_000);
    assert_eq!(content(nest(2).as_bytes(), &modest).opaque, None);
    assert_eq!(content(nest(3).as_bytes(), &modest).opaque, Some(Limit::Parts));
    assert_eq!(content(&[b'a'; 1_001], &modest).opaque, Some(Limit::Size));
}

#[test]
fn an_opaque_message_shows_its_header() {
    let parts = "--b\r\n\r\nx\r\n".repeat(10_001);
    let content = read(format!(
        "From: a@b.example\r\nSubject: many\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n{parts}"
    ));
    assert_eq!((content.opaque, &*content.subject), (Some(Limit::Parts), "many"));
    assert_eq!(content.from[0].to_string(), "a@b.example");
    assert!(content.text.is_none() && content.attachments.is_empty());
}

proptest::proptest! {
    #[test]
    fn any_bytes_are_decoded_to_something(raw in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..2000)) {
        read(&raw);
    }

    #[test]
    fn broken_mime_is_decoded_to_something(parts in proptest::collection::vec(fragment(), 0..40)) {
        let decoded = read(parts.concat());
        proptest::prop_assert!(!decoded.subject.contains(['\r', '\n', '\0']));
        let text = decoded.text.unwrap_or_default();
        proptest::prop_assert!(!text.contains(|c: char| c.is_control() && c != '\n' && c != '\t'));
    }
}

fn fragment() -> impl proptest::strategy::Strategy<Value = &'static str> {
    proptest::sample::select(vec![
        "Content-Type: multipart/mixed; boundary=a\r\n",
        "Content-Type: multipart/digest; boundary=\"a\"\r\n",
        "Content-Type: multipart/alternative; boundary*0=a\r\n",
        "Content-Type: message/rfc822\r\n",
        "Content-Type: text/html; charset=utf-7\r\n",
        "Content-Type: text/plain; name*=utf-8''%00%0a\r\n",
        "Content-Transfer-Encoding: base64\r\n",
        "Content-Transfer-Encoding: quoted-printable\r\n",
        "Content-Disposition: attachment; filename*0=a; filename*1=b\r\n",
        "Subject: =?utf-8?B?DQphAGI=?=\r\n",
        "From: =?x?Q?=0A?= <a@b.example>, \"\r\n",
        "References: <a@b> <c\r\n d>\r\n",
        "\r\n",
        "--a\r\n",
        "--a--\r\n",
        "--aContent-Type: message/rfc822\r\n",
        "=3D=\r\n",
        "Q29udGVudC1UeXBlOiBtZXNzYWdlL3JmYzgyMgoK\r\n",
        "text\0\r\n",
        "\u{fc}\n",
    ])
}

#[test]
fn a_date_hides_no_field() {
    for end in ["\n", "\r\n"] {
        let content = read(format!("Date: Sat, 22 Apr 2006 17:14:50 UT{end}From: a@b.example{end}{end}"));
        assert_eq!(content.from.len(), 1, "{end:?}");
        let date = content.date.and_then(|date| date.duration_since(SystemTime::UNIX_EPOCH).ok());
        assert_eq!(date.map(|date| date.as_secs()), Some(1_145_726_090), "{end:?}");
    }
}

#[test]
fn a_text_of_no_kind_is_a_text() {
    let content = read("Content-Type: text; charset=us-ascii\n\nhello\n");
    assert_eq!((content.text.as_deref(), content.attachments.len()), (Some("hello\n"), 0));
    let file = read("Content-Type: text\nContent-Disposition: attachment; filename=a.txt\n\nhello\n");
    assert_eq!((file.text, file.attachments.len()), (None, 1));
}
