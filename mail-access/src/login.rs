//! What opens a mailbox.

use secrecy::SecretString;

use crate::Address;

/// The address of a mailbox and the password that opens it for submission and for reading.
///
/// `Debug` shows the address only.
#[derive(Clone, Debug)]
pub struct Login {
    address: Address,
    password: SecretString,
}

impl Login {
    /// Joins an address and its password.
    pub fn new(address: Address, password: SecretString) -> Self {
        Self { address, password }
    }

    /// Returns the address, which is the user name at the server too.
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// Returns the password.
    pub fn password(&self) -> &SecretString {
        &self.password
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_hides_the_password() {
        let login = Login::new("ada@agents.example".parse().unwrap(), SecretString::from("canary-5417"));
        assert!(format!("{login:?}").contains("ada@agents.example"));
        assert!(!format!("{login:?}").contains("canary-5417"));
    }
}
