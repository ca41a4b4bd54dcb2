//! What a text says anew, apart from the quote and the signature around it, and the codes and links in it.
//!
//! Everything here is a pure function over a text that a stranger wrote: it never panics, takes time in proportion
//! to the length of the text, and fetches nothing.
//!
//! ```
//! use mail_access::quote;
//!
//! let text = "Tuesday is fine.\n\nSent from my iPhone\n\nOn 6 May 2024, at 10:12, Bob <bob@example.org> wrote:\n\n> Tuesday?\n";
//! let split = quote::split(text);
//! assert_eq!(split.new_text(), "Tuesday is fine.");
//! assert_eq!(split.signature(), "Sent from my iPhone");
//!
//! let codes = quote::codes("Your verification code is 482 913. It expires in 10 minutes.");
//! assert_eq!(codes[0].value(), "482913");
//!
//! let links = quote::links("Please confirm here (https://example.org/confirm?id=7).");
//! assert_eq!(links[0].url().as_str(), "https://example.org/confirm?id=7");
//! ```

mod attribution;
mod block;
mod codes;
mod date;
mod html;
mod line;
mod links;
mod marked;
mod reply;
mod signature;
mod words;

use std::borrow::Cow;

pub use super::new::base_subject;
pub use codes::{Code, codes};
pub use html::links_in_html;
pub use links::{Link, links};

pub use super::html_text::text_of as text_of_html;

use line::Line;

/// Splits a text into what its writer says anew, what is quoted, and the signature.
///
/// Understands `>` marks, the lines that introduce a quote ("On .. wrote:", "Am .. schrieb ..:") and the header
/// blocks of Outlook in some twenty languages, answers above, below and between the quoted lines, signatures after
/// `-- ` (RFC 3676 section 4.3), of mobile clients and of mailing lists, address blocks below a closing, and legal
/// notices. A forwarded message is content and stays in the new text. Whatever is not clearly a quote or a
/// signature is new text, and so is all of a text of more than 20 000 lines.
///
/// ```
/// use mail_access::quote;
///
/// let text = "On 5/6/24 10:12, Bob wrote:\n> Breakfast?\nYes, please.\n> Parking?\nNo.\n-- \nAda\n";
/// let split = quote::split(text);
/// assert_eq!(split.new_text(), "Yes, please.\nNo.");
/// assert_eq!(split.quoted(), "On 5/6/24 10:12, Bob wrote:\n> Breakfast?\n> Parking?");
/// assert_eq!(split.signature(), "-- \nAda");
/// let all: String = split.parts().iter().map(|part| part.text()).collect();
/// assert_eq!(all, text);
/// ```
pub fn split(text: &str) -> Split<'_> {
    if memchr::memchr_iter(b'\n', text.as_bytes()).nth(MOST_LINES).is_some() {
        return Split { parts: vec![Part { kind: PartKind::New, text }] };
    }
    let lines = line::lines(text);
    let (mut kinds, own) = reply::mark(&lines);
    signature::mark(&lines[..own], &mut kinds[..own]);
    join_blank_lines(&lines, &mut kinds);
    Split { parts: parts(text, &lines, &kinds) }
}

/// A text in its parts; all of it is in one of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Split<'a> {
    parts: Vec<Part<'a>>,
}

impl<'a> Split<'a> {
    /// Returns the parts in the order of the text. Put together they are the text, byte for byte; two neighbours
    /// are never of the same kind.
    pub fn parts(&self) -> &[Part<'a>] {
        &self.parts
    }

    /// Returns what the writer says anew, without blank lines around it; borrowed if it is in one piece.
    pub fn new_text(&self) -> Cow<'a, str> {
        self.of(PartKind::New)
    }

    /// Returns the quoted lines with what introduces them, without blank lines around them.
    pub fn quoted(&self) -> Cow<'a, str> {
        self.of(PartKind::Quoted)
    }

    /// Returns the signature with its separator, without blank lines around it.
    pub fn signature(&self) -> Cow<'a, str> {
        self.of(PartKind::Signature)
    }

    fn of(&self, kind: PartKind) -> Cow<'a, str> {
        let mut found = self.parts.iter().filter(|part| part.kind == kind && !part.text.trim().is_empty());
        let Some(first) = found.next() else { return Cow::Borrowed("") };
        let Some(second) = found.next() else { return Cow::Borrowed(without_blank_lines(first.text)) };
        let mut all = String::from(first.text);
        all.push_str(second.text);
        all.extend(found.map(|part| part.text));
        Cow::Owned(without_blank_lines(&all).to_owned())
    }
}

/// A piece of a text: some lines with their line ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part<'a> {
    kind: PartKind,
    text: &'a str,
}

impl<'a> Part<'a> {
    /// Returns what it is.
    pub fn kind(&self) -> PartKind {
        self.kind
    }

    /// Returns its lines as they are in the text.
    pub fn text(&self) -> &'a str {
        self.text
    }
}

/// What a part of a text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum PartKind {
    /// What the writer says, or forwards.
    New,
    /// What somebody said before, with the lines that introduce it.
    Quoted,
    /// Who the writer is: a signature, an address block, a legal notice, the footer of a mailing list.
    Signature,
}

/// Gives blank lines to what is before them, so that they cut nothing in two.
fn join_blank_lines(lines: &[Line<'_>], kinds: &mut [PartKind]) {
    for i in 1..lines.len() {
        if lines[i].is_blank() {
            kinds[i] = kinds[i - 1];
        }
    }
}

fn parts<'a>(text: &'a str, lines: &[Line<'_>], kinds: &[PartKind]) -> Vec<Part<'a>> {
    let mut parts = Vec::new();
    let (mut start, mut end) = (0, 0);
    for (i, line) in lines.iter().enumerate() {
        end += line.raw.len();
        if kinds.get(i + 1) != Some(&kinds[i]) {
            parts.push(Part { kind: kinds[i], text: &text[start..end] });
            start = end;
        }
    }
    parts
}

/// Takes off blank lines and the last line end, and keeps the indentation of the first line.
fn without_blank_lines(text: &str) -> &str {
    let text = text.trim_end_matches(['\r', '\n', ' ', '\t']);
    let first = text.len() - text.trim_start().len();
    let start = text[..first].rfind('\n').map_or(0, |end| end + 1);
    &text[start..]
}

/// More than anybody writes; what is known of each line takes more room than a short one.
const MOST_LINES: usize = 20_000;
