//! Why mail doesn't go out.

use std::time::Duration;

use agent_mail::backend::MailChange;
use agent_mail::doctor::Complaint;
use agent_mail::health::{Container, Disk, Figure, QueueState};
use agent_mail::mail_access::{Fault, MailAccess, Refusal, Selection};
use agent_mail::{Embedded, Error, ErrorKind};

use crate::world::{World, ada, doctor, health_with_certificate, target};

/// Tells the codes of what was found, in order.
async fn codes(world: &World) -> Vec<String> {
    let diagnosis = world.examine(Complaint::NotSending).await;
    diagnosis.findings.iter().map(|finding| format!("{} {}", finding.step, finding.code)).collect()
}

#[tokio::test(start_paused = true)]
async fn figures_of_the_mail_system_are_told() {
    type Trouble = fn(&Embedded);
    let troubles: [(Trouble, &str); 9] = [
        (
            |world| world.vitals().set_containers(vec![Container::new("postfix-mailcow", "exited")]),
            "postfix_down",
        ),
        (
            |world| world.vitals().set_containers(vec![Container::new("dovecot-mailcow", "missing")]),
            "dovecot_down",
        ),
        (
            |world| world.vitals().set_containers(vec![Container::new("unbound-mailcow", "dead")]),
            "unbound_down",
        ),
        (
            |world| world.vitals().set_containers(vec![Container::new("new-part", "restarting")]),
            "container_down",
        ),
        (|world| world.vitals().set_disk(Disk::new(97, "")), "disk_full"),
        (|world| world.vitals().set_rate_limit_hits(3), "rate_limited"),
        (|world| world.vitals().set_bans(1), "hosts_banned"),
        (
            |world| {
                let error = Error::new(ErrorKind::Unavailable, "read disk", "mail system");
                world.vitals().set_disk(Figure::from(Err(error)));
            },
            "unavailable",
        ),
        (
            |world| {
                let error = Error::new(ErrorKind::Rejected, "read disk", "x").with_code("access_denied");
                world.vitals().set_disk(Figure::from(Err(error)));
            },
            "access_denied",
        ),
    ];
    for (trouble, code) in troubles {
        let world = World::well().await;
        trouble(&world.embedded);
        assert_eq!(codes(&world).await, [format!("figures {code}")]);
    }
    let mut world = World::well().await;
    let over = health_with_certificate(&world.embedded, Ok(0));
    world.with(|doctor| doctor.with_health(over));
    assert_eq!(codes(&world).await, ["figures certificate_expired"]);
    let fine = health_with_certificate(&world.embedded, Ok(1));
    world.with(|doctor| doctor.with_health(fine));
    assert!(codes(&world).await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_login_that_fails_ends_the_walk_into_the_mailbox() {
    let mut world = World::well().await;
    world.doctor = doctor(&world.embedded, "wrong");
    assert_eq!(codes(&world).await, ["login login_refused"]);
    let world = World::well().await;
    world.embedded.post_office().fail_next(&ada(), Fault::FetchUnavailable);
    assert_eq!(codes(&world).await, ["login mail_server_unreachable"]);
    let world = World::well().await;
    world.embedded.post_office().fail_next(&ada(), Fault::ReceiveSlow(Duration::from_hours(1)));
    assert_eq!(codes(&world).await, ["login unavailable"]);
}

#[tokio::test(start_paused = true)]
async fn a_probe_shows_what_the_mail_system_says() {
    let refused = |code, enhanced, text| Fault::SubmitRefused(Refusal::new(code, enhanced, text));
    let recipient = |code, enhanced, text| Fault::RecipientRefused(Refusal::new(code, enhanced, text));
    for (fault, code) in [
        (Fault::SubmitUnavailable, "mail_server_unreachable"),
        (Fault::SubmitSlow(Duration::from_hours(1)), "unavailable"),
        (Fault::SubmitLost, "interrupted"),
        (refused(554, (5, 7, 1), "Spam message rejected"), "spam_refused"),
        (refused(451, (4, 7, 1), "Service unavailable - try again later"), "milter_down"),
        (refused(451, (4, 7, 1), "Ratelimit \"mailcow\" exceeded"), "rate_limited"),
        (refused(552, (5, 3, 4), "Message size exceeds fixed limit"), "too_large"),
        (refused(452, (4, 3, 1), "Insufficient system storage"), "disk_full"),
        (
            refused(
                553,
                (5, 7, 1),
                "<x@y.example>: Sender address rejected: not owned by user ada@agents.example",
            ),
            "sender_not_owned",
        ),
        (recipient(552, (5, 2, 2), "<ada@agents.example> Quota exceeded"), "mailbox_full"),
        (recipient(451, (4, 3, 0), "<ada@agents.example>: Temporary lookup failure"), "lookup_failed"),
        (recipient(450, (4, 2, 0), "Greylisted, see http://x.example"), "greylisted"),
        (Fault::DeliveryLate(Duration::from_hours(3)), "accepted_not_delivered"),
    ] {
        let world = World::well().await;
        world.embedded.post_office().fail_next(&ada(), fault);
        assert_eq!(codes(&world).await, [format!("probe {code}")], "{fault:?}");
    }
    let world = World::well().await;
    world.embedded.post_office().fail_next(&ada(), Fault::DeliveryLate(Duration::from_secs(5)));
    assert!(codes(&world).await.is_empty(), "what comes late comes all the same");
}

#[tokio::test(start_paused = true)]
async fn the_probe_stays_in_the_mailbox_as_seen() {
    let world = World::well().await;
    world.examine(Complaint::NotSending).await;
    let login = agent_mail::mail_access::Login::new(ada(), crate::world::PASSWORD.into());
    let office = world.embedded.post_office();
    assert!(office.fetch(&login, &Selection::Unseen, 9).await.unwrap().messages.is_empty());
    assert_eq!(office.fetch(&login, &Selection::After(None), 9).await.unwrap().messages.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn the_reasons_in_the_queue_are_told_the_most_frequent_first() {
    let world = World::well().await;
    let ada = "Ada@agents.example";
    let refused = "connect to mx.a.example[192.0.2.1]:25: Connection refused";
    for n in 0..3 {
        world.queue(ada, &format!("{n}@a.example"), Some(refused), QueueState::Deferred);
    }
    let listed =
        "host mx.b.example[192.0.2.2] refused to talk to me: 554 5.7.1 blocked using zen.spamhaus.org";
    world.queue(ada, "x@b.example", Some(listed), QueueState::Deferred);
    world.queue(ada, "x@c.example", Some("host mx said: 450 4.0.0 hmm"), QueueState::Deferred);
    world.queue(ada, "x@d.example", None, QueueState::Hold);
    world.queue(ada, "x@e.example", None, QueueState::Active);
    world.queue("bob@agents.example", "x@a.example", Some("Relay access denied"), QueueState::Deferred);
    let diagnosis = world.examine(Complaint::NotSending).await;
    let found: Vec<_> = diagnosis.findings.iter().map(|finding| finding.code.as_str()).collect();
    assert_eq!(found, ["connection_refused", "deferred", "held", "on_blocklist_spamhaus"]);
    assert!(
        diagnosis.findings[0].evidence.starts_with("3 times, first 4fGx2k5zBQz1N to 0@a.example: connect to")
    );
}

#[tokio::test(start_paused = true)]
async fn what_was_seen_comes_first() {
    let mut world = World::well().await;
    let error = Error::new(ErrorKind::Rejected, "ensure mailbox", "ada").with_code("password_complexity");
    world.with(|doctor| doctor.with_error(&error));
    world.embedded.vitals().set_disk(Disk::new(99, ""));
    let diagnosis = world.examine(Complaint::NotSending).await;
    let [first, last] = diagnosis.findings.as_slice() else { panic!("{diagnosis}") };
    assert_eq!((first.step, first.code.as_str()), ("error", "password_complexity"));
    assert_eq!(first.evidence, "ensure mailbox ada: the server refused it");
    assert_eq!(last.code, "disk_full");
}

#[tokio::test(start_paused = true)]
async fn checks_that_bear_on_the_complaint_are_told() {
    let mut world = World::well().await;
    let elsewhere = target().with_addresses(["198.51.100.7".parse().unwrap()]);
    let readiness = world.embedded.readiness();
    world.with(|doctor| doctor.with_readiness(readiness, elsewhere));
    assert_eq!(codes(&world).await, ["readiness ready_mail_host"]);
    let receiving = world.examine(Complaint::NotReceiving).await;
    assert!(receiving.find("ready_mail_host").is_some_and(|finding| !finding.fix.is_empty()), "{receiving}");
    assert!(world.examine(Complaint::CannotCreate).await.find("ready_mail_host").is_none());
    // What the zone tells with a cause of its own is not told twice.
    let world = World::well().await;
    world.set("_dmarc", "TXT", &[]).await;
    assert_eq!(codes(&world).await, ["zone no_dmarc"]);
}

#[tokio::test(start_paused = true)]
async fn a_mailbox_that_was_renewed_is_well_again() {
    let mut world = World::well().await;
    world.doctor = doctor(&world.embedded, "wrong");
    assert_eq!(codes(&world).await, ["login login_refused"]);
    world.change(&MailChange::SetPassword { address: ada(), must_change: false }).await;
    world.doctor = doctor(&world.embedded, crate::world::PASSWORD);
    assert!(codes(&world).await.is_empty());
}
