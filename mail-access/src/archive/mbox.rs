//! Many messages in one file: RFC 4155 with the `mboxrd` quoting, by which every line comes back as it was.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::date;
use super::digest::is_canonical;
use super::error::{ArchiveError, file};
use super::stored::{At, Stored, moment, seconds};
use crate::Flag;

/// Writes a message as it stands in the file, with the line that parts it from the next one.
///
/// Four fields come above its own, which are taken off again: how its line ends are kept, and its flags.
pub(super) fn entry(message: &[u8], flags: &[Flag], date: SystemTime) -> Vec<u8> {
    let has = |flag: Flag, letter: &'static str| if flags.contains(&flag) { letter } else { "" };
    let keywords: Vec<_> = flags
        .iter()
        .filter_map(|flag| match flag {
            Flag::Keyword(keyword) => Some(keyword.as_str()),
            _ => None,
        })
        .collect();
    let is_canonical = is_canonical(message);
    let mut entry = format!(
        "From MAILER-DAEMON {}\n{AS}: {}\nStatus: {}O\nX-Status: {}{}{}{}\nX-Keywords: {}\n",
        date::write(seconds(date)),
        if is_canonical { CRLF } else { VERBATIM },
        has(Flag::Seen, "R"),
        has(Flag::Answered, "A"),
        has(Flag::Deleted, "D"),
        has(Flag::Flagged, "F"),
        has(Flag::Draft, "T"),
        keywords.join(" "),
    )
    .into_bytes();
    entry.reserve(message.len() + message.len() / 64 + 2);
    for line in message.split_inclusive(|&byte| byte == b'\n') {
        if is_separator(unquoted(line)) {
            entry.push(b'>');
        }
        match line.strip_suffix(b"\r\n") {
            Some(line) if is_canonical => {
                entry.extend_from_slice(line);
                entry.push(b'\n');
            }
            _ => entry.extend_from_slice(line),
        }
    }
    // What ends without a line end gets one, which is taken off again.
    entry.extend_from_slice(if is_canonical { b"\n" } else { b"\n\n" });
    entry
}

/// Reads the messages of a file one after the other.
pub(super) struct Reader {
    path: PathBuf,
    file: BufReader<File>,
    /// The line that begins the next message, and where it stands.
    from: Option<Vec<u8>>,
    position: u64,
}

impl Reader {
    pub(super) fn open(path: &Path) -> Result<Self, ArchiveError> {
        let opened = File::open(path).map_err(file(path))?;
        let mut reader =
            Self { path: path.to_owned(), file: BufReader::new(opened), from: None, position: 0 };
        let first = reader.line()?;
        match first {
            Some(line) if is_separator(&line) || is_torn(&line) => reader.from = Some(line),
            Some(_) => return Err(ArchiveError::damaged(path, "it doesn't begin with a From line")),
            None => {}
        }
        Ok(reader)
    }

    pub(super) fn next(&mut self) -> Result<Option<Stored>, ArchiveError> {
        let Some(from) = self.from.take() else { return Ok(None) };
        let at = At::Offset(self.position);
        let mut position = self.position + from.len() as u64;
        let mut lines = Vec::new();
        while let Some(line) = self.line()? {
            if is_separator(&line) || (is_torn(&line) && lines.ends_with(b"\n\n")) {
                self.from = Some(line);
                break;
            }
            position += line.len() as u64;
            let is_quoted = line.starts_with(b">") && is_separator(unquoted(&line));
            lines.extend_from_slice(&line[usize::from(is_quoted)..]);
        }
        self.position = position;
        if lines.ends_with(b"\n\n") || lines == b"\n" {
            lines.pop();
        } else if lines.ends_with(b"\n\r\n") || lines == b"\r\n" {
            lines.truncate(lines.len() - 2);
        }
        let date = date::read(&from).and_then(moment);
        let (bytes, flags) = own(&lines).unwrap_or_else(|| foreign(&lines));
        Ok(Some(Stored { bytes, flags, date, at }))
    }

    fn line(&mut self) -> Result<Option<Vec<u8>>, ArchiveError> {
        let mut line = Vec::new();
        self.file.read_until(b'\n', &mut line).map_err(file(&self.path))?;
        Ok((!line.is_empty()).then_some(line))
    }
}

/// Makes every line end with CR LF.
pub(super) fn canonical(message: &[u8]) -> Vec<u8> {
    let mut canonical = Vec::with_capacity(message.len() + message.len() / 32);
    for line in message.split_inclusive(|&byte| byte == b'\n') {
        match line.strip_suffix(b"\n") {
            Some(line) if !line.ends_with(b"\r") => {
                canonical.extend_from_slice(line);
                canonical.extend_from_slice(b"\r\n");
            }
            _ => canonical.extend_from_slice(line),
        }
    }
    canonical
}

/// Reads a message that [`entry`] wrote, and takes off what it put above it.
fn own(lines: &[u8]) -> Option<(Vec<u8>, Vec<Flag>)> {
    let mut rest = lines;
    let mut values = [""; 4];
    for (value, name) in values.iter_mut().zip([AS, "Status", "X-Status", "X-Keywords"]) {
        let end = memchr::memchr(b'\n', rest)?;
        *value = str::from_utf8(&rest[..end]).ok()?.strip_prefix(name)?.strip_prefix(": ")?;
        rest = &rest[end + 1..];
    }
    let [mode, status, letters, keywords] = values;
    let message = match mode {
        CRLF => canonical(rest),
        VERBATIM => rest.strip_suffix(b"\n").unwrap_or(rest).to_vec(),
        _ => return None,
    };
    Some((message, flags(status, letters, keywords)))
}

/// Reads a message that another program wrote: its flags may stand anywhere in its header, and are taken out.
fn foreign(lines: &[u8]) -> (Vec<u8>, Vec<Flag>) {
    let (mut message, mut found) = (Vec::with_capacity(lines.len()), [const { String::new() }; 3]);
    let (mut is_header, mut is_left_out) = (true, false);
    for line in lines.split_inclusive(|&byte| byte == b'\n') {
        is_header &= !line.trim_ascii().is_empty();
        if is_header && !line.starts_with(b" ") && !line.starts_with(b"\t") {
            let text = String::from_utf8_lossy(line);
            let (name, value) = text.split_once(':').unwrap_or((&text, ""));
            let field = FIELDS.iter().position(|field| field.eq_ignore_ascii_case(name));
            is_left_out = field.is_some();
            if let Some(field) = field {
                value.trim().clone_into(&mut found[field]);
            }
        }
        if !(is_header && is_left_out) {
            message.extend_from_slice(line);
        }
    }
    let [status, letters, keywords] = &found;
    (canonical(&message), flags(status, letters, keywords))
}

fn flags(status: &str, letters: &str, keywords: &str) -> Vec<Flag> {
    let mut flags: Vec<_> =
        keywords.split_ascii_whitespace().filter_map(|word| Flag::keyword(word).ok()).collect();
    for (text, letter, flag) in [
        (status, 'R', Flag::Seen),
        (letters, 'A', Flag::Answered),
        (letters, 'D', Flag::Deleted),
        (letters, 'F', Flag::Flagged),
        (letters, 'T', Flag::Draft),
    ] {
        if text.contains(letter) {
            flags.push(flag);
        }
    }
    flags.sort_unstable();
    flags.dedup();
    flags
}

fn is_separator(line: &[u8]) -> bool {
    line.starts_with(b"From ")
}

/// Tells whether a file was cut off in the first word of a message.
fn is_torn(line: &[u8]) -> bool {
    b"From ".starts_with(line)
}

fn unquoted(line: &[u8]) -> &[u8] {
    &line[line.iter().take_while(|&&byte| byte == b'>').count()..]
}

const FIELDS: [&str; 3] = ["Status", "X-Status", "X-Keywords"];
const AS: &str = "X-Archived-As";
/// Its lines ended with CR LF, and here with LF.
const CRLF: &str = "crlf";
/// Its lines ended in another way, and are as they were.
const VERBATIM: &str = "verbatim";
