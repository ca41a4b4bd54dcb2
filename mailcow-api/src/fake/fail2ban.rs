//! The rules by which hosts are banned. They do not ban anybody here.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::state::{Reply, State, danger, int, items, log, split, success, text};
use crate::Network;

#[derive(Debug, Default)]
pub(super) struct Fail2banRow {
    /// Empty until they are first set: on the real server the ban service writes them when it starts.
    options: Map<String, Value>,
    never: BTreeSet<String>,
    always: BTreeSet<String>,
    /// The patterns as they were set, null until then.
    patterns: Value,
}

impl State {
    pub(super) fn get_fail2ban(&self) -> Reply {
        let rows = |list: &BTreeSet<String>| json!(list.iter().cloned().collect::<Vec<_>>().join("\n"));
        let Fail2banRow { options, never, always, patterns } = &self.fail2ban;
        let mut shown = options.clone();
        shown.insert("regex".to_owned(), patterns.clone());
        shown.insert("whitelist".to_owned(), rows(never));
        shown.insert("blacklist".to_owned(), rows(always));
        Reply::Json(Value::Object(shown))
    }

    pub(super) fn edit_fail2ban(&mut self, body: &Value) -> Reply {
        let attr = &body["attr"];
        let log = log("fail2ban", "edit", "", attr);
        match attr["action"].as_str() {
            None => self.set_fail2ban(attr, &log),
            Some("edit-regex") => {
                self.fail2ban.patterns = attr["regex"].clone();
                Reply::Entries(vec![success(&log, json!(["object_modified", "none"]))])
            }
            // It says nothing of its own, and the patterns are gone until the service has started again.
            Some("reset-regex") => {
                self.fail2ban.patterns = Value::Null;
                Reply::Entries(Vec::new())
            }
            Some(action) => {
                let networks = items(&body["items"]);
                let entries = networks.iter().map(|network| self.edit_ban(network, action, &log));
                Reply::Entries(entries.collect())
            }
        }
    }

    fn set_fail2ban(&mut self, attr: &Value, log: &Value) -> Reply {
        let row = &mut self.fail2ban;
        for (name, least, most) in NUMBERS {
            let old = row.options.get(*name).and_then(Value::as_i64).unwrap_or(0);
            let number = int(attr, name).unwrap_or(old).clamp(*least, *most);
            row.options.insert((*name).to_owned(), json!(number));
        }
        // What is not sent is off.
        let is_on = |name: &str| int(attr, name) == Some(1);
        row.options.insert("ban_time_increment".to_owned(), json!(is_on("ban_time_increment")));
        row.options.insert("manage_external".to_owned(), json!(i64::from(is_on("manage_external"))));
        row.options.insert("banlist_id".to_owned(), Value::Null);
        let mut entries = Vec::new();
        for (name, list) in [("whitelist", &mut row.never), ("blacklist", &mut row.always)] {
            let Some(sent) = text(attr, name) else { continue };
            let (good, bad): (Vec<_>, Vec<_>) = split(&sent).into_iter().partition(|host| is_host(host));
            *list = good.into_iter().collect();
            entries.extend(bad.into_iter().map(|host| danger(log, json!(["network_host_invalid", host]))));
        }
        entries.push(success(log, "f2b_modified"));
        Reply::Entries(entries)
    }

    fn edit_ban(&mut self, network: &Value, action: &str, log: &Value) -> Value {
        let name = network.as_str().unwrap_or_default();
        if !is_host(name) {
            return danger(log, json!(["network_host_invalid", network]));
        }
        let Fail2banRow { never, always, .. } = &mut self.fail2ban;
        // A network is on one list at most.
        match action {
            "whitelist" => {
                always.remove(name);
                never.insert(name.to_owned());
            }
            "blacklist" => {
                never.remove(name);
                always.insert(name.to_owned());
            }
            // Nobody is banned by these rules, so there is no ban to lift.
            _ => {}
        }
        success(log, json!(["object_modified", network]))
    }
}

/// A network or the name of a host.
fn is_host(text: &str) -> bool {
    let is_name = text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-'));
    text.parse::<Network>().is_ok() || (!text.is_empty() && is_name)
}

/// The options that are numbers, each with the range that it is pressed into.
const NUMBERS: &[(&str, i64, i64)] = &[
    ("ban_time", 60, i64::MAX),
    ("max_ban_time", 60, i64::MAX),
    ("netban_ipv4", 8, 32),
    ("netban_ipv6", 8, 128),
    ("max_attempts", 1, i64::MAX),
    ("retry_window", 1, i64::MAX),
];
