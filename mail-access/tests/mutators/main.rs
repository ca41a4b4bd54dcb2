//! What strangers send, bent by chance: the same checks that the fuzz targets in `fuzz/` run without end, here a
//! bounded number of times.
//!
//! `PROPTEST_CASES` scales them, `MUTATOR_SEED` sets another beginning; a failure tells what to set it to.

mod authentication_results;
mod delivery_report;
mod imap_replies;
mod message;
mod mutator;
mod player;
mod quote;
mod smtp_replies;

use mutator::Mutator;

#[test]
fn no_smtp_reply_is_read_for_what_it_is_not() {
    let seeds = [
        "220 x ESMTP\r\n\u{1e}250-x\r\n250-PIPELINING\r\n250-SIZE 9999\r\n250-8BITMIME\r\n250 AUTH PLAIN LOGIN\r\n\u{1e}\
         235 2.7.0 ok\r\n\u{1e}250 2.1.0 ok\r\n250 2.1.5 ok\r\n354 go on\r\n\u{1e}250 2.0.0 queued as 7\r\n",
        "220-a\r\n220 b\r\n\u{1e}250-x\r\n250 AUTH LOGIN\r\n\u{1e}334 VXNlcjo=\r\n\u{1e}334 UGFzczo=\r\n\u{1e}235 ok\r\n\
         \u{1e}250 ok\r\n\u{1e}251 ok\r\n\u{1e}354 ok\r\n\u{1e}450 4.7.1 try again in 300 seconds\r\n",
        "220 x\r\n\u{1e}250-x\r\n250-CHUNKING\r\n250-PIPELINING\r\n250-DSN\r\n250 AUTH PLAIN\r\n\u{1e}235 ok\r\n\u{1e}\
         250 ok\r\n550-5.1.1 no\r\n550 5.1.1 such user\r\n\u{1e}250 ok\r\n",
        "220 x\r\n\u{1e}250 AUTH PLAIN\r\n\u{1e}535 5.7.8 wrong\r\n",
        "421 4.3.2 closing\r\n",
    ];
    let words =
        ["\u{1e}", "250", "250-", "354 ", "421 ", "5.7.1 ", "-", " ", "\r\n", "\n", "\r", "\0", "AUTH PLAIN"];
    Mutator::new("smtp_replies", &seeds, &words).run(40, smtp_replies::check);
}

#[test]
fn no_imap_reply_is_read_for_what_it_is_not() {
    let greeted = "* OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN] ready\r\n\u{1e}\
        L1 OK [CAPABILITY IMAP4rev1 IDLE] in\r\n\u{1e}";
    let selected = format!(
        "{greeted}* FLAGS (\\Seen)\r\n* 2 EXISTS\r\n* 0 RECENT\r\n* OK [UIDVALIDITY 7] valid\r\n* OK [UIDNEXT 6] next\r\n\
         A1 OK [READ-WRITE] selected\r\n\u{1e}"
    );
    let sizes = "* 1 FETCH (UID 3 RFC822.SIZE 14)\r\n* 2 FETCH (UID 5 RFC822.SIZE 14)\r\n";
    let body = |uid, header: &str| {
        format!(
            "* 1 FETCH (UID {uid} FLAGS (\\Seen $x) INTERNALDATE \"20-Nov-2026 10:39:50 +0000\" BODY[] {{{}}}\r\n\
             {header})\r\n",
            header.len()
        )
    };
    let bodies = [body(3, "Subject: a\r\n\r\n"), body(5, ID)].concat();
    let id = format!("RFC822.SIZE 29 BODY[HEADER.FIELDS (MESSAGE-ID)] {{{}}}\r\n{ID}", ID.len());
    let seeds = [
        format!("a{selected}{sizes}A2 OK\r\n\u{1e}{bodies}A3 OK done\r\n"),
        format!("n{selected}{sizes}A2 OK\r\n\u{1e}{bodies}A3 OK done\r\n"),
        format!("u{selected}* SEARCH 3 5\r\nA2 OK\r\n\u{1e}{sizes}A3 OK\r\n\u{1e}{bodies}A4 OK done\r\n"),
        format!(
            "i{selected}* SEARCH 5\r\nA2 OK\r\n\u{1e}* 2 FETCH (UID 5 {id})\r\nA3 OK\r\n\u{1e}{bodies}A4 OK done\r\n"
        ),
        format!("s{selected}* 1 FETCH (FLAGS (\\Seen))\r\nA2 OK done\r\n"),
        format!(
            "w{selected}* 2 FETCH (UID 2)\r\nA2 OK\r\n\u{1e}+ idling\r\n* 3 EXISTS\r\n\u{1e}A3 OK\r\n\u{1e}\
             * 3 FETCH (UID 6)\r\nA4 OK\r\n"
        ),
        format!("w{selected}* 2 FETCH (UID 2)\r\nA2 OK\r\n\u{1e}+ idling\r\n\u{1e}* BYE\r\n"),
        "a* OK [CAPABILITY IMAP4rev1] x\r\n\u{1e}+ \r\n\u{1e}+ \r\n\u{1e}L1 NO [AUTHENTICATIONFAILED] no\r\n"
            .to_owned(),
    ];
    let seeds: Vec<_> = seeds.iter().map(String::as_str).collect();
    let words = [
        "\u{1e}",
        "\r\n",
        "\r",
        "\n",
        "\0",
        "* ",
        "A2 OK ",
        "A3 NO ",
        "BAD ",
        "* BYE ",
        "+ ",
        "FETCH (",
        "UID ",
        "BODY[] ",
        "{3}\r\n",
        "{99999}\r\n",
        "NIL",
        "(",
        ")",
        "\"",
        "\\",
        "[UIDVALIDITY 8]",
        "* 9 EXISTS\r\n",
        "* 1 EXPUNGE\r\n",
        "INTERNALDATE ",
        "* SEARCH ",
        "4294967295",
        "ü",
    ];
    Mutator::new("imap_replies", &seeds, &words).run(40, imap_replies::check);
}

#[test]
fn no_message_shows_what_deceives() {
    let seeds = [PLAIN, MULTIPART, NESTED, AUTHENTICATED, REPORT, COMPLAINT];
    Mutator::new("message", &seeds, &MESSAGE_WORDS).run(20, message::check);
}

#[test]
fn no_authentication_result_is_made_up() {
    let seeds = [
        AUTHENTICATED,
        "mx.agents.example 1; spf=pass (ok) smtp.mailfrom=a@b.example; dkim=fail reason=\"a; b\" header.d=b.example",
        "mx.agents.example; none",
        "(c(d)) \"mx.agents.example\"/1 ; dmarc = pass (p=reject) header.from=b.example; arc=none",
    ];
    let words = [
        ";",
        "=",
        "pass",
        "dmarc=",
        "(",
        ")",
        "\"",
        "\\",
        "mx.agents.example",
        "Authentication-Results: ",
        "/1",
    ];
    Mutator::new("authentication_results", &seeds, &words).run(40, authentication_results::check);
}

#[test]
fn no_delivery_report_tells_more_than_was_reported() {
    let seeds = [REPORT, QMAIL, PLAIN];
    let words = [
        "Final-Recipient: rfc822; ",
        "Original-Recipient: ",
        "Action: failed",
        "Status: 5.1.1",
        "Diagnostic-Code: smtp; ",
        "\r\n\r\n",
        "\r\n",
        ";",
        "--b",
        "--b--",
        "message/delivery-status",
        "report-type=",
    ];
    Mutator::new("delivery_report", &seeds, &words).run(20, delivery_report::check);
}

#[test]
fn no_split_loses_a_byte() {
    let seeds = [
        "Yes.\n\nOn 5/6/24 10:12, Bob wrote:\n> Breakfast?\n> \n>> Lunch?\nNo.\n-- \nAda\n",
        "Gerne.\n\nAm 06.05.2024 um 10:12 schrieb Bob <bob@example.org>:\n\n> Frühstück?\n\nGesendet von meinem iPhone",
        "Ok\r\n\r\n________________________________\r\nFrom: Bob <bob@example.org>\r\nSent: Monday\r\nTo: Ada\r\nSubject: x\r\n\r\nold",
        "Le lun. 6 mai 2024 à 10:12, Bob <bob@example.org> a écrit :\n> Bonjour\n",
        "Your code is 482 913, or open https://example.org/confirm?id=7).\n\n-----Original Message-----\nx",
    ];
    let words = [
        "> ", "\n", "\r\n", "-- \n", "wrote:", "From: ", "On ", "https://", "\u{202e}", "code", "123456",
        "____",
    ];
    Mutator::new("quote", &seeds, &words).run(40, quote::check);
}

const ID: &str = "Message-ID: <1@b.example>\r\n\r\n";
const PLAIN: &str = "Message-ID: <1@b.example>\r\nIn-Reply-To: <0@b.example>\r\nReferences: <0@b.example>\r\n\
    From: =?utf-8?B?w4RkYQ==?= <ada@b.example>\r\nReply-To: \"a\" <a@b.example>\r\nTo: bob@c.example, g: x@y, z@y;\r\n\
    Subject: =?utf-8?Q?Gr=C3=BC=C3=9Fe?=\r\nDate: Fri, 20 Nov 2026 08:00:00 +0000\r\nList-Id: <l.b.example>\r\n\r\n\
    Hello\r\n.\r\nworld\r\n";
const MULTIPART: &str = "From: a@b.example\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=\"b\"\r\n\r\n\
    --b\r\nContent-Type: text/html; charset=iso-8859-1\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n\
    <p>caf=E9<script>x</script>&amp;&#8238;<a href=3D\"http://x\">y</a></p>=\r\n\r\n--b\r\n\
    Content-Type: image/png; name*0*=utf-8''..%2F..%2F; name*1=x.png\r\nContent-Transfer-Encoding: base64\r\n\
    Content-Disposition: attachment; filename=\"=?utf-8?B?Li4vYQ==?=\"\r\n\r\nAAEC\r\n--b--\r\n";
const NESTED: &str = "Content-Type: multipart/mixed; boundary=a\r\n\r\n--a\r\nContent-Type: message/rfc822\r\n\r\n\
    Subject: inner\r\nContent-Type: multipart/digest; boundary=c\r\n\r\n--c\r\n\r\nSubject: x\r\n\r\ny\r\n--c--\r\n\
    --a\r\nContent-Type: message/rfc822\r\nContent-Transfer-Encoding: base64\r\n\r\nU3ViamVjdDogeA0KDQp5\r\n--a--\r\n";
const AUTHENTICATED: &str = "Received: from x by mx.agents.example; Fri, 20 Nov 2026 08:00:00 +0000\r\n\
    Authentication-Results: mx.agents.example; spf=pass smtp.mailfrom=b.example;\r\n\tdkim=pass header.d=b.example; \
    dmarc=pass header.from=b.example\r\nAuthentication-Results: evil.example; dmarc=pass header.from=b.example\r\n\
    From: Ada <ada@b.example>\r\nSubject: x\r\n\r\ny\r\n";
const REPORT: &str = "From: MAILER-DAEMON@x.example\r\nAuto-Submitted: auto-replied\r\nMIME-Version: 1.0\r\n\
    Content-Type: multipart/report; report-type=delivery-status; boundary=\"b\"\r\n\r\n--b\r\n\r\nIt failed.\r\n--b\r\n\
    Content-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; x.example\r\nOriginal-Envelope-Id: 7\r\n\r\n\
    Final-Recipient: rfc822; bob@y.example\r\nOriginal-Recipient: rfc822;bob+2B@y.example\r\nAction: failed\r\n\
    Status: 5.1.1\r\nDiagnostic-Code: smtp; 550 5.1.1 no such\r\n user\r\nRemote-MTA: dns; mx.y.example\r\n\r\n\
    Final-Recipient: rfc822; eve@y.example\r\nAction: delayed\r\nStatus: 4.4.1\r\n\r\n--b\r\n\
    Content-Type: message/rfc822\r\n\r\nMessage-ID: <1@x.example>\r\nSubject: x\r\n\r\ny\r\n--b--\r\n";
const COMPLAINT: &str = "From: fbl@x.example\r\nContent-Type: multipart/report; report-type=feedback-report; boundary=b\r\n\
    \r\n--b\r\n\r\nabuse\r\n--b\r\nContent-Type: message/feedback-report\r\n\r\nFeedback-Type: abuse\r\nVersion: 1\r\n\
    User-Agent: x/1\r\nOriginal-Rcpt-To: <bob@y.example>\r\n\r\n--b\r\nContent-Type: text/rfc822-headers\r\n\r\n\
    Message-ID: <1@x.example>\r\n\r\n--b--\r\n";
const QMAIL: &str = "From: MAILER-DAEMON@x.example\r\nSubject: failure notice\r\n\r\nHi. This is the qmail-send program at \
    x.example.\r\nI'm afraid I wasn't able to deliver your message to the following addresses.\r\n\r\n\
    <bob@y.example>:\r\n192.0.2.1 does not like recipient.\r\nRemote host said: 550 5.1.1 no\r\n\r\n\
    --- Below this line is a copy of the message.\r\n\r\nMessage-ID: <1@x.example>\r\n\r\ny\r\n";
const MESSAGE_WORDS: [&str; 22] = [
    "\r\n",
    "\n",
    "\r\n\r\n",
    "\0",
    "--b",
    "--b--",
    ";",
    "\"",
    "=?utf-8?B?",
    "?=",
    "=0D=0A",
    "\u{202e}",
    "\u{85}",
    "Content-Type: message/rfc822",
    "Content-Transfer-Encoding: base64",
    "boundary=",
    "multipart/digest",
    "filename*=",
    "..%2F",
    "<",
    "charset=utf-7",
    "(((((",
];
