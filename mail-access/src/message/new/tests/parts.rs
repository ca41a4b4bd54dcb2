//! What a message may hold beside its text.

use std::time::Duration;

use mailparse::MailHeaderMap;

use super::*;

fn to_bob() -> NewMessage {
    NewMessage::to(address("bob@agents.example"))
}

fn seal(message: NewMessage) -> Result<Outgoing, Error> {
    message.seal(&address("ada@agents.example").into())
}

fn refused(message: NewMessage) -> &'static str {
    match seal(message) {
        Err(Error::Invalid { what, .. }) => what,
        other => panic!("{other:?}"),
    }
}

/// Draws the parts as a tree of media types.
fn tree(message: NewMessage) -> String {
    fn draw(part: &mailparse::ParsedMail<'_>) -> String {
        let parts: Vec<String> = part.subparts.iter().map(draw).collect();
        match &parts[..] {
            [] => part.ctype.mimetype.clone(),
            parts => {
                format!("{}({})", part.ctype.mimetype.trim_start_matches("multipart/"), parts.join(", "))
            }
        }
    }
    draw(&mailparse::parse_mail(seal(message).unwrap().bytes()).unwrap())
}

fn png() -> Attachment {
    Attachment::new("a.png", "image/png", *b"png")
}

const REPLY: &str = "BEGIN:VCALENDAR\nMETHOD:REPLY\nEND:VCALENDAR\n";

#[test]
fn parts_stand_where_readers_look_for_them() {
    for (message, parts) in [
        (to_bob(), "text/plain"),
        (to_bob().with_html("a"), "text/html"),
        (to_bob().with_calendar(REPLY), "text/calendar"),
        (to_bob().with_text("a").with_calendar(REPLY), "alternative(text/plain, text/calendar)"),
        (to_bob().with_html("a").with_inline("1", png()), "related(text/html, image/png)"),
        (to_bob().with_attachment(png()), "mixed(text/plain, image/png)"),
        (
            to_bob()
                .with_text("a")
                .with_html("a")
                .with_inline("1", png())
                .with_calendar(REPLY)
                .with_attachment(png()),
            "mixed(alternative(text/plain, related(text/html, image/png), text/calendar), image/png)",
        ),
    ] {
        assert_eq!(tree(message), parts);
    }
}

#[test]
fn an_inline_image_is_found_by_its_id() {
    let sealed = seal(to_bob().with_html("<img src=\"cid:1@a\">").with_inline("1@a", png())).unwrap();
    let parsed = mailparse::parse_mail(sealed.bytes()).unwrap();
    assert_eq!(parsed.ctype.params.get("type").map(String::as_str), Some("text/html"));
    let image = &parsed.subparts[1];
    assert_eq!(image.headers.get_first_value("Content-ID").as_deref(), Some("<1@a>"));
    assert_eq!(image.get_content_disposition().disposition, mailparse::DispositionType::Inline);
    assert_eq!(image.get_body_raw().unwrap(), b"png");
}

#[test]
fn a_calendar_tells_its_method() {
    let sealed = seal(to_bob().with_text("a").with_calendar(REPLY)).unwrap();
    let parsed = mailparse::parse_mail(sealed.bytes()).unwrap();
    assert_eq!(parsed.subparts[1].ctype.params.get("method").map(String::as_str), Some("REPLY"));
    assert_eq!(parsed.subparts[1].get_body().unwrap(), REPLY.replace('\n', "\r\n"));
}

#[test]
fn fields_of_ones_own_follow_the_message() {
    let message = to_bob()
        .with_reply_to(Contact::named("The \u{1f916}", address("desk@agents.example")))
        .with_auto_submitted(AutoSubmitted::Replied)
        .with_unsubscribe("https://agents.example/u?id=1")
        .with_header("X-Agent-Hops", "1")
        .with_header("Comments", "gr\u{fc}n")
        .with_header("comments", "");
    let sealed = seal(message).unwrap();
    let parsed = mailparse::parse_mail(sealed.bytes()).unwrap();
    let value = |name: &str| parsed.headers.get_all_values(name);
    assert_eq!(value("Reply-To"), ["The \u{1f916} <desk@agents.example>"]);
    assert_eq!(value("Auto-Submitted"), ["auto-replied"]);
    assert_eq!(value("List-Unsubscribe"), ["<https://agents.example/u?id=1>"]);
    assert_eq!(value("List-Unsubscribe-Post"), ["List-Unsubscribe=One-Click"]);
    assert_eq!(
        (value("X-Agent-Hops"), value("Comments")),
        (vec!["1".into()], vec!["gr\u{fc}n".into(), String::new()])
    );
    assert!(reparse(&sealed).is_auto_submitted());
}

#[test]
fn what_does_not_fit_is_refused_by_its_name() {
    let field = |name: &str| to_bob().with_header(name, "a");
    for name in [
        "",
        "a b",
        "a:",
        "X\r\nBcc",
        "\u{fc}",
        "Bcc",
        "TO",
        "Sender",
        "content-type",
        "Received",
        "ARC-Seal",
        "DKIM-Signature",
        "Resent-To",
        "mime-version",
        "Message-Id",
        &"x".repeat(77),
    ] {
        assert_eq!(refused(field(name)), "header name", "{name:?}");
    }
    assert_eq!(refused(to_bob().with_header("X-A", "a\r\nBcc: x@y.example")), "header");
    assert_eq!(refused(to_bob().with_header("X-A", "a".repeat(100_000))), "header");
    for url in [
        "https://:443/",
        "https://[::1/",
        "http://a.example/",
        "https://",
        "https:///a",
        "https://a.example/ ",
        "https://a.example/>,<b",
        "mailto:a@b.example",
        "https://a.example/\r\n",
        "https://\u{fc}.example/",
    ] {
        assert_eq!(refused(to_bob().with_unsubscribe(url)), "unsubscribe", "{url:?}");
    }
    for id in ["", "a b", "a>", "\u{fc}", "a\r\n"] {
        assert_eq!(refused(to_bob().with_html("a").with_inline(id, png())), "inline image", "{id:?}");
    }
    assert_eq!(
        refused(to_bob().with_html("a").with_inline("1", png()).with_inline("1", png())),
        "inline image"
    );
    assert_eq!(refused(to_bob().with_inline("1", png())), "inline image");
    assert_eq!(refused(to_bob().with_calendar("METHOD:REQUEST")), "calendar");
    assert_eq!(refused(to_bob().with_text("a\0b")), "text");
    assert_eq!(refused(to_bob().with_html("a\0b")), "html");
    for kind in ["multipart/mixed; boundary=a", "a", "a/b\r\nX: y", "\u{fc}/b", "Message"] {
        assert_eq!(
            refused(to_bob().with_attachment(Attachment::new("a", kind, *b""))),
            "attachment type",
            "{kind:?}"
        );
    }
    assert_eq!(
        refused(to_bob().with_attachment(Attachment::new("a".repeat(1025), "a/b", *b""))),
        "attachment name"
    );
}

#[test]
fn a_date_that_no_header_holds_is_refused() {
    let ada = Contact::from(address("ada@agents.example"));
    let id: MessageId = "1@agents.example".parse().unwrap();
    for (seconds, before, fine) in
        [(0, false, true), (1, true, false), (253_402_300_799, false, true), (253_402_300_800, false, false)]
    {
        let offset = Duration::from_secs(seconds);
        let date = if before { SystemTime::UNIX_EPOCH - offset } else { SystemTime::UNIX_EPOCH + offset };
        assert_eq!(to_bob().seal_as(&ada, id.clone(), date).is_ok(), fine, "{seconds}");
    }
}

#[test]
fn names_outside_ascii_stand_in_the_header_as_they_are() {
    let message = NewMessage::to(Contact::named("D\u{f6}rte", address("d\u{f6}rte@b\u{fc}cher.example")));
    let sealed = seal(message).unwrap();
    assert!(sealed.recipients()[0].needs_smtputf8());
    let raw = String::from_utf8(sealed.bytes().to_vec()).unwrap();
    assert!(raw.contains("To: =?utf-8?B?RMO2cnRl?= <d\u{f6}rte@xn--bcher-kva.example>\r\n"), "{raw}");
}

#[test]
fn what_a_message_says_is_not_shown() {
    let message = to_bob()
        .with_text("canary 1")
        .with_html("canary 2")
        .with_header("X-Key", "canary 3")
        .with_attachment(Attachment::new("a.txt", "text/plain", "canary 4"));
    let shown = format!("{message:?} {message:#?}");
    assert!(shown.contains("bob@") && shown.contains("text_bytes: Some(8)"), "{shown}");
    assert!(!shown.contains("canary"), "{shown}");
}
