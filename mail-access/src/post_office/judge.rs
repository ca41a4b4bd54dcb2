//! What the office says to an envelope before it takes charge of the message.

use std::collections::HashMap;
use std::time::Duration;

use tokio::time::Instant;

use super::fault::{Fault, Plan};
use super::mail::Mail;
use super::policy::{Foreign, Treatment};
use super::state::{End, Entry, Name, State};
use super::{PostOffice, SUBMIT};
use crate::{Address, Error, Login, Outgoing, Status};

impl PostOffice {
    /// Checks what needs only a look at the message; the order is Postfix'.
    pub(super) fn admit(&self, login: Option<&Login>, message: &Outgoing) -> Result<(), Error> {
        let mut state = self.state();
        if let Some(login) = login {
            state.open(login, SUBMIT)?;
        }
        if message.size() > state.policy.size_limit {
            let status = Status::new(552, Some((5, 3, 4)), "Message size exceeds fixed limit");
            return Err(Error::Refused { operation: SUBMIT, status });
        }
        match login.map(Login::address) {
            Some(own) if !state.may_send_as(own, message.sender()) => {
                let why = format!("Sender address rejected: not owned by user {own}");
                // It is said to each recipient, although it is about the sender.
                let refuse =
                    |to: &Address| (to.clone(), about(553, (5, 7, 1), &message.sender().to_string(), &why));
                Err(refusal(message, message.recipients().iter().map(refuse).collect()))
            }
            _ => Ok(()),
        }
    }
}

impl State {
    /// Tells whether mail for the sender would come to the login, as Mailcow's map of senders does.
    fn may_send_as(&self, own: &Address, sender: &Address) -> bool {
        if own == sender && self.resident(own).is_some() {
            return true;
        }
        let own = Name::of(own);
        self.route(sender).iter().any(|end| matches!(end, End::Mailbox(name) if *name == own))
    }

    /// Accepts or refuses each recipient, by his place. With an error the message has no one it could go to.
    pub(super) fn judge(&mut self, mail: &Mail, plan: &Plan) -> Result<Judged, Error> {
        let (mut judged, mut filling) = (Judged::default(), HashMap::new());
        for (place, recipient) in mail.message.recipients().iter().enumerate() {
            let objection = if judged.accepted.len() >= self.policy.recipients_limit {
                Some(Status::new(452, Some((4, 5, 3)), "Error: too many recipients"))
            } else if let Some(Fault::RecipientRefused(refusal)) = plan.of(place) {
                Some(refusal.status())
            } else {
                self.objection(mail, recipient, &mut filling)
            };
            match objection {
                Some(status) => judged.refused.push((recipient.clone(), status)),
                None => judged.accepted.push(place),
            }
        }
        let in_vain = judged.accepted.is_empty() || mail.message.is_all_or_nothing();
        if in_vain && !judged.refused.is_empty() {
            return Err(refusal(&mail.message, judged.refused));
        }
        Ok(judged)
    }

    /// Counts a message of the login, unless that is one too many.
    pub(super) fn within_rate(&mut self, login: &Address) -> Result<(), Error> {
        let Some((name, (messages, time))) = self.rate_limit(login) else { return Ok(()) };
        let (now, share) = (Instant::now(), time.checked_div(messages).unwrap_or(Duration::MAX));
        let paid_until = self.paid_until.entry(name).or_insert(now);
        let next = (*paid_until).max(now).checked_add(share).filter(|next| next.duration_since(now) <= time);
        let Some(next) = next else {
            let text = format!("Ratelimit \"{login}\" exceeded");
            let status = Status::new(451, Some((4, 7, 1)), &text);
            return Err(Error::Refused { operation: SUBMIT, status });
        };
        *paid_until = next;
        Ok(())
    }

    /// Says why a recipient is refused. `filling` is what the recipients before will take in each mailbox.
    fn objection(
        &mut self,
        mail: &Mail,
        recipient: &Address,
        filling: &mut HashMap<Name, u64>,
    ) -> Option<Status> {
        let rejected = |code, enhanced, why: &str| Some(about(code, enhanced, &recipient.to_string(), why));
        if self.served(self.home(recipient).domain()).is_none() {
            if !mail.submitted || self.policy.foreign_domains == Foreign::Refused {
                return rejected(554, (5, 7, 1), "Relay access denied");
            }
        } else if self.policy.unknown_recipients == Treatment::Refused && !self.is_known(recipient) {
            let why = "Recipient address rejected: User unknown in virtual mailbox table";
            return rejected(550, (5, 1, 1), why);
        } else if self.policy.full_mailboxes == Treatment::Refused && !self.has_room(mail, recipient, filling)
        {
            return rejected(552, (5, 2, 2), "Recipient address rejected: Mailbox is full");
        }
        let wait = self.greylisted(&mail.sender, recipient)?;
        let seconds = wait.as_millis().div_ceil(1_000);
        let why = format!("Recipient address rejected: Greylisted, try again in {seconds} seconds");
        rejected(450, (4, 2, 0), &why)
    }

    /// Tells whether one of the mailboxes that a recipient leads to takes the message, or something else happens.
    fn has_room(&self, mail: &Mail, recipient: &Address, filling: &mut HashMap<Name, u64>) -> bool {
        let mut takes = |name: Name| {
            let Some(Entry::Mailbox(mailbox)) = self.addresses.get(&name) else { return true };
            if !mailbox.has_quota() {
                return true;
            }
            let with = filling.get(&name).unwrap_or(&0) + mail.size_for(recipient, &name);
            let has_room = mailbox.has_room(with);
            if has_room {
                filling.insert(name, with);
            }
            has_room
        };
        if let Some(name) = self.resident(recipient) {
            return takes(name);
        }
        let mut has_room = false;
        for end in self.route(recipient) {
            let End::Mailbox(name) = end else { return true };
            has_room |= takes(name);
        }
        has_room
    }

    /// Says how long a pair of sender and recipient still has to wait.
    fn greylisted(&mut self, sender: &Address, recipient: &Address) -> Option<Duration> {
        let pause = self.policy.greylisting?;
        let now = Instant::now();
        let first = self.first_seen.entry((Name::of(sender), Name::of(recipient))).or_insert(now);
        let left = pause.checked_sub(now.duration_since(*first))?;
        (!left.is_zero()).then_some(left)
    }
}

/// Who gets a message, by his place in the envelope, and who doesn't.
#[derive(Default)]
pub(super) struct Judged {
    pub(super) accepted: Vec<usize>,
    pub(super) refused: Vec<(Address, Status)>,
}

/// Words a refusal of an address as Postfix does.
fn about(code: u16, enhanced: (u8, u16, u16), address: &str, why: &str) -> Status {
    Status::new(code, Some(enhanced), &format!("<{address}>: {why}"))
}

/// Says that nobody gets the message, because of all these.
fn refusal(message: &Outgoing, mut refused: Vec<(Address, Status)>) -> Error {
    if message.recipients().len() == 1 {
        return Error::Refused { operation: SUBMIT, status: refused.swap_remove(0).1 };
    }
    // The one that decides whether another try is worth while comes first.
    let hopeless = |(_, status): &(Address, Status)| !status.is_temporary();
    refused.sort_by_key(|one| hopeless(one) != message.is_all_or_nothing());
    Error::RecipientsRefused { operation: SUBMIT, refused }
}
