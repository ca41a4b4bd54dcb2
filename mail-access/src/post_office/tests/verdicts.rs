use super::*;
use crate::{AuthenticationVerdict, TrustedServer};

/// Returns the topmost field of the office's own, unfolded.
async fn results(office: &PostOffice) -> String {
    let batch = inbox(office, "bob").await;
    let raw = String::from_utf8(batch.messages.last().unwrap().raw().to_vec()).unwrap();
    let (above, own) = raw.split_once("Authentication-Results: ").unwrap();
    assert!(
        above.ends_with("X-Original-To: bob@agents.example\r\n"),
        "it is above all that the sender wrote: {raw}"
    );
    own.split_once("\r\nReceived: ").unwrap().0.replace("\r\n\t", " ")
}

fn from(contact: &str) -> Outgoing {
    let forged = "Authentication-Results: mail.invalid; dmarc=pass header.from=bank.example\r\n";
    let bytes = format!("{forged}From: {contact}\r\nSubject: x\r\n\r\nx\r\n").into_bytes();
    Outgoing::restore(at_home("ada"), vec![at_home("bob")], id(), bytes).unwrap()
}

#[tokio::test]
async fn a_submission_passes_as_far_as_it_is_its_own_domains() {
    let office = office();
    office.submit(&login("ada"), &from("Ada <ada@agents.example>")).await.unwrap();
    let passed = "mail.invalid; dkim=pass header.d=agents.example; spf=pass smtp.mailfrom=ada@agents.example; \
                  dmarc=pass header.from=agents.example";
    assert_eq!(results(&office).await, passed);
    office.submit(&login("ada"), &from("Boss <boss@bank.example>")).await.unwrap();
    assert!(results(&office).await.ends_with("dmarc=fail header.from=bank.example"));
    let without =
        Outgoing::restore(at_home("ada"), vec![at_home("bob")], id(), *b"Subject: x\r\n\r\n").unwrap();
    office.submit(&login("ada"), &without).await.unwrap();
    assert_eq!(results(&office).await, passed, "the sender stands for a From that is missing");
}

#[tokio::test]
async fn verdicts_are_set_for_a_sender_or_else_a_domain() {
    let office = office();
    let bank = || address("boss@bank.example");
    office.set_verdicts_for_domain(bank().domain().clone(), Verdicts::all(Verdict::SoftFail));
    office.submit(&login("ada"), &from("boss@bank.example")).await.unwrap();
    let soft = "mail.invalid; dkim=softfail header.d=agents.example; spf=softfail smtp.mailfrom=ada@agents.example; \
                dmarc=softfail header.from=bank.example";
    assert_eq!(results(&office).await, soft);
    let mixed = Verdicts { spf: Verdict::TempError, dkim: Verdict::None, dmarc: Verdict::PermError };
    office.set_verdicts_for_sender(&address("Boss@Bank.example"), mixed);
    office.submit(&login("ada"), &from("boss@bank.example")).await.unwrap();
    let own = "mail.invalid; dkim=none; spf=temperror smtp.mailfrom=ada@agents.example; \
               dmarc=permerror header.from=bank.example";
    assert_eq!(results(&office).await, own);
}

#[tokio::test]
async fn of_what_comes_from_outside_nothing_is_known_and_nothing_is_relayed() {
    let office = office_of(PostOffice::builder().with_policy(Policy::like_postfix()));
    let all =
        NewMessage::to(at_home("bob")).with_cc(at_home("nobody")).with_bcc(address("eve@elsewhere.example"));
    let done = office.receive(&all.seal(&address("boss@bank.example").into()).unwrap()).await.unwrap();
    assert_eq!(done.accepted, [at_home("bob")]);
    let codes: Vec<_> =
        done.refused.iter().map(|(_, status)| (status.code, status.enhanced.unwrap())).collect();
    assert_eq!(codes, [(550, (5, 1, 1)), (554, (5, 7, 1))]);
    let unknown = "mail.invalid; dkim=none; spf=none smtp.mailfrom=boss@bank.example; dmarc=none header.from=bank.example";
    assert_eq!(results(&office).await, unknown);
    let raw = inbox(&office, "bob").await.messages[0].raw().to_vec();
    let hop = "Received: from bank.example\r\n\tby mail.invalid with ESMTPS id ";
    assert!(String::from_utf8(raw).unwrap().contains(hop), "nobody logged in");
    let own = NewMessage::to(at_home("bob")).seal(&at_home("ada").into()).unwrap();
    office.receive(&own).await.expect("outside anybody can claim to be Ada");
    assert!(results(&office).await.contains("dmarc=none header.from=agents.example"));
}

/// Whoever trusts the office reads its own verdicts and never those that the sender wrote below them.
#[tokio::test]
async fn what_the_office_says_is_what_a_reader_believes() {
    let office = office();
    let trusted = TrustedServer::new("mail.invalid");
    let all = [
        Verdict::Pass,
        Verdict::Fail,
        Verdict::SoftFail,
        Verdict::Neutral,
        Verdict::None,
        Verdict::TempError,
        Verdict::PermError,
    ];
    for verdict in all {
        office.set_verdicts_for_sender(&address("boss@bank.example"), Verdicts::all(verdict));
        office.submit(&login("ada"), &from("boss@bank.example")).await.unwrap();
        let batch = inbox(&office, "bob").await;
        let message = batch.messages.last().unwrap();
        let results = message.authentication(&trusted).expect("the field of the office");
        assert_eq!(results.methods.len(), 3);
        for method in &results.methods {
            assert_eq!(method.verdict, AuthenticationVerdict::from(verdict), "{}", method.method);
        }
        assert_eq!(message.verified_from(&trusted).is_some(), verdict == Verdict::Pass, "{verdict}");
    }
}
