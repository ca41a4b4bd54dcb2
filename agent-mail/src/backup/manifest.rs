use std::fmt;
use std::fs;
use std::io;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use mail_access::{Address, ArchiveError};
use serde::{Deserialize, Serialize};

use super::calendar::{seconds, stamp};
use super::folder::{archive, file, manifest};
use crate::owner_only;

/// What an archive holds, as it was when it was made. It stands beside the archive, in the clear: counts and hashes, no
/// names of folders, no subjects.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct BackupManifest {
    /// Whose mailbox it is.
    pub mailbox: Address,
    /// When it was begun, to the second.
    pub made: SystemTime,
    /// Folders.
    pub folders: u64,
    /// Messages.
    pub messages: u64,
    /// Bytes of the messages.
    pub bytes: u64,
    /// Messages that the mail system listed and did not give out: they are not in the archive.
    pub withheld: u64,
    /// Bytes of the encrypted file.
    pub file_bytes: u64,
    /// The SHA-256 of the encrypted file, in hex.
    pub file_sha256: String,
}

/// Names mailbox and time.
impl fmt::Display for BackupManifest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {}", self.mailbox, stamp(self.made))
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    version: u32,
    mailbox: Address,
    /// Seconds since 1970.
    made: u64,
    folders: u64,
    messages: u64,
    bytes: u64,
    #[serde(default)]
    withheld: u64,
    file_bytes: u64,
    file_sha256: String,
}

/// Writes the manifest beside its archive, which counts from then on.
pub(super) fn write(folder: &Path, archive: &BackupManifest) -> Result<(), ArchiveError> {
    let stored = Stored {
        version: VERSION,
        mailbox: archive.mailbox.clone(),
        made: seconds(archive.made),
        folders: archive.folders,
        messages: archive.messages,
        bytes: archive.bytes,
        withheld: archive.withheld,
        file_bytes: archive.file_bytes,
        file_sha256: archive.file_sha256.clone(),
    };
    let path = manifest(folder, archive.made);
    let unfinished = path.with_extension("json.new");
    let written =
        owner_only::replace(&path, &unfinished, |file| Ok(serde_json::to_writer_pretty(file, &stored)?));
    written.map_err(file(&path))
}

/// Returns the archives of a mailbox's folder, the oldest first; none if there is no such folder. What is not whole is left
/// out.
pub(super) fn list(folder: &Path) -> Result<Vec<BackupManifest>, ArchiveError> {
    let mut found = Vec::new();
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(found),
        entries => entries.map_err(file(folder))?,
    };
    for entry in entries {
        let path = entry.map_err(file(folder))?.path();
        if path.extension().is_none_or(|extension| extension != "json") {
            continue;
        }
        let bytes = match fs::read(&path) {
            // Somebody has pruned it just now.
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            bytes => bytes.map_err(file(&path))?,
        };
        let archive = parse(&bytes).filter(|read| is_whole(folder, &path, read));
        if archive.is_none() {
            tracing::warn!(path = %path.display(), "a backup is not whole and doesn't count");
        }
        found.extend(archive);
    }
    found.sort_by_key(|archive| archive.made);
    Ok(found)
}

/// Returns the archives of all mailboxes.
pub(super) fn list_all(root: &Path) -> Result<Vec<BackupManifest>, ArchiveError> {
    let mut found = Vec::new();
    for entry in fs::read_dir(root).map_err(file(root))? {
        let entry = entry.map_err(file(root))?;
        if entry.file_type().map_err(file(root))?.is_dir() {
            found.extend(list(&entry.path())?);
        }
    }
    Ok(found)
}

fn parse(bytes: &[u8]) -> Option<BackupManifest> {
    let stored: Stored = serde_json::from_slice(bytes).ok()?;
    (stored.version == VERSION).then_some(BackupManifest {
        mailbox: stored.mailbox,
        made: UNIX_EPOCH.checked_add(Duration::from_secs(stored.made))?,
        folders: stored.folders,
        messages: stored.messages,
        bytes: stored.bytes,
        withheld: stored.withheld,
        file_bytes: stored.file_bytes,
        file_sha256: stored.file_sha256,
    })
}

fn is_whole(folder: &Path, path: &Path, read: &BackupManifest) -> bool {
    let size = fs::metadata(archive(folder, read.made)).map(|metadata| metadata.len());
    path == manifest(folder, read.made) && size.is_ok_and(|size| size == read.file_bytes)
}

const VERSION: u32 = 1;
