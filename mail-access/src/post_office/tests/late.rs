//! What is slow, late, doubled or out of order.

use tokio::time::{Instant, sleep, timeout};

use super::*;
use crate::{Arrival, DeliveryReports};

async fn subjects(office: &PostOffice, name: &str) -> Vec<String> {
    inbox(office, name).await.messages.iter().map(|found| found.subject().to_owned()).collect()
}

async fn send(office: &PostOffice, subject: &str) {
    let message = NewMessage::to(at_home("bob")).with_subject(subject).seal(&at_home("ada").into()).unwrap();
    office.submit(&login("ada"), &message).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_slow_submit_that_is_dropped_took_the_message_or_not_as_it_was_told() {
    let pause = Duration::from_mins(1);
    for (fault, arrived) in [(Fault::SubmitSlow(pause), 0), (Fault::SubmitTakenAndSlow(pause), 1)] {
        let office = office();
        office.fail_next(&at_home("ada"), fault);
        let begun = Instant::now();
        timeout(Duration::from_secs(59), submit(&office, &["bob@agents.example"])).await.unwrap_err();
        assert_eq!(count(&office, "bob").await, arrived, "{fault:?}");
        office.fail_next(&at_home("ada"), fault);
        submit(&office, &["bob@agents.example"]).await.unwrap();
        assert_eq!(begun.elapsed(), Duration::from_secs(119));
        assert_eq!(count(&office, "bob").await, arrived + 1, "{fault:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_late_message_wakes_who_waits_for_it_when_it_comes() {
    let office = office();
    let late = Fault::DeliveryLate(Duration::from_mins(10));
    office.add_fault(FaultRule::new(late).with_recipient(&at_home("bob")));
    let start = Position { uid_validity: inbox(&office, "bob").await.uid_validity, uid: 0 };
    let other = office.clone();
    let begun = Instant::now();
    let waiting =
        tokio::spawn(async move { other.wait(&login("bob"), start, Duration::from_hours(1)).await });
    sleep(Duration::from_mins(1)).await;
    let reports = DeliveryReports::none().with_delay();
    let sent = message(&["bob@agents.example", "ada@agents.example"]).with_reports(reports);
    assert_eq!(office.submit(&login("ada"), &sent).await.unwrap().accepted.len(), 2);
    assert_eq!(subjects(&office, "ada").await, ["Engines", "Delayed Mail (still being retried)"]);
    let raw = inbox(&office, "ada").await.messages[1].raw().to_vec();
    assert!(String::from_utf8(raw).unwrap().contains("Action: delayed\r\nStatus: 4.4.1\r\n"));
    assert_eq!(waiting.await.unwrap().unwrap(), Arrival::New);
    assert_eq!(begun.elapsed(), Duration::from_mins(11));
    assert_eq!(subjects(&office, "bob").await, ["Engines"]);
}

#[tokio::test(start_paused = true)]
async fn messages_overtake_one_another() {
    let office = office();
    let overtaken = |by| Fault::Overtaken { by, at_most: Duration::from_hours(1) };
    office.add_fault(
        FaultRule::new(overtaken(2))
            .with_matching(|message| message.bytes().windows(14).any(|window| window == b"Subject: first")),
    );
    send(&office, "first").await;
    send(&office, "second").await;
    submit(&office, &["ada@agents.example"]).await.unwrap();
    assert_eq!(subjects(&office, "bob").await, ["second"]);
    send(&office, "third").await;
    assert_eq!(subjects(&office, "bob").await, ["second", "third", "first"]);
    office.fail_next(&at_home("ada"), overtaken(1));
    send(&office, "alone").await;
    office.add_fault(FaultRule::new(Fault::DeliveryLate(Duration::MAX)).with_recipient(&at_home("ada")));
    submit(&office, &["ada@agents.example"]).await.unwrap();
    sleep(Duration::from_mins(59)).await;
    assert_eq!((count(&office, "bob").await, count(&office, "ada").await), (3, 1));
    sleep(Duration::from_mins(1)).await;
    assert_eq!(subjects(&office, "bob").await[3], "alone", "nobody came");
}

#[tokio::test]
async fn a_message_that_comes_twice_has_two_uids_and_one_id() {
    let office = office();
    office.add_fault(FaultRule::new(Fault::DeliveredTwice).with_recipient(&at_home("bob")));
    let sent = message(&["bob@agents.example", "ada@agents.example"]);
    office.submit(&login("ada"), &sent).await.unwrap();
    let copies = inbox(&office, "bob").await.messages;
    assert_eq!(copies.iter().map(|copy| copy.uid().get()).collect::<Vec<_>>(), [1, 2]);
    assert!(copies.iter().all(|copy| copy.message_id() == Some(sent.message_id())));
    assert_eq!(count(&office, "ada").await, 1);
}

#[tokio::test]
async fn a_delivery_that_fails_later_is_reported() {
    let office = office();
    let full = Refusal::new(552, (5, 2, 2), "Mailbox full");
    office.add_fault(FaultRule::new(Fault::DeliveryFailed(full)).with_recipient(&at_home("Bob")));
    let done = submit(&office, &["bob@agents.example", "ada@agents.example"]).await.unwrap();
    assert_eq!((done.accepted.len(), count(&office, "bob").await), (2, 0));
    let inbox = inbox(&office, "ada").await.messages;
    assert!(
        String::from_utf8_lossy(inbox[1].raw()).contains("Diagnostic-Code: smtp; 552 5.2.2 Mailbox full\r\n")
    );
    submit(&office, &["bob@agents.example"]).await.unwrap();
    assert_eq!(count(&office, "bob").await, 1, "it was once");
}
