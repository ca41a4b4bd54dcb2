use std::collections::HashMap;
use std::fmt;
use std::sync::Mutex;

use async_trait::async_trait;
use mail_access::Address;
use secrecy::SecretString;

use super::lock;
use crate::Error;
use crate::backend::SecretStore;

/// Secrets in memory: they end with the program.
#[derive(Default)]
pub struct MemorySecrets(Mutex<HashMap<Address, SecretString>>);

impl MemorySecrets {
    pub(super) fn copy(&self) -> Self {
        Self(Mutex::new(lock(&self.0).clone()))
    }
}

#[async_trait]
impl SecretStore for MemorySecrets {
    async fn get(&self, address: &Address) -> Result<Option<SecretString>, Error> {
        Ok(lock(&self.0).get(address).cloned())
    }

    async fn put(&self, address: &Address, secret: &SecretString) -> Result<(), Error> {
        lock(&self.0).insert(address.clone(), secret.clone());
        Ok(())
    }

    async fn remove(&self, address: &Address) -> Result<(), Error> {
        lock(&self.0).remove(address);
        Ok(())
    }
}

/// Shows how many there are.
impl fmt::Debug for MemorySecrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemorySecrets").field("secrets", &lock(&self.0).len()).finish()
    }
}
