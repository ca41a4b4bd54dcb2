//! The entries of a zone file: quotes, escapes, comments, and parentheses over lines (RFC 1035 section 5.1).

use std::iter::Peekable;
use std::str::Chars;

/// One entry and where it begins.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) line: usize,
    /// Whether it begins with a blank: it is about the name before.
    pub(super) indented: bool,
    /// Its words, quotes and escapes as they were.
    pub(super) tokens: Vec<String>,
}

/// Cuts a text into entries; those without words are left out.
pub(super) fn entries(text: &str) -> Result<Vec<Entry>, (usize, &'static str)> {
    let mut lexer = Lexer { chars: text.chars().peekable(), line: 1 };
    let mut all = Vec::new();
    while lexer.chars.peek().is_some() {
        let entry = lexer.entry()?;
        if !entry.tokens.is_empty() {
            all.push(entry);
        }
    }
    Ok(all)
}

struct Lexer<'a> {
    chars: Peekable<Chars<'a>>,
    line: usize,
}

impl Lexer<'_> {
    fn entry(&mut self) -> Result<Entry, (usize, &'static str)> {
        let begin = self.line;
        let indented = self.chars.peek().is_some_and(|c| [' ', '\t'].contains(c));
        let (mut tokens, mut depth) = (Vec::new(), 0_usize);
        while let Some(&c) = self.chars.peek() {
            match c {
                '\n' => {
                    self.chars.next();
                    self.line += 1;
                    if depth == 0 {
                        return Ok(Entry { line: begin, indented, tokens });
                    }
                }
                ' ' | '\t' | '\r' => {
                    self.chars.next();
                }
                ';' => while self.chars.next_if(|c| *c != '\n').is_some() {},
                '(' => {
                    self.chars.next();
                    depth += 1;
                }
                ')' => {
                    self.chars.next();
                    depth = depth
                        .checked_sub(1)
                        .ok_or((self.line, "a parenthesis is closed that was not opened"))?;
                }
                _ => tokens.push(self.token()?),
            }
        }
        if depth > 0 {
            return Err((begin, "a parenthesis is not closed"));
        }
        Ok(Entry { line: begin, indented, tokens })
    }

    fn token(&mut self) -> Result<String, (usize, &'static str)> {
        let (mut token, mut quoted) = (String::new(), false);
        while let Some(&c) = self.chars.peek() {
            match c {
                '\n' if quoted => return Err((self.line, "a quote is not closed")),
                ' ' | '\t' | '\r' | '\n' | ';' | '(' | ')' if !quoted => return Ok(token),
                '"' => quoted = !quoted,
                '\\' => {
                    token.push(c);
                    self.chars.next();
                    if self.chars.peek().is_none_or(|next| *next == '\n') {
                        return Err((self.line, "a backslash stands at the end"));
                    }
                }
                _ => {}
            }
            token.extend(self.chars.next());
        }
        if quoted { Err((self.line, "a quote is not closed")) } else { Ok(token) }
    }
}
