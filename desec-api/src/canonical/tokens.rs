//! The words of a presentation form (RFC 1035, section 5.1), and their escapes.

use std::{borrow::Cow, fmt::Write as _};

use super::Flaw;

/// A word with its escapes still in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Token<'a> {
    pub(super) text: &'a str,
    pub(super) quoted: bool,
    /// Whether nothing stands between it and the word before.
    pub(super) glued: bool,
}

/// Reads words: blanks part, quotes join, parentheses are layout, a semicolon starts a comment.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tokens<'a> {
    rest: &'a str,
    depth: usize,
}

impl<'a> Tokens<'a> {
    pub(super) fn of(content: &'a str) -> Self {
        Self { rest: content, depth: 0 }
    }

    /// Returns the next word, if there is one.
    pub(super) fn next(&mut self) -> Result<Option<Token<'a>>, Flaw> {
        let glued = !self.skip()?;
        let Some(first) = self.rest.bytes().next() else { return Ok(None) };
        let quoted = first == b'"';
        let text = &self.rest[usize::from(quoted)..];
        let end = end(text, quoted)?;
        self.rest = &text[end + usize::from(quoted)..];
        Ok(Some(Token { text: &text[..end], quoted, glued }))
    }

    /// Returns the next word, which must be there.
    pub(super) fn any(&mut self) -> Result<Token<'a>, Flaw> {
        self.next()?.ok_or_else(Flaw::ended)
    }

    /// Returns the next word, which must be without quotes.
    pub(super) fn bare(&mut self) -> Result<&'a str, Flaw> {
        let token = self.any()?;
        if token.quoted { Err(Flaw::new("expecting an identifier")) } else { Ok(token.text) }
    }

    /// Returns the next word as a number of at most `bits` bits.
    pub(super) fn number(&mut self, bits: u32) -> Result<u32, Flaw> {
        number(self.bare()?, bits)
    }

    /// Returns all further words, which must be without quotes, as one.
    pub(super) fn joined(&mut self) -> Result<Cow<'a, str>, Flaw> {
        let mut text = Cow::Borrowed(self.bare()?);
        while !self.at_end()? {
            text.to_mut().push_str(self.bare()?);
        }
        Ok(text)
    }

    pub(super) fn at_end(mut self) -> Result<bool, Flaw> {
        Ok(self.next()?.is_none())
    }

    // Skips what is no word, and returns whether there was something.
    fn skip(&mut self) -> Result<bool, Flaw> {
        let before = self.rest.len();
        loop {
            self.rest = self.rest.trim_start_matches([' ', '\t']);
            match self.rest.bytes().next() {
                None if self.depth > 0 => return Err(Flaw::new("unbalanced parentheses")),
                Some(b'(') => self.depth += 1,
                Some(b')') if self.depth == 0 => return Err(Flaw::new("unbalanced parentheses")),
                Some(b')') => self.depth -= 1,
                Some(b'\n') if self.depth > 0 => {}
                Some(b'\n' | b'\r') => return Err(Flaw::new("a line break is not possible")),
                Some(b';') => {
                    self.rest = &self.rest[self.rest.find('\n').unwrap_or(self.rest.len())..];
                    continue;
                }
                _ => return Ok(self.rest.len() < before),
            }
            self.rest = &self.rest[1..];
        }
    }
}

/// Returns whether `text` is one word without quotes.
pub(crate) fn is_word(text: &str) -> bool {
    let word = Tokens::of(text).next();
    word.is_ok_and(|word| word.is_some_and(|word| !word.quoted && word.text == text))
}

/// Returns the number that `text` writes in decimal digits.
pub(super) fn number(text: &str, bits: u32) -> Result<u32, Flaw> {
    if text.is_empty() || !text.bytes().all(|b| b.is_ascii_digit()) {
        return Err(Flaw::new("expecting an integer"));
    }
    let digits = text.trim_start_matches('0');
    let number = if digits.is_empty() { Ok(0) } else { digits.parse::<u64>() };
    let fits = number.ok().filter(|number| number >> bits == 0).and_then(|number| number.try_into().ok());
    fits.ok_or_else(|| Flaw::Malformed(format!("{digits} is not an unsigned {bits}-bit integer")))
}

/// Returns the bytes that `text` stands for.
pub(super) fn unescaped(text: &str) -> Result<Cow<'_, [u8]>, Flaw> {
    let mut rest = text.as_bytes();
    if !rest.contains(&b'\\') {
        return Ok(rest.into());
    }
    let mut bytes = Vec::with_capacity(text.len());
    while let Some((&first, tail)) = rest.split_first() {
        rest = tail;
        if first == b'\\' {
            let (byte, tail) = escape(tail)?;
            bytes.push(byte);
            rest = tail;
        } else {
            bytes.push(first);
        }
    }
    Ok(bytes.into())
}

/// Returns the byte that the text after a backslash stands for, and what follows.
pub(super) fn escape(tail: &[u8]) -> Result<(u8, &[u8]), Flaw> {
    match tail {
        [b'0'..=b'9', ..] => {
            let code = tail.get(..3).filter(|digits| digits.iter().all(u8::is_ascii_digit));
            let code = code.and_then(|digits| std::str::from_utf8(digits).ok()?.parse().ok());
            let code = code.ok_or_else(|| Flaw::new("a decimal escape must be \\000 to \\255"))?;
            Ok((code, &tail[3..]))
        }
        [byte, tail @ ..] => Ok((*byte, tail)),
        [] => Err(Flaw::ended()),
    }
}

/// Adds `bytes` to `text`, escaped as within quotes.
pub(super) fn escaped(bytes: &[u8], text: &mut String) {
    text.reserve(bytes.len() + 2);
    let mut rest = bytes;
    while let Some((&byte, tail)) = rest.split_first() {
        match byte {
            b'"' | b'\\' => text.extend(['\\', byte.into()]),
            0x20..0x7f => {
                let run = rest.iter().position(|byte| !plain(*byte)).unwrap_or(rest.len());
                text.push_str(str::from_utf8(&rest[..run]).expect("it is ASCII"));
                rest = &rest[run..];
                continue;
            }
            _ => write!(text, "\\{byte:03}").expect("a String takes everything"),
        }
        rest = tail;
    }
}

/// Adds `bytes` to `text`, in quotes.
pub(crate) fn quoted(bytes: &[u8], text: &mut String) {
    text.push('"');
    escaped(bytes, text);
    text.push('"');
}

fn plain(byte: u8) -> bool {
    matches!(byte, 0x20..0x7f) && byte != b'"' && byte != b'\\'
}

// Where a word ends: an escaped character ends nothing.
fn end(text: &str, quoted: bool) -> Result<usize, Flaw> {
    let bytes = text.as_bytes();
    let ends = |byte: &u8| match byte {
        b'"' | b'\\' | b'\n' => true,
        b' ' | b'\t' | b'\r' | b';' | b'(' | b')' => !quoted,
        _ => false,
    };
    let mut from = 0;
    while let Some(next) = bytes[from..].iter().position(ends) {
        let at = from + next;
        match (bytes[at], bytes.get(at + 1)) {
            (b'\\', None) => return Err(Flaw::ended()),
            (b'\\', Some(b'\n' | b'\r')) if !quoted => return Err(Flaw::ended()),
            (b'\\', Some(_)) => from = at + 2,
            (b'\n', _) if quoted => return Err(Flaw::new("a line break is not possible")),
            _ => return Ok(at),
        }
    }
    if quoted { Err(Flaw::ended()) } else { Ok(bytes.len()) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn words(content: &str) -> Result<Vec<(&str, bool, bool)>, Flaw> {
        let mut tokens = Tokens::of(content);
        std::iter::from_fn(|| tokens.next().transpose())
            .map(|token| token.map(|token| (token.text, token.quoted, token.glued)))
            .collect()
    }

    #[test]
    fn words_are_told_apart() {
        assert_eq!(
            words("a \"b c\"\"d\" ; \"e").unwrap(),
            [("a", false, true), ("b c", true, false), ("d", true, true)]
        );
        assert_eq!(words("x=\"y\"").unwrap(), [("x=", false, true), ("y", true, true)]);
        assert_eq!(words(r#"a\ b "\"" \;"#).unwrap().len(), 3);
        assert_eq!(words("(a ; comment\n b) c").unwrap().len(), 3);
        for bad in ["\"a", "(a", "a)", "a\nb", "\"a\nb\"", "a\\", "a\\\nb"] {
            assert!(words(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn numbers_have_a_size() {
        assert_eq!(number("0065535", 16), Ok(65_535));
        assert_eq!(number("4294967295", 32), Ok(u32::MAX));
        for bad in ["", "-1", "+1", "1.0", "65536", "99999999999999999999999", "\u{661}"] {
            assert!(number(bad, 16).is_err(), "{bad:?}");
        }
        let said = Flaw::Malformed("256 is not an unsigned 8-bit integer".into());
        assert_eq!(number("0256", 8), Err(said));
    }

    proptest! {
        #[test]
        fn escapes_come_back(bytes in any::<Vec<u8>>()) {
            let mut text = String::new();
            escaped(&bytes, &mut text);
            prop_assert_eq!(unescaped(&text).unwrap().into_owned(), bytes);
        }
    }
}
