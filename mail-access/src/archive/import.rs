use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::digest::Digest;
use super::error::{ArchiveError, file, mail};
use super::export::{next, pieces, whole};
use super::manifest::{FolderRecord, Index, Record};
use super::stored::{self, At, Format, Reader};
use super::{Archive, Imported, mbox, off_thread, path, writer};
use crate::{Entry, Error, Flag, FolderName, Limit, Login, MessageStore, Position, Reason, Selection, Uid};

pub(super) async fn import(
    archive: &Archive,
    store: &dyn MessageStore,
    login: &Login,
) -> Result<Imported, ArchiveError> {
    let (root, format) = (archive.root.clone(), archive.format);
    let sources = off_thread(move || Source::all(&root, format)).await?;
    let there = store.folders(login).await.map_err(mail("listing folders"))?;
    let separator = there.iter().find_map(|folder| folder.separator);
    let mut imported = Imported::default();
    for source in sources.into_iter().filter(|source| archive.wants(&source.name)) {
        let name = source.name_for(separator)?;
        let is_there = there.iter().any(|folder| folder.name == name && folder.selectable);
        if !is_there {
            store.create_folder(login, &name).await.map_err(mail("making a folder"))?;
            if source.subscribed {
                store.subscribe(login, &name, true).await.map_err(mail("subscribing to a folder"))?;
            }
        }
        let mut present = present(store, login, &name).await?;
        let mut messages = off_thread(move || source.open()).await?;
        loop {
            let (opened, message) = off_thread(move || {
                let message = messages.next();
                (messages, message)
            })
            .await;
            messages = opened;
            let Some(Message { bytes, flags, date, at }) = message? else { break };
            // A mailbox can't hold nothing.
            if bytes.is_empty() {
                continue;
            }
            if present.take(&bytes, date) {
                imported.present += 1;
                continue;
            }
            match store.append(login, &name, &bytes, &flags, date).await {
                // No repetition helps, and the others have nothing to do with it.
                Err(Error::Invalid { .. }) if bytes.contains(&0) => imported.left_out.push(at),
                filed => {
                    filed.map_err(mail("filing a message"))?;
                    imported.added += 1;
                }
            }
        }
        imported.folders += 1;
    }
    Ok(imported)
}

/// What a folder holds that nothing of the archive was held against yet.
#[derive(Default)]
struct Present {
    contents: HashMap<Digest, u32>,
    /// Messages whose contents the system doesn't give out, by size in bytes and date of arrival in seconds.
    unread: HashMap<(u64, i64), u32>,
}

impl Present {
    fn note(&mut self, bytes: &[u8]) {
        *self.contents.entry(Digest::of_canonical(bytes)).or_default() += 1;
    }

    fn note_unread(&mut self, entry: &Entry) {
        *self.unread.entry((entry.size, stored::seconds(entry.internal_date))).or_default() += 1;
    }

    /// Takes out a message like this one, if there is any.
    fn take(&mut self, bytes: &[u8], date: Option<SystemTime>) -> bool {
        let alike = self.contents.get_mut(&Digest::of_canonical(bytes)).filter(|count| **count > 0);
        let count = alike.or_else(|| {
            let unread = self.unread.get_mut(&(bytes.len() as u64, stored::seconds(date?)));
            unread.filter(|count| **count > 0)
        });
        count.map(|count| *count -= 1).is_some()
    }
}

/// Reads what a folder holds, whether its stream gives it out or not.
async fn present(
    store: &dyn MessageStore,
    login: &Login,
    folder: &FolderName,
) -> Result<Present, ArchiveError> {
    let all = Selection::After(None);
    let listing = store.list(login, folder, &all).await.map_err(mail("listing messages"))?;
    let uid_validity = listing.uid_validity;
    let mut left: BTreeMap<Uid, Entry> =
        listing.entries.into_iter().map(|entry| (entry.uid, entry)).collect();
    let mut present = Present::default();
    let mut messages = store.messages(login, folder, &all);
    while let Some(message) = next(&mut messages).await {
        let message = message.map_err(mail("reading messages"))?;
        let entry = left.remove(&message.uid());
        match entry {
            Some(entry) if message.opaque() == Some(Limit::Withheld) => present.note_unread(&entry),
            _ => present.note(&whole(store, login, folder, uid_validity, &message).await?),
        }
    }
    for entry in left.values() {
        let at = Position { uid_validity, uid: entry.uid.get() };
        match pieces(store, login, folder, at).await {
            Err(ArchiveError::Mail { source, .. }) if source.reason() == Some(Reason::NoSuchMessage) => {}
            Err(ArchiveError::Mail { source: Error::Protocol { .. }, .. }) => present.note_unread(entry),
            Ok(bytes) if bytes.is_empty() => present.note_unread(entry),
            bytes => present.note(&bytes?),
        }
    }
    Ok(present)
}

/// A folder of an archive.
struct Source {
    name: FolderName,
    separator: Option<char>,
    subscribed: bool,
    format: Format,
    place: PathBuf,
    /// `None` where another program wrote it.
    records: Option<Vec<Record>>,
}

impl Source {
    /// Finds all folders: by the manifest, or, where there is none, by the names of the files.
    fn all(root: &Path, format: Format) -> Result<Vec<Self>, ArchiveError> {
        if let Some(manifest) = writer::manifest(root, format)? {
            let folders = manifest.folders.into_iter();
            return Ok(folders.map(|folder| Self::of_record(root, format, folder)).collect());
        }
        let mut sources = Vec::new();
        if format == Format::Maildir && root.join("cur").is_dir() {
            sources.push(Self::foreign(FolderName::inbox(), format, root.to_owned()));
        }
        for entry in fs::read_dir(root).map_err(file(root))? {
            let entry = entry.map_err(file(root))?;
            let kind = entry.file_type().map_err(file(root))?;
            let is_one = match format {
                Format::Mbox => kind.is_file(),
                Format::Maildir => kind.is_dir() && entry.path().join("cur").is_dir(),
            };
            let place = entry.file_name().to_string_lossy().into_owned();
            let name = format.file_name(&place).filter(|_| is_one).and_then(path::folder_name);
            sources.extend(name.map(|name| Self::foreign(name, format, entry.path())));
        }
        sources.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(sources)
    }

    fn of_record(root: &Path, format: Format, folder: FolderRecord) -> Self {
        let place = format.place(root, &folder.file_name);
        let FolderRecord { name, separator, subscribed, messages, .. } = folder;
        Self { name, separator, subscribed, format, place, records: Some(messages) }
    }

    fn foreign(name: FolderName, format: Format, place: PathBuf) -> Self {
        Self { name, separator: Some('/'), subscribed: true, format, place, records: None }
    }

    /// Writes its name as a system with another separator wants it.
    fn name_for(&self, separator: Option<char>) -> Result<FolderName, ArchiveError> {
        let (Some(from), Some(to)) = (self.separator, separator) else { return Ok(self.name.clone()) };
        if from == to || self.name.is_inbox() {
            return Ok(self.name.clone());
        }
        let levels: Vec<_> = self.name.as_str().split(from).map(|level| level.replace(to, "_")).collect();
        let name = levels.join(&to.to_string());
        name.parse().map_err(|_| ArchiveError::damaged(&self.place, format!("{name:?} can't name a folder")))
    }

    fn open(self) -> Result<SourceMessages, ArchiveError> {
        let reader = self.format.read(&self.place)?;
        let records = self.records.map(|records| (Index::of(records.iter().enumerate()), records));
        Ok(SourceMessages { place: self.place, reader, records })
    }
}

/// The messages of a folder of an archive, each checked before it is given out.
struct SourceMessages {
    place: PathBuf,
    reader: Reader,
    records: Option<(Index, Vec<Record>)>,
}

struct Message {
    bytes: Vec<u8>,
    flags: Vec<Flag>,
    date: Option<SystemTime>,
    /// Where it lies, in words.
    at: String,
}

impl SourceMessages {
    fn next(&mut self) -> Result<Option<Message>, ArchiveError> {
        let stored = self.reader.next().transpose()?;
        let Some((index, records)) = &mut self.records else {
            let Some(stored) = stored else { return Ok(None) };
            if let At::File(path) = &stored.at
                && stored.bytes.starts_with(ENCRYPTED)
            {
                return Err(ArchiveError::Encrypted { path: path.clone() });
            }
            let at = stored.at.shown(&self.place);
            let bytes = mbox::canonical(&stored.bytes);
            return Ok(Some(Message { bytes, flags: stored.flags, date: stored.date, at }));
        };
        let Some(stored) = stored else {
            return match index.left() {
                Some(at) => Err(writer::missing(&self.place, &records[at])),
                None => Ok(None),
            };
        };
        let Some(at) = index.take(Digest::of(&stored.bytes)) else {
            return Err(writer::unknown(&self.place, &stored.at));
        };
        let (flags, date) = writer::facts(&records[at]);
        let at = stored.at.shown(&self.place);
        Ok(Some(Message { bytes: stored.bytes, flags, date, at }))
    }
}

/// What a file of Dovecot's mail_crypt begins with.
const ENCRYPTED: &[u8] = b"CRYPTED\x03\x07";
