//! Finds tags, attributes and references to characters in HTML as browsers do.

/// Returns how long a comment is, and what ends it.
pub(super) fn comment_end(inner: &str) -> (usize, usize) {
    if let Some(end) = [">", "->"].iter().find(|end| inner.starts_with(**end)) {
        return (0, end.len());
    }
    let mut from = 0;
    while let Some(at) = inner[from..].find("--").map(|at| from + at) {
        if let Some(end) = ["-->", "--!>"].iter().find(|end| inner[at..].starts_with(**end)) {
            return (at, end.len());
        }
        from = at + 1;
    }
    (inner.len(), 0)
}

/// Finds the style sheets, each with the attributes of its tag, outside comments and what is not shown.
pub(super) fn sheets<'a>(html: &'a str, skipped: &[&str]) -> Vec<(&'a str, &'a str)> {
    let mut found = Vec::new();
    let mut rest = html;
    while let Some(at) = rest.find('<') {
        rest = &rest[at..];
        if let Some(comment) = rest.strip_prefix("<!--") {
            let (length, end) = comment_end(comment);
            rest = &comment[length + end..];
            continue;
        }
        let next = rest.as_bytes().get(1).copied().unwrap_or_default();
        if !next.is_ascii_alphabetic() && !b"/!?".contains(&next) {
            rest = &rest[1..];
            continue;
        }
        let is_tag = next.is_ascii_alphabetic() || next == b'/';
        let length = if is_tag { tag_length(rest) } else { rest.find('>').map_or(rest.len(), |at| at + 1) };
        let (tag, behind) = rest.split_at(length);
        rest = behind;
        let end = tag[1..].find(|c: char| !c.is_ascii_alphanumeric()).map_or(tag.len(), |end| end + 1);
        let Some(name) = skipped.iter().find(|name| tag[1..end].eq_ignore_ascii_case(name)) else { continue };
        let (content, behind) = rest.split_at(element_length(rest, name));
        if *name == "style" {
            found.push((tag[end..].trim_end_matches('>'), content));
        }
        rest = behind;
    }
    found
}

/// Returns how long the content of an element is that no other tag ends.
pub(super) fn element_length(rest: &str, name: &str) -> usize {
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
pub(super) fn tag_length(tag: &str) -> usize {
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

pub(super) fn attributes(text: &str) -> Vec<(&str, &str)> {
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
pub(super) fn decoded(value: &str) -> String {
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
        if let Some(c) = code.and_then(char::from_u32).or(named) {
            plain.push(c);
            rest = after.strip_prefix(';').unwrap_or(after);
        } else {
            plain.push('&');
            rest = behind;
        }
    }
    plain + rest
}

/// Tells whether a text says anything: blanks, references to characters and fillers don't.
pub(super) fn has_words(text: &str) -> bool {
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

/// Nobody writes as many; the others are not looked at.
pub(super) const MOST_ATTRIBUTES: usize = 64;
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
