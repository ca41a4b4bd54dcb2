//! Messages that were accepted and are still on their way.

use std::sync::Arc;
use std::time::SystemTime;

use tokio::time::Instant;

use super::mail::Mail;
use super::state::{End, Name, State};
use crate::Address;

pub(super) struct Pending {
    due: Instant,
    /// How many messages to the same recipient go before it, if it waits for that.
    behind: Option<u32>,
    mail: Arc<Mail>,
    recipient: Address,
}

impl Pending {
    pub(super) fn until(due: Instant, mail: &Arc<Mail>, recipient: &Address) -> Self {
        Self { due, behind: None, mail: Arc::clone(mail), recipient: recipient.clone() }
    }

    pub(super) fn behind(messages: u32, due: Instant, mail: &Arc<Mail>, recipient: &Address) -> Self {
        Self { behind: Some(messages), ..Self::until(due, mail, recipient) }
    }
}

impl State {
    pub(super) fn hold(&mut self, pending: Pending) {
        // Who waits for mail has to look when it is due.
        for end in self.route(&pending.recipient) {
            if let End::Mailbox(name) = end
                && let Some(mailbox) = self.mailbox_named(&name)
            {
                mailbox.ring();
            }
        }
        if let Some(mailbox) = self.mailbox_named(&Name::of(&pending.mail.sender)) {
            mailbox.ring();
        }
        self.pending.push(pending);
        self.listeners.wake();
    }

    /// Returns when the next message is due.
    pub(super) fn next_due(&self) -> Option<Instant> {
        self.pending.iter().map(|pending| pending.due).min()
    }

    /// Delivers what is due by now, in the order in which it became due.
    pub(super) fn deliver_due(&mut self, now: SystemTime) {
        let instant = Instant::now();
        self.pending.sort_by_key(|pending| pending.due);
        let due = self.pending.iter().take_while(|pending| pending.due <= instant).count();
        let due: Vec<_> = self.pending.drain(..due).collect();
        self.release(due, now);
    }

    /// Counts a message to a recipient, and delivers what waited for it.
    pub(super) fn let_overtake(&mut self, recipient: &Address, now: SystemTime) {
        if self.pending.is_empty() {
            return;
        }
        let name = Name::of(recipient);
        for pending in &mut self.pending {
            if let Some(behind) = &mut pending.behind
                && Name::of(&pending.recipient) == name
            {
                *behind = behind.saturating_sub(1);
            }
        }
        let overtaken = self.pending.extract_if(.., |pending| pending.behind == Some(0)).collect();
        self.release(overtaken, now);
    }

    fn release(&mut self, released: Vec<Pending>, now: SystemTime) {
        for Pending { mail, recipient, .. } in released {
            let mut fates = Vec::new();
            self.bring(&mail, &recipient, now, &mut fates);
            self.report(&mail, fates, now);
        }
    }
}
