//! What opens a mailbox.

use secrecy::SecretString;

use crate::Address;

/// The address of a mailbox and what opens it for submission and for reading: a password, or a token of OAuth 2.
///
/// `Debug` shows the address and the kind only.
#[derive(Clone, Debug)]
pub struct Login {
    address: Address,
    secret: SecretString,
    kind: LoginKind,
}

/// What the secret of a [`Login`] is, which decides how it is shown to a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum LoginKind {
    /// A password, for PLAIN (RFC 4616) or LOGIN.
    Password,
    /// An access token of OAuth 2 (RFC 6750), for XOAUTH2. It is never sent as a password.
    Token,
}

impl Login {
    /// Joins an address and its password.
    pub fn new(address: Address, password: SecretString) -> Self {
        Self { address, secret: password, kind: LoginKind::Password }
    }

    /// Joins an address and an access token of OAuth 2, as it came from whoever issued it. When it has run out, the
    /// server refuses the login.
    pub fn with_token(address: Address, token: SecretString) -> Self {
        Self { address, secret: token, kind: LoginKind::Token }
    }

    /// Returns the address, which is the user name at the server too.
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// Returns the password, or the token if it is of [that kind](Self::kind).
    pub fn password(&self) -> &SecretString {
        &self.secret
    }

    /// Tells a password from a token.
    pub fn kind(&self) -> LoginKind {
        self.kind
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_hides_the_secret() {
        let secret = || SecretString::from("canary-5417");
        let ada: Address = "ada@agents.example".parse().unwrap();
        for login in [Login::new(ada.clone(), secret()), Login::with_token(ada, secret())] {
            assert!(format!("{login:?}").contains("ada@agents.example"));
            assert!(!format!("{login:?}").contains("canary-5417"));
        }
    }
}
