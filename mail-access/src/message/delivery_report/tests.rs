use super::*;

fn part(kind: &str, content: &str) -> Attachment {
    Attachment::new("", kind, content)
}

#[test]
fn each_recipient_has_its_fate() {
    let status = "Original-Envelope-Id: 17\r\nReporting-MTA: dns; mx.example\r\nArrival-Date: x\r\n\r\n\
        Final-Recipient: rfc822; a@b.example\r\nOriginal-Recipient: rfc822;A@b.example\r\nAction: failed\r\n\
        Status: 5.1.1\r\nRemote-MTA: dns; mx.b.example\r\nDiagnostic-Code: smtp; 550 5.1.1 no such\r\n    user here\r\n\r\n\
        Final-Recipient: rfc822;c@b.example\r\nAction: delayed (since yesterday)\r\nStatus: 4.4.1 (timeout)\r\n\r\n\
        Final-Recipient: utf-8; d\\x{F6}rte@b.example\r\nAction: Delivered\r\nStatus: 2.0.0\r\n\r\n\
        Original-Recipient: rfc822; e@b.example\r\nStatus: 5.x.1\r\n";
    let parts = [
        part("text/plain", "sorry"),
        part("message/delivery-status", status),
        part("text/rfc822-headers", "\r\nSubject: hi\r\nMessage-Id: <1@agents.example>\r\n"),
    ];
    let report = standard(&parts).unwrap();
    assert_eq!(report.original.unwrap().as_str(), "1@agents.example");
    assert_eq!(
        (report.envelope_id.as_deref(), report.reporting_server.as_deref()),
        (Some("17"), Some("mx.example"))
    );
    let fates: Vec<_> = report
        .recipients
        .iter()
        .map(|one| (&*one.final_recipient, one.action.to_string(), one.status))
        .collect();
    assert_eq!(
        fates,
        [
            ("a@b.example", "failed".to_owned(), Some((5, 1, 1))),
            ("c@b.example", "delayed".to_owned(), Some((4, 4, 1))),
            ("d\u{f6}rte@b.example", "delivered".to_owned(), Some((2, 0, 0))),
            ("e@b.example", "failed".to_owned(), None),
        ]
    );
    let first = &report.recipients[0];
    assert_eq!(first.diagnostic.as_deref(), Some("550 5.1.1 no such    user here"));
    assert_eq!(first.remote_server.as_deref(), Some("mx.b.example"));
    assert_eq!(first.address().unwrap().to_string(), "A@b.example");
    let permanent: Vec<_> = report.recipients.iter().map(RecipientReport::is_permanent_failure).collect();
    assert_eq!(permanent, [true, false, false, true]);
    assert!(standard(&parts[..1]).is_none());
}

#[test]
fn qmail_says_it_in_prose() {
    let text = "Hi. This is the qmail-send program at gate.example.\n\
        I'm afraid I wasn't able to deliver your message to the following addresses.\n\
        This is a permanent error; I've given up. Sorry it didn't work out.\n\n\
        <a@b.example>:\nSorry, no mailbox here by that name. (#5.1.1)\n\n<c@b.example>:\nno reason\n\n\
        --- Below this line is a copy of the message.\n\nReturn-Path: <x@agents.example>\nMessage-ID: <2@agents.example>\n\nhi\n";
    let report = of_qmail(text).unwrap();
    assert_eq!(report.original.unwrap().as_str(), "2@agents.example");
    assert_eq!(report.recipients.len(), 2);
    assert_eq!(report.recipients[0].status, Some((5, 1, 1)));
    assert_eq!(
        report.recipients[0].diagnostic.as_deref(),
        Some("Sorry, no mailbox here by that name. (#5.1.1)")
    );
    assert_eq!((&*report.recipients[1].final_recipient, report.recipients[1].status), ("c@b.example", None));
    assert!(of_qmail("Hi. This is the day after.\n\nBye").is_none());
    assert!(of_qmail("> <a@b.example>: hello").is_none());
}

#[test]
fn exim_names_the_recipients_in_the_header() {
    let text = "This message was created automatically by mail delivery software.\n\nThe following address(es) failed:\n\n\
        \x20 a@b.example\n    host mx.b.example [192.0.2.1]: 550 5.1.1 unknown user\n\n\
        ------ This is a copy of the message, including all the headers. ------\n\nMessage-ID: <3@agents.example>\n\nhi";
    let report = of_exim(&["a@b.example".to_owned(), "z@b.example".to_owned()], text).unwrap();
    assert_eq!(report.original.unwrap().as_str(), "3@agents.example");
    assert_eq!(report.recipients[0].status, Some((5, 1, 1)));
    assert_eq!(
        report.recipients[0].diagnostic.as_deref(),
        Some("host mx.b.example [192.0.2.1]: 550 5.1.1 unknown user")
    );
    assert_eq!(
        (&*report.recipients[1].final_recipient, &report.recipients[1].diagnostic),
        ("z@b.example", &None)
    );
    assert!(of_exim(&[], text).is_none());
    assert!(of_exim(&["a@b.example".to_owned()], "hello").is_none());
}

#[test]
fn codes_are_read_where_they_are_codes() {
    for (text, code) in [
        ("5.1.1", Some((5, 1, 1))),
        (" 4.7.650 (later)", Some((4, 7, 650))),
        ("5.1.1)", Some((5, 1, 1))),
        ("192.0.2", None),
        ("5.1", None),
        ("5..1", None),
        ("5.99999.1", None),
        ("", None),
    ] {
        assert_eq!(enhanced(text), code, "{text:?}");
    }
    assert_eq!(unescaped("\\x{zz}a\\x{FC}\\x{110000}"), "\\x{zz}a\u{fc}\\x{110000}");
}

proptest::proptest! {
    #[test]
    fn any_report_is_read_or_none(pieces in proptest::collection::vec(proptest::sample::select(PIECES), 0..40)) {
        let text = pieces.concat();
        let parts = [part("message/delivery-status", &text), part("message/rfc822", &text)];
        standard(&parts);
        of_qmail(&text);
        of_exim(&["a@b.example".to_owned(), "\u{fc}".to_owned()], &text);
    }
}

const PIECES: &[&str] = &[
    "Final-Recipient: ",
    "Original-Recipient:",
    "rfc822;",
    "utf-8; \\x{F6}",
    "Action: failed",
    "Status: 5.1.1",
    "\r\n",
    "\n",
    "\n\n",
    " ",
    "<a@b.example>:",
    "a@b.example",
    "Hi. This is the ",
    "\n--- ",
    "Message-ID: <1@x>",
    "(#5.",
    "\u{fc}",
    ";",
    "This message was created automatically by mail delivery software",
    "\n  ",
    "------ This is a copy",
    "\0",
    ":",
];
