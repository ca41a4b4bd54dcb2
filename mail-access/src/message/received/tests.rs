use super::*;
use crate::Kind;

fn read(raw: &str) -> Received {
    Received::parse(Uid::new(1).unwrap(), SystemTime::UNIX_EPOCH, false, raw.as_bytes())
}

#[test]
fn a_kind_is_told_from_the_whole() {
    let report = |kind: &str, part: &str| {
        read(&format!(
            "From: MAILER-DAEMON@b.example\r\nAuto-Submitted: auto-replied\r\nContent-Type: multipart/report; \
             report-type={kind}; boundary=b\r\n\r\n--b\r\n\r\nwords\r\n--b\r\nContent-Type: {part}\r\n--b--\r\n"
        ))
    };
    for (message, kind) in [
        (read("Subject: x\r\n\r\nhi"), Kind::Letter),
        (read("Auto-Submitted: auto-replied\r\n\r\nhi"), Kind::AutoReply),
        (
            report(
                "delivery-status",
                "message/delivery-status\r\n\r\nFinal-Recipient: rfc822; a@b.example\r\n",
            ),
            Kind::DeliveryReport,
        ),
        (report("Delivery-Status", "text/plain\r\n\r\nnothing to read\r\n"), Kind::DeliveryReport),
        (
            report("feedback-report", "message/feedback-report\r\n\r\nFeedback-Type: abuse\r\n"),
            Kind::FeedbackReport,
        ),
        (report("feedback-report", "text/plain\r\n\r\nnone\r\n"), Kind::AutoReply),
        (report("disposition-notification", "text/plain\r\n\r\n\r\n"), Kind::ReadReport),
    ] {
        assert_eq!(message.kind(), kind, "{:?}", message.raw());
        assert_eq!(message.is_delivery_report(), kind == Kind::DeliveryReport);
        assert_eq!(message.allows_auto_reply(), kind == Kind::Letter);
    }
    assert!(!read("From: MAILER-DAEMON@b.example\r\n\r\nhi").allows_auto_reply());
}

#[test]
fn only_a_daemon_bounces_in_prose() {
    let text = "Hi. This is the qmail-send program at x.\n\n<a@b.example>:\nno (#5.1.1)\n";
    assert!(read(&format!("From: MAILER-DAEMON@b.example\r\n\r\n{text}")).is_delivery_report());
    assert!(read(&format!("Return-Path: <>\r\nFrom: x@b.example\r\n\r\n{text}")).is_delivery_report());
    assert!(
        !read(&format!("Return-Path: <x@b.example>\r\nFrom: x@b.example\r\n\r\n{text}")).is_delivery_report()
    );
}

#[test]
fn without_its_bytes_the_rest_stays() {
    let whole = read("Subject: a\r\nList-Id: <l.example>\r\nX-Agent-Hops: 3\r\n\r\nbody\r\n");
    let size = whole.raw().len();
    let rest = whole.without_raw();
    assert!(rest.raw().is_empty());
    assert_eq!((rest.size(), rest.subject(), rest.text()), (size, "a", Some("body\n")));
    assert_eq!((rest.kind(), rest.list_id().as_deref()), (Kind::List, Some("l.example")));
    assert_eq!(rest.header("x-agent-hops").as_deref(), Some("3"));
    assert_eq!(rest.headers().count(), 3);
}

#[test]
fn a_writer_is_verified_only_alone() {
    let server = TrustedServer::new("mail.agents.example");
    let results = "Authentication-Results: mail.agents.example; dmarc=pass header.from=b.example\r\n";
    for (from, verified) in [
        ("From: A <a@b.example>\r\n", true),
        ("From: A <a@c.example>\r\n", false),
        ("From: a@b.example, c@d.example\r\n", false),
        ("From: a@b.example\r\nFrom: a@b.example\r\n", false),
        ("From: a@b.example\r\nFrom: not an address\r\n", false),
        ("From: \"a@b.example\" <a@c.example>\r\n", false),
        ("", false),
    ] {
        let message = read(&format!("{results}{from}\r\n"));
        assert_eq!(message.verified_from(&server).is_some(), verified, "{from}");
        assert!(read(&format!("{from}\r\n")).verified_from(&server).is_none());
    }
}

#[test]
fn a_calendar_is_a_text() {
    let message = read(
        "Content-Type: multipart/alternative; boundary=b\r\n\r\n--b\r\n\r\ncome\r\n--b\r\nContent-Type: text/calendar; \
         charset=iso-8859-1; method=REQUEST\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\nSUMMARY:f=FCr\r\n--b--\r\n",
    );
    assert_eq!(message.calendars().collect::<Vec<_>>(), ["SUMMARY:f\u{fc}r"]);
    assert_eq!(message.text(), Some("come"));
}

#[test]
fn html_is_read_when_there_is_no_text() {
    let html = read("Content-Type: text/html; charset=utf-8\r\n\r\n<p>a<p>b");
    assert_eq!((html.text(), html.readable_text().as_deref()), (None, Some("a\n\nb")));
    let both = read(
        "Content-Type: multipart/alternative; boundary=b\r\n\r\n--b\r\n\r\nplain\r\n--b\r\nContent-Type: text/html\r\n\r\n<p>rich\r\n--b--\r\n",
    );
    assert_eq!((both.readable_text().as_deref(), both.html()), (Some("plain"), Some("<p>rich")));
    assert_eq!(read("Subject: x\r\n").readable_text(), None);
}

#[test]
fn what_is_new_and_what_is_looked_for_is_found_in_text_and_in_html() {
    let read = |kind: &str, body: &str| {
        let raw = format!("From: a@x.example\r\nContent-Type: text/{kind}\r\n\r\n{body}");
        Received::parse(Uid::new(1).unwrap(), SystemTime::UNIX_EPOCH, false, raw.into_bytes())
    };
    let plain =
        read("plain", "Your code is 482913.\r\nSee https://x.example/a\r\n\r\n> older\r\n> lines\r\n");
    assert_eq!(plain.new_text().trim_end(), "Your code is 482913.\nSee https://x.example/a");
    assert_eq!(plain.codes()[0].value(), "482913");
    assert_eq!(plain.links().len(), 1);
    let html = read("html", "<p>Your code is <b>482913</b></p><a href='https://x.example/a'>here</a>");
    assert_eq!(html.codes()[0].value(), "482913");
    assert_eq!(html.links()[0].url().as_str(), "https://x.example/a");
    assert!(html.new_text().contains("482913"));
    let empty = read("plain", "");
    assert!(empty.new_text().is_empty() && empty.codes().is_empty() && empty.links().is_empty());
}
