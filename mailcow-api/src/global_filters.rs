//! The two sieve scripts that run for every mailbox.

use serde::{Deserialize, Serialize};

use crate::{
    Client, Error, FilterKind,
    client::{Read, Write},
    input, loose,
};

/// The sieve scripts that run for every mailbox.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct GlobalFilters {
    /// The one that runs before all others.
    #[serde(default, rename = "prefilter", deserialize_with = "loose::text")]
    pub before: String,
    /// The one that runs after all others.
    #[serde(default, rename = "postfilter", deserialize_with = "loose::text")]
    pub after: String,
}

impl Client {
    /// Returns both scripts (`get/global_filters/all`).
    ///
    /// # Errors
    /// Returns [`Error`] if the server gives no readable answer.
    pub async fn global_filters(&self) -> Result<GlobalFilters, Error> {
        Ok(self.read(ALL, None).await?.unwrap_or_default())
    }

    /// Returns one script (`get/global_filters/prefilter`, `get/global_filters/postfilter`).
    ///
    /// # Errors
    /// Returns [`Error`] if the server gives no readable answer, and [`Error::InvalidInput`] for
    /// [`FilterKind::Other`].
    pub async fn global_filter(&self, kind: &FilterKind) -> Result<String, Error> {
        let route = if *kind == FilterKind::After { AFTER } else { BEFORE };
        kind.check(route.0)?;
        Ok(self.read(route, None).await?.unwrap_or_default())
    }

    /// Replaces one script and restarts Dovecot (`add/global-filter`). Safe to repeat.
    ///
    /// # Errors
    /// Returns [`Error::Refused`] with `sieve_error` (and the words of the parser), and [`Error::Partial`] with
    /// `dovecot_restart_failed` if the script was written and takes effect at the next start of Dovecot.
    pub async fn set_global_filter(&self, kind: &FilterKind, script: &str) -> Result<(), Error> {
        kind.check(SET.route)?;
        input::lines(SET.route, "script", script)?;
        self.write(SET, kind.as_str(), &SetBody { filter_type: kind, script_data: script }).await
    }
}

#[derive(Serialize)]
struct SetBody<'a> {
    filter_type: &'a FilterKind,
    script_data: &'a str,
}

const ALL: Read = Read("get/global_filters/all");
const BEFORE: Read = Read("get/global_filters/prefilter");
const AFTER: Read = Read("get/global_filters/postfilter");
const SET: Write = Write { route: "add/global-filter", success: "global_filter_written" };
