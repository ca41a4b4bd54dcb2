//! What the mail system has of the domain.

use tokio::time::timeout;

use super::catalogue::remedy;
use super::{Complaint, Diagnosis, Doctor, Remedy, late};
use crate::backend::ServedDomain;

impl Doctor {
    /// Returns what the mail system has, and whether it makes sense to go on with the mailbox.
    pub(super) async fn look_at_domain(&self, walk: &mut Diagnosis) -> (Option<ServedDomain>, bool) {
        let Some(admin) = &self.admin else {
            walk.skip("domain", "no access to the mail system's administration was given");
            return (None, true);
        };
        let domain = self.address.domain();
        let served = timeout(self.deadline, admin.survey(domain)).await;
        let is_there = match served.unwrap_or_else(|_| Err(late("read domain", domain))) {
            Err(error) => {
                walk.failed("domain", &error);
                (None, true)
            }
            Ok(None) => {
                walk.found("domain", NOT_SERVED, domain.to_string());
                (None, false)
            }
            Ok(Some(served)) => {
                let goes_on = self.look_at_served(walk, &served);
                (Some(served), goes_on)
            }
        };
        walk.done("domain");
        is_there
    }

    fn look_at_served(&self, walk: &mut Diagnosis, served: &ServedDomain) -> bool {
        let mailbox = served.mailboxes.iter().find(|mailbox| mailbox.address == self.address);
        let alias = served.aliases.iter().find(|alias| alias.address == self.address);
        let mut goes_on = true;
        if !served.active {
            walk.found("domain", DOMAIN_OFF, self.address.domain().to_string());
            goes_on = false;
        }
        if walk.complaint == Complaint::CannotCreate {
            self.look_at_room(walk, served, mailbox.is_some() || alias.is_some());
            return goes_on;
        }
        if served.dkim.is_none() && walk.complaint != Complaint::NotReceiving {
            walk.found("domain", NO_KEY, self.address.domain().to_string());
        }
        match (mailbox, alias) {
            (Some(mailbox), _) if !mailbox.active => {
                walk.found("domain", MAILBOX_OFF, self.address.to_string());
                goes_on = false;
            }
            (Some(_), _) => {}
            (None, Some(alias)) => {
                if walk.complaint == Complaint::NotReceiving {
                    let targets: Vec<_> = alias.targets.iter().map(ToString::to_string).collect();
                    walk.found("domain", IS_ALIAS, targets.join(", "));
                } else {
                    walk.found("domain", ALIAS_HAS_NO_LOGIN, self.address.to_string());
                }
                goes_on = false;
            }
            (None, None) if !served.catch_all.is_empty() && walk.complaint == Complaint::NotReceiving => {
                let targets: Vec<_> = served.catch_all.iter().map(ToString::to_string).collect();
                walk.found("domain", IS_CATCH_ALL, targets.join(", "));
                goes_on = false;
            }
            (None, None) => {
                walk.found("domain", NO_MAILBOX, self.address.to_string());
                goes_on = false;
            }
        }
        let forward = served.forwards.iter().find(|forward| forward.address == self.address);
        if let Some(forward) = forward.filter(|forward| !forward.keep_copy)
            && walk.complaint == Complaint::NotReceiving
        {
            let targets: Vec<_> = forward.targets.iter().map(ToString::to_string).collect();
            walk.found("domain", FORWARDED, targets.join(", "));
        }
        if walk.complaint == Complaint::NotReceiving && !served.spam.block.is_empty() {
            walk.found("domain", BLOCKED_SENDERS, served.spam.block.join(", "));
        }
        goes_on
    }

    fn look_at_room(&self, walk: &mut Diagnosis, served: &ServedDomain, is_taken: bool) {
        let limits = &served.limits;
        if is_taken {
            walk.found("domain", TAKEN, self.address.to_string());
        }
        let count = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        let known = |code| Remedy::of_mailcow_code(code).unwrap_or(TAKEN);
        if count(served.mailboxes.len()) >= limits.mailboxes {
            let evidence = format!("{} of {} mailboxes", served.mailboxes.len(), limits.mailboxes);
            walk.found("domain", known("max_mailbox_exceeded"), evidence);
        }
        if count(served.aliases.len()) >= limits.aliases {
            let evidence = format!("{} of {} aliases", served.aliases.len(), limits.aliases);
            walk.found("domain", known("max_alias_exceeded"), evidence);
        }
        let used: u64 = served.mailboxes.iter().map(|mailbox| u64::from(mailbox.quota_mib)).sum();
        let wanted = u64::from(limits.default_quota_mib);
        if limits.total_quota_mib > 0 && used + wanted > u64::from(limits.total_quota_mib) {
            let evidence = format!("{used} of {} MiB are given away", limits.total_quota_mib);
            walk.found("domain", known("mailbox_quota_left_exceeded"), evidence);
        }
    }
}

const NOT_SERVED: Remedy = remedy(
    "domain_not_served",
    "the mail system doesn't serve the domain, or knows it as another name of one only",
    "add the domain to the mail system, or use the address in the domain that it belongs to",
);
const DOMAIN_OFF: Remedy = remedy(
    "domain_inactive",
    "the domain is switched off: it takes no mail and its logins don't work",
    "switch the domain on",
);
const MAILBOX_OFF: Remedy = remedy(
    "mailbox_inactive",
    "the mailbox is switched off: it takes no mail and its login doesn't work",
    "switch the mailbox on",
);
const NO_MAILBOX: Remedy = remedy(
    "no_such_mailbox",
    "there is no mailbox, alias or catch-all for the address",
    "create the mailbox, or an alias that leads to one",
);
const IS_ALIAS: Remedy = remedy(
    "address_is_alias",
    "the address is an alias: its mail arrives elsewhere",
    "look for the mail at the targets of the alias, or examine these",
);
const ALIAS_HAS_NO_LOGIN: Remedy = remedy(
    "alias_has_no_login",
    "the address is an alias, which has no login of its own",
    "log in as a mailbox that the alias leads to, and send as the alias",
);
const IS_CATCH_ALL: Remedy = remedy(
    "address_is_catch_all",
    "there is no such mailbox: the catch-all of the domain takes its mail",
    "look for the mail at the targets of the catch-all, or create the mailbox",
);
const FORWARDED: Remedy = remedy(
    "forwarded_without_copy",
    "a forward sends the mail on and leaves no copy in the mailbox",
    "let the forward keep a copy, or remove it",
);
const BLOCKED_SENDERS: Remedy = remedy(
    "blocked_senders",
    "the domain takes the mail of some senders for spam in any case",
    "take the sender off the deny list if it is the one that is missed",
);
const NO_KEY: Remedy = remedy(
    "no_dkim_key",
    "the mail system has no DKIM key for the domain, so that its mail is not signed",
    "create the key and publish its record",
);
const TAKEN: Remedy = remedy(
    "address_taken",
    "a mailbox or an alias has this address already",
    "use what is there, or choose another address",
);
