use tokio::time::sleep;

use super::*;
use crate::Status;

fn office_with(policy: Policy) -> PostOffice {
    office_of(PostOffice::builder().with_policy(policy))
}

fn words(refused: &[(Address, Status)]) -> Vec<String> {
    refused.iter().map(|(address, status)| format!("{} {status}", address.local_part())).collect()
}

#[tokio::test]
async fn postfix_refuses_who_does_not_exist_and_reports_who_is_behind_an_alias() {
    let office = office_with(Policy::like_postfix());
    office.add_alias(&at_home("old"), vec![at_home("gone")]).unwrap();
    let done = submit(&office, &["nobody@agents.example", "bob@agents.example", "old@agents.example"]).await;
    let done = done.unwrap();
    assert_eq!(
        words(&done.refused),
        [
            "nobody 550 5.1.1 <nobody@agents.example>: Recipient address rejected: User unknown in virtual mailbox table"
        ]
    );
    assert_eq!(done.accepted, [at_home("bob"), at_home("old")]);
    assert!(inbox(&office, "ada").await.messages[0].is_delivery_report(), "of who is gone");
    assert_eq!(refusal(submit(&office, &["nobody@agents.example"]).await), (550, (5, 1, 1)));
    assert_eq!((count(&office, "ada").await, count(&office, "bob").await), (1, 1));
}

#[tokio::test]
async fn behind_the_last_recipient_that_is_allowed_all_are_put_off() {
    let office = office_with(Policy::like_postfix().with_recipients_limit(2));
    let all = ["nobody@agents.example", "bob@agents.example", "ada@agents.example", "bob+x@agents.example"];
    let done = submit(&office, &all).await.unwrap();
    assert_eq!(done.accepted, [at_home("bob"), at_home("ada")], "who is refused doesn't count");
    assert_eq!(words(&done.refused)[1], "bob+x 452 4.5.3 Error: too many recipients");
}

#[tokio::test]
async fn a_full_mailbox_is_refused_or_reported_in_the_words_of_dovecot() {
    let office = office();
    office.add_mailbox(&at_home("eve"), PASSWORD.into(), 1).unwrap();
    let big = || {
        let message = NewMessage::to(at_home("eve")).with_text("0123456789abcde\r\n".repeat(80_000));
        message.seal(&at_home("ada").into()).unwrap()
    };
    let error = office.submit(&login("ada"), &big()).await.unwrap_err();
    assert_eq!(
        error.status().unwrap().to_string(),
        "552 5.2.2 <eve@agents.example>: Recipient address rejected: Mailbox is full"
    );
    office.set_policy(office.policy().with_full_mailboxes(Treatment::Reported));
    office.submit(&login("ada"), &big()).await.unwrap();
    let report = inbox(&office, "ada").await.messages.remove(0);
    let raw = String::from_utf8_lossy(report.raw()).replace("\r\n    ", " ");
    let told = "smtp; 552 5.2.2 <eve@agents.example> Quota exceeded (mailbox for user is full)\r\n";
    assert!(raw.contains(told), "{raw}");
    assert_eq!(count(&office, "eve").await, 0);
}

#[tokio::test]
async fn a_foreign_domain_is_refused_reported_or_the_world() {
    let office = office_with(Policy::new().with_foreign_domains(Foreign::Refused));
    let abroad = "eve@elsewhere.example";
    let error = submit(&office, &[abroad]).await.unwrap_err();
    assert_eq!(error.status().unwrap().to_string(), "554 5.7.1 <eve@elsewhere.example>: Relay access denied");
    office.set_policy(Policy::new());
    submit(&office, &[abroad]).await.unwrap();
    assert_eq!(count(&office, "ada").await, 1, "a report");
    office.set_policy(Policy::like_postfix());
    let sent = message(&[abroad, "bob@agents.example"]);
    office.submit(&login("ada"), &sent).await.unwrap();
    let departed = office.take_departed();
    assert_eq!((departed.len(), &departed[0].recipient), (1, &address(abroad)));
    assert_eq!(departed[0].message.bytes(), sent.bytes());
    assert_eq!((count(&office, "ada").await, office.take_departed().len()), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn a_login_that_sends_too_fast_waits_for_its_share() {
    let office = office_with(Policy::new().with_rate_limit(2, Duration::from_hours(1)));
    let bob = ["bob@agents.example"];
    for _ in 0..2 {
        submit(&office, &bob).await.unwrap();
    }
    let error = submit(&office, &bob).await.unwrap_err();
    assert_eq!(error.status().unwrap().to_string(), "451 4.7.1 Ratelimit \"ada@agents.example\" exceeded");
    assert_eq!(error.reason(), Some(crate::Reason::RateLimited));
    let bobs = NewMessage::to(at_home("ada")).seal(&at_home("bob").into()).unwrap();
    office.submit(&login("bob"), &bobs).await.expect("each login has a limit of its own");
    sleep(Duration::from_mins(30)).await;
    submit(&office, &bob).await.unwrap();
    assert_eq!(refusal(submit(&office, &bob).await), (451, (4, 7, 1)));
    sleep(Duration::from_hours(24)).await;
    for _ in 0..2 {
        submit(&office, &bob).await.unwrap();
    }
    assert_eq!(refusal(submit(&office, &bob).await), (451, (4, 7, 1)), "silence saves up nothing more");
    assert_eq!(count(&office, "bob").await, 5);
    office.set_policy(Policy::new().with_rate_limit(0, Duration::from_hours(1)));
    assert_eq!(refusal(submit(&office, &bob).await), (451, (4, 7, 1)), "none may be sent at all");
}

#[tokio::test(start_paused = true)]
async fn greylisting_takes_a_pair_it_knows_for_long_enough() {
    let office = office_with(Policy::like_postfix().with_greylisting(Duration::from_mins(5)));
    let bob = ["bob@agents.example"];
    let error = submit(&office, &bob).await.unwrap_err();
    assert_eq!(
        error.status().unwrap().to_string(),
        "450 4.2.0 <bob@agents.example>: Recipient address rejected: Greylisted, try again in 300 seconds"
    );
    assert_eq!(error.retry_after(), Some(Duration::from_mins(5)));
    assert_eq!(error.reason(), Some(crate::Reason::Greylisted));
    sleep(Duration::from_millis(299_500)).await;
    let error = submit(&office, &bob).await.unwrap_err();
    assert_eq!(error.retry_after(), Some(Duration::from_secs(1)), "to try earlier prolongs nothing");
    sleep(Duration::from_millis(500)).await;
    let done = submit(&office, &["bob@agents.example", "ada@agents.example"]).await.unwrap();
    assert_eq!((done.accepted, done.refused[0].1.code), (vec![at_home("bob")], 450), "another pair is new");
    assert_eq!(
        refusal(submit(&office, &["nobody@agents.example"]).await),
        (550, (5, 1, 1)),
        "no use in waiting"
    );
}

#[tokio::test]
async fn of_all_or_nothing_and_of_all_refused_everyone_is_told() {
    let office = office_with(Policy::like_postfix());
    let strict = message(&["bob@agents.example", "nobody@agents.example"]).with_all_or_nothing();
    for (message, told) in
        [(strict, vec!["nobody"]), (message(&["x@agents.example", "y@agents.example"]), vec!["x", "y"])]
    {
        let error = office.submit(&login("ada"), &message).await.unwrap_err();
        let Error::RecipientsRefused { refused, .. } = &error else { panic!("{error:?}") };
        assert_eq!(refused.iter().map(|(one, _)| one.local_part()).collect::<Vec<_>>(), told);
    }
    assert_eq!(count(&office, "bob").await, 0);
    let forged = NewMessage::to(at_home("ada")).with_cc(at_home("bob")).seal(&at_home("bob").into()).unwrap();
    let error = office.submit(&login("ada"), &forged).await.unwrap_err();
    assert_eq!(error.reason(), Some(crate::Reason::SenderNotOwned));
    assert!(matches!(error, Error::RecipientsRefused { refused, .. } if refused.len() == 2));
}

#[tokio::test]
async fn the_duplicate_filter_loses_copies_without_a_word() {
    let office = office_with(Policy::new().with_duplicate_filter(true));
    let sent = message(&["bob@agents.example", "bob+x@agents.example", "ada@agents.example"]);
    for _ in 0..2 {
        assert_eq!(office.submit(&login("ada"), &sent).await.unwrap().accepted.len(), 3);
    }
    assert_eq!((count(&office, "bob").await, count(&office, "ada").await), (1, 1));
    submit(&office, &["bob@agents.example"]).await.expect("another message");
    let without =
        Outgoing::restore(at_home("ada"), vec![at_home("bob")], id(), *b"Subject: x\r\n\r\n").unwrap();
    for _ in 0..2 {
        office.submit(&login("ada"), &without).await.expect("without a Message-ID nothing is a copy");
    }
    assert_eq!(count(&office, "bob").await, 4);
}
