//! Messages out of an encrypted file, each checked before it is given out.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use age::stream::StreamReader;
use async_trait::async_trait;
use mail_access::{ArchiveError, ArchivedFolder, ArchivedMessage, MailSource};
use sha2::{Digest, Sha256};

use super::WrongKey;
use super::calendar::seconds;
use super::folder::file;
use super::lent::Lent;
use super::manifest::BackupManifest;
use super::records::{Record, VERSION, digest, hex};
use crate::EncryptionKey;
use crate::encryption::Unopened;

/// An archive that is being read.
pub(super) struct Reader(Lent<Open>);

struct Open {
    path: PathBuf,
    stream: BufReader<StreamReader<BufReader<File>>>,
    first: Record,
    /// The record that was read and belongs to the next folder.
    next: Option<Record>,
    counted: Counted,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
struct Counted {
    folders: u64,
    messages: u64,
    bytes: u64,
}

impl Reader {
    pub(super) fn open(path: &Path, key: &EncryptionKey) -> Result<Self, ArchiveError> {
        Open::new(path, key).map(|open| Self(Lent::new(open)))
    }
}

#[async_trait]
impl MailSource for Reader {
    async fn folder(&mut self) -> Result<Option<ArchivedFolder>, ArchiveError> {
        self.0.with(Open::folder).await
    }

    async fn message(&mut self) -> Result<Option<ArchivedMessage>, ArchiveError> {
        self.0.with(Open::message).await
    }
}

/// Does what [`Backups::verify`](super::Backups::verify) says.
pub(super) fn verify(
    path: &Path,
    key: &EncryptionKey,
    manifest: &BackupManifest,
) -> Result<(), ArchiveError> {
    let mut encrypted = File::open(path).map_err(file(path))?;
    let (mut hash, mut bytes, mut buffer) = (Sha256::new(), 0, vec![0; BUFFER]);
    loop {
        let read = encrypted.read(&mut buffer).map_err(file(path))?;
        if read == 0 {
            break;
        }
        hash.update(&buffer[..read]);
        bytes += read as u64;
    }
    if (bytes, hex(&hash.finalize())) != (manifest.file_bytes, manifest.file_sha256.clone()) {
        return Err(damaged(path, "its bytes are not those of the manifest"));
    }
    if !key.opens() {
        return Ok(());
    }
    let mut open = Open::new(path, key)?;
    let is_its = matches!(&open.first, Record::Archive { mailbox, made, .. }
        if *mailbox == manifest.mailbox && *made == seconds(manifest.made));
    if !is_its {
        return Err(damaged(path, "it is of another mailbox or time than its manifest says"));
    }
    while open.folder()?.is_some() {
        while open.message()?.is_some() {}
    }
    let wanted = Counted { folders: manifest.folders, messages: manifest.messages, bytes: manifest.bytes };
    if open.counted == wanted {
        Ok(())
    } else {
        Err(damaged(path, "it holds not as much as the manifest says"))
    }
}

impl Open {
    fn new(path: &Path, key: &EncryptionKey) -> Result<Self, ArchiveError> {
        let encrypted = BufReader::with_capacity(BUFFER, File::open(path).map_err(file(path))?);
        let stream = key.open(encrypted).map_err(|error| match error {
            Unopened::WrongKey => file(path)(io::Error::new(io::ErrorKind::PermissionDenied, WrongKey)),
            Unopened::Damaged => damaged(path, "it is no encrypted archive"),
            Unopened::Failed(source) => file(path)(source),
        })?;
        let stream = BufReader::with_capacity(BUFFER, stream);
        let first = Record::End { folders: 0, messages: 0, bytes: 0 };
        let counted = Counted::default();
        let mut open = Self { path: path.to_owned(), stream, first, next: None, counted };
        open.first = open.record()?;
        match open.first {
            Record::Archive { version: VERSION, .. } => Ok(open),
            _ => Err(damaged(path, "it is no archive of this version")),
        }
    }

    /// Goes on to the next folder; at the end it is made sure that nothing is missing and nothing follows.
    fn folder(&mut self) -> Result<Option<ArchivedFolder>, ArchiveError> {
        while self.message()?.is_some() {}
        let record = match self.next.take() {
            Some(record) => record,
            None => self.record()?,
        };
        match record {
            Record::Folder { name, separator, subscribed, .. } => {
                self.counted.folders += 1;
                let name = name.parse().map_err(|_| damaged(&self.path, "a folder has no legal name"))?;
                Ok(Some(ArchivedFolder { name, separator, subscribed, place: self.path.clone() }))
            }
            Record::End { folders, messages, bytes }
                if self.counted == Counted { folders, messages, bytes } =>
            {
                let mut rest = [0];
                match self.stream.read(&mut rest).map_err(|error| self.unreadable(error))? {
                    0 => {
                        self.next = Some(Record::End { folders, messages, bytes });
                        Ok(None)
                    }
                    _ => Err(damaged(&self.path, "something follows its end")),
                }
            }
            _ => Err(damaged(&self.path, "its records are out of order")),
        }
    }

    fn message(&mut self) -> Result<Option<ArchivedMessage>, ArchiveError> {
        if self.next.is_some() || self.counted.folders == 0 {
            return Ok(None);
        }
        let (size, sha256, date, flags) = match self.record()? {
            Record::Message { size, sha256, date, flags, .. } => (size, sha256, date, flags),
            other => {
                self.next = Some(other);
                return Ok(None);
            }
        };
        let mut bytes = Vec::new();
        let mut piece = (&mut self.stream).take(size.saturating_add(1));
        piece.read_to_end(&mut bytes).map_err(|error| self.unreadable(error))?;
        if bytes.pop() != Some(b'\n') || bytes.len() as u64 != size || digest(&bytes) != sha256 {
            return Err(damaged(&self.path, "a message is not as it was written"));
        }
        self.counted.messages += 1;
        self.counted.bytes += size;
        let flags = flags.iter().map(|flag| flag.parse()).collect::<Result<_, _>>();
        let flags = flags.map_err(|_| damaged(&self.path, "a message has a flag that is none"))?;
        let at = format!("{}, message {}", self.path.display(), self.counted.messages);
        Ok(Some(ArchivedMessage { bytes, flags, date: moment(date), at }))
    }

    fn record(&mut self) -> Result<Record, ArchiveError> {
        let mut line = Vec::new();
        let read = (&mut self.stream).take(LINE).read_until(b'\n', &mut line);
        read.map_err(|error| self.unreadable(error))?;
        let line = line.strip_suffix(b"\n").ok_or_else(|| damaged(&self.path, "its end is missing"))?;
        serde_json::from_slice(line).map_err(|_| damaged(&self.path, "a record makes no sense"))
    }

    fn unreadable(&self, error: io::Error) -> ArchiveError {
        match Unopened::of_read(error) {
            Unopened::Failed(source) => file(&self.path)(source),
            _ => damaged(&self.path, "it is torn or was tampered with"),
        }
    }
}

fn moment(seconds: i64) -> Option<SystemTime> {
    let span = Duration::from_secs(seconds.unsigned_abs());
    if seconds < 0 { UNIX_EPOCH.checked_sub(span) } else { UNIX_EPOCH.checked_add(span) }
}

fn damaged(path: &Path, problem: &str) -> ArchiveError {
    ArchiveError::Damaged { path: path.to_owned(), problem: problem.to_owned() }
}

/// Bytes that are read in one go.
const BUFFER: usize = 64 << 10;
/// A record that is longer is none.
const LINE: u64 = 1 << 20;
