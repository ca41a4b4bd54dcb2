//! What is asked of an identity provider.

use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use url::Url;

use super::ldap::{Ldap, LdapAttributes};
use crate::{Error, input};

/// The settings of an identity provider.
#[derive(Clone, Debug)]
pub struct IdentityProviderSettings {
    provider: Provider,
    default_template: String,
    mappings: Vec<(String, String)>,
    login_provisioning: bool,
    ignore_certificates: bool,
}

#[derive(Clone, Debug)]
enum Provider {
    Keycloak(Keycloak),
    GenericOidc(GenericOidc),
    Ldap(Ldap),
}

impl IdentityProviderSettings {
    /// Builds the settings for Keycloak.
    pub fn keycloak(keycloak: Keycloak) -> Self {
        Self::new(Provider::Keycloak(keycloak))
    }

    /// Builds the settings for any other provider of OpenID Connect.
    pub fn generic_oidc(oidc: GenericOidc) -> Self {
        Self::new(Provider::GenericOidc(oidc))
    }

    /// Builds the settings for a directory.
    pub fn ldap(ldap: Ldap) -> Self {
        Self::new(Provider::Ldap(ldap))
    }

    /// Sets the mailbox template for users who match none of the mappings.
    pub fn with_default_template(mut self, template: &str) -> Self {
        template.clone_into(&mut self.default_template);
        self
    }

    /// Adds a mapping: users with this attribute get this mailbox template.
    pub fn with_mapping(mut self, attribute: &str, template: &str) -> Self {
        self.mappings.push((attribute.to_owned(), template.to_owned()));
        self
    }

    /// Sets whether a mailbox is made at the first login, false by default.
    pub fn with_login_provisioning(mut self, provisioning: bool) -> Self {
        self.login_provisioning = provisioning;
        self
    }

    /// Sets whether **the server** takes any certificate of the provider, false by default. It exposes all logins.
    pub fn with_certificates_ignored(mut self, ignored: bool) -> Self {
        self.ignore_certificates = ignored;
        self
    }

    fn new(provider: Provider) -> Self {
        Self {
            provider,
            default_template: String::new(),
            mappings: Vec::new(),
            login_provisioning: false,
            ignore_certificates: false,
        }
    }

    /// The fields to send, once they are known to be good.
    pub(crate) fn attributes(&self, operation: &'static str) -> Result<impl Serialize + '_, Error> {
        input::optional_line(operation, "default template", &self.default_template)?;
        for (attribute, template) in &self.mappings {
            input::line(operation, "attribute of a mapping", attribute)?;
            input::line(operation, "template of a mapping", template)?;
        }
        Ok(Attributes {
            provider: match &self.provider {
                Provider::Keycloak(keycloak) => keycloak.attributes(operation)?,
                Provider::GenericOidc(oidc) => oidc.attributes(operation)?,
                Provider::Ldap(ldap) => ProviderAttributes::Ldap(ldap.attributes(operation)?),
            },
            default_template: &self.default_template,
            mappers: self.mappings.iter().map(|(attribute, _)| attribute.as_str()).collect(),
            templates: self.mappings.iter().map(|(_, template)| template.as_str()).collect(),
            login_provisioning: self.login_provisioning.then_some(1),
            ignore_ssl_error: self.ignore_certificates.then_some(1),
        })
    }
}

/// How Mailcow is known to a provider of OpenID Connect.
#[derive(Clone, Debug)]
pub struct OidcClient {
    id: String,
    secret: SecretString,
    redirect_url: String,
}

impl OidcClient {
    /// Builds the registration of Mailcow: its id and secret, and the address of its web UI, to which users come back.
    pub fn new(id: &str, secret: SecretString, redirect_url: &str) -> Self {
        Self { id: id.to_owned(), secret, redirect_url: redirect_url.to_owned() }
    }

    fn check(&self, operation: &'static str) -> Result<(), Error> {
        input::line(operation, "client id", &self.id)?;
        input::line(operation, "client secret", self.secret.expose_secret())?;
        address(operation, "redirect url", &self.redirect_url)
    }
}

/// Keycloak.
#[derive(Clone, Debug)]
pub struct Keycloak {
    server_url: String,
    realm: String,
    version: String,
    client: OidcClient,
    mail_password_flow: bool,
    sync: Sync,
}

impl Keycloak {
    /// Builds the realm of the Keycloak of that version, as `26.1`, at `server_url`.
    pub fn new(server_url: &str, realm: &str, version: &str, client: OidcClient) -> Self {
        let (server_url, realm, version) = (server_url.to_owned(), realm.to_owned(), version.to_owned());
        Self { server_url, realm, version, client, mail_password_flow: false, sync: Sync::default() }
    }

    /// Sets whether mail programs log in with a password that is kept in Keycloak.
    pub fn with_mail_password_flow(mut self, flow: bool) -> Self {
        self.mail_password_flow = flow;
        self
    }

    /// Lets the server compare its users with those of Keycloak every so many minutes, and import new ones if wanted.
    pub fn with_sync(mut self, interval_minutes: u32, import_users: bool) -> Self {
        self.sync = Sync { interval_minutes, import_users };
        self
    }

    fn attributes(&self, operation: &'static str) -> Result<ProviderAttributes<'_>, Error> {
        address(operation, "server url", &self.server_url)?;
        input::line(operation, "realm", &self.realm)?;
        input::word(operation, "version", &self.version)?;
        self.client.check(operation)?;
        Ok(ProviderAttributes::Keycloak {
            server_url: &self.server_url,
            realm: &self.realm,
            version: &self.version,
            client_id: &self.client.id,
            client_secret: self.client.secret.expose_secret(),
            redirect_url: &self.client.redirect_url,
            mailpassword_flow: self.mail_password_flow.into(),
            sync: self.sync.attributes(),
        })
    }
}

/// Any provider of OpenID Connect.
#[derive(Clone, Debug)]
pub struct GenericOidc {
    authorize_url: String,
    token_url: String,
    userinfo_url: String,
    client: OidcClient,
    scopes: String,
}

impl GenericOidc {
    /// Builds the provider with its three addresses and the scopes `openid profile email mailcow_template`.
    pub fn new(authorize_url: &str, token_url: &str, userinfo_url: &str, client: OidcClient) -> Self {
        Self {
            authorize_url: authorize_url.to_owned(),
            token_url: token_url.to_owned(),
            userinfo_url: userinfo_url.to_owned(),
            client,
            scopes: "openid profile email mailcow_template".to_owned(),
        }
    }

    /// Sets the scopes, with blanks between them.
    pub fn with_scopes(mut self, scopes: &str) -> Self {
        scopes.clone_into(&mut self.scopes);
        self
    }

    fn attributes(&self, operation: &'static str) -> Result<ProviderAttributes<'_>, Error> {
        address(operation, "authorize url", &self.authorize_url)?;
        address(operation, "token url", &self.token_url)?;
        address(operation, "userinfo url", &self.userinfo_url)?;
        input::line(operation, "list of scopes", &self.scopes)?;
        self.client.check(operation)?;
        Ok(ProviderAttributes::GenericOidc {
            authorize_url: &self.authorize_url,
            token_url: &self.token_url,
            userinfo_url: &self.userinfo_url,
            client_id: &self.client.id,
            client_secret: self.client.secret.expose_secret(),
            redirect_url: &self.client.redirect_url,
            client_scopes: &self.scopes,
        })
    }
}

/// How often the server compares its users with those of the provider: not at all at 0 minutes.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Sync {
    pub(super) interval_minutes: u32,
    pub(super) import_users: bool,
}

impl Sync {
    pub(super) fn attributes(self) -> SyncAttributes {
        let is_on = self.interval_minutes > 0;
        SyncAttributes {
            periodic_sync: is_on.into(),
            import_users: (is_on && self.import_users).into(),
            sync_interval: self.interval_minutes.max(1),
        }
    }
}

#[derive(Serialize)]
struct Attributes<'a> {
    #[serde(flatten)]
    provider: ProviderAttributes<'a>,
    default_template: &'a str,
    mappers: Vec<&'a str>,
    templates: Vec<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    login_provisioning: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ignore_ssl_error: Option<u8>,
}

#[derive(Serialize)]
#[serde(tag = "authsource", rename_all = "kebab-case")]
enum ProviderAttributes<'a> {
    Keycloak {
        server_url: &'a str,
        realm: &'a str,
        version: &'a str,
        client_id: &'a str,
        client_secret: &'a str,
        redirect_url: &'a str,
        mailpassword_flow: u8,
        #[serde(flatten)]
        sync: SyncAttributes,
    },
    GenericOidc {
        authorize_url: &'a str,
        token_url: &'a str,
        userinfo_url: &'a str,
        client_id: &'a str,
        client_secret: &'a str,
        redirect_url: &'a str,
        client_scopes: &'a str,
    },
    Ldap(LdapAttributes<'a>),
}

#[derive(Serialize)]
pub(super) struct SyncAttributes {
    periodic_sync: u8,
    import_users: u8,
    sync_interval: u32,
}

/// Refuses what is no http or https address. It is sent as given: a slash at its end may matter to the provider.
fn address(operation: &'static str, field: &str, text: &str) -> Result<(), Error> {
    input::word(operation, field, text)?;
    match Url::parse(text) {
        Ok(url) if matches!(url.scheme(), "http" | "https") => Ok(()),
        _ => {
            Err(Error::InvalidInput { operation, reason: format!("the {field} is no http or https address") })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::LdapTls;

    fn client() -> OidcClient {
        OidcClient::new("mailcow", "PW-CANARY".into(), "https://mail.example.com")
    }

    fn sent(settings: &IdentityProviderSettings) -> serde_json::Value {
        serde_json::to_value(settings.attributes("edit/identity-provider").unwrap()).unwrap()
    }

    #[test]
    fn each_kind_is_sent_with_its_own_fields() {
        let keycloak = Keycloak::new("https://idp.example.org", "mail", "26.1", client()).with_sync(15, true);
        let body = sent(&IdentityProviderSettings::keycloak(keycloak).with_login_provisioning(true));
        assert_eq!((&body["authsource"], &body["realm"]), (&"keycloak".into(), &"mail".into()));
        assert_eq!((&body["sync_interval"], &body["import_users"]), (&15.into(), &1.into()));
        assert_eq!((&body["login_provisioning"], body.get("ignore_ssl_error")), (&1.into(), None));
        let ldap = Ldap::new("ldap.example.org", 636, "dc=example", "cn=mailcow", "PW-CANARY".into())
            .with_tls(LdapTls::Tls);
        let body = sent(&IdentityProviderSettings::ldap(ldap).with_mapping("agents", "Agents"));
        assert_eq!((&body["use_ssl"], &body["use_tls"]), (&1.into(), &0.into()));
        assert_eq!((&body["periodic_sync"], &body["mappers"][0]), (&0.into(), &"agents".into()));
    }

    #[test]
    fn incomplete_settings_are_refused_and_secrets_not_shown() {
        let keycloak =
            |url, realm| IdentityProviderSettings::keycloak(Keycloak::new(url, realm, "26.1", client()));
        for bad in [
            keycloak("idp.example.org", "mail"),
            keycloak("ftp://idp.example.org", "mail"),
            keycloak("https://idp.example.org", ""),
            keycloak("https://idp.example.org", "mail").with_mapping("a", "b\nc"),
            IdentityProviderSettings::ldap(Ldap::new("a b", 636, "dc=x", "cn=x", "PW-CANARY".into())),
            IdentityProviderSettings::ldap(Ldap::new("a.example", 636, "dc=x", "cn=x", "".into())),
        ] {
            let error = bad.attributes("edit/identity-provider").map(|_| ()).unwrap_err();
            assert!(!format!("{bad:?} {error:?}").contains("CANARY"), "{error}");
        }
    }
}
