//! Brings one message to all its recipients, or back to its sender.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::time::Instant;

use super::fault::{Fault, Plan};
use super::judge::Judged;
use super::mail::Mail;
use super::mailbox::{Full, Mailbox};
use super::pending::Pending;
use super::policy::Foreign;
use super::report::{Action, Fate, report};
use super::state::{End, Name, State};
use crate::{Address, DeliveryReports, Status, Submission};

impl State {
    /// Delivers to each accepted recipient, at once or as his fault demands, and reports what is to be reported.
    pub(super) fn deliver(&mut self, mail: &Arc<Mail>, plan: &Plan, judged: Judged) -> Submission {
        let recipients = mail.message.recipients();
        let mut fates = Vec::new();
        for &place in &judged.accepted {
            let recipient = &recipients[place];
            match plan.of(place) {
                Some(Fault::DeliveryFailed(refusal)) => {
                    fates.push(Fate::new(recipient, recipient, Action::Failed, refusal.status()));
                }
                Some(Fault::DeliveryFailedLate { after: pause, refusal }) => {
                    self.hold(Pending::refused(after(pause), mail, recipient, refusal.status()));
                }
                Some(Fault::DeliveryLate(pause)) => {
                    let status = Status::new(451, Some((4, 4, 1)), "the next host is not reachable now");
                    fates.push(Fate::new(recipient, recipient, Action::Delayed, status));
                    self.hold(Pending::until(after(pause), mail, recipient));
                }
                Some(Fault::Overtaken { by, at_most }) => {
                    self.hold(Pending::behind(by, after(at_most), mail, recipient));
                }
                Some(Fault::DeliveredTwice) => {
                    self.bring(mail, recipient, mail.now, &mut fates);
                    self.bring(mail, recipient, mail.now, &mut Vec::new());
                }
                Some(Fault::DeliveredBroken { with_header }) => {
                    let broken = Arc::new(mail.as_ref().clone().broken(with_header));
                    self.bring(&broken, recipient, mail.now, &mut fates);
                }
                _ => self.bring(mail, recipient, mail.now, &mut fates),
            }
        }
        self.report(mail, fates, mail.now);
        for &place in &judged.accepted {
            if !matches!(plan.of(place), Some(Fault::DeliveryLate(_) | Fault::Overtaken { .. })) {
                self.let_overtake(&recipients[place], mail.now);
            }
        }
        let accepted = judged.accepted.iter().map(|&place| recipients[place].clone()).collect();
        let status = Status::new(250, Some((2, 0, 0)), &format!("Ok: queued as {}", mail.queue_id));
        Submission::new(accepted, judged.refused, status)
    }

    /// Brings a message to wherever a recipient leads.
    pub(super) fn bring(
        &mut self,
        mail: &Arc<Mail>,
        recipient: &Address,
        now: SystemTime,
        fates: &mut Vec<Fate>,
    ) {
        if let Some(name) = self.resident(recipient) {
            fates.extend(self.put(mail, recipient, &name, now));
            return;
        }
        let expanded = self.leads_elsewhere(recipient);
        if expanded {
            let status = Status::new(0, Some((2, 0, 0)), "alias expanded");
            fates.push(Fate::new(recipient, recipient, Action::Expanded, status));
        }
        for end in self.route(recipient) {
            let fate = match end {
                End::Mailbox(name) => match self.put(mail, recipient, &name, now) {
                    Some(fate) => fate,
                    None => continue,
                },
                End::UnknownMailbox(address) => unknown(recipient, &address),
                End::UnknownDomain(address) if self.policy.foreign_domains == Foreign::Kept => {
                    self.depart(mail, &address, now);
                    let status = Status::new(250, Some((2, 0, 0)), "Ok");
                    Fate::new(recipient, &address, Action::Relayed, status)
                }
                End::UnknownDomain(address) => {
                    let domain = address.domain();
                    let why = format!(
                        "Host or domain name not found. Name service error for name={domain} type=A: Host not found"
                    );
                    Fate::new(recipient, &address, Action::Failed, Status::new(0, Some((5, 4, 4)), &why))
                }
            };
            // Of what became of them behind an alias only failures are told.
            if !expanded || fate.action != Action::Relayed {
                fates.push(fate);
            }
        }
    }

    /// Returns what became of it, if the sender may want to hear of that.
    fn put(&mut self, mail: &Mail, recipient: &Address, name: &Name, now: SystemTime) -> Option<Fate> {
        let stored = mail.stored(recipient, name, now);
        let filter = self.policy.duplicate_filter;
        let put = |mailbox: &mut Mailbox| match &stored.letter.message_id {
            Some(id) if filter && mailbox.holds(id) => Ok(()),
            _ => mailbox.put(stored),
        };
        match self.mailbox_named(name).map(put) {
            Some(Ok(())) => {
                self.listeners.ring(|| name.to_string());
                mail.reports.as_ref().is_some_and(DeliveryReports::wants_success).then(|| {
                    let text = format!("<{name}> {} Saved", mail.queue_id);
                    Fate::new(recipient, name, Action::Relayed, Status::new(250, Some((2, 0, 0)), &text))
                })
            }
            Some(Err(Full)) => {
                let why = format!("<{name}> Quota exceeded (mailbox for user is full)");
                Some(Fate::new(recipient, name, Action::Failed, Status::new(552, Some((5, 2, 2)), &why)))
            }
            None => Some(unknown(recipient, name)),
        }
    }

    /// Tells the sender what he wants to hear: failures, if he says nothing else. A report that finds no mailbox or no
    /// room is dropped: reports on reports would never end.
    pub(super) fn report(&mut self, mail: &Mail, fates: Vec<Fate>, now: SystemTime) {
        if fates.is_empty() {
            return;
        }
        let wanted =
            |wish: fn(&DeliveryReports) -> bool, default| mail.reports.as_ref().map_or(default, wish);
        let [failures, successes, delays] = [
            wanted(DeliveryReports::wants_failure, true),
            wanted(DeliveryReports::wants_success, false),
            wanted(DeliveryReports::wants_delay, false),
        ];
        let mut kinds = [(Action::Failed, failures), (Action::Delayed, delays), (Action::Relayed, successes)]
            .map(|(action, wanted)| (action, wanted, Vec::new()));
        for fate in fates {
            let kind = if fate.action == Action::Expanded { Action::Relayed } else { fate.action };
            if let Some((.., alike)) = kinds.iter_mut().find(|(action, ..)| *action == kind) {
                alike.push(fate);
            }
        }
        // The sender may be an alias, or an address that a catch-all takes.
        let ends = self.route(&mail.sender);
        for (action, _, mut alike) in
            kinds.into_iter().filter(|(_, wanted, alike)| *wanted && !alike.is_empty())
        {
            alike.sort_by_key(|fate| fate.action != Action::Expanded);
            let letter = Arc::new(report(mail, action, &alike, now));
            for end in &ends {
                let End::Mailbox(name) = end else { continue };
                let report = mail.stored_report(&letter, name, now);
                match self.mailbox_named(name).map(|mailbox| mailbox.put(report)) {
                    Some(Ok(())) => self.listeners.ring(|| name.to_string()),
                    Some(Err(Full)) => {
                        tracing::debug!("the sender's mailbox is full, a delivery report was dropped");
                    }
                    None => {}
                }
            }
        }
    }
}

pub(super) fn after(pause: Duration) -> Instant {
    Instant::now() + pause.min(FOREVER)
}

/// Says it as Dovecot does.
fn unknown(original: &Address, address: &dyn std::fmt::Display) -> Fate {
    let why = format!("<{address}> User doesn't exist: {address}");
    Fate::new(original, address, Action::Failed, Status::new(550, Some((5, 1, 1)), &why))
}

/// As good as for ever, and no overflow.
const FOREVER: Duration = Duration::from_hours(10 * 365 * 24);
