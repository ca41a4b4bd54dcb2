use std::future::poll_fn;
use std::pin::Pin;

use futures_core::Stream as _;

use super::error::{ArchiveError, mail};
use super::writer::Writer;
use super::{Archive, Exported, off_thread};
use crate::{Entry, FolderName, Login, MessageStore, Messages, Position, Received, Selection};

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
            let mut messages = store.messages(login, &name, &Selection::Uids(validity, uids));
            while let Some(message) = next(&mut messages).await {
                let message = message.map_err(mail("reading messages"))?;
                let Some(entry) = entry_of(group, &message) else { continue };
                let bytes = whole(store, login, &name, validity, &message).await?;
                drop(message);
                let (written, put) = off_thread(move || {
                    let put = writer.put(&entry, &bytes);
                    (writer, put)
                })
                .await;
                writer = written;
                if put? {
                    exported.added += 1;
                } else {
                    exported.present += 1;
                }
            }
        }
    }
    off_thread(move || writer.finish()).await?;
    Ok(exported)
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
    let at = Position { uid_validity, uid: message.uid().get() };
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
