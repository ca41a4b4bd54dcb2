//! Looks over a stranger's bytes in one linear pass, before the parser sees them.
//!
//! The parser's own work and memory can grow far beyond the message, and it can overflow the stack. What is counted
//! here bounds both: it may be more than the parser will find, never less.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::LazyLock;

use memchr::memmem::Finder;
use memchr::{memchr, memchr_iter};

use super::block::{Block, named_fields};
use super::boundaries::Boundaries;
use super::{Limit, Limits};

/// What was seen.
pub(super) struct Seen<'a> {
    /// The bytes that the parser may see.
    pub(super) bytes: Cow<'a, [u8]>,
    /// Where what may be files in Base64 stands among them, up to the line end before a delimiter.
    pub(super) files: Vec<Range<usize>>,
}

/// Gives the bytes that the parser may see.
///
/// Encodings of parts that may be messages are blanked: the parser decodes such a part and then recurses through all
/// that is nested in it, until the stack overflows. RFC 2046 section 5.2.1 allows no encoding there; such a part stays
/// readable as it came.
pub(super) fn survey<'a>(raw: &'a [u8], limits: &Limits) -> Result<Seen<'a>, Limit> {
    if raw.len() > limits.size() {
        return Err(Limit::Size);
    }
    let mut survey = Survey::new(raw, *limits);
    let mut start = 0;
    while start < raw.len() {
        if !survey.in_header {
            start = survey.past_idle_lines(start);
        }
        let end = memchr(b'\n', &raw[start..]).map_or(raw.len(), |at| start + at + 1);
        if start < end {
            survey.read(start..end)?;
        }
        start = end;
    }
    survey.end()
}

struct Survey<'a> {
    raw: &'a [u8],
    limits: Limits,
    cleaned: Cow<'a, [u8]>,
    files: Vec<Range<usize>>,
    /// Where the present body begins, if it may be a file in Base64.
    file: Option<usize>,
    block: Block,
    boundaries: Boundaries,
    /// Where the next `--` begins, the end of the bytes if there is none.
    dashes: usize,
    in_header: bool,
    /// Bytes of the current header and of its last field.
    header: usize,
    field: usize,
    parameters: usize,
    /// Bytes, fields, and items in them, of all headers.
    all_headers: usize,
    fields: usize,
    items: usize,
    /// Lines that may begin a part.
    delimiters: usize,
    messages: usize,
    in_digest: bool,
    /// The delimiter of a digest stood before this header.
    is_digest_part: bool,
}

impl<'a> Survey<'a> {
    fn new(raw: &'a [u8], limits: Limits) -> Self {
        Self {
            raw,
            limits,
            cleaned: Cow::Borrowed(raw),
            files: Vec::new(),
            file: None,
            block: Block::default(),
            boundaries: Boundaries::new(raw.len()),
            dashes: next_dashes(raw, 0),
            in_header: true,
            header: 0,
            field: 0,
            parameters: 0,
            all_headers: 0,
            fields: 0,
            items: 0,
            delimiters: 0,
            messages: 0,
            in_digest: false,
            is_digest_part: false,
        }
    }

    /// Passes over lines of a body that are no field, no fold and not blank, and hold no `--`: nearly all lines are
    /// such. Tells where the first line begins that has to be read.
    fn past_idle_lines(&mut self, start: usize) -> usize {
        if self.dashes < start {
            self.dashes = next_dashes(self.raw, start);
        }
        let lines = &self.raw[start..self.dashes];
        let is_idle = |at: usize| lines.get(at).is_some_and(|first| IDLE[usize::from(*first)]);
        if !is_idle(0) {
            return start;
        }
        self.block.end_field();
        let mut begin = 0;
        for end in memchr_iter(b'\n', lines) {
            begin = end + 1;
            if !is_idle(begin) {
                break;
            }
        }
        start + begin
    }

    fn read(&mut self, line: Range<usize>) -> Result<(), Limit> {
        let text = &self.raw[line.clone()];
        let first = text[0];
        if first.is_ascii_whitespace() && text.trim_ascii().is_empty() {
            return self.end_block(line.end);
        }
        let folded = matches!(first, b' ' | b'\t');
        if folded {
            self.block.fold(text, &line);
        } else {
            self.block.end_field();
        }
        if self.dashes < line.start {
            self.dashes = next_dashes(self.raw, line.start);
        }
        let has_dashes = self.dashes < line.end;
        let delimiter =
            if has_dashes { self.boundaries.delimiter(&text[self.dashes - line.start..])? } else { None };
        if delimiter.is_some() || !IDLE[usize::from(first)] {
            let mut found = 0;
            named_fields(text, delimiter.is_some(), |field, value| {
                found += 1;
                if found <= MAX_FIELDS_OF_LINE {
                    self.block.begin(field, &text[value..], line.start + value);
                }
            });
            if found > MAX_FIELDS_OF_LINE {
                return Err(Limit::Fields);
            }
        }
        if self.in_header {
            self.count(text, folded)?;
        }
        if let Some(delimiter) = delimiter {
            self.end_file(line.start);
            self.delimiters += 1;
            // A closing delimiter counts as well.
            if self.delimiters > self.limits.parts().saturating_mul(2) {
                return Err(Limit::Parts);
            }
            (self.in_header, self.is_digest_part) = (true, delimiter.is_digest && self.in_digest);
            (self.header, self.field, self.parameters) = (0, 0, 0);
        }
        Ok(())
    }

    fn count(&mut self, text: &[u8], folded: bool) -> Result<(), Limit> {
        if !(folded && self.field > 0) {
            self.field = 0;
            // The parser passes over a line that is no field.
            if memchr(b':', text).is_none() {
                return Ok(());
            }
            self.fields += 1;
            self.parameters = 0;
        }
        self.field += text.len();
        self.header += text.len();
        self.all_headers += text.len();
        // What is short can't hold many.
        if self.all_headers > FEW / 4 {
            self.items += count_items(text);
        }
        if self.field > MAX_PARAMETERS && self.block.is_in_type() {
            self.parameters += memchr_iter(b';', text).count();
        }
        let spare = FEW + self.raw.len() / BYTES_PER_FIELD;
        if self.field > self.limits.field() {
            Err(Limit::Field)
        } else if self.header > self.limits.header() {
            Err(Limit::Header)
        } else if self.fields > spare
            || self.items > spare
            // A parameter is compared with all before it.
            || self.parameters > MAX_PARAMETERS
        {
            Err(Limit::Fields)
        } else {
            Ok(())
        }
    }

    fn end_block(&mut self, body: usize) -> Result<(), Limit> {
        self.block.end_field();
        (self.header, self.field, self.parameters) = (0, 0, 0);
        let is_digest_part = std::mem::take(&mut self.is_digest_part);
        self.in_header = false;
        if self.block.is_empty() && !is_digest_part {
            return Ok(());
        }
        let mut block = std::mem::take(&mut self.block);
        self.file = block.begins_file(self.raw).then_some(body);
        for kind in block.types() {
            self.boundaries.declare(kind)?;
            self.in_digest |= kind.may_be_digest();
        }
        if block.may_be_message(self.in_digest) && !block.encodings().is_empty() {
            let bytes = self.cleaned.to_mut();
            for range in block.encodings() {
                let value = &mut bytes[range.clone()];
                value.iter_mut().filter(|byte| !byte.is_ascii_whitespace()).for_each(|byte| *byte = b' ');
            }
        }
        self.in_header = block.begins_message() || is_digest_part && block.may_be_message(true);
        self.messages += usize::from(self.in_header);
        block.clear();
        self.block = block;
        if self.messages > MAX_MESSAGES { Err(Limit::Nesting) } else { Ok(()) }
    }

    fn end_file(&mut self, delimiter: usize) {
        let Some(begin) = self.file.take() else { return };
        let body = &self.raw[begin..delimiter];
        let body = body.strip_suffix(b"\n").unwrap_or(body);
        let length = body.strip_suffix(b"\r").unwrap_or(body).len();
        if length >= LARGE {
            self.files.push(begin..begin + length);
        }
    }

    fn end(mut self) -> Result<Seen<'a>, Limit> {
        self.end_block(self.raw.len())?;
        self.boundaries.check()?;
        Ok(Seen { bytes: self.cleaned, files: self.files })
    }
}

fn next_dashes(raw: &[u8], from: usize) -> usize {
    DASHES.find(&raw[from..]).map_or(raw.len(), |at| from + at)
}

/// Counts what may end an item; the compiler makes a count of many bytes at once of it.
#[expect(clippy::needless_bitwise_bool, reason = "without branches it is several times as fast")]
pub(super) fn count_items(text: &[u8]) -> usize {
    let ends = |byte: &u8| u8::from((*byte == b',') | (*byte == b';') | (*byte == b'>'));
    text.chunks(usize::from(u8::MAX)).map(|some| usize::from(some.iter().map(ends).sum::<u8>())).sum()
}

static DASHES: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(b"--"));
/// Tells of most lines of a body by their first byte that they are no field, no fold and not blank.
const IDLE: [bool; 256] = {
    let mut idle = [false; 256];
    let mut first = b'!';
    while first <= b'~' {
        idle[first as usize] = !matches!(first, b'c' | b'C' | b':');
        first += 1;
    }
    idle
};
/// Bytes of a file that it is worth while to decode here.
const LARGE: usize = 2 << 10;
/// Fields or items that any message may have.
pub(super) const FEW: usize = 10_000;
/// A field or an item takes the parser about 200 bytes; a message of many has to be large itself.
const BYTES_PER_FIELD: usize = 64;
const MAX_PARAMETERS: usize = 200;
/// A line with a boundary in it may hold one field behind it; each is kept up to the end of the line.
const MAX_FIELDS_OF_LINE: usize = 4;
/// So many messages in each other can be dropped on a small stack, should the parser panic among them.
const MAX_MESSAGES: usize = 1_000;

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(raw: &str) -> Result<String, Limit> {
        survey(raw.as_bytes(), &Limits::default())
            .map(|seen| String::from_utf8_lossy(&seen.bytes).into_owned())
    }

    #[test]
    fn only_encodings_of_what_may_be_a_message_are_blanked() {
        let blank = " ".repeat(6);
        for (before, after) in [
            ("Content-Type: text/plain\r\nContent-Transfer-Encoding: base64\r\n\r\nx", None),
            ("Content-Transfer-Encoding: base64\r\n\r\nx", None),
            ("Content-Type: message/rfc822\r\n\r\nx", None),
            (
                "Content-Type: message/rfc822\r\nContent-Transfer-Encoding: base64\r\n\r\nx",
                Some(format!("Content-Type: message/rfc822\r\nContent-Transfer-Encoding: {blank}\r\n\r\nx")),
            ),
            (
                "content-transfer-encoding:\r\n\tBASE64\r\nCONTENT-TYPE:\r\n Message/Global\r\n",
                Some(format!(
                    "content-transfer-encoding:\r\n\t{blank}\r\nCONTENT-TYPE:\r\n Message/Global\r\n"
                )),
            ),
            (
                "Content-Type: (a comment) message/rfc822\nContent-Transfer-Encoding: base64\n\nx",
                Some(format!(
                    "Content-Type: (a comment) message/rfc822\nContent-Transfer-Encoding: {blank}\n\nx"
                )),
            ),
            (
                "Content-Type: multipart/digest\n\n--b\nContent-Transfer-Encoding: base64\n\nx",
                Some(format!(
                    "Content-Type: multipart/digest\n\n--b\nContent-Transfer-Encoding: {blank}\n\nx"
                )),
            ),
        ] {
            assert_eq!(seen(before).unwrap(), after.unwrap_or_else(|| before.to_owned()));
        }
    }

    /// Each of these is an encoded message to the parser, though no line begins with the names of the fields.
    #[test]
    fn fields_in_disguise_are_seen() {
        let outer = "Content-Type: multipart/mixed; boundary=b\r\nContent-Type: multipart/mixed; boundary=\"b:c\"\r\n\r\n";
        for (kind, encoding) in [
            ("Content -Type : message/rfc822\r\n", "C ontent-Transfer-Encoding: base64\r\n"),
            ("junk\r\n Content-Type: message/rfc822\r\n", "junk\r\n Content-Transfer-Encoding: base64\r\n"),
            (":Content-Type: message/rfc822\r\n", "::\tContent-Transfer-Encoding:base64\r\n"),
            ("--bContent-Type: message/rfc822\r\n", "Content-Transfer-Encoding: base64\r\n"),
            ("--b:cContent-Type: message/rfc822\r\n", "Content-Transfer-Encoding: base64\r\n"),
            (
                "Content-Type: text/plain\r\nContent-Type: message/rfc822\r\n",
                "Content-Transfer-Encoding: base64\r\n",
            ),
            (
                "Content-Type: message/rfc822\r\nContent-Type: text/plain\r\n",
                "Content-Transfer-Encoding: base64\r\n",
            ),
            ("Content-Type: message/rfc822\r\n", "Content-Transfer-Encoding: =?utf-8?Q?base64?=\r\n"),
        ] {
            let seen = seen(&format!("{outer}{kind}{encoding}\r\nx")).unwrap();
            assert!(!seen.contains("base64"), "{seen:?}");
            assert!(seen.contains("message/rfc822"), "{seen:?}");
        }
    }

    #[test]
    fn what_is_over_a_limit_is_told() {
        let multipart = "Content-Type: multipart/mixed; boundary=b\r\n\r\n";
        for (raw, limit) in [
            ("Subject: a\r\n\r\n".to_owned(), None),
            (format!("Subject: {}\r\n\r\n", "a".repeat(65_000)), None),
            (format!("Subject: {}\r\n\r\n", "a".repeat(66_000)), Some(Limit::Field)),
            (format!("Subject: {}\r\n\r\n", "a\r\n ".repeat(20_000)), Some(Limit::Field)),
            (format!("Subject: {}\r\n", "a".repeat(60_000)).repeat(18), Some(Limit::Header)),
            ("a:\n".repeat(20_000), Some(Limit::Fields)),
            (format!("To: {}", "a,".repeat(15_000)), Some(Limit::Fields)),
            (format!("Content-Type: text/plain{}", "; a=b".repeat(300)), Some(Limit::Fields)),
            (format!("{multipart}{}", "--b\n\n".repeat(9_000)), None),
            (format!("{multipart}{}", "--b\n\n".repeat(21_000)), Some(Limit::Parts)),
            (format!("{multipart}{}", "-- b\n\n".repeat(21_000)), None),
            (format!("{multipart}--b\n{}", "a:\n".repeat(20_000)), Some(Limit::Fields)),
            (format!("{multipart}--b{}", "content-type:".repeat(50_000)), Some(Limit::Fields)),
            ("Content-Type: message/rfc822\n\n".repeat(2_000), Some(Limit::Nesting)),
            (
                format!("Content-Type: multipart/mixed; boundary={}\n\n", "b".repeat(300)),
                Some(Limit::Boundaries),
            ),
            (
                (0..9_000)
                    .map(|n| format!("Content-Type: multipart/x; boundary=b{n}\n\n"))
                    .collect::<Vec<_>>()
                    .concat(),
                Some(Limit::Boundaries),
            ),
        ] {
            assert_eq!(seen(&raw).err(), limit, "{:?}", &raw[..raw.len().min(60)]);
        }
    }

    #[test]
    fn a_large_but_honest_message_is_within_the_limits() {
        let log = "Nov 20 09:00:00 host service[1]: -- started: a, b; c\n".repeat(30_000);
        let part = "--b\nContent-Type: text/plain; charset=utf-8\nContent-Disposition: attachment\n\nx\n"
            .repeat(9_000);
        let raw = format!("Content-Type: multipart/mixed; boundary=b\n\n{part}--b\n\n{log}--b--\n");
        assert!(seen(&raw).is_ok());
        let digest = (0..500)
            .map(|n| {
                format!(
                    "--d\n\nSubject: {n}\nContent-Type: multipart/alternative; boundary=b{n}\n\n--b{n}\n\n{log}--b{n}--\n",
                    log = &log[..500]
                )
            })
            .collect::<Vec<_>>().concat();
        assert!(seen(&format!("Content-Type: multipart/digest; boundary=d\n\n{digest}--d--\n")).is_ok());
    }
}
