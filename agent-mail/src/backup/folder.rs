//! The folder of a mailbox: names, the lock, and what was left half done.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use mail_access::{Address, ArchiveError};

use super::calendar::stamp;
use crate::journal::fingerprint;
use crate::owner_only;

/// A mailbox's folder while this process alone writes in it.
#[derive(Debug)]
pub(super) struct Folder {
    path: PathBuf,
    _lock: File,
}

impl Folder {
    /// Opens the folder, or makes it, and clears away what was broken off.
    pub(super) fn enter(root: &Path, mailbox: &Address) -> Result<Self, ArchiveError> {
        let path = place(root, mailbox);
        owner_only::create_folder(&path).map_err(file(&path))?;
        let lock = owner_only::open(&path.join(".lock")).map_err(file(&path))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(ArchiveError::InUse { path }),
            Err(TryLockError::Error(source)) => return Err(file(&path)(source)),
        }
        let folder = Self { path, _lock: lock };
        folder.clear().map_err(file(&folder.path))?;
        Ok(folder)
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Removes an archive: first its manifest, so that half of it doesn't count.
    pub(super) fn remove(&self, made: SystemTime) -> Result<(), ArchiveError> {
        for path in [manifest(&self.path, made), archive(&self.path, made)] {
            match fs::remove_file(&path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(file(&path)(error)),
                _ => owner_only::sync_folder(&self.path).map_err(file(&self.path))?,
            }
        }
        Ok(())
    }

    /// Removes files that were not finished, and archives without a manifest.
    fn clear(&self) -> io::Result<()> {
        for entry in fs::read_dir(&self.path)? {
            let path = entry?.path();
            let extension = path.extension().and_then(|extension| extension.to_str());
            let is_left = match extension {
                Some("new") => true,
                Some("age") => !path.with_extension("json").exists(),
                _ => false,
            };
            if is_left {
                fs::remove_file(&path)?;
            }
        }
        Ok(())
    }
}

/// Returns where the archives of a mailbox lie, so that no address leads out of the folder and the case of letters makes
/// no other mailbox.
pub(super) fn place(root: &Path, mailbox: &Address) -> PathBuf {
    let mut name = owner_only::name_for(mailbox);
    // Longer ones can't name a folder everywhere.
    if name.len() > LONGEST {
        name = format!("{}%{}", &name[..LONGEST - 40], fingerprint(name.as_bytes()));
    }
    root.join(name)
}

pub(super) fn archive(folder: &Path, made: SystemTime) -> PathBuf {
    folder.join(format!("{}.age", stamp(made)))
}

pub(super) fn manifest(folder: &Path, made: SystemTime) -> PathBuf {
    folder.join(format!("{}.json", stamp(made)))
}

/// Names the file that an operation failed on.
pub(super) fn file(path: &Path) -> impl Fn(io::Error) -> ArchiveError {
    move |source| ArchiveError::File { path: path.to_owned(), source }
}

const LONGEST: usize = 200;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_address_leads_out_of_the_folder() {
        let name = |address: &str| place(Path::new("root"), &address.parse().unwrap());
        assert_eq!(name("Ada@agents.example"), Path::new("root/ada@agents.example"));
        assert_eq!(name("\"../a\"@agents.example"), Path::new("root/%22..%2fa%22@agents.example"));
        let long = |end: &str| name(&format!("\"{}{end}\"@{}.example", "/".repeat(60), "a".repeat(60)));
        assert_ne!(long("a"), long("b"));
        assert!(long("a").file_name().unwrap().len() <= LONGEST);
    }
}
