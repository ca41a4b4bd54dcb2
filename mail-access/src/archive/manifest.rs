use std::collections::HashMap;
use std::path::Path;

use super::digest::Digest;
use super::error::ArchiveError;
use super::path::{decode, encode};
use super::stored::Format;
use crate::{Flag, FolderName};

/// What an archive holds: a text of lines, to which a line is added for each message once its bytes are written.
///
/// ```text
/// mail-access archive 1 mbox
/// folder INBOX INBOX %2f 1 7
/// message 3 120 ba7816bf..15ad 1795171190 \Seen handled
/// known 9 ba7816bf..15ad
/// end
/// ```
///
/// A folder's line has the name of its file, its own name, the separator, whether it is subscribed to, and its
/// UIDVALIDITY; a message's has its UID, size, digest, date of arrival and flags. `known` gives a message that is there
/// already its UID in a new numbering. What stands before an `end` was on the disk when it was written.
#[derive(Debug)]
pub(super) struct Manifest {
    pub(super) folders: Vec<FolderRecord>,
    /// Its last line is `end`.
    pub(super) is_finished: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct FolderRecord {
    pub(super) file_name: String,
    pub(super) name: FolderName,
    pub(super) separator: Option<char>,
    pub(super) subscribed: bool,
    pub(super) uid_validity: u32,
    pub(super) messages: Vec<Record>,
    /// How many of them were on the disk at the last `end`.
    pub(super) settled: usize,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Record {
    /// 0 if it is of another numbering.
    pub(super) uid: u32,
    pub(super) size: u64,
    pub(super) digest: Digest,
    pub(super) date: i64,
    pub(super) flags: Vec<Flag>,
}

impl Manifest {
    pub(super) fn new() -> Self {
        Self { folders: Vec::new(), is_finished: false }
    }

    /// Reads one; a last line without an end was being written when the program stopped, and is left out.
    pub(super) fn parse(path: &Path, text: &str, format: Format) -> Result<Self, ArchiveError> {
        let mut manifest = Self::new();
        let mut current = None;
        let mut lines = text.split_inclusive('\n').filter_map(|line| line.strip_suffix('\n')).enumerate();
        match lines.next() {
            Some((_, line)) if line == first_line(format) => {}
            None => return Ok(manifest),
            Some(_) => {
                let problem = format!("it is no manifest of an archive as {}", format.name());
                return Err(ArchiveError::damaged(path, problem));
            }
        }
        for (number, line) in lines {
            if manifest.note(line, &mut current).is_none() {
                let problem = format!("line {} makes no sense", number + 1);
                return Err(ArchiveError::damaged(path, problem));
            }
        }
        Ok(manifest)
    }

    fn note(&mut self, line: &str, current: &mut Option<usize>) -> Option<()> {
        self.is_finished = line == END;
        if self.is_finished {
            self.folders.iter_mut().for_each(|folder| folder.settled = folder.messages.len());
            return Some(());
        }
        let (word, rest) = line.split_once(' ')?;
        match word {
            "folder" => {
                *current = Some(self.enter(FolderRecord::parse(rest)?));
            }
            "message" => self.folders.get_mut((*current)?)?.messages.push(Record::parse(rest)?),
            "known" => {
                let (uid, digest) = rest.split_once(' ')?;
                let (uid, digest) = (uid.parse().ok()?, Digest::parse(digest)?);
                let mut messages = self.folders.get_mut((*current)?)?.messages.iter_mut();
                messages.find(|message| message.uid == 0 && message.digest == digest)?.uid = uid;
            }
            _ => return None,
        }
        Some(())
    }

    /// Adds a folder, or takes over how it is now, and returns its place. The UIDs of another numbering mean nothing
    /// any more.
    pub(super) fn enter(&mut self, folder: FolderRecord) -> usize {
        let known = self.folders.iter().position(|known| known.name == folder.name);
        let Some(at) = known else {
            self.folders.push(folder);
            return self.folders.len() - 1;
        };
        let known = &mut self.folders[at];
        if known.uid_validity != folder.uid_validity {
            known.messages.iter_mut().for_each(|message| message.uid = 0);
        }
        (known.uid_validity, known.subscribed) = (folder.uid_validity, folder.subscribed);
        at
    }

    /// Writes all of it; what is settled comes first, up to the `end`.
    pub(super) fn write(&self, format: Format) -> String {
        let mut text = first_line(format) + "\n";
        for folder in &self.folders {
            text += &folder.line();
            text.extend(folder.messages[..folder.settled].iter().map(Record::line));
        }
        text += END;
        text += "\n";
        for folder in self.folders.iter().filter(|folder| folder.settled < folder.messages.len()) {
            text += &folder.line();
            text.extend(folder.messages[folder.settled..].iter().map(Record::line));
        }
        text
    }
}

impl FolderRecord {
    pub(super) fn line(&self) -> String {
        let separator = self
            .separator
            .map_or_else(|| "-".to_owned(), |separator| format!("={}", encode(&separator.to_string())));
        let (name, subscribed) = (encode(self.name.as_str()), u8::from(self.subscribed));
        format!("folder {} {name} {separator} {subscribed} {}\n", self.file_name, self.uid_validity)
    }

    fn parse(rest: &str) -> Option<Self> {
        let mut words = rest.split(' ');
        let file_name = words.next().filter(|name| is_file_name(name))?.to_owned();
        let name = decode(words.next()?)?.parse().ok()?;
        let separator = match words.next()? {
            "-" => None,
            word => decode(word.strip_prefix('=')?)?.chars().next(),
        };
        let subscribed = words.next()? == "1";
        let uid_validity = words.next()?.parse().ok()?;
        let messages = Vec::new();
        words.next().is_none().then_some(Self {
            file_name,
            name,
            separator,
            subscribed,
            uid_validity,
            messages,
            settled: 0,
        })
    }
}

impl Record {
    pub(super) fn line(&self) -> String {
        let flags: Vec<_> = self.flags.iter().map(|flag| format!(" {flag}")).collect();
        format!("message {} {} {} {}{}\n", self.uid, self.size, self.digest, self.date, flags.concat())
    }

    /// Writes that a message that is there already has this UID now.
    pub(super) fn known_line(&self) -> String {
        format!("known {} {}\n", self.uid, self.digest)
    }

    fn parse(rest: &str) -> Option<Self> {
        let mut words = rest.split(' ');
        let uid = words.next()?.parse().ok()?;
        let size = words.next()?.parse().ok()?;
        let digest = Digest::parse(words.next()?)?;
        let date = words.next()?.parse().ok()?;
        let flags = words.map(|word| word.parse().ok()).collect::<Option<_>>()?;
        Some(Self { uid, size, digest, date, flags })
    }
}

/// Finds records by their digests; of copies each is found once.
#[derive(Debug, Default)]
pub(super) struct Index(HashMap<Digest, Vec<usize>>);

impl Index {
    pub(super) fn of<'a>(records: impl DoubleEndedIterator<Item = (usize, &'a Record)>) -> Self {
        let mut index = Self::default();
        // The first one is taken out first.
        for (at, record) in records.rev() {
            index.0.entry(record.digest).or_default().push(at);
        }
        index
    }

    pub(super) fn take(&mut self, digest: Digest) -> Option<usize> {
        self.0.get_mut(&digest)?.pop()
    }

    /// Returns one that was never taken.
    pub(super) fn left(&self) -> Option<usize> {
        self.0.values().flatten().min().copied()
    }
}

fn first_line(format: Format) -> String {
    format!("mail-access archive 1 {}", format.name())
}

/// A manifest may have been written by a stranger: what it names has to be as this program names it.
fn is_file_name(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_+@=,&!%~.".contains(&byte);
    !name.is_empty() && !name.starts_with('.') && name.bytes().all(plain)
}

const END: &str = "end";
