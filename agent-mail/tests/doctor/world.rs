//! A world in which all is well with one mailbox, and the doctor that is given everything of it.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use agent_mail::backend::{DnsProvider, MailAdmin, MailChange, RrSet};
use agent_mail::doctor::{Complaint, Diagnosis, Doctor};
use agent_mail::health::{Container, Disk, Health, QueueState, QueuedMail};
use agent_mail::mail_access::{Login, Outgoing};
use agent_mail::readiness::Target;
use agent_mail::spec::DomainLimits;
use agent_mail::{Address, DomainName, Embedded, Error, MailboxEntry, NewMessage};
use secrecy::SecretString;

pub(crate) const PASSWORD: &str = "correct horse battery 9";

pub(crate) struct World {
    pub(crate) embedded: Embedded,
    pub(crate) doctor: Doctor,
}

impl World {
    pub(crate) async fn well() -> Self {
        let embedded = Embedded::new(domain());
        let world = Self { doctor: doctor(&embedded, PASSWORD), embedded };
        let limits = DomainLimits::default();
        world.change(&MailChange::AddDomain { description: String::new(), active: true, limits }).await;
        world.change(&MailChange::AddDkim { key: agent_mail::spec::DkimOptions::default() }).await;
        world.change(&MailChange::AddMailbox { mailbox: MailboxEntry::new(ada()) }).await;
        let key = world.embedded.survey(&domain()).await.unwrap().unwrap().dkim.unwrap();
        let dkim = format!("{}._domainkey", key.selector);
        world.set("", "MX", &["10 mail.agents.example."]).await;
        world.set("mail", "A", &["192.0.2.1"]).await;
        world.set("", "TXT", &["\"v=spf1 mx -all\""]).await;
        world.set(&dkim, "TXT", &[&quoted(&key.record)]).await;
        world.set("_dmarc", "TXT", &["\"v=DMARC1; p=quarantine\""]).await;
        let vitals = world.embedded.vitals();
        vitals.set_disk(Disk::new(13, "11G of 252G"));
        vitals.set_containers(vec![
            Container::new("dovecot-mailcow", "running"),
            Container::new("postfix-mailcow", "running"),
        ]);
        vitals.set_bans(0);
        vitals.set_rate_limit_hits(0);
        world
    }

    pub(crate) async fn examine(&self, complaint: Complaint) -> Diagnosis {
        self.doctor.examine(complaint).await
    }

    pub(crate) async fn change(&self, change: &MailChange) {
        let secret = SecretString::from(PASSWORD);
        self.embedded.change(&domain(), change, Some(&secret)).await.unwrap();
    }

    /// Sets the records of a name and type; none removes them.
    pub(crate) async fn set(&self, name: &str, rtype: &str, records: &[&str]) {
        let records = records.iter().map(|record| (*record).to_owned()).collect();
        self.embedded.replace(&domain(), &[RrSet::new(name, rtype, 3600, records)]).await.unwrap();
    }

    pub(crate) fn queue(&self, sender: &str, recipient: &str, reason: Option<&str>, state: QueueState) {
        let mail = QueuedMail::new("4fGx2k5zBQz1N".parse().unwrap(), SystemTime::now(), sender);
        self.embedded.vitals().put_in_queue(mail.with_recipient(recipient, reason).with_state(state));
    }

    pub(crate) fn with(&mut self, change: impl FnOnce(Doctor) -> Doctor) {
        self.doctor = change(self.doctor.clone());
    }
}

pub(crate) fn doctor(embedded: &Embedded, password: &str) -> Doctor {
    let world = Arc::new(embedded.clone());
    let vitals = Arc::new(embedded.vitals().clone());
    Doctor::new(ada())
        .with_login(Arc::new(embedded.post_office().clone()), Login::new(ada(), password.into()))
        .with_admin(world.clone())
        .with_dns(world, domain())
        .with_health(Arc::new(Health::new(vitals.clone())))
        .with_quarantine(vitals)
        .with_readiness(embedded.readiness(), target())
        .with_deadline(Duration::from_secs(20))
}

pub(crate) fn from_outside() -> Outgoing {
    let spammer: Address = "win@spam.example".parse().unwrap();
    NewMessage::to(ada()).with_subject("Win").seal(&spammer.into()).unwrap()
}

pub(crate) fn health_with_certificate(embedded: &Embedded, days: Result<u32, fn() -> Error>) -> Arc<Health> {
    let health = Health::new(Arc::new(embedded.vitals().clone()));
    Arc::new(health.with_certificate_days(move || std::future::ready(days.map_err(|error| error()))))
}

pub(crate) fn target() -> Target {
    Target::new(domain(), "mail.agents.example".parse().unwrap())
}

pub(crate) fn domain() -> DomainName {
    "agents.example".parse().unwrap()
}

pub(crate) fn ada() -> Address {
    "ada@agents.example".parse().unwrap()
}

pub(crate) fn quoted(text: &str) -> String {
    let chunks: Vec<_> = text.as_bytes().chunks(255).map(|chunk| String::from_utf8_lossy(chunk)).collect();
    chunks.iter().map(|chunk| format!("\"{chunk}\"")).collect::<Vec<_>>().join(" ")
}
