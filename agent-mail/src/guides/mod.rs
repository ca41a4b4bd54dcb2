//! How people get their mailbox into their programs: guides, profiles, and the answers that programs ask for.
//!
//! Pure: everything is made from [`ClientSettings`], and nothing has a password in it. Names and addresses may hold any
//! character; they are shown and never mean anything to the format that they stand in.
//!
//! ```
//! use agent_mail::guides::ClientSettings;
//!
//! let settings = ClientSettings::new("ada@shop.example".parse()?, "mail.shop.example".parse()?).with_name("Ada <Ops>");
//! assert!(settings.gmail_guide().contains("| Server | `mail.shop.example` |"));
//! assert!(settings.outlook_autodiscover().contains("<DisplayName>Ada &lt;Ops&gt;</DisplayName>"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod apple;
mod autoconfig;
mod autodiscover;
mod erpnext;
mod gmail;
pub(crate) mod xml;

use mail_access::{Address, DomainName};
use serde::{Deserialize, Serialize};

use crate::DomainSpec;
use crate::spec::{MailboxEntry, Service};

/// What a mail program has to know of a mailbox, but for its password.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct ClientSettings {
    /// The address.
    pub address: Address,
    /// The name that people read; the address if empty.
    #[serde(default)]
    pub name: String,
    /// The user name of the logins.
    pub login: String,
    /// Where mail is read by IMAP.
    pub imap: Server,
    /// Where mail is fetched by POP3, if it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pop3: Option<Server>,
    /// Where mail is submitted.
    pub submission: Server,
}

impl ClientSettings {
    /// Describes a mailbox on a host with IMAP on port 993 and submission on port 465, whose login is its address.
    pub fn new(address: Address, mail_host: DomainName) -> Self {
        Self {
            name: String::new(),
            login: address.to_string(),
            address,
            imap: Server::tls(mail_host.clone(), 993),
            pop3: None,
            submission: Server::tls(mail_host, 465),
        }
    }

    /// Describes a mailbox of a specification; POP3 is there if the domain announces it.
    pub fn of(spec: &DomainSpec, mailbox: &MailboxEntry) -> Self {
        let settings = Self::new(mailbox.address.clone(), spec.mail_host.clone()).with_name(&mailbox.name);
        match spec.dns.pop3s {
            Service::Offered => settings.with_pop3(Server::tls(spec.mail_host.clone(), 995)),
            _ => settings,
        }
    }

    /// Sets the name that people read.
    pub fn with_name(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// Sets the user name of the logins.
    pub fn with_login(mut self, login: impl Into<String>) -> Self {
        self.login = login.into();
        self
    }

    /// Sets where mail is read by IMAP.
    pub fn with_imap(mut self, server: Server) -> Self {
        self.imap = server;
        self
    }

    /// Sets where mail is fetched by POP3.
    pub fn with_pop3(mut self, server: Server) -> Self {
        self.pop3 = Some(server);
        self
    }

    /// Sets where mail is submitted.
    pub fn with_submission(mut self, server: Server) -> Self {
        self.submission = server;
        self
    }

    fn shown_name(&self) -> String {
        if self.name.trim().is_empty() { self.address.to_string() } else { self.name.clone() }
    }
}

/// One service of a mail host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Server {
    /// The host.
    pub host: DomainName,
    /// The port.
    pub port: u16,
    /// When TLS begins.
    pub encryption: Encryption,
}

impl Server {
    /// Describes a service with TLS from the first byte.
    pub fn tls(host: DomainName, port: u16) -> Self {
        Self { host, port, encryption: Encryption::Tls }
    }

    /// Describes a service where TLS begins by a command (STARTTLS).
    pub fn start_tls(host: DomainName, port: u16) -> Self {
        Self { host, port, encryption: Encryption::StartTls }
    }
}

/// When TLS begins. There is no other way here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Encryption {
    /// At once.
    Tls,
    /// By a command.
    StartTls,
}

#[cfg(test)]
mod tests;
