//! Mail to the outside waits for the proof that the domain is ready; mail within it doesn't.

use std::fmt::{Debug, Write as _};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use agent_mail::backend::{DkimKey, Provisioner, ServedDomain};
use agent_mail::readiness::{Readiness, SendGate, State, Target};
use agent_mail::spec::{DomainLimits, Relay};
use agent_mail::{ErrorKind, NewMessage};
use mail_access::Fault;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};

use crate::gate_world::{Admin, DOMAIN, World, ada, address, outside};
use crate::world::name;

const HOUR: Duration = Duration::from_hours(1);
const MINUTE: Duration = Duration::from_mins(1);

#[tokio::test(start_paused = true)]
async fn without_a_proof_mail_to_the_outside_is_not_sent_and_the_failed_checks_are_named() {
    let world = World::new();
    let ada = ada(&world.system(world.gate())).await;
    let error = ada.send(outside()).await.unwrap_err();
    assert_eq!((error.kind(), error.code()), (ErrorKind::NotReady, Some("send_gate")));
    let text = error.to_string();
    for part in
        ["the domain is not ready", "MX FAILED: there is no MX", "SPF FAILED", "DKIM FAILED", "DMARC FAILED"]
    {
        assert!(text.contains(part), "{text}");
    }
    assert!(error.fix().contains("check_readiness"));
    assert!(error.retry_after().is_some_and(|after| after <= 5 * MINUTE), "{:?}", error.retry_after());
    assert_eq!(ada.send_unnoted(outside()).await.unwrap_err().code(), Some("send_gate"));
    assert_eq!(world.departed(), 0);
    assert!(ada.unconfirmed().await.unwrap().is_empty(), "nothing is left in the outbox");
}

#[tokio::test(start_paused = true)]
async fn mail_within_the_domain_and_its_aliases_passes_and_asks_nobody() {
    let world = World::new();
    let target =
        Target::new(name(DOMAIN), name("mail.agents.example")).with_alias_domains([name("alias.example")]);
    let gate = SendGate::new(Readiness::new(world.dns.clone(), Arc::new(world.embedded.clone())), target);
    let ada = ada(&world.system(gate)).await;
    ada.send(NewMessage::to(ada.address()).with_text("to myself")).await.unwrap();
    ada.send_once("key", NewMessage::to(ada.address()).with_text("once")).await.unwrap();
    let received = &ada.fetch_unseen(10).await.unwrap()[0];
    ada.reply(received, "an answer").await.unwrap();
    ada.send(NewMessage::to(address("bob@alias.example")).with_text("elsewhere, and still here"))
        .await
        .unwrap();
    assert_eq!(world.checks(), 0);
}

#[tokio::test(start_paused = true)]
async fn of_mail_to_both_sides_nothing_is_sent() {
    let world = World::new();
    let ada = ada(&world.system(world.gate())).await;
    let both =
        || NewMessage::to(ada.address()).with_bcc(address("carol@elsewhere.example")).with_text("hello");
    assert_eq!(ada.send(both()).await.unwrap_err().kind(), ErrorKind::NotReady);
    assert_eq!(ada.send_once("key", both()).await.unwrap_err().kind(), ErrorKind::NotReady);
    assert_eq!((world.departed(), ada.fetch_unseen(10).await.unwrap().len()), (0, 0));
    assert!(ada.unconfirmed().await.unwrap().is_empty());
    // The key is free: what was held back can be sent with it later.
    world.embedded.system().build().unwrap().bootstrap_dns().await.unwrap();
    tokio::time::advance(6 * MINUTE).await;
    ada.send_once("key", both()).await.unwrap();
    assert_eq!((world.departed(), ada.fetch_unseen(10).await.unwrap().len()), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn a_send_has_the_domain_checked_if_nobody_did_and_not_each_time() {
    let world = World::new();
    let mail = world.system(world.gate());
    let ada = ada(&mail).await;
    for _ in 0..5 {
        assert!(ada.send(outside()).await.is_err());
    }
    assert_eq!(world.checks(), 1, "what was found out stands for five minutes");
    world.embedded.system().build().unwrap().bootstrap_dns().await.unwrap();
    assert!(ada.send(outside()).await.is_err());
    tokio::time::advance(5 * MINUTE).await;
    ada.send(outside()).await.unwrap();
    assert_eq!((world.checks(), world.departed()), (2, 1));
    let proof = mail.ready_proof().unwrap();
    assert_eq!((proof.domain().as_str(), proof.mail_host().as_str()), (DOMAIN, "mail.agents.example"));
    assert_eq!(proof.key_fingerprint().len(), 32);
}

#[tokio::test(start_paused = true)]
async fn who_asks_at_the_same_time_shares_one_check() {
    let world = World::ready().await;
    let mail = world.system(world.gate());
    let ada = ada(&mail).await;
    let (a, b, c, d) = tokio::join!(
        mail.check_readiness(),
        mail.check_readiness(),
        ada.send(outside()),
        ada.send(outside())
    );
    assert!(a.unwrap().is_ready() && b.unwrap().is_ready());
    c.unwrap();
    d.unwrap();
    assert_eq!(world.checks(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_check_that_is_dropped_leaves_the_next_one_to_be_made() {
    let world = World::ready().await;
    let mail = world.system(world.gate());
    assert!(tokio::time::timeout(Duration::from_millis(150), mail.check_readiness()).await.is_err());
    assert!(mail.ready_proof().is_none());
    assert!(mail.check_readiness().await.unwrap().is_ready());
}

#[tokio::test(start_paused = true)]
async fn a_proof_expires() {
    let world = World::ready().await;
    let mail = world.system(world.gate());
    let ada = ada(&mail).await;
    mail.check_readiness().await.unwrap();
    world.dns.is_down.store(true, Ordering::Relaxed);
    tokio::time::advance(23 * HOUR).await;
    ada.send(outside()).await.unwrap();
    tokio::time::advance(HOUR).await;
    assert!(mail.ready_proof().is_none());
    let error = ada.send(outside()).await.unwrap_err();
    assert!(error.kind() == ErrorKind::NotReady && error.to_string().contains("unknown"), "{error}");
    assert_eq!(world.departed(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_send_has_a_proof_renewed_that_expired_soon_after_its_check() {
    let world = World::ready().await;
    let mail = world.system(world.gate().with_lifetime(MINUTE));
    let ada = ada(&mail).await;
    ada.send(outside()).await.unwrap();
    tokio::time::advance(2 * MINUTE).await;
    ada.send(outside()).await.unwrap();
    assert_eq!(world.checks(), 2);
}

#[tokio::test(start_paused = true)]
async fn the_proof_is_renewed_in_the_background_and_outlives_a_failing_renewal() {
    let world = World::ready().await;
    let mail = world.system(world.gate());
    let ada = ada(&mail).await;
    let keeper = tokio::spawn({
        let mail = mail.clone();
        async move { mail.keep_ready().await }
    });
    tokio::time::sleep(MINUTE).await;
    // A week without a gap: the proof is never older than half of its time.
    for _ in 0..7 * 24 {
        tokio::time::sleep(HOUR).await;
        assert!(mail.ready_proof().unwrap().remaining() > 11 * HOUR);
    }
    assert_eq!(world.checks(), 1 + 14);
    // The names are gone: the old proof holds to its end, while each five minutes somebody looks.
    world.dns.is_down.store(true, Ordering::Relaxed);
    let left = mail.ready_proof().unwrap().remaining();
    tokio::time::sleep(left.saturating_sub(MINUTE)).await;
    ada.send(outside()).await.unwrap();
    let looked = world.checks();
    assert!(looked > 15 + 100, "{looked}");
    tokio::time::sleep(2 * MINUTE).await;
    assert_eq!(ada.send(outside()).await.unwrap_err().kind(), ErrorKind::NotReady);
    // And it comes back by itself.
    world.dns.is_down.store(false, Ordering::Relaxed);
    tokio::time::sleep(6 * MINUTE).await;
    ada.send(outside()).await.unwrap();
    keeper.abort();
}

#[tokio::test(start_paused = true)]
async fn a_proof_speaks_for_one_key() {
    let world = World::ready().await;
    let mail = world.system(world.gate());
    let ada = ada(&mail).await;
    mail.check_readiness().await.unwrap();
    let first = mail.ready_proof().unwrap();
    let other = DkimKey { selector: "dkim".into(), record: "v=DKIM1;k=rsa;p=AAAA".into() };
    *world.keys.other.lock().unwrap() = Some(Ok(other));
    let report = mail.check_readiness().await.unwrap();
    assert!(!report.is_ready());
    assert!(mail.ready_proof().is_none(), "the key is another, and it isn't published");
    assert!(ada.send(outside()).await.unwrap_err().to_string().contains("another key"));
    // Publishing it takes back what was said of the old one, and the next check gives a new proof.
    mail.bootstrap_dns().await.unwrap();
    tokio::time::advance(5 * MINUTE).await;
    ada.send(outside()).await.unwrap();
    assert_ne!(mail.ready_proof().unwrap().key_fingerprint(), first.key_fingerprint());
}

#[tokio::test(start_paused = true)]
async fn bootstrapping_with_another_key_takes_the_proof_back_at_once() {
    let world = World::ready().await;
    let mail = world.system(world.gate());
    mail.check_readiness().await.unwrap();
    mail.bootstrap_dns().await.unwrap();
    assert!(mail.ready_proof().is_some(), "the key is the same");
    let other = DkimKey { selector: "new".into(), record: "v=DKIM1;k=rsa;p=AAAA".into() };
    *world.keys.other.lock().unwrap() = Some(Ok(other));
    mail.bootstrap_dns().await.unwrap();
    assert!(mail.ready_proof().is_none());
    let ada = ada(&mail).await;
    ada.send(outside()).await.unwrap();
    assert_eq!(world.checks(), 2, "the send had the new key checked at once");
}

#[tokio::test(start_paused = true)]
async fn a_key_that_is_gone_ends_the_proof_and_one_that_cannot_be_asked_for_does_not() {
    let world = World::ready().await;
    let mail = world.system(world.gate());
    mail.check_readiness().await.unwrap();
    *world.keys.other.lock().unwrap() = Some(Err(ErrorKind::Unavailable));
    assert_eq!(mail.check_readiness().await.unwrap_err().kind(), ErrorKind::Unavailable);
    assert!(mail.ready_proof().is_some());
    *world.keys.other.lock().unwrap() = Some(Err(ErrorKind::NotFound));
    assert!(!mail.check_readiness().await.unwrap().is_ready());
    assert!(mail.ready_proof().is_none());
}

#[tokio::test(start_paused = true)]
async fn the_gate_can_be_overridden_for_a_while_or_for_good() {
    let world = World::new();
    let mail = world.system(world.gate());
    let first = ada(&mail).await;
    assert_eq!(mail.override_send_gate(HOUR, " ").unwrap_err().kind(), ErrorKind::InvalidInput);
    mail.override_send_gate(HOUR, "the registrar is slow").unwrap();
    first.send(outside()).await.unwrap();
    tokio::time::advance(HOUR).await;
    assert_eq!(first.send(outside()).await.unwrap_err().kind(), ErrorKind::NotReady);
    mail.override_send_gate(HOUR, "again").unwrap();
    mail.override_send_gate(Duration::ZERO, "and no more").unwrap();
    assert!(first.send(outside()).await.is_err());
    drop(mail);
    let mail = world.system(world.gate().overridden("a test network"));
    ada(&mail).await.send(outside()).await.unwrap();
    assert_eq!((world.checks(), world.departed()), (1, 2));
}

#[tokio::test(start_paused = true)]
async fn an_override_is_logged_as_a_warning_with_its_reason_and_so_is_each_message() {
    let warnings = Warnings::default();
    let _heard = tracing::subscriber::set_default(warnings.clone());
    let world = World::new();
    let mail = world.system(world.gate());
    let ada = ada(&mail).await;
    let heard = || warnings.0.lock().unwrap().matches("the registrar is slow").count();
    mail.override_send_gate(HOUR, "the registrar is slow").unwrap();
    assert_eq!(heard(), 1);
    ada.send(NewMessage::to(ada.address()).with_text("stays inside")).await.unwrap();
    assert_eq!(heard(), 1, "that needs no override");
    ada.send(outside()).await.unwrap();
    ada.send_once("key", outside()).await.unwrap();
    assert_eq!(heard(), 3);
}

/// What was logged as a warning.
#[derive(Clone, Default)]
struct Warnings(Arc<Mutex<String>>);

impl Visit for Warnings {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        writeln!(self.0.lock().unwrap(), "{field}={value:?}").unwrap();
    }
}

impl Subscriber for Warnings {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        *metadata.level() == Level::WARN
    }
    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }
    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn event(&self, event: &Event<'_>) {
        event.record(&mut self.clone());
    }
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

#[tokio::test(start_paused = true)]
async fn what_was_broken_off_is_held_back_too_and_not_lost() {
    let world = World::ready().await;
    let mail = world.system(world.gate());
    let ada = ada(&mail).await;
    mail.check_readiness().await.unwrap();
    world.embedded.post_office().fail_next(ada.address(), Fault::SubmitLost);
    assert_eq!(ada.send_once("key", outside()).await.unwrap_err().kind(), ErrorKind::Interrupted);
    world.dns.is_down.store(true, Ordering::Relaxed);
    tokio::time::advance(25 * HOUR).await;
    assert_eq!(ada.send_once("key", outside()).await.unwrap_err().kind(), ErrorKind::NotReady);
    let unconfirmed = ada.unconfirmed().await.unwrap();
    assert_eq!(unconfirmed[0].resend().await.unwrap_err().kind(), ErrorKind::NotReady);
    assert_eq!((ada.unconfirmed().await.unwrap().len(), world.departed()), (1, 0));
    world.dns.is_down.store(false, Ordering::Relaxed);
    tokio::time::advance(6 * MINUTE).await;
    let receipt = unconfirmed[0].resend().await.unwrap();
    assert_eq!(world.departed(), 1);
    // What was sent is remembered, ready or not.
    world.dns.is_down.store(true, Ordering::Relaxed);
    tokio::time::advance(25 * HOUR).await;
    assert_eq!(ada.send_once("key", outside()).await.unwrap(), receipt);
}

#[tokio::test]
async fn a_gate_belongs_to_its_domain_and_its_proofs_have_an_end() {
    let world = World::new();
    let built = |gate: SendGate| world.embedded.system().send_gate(gate).build().map(|_| ());
    let readiness = || Readiness::new(world.dns.clone(), Arc::new(world.embedded.clone()));
    let other = SendGate::new(readiness(), Target::new(name("other.example"), name("mail.other.example")));
    assert_eq!(built(other).unwrap_err().kind(), ErrorKind::InvalidInput);
    for lifetime in [Duration::ZERO, Duration::MAX] {
        assert_eq!(built(world.gate().with_lifetime(lifetime)).unwrap_err().kind(), ErrorKind::InvalidInput);
    }
    built(world.gate().with_lifetime(HOUR)).unwrap();
    let without = world.embedded.system().build().unwrap();
    assert_eq!(without.check_readiness().await.unwrap_err().kind(), ErrorKind::Unsupported);
    assert_eq!(without.override_send_gate(HOUR, "why").unwrap_err().kind(), ErrorKind::Unsupported);
    without.keep_ready().await;
    assert!(without.ready_proof().is_none());
}

#[tokio::test(start_paused = true)]
async fn relay_key_and_alias_domains_are_read_from_the_mail_system() {
    let world = World::ready().await;
    let mut served = ServedDomain::new(DomainLimits::default());
    served.dkim = Some(world.embedded.dkim(&name(DOMAIN)).await.unwrap());
    served.alias_domains = vec![name("alias.example")];
    served.relay = Some(Relay::new(name("mail.agents.example"), "apikey"));
    let mail = world.system(world.gate().with_admin(Arc::new(Admin(Mutex::new(Some(served))))));
    // The key is in the survey: nobody else is asked.
    *world.keys.other.lock().unwrap() = Some(Err(ErrorKind::Unavailable));
    let report = mail.check_readiness().await.unwrap();
    assert!(report.is_ready(), "{report}");
    assert!(
        report.checks.iter().any(|check| check.state == State::Ok && check.found.contains("by the relay"))
    );
    world.dns.is_down.store(true, Ordering::Relaxed);
    tokio::time::advance(25 * HOUR).await;
    let ada = ada(&mail).await;
    ada.send(NewMessage::to(address("bob@alias.example")).with_text("hello")).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_alias_domain_that_was_removed_is_outside_five_minutes_later() {
    let world = World::new();
    let mut served = ServedDomain::new(DomainLimits::default());
    served.alias_domains = vec![name("alias.example")];
    let admin = Arc::new(Admin(Mutex::new(Some(served.clone()))));
    let mail = world.system(world.gate().with_admin(admin.clone()));
    let ada = ada(&mail).await;
    let to_alias = async || ada.send(NewMessage::to(address("bob@alias.example")).with_text("hello")).await;
    to_alias().await.unwrap();
    tokio::time::advance(6 * MINUTE).await;
    to_alias().await.unwrap();
    assert_eq!(world.checks(), 1, "that asks for the names only");

    *admin.0.lock().unwrap() = None;
    tokio::time::advance(6 * MINUTE).await;
    assert_eq!(to_alias().await.unwrap_err().kind(), ErrorKind::NotReady, "nobody can say");
    served.alias_domains = Vec::new();
    *admin.0.lock().unwrap() = Some(served);
    tokio::time::advance(6 * MINUTE).await;
    assert_eq!(to_alias().await.unwrap_err().kind(), ErrorKind::NotReady);
}
