//! Second factors (TOTP, RFC 6238): `/auth/totp/`.

use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

use crate::{
    Client, Error, FactorId, Missing, Timestamp, call::Call, http::Method, pace::Scope, text, tokens::secret,
};

/// Second factors. All of this needs a token from a [`login`](Client::login); the server calls it subject to
/// change.
impl Client {
    /// Returns the second factors of the account (`GET /auth/totp/`).
    ///
    /// # Errors
    /// [`Error::Forbidden`] if the token is not from a login, or not yet
    /// [verified](Self::verify_factor) by a factor that exists.
    pub async fn factors(&self) -> Result<Vec<Factor>, Error> {
        let path = ["auth", "totp"];
        let call = of_factor("list", "the second factors", Method::Get, &path);
        let response = self.call(&call).await?;
        call.json(&response)
    }

    /// Returns the second factor `id` (`GET /auth/totp/{id}/`).
    ///
    /// # Errors
    /// [`Error::NotFound`] if the account has no such factor; otherwise those of [`factors`](Self::factors).
    pub async fn factor(&self, id: &FactorId) -> Result<Factor, Error> {
        self.one_factor("read", Method::Get, id, None).await
    }

    /// Adds a second factor called `name`, of at most 64 characters (`POST /auth/totp/`).
    ///
    /// Repeating the call may add, or send a mail for, another one. A dropped call may have been executed.
    ///
    /// # Errors
    /// [`Error::InvalidInput`], before anything is sent, for a name that is too long or has blanks at an end;
    /// [`Error::Invalid`] if there is a factor of this name; otherwise those of [`factors`](Self::factors).
    pub async fn create_factor(&self, name: &str) -> Result<FactorCreation, Error> {
        let path = ["auth", "totp"];
        let call = of_factor("add", "a second factor", Method::Post, &path).with_json(&named(name)?);
        let response = self.call(&call).await?;
        if response.status() == 202 {
            return Ok(FactorCreation::ToBeConfirmed);
        }
        call.json(&response).map(FactorCreation::Created)
    }

    /// Renames the second factor `id` (`PATCH /auth/totp/{id}/`).
    ///
    /// Repeating the call is safe. A dropped call may have been executed.
    ///
    /// # Errors
    /// [`Error::NotFound`] if the account has no such factor; otherwise those of
    /// [`create_factor`](Self::create_factor).
    pub async fn update_factor(&self, id: &FactorId, name: &str) -> Result<Factor, Error> {
        self.one_factor("rename", Method::Patch, id, Some(named(name)?)).await
    }

    /// Renames the second factor `id` (`PUT /auth/totp/{id}/`).
    ///
    /// A factor has nothing else that can be changed, so this is the same as
    /// [`update_factor`](Self::update_factor), by another method.
    ///
    /// # Errors
    /// Those of [`update_factor`](Self::update_factor).
    pub async fn replace_factor(&self, id: &FactorId, name: &str) -> Result<Factor, Error> {
        self.one_factor("replace", Method::Put, id, Some(named(name)?)).await
    }

    /// Deletes the second factor `id`, if the account has it (`DELETE /auth/totp/{id}/`).
    ///
    /// Repeating the call is safe. A dropped call may have been executed.
    ///
    /// # Errors
    /// Those of [`factors`](Self::factors).
    pub async fn delete_factor(&self, id: &FactorId) -> Result<(), Error> {
        let path = ["auth", "totp", id.as_str()];
        self.call(&of_factor("delete the second factor", id.as_str(), Method::Delete, &path)).await.map(drop)
    }

    /// Shows the 6-digit `code` of the second factor `id` for the token of this client
    /// (`POST /auth/totp/{id}/verify/`).
    ///
    /// From the confirmation of the first factor on, tokens from a login may do nothing until they have shown a
    /// code. Other tokens are not affected. A code can be used once. A dropped call may have been executed.
    ///
    /// # Errors
    /// [`Error::InvalidInput`], before anything is sent, if `code` is not 6 digits; [`Error::Invalid`] if it is
    /// wrong or used; [`Error::NotFound`] if there is no such factor.
    pub async fn verify_factor(&self, id: &FactorId, code: &SecretString) -> Result<(), Error> {
        // No `Debug`: it has a secret.
        #[derive(Serialize)]
        struct Body<'a> {
            code: &'a str,
        }
        let code = code.expose_secret();
        if code.len() != 6 || !code.bytes().all(|b| b.is_ascii_digit()) {
            return Err(Error::InvalidInput {
                what: "code of a second factor",
                reason: "it must be 6 digits".into(),
            });
        }
        let path = ["auth", "totp", id.as_str(), "verify"];
        let call = of_factor("verify a code of the second factor", id.as_str(), Method::Post, &path);
        self.call(&call.with_json(&Body { code })).await.map(drop)
    }

    async fn one_factor(
        &self,
        operation: &'static str,
        method: Method,
        id: &FactorId,
        body: Option<Named<'_>>,
    ) -> Result<Factor, Error> {
        let path = ["auth", "totp", id.as_str()];
        let subject = format!("the second factor {id}");
        let mut call = of_factor(operation, &subject, method, &path);
        if let Some(body) = body {
            call = call.with_json(&body);
        }
        let response = self.call(&call).await?;
        call.json(&response)
    }
}

/// A second factor, without its secret.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct Factor {
    /// Its identifier.
    pub id: FactorId,
    /// Its name.
    pub name: String,
    /// When it was created.
    pub created: Timestamp,
    /// When it was last used, if ever.
    pub last_used: Option<Timestamp>,
}

/// A new second factor, with its secret, which cannot be read again.
#[derive(Clone, Debug, Deserialize)]
#[non_exhaustive]
pub struct CreatedFactor {
    /// The factor.
    #[serde(flatten)]
    pub factor: Factor,
    /// The secret, in Base32 (RFC 4648, section 6).
    #[serde(deserialize_with = "secret")]
    pub secret: SecretString,
    /// The secret as an `otpauth:` URI, to be shown as a QR code.
    #[serde(deserialize_with = "secret")]
    pub uri: SecretString,
}

/// What became of a [`Client::create_factor`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum FactorCreation {
    /// The server has sent a mail with a code for [`Client::confirm_factor`], which answers the secret.
    ToBeConfirmed,
    /// The factor is there.
    Created(CreatedFactor),
}

#[derive(Serialize)]
struct Named<'a> {
    name: &'a str,
}

fn named(name: &str) -> Result<Named<'_>, Error> {
    text::check("name of a second factor", name, text::LONGEST_NAME)?;
    Ok(Named { name })
}

fn of_factor<'a>(operation: &'static str, subject: &'a str, method: Method, path: &'a [&'a str]) -> Call<'a> {
    Call { absent: Missing::Factor, ..Call::write(operation, subject, method, path, Scope::AccountPassive) }
}
