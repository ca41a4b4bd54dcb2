//! TLS policy maps: how strictly the connection to a destination is secured.

use serde::{Deserialize, Serialize};

use crate::{
    Client, Error,
    client::{EditItems, Read, Write},
    flag::Flag,
    ids::number_id,
    input, loose,
    words::word_enum,
};

number_id!(
    /// The number by which Mailcow knows a TLS policy map.
    TlsPolicyMapId,
    "the id of a tls policy map"
);

word_enum!(
    /// How strictly a connection is secured, in the words of Postfix. Mailcow fails half-way on an unknown one, so that
    /// is never sent.
    TlsPolicy {
        /// Without TLS.
        None = "none",
        /// With TLS if the other side offers it.
        May = "may",
        /// With TLS, whatever the certificate.
        Encrypt = "encrypt",
        /// As the DANE records say, else [`May`](Self::May).
        Dane = "dane",
        /// As the DANE records say, else not at all.
        DaneOnly = "dane-only",
        /// With a certificate of known fingerprint.
        Fingerprint = "fingerprint",
        /// With a certificate that fits the name of the server.
        Verify = "verify",
        /// With a certificate that fits the destination.
        Secure = "secure",
    }
);

/// A TLS policy map to be created.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NewTlsPolicyMap {
    dest: String,
    policy: TlsPolicy,
    parameters: String,
    active: Flag,
}

impl NewTlsPolicyMap {
    /// Builds an active map for `destination`, a domain or `[host]:port`.
    pub fn new(destination: &str, policy: TlsPolicy) -> Self {
        Self { dest: destination.to_owned(), policy, parameters: String::new(), active: Flag(true) }
    }

    /// Sets parameters of the policy, as `protocols=!SSLv2`.
    pub fn with_parameters(mut self, parameters: &str) -> Self {
        parameters.clone_into(&mut self.parameters);
        self
    }

    /// Sets whether it is used at all, true by default.
    pub fn with_active(mut self, active: bool) -> Self {
        self.active = Flag(active);
        self
    }
}

/// What to change on a TLS policy map; what is not set is kept.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct TlsPolicyMapChange {
    #[serde(skip_serializing_if = "Option::is_none")]
    dest: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    policy: Option<TlsPolicy>,
    #[serde(skip_serializing_if = "Option::is_none")]
    parameters: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    active: Option<Flag>,
}

impl TlsPolicyMapChange {
    /// Builds a change of nothing, to be filled.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the destination.
    pub fn with_destination(mut self, destination: &str) -> Self {
        self.dest = Some(destination.to_owned());
        self
    }

    /// Sets the policy.
    pub fn with_policy(mut self, policy: TlsPolicy) -> Self {
        self.policy = Some(policy);
        self
    }

    /// Sets the parameters of the policy.
    pub fn with_parameters(mut self, parameters: &str) -> Self {
        self.parameters = Some(parameters.to_owned());
        self
    }

    /// Sets whether it is used at all.
    pub fn with_active(mut self, active: bool) -> Self {
        self.active = Some(Flag(active));
        self
    }
}

/// A TLS policy map as the server shows it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct TlsPolicyMap {
    /// The id.
    pub id: TlsPolicyMapId,
    /// The destination it is for.
    #[serde(rename = "dest")]
    pub destination: String,
    /// The policy.
    pub policy: TlsPolicy,
    /// The parameters of the policy; empty if there are none.
    #[serde(default, deserialize_with = "loose::text")]
    pub parameters: String,
    /// Whether it is used at all.
    #[serde(default, deserialize_with = "loose::flag")]
    pub active: bool,
    /// When it was created, in the local time of the server without a zone.
    #[serde(default, deserialize_with = "loose::text")]
    pub created: String,
}

impl Client {
    /// Returns all TLS policy maps (`get/tls-policy-map/all`).
    ///
    /// # Errors
    /// Returns [`Error`] if the server gives no readable answer.
    pub async fn tls_policy_maps(&self) -> Result<Vec<TlsPolicyMap>, Error> {
        Ok(self.read(LIST, None).await?.unwrap_or_default())
    }

    /// Returns a TLS policy map, `None` if there is none of that id (`get/tls-policy-map/{id}`).
    ///
    /// # Errors
    /// Returns [`Error`] if the server gives no readable answer.
    pub async fn get_tls_policy_map(&self, id: TlsPolicyMapId) -> Result<Option<TlsPolicyMap>, Error> {
        self.read(GET, [id.to_string().as_str()]).await
    }

    /// Creates a TLS policy map (`add/tls-policy-map`).
    ///
    /// # Errors
    /// Returns [`Error::Refused`], among others with `tls_policy_map_entry_exists`, `tls_policy_map_dest_invalid` and
    /// `tls_policy_map_parameter_invalid`.
    pub async fn add_tls_policy_map(&self, new: &NewTlsPolicyMap) -> Result<(), Error> {
        check(ADD.route, Some(&new.dest), Some(&new.policy), Some(&new.parameters))?;
        self.write(ADD, &new.dest, new).await
    }

    /// Changes a TLS policy map (`edit/tls-policy-map`). Safe to repeat.
    ///
    /// # Errors
    /// Returns [`Error::Refused`], among others with `access_denied` if there is none of that id.
    pub async fn edit_tls_policy_map(
        &self,
        id: TlsPolicyMapId,
        change: &TlsPolicyMapChange,
    ) -> Result<(), Error> {
        input::change(EDIT.route, change)?;
        check(EDIT.route, change.dest.as_deref(), change.policy.as_ref(), change.parameters.as_deref())?;
        self.write(EDIT, &id.to_string(), &EditItems { items: &[id], attr: change }).await
    }

    /// Deletes a TLS policy map (`delete/tls-policy-map`). Deleting none succeeds too.
    ///
    /// # Errors
    /// Returns [`Error`] if the server does not confirm it.
    pub async fn delete_tls_policy_map(&self, id: TlsPolicyMapId) -> Result<(), Error> {
        self.write(DELETE, &id.to_string(), &[id]).await
    }

    /// Deletes several TLS policy maps (`delete/tls-policy-map`). Those that do not exist count as deleted.
    ///
    /// # Errors
    /// Returns [`Error::PartlyDone`] unless the server confirms each one.
    pub async fn delete_tls_policy_maps(&self, items: &[TlsPolicyMapId]) -> Result<(), Error> {
        self.delete_items(DELETE, items).await
    }
}

fn check(
    operation: &'static str,
    destination: Option<&str>,
    policy: Option<&TlsPolicy>,
    parameters: Option<&str>,
) -> Result<(), Error> {
    if let Some(destination) = destination {
        input::word(operation, "destination", destination)?;
    }
    // Mailcow dies of a policy that is none.
    if let Some(TlsPolicy::Other(_)) = policy {
        return Err(invalid(operation, "the policy is none that mailcow knows"));
    }
    input::optional_line(operation, "parameters", parameters.unwrap_or_default())
}

fn invalid(operation: &'static str, reason: &str) -> Error {
    Error::InvalidInput { operation, reason: reason.to_owned() }
}

const LIST: Read = Read("get/tls-policy-map/all");
const GET: Read = Read("get/tls-policy-map");
const ADD: Write = Write { route: "add/tls-policy-map", success: "tls_policy_map_entry_saved" };
const EDIT: Write = Write { route: "edit/tls-policy-map", success: "tls_policy_map_entry_saved" };
const DELETE: Write = Write { route: "delete/tls-policy-map", success: "tls_policy_map_entry_deleted" };
