use std::collections::VecDeque;

use super::Violation;

/// The state of one line.
#[derive(Default)]
pub(super) struct Scan {
    pub(super) max_literal: u64,
    /// Lines that were kept from the parser, the oldest first.
    pub(super) kept: VecDeque<Vec<u8>>,
    pub(super) line: Line,
}

#[derive(Default)]
pub(super) struct Line {
    kind: Kind,
    /// The line's bytes so far, literals left out.
    length: usize,
    /// The line's last bytes, the newest at the end.
    tail: [u8; TAIL],
    depth: usize,
    /// How many lists began, in strings too.
    lists: usize,
    quoted: bool,
    escaped: bool,
    /// Bytes of a literal still to come.
    literal: u64,
    /// Bytes of all its literals.
    literals: u64,
    /// The line itself, if it is kept.
    text: Vec<u8>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Kind {
    /// `* ` and digits so far, or less.
    #[default]
    Undecided,
    /// `* 12 FETCH ...`: the only one with long literals.
    Fetch,
    /// `* LIST ...`, or another word.
    Kept,
    /// Any other.
    Plain,
}

impl Scan {
    /// Looks at what came next, and covers what is not for the parser. With a violation comes how many bytes before it
    /// belong to lines that are whole.
    pub(super) fn read(&mut self, bytes: &mut [u8]) -> Result<(), (usize, Violation)> {
        let (mut at, mut whole) = (0, 0);
        while at < bytes.len() {
            let (done, ended) = self.step(&mut bytes[at..]).map_err(|violation| (whole, violation))?;
            at += done;
            if ended {
                whole = at;
            }
        }
        Ok(())
    }

    /// Passes over some bytes, and tells how many they were and whether a line ended with them.
    fn step(&mut self, bytes: &mut [u8]) -> Result<(usize, bool), Violation> {
        if self.line.literal > 0 {
            return Ok((self.line.literal(bytes), false));
        }
        let quiet = self.line.quiet(bytes)?;
        if quiet > 0 {
            return Ok((quiet, false));
        }
        let ended = self.line.byte(&mut bytes[0], self.max_literal)?;
        if ended {
            let line = std::mem::take(&mut self.line);
            if line.kind == Kind::Kept {
                self.kept.push_back(line.text);
            }
        }
        Ok((1, ended))
    }
}

impl Line {
    /// Passes over bytes of a literal.
    fn literal(&mut self, bytes: &mut [u8]) -> usize {
        let passed = bytes.len().min(usize::try_from(self.literal).unwrap_or(usize::MAX));
        self.literal -= passed as u64;
        if self.kind == Kind::Kept {
            self.text.extend_from_slice(&bytes[..passed]);
            bytes[..passed].fill(COVER);
        }
        passed
    }

    /// Passes over bytes that change nothing, up to the first one that may, and tells how many they were.
    fn quiet(&mut self, bytes: &mut [u8]) -> Result<usize, Violation> {
        let passed = match self.kind {
            Kind::Undecided => 0,
            // The first of them make `OK`.
            Kind::Kept if self.text.len() < 3 => 0,
            _ => bytes.iter().position(|&byte| SPEAKS[usize::from(byte)]).unwrap_or(bytes.len()),
        };
        if passed == 0 {
            return Ok(0);
        }
        self.follows(bytes[0])?;
        self.lengthen(passed)?;
        let last = &bytes[passed.saturating_sub(TAIL)..passed];
        self.tail.rotate_left(last.len());
        self.tail[TAIL - last.len()..].copy_from_slice(last);
        self.escaped = false;
        if self.kind == Kind::Kept {
            self.text.extend_from_slice(&bytes[..passed]);
            bytes[..passed].fill(COVER);
        }
        Ok(passed)
    }

    /// Looks at one byte, and tells whether the line ends with it.
    fn byte(&mut self, byte: &mut u8, max_literal: u64) -> Result<bool, Violation> {
        let read = *byte;
        self.follows(read)?;
        self.lengthen(1)?;
        self.tail.rotate_left(1);
        self.tail[TAIL - 1] = read;
        match (self.kind, read) {
            (_, b'\n') => return self.line_end(byte, max_literal),
            (Kind::Undecided, _) => self.decide(byte),
            (Kind::Plain, _) => {}
            (Kind::Kept, b'\r') if self.literal_length()?.is_none() => {}
            (Kind::Kept, _) => {
                self.syntax(read)?;
                self.keep(byte);
            }
            (Kind::Fetch, _) => self.syntax(read)?,
        }
        Ok(false)
    }

    /// Tells whether this byte may stand behind the last one.
    fn follows(&self, byte: u8) -> Result<(), Violation> {
        let last = self.tail[TAIL - 1];
        if (byte == b'\n') != (last == b'\r' && self.length > 0) || byte == 0 {
            return Err(Violation("it holds a NUL, or a CR or LF alone"));
        }
        // imap-proto cuts the text behind a response code at its second byte, whatever character that is in.
        if self.kind == Kind::Plain && last == b']' && !byte.is_ascii() {
            return Err(Violation("the text behind a response code begins without a blank"));
        }
        if self.kind == Kind::Plain && byte == COVER {
            return Err(Violation("a text holds a control character"));
        }
        if self.kind == Kind::Fetch && !self.joins(byte) {
            return Err(Violation("a string stands where none may be"));
        }
        Ok(())
    }

    /// Tells whether the parser takes for strings what is one here, as far as this byte shows. What it doesn't know it
    /// steps over up to the next blank or parenthesis, quoted or not.
    fn joins(&self, byte: u8) -> bool {
        let last = self.tail[TAIL - 1];
        match byte {
            _ if self.escaped => matches!(byte, b'"' | b'\\'),
            b')' if self.quoted => self.depth == 1,
            _ if self.quoted => true,
            b'"' => matches!(last, b' ' | b'('),
            b' ' | b')' => true,
            _ => last != b'"',
        }
    }

    fn lengthen(&mut self, by: usize) -> Result<(), Violation> {
        self.length += by;
        let limit = if self.kind == Kind::Kept { MAX_KEPT } else { MAX_LINE };
        if self.length > limit { Err(Violation("a line is too long")) } else { Ok(()) }
    }

    fn decide(&mut self, byte: &mut u8) {
        let (read, previous) = (*byte, self.tail[TAIL - 2]);
        let undecided = match read {
            b'*' => self.length == 1,
            b' ' => previous == b'*' || previous.is_ascii_digit(),
            b'0'..=b'9' => self.length > 2,
            _ => false,
        };
        if undecided {
            return;
        }
        let letter = read.to_ascii_uppercase();
        if self.length > 3 && previous == b' ' && letter == b'F' {
            self.kind = Kind::Fetch;
        } else if self.length == 3
            && previous == b' '
            && letter.is_ascii_uppercase()
            && !STATES.contains(&letter)
        {
            self.kind = Kind::Kept;
            self.keep(byte);
        } else {
            self.kind = Kind::Plain;
        }
    }

    /// Keeps a byte and shows the parser another.
    fn keep(&mut self, byte: &mut u8) {
        self.text.push(*byte);
        *byte = b"OK ".get(self.text.len() - 1).copied().unwrap_or(COVER);
    }

    /// Follows strings and lists.
    fn syntax(&mut self, byte: u8) -> Result<(), Violation> {
        self.lists += usize::from(byte == b'(');
        if self.kind == Kind::Fetch && self.lists > MAX_DEPTH {
            return Err(Violation("there are too many lists"));
        }
        if self.quoted {
            self.quoted = self.escaped || byte != b'"';
            self.escaped = !self.escaped && byte == b'\\';
            return Ok(());
        }
        match byte {
            b'"' => self.quoted = true,
            b'(' => self.depth += 1,
            b')' => {
                self.depth = self.depth.checked_sub(1).ok_or(Violation("a list ends that never began"))?;
            }
            _ => {}
        }
        if self.depth > MAX_DEPTH {
            return Err(Violation("lists are nested too deep"));
        }
        // imap-proto takes for granted that this is a string.
        if self.kind == Kind::Fetch && self.tail[TAIL - NO_DATE.len()..].eq_ignore_ascii_case(NO_DATE) {
            return Err(Violation(UNDATED));
        }
        Ok(())
    }

    fn line_end(&mut self, byte: &mut u8, max_literal: u64) -> Result<bool, Violation> {
        let length = self.literal_length()?;
        let limit = match self.kind {
            Kind::Fetch if self.depth == 1 => max_literal,
            Kind::Kept if NAMING.iter().any(|word| self.text.starts_with(word)) => max_literal.min(MAX_NAME),
            _ if length.is_some() => return Err(Violation("there is a literal where none was asked for")),
            _ => 0,
        };
        let Some(length) = length else {
            if self.depth > 0 || self.quoted {
                return Err(Violation("a line ends within a list"));
            }
            // The parser would see no cover behind `OK `.
            if self.kind == Kind::Kept && self.text.len() < 4 {
                return Err(Violation("a line is too short"));
            }
            return Ok(true);
        };
        self.literals = self.literals.saturating_add(length);
        if self.literals > limit || self.quoted {
            return Err(Violation("a literal is larger than what was asked for"));
        }
        self.literal = length;
        if self.kind == Kind::Kept {
            self.keep(byte);
            self.lengthen(usize::try_from(length).unwrap_or(usize::MAX))?;
        }
        // The bytes before it must not be taken for those before the next one.
        self.tail = [0; TAIL];
        self.tail[TAIL - 1] = b' ';
        Ok(false)
    }

    /// Reads `{123}` before the line end; in a FETCH it has to stand behind `BODY[...] `.
    fn literal_length(&self) -> Result<Option<u64>, Violation> {
        let line = match self.tail.strip_suffix(b"\r\n").or_else(|| self.tail.strip_suffix(b"\r")) {
            Some(line) if !self.quoted => line,
            _ => return Ok(None),
        };
        let Some(line) = line.strip_suffix(b"}") else { return Ok(None) };
        let digits = line.iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
        let (before, digits) = line.split_at(line.len() - digits);
        // So many digits that it can't be seen what stands before them may be a number for the parser.
        if digits.is_empty() || before.last().is_some_and(|last| *last != b'{') {
            return Ok(None);
        }
        let length = str::from_utf8(digits).ok().and_then(|digits| digits.parse().ok());
        let place = match self.kind {
            Kind::Kept => before.ends_with(b" {") || before.ends_with(b"({"),
            _ => before.ends_with(b"] {") || before.ends_with(b"> {"),
        };
        match length {
            Some(length) if place => Ok(Some(length)),
            _ => Err(Violation("there is a literal where none was asked for")),
        }
    }
}

/// What the parser sees of a line that is not for it; no server may say it.
pub(crate) const COVER: u8 = 1;
/// Bytes of a literal that holds a name.
pub(crate) const MAX_NAME: u64 = 8 << 10;
/// Lines that may hold a name as a literal.
const NAMING: [&[u8]; 4] = [b"LIST ", b"LSUB ", b"STATUS ", b"QUOTA"];
/// What OK, NO, BAD, BYE and PREAUTH begin with.
const STATES: &[u8] = b"ONBP";
/// Why an answer is not read on that has no date of arrival for a message.
pub(crate) const UNDATED: &str = "a message has no date of arrival";
const NO_DATE: &[u8] = b"INTERNALDATE NIL";
/// Enough for it and for `] {4294967295}` with its line end.
const TAIL: usize = 24;
/// Of what the parser reads; its pieces take ten times as much memory.
pub(super) const MAX_LINE: usize = 64 << 10;
/// The answer to a SEARCH over the largest window that is asked for needs a little more than half of it.
pub(super) const MAX_KEPT: usize = 1 << 20;
pub(super) const MAX_DEPTH: usize = 64;

/// The bytes that may change the state of a line.
const SPEAKS: [bool; 256] = {
    let mut speaks = [false; 256];
    let mut of = 0;
    let bytes = b"\0\x01\r\n\"()\\]Ll";
    while of < bytes.len() {
        speaks[bytes[of] as usize] = true;
        of += 1;
    }
    speaks
};
