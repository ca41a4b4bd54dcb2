//! Relays: relay hosts of Mailcow, which all domains share.
//!
//! A relay host has no place for a mark of ours. So the domain that uses one which was made here carries a tag made of its
//! host, port and user; the tag comes before the relay host and goes after it.

use std::fmt::Write;

use mail_access::Address;
use mailcow_api::{Domain, MailboxAddress, NewDomain, NewRelayhost, Relayhost};
use secrecy::SecretString;
use sha2::{Digest, Sha256};

use super::admin::Step;
use super::mailbox_address;
use crate::Error;
use crate::spec::Relay;

impl Step<'_> {
    pub(super) async fn set_relay(
        &self,
        mailbox: Option<&Address>,
        relay: Option<&Relay>,
        password: SecretString,
    ) -> Result<(), Error> {
        let _turn = self.mailcow.relays.lock().await;
        let domain = self.served().await?;
        let mailbox = match mailbox {
            Some(address) => {
                self.mailbox(address).await?;
                Some(mailbox_address(address)?)
            }
            None => None,
        };
        let id = match relay {
            None => None,
            Some(relay) => {
                self.note(&domain, relay).await?;
                let wanted = NewRelayhost::new(&hostname(relay)).with_login(&relay.user, password);
                Some(self.did(self.client.ensure_relayhost(&wanted).await)?.value.id)
            }
        };
        match &mailbox {
            Some(address) => {
                let _set = self.did(self.client.ensure_mailbox_relayhost(address, id).await)?;
            }
            None => {
                let _set = self.did(self.client.ensure_domain_relayhost(&self.name, id).await)?;
            }
        }
        self.tidy().await
    }

    /// Lets a domain send by itself, before it goes.
    pub(super) async fn drop_relay(&self, domain: &Domain) -> Result<(), Error> {
        if domain.relayhost.is_none() && !domain.tags.iter().any(|tag| tag.starts_with(PREFIX)) {
            return Ok(());
        }
        let _turn = self.mailcow.relays.lock().await;
        let _set = self.did(self.client.ensure_domain_relayhost(&self.name, None).await)?;
        self.tidy().await
    }

    /// Lets a mailbox send as its domain does.
    pub(super) async fn drop_mailbox_relay(&self, address: &MailboxAddress) -> Result<(), Error> {
        let _turn = self.mailcow.relays.lock().await;
        let _set = self.did(self.client.ensure_mailbox_relayhost(address, None).await)?;
        self.tidy().await
    }

    /// Notes at the domain that the relay host is ours: it is about to be made, or another domain's note says so.
    async fn note(&self, domain: &Domain, relay: &Relay) -> Result<(), Error> {
        let tag = tag(&hostname(relay), &relay.user);
        if domain.tags.contains(&tag) {
            return Ok(());
        }
        let all = self.did(self.client.relayhosts().await)?;
        let is_there = all.iter().any(|found| tag_of(found) == tag);
        if is_there && self.did(self.client.domains_tagged(&[&tag]).await)?.is_empty() {
            return Ok(());
        }
        let wanted = NewDomain::new(self.name.clone()).with_active(domain.active).with_tags([tag]);
        let _tagged = self.did(self.client.converge_domain(&wanted).await)?;
        Ok(())
    }

    /// Removes the relay hosts that are ours and that nothing uses, and the notes that the domain no longer needs.
    async fn tidy(&self) -> Result<(), Error> {
        let domain = self.served().await?;
        let noted: Vec<_> = domain.tags.iter().filter(|tag| tag.starts_with(PREFIX)).collect();
        if noted.is_empty() {
            return Ok(());
        }
        let all = self.did(self.client.relayhosts().await)?;
        let is_here = |address: &String| {
            let (_, own) = address.rsplit_once('@').unwrap_or_default();
            own.eq_ignore_ascii_case(self.name.as_str())
        };
        for tag in noted {
            let mut is_needed = false;
            for found in all.iter().filter(|found| tag_of(found) == *tag) {
                is_needed |=
                    found.used_by_domains.iter().any(|user| user.eq_ignore_ascii_case(self.name.as_str()))
                        || found.used_by_mailboxes.iter().any(is_here);
                if found.used_by_domains.is_empty() && found.used_by_mailboxes.is_empty() {
                    self.did(self.client.delete_relayhost(found.id).await)?;
                }
            }
            if !is_needed {
                self.did(self.client.remove_domain_tags(&self.name, &[tag]).await)?;
            }
        }
        Ok(())
    }
}

/// Returns the relay that a relay host is; `None` if it is at no host name.
pub(super) fn read(found: &Relayhost) -> Option<Relay> {
    let (host, port) = match found.hostname.strip_prefix('[') {
        Some(rest) => rest.split_once(']').map(|(host, port)| (host, port.strip_prefix(':')))?,
        None => match found.hostname.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (found.hostname.as_str(), None),
        },
    };
    let port = port.map_or(Some(SMTP), |port| port.parse().ok())?;
    Some(Relay::new(host.parse().ok()?, &found.username).with_port(port))
}

/// Writes it as Postfix takes it without a look at MX records.
fn hostname(relay: &Relay) -> String {
    format!("[{}]:{}", relay.host, relay.port)
}

fn tag_of(found: &Relayhost) -> String {
    tag(&found.hostname.to_ascii_lowercase(), &found.username)
}

fn tag(hostname: &str, user: &str) -> String {
    let digest = Sha256::digest(format!("{hostname} {user}"));
    digest[..8].iter().fold(PREFIX.to_owned(), |mut tag, byte| {
        let _ = write!(tag, "{byte:02x}");
        tag
    })
}

const PREFIX: &str = "agent-mail-relay-";
/// Where Postfix knocks if no port is said.
const SMTP: u16 = 25;

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn relay_hosts_are_read_however_they_are_written() {
        for (hostname, host, port) in [
            ("[smtp.relay.example]:587", "smtp.relay.example", 587),
            ("[smtp.relay.example]", "smtp.relay.example", 25),
            ("Smtp.relay.example:2525", "smtp.relay.example", 2525),
            ("smtp.relay.example", "smtp.relay.example", 25),
        ] {
            let found = json!({"id": 1, "hostname": hostname, "username": "us\\:er"});
            let relay = read(&serde_json::from_value(found).unwrap()).unwrap();
            assert_eq!((relay.host.as_str(), relay.port, relay.user.as_str()), (host, port, "us:er"));
        }
        for hostname in ["[192.0.2.1]:587", "[x", "relay.example:port", ""] {
            let found = json!({"id": 1, "hostname": hostname, "username": ""});
            assert_eq!(read(&serde_json::from_value(found).unwrap()), None, "{hostname}");
        }
    }
}
