//! A file for each message: written in `tmp`, and moved to `cur` when it is whole.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::SystemTime;
use std::vec;

use super::digest::Digest;
use super::error::{ArchiveError, file};
use super::stored::{At, Stored, moment, seconds};
use crate::{Flag, Uid};

/// Makes the directories of a folder, and throws away what was never finished.
pub(super) fn prepare(place: &Path) -> Result<(), ArchiveError> {
    for part in PARTS {
        let part = place.join(part);
        fs::create_dir_all(&part).map_err(file(&part))?;
    }
    let unfinished = place.join("tmp");
    for path in files(&unfinished)? {
        if is_own(&path) {
            fs::remove_file(&path).map_err(file(&path))?;
        }
    }
    Ok(())
}

/// Tells whether there is a Maildir.
pub(super) fn is_there(place: &Path) -> bool {
    place.join("cur").is_dir()
}

/// Files a message under a name that no other one has: of two copies one may get the UID that the other one had before
/// they were numbered anew.
pub(super) fn put(
    place: &Path,
    uid_validity: u32,
    uid: Uid,
    message: &[u8],
    flags: &[Flag],
    date: SystemTime,
) -> Result<(), ArchiveError> {
    let letters = letters(place, flags)?;
    let digest = Digest::of(message).to_string();
    let (seconds, uid, size) = (seconds(date).max(0), uid.get(), message.len());
    let digest = &digest[..SHORT_DIGEST];
    let name = format!("{seconds}.U{uid:010}V{uid_validity}H{digest}.{OWN}S={size}:2,{letters}");
    let unfinished = place.join("tmp").join(&name);
    let written = File::create(&unfinished).and_then(|mut file| {
        file.write_all(message)?;
        file.sync_data()
    });
    written.map_err(file(&unfinished))?;
    let finished = place.join("cur").join(&name);
    fs::rename(&unfinished, &finished).map_err(file(&finished))
}

/// Tells whether a file was written by [`put`].
pub(super) fn is_own(path: &Path) -> bool {
    path.file_name().and_then(|name| name.to_str()).is_some_and(|name| name.contains(OWN))
}

/// Reads the messages of a folder, in the order of their UIDs or else by the time in their names.
pub(super) struct Reader {
    files: vec::IntoIter<PathBuf>,
    keywords: Vec<String>,
}

impl Reader {
    pub(super) fn open(place: &Path) -> Result<Self, ArchiveError> {
        let mut files: Vec<_> =
            files(&place.join("new"))?.into_iter().chain(files(&place.join("cur"))?).collect();
        files.sort_by_cached_key(|path| {
            let name = name(path);
            (uid(&name), seconds_of(&name).unwrap_or(i64::MAX), name)
        });
        Ok(Self { files: files.into_iter(), keywords: read_keywords(place)? })
    }

    pub(super) fn next(&mut self) -> Result<Option<Stored>, ArchiveError> {
        let Some(path) = self.files.next() else { return Ok(None) };
        let bytes = fs::read(&path).map_err(file(&path))?;
        let name = name(&path);
        let letters = name.rsplit_once(":2,").map_or("", |(_, letters)| letters);
        let modified = || fs::metadata(&path).and_then(|metadata| metadata.modified()).ok();
        let date = seconds_of(&name).and_then(moment).or_else(modified);
        Ok(Some(Stored { bytes, flags: self.flags(letters), date, at: At::File(path) }))
    }

    fn flags(&self, letters: &str) -> Vec<Flag> {
        let mut flags: Vec<_> = letters
            .bytes()
            .filter_map(|letter| match letter {
                b'D' => Some(Flag::Draft),
                b'F' => Some(Flag::Flagged),
                b'P' => Flag::keyword("$Forwarded").ok(),
                b'R' => Some(Flag::Answered),
                b'S' => Some(Flag::Seen),
                b'T' => Some(Flag::Deleted),
                b'a'..=b'z' => Flag::keyword(self.keywords.get(usize::from(letter - b'a'))?).ok(),
                _ => None,
            })
            .collect();
        flags.sort_unstable();
        flags.dedup();
        flags
    }
}

/// Writes flags as letters, in their order; of more keywords than there are letters the rest stands in the manifest
/// only.
fn letters(place: &Path, flags: &[Flag]) -> Result<String, ArchiveError> {
    let mut keywords = read_keywords(place)?;
    let known = keywords.len();
    let mut letters = Vec::new();
    for flag in flags {
        let letter = match flag {
            Flag::Draft => Some(b'D'),
            Flag::Flagged => Some(b'F'),
            Flag::Answered => Some(b'R'),
            Flag::Seen => Some(b'S'),
            Flag::Deleted => Some(b'T'),
            Flag::Keyword(keyword) => {
                let keyword = keyword.as_str();
                let at = keywords.iter().position(|known| known == keyword).unwrap_or_else(|| {
                    keywords.push(keyword.to_owned());
                    keywords.len() - 1
                });
                keywords.truncate(MAX_KEYWORDS);
                u8::try_from(at).ok().filter(|at| usize::from(*at) < MAX_KEYWORDS).map(|at| b'a' + at)
            }
        };
        letters.extend(letter);
    }
    if keywords.len() > known {
        write_keywords(place, &keywords)?;
    }
    letters.sort_unstable();
    Ok(letters.into_iter().map(char::from).collect())
}

/// Reads which letters mean what: lines such as `0 $forwarded`.
fn read_keywords(place: &Path) -> Result<Vec<String>, ArchiveError> {
    let path = place.join(KEYWORDS);
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
        Err(error) => return Err(file(&path)(error)),
    };
    let mut keywords = Vec::new();
    for (number, keyword) in text.lines().filter_map(|line| line.split_once(' ')) {
        let Ok(number) = number.parse::<usize>() else { continue };
        if number < MAX_KEYWORDS {
            keywords.resize(keywords.len().max(number + 1), String::new());
            keyword.clone_into(&mut keywords[number]);
        }
    }
    Ok(keywords)
}

fn write_keywords(place: &Path, keywords: &[String]) -> Result<(), ArchiveError> {
    let numbered = keywords.iter().enumerate();
    let lines: Vec<_> = numbered.map(|(number, keyword)| format!("{number} {keyword}\n")).collect();
    let (path, next) = (place.join(KEYWORDS), place.join("dovecot-keywords.next"));
    super::writer::write(&next, &lines.concat())?;
    fs::rename(&next, &path).map_err(file(&path))
}

/// Lists the files of a directory that mean something in a Maildir; none if it isn't there.
fn files(directory: &Path) -> Result<Vec<PathBuf>, ArchiveError> {
    let entries = match fs::read_dir(directory) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(file(directory)(error)),
    };
    let mut files = Vec::new();
    for entry in entries {
        let entry = entry.map_err(file(directory))?;
        // A link could lead out of the archive.
        let is_file = entry.file_type().map_err(file(directory))?.is_file();
        if is_file && !name(&entry.path()).starts_with('.') {
            files.push(entry.path());
        }
    }
    Ok(files)
}

fn name(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

fn seconds_of(name: &str) -> Option<i64> {
    name.split('.').next()?.parse().ok()
}

/// Reads the UID out of a name of our own; all others come behind.
fn uid(name: &str) -> u32 {
    let uid = name.split('.').nth(1).and_then(|part| part.strip_prefix('U')?.split_once('V')?.0.parse().ok());
    uid.unwrap_or(u32::MAX)
}

const PARTS: [&str; 3] = ["tmp", "new", "cur"];
const KEYWORDS: &str = "dovecot-keywords";
const MAX_KEYWORDS: usize = 26;
const SHORT_DIGEST: usize = 16;
const OWN: &str = "archive,";
