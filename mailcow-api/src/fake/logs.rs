//! The logs, of which a test says what they hold.

use std::num::ParseIntError;

use serde_json::{Value, json};

use super::{
    FakeMailcow, lock,
    state::{Reply, State, list},
};

impl FakeMailcow {
    /// Puts a row into a log, before those that it holds: Mailcow lists the newest first. `log` is the name in the
    /// route, as `postfix`; a name that Mailcow does not know is never read.
    ///
    /// ```
    /// use mailcow_api::{FakeMailcow, LogKind, LogRows};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), mailcow_api::Error> {
    /// let mailcow = FakeMailcow::new();
    /// mailcow.put_in_log("postfix", serde_json::json!({"time": "1767268800", "message": "connect"}));
    /// assert_eq!(mailcow.client().logs(LogKind::Postfix, LogRows::newest(5)?).await?.len(), 1);
    /// # Ok(())
    /// # }
    /// ```
    pub fn put_in_log(&self, log: &str, row: Value) {
        lock(&self.inner.state).logs.entry(log.to_owned()).or_default().insert(0, row);
    }
}

impl State {
    /// Reads a log: the newest rows by a count, or those of a range that begins with 1.
    pub(super) fn list_log(&self, log: &str, rows: Option<&str>) -> Reply {
        let all = self.logs.get(log).map_or(&[][..], Vec::as_slice);
        // What is no count and no range finds nothing.
        let (from, to) = rows.map_or(Ok((1, MOST)), range).unwrap_or((1, 0));
        let count = to.saturating_add(1).saturating_sub(from);
        list(all.iter().skip(from.saturating_sub(1)).take(count).cloned().collect())
    }

    /// Counts what the filter did, as it is in the log of the filter.
    pub(super) fn count_rspamd_actions(&self) -> Reply {
        let history = self.logs.get("rspamd-history").map_or(&[][..], Vec::as_slice);
        let count = |action: &str| history.iter().filter(|row| row["action"] == action).count();
        Reply::Json(ACTIONS.iter().map(|action| json!([action, count(action)])).collect())
    }
}

/// Whether Mailcow has a log of this name.
pub(super) fn is_log(name: &str) -> bool {
    LOGS.contains(&name)
}

fn range(rows: &str) -> Result<(usize, usize), ParseIntError> {
    match rows.split_once('-') {
        Some((from, to)) => Ok((from.parse()?, to.parse()?)),
        None => Ok((1, rows.parse()?)),
    }
}

/// How many rows Mailcow lists if it is not told.
const MOST: usize = 1000;
const ACTIONS: [&str; 5] = ["reject", "soft reject", "rewrite subject", "add header", "no action"];
const LOGS: [&str; 13] = [
    "acme",
    "api",
    "autodiscover",
    "cron",
    "dovecot",
    "netfilter",
    "postfix",
    "ratelimited",
    "rspamd-history",
    "sasl",
    "sogo",
    "ui",
    "watchdog",
];
