//! What encrypted files are written and opened with: keys and passphrases of age (features `secret-file` and `backup`).

use std::fmt;
use std::io::{self, Read};

use age::stream::StreamReader;
use age::{DecryptError, Decryptor, Encryptor, Identity, Recipient, scrypt, x25519};
use secrecy::{ExposeSecret, SecretString};

use crate::{Error, ErrorKind};

/// What encrypts files, in the format of [age](https://age-encryption.org/v1): an X25519 key, or a passphrase.
///
/// A key costs nothing; a passphrase costs a second and some 256 MiB each time that a file is written or opened, which
/// is the point of it. What is written can be read with the program `age` too. `Debug` shows no secret.
///
/// ```
/// use agent_mail::EncryptionKey;
///
/// let key = EncryptionKey::generate();
/// let kept_elsewhere = key.identity().expect("it is a key and no passphrase");
/// let again = EncryptionKey::from_identity(&kept_elsewhere)?;
/// assert_eq!(again.recipient(), key.recipient());
///
/// // Who has only this half can write archives and not read them.
/// let for_writing = EncryptionKey::from_recipient(&key.recipient().expect("it is a key"))?;
/// assert!(for_writing.identity().is_none());
/// # Ok::<(), agent_mail::Error>(())
/// ```
#[derive(Clone)]
pub struct EncryptionKey(Kind);

#[derive(Clone)]
enum Kind {
    Passphrase { passphrase: SecretString, work_factor: u8 },
    Identity(x25519::Identity),
    Recipient(x25519::Recipient),
}

impl EncryptionKey {
    /// Makes a new X25519 key. What was written with it is lost if [`identity`](Self::identity) is not kept somewhere.
    pub fn generate() -> Self {
        Self(Kind::Identity(x25519::Identity::generate()))
    }

    /// Takes a passphrase that a human remembers.
    ///
    /// # Errors
    /// [`InvalidInput`](ErrorKind::InvalidInput) if it has fewer than 12 characters.
    pub fn from_passphrase(passphrase: SecretString) -> Result<Self, Error> {
        if passphrase.expose_secret().chars().count() < PASSPHRASE {
            return Err(invalid("passphrase", "it has to have at least 12 characters"));
        }
        Ok(Self(Kind::Passphrase { passphrase, work_factor: WORK_FACTOR }))
    }

    /// Reads an X25519 key as `age-keygen` writes it: `AGE-SECRET-KEY-1..`, alone or in a file with comments.
    ///
    /// # Errors
    /// [`InvalidInput`](ErrorKind::InvalidInput) if it is none, or there are several.
    pub fn from_identity(text: &SecretString) -> Result<Self, Error> {
        let lines = text.expose_secret().lines().map(str::trim);
        let mut keys = lines.filter(|line| !line.is_empty() && !line.starts_with('#'));
        let key = keys.next().and_then(|line| line.parse::<x25519::Identity>().ok());
        match (key, keys.next()) {
            (Some(key), None) => Ok(Self(Kind::Identity(key))),
            _ => Err(invalid("key", "it has to be one line AGE-SECRET-KEY-1.., as age-keygen writes it")),
        }
    }

    /// Reads the public half of an X25519 key, `age1..`: it writes files and can't open them.
    ///
    /// # Errors
    /// [`InvalidInput`](ErrorKind::InvalidInput) if it is none.
    pub fn from_recipient(text: &str) -> Result<Self, Error> {
        let recipient = text.trim().parse::<x25519::Recipient>();
        let recipient = recipient.map_err(|_| invalid("recipient", "it has to be a public key age1.."))?;
        Ok(Self(Kind::Recipient(recipient)))
    }

    /// Sets the binary logarithm of the work that a passphrase costs, 18 unless set, between 1 and 20. Less than 15 is
    /// for tests. Keys have none.
    pub fn with_work_factor(mut self, log_n: u8) -> Self {
        if let Kind::Passphrase { work_factor, .. } = &mut self.0 {
            *work_factor = log_n.clamp(1, MAX_WORK_FACTOR);
        }
        self
    }

    /// Returns the key as `age-keygen` writes it, to be kept elsewhere; `None` for a passphrase or a public half.
    pub fn identity(&self) -> Option<SecretString> {
        match &self.0 {
            Kind::Identity(identity) => Some(identity.to_string()),
            _ => None,
        }
    }

    /// Returns the public half, `age1..`; `None` for a passphrase.
    pub fn recipient(&self) -> Option<String> {
        match &self.0 {
            Kind::Passphrase { .. } => None,
            Kind::Identity(identity) => Some(identity.to_public().to_string()),
            Kind::Recipient(recipient) => Some(recipient.to_string()),
        }
    }

    /// Tells whether it opens what it writes.
    pub(crate) fn opens(&self) -> bool {
        !matches!(self.0, Kind::Recipient(_))
    }

    pub(crate) fn encryptor(&self) -> Encryptor {
        let recipient: Box<dyn Recipient> = match &self.0 {
            Kind::Passphrase { passphrase, work_factor } => {
                let mut recipient = scrypt::Recipient::new(passphrase.clone());
                recipient.set_work_factor(*work_factor);
                Box::new(recipient)
            }
            Kind::Identity(identity) => Box::new(identity.to_public()),
            Kind::Recipient(recipient) => Box::new(recipient.clone()),
        };
        Encryptor::with_recipients(std::iter::once(recipient.as_ref())).expect("there is one recipient")
    }

    pub(crate) fn open<R: Read>(&self, input: R) -> Result<StreamReader<R>, Unopened> {
        let identity: Box<dyn Identity> = match &self.0 {
            Kind::Passphrase { passphrase, .. } => {
                let mut identity = scrypt::Identity::new(passphrase.clone());
                identity.set_max_work_factor(MAX_WORK_FACTOR);
                Box::new(identity)
            }
            Kind::Identity(identity) => Box::new(identity.clone()),
            Kind::Recipient(_) => return Err(Unopened::WrongKey),
        };
        let decryptor = Decryptor::new(input).map_err(Unopened::of)?;
        decryptor.decrypt(std::iter::once(identity.as_ref())).map_err(Unopened::of)
    }
}

/// Shows the kind, and the public half where there is one.
impl fmt::Debug for EncryptionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.recipient() {
            Some(recipient) => write!(f, "EncryptionKey({recipient})"),
            None => f.write_str("EncryptionKey(passphrase)"),
        }
    }
}

/// Why a file can't be opened.
#[derive(Debug)]
pub(crate) enum Unopened {
    /// The key is another one.
    WrongKey,
    /// It is no such file, or not as it was written.
    Damaged,
    /// It can't be read.
    Failed(io::Error),
}

impl Unopened {
    fn of(error: DecryptError) -> Self {
        match error {
            DecryptError::DecryptionFailed
            | DecryptError::KeyDecryptionFailed
            | DecryptError::NoMatchingKeys => Self::WrongKey,
            DecryptError::Io(error) => Self::of_read(error),
            _ => Self::Damaged,
        }
    }

    /// Tells bytes that are wrong or missing from a disk that fails.
    pub(crate) fn of_read(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::UnexpectedEof | io::ErrorKind::InvalidData => Self::Damaged,
            _ => Self::Failed(error),
        }
    }

    pub(crate) fn into_error(self, operation: &'static str, subject: impl fmt::Display) -> Error {
        let error = |kind| Error::new(kind, operation, subject);
        match self {
            Self::WrongKey => error(ErrorKind::Unauthenticated)
                .with_detail("the key does not open it")
                .with_fix("give the key or passphrase that it was written with"),
            Self::Damaged => error(ErrorKind::Unexpected)
                .with_detail("it is torn, was tampered with, or is no encrypted file")
                .with_fix("restore it from a backup; what is left of it can't be trusted"),
            Self::Failed(source) => error(ErrorKind::Unavailable)
                .with_detail("it can't be read")
                .with_fix("check the permissions and the disk")
                .with_source(source),
        }
    }
}

fn invalid(what: &str, detail: &str) -> Error {
    Error::new(ErrorKind::InvalidInput, "read encryption", what).with_detail(detail)
}

/// Characters of the shortest passphrase.
const PASSPHRASE: usize = 12;
/// That of the program `age`.
const WORK_FACTOR: u8 = 18;
/// A file that asks for more would keep its reader busy for minutes.
const MAX_WORK_FACTOR: u8 = 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_read_as_age_keygen_writes_it() {
        let key = EncryptionKey::generate();
        let line = key.identity().unwrap();
        let file = format!("# created: today\n# public key: x\n{}\n", line.expose_secret());
        let read = EncryptionKey::from_identity(&file.into()).unwrap();
        assert_eq!(read.recipient(), key.recipient());
        for bad in ["", "# nothing", "age1canary", "AGE-SECRET-KEY-1CANARY"] {
            let error = EncryptionKey::from_identity(&bad.into()).unwrap_err();
            assert!(!format!("{error} {error:?}").to_lowercase().contains("canary"), "{error:?}");
        }
        let twice = format!("{0}\n{0}\n", line.expose_secret());
        assert!(EncryptionKey::from_identity(&twice.into()).is_err());
        assert!(EncryptionKey::from_recipient("age1x").is_err());
        assert!(EncryptionKey::from_passphrase("too short".into()).is_err());
    }

    #[test]
    fn debug_shows_no_secret() {
        let passphrase = EncryptionKey::from_passphrase("canary canary canary".into()).unwrap();
        let key = EncryptionKey::generate();
        let secret = key.identity().unwrap();
        let shown = format!("{passphrase:?} {key:?}");
        assert!(!shown.contains("canary") && !shown.contains(secret.expose_secret()), "{shown}");
    }
}
