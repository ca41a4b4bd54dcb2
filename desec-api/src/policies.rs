//! Policies of tokens: `/auth/tokens/{id}/policies/`.

mod ensure;

use serde::{Deserialize, Serialize};
use url::Url;

use crate::{
    Client, DomainName, Error, Missing, PolicyId, RecordType, SubName, TokenId, call::Call, http::Method,
    pace::Scope,
};

/// Policies of tokens: which RRsets a token may write. Reading is never restricted.
impl Client {
    /// Returns the kinds of policies that `token` can have (`GET /auth/tokens/{id}/policies/`).
    ///
    /// # Errors
    /// [`Error::Forbidden`] if the token in use may not manage tokens, [`Error::NotFound`] if there is no such
    /// token.
    pub async fn policy_links(&self, token: &TokenId) -> Result<PolicyLinks, Error> {
        let path = ["auth", "tokens", token.as_str(), "policies"];
        let call = of_token("list the kinds of policies of the token", token, Method::Get, &path);
        let Links { rrsets } = call.json(&self.call(&call).await?)?;
        let rrsets = Url::parse(&rrsets).map_err(|_| call.not_understood("a link is not a URL"))?;
        Ok(PolicyLinks { rrsets })
    }

    /// Returns the policies of `token`, in no particular order (`GET /auth/tokens/{id}/policies/rrsets/`).
    ///
    /// A token may read its own policies, whatever it may do otherwise.
    ///
    /// # Errors
    /// [`Error::Forbidden`] if the token in use is another one and may not manage tokens, [`Error::NotFound`] if
    /// there is no such token.
    pub async fn policies(&self, token: &TokenId) -> Result<Vec<Policy>, Error> {
        let path = ["auth", "tokens", token.as_str(), "policies", "rrsets"];
        let call = of_token("list the policies of the token", token, Method::Get, &path);
        call.json(&self.call(&call).await?)
    }

    /// Returns the policy `id` of `token` (`GET /auth/tokens/{id}/policies/rrsets/{id}/`).
    ///
    /// # Errors
    /// [`Error::NotFound`] if there is no such token or it has no such policy, [`Error::Forbidden`] if the token
    /// in use is another one and may not manage tokens.
    pub async fn policy(&self, token: &TokenId, id: &PolicyId) -> Result<Policy, Error> {
        let path = one(token, id);
        let call = of_token("read a policy of the token", token, Method::Get, &path);
        call.json(&self.call(&call).await?)
    }

    /// Adds a policy to `token`; the first one must be its default policy
    /// (`POST /auth/tokens/{id}/policies/rrsets/`).
    ///
    /// A dropped call may have been executed; repeated after that, it answers [`Error::Conflict`].
    ///
    /// # Errors
    /// [`Error::Conflict`] if the token has a policy for the same domain, name and type; [`Error::Invalid`] if
    /// the server refuses it, for one because the default policy is missing or the domain not in this account;
    /// [`Error::NotFound`] if there is no such token; [`Error::Forbidden`] if the token in use may not manage
    /// tokens.
    pub async fn create_policy(&self, token: &TokenId, policy: &NewPolicy) -> Result<Policy, Error> {
        check(policy.rtype.as_ref())?;
        let path = ["auth", "tokens", token.as_str(), "policies", "rrsets"];
        let call = of_token("add a policy to the token", token, Method::Post, &path).with_json(policy);
        call.json(&self.call(&call).await?)
    }

    /// Changes what is given of the policy `id` of `token`
    /// (`PATCH /auth/tokens/{id}/policies/rrsets/{id}/`).
    ///
    /// Repeating the call is safe. A dropped call may have been executed.
    ///
    /// # Errors
    /// Those of [`create_policy`](Self::create_policy), and [`Error::NotFound`] if there is no such policy.
    pub async fn update_policy(
        &self,
        token: &TokenId,
        id: &PolicyId,
        changes: &PolicyPatch,
    ) -> Result<Policy, Error> {
        if let Some(Part::Only(rtype)) = &changes.rtype {
            check(Some(rtype))?;
        }
        let path = one(token, id);
        let call = of_token("change a policy of the token", token, Method::Patch, &path).with_json(changes);
        call.json(&self.call(&call).await?)
    }

    /// Replaces the policy `id` of `token` by `policy` (`PUT /auth/tokens/{id}/policies/rrsets/{id}/`).
    ///
    /// Repeating the call is safe. A dropped call may have been executed.
    ///
    /// # Errors
    /// Those of [`update_policy`](Self::update_policy).
    pub async fn replace_policy(
        &self,
        token: &TokenId,
        id: &PolicyId,
        policy: &NewPolicy,
    ) -> Result<Policy, Error> {
        check(policy.rtype.as_ref())?;
        let path = one(token, id);
        let call = of_token("replace a policy of the token", token, Method::Put, &path).with_json(policy);
        call.json(&self.call(&call).await?)
    }

    /// Deletes the policy `id` of `token`, if there is one; the default policy goes last
    /// (`DELETE /auth/tokens/{id}/policies/rrsets/{id}/`).
    ///
    /// Repeating the call is safe. A dropped call may have been executed.
    ///
    /// # Errors
    /// [`Error::Invalid`] if it is a default policy that is still needed, [`Error::Forbidden`] if the token in
    /// use may not manage tokens.
    pub async fn delete_policy(&self, token: &TokenId, id: &PolicyId) -> Result<(), Error> {
        let path = one(token, id);
        self.call(&of_token("delete a policy of the token", token, Method::Delete, &path)).await.map(drop)
    }
}

/// A policy of a token.
///
/// Of several that match an RRset the most specific one counts: domain before name before type.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct Policy {
    /// Its identifier.
    pub id: PolicyId,
    /// The domain that it is about; any if not set.
    pub domain: Option<DomainName>,
    /// The name that it is about; any if not set. A `*` means the wildcard itself.
    pub subname: Option<SubName>,
    /// The type that it is about; any if not set.
    #[serde(rename = "type")]
    pub rtype: Option<RecordType>,
    /// Whether the token may write there.
    pub perm_write: bool,
}

/// A policy as it shall be: see [`Policy`].
///
/// ```
/// use desec_api::{NewPolicy, RecordType};
///
/// // A token that may do nothing but prove the ownership of one domain to a certificate authority.
/// let domain = Some("example.com".parse()?);
/// let wanted = [
///     NewPolicy::default_policy(false),
///     NewPolicy::new(domain, Some("_acme-challenge".parse()?), Some(RecordType::Txt), true),
/// ];
/// assert!(wanted[1].perm_write && wanted[0].domain.is_none());
/// # Ok::<(), desec_api::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct NewPolicy {
    /// The domain that it is about; any if not set.
    pub domain: Option<DomainName>,
    /// The name that it is about; any if not set. A `*` means the wildcard itself.
    pub subname: Option<SubName>,
    /// The type that it is about; any if not set. Also a type that cannot be written.
    #[serde(rename = "type")]
    pub rtype: Option<RecordType>,
    /// Whether the token may write there.
    pub perm_write: bool,
}

impl NewPolicy {
    /// Returns the policy for all that no other policy is about. A token with policies has exactly one of this.
    pub fn default_policy(perm_write: bool) -> Self {
        Self::new(None, None, None, perm_write)
    }

    /// Returns a policy; what is `None` is any.
    pub fn new(
        domain: Option<DomainName>,
        subname: Option<SubName>,
        rtype: Option<RecordType>,
        perm_write: bool,
    ) -> Self {
        Self { domain, subname, rtype, perm_write }
    }
}

/// What shall change in a policy: what is not given stays.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct PolicyPatch {
    #[serde(skip_serializing_if = "Option::is_none")]
    domain: Option<Part<DomainName>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    subname: Option<Part<SubName>>,
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    rtype: Option<Part<RecordType>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    perm_write: Option<bool>,
}

impl PolicyPatch {
    /// Returns a patch that changes nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the domain, or any.
    pub fn with_domain(mut self, domain: Option<DomainName>) -> Self {
        self.domain = Some(domain.into());
        self
    }

    /// Sets the name, or any.
    pub fn with_subname(mut self, subname: Option<SubName>) -> Self {
        self.subname = Some(subname.into());
        self
    }

    /// Sets the type, or any.
    pub fn with_rtype(mut self, rtype: Option<RecordType>) -> Self {
        self.rtype = Some(rtype.into());
        self
    }

    /// Sets whether the token may write there.
    pub fn with_perm_write(mut self, allowed: bool) -> Self {
        self.perm_write = Some(allowed);
        self
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
enum Part<T> {
    Only(T),
    /// Written as `null`.
    Any,
}

impl<T> From<Option<T>> for Part<T> {
    fn from(part: Option<T>) -> Self {
        part.map_or(Self::Any, Self::Only)
    }
}

/// Where the policies of a token are.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PolicyLinks {
    /// Those about RRsets. [`Client::policies`] needs no link.
    pub rrsets: Url,
}

#[derive(Deserialize)]
struct Links {
    rrsets: String,
}

/// Refuses a type that is not spelled as the server wants it.
fn check(rtype: Option<&RecordType>) -> Result<(), Error> {
    match rtype {
        Some(rtype) if rtype.as_str().parse().ok().as_ref() != Some(rtype) => Err(Error::InvalidInput {
            what: "policy",
            reason: format!("{:?}: the type is not spelled as parsing spells it", rtype.as_str()),
        }),
        _ => Ok(()),
    }
}

fn one<'a>(token: &'a TokenId, id: &'a PolicyId) -> [&'a str; 6] {
    ["auth", "tokens", token.as_str(), "policies", "rrsets", id.as_str()]
}

fn of_token<'a>(
    operation: &'static str,
    token: &'a TokenId,
    method: Method,
    path: &'a [&'a str],
) -> Call<'a> {
    Call {
        absent: Missing::Token,
        ..Call::write(operation, token.as_str(), method, path, Scope::AccountPassive)
    }
}
