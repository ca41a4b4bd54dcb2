//! The logs of the parts of Mailcow.

use std::fmt;

use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

use crate::{Client, Error, client::Read, loose};

/// Which log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum LogKind {
    /// Certificates.
    Acme,
    /// Calls of this API.
    Api,
    /// Autodiscover and autoconfig.
    Autodiscover,
    /// Regular tasks.
    Cron,
    /// IMAP, POP3, sieve and delivery.
    Dovecot,
    /// Banned hosts.
    Netfilter,
    /// SMTP.
    Postfix,
    /// Messages that were held back by a sending limit.
    RateLimited,
    /// Messages the spam filter has seen.
    RspamdHistory,
    /// Logins to IMAP, POP3 and SMTP.
    Sasl,
    /// SOGo.
    Sogo,
    /// Actions in the web UI and through this API.
    Ui,
    /// Health of the parts.
    Watchdog,
}

/// Which rows of a log, the newest being the first.
///
/// ```
/// use mailcow_api::LogRows;
///
/// assert_eq!(LogRows::newest(100)?, LogRows::between(1, 100)?);
/// assert!(LogRows::between(100, 1).is_err());
/// # Ok::<(), mailcow_api::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct LogRows(Option<(u32, u32)>);

impl LogRows {
    /// As many as Mailcow gives by itself.
    pub const DEFAULT: Self = Self(None);

    /// Builds the newest `count` rows.
    ///
    /// # Errors
    /// Returns [`Error::InvalidInput`] for 0 rows.
    pub fn newest(count: u32) -> Result<Self, Error> {
        Self::between(1, count)
    }

    /// Builds the rows from the `first` to the `last`, counted from 1.
    ///
    /// # Errors
    /// Returns [`Error::InvalidInput`] if there is no such row: Mailcow answers that with an empty log.
    pub fn between(first: u32, last: u32) -> Result<Self, Error> {
        if first == 0 || first > last {
            return Err(Error::InvalidInput {
                operation: "the rows of a log",
                reason: "rows are counted from 1, and the first comes before the last".to_owned(),
            });
        }
        Ok(Self(Some((first, last))))
    }

    /// The last segment of the path, if any.
    fn segment(self) -> Option<String> {
        match self.0? {
            (1, count) => Some(count.to_string()),
            (first, last) => Some(format!("{first}-{last}")),
        }
    }
}

/// A row of a log. Its `Debug` does not show [`fields`](Self::fields): some logs repeat requests with their secrets.
#[derive(Clone, PartialEq)]
#[non_exhaustive]
pub struct LogEntry {
    /// When.
    pub time: LogTime,
    /// How serious, as `info`; empty in logs without priorities.
    pub priority: String,
    /// The program that wrote it; empty in logs of one program.
    pub program: String,
    /// What it says; empty in logs whose rows are made of fields only.
    pub message: String,
    /// All other fields, which differ from log to log.
    pub fields: Map<String, Value>,
}

/// When a row was written.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum LogTime {
    /// In seconds since 1970.
    Unix(i64),
    /// In the local time of the server without a zone.
    Local(String),
    /// The row does not tell.
    None,
}

impl<'de> Deserialize<'de> for LogEntry {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut fields = Map::deserialize(deserializer)?;
        let mut text = |name: &str| match fields.get(name) {
            Some(Value::String(_)) => match fields.remove(name) {
                Some(Value::String(text)) => text,
                _ => String::new(),
            },
            _ => String::new(),
        };
        let (priority, program, message) = (text("priority"), text("program"), text("message"));
        let time = TIMES
            .iter()
            .find_map(|name| fields.remove(*name))
            .map_or(LogTime::None, |value| LogTime::read(&value));
        Ok(Self { time, priority, program, message, fields })
    }
}

impl LogTime {
    fn read(value: &Value) -> Self {
        match loose::int(value) {
            Ok(seconds) => Self::Unix(seconds),
            Err(_) => value.as_str().map_or(Self::None, |text| Self::Local(text.to_owned())),
        }
    }
}

impl fmt::Debug for LogEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LogEntry")
            .field("time", &self.time)
            .field("priority", &self.priority)
            .field("program", &self.program)
            .field("message", &self.message)
            .field("fields", &self.fields.keys().collect::<Vec<_>>())
            .finish()
    }
}

/// What Rspamd has counted since it started.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[non_exhaustive]
pub struct RspamdStats {
    /// The version of Rspamd.
    #[serde(default, deserialize_with = "loose::text")]
    pub version: String,
    /// For how many seconds it has been running.
    #[serde(default, deserialize_with = "loose::int")]
    pub uptime: i64,
    /// How many messages it has seen.
    #[serde(default, deserialize_with = "loose::int")]
    pub scanned: i64,
    /// How many messages it has learned.
    #[serde(default, deserialize_with = "loose::int")]
    pub learned: i64,
    /// How many of those it has seen were spam.
    #[serde(default, deserialize_with = "loose::int")]
    pub spam_count: i64,
    /// How many were not.
    #[serde(default, deserialize_with = "loose::int")]
    pub ham_count: i64,
    /// How often it has done what, by the name of the action.
    #[serde(default)]
    pub actions: Map<String, Value>,
    /// All other fields.
    #[serde(flatten)]
    pub fields: Map<String, Value>,
}

impl Client {
    /// Returns rows of a log, the newest first (`get/logs/{log}/{count}`).
    ///
    /// # Errors
    /// Returns [`Error`] if the server gives no readable answer.
    pub async fn logs(&self, log: LogKind, rows: LogRows) -> Result<Vec<LogEntry>, Error> {
        Ok(self.read(log.route(), rows.segment().as_deref()).await?.unwrap_or_default())
    }

    /// Returns what Rspamd has counted since it started, `None` if it does not tell (`get/logs/rspamd-stats`).
    ///
    /// # Errors
    /// Returns [`Error`] if the server gives no readable answer.
    pub async fn rspamd_stats(&self) -> Result<Option<RspamdStats>, Error> {
        self.read(RSPAMD_STATS, None).await
    }
}

impl LogKind {
    fn route(self) -> Read {
        match self {
            Self::Acme => ACME,
            Self::Api => API,
            Self::Autodiscover => AUTODISCOVER,
            Self::Cron => CRON,
            Self::Dovecot => DOVECOT,
            Self::Netfilter => NETFILTER,
            Self::Postfix => POSTFIX,
            Self::RateLimited => RATE_LIMITED,
            Self::RspamdHistory => RSPAMD_HISTORY,
            Self::Sasl => SASL,
            Self::Sogo => SOGO,
            Self::Ui => UI,
            Self::Watchdog => WATCHDOG,
        }
    }
}

const ACME: Read = Read("get/logs/acme");
const API: Read = Read("get/logs/api");
const AUTODISCOVER: Read = Read("get/logs/autodiscover");
const CRON: Read = Read("get/logs/cron");
const DOVECOT: Read = Read("get/logs/dovecot");
const NETFILTER: Read = Read("get/logs/netfilter");
const POSTFIX: Read = Read("get/logs/postfix");
const RATE_LIMITED: Read = Read("get/logs/ratelimited");
const RSPAMD_HISTORY: Read = Read("get/logs/rspamd-history");
const SASL: Read = Read("get/logs/sasl");
const SOGO: Read = Read("get/logs/sogo");
const UI: Read = Read("get/logs/ui");
const WATCHDOG: Read = Read("get/logs/watchdog");
const RSPAMD_STATS: Read = Read("get/logs/rspamd-stats");

// The names differ from log to log.
const TIMES: [&str; 3] = ["time", "unix_time", "datetime"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_that_do_not_exist_are_refused() {
        for (first, last) in [(0, 0), (0, 5), (2, 1)] {
            assert!(LogRows::between(first, last).is_err(), "{first}-{last} was accepted");
        }
        assert!(LogRows::newest(0).is_err());
        assert_eq!(LogRows::newest(7).unwrap().segment().unwrap(), "7");
        assert_eq!(LogRows::between(2, 7).unwrap().segment().unwrap(), "2-7");
        assert_eq!(LogRows::DEFAULT.segment(), None);
    }

    #[test]
    fn a_row_does_not_show_the_request_it_repeats() {
        let row: LogEntry =
            serde_json::from_str(r#"{"time":"7","call":"[{\"password\":\"PW-CANARY\"}]","msg":"x"}"#)
                .unwrap();
        assert_eq!(row.time, LogTime::Unix(7));
        assert!(row.fields["call"].as_str().unwrap().contains("CANARY"));
        let shown = format!("{row:?}");
        assert!(shown.contains("call") && !shown.contains("CANARY"), "{shown}");
    }

    #[test]
    fn a_row_of_any_shape_is_read() {
        let row: LogEntry =
            serde_json::from_str(r#"{"datetime":"2026-11-20 09:27:59","priority":7,"message":null}"#)
                .unwrap();
        assert_eq!(row.time, LogTime::Local("2026-11-20 09:27:59".to_owned()));
        assert_eq!((row.priority.as_str(), row.fields["priority"].as_i64()), ("", Some(7)));
        assert_eq!(serde_json::from_str::<LogEntry>("{}").unwrap().time, LogTime::None);
    }
}
