//! Reports at set times.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use mail_access::{Address, NewMessage};

use super::{Commands, Report};
use crate::journal::fingerprint;
use crate::{AgentMailbox, Effects, Error, ErrorKind, Sending};

/// At which times of day something is done, in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Schedule {
    every: Duration,
    offset: Duration,
}

impl Schedule {
    /// At the beginning of each hour.
    pub fn hourly() -> Self {
        Self { every: Duration::from_hours(1), offset: Duration::ZERO }
    }

    /// Once a day, at this hour and minute of UTC.
    ///
    /// # Errors
    /// [`InvalidInput`](ErrorKind::InvalidInput) if there is no such time of day.
    pub fn daily_at(hour: u8, minute: u8) -> Result<Self, Error> {
        if hour > 23 || minute > 59 {
            return Err(Error::new(ErrorKind::InvalidInput, "schedule", format!("{hour}:{minute}"))
                .with_detail("a time of day is from 0:00 to 23:59"));
        }
        let offset = Duration::from_secs(60 * (60 * u64::from(hour) + u64::from(minute)));
        Ok(Self { every: Duration::from_hours(24), offset })
    }

    /// Returns the last time at a moment or before.
    pub fn last(&self, moment: SystemTime) -> SystemTime {
        let since = moment.duration_since(UNIX_EPOCH).unwrap_or_default();
        let past = since.saturating_sub(self.offset).as_secs();
        UNIX_EPOCH + self.offset + Duration::from_secs(past - past % self.every.as_secs())
    }

    /// Returns the first time after a moment.
    pub fn next(&self, moment: SystemTime) -> SystemTime {
        self.last(moment) + self.every
    }
}

/// Tells by mail, at set times, how the mailboxes are: a [`Report`] of what came since the one before.
///
/// Each time has one report, in this run of the program and in later ones: what was told last is noted together with the
/// sending, in the state of the mailbox that it is sent from. While the program is not running nothing is told, and the
/// first report after that is of the whole time. The first report of all comes at the first of the times after the
/// beginning. The [courier](crate::AgentMail::courier) sends them. There should be one reporter for a mailbox and
/// recipients.
#[derive(Debug)]
pub struct Reporter {
    commands: Commands,
    mailbox: AgentMailbox,
    to: Vec<Address>,
    schedule: Schedule,
    name: String,
}

impl Reporter {
    /// Tells these recipients, from this mailbox, of the mailboxes that the commands may see.
    ///
    /// # Errors
    /// [`InvalidInput`](ErrorKind::InvalidInput) if there is no recipient.
    pub fn new(
        commands: Commands,
        mailbox: AgentMailbox,
        to: Vec<Address>,
        schedule: Schedule,
    ) -> Result<Self, Error> {
        if to.is_empty() {
            return Err(Error::new(ErrorKind::InvalidInput, "report", mailbox.id())
                .with_detail("there is nobody to send reports to")
                .with_fix("name at least one recipient"));
        }
        let name = fingerprint(format!("{to:?} {schedule:?}").as_bytes());
        Ok(Self { commands, mailbox, to, schedule, name })
    }

    /// Tells again and again at the times, without end. An error that may pass is waited out.
    ///
    /// It may be dropped at any point: a report is in the outbox and noted, or neither.
    ///
    /// # Errors
    /// It returns only the error that ended it, one that no waiting mends.
    pub async fn run(&self) -> Error {
        loop {
            let pause = match self.look().await {
                Ok(_) => {
                    let now = self.now();
                    self.schedule.next(now).duration_since(now).unwrap_or_default()
                }
                Err(error) if error.is_retryable() => {
                    tracing::warn!(agent = %self.mailbox.id(), %error, "a report will be made later");
                    error.retry_after().unwrap_or(RETRY)
                }
                Err(error) => return error,
            };
            // The clock may be set meanwhile.
            tokio::time::sleep(pause.clamp(Duration::from_secs(1), LONGEST_PAUSE)).await;
        }
    }

    /// Makes the report that is due, and puts it into the outbox; `None` if none is.
    ///
    /// # Errors
    /// As [`Commands::report`] and [`AgentMailbox::enqueue`]: nothing is noted then. A report that a
    /// [check](crate::safety::OutboundCheck) holds counts as told.
    pub async fn look(&self) -> Result<Option<Report>, Error> {
        let due = self.schedule.last(self.now());
        let note = format!("reports/{}", self.name);
        let told = |time: SystemTime| Effects::new().with_note(&note, seconds(time).to_string());
        let Some(begin) = self.mailbox.note(&note).await? else {
            self.mailbox.commit(told(due)).await?;
            return Ok(None);
        };
        let begin = std::str::from_utf8(&begin).ok().and_then(|text| text.parse().ok());
        let begin = begin.and_then(|begin| UNIX_EPOCH.checked_add(Duration::from_secs(begin)));
        let begin = begin.ok_or_else(|| {
            Error::new(ErrorKind::Unexpected, "report", self.mailbox.id())
                .with_detail("the stored time is none")
        })?;
        if begin >= due {
            return Ok(None);
        }
        let report = self.commands.report(begin, due).await?;
        let Some((first, others)) = self.to.split_first() else { return Ok(None) };
        let message = others.iter().fold(NewMessage::to(first), NewMessage::with_to);
        let sending = Sending::new(report.clone().into_message(message)).with_key(format!(
            "report/{}/{}",
            self.name,
            seconds(due)
        ));
        match self.mailbox.commit(told(due).with_send(sending)).await {
            Err(error) if error.kind() == ErrorKind::Held => self.mailbox.commit(told(due)).await?,
            outcome => outcome?,
        }
        tracing::info!(agent = %self.mailbox.id(), failures = report.failures().count(), "report");
        Ok(Some(report))
    }

    fn now(&self) -> SystemTime {
        self.mailbox.inner().system.system().chance.now()
    }
}

fn seconds(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}

const RETRY: Duration = Duration::from_mins(1);
const LONGEST_PAUSE: Duration = Duration::from_mins(15);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_found_around_a_moment() {
        let at =
            |hours: u64, minutes: u64| UNIX_EPOCH + Duration::from_mins(60 * (24 * 20_000 + hours) + minutes);
        let daily = Schedule::daily_at(7, 30).unwrap();
        for (moment, last, next) in [
            (at(7, 29), at(0, 0) - Duration::from_mins(16 * 60 + 30), at(7, 30)),
            (at(7, 30), at(7, 30), at(31, 30)),
            (at(23, 59), at(7, 30), at(31, 30)),
        ] {
            assert_eq!((daily.last(moment), daily.next(moment)), (last, next));
        }
        let hourly = Schedule::hourly();
        assert_eq!((hourly.last(at(5, 59)), hourly.next(at(5, 0))), (at(5, 0), at(6, 0)));
        assert!(Schedule::daily_at(24, 0).is_err() && Schedule::daily_at(0, 60).is_err());
    }
}
