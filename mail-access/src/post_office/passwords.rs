//! The passwords that open a mailbox.

use secrecy::SecretString;

use super::{PostOffice, PostOfficeError};
use crate::Address;

impl PostOffice {
    /// Changes the password. Waits with the old one end with [`Error::Authentication`](crate::Error::Authentication).
    ///
    /// # Errors
    /// [`PostOfficeError::UnknownMailbox`].
    pub fn set_password(&self, address: &Address, password: SecretString) -> Result<(), PostOfficeError> {
        self.state().mailbox(address)?.set_password(password);
        Ok(())
    }

    /// Lets a further password open the mailbox, beside all others, as Mailcow's app passwords do; one of the same name
    /// is replaced.
    ///
    /// # Errors
    /// [`PostOfficeError::UnknownMailbox`].
    pub fn set_app_password(
        &self,
        address: &Address,
        name: &str,
        password: SecretString,
    ) -> Result<(), PostOfficeError> {
        self.state().mailbox(address)?.set_app_password(name, password);
        Ok(())
    }

    /// Takes a further password away, if there is one of this name. Waits with it end with
    /// [`Error::Authentication`](crate::Error::Authentication).
    ///
    /// # Errors
    /// [`PostOfficeError::UnknownMailbox`].
    pub fn remove_app_password(&self, address: &Address, name: &str) -> Result<(), PostOfficeError> {
        self.state().mailbox(address)?.remove_app_password(name);
        Ok(())
    }

    /// Returns the names of the further passwords, the oldest first.
    ///
    /// # Errors
    /// [`PostOfficeError::UnknownMailbox`].
    pub fn app_passwords(&self, address: &Address) -> Result<Vec<String>, PostOfficeError> {
        Ok(self.state().mailbox(address)?.app_passwords().map(str::to_owned).collect())
    }
}
