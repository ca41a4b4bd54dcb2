//! Troubles that a test calls for, and which calls they meet.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::occasion::Occasion;
use super::state::{Name, State};
use crate::{Address, Outgoing, Status};

/// A trouble of the network or the server that a test calls for with [`PostOffice::fail_next`] or
/// [`PostOffice::add_fault`]. Times are Tokio's, so that a test with paused time takes none.
///
/// [`PostOffice::fail_next`]: crate::PostOffice::fail_next
/// [`PostOffice::add_fault`]: crate::PostOffice::add_fault
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Fault {
    /// `submit` can't reach the server: [`Error::Unavailable`](crate::Error::Unavailable).
    SubmitUnavailable,
    /// `submit` loses the link before the message was taken: [`Error::Interrupted`](crate::Error::Interrupted). If the
    /// message is refused, the refusal is the answer.
    SubmitLost,
    /// `submit` loses the link after the message was taken and delivered:
    /// [`Error::Interrupted`](crate::Error::Interrupted). If the message is refused, the refusal is the answer.
    SubmitTakenAndLost,
    /// `submit` takes this long before anything happens; a call that is dropped by then leaves the message not taken.
    SubmitSlow(Duration),
    /// `submit` takes and delivers the message and answers only so much later; a call that is dropped by then leaves
    /// it taken.
    SubmitTakenAndSlow(Duration),
    /// `submit` refuses the message: [`Error::Refused`](crate::Error::Refused).
    SubmitRefused(Refusal),
    /// `submit` refuses this recipient, and no other for it.
    RecipientRefused(Refusal),
    /// The recipient is accepted and then can't be delivered to, which the sender learns by a report.
    DeliveryFailed(Refusal),
    /// As [`DeliveryFailed`](Self::DeliveryFailed), but the sender learns it only so much later.
    DeliveryFailedLate {
        /// How long after the message was accepted.
        after: Duration,
        /// Why.
        refusal: Refusal,
    },
    /// The recipient gets the message so much later; the sender who wants to hear of delays gets a report at once.
    DeliveryLate(Duration),
    /// The recipient gets the message twice.
    DeliveredTwice,
    /// The recipient gets the message, and the server can't give it out from then on: it comes
    /// [withheld](crate::Limit::Withheld).
    DeliveredBroken {
        /// Whether its header can be given out.
        with_header: bool,
    },
    /// The recipient gets the message behind his next few ones, or after the time if they don't come by then.
    Overtaken {
        /// How many messages overtake it.
        by: u32,
        /// How long it waits for them.
        at_most: Duration,
    },
    /// `fetch`, or another call that only reads, can't reach the server:
    /// [`Error::Unavailable`](crate::Error::Unavailable).
    FetchUnavailable,
    /// A call that reads or changes a mailbox takes this long before anything happens.
    ReceiveSlow(Duration),
    /// [`messages`](crate::MessageStore::messages) loses the link behind so many messages:
    /// [`Error::Unavailable`](crate::Error::Unavailable).
    StreamBroken {
        /// How many come before.
        after: u32,
    },
    /// A call that changes a mailbox, `mark_seen` for example, can't reach the server:
    /// [`Error::Unavailable`](crate::Error::Unavailable).
    ChangeUnavailable,
    /// A call that changes a mailbox loses the link before anything was done:
    /// [`Error::Interrupted`](crate::Error::Interrupted).
    ChangeLost,
    /// A call that changes a mailbox loses the link after all was done: [`Error::Interrupted`](crate::Error::Interrupted).
    /// If it is refused, the refusal is the answer.
    ChangeTakenAndLost,
    /// The folder that a call reads or changes has been numbered anew under another UIDVALIDITY just before.
    NumberedAnew,
    /// `wait` loses the link, at once if it is under way: [`Error::Unavailable`](crate::Error::Unavailable).
    WaitUnavailable,
}

impl Fault {
    /// Tells a fault of a whole submission from those of one recipient.
    fn is_of_submission(self) -> bool {
        matches!(
            self,
            Self::SubmitUnavailable
                | Self::SubmitLost
                | Self::SubmitTakenAndLost
                | Self::SubmitSlow(_)
                | Self::SubmitTakenAndSlow(_)
                | Self::SubmitRefused(_)
        )
    }

    fn is_of_recipient(self) -> bool {
        matches!(
            self,
            Self::RecipientRefused(_)
                | Self::DeliveryFailed(_)
                | Self::DeliveryFailedLate { .. }
                | Self::DeliveryLate(_)
                | Self::DeliveredTwice
                | Self::DeliveredBroken { .. }
                | Self::Overtaken { .. }
        )
    }
}

/// The words of a refusal that a test calls for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Refusal {
    code: u16,
    enhanced: (u8, u16, u16),
    text: &'static str,
}

impl Refusal {
    /// Postfix when its disk is full: it may pass.
    pub const TEMPORARY: Self = Self::new(452, (4, 3, 1), "Insufficient system storage");
    /// A filter that wants the message never: it stays.
    pub const PERMANENT: Self = Self::new(550, (5, 7, 1), "Message rejected due to content restrictions");

    /// Makes it of its parts: 450, (4, 2, 0) and a text in one line.
    pub const fn new(code: u16, enhanced: (u8, u16, u16), text: &'static str) -> Self {
        Self { code, enhanced, text }
    }

    pub(super) fn status(self) -> Status {
        self.into()
    }
}

impl From<Refusal> for Status {
    fn from(refusal: Refusal) -> Self {
        Self::new(refusal.code, Some(refusal.enhanced), refusal.text)
    }
}

/// A fault, which calls it meets, and how many of them: the next one of anybody if nothing else is said.
///
/// ```
/// use mail_access::{Address, Error, Fault, FaultRule, Login, MailAccess, NewMessage, PostOffice, Refusal};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let office = PostOffice::new();
/// office.add_domain("agents.example".parse()?);
/// let (ada, bob): (Address, Address) = ("ada@agents.example".parse()?, "bob@agents.example".parse()?);
/// for address in [&ada, &bob] {
///     office.add_mailbox(address, "secret".into(), 0)?;
/// }
/// let later = Fault::RecipientRefused(Refusal::new(450, (4, 7, 1), "come back later"));
/// office.add_fault(FaultRule::new(later).with_recipient(&bob).with_times(2));
///
/// let message = NewMessage::to(&bob).with_cc(&ada).seal(&(&ada).into())?;
/// let ada = Login::new(ada, "secret".into());
/// for _ in 0..2 {
///     let submission = office.submit(&ada, &message).await?;
///     assert_eq!(submission.refused[0].1.to_string(), "450 4.7.1 come back later");
/// }
/// assert!(office.submit(&ada, &message).await?.refused.is_empty());
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct FaultRule {
    fault: Fault,
    times: u32,
    login: Option<Name>,
    recipient: Option<Name>,
    matching: Option<Matching>,
}

impl FaultRule {
    /// Begins a rule for a fault.
    pub fn new(fault: Fault) -> Self {
        Self { fault, times: 1, login: None, recipient: None, matching: None }
    }

    /// Meets this many calls, 1 by default. A submission counts once, however many of its recipients it meets.
    pub fn with_times(mut self, times: u32) -> Self {
        self.times = times;
        self
    }

    /// Meets only calls of this login.
    pub fn with_login(mut self, login: &Address) -> Self {
        self.login = Some(Name::of(login));
        self
    }

    /// Meets only submissions to this recipient, as the envelope names it, and of a fault that is one recipient's own
    /// only this one. It has no meaning for other calls.
    pub fn with_recipient(mut self, recipient: &Address) -> Self {
        self.recipient = Some(Name::of(recipient));
        self
    }

    /// Meets only submissions of messages that match. It has no meaning for other calls, and is asked while
    /// the office is locked: it must not call it.
    pub fn with_matching(mut self, matching: impl Fn(&Outgoing) -> bool + Send + Sync + 'static) -> Self {
        self.matching = Some(Arc::new(matching));
        self
    }

    fn is_for(&self, login: Option<&Name>) -> bool {
        self.times > 0 && self.login.as_ref().is_none_or(|own| Some(own) == login)
    }

    fn meets(&self, message: &Outgoing) -> bool {
        let to = |recipient: &Name| message.recipients().iter().any(|to| Name::of(to) == *recipient);
        self.recipient.as_ref().is_none_or(to) && self.matching.as_ref().is_none_or(|asked| asked(message))
    }
}

/// Shows what it does to whom; what a condition of its own asks can't be shown.
impl fmt::Debug for FaultRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FaultRule")
            .field("fault", &self.fault)
            .field("times", &self.times)
            .field("login", &self.login.as_ref().map(ToString::to_string))
            .field("recipient", &self.recipient.as_ref().map(ToString::to_string))
            .field("matching", &self.matching.is_some())
            .finish()
    }
}

type Matching = Arc<dyn Fn(&Outgoing) -> bool + Send + Sync>;

/// The faults of one submission.
#[derive(Default)]
pub(super) struct Plan {
    pub(super) submission: Option<Fault>,
    /// By the place of the recipient; empty if there is none at all.
    recipients: Vec<Option<Fault>>,
}

impl Plan {
    pub(super) fn of(&self, place: usize) -> Option<Fault> {
        self.recipients.get(place).copied().flatten()
    }
}

impl State {
    /// Takes the faults that meet a submission: of the whole of it and of each recipient the one that came first.
    pub(super) fn plan(&mut self, login: Option<&Address>, message: &Outgoing) -> Plan {
        let address = login;
        let mut plan = self.planned(login.map(Name::of).as_ref(), message);
        if let Some(weather) = &self.weather {
            let happens = |occasion, fits: fn(Fault) -> bool| weather(occasion).filter(|fault| fits(*fault));
            let submission = Occasion::Submission { login: address, message };
            plan.submission = plan.submission.or_else(|| happens(submission, Fault::is_of_submission));
            plan.recipients.resize(message.recipients().len(), None);
            for (fault, recipient) in plan.recipients.iter_mut().zip(message.recipients()) {
                let occasion = Occasion::Recipient { message, recipient };
                *fault = fault.or_else(|| happens(occasion, Fault::is_of_recipient));
            }
        }
        plan
    }

    fn planned(&mut self, login: Option<&Name>, message: &Outgoing) -> Plan {
        if self.faults.is_empty() {
            return Plan::default();
        }
        let fits: Vec<bool> =
            self.faults.iter().map(|rule| rule.is_for(login) && rule.meets(message)).collect();
        let first = |wanted: &dyn Fn(&FaultRule) -> bool| {
            (0..fits.len()).find(|&place| fits[place] && wanted(&self.faults[place]))
        };
        let submission = first(&|rule| rule.fault.is_of_submission());
        let recipients: Vec<_> = message
            .recipients()
            .iter()
            .map(|recipient| {
                let name = Name::of(recipient);
                first(&|rule| {
                    rule.fault.is_of_recipient() && rule.recipient.as_ref().is_none_or(|own| *own == name)
                })
            })
            .collect();
        let fault = |place: Option<usize>| place.map(|place| self.faults[place].fault);
        let plan = Plan {
            submission: fault(submission),
            recipients: recipients.iter().map(|place| fault(*place)).collect(),
        };
        let mut used: Vec<usize> = recipients.into_iter().chain([submission]).flatten().collect();
        used.sort_unstable();
        used.dedup();
        for place in used {
            self.faults[place].times -= 1;
        }
        self.faults.retain(|rule| rule.times > 0);
        plan
    }

    /// Takes how long the next call of this login, other than `submit` and `wait`, takes before anything happens.
    pub(super) fn take_slowness(&mut self, login: &Address) -> Option<Duration> {
        match self.take_fault(Occasion::Call { login }, |fault| matches!(fault, Fault::ReceiveSlow(_))) {
            Some(Fault::ReceiveSlow(pause)) => Some(pause),
            _ => None,
        }
    }

    /// Takes the first fault of the occasion's login, among those that are wanted, that meets a call other than `submit`.
    pub(super) fn take_fault(
        &mut self,
        occasion: Occasion<'_>,
        wanted: impl Fn(Fault) -> bool,
    ) -> Option<Fault> {
        let called_for = occasion.login().and_then(|login| self.take_called_for(login, &wanted));
        called_for.or_else(|| {
            self.weather.as_ref().and_then(|weather| weather(occasion)).filter(|fault| wanted(*fault))
        })
    }

    fn take_called_for(&mut self, login: &Address, wanted: impl Fn(Fault) -> bool) -> Option<Fault> {
        if self.faults.is_empty() {
            return None;
        }
        let login = Name::of(login);
        let meets = |rule: &FaultRule| wanted(rule.fault) && rule.is_for(Some(&login));
        let place = self.faults.iter().position(meets)?;
        let fault = self.faults[place].fault;
        self.faults[place].times -= 1;
        self.faults.retain(|rule| rule.times > 0);
        Some(fault)
    }
}
