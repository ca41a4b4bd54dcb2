//! What the checks of one run share: who is asked, and what several of them need is asked for once.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use mail_access::DomainName;
use tokio::sync::OnceCell;
use tokio::time::timeout;

use super::ports::Probed;
use super::report::{CheckName, Finding, State};
use super::zone::Cut;
use super::{Answer, LookUp, LookUpError, Probe, RecordData, RecordType, Server, Target};
use super::{blocklists, delegation, dmarc_reports, dnssec, host, policies, ports};
use crate::backend::{DkimKey, DnsProvider, Provisioner};
use crate::{Error, ErrorKind};

pub(super) struct Scene<'a> {
    pub(super) look_up: &'a dyn LookUp,
    pub(super) probe: &'a dyn Probe,
    pub(super) target: &'a Target,
    pub(super) blocklists: &'a [DomainName],
    known: Known<'a>,
    meant: OnceCell<Vec<String>>,
    zone: OnceCell<Result<Cut, String>>,
    addresses: OnceCell<Result<Addresses, LookUpError>>,
    ports: [OnceCell<Probed>; 4],
}

/// Who knows what a target doesn't say.
#[derive(Clone, Copy)]
pub(super) struct Known<'a> {
    pub(super) keys: Option<&'a dyn Provisioner>,
    pub(super) dns: Option<&'a (Arc<dyn DnsProvider>, DomainName)>,
}

/// The addresses of a name, and the name that it stands for if it is an alias.
#[derive(Clone, Debug, Default)]
pub(super) struct Addresses {
    pub(super) all: Vec<IpAddr>,
    pub(super) alias: Option<String>,
}

impl<'a> Scene<'a> {
    pub(super) fn new(
        look_up: &'a dyn LookUp,
        probe: &'a dyn Probe,
        target: &'a Target,
        known: Known<'a>,
        blocklists: &'a [DomainName],
    ) -> Self {
        let (meant, zone, addresses) = (OnceCell::new(), OnceCell::new(), OnceCell::new());
        Self { look_up, probe, target, blocklists, known, meant, zone, addresses, ports: Default::default() }
    }

    pub(super) async fn find(&self, name: CheckName) -> Finding {
        let finding = self.look(name).await;
        // What stands in a zone that isn't the one that is meant has one cause, which is no missing record.
        if matches!(finding.state, State::Warning | State::Failed)
            && self.is_of_zone(name)
            && let Some(others) = self.led_elsewhere().await
        {
            let found = format!("the delegation points to {others}, and there: {}", finding.found);
            return Finding { found, fix: delegation::fix(self.meant().await), ..finding };
        }
        finding
    }

    async fn look(&self, name: CheckName) -> Finding {
        match name {
            CheckName::Delegation => delegation::delegation(self).await,
            CheckName::NameServers => delegation::name_servers(self).await,
            CheckName::Dnssec => dnssec::dnssec(self).await,
            CheckName::Mx => host::mx(self).await,
            CheckName::MailHost => host::mail_host(self).await,
            CheckName::Reverse => host::reverse(self).await,
            CheckName::Spf => policies::spf(self).await,
            CheckName::Dkim => policies::dkim(self).await,
            CheckName::Dmarc => policies::dmarc(self).await,
            CheckName::DmarcReports => dmarc_reports::dmarc_reports(self).await,
            CheckName::Autoconfig => host::leads_to_host(self, "autoconfig").await,
            CheckName::Autodiscover => host::leads_to_host(self, "autodiscover").await,
            CheckName::Port25 => ports::port(self, 25).await,
            CheckName::Port465 => ports::port(self, 465).await,
            CheckName::Port587 => ports::port(self, 587).await,
            CheckName::Port993 => ports::port(self, 993).await,
            CheckName::Certificate => ports::certificate(self).await,
            CheckName::Relay => ports::way_out(self).await,
            CheckName::Blocklists => blocklists::blocklists(self).await,
        }
    }

    pub(super) fn wanted(&self, name: CheckName) -> String {
        let Target { domain, mail_host, relay, .. } = self.target;
        let sender = relay.as_ref().map_or(mail_host, |relay| &relay.host);
        match name {
            CheckName::Delegation if !self.target.name_servers.is_empty() => {
                format!("the parent names {}, and these say the same", listed(&self.target.name_servers))
            }
            CheckName::Delegation => {
                "the parent names the zone's name servers, and these say the same".into()
            }
            CheckName::NameServers => "each name server answers for the zone".into(),
            CheckName::Dnssec => "the parent's DS fits the zone's key".into(),
            CheckName::Mx => format!("MX of {domain} leads first to {mail_host}"),
            CheckName::MailHost if self.target.addresses.is_empty() => {
                format!("{mail_host} has addresses of its own and is no alias")
            }
            CheckName::MailHost => format!("{mail_host} has {}", listed(&self.target.addresses)),
            CheckName::Reverse => {
                format!("the addresses are named, best {mail_host}, and the name leads back")
            }
            CheckName::Spf => format!("one SPF policy by which mail from {sender} passes"),
            CheckName::Dkim => "the mail system's own key under its selector".into(),
            CheckName::Dmarc => format!("one DMARC policy at _dmarc.{domain}"),
            CheckName::DmarcReports => "those elsewhere who get DMARC reports say that they take them".into(),
            CheckName::Autoconfig | CheckName::Autodiscover => {
                format!("{name}.{domain} leads to {mail_host}")
            }
            CheckName::Port25 => "an SMTP server answers".into(),
            CheckName::Port587 => "an SMTP server answers and begins TLS by STARTTLS".into(),
            CheckName::Port465 => "an SMTP server answers over TLS".into(),
            CheckName::Port993 => "an IMAP server answers over TLS".into(),
            CheckName::Certificate => {
                format!("a trusted certificate for {mail_host}, for two weeks and more")
            }
            CheckName::Relay => relay.as_ref().map_or("mail leaves by port 25".into(), |relay| {
                format!("mail leaves by the relay {}:{}", relay.host, relay.port)
            }),
            CheckName::Blocklists => format!("on none of {}", listed(self.blocklists)),
        }
    }

    /// Returns the zone that the domain lies in.
    pub(super) async fn zone(&self) -> Result<&Cut, Finding> {
        let find = || super::zone::find(self.look_up, self.target.domain.as_str());
        self.zone.get_or_init(find).await.as_ref().map_err(Finding::unknown)
    }

    /// Returns the name servers of the zone that is meant, in order; none if nobody knows them.
    pub(super) async fn meant(&self) -> &[String] {
        let find = async || {
            let mut hosts: Vec<String> = self.target.name_servers.iter().map(DomainName::to_string).collect();
            if let (true, Some((provider, zone))) = (hosts.is_empty(), self.known.dns)
                && let Ok(Ok(zone)) = timeout(PROVIDER_DEADLINE, provider.zone(zone)).await
                && let Some(set) = zone.find("", "NS")
            {
                hosts =
                    set.records.iter().map(|host| host.trim_end_matches('.').to_ascii_lowercase()).collect();
            }
            hosts.sort_unstable();
            hosts.dedup();
            hosts
        };
        self.meant.get_or_init(find).await
    }

    /// Returns who serves the domain if that is somebody else than those who are meant.
    async fn led_elsewhere(&self) -> Option<String> {
        let meant = self.meant().await;
        let zone = self.zone().await.ok()?;
        let serving: Vec<&str> = zone.servers.iter().map(|server| server.host.as_str()).collect();
        (!meant.is_empty() && serving != meant).then(|| listed(serving))
    }

    /// Tells whether a check is about what the domain's own zone says.
    fn is_of_zone(&self, name: CheckName) -> bool {
        use CheckName as Name;
        match name {
            Name::Mx | Name::Spf | Name::Dkim | Name::Dmarc | Name::Autoconfig | Name::Autodiscover => true,
            Name::MailHost => is_within(self.target.mail_host.as_str(), self.target.domain.as_str()),
            _ => false,
        }
    }

    /// Returns the addresses of the mail host.
    pub(super) async fn host_addresses(&self) -> Result<&Addresses, Finding> {
        let find = || self.addresses_of(self.target.mail_host.as_str());
        self.addresses.get_or_init(find).await.as_ref().map_err(Finding::unknown)
    }

    /// Returns what the mail host's port said.
    pub(super) async fn probed(&self, port: u16) -> Result<&Probed, Finding> {
        let addresses = &self.host_addresses().await?.all;
        let cell = ports::PORTS.iter().position(|known| known.number == port).unwrap_or_default();
        Ok(self.ports[cell].get_or_init(|| ports::probe_all(self, addresses, &ports::PORTS[cell])).await)
    }

    /// Returns the key that the mail is signed with.
    pub(super) async fn key(&self) -> Result<DkimKey, Error> {
        let domain = &self.target.domain;
        match (&self.target.dkim, self.known.keys) {
            (Some(key), _) => Ok(key.clone()),
            (None, Some(keys)) => keys.dkim(domain).await,
            (None, None) => Err(Error::new(ErrorKind::Unsupported, "check", domain)
                .with_detail("nobody was named who knows the key that its mail is signed with")),
        }
    }

    /// Asks the recursive server.
    pub(super) async fn ask(&self, name: &str, rtype: RecordType) -> Result<Answer, LookUpError> {
        self.look_up.look_up(Server::Recursive, name, rtype).await
    }

    /// Asks the recursive server for addresses of both families.
    pub(super) async fn addresses_of(&self, name: &str) -> Result<Addresses, LookUpError> {
        let (four, six) = tokio::join!(self.ask(name, RecordType::A), self.ask(name, RecordType::Aaaa));
        let mut addresses = Addresses::default();
        for (answer, rtype) in [(four?, RecordType::A), (six?, RecordType::Aaaa)] {
            let (found, alias) = answer.contents(name, rtype);
            addresses.all.extend(found.into_iter().filter_map(RecordData::address));
            addresses.alias = addresses.alias.or(alias.map(str::to_owned));
        }
        addresses.all.sort_unstable();
        addresses.all.dedup();
        addresses.all.truncate(MOST_ADDRESSES);
        Ok(addresses)
    }

    /// Asks the recursive server and all of the zone's own, and judges what each says: it holds only if all say so.
    ///
    /// Of the zone's own servers those that don't answer are left out: that is the concern of other checks.
    pub(super) async fn judge(
        &self,
        name: &str,
        rtype: RecordType,
        judge: impl Fn(&[&RecordData]) -> Finding,
    ) -> Finding {
        let own = async {
            let Ok(zone) = self.zone().await else { return Vec::new() };
            if !is_within(name, &zone.name) {
                return Vec::new();
            }
            join_all(zone.servers.iter().map(|server| server.ask(self.look_up, name, rtype))).await
        };
        let (cached, own) = tokio::join!(self.ask(name, rtype), own);
        let cached = match cached {
            Ok(answer) => judge(&answer.contents(name, rtype).0),
            Err(error) => return Finding::unknown(error),
        };
        let Ok(zone) = self.zone().await else { return cached };
        let own = zone.servers.iter().zip(own).filter_map(|(server, answer)| {
            let answer = answer.ok().filter(|answer| answer.is_authoritative)?;
            // An alias leads into other zones, which only the recursive server has followed.
            let (found, alias) = answer.contents(name, rtype);
            alias.is_none().then(|| (server, judge(&found)))
        });
        let Some((server, worst)) = own.max_by_key(|(_, finding)| finding.state) else { return cached };
        if worst.state > cached.state {
            return Finding { found: format!("{} says: {}", server.host, worst.found), ..worst };
        }
        if cached.state == State::Failed && worst.state == State::Ok {
            let found = format!("the zone has it, but others still see: {}", cached.found);
            return Finding::failed(
                found,
                "wait until what is cached has expired, an hour or so, then check again",
            );
        }
        cached
    }
}

/// Tells whether a name is `zone` or lies below it.
pub(super) fn is_within(name: &str, zone: &str) -> bool {
    zone.is_empty() || name == zone || name.strip_suffix(zone).is_some_and(|above| above.ends_with('.'))
}

/// Joins values for people.
pub(super) fn listed<T: ToString>(values: impl IntoIterator<Item = T>) -> String {
    let values: Vec<String> = values.into_iter().map(|value| value.to_string()).collect();
    if values.is_empty() { "nothing".into() } else { values.join(", ") }
}

/// Well within what a whole check may take.
const PROVIDER_DEADLINE: Duration = Duration::from_secs(10);
/// A host has two, a large one a handful.
const MOST_ADDRESSES: usize = 8;
