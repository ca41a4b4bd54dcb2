//! The examples that come with Mailcow.

use super::state::Reply;

pub(super) fn list_rspamd_presets() -> Reply {
    Reply::Text(RSPAMD.to_owned())
}

pub(super) fn list_sieve_presets() -> Reply {
    Reply::Text(SIEVE.to_owned())
}

const RSPAMD: &str = include_str!("presets/rspamd.json");
const SIEVE: &str = include_str!("presets/sieve.json");
