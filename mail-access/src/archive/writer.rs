use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::digest::Digest;
use super::error::{ArchiveError, file};
use super::manifest::{FolderRecord, Index, Manifest, Record};
use super::stored::{At, Format, moment, seconds};
use super::{Verified, maildir, mbox, path};
use crate::{Entry, Flag, Folder};

/// Adds messages to an archive: first their bytes, then their line in the manifest.
pub(super) struct Writer {
    root: PathBuf,
    format: Format,
    manifest: Manifest,
    lines: File,
    folder: Option<Open>,
    /// Keeps other exports out as long as it is open.
    _lock: File,
}

/// The folder that is being written.
struct Open {
    at: usize,
    /// The file of an mbox.
    mbox: Option<File>,
    /// Messages of an earlier numbering, which may come again under another UID.
    unnumbered: Index,
}

impl Writer {
    /// Begins an archive, or goes on with one: what an interrupted export left behind is thrown away.
    pub(super) fn open(root: &Path, format: Format) -> Result<Self, ArchiveError> {
        fs::create_dir_all(root).map_err(file(root))?;
        let lock = lock(root)?;
        let (finished, partial) = (root.join(MANIFEST), root.join(PARTIAL));
        if finished.exists() {
            fs::rename(&finished, &partial).map_err(file(&finished))?;
        }
        let mut manifest = match fs::read_to_string(&partial) {
            Ok(text) => Manifest::parse(&partial, &text, format)?,
            Err(error) if error.kind() == ErrorKind::NotFound => Manifest::new(),
            Err(error) => return Err(file(&partial)(error)),
        };
        for folder in &mut manifest.folders {
            let place = format.place(root, &folder.file_name);
            restore(&place, format, folder)?;
        }
        let next = root.join("manifest.next");
        write(&next, &manifest.write(format))?;
        fs::rename(&next, &partial).map_err(file(&partial))?;
        let lines = OpenOptions::new().append(true).open(&partial).map_err(file(&partial))?;
        Ok(Self { root: root.to_owned(), format, manifest, lines, folder: None, _lock: lock })
    }

    /// Goes on with a folder, and returns the UIDs of those messages that are there, sorted.
    pub(super) fn enter(&mut self, folder: &Folder, uid_validity: u32) -> Result<Vec<u32>, ArchiveError> {
        self.settle()?;
        let known = self.manifest.folders.iter().find(|known| known.name == folder.name);
        let is_new = known.is_none();
        let file_name = known.map_or_else(|| self.free_name(folder), |known| known.file_name.clone());
        let record = FolderRecord {
            file_name,
            name: folder.name.clone(),
            separator: folder.separator,
            subscribed: folder.subscribed,
            uid_validity,
            messages: Vec::new(),
            settled: 0,
        };
        let place = self.format.place(&self.root, &record.file_name);
        // Through a link it would be written elsewhere.
        let is_link = place != self.root && place.is_symlink();
        if is_new && (is_link || is_there(&place, self.format)) {
            return Err(ArchiveError::damaged(&place, "it is there already and in no manifest"));
        }
        self.note(&record.line())?;
        if is_new {
            // A file that no manifest tells of is taken for a stranger's.
            self.lines.sync_data().map_err(file(&self.root.join(PARTIAL)))?;
        }
        let at = self.manifest.enter(record);
        let mbox = match self.format {
            Format::Mbox => {
                Some(OpenOptions::new().create(true).append(true).open(&place).map_err(file(&place))?)
            }
            Format::Maildir => maildir::prepare(&place).map(|()| None)?,
        };
        let messages = &self.manifest.folders[at].messages;
        let unnumbered = Index::of(messages.iter().enumerate().filter(|(_, message)| message.uid == 0));
        let mut uids: Vec<_> = messages.iter().map(|message| message.uid).filter(|&uid| uid > 0).collect();
        uids.sort_unstable();
        self.folder = Some(Open { at, mbox, unnumbered });
        Ok(uids)
    }

    /// Adds a message to the folder that was entered, and tells whether it was new.
    pub(super) fn put(&mut self, entry: &Entry, message: &[u8]) -> Result<bool, ArchiveError> {
        let Some(open) = &mut self.folder else { return Ok(false) };
        let folder = &mut self.manifest.folders[open.at];
        let (uid, digest) = (entry.uid, Digest::of(message));
        if let Some(at) = open.unnumbered.take(digest) {
            folder.messages[at].uid = uid.get();
            let line = folder.messages[at].known_line();
            self.note(&line)?;
            return Ok(false);
        }
        let date = seconds(entry.internal_date);
        let place = self.format.place(&self.root, &folder.file_name);
        match &mut open.mbox {
            Some(mbox) => {
                let bytes = mbox::entry(message, &entry.flags, entry.internal_date);
                mbox.write_all(&bytes).map_err(file(&place))?;
            }
            None => {
                maildir::put(&place, folder.uid_validity, uid, message, &entry.flags, entry.internal_date)?;
            }
        }
        let flags = entry.flags.clone();
        let record = Record { uid: uid.get(), size: message.len() as u64, digest, date, flags };
        let line = record.line();
        folder.messages.push(record);
        self.note(&line)?;
        Ok(true)
    }

    /// Makes sure that all of it is on the disk, and that the archive shows itself as finished.
    pub(super) fn finish(mut self) -> Result<(), ArchiveError> {
        self.settle()?;
        self.note("end\n")?;
        let (finished, partial) = (self.root.join(MANIFEST), self.root.join(PARTIAL));
        self.lines.sync_all().map_err(file(&partial))?;
        fs::rename(&partial, &finished).map_err(file(&finished))?;
        sync_directory(&self.root);
        Ok(())
    }

    /// Puts the bytes of the folder that was entered last on the disk.
    fn settle(&mut self) -> Result<(), ArchiveError> {
        let Some(Open { at, mbox, .. }) = self.folder.take() else { return Ok(()) };
        let place = self.format.place(&self.root, &self.manifest.folders[at].file_name);
        if let Some(mbox) = mbox {
            return mbox.sync_all().map_err(file(&place));
        }
        sync_directory(&place.join("cur"));
        sync_directory(&place);
        Ok(())
    }

    fn note(&mut self, line: &str) -> Result<(), ArchiveError> {
        self.lines.write_all(line.as_bytes()).map_err(file(&self.root.join(PARTIAL)))
    }

    /// Names a folder's file so that no other one has the name, not even where case makes no difference.
    fn free_name(&self, folder: &Folder) -> String {
        let name = path::file_name(&folder.name, folder.separator);
        let is_taken = self.manifest.folders.iter().any(|known| known.file_name.eq_ignore_ascii_case(&name));
        if is_taken { path::distinct(&name, &folder.name) } else { name }
    }
}

/// Reads the manifest of a finished archive; `None` where there is none at all.
pub(super) fn manifest(root: &Path, format: Format) -> Result<Option<Manifest>, ArchiveError> {
    let path = root.join(MANIFEST);
    match fs::read_to_string(&path) {
        Ok(text) => {
            let manifest = Manifest::parse(&path, &text, format)?;
            if !manifest.is_finished || !text.ends_with('\n') {
                return Err(ArchiveError::damaged(&path, "its end is missing"));
            }
            Ok(Some(manifest))
        }
        Err(error) if error.kind() == ErrorKind::NotFound && root.join(PARTIAL).exists() => {
            Err(ArchiveError::Unfinished { path: root.to_owned() })
        }
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(file(&path)(error)),
    }
}

/// Does what [`Archive::verify`](super::Archive::verify) says.
pub(super) fn verify(root: &Path, format: Format) -> Result<Verified, ArchiveError> {
    let Some(manifest) = manifest(root, format)? else {
        return Err(file(&root.join(MANIFEST))(ErrorKind::NotFound.into()));
    };
    let mut verified = Verified::default();
    for folder in &manifest.folders {
        let place = format.place(root, &folder.file_name);
        let mut index = Index::of(folder.messages.iter().enumerate());
        for stored in format.read(&place)? {
            let stored = stored?;
            if index.take(Digest::of(&stored.bytes)).is_none() {
                return Err(unknown(&place, &stored.at));
            }
            verified.messages += 1;
            verified.bytes += stored.bytes.len() as u64;
        }
        if let Some(at) = index.left() {
            return Err(missing(&place, &folder.messages[at]));
        }
        verified.folders += 1;
    }
    Ok(verified)
}

/// Throws away what stands behind the manifest's last line for a folder, and the lines for what never got to the disk.
/// Where something is wrong that was on the disk once, nothing is thrown away.
fn restore(place: &Path, format: Format, folder: &mut FolderRecord) -> Result<(), ArchiveError> {
    if folder.settled == 0 && !is_there(place, format) {
        folder.messages.clear();
        return Ok(());
    }
    let mut index = Index::of(folder.messages.iter().enumerate());
    let (mut there, mut surplus) = (vec![false; folder.messages.len()], Vec::new());
    for stored in format.read(place)? {
        let stored = stored?;
        match (index.take(Digest::of(&stored.bytes)), stored.at) {
            // An mbox is written from its beginning to its end.
            (Some(at), _) if format == Format::Maildir || surplus.is_empty() => there[at] = true,
            (_, at) => surplus.push(at),
        }
    }
    if let Some(at) = there[..folder.settled].iter().position(|there| !there) {
        return Err(missing(place, &folder.messages[at]));
    }
    for at in surplus {
        match at {
            At::Offset(offset) => {
                let mbox = OpenOptions::new().write(true).open(place).map_err(file(place))?;
                return mbox.set_len(offset).map_err(file(place)).map(|()| keep(folder, &there));
            }
            At::File(path) if maildir::is_own(&path) => fs::remove_file(&path).map_err(file(&path))?,
            At::File(path) => return Err(unknown(place, &At::File(path))),
        }
    }
    keep(folder, &there);
    Ok(())
}

fn keep(folder: &mut FolderRecord, there: &[bool]) {
    let mut there = there.iter();
    folder.messages.retain(|_| there.next().is_some_and(|there| *there));
}

fn is_there(place: &Path, format: Format) -> bool {
    match format {
        Format::Mbox => place.exists(),
        Format::Maildir => maildir::is_there(place),
    }
}

pub(super) fn missing(place: &Path, record: &Record) -> ArchiveError {
    let Record { uid, size, digest, .. } = record;
    ArchiveError::damaged(
        place,
        format!("the message {uid} of {size} bytes is missing or changed ({digest})"),
    )
}

pub(super) fn unknown(place: &Path, at: &At) -> ArchiveError {
    match at {
        At::Offset(offset) => {
            ArchiveError::damaged(place, format!("the message at byte {offset} is not in the manifest"))
        }
        At::File(path) => ArchiveError::damaged(path, "it is not in the manifest"),
    }
}

/// Returns what a record says that the files may not: they have fewer letters, and another precision.
pub(super) fn facts(record: &Record) -> (Vec<Flag>, Option<SystemTime>) {
    (record.flags.clone(), moment(record.date))
}

fn lock(root: &Path) -> Result<File, ArchiveError> {
    let path = root.join("manifest.lock");
    let lock =
        OpenOptions::new().create(true).truncate(false).write(true).open(&path).map_err(file(&path))?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => Err(ArchiveError::InUse { path: root.to_owned() }),
        Err(TryLockError::Error(error)) => Err(file(&path)(error)),
    }
}

/// Writes a file whose bytes are on the disk before another one is replaced by it.
pub(super) fn write(path: &Path, text: &str) -> Result<(), ArchiveError> {
    let written = File::create(path).and_then(|mut file| {
        file.write_all(text.as_bytes())?;
        file.sync_data()
    });
    written.map_err(file(path))
}

/// Not every system lets a directory be opened; the files are on the disk in any case.
fn sync_directory(directory: &Path) {
    if let Ok(directory) = File::open(directory) {
        let _ = directory.sync_all();
    }
}

const MANIFEST: &str = "manifest";
const PARTIAL: &str = "manifest.partial";
