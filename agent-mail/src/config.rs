//! The real world by environment (feature `from-env`): Mailcow, deSEC, SMTP and IMAP, a state folder.

mod make;
mod relay;
mod secrets;
mod vars;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use mail_access::{DomainName, Endpoint, tls_config};
use secrecy::SecretString;

use self::relay::RelayConfig;
use self::secrets::SecretsConfig;
use self::vars::{Vars, api_url, ca_file, host, mailcow_key, name_server, parsed, port, prefix, token};
use crate::backend::SecretStore;
use crate::{AgentMail, DnsOptions, DomainSpec, Error, ErrorKind};

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
/// | `AGENT_MAIL_SEND_GATE` | no | `on`: mail to the outside waits for the proof that the domain is ready ([`SendGate`](crate::readiness::SendGate)); `off` lets all pass, and logs each. `on` unless set |
/// | `AGENT_MAIL_NAME_SERVER` | no | the IP address of the recursive name server that the proof asks, with a port (`192.0.2.53:5353`) if that isn't 53; the system's unless set |
/// | `MAILCOW_RELAY_HOST` | no | the host through which Mailcow sends mail to the outside; none unless set |
/// | `MAILCOW_RELAY_PORT` | no | its port; 587 unless set |
/// | `MAILCOW_RELAY_USER`, `MAILCOW_RELAY_PASSWORD` | no | the login at that host: with both, [`operator`](Self::operator) sets the relay up for the domain; without, it is set up in Mailcow by hand |
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
    relay: Option<RelayConfig>,
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
        let ca_pem = vars.optional("AGENT_MAIL_CA_FILE", CA_FILE_RULE, ca_file);
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
        let relay = RelayConfig::read(&mut vars);
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
        all().filter(|_| problems.is_empty()).ok_or_else(|| malformed(problems))
    }

    /// Opens the store that `AGENT_MAIL_SECRETS` names in the folder, and sends nothing yet: for programs that need the
    /// passwords and not the rest. `AGENT_MAIL_CA_FILE` counts too.
    ///
    /// # Errors
    /// As [`from_vars`](Self::from_vars) of these variables alone, and [`builder`](Self::builder).
    pub fn secret_store(
        lookup: impl Fn(&str) -> Option<String>,
        folder: &Path,
    ) -> Result<Arc<dyn SecretStore>, Error> {
        let mut vars = Vars { lookup: &lookup, problems: Vec::new() };
        let ca_pem = vars.optional("AGENT_MAIL_CA_FILE", CA_FILE_RULE, ca_file);
        let secrets = SecretsConfig::read(&mut vars);
        let problems = vars.problems.join("; ");
        let secrets = secrets.filter(|_| problems.is_empty()).ok_or_else(|| malformed(problems))?;
        secrets.open(folder, &tls(ca_pem.as_deref())?)
    }

    /// Returns the domain that is configured.
    pub fn domain(&self) -> &DomainName {
        &self.domain
    }

    /// Describes the domain that is configured, with nothing in it and the usual options. Its SPF policy includes what
    /// `MAILCOW_RELAY_SPF_INCLUDE` names; with the relay's login it has the relay.
    pub fn spec(&self) -> DomainSpec {
        let relay = self.relay.clone().filter(|relay| relay.password.is_some()).map(|relay| relay.relay);
        let spec = DomainSpec::new(self.domain.clone(), self.mail_host.clone());
        DomainSpec { dns: self.dns_options(), relay, ..spec }
    }

    fn dns_options(&self) -> DnsOptions {
        let mut options = DnsOptions::default();
        let include = self.relay.as_ref().and_then(|relay| relay.relay.spf_include.as_ref());
        options.spf.include.extend(include.map(DomainName::to_string));
        options
    }
}

fn tls(ca_pem: Option<&[u8]>) -> Result<Arc<rustls::ClientConfig>, Error> {
    let tls = tls_config(ca_pem).map(Arc::new);
    tls.map_err(|source| wrong("AGENT_MAIL_CA_FILE", "it holds no usable certificates").with_source(source))
}

fn malformed(problems: String) -> Error {
    Error::new(ErrorKind::InvalidInput, "configure", "environment")
        .with_detail(problems)
        .with_fix("set these variables; .env.example lists them all")
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

const CA_FILE_RULE: &str = "a file with certificates in PEM that can be read";

#[cfg(test)]
mod tests;
