//! Actions that are confirmed by a code from a mail: `/v/{action}/{code}/`.

use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize, de::IgnoredAny};

use crate::{
    CaptchaSolution, Client, CreatedFactor, CreatedToken, Credential, Domain, Error,
    call::Call,
    http::{HttpResponse, Method},
    pace::Scope,
    text,
};

/// Actions that are confirmed by a code from a mail. None of them sends a token, and each code works once.
///
/// A dropped call may have been executed; repeated after that, it answers [`Error::Conflict`].
impl Client {
    /// Confirms the registration of an account (`POST /v/activate-account/{code}/`).
    ///
    /// # Errors
    /// [`Error::Invalid`] if the code is wrong or too old, or the captcha is missing or not solved: it is needed
    /// if the [registration](Self::register) had none. [`Error::Conflict`] if the code was used.
    pub async fn activate_account(
        &self,
        code: &ConfirmationCode,
        captcha: Option<&CaptchaSolution>,
    ) -> Result<Activation, Error> {
        #[derive(Serialize)]
        struct Body<'a> {
            #[serde(skip_serializing_if = "Option::is_none")]
            captcha: Option<&'a CaptchaSolution>,
        }
        #[derive(Deserialize)]
        struct Answer {
            domain: Option<Domain>,
            token: Option<IgnoredAny>,
        }
        let path = ["v", "activate-account", code.0.expose_secret()];
        let call = confirmation("the activation of the account", &path).with_json(&Body { captcha });
        let response = self.call(&call).await?;
        let Answer { domain, token } = call.json(&response)?;
        // The members of the token stand beside the others.
        let token = token.map(|_| CreatedToken::of(&call, &response)).transpose()?;
        Ok(Activation { domain, token })
    }

    /// Confirms the change of an account's e-mail address (`POST /v/change-email/{code}/`).
    ///
    /// # Errors
    /// [`Error::Invalid`] if the code is wrong or too old, [`Error::Conflict`] if it was used.
    pub async fn confirm_email_change(&self, code: &ConfirmationCode) -> Result<(), Error> {
        self.confirm("the change of the e-mail address", "change-email", code).await.map(drop)
    }

    /// Sets the password of an account (`POST /v/reset-password/{code}/`).
    ///
    /// # Errors
    /// [`Error::InvalidInput`], before anything is sent, for a password of less than 8 characters;
    /// [`Error::Invalid`] if the code is wrong or too old, or the password too weak; [`Error::Conflict`] if the
    /// code was used.
    pub async fn confirm_password_reset(
        &self,
        code: &ConfirmationCode,
        new_password: &SecretString,
    ) -> Result<(), Error> {
        // No `Debug`: it has a password.
        #[derive(Serialize)]
        struct Body<'a> {
            new_password: &'a str,
        }
        text::check_new_password(new_password)?;
        let path = ["v", "reset-password", code.0.expose_secret()];
        let body = Body { new_password: new_password.expose_secret() };
        self.call(&confirmation("the reset of the password", &path).with_json(&body)).await.map(drop)
    }

    /// Confirms the deletion of an account, with all that it has (`POST /v/delete-account/{code}/`).
    ///
    /// # Errors
    /// [`Error::Invalid`] if the code is wrong or too old, [`Error::Conflict`] if it was used or the account has
    /// domains.
    pub async fn confirm_account_deletion(&self, code: &ConfirmationCode) -> Result<(), Error> {
        self.confirm("the deletion of the account", "delete-account", code).await.map(drop)
    }

    /// Confirms that an account is still wanted (`POST /v/confirm-account/{code}/`).
    ///
    /// # Errors
    /// [`Error::Invalid`] if the code is wrong or too old, [`Error::Conflict`] if it was used.
    pub async fn confirm_account(&self, code: &ConfirmationCode) -> Result<(), Error> {
        self.confirm("the account", "confirm-account", code).await.map(drop)
    }

    /// Confirms that a domain is still in use (`POST /v/renew-domain/{code}/`).
    ///
    /// # Errors
    /// [`Error::Invalid`] if the code is wrong or the domain gone, [`Error::Conflict`] if it was used.
    pub async fn confirm_domain_renewal(&self, code: &ConfirmationCode) -> Result<(), Error> {
        self.confirm("the renewal of the domain", "renew-domain", code).await.map(drop)
    }

    /// Confirms a second factor, and returns it with its secret (`POST /v/create-totp/{code}/`).
    ///
    /// From now on, tokens from a login may do nothing until they have shown a [code](Self::verify_factor) of it.
    ///
    /// # Errors
    /// [`Error::Invalid`] if the code is wrong or too old, [`Error::Conflict`] if it was used.
    pub async fn confirm_factor(&self, code: &ConfirmationCode) -> Result<CreatedFactor, Error> {
        let path = ["v", "create-totp", code.0.expose_secret()];
        let call = confirmation("the second factor", &path).with_json(&Nothing {});
        let response = self.call(&call).await?;
        call.json(&response)
    }

    /// Confirms that the operator shall write about nothing but its service
    /// (`POST /v/change-outreach-preference/{code}/`).
    ///
    /// # Errors
    /// [`Error::Invalid`] if the code is wrong, [`Error::Conflict`] if it was used.
    pub async fn confirm_outreach_preference(&self, code: &ConfirmationCode) -> Result<(), Error> {
        self.confirm("the outreach preference", "change-outreach-preference", code).await.map(drop)
    }

    async fn confirm(
        &self,
        subject: &'static str,
        action: &'static str,
        code: &ConfirmationCode,
    ) -> Result<HttpResponse, Error> {
        let path = ["v", action, code.0.expose_secret()];
        self.call(&confirmation(subject, &path).with_json(&Nothing {})).await
    }
}

/// A code from a mail of the server, which stands for a password: it is shown nowhere.
///
/// It is the last part of the link in the mail. The API takes it in the path of the URL, over https.
///
/// ```
/// use desec_api::ConfirmationCode;
///
/// let code: ConfirmationCode = "gAAAAABl_the-code".parse()?;
/// assert!(!format!("{code:?}").contains("gAAA"));
/// assert!("https://desec.io/confirm/x/y/".parse::<ConfirmationCode>().is_err());
/// # Ok::<(), desec_api::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct ConfirmationCode(SecretString);

impl std::str::FromStr for ConfirmationCode {
    type Err = Error;

    /// Parses a code: letters, digits, `-`, `_` and `=`.
    fn from_str(code: &str) -> Result<Self, Error> {
        let known = |b: u8| b.is_ascii_alphanumeric() || b"-_=".contains(&b);
        if !(1..=LONGEST_CODE).contains(&code.len()) || !code.bytes().all(known) {
            let reason = "give the last part of the link in the mail, without slashes and blanks";
            return Err(Error::InvalidInput { what: "confirmation code", reason: reason.into() });
        }
        Ok(Self(code.into()))
    }
}

/// What an activated account comes with.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Activation {
    /// The domain that was registered with the account, if one was asked for.
    pub domain: Option<Domain>,
    /// A token for dynDNS, if that domain is below `dedyn.io`.
    pub token: Option<CreatedToken>,
}

#[derive(Serialize)]
struct Nothing {}

fn confirmation<'a>(subject: &'a str, path: &'a [&'a str]) -> Call<'a> {
    Call {
        credential: Credential::Nothing,
        ..Call::write("confirm", subject, Method::Post, path, Scope::AccountActive)
    }
}

// The server takes 4 KiB of a request's head.
const LONGEST_CODE: usize = 3_000;
