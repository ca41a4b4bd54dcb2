//! What a configuration is good for: the system, its operator, and what they reach.

use std::sync::Arc;

use desec_api::{AddressSource, Agreement, CheckIp};
use mail_access::{DomainName, SmtpImap};

use super::relay::RelayConfig;
use super::{Config, tls, wrong};
use crate::readiness::{NameServers, Readiness, SendGate, Sockets, Target};
use crate::{
    AgentMail, AgentMailBuilder, Desec, DesecAddresses, Error, ErrorKind, Mailcow, Operator, OperatorBuilder,
    RedbState, owner_only,
};

impl Config {
    /// Begins a system with all that is configured: opens the state folder and sends nothing yet. With a passphrase for the
    /// secrets it blocks for about a second.
    ///
    /// # Errors
    /// [`Unavailable`](ErrorKind::Unavailable) if the state folder can't be used;
    /// [`InvalidInput`](ErrorKind::InvalidInput) if the CA file holds no certificates, or the system's name servers
    /// can't be read; [`Unauthenticated`](ErrorKind::Unauthenticated) if the key does not open the
    /// secrets.
    pub fn builder(&self) -> Result<AgentMailBuilder, Error> {
        let mailcow = Arc::new(self.mailcow()?);
        let tls = self.tls()?;
        let desec = self.desec()?;
        owner_only::create_folder(&self.state_folder).map_err(|source| {
            Error::new(ErrorKind::Unavailable, "configure", "AGENT_MAIL_STATE_DIR")
                .with_detail("the folder can't be made or protected")
                .with_fix("name a folder that this program may write")
                .with_source(source)
        })?;
        let secrets = self.secrets.open(&self.state_folder, &tls)?;
        let dns = Arc::new(Desec::new(desec.clone()));
        let gate = self.send_gate(tls.clone(), mailcow.clone(), dns.clone())?;
        let mail = Arc::new(SmtpImap::over_tls(self.smtp.clone(), self.imap.clone(), tls));
        let builder = AgentMail::builder(self.domain.clone())
            .send_gate(gate)
            .rotation(mailcow.clone())
            .provisioner(mailcow)
            .mail_access(mail.clone())
            .message_store(mail)
            .dns(dns, self.zone.clone(), self.mail_host.clone())
            .dns_options(self.dns_options())
            .dns_interval(self.dns_interval)
            .state(Arc::new(RedbState::open(self.state_folder.join("state.redb"))?))
            .secrets(secrets)
            .prefix(&self.prefix);
        if !self.dyndns {
            return Ok(builder);
        }
        let source = self.address_source(&desec)?;
        Ok(builder.public_address(Arc::new(source)).dynamic_dns(Arc::new(Desec::new(desec))))
    }

    /// Begins an operator over all that is configured, with a system for the agents of the domain: opens the state folder
    /// and sends nothing yet.
    ///
    /// # Errors
    /// As [`builder`](Self::builder).
    pub fn operator(&self) -> Result<OperatorBuilder, Error> {
        let system = self.builder()?;
        let operator = Operator::builder(Arc::new(self.mailcow()?))
            .state(system.state.clone())
            .secrets(system.secrets.clone());
        let operator = match &system.dns {
            Some(dns) => operator.dns(dns.provider.clone(), dns.zone.clone()),
            None => operator,
        };
        let operator = match self.relay.clone() {
            Some(RelayConfig { relay, password: Some(password) }) => {
                operator.relay_password(relay.user, relay.host, password)
            }
            _ => operator,
        };
        Ok(operator.agents(system.build()?))
    }

    /// Makes what reaches the zone, and names the zone, for what is to be read from it.
    ///
    /// # Errors
    /// [`InvalidInput`](ErrorKind::InvalidInput) if the CA file holds no certificates.
    pub fn dns(&self) -> Result<(Desec, DomainName), Error> {
        Ok((Desec::new(self.desec()?), self.zone.clone()))
    }

    /// Makes what reaches the mail system, for what is to be asked of it.
    ///
    /// # Errors
    /// [`InvalidInput`](ErrorKind::InvalidInput) if the CA file holds no certificates.
    pub fn mailcow(&self) -> Result<Mailcow, Error> {
        let client = mailcow_api::Client::builder(&self.mailcow_url, self.mailcow_key.clone());
        let client = client.tls(self.tls()?).build();
        let detail = "no client can be made of it and the key";
        client.map(Mailcow::new).map_err(|_| wrong("MAILCOW_API_URL", detail))
    }

    /// Makes what reaches the SMTP and IMAP servers, for what needs whole mailboxes: archives and backups.
    ///
    /// # Errors
    /// [`InvalidInput`](ErrorKind::InvalidInput) if the CA file holds no certificates.
    pub fn mail(&self) -> Result<SmtpImap, Error> {
        Ok(SmtpImap::over_tls(self.smtp.clone(), self.imap.clone(), self.tls()?))
    }

    pub(super) fn address_source(&self, desec: &desec_api::Client) -> Result<DesecAddresses, Error> {
        let own = CheckIp::new(desec.clone());
        let [v4, v6] = &self.checkip;
        if v4.is_none() && v6.is_none() {
            return Ok(DesecAddresses::new(Arc::new(own)));
        }
        let wrong = |_| {
            Error::new(ErrorKind::InvalidInput, "configure", "DESEC_CHECKIP_V4_URL, DESEC_CHECKIP_V6_URL")
                .with_detail("no client can be made of them")
        };
        let other = CheckIp::new(desec.clone());
        let other = match v4 {
            Some(url) => other.with_v4_url(url).map_err(wrong)?,
            None => other.without_v4(),
        };
        let other = match v6 {
            Some(url) => other.with_v6_url(url).map_err(wrong)?,
            None => other.without_v6(),
        };
        let both: [Arc<dyn AddressSource>; 2] = [Arc::new(own), Arc::new(other)];
        Ok(DesecAddresses::new(Arc::new(Agreement::of(both))))
    }

    fn send_gate(
        &self,
        tls: Arc<rustls::ClientConfig>,
        mailcow: Arc<Mailcow>,
        dns: Arc<Desec>,
    ) -> Result<SendGate, Error> {
        let name_servers = match self.name_server {
            Some(address) => NameServers::new(address),
            None => NameServers::of_system().map_err(|source| {
                wrong("AGENT_MAIL_NAME_SERVER", "it is not set, and the system's name servers can't be read")
                    .with_fix("set it to the IP address of a recursive name server")
                    .with_source(source)
            })?,
        };
        let mut target = Target::new(self.domain.clone(), self.mail_host.clone());
        target.relay = self.relay.as_ref().map(|relay| relay.relay.clone());
        let readiness = Readiness::new(Arc::new(name_servers), Arc::new(Sockets::new(tls)));
        let gate = SendGate::new(readiness.with_dns(dns, self.zone.clone()), target).with_admin(mailcow);
        Ok(if self.gate { gate } else { gate.overridden("AGENT_MAIL_SEND_GATE is off") })
    }

    fn desec(&self) -> Result<desec_api::Client, Error> {
        let mut desec = desec_api::Client::builder(self.desec_token.clone()).tls(self.tls()?);
        if let Some(url) = &self.desec_url {
            desec = desec.base_url(url);
        }
        desec.build().map_err(|_| wrong("DESEC_API_URL", "no client can be made of it and the token"))
    }

    fn tls(&self) -> Result<Arc<rustls::ClientConfig>, Error> {
        tls(self.ca_pem.as_deref())
    }
}
