//! What of an HTML text a person sees, in one pass and without a tree.

use super::style::{Effects, Rgb, Sheet};

/// HTML without what is not shown.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Visible {
    pub(super) html: String,
    /// Whether words were taken out.
    pub(super) hidden: bool,
}

/// Takes out comments, scripts and what styles, attributes and colours hide.
pub(super) fn visible(html: &str) -> Visible {
    let end = html.floor_char_boundary(MAX_HTML);
    let mut sheet = Sheet::default();
    for style in elements(&html[..end], "style") {
        sheet.read(style);
    }
    let mut reader =
        Reader { rest: &html[..end], sheet, stack: Vec::new(), looked: 0, out: Visible::default() };
    while reader.step() {}
    reader.out
}

struct Reader<'a> {
    rest: &'a str,
    sheet: Sheet,
    stack: Vec<Frame>,
    /// How many rules elements were compared with.
    looked: usize,
    out: Visible,
}

/// An element that is open.
#[derive(Clone, Debug)]
struct Frame {
    name: String,
    gone: bool,
    invisible: bool,
    tiny: bool,
    transparent: bool,
    color: Rgb,
    background: Rgb,
}

impl Frame {
    fn page() -> Self {
        Self {
            name: String::new(),
            gone: false,
            invisible: false,
            tiny: false,
            transparent: false,
            color: Some([0; 3]),
            background: Some([255; 3]),
        }
    }

    fn apply(&mut self, effects: Effects) {
        self.gone |= effects.gone;
        self.invisible = effects.invisible.unwrap_or(self.invisible);
        self.tiny = effects.tiny.unwrap_or(self.tiny);
        if let Some(color) = effects.color {
            self.color = color;
            self.transparent = effects.transparent;
        }
        self.background = effects.background.unwrap_or(self.background);
    }

    fn is_hidden(&self) -> bool {
        let is_same = match (self.color, self.background) {
            (Some(color), Some(background)) => {
                color.iter().zip(background).all(|(one, other)| one.abs_diff(other) <= SAME_COLOUR)
            }
            _ => false,
        };
        self.gone || self.invisible || self.tiny || self.transparent || is_same
    }
}

impl<'a> Reader<'a> {
    fn step(&mut self) -> bool {
        let Some(first) = self.rest.bytes().next() else { return false };
        let next = self.rest.bytes().nth(1);
        if first != b'<' || !next.is_some_and(|next| next.is_ascii_alphabetic() || b"/!?".contains(&next)) {
            let skip = usize::from(first == b'<');
            let length = self.rest[skip..].find('<').map_or(self.rest.len(), |at| at + skip);
            let text = self.take(length);
            self.text(text);
        } else if self.rest.starts_with("<!--") {
            self.comment();
        } else if next.is_some_and(|next| b"!?".contains(&next)) {
            let length = self.rest.find('>').map_or(self.rest.len(), |at| at + 1);
            self.take(length);
        } else {
            self.tag();
        }
        true
    }

    fn text(&mut self, text: &'a str) {
        if self.top().is_hidden() {
            self.out.hidden |= has_words(text);
        } else {
            self.out.html.push_str(text);
        }
    }

    /// A comment ends where browsers end it; one for Outlook holds no words of interest.
    fn comment(&mut self) {
        let inner = &self.rest[4..];
        let (length, end) = if inner.starts_with('>') {
            (0, 1)
        } else if inner.starts_with("->") {
            (0, 2)
        } else {
            comment_end(inner)
        };
        let words = &inner[..length];
        let is_conditional = words.trim_start().starts_with("[if") || words.contains("[endif]");
        self.out.hidden |= !is_conditional && has_words(words);
        self.take(4 + length + end);
    }

    fn tag(&mut self) {
        let length = tag_length(self.rest);
        let tag = self.take(length);
        let inner = tag.trim_start_matches('<').trim_end_matches('>');
        let (closes, inner) = inner.strip_prefix('/').map_or((false, inner), |inner| (true, inner));
        let end =
            inner.find(|c: char| !(c.is_ascii_alphanumeric() || c == '-' || c == ':')).unwrap_or(inner.len());
        let name = inner[..end].to_ascii_lowercase();
        if closes {
            return self.close(&name, tag);
        }
        if SKIPPED.contains(&&*name) {
            return self.skip_element(&name);
        }
        self.imply_ends(&name);
        let mut frame = self.top();
        frame.name.clone_from(&name);
        let (mut id, mut classes, mut style, mut size) = (None, String::new(), String::new(), Vec::new());
        let mut own = Effects::default();
        for (key, value) in attributes(&inner[end..]) {
            let value = decoded(value);
            match key.to_ascii_lowercase().as_str() {
                "hidden" => own.gone = true,
                "id" => id = Some(value),
                "class" => classes = value,
                "style" => style = value,
                "bgcolor" => own.background = Some(super::style::rgb(&value)),
                "background" => own.background = Some(None),
                "color" | "text" => own.color = Some(super::style::rgb(&value)),
                "width" | "height" => size.push(value),
                _ => {}
            }
        }
        if name == "a" {
            frame.color = Some([0, 0, 238]);
            frame.transparent = false;
        }
        frame.apply(own);
        for effects in self.sheet.effects(&name, id.as_deref(), &classes) {
            frame.apply(effects);
        }
        frame.apply(Effects::of(&style));
        self.looked += self.sheet.len();
        // Nobody writes such a letter: what can't be judged is taken for hidden.
        frame.gone |= self.looked > MOST_LOOKS || self.stack.len() >= DEEPEST;
        let is_dot =
            name == "img" && size.iter().any(|size| matches!(size.trim_end_matches("px"), "0" | "1"));
        let shows = if matches!(&*name, "img" | "a") { !frame.is_hidden() && !is_dot } else { !frame.gone };
        if shows {
            self.out.html.push_str(tag);
        }
        if !VOID.contains(&&*name) {
            if self.stack.len() >= DEEPEST {
                self.stack.pop();
            }
            self.stack.push(frame);
        }
    }

    fn close(&mut self, name: &str, tag: &'a str) {
        let Some(at) = self.stack.iter().rposition(|frame| frame.name == name) else { return };
        if !self.stack[at].gone {
            self.out.html.push_str(tag);
        }
        self.stack.truncate(at);
    }

    /// Ends what the beginning of an element ends without a word (HTML section 13.1.2.4).
    fn imply_ends(&mut self, name: &str) {
        let (ends, up_to): (&[&str], &[&str]) = match name {
            "li" => (&["li"], &["ul", "ol"]),
            "td" | "th" => (&["td", "th"], &["tr", "table"]),
            "tr" => (&["tr"], &["table"]),
            "dt" | "dd" => (&["dt", "dd"], &["dl"]),
            "option" => (&["option"], &["select"]),
            name if BLOCKS.contains(&name) => (&["p"], &["td", "th", "table", "div", "button"]),
            _ => return,
        };
        for (at, frame) in self.stack.iter().enumerate().rev() {
            if ends.contains(&&*frame.name) {
                return self.stack.truncate(at);
            }
            if up_to.contains(&&*frame.name) {
                return;
            }
        }
    }

    fn skip_element(&mut self, name: &str) {
        let length = element_length(self.rest, name);
        self.take(length);
        let end = self.rest.find('>').map_or(self.rest.len(), |at| at + 1);
        self.take(end);
    }

    fn top(&self) -> Frame {
        self.stack.last().cloned().unwrap_or_else(Frame::page)
    }

    fn take(&mut self, length: usize) -> &'a str {
        let (taken, rest) = self.rest.split_at(length);
        self.rest = rest;
        taken
    }
}

/// Returns how long a comment is, and what ends it.
fn comment_end(inner: &str) -> (usize, usize) {
    let mut from = 0;
    while let Some(at) = inner[from..].find("--").map(|at| from + at) {
        if let Some(end) = ["-->", "--!>"].iter().find(|end| inner[at..].starts_with(**end)) {
            return (at, end.len());
        }
        from = at + 1;
    }
    (inner.len(), 0)
}

/// Finds what stands in the elements of a name.
fn elements<'a>(html: &'a str, name: &str) -> Vec<&'a str> {
    let mut found = Vec::new();
    let mut rest = html;
    while let Some(at) = rest.find('<') {
        rest = &rest[at + 1..];
        let is_it = rest.get(..name.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(name));
        if is_it && rest[name.len()..].starts_with(|c: char| !c.is_ascii_alphanumeric()) {
            let begin = rest.find('>').map_or(rest.len(), |at| at + 1);
            let length = element_length(&rest[begin..], name);
            found.push(&rest[begin..begin + length]);
            rest = &rest[begin + length..];
        }
    }
    found
}

/// Returns how long the content of an element is that no other tag ends.
fn element_length(rest: &str, name: &str) -> usize {
    let mut from = 0;
    while let Some(at) = rest[from..].find("</").map(|at| from + at) {
        from = at + 2;
        if rest.get(from..from + name.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(name)) {
            return at;
        }
    }
    rest.len()
}

/// Finds the end of a tag, over quoted values; one that doesn't end takes the rest.
fn tag_length(tag: &str) -> usize {
    let bytes = tag.as_bytes();
    let mut at = 1;
    while let Some(found) = bytes[at..].iter().position(|byte| b">\"'".contains(byte)) {
        at += found;
        if bytes[at] == b'>' {
            return at + 1;
        }
        let is_value = bytes[..at].trim_ascii_end().ends_with(b"=");
        let quote = bytes[at];
        at += 1;
        if is_value {
            match bytes[at..].iter().position(|byte| *byte == quote) {
                Some(end) => at += end + 1,
                None => return tag.len(),
            }
        }
    }
    tag.len()
}

fn attributes(text: &str) -> Vec<(&str, &str)> {
    let mut found = Vec::new();
    let mut rest = text;
    loop {
        rest = rest.trim_start_matches(|c: char| c.is_ascii_whitespace() || c == '/');
        if rest.is_empty() || found.len() >= MOST_ATTRIBUTES {
            return found;
        }
        let end =
            rest.find(|c: char| c.is_ascii_whitespace() || "=/".contains(c)).unwrap_or(rest.len()).max(1);
        let end = rest.ceil_char_boundary(end);
        let (key, behind) = rest.split_at(end);
        let Some(value) = behind.trim_ascii_start().strip_prefix('=').map(str::trim_ascii_start) else {
            found.push((key, ""));
            rest = behind;
            continue;
        };
        let (value, behind) = match value.chars().next() {
            Some(quote @ ('"' | '\'')) => value[1..].split_once(quote).unwrap_or((&value[1..], "")),
            _ => value.split_at(value.find(|c: char| c.is_ascii_whitespace()).unwrap_or(value.len())),
        };
        found.push((key, value));
        rest = behind;
    }
}

/// Resolves the character references that a value may be written with.
fn decoded(value: &str) -> String {
    let mut plain = String::with_capacity(value.len());
    let mut rest = value;
    while let Some((before, behind)) = rest.split_once('&') {
        plain.push_str(before);
        let end = behind.find(|c: char| !(c.is_ascii_alphanumeric() || c == '#')).unwrap_or(behind.len());
        let (name, after) = behind.split_at(end);
        let code = name.strip_prefix('#').and_then(|code| match code.strip_prefix(['x', 'X']) {
            Some(hex) => u32::from_str_radix(hex, 16).ok(),
            None => code.parse().ok(),
        });
        let named = ENTITIES.iter().find(|(known, _)| *known == name).map(|(_, c)| *c);
        match code.and_then(char::from_u32).or(named) {
            Some(c) => {
                plain.push(c);
                rest = after.strip_prefix(';').unwrap_or(after);
            }
            None => {
                plain.push('&');
                rest = behind;
            }
        }
    }
    plain + rest
}

/// Tells whether a text says anything: blanks, references to characters and fillers don't.
fn has_words(text: &str) -> bool {
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        if c == '&' {
            let end = rest[1..]
                .find(|c: char| !(c.is_ascii_alphanumeric() || c == '#'))
                .map_or(rest.len(), |end| end + 1);
            let reference = decoded(&rest[..end]);
            if !reference.starts_with('&') && reference.chars().any(char::is_alphanumeric) {
                return true;
            }
            rest = &rest[end..];
        } else if c.is_alphanumeric() {
            return true;
        } else {
            rest = &rest[c.len_utf8()..];
        }
    }
    false
}

const MAX_HTML: usize = 512 << 10;
const DEEPEST: usize = 400;
const MOST_LOOKS: usize = 10_000_000;
const MOST_ATTRIBUTES: usize = 64;
/// Channels of two colours that nobody tells apart differ by this at most.
const SAME_COLOUR: u8 = 16;
const VOID: &[&str] =
    &["area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"];
const SKIPPED: &[&str] = &[
    "script", "style", "template", "svg", "title", "noembed", "noframes", "iframe", "object", "math",
    "audio", "video",
];
const BLOCKS: &[&str] = &[
    "address",
    "article",
    "aside",
    "blockquote",
    "center",
    "dl",
    "div",
    "fieldset",
    "footer",
    "form",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "header",
    "hr",
    "main",
    "nav",
    "ol",
    "p",
    "pre",
    "section",
    "table",
    "ul",
];
const ENTITIES: &[(&str, char)] = &[
    ("colon", ':'),
    ("semi", ';'),
    ("Tab", '\t'),
    ("NewLine", '\n'),
    ("lpar", '('),
    ("rpar", ')'),
    ("num", '#'),
    ("amp", '&'),
    ("quot", '"'),
    ("apos", '\''),
    ("period", '.'),
    ("comma", ','),
    ("sol", '/'),
    ("percnt", '%'),
];
