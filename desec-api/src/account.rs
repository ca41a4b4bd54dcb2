//! The account: `/auth/account/`.

use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

use crate::{
    AccountId, CaptchaSolution, Client, Credential, EmailAddress, Error, Timestamp, call::Call, http::Method,
    pace::Scope, text,
};

impl Client {
    /// Returns the account (`GET /auth/account/`).
    ///
    /// # Errors
    /// [`Error::Forbidden`] if the token may not manage tokens: without that it may not even read the account.
    pub async fn account(&self) -> Result<Account, Error> {
        self.of_account("read", Method::Get, None).await
    }

    /// Changes what `patch` gives of the account (`PATCH /auth/account/`).
    ///
    /// Repeating the call is safe. A dropped call may have been executed.
    ///
    /// # Errors
    /// [`Error::Forbidden`] if the token may not manage tokens.
    pub async fn update_account(&self, patch: &AccountPatch) -> Result<Account, Error> {
        self.of_account("change", Method::Patch, Some(patch)).await
    }

    /// Changes what `patch` gives of the account (`PUT /auth/account/`).
    ///
    /// Repeating the call is safe. A dropped call may have been executed.
    ///
    /// # Errors
    /// [`Error::Forbidden`] if the token may not manage tokens.
    pub async fn replace_account(&self, patch: &AccountPatch) -> Result<Account, Error> {
        self.of_account("replace", Method::Put, Some(patch)).await
    }

    /// Asks for the deletion of an account, which must have no domains (`POST /auth/account/delete/`).
    ///
    /// The server sends a mail with a code for
    /// [`confirm_account_deletion`](Self::confirm_account_deletion). No token is sent. A dropped call may have
    /// been executed.
    ///
    /// # Errors
    /// [`Error::Unauthenticated`] for a wrong address or password, [`Error::Conflict`] while there are domains.
    pub async fn delete_account(&self, email: &EmailAddress, password: &SecretString) -> Result<(), Error> {
        text::check_password(password)?;
        let body = Proof { email, password: password.expose_secret(), new_email: None };
        self.by_mail("delete the account", email, "delete", Credential::Password, &body).await
    }

    /// Asks to change the e-mail address of an account (`POST /auth/account/change-email/`).
    ///
    /// The server sends a mail to the new address, with a code for
    /// [`confirm_email_change`](Self::confirm_email_change). No token is sent. A dropped call may have been
    /// executed.
    ///
    /// # Errors
    /// [`Error::Unauthenticated`] for a wrong address or password, [`Error::InvalidInput`], before anything is
    /// sent, if both addresses are the same, [`Error::Invalid`] if the server refuses the new one.
    pub async fn change_email(
        &self,
        email: &EmailAddress,
        password: &SecretString,
        new_email: &EmailAddress,
    ) -> Result<(), Error> {
        text::check_password(password)?;
        if email == new_email {
            return Err(Error::InvalidInput {
                what: "new e-mail address",
                reason: "it is the present one".into(),
            });
        }
        let body = Proof { email, password: password.expose_secret(), new_email: Some(new_email) };
        self.by_mail("change the address of", email, "change-email", Credential::Password, &body).await
    }

    /// Asks to reset the password of an account (`POST /auth/account/reset-password/`).
    ///
    /// The server sends a mail with a code for [`confirm_password_reset`](Self::confirm_password_reset), if
    /// there is such an account; it answers the same if there is none. No token is sent. A dropped call may have
    /// been executed.
    ///
    /// # Errors
    /// [`Error::Invalid`] if the captcha is not solved: ask for [another](Self::captcha).
    pub async fn reset_password(&self, email: &EmailAddress, captcha: &CaptchaSolution) -> Result<(), Error> {
        #[derive(Serialize)]
        struct Body<'a> {
            email: &'a EmailAddress,
            captcha: &'a CaptchaSolution,
        }
        let body = Body { email, captcha };
        self.by_mail("reset the password of", email, "reset-password", Credential::Nothing, &body).await
    }

    async fn of_account(
        &self,
        operation: &'static str,
        method: Method,
        changes: Option<&AccountPatch>,
    ) -> Result<Account, Error> {
        let path = ["auth", "account"];
        let mut call = Call::write(operation, "the account", method, &path, Scope::AccountPassive);
        if let Some(changes) = changes {
            call = call.with_json(changes);
        }
        let response = self.call(&call).await?;
        call.json(&response)
    }

    async fn by_mail(
        &self,
        operation: &'static str,
        email: &EmailAddress,
        action: &str,
        credential: Credential,
        body: &impl Serialize,
    ) -> Result<(), Error> {
        let path = ["auth", "account", action];
        let call = Call {
            credential,
            ..Call::write(operation, email.as_str(), Method::Post, &path, Scope::AccountActive)
        };
        self.call(&call.with_json(body)).await.map(drop)
    }
}

/// An account.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct Account {
    /// Its identifier.
    pub id: AccountId,
    /// Its e-mail address.
    pub email: EmailAddress,
    /// When it was created.
    pub created: Timestamp,
    /// How many domains it may have; any number if not set.
    pub limit_domains: Option<u64>,
    /// How many domains it has.
    pub domains_under_management: u64,
    /// Whether the operator may write to it about other things than its service.
    pub outreach_preference: bool,
}

/// What shall change in an account: what is not given stays.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct AccountPatch {
    #[serde(skip_serializing_if = "Option::is_none")]
    outreach_preference: Option<bool>,
}

impl AccountPatch {
    /// Returns a patch that changes nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets whether the operator may write to the account about other things than its service.
    pub fn with_outreach_preference(mut self, allowed: bool) -> Self {
        self.outreach_preference = Some(allowed);
        self
    }
}

// No `Debug`: it has a password.
#[derive(Serialize)]
struct Proof<'a> {
    email: &'a EmailAddress,
    password: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    new_email: Option<&'a EmailAddress>,
}
