use std::fmt::{self, Display};

use mail_access::DomainName;
use serde::{Deserialize, Serialize};

/// What was found out about a domain. It prints as a list for people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Report {
    /// The domain.
    pub domain: DomainName,
    /// The host that its MX has to name.
    pub mail_host: DomainName,
    /// The checks, in the order of [`CheckName`].
    pub checks: Vec<Check>,
}

impl Report {
    pub(crate) fn new(domain: DomainName, mail_host: DomainName, checks: Vec<Check>) -> Self {
        Self { domain, mail_host, checks }
    }

    /// Tells whether mail from the domain may go out: every mandatory check was made and is [`State::Ok`]. What could
    /// not be found out is not ready.
    pub fn is_ready(&self) -> bool {
        let is_ok = |name: &CheckName| self.check(*name).is_some_and(|check| check.state == State::Ok);
        CheckName::MANDATORY.iter().all(is_ok) && self.blocking().next().is_none()
    }

    /// Returns a check, if it was made.
    pub fn check(&self, name: CheckName) -> Option<&Check> {
        self.checks.iter().find(|check| check.name == name)
    }

    /// Returns the checks because of which the domain is not ready.
    pub fn blocking(&self) -> impl Iterator<Item = &Check> {
        self.checks.iter().filter(|check| check.mandatory && check.state != State::Ok)
    }
}

impl Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verdict = if self.is_ready() { "ready" } else { "NOT READY" };
        writeln!(f, "{} at {}: {verdict}", self.domain, self.mail_host)?;
        self.checks.iter().try_for_each(|check| write!(f, "{check}"))
    }
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Check {
    /// Which.
    pub name: CheckName,
    /// Whether mail may only go out if it is [`State::Ok`].
    pub mandatory: bool,
    /// How it stands.
    pub state: State,
    /// What was found, in words; what others have published is shortened and without control characters.
    pub found: String,
    /// What has to be there.
    pub wanted: String,
    /// What to do about it, as one sentence; empty if it is fine.
    pub fix: String,
}

impl Check {
    pub(crate) fn new(name: CheckName, mandatory: bool, wanted: String, finding: Finding) -> Self {
        let Finding { state, found, fix } = finding;
        Self { name, mandatory, state, found: shown(&found), wanted, fix: shown(&fix) }
    }
}

impl Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:<8}{}: {}", self.state, self.name, self.found)?;
        if self.state != State::Ok {
            writeln!(f, "        wanted: {}", self.wanted)?;
            writeln!(f, "        fix: {}", self.fix)?;
        }
        Ok(())
    }
}

/// How a check stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// As it has to be.
    Ok,
    /// It works, and should be looked after.
    Warning,
    /// It could not be found out.
    Unknown,
    /// It is wrong.
    Failed,
}

impl Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Unknown => "unknown",
            Self::Failed => "FAILED",
        })
    }
}

/// What is looked at, in the order of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum CheckName {
    /// The parent leads to the zone's name servers, and these agree. Mandatory.
    Delegation,
    /// Each name server of the zone answers for it.
    NameServers,
    /// The zone is signed, and its key is the one that the parent names.
    Dnssec,
    /// The domain's mail goes to the mail host. Mandatory.
    Mx,
    /// The mail host has addresses and is no alias. Mandatory.
    MailHost,
    /// The names of these addresses lead back to them. Mandatory unless a relay sends the mail.
    Reverse,
    /// Mail from the mail host, or its relay, passes the domain's policy (RFC 7208). Mandatory.
    Spf,
    /// The key that mail is signed with is published (RFC 6376). Mandatory.
    Dkim,
    /// There is a policy for mail that fails the checks (RFC 7489). Mandatory.
    Dmarc,
    /// Those elsewhere who get the reports on such mail say that they take them.
    DmarcReports,
    /// `autoconfig` leads to the mail host.
    Autoconfig,
    /// `autodiscover` leads to the mail host.
    Autodiscover,
    /// The mail host takes mail from others.
    Port25,
    /// It takes mail of its users over TLS.
    Port465,
    /// It takes mail of its users over STARTTLS.
    Port587,
    /// It lets them read over TLS.
    Port993,
    /// Its certificate is trusted, for its name and for a while.
    Certificate,
    /// Mail finds its way out, by port 25 or a relay. Mandatory.
    Relay,
    /// Its addresses are on none of the lists that were given. Made only if there are some.
    Blocklists,
}

impl CheckName {
    /// All of them, in order.
    pub const ALL: &'static [Self] = &[
        Self::Delegation,
        Self::NameServers,
        Self::Dnssec,
        Self::Mx,
        Self::MailHost,
        Self::Reverse,
        Self::Spf,
        Self::Dkim,
        Self::Dmarc,
        Self::DmarcReports,
        Self::Autoconfig,
        Self::Autodiscover,
        Self::Port25,
        Self::Port465,
        Self::Port587,
        Self::Port993,
        Self::Certificate,
        Self::Relay,
        Self::Blocklists,
    ];

    /// Those without which no mail goes out, whatever else is asked for.
    pub const MANDATORY: &'static [Self] =
        &[Self::Delegation, Self::Mx, Self::MailHost, Self::Spf, Self::Dkim, Self::Dmarc, Self::Relay];
}

impl Display for CheckName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Delegation => "delegation",
            Self::NameServers => "name servers",
            Self::Dnssec => "DNSSEC",
            Self::Mx => "MX",
            Self::MailHost => "mail host",
            Self::Reverse => "reverse name",
            Self::Spf => "SPF",
            Self::Dkim => "DKIM",
            Self::Dmarc => "DMARC",
            Self::DmarcReports => "DMARC reports",
            Self::Autoconfig => "autoconfig",
            Self::Autodiscover => "autodiscover",
            Self::Port25 => "port 25",
            Self::Port465 => "port 465",
            Self::Port587 => "port 587",
            Self::Port993 => "port 993",
            Self::Certificate => "certificate",
            Self::Relay => "way out",
            Self::Blocklists => "blocklists",
        })
    }
}

/// What a check came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    pub(crate) state: State,
    pub(crate) found: String,
    pub(crate) fix: String,
}

impl Finding {
    pub(crate) fn ok(found: impl Into<String>) -> Self {
        Self { state: State::Ok, found: found.into(), fix: String::new() }
    }

    pub(crate) fn warning(found: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { state: State::Warning, found: found.into(), fix: fix.into() }
    }

    pub(crate) fn failed(found: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { state: State::Failed, found: found.into(), fix: fix.into() }
    }

    pub(crate) fn unknown(found: impl Display) -> Self {
        let fix = "make the answer possible, then check again".to_owned();
        Self { state: State::Unknown, found: found.to_string(), fix }
    }
}

/// Makes what strangers have written fit for a log: one line, and not endless.
fn shown(text: &str) -> String {
    let mut shown: String = text.chars().take(LONGEST_SHOWN).flat_map(plain).collect();
    if text.chars().nth(LONGEST_SHOWN).is_some() {
        shown.push_str("..");
    }
    shown
}

fn plain(character: char) -> impl Iterator<Item = char> {
    let is_plain = character == ' ' || character.is_ascii_graphic() || character.is_alphanumeric();
    let escaped = (!is_plain).then(|| character.escape_default());
    is_plain.then_some(character).into_iter().chain(escaped.into_iter().flatten())
}

const LONGEST_SHOWN: usize = 500;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(name: CheckName, mandatory: bool, state: State) -> Check {
        let fix = if state == State::Ok { "" } else { "mend it" };
        Check::new(
            name,
            mandatory,
            "all well".into(),
            Finding { state, found: "seen".into(), fix: fix.into() },
        )
    }

    fn report(checks: Vec<Check>) -> Report {
        Report::new("shop.example".parse().unwrap(), "mail.shop.example".parse().unwrap(), checks)
    }

    fn any_state() -> impl Strategy<Value = State> {
        prop_oneof![Just(State::Ok), Just(State::Warning), Just(State::Unknown), Just(State::Failed)]
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn ready_needs_every_mandatory_check_to_be_ok(
            // Mostly fine, so that both verdicts come up.
            checks in proptest::collection::vec((prop_oneof![9 => Just(State::Ok), 1 => any_state()], any::<bool>(), proptest::bool::weighted(0.98)), CheckName::ALL.len()),
        ) {
            let made: Vec<Check> = CheckName::ALL.iter().zip(&checks)
                .filter(|(_, (.., is_made))| *is_made)
                .map(|(name, (state, mandatory, _))| check(*name, *mandatory, *state))
                .collect();
            let wanted = CheckName::MANDATORY.iter().all(|name| made.iter().any(|made| made.name == *name && made.state == State::Ok))
                && made.iter().all(|made| !made.mandatory || made.state == State::Ok);
            prop_assert_eq!(report(made).is_ready(), wanted);
        }
    }

    #[test]
    fn nothing_looked_at_is_not_ready_and_all_fine_is() {
        assert!(!report(Vec::new()).is_ready());
        let fine = || CheckName::ALL.iter().map(|name| check(*name, true, State::Ok)).collect::<Vec<_>>();
        assert!(report(fine()).is_ready());
        for name in CheckName::MANDATORY {
            for state in [State::Warning, State::Unknown, State::Failed] {
                let mut checks = fine();
                checks.iter_mut().find(|check| check.name == *name).unwrap().state = state;
                assert!(!report(checks).is_ready(), "{name} {state}");
            }
            let without = fine().into_iter().filter(|check| check.name != *name).collect();
            assert!(!report(without).is_ready(), "{name} was not looked at");
        }
    }

    #[test]
    fn it_prints_for_people_and_survives_json() {
        let report =
            report(vec![check(CheckName::Mx, true, State::Ok), check(CheckName::Spf, true, State::Failed)]);
        let text = report.to_string();
        assert_eq!(
            text,
            "shop.example at mail.shop.example: NOT READY\nok      MX: seen\nFAILED  SPF: seen\n        wanted: all well\n        fix: mend it\n"
        );
        let json = serde_json::to_string(&report).unwrap();
        assert!(json.contains(r#""name":"spf","mandatory":true,"state":"failed""#), "{json}");
        assert_eq!(serde_json::from_str::<Report>(&json).unwrap(), report);
    }

    #[test]
    fn what_strangers_write_stays_on_one_short_line() {
        let hostile = format!("a\nok      DKIM: forged\u{202e}\u{1b}[2J{}", "x".repeat(70_000));
        let found = shown(&hostile);
        assert!(found.len() < 600 && found.chars().all(|c| c == ' ' || c.is_ascii_graphic()), "{found}");
    }
}
