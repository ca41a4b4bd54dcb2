use std::collections::BTreeSet;
use std::future::poll_fn;
use std::pin::Pin;

use async_trait::async_trait;
use futures_core::Stream as _;

use super::error::{ArchiveError, mail};
use super::writer::Writer;
use super::{Archive, Exported, MailSink, off_thread};
use crate::{
    Entry, Error, Folder, FolderName, Limit, Login, MessageStore, Messages, Position, Reason, Received,
    Selection, Uid,
};

pub(super) async fn export(
    archive: &Archive,
    store: &dyn MessageStore,
    login: &Login,
) -> Result<Exported, ArchiveError> {
    // Before anything is written: a folder that isn't there leaves no empty archive.
    let folders = wanted(store, login, &archive.only).await?;
    let (root, format) = (archive.root.clone(), archive.format);
    let mut files = Files(Some(off_thread(move || Writer::open(&root, format)).await?));
    let exported = read_folders(store, login, folders, &mut files).await?;
    if let Files(Some(writer)) = files {
        off_thread(move || writer.finish()).await?;
    }
    Ok(exported)
}

/// Reads a mailbox, or the folders named in `only`, message by message into a sink: what [`Archive::export`] does with
/// files. The mailbox is only read; what is removed from it meanwhile may be left out. In memory there is one message at
/// a time, and the list of a folder.
///
/// # Errors
/// [`ArchiveError::Mail`] if the mailbox can't be read, and whatever the sink says.
pub async fn read_mailbox(
    store: &dyn MessageStore,
    login: &Login,
    only: &[FolderName],
    sink: &mut dyn MailSink,
) -> Result<Exported, ArchiveError> {
    read_folders(store, login, wanted(store, login, only).await?, sink).await
}

/// Lists the folders to read; each of `only` has to be there.
async fn wanted(
    store: &dyn MessageStore,
    login: &Login,
    only: &[FolderName],
) -> Result<Vec<Folder>, ArchiveError> {
    let mut folders = store.folders(login).await.map_err(mail("listing folders"))?;
    folders.retain(|folder| folder.selectable && (only.is_empty() || only.contains(&folder.name)));
    for wanted in only {
        if !folders.iter().any(|folder| folder.name == *wanted) {
            // The system says it in its own words.
            store.status(login, wanted).await.map_err(mail("reading a folder"))?;
        }
    }
    Ok(folders)
}

async fn read_folders(
    store: &dyn MessageStore,
    login: &Login,
    folders: Vec<Folder>,
    sink: &mut dyn MailSink,
) -> Result<Exported, ArchiveError> {
    let mut exported = Exported::default();
    for folder in folders {
        let name = &folder.name;
        let listing =
            store.list(login, name, &Selection::After(None)).await.map_err(mail("listing messages"))?;
        let validity = listing.uid_validity;
        let known = sink.folder(&folder, validity).await?;
        exported.folders += 1;
        let mut entries = listing.entries;
        let listed = entries.len();
        entries.retain(|entry| known.binary_search(&entry.uid.get()).is_err());
        exported.present += (listed - entries.len()) as u64;
        for group in entries.chunks(GROUP) {
            let uids = group.iter().map(|entry| entry.uid).collect();
            let mut left: BTreeSet<Uid> = group.iter().map(|entry| entry.uid).collect();
            let mut messages = store.messages(login, name, &Selection::Uids(validity, uids));
            while let Some(message) = next(&mut messages).await {
                let message = message.map_err(mail("reading messages"))?;
                let Some(entry) = entry_of(group, &message) else { continue };
                left.remove(&message.uid());
                let bytes = match message.opaque() {
                    Some(Limit::Withheld) => {
                        drop(message);
                        given(store, login, name, validity, &entry).await?
                    }
                    _ => Some(whole(store, login, name, validity, &message).await?),
                };
                match bytes {
                    Some(bytes) => exported.count(sink.message(&entry, bytes).await?),
                    None => exported.leave_out(name, validity, &entry),
                }
            }
            // Those that were listed and did not come: removed meanwhile, or not as a stream wants them.
            for entry in group.iter().filter(|entry| left.contains(&entry.uid)) {
                match given(store, login, name, validity, entry).await {
                    Err(ArchiveError::Mail { source, .. })
                        if source.reason() == Some(Reason::NoSuchMessage) => {}
                    Err(error) => return Err(error),
                    Ok(Some(bytes)) => exported.count(sink.message(entry, bytes).await?),
                    Ok(None) => exported.leave_out(name, validity, entry),
                }
            }
        }
    }
    Ok(exported)
}

/// The files of an archive; `None` only while they are written to.
struct Files(Option<Writer>);

impl Files {
    async fn with<T: Send + 'static>(
        &mut self,
        work: impl FnOnce(&mut Writer) -> Result<T, ArchiveError> + Send + 'static,
    ) -> Result<T, ArchiveError> {
        let mut writer = self.0.take().expect("no call was dropped before its end");
        let (writer, done) = off_thread(move || {
            let done = work(&mut writer);
            (writer, done)
        })
        .await;
        self.0 = Some(writer);
        done
    }
}

#[async_trait]
impl MailSink for Files {
    async fn folder(&mut self, folder: &Folder, uid_validity: u32) -> Result<Vec<u32>, ArchiveError> {
        let folder = folder.clone();
        self.with(move |writer| writer.enter(&folder, uid_validity)).await
    }

    async fn message(&mut self, entry: &Entry, bytes: Vec<u8>) -> Result<bool, ArchiveError> {
        let entry = entry.clone();
        self.with(move |writer| writer.put(&entry, &bytes)).await
    }
}

impl Exported {
    fn count(&mut self, is_new: bool) {
        if is_new {
            self.added += 1;
        } else {
            self.present += 1;
        }
    }

    fn leave_out(&mut self, folder: &FolderName, uid_validity: u32, entry: &Entry) {
        self.left_out.push((folder.clone(), Position { uid_validity, uid: entry.uid.get() }));
    }
}

/// Reads a message that was not in the stream as it should; `None` if it isn't given out, whatever is asked for.
async fn given(
    store: &dyn MessageStore,
    login: &Login,
    folder: &FolderName,
    uid_validity: u32,
    entry: &Entry,
) -> Result<Option<Vec<u8>>, ArchiveError> {
    let at = Position { uid_validity, uid: entry.uid.get() };
    match pieces(store, login, folder, at).await {
        Ok(bytes) => Ok(Some(bytes).filter(|bytes| !bytes.is_empty() || entry.size == 0)),
        // It broke the protocol over this one, or refuses it for good.
        Err(ArchiveError::Mail { source: Error::Protocol { .. }, .. }) => Ok(None),
        Err(ArchiveError::Mail { source: Error::Refused { status, .. }, .. })
            if !status.is_temporary() && status.reason() != Reason::NoSuchMessage =>
        {
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

fn entry_of(entries: &[Entry], message: &Received) -> Option<Entry> {
    let at = entries.binary_search_by_key(&message.uid(), |entry| entry.uid).ok()?;
    Some(entries[at].clone())
}

/// Asks for the next message.
pub(super) async fn next(messages: &mut Messages) -> Option<Result<Received, crate::Error>> {
    poll_fn(|context| Pin::new(&mut *messages).poll_next(context)).await
}

/// Returns all bytes of a message, and reads piece by piece what the system left out as too much.
pub(super) async fn whole(
    store: &dyn MessageStore,
    login: &Login,
    folder: &FolderName,
    uid_validity: u32,
    message: &Received,
) -> Result<Vec<u8>, ArchiveError> {
    if !message.is_truncated() {
        return Ok(message.raw().to_vec());
    }
    pieces(store, login, folder, Position { uid_validity, uid: message.uid().get() }).await
}

/// Reads a message piece by piece.
pub(super) async fn pieces(
    store: &dyn MessageStore,
    login: &Login,
    folder: &FolderName,
    at: Position,
) -> Result<Vec<u8>, ArchiveError> {
    let mut bytes = Vec::new();
    loop {
        let begin = bytes.len() as u64;
        let piece = store.read(login, folder, at, begin..begin + PIECE).await;
        let piece = piece.map_err(mail("reading a large message"))?;
        bytes.extend_from_slice(&piece);
        if (piece.len() as u64) < PIECE {
            return Ok(bytes);
        }
    }
}

/// Messages that are asked for in one go.
const GROUP: usize = 1000;
/// In bytes.
const PIECE: u64 = 8 << 20;
