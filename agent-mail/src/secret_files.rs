//! Secrets in files of their own that only their owner can read (feature `redb`).

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use async_trait::async_trait;
use mail_access::Address;
use secrecy::{ExposeSecret, SecretString};

use crate::backend::SecretStore;
use crate::locks::Locks;
use crate::{Error, ErrorKind, owner_only};

/// Secrets in a folder of mode 0700, one file of mode 0600 for each, replaced as a whole.
///
/// What was stored survives a crash of the program or the machine. Whoever can read the folder as its owner or as root
/// can read the secrets.
#[derive(Debug)]
pub struct SecretFiles {
    folder: PathBuf,
    /// Changes of one secret come one after the other, those of dropped calls too.
    locks: Locks,
}

impl SecretFiles {
    /// Opens the folder, or makes it, and removes what a crash left half written there. It belongs to one process at a
    /// time.
    ///
    /// # Errors
    /// [`Unavailable`](ErrorKind::Unavailable) if it can't be made or its rights can't be set.
    pub fn open(folder: impl AsRef<Path>) -> Result<Self, Error> {
        let folder = folder.as_ref().to_owned();
        owner_only::create_folder(&folder).and_then(|()| remove_unfinished(&folder)).map_err(|source| {
            Error::new(ErrorKind::Unavailable, "open secrets", folder.display())
                .with_detail("the folder for secrets can't be made or protected")
                .with_fix("check the permissions of the folder above it")
                .with_source(source)
        })?;
        Ok(Self { folder, locks: Locks::default() })
    }

    async fn blocking<T: Send + 'static>(
        &self,
        operation: &'static str,
        address: &Address,
        work: impl FnOnce(&Path, &str) -> io::Result<T> + Send + 'static,
    ) -> Result<T, Error> {
        let (folder, name) = (self.folder.clone(), owner_only::name_for(address));
        let alone = self.locks.acquire(&name).await;
        // A call that is dropped goes on to its end, and later ones wait for that.
        let done = tokio::task::spawn_blocking(move || {
            let _alone = alone;
            work(&folder, &name)
        });
        let done = done.await;
        done.unwrap_or_else(|panicked| Err(io::Error::other(panicked))).map_err(|source| {
            let kind = match source.kind() {
                io::ErrorKind::InvalidData => ErrorKind::Unexpected,
                _ => ErrorKind::Unavailable,
            };
            Error::new(kind, operation, address)
                .with_detail("the folder for secrets can't be used")
                .with_fix("check the folder's permissions and the disk")
                .with_source(source)
        })
    }
}

#[async_trait]
impl SecretStore for SecretFiles {
    async fn get(&self, address: &Address) -> Result<Option<SecretString>, Error> {
        let read = |folder: &Path, name: &str| match fs::read_to_string(folder.join(name)) {
            Ok(secret) => Ok(Some(SecretString::from(secret))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        };
        self.blocking("read secret", address, read).await
    }

    async fn put(&self, address: &Address, secret: &SecretString) -> Result<(), Error> {
        let secret = secret.clone();
        let write = move |folder: &Path, name: &str| {
            let write = |file: &mut File| file.write_all(secret.expose_secret().as_bytes());
            owner_only::replace(&folder.join(name), &folder.join(unfinished()), write)
        };
        self.blocking("write secret", address, write).await
    }

    async fn remove(&self, address: &Address) -> Result<(), Error> {
        let remove = |folder: &Path, name: &str| match fs::remove_file(folder.join(name)) {
            Ok(()) => owner_only::sync_folder(folder),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(error),
        };
        self.blocking("remove secret", address, remove).await
    }
}

/// Names a file of its own for each writer, as no address is named; the last rename wins as a whole.
fn unfinished() -> String {
    format!(".{}.new", crate::backend::Claim::generate().as_str())
}

fn remove_unfinished(folder: &Path) -> io::Result<()> {
    for file in fs::read_dir(folder)? {
        let name = file?.file_name();
        if name.as_encoded_bytes().starts_with(b".") && Path::new(&name).extension() == Some("new".as_ref()) {
            fs::remove_file(folder.join(name))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_address_leads_out_of_the_folder() {
        for (address, name) in [
            ("Agent_Ada@agents.example", "agent_ada@agents.example"),
            ("\"../a\"@agents.example", "%22..%2fa%22@agents.example"),
            ("a/b@agents.example", "a%2fb@agents.example"),
        ] {
            assert_eq!(owner_only::name_for(&address.parse().unwrap()), name);
        }
    }

    #[tokio::test]
    async fn what_a_crash_left_half_written_is_removed() {
        let folder = tempfile::tempdir().unwrap();
        let ada: Address = "ada@agents.new".parse().unwrap();
        SecretFiles::open(&folder).unwrap().put(&ada, &"one".to_owned().into()).await.unwrap();
        fs::write(folder.path().join(unfinished()), "tw").unwrap();
        let secrets = SecretFiles::open(&folder).unwrap();
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 1);
        assert_eq!(secrets.get(&ada).await.unwrap().unwrap().expose_secret(), "one");
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn only_the_owner_can_read_them() {
        use std::os::unix::fs::PermissionsExt;
        let above = tempfile::tempdir().unwrap();
        let folder = above.path().join("secrets");
        let secrets = SecretFiles::open(&folder).unwrap();
        let ada: Address = "ada@agents.example".parse().unwrap();
        secrets.put(&ada, &"one".to_owned().into()).await.unwrap();
        secrets.put(&ada, &"two".to_owned().into()).await.unwrap();
        let files: Vec<_> = fs::read_dir(&folder).unwrap().map(|file| file.unwrap()).collect();
        assert_eq!(files.len(), 1, "nothing else is left behind");
        assert_eq!(files[0].metadata().unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::metadata(&folder).unwrap().permissions().mode() & 0o777, 0o700);
        assert_eq!(secrets.get(&ada).await.unwrap().unwrap().expose_secret(), "two");
    }
}
