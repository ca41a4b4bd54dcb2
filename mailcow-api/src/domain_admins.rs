//! The administrators of some domains.

mod ensure;

use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize, Serializer};

use crate::{
    AdminChange, AdminName, Client, DomainName, Error,
    admins::{Attributes, NextLogin},
    client::{EditItems, Read, Write, WriteReturning},
    input, loose,
};

/// A domain administrator to be created.
#[derive(Clone, Debug)]
pub struct NewDomainAdmin {
    name: AdminName,
    password: SecretString,
    domains: Vec<DomainName>,
    active: bool,
}

impl NewDomainAdmin {
    /// Builds an active administrator of `domains`.
    pub fn new(
        name: AdminName,
        password: SecretString,
        domains: impl IntoIterator<Item = DomainName>,
    ) -> Self {
        Self { name, password, domains: domains.into_iter().collect(), active: true }
    }

    /// Sets whether it may log in, true by default.
    pub fn with_active(mut self, active: bool) -> Self {
        self.active = active;
        self
    }
}

/// What to change on a domain administrator; what is not set is kept.
#[derive(Clone, Debug, Default)]
pub struct DomainAdminChange {
    account: AdminChange,
    domains: Option<Vec<DomainName>>,
}

impl DomainAdminChange {
    /// Builds a change of nothing, to be filled.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets what an [`AdminChange`] sets: name, password, activity and second factors.
    pub fn with_account(mut self, account: AdminChange) -> Self {
        self.account = account;
        self
    }

    /// Sets the domains, replacing those it has.
    pub fn with_domains(mut self, domains: impl IntoIterator<Item = DomainName>) -> Self {
        self.domains = Some(domains.into_iter().collect());
        self
    }
}

/// A domain administrator as the server shows it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct DomainAdmin {
    /// The user name.
    pub username: String,
    /// Whether it may log in.
    #[serde(deserialize_with = "loose::flag")]
    pub active: bool,
    /// Whether a second factor is set up.
    #[serde(rename = "tfa_active", deserialize_with = "loose::flag")]
    pub two_factor: bool,
    /// When it was created, in the local time of the server without a zone.
    #[serde(default, deserialize_with = "loose::text")]
    pub created: String,
    /// What is asked of it at the next login.
    #[serde(default, rename = "attributes")]
    pub next_login: NextLogin,
    /// The domains it administers.
    #[serde(default, rename = "selected_domains", deserialize_with = "loose::texts")]
    pub domains: Vec<String>,
    /// The domains it does not.
    #[serde(default, rename = "unselected_domains", deserialize_with = "loose::texts")]
    pub other_domains: Vec<String>,
}

/// Something a domain administrator may be allowed to do.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DomainAdminRight {
    /// To add alias domains.
    AliasDomains,
    /// To manage app passwords.
    AppPasswords,
    /// To manage BCC maps.
    BccMaps,
    /// To change the description of a domain.
    DomainDescription,
    /// To choose the relay of a domain.
    DomainRelay,
    /// To let mailboxes send as foreign addresses.
    ExtendSenderAcl,
    /// To manage sieve filters.
    Filters,
    /// To log in as the user of a mailbox.
    LoginAs,
    /// To choose the relay of a mailbox.
    MailboxRelay,
    /// To choose the protocols of mailboxes.
    ProtocolAccess,
    /// To manage Pushover notifications.
    Pushover,
    /// To use the quarantine.
    Quarantine,
    /// To change sending limits.
    RateLimit,
    /// To choose the addresses from which mailboxes may send.
    SmtpIpAccess,
    /// To open and close SOGo for mailboxes.
    SogoAccess,
    /// To edit the allow and deny lists.
    SpamPolicy,
    /// To manage sync jobs.
    SyncJobs,
    /// To create mailboxes without a quota.
    UnlimitedQuota,
    /// A right this crate does not know.
    Other(String),
}

impl DomainAdminRight {
    /// Returns the word Mailcow uses.
    pub fn as_str(&self) -> &str {
        match self {
            Self::AliasDomains => "alias_domains",
            Self::AppPasswords => "app_passwds",
            Self::BccMaps => "bcc_maps",
            Self::DomainDescription => "domain_desc",
            Self::DomainRelay => "domain_relayhost",
            Self::ExtendSenderAcl => "extend_sender_acl",
            Self::Filters => "filters",
            Self::LoginAs => "login_as",
            Self::MailboxRelay => "mailbox_relayhost",
            Self::ProtocolAccess => "protocol_access",
            Self::Pushover => "pushover",
            Self::Quarantine => "quarantine",
            Self::RateLimit => "ratelimit",
            Self::SmtpIpAccess => "smtp_ip_access",
            Self::SogoAccess => "sogo_access",
            Self::SpamPolicy => "spam_policy",
            Self::SyncJobs => "syncjobs",
            Self::UnlimitedQuota => "unlimited_quota",
            Self::Other(right) => right,
        }
    }
}

impl Serialize for DomainAdminRight {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl Client {
    /// Returns all domain administrators (`get/domain-admin/all`).
    ///
    /// # Errors
    /// Returns [`Error`] if the server gives no readable answer.
    pub async fn domain_admins(&self) -> Result<Vec<DomainAdmin>, Error> {
        Ok(self.read(LIST, None).await?.unwrap_or_default())
    }

    /// Returns one domain administrator, `None` if there is none of that name (`get/domain-admin/{username}`).
    ///
    /// # Errors
    /// Returns [`Error`] if the server gives no readable answer.
    pub async fn get_domain_admin(&self, name: &AdminName) -> Result<Option<DomainAdmin>, Error> {
        self.read(GET, Some(name.as_str())).await
    }

    /// Creates a domain administrator (`add/domain-admin`).
    ///
    /// # Errors
    /// Returns [`Error::Refused`], among others with `object_exists` and `password_complexity`, and
    /// [`Error::Partial`] with `domain_invalid` if it was created without a domain that does not exist.
    pub async fn add_domain_admin(&self, new: &NewDomainAdmin) -> Result<(), Error> {
        input::some(ADD.route, &new.domains)?;
        let password = new.password.expose_secret();
        let body = AddBody {
            username: &new.name,
            password,
            password2: password,
            domains: &new.domains,
            active: u8::from(new.active),
        };
        self.write(ADD, new.name.as_str(), &body).await
    }

    /// Changes a domain administrator (`edit/domain-admin`). Safe to repeat, unless it is renamed.
    ///
    /// # Errors
    /// Returns [`Error::Refused`], among others with `access_denied` if there is none of that name, and
    /// [`Error::InvalidInput`] for a change of nothing or to no domain at all.
    pub async fn edit_domain_admin(&self, name: &AdminName, change: &DomainAdminChange) -> Result<(), Error> {
        if let Some(domains) = &change.domains {
            // Mailcow takes an empty list for one that is not given.
            input::some(EDIT.route, domains)?;
        }
        let account = change.account.attributes(EDIT.route)?;
        let attr = EditAttr { account, domains: change.domains.as_deref() };
        input::change(EDIT.route, &attr)?;
        self.write(EDIT, name.as_str(), &EditItems { items: &[name], attr: &attr }).await
    }

    /// Sets what a domain administrator may do, replacing what it could do before (`edit/da-acl`). Safe to repeat.
    ///
    /// # Errors
    /// Returns [`Error::Refused`] if there is no domain administrator of that name.
    pub async fn set_domain_admin_rights(
        &self,
        name: &AdminName,
        rights: &[DomainAdminRight],
    ) -> Result<(), Error> {
        for right in rights {
            input::word(ACL.route, "right", right.as_str())?;
        }
        let attr = AclAttr { da_acl: rights };
        self.write(ACL, name.as_str(), &EditItems { items: &[name], attr: &attr }).await
    }

    /// Makes a token by which a domain administrator logs in to the web UI once, without a password
    /// (`add/sso/domain-admin`).
    ///
    /// # Errors
    /// Returns [`Error::Refused`] with `object_doesnt_exist` if there is none of that name.
    pub async fn add_domain_admin_token(&self, name: &AdminName) -> Result<SecretString, Error> {
        let token: Token = self.write_returning(SSO, name.as_str(), &SsoBody { username: name }).await?;
        Ok(token.token)
    }

    /// Deletes domain administrators, not their domains (`delete/domain-admin`).
    ///
    /// # Errors
    /// Returns [`Error::PartlyDone`], with `username_invalid` for a name that does not exist, and
    /// [`Error::InvalidInput`] for an empty list.
    pub async fn delete_domain_admins(&self, names: &[AdminName]) -> Result<(), Error> {
        self.delete_items(DELETE, names).await
    }
}

#[derive(Serialize)]
struct AddBody<'a> {
    username: &'a AdminName,
    password: &'a str,
    password2: &'a str,
    domains: &'a [DomainName],
    active: u8,
}

#[derive(Default, PartialEq, Serialize)]
struct EditAttr<'a> {
    #[serde(flatten)]
    account: Attributes<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    domains: Option<&'a [DomainName]>,
}

#[derive(Serialize)]
struct AclAttr<'a> {
    da_acl: &'a [DomainAdminRight],
}

#[derive(Serialize)]
struct SsoBody<'a> {
    username: &'a AdminName,
}

#[derive(Deserialize)]
struct Token {
    #[serde(deserialize_with = "loose::secret")]
    token: SecretString,
}

const LIST: Read = Read("get/domain-admin/all");
const GET: Read = Read("get/domain-admin");
const ADD: Write = Write { route: "add/domain-admin", success: "domain_admin_added" };
const EDIT: Write = Write { route: "edit/domain-admin", success: "domain_admin_modified" };
const ACL: Write = Write { route: "edit/da-acl", success: "acl_saved" };
const SSO: WriteReturning = WriteReturning("add/sso/domain-admin");
const DELETE: Write = Write { route: "delete/domain-admin", success: "domain_admin_removed" };
