//! Registration: `/auth/`.

use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;

use crate::{
    CaptchaSolution, Client, Credential, DomainName, EmailAddress, Error, call::Call, http::Method,
    pace::Scope, text,
};

impl Client {
    /// Registers an account (`POST /auth/`).
    ///
    /// The server sends a mail with a code for [`activate_account`](Self::activate_account). It answers the same
    /// if there is such an account already. No token is sent. A dropped call may have been executed.
    ///
    /// # Errors
    /// [`Error::InvalidInput`], before anything is sent, for a password of less than 8 characters;
    /// [`Error::Invalid`] if the captcha is not solved (ask for [another](Self::captcha)), the password is too
    /// weak, or the domain is taken or not allowed.
    pub async fn register(&self, registration: &Registration) -> Result<(), Error> {
        // No `Debug`: it has a password.
        #[derive(Serialize)]
        struct Body<'a> {
            email: &'a EmailAddress,
            // Without one it is `null`, not missing.
            password: Option<&'a str>,
            #[serde(skip_serializing_if = "Option::is_none")]
            captcha: Option<&'a CaptchaSolution>,
            #[serde(skip_serializing_if = "Option::is_none")]
            domain: Option<&'a DomainName>,
            #[serde(skip_serializing_if = "Option::is_none")]
            outreach_preference: Option<bool>,
        }
        let Registration { email, password, captcha, domain, outreach_preference } = registration;
        password.as_ref().map(text::check_new_password).transpose()?;
        let path = ["auth"];
        let call = Call {
            credential: Credential::Nothing,
            ..Call::write("register", email.as_str(), Method::Post, &path, Scope::AccountActive)
        }
        .with_json(&Body {
            email,
            password: password.as_ref().map(ExposeSecret::expose_secret),
            captcha: captcha.as_ref(),
            domain: domain.as_ref(),
            outreach_preference: *outreach_preference,
        });
        self.call(&call).await.map(drop)
    }
}

/// An account to be registered.
///
/// ```
/// use desec_api::Registration;
///
/// let registration = Registration::new("alice@example.com".parse()?)
///     .with_password("correct horse battery".into())
///     .with_domain("alice.dedyn.io".parse()?);
/// assert!(!format!("{registration:?}").contains("horse"));
/// # Ok::<(), desec_api::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Registration {
    email: EmailAddress,
    password: Option<SecretString>,
    captcha: Option<CaptchaSolution>,
    domain: Option<DomainName>,
    outreach_preference: Option<bool>,
}

impl Registration {
    /// Returns the registration of an account without a password, which can be set later by
    /// [`Client::reset_password`].
    pub fn new(email: EmailAddress) -> Self {
        Self { email, password: None, captcha: None, domain: None, outreach_preference: None }
    }

    /// Sets the password, at least 8 characters.
    pub fn with_password(mut self, password: SecretString) -> Self {
        self.password = Some(password);
        self
    }

    /// Adds the solution of a captcha. Without one, the activation asks for it.
    pub fn with_captcha(mut self, solution: CaptchaSolution) -> Self {
        self.captcha = Some(solution);
        self
    }

    /// Asks for a domain, to be created with the account. For one below `dedyn.io` the activation answers a
    /// token for dynDNS.
    pub fn with_domain(mut self, domain: DomainName) -> Self {
        self.domain = Some(domain);
        self
    }

    /// Sets whether the operator may write to the account about other things than its service.
    pub fn with_outreach_preference(mut self, allowed: bool) -> Self {
        self.outreach_preference = Some(allowed);
        self
    }
}
