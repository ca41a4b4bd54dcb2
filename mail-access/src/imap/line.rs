use std::borrow::Cow;
use std::str::FromStr;

use crate::wire::Fault;

/// An untagged line that begins with a word, without `* ` and the line end.
#[derive(Clone, Copy, Debug)]
pub(super) struct Line<'a>(&'a [u8]);

impl<'a> Line<'a> {
    pub(super) fn of(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// Returns what stands behind this word, if the line begins with it.
    pub(super) fn after(self, word: &str) -> Option<Reader<'a>> {
        let (first, rest) = self.0.split_at_checked(word.len())?;
        (first.eq_ignore_ascii_case(word.as_bytes()) && matches!(rest.first(), None | Some(b' ')))
            .then_some(Reader(rest))
    }

    /// Returns the UIDs of the messages that went away now by this line (VANISHED, RFC 7162 section 3.2.10.2).
    pub(super) fn expunged(self) -> Option<Vec<(u32, u32)>> {
        self.after("VANISHED")?.space()?.ranges()
    }
}

/// Reads a line from left to right; `None` where it isn't what it should be.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    /// Tells whether all of it was read.
    pub(super) fn is_at_end(self) -> bool {
        self.0.iter().all(|byte| *byte == b' ')
    }

    /// Returns all that wasn't read.
    pub(super) fn text(self) -> Option<&'a str> {
        str::from_utf8(self.0).ok()
    }

    /// Steps over exactly this.
    pub(super) fn eat(&mut self, text: &str) -> Option<()> {
        let (first, rest) = self.0.split_at_checked(text.len())?;
        first.eq_ignore_ascii_case(text.as_bytes()).then(|| self.0 = rest)
    }

    pub(super) fn space(mut self) -> Option<Self> {
        self.eat(" ").map(|()| self)
    }

    /// Reads up to a blank, a parenthesis or a quote.
    pub(super) fn atom(&mut self) -> Option<&'a str> {
        let end = self.0.iter().position(|byte| b" ()\"".contains(byte)).unwrap_or(self.0.len());
        let (atom, rest) = self.0.split_at(end);
        self.0 = rest;
        str::from_utf8(atom).ok().filter(|atom| !atom.is_empty())
    }

    pub(super) fn number<T: FromStr>(&mut self) -> Option<T> {
        self.atom()?.parse().ok()
    }

    /// Reads an atom, a quoted string or a literal.
    pub(super) fn astring(&mut self) -> Option<Cow<'a, [u8]>> {
        match self.0.first()? {
            b'"' => self.quoted(),
            b'{' => self.literal().map(Cow::Borrowed),
            _ => self.atom().map(|atom| Cow::Borrowed(atom.as_bytes())),
        }
    }

    fn quoted(&mut self) -> Option<Cow<'a, [u8]>> {
        let inner = self.0.get(1..)?;
        let mut end = 0;
        let mut escapes = false;
        while *inner.get(end)? != b'"' {
            let step = if inner[end] == b'\\' { 2 } else { 1 };
            escapes |= step == 2;
            end += step;
        }
        self.0 = &inner[end + 1..];
        let text = &inner[..end];
        if !escapes {
            return Some(Cow::Borrowed(text));
        }
        let mut plain = Vec::with_capacity(text.len());
        let mut bytes = text.iter();
        while let Some(byte) = bytes.next() {
            plain.push(if *byte == b'\\' { *bytes.next()? } else { *byte });
        }
        Some(Cow::Owned(plain))
    }

    fn literal(&mut self) -> Option<&'a [u8]> {
        let end = self.0.iter().position(|byte| *byte == b'\n')?;
        let (head, rest) = self.0.split_at(end + 1);
        let digits = head.strip_prefix(b"{")?.strip_suffix(b"}\r\n")?;
        let length: usize = str::from_utf8(digits).ok()?.parse().ok()?;
        let (literal, rest) = rest.split_at_checked(length)?;
        self.0 = rest;
        Some(literal)
    }

    /// Reads atoms in parentheses.
    pub(super) fn atoms(&mut self) -> Option<Vec<&'a str>> {
        self.eat("(")?;
        let mut atoms = Vec::new();
        while self.eat(")").is_none() {
            if !atoms.is_empty() {
                self.eat(" ")?;
                // Some servers set a blank before the end.
                if self.eat(")").is_some() {
                    break;
                }
            }
            atoms.push(self.atom()?);
        }
        Some(atoms)
    }

    /// Reads numbers with a blank before each, to the end or up to something else.
    pub(super) fn numbers(&mut self) -> Option<Vec<u32>> {
        let mut numbers = Vec::new();
        while matches!(self.0, [b' ', digit, ..] if digit.is_ascii_digit()) {
            self.eat(" ")?;
            numbers.push(self.number()?);
        }
        Some(numbers)
    }

    /// Reads a set such as `3,5:9` as pairs of the first and the last.
    pub(super) fn ranges(mut self) -> Option<Vec<(u32, u32)>> {
        let range = |text: &str| {
            let (first, last) = text.split_once(':').unwrap_or((text, text));
            let (first, last) = (first.parse().ok()?, last.parse().ok()?);
            Some(if first <= last { (first, last) } else { (last, first) })
        };
        self.atom()?.split(',').map(range).collect()
    }
}

/// Makes the fault of a line that isn't what it should be.
pub(super) fn unreadable() -> Fault {
    Fault::Protocol("it can't be parsed".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_string_is_one() {
        for (text, expected) in [
            ("atom rest", Some("atom")),
            ("\"\" rest", Some("")),
            ("\"a b(\" rest", Some("a b(")),
            (r#""a\"b\\c" rest"#, Some(r#"a"b\c"#)),
            ("{4}\r\n\"\\\r\n rest", Some("\"\\\r\n")),
            ("{0}\r\n rest", Some("")),
            ("\"a", None),
            ("\"a\\", None),
            ("{5}\r\nabc", None),
            ("{x}\r\nabc", None),
            ("", None),
            (" x", None),
        ] {
            let mut reader = Reader(text.as_bytes());
            let read = reader.astring();
            assert_eq!(read.as_deref(), expected.map(str::as_bytes), "{text:?}");
            assert!(read.is_none() || reader.eat(" rest").is_some(), "{text:?}");
        }
    }

    #[test]
    fn sets_lists_and_words_are_read() {
        let reader = |text: &'static str| Reader(text.as_bytes());
        assert_eq!(reader("1,9:5,7").ranges(), Some(vec![(1, 1), (5, 9), (7, 7)]));
        assert_eq!(reader("1:*").ranges(), None);
        assert_eq!(reader("(\\Sent \\HasNoChildren )").atoms(), Some(vec!["\\Sent", "\\HasNoChildren"]));
        assert_eq!(reader("()").atoms(), Some(vec![]));
        assert_eq!(reader("(a(b").atoms(), None);
        assert_eq!(reader(" 1 2 (MODSEQ 3)").numbers(), Some(vec![1, 2]));
        assert!(Line::of(b"List x").after("LIST").is_some() && Line::of(b"LISTS").after("LIST").is_none());
        assert_eq!(Line::of(b"VANISHED 3:5,9").expunged(), Some(vec![(3, 5), (9, 9)]));
        assert_eq!(Line::of(b"VANISHED (EARLIER) 3:5").expunged(), None);
    }
}
