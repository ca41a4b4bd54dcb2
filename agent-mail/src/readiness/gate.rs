//! Mail to the outside needs a fresh proof that the domain is ready for it.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use mail_access::{Address, DomainName};
use serde::Serialize;
use tokio::sync::Mutex as AsyncMutex;
use tokio::time::Instant;

use super::other_names::OtherNames;
use super::policies::public_key;
use super::{Check, Readiness, Report, Target};
use crate::backend::{DkimKey, MailAdmin, Provisioner, ServedDomain};
use crate::spec::Relay;
use crate::{Error, ErrorKind};

/// The condition of mail to the outside: a [`Ready`] proof for the domain, its mail host and its key.
///
/// Given to [`AgentMailBuilder::send_gate`](crate::AgentMailBuilder::send_gate). Mail whose recipients are all in the
/// domain, or in its alias domains, passes always. An alias domain that only the mail system names is asked for again
/// when five minutes have passed: one that was removed counts no longer. Other mail is sent only while there is a proof; without one nothing
/// of it is sent, to nobody, and the answer is [`NotReady`](ErrorKind::NotReady) with the checks that failed.
///
/// A proof comes from [`AgentMail::check_readiness`](crate::AgentMail::check_readiness), which
/// [`AgentMail::keep_ready`](crate::AgentMail::keep_ready) calls time and again. A send that finds none has the domain
/// checked itself, unless that was done within the last five minutes. A check that fails takes nothing away from a
/// proof that still holds, except if the key has changed.
#[derive(Clone)]
#[must_use]
pub struct SendGate {
    readiness: Readiness,
    target: Target,
    admin: Option<Arc<dyn MailAdmin>>,
    lifetime: Duration,
    overridden: Option<String>,
}

impl SendGate {
    /// Asks for the proof that `target` is ready, by `readiness`. The key that mail is signed with is asked for each
    /// time, from the system's [`Provisioner`], unless the target names one.
    pub fn new(readiness: Readiness, target: Target) -> Self {
        Self { readiness, target, admin: None, lifetime: Duration::from_hours(24), overridden: None }
    }

    /// Has the domain's relay, alias domains and key read from the mail system at each check, beside what the target
    /// says. The domain that SPF has to include for a relay is taken from the target if that has the same relay.
    pub fn with_admin(mut self, admin: Arc<dyn MailAdmin>) -> Self {
        self.admin = Some(admin);
        self
    }

    /// Sets how long a proof holds; 24 hours unless set. It is renewed when half of that is over.
    pub fn with_lifetime(mut self, lifetime: Duration) -> Self {
        self.lifetime = lifetime;
        self
    }

    /// Lets all mail pass without a proof, from the start and for good. Each message to the outside is logged as a
    /// warning, with the reason.
    pub fn overridden(mut self, reason: impl Into<String>) -> Self {
        self.overridden = Some(reason.into());
        self
    }

    /// Tells what keeps it from guarding a domain's mail.
    pub(crate) fn is_for(&self, domain: &DomainName) -> Result<(), String> {
        if self.target.domain != *domain {
            return Err(format!("the send gate is for {}", self.target.domain));
        }
        if self.lifetime.is_zero() || self.lifetime > LONGEST_LIFETIME {
            return Err("a proof holds for longer than nothing and at most 30 days".to_owned());
        }
        Ok(())
    }
}

/// Shows the target and how long a proof holds.
impl fmt::Debug for SendGate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SendGate")
            .field("target", &self.target)
            .field("lifetime", &self.lifetime)
            .field("overridden", &self.overridden)
            .finish_non_exhaustive()
    }
}

/// The proof that a domain was ready to send: only a check in which every mandatory part was fine gives one. It speaks
/// for one domain, one mail host and one key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Ready {
    domain: DomainName,
    mail_host: DomainName,
    key_fingerprint: String,
    checked: SystemTime,
    #[serde(skip)]
    expires: Instant,
}

impl Ready {
    /// Returns the domain.
    pub fn domain(&self) -> &DomainName {
        &self.domain
    }

    /// Returns the mail host.
    pub fn mail_host(&self) -> &DomainName {
        &self.mail_host
    }

    /// Returns the first half of the SHA-256 of the selector and the key, in hex digits.
    pub fn key_fingerprint(&self) -> &str {
        &self.key_fingerprint
    }

    /// Returns when the check began.
    pub fn checked(&self) -> SystemTime {
        self.checked
    }

    /// Returns how much longer it holds; nothing if it has expired.
    pub fn remaining(&self) -> Duration {
        self.expires.saturating_duration_since(Instant::now())
    }
}

/// A gate in a system.
pub(crate) struct Gate {
    config: SendGate,
    keys: Arc<dyn Provisioner>,
    /// Held while a check is made: others wait for its outcome.
    checking: AsyncMutex<()>,
    others: OtherNames,
    state: Mutex<GateState>,
}

#[derive(Default)]
struct GateState {
    proof: Option<Ready>,
    last: Option<Last>,
    /// How many checks were finished.
    finished: u64,
    /// Until when and why all mail passes.
    open: Option<(Instant, String)>,
}

/// The outcome of the last check; of an error what can be said again.
struct Last {
    ended: Instant,
    outcome: Result<Report, (ErrorKind, String)>,
}

impl Last {
    fn is_ready(&self) -> bool {
        self.outcome.as_ref().is_ok_and(Report::is_ready)
    }
}

impl Gate {
    pub(crate) fn new(config: SendGate, keys: Arc<dyn Provisioner>) -> Self {
        if let Some(reason) = &config.overridden {
            tracing::warn!(domain = %config.target.domain, reason, "the send gate is overridden for good");
        }
        let (checking, others, state) = Default::default();
        Self { config, keys, checking, others, state }
    }

    /// Lets a message to these recipients pass, or says why it must not.
    pub(crate) async fn pass(&self, sender: &Address, recipients: &[Address]) -> Result<(), Error> {
        if self.proof().is_some() || self.is_inside(recipients).await || self.is_open(sender) {
            return Ok(());
        }
        let rests = |last: &Last| REST.saturating_sub(last.ended.elapsed());
        // A check that was fine stands for as long as its proof, which has expired.
        let is_recent =
            self.state().last.as_ref().is_some_and(|last| !last.is_ready() && !rests(last).is_zero());
        if !is_recent {
            // What it says is in the state, and stands in the error below.
            let _ = self.check().await;
            if self.proof().is_some() || self.is_inside(recipients).await {
                return Ok(());
            }
        }
        let state = self.state();
        let why = state.last.as_ref().map(|last| match &last.outcome {
            Ok(report) => format!("the domain is not ready: {}", failed(report.blocking())),
            Err((_, error)) => format!("whether the domain is ready could not be found out: {error}"),
        });
        Err(Error::new(ErrorKind::NotReady, "send", sender)
            .with_detail(why.unwrap_or_else(|| "whether the domain is ready was not found out".to_owned()))
            .with_code("send_gate")
            .with_fix(
                "mend what the failed checks name, then call check_readiness; mail within the domain passes",
            )
            .with_retry_after(state.last.as_ref().map(rests)))
    }

    /// Checks the domain, once for all who ask at the same time, and keeps the proof if there is one.
    pub(crate) async fn check(&self) -> Result<Report, Error> {
        let before = self.state().finished;
        let _alone = self.checking.lock().await;
        // Whoever held the lock since we asked has made our check too.
        if self.state().finished == before {
            let begun = (Instant::now(), SystemTime::now());
            let outcome = self.look().await;
            self.note(begun, outcome);
        }
        match self.state().last.as_ref().map(|last| &last.outcome) {
            Some(Ok(report)) => Ok(report.clone()),
            Some(Err((kind, error))) => Err(Error::new(*kind, "check", &self.config.target.domain)
                .with_detail(format!("the mail system does not say what it has: {error}"))),
            None => {
                Err(Error::new(ErrorKind::Interrupted, "check", &self.config.target.domain).with_repeatable())
            }
        }
    }

    /// Returns how long to wait before the next check, by how things stand.
    pub(crate) fn next_check(&self) -> Duration {
        let half = self.config.lifetime / 2;
        let state = self.state();
        match &state.last {
            Some(last) if last.is_ready() => half,
            _ => half.min(REST),
        }
    }

    /// Returns the proof that holds.
    pub(crate) fn proof(&self) -> Option<Ready> {
        self.state().proof.clone().filter(|proof| proof.expires > Instant::now())
    }

    /// Lets all mail pass for a while.
    pub(crate) fn open_for(&self, duration: Duration, reason: &str) {
        let domain = &self.config.target.domain;
        tracing::warn!(%domain, reason, seconds = duration.as_secs(), "the send gate is overridden");
        let until = Instant::now().checked_add(duration);
        // Longer than a clock can say is for the life of the program.
        let until = until.unwrap_or_else(|| Instant::now() + Duration::from_hours(24 * 365));
        self.state().open = Some((until, reason.to_owned()));
    }

    /// Takes the proof back if it speaks for another key.
    pub(crate) fn note_key(&self, key: &DkimKey) {
        let mut state = self.state();
        let is_other = |proof: &Ready| proof.key_fingerprint != fingerprint(key);
        if state.proof.as_ref().is_some_and(is_other) {
            tracing::warn!(domain = %self.config.target.domain, "the key has changed: the domain is no longer proven ready");
            state.proof = None;
            // What was found out about the old key says nothing of the new one.
            state.last = None;
        }
    }

    fn note(
        &self,
        (begun, checked): (Instant, SystemTime),
        outcome: Result<(Report, Option<DkimKey>), Error>,
    ) {
        if let Ok((_, Some(key))) = &outcome {
            self.note_key(key);
        }
        let domain = &self.config.target.domain;
        let mut state = self.state();
        state.finished += 1;
        let outcome = match outcome {
            Ok((report, Some(key))) if report.is_ready() => {
                tracing::info!(%domain, "the domain is ready to send");
                state.proof = Some(Ready {
                    domain: report.domain.clone(),
                    mail_host: report.mail_host.clone(),
                    key_fingerprint: fingerprint(&key),
                    checked,
                    expires: begun + self.config.lifetime,
                });
                Ok(report)
            }
            Ok((report, _)) => {
                tracing::warn!(%domain, failed = %failed(report.blocking()), "the domain is not ready to send");
                Ok(report)
            }
            Err(error) => {
                tracing::warn!(%domain, %error, "whether the domain is ready could not be found out");
                Err((error.kind(), error.to_string()))
            }
        };
        state.last = Some(Last { ended: Instant::now(), outcome });
    }

    /// Makes the check, against what the mail system has now.
    async fn look(&self) -> Result<(Report, Option<DkimKey>), Error> {
        let mut target = self.config.target.clone();
        if let Some(served) = self.survey().await? {
            if let Some(relay) = served.relay {
                let known = target.relay.take().filter(|known| known.host == relay.host);
                target.relay =
                    Some(Relay { spf_include: known.and_then(|known| known.spf_include), ..relay });
            }
            target.dkim = target.dkim.or(served.dkim);
            target.alias_domains.extend(served.alias_domains);
        }
        if target.dkim.is_none() {
            let asked = tokio::time::timeout(ADMIN_DEADLINE, self.keys.dkim(&target.domain)).await;
            match asked
                .unwrap_or_else(|_| Err(Error::new(ErrorKind::Unavailable, "ask for key", &target.domain)))
            {
                Ok(key) => target.dkim = Some(key),
                // Without a key mail goes out unsigned: no proof speaks for that. The check says the rest.
                Err(error) if error.kind() == ErrorKind::NotFound => self.state().proof = None,
                Err(error) => return Err(error),
            }
        }
        let report = self.config.readiness.check(&target).await;
        Ok((report, target.dkim))
    }

    /// Asks the mail system what it has of the domain, and notes its other names.
    async fn survey(&self) -> Result<Option<ServedDomain>, Error> {
        let Some(admin) = &self.config.admin else { return Ok(None) };
        let domain = &self.config.target.domain;
        let asked = Instant::now();
        let within = tokio::time::timeout(ADMIN_DEADLINE, admin.survey(domain)).await;
        let late = |_| Err(Error::new(ErrorKind::Unavailable, "survey", domain));
        let served = within.unwrap_or_else(late)?;
        let names = served.as_ref().map(|served| served.alias_domains.clone()).unwrap_or_default();
        self.others.note(asked, names);
        Ok(served)
    }

    /// Tells whether all are in the domain, by whatever name. What the mail system has said of names stands for a while.
    async fn is_inside(&self, recipients: &[Address]) -> bool {
        let Target { domain, alias_domains, .. } = &self.config.target;
        let own = |name: &DomainName| name == domain || alias_domains.contains(name);
        let others: Vec<&DomainName> =
            recipients.iter().map(Address::domain).filter(|name| !own(name)).collect();
        if others.is_empty() {
            return true;
        }
        self.others.have(&others, async || self.survey().await.map(drop)).await
    }

    fn is_open(&self, sender: &Address) -> bool {
        let state = self.state();
        let reason = match (&self.config.overridden, &state.open) {
            (Some(reason), _) => reason,
            (None, Some((until, reason))) if *until > Instant::now() => reason,
            _ => return false,
        };
        tracing::warn!(%sender, reason, "mail to the outside passes without a proof: the send gate is overridden");
        true
    }

    fn state(&self) -> MutexGuard<'_, GateState> {
        // A panic elsewhere leaves whole values: each is changed in one step.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn failed<'a>(checks: impl Iterator<Item = &'a Check>) -> String {
    let checks: Vec<String> =
        checks.map(|check| format!("{} {}: {}", check.name, check.state, check.found)).collect();
    checks.join("; ")
}

fn fingerprint(key: &DkimKey) -> String {
    let text = format!("{}\n{}", key.selector, public_key(&key.record).unwrap_or_default());
    crate::journal::fingerprint(text.as_bytes())
}

/// How long the outcome of a check stands before a send has another made.
pub(super) const REST: Duration = Duration::from_mins(5);
const LONGEST_LIFETIME: Duration = Duration::from_hours(30 * 24);
const ADMIN_DEADLINE: Duration = Duration::from_secs(30);
