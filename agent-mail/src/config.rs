//! The real world by environment (feature `from-env`): Mailcow, deSEC, SMTP and IMAP, a state folder.

mod secrets;
mod vars;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use desec_api::{AddressSource, Agreement, CheckIp};
use mail_access::{DomainName, Endpoint, SmtpImap, tls_config};
use secrecy::SecretString;

use self::secrets::SecretsConfig;
use self::vars::{Vars, api_url, ca_file, host, mailcow_key, name_server, parsed, port, prefix, token};
use crate::readiness::{NameServers, Readiness, SendGate, Sockets, Target};
use crate::spec::Relay;
use crate::{
    AgentMail, AgentMailBuilder, Desec, DesecAddresses, DnsOptions, DomainSpec, Error, ErrorKind, Mailcow,
    Operator, OperatorBuilder, RedbState, owner_only,
};

/// What a system over Mailcow and deSEC needs to know.
///
/// | variable | needed | what it is |
/// |---|---|---|
/// | `MAILCOW_API_URL` | yes | Mailcow's address, `https://mail.example.org`, with or without `/api/v1` |
/// | `MAILCOW_API_KEY` | yes | its read-write API key |
/// | `MAILCOW_HOSTNAME` | yes | the host that the domain's MX names, `mail.example.org` |
/// | `MAILCOW_DOMAIN` | yes | the domain of the agents, `agents.example.org` |
/// | `MAILCOW_IMAP_HOST` | no | the IMAP host; `MAILCOW_HOSTNAME` unless set |
/// | `MAILCOW_IMAP_PORT` | no | the port of IMAP over TLS; 993 unless set |
/// | `MAILCOW_SMTP_HOST` | no | the submission host; `MAILCOW_HOSTNAME` unless set |
/// | `MAILCOW_SMTP_PORT` | no | the port of submission over implicit TLS; 465 unless set |
/// | `DESEC_DOMAIN` | no | the zone at deSEC, the domain or one above it; `MAILCOW_DOMAIN` unless set |
/// | `DESEC_TOKEN` | yes | the token that may write the zone |
/// | `DESEC_API_URL` | no | deSEC's API; `https://desec.io/api/v1` unless set |
/// | `DESEC_UPDATE_INTERVAL_HOURS` | no | how often the zone is looked after, in hours; 24 unless set |
/// | `DESEC_DYNDNS` | no | `yes` to keep the address of `MAILCOW_HOSTNAME` by dynDNS; `no` unless set |
/// | `DESEC_CHECKIP_V4_URL` | no | who has to agree with deSEC about the own IPv4 address, answering with nothing else; nobody unless set |
/// | `DESEC_CHECKIP_V6_URL` | no | the same for IPv6; where one of both is set, the other family needs its own |
/// | `AGENT_MAIL_PREFIX` | no | what stands before an agent's name; `agent_` unless set. The older `AZT3KNET_AGENT_MAIL_PREFIX` is read too |
/// | `AGENT_MAIL_CA_FILE` | no | a file with certificates in PEM to trust beside the public ones |
/// | `AGENT_MAIL_STATE_DIR` | yes | the folder for state and secrets; it is made if it is not there |
/// | `AGENT_MAIL_SEND_GATE` | no | `on`: mail to the outside waits for the proof that the domain is ready ([`SendGate`]); `off` lets all pass, and logs each. `on` unless set |
/// | `AGENT_MAIL_NAME_SERVER` | no | the IP address of the recursive name server that the proof asks, with a port (`192.0.2.53:5353`) if that isn't 53; the system's unless set |
/// | `MAILCOW_RELAY_HOST` | no | the host through which Mailcow sends mail to the outside; none unless set |
/// | `MAILCOW_RELAY_SPF_INCLUDE` | no | the domain that the SPF policy has to include for that host, `sendgrid.net`: it is published and looked for |
/// | `AGENT_MAIL_SECRETS` | no | where passwords are kept: `files` in the state folder unless set, `file` for `secrets.age` there (feature `secret-file`), `env` ([`EnvSecrets`](crate::EnvSecrets)), `vault` (feature `vault`) |
/// | `AGENT_MAIL_SECRETS_KEY_FILE` | for `file`, one of these | a file with the key of `secrets.age`, as `age-keygen` writes it |
/// | `AGENT_MAIL_SECRETS_PASSPHRASE` | | its passphrase, of at least 12 characters |
/// | `VAULT_ADDR` | for `vault` | Vault's address, `https://vault.example.org:8200` |
/// | `VAULT_TOKEN` | for `vault`, or the next two | a token |
/// | `VAULT_ROLE_ID`, `VAULT_SECRET_ID` | | an AppRole, at the mount `approle` |
/// | `VAULT_NAMESPACE` | no | the namespace |
/// | `AGENT_MAIL_VAULT_MOUNT` | no | the mount of the KV engine, version 2; `secret` unless set |
/// | `AGENT_MAIL_VAULT_PREFIX` | no | what stands before domain and user; `mail/users` unless set |
///
/// `Debug` shows no secrets.
#[derive(Clone, Debug)]
pub struct Config {
    mailcow_url: String,
    mailcow_key: SecretString,
    mail_host: DomainName,
    domain: DomainName,
    imap: Endpoint,
    smtp: Endpoint,
    zone: DomainName,
    desec_token: SecretString,
    desec_url: Option<String>,
    dns_interval: Duration,
    dyndns: bool,
    checkip: [Option<String>; 2],
    prefix: String,
    ca_pem: Option<Vec<u8>>,
    state_folder: PathBuf,
    gate: bool,
    name_server: Option<SocketAddr>,
    relay: Option<Relay>,
    secrets: SecretsConfig,
}

impl Config {
    /// Reads the program's environment.
    ///
    /// # Errors
    /// As [`from_vars`](Self::from_vars).
    pub fn from_env() -> Result<Self, Error> {
        Self::from_vars(|name| std::env::var(name).ok())
    }

    /// Reads the variables through `lookup`; an empty value counts as none.
    ///
    /// # Errors
    /// [`InvalidInput`](ErrorKind::InvalidInput), naming every variable that is missing or malformed and what it should
    /// look like, never its value.
    pub fn from_vars(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, Error> {
        let mut vars = Vars { lookup: &lookup, problems: Vec::new() };
        let mailcow_url =
            vars.required("MAILCOW_API_URL", "an address like https://mail.example.org", api_url);
        let mailcow_key =
            vars.required("MAILCOW_API_KEY", "the read-write key from Mailcow's API page", mailcow_key);
        let mail_host =
            vars.required("MAILCOW_HOSTNAME", "a host name like mail.example.org", parsed::<DomainName>);
        let domain =
            vars.required("MAILCOW_DOMAIN", "a domain like agents.example.org", parsed::<DomainName>);
        let imap_host = vars.optional("MAILCOW_IMAP_HOST", "a host name or IP address", host);
        let imap_port = vars.optional("MAILCOW_IMAP_PORT", "a port, 993 for IMAP over TLS", port);
        let smtp_host = vars.optional("MAILCOW_SMTP_HOST", "a host name or IP address", host);
        let smtp_port = vars.optional(
            "MAILCOW_SMTP_PORT",
            "a port where TLS begins at once, 465 for submission; 587 and 25 begin without it",
            |text| port(text).filter(|port| ![25, 587].contains(port)),
        );
        let zone = vars.optional("DESEC_DOMAIN", "a domain like example.org", parsed::<DomainName>);
        let desec_token = vars.required("DESEC_TOKEN", "a token from deSEC's token page", token);
        let desec_url = vars.optional("DESEC_API_URL", "an address like https://desec.io/api/v1", api_url);
        let hours =
            vars.optional("DESEC_UPDATE_INTERVAL_HOURS", "a whole number of hours from 1 to 8760", |text| {
                text.parse::<u64>().ok().filter(|hours| (1..=8760).contains(hours))
            });
        let dyndns = vars.optional("DESEC_DYNDNS", "yes or no", |text| match text {
            "yes" => Some(true),
            "no" => Some(false),
            _ => None,
        });
        let checkip = ["DESEC_CHECKIP_V4_URL", "DESEC_CHECKIP_V6_URL"]
            .map(|name| vars.optional(name, "an address like https://ip.example.org/", api_url));
        let prefix_rule =
            "a-z, 0-9, dot, hyphen and underscore, beginning with a letter or digit, like agent_";
        let prefix = vars.optional("AGENT_MAIL_PREFIX", prefix_rule, prefix);
        let older_prefix = vars.optional("AZT3KNET_AGENT_MAIL_PREFIX", prefix_rule, vars::prefix);
        let ca_pem =
            vars.optional("AGENT_MAIL_CA_FILE", "a file with certificates in PEM that can be read", ca_file);
        let state_folder = vars.required("AGENT_MAIL_STATE_DIR", "a folder for state and secrets", |text| {
            Some(PathBuf::from(text))
        });
        let gate = vars.optional("AGENT_MAIL_SEND_GATE", "on or off", |text| match text {
            "on" => Some(true),
            "off" => Some(false),
            _ => None,
        });
        let name_server = vars.optional(
            "AGENT_MAIL_NAME_SERVER",
            "an IP address, with a port like 192.0.2.53:5353 if that isn't 53",
            name_server,
        );
        let relay = relay(&mut vars);
        let secrets = SecretsConfig::read(&mut vars);
        if let (Some(domain), Some(zone)) = (&domain, &zone)
            && !domain.is_within(zone)
        {
            vars.problems.push("DESEC_DOMAIN has to be MAILCOW_DOMAIN or a domain above it".to_owned());
        }
        if let (Some(true), Some(host), Some(zone)) = (dyndns, &mail_host, zone.as_ref().or(domain.as_ref()))
            && !host.is_within(zone)
        {
            vars.problems
                .push("DESEC_DYNDNS keeps only the address of a MAILCOW_HOSTNAME in DESEC_DOMAIN".to_owned());
        }
        let problems = vars.problems.join("; ");
        let all = || -> Option<Self> {
            let (mail_host, domain) = (mail_host?, domain?);
            let default_host = mail_host.as_str().to_owned();
            let endpoint = |host: Option<String>, port: u16| {
                Endpoint::new(host.unwrap_or_else(|| default_host.clone()), port).ok()
            };
            Some(Self {
                mailcow_url: mailcow_url?,
                mailcow_key: mailcow_key?,
                imap: endpoint(imap_host, imap_port.unwrap_or(993))?,
                smtp: endpoint(smtp_host, smtp_port.unwrap_or(465))?,
                zone: zone.unwrap_or_else(|| domain.clone()),
                mail_host,
                domain,
                desec_token: desec_token?,
                desec_url,
                dns_interval: Duration::from_secs(3600 * hours.unwrap_or(24)),
                dyndns: dyndns.unwrap_or_default(),
                checkip,
                prefix: prefix.or(older_prefix).unwrap_or_else(|| "agent_".to_owned()),
                ca_pem,
                state_folder: state_folder?,
                gate: gate.unwrap_or(true),
                name_server,
                relay,
                secrets: secrets?,
            })
        };
        all().filter(|_| problems.is_empty()).ok_or_else(|| {
            Error::new(ErrorKind::InvalidInput, "configure", "environment")
                .with_detail(problems)
                .with_fix("set these variables; .env.example lists them all")
        })
    }

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
        let mut desec = desec_api::Client::builder(self.desec_token.clone()).tls(tls.clone());
        if let Some(url) = &self.desec_url {
            desec = desec.base_url(url);
        }
        let desec =
            desec.build().map_err(|_| wrong("DESEC_API_URL", "no client can be made of it and the token"))?;
        owner_only::create_folder(&self.state_folder).map_err(|source| {
            Error::new(ErrorKind::Unavailable, "configure", "AGENT_MAIL_STATE_DIR")
                .with_detail("the folder can't be made or protected")
                .with_fix("name a folder that this program may write")
                .with_source(source)
        })?;
        let secrets = self.secrets.open(&self.state_folder, &tls)?;
        let gate = self.send_gate(tls.clone(), mailcow.clone())?;
        let mail = Arc::new(SmtpImap::over_tls(self.smtp.clone(), self.imap.clone(), tls));
        let builder = AgentMail::builder(self.domain.clone())
            .send_gate(gate)
            .rotation(mailcow.clone())
            .provisioner(mailcow)
            .mail_access(mail.clone())
            .message_store(mail)
            .dns(Arc::new(Desec::new(desec.clone())), self.zone.clone(), self.mail_host.clone())
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

    fn address_source(&self, desec: &desec_api::Client) -> Result<DesecAddresses, Error> {
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
        Ok(operator.agents(system.build()?))
    }

    /// Returns the domain that is configured.
    pub fn domain(&self) -> &DomainName {
        &self.domain
    }

    /// Describes the domain that is configured, with nothing in it and the usual options. Its SPF policy includes what
    /// `MAILCOW_RELAY_SPF_INCLUDE` names.
    pub fn spec(&self) -> DomainSpec {
        DomainSpec { dns: self.dns_options(), ..DomainSpec::new(self.domain.clone(), self.mail_host.clone()) }
    }

    fn dns_options(&self) -> DnsOptions {
        let mut options = DnsOptions::default();
        let include = self.relay.as_ref().and_then(|relay| relay.spf_include.as_ref());
        options.spf.include.extend(include.map(DomainName::to_string));
        options
    }

    fn send_gate(&self, tls: Arc<rustls::ClientConfig>, mailcow: Arc<Mailcow>) -> Result<SendGate, Error> {
        let name_servers = match self.name_server {
            Some(address) => NameServers::new(address),
            None => NameServers::of_system().map_err(|source| {
                wrong("AGENT_MAIL_NAME_SERVER", "it is not set, and the system's name servers can't be read")
                    .with_fix("set it to the IP address of a recursive name server")
                    .with_source(source)
            })?,
        };
        let mut target = Target::new(self.domain.clone(), self.mail_host.clone());
        target.relay.clone_from(&self.relay);
        let gate = SendGate::new(Readiness::new(Arc::new(name_servers), Arc::new(Sockets::new(tls))), target)
            .with_admin(mailcow);
        Ok(if self.gate { gate } else { gate.overridden("AGENT_MAIL_SEND_GATE is off") })
    }

    fn mailcow(&self) -> Result<Mailcow, Error> {
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

    fn tls(&self) -> Result<Arc<rustls::ClientConfig>, Error> {
        let tls = tls_config(self.ca_pem.as_deref()).map(Arc::new);
        tls.map_err(|source| {
            wrong("AGENT_MAIL_CA_FILE", "it holds no usable certificates").with_source(source)
        })
    }
}

fn relay(vars: &mut Vars) -> Option<Relay> {
    let host = vars.optional("MAILCOW_RELAY_HOST", "a host name like smtp.sendgrid.net", parsed);
    let include = vars.optional("MAILCOW_RELAY_SPF_INCLUDE", "a domain like sendgrid.net", parsed);
    if include.is_some() && host.is_none() {
        vars.problems.push("MAILCOW_RELAY_SPF_INCLUDE needs a MAILCOW_RELAY_HOST".to_owned());
    }
    // The user name is Mailcow's concern.
    host.map(|host| Relay { spf_include: include, ..Relay::new(host, "") })
}

fn wrong(variable: &'static str, detail: &str) -> Error {
    Error::new(ErrorKind::InvalidInput, "configure", variable).with_detail(detail)
}

impl AgentMail {
    /// Makes a system over Mailcow and deSEC as the environment says: see [`Config`] for the variables.
    ///
    /// Mail to the outside waits for the proof that the domain is ready, unless the environment says otherwise: spawn
    /// [`keep_ready`](Self::keep_ready) beside [`keep_dns`](Self::keep_dns). Nothing is sent yet.
    ///
    /// # Errors
    /// As [`Config::from_env`] and [`Config::builder`].
    pub fn from_env() -> Result<Self, Error> {
        Config::from_env()?.builder()?.build()
    }
}

#[cfg(test)]
mod tests;
