//! The host through which mail leaves, by environment.

use mail_access::DomainName;
use secrecy::SecretString;

use super::vars::{Vars, parsed, port};
use crate::spec::Relay;

/// A relay, and the password of its login where that is told: without it the login is Mailcow's concern.
#[derive(Clone, Debug)]
pub(super) struct RelayConfig {
    pub(super) relay: Relay,
    pub(super) password: Option<SecretString>,
}

impl RelayConfig {
    /// Reads the variables; what is wrong is noted in `vars`.
    pub(super) fn read(vars: &mut Vars<'_>) -> Option<Self> {
        let host: Option<DomainName> =
            vars.optional("MAILCOW_RELAY_HOST", "a host name like smtp.sendgrid.net", parsed);
        let include = vars.optional("MAILCOW_RELAY_SPF_INCLUDE", "a domain like sendgrid.net", parsed);
        let number = vars.optional("MAILCOW_RELAY_PORT", "a port, 587 for submission", port);
        let user = vars.optional("MAILCOW_RELAY_USER", "the user name of the relay's login", |text| {
            (!text.chars().any(char::is_control)).then(|| text.to_owned())
        });
        let password = vars.optional("MAILCOW_RELAY_PASSWORD", "the password of the relay's login", |text| {
            Some(SecretString::from(text))
        });
        let needs_host = [
            ("MAILCOW_RELAY_SPF_INCLUDE", include.is_some()),
            ("MAILCOW_RELAY_USER", user.is_some()),
            ("MAILCOW_RELAY_PASSWORD", password.is_some()),
        ];
        for (name, _) in needs_host.iter().filter(|(_, is_set)| *is_set && host.is_none()) {
            vars.problems.push(format!("{name} needs a MAILCOW_RELAY_HOST"));
        }
        if user.is_some() != password.is_some() {
            vars.problems.push(
                "of MAILCOW_RELAY_USER and MAILCOW_RELAY_PASSWORD either both are set or none".to_owned(),
            );
        }
        let mut relay = Relay { spf_include: include, ..Relay::new(host?, user.unwrap_or_default()) };
        relay.port = number.unwrap_or(relay.port);
        Some(Self { relay, password })
    }
}
