//! The fields of a header that say what a part is.

use std::ops::Range;

use memchr::{memchr, memchr2, memmem, memrchr};

/// Lines up to an empty one. Any such block is taken for a header, so that nothing the parser takes for one is missed.
#[derive(Default)]
pub(super) struct Block {
    /// The values of the fields Content-Type, one behind the other, and where each ends.
    values: Vec<u8>,
    ends: Vec<usize>,
    encodings: Vec<Range<usize>>,
    current: Option<Field>,
}

#[derive(Clone, Copy, PartialEq)]
pub(super) enum Field {
    Type,
    Encoding,
    Disposition,
}

impl Block {
    pub(super) fn begin(&mut self, field: Field, value: &[u8], at: usize) {
        self.current = Some(field);
        match field {
            Field::Type => {
                self.values.extend_from_slice(value);
                self.ends.push(self.values.len());
            }
            Field::Encoding => self.encodings.push(at..at + value.len()),
            Field::Disposition => {}
        }
    }

    pub(super) fn fold(&mut self, text: &[u8], line: &Range<usize>) {
        match self.current {
            Some(Field::Type) => {
                self.values.extend_from_slice(text);
                if let Some(end) = self.ends.last_mut() {
                    *end = self.values.len();
                }
            }
            Some(Field::Encoding) => self.encodings.push(line.clone()),
            _ => {}
        }
    }

    pub(super) fn end_field(&mut self) {
        self.current = None;
    }

    pub(super) fn is_empty(&self) -> bool {
        self.ends.is_empty() && self.encodings.is_empty()
    }

    /// Makes room for the next block, in the same memory.
    pub(super) fn clear(&mut self) {
        self.values.clear();
        self.ends.clear();
        self.encodings.clear();
        self.current = None;
    }

    /// Tells whether the last field has parameters.
    pub(super) fn is_in_type(&self) -> bool {
        matches!(self.current, Some(Field::Type | Field::Disposition))
    }

    pub(super) fn types(&self) -> impl Iterator<Item = ContentType<'_>> {
        let mut begin = 0;
        self.ends.iter().map(move |end| ContentType(&self.values[std::mem::replace(&mut begin, *end)..*end]))
    }

    pub(super) fn encodings(&self) -> &[Range<usize>] {
        &self.encodings
    }

    /// A part of a digest is a message unless it says otherwise (RFC 2046 section 5.1.5).
    pub(super) fn may_be_message(&self, in_digest: bool) -> bool {
        if self.ends.is_empty() { in_digest } else { self.types().any(|kind| !kind.is_harmless()) }
    }

    /// Tells whether a file in Base64 follows, as the one type and the one encoding say.
    pub(super) fn begins_file(&self, raw: &[u8]) -> bool {
        let [encoding] = &self.encodings[..] else { return false };
        let is_file = |kind: ContentType<'_>| FILES.iter().any(|known| kind.begins_with(known));
        self.ends.len() == 1
            && self.types().all(is_file)
            && raw[encoding.clone()].trim_ascii().eq_ignore_ascii_case(b"base64")
    }

    /// Tells whether the header of an embedded message follows, by all that its type says.
    pub(super) fn begins_message(&self) -> bool {
        self.types().any(|kind| {
            !kind.is_harmless()
                && (kind.contains(b"rfc822") || kind.contains(b"global"))
                && kind.contains(b"message")
        })
    }
}

/// The value of a Content-Type field, with its folds.
#[derive(Clone, Copy)]
pub(super) struct ContentType<'a>(&'a [u8]);

impl<'a> ContentType<'a> {
    pub(super) fn may_be_multipart(self) -> bool {
        self.begins_with(b"multipart/") || !(self.is_harmless() || self.begins_with(b"message/"))
    }

    pub(super) fn may_be_digest(self) -> bool {
        self.may_be_multipart() && !NO_DIGEST.iter().any(|kind| self.begins_with(kind))
    }

    fn is_harmless(self) -> bool {
        HARMLESS.iter().any(|kind| self.begins_with(kind))
    }

    fn begins_with(self, kind: &[u8]) -> bool {
        let value = self.0.trim_ascii_start();
        value.get(..kind.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(kind))
    }

    fn contains(self, word: &[u8]) -> bool {
        memmem::find(&self.0.to_ascii_lowercase(), word).is_some()
    }

    /// Gives what stands as `boundary`; `None` for one that is not in plain words.
    pub(super) fn boundaries(self) -> impl Iterator<Item = Option<&'a [u8]>> {
        let mut rest = self.0;
        let next = move || {
            loop {
                rest = &rest[memchr2(b'b', b'B', rest)?..];
                let (word, behind) = rest.split_at_checked(BOUNDARY.len())?;
                if word.eq_ignore_ascii_case(BOUNDARY) {
                    rest = behind;
                    return Some(plain_value(rest));
                }
                rest = &rest[1..];
            }
        };
        std::iter::from_fn(next).take(MAX_DECLARATIONS)
    }
}

fn plain_value(parameter: &[u8]) -> Option<&[u8]> {
    let value = parameter.trim_ascii_start().strip_prefix(b"=")?.trim_ascii_start();
    if let Some(quoted) = value.strip_prefix(b"\"") {
        let inner = &quoted[..memchr(b'"', quoted)?];
        return (!inner.contains(&b'\\') && !inner.contains(&b'\n')).then_some(inner);
    }
    let end = value.iter().position(|byte| byte.is_ascii_whitespace() || b";(\"\\".contains(byte));
    let (token, rest) = value.split_at(end.unwrap_or(value.len()));
    let rest = rest.trim_ascii_start();
    (rest.is_empty() || rest.starts_with(b";")).then_some(token)
}

/// Finds the fields that matter as the parser does: it takes blanks out of names, passes over leading colons, and
/// reads on behind a boundary in the same line.
pub(super) fn named_fields(line: &[u8], is_delimiter: bool, mut found: impl FnMut(Field, usize)) {
    if is_delimiter {
        let Some(last) = memrchr(b':', line) else { return };
        let mut name = Vec::new();
        for (at, byte) in line[..=last].iter().enumerate() {
            match byte {
                b':' => {
                    if let Some(&(_, field)) = NAMES.iter().find(|(known, _)| name.ends_with(known)) {
                        found(field, at + 1);
                    }
                    name.clear();
                }
                byte if byte.is_ascii_whitespace() => {}
                byte => name.push(byte.to_ascii_lowercase()),
            }
        }
        return;
    }
    let is_before = |byte: &u8| byte.is_ascii_whitespace() || *byte == b':';
    let Some(begin) = line.iter().position(|byte| !is_before(byte)) else { return };
    // Most lines that begin with this letter are told from a field by the next one.
    let letters = line[begin..].iter().filter(|byte| !byte.is_ascii_whitespace());
    if !letters.zip(b"content-").all(|(letter, known)| letter.eq_ignore_ascii_case(known)) {
        return;
    }
    let Some(length) = memchr(b':', &line[begin..]) else { return };
    let end = begin + length;
    let name = &line[begin..end];
    let has_blanks = name.iter().any(u8::is_ascii_whitespace);
    for (known, field) in NAMES {
        let letters = name.iter().filter(|byte| !byte.is_ascii_whitespace()).map(u8::to_ascii_lowercase);
        if name.eq_ignore_ascii_case(known) || has_blanks && letters.eq(known.iter().copied()) {
            found(*field, end + 1);
        }
    }
}

const BOUNDARY: &[u8] = b"boundary";
const NAMES: &[(&[u8], Field)] = &[
    (b"content-type", Field::Type),
    (b"content-transfer-encoding", Field::Encoding),
    (b"content-disposition", Field::Disposition),
];
const HARMLESS: &[&[u8]] =
    &[b"text/", b"image/", b"audio/", b"video/", b"application/", b"multipart/", b"font/", b"model/"];
const FILES: &[&[u8]] = &[b"application/", b"image/", b"audio/", b"video/", b"font/", b"model/"];
const NO_DIGEST: &[&[u8]] = &[
    b"multipart/mixed",
    b"multipart/alternative",
    b"multipart/related",
    b"multipart/report",
    b"multipart/signed",
    b"multipart/encrypted",
    b"multipart/form-data",
    b"multipart/appledouble",
    b"multipart/parallel",
];
/// One field has one; more are a trick.
const MAX_DECLARATIONS: usize = 16;
