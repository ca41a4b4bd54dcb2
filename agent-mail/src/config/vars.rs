//! Variables as text, and what they have to look like.

use std::net::SocketAddr;
use std::str::FromStr;

use mail_access::{DomainName, tls_config};
use secrecy::SecretString;
use url::{Host, Url};

/// Reads one variable after the other and collects what is wrong with them.
pub(super) struct Vars<'a> {
    pub(super) lookup: &'a dyn Fn(&str) -> Option<String>,
    pub(super) problems: Vec<String>,
}

impl Vars<'_> {
    pub(super) fn optional<T>(
        &mut self,
        name: &str,
        rule: &str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Option<T> {
        let text = (self.lookup)(name).filter(|text| !text.trim().is_empty())?;
        let parsed = parse(text.trim());
        if parsed.is_none() {
            self.problems.push(format!("{name} is malformed, it has to be {rule}"));
        }
        parsed
    }

    pub(super) fn required<T>(
        &mut self,
        name: &str,
        rule: &str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Option<T> {
        if (self.lookup)(name).is_none_or(|text| text.trim().is_empty()) {
            self.problems.push(format!("{name} is missing, it has to be {rule}"));
            return None;
        }
        self.optional(name, rule, parse)
    }

    /// Takes the one of two that is there; both or none is a problem.
    #[cfg(any(feature = "secret-file", feature = "vault"))]
    pub(super) fn one_of<T>(
        &mut self,
        one: Option<T>,
        other: Option<T>,
        name: &str,
        other_name: &str,
    ) -> Option<T> {
        if one.is_some() == other.is_some() {
            self.problems.push(format!("either {name} or {other_name} has to be set"));
            return None;
        }
        one.or(other)
    }
}

pub(super) fn parsed<T: FromStr>(text: &str) -> Option<T> {
    text.parse().ok()
}

pub(super) fn api_url(text: &str) -> Option<String> {
    let url = Url::parse(text).ok()?;
    let loopback = match url.host()? {
        Host::Domain(name) => name == "localhost",
        Host::Ipv4(address) => address.is_loopback(),
        Host::Ipv6(address) => address.is_loopback(),
    };
    let plain = url.username().is_empty() && url.password().is_none() && url.query().is_none();
    let secure = url.scheme() == "https" || (url.scheme() == "http" && loopback);
    (plain && secure && url.fragment().is_none()).then(|| text.to_owned())
}

pub(super) fn mailcow_key(text: &str) -> Option<SecretString> {
    text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-').then(|| text.to_owned().into())
}

pub(super) fn token(text: &str) -> Option<SecretString> {
    text.bytes().all(|b| b.is_ascii_graphic()).then(|| text.to_owned().into())
}

pub(super) fn host(text: &str) -> Option<String> {
    (text.parse::<std::net::IpAddr>().is_ok() || text == "localhost" || parsed::<DomainName>(text).is_some())
        .then(|| text.to_owned())
}

pub(super) fn name_server(text: &str) -> Option<SocketAddr> {
    parsed(text).or_else(|| Some(SocketAddr::new(parsed(text)?, 53)))
}

pub(super) fn port(text: &str) -> Option<u16> {
    text.parse().ok().filter(|port| *port > 0)
}

pub(super) fn prefix(text: &str) -> Option<String> {
    let domain = "agents.example".parse().ok()?;
    crate::agent_id::AddressRule::new(text, domain).is_ok().then(|| text.to_owned())
}

pub(super) fn ca_file(path: &str) -> Option<Vec<u8>> {
    let pem = std::fs::read(path).ok()?;
    tls_config(Some(&pem)).is_ok().then_some(pem)
}
