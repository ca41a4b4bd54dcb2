//! Looks why a mailbox doesn't send, doesn't receive, is taken for spam or can't be created, and says what helps.
//!
//! Usage: `cargo run --example doctor`
//!
//! Without configuration it examines a mailbox in a world in memory in which several things are wrong, and prints causes
//! and fixes for each complaint.
//!
//! With `MAILCOW_API_URL`, `MAILCOW_API_KEY` and `DOCTOR_ADDRESS` it examines that address on that Mailcow.
//! `DOCTOR_COMPLAINT` is one of `not-sending` (unless it is set), `not-receiving`, `high-spam-score` and
//! `cannot-create`. With `MAILCOW_HOSTNAME` it asks the DNS, the ports and the certificate of that host, and with
//! `DOCTOR_PASSWORD` too it logs in and sends the mailbox a mail by itself; with `DESEC_TOKEN` and `DESEC_DOMAIN` it looks
//! at the zone; `DOCTOR_HEADERS` names a file with the header of a message that was taken for spam. `MAILCOW_IMAP_HOST`,
//! `MAILCOW_IMAP_PORT`, `MAILCOW_SMTP_HOST`, `MAILCOW_SMTP_PORT`, `DESEC_API_URL`, `AGENT_MAIL_CA_FILE` and
//! `AGENT_MAIL_NAME_SERVER` are as in `.env.example`; all goes over TLS. It ends with exit code 1 if it found something.

mod program;

use std::error::Error;
use std::fs;
use std::net::IpAddr;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use agent_mail::backend::{DnsProvider, MailAdmin, MailChange, RrSet};
use agent_mail::doctor::{Complaint, Doctor};
use agent_mail::health::{Container, Disk, Health, QueuedMail};
use agent_mail::mail_access::{Endpoint, Fault, Login, Refusal, SmtpImap, Verdict, Verdicts, tls_config};
use agent_mail::readiness::{NameServers, Readiness, Sockets, Target};
use agent_mail::spec::DomainLimits;
use agent_mail::{Address, Desec, Embedded, MailboxEntry, Mailcow, NewMessage};
use program::variable as setting;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    program::end(run().await)
}

async fn run() -> Result<ExitCode, Box<dyn Error>> {
    let needed = ["MAILCOW_API_URL", "MAILCOW_API_KEY", "DOCTOR_ADDRESS"];
    let optional: [(&str, &[&str]); 5] = [
        ("DOCTOR_COMPLAINT", &[]),
        ("DOCTOR_HEADERS", &[]),
        ("DOCTOR_PASSWORD", &["MAILCOW_HOSTNAME"]),
        ("DESEC_TOKEN", &["DESEC_DOMAIN"]),
        ("DESEC_DOMAIN", &["DESEC_TOKEN"]),
    ];
    if !program::is_real(&needed, &optional, &setting)? {
        show().await?;
        return Ok(ExitCode::SUCCESS);
    }
    let diagnosis = real()?.examine(complaint()?).await;
    print!("{diagnosis}");
    Ok(if diagnosis.findings.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Breaks a world in memory in several places and examines it.
async fn show() -> Result<(), Box<dyn Error>> {
    let domain: agent_mail::DomainName = "agents.example".parse()?;
    let ada: Address = "ada@agents.example".parse()?;
    let world = Embedded::new(domain.clone());
    let mut limits = DomainLimits::default();
    limits.mailboxes = 1;
    let add = MailChange::AddDomain { description: "A domain in trouble".into(), active: true, limits };
    world.change(&domain, &add, None).await?;
    let secret = "correct horse battery 9".into();
    let mailbox = MailChange::AddMailbox { mailbox: MailboxEntry::new(ada.clone()) };
    world.change(&domain, &mailbox, Some(&secret)).await?;

    // Port 25 is closed, the filter container is down, the disk fills up, and the mailbox is full.
    let vitals = world.vitals();
    vitals.set_containers(vec![Container::new("rspamd-mailcow", "exited")]);
    vitals.set_disk(Disk::new(97, "244G of 252G"));
    let reason = "connect to mx.far.example[192.0.2.25]:25: Connection timed out";
    let stuck = QueuedMail::new("4fGx2k5zBQz1N".parse()?, SystemTime::now(), ada.to_string());
    vitals.put_in_queue(stuck.with_recipient("bob@far.example", Some(reason)));
    let outsider: Address = "friend@far.example".parse()?;
    let message = NewMessage::to(ada.clone()).with_subject("An invoice").seal(&outsider.into())?;
    vitals.quarantine(message, 16.5);
    let full = Refusal::new(552, (5, 2, 2), "<ada@agents.example> Quota exceeded (mailbox for user is full)");
    // Others can send in the domain's name, and nothing leads to it.
    let spf = RrSet::new("", "TXT", 3600, vec!["\"v=spf1 +all\"".into()]);
    world.replace(&domain, &[spf]).await?;
    world.post_office().set_verdicts_for_domain(domain.clone(), Verdicts::all(Verdict::SoftFail));

    // Others expect the mail host at an address that it doesn't have.
    let host = "mail.agents.example".parse()?;
    let target = Target::new(domain.clone(), host).with_addresses(["198.51.100.7".parse()?]);
    let doctor = Doctor::new(ada.clone())
        .with_login(Arc::new(world.post_office().clone()), Login::new(ada.clone(), secret))
        .with_admin(Arc::new(world.clone()))
        .with_dns(Arc::new(world.clone()), domain)
        .with_health(Arc::new(Health::new(Arc::new(vitals.clone()))))
        .with_quarantine(Arc::new(vitals.clone()))
        .with_readiness(world.readiness(), target)
        .with_deadline(Duration::from_secs(5));
    for complaint in [Complaint::NotSending, Complaint::NotReceiving] {
        world.post_office().fail_next(&ada, Fault::RecipientRefused(full));
        println!("{}", doctor.examine(complaint).await);
    }
    for complaint in [Complaint::HighSpamScore, Complaint::CannotCreate] {
        println!("{}", doctor.examine(complaint).await);
    }
    Ok(())
}

/// Gathers what the environment gives.
fn real() -> Result<Doctor, Box<dyn Error>> {
    let needed = |name: &str| setting(name).ok_or_else(|| format!("{name} is not set"));
    let address: Address = needed("DOCTOR_ADDRESS")?.parse()?;
    let ca = setting("AGENT_MAIL_CA_FILE").map(fs::read).transpose()?;
    let tls = Arc::new(tls_config(ca.as_deref())?);
    let client = mailcow_api::Client::builder(&needed("MAILCOW_API_URL")?, needed("MAILCOW_API_KEY")?.into());
    let mailcow = Arc::new(Mailcow::new(client.tls(tls.clone()).build()?));
    let mut doctor = Doctor::new(address.clone())
        .with_admin(mailcow.clone())
        .with_health(mailcow.clone())
        .with_quarantine(mailcow.clone());
    if let Some(host) = setting("MAILCOW_HOSTNAME") {
        let name_servers = match setting("AGENT_MAIL_NAME_SERVER") {
            Some(address) => NameServers::new((address.parse::<IpAddr>()?, 53).into()),
            None => NameServers::of_system()?,
        };
        let readiness = Readiness::new(Arc::new(name_servers), Arc::new(Sockets::new(tls.clone())));
        let target = Target::new(address.domain().clone(), host.parse()?);
        doctor = doctor.with_readiness(readiness.with_keys(mailcow), target);
    }
    if let (Some(password), Some(host)) = (setting("DOCTOR_PASSWORD"), setting("MAILCOW_HOSTNAME")) {
        let mail =
            SmtpImap::over_tls(endpoint("SMTP", &host, 465)?, endpoint("IMAP", &host, 993)?, tls.clone());
        doctor = doctor.with_login(Arc::new(mail), Login::new(address, password.into()));
    }
    if let (Some(token), Some(zone)) = (setting("DESEC_TOKEN"), setting("DESEC_DOMAIN")) {
        let mut client = desec_api::Client::builder(token.into()).tls(tls);
        if let Some(url) = setting("DESEC_API_URL") {
            client = client.base_url(&url);
        }
        doctor = doctor.with_dns(Arc::new(Desec::new(client.build()?)), zone.parse()?);
    }
    if let Some(file) = setting("DOCTOR_HEADERS") {
        doctor = doctor.with_headers(fs::read_to_string(file)?);
    }
    Ok(doctor)
}

fn endpoint(protocol: &str, host: &str, port: u16) -> Result<Endpoint, Box<dyn Error>> {
    let own = |what: &str| setting(&format!("MAILCOW_{protocol}_{what}"));
    let port = own("PORT").map_or(Ok(port), |port| port.parse())?;
    Ok(Endpoint::new(own("HOST").unwrap_or_else(|| host.to_owned()), port)?)
}

fn complaint() -> Result<Complaint, Box<dyn Error>> {
    Ok(match setting("DOCTOR_COMPLAINT").as_deref() {
        None | Some("not-sending") => Complaint::NotSending,
        Some("not-receiving") => Complaint::NotReceiving,
        Some("high-spam-score") => Complaint::HighSpamScore,
        Some("cannot-create") => Complaint::CannotCreate,
        Some(_) => {
            let words = "not-sending, not-receiving, high-spam-score or cannot-create";
            return Err(format!("DOCTOR_COMPLAINT has to be {words}").into());
        }
    })
}
