//! The fields of a header that say what a part is.

use std::ops::Range;

use memchr::{memchr, memmem};

/// Lines up to an empty one. Any such block is taken for a header, so that nothing the parser takes for one is missed.
#[derive(Default)]
pub(super) struct Block {
    types: Vec<ContentType>,
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
            Field::Type => self.types.push(ContentType(value.to_vec())),
            Field::Encoding => self.encodings.push(at..at + value.len()),
            Field::Disposition => {}
        }
    }

    pub(super) fn fold(&mut self, text: &[u8], line: &Range<usize>) {
        match self.current {
            Some(Field::Type) => {
                if let Some(ContentType(value)) = self.types.last_mut() {
                    value.extend_from_slice(text);
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
        self.types.is_empty() && self.encodings.is_empty()
    }

    /// Tells whether the last field has parameters.
    pub(super) fn is_in_type(&self) -> bool {
        matches!(self.current, Some(Field::Type | Field::Disposition))
    }

    pub(super) fn types(&self) -> &[ContentType] {
        &self.types
    }

    pub(super) fn encodings(&self) -> &[Range<usize>] {
        &self.encodings
    }

    /// A part of a digest is a message unless it says otherwise (RFC 2046 section 5.1.5).
    pub(super) fn may_be_message(&self, in_digest: bool) -> bool {
        if self.types.is_empty() { in_digest } else { self.types.iter().any(|kind| !kind.is_harmless()) }
    }

    /// Tells whether the header of an embedded message follows, by all that its type says.
    pub(super) fn begins_message(&self) -> bool {
        self.types.iter().any(|kind| {
            !kind.is_harmless()
                && (kind.contains(b"rfc822") || kind.contains(b"global"))
                && kind.contains(b"message")
        })
    }
}

/// The value of a Content-Type field, with its folds.
pub(super) struct ContentType(Vec<u8>);

impl ContentType {
    pub(super) fn may_be_multipart(&self) -> bool {
        self.begins_with(b"multipart/") || !(self.is_harmless() || self.begins_with(b"message/"))
    }

    pub(super) fn may_be_digest(&self) -> bool {
        self.may_be_multipart() && !NO_DIGEST.iter().any(|kind| self.begins_with(kind))
    }

    fn is_harmless(&self) -> bool {
        HARMLESS.iter().any(|kind| self.begins_with(kind))
    }

    fn begins_with(&self, kind: &[u8]) -> bool {
        let value = self.0.trim_ascii_start();
        value.get(..kind.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(kind))
    }

    fn contains(&self, word: &[u8]) -> bool {
        memmem::find(&self.0.to_ascii_lowercase(), word).is_some()
    }

    /// Gives what stands as `boundary`; `None` for one that is not in plain words.
    pub(super) fn boundaries(&self) -> impl Iterator<Item = Option<&[u8]>> {
        let lower = self.0.to_ascii_lowercase();
        let ends: Vec<usize> = memmem::find_iter(&lower, b"boundary")
            .take(MAX_DECLARATIONS)
            .map(|at| at + b"boundary".len())
            .collect();
        ends.into_iter().map(|end| plain_value(&self.0[end..]))
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
        let mut name = Vec::new();
        for (at, byte) in line.iter().enumerate() {
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
    if !matches!(line[begin], b'c' | b'C') {
        return;
    }
    let Some(length) = memchr(b':', &line[begin..]) else { return };
    let end = begin + length;
    for (known, field) in NAMES {
        let name =
            line[begin..end].iter().filter(|byte| !byte.is_ascii_whitespace()).map(u8::to_ascii_lowercase);
        if name.eq(known.iter().copied()) {
            found(*field, end + 1);
        }
    }
}

const NAMES: &[(&[u8], Field)] = &[
    (b"content-type", Field::Type),
    (b"content-transfer-encoding", Field::Encoding),
    (b"content-disposition", Field::Disposition),
];
const HARMLESS: &[&[u8]] =
    &[b"text/", b"image/", b"audio/", b"video/", b"application/", b"multipart/", b"font/", b"model/"];
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
