//! The figures of a Mailcow, and what its operator does with mail that is held up (feature `mailcow`).

use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use mailcow_api::{LogEntry, LogKind, LogRows, LogTime};

use super::{
    Container, Disk, Figures, HealthSource, Judgement, QuarantineControl, QuarantineId, Quarantined, Queue,
    QueueAction, QueueControl, QueueId, QueueState, QueuedMail, Treated,
};
use crate::mailcow::{Mailcow, lift};
use crate::{Error, ErrorKind};

/// It costs six calls, made at the same time: the queue, the disk, the containers, the quarantine, and 1000 rows of each
/// the logs of sending limits and of the ban service. Refused logins are those that the ban service has seen. Of what
/// Mailcow can't do without, a container that is not in the list is `missing`.
#[async_trait]
impl HealthSource for Mailcow {
    async fn figures(&self) -> Figures {
        let now = SystemTime::now();
        let rows = LogRows::newest(LOG_ROWS).unwrap_or(LogRows::DEFAULT);
        let client = self.client();
        let (queue, disk, containers, quarantine, limited, netfilter) = tokio::join!(
            self.queue(),
            client.mail_storage(),
            client.containers(),
            client.quarantine(),
            client.logs(LogKind::RateLimited, rows),
            client.logs(LogKind::Netfilter, rows),
        );
        let mut figures = Figures::at(now);
        figures.queue = queue.into();
        figures.disk = disk.map_err(|error| lift(error, "read disk", "mail system")).and_then(disk_of).into();
        figures.containers = containers
            .map(|list| containers_of(&list))
            .map_err(|error| lift(error, "read containers", "mail system"))
            .into();
        let quarantine = quarantine.map_err(|error| lift(error, "read quarantine", "mail system"));
        figures.quarantine = quarantine.map(|list| list.len() as u64).into();
        let limited = limited.map_err(|error| lift(error, "read log", "sending limits"));
        figures.rate_limit_hits = limited.map(|log| recent(&log, now, |_| true)).into();
        match netfilter.map_err(|error| lift(error, "read log", "ban service")) {
            Ok(log) => {
                figures.rejected_logins = Ok(recent(&log, now, is_rejected_login)).into();
                figures.bans = Ok(recent(&log, now, |row| row.message.starts_with("Banning "))).into();
            }
            Err(error) => {
                let error = std::sync::Arc::new(error);
                figures.rejected_logins = super::Figure::Unknown(error.clone());
                figures.bans = super::Figure::Unknown(error);
            }
        }
        figures
    }
}

#[async_trait]
impl QueueControl for Mailcow {
    async fn queue(&self) -> Result<Queue, Error> {
        let list =
            self.client().mail_queue().await.map_err(|error| lift(error, "read queue", "mail system"))?;
        let messages = list.into_iter().map(|message| {
            let id = message.id.as_str().parse()?;
            let mut mail = QueuedMail::new(id, since_1970(message.arrived), message.sender)
                .with_state(QueueState::from(message.queue.as_str()));
            mail.bytes = u64::try_from(message.size.get()).unwrap_or(0);
            Ok(message.recipients.iter().fold(mail, |mail, recipient| {
                let (address, reason) = with_reason(recipient);
                mail.with_recipient(address, reason)
            }))
        });
        messages.collect::<Result<_, Error>>().map(Queue::new)
    }

    async fn treat(&self, action: &QueueAction) -> Result<(), Error> {
        let client = self.client();
        let (operation, done) = match action {
            QueueAction::Flush => ("flush queue", client.flush_mail_queue().await),
            QueueAction::Deliver(ids)
            | QueueAction::Hold(ids)
            | QueueAction::Release(ids)
            | QueueAction::Delete(ids)
                if ids.is_empty() =>
            {
                return Ok(());
            }
            QueueAction::Deliver(ids) => ("deliver messages", client.deliver_queued(&queue_ids(ids)?).await),
            QueueAction::Hold(ids) => ("hold messages", client.hold_queued(&queue_ids(ids)?).await),
            QueueAction::Release(ids) => ("release messages", client.release_queued(&queue_ids(ids)?).await),
            QueueAction::Delete(ids) => ("delete messages", client.delete_queued(&queue_ids(ids)?).await),
        };
        done.map_err(|error| lift(error, operation, "queue"))
    }
}

#[async_trait]
impl QuarantineControl for Mailcow {
    async fn quarantined(&self) -> Result<Vec<Quarantined>, Error> {
        let list = self.client().quarantine().await;
        let list = list.map_err(|error| lift(error, "read quarantine", "mail system"))?;
        let mut messages = list
            .into_iter()
            .map(|item| {
                let (id, arrived) = (item.id.to_string().parse()?, since_1970(item.created));
                let mut message = Quarantined::new(id, arrived, &item.sender, &item.recipient, item.score);
                message.subject = item.subject;
                message.has_virus = item.has_virus;
                Ok(message)
            })
            .collect::<Result<Vec<_>, Error>>()?;
        messages.sort_by_key(|message| (message.arrived, message.id));
        Ok(messages)
    }

    async fn judge(&self, id: QuarantineId, judgement: Judgement) -> Result<Treated, Error> {
        // Mailcow says the same of a message that is gone and of one that it can't treat, or confirms both.
        if !self.has_quarantined(id).await? {
            return Ok(Treated::NotThere);
        }
        let item = id.to_string().parse().map_err(|error| lift(error, "judge message", id))?;
        let client = self.client();
        let done = match judgement {
            Judgement::Release => client.release_quarantined(item).await,
            Judgement::Ham => client.learn_quarantined_as_ham(item).await,
            Judgement::Spam => client.learn_quarantined_as_spam(item).await,
            Judgement::Delete => client.delete_quarantined(&[item]).await,
        };
        let Err(error) = done else { return Ok(Treated::Now) };
        let is_partial = matches!(error, mailcow_api::Error::Partial { .. });
        let is_unknown = error.outcome_unknown();
        let error = lift(error, "judge message", id);
        // It leaves the quarantine last: if it is gone, all the rest was done.
        if (is_unknown || error.kind() == ErrorKind::NotFound) && !self.has_quarantined(id).await? {
            if is_partial {
                let code = error.code().unwrap_or_default().to_owned();
                return Err(Error::new(ErrorKind::Rejected, "judge message", id)
                    .with_detail("it was delivered, but the spam filter didn't learn of it")
                    .with_code(code)
                    .with_fix("look at the container rspamd of mailcow; the message needs nothing more")
                    .with_source(error));
            }
            return Ok(Treated::Now);
        }
        if is_unknown {
            return Err(error.with_fix("look whether its recipient has it before you repeat it"));
        }
        Err(error)
    }
}

impl Mailcow {
    async fn has_quarantined(&self, id: QuarantineId) -> Result<bool, Error> {
        let list = self.client().quarantine().await;
        let list = list.map_err(|error| lift(error, "read quarantine", "mail system"))?;
        let id = id.to_string();
        Ok(list.iter().any(|item| item.id.to_string() == id))
    }
}

/// Reads `df -h` as Mailcow passes it on.
fn disk_of(storage: Option<mailcow_api::MailStorage>) -> Result<Disk, Error> {
    let unread = || {
        Error::new(ErrorKind::Unexpected, "read disk", "mail system")
            .with_detail("the mail system doesn't tell how full its disk is")
            .with_fix("look at the container dockerapi of mailcow")
    };
    let storage = storage.ok_or_else(unread)?;
    let percent = storage.used_percent.trim().trim_end_matches('%').parse().map_err(|_| unread())?;
    Ok(Disk::new(percent, format!("{} of {}", storage.used, storage.total)))
}

fn containers_of(list: &std::collections::BTreeMap<String, mailcow_api::Container>) -> Vec<Container> {
    let missing = ESSENTIAL.iter().filter(|name| !list.contains_key(**name));
    let missing = missing.map(|name| Container::new(*name, "missing"));
    let present = list.iter().map(|(name, container)| {
        let mut shown = Container::new(name, container.state.as_str());
        shown.image.clone_from(&container.image);
        shown.started.clone_from(&container.started_at);
        shown
    });
    let mut containers: Vec<_> = present.chain(missing).collect();
    containers.sort_by(|a, b| a.name.cmp(&b.name));
    containers
}

fn recent(log: &[LogEntry], now: SystemTime, is_meant: impl Fn(&LogEntry) -> bool) -> u64 {
    let is_recent = |row: &&LogEntry| match row.time {
        LogTime::Unix(seconds) => {
            // What the server's clock has in the future has just been.
            now.duration_since(since_1970(seconds)).map_or(true, |age| age <= WINDOW)
        }
        _ => false,
    };
    log.iter().filter(is_recent).filter(|row| is_meant(row)).count() as u64
}

/// The ban service writes `<address> matched rule id <n> (<the line>)` for each line that counts.
fn is_rejected_login(row: &LogEntry) -> bool {
    let says = |words: &str| row.message.contains(words);
    says("matched rule id") && REJECTED.iter().any(|words| says(words))
}

/// Takes `ada@x.example (connection refused)` apart.
fn with_reason(recipient: &str) -> (&str, Option<&str>) {
    match recipient.split_once(" (") {
        Some((address, reason)) => (address, Some(reason.strip_suffix(')').unwrap_or(reason))),
        None => (recipient, None),
    }
}

fn queue_ids(ids: &[QueueId]) -> Result<Vec<mailcow_api::QueueId>, Error> {
    let parse = |id: &QueueId| id.as_str().parse().map_err(|error| lift(error, "name message", id));
    ids.iter().map(parse).collect()
}

fn since_1970(seconds: i64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(u64::try_from(seconds).unwrap_or(0))
}

const LOG_ROWS: u32 = 1000;
const WINDOW: Duration = Duration::from_hours(1);
const REJECTED: [&str; 3] = ["authentication failed", "auth failed", "Invalid password"];
const ESSENTIAL: [&str; 9] = [
    "dockerapi-mailcow",
    "dovecot-mailcow",
    "mysql-mailcow",
    "nginx-mailcow",
    "php-fpm-mailcow",
    "postfix-mailcow",
    "redis-mailcow",
    "rspamd-mailcow",
    "unbound-mailcow",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn read<T: serde::de::DeserializeOwned>(text: &str) -> T {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn a_container_that_has_to_be_there_and_isn_t_is_missing() {
        let list = read(
            r#"{
            "postfix-mailcow": {"container": "p", "state": "exited", "image": "postfix:1", "started_at": "2026"},
            "own-part": {"container": "o", "state": "running"}
        }"#,
        );
        let shown = containers_of(&list);
        let states: Vec<_> = shown.iter().map(|c| (c.name.as_str(), c.state.as_str())).collect();
        assert!(states.contains(&("postfix-mailcow", "exited")) && states.contains(&("own-part", "running")));
        assert!(states.contains(&("dovecot-mailcow", "missing")));
        assert_eq!(states.len(), ESSENTIAL.len() + 1);
        assert!(states.is_sorted());
    }

    #[test]
    fn a_disk_is_read_as_df_shows_it() {
        let of = |percent: &str| {
            let text = format!(
                r#"{{"disk": "/dev/sda1", "used": "11G", "total": "252G", "used_percent": "{percent}"}}"#
            );
            disk_of(read(&text))
        };
        assert_eq!(of("13%").unwrap(), Disk::new(13, "11G of 252G"));
        assert_eq!(of("100%").unwrap().used_percent, 100);
        for unread in ["", "-", "full", "1000%"] {
            assert_eq!(of(unread).unwrap_err().kind(), ErrorKind::Unexpected, "{unread}");
        }
        assert!(disk_of(None).is_err());
    }

    #[test]
    fn a_recipient_is_taken_apart_from_its_reason() {
        for (text, address, reason) in [
            ("a@x.example", "a@x.example", None),
            ("a@x.example (refused (twice))", "a@x.example", Some("refused (twice)")),
            ("a@x.example (cut", "a@x.example", Some("cut")),
            ("", "", None),
        ] {
            assert_eq!(with_reason(text), (address, reason), "{text}");
        }
    }
}
