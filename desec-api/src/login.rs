//! Login and logout: `/auth/login/`, `/auth/logout/`.

use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;

use crate::{
    Client, CreatedToken, Credential, EmailAddress, Error, call::Call, http::Method, pace::Scope, text,
};

impl Client {
    /// Logs in: creates a token that may do everything, for at most 7 days and until it is unused for an hour
    /// (`POST /auth/login/`).
    ///
    /// Where the account has a second factor, the token may do nothing until
    /// [`verify_factor`](Self::verify_factor). No token is sent. A dropped call may leave a token behind.
    ///
    /// # Errors
    /// [`Error::Unauthenticated`] for a wrong address or password, [`Error::InvalidInput`], before anything is
    /// sent, for a password that cannot be one.
    pub async fn login(&self, email: &EmailAddress, password: &SecretString) -> Result<CreatedToken, Error> {
        // No `Debug`: it has a password.
        #[derive(Serialize)]
        struct Body<'a> {
            email: &'a EmailAddress,
            password: &'a str,
        }
        text::check_password(password)?;
        let path = ["auth", "login"];
        let call = Call {
            credential: Credential::Password,
            ..Call::write("log in as", email.as_str(), Method::Post, &path, Scope::AccountPassive)
        }
        .with_json(&Body { email, password: password.expose_secret() });
        let response = self.call(&call).await?;
        CreatedToken::of(&call, &response)
    }

    /// Deletes the token of this client, whatever it may do otherwise (`POST /auth/logout/`).
    ///
    /// A dropped call may have been executed; repeated after that, it answers [`Error::Unauthenticated`].
    ///
    /// # Errors
    /// [`Error::Unauthenticated`] if the token does not exist any more.
    pub async fn logout(&self) -> Result<(), Error> {
        // The server counts a logout in no scope of its own.
        let path = ["auth", "logout"];
        let call = Call::write("log out", "the client", Method::Post, &path, Scope::User);
        self.call(&call).await.map(drop)
    }
}
