//! Tokens: `/auth/tokens/`.

use futures_core::Stream;
use secrecy::SecretString;
use serde::{Deserialize, Deserializer, Serialize};

use crate::{
    Client, EmailAddress, Error, Missing, Subnet, Timestamp, TokenDuration, TokenId,
    call::Call,
    http::{HttpResponse, Method},
    pace::Scope,
    pagination::List,
    text,
};

impl Client {
    /// Lists the tokens of the account, newest first, a page at a time as the stream is read
    /// (`GET /auth/tokens/`).
    ///
    /// The stream ends after its first error: [`Error::Forbidden`] if the token may not manage tokens.
    pub fn tokens(&self) -> impl Stream<Item = Result<Token, Error>> + Send + use<> {
        self.pages(List {
            operation: "list the tokens of",
            subject: "the account".into(),
            path: vec!["auth".into(), "tokens".into()],
            query: Vec::new(),
            scope: Scope::AccountPassive,
            absent: Missing::Token,
        })
    }

    /// Returns the token `id` (`GET /auth/tokens/{id}/`).
    ///
    /// # Errors
    /// [`Error::NotFound`] if the account has no such token, [`Error::Forbidden`] if the token in use may not
    /// manage tokens.
    pub async fn token(&self, id: &TokenId) -> Result<Token, Error> {
        self.of_token("read the token", Method::Get, id, None).await
    }

    /// Creates a token (`POST /auth/tokens/`).
    ///
    /// Its secret is in the answer and cannot be read again. A dropped call, or a repeated one, may leave a
    /// token behind whose secret nobody knows: find it with [`tokens`](Self::tokens), delete it, create another.
    ///
    /// # Errors
    /// [`Error::InvalidInput`], before anything is sent, for a name that is longer than 64 characters or has
    /// blanks at an end, for no time at all as a duration, and for an empty list of subnets; [`Error::Invalid`]
    /// if the server refuses a value; [`Error::Forbidden`] if the token in use may not manage tokens.
    pub async fn create_token(&self, token: &NewToken) -> Result<CreatedToken, Error> {
        token.settings.check()?;
        let path = ["auth", "tokens"];
        let subject = format!("the token {:?}", token.settings.name.as_deref().unwrap_or_default());
        let call = Call {
            absent: Missing::Token,
            ..Call::write("create", &subject, Method::Post, &path, Scope::AccountPassive)
        }
        .with_json(token);
        let response = self.call(&call).await?;
        CreatedToken::of(&call, &response)
    }

    /// Changes what `patch` gives of the token `id` (`PATCH /auth/tokens/{id}/`).
    ///
    /// Repeating the call is safe. A dropped call may have been executed.
    ///
    /// # Errors
    /// [`Error::NotFound`] if the account has no such token; otherwise those of
    /// [`create_token`](Self::create_token).
    pub async fn update_token(&self, id: &TokenId, patch: &TokenPatch) -> Result<Token, Error> {
        self.of_token("change the token", Method::Patch, id, Some(patch)).await
    }

    /// Changes what `patch` gives of the token `id` (`PUT /auth/tokens/{id}/`).
    ///
    /// The server does **not** reset what is missing, so this is the same as
    /// [`update_token`](Self::update_token), by another method.
    ///
    /// # Errors
    /// Those of [`update_token`](Self::update_token).
    pub async fn replace_token(&self, id: &TokenId, patch: &TokenPatch) -> Result<Token, Error> {
        self.of_token("replace the token", Method::Put, id, Some(patch)).await
    }

    /// Deletes the token `id`, if the account has it (`DELETE /auth/tokens/{id}/`).
    ///
    /// Repeating the call is safe. A dropped call may have been executed.
    ///
    /// # Errors
    /// [`Error::Forbidden`] if the token in use may not manage tokens.
    pub async fn delete_token(&self, id: &TokenId) -> Result<(), Error> {
        let path = ["auth", "tokens", id.as_str()];
        let call = Call::write("delete the token", id.as_str(), Method::Delete, &path, Scope::AccountPassive);
        self.call(&call).await.map(drop)
    }

    async fn of_token(
        &self,
        operation: &'static str,
        method: Method,
        id: &TokenId,
        changes: Option<&TokenPatch>,
    ) -> Result<Token, Error> {
        let path = ["auth", "tokens", id.as_str()];
        let mut call = Call {
            absent: Missing::Token,
            ..Call::write(operation, id.as_str(), method, &path, Scope::AccountPassive)
        };
        if let Some(changes) = changes {
            changes.check()?;
            call = call.with_json(changes);
        }
        let response = self.call(&call).await?;
        call.json(&response)
    }
}

/// A token of the account, without its secret.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
#[expect(clippy::struct_excessive_bools, reason = "independent flags of the API")]
pub struct Token {
    /// Its identifier.
    pub id: TokenId,
    /// When it was created.
    pub created: Timestamp,
    /// When it was last used, if ever.
    pub last_used: Option<Timestamp>,
    /// The account that it belongs to.
    pub owner: EmailAddress,
    /// The other account on whose behalf it acts, if any.
    pub user_override: Option<EmailAddress>,
    /// For a token from a login, whether a second factor was shown; for others unknown.
    pub mfa: Option<bool>,
    /// How long after its creation it expires; never if not set.
    pub max_age: Option<TokenDuration>,
    /// How long it may stay unused before it expires; for ever if not set.
    pub max_unused_period: Option<TokenDuration>,
    /// Its name.
    pub name: String,
    /// Whether it may create domains.
    pub perm_create_domain: bool,
    /// Whether it may delete domains.
    pub perm_delete_domain: bool,
    /// Whether it may manage tokens and the account.
    pub perm_manage_tokens: bool,
    /// The networks from which it may be used.
    pub allowed_subnets: Vec<Subnet>,
    /// Whether a domain that it creates gets a policy that lets it write there.
    pub auto_policy: bool,
    /// Whether it may be used: it has not expired.
    pub is_valid: bool,
}

/// A new token, with its secret, which cannot be read again.
#[derive(Clone, Debug, Deserialize)]
#[non_exhaustive]
pub struct CreatedToken {
    /// The token.
    #[serde(flatten)]
    pub token: Token,
    /// What a client is built with: [`Client::builder`].
    #[serde(rename = "token", deserialize_with = "secret")]
    pub secret: SecretString,
    /// Whether [`NewToken::with_user_override`] is still to be confirmed by the other account: until then the
    /// token acts for its owner. If the other account exists already, that never happens.
    #[serde(skip)]
    pub user_override_pending: bool,
}

impl CreatedToken {
    /// Returns the token that the answer to `call` has.
    pub(crate) fn of(call: &Call<'_>, response: &HttpResponse) -> Result<Self, Error> {
        let created: Self = call.json(response)?;
        Ok(Self { user_override_pending: response.status() == 202, ..created })
    }
}

/// Reads a secret.
pub(crate) fn secret<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SecretString, D::Error> {
    String::deserialize(deserializer).map(SecretString::from)
}

macro_rules! settings {
    ($($at:ident)?) => {
        /// Sets whether the token may create domains.
        pub fn with_perm_create_domain(mut self, allowed: bool) -> Self {
            self$(.$at)?.perm_create_domain = Some(allowed);
            self
        }

        /// Sets whether the token may delete domains.
        pub fn with_perm_delete_domain(mut self, allowed: bool) -> Self {
            self$(.$at)?.perm_delete_domain = Some(allowed);
            self
        }

        /// Sets whether the token may manage tokens and the account.
        pub fn with_perm_manage_tokens(mut self, allowed: bool) -> Self {
            self$(.$at)?.perm_manage_tokens = Some(allowed);
            self
        }

        /// Sets how long after its creation the token expires.
        pub fn with_max_age(mut self, age: TokenDuration) -> Self {
            self$(.$at)?.max_age = Some(Limit::After(age));
            self
        }

        /// Sets how long the token may stay unused before it expires.
        pub fn with_max_unused_period(mut self, period: TokenDuration) -> Self {
            self$(.$at)?.max_unused_period = Some(Limit::After(period));
            self
        }

        /// Sets the networks from which the token may be used, at least one.
        pub fn with_allowed_subnets(mut self, subnets: impl IntoIterator<Item = Subnet>) -> Self {
            self$(.$at)?.allowed_subnets = Some(subnets.into_iter().collect());
            self
        }

        /// Sets whether a domain that the token creates gets a policy that lets it write there.
        ///
        /// The server gives such a token a default policy that forbids all other writes.
        pub fn with_auto_policy(mut self, automatic: bool) -> Self {
            self$(.$at)?.auto_policy = Some(automatic);
            self
        }
    };
}

/// A token to be created.
///
/// What is not set is the server's default: no permissions, no end, usable from everywhere.
///
/// ```
/// use desec_api::NewToken;
///
/// let token = NewToken::new("certificates")
///     .with_max_age("P90D".parse()?)
///     .with_allowed_subnets(["192.0.2.0/24".parse()?, "2001:db8::1".parse()?]);
/// let sent = serde_json::to_value(&token)?;
/// assert_eq!(sent["max_age"], "90 00:00:00");
/// assert_eq!(sent["allowed_subnets"][1], "2001:db8::1/128");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NewToken {
    #[serde(flatten)]
    settings: TokenPatch,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_override: Option<EmailAddress>,
}

impl NewToken {
    /// Returns a token called `name`, of at most 64 characters; several may have the same name, or none (`""`).
    pub fn new(name: impl Into<String>) -> Self {
        Self { settings: TokenPatch::new().with_name(name), user_override: None }
    }

    settings!(settings);

    /// Asks for a token that acts on behalf of another account, which has to agree first: see
    /// [`CreatedToken::user_override_pending`].
    pub fn with_user_override(mut self, email: EmailAddress) -> Self {
        self.user_override = Some(email);
        self
    }
}

/// What shall change in a token: what is not given stays.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct TokenPatch {
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    perm_create_domain: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    perm_delete_domain: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    perm_manage_tokens: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_age: Option<Limit>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_unused_period: Option<Limit>,
    #[serde(skip_serializing_if = "Option::is_none")]
    allowed_subnets: Option<Vec<Subnet>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    auto_policy: Option<bool>,
}

impl TokenPatch {
    /// Returns a patch that changes nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the name, at most 64 characters.
    pub fn with_name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    settings!();

    /// Lets the token live for ever.
    pub fn without_max_age(mut self) -> Self {
        self.max_age = Some(Limit::Never);
        self
    }

    /// Lets the token stay unused for ever.
    pub fn without_max_unused_period(mut self) -> Self {
        self.max_unused_period = Some(Limit::Never);
        self
    }

    fn check(&self) -> Result<(), Error> {
        text::check("name of a token", self.name.as_deref().unwrap_or_default(), text::LONGEST_NAME)?;
        let refuse = |what, reason: &str| Err(Error::InvalidInput { what, reason: reason.into() });
        if self.max_age.is_some_and(Limit::is_at_once) {
            return refuse("max_age", "the token would be expired at once");
        }
        if self.max_unused_period.is_some_and(Limit::is_at_once) {
            return refuse("max_unused_period", "the token would be expired at once");
        }
        if self.allowed_subnets.as_ref().is_some_and(Vec::is_empty) {
            return refuse("allowed_subnets", "without any subnet the token could be used from nowhere");
        }
        Ok(())
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
enum Limit {
    After(TokenDuration),
    /// Written as `null`.
    Never,
}

impl Limit {
    fn is_at_once(self) -> bool {
        matches!(self, Self::After(duration) if duration.is_zero())
    }
}
