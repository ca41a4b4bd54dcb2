//! What the figures of the mail system tell, and the reasons in its queue.

use std::collections::BTreeMap;

use tokio::time::timeout;

use super::catalogue::remedy;
use super::{Complaint, Diagnosis, Doctor, Remedy};
use crate::health::{Figures, QueueState};

impl Doctor {
    pub(super) async fn look_at_figures(&self, walk: &mut Diagnosis) -> Option<Figures> {
        let Some(health) = &self.health else {
            walk.skip("figures", "no figures of the mail system were given");
            return None;
        };
        let Ok(figures) = timeout(self.deadline, health.figures()).await else {
            walk.failed("figures", &super::late("read figures", "mail system"));
            walk.done("figures");
            return None;
        };
        let mut errors = Vec::new();
        for (name, error) in figures.unknowns() {
            // One server that is down is one finding, not one for each figure.
            let remedy = Remedy::of_error(error);
            if !errors.contains(&remedy.code) {
                errors.push(remedy.code);
                walk.found("figures", remedy, format!("{name}: {}", super::chain(error)));
            }
        }
        for container in figures.containers.known().into_iter().flatten() {
            if !container.is_running() {
                let part = PARTS.iter().find(|(part, _)| container.name.starts_with(part));
                let remedy = part.map_or(OTHER_DOWN, |(_, remedy)| *remedy);
                walk.found("figures", remedy, format!("{} is {}", container.name, container.state));
            }
        }
        if let Some(disk) = figures.disk.known().filter(|disk| disk.used_percent >= 95) {
            walk.found("figures", DISK_FULL, format!("{} % used ({})", disk.used_percent, disk.words));
        }
        if figures.certificate_days.known() == Some(&0) {
            walk.found("figures", CERTIFICATE_OVER, "0 days left");
        }
        let is_sending = walk.complaint == Complaint::NotSending;
        let hits = figures.rate_limit_hits.known().copied().unwrap_or(0);
        if is_sending && hits > 0 {
            walk.found("figures", LIMITED, format!("{hits} messages within the last hour"));
        }
        let bans = figures.bans.known().copied().unwrap_or(0);
        if bans > 0 && walk.complaint != Complaint::CannotCreate {
            walk.found("figures", BANNED, format!("{bans} hosts within the last hour"));
        }
        walk.done("figures");
        Some(figures)
    }

    /// Groups the messages of the queue by the cause of their delay.
    pub(super) fn look_at_queue(&self, walk: &mut Diagnosis, figures: Option<&Figures>) {
        let Some(queue) = figures.and_then(|figures| figures.queue.known()) else {
            return walk.skip("queue", "the mail system's queue is not known");
        };
        let own = self.address.to_string().to_lowercase();
        let mut causes: BTreeMap<&str, (Remedy, usize, String)> = BTreeMap::new();
        for message in &queue.messages {
            let is_from = message.sender.eq_ignore_ascii_case(&own);
            for recipient in &message.recipients {
                let is_meant = match walk.complaint {
                    Complaint::NotReceiving => recipient.address.eq_ignore_ascii_case(&own),
                    _ => is_from,
                };
                let (remedy, words) = match (&message.state, &recipient.reason) {
                    _ if !is_meant => continue,
                    (QueueState::Hold, _) => (HELD, String::new()),
                    (_, None) => continue,
                    (_, Some(reason)) => (Remedy::of_words(reason).unwrap_or(UNKNOWN_REASON), reason.clone()),
                };
                let seen = format!("{} to {}: {words}", message.id, recipient.address);
                causes.entry(remedy.code).or_insert((remedy, 0, seen)).1 += 1;
            }
        }
        let mut causes: Vec<_> = causes.into_values().collect();
        causes.sort_by_key(|(remedy, count, _)| (std::cmp::Reverse(*count), remedy.code));
        for (remedy, count, seen) in causes {
            let seen = if count == 1 { seen } else { format!("{count} times, first {seen}") };
            walk.found("queue", remedy, seen.trim_end_matches([':', ' ']));
        }
        walk.done("queue");
    }
}

/// What fails with a container, by the beginning of its name.
const PARTS: &[(&str, Remedy)] = &[
    ("postfix", down("postfix_down", "Postfix doesn't run: no mail comes in or goes out")),
    ("dovecot", down("dovecot_down", "Dovecot doesn't run: nobody can log in, and no mail is filed")),
    ("rspamd", down("rspamd_down", "Rspamd doesn't run: mail is put off, and none is signed")),
    ("mysql", down("mysql_down", "the database doesn't run: no login, no look-up and no API call works")),
    ("redis", down("redis_down", "Redis doesn't run: DKIM keys, limits and the API are not there")),
    ("php-fpm", down("php_down", "PHP doesn't run: no login and no API call works")),
    ("nginx", down("nginx_down", "nginx doesn't run: the API, and logins that ask PHP, don't work")),
    (
        "unbound",
        down("unbound_down", "the resolver doesn't run: no mail goes out, and block lists can't be asked"),
    ),
    (
        "dockerapi",
        down("dockerapi_down", "dockerapi doesn't run: every call of the API answers with status 500"),
    ),
    ("acme", down("acme_down", "acme doesn't run: the certificate is not renewed")),
    ("clamd", down("clamd_down", "ClamAV doesn't run: mail with attachments may be put off")),
    (
        "netfilter",
        down("netfilter_down", "the ban service doesn't run: those who guess passwords are not banned"),
    ),
];
const OTHER_DOWN: Remedy = down("container_down", "a container of the mail system doesn't run");
const DISK_FULL: Remedy = remedy(
    "disk_full",
    "the disk of the mail system is full: mail is refused or put off",
    "make room on the disk, or give the volume more",
);
const CERTIFICATE_OVER: Remedy = remedy(
    "certificate_expired",
    "the certificate of the mail host is no longer good: clients and other servers refuse the connection",
    "look at the container acme of mailcow; ports 80 and the DNS of the mail host have to lead to it",
);
const LIMITED: Remedy = remedy(
    "rate_limited",
    "a sending limit of a mailbox or a domain is used up",
    "wait for the limit's period, or raise the limit of the mailbox or the domain",
);
const BANNED: Remedy = remedy(
    "hosts_banned",
    "the ban service has shut out hosts: if this one is among them, it gets no connection at all",
    "look whether the address of this host is banned, lift the ban, and correct the password that it uses",
);
const HELD: Remedy =
    remedy("held", "someone holds the message back in the queue", "release it, or delete it");
const UNKNOWN_REASON: Remedy = remedy(
    "deferred",
    "the other server puts the message off, in words that this catalogue doesn't know",
    "read its words; the mail system tries again by itself for five days",
);

const fn down(code: &'static str, cause: &'static str) -> Remedy {
    remedy(code, cause, "look at the log of the container and start it again: docker compose up -d")
}
