//! A mailbox into an encrypted file, message by message.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::PathBuf;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use age::stream::StreamWriter;
use async_trait::async_trait;
use mail_access::{Address, ArchiveError, Entry, MailSink};
use sha2::{Digest, Sha256};

use super::calendar::{seconds, to_second};
use super::folder::{Folder, archive, file, manifest};
use super::lent::Lent;
use super::manifest as manifests;
use super::manifest::BackupManifest;
use super::records::{Record, VERSION, digest, hex};
use crate::EncryptionKey;

/// An archive that is being written. A call that is dropped takes it with it.
pub(super) struct Writer(Lent<Open>);

struct Open {
    /// The encrypting stream; its bytes are hashed on their way to the file.
    stream: StreamWriter<BufWriter<Hashed>>,
    folder: Folder,
    unfinished: Unfinished,
    /// What is known of it so far; hash and size of the file come last.
    manifest: BackupManifest,
}

impl Writer {
    /// Begins an archive of the mailbox, of this second or of the next one that has none yet.
    pub(super) fn begin(
        folder: Folder,
        key: &EncryptionKey,
        mailbox: &Address,
        now: SystemTime,
    ) -> Result<Self, ArchiveError> {
        let mut made = to_second(now);
        while manifest(folder.path(), made).exists() {
            made += Duration::from_secs(1);
        }
        let path = archive(folder.path(), made).with_extension("age.new");
        let output = crate::owner_only::create_new(&path).map_err(file(&path))?;
        let unfinished = Unfinished(path.clone());
        let output = BufWriter::new(Hashed { file: output, digest: Sha256::new(), bytes: 0 });
        let stream = key.encryptor().wrap_output(output).map_err(file(&path))?;
        let manifest = BackupManifest {
            mailbox: mailbox.clone(),
            made,
            folders: 0,
            messages: 0,
            bytes: 0,
            withheld: 0,
            file_bytes: 0,
            file_sha256: String::new(),
        };
        let mut open = Open { stream, folder, unfinished, manifest };
        let first = Record::Archive { version: VERSION, mailbox: mailbox.clone(), made: seconds(made) };
        open.note(&first)?;
        Ok(Self(Lent::new(open)))
    }

    /// Puts all of it on the disk, under its name, and then its manifest, which names how many messages were withheld.
    pub(super) fn finish(self, withheld: u64) -> Result<BackupManifest, ArchiveError> {
        let mut open = self.0.into_inner()?;
        let BackupManifest { folders, messages, bytes, .. } = open.manifest;
        open.note(&Record::End { folders, messages, bytes })?;
        let Open { stream, folder, unfinished, mut manifest } = open;
        manifest.withheld = withheld;
        let path = archive(folder.path(), manifest.made);
        let finish = || {
            let output = stream.finish()?.into_inner().map_err(io::IntoInnerError::into_error)?;
            output.file.sync_all()?;
            fs::rename(&unfinished.0, &path)?;
            crate::owner_only::sync_folder(folder.path())?;
            Ok((output.bytes, hex(&output.digest.finalize())))
        };
        (manifest.file_bytes, manifest.file_sha256) = finish().map_err(file(&path))?;
        manifests::write(folder.path(), &manifest)?;
        Ok(manifest)
    }
}

#[async_trait]
impl MailSink for Writer {
    async fn folder(
        &mut self,
        folder: &mail_access::Folder,
        uid_validity: u32,
    ) -> Result<Vec<u32>, ArchiveError> {
        let record = Record::Folder {
            name: folder.name.to_string(),
            separator: folder.separator,
            subscribed: folder.subscribed,
            uid_validity,
        };
        self.0
            .with(move |open| {
                open.manifest.folders += 1;
                open.note(&record)
            })
            .await?;
        Ok(Vec::new())
    }

    async fn message(&mut self, entry: &Entry, bytes: Vec<u8>) -> Result<bool, ArchiveError> {
        let (uid, date) = (entry.uid.get(), since_1970(entry.internal_date));
        let flags = entry.flags.iter().map(ToString::to_string).collect();
        self.0
            .with(move |open| {
                let size = bytes.len() as u64;
                open.manifest.messages += 1;
                open.manifest.bytes += size;
                open.note(&Record::Message { uid, size, sha256: digest(&bytes), date, flags })?;
                open.put(&bytes)?;
                open.put(b"\n")
            })
            .await?;
        Ok(true)
    }
}

impl Open {
    fn note(&mut self, record: &Record) -> Result<(), ArchiveError> {
        let mut line = serde_json::to_vec(record).expect("records are plain data");
        line.push(b'\n');
        self.put(&line)
    }

    fn put(&mut self, bytes: &[u8]) -> Result<(), ArchiveError> {
        self.stream.write_all(bytes).map_err(file(&self.unfinished.0))
    }
}

/// A file that is removed unless it got its name.
struct Unfinished(PathBuf);

impl Drop for Unfinished {
    fn drop(&mut self) {
        // If it can't be, the next backup clears it away.
        fs::remove_file(&self.0).ok();
    }
}

struct Hashed {
    file: File,
    digest: Sha256,
    bytes: u64,
}

impl Write for Hashed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes)?;
        self.digest.update(&bytes[..written]);
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

fn since_1970(moment: SystemTime) -> i64 {
    let whole = |span: Duration| i64::try_from(span.as_secs()).unwrap_or(i64::MAX);
    match moment.duration_since(UNIX_EPOCH) {
        Ok(after) => whole(after),
        Err(before) => -whole(before.duration()),
    }
}
