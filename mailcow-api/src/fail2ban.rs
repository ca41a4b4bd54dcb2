//! Which hosts are banned after failed logins.

use std::{collections::BTreeMap, fmt, net::IpAddr, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

use crate::{
    Client, Error, Problem,
    client::{Read, Write},
    input, loose,
};

/// A host or network, as `192.0.2.7` or `192.0.2.0/24`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Network {
    address: IpAddr,
    prefix: Option<u8>,
}

impl FromStr for Network {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let parsed = address.parse::<IpAddr>().ok().zip(prefix.map_or(Some(None), |bits| {
            let is_plain = bits.bytes().all(|b| b.is_ascii_digit());
            bits.parse::<u8>().ok().filter(|_| is_plain).map(Some)
        }));
        match parsed {
            Some((address, prefix)) if prefix.unwrap_or(0) <= if address.is_ipv4() { 32 } else { 128 } => {
                Ok(Self { address, prefix })
            }
            _ => Err(Error::InvalidInput {
                operation: "a network",
                reason: "it is neither an address nor one with the length of a prefix behind a slash"
                    .to_owned(),
            }),
        }
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.address.fmt(f)?;
        self.prefix.map_or(Ok(()), |bits| write!(f, "/{bits}"))
    }
}

impl Serialize for Network {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// The rules by which hosts are banned. Times are in seconds.
///
/// Before the ban service has run for the first time the numbers are 0.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Fail2ban {
    /// How long the first ban lasts.
    #[serde(deserialize_with = "loose::int")]
    pub ban_time: i64,
    /// Whether each further ban of a host lasts longer.
    #[serde(deserialize_with = "loose::flag")]
    pub ban_time_increment: bool,
    /// How long a ban lasts at most.
    #[serde(deserialize_with = "loose::int")]
    pub max_ban_time: i64,
    /// How many failures lead to a ban.
    #[serde(deserialize_with = "loose::int")]
    pub max_attempts: i64,
    /// In which time they are counted.
    #[serde(deserialize_with = "loose::int")]
    pub retry_window: i64,
    /// The length of the prefix that is banned together with a host of IPv4.
    #[serde(deserialize_with = "loose::int")]
    pub netban_ipv4: i64,
    /// The length of the prefix that is banned together with a host of IPv6.
    #[serde(deserialize_with = "loose::int")]
    pub netban_ipv6: i64,
    /// Whether a firewall outside of Mailcow does the banning.
    #[serde(deserialize_with = "loose::flag")]
    pub manage_external: bool,
    /// The hosts and networks that are never banned.
    #[serde(rename = "whitelist", deserialize_with = "rows")]
    pub never: Vec<String>,
    /// The hosts and networks that are always banned.
    #[serde(rename = "blacklist", deserialize_with = "rows")]
    pub always: Vec<String>,
    /// The regular expressions by which failed logins are found in the logs, by their number.
    #[serde(rename = "regex", deserialize_with = "patterns")]
    pub patterns: BTreeMap<String, String>,
    /// The secret part of the address under which the list of bans is published.
    #[serde(deserialize_with = "loose::text")]
    pub banlist_id: String,
}

impl Fail2ban {
    fn attributes(&self) -> Result<impl Serialize + '_, Error> {
        let invalid =
            |reason: &str| Err(Error::InvalidInput { operation: EDIT.route, reason: reason.to_owned() });
        if self.ban_time < 60 || self.max_ban_time < 60 {
            return invalid("a ban lasts 60 seconds at least");
        }
        if self.max_attempts < 1 || self.retry_window < 1 {
            return invalid("attempts and the time they are counted in are 1 at least");
        }
        if !(8..=32).contains(&self.netban_ipv4) || !(8..=128).contains(&self.netban_ipv6) {
            return invalid("a prefix has 8 to 32 bits (IPv4) or 8 to 128 bits (IPv6)");
        }
        for row in self.never.iter().chain(&self.always) {
            input::word(EDIT.route, "host or network", row)?;
        }
        Ok(Attr {
            ban_time: self.ban_time,
            ban_time_increment: u8::from(self.ban_time_increment),
            max_ban_time: self.max_ban_time,
            max_attempts: self.max_attempts,
            retry_window: self.retry_window,
            netban_ipv4: self.netban_ipv4,
            netban_ipv6: self.netban_ipv6,
            manage_external: u8::from(self.manage_external),
            whitelist: self.never.join("\n"),
            blacklist: self.always.join("\n"),
        })
    }
}

/// What to do with networks at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum BanAction {
    /// Lift their ban.
    Unban,
    /// Never ban them.
    Never,
    /// Always ban them.
    Always,
}

impl Client {
    /// Returns the rules by which hosts are banned (`get/fail2ban`).
    ///
    /// # Errors
    /// Returns [`Error`] if the server gives no readable answer.
    pub async fn fail2ban(&self) -> Result<Fail2ban, Error> {
        Ok(self.read(GET, None).await?.unwrap_or_default())
    }

    /// Replaces the rules and both lists, but not the patterns (`edit/fail2ban`). Change what
    /// [`fail2ban`](Self::fail2ban) returned: Mailcow resets what is not sent. Safe to repeat.
    ///
    /// # Errors
    /// Returns [`Error::InvalidInput`] for values that Mailcow would silently replace.
    pub async fn set_fail2ban(&self, rules: &Fail2ban) -> Result<(), Error> {
        let attr = rules.attributes()?;
        self.write(EDIT, "the server", &Body { items: "none", attr }).await
    }

    /// Lifts the ban of networks or puts them on one of the lists (`edit/fail2ban`). Safe to repeat.
    ///
    /// # Errors
    /// Returns [`Error::PartlyDone`] if the server does not confirm all, and [`Error::InvalidInput`] for an empty list.
    pub async fn edit_bans(&self, networks: &[Network], action: BanAction) -> Result<(), Error> {
        let action = match action {
            BanAction::Unban => "unban",
            BanAction::Never => "whitelist",
            BanAction::Always => "blacklist",
        };
        self.edit_items(NETWORKS, networks, &Action { action }).await
    }

    /// Replaces the regular expressions by which failed logins are found in the logs (`edit/fail2ban`).
    ///
    /// # Errors
    /// Returns [`Error::InvalidInput`] for an empty list, which Mailcow ignores, and for a pattern of several lines.
    pub async fn set_ban_patterns(&self, patterns: &[String]) -> Result<(), Error> {
        input::some(PATTERNS.route, patterns)?;
        for pattern in patterns {
            input::line(PATTERNS.route, "pattern", pattern)?;
        }
        let attr = Patterns { action: "edit-regex", regex: patterns };
        self.write(PATTERNS, "the patterns", &Body { items: "none", attr }).await
    }

    /// Brings back the regular expressions of Mailcow; the ban service restarts (`edit/fail2ban`). Mailcow says of this
    /// call only that it came to an end: read [`Fail2ban::patterns`] afterwards.
    ///
    /// # Errors
    /// Returns [`Error`] if the server does not confirm it.
    pub async fn reset_ban_patterns(&self) -> Result<(), Error> {
        let attr = Action { action: "reset-regex" };
        self.write(RESET, "the patterns", &Body { items: "none", attr }).await
    }

    /// Changes the secret part of the address under which the list of bans is published (`edit/fail2ban/banlist`).
    /// `banlist_id` is the present one, [`Fail2ban::banlist_id`].
    ///
    /// # Errors
    /// Returns [`Error::Refused`] if `banlist_id` is not the present one.
    pub async fn renew_banlist_id(&self, banlist_id: &str) -> Result<(), Error> {
        input::word(BANLIST.route, "id of the list", banlist_id)?;
        let body = Body { items: [banlist_id], attr: serde_json::json!({}) };
        match self.write(BANLIST, "the list of bans", &body).await {
            // The route exists: its 404 is about the id.
            Err(Error::Unsupported { operation }) => Err(Error::Refused {
                operation,
                subject: "the list of bans".to_owned(),
                problem: Problem::decode(&"Cannot edit item".into()),
                further: Vec::new(),
            }),
            result => result,
        }
    }
}

#[derive(Serialize)]
struct Body<I, A> {
    items: I,
    attr: A,
}

#[derive(Serialize)]
struct Attr {
    ban_time: i64,
    ban_time_increment: u8,
    max_ban_time: i64,
    max_attempts: i64,
    retry_window: i64,
    netban_ipv4: i64,
    netban_ipv6: i64,
    manage_external: u8,
    whitelist: String,
    blacklist: String,
}

#[derive(Serialize)]
struct Action {
    action: &'static str,
}

#[derive(Serialize)]
struct Patterns<'a> {
    action: &'static str,
    regex: &'a [String],
}

fn rows<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    let text = loose::text(deserializer)?;
    Ok(text.lines().map(str::trim).filter(|row| !row.is_empty()).map(str::to_owned).collect())
}

/// Reads an object or a list of texts; anything else means that there are none.
fn patterns<'de, D: Deserializer<'de>>(deserializer: D) -> Result<BTreeMap<String, String>, D::Error> {
    let text = |value: Value| value.as_str().unwrap_or_default().to_owned();
    Ok(match Value::deserialize(deserializer)? {
        Value::Object(all) => all.into_iter().map(|(id, value)| (id, text(value))).collect(),
        Value::Array(all) => {
            all.into_iter().enumerate().map(|(at, value)| (at.to_string(), text(value))).collect()
        }
        _ => BTreeMap::new(),
    })
}

const GET: Read = Read("get/fail2ban");
const EDIT: Write = Write { route: "edit/fail2ban", success: "f2b_modified" };
const NETWORKS: Write = Write { route: "edit/fail2ban", success: "object_modified" };
const PATTERNS: Write<&[&str]> =
    Write { route: "edit/fail2ban", success: &["object_modified", "f2b_modified"] };
const RESET: Write<&[&str]> =
    Write { route: "edit/fail2ban", success: &["Task completed", "object_modified", "f2b_modified"] };
const BANLIST: Write = Write { route: "edit/fail2ban/banlist", success: "f2b_banlist_refreshed" };

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_are_parsed_and_shown_alike() {
        for good in ["192.0.2.7", "192.0.2.0/24", "2001:db8::/32", "::1"] {
            assert_eq!(good.parse::<Network>().unwrap().to_string(), good);
        }
        for bad in
            ["", "bogus network", "192.0.2.0/33", "2001:db8::/129", "192.0.2.7/", "192.0.2.0/+8", "a/8"]
        {
            assert!(bad.parse::<Network>().is_err(), "{bad:?} was accepted");
        }
    }

    #[test]
    fn patterns_are_read_from_both_shapes_of_php() {
        let read = |json| serde_json::from_str::<Fail2ban>(json).unwrap().patterns;
        assert_eq!(read(r#"{"regex":{"1":"a","2":"b"}}"#).len(), 2);
        assert_eq!(read(r#"{"regex":["a"]}"#)["0"], "a");
        assert!(read(r#"{"regex":null}"#).is_empty() && read("{}").is_empty());
    }

    #[test]
    fn what_mailcow_would_replace_is_refused() {
        let good = Fail2ban {
            ban_time: 60,
            max_ban_time: 60,
            max_attempts: 1,
            retry_window: 1,
            netban_ipv4: 24,
            netban_ipv6: 64,
            ..Fail2ban::default()
        };
        assert!(good.attributes().is_ok());
        for bad in [
            Fail2ban::default(),
            Fail2ban { ban_time: 59, ..good.clone() },
            Fail2ban { max_attempts: 0, ..good.clone() },
            Fail2ban { netban_ipv4: 33, ..good.clone() },
            Fail2ban { netban_ipv6: 129, ..good.clone() },
            Fail2ban { never: vec!["a b".to_owned()], ..good.clone() },
        ] {
            assert!(bad.attributes().is_err(), "{bad:?} was accepted");
        }
    }
}
