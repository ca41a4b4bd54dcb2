//! What of an HTML text a person sees, in one pass and without a tree.

use super::sheet::{Element, Sheet};
use super::style::{Effects, Rgb};
use super::tags::{
    MOST_ATTRIBUTES, attributes, comment_end, decoded, element_length, has_words, sheets, tag_length,
};

/// HTML without what is not shown.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Visible {
    pub(super) html: String,
    /// Whether words were taken out.
    pub(super) hidden: bool,
    /// Whether there was more than is looked at.
    pub(super) cut: bool,
}

/// Takes out comments, scripts and what styles, attributes and colours hide.
pub(super) fn visible(html: &str) -> Visible {
    looked_at(html, &mut { MOST_LOOKS })
}

/// Does the same with so many comparisons of elements with rules at most; what is left of them afterwards is in `left`.
pub(super) fn looked_at(html: &str, left: &mut usize) -> Visible {
    let end = html.floor_char_boundary(MAX_HTML);
    let mut sheet = Sheet::default();
    for (tag, style) in sheets(&html[..end], SKIPPED) {
        let media = attributes(tag).into_iter().find(|(name, _)| name.eq_ignore_ascii_case("media"));
        let media = media.map(|(_, media)| decoded(media).trim().to_ascii_lowercase()).unwrap_or_default();
        if !["width", "height", "print"].iter().any(|word| media.contains(word)) {
            sheet.read(style, matches!(&*media, "" | "all" | "screen"));
        }
    }
    let mut reader = Reader { rest: &html[..end], sheet, stack: Vec::new(), left, out: Visible::default() };
    while reader.step() {}
    reader.out.cut = end < html.len();
    reader.out
}

struct Reader<'a> {
    rest: &'a str,
    sheet: Sheet,
    stack: Vec<Frame>,
    /// How many comparisons of elements with rules are left.
    left: &'a mut usize,
    out: Visible,
}

/// An element that is open, and how what is in it looks.
#[derive(Debug)]
struct Frame {
    element: Element,
    look: Look,
}

/// How a text looks.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each hides a text by itself")]
struct Look {
    gone: bool,
    invisible: bool,
    tiny: bool,
    transparent: bool,
    color: Rgb,
    background: Rgb,
}

impl Look {
    fn page() -> Self {
        Self {
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
        let Some(first) = self.rest.as_bytes().first().copied() else { return false };
        let next = self.rest.as_bytes().get(1).copied();
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
        let (length, end) = comment_end(inner);
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
        let mut element = Element { name, ..Element::default() };
        let mut look = self.top();
        let (mut style, mut size) = (String::new(), Vec::new());
        let mut own = Effects::default();
        let attributes = attributes(&inner[end..]);
        own.gone = attributes.len() >= MOST_ATTRIBUTES;
        // Of attributes of one name the first counts (HTML section 13.2.5.33).
        for (key, value) in attributes.into_iter().rev() {
            let value = decoded(value);
            match key.to_ascii_lowercase().as_str() {
                "hidden" => own.gone = true,
                "id" => element.id = value,
                "class" => element.classes = value,
                "style" => style = value,
                "bgcolor" => own.background = Some(super::style::rgb(&value)),
                "background" => own.background = Some(None),
                "color" | "text" => own.color = Some(super::style::rgb(&value)),
                "width" | "height" => size.push(value),
                _ => {}
            }
        }
        if element.name == "a" {
            look.color = Some([0, 0, 238]);
            look.transparent = false;
        }
        look.apply(own);
        let within: Vec<&Element> =
            self.stack.iter().filter(|_| self.sheet.len() > 0).map(|frame| &frame.element).collect();
        let (weak, strong) = self.sheet.effects(&element, &within, self.left);
        for effects in weak.into_iter().chain([Effects::of(&style)]).chain(strong) {
            look.apply(effects);
        }
        // Nobody writes such a letter: what can't be judged is taken for hidden.
        look.gone |= *self.left == 0 || self.stack.len() >= DEEPEST;
        let is_dot =
            element.name == "img" && size.iter().any(|size| matches!(size.trim_end_matches("px"), "0" | "1"));
        let is_seen_itself = matches!(&*element.name, "img" | "a");
        if if is_seen_itself { !look.is_hidden() && !is_dot } else { !look.gone } {
            self.out.html.push_str(tag);
        }
        if !VOID.contains(&&*element.name) {
            if self.stack.len() >= DEEPEST {
                self.stack.pop();
            }
            self.stack.push(Frame { element, look });
        }
    }

    fn close(&mut self, name: &str, tag: &'a str) {
        let Some(at) = self.stack.iter().rposition(|frame| frame.element.name == name) else { return };
        if !self.stack[at].look.gone {
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
            if ends.contains(&&*frame.element.name) {
                return self.stack.truncate(at);
            }
            if up_to.contains(&&*frame.element.name) {
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

    fn top(&self) -> Look {
        self.stack.last().map_or_else(Look::page, |frame| frame.look)
    }

    fn take(&mut self, length: usize) -> &'a str {
        let (taken, rest) = self.rest.split_at(length);
        self.rest = rest;
        taken
    }
}

const MAX_HTML: usize = 512 << 10;
const DEEPEST: usize = 400;
const MOST_LOOKS: usize = 3_000_000;
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
