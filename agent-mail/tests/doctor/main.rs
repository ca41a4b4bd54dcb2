//! Each branch of the doctor's walks, with a trouble that triggers it.

mod mailcow;
mod sending;
mod spam;
mod world;

use std::sync::Arc;

use agent_mail::backend::{DnsProvider, MailAdmin, MailChange, PasswordRules, RrSet, ServedDomain, Zone};
use agent_mail::doctor::{Complaint, StepState};
use agent_mail::health::{Disk, Figure, QuarantineControl, Quarantined, QueueState};
use agent_mail::spec::{DomainLimits, SpamPolicy};
use agent_mail::{Address, AliasEntry, DomainName, Error, ErrorKind, ForwardEntry, MailboxEntry};
use async_trait::async_trait;
use secrecy::SecretString;

use world::{World, ada, domain, from_outside};

const ALL: [Complaint; 4] =
    [Complaint::NotSending, Complaint::NotReceiving, Complaint::HighSpamScore, Complaint::CannotCreate];

#[tokio::test(start_paused = true)]
async fn where_all_is_well_nothing_is_found() {
    for complaint in ALL {
        let world = World::well().await;
        let diagnosis = world.examine(complaint).await;
        // The address that is well can't be created, as it is there.
        let expected = usize::from(complaint == Complaint::CannotCreate);
        assert_eq!(diagnosis.findings.len(), expected, "{diagnosis}");
        let skipped: Vec<_> =
            diagnosis.steps.iter().filter(|step| matches!(step.state, StepState::Skipped(_))).collect();
        assert_eq!(skipped.len(), 1, "all but an error was given: {skipped:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_doctor_without_anything_says_what_it_lacks() {
    for complaint in ALL {
        let diagnosis = agent_mail::doctor::Doctor::new(ada()).examine(complaint).await;
        assert!(diagnosis.findings.is_empty());
        assert!(diagnosis.steps.len() >= 4, "{diagnosis}");
        assert!(
            diagnosis.steps.iter().all(|step| matches!(step.state, StepState::Skipped(_))),
            "{diagnosis}"
        );
    }
}

/// Troubles of a domain, each with the complaints that find it.
#[tokio::test(start_paused = true)]
async fn what_the_mail_system_has_is_told() {
    use Complaint::{CannotCreate, HighSpamScore, NotReceiving, NotSending};
    let limits = |mailboxes, aliases, total| {
        let mut limits = DomainLimits::default();
        (limits.mailboxes, limits.aliases, limits.total_quota_mib) = (mailboxes, aliases, total);
        limits.max_quota_mib = 256;
        MailChange::SetDomain { description: String::new(), active: true, limits }
    };
    let mut off = MailboxEntry::new(ada());
    off.active = false;
    let bob: Address = "bob@agents.example".parse().unwrap();
    let inactive = || {
        let (description, limits) = (String::new(), DomainLimits::default());
        MailChange::SetDomain { description, active: false, limits }
    };
    let gone = || MailChange::RemoveMailbox { address: ada() };
    let alias = || MailChange::SetAlias { alias: AliasEntry::new(ada(), [bob.clone()]) };
    let forward = ForwardEntry::new(ada(), [bob.clone()]);
    let spam = SpamPolicy::new(Vec::<String>::new(), ["*@friend.example"]);
    for (changes, complaint, code) in [
        (vec![inactive()], NotSending, "domain_inactive"),
        (vec![inactive()], NotReceiving, "domain_inactive"),
        (vec![inactive()], CannotCreate, "domain_inactive"),
        (vec![MailChange::SetMailbox { mailbox: off }], NotSending, "mailbox_inactive"),
        (vec![gone()], NotSending, "no_such_mailbox"),
        (vec![gone()], NotReceiving, "no_such_mailbox"),
        (vec![gone(), alias()], NotSending, "alias_has_no_login"),
        (vec![gone(), alias()], NotReceiving, "address_is_alias"),
        (vec![gone(), alias()], CannotCreate, "address_taken"),
        (
            vec![gone(), MailChange::SetCatchAll { targets: vec![bob.clone()] }],
            NotReceiving,
            "address_is_catch_all",
        ),
        (
            vec![MailChange::SetForward { forward: forward.clone().without_copy() }],
            NotReceiving,
            "forwarded_without_copy",
        ),
        (vec![MailChange::SetSpamPolicy { policy: spam }], NotReceiving, "blocked_senders"),
        (vec![], CannotCreate, "address_taken"),
        (vec![limits(2, 400, 256_000)], CannotCreate, "max_mailbox_exceeded"),
        (vec![limits(1000, 0, 256_000)], CannotCreate, "max_alias_exceeded"),
        (vec![limits(1000, 400, 400)], CannotCreate, "mailbox_quota_left_exceeded"),
    ] {
        let world = World::well().await;
        world.embedded.post_office().add_mailbox(&bob, "secret".into(), 0).unwrap();
        for change in &changes {
            world.change(change).await;
        }
        let diagnosis = world.examine(complaint).await;
        assert!(diagnosis.find(code).is_some(), "{code}: {diagnosis}");
    }
    let world = World::well().await;
    world.change(&MailChange::SetForward { forward }).await;
    assert!(world.examine(NotReceiving).await.find("forwarded_without_copy").is_none(), "it keeps a copy");
    // Nothing of the domain is there at all, and so no mailbox is logged in to.
    let mut world = World::well().await;
    let elsewhere: Address = "ada@elsewhere.example".parse().unwrap();
    let admin = Arc::new(world.embedded.clone());
    world.doctor =
        agent_mail::doctor::Doctor::new(elsewhere).with_admin(admin.clone()).with_dns(admin, domain());
    for complaint in [NotSending, NotReceiving, HighSpamScore, CannotCreate] {
        let diagnosis = world.examine(complaint).await;
        assert!(diagnosis.find("domain_not_served").is_some(), "{diagnosis}");
        assert!(diagnosis.find("domain_not_in_zone").is_some(), "{diagnosis}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_domain_without_a_key_is_told() {
    let embedded = agent_mail::Embedded::new(domain());
    let (description, limits) = (String::new(), DomainLimits::default());
    let add = MailChange::AddDomain { description, active: true, limits };
    embedded.change(&domain(), &add, None).await.unwrap();
    let doctor = agent_mail::doctor::Doctor::new(ada()).with_admin(Arc::new(embedded));
    for complaint in [Complaint::NotSending, Complaint::HighSpamScore] {
        assert!(doctor.examine(complaint).await.find("no_dkim_key").is_some());
    }
    assert!(doctor.examine(Complaint::NotReceiving).await.find("no_dkim_key").is_none());
}

#[tokio::test(start_paused = true)]
async fn records_that_keep_mail_away_are_told() {
    for (records, code) in [
        (&[][..], "no_mx"),
        (&["0 ."], "null_mx"),
        (&["10 ma?il.agents.example."], "bad_mx"),
        (&["10 other.agents.example."], "mx_without_address"),
        (&["10 alias.agents.example."], "mx_is_alias"),
    ] {
        let world = World::well().await;
        world.set("alias", "CNAME", &["mail.agents.example."]).await;
        let zone = Arc::new(FixedZone(code, records.iter().map(|r| (*r).to_owned()).collect()));
        let doctor = world.doctor.clone().with_dns(zone, domain());
        let diagnosis = doctor.examine(Complaint::NotReceiving).await;
        assert_eq!(
            diagnosis.findings.iter().map(|f| f.code.as_str()).collect::<Vec<_>>(),
            [code],
            "{diagnosis}"
        );
    }
    // A host elsewhere is not for the zone to judge, but for those who look from outside.
    let world = World::well().await;
    world.set("", "MX", &["10 mx.elsewhere.example."]).await;
    let diagnosis = world.examine(Complaint::NotReceiving).await;
    assert_eq!(diagnosis.findings.len(), 1, "{diagnosis}");
    assert_eq!(diagnosis.findings[0].code, "ready_mx");
}

#[tokio::test(start_paused = true)]
async fn mail_that_is_held_up_on_its_way_in_is_told() {
    let world = World::well().await;
    world.embedded.vitals().quarantine(from_outside(), 16.5);
    let reason =
        "host dovecot said: 452 4.2.2 <ada@agents.example> Quota exceeded (mailbox for user is full)";
    world.queue("win@far.example", "ada@agents.example", Some(reason), QueueState::Deferred);
    world.queue("win@far.example", "bob@agents.example", Some("connection refused"), QueueState::Deferred);
    let diagnosis = world.examine(Complaint::NotReceiving).await;
    let codes: Vec<_> = diagnosis.findings.iter().map(|finding| finding.code.as_str()).collect();
    assert_eq!(codes, ["quarantined", "mailbox_full"], "others' mail is not told: {diagnosis}");
    assert!(diagnosis.findings[0].evidence.contains("win@spam.example with a score of 16.5"));
}

#[tokio::test(start_paused = true)]
async fn what_can_t_be_looked_at_is_a_finding_too() {
    for (trouble, code) in [
        (Trouble::Silent, "unavailable"),
        (Trouble::Refuses, "unauthenticated"),
        (Trouble::NoSuchZone, "not_found"),
    ] {
        let world = World::well().await;
        let broken = Arc::new(Broken(trouble));
        let doctor = world
            .doctor
            .clone()
            .with_admin(broken.clone())
            .with_dns(broken.clone(), domain())
            .with_quarantine(broken);
        let diagnosis = doctor.examine(Complaint::NotReceiving).await;
        let found: Vec<_> = diagnosis.findings.iter().map(|f| (f.step, f.code.as_str())).collect();
        assert_eq!(found, [("domain", code), ("zone", code), ("quarantine", code)], "{diagnosis}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_diagnosis_reads_as_a_text() {
    let world = World::well().await;
    world.embedded.vitals().set_disk(Disk::new(97, "244G of 252G"));
    let error = Error::new(ErrorKind::Unavailable, "read containers", "mail system");
    world.embedded.vitals().set_containers(Figure::from(Err(error)));
    let text = world.examine(Complaint::CannotCreate).await.to_string();
    assert!(
        text.starts_with("ada@agents.example: cannot create\n  error      skipped: no error was given\n"),
        "{text}"
    );
    assert!(text.contains("  figures    2 found\n"), "{text}");
    assert!(
        text.contains("3. the disk of the mail system is full: mail is refused or put off [disk_full]\n"),
        "{text}"
    );
    assert!(text.contains("   seen: 97 % used (244G of 252G)\n   fix:  make room"), "{text}");
}

#[derive(Clone, Copy, Debug)]
enum Trouble {
    NoSuchZone,
    Refuses,
    Silent,
}

#[derive(Debug)]
struct Broken(Trouble);

impl Broken {
    async fn answer<T>(&self) -> Result<T, Error> {
        let kind = match self.0 {
            Trouble::Silent => std::future::pending().await,
            Trouble::Refuses => ErrorKind::Unauthenticated,
            Trouble::NoSuchZone => ErrorKind::NotFound,
        };
        Err(Error::new(kind, "read", "it"))
    }
}

#[async_trait]
impl MailAdmin for Broken {
    async fn survey(&self, _: &DomainName) -> Result<Option<ServedDomain>, Error> {
        self.answer().await
    }
    async fn change(&self, _: &DomainName, _: &MailChange, _: Option<&SecretString>) -> Result<(), Error> {
        self.answer().await
    }
    async fn password_rules(&self) -> Result<PasswordRules, Error> {
        self.answer().await
    }
}

#[async_trait]
impl DnsProvider for Broken {
    async fn zone(&self, _: &DomainName) -> Result<Zone, Error> {
        self.answer().await
    }
    async fn replace(&self, _: &DomainName, _: &[RrSet]) -> Result<(), Error> {
        self.answer().await
    }
}

#[async_trait]
impl QuarantineControl for Broken {
    async fn quarantined(&self) -> Result<Vec<Quarantined>, Error> {
        self.answer().await
    }
    async fn judge(
        &self,
        _: agent_mail::health::QuarantineId,
        _: agent_mail::health::Judgement,
    ) -> Result<agent_mail::health::Treated, Error> {
        self.answer().await
    }
}

/// A zone with these MX records and a name that is an alias, whatever a provider would say to them.
#[derive(Debug)]
struct FixedZone(&'static str, Vec<String>);

#[async_trait]
impl DnsProvider for FixedZone {
    async fn zone(&self, _: &DomainName) -> Result<Zone, Error> {
        let mut sets = vec![RrSet::new("alias", "CNAME", 3600, vec!["mail.agents.example.".to_owned()])];
        if self.0 != "no_mx" {
            sets.push(RrSet::new("", "MX", 3600, self.1.clone()));
        }
        Ok(Zone::new(3600, sets))
    }
    async fn replace(&self, _: &DomainName, _: &[RrSet]) -> Result<(), Error> {
        Ok(())
    }
}
