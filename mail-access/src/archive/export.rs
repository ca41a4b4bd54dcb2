use std::collections::BTreeSet;
use std::future::poll_fn;
use std::pin::Pin;

use futures_core::Stream as _;

use super::error::{ArchiveError, mail};
use super::writer::Writer;
use super::{Archive, Exported, off_thread};
use crate::{Entry, FolderName, Login, MessageStore, Messages, Position, Reason, Received, Selection, Uid};

pub(super) async fn export(
    archive: &Archive,
    store: &dyn MessageStore,
    login: &Login,
) -> Result<Exported, ArchiveError> {
    let mut folders = store.folders(login).await.map_err(mail("listing folders"))?;
    folders.retain(|folder| folder.selectable && archive.wants(&folder.name));
    for wanted in &archive.only {
        if !folders.iter().any(|folder| folder.name == *wanted) {
            // The system says it in its own words.
            store.status(login, wanted).await.map_err(mail("reading a folder"))?;
        }
    }
    let (root, format) = (archive.root.clone(), archive.format);
    let mut writer = off_thread(move || Writer::open(&root, format)).await?;
    let mut exported = Exported::default();
    for folder in folders {
        let name = folder.name.clone();
        let listing =
            store.list(login, &name, &Selection::After(None)).await.map_err(mail("listing messages"))?;
        let validity = listing.uid_validity;
        let (entered, known) = off_thread(move || {
            let known = writer.enter(&folder, validity);
            (writer, known)
        })
        .await;
        (writer, exported.folders) = (entered, exported.folders + 1);
        let known = known?;
        let mut entries = listing.entries;
        let listed = entries.len();
        entries.retain(|entry| known.binary_search(&entry.uid.get()).is_err());
        exported.present += (listed - entries.len()) as u64;
        for group in entries.chunks(GROUP) {
            let uids = group.iter().map(|entry| entry.uid).collect();
            let mut left: BTreeSet<Uid> = group.iter().map(|entry| entry.uid).collect();
            let mut messages = store.messages(login, &name, &Selection::Uids(validity, uids));
            while let Some(message) = next(&mut messages).await {
                let message = message.map_err(mail("reading messages"))?;
                let Some(entry) = entry_of(group, &message) else { continue };
                left.remove(&message.uid());
                let bytes = whole(store, login, &name, validity, &message).await?;
                drop(message);
                writer = put(writer, entry, bytes, &mut exported).await?;
            }
            // Those that were listed and did not come: removed meanwhile, or not as a stream wants them.
            for entry in group.iter().filter(|entry| left.contains(&entry.uid)) {
                let at = Position { uid_validity: validity, uid: entry.uid.get() };
                match pieces(store, login, &name, at).await {
                    Err(ArchiveError::Mail { source, .. })
                        if source.reason() == Some(Reason::NoSuchMessage) => {}
                    Ok(bytes) if bytes.is_empty() => return Err(mail("reading messages")(not_given(entry))),
                    bytes => writer = put(writer, entry.clone(), bytes?, &mut exported).await?,
                }
            }
        }
    }
    off_thread(move || writer.finish()).await?;
    Ok(exported)
}

async fn put(
    mut writer: Writer,
    entry: Entry,
    bytes: Vec<u8>,
    exported: &mut Exported,
) -> Result<Writer, ArchiveError> {
    let (writer, is_new) = off_thread(move || {
        let is_new = writer.put(&entry, &bytes);
        (writer, is_new)
    })
    .await;
    if is_new? {
        exported.added += 1;
    } else {
        exported.present += 1;
    }
    Ok(writer)
}

fn not_given(entry: &Entry) -> crate::Error {
    let problem = format!("it lists message {} and doesn't give it out", entry.uid);
    crate::Error::Protocol { operation: "read", problem }
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
