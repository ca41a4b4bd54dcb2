//! The world outside: what it does with what departs, and what it sends.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, SystemTime};

use super::PostOffice;
use super::delivery::after;
use super::departed::Departed;
use super::mail::Mail;
use super::pending::Pending;
use super::state::State;
use crate::{Address, Outgoing, Status};

/// What the world outside does about a message that departed; see
/// [`PostOfficeBuilder::with_outside`](crate::PostOfficeBuilder::with_outside).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum FromOutside {
    /// A server out there hands this message over, as for [`PostOffice::receive`](crate::PostOffice::receive). Of
    /// recipients that aren't hosted here nothing is heard any more.
    Mail {
        /// How long after the departure.
        after: Duration,
        /// What.
        message: Outgoing,
    },
    /// The next server refuses the message, so that the sender gets a report.
    Refusal {
        /// How long after the departure.
        after: Duration,
        /// Its words.
        status: Status,
    },
}

pub(super) type Outside = Arc<dyn Fn(&Departed) -> Vec<FromOutside> + Send + Sync>;

impl PostOffice {
    /// Lets a server elsewhere in the world hand over a message after a time, which is Tokio's; see
    /// [`receive`](Self::receive). Nothing is judged before.
    pub fn receive_after(&self, pause: Duration, message: &Outgoing) {
        let now = (self.office.settings.clock)();
        self.state().expect_from_outside(pause, message, now);
    }
}

impl State {
    /// Lets a message go, and notes what comes of it.
    pub(super) fn depart(&mut self, mail: &Arc<Mail>, recipient: &Address, now: SystemTime) {
        let departed = Departed::new(recipient.clone(), mail.message.clone());
        let Some(outside) = self.outside.clone() else {
            self.departed.push(departed);
            return;
        };
        for reaction in outside(&departed) {
            match reaction {
                FromOutside::Mail { after, message } => self.expect_from_outside(after, &message, now),
                FromOutside::Refusal { after: pause, status } => {
                    self.hold(Pending::refused(after(pause), mail, recipient, status));
                }
            }
        }
    }

    fn expect_from_outside(&mut self, pause: Duration, message: &Outgoing, now: SystemTime) {
        let number = self.submitted.fetch_add(1, Ordering::Relaxed);
        let host = self.host.clone();
        let arrives = now.checked_add(pause).unwrap_or(now);
        let mail = Mail::new(message, false, &host, number, arrives);
        let mail = Arc::new(mail.judged(Some(self)));
        for recipient in message.recipients() {
            if self.served(self.home(recipient).domain()).is_some() {
                self.hold(Pending::until(after(pause), &mail, recipient));
            }
        }
    }
}
