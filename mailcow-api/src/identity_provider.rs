//! The identity provider: where users log in who have no password in Mailcow.

mod ldap;
mod settings;

use std::fmt;

use secrecy::SecretString;
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

use crate::{
    Client, Error,
    client::{EditItems, Read, TaskCompleted, Write},
    loose,
};

pub use self::{
    ldap::{Ldap, LdapTls},
    settings::{GenericOidc, IdentityProviderSettings, Keycloak, OidcClient},
};

/// The kinds of identity providers.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum IdentityProviderKind {
    /// Keycloak.
    Keycloak,
    /// Any other provider of OpenID Connect.
    GenericOidc,
    /// A directory (LDAP).
    Ldap,
    /// A kind this crate does not know.
    Other(String),
}

impl<'de> Deserialize<'de> for IdentityProviderKind {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(match loose::text(deserializer)?.as_str() {
            "keycloak" => Self::Keycloak,
            "generic-oidc" => Self::GenericOidc,
            "ldap" => Self::Ldap,
            other => Self::Other(other.to_owned()),
        })
    }
}

/// The identity provider as the server shows it. Its `Debug` shows neither secrets nor [`fields`](Self::fields).
#[derive(Clone, Deserialize)]
#[non_exhaustive]
pub struct IdentityProvider {
    /// The kind.
    #[serde(rename = "authsource")]
    pub kind: IdentityProviderKind,
    /// The name by which Mailcow is known there, empty for a directory.
    #[serde(default, deserialize_with = "loose::text")]
    pub client_id: String,
    /// The secret to it.
    #[serde(default, deserialize_with = "loose::secret")]
    pub client_secret: SecretString,
    /// The password for a directory, empty for others.
    #[serde(default, rename = "bindpass", deserialize_with = "loose::secret")]
    pub bind_password: SecretString,
    /// The token that Mailcow holds at present, if any.
    #[serde(default, deserialize_with = "loose::secret")]
    pub access_token: SecretString,
    /// The mailbox template for users who match none of the mappings.
    #[serde(default, deserialize_with = "loose::text")]
    pub default_template: String,
    /// The attributes that choose a template.
    #[serde(default, deserialize_with = "loose::texts")]
    pub mappers: Vec<String>,
    /// The templates that they choose, in the same order.
    #[serde(default, deserialize_with = "loose::texts")]
    pub templates: Vec<String>,
    /// Whether a mailbox is made at the first login.
    #[serde(default, deserialize_with = "loose::flag")]
    pub login_provisioning: bool,
    /// All other fields, which differ from kind to kind: addresses, scopes and switches.
    #[serde(flatten)]
    pub fields: Map<String, Value>,
}

impl fmt::Debug for IdentityProvider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IdentityProvider")
            .field("kind", &self.kind)
            .field("client_id", &self.client_id)
            .field("default_template", &self.default_template)
            .field("mappers", &self.mappers)
            .field("templates", &self.templates)
            .field("login_provisioning", &self.login_provisioning)
            .finish_non_exhaustive()
    }
}

impl Client {
    /// Returns the identity provider with its secrets, `None` if there is none (`get/identity-provider`).
    ///
    /// # Errors
    /// Returns [`Error`] if the server gives no readable answer.
    pub async fn identity_provider(&self) -> Result<Option<IdentityProvider>, Error> {
        let found: Option<Found> = self.read(GET, None).await?;
        Ok(found.and_then(|found| match found {
            Found::Some(provider) => Some(*provider),
            Found::None {} => None,
        }))
    }

    /// Replaces the identity provider (`edit/identity-provider`). Safe to repeat.
    ///
    /// # Errors
    /// Returns [`Error::Refused`] with `required_data_missing` and [`Error::InvalidInput`] for values that cannot be
    /// right.
    pub async fn set_identity_provider(&self, settings: &IdentityProviderSettings) -> Result<(), Error> {
        let attr = settings.attributes(EDIT.route)?;
        self.write(EDIT, SUBJECT, &EditItems { items: &[ITEM], attr: &attr }).await
    }

    /// Lets the server try to reach an identity provider with these settings, without keeping them
    /// (`edit/identity-provider-test`).
    ///
    /// # Errors
    /// Returns [`Error::Refused`] if it cannot.
    pub async fn test_identity_provider(&self, settings: &IdentityProviderSettings) -> Result<(), Error> {
        let attr = settings.attributes(TEST.route)?;
        self.write(TEST, SUBJECT, &EditItems { items: &[ITEM], attr: &attr }).await
    }

    /// Removes the identity provider; its users cannot log in any more (`delete/identity-provider`). Safe to repeat.
    ///
    /// # Errors
    /// Returns [`Error`] if the server does not confirm it.
    pub async fn delete_identity_provider(&self) -> Result<(), Error> {
        self.write(DELETE, SUBJECT, &[ITEM]).await
    }
}

/// Without a provider there is an object all the same, with defaults for its switches.
#[derive(Deserialize)]
#[serde(untagged)]
enum Found {
    Some(Box<IdentityProvider>),
    None {},
}

const GET: Read = Read("get/identity-provider");
const EDIT: Write = Write { route: "edit/identity-provider", success: "object_modified" };
// It has no code of its own; a failure is an error.
const TEST: Write<TaskCompleted> = Write { route: "edit/identity-provider-test", success: TaskCompleted };
const DELETE: Write = Write { route: "delete/identity-provider", success: "item_deleted" };
const SUBJECT: &str = "the identity provider";
const ITEM: &str = "identity-provider";
