//! XML that can't be broken by what stands in it.

use std::fmt::{Display, Write};

/// Writes elements, each on a line of its own.
pub(super) struct Xml {
    text: String,
    open: Vec<&'static str>,
}

impl Xml {
    pub(super) fn new(head: &str) -> Self {
        Self { text: format!("{head}\n"), open: Vec::new() }
    }

    /// Opens an element; its attributes are `name="value"` pairs.
    pub(super) fn open(&mut self, name: &'static str, attributes: &[(&str, &str)]) -> &mut Self {
        let mut tag = format!("<{name}");
        for (key, value) in attributes {
            write!(tag, " {key}=\"{}\"", escaped(value)).expect("a string takes all");
        }
        self.line(&(tag + ">"));
        self.open.push(name);
        self
    }

    pub(super) fn close(&mut self) -> &mut Self {
        let name = self.open.pop().expect("what is closed was opened");
        self.line(&format!("</{name}>"));
        self
    }

    pub(super) fn leaf(&mut self, name: &str, text: impl Display) -> &mut Self {
        self.line(&format!("<{name}>{}</{name}>", escaped(&text.to_string())));
        self
    }

    pub(super) fn empty(&mut self, name: &str) -> &mut Self {
        self.line(&format!("<{name}/>"));
        self
    }

    pub(super) fn finish(mut self) -> String {
        while !self.open.is_empty() {
            self.close();
        }
        self.text
    }

    fn line(&mut self, line: &str) {
        let depth = 2 * self.open.len();
        writeln!(self.text, "{:depth$}{line}", "").expect("a string takes all");
    }
}

/// Escapes a text for elements and attributes. What XML can't say at all (XML 1.0 section 2.2) is left out, and a line
/// break is a blank.
pub(crate) fn escaped(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => shown.push_str("&amp;"),
            '<' => shown.push_str("&lt;"),
            '>' => shown.push_str("&gt;"),
            '"' => shown.push_str("&quot;"),
            '\'' => shown.push_str("&apos;"),
            '\n' | '\r' | '\t' => shown.push(' '),
            c if c.is_control() || ['\u{fffe}', '\u{ffff}'].contains(&c) => {}
            c => shown.push(c),
        }
    }
    shown
}
