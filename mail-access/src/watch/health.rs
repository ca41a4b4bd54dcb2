use std::collections::VecDeque;
use std::io;
use std::time::SystemTime;

use crate::Error;

/// Whether a mail system tells of new mail when it comes, as far as a [`Watcher`](crate::Watcher) has seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum PushHealth {
    /// Nothing speaks against it.
    #[default]
    Good,
    /// Again and again mail was told of more than 10 s after it came: the server only looks from time to time.
    Late,
    /// Again and again the server ended the connection before it could be used: it has no room for another one.
    Crowded,
}

impl PushHealth {
    /// Names what an administrator of the server can do about it, for Dovecot as Mailcow sets it up.
    ///
    /// ```
    /// use mail_access::PushHealth;
    ///
    /// assert_eq!(PushHealth::Good.advice(), None);
    /// assert!(PushHealth::Late.advice().is_some_and(|advice| advice.contains("fs.inotify.max_user_instances")));
    /// ```
    pub fn advice(self) -> Option<&'static str> {
        match self {
            Self::Good => None,
            Self::Late => Some(
                "raise the sysctl fs.inotify.max_user_instances on the server: it bounds how many connections are told \
                 of new mail at once, commonly 128; the others are every 30 s",
            ),
            Self::Crowded => Some(
                "raise `service imap { process_limit }` in Dovecot, 1024 unless set, or watch over fewer connections",
            ),
        }
    }
}

/// Judges by what a watcher sees. Late is what is later than the quickest message of late by 10 s: so clocks that differ
/// don't matter, and of a server that looks every 30 s two of three messages are.
#[derive(Debug, Default)]
pub(super) struct Doctor {
    /// How late the last messages were, in seconds; less than none if the server's clock is ahead.
    lateness: VecDeque<f32>,
    /// How often in a row the connection ended before it could be used.
    endings: u32,
    found: PushHealth,
}

impl Doctor {
    pub(super) fn health(&self) -> PushHealth {
        self.found
    }

    /// Notes that mail that came while it was waited for was seen.
    pub(super) fn saw(&mut self, arrived: SystemTime, seen: SystemTime) {
        let late = match seen.duration_since(arrived) {
            Ok(late) => late.as_secs_f32(),
            Err(early) => -early.duration().as_secs_f32(),
        };
        if self.lateness.len() == KEPT {
            self.lateness.pop_front();
        }
        self.lateness.push_back(late);
        self.judge();
    }

    /// Notes that the mailbox could be read.
    pub(super) fn reached(&mut self) {
        self.endings = 0;
        self.judge();
    }

    /// Notes that it couldn't.
    pub(super) fn failed(&mut self, error: &Error) {
        let is_ending = matches!(error, Error::Unavailable { source, .. } if is_ending(source.kind()));
        self.endings = if is_ending { self.endings + 1 } else { 0 };
        self.judge();
    }

    fn judge(&mut self) {
        let quickest = self.lateness.iter().copied().fold(f32::INFINITY, f32::min);
        let late = self.lateness.iter().filter(|late| **late - quickest > LATE).count();
        let found = if self.endings >= ENDINGS {
            PushHealth::Crowded
        } else if late >= SEVERAL {
            PushHealth::Late
        } else {
            PushHealth::Good
        };
        if let Some(advice) = found.advice().filter(|_| found != self.found) {
            tracing::warn!(health = ?found, advice, "new mail is not told of when it comes");
        }
        self.found = found;
    }
}

fn is_ending(kind: io::ErrorKind) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
    matches!(kind, BrokenPipe | ConnectionAborted | ConnectionReset | UnexpectedEof)
}

const LATE: f32 = 10.0;
const SEVERAL: usize = 3;
const KEPT: usize = 8;
const ENDINGS: u32 = 3;

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn after(lateness: &[f64], clock: i64) -> PushHealth {
        let mut doctor = Doctor::default();
        for late in lateness {
            // INTERNALDATE has whole seconds.
            let arrived = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000);
            let shifted = arrived.checked_add(Duration::from_secs(10_000)).unwrap();
            let seen = shifted + Duration::from_secs_f64(late + 0.5);
            let seen = seen - Duration::from_secs(u64::try_from(10_000 - clock).unwrap());
            doctor.saw(arrived, seen);
        }
        doctor.health()
    }

    #[test]
    fn only_several_late_ones_tell_that_push_is_none() {
        let polled = [3.0, 29.0, 14.0, 22.0, 7.0, 18.0];
        for clock in [0, 3600, -3600] {
            for (lateness, expected) in [
                (&[][..], PushHealth::Good),
                (&[0.5; 20][..], PushHealth::Good),
                (&[0.5, 28.0, 0.5, 25.0, 0.5], PushHealth::Good),
                (&polled[..], PushHealth::Late),
                (&[29.0, 28.0, 0.5, 27.0], PushHealth::Late),
                (&[29.0, 28.0, 27.0, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5], PushHealth::Good),
            ] {
                assert_eq!(after(lateness, clock), expected, "{lateness:?} {clock}");
            }
        }
    }

    #[test]
    fn connections_that_end_again_and_again_tell_of_a_limit() {
        let error = |kind: io::ErrorKind| Error::Unavailable {
            operation: "fetch",
            server: String::new(),
            source: kind.into(),
        };
        let mut doctor = Doctor::default();
        for _ in 0..2 {
            doctor.failed(&error(io::ErrorKind::UnexpectedEof));
        }
        doctor.failed(&error(io::ErrorKind::ConnectionRefused));
        for expected in [PushHealth::Good, PushHealth::Good, PushHealth::Crowded] {
            doctor.failed(&error(io::ErrorKind::UnexpectedEof));
            assert_eq!(doctor.health(), expected);
        }
        doctor.reached();
        assert_eq!(doctor.health(), PushHealth::Good);
    }
}
