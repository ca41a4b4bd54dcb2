use mail_parser::{MessageParser, MimeHeaders};

use super::*;
use crate::{DeliveryReports, Received};

#[tokio::test]
async fn a_report_says_in_the_words_of_rfc_3464_what_failed() {
    let office = office();
    office.add_alias(&at_home("old"), vec![address("new@elsewhere.example")]).unwrap();
    let sent = message(&["nobody@agents.example", "old@agents.example", "bob@agents.example"]);
    let submission = office.submit(&login("ada"), &sent).await.unwrap();
    assert_eq!((submission.accepted.len(), submission.refused.len()), (3, 0));
    assert_eq!(count(&office, "bob").await, 1);

    let batch = inbox(&office, "ada").await;
    let [report] = &batch.messages[..] else { panic!("one report for all: {batch:?}") };
    assert!(report.is_delivery_report() && report.is_auto_submitted());
    assert!(report.raw().starts_with(b"Return-Path: <>\r\nDelivered-To: ada@agents.example\r\n"));
    assert_eq!(report.from().unwrap().address, address("MAILER-DAEMON@mail.invalid"));
    assert_eq!(report.to()[0].address, at_home("ada"));
    assert_ne!(report.message_id().unwrap(), sent.message_id());
    assert_eq!(report.date(), Some(SystemTime::UNIX_EPOCH + Duration::from_secs(NOW.into())));
    assert!(report.text().unwrap().contains("550 5.1.1 <nobody@agents.example>: User unknown"));

    let [status, header] = parts(report);
    assert_eq!(status.0, "message/delivery-status");
    assert_eq!(
        status.1,
        "Reporting-MTA: dns; mail.invalid\r\n\
         Arrival-Date: Fri, 20 Nov 2026 10:40:00 +0000\r\n\
         \r\n\
         Final-Recipient: rfc822; nobody@agents.example\r\n\
         Original-Recipient: rfc822; nobody@agents.example\r\n\
         Action: failed\r\n\
         Status: 5.1.1\r\n\
         Diagnostic-Code: smtp; 550 5.1.1 <nobody@agents.example>: User unknown\r\n\
         \r\n\
         Final-Recipient: rfc822; new@elsewhere.example\r\n\
         Original-Recipient: rfc822; old@agents.example\r\n\
         Action: failed\r\n\
         Status: 5.1.2\r\n\
         Diagnostic-Code: smtp; 550 5.1.2 <new@elsewhere.example>: Host or domain name not found\r\n"
    );
    assert_eq!(header.0, "text/rfc822-headers");
    assert!(header.1.contains(&format!("Message-ID: {}\r\n", sent.message_id())), "{}", header.1);
    assert!(header.1.contains("Subject: Engines\r\n") && !header.1.contains("See part 4."), "{}", header.1);
}

#[tokio::test]
async fn an_alias_with_room_in_one_mailbox_is_accepted_and_the_full_one_reported() {
    let office = office();
    office.add_mailbox(&at_home("eve"), PASSWORD.into(), 1).unwrap();
    office.add_alias(&at_home("team"), vec![at_home("eve"), at_home("bob")]).unwrap();
    let big = |to| {
        let text = "0123456789abcde\r\n".repeat(80_000);
        NewMessage::to(at_home(to)).with_text(text).seal(&at_home("ada").into()).unwrap()
    };
    assert_eq!(refusal(office.submit(&login("ada"), &big("eve")).await), (552, (5, 2, 2)));
    office.submit(&login("ada"), &big("team")).await.unwrap();
    assert_eq!((count(&office, "bob").await, count(&office, "eve").await), (1, 0));
    let batch = inbox(&office, "ada").await;
    assert_eq!(batch.messages.len(), 1);
    let [(_, status), _] = parts(&batch.messages[0]);
    assert!(status.contains("Final-Recipient: rfc822; eve@agents.example\r\n"), "{status}");
    assert!(status.contains("Status: 5.2.2\r\n"), "{status}");
}

#[tokio::test]
async fn aliases_in_a_circle_end_in_a_report() {
    let office = office();
    office.add_alias(&at_home("a"), vec![at_home("b")]).unwrap();
    office.add_alias(&at_home("b"), vec![at_home("a")]).unwrap();
    submit(&office, &["a@agents.example"]).await.unwrap();
    let batch = inbox(&office, "ada").await;
    let [(_, status), _] = parts(&batch.messages[0]);
    assert!(status.contains("Final-Recipient: rfc822; a@agents.example\r\n"), "{status}");
}

#[tokio::test]
async fn a_catch_all_without_its_mailbox_ends_in_a_report() {
    let office = office();
    office.add_mailbox(&at_home("hub"), PASSWORD.into(), 0).unwrap();
    office.add_catch_all(at_home("hub").domain(), vec![at_home("hub")]).unwrap();
    office.remove_mailbox(&at_home("hub")).unwrap();
    submit(&office, &["any@agents.example"]).await.unwrap();
    assert!(inbox(&office, "ada").await.messages[0].is_delivery_report());
}

#[tokio::test]
async fn a_report_without_room_is_dropped() {
    let office = office();
    let eve = login("eve");
    office.add_mailbox(eve.address(), PASSWORD.into(), 1).unwrap();
    let to = |recipient: &str, bytes: usize| {
        let text = "x".repeat(62) + "\r\n";
        let message = NewMessage::to(address(recipient)).with_text(text.repeat(bytes / 64));
        message.seal(&at_home("eve").into()).unwrap()
    };
    office.submit(&eve, &to("eve@agents.example", (1 << 20) - 1_500)).await.unwrap();
    office.submit(&eve, &to("nobody@agents.example", 64)).await.unwrap();
    assert_eq!(count(&office, "eve").await, 1, "there was no room for the report");
    assert_eq!((count(&office, "ada").await, count(&office, "bob").await), (0, 0));
}

#[tokio::test]
async fn who_wants_no_report_of_a_failure_gets_none() {
    let office = office();
    let sent = || message(&["nobody@agents.example"]);
    let none = DeliveryReports::none();
    for (reports, count_after) in
        [(none.clone(), 0), (none.clone().with_success(), 0), (none.with_failure(), 1)]
    {
        office.submit(&login("ada"), &sent().with_reports(reports)).await.unwrap();
        assert_eq!(count(&office, "ada").await, count_after);
    }
}

#[tokio::test]
async fn a_report_holds_but_the_beginning_of_a_monstrous_header() {
    let office = office();
    let line = format!("X-Filler: {}\r\n", "\u{fc}".repeat(100));
    let bytes = format!("Subject: monster\r\n{}\r\nbody\r\n", line.repeat(5_000)).into_bytes();
    let id = "1@agents.example".parse().unwrap();
    let sent = Outgoing::restore(at_home("ada"), vec![at_home("nobody")], id, bytes).unwrap();
    office.submit(&login("ada"), &sent).await.unwrap();
    let batch = inbox(&office, "ada").await;
    assert!(batch.messages[0].raw().len() < 53_000, "{}", batch.messages[0].raw().len());
    let [_, (_, header)] = parts(&batch.messages[0]);
    assert!(header.contains("Subject: monster\r\n") && header.ends_with(&line), "it ends with a whole line");
}

/// Returns type and content of the two parts for machines, as a foreign parser sees them.
fn parts(report: &Received) -> [(String, String); 2] {
    let message = MessageParser::default().parse(report.raw()).unwrap();
    [2, 3].map(|number| {
        let part = message.part(number).unwrap();
        let kind = part.content_type().unwrap();
        let content = String::from_utf8(part.contents().to_vec()).unwrap();
        (format!("{}/{}", kind.ctype(), kind.subtype().unwrap()), content)
    })
}
