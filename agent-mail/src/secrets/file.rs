use std::collections::BTreeMap;
use std::fs::{self, File, TryLockError};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::{fmt, mem};

use async_trait::async_trait;
use mail_access::Address;
use secrecy::zeroize::Zeroizing;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tokio::sync::Mutex;

use crate::backend::{Claim, SecretStore};
use crate::encryption::{EncryptionKey, Unopened};
use crate::{Error, ErrorKind, owner_only};

/// All secrets in one encrypted file of mode 0600 (feature `secret-file`), in the format of age: a JSON object of
/// addresses and passwords inside.
///
/// - Nothing is ever written in the clear. A change replaces the file as a whole: a crash leaves the old one or the new
///   one.
/// - A wrong key, a torn file and one that was tampered with are errors, never a store without secrets. The file is
///   made, empty, if it is not there.
/// - It belongs to one process at a time, from [`open`](Self::open) until the store is dropped; a lock file lies beside
///   it. If somebody else replaces it meanwhile, changes are refused.
/// - Each change writes all secrets again: with a key a millisecond for some thousands, with a passphrase the time that
///   this costs.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
/// use agent_mail::backend::SecretStore;
/// use agent_mail::{EncryptionKey, SecretFile};
///
/// # let folder = std::env::temp_dir().join(format!("secret-file-{}", std::process::id()));
/// # std::fs::create_dir_all(&folder)?;
/// let key = EncryptionKey::generate();
/// let ada = "ada@agents.example".parse()?;
/// SecretFile::open(folder.join("secrets.age"), key.clone())?.put(&ada, &"a password".into()).await?;
///
/// let again = SecretFile::open(folder.join("secrets.age"), key)?;
/// assert!(again.get(&ada).await?.is_some());
/// # std::fs::remove_dir_all(&folder)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct SecretFile(Arc<Opened>);

struct Opened {
    path: PathBuf,
    key: EncryptionKey,
    kept: Arc<Mutex<Kept>>,
    /// Keeps other processes out as long as it is open.
    _lock: File,
}

struct Kept {
    secrets: BTreeMap<String, SecretString>,
    /// The SHA-256 of the file as this process has last read or written it.
    written: [u8; 32],
}

impl SecretFile {
    /// Opens the file, or makes it, and removes what a crash left half written. It blocks, with a passphrase for about
    /// a second.
    ///
    /// # Errors
    /// [`Unauthenticated`](ErrorKind::Unauthenticated) if the key does not open it; [`Unexpected`](ErrorKind::Unexpected)
    /// if it is torn, was tampered with or is another file; [`InvalidInput`](ErrorKind::InvalidInput) for the public
    /// half of a key; [`Unavailable`](ErrorKind::Unavailable) if another process has it open or it can't be used.
    pub fn open(path: impl AsRef<Path>, key: EncryptionKey) -> Result<Self, Error> {
        let path = path.as_ref().to_owned();
        if !key.opens() {
            return Err(Error::new(ErrorKind::InvalidInput, OPEN, path.display())
                .with_detail("the public half of a key can't open it again"));
        }
        let lock = lock(&path)?;
        remove_unfinished(&path).map_err(|source| unusable(OPEN, &path, source))?;
        let kept = match fs::read(&path) {
            Ok(file) => {
                restrict(&path).map_err(|source| unusable(OPEN, &path, source))?;
                let secrets = decrypt(&key, &file).map_err(|error| error.into_error(OPEN, path.display()))?;
                Kept { secrets, written: Sha256::digest(&file).into() }
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let secrets = BTreeMap::new();
                let made = encrypt(&key, &secrets).and_then(|file| replace(&path, &file).map(|()| file));
                let file = made.map_err(|source| unusable(OPEN, &path, source))?;
                Kept { secrets, written: Sha256::digest(&file).into() }
            }
            Err(source) => return Err(unusable(OPEN, &path, source)),
        };
        Ok(Self(Arc::new(Opened { path, key, kept: Arc::new(Mutex::new(kept)), _lock: lock })))
    }

    async fn change(
        &self,
        operation: &'static str,
        address: &Address,
        secret: Option<SecretString>,
    ) -> Result<(), Error> {
        let (opened, name, subject) = (self.0.clone(), name(address), address.clone());
        let mut kept = self.0.kept.clone().lock_owned().await;
        // A call that is dropped goes on to its end, and later ones wait for that.
        let work = move || opened.change(operation, &subject, &mut kept, &name, secret);
        let done = tokio::task::spawn_blocking(work).await;
        done.unwrap_or_else(|panicked| Err(unusable(operation, &self.0.path, io::Error::other(panicked))))
    }
}

#[async_trait]
impl SecretStore for SecretFile {
    async fn get(&self, address: &Address) -> Result<Option<SecretString>, Error> {
        Ok(self.0.kept.lock().await.secrets.get(&name(address)).cloned())
    }

    async fn put(&self, address: &Address, secret: &SecretString) -> Result<(), Error> {
        self.change("write secret", address, Some(secret.clone())).await
    }

    async fn remove(&self, address: &Address) -> Result<(), Error> {
        self.change("remove secret", address, None).await
    }
}

/// Shows the path.
impl fmt::Debug for SecretFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SecretFile").field("path", &self.0.path).finish_non_exhaustive()
    }
}

impl Opened {
    fn change(
        &self,
        operation: &'static str,
        address: &Address,
        kept: &mut Kept,
        name: &str,
        secret: Option<SecretString>,
    ) -> Result<(), Error> {
        let is_so = match (kept.secrets.get(name), &secret) {
            (Some(old), Some(new)) => old.expose_secret() == new.expose_secret(),
            (old, new) => old.is_none() && new.is_none(),
        };
        let file = fs::read(&self.path).map_err(|source| unusable(operation, &self.path, source))?;
        if <[u8; 32]>::from(Sha256::digest(&file)) != kept.written {
            return Err(Error::new(ErrorKind::Unexpected, operation, address)
                .with_detail("the file with the secrets is not the one that was written last")
                .with_fix("find out who replaces it, then open it again"));
        }
        if is_so {
            return Ok(());
        }
        let mut next = kept.secrets.clone();
        match secret {
            Some(secret) => mem::drop(next.insert(name.to_owned(), secret)),
            None => mem::drop(next.remove(name)),
        }
        let unusable = |source| unusable(operation, &self.path, source);
        let encrypted = encrypt(&self.key, &next).map_err(unusable)?;
        let replaced = replace(&self.path, &encrypted);
        // It may have failed with the new file in its place already.
        if replaced.is_ok() || fs::read(&self.path).is_ok_and(|file| file == encrypted) {
            *kept = Kept { secrets: next, written: Sha256::digest(&encrypted).into() };
        }
        replaced.map_err(unusable)
    }
}

#[derive(Serialize)]
struct Written<'a> {
    version: u32,
    secrets: BTreeMap<&'a str, &'a str>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    version: u32,
    secrets: BTreeMap<String, String>,
}

fn encrypt(key: &EncryptionKey, secrets: &BTreeMap<String, SecretString>) -> io::Result<Vec<u8>> {
    let secrets = secrets.iter().map(|(name, secret)| (name.as_str(), secret.expose_secret())).collect();
    let plain = Zeroizing::new(serde_json::to_vec(&Written { version: VERSION, secrets })?);
    let mut writer = key.encryptor().wrap_output(Vec::new())?;
    writer.write_all(&plain)?;
    writer.finish()
}

fn replace(path: &Path, encrypted: &[u8]) -> io::Result<()> {
    let unfinished = path.with_file_name(unfinished(path, Claim::generate().as_str()));
    owner_only::replace(path, &unfinished, |file| file.write_all(encrypted))
}

fn decrypt(key: &EncryptionKey, file: &[u8]) -> Result<BTreeMap<String, SecretString>, Unopened> {
    let mut plain = Zeroizing::new(Vec::new());
    key.open(file)?.read_to_end(&mut plain).map_err(Unopened::of_read)?;
    // The error would show what it found.
    let stored: Stored = serde_json::from_slice(&plain).map_err(|_| Unopened::Damaged)?;
    if stored.version != VERSION {
        return Err(Unopened::Damaged);
    }
    Ok(stored.secrets.into_iter().map(|(name, secret)| (name, secret.into())).collect())
}

fn lock(path: &Path) -> Result<File, Error> {
    let place = path.with_file_name(format!("{}.lock", file_name(path)));
    let lock = owner_only::open(&place).map_err(|source| unusable(OPEN, path, source))?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => Err(Error::new(ErrorKind::Unavailable, OPEN, path.display())
            .with_detail("it is open already, in this process or another")
            .with_fix("end the other program, or let the two have a file each")),
        Err(TryLockError::Error(source)) => Err(unusable(OPEN, path, source)),
    }
}

fn remove_unfinished(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    for file in fs::read_dir(folder)? {
        let file = file?;
        let name = file.file_name().to_string_lossy().into_owned();
        let begins = format!(".{}.", file_name(path));
        let claim = name.strip_prefix(&begins).and_then(|rest| rest.strip_suffix(".new"));
        if claim.is_some_and(|claim| claim.parse::<Claim>().is_ok()) {
            fs::remove_file(file.path())?;
        }
    }
    Ok(())
}

fn unfinished(path: &Path, claim: &str) -> String {
    format!(".{}.{claim}.new", file_name(path))
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// Takes the rights of others.
fn restrict(path: &Path) -> io::Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(path, fs::Permissions::from_mode(0o600))?;
    }
    let _ = path;
    Ok(())
}

/// The case of letters makes no other address, as in every other store on a disk.
fn name(address: &Address) -> String {
    address.to_string().to_ascii_lowercase()
}

fn unusable(operation: &'static str, path: &Path, source: io::Error) -> Error {
    Error::new(ErrorKind::Unavailable, operation, path.display())
        .with_detail("the file with the secrets can't be used")
        .with_fix("check the permissions of the folder, and the disk")
        .with_source(source)
}

const OPEN: &str = "open secrets";
const VERSION: u32 = 1;

#[cfg(test)]
mod tests {
    use super::*;

    fn ada() -> Address {
        "ada@agents.example".parse().unwrap()
    }

    fn keys() -> [EncryptionKey; 2] {
        let passphrase = EncryptionKey::from_passphrase("correct horse battery".into()).unwrap();
        [EncryptionKey::generate(), passphrase.with_work_factor(4)]
    }

    async fn secret(store: &SecretFile) -> Option<String> {
        store.get(&ada()).await.unwrap().map(|secret| secret.expose_secret().to_owned())
    }

    #[tokio::test]
    async fn what_was_stored_is_there_after_a_restart_and_nowhere_in_the_clear() {
        for key in keys() {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("secrets.age");
            let store = SecretFile::open(&path, key.clone()).unwrap();
            store.put(&ada(), &"canary-8815".into()).await.unwrap();
            assert!(SecretFile::open(&path, key.clone()).is_err(), "it is in use");
            drop(store);
            assert_eq!(secret(&SecretFile::open(&path, key).unwrap()).await.as_deref(), Some("canary-8815"));
            for file in fs::read_dir(&folder).unwrap() {
                let bytes = fs::read(file.unwrap().path()).unwrap();
                let shows = |text: &[u8]| bytes.windows(text.len()).any(|window| window == text);
                assert!(!shows(b"canary-8815") && !shows(b"ada@"));
            }
        }
    }

    #[tokio::test]
    async fn another_key_is_told_from_damage() {
        let mut opened = 0;
        for key in keys() {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("secrets.age");
            drop(SecretFile::open(&path, key).unwrap());
            let another = EncryptionKey::from_passphrase("another passphrase".into()).unwrap();
            for other in keys().into_iter().chain([another.with_work_factor(4)]) {
                let error = SecretFile::open(&path, other.clone()).map(drop);
                if let Err(error) = error {
                    assert_eq!(error.kind(), ErrorKind::Unauthenticated, "{error}");
                    assert!(error.fix().contains("key"));
                } else {
                    assert!(other.recipient().is_none(), "only the same passphrase opens it");
                    opened += 1;
                }
            }
        }
        assert_eq!(opened, 1);
        let public = EncryptionKey::from_recipient(&EncryptionKey::generate().recipient().unwrap()).unwrap();
        assert_eq!(SecretFile::open("never", public).unwrap_err().kind(), ErrorKind::InvalidInput);
    }

    #[tokio::test]
    async fn wherever_it_is_cut_or_changed_it_is_an_error_and_never_empty() {
        let [key, _] = keys();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secrets.age");
        SecretFile::open(&path, key.clone()).unwrap().put(&ada(), &"one".into()).await.unwrap();
        let whole = fs::read(&path).unwrap();
        let changed = (0..whole.len()).map(|at| {
            let mut bytes = whole.clone();
            bytes[at] ^= 1;
            bytes
        });
        for bytes in (0..whole.len()).map(|end| whole[..end].to_vec()).chain(changed) {
            fs::write(&path, &bytes).unwrap();
            let error = SecretFile::open(&path, key.clone()).expect_err("it is damaged");
            let known = [ErrorKind::Unexpected, ErrorKind::Unauthenticated].contains(&error.kind());
            assert!(known && !error.is_retryable(), "{error}");
        }
        fs::write(&path, &whole).unwrap();
        assert_eq!(secret(&SecretFile::open(&path, key).unwrap()).await.as_deref(), Some("one"));
    }

    #[tokio::test]
    async fn a_file_that_somebody_replaced_is_not_written_over() {
        let [key, _] = keys();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secrets.age");
        let store = SecretFile::open(&path, key).unwrap();
        store.put(&ada(), &"one".into()).await.unwrap();
        let old = fs::read(&path).unwrap();
        store.put(&ada(), &"two".into()).await.unwrap();
        fs::write(&path, &old).unwrap();
        let error = store.put(&ada(), &"three".into()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unexpected);
        assert_eq!(fs::read(&path).unwrap(), old);
        fs::remove_file(&path).unwrap();
        assert_eq!(store.remove(&ada()).await.unwrap_err().kind(), ErrorKind::Unavailable);
        assert_eq!(secret(&store).await.as_deref(), Some("two"), "what failed changed nothing");
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn only_the_owner_can_read_it_and_half_of_a_file_is_removed() {
        use std::os::unix::fs::PermissionsExt;
        let [key, _] = keys();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secrets.age");
        SecretFile::open(&path, key.clone()).unwrap().put(&ada(), &"one".into()).await.unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        let left = folder.path().join(unfinished(&path, Claim::generate().as_str()));
        fs::write(&left, "half").unwrap();
        let others = folder.path().join(".other.age.0123456789abcdef0123456789abcdef.new");
        fs::write(&others, "theirs").unwrap();
        let store = SecretFile::open(&path, key).unwrap();
        store.put(&ada(), &"two".into()).await.unwrap();
        assert!(!left.exists() && others.exists());
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }
}
