use super::*;
use crate::Contact;

#[tokio::test]
async fn a_delivery_leaves_its_trace_above_the_message() {
    let office = office();
    let sent = message(&["Bob+news@agents.example"]);
    office.submit(&login("ada"), &sent).await.unwrap();
    let batch = inbox(&office, "bob").await;
    let raw = String::from_utf8(batch.messages[0].raw().to_vec()).unwrap();
    let expected = "Return-Path: <ada@agents.example>\r\n\
        Delivered-To: bob@agents.example\r\n\
        Received: from mail.invalid\r\n\tby mail.invalid with LMTP\r\n\tid 0000000000\r\n\t\
        (envelope-from <ada@agents.example>)\r\n\tfor <bob@agents.example>; Fri, 20 Nov 2026 10:40:00 +0000\r\n\
        X-Original-To: Bob+news@agents.example\r\n\
        Authentication-Results: mail.invalid;\r\n\tdkim=pass header.d=agents.example;\r\n\t\
        spf=pass smtp.mailfrom=ada@agents.example;\r\n\tdmarc=pass header.from=agents.example\r\n\
        Received: from localhost\r\n\tby mail.invalid with ESMTPSA id 0000000000;\r\n\t\
        Fri, 20 Nov 2026 10:40:00 +0000\r\n";
    assert_eq!(raw.strip_prefix(expected).unwrap().as_bytes(), sent.bytes());
    assert_eq!(batch.messages[0].internal_date(), SystemTime::UNIX_EPOCH + Duration::from_secs(NOW.into()));
    assert_eq!(batch.messages[0].uid(), Uid::new(1).unwrap());
}

#[tokio::test]
async fn every_recipient_gets_a_copy_even_if_several_lead_to_one_mailbox() {
    let office = office();
    office.add_alias(&at_home("team"), vec![at_home("bob"), at_home("ada"), at_home("BOB")]).unwrap();
    let all = ["bob@agents.example", "bob+a@agents.example", "bob+b@agents.example", "team@agents.example"];
    assert_eq!(submit(&office, &all).await.unwrap().accepted.len(), 4);
    assert_eq!((count(&office, "bob").await, count(&office, "ada").await), (4, 1));
}

#[tokio::test]
async fn the_closest_name_takes_a_message() {
    let office = office();
    office.add_mailbox(&at_home("ada+own"), PASSWORD.into(), 0).unwrap();
    office.add_alias(&at_home("ada+alias"), vec![at_home("bob")]).unwrap();
    office.add_alias(&at_home("desk"), vec![at_home("hall")]).unwrap();
    office.add_alias(&at_home("hall"), vec![at_home("bob+hall")]).unwrap();
    office.add_mailbox(&at_home("hub"), PASSWORD.into(), 0).unwrap();
    office.add_catch_all(at_home("hub").domain(), vec![at_home("hub")]).unwrap();
    for (recipient, name) in [
        ("ada+own", "ada+own"),
        ("ada+alias", "bob"),
        ("ada+other", "ada"),
        ("ADA+Other+More", "ada"),
        ("desk", "bob"),
        ("desk+tag", "bob"),
        ("nobody", "hub"),
        ("nobody+tag", "hub"),
        ("+tag", "hub"),
    ] {
        let before = count(&office, name).await;
        submit(&office, &[&format!("{recipient}@agents.example")]).await.unwrap();
        assert_eq!(count(&office, name).await, before + 1, "{recipient} leads to {name}");
    }
}

#[tokio::test]
async fn only_addresses_that_lead_to_the_login_may_send() {
    let office = office();
    let bob = at_home("bob");
    office.add_alias(&at_home("team"), vec![bob.clone(), at_home("ada")]).unwrap();
    office.add_domain("hub.example".parse().unwrap());
    for sender in ["bob@agents.example", "nobody@agents.example", "any@hub.example", "ada@elsewhere.example"]
    {
        let forged = NewMessage::to(&bob).seal(&address(sender).into()).unwrap();
        assert_eq!(refusal(office.submit(&login("ada"), &forged).await), (553, (5, 7, 1)), "{sender}");
    }
    office.add_catch_all(&"hub.example".parse().unwrap(), vec![at_home("ada")]).unwrap();
    for sender in ["ADA@Agents.Example", "ada+tag@agents.example", "team@agents.example", "any@hub.example"] {
        let own = NewMessage::to(&bob).seal(&address(sender).into()).unwrap();
        office.submit(&login("ada"), &own).await.unwrap();
    }
    assert_eq!(count(&office, "bob").await, 4);
    // What can't be delivered is reported where the sender leads.
    let lost = NewMessage::to(at_home("nobody")).seal(&address("any@hub.example").into()).unwrap();
    office.submit(&login("ada"), &lost).await.unwrap();
    assert_eq!(count(&office, "ada").await, 1);
}

#[tokio::test]
async fn a_wrong_login_is_told_before_anything_else_is_judged() {
    let office = office_of(PostOffice::builder().with_size_limit(1));
    let wrong = Login::new(at_home("ada"), "wrong".into());
    let forged = NewMessage::to(at_home("bob")).seal(&at_home("bob").into()).unwrap();
    assert_eq!(refusal(office.submit(&wrong, &forged).await), (535, (5, 7, 8)));
    let alias = Login::new(at_home("team"), PASSWORD.into());
    office.add_alias(alias.address(), vec![at_home("ada")]).unwrap();
    assert_eq!(refusal(office.submit(&alias, &forged).await), (535, (5, 7, 8)), "an alias is no login");
}

#[tokio::test]
async fn the_size_limit_is_met_to_the_byte() {
    let sent = message(&["bob@agents.example"]);
    let office = office_of(PostOffice::builder().with_size_limit(sent.size()));
    office.submit(&login("ada"), &sent).await.unwrap();
    let office = office_of(PostOffice::builder().with_size_limit(sent.size() - 1));
    assert_eq!(refusal(office.submit(&login("ada"), &sent).await), (552, (5, 3, 4)));
    assert_eq!(count(&office, "bob").await, 0);
}

#[tokio::test]
async fn a_full_mailbox_takes_again_when_there_is_room() {
    let office = office();
    office.add_mailbox(&at_home("eve"), PASSWORD.into(), 1).unwrap();
    let half = NewMessage::to(at_home("eve")).with_text("0123456789abcde\r\n".repeat(40_000));
    let half = half.seal(&at_home("ada").into()).unwrap();
    assert!((1 << 19..1 << 20).contains(&half.size()), "{}", half.size());
    office.submit(&login("ada"), &half).await.unwrap();
    assert_eq!(refusal(office.submit(&login("ada"), &half).await), (552, (5, 2, 2)));
    submit(&office, &["eve@agents.example"]).await.expect("a small one has room still");
    office.expunge(&at_home("Eve"), &[Uid::new(1).unwrap(), Uid::new(1).unwrap()]).unwrap();
    office.submit(&login("ada"), &half).await.unwrap();
    let uids: Vec<_> = inbox(&office, "eve").await.messages.iter().map(|found| found.uid().get()).collect();
    assert_eq!(uids, [2, 3], "a UID is never given out again");
    assert_eq!(count(&office, "ada").await, 0, "a refusal is not reported a second time");
}

#[tokio::test]
async fn a_message_is_found_by_the_id_that_its_bytes_have() {
    let office = office();
    let bytes = *b"Message-ID: <true@agents.example>\r\n\r\nMessage-ID: <body@agents.example>\r\n";
    let claimed = "claimed@agents.example".parse().unwrap();
    let sent = Outgoing::restore(at_home("ada"), vec![at_home("bob")], claimed, bytes).unwrap();
    office.submit(&login("ada"), &sent).await.unwrap();
    for (id, count) in [("true", 1), ("claimed", 0), ("body", 0)] {
        let selection = Selection::MessageId(format!("{id}@agents.example").parse().unwrap());
        let found = office.fetch(&login("bob"), &selection, 10).await.unwrap();
        assert_eq!(found.messages.len(), count, "{id}");
    }
}

#[tokio::test]
async fn fields_that_no_recipient_may_see_are_taken_out_and_the_last_line_is_ended() {
    let office = office();
    let bytes = *b"BCC : eve@agents.example,\r\n\tmallory@agents.example\r\nSubject: bcc: x\r\nReturn-Path: <x@y.example>\r\n\r\nBcc: body";
    let sent = Outgoing::restore(at_home("ada"), vec![at_home("bob")], id(), bytes).unwrap();
    office.submit(&login("ada"), &sent).await.unwrap();
    let batch = inbox(&office, "bob").await;
    let raw = String::from_utf8(batch.messages[0].raw().to_vec()).unwrap();
    let (_, own) = raw.split_once("ESMTPSA id 0000000000;\r\n\tFri, 20 Nov 2026 10:40:00 +0000\r\n").unwrap();
    assert_eq!(own, "Subject: bcc: x\r\n\r\nBcc: body\r\n");
}

/// What is known of a message that was sealed here is not read out of its bytes.
#[tokio::test]
async fn a_sealed_message_is_filed_as_the_same_bytes_from_elsewhere_are() {
    let host = "mail.invalid".parse().unwrap();
    let long = "Ada Lövelace, Countess of everything that can be computed and of what can't 🚀";
    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_001);
    for author in ["ada@agents.example", "\"a <b> c\"@agents.example", "boss@bank.example"] {
        for name in [None, Some("Ada"), Some("Ada (the \"first\") <x@y.example>"), Some(long)] {
            let from = Contact { name: name.map(str::to_owned), address: address(author) };
            let sealed = NewMessage::to(at_home("bob")).with_text("x").seal(&from).unwrap();
            let (sender, recipients) = (sealed.sender().clone(), sealed.recipients().to_vec());
            let id = sealed.message_id().clone();
            let read = Outgoing::restore(sender, recipients, id, sealed.bytes()).unwrap();
            let filed = |message| PostOffice::delivered(message, &at_home("bob"), &host, 7, now);
            assert!(filed(&sealed) == filed(&read), "{from}");

            let (office, other) = (office(), office());
            office.receive(&sealed).await.unwrap();
            other.receive(&read).await.unwrap();
            for office in [office, other] {
                let by_id = Selection::MessageId(sealed.message_id().clone());
                assert_eq!(office.fetch(&login("bob"), &by_id, 9).await.unwrap().messages.len(), 1, "{from}");
            }
        }
    }
}
