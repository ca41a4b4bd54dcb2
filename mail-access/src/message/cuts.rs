//! Files in Base64 are most of the bytes of a mailbox. The parser takes them byte by byte; here they are decoded many
//! at once and cut out of what the parser sees.

use std::ops::Range;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use mail_parser::{Encoding, Message, PartType};
use memchr::memchr;

use super::survey::Seen;

/// What was cut out, in the order in which it stood there.
#[derive(Default)]
pub(super) struct Cuts(Vec<Cut>);

struct Cut {
    /// Where it stood among all bytes, and where it is missing from those that are left.
    range: Range<usize>,
    at: usize,
    content: Option<Vec<u8>>,
}

impl Cuts {
    /// Decodes what is Base64 without any flaw, and cuts it out: gives what is left as well.
    pub(super) fn of(seen: &Seen<'_>) -> (Self, Vec<u8>) {
        let (mut cuts, mut left, mut end) = (Vec::new(), Vec::new(), 0);
        if seen.files.iter().map(Range::len).sum::<usize>() < seen.bytes.len() / WORTH {
            return (Self(cuts), left);
        }
        for range in &seen.files {
            if let Some(content) = decoded(&seen.bytes[range.clone()]) {
                left.extend_from_slice(&seen.bytes[end..range.start]);
                end = range.end;
                cuts.push(Cut { range: range.clone(), at: left.len(), content: Some(content) });
            }
        }
        if !cuts.is_empty() {
            left.extend_from_slice(&seen.bytes[end..]);
        }
        (Self(cuts), left)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Gives the contents to the empty files that the parser found in their places.
    ///
    /// It tells whether each has found one. If so, the parser would have found the same among all bytes: nothing that
    /// was cut out can hold a boundary. If not, what looked like a file is a piece of something else.
    pub(super) fn restore(&mut self, message: &mut Message<'_>, left: &[u8]) -> bool {
        let mut missing = self.0.len();
        let mut inside = vec![message];
        while let Some(message) = inside.pop() {
            for part in &mut message.parts {
                match &mut part.body {
                    PartType::Message(nested) if is_within(nested, left) => inside.push(nested),
                    PartType::Binary(body) | PartType::InlineBinary(body)
                        if body.is_empty()
                            && part.encoding == Encoding::Base64
                            && !part.is_encoding_problem =>
                    {
                        let place = self.0.binary_search_by_key(&part.offset_body, Cut::place);
                        if let Some(content) = place.ok().and_then(|place| self.0[place].content.take()) {
                            *body = content.into();
                            missing -= 1;
                        }
                    }
                    _ => {}
                }
            }
        }
        missing == 0
    }

    /// Gives the bytes of an embedded message as they stand among all bytes.
    pub(super) fn raw(&self, nested: &Message<'_>, left: &[u8], all: &[u8]) -> Vec<u8> {
        match nested.parts.first() {
            Some(header) if !self.is_empty() && is_within(nested, left) => {
                let begin = self.moved(header.offset_header, |cut, offset| cut < offset);
                // What ends where something was cut out ends behind that.
                let end = self.moved(header.offset_end, |cut, offset| cut <= offset);
                all.get(begin..end).unwrap_or_default().to_vec()
            }
            _ => nested.raw_message().to_vec(),
        }
    }

    /// Gives the place among all bytes of one among those that are left.
    fn moved(&self, offset: u32, is_before: impl Fn(u32, u32) -> bool) -> usize {
        let before = self.0.iter().take_while(|cut| is_before(cut.place(), offset));
        offset as usize + before.map(|cut| cut.range.len()).sum::<usize>()
    }
}

impl Cut {
    /// As the parser counts.
    fn place(&self) -> u32 {
        u32::try_from(self.at).unwrap_or(u32::MAX)
    }
}

/// Tells whether a message was found among these bytes, and not decoded out of them.
fn is_within(nested: &Message<'_>, left: &[u8]) -> bool {
    std::ptr::eq::<[u8]>(nested.raw_message.as_ref(), left)
}

/// Decodes lines of Base64; `None` if anything else is among them, or if it doesn't end as it should.
fn decoded(body: &[u8]) -> Option<Vec<u8>> {
    let mut content = Vec::with_capacity(body.len() / 4 * 3);
    let mut text = Vec::with_capacity(2 * CHUNK);
    let mut rest = body;
    while !rest.is_empty() {
        let (line, behind) = rest.split_at(memchr(b'\n', rest).map_or(rest.len(), |end| end + 1));
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        text.extend_from_slice(line.strip_suffix(b"\r").unwrap_or(line));
        if text.len() >= CHUNK && text.len() % 4 == 0 && !text.ends_with(b"=") {
            STANDARD.decode_vec(&text, &mut content).ok()?;
            text.clear();
        }
        rest = behind;
    }
    STANDARD.decode_vec(&text, &mut content).ok()?;
    Some(content)
}

/// The other bytes have to be copied: of a message that is nearly all text nothing is cut out.
const WORTH: usize = 8;
/// Bytes that stay in the nearest cache.
const CHUNK: usize = 8 << 10;

#[cfg(test)]
mod tests;
