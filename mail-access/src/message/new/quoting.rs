//! The message that an answer or a forward repeats.

use std::borrow::Cow;
use std::fmt::Write;
use std::time::SystemTime;

use super::body::with_crlf;
use crate::message::date::in_words;
use crate::message::{Contact, Received};

/// An earlier message within a new one: what is said about it, and its text with lines that end in CR LF.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Quote {
    pub(super) intro: String,
    pub(super) text: String,
    pub(super) marked: bool,
}

impl Quote {
    /// Quotes a message as an answer does, each line behind a mark; `None` if there is no text to quote.
    pub(super) fn of(received: &Received) -> Option<Self> {
        let text = text_of(received)?;
        let who = received.from().map_or_else(|| "the sender".to_owned(), contact);
        let intro = match received.date().and_then(date) {
            Some(date) => format!("On {date}, {who} wrote:"),
            None => format!("{who} wrote:"),
        };
        Some(Self { intro, text, marked: true })
    }

    /// Repeats a message as a forward does: its main header fields and its text.
    pub(super) fn forwarded(received: &Received) -> Self {
        let mut intro = FORWARDED.to_owned();
        let mut line = |name: &str, value: &str| {
            if !value.is_empty() {
                let _ = write!(intro, "\r\n{name}: {value}");
            }
        };
        let list = |contacts: &[Contact]| contacts.iter().map(contact).collect::<Vec<_>>().join(", ");
        line("From", &list(received.from().map(std::slice::from_ref).unwrap_or_default()));
        line("Date", &received.date().and_then(date).unwrap_or_default());
        line("Subject", &one_line(received.subject()));
        line("To", &list(received.to()));
        line("Cc", &list(received.cc()));
        Self { intro, text: text_of(received).unwrap_or_default(), marked: false }
    }

    /// Writes it below a plain text: each line behind `> `, one that is quoted already behind `>` (RFC 3676 section
    /// 4.5).
    pub(super) fn below_text(&self, own: Option<String>) -> String {
        let mut text = own.unwrap_or_default();
        text.reserve(self.intro.len() + self.text.len() + self.text.len() / 16 + 16);
        if !text.is_empty() {
            text.truncate(text.trim_end_matches(['\r', '\n']).len());
            text.push_str("\r\n\r\n");
        }
        text.push_str(&self.intro);
        if !self.marked {
            text.push_str("\r\n\r\n");
            text.push_str(&self.text);
            return text;
        }
        for line in self.text.split('\n') {
            text.push_str("\r\n>");
            // A blank at the end would say that the next line belongs to it.
            let line = line.strip_suffix('\r').unwrap_or(line).trim_end_matches(' ');
            if !line.is_empty() && !line.starts_with('>') {
                text.push(' ');
            }
            text.push_str(line);
        }
        text.push_str("\r\n");
        text
    }

    /// Writes it below HTML, within its body if it has one; all of it is escaped.
    pub(super) fn below_html(&self, mut own: String) -> String {
        let mut html = String::with_capacity(self.intro.len() + self.text.len() + self.text.len() / 8 + 256);
        html.push_str("\r\n<p>");
        escape(&self.intro, &mut html);
        html.push_str(if self.marked { BLOCK } else { "</p>\r\n<p>" });
        escape(&self.text, &mut html);
        html.push_str(if self.marked { "</blockquote>\r\n" } else { "</p>\r\n" });
        let body =
            own.as_bytes().windows(END_OF_BODY.len()).rposition(|end| end.eq_ignore_ascii_case(END_OF_BODY));
        own.insert_str(body.unwrap_or(own.len()), &html);
        own
    }
}

fn text_of(received: &Received) -> Option<String> {
    let text = received.readable_text()?;
    let text = text.trim_end();
    let text = with_crlf(if text.contains('\0') { text.replace('\0', "").into() } else { text.into() });
    (!text.is_empty()).then_some(text)
}

fn contact(contact: &Contact) -> String {
    one_line(&contact.to_string()).into_owned()
}

/// Takes control characters out of what a stranger wrote.
pub(super) fn one_line(text: &str) -> Cow<'_, str> {
    if text.contains(char::is_control) { text.replace(char::is_control, " ").into() } else { text.into() }
}

/// Writes a date as header fields have it (RFC 5322 section 3.3), in UTC; `None` if it has not four digits of a year.
pub(super) fn date(time: SystemTime) -> Option<String> {
    let seconds = time.duration_since(SystemTime::UNIX_EPOCH).ok()?.as_secs();
    let seconds = i64::try_from(seconds).ok().filter(|seconds| *seconds < YEAR_10_000)?;
    Some(in_words(seconds))
}

fn escape(text: &str, html: &mut String) {
    let mut rest = text;
    while let Some(at) = rest.find(['&', '<', '>', '"', '\'', '\n']) {
        html.push_str(&rest[..at]);
        html.push_str(match rest.as_bytes()[at] {
            b'&' => "&amp;",
            b'<' => "&lt;",
            b'>' => "&gt;",
            b'"' => "&quot;",
            b'\'' => "&#39;",
            _ => "\n<br>",
        });
        rest = &rest[at + 1..];
    }
    html.push_str(rest);
}

const FORWARDED: &str = "---------- Forwarded message ----------";
const BLOCK: &str = "</p>\r\n<blockquote type=\"cite\" style=\"margin:0 0 0 .8ex;border-left:1px solid #ccc;padding-left:1ex\">";
const END_OF_BODY: &[u8] = b"</body";
const YEAR_10_000: i64 = 253_402_300_800;
