//! What a test sets on the server as a whole: its health, who may call, and races.

use std::{collections::BTreeMap, net::IpAddr, time::Duration};

use serde_json::Value;

use super::{
    FakeMailcow,
    gate::{self, Role},
    lock,
};
use crate::{HttpRequest, HttpResponse};

/// How a [`FakeMailcow`] is as a whole. Unless it is well, no call is carried out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum FakeHealth {
    /// It works.
    #[default]
    Well,
    /// Each call is answered by a page with status 500: the database does not run.
    DatabaseDown,
    /// Each call, a read too, is answered by a page with status 500: the container dockerapi does not run.
    DockerApiDown,
    /// Each call is answered by a page with status 502: nginx runs, but PHP does not yet.
    Starting,
    /// No connection is made. Over real HTTP a 502.
    Unreachable,
}

#[derive(Debug, Default)]
pub(super) struct Switches {
    health: FakeHealth,
    delay: Duration,
    /// The addresses that may call, each with the length of its network; empty for all.
    allowed: Vec<(IpAddr, u8)>,
    caller: Option<IpAddr>,
    /// How often each address came with a key that was refused.
    strikes: BTreeMap<IpAddr, u32>,
    rivals: Vec<(String, Value)>,
}

impl FakeMailcow {
    /// Sets how the server is from now on.
    pub fn set_health(&self, health: FakeHealth) {
        lock(&self.inner.switches).health = health;
    }

    /// Holds back each answer from now on for `delay`, on the clock of tokio.
    pub fn set_delay(&self, delay: Duration) {
        lock(&self.inner.switches).delay = delay;
    }

    /// Sets from which addresses the keys are good, as the field `allow_from` of a key: addresses and networks with
    /// blanks, commas, semicolons or newlines between. An empty text allows all, which is so at the start.
    ///
    /// What is no address is left out, as the server does.
    pub fn set_allow_from(&self, networks: &str) {
        let is_separator = |c: char| c.is_whitespace() || matches!(c, ',' | ';');
        lock(&self.inner.switches).allowed = networks.split(is_separator).filter_map(network).collect();
    }

    /// Sets whether the limits of a domain hold for new mailboxes. Mailcow checks before it writes, so that creates at
    /// the same time all pass: what is left can then be negative.
    pub fn set_limits(&self, hold: bool) {
        lock(&self.inner.state).ignores_limits = !hold;
    }

    /// Sets the address that calls come from; it is 127.0.0.1 at the start.
    pub fn call_from(&self, address: IpAddr) {
        lock(&self.inner.switches).caller = Some(address);
    }

    /// Lifts all bans. After ten calls with a key that was refused, no connection from that address is accepted.
    pub fn lift_bans(&self) {
        lock(&self.inner.switches).strikes.clear();
    }

    /// Lets the next call of `route`, as `add/mailbox`, lose a race against one with the body `rival`: that is what
    /// is carried out, and the answer is 200 with an empty body.
    ///
    /// ```
    /// use mailcow_api::{FakeMailcow, NewDomain};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), mailcow_api::Error> {
    /// let mailcow = FakeMailcow::new();
    /// let client = mailcow.client();
    /// let rival = serde_json::json!({"domain": "agents.example.com", "description": "theirs"});
    /// mailcow.lose_next("add/domain", rival);
    /// let domain = NewDomain::new("agents.example.com".parse()?).with_description("ours");
    /// assert!(client.add_domain(&domain).await.unwrap_err().outcome_unknown());
    /// assert_eq!(client.get_domain(domain.name()).await?.unwrap().description, "theirs");
    /// # Ok(())
    /// # }
    /// ```
    pub fn lose_next(&self, route: &str, rival: Value) {
        lock(&self.inner.switches).rivals.push((route.to_owned(), rival));
    }
}

impl FakeHealth {
    /// The page that stands for the answer of every call.
    pub(super) fn page(self) -> HttpResponse {
        let (status, page) = match self {
            Self::DatabaseDown => {
                (500, failed("database", "  SQLSTATE[HY000] [2002] No such file or directory"))
            }
            Self::DockerApiDown => (500, failed("dockerapi container", "111 - Connection refused")),
            Self::Well | Self::Starting | Self::Unreachable => (502, PREPARING.to_owned()),
        };
        HttpResponse::new(status, page).with_content_type("text/html; charset=utf-8")
    }
}

impl Switches {
    /// Returns what decides whether a connection is made: the health, and whether the caller is banned.
    pub(super) fn door(&self) -> (FakeHealth, bool) {
        let is_banned = self.strikes.get(&self.caller()).is_some_and(|strikes| *strikes >= MAX_ATTEMPTS);
        (self.health, is_banned)
    }

    pub(super) fn delay(&self) -> Duration {
        self.delay
    }

    /// Counts a key that is none, and turns away a good one from a wrong address.
    pub(super) fn admit(&mut self, role: Role) -> Option<HttpResponse> {
        let caller = self.caller();
        let is_allowed =
            self.allowed.is_empty() || self.allowed.iter().any(|network| holds(*network, caller));
        let is_known = matches!(role, Role::ReadWrite | Role::ReadOnly);
        if role == Role::Stranger || (is_known && !is_allowed) {
            *self.strikes.entry(caller).or_default() += 1;
        }
        let refuse = || gate::unauthorized(&format!("api access denied for ip {caller}"));
        (is_known && !is_allowed).then(refuse)
    }

    /// Returns the request that wins the race against `request`, if one does.
    pub(super) fn rival(&mut self, route: &str, request: &HttpRequest) -> Option<HttpRequest> {
        let at = self.rivals.iter().position(|(wanted, _)| wanted == route)?;
        let (_, body) = self.rivals.remove(at);
        Some(request.clone().with_body(body.to_string().into()))
    }

    fn caller(&self) -> IpAddr {
        self.caller.unwrap_or(IpAddr::from([127, 0, 0, 1]))
    }
}

/// Reads an address, or a network as `10.0.0.0/8`.
fn network(text: &str) -> Option<(IpAddr, u8)> {
    let (address, length) = text.split_once('/').map_or((text, None), |(a, length)| (a, Some(length)));
    let address: IpAddr = address.parse().ok()?;
    let longest = if address.is_ipv4() { 32 } else { 128 };
    let length = length.map_or(Some(longest), |length| length.parse().ok())?;
    (length <= longest).then_some((address, length))
}

fn holds((network, length): (IpAddr, u8), address: IpAddr) -> bool {
    let (network, address, bits) = match (network, address) {
        (IpAddr::V4(network), IpAddr::V4(address)) => {
            (u128::from(network.to_bits()), u128::from(address.to_bits()), 32)
        }
        (IpAddr::V6(network), IpAddr::V6(address)) => (network.to_bits(), address.to_bits(), 128),
        _ => return false,
    };
    let rest = u32::from(bits - length);
    network.checked_shr(rest).unwrap_or(0) == address.checked_shr(rest).unwrap_or(0)
}

fn failed(what: &str, error: &str) -> String {
    format!(
        "<center style='font-family:sans-serif;'>Connection to {what} failed.<br /><br />\
         The following error was reported:<br/>{error}</center>\n"
    )
}

/// Fail2ban's default.
const MAX_ATTEMPTS: u32 = 10;
const PREPARING: &str = "<!DOCTYPE html>\n<html>\n  <head>\n    <title>Preparing</title>\n  </head>\n  <body>\n    \
    <p>Please do not stop the stack while we are initializing the database or do other preparations.</p>\n  \
    </body>\n</html>\n";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_hold_their_addresses_and_no_others() {
        for (text, inside, outside) in [
            ("192.0.2.7", "192.0.2.7", "192.0.2.6"),
            ("192.0.2.0/24", "192.0.2.255", "192.0.3.0"),
            ("0.0.0.0/0", "203.0.113.9", "::1"),
            ("2001:db8::/32", "2001:db8:1::1", "2001:db9::"),
            ("::/0", "::1", "127.0.0.1"),
        ] {
            let network = network(text).unwrap();
            assert!(holds(network, inside.parse().unwrap()), "{text}");
            assert!(!holds(network, outside.parse().unwrap()), "{text}");
        }
        for bad in ["", "x", "192.0.2.0/33", "2001:db8::/129", "192.0.2.0/x"] {
            assert_eq!(network(bad), None, "{bad}");
        }
    }
}
