//! A directory as the identity provider.

use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;

use super::settings::{Sync, SyncAttributes};
use crate::{Error, input};

/// A directory (LDAP).
#[derive(Clone, Debug)]
pub struct Ldap {
    host: String,
    port: u16,
    base_dn: String,
    bind_dn: String,
    bind_password: SecretString,
    username_field: String,
    attribute_field: String,
    filter: String,
    tls: Option<LdapTls>,
    sync: Sync,
}

/// How the server talks to a directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LdapTls {
    /// TLS from the first byte.
    Tls,
    /// STARTTLS.
    StartTls,
}

impl Ldap {
    /// Builds the directory at `host` and `port`, without TLS, in which users are found by `mail` below `base_dn`.
    pub fn new(host: &str, port: u16, base_dn: &str, bind_dn: &str, bind_password: SecretString) -> Self {
        Self {
            host: host.to_owned(),
            port,
            base_dn: base_dn.to_owned(),
            bind_dn: bind_dn.to_owned(),
            bind_password,
            username_field: "mail".to_owned(),
            attribute_field: "mailcow_template".to_owned(),
            filter: String::new(),
            tls: None,
            sync: Sync::default(),
        }
    }

    /// Sets the attribute that holds the address of a user, `mail` by default.
    pub fn with_username_field(mut self, field: &str) -> Self {
        field.clone_into(&mut self.username_field);
        self
    }

    /// Sets the attribute that mappings are about, `mailcow_template` by default.
    pub fn with_attribute_field(mut self, field: &str) -> Self {
        field.clone_into(&mut self.attribute_field);
        self
    }

    /// Sets which entries are users, a filter of RFC 4515.
    pub fn with_filter(mut self, filter: &str) -> Self {
        filter.clone_into(&mut self.filter);
        self
    }

    /// Sets how the server talks to it.
    pub fn with_tls(mut self, tls: LdapTls) -> Self {
        self.tls = Some(tls);
        self
    }

    /// Lets the server compare its users with the directory every so many minutes, and import new ones if wanted.
    pub fn with_sync(mut self, interval_minutes: u32, import_users: bool) -> Self {
        self.sync = Sync { interval_minutes, import_users };
        self
    }

    pub(super) fn attributes(&self, operation: &'static str) -> Result<LdapAttributes<'_>, Error> {
        input::word(operation, "host", &self.host)?;
        input::line(operation, "base dn", &self.base_dn)?;
        input::line(operation, "bind dn", &self.bind_dn)?;
        input::line(operation, "bind password", self.bind_password.expose_secret())?;
        input::word(operation, "field of the user name", &self.username_field)?;
        input::word(operation, "field of the attribute", &self.attribute_field)?;
        input::optional_line(operation, "filter", &self.filter)?;
        Ok(LdapAttributes {
            host: &self.host,
            port: self.port,
            basedn: &self.base_dn,
            binddn: &self.bind_dn,
            bindpass: self.bind_password.expose_secret(),
            username_field: &self.username_field,
            attribute_field: &self.attribute_field,
            filter: &self.filter,
            use_ssl: (self.tls == Some(LdapTls::Tls)).into(),
            use_tls: (self.tls == Some(LdapTls::StartTls)).into(),
            sync: self.sync.attributes(),
        })
    }
}

#[derive(Serialize)]
pub(super) struct LdapAttributes<'a> {
    host: &'a str,
    port: u16,
    basedn: &'a str,
    binddn: &'a str,
    bindpass: &'a str,
    username_field: &'a str,
    attribute_field: &'a str,
    filter: &'a str,
    use_ssl: u8,
    use_tls: u8,
    #[serde(flatten)]
    sync: SyncAttributes,
}
