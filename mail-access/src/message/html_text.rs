//! Reads the text out of HTML, in one pass and without a tree: no nesting can harm it.
//!
//! What is there to be looked at only (styles, scripts, comments) is left out; blocks become lines, quotations get
//! `> `, list items `- `, and a link shows where it leads.

use std::mem;

use mail_parser::decoders::html::add_html_token;
use memchr::{memchr, memchr2, memmem};

use super::clean;

/// Returns the text that the first 512 KiB of an HTML text say: blocks become lines, quotations get `> `, and a link shows
/// where it leads. Nothing is judged: what a style hides is among it.
///
/// ```
/// let text = mail_access::quote::text_of_html("<p>See <a href='https://b.example'>this</a><br>soon</p>");
/// assert_eq!(text, "See this (https://b.example)\nsoon");
/// ```
pub fn text_of(html: &str) -> String {
    let end = (0..=html.len().min(MAX_HTML)).rev().find(|end| html.is_char_boundary(*end)).unwrap_or(0);
    let mut reader = Reader { writer: Writer::default(), rest: &html[..end], link: None };
    while reader.step() {}
    clean::lines(reader.writer.finish().into())
}

struct Reader<'a> {
    writer: Writer,
    rest: &'a str,
    /// Where the current link leads, and where in the text it began.
    link: Option<(String, usize)>,
}

impl<'a> Reader<'a> {
    fn step(&mut self) -> bool {
        let bytes = self.rest.as_bytes();
        let Some(&first) = bytes.first() else { return false };
        match first {
            b'<' if self.rest.starts_with("<!--") => self.skip_behind(b"-->"),
            b'<' if bytes.get(1).is_some_and(|next| next.is_ascii_alphabetic() || b"/!?".contains(next)) => {
                self.tag();
            }
            b'<' => self.text(1),
            b'&' => self.entity(),
            _ => self.text(memchr2(b'<', b'&', bytes).unwrap_or(bytes.len())),
        }
        true
    }

    fn text(&mut self, length: usize) {
        let text = self.take(length);
        self.writer.text(text);
    }

    fn entity(&mut self) {
        let name = self.rest.as_bytes()[1..].iter().take(MAX_ENTITY);
        let length = 1 + name.take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'#').count();
        let entity = self.take(length);
        let whole = format!("{entity};");
        let mut decoded = String::new();
        add_html_token(&mut decoded, whole.as_bytes(), false);
        if decoded == whole {
            return self.writer.text(entity);
        }
        self.rest = self.rest.strip_prefix(';').unwrap_or(self.rest);
        self.writer.text(&decoded);
    }

    fn tag(&mut self) {
        let length = tag_length(self.rest.as_bytes());
        let tag = self.take(length);
        let inner = tag.trim_start_matches('<').trim_end_matches('>');
        let (closes, inner) = inner.strip_prefix('/').map_or((false, inner), |inner| (true, inner));
        let end = inner.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(inner.len());
        let (name, attributes) = inner.split_at(end);
        match name.to_ascii_lowercase().as_str() {
            raw @ ("script" | "style" | "noembed" | "template" | "svg" | "title") if !closes => {
                self.skip_element(raw);
            }
            "br" => self.writer.line_end(),
            "p" | "h1" | "h2" | "h3" | "h4" | "h5" | "h6" | "table" | "dl" | "ul" | "ol" => {
                self.writer.space(2);
            }
            "div" | "tr" | "dt" | "dd" | "section" | "article" | "header" | "footer" | "address" | "form"
            | "fieldset" | "center" | "body" | "main" | "nav" | "figure" | "figcaption" | "caption" => {
                self.writer.space(1);
            }
            "hr" => {
                self.writer.space(1);
                self.writer.text("---");
                self.writer.space(1);
            }
            "li" => {
                self.writer.space(1);
                if !closes {
                    self.writer.text("- ");
                }
            }
            "td" | "th" => self.writer.text(" "),
            "pre" => {
                self.writer.space(1);
                self.writer.keeps_blanks = !closes;
            }
            "blockquote" => self.writer.quote(!closes),
            "a" if closes => self.end_link(),
            "a" => {
                self.end_link();
                let target = attribute(attributes, "href").map(decoded);
                self.link = target.map(|target| (target, self.writer.text.len()));
            }
            "img" => {
                if let Some(alternative) = attribute(attributes, "alt") {
                    self.writer.text(&decoded(alternative));
                }
            }
            _ => {}
        }
    }

    fn end_link(&mut self) {
        let Some((target, begin)) = self.link.take() else { return };
        let shown = self.writer.text.get(begin..).unwrap_or("").trim();
        let is_shown = shown == target || target.strip_prefix("mailto:") == Some(shown);
        if SCHEMES.iter().any(|scheme| target.starts_with(scheme)) && !is_shown && target.len() <= MAX_TARGET
        {
            self.writer.text(&format!(" ({target})"));
        }
    }

    fn skip_behind(&mut self, end: &[u8]) {
        let length = memmem::find(self.rest.as_bytes(), end).map_or(self.rest.len(), |at| at + end.len());
        self.take(length);
    }

    fn skip_element(&mut self, name: &str) {
        loop {
            let Some(at) = memmem::find(self.rest.as_bytes(), b"</") else {
                self.rest = "";
                return;
            };
            self.take(at + 2);
            let begin = self.rest.as_bytes().get(..name.len());
            if begin.is_some_and(|begin| begin.eq_ignore_ascii_case(name.as_bytes())) {
                return self.skip_behind(b">");
            }
        }
    }

    fn take(&mut self, length: usize) -> &'a str {
        let (taken, rest) = self.rest.split_at(length);
        self.rest = rest;
        taken
    }
}

/// Finds the end of a tag, over quoted values; one that doesn't end takes the rest.
fn tag_length(tag: &[u8]) -> usize {
    let mut at = 1;
    while let Some(found) = tag[at..].iter().position(|byte| b">\"'".contains(byte)) {
        at += found;
        let quote = tag[at];
        if quote == b'>' {
            return at + 1;
        }
        let is_value = tag[..at].trim_ascii_end().ends_with(b"=");
        at += 1;
        if is_value {
            match memchr(quote, &tag[at..]) {
                Some(end) => at += end + 1,
                None => return tag.len(),
            }
        }
    }
    tag.len()
}

fn attribute<'a>(attributes: &'a str, name: &str) -> Option<&'a str> {
    let mut rest = attributes;
    loop {
        rest = rest.trim_start_matches(|c: char| c.is_ascii_whitespace() || c == '/');
        if rest.is_empty() {
            return None;
        }
        let end = rest.find(|c: char| c.is_ascii_whitespace() || c == '=').unwrap_or(rest.len());
        let (key, behind) = rest.split_at(end);
        let Some(value) = behind.trim_ascii_start().strip_prefix('=').map(str::trim_ascii_start) else {
            rest = behind;
            continue;
        };
        let (value, behind) = match value.chars().next() {
            Some(quote @ ('"' | '\'')) => value[1..].split_once(quote).unwrap_or((&value[1..], "")),
            _ => value.split_at(value.find(|c: char| c.is_ascii_whitespace()).unwrap_or(value.len())),
        };
        if key.eq_ignore_ascii_case(name) {
            return Some(value.trim());
        }
        rest = behind;
    }
}

fn decoded(text: &str) -> String {
    let mut reader = Reader { writer: Writer::default(), rest: text, link: None };
    while !reader.rest.is_empty() {
        if reader.rest.starts_with('&') {
            reader.entity();
        } else {
            reader.text(memchr(b'&', reader.rest.as_bytes()).unwrap_or(reader.rest.len()));
        }
    }
    reader.writer.finish()
}

/// Puts words into lines.
#[derive(Default)]
struct Writer {
    text: String,
    /// Line ends that stand before the next word.
    line_ends: usize,
    blank: bool,
    quotes: usize,
    /// How deep the last line was quoted.
    quoted: usize,
    keeps_blanks: bool,
}

impl Writer {
    fn text(&mut self, text: &str) {
        if self.keeps_blanks {
            for (count, line) in text.split('\n').enumerate() {
                self.line_ends += usize::from(count > 0);
                if !line.trim().is_empty() {
                    self.begin_word();
                    self.text.push_str(line.trim_end_matches('\r'));
                }
            }
            return;
        }
        let mut words = text.split(|c: char| c.is_whitespace());
        if let Some(first) = words.next() {
            self.word(first);
        }
        for word in words {
            self.blank = true;
            self.word(word);
        }
    }

    fn word(&mut self, word: &str) {
        if !word.is_empty() {
            self.begin_word();
            self.text.push_str(word);
        }
    }

    fn begin_word(&mut self) {
        let blank = mem::take(&mut self.blank);
        let line_ends = mem::take(&mut self.line_ends).min(MAX_LINE_ENDS);
        let is_first = self.text.is_empty();
        if is_first || line_ends > 0 {
            // A blank line belongs to the quotation only if that goes on.
            let between = self.quotes.min(mem::replace(&mut self.quoted, self.quotes));
            let blank_line = "> ".repeat(between.min(MAX_QUOTES));
            for line in (0..line_ends).filter(|_| !is_first) {
                if line > 0 {
                    self.text.push_str(blank_line.trim_end());
                }
                self.text.push('\n');
            }
            self.text.push_str(&"> ".repeat(self.quotes.min(MAX_QUOTES)));
        } else if blank {
            self.text.push(' ');
        }
    }

    fn line_end(&mut self) {
        self.line_ends += 1;
    }

    fn space(&mut self, lines: usize) {
        self.line_ends = self.line_ends.max(lines);
    }

    fn quote(&mut self, begins: bool) {
        self.space(1);
        self.quotes = if begins { self.quotes + 1 } else { self.quotes.saturating_sub(1) };
    }

    fn finish(self) -> String {
        self.text
    }
}

const MAX_HTML: usize = 512 << 10;
const MAX_ENTITY: usize = 32;
/// Bytes of a link's target that are shown.
const MAX_TARGET: usize = 2_000;
const MAX_LINE_ENDS: usize = 3;
const MAX_QUOTES: usize = 8;
const SCHEMES: &[&str] = &["https://", "http://", "mailto:", "tel:"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_reads_as_a_letter() {
        let html = "<!DOCTYPE html><html><head><title>T</title><style>p > a {color: red}</style></head><body>\
            <h1>Hi &amp; bye</h1><p>One<br>two &eacute;\n <b>bold</b><!-- not this --> \
            <a href=\"https://x.example/p?a=1&amp;b=2\">link</a>, <a href='https://y.example'>https://y.example</a>, \
            <a href=\"javascript:bad()\">none</a></p><ul><li>x</li><li>y &lt;z&gt;</li></ul>\
            <blockquote>quoted<br><br>more<blockquote>deep</blockquote></blockquote><p>1 < 2 &unknown; &#8364;&#x41;</p>\
            <table><tr><td>a</td><td>b</td></tr><tr><td>c</td></tr></table><script>if (a < b) bad('</p>')</script>\
            <pre>  kept\n\n  lines</pre><img src=x alt='a picture'>end";
        let text = "Hi & bye\n\nOne\ntwo \u{e9} bold link (https://x.example/p?a=1&b=2), https://y.example, none\n\n\
            - x\n- y <z>\n\n> quoted\n>\n> more\n> > deep\n\n1 < 2 &unknown; \u{20ac}A\n\na b\nc\n\n  kept\n\n  lines\n\
            a pictureend";
        assert_eq!(text_of(html), text);
    }

    #[test]
    fn broken_html_is_read_to_its_end() {
        for (html, text) in [
            ("", ""),
            ("plain", "plain"),
            ("a <b", "a"),
            ("a <!-- b", "a"),
            ("a<script>b", "a"),
            ("a <a href=\"b", "a"),
            ("<p title='>'>a</p>", "a"),
            ("<p title=it's>a</p>b's", "a\n\nb's"),
            ("a</p></div></blockquote>b", "a\n\nb"),
            ("a & b &", "a & b &"),
        ] {
            assert_eq!(text_of(html), text, "{html:?}");
        }
    }

    #[test]
    fn a_flood_takes_one_pass() {
        for unit in [
            "<a href=x>",
            "<a href=\"",
            "<b x='",
            "</a",
            "<img alt=",
            "<table><tr><td>",
            "<ul><li>",
            "<",
            "&",
            "<!--",
            "<blockquote>",
            "<blockquote>a",
            "&amp",
            "<script></",
            "<svg>",
            "<pre>\n",
            "\"=<a ",
        ] {
            let html = unit.repeat(MAX_HTML / unit.len() + 1);
            assert!(text_of(&html).len() <= 4 * MAX_HTML + unit.len(), "{unit:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn anything_is_read(pieces in proptest::collection::vec(proptest::sample::select(PIECES), 0..40)) {
            text_of(&pieces.concat());
        }
    }

    const PIECES: &[&str] = &[
        "<a href=",
        "\"",
        "'",
        ">",
        "<",
        "/",
        "a",
        " ",
        "\n",
        "&",
        "#",
        "x41",
        ";",
        "</",
        "script",
        "<!--",
        "-->",
        "\u{fc}",
        "<blockquote>",
        "</blockquote>",
        "<pre>",
        "=",
        "img alt",
        "\u{202e}",
    ];
}
