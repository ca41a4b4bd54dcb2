//! What is wrong with a mailbox, why, and what helps.
//!
//! ```
//! # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
//! use std::sync::Arc;
//! use agent_mail::Embedded;
//! use agent_mail::doctor::{Complaint, Doctor};
//! use agent_mail::health::{Disk, QueuedMail};
//!
//! let world = Embedded::new("agents.example".parse()?);
//! let reason = "connect to mx.far.example[192.0.2.25]:25: Connection timed out";
//! let stuck = QueuedMail::new("4ABC".parse()?, std::time::SystemTime::now(), "ada@agents.example");
//! world.vitals().put_in_queue(stuck.with_recipient("bob@far.example", Some(reason)));
//!
//! let doctor = Doctor::new("ada@agents.example".parse()?).with_health(Arc::new(world.vitals().clone()));
//! let diagnosis = doctor.examine(Complaint::NotSending).await;
//! assert_eq!(diagnosis.findings[0].code, "port_25_closed");
//! println!("{diagnosis}");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod access;
mod catalogue;
mod diagnosis;
mod headers;
mod held;
mod ready;
mod served;
mod vital;
mod zone;

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use mail_access::{Address, DomainName, Login, MailAccess};

pub use catalogue::Remedy;
pub use diagnosis::{Complaint, Diagnosis, Finding, Step, StepState};

use crate::Error;
use crate::backend::{DnsProvider, MailAdmin};
use crate::health::{HealthSource, QuarantineControl};
use crate::readiness::{Readiness, Target};

/// Examines one mailbox, or an address that can't be created, with whatever it is given; what it lacks, it skips and
/// says so.
///
/// It changes nothing, but for a [probe](Self::with_login) that stays in the mailbox, marked as seen.
#[derive(Clone)]
pub struct Doctor {
    address: Address,
    mail: Option<(Arc<dyn MailAccess>, Login)>,
    admin: Option<Arc<dyn MailAdmin>>,
    dns: Option<(Arc<dyn DnsProvider>, DomainName)>,
    health: Option<Arc<dyn HealthSource>>,
    quarantine: Option<Arc<dyn QuarantineControl>>,
    readiness: Option<(Readiness, Target)>,
    headers: Option<String>,
    seen: Option<(Remedy, String)>,
    deadline: Duration,
}

impl Doctor {
    /// Begins with an address and nothing to look at.
    pub fn new(address: Address) -> Self {
        Self {
            address,
            mail: None,
            admin: None,
            dns: None,
            health: None,
            quarantine: None,
            readiness: None,
            headers: None,
            seen: None,
            deadline: Duration::from_mins(1),
        }
    }

    /// Adds the mailbox's login: the doctor logs in, and sends the mailbox a mail by itself.
    pub fn with_login(mut self, mail: Arc<dyn MailAccess>, login: Login) -> Self {
        self.mail = Some((mail, login));
        self
    }

    /// Adds what the mail system has of the domain.
    pub fn with_admin(mut self, admin: Arc<dyn MailAdmin>) -> Self {
        self.admin = Some(admin);
        self
    }

    /// Adds the zone that holds the domain's records.
    pub fn with_dns(mut self, dns: Arc<dyn DnsProvider>, zone: DomainName) -> Self {
        self.dns = Some((dns, zone));
        self
    }

    /// Adds the figures of the mail system, the reasons in its queue among them.
    pub fn with_health(mut self, health: Arc<dyn HealthSource>) -> Self {
        self.health = Some(health);
        self
    }

    /// Adds the quarantine of the mail system.
    pub fn with_quarantine(mut self, quarantine: Arc<dyn QuarantineControl>) -> Self {
        self.quarantine = Some(quarantine);
        self
    }

    /// Adds the checks of the domain as others see it: of these the ones are told that bear on the complaint.
    pub fn with_readiness(mut self, readiness: Readiness, target: Target) -> Self {
        self.readiness = Some((readiness, target));
        self
    }

    /// Adds the header of a message as its recipient got it, for [`Complaint::HighSpamScore`].
    pub fn with_headers(mut self, headers: impl Into<String>) -> Self {
        self.headers = Some(headers.into());
        self
    }

    /// Adds the error that was seen.
    pub fn with_error(mut self, error: &Error) -> Self {
        self.seen = Some((Remedy::of_error(error), chain(error)));
        self
    }

    /// Sets how long each look may take, and how long it waits for its own mail; a minute unless it is set.
    pub fn with_deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// Goes through the checks for a complaint, in the order in which they make sense, and returns what it found. It
    /// never fails: what can't be looked at is a finding of its own.
    pub async fn examine(&self, complaint: Complaint) -> Diagnosis {
        let mut walk = Diagnosis::new(complaint, self.address.clone());
        self.look_at_error(&mut walk);
        match complaint {
            Complaint::NotSending => {
                let (served, is_served) = self.look_at_domain(&mut walk).await;
                let figures = self.look_at_figures(&mut walk).await;
                if is_served && self.look_at_login(&mut walk).await {
                    self.send_probe(&mut walk).await;
                }
                self.look_at_queue(&mut walk, figures.as_ref());
                self.look_at_zone(&mut walk, served.as_ref()).await;
                self.look_at_readiness(&mut walk).await;
            }
            Complaint::NotReceiving => {
                let (served, is_served) = self.look_at_domain(&mut walk).await;
                let figures = self.look_at_figures(&mut walk).await;
                self.look_at_zone(&mut walk, served.as_ref()).await;
                if is_served && self.look_at_login(&mut walk).await {
                    self.send_probe(&mut walk).await;
                }
                self.look_at_quarantine(&mut walk).await;
                self.look_at_queue(&mut walk, figures.as_ref());
                self.look_at_readiness(&mut walk).await;
            }
            Complaint::HighSpamScore => {
                let (served, is_served) = self.look_at_domain(&mut walk).await;
                let mut headers = self.headers.clone();
                if headers.is_none() && is_served && self.look_at_login(&mut walk).await {
                    headers = self.send_probe(&mut walk).await;
                }
                walk.look_at_headers(headers.as_deref());
                self.look_at_zone(&mut walk, served.as_ref()).await;
                self.look_at_readiness(&mut walk).await;
            }
            Complaint::CannotCreate => {
                self.look_at_domain(&mut walk).await;
                self.look_at_figures(&mut walk).await;
                self.look_at_zone(&mut walk, None).await;
            }
        }
        walk
    }

    fn look_at_error(&self, walk: &mut Diagnosis) {
        let Some((remedy, evidence)) = &self.seen else { return walk.skip("error", "no error was given") };
        walk.found("error", *remedy, evidence.clone());
        walk.done("error");
    }
}

impl fmt::Debug for Doctor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Doctor").field("address", &self.address).finish_non_exhaustive()
    }
}

/// Writes an error and all its sources in one line.
fn chain(error: &Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(present) = source {
        text.push_str(": ");
        text.push_str(&present.to_string());
        source = present.source();
    }
    text
}

fn late(operation: &'static str, subject: impl fmt::Display) -> Error {
    Error::new(crate::ErrorKind::Unavailable, operation, subject).with_detail("there was no answer in time")
}
