//! The forms in which the server stores record contents, to compare what is wanted with what is there.

use std::{
    collections::BTreeSet,
    fmt::Write as _,
    net::{Ipv4Addr, Ipv6Addr},
};

use crate::{Error, RecordType};

/// Returns the form in which the server stores `content`.
///
/// Known are A, AAAA, CAA, CNAME, MX, NS, PTR, SRV, TLSA, TXT and SPF (presentation format, RFC 1035,
/// section 5; the generic form of RFC 3597 is not known). Contents of other types are trimmed only.
/// Applying it twice changes nothing.
///
/// # Errors
/// [`Error::InvalidInput`] if the server would refuse the content.
///
/// ```
/// use desec_api::{RecordType, canonical};
///
/// assert_eq!(canonical(&RecordType::Mx, "010  mail.example.com.")?, "10 mail.example.com.");
/// assert_eq!(canonical(&RecordType::Aaaa, "::ffff:192.0.2.1")?, "::ffff:c000:201");
/// assert!(canonical(&RecordType::Mx, "10 mail").is_err());
/// # Ok::<(), desec_api::Error>(())
/// ```
pub fn canonical(rtype: &RecordType, content: &str) -> Result<String, Error> {
    normalise(rtype, content)
        .map_err(|flaw| Error::InvalidInput { what: "record content", reason: flaw.explain(rtype) })
}

/// Returns whether two sets of contents are the same RRset of type `rtype`.
///
/// Order, repetition and spelling do not count, nor does the letter case of names in CNAME, DNAME, MX, NS,
/// PTR and SRV. Contents that [`canonical`] refuses are compared as they are.
///
/// ```
/// use desec_api::{RecordType, same_records};
///
/// let wanted = ["10 MX1.example.com.".into(), "20 mx2.example.com.".into()];
/// let there = ["020 mx2.example.com.".into(), "10 mx1.example.com.".into()];
/// assert!(same_records(&RecordType::Mx, &wanted, &there));
/// assert!(!same_records(&RecordType::Mx, &wanted, &there[..1]));
/// ```
pub fn same_records(rtype: &RecordType, a: &[String], b: &[String]) -> bool {
    let keys = |records: &[String]| -> BTreeSet<String> {
        records.iter().map(|content| comparable(rtype, content)).collect()
    };
    keys(a) == keys(b)
}

/// Returns `text` as the content of a TXT record: quoted, escaped, and split after each 255 bytes.
///
/// ```
/// use desec_api::txt;
///
/// assert_eq!(txt("v=spf1 -all"), r#""v=spf1 -all""#);
/// assert_eq!(txt("say \"hi\""), r#""say \"hi\"""#);
/// assert_eq!(txt(&"x".repeat(256)).len(), 256 + 5);
/// ```
pub fn txt(text: &str) -> String {
    quoted(text.as_bytes())
}

/// Returns the spelling by which contents are told apart.
pub(crate) fn comparable(rtype: &RecordType, content: &str) -> String {
    let text = normalise(rtype, content).unwrap_or_else(|_| content.trim().to_owned());
    match rtype {
        RecordType::Cname
        | RecordType::Dname
        | RecordType::Mx
        | RecordType::Ns
        | RecordType::Ptr
        | RecordType::Srv => text.to_ascii_lowercase(),
        _ => text,
    }
}

/// Why a content is refused.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Flaw {
    /// Neither the server nor this crate can read it.
    Malformed(String),
    /// A text without quotes.
    Unquoted,
    /// A name without a dot at the end.
    Relative,
    /// A name that the type does not allow: its part in the record, and the name.
    BadName(&'static str, String),
}

impl Flaw {
    fn explain(&self, rtype: &RecordType) -> String {
        match self {
            Self::Malformed(reason) => format!("{rtype}: {reason}"),
            Self::Unquoted => format!("{rtype}: put the text into double quotes"),
            Self::Relative => format!("{rtype}: the name must be complete and end in a dot"),
            Self::BadName(part, name) => format!("{rtype}: {name:?} cannot be the {part}"),
        }
    }
}

pub(crate) fn normalise(rtype: &RecordType, content: &str) -> Result<String, Flaw> {
    let mut tokens = Tokens(tokens(content)?.into_iter());
    let text = match rtype {
        RecordType::A => address::<Ipv4Addr>(&mut tokens)?.to_string(),
        RecordType::Aaaa => ipv6(address(&mut tokens)?),
        RecordType::Caa => {
            let (flags, tag) = (tokens.number("8", u8::MAX.into())?, tokens.bare()?);
            if tag.is_empty() || !tag.bytes().all(|b| b.is_ascii_alphanumeric()) {
                return Err(malformed("the tag must be letters and digits"));
            }
            let Some(value) = tokens.0.next() else { return Err(malformed(ENDED)) };
            format!("{flags} {tag} {}", escaped(&value.bytes()?))
        }
        RecordType::Cname | RecordType::Ptr => tokens.name("target", true)?,
        RecordType::Ns => {
            let name = tokens.name("target", false)?;
            if name == "." {
                return Err(Flaw::BadName("target", name));
            }
            name
        }
        RecordType::Mx => {
            let preference = tokens.number("16", u16::MAX.into())?;
            format!("{preference} {}", tokens.name("exchange", false)?)
        }
        RecordType::Srv => {
            let mut number = || tokens.number("16", u16::MAX.into());
            let (priority, weight, port) = (number()?, number()?, number()?);
            format!("{priority} {weight} {port} {}", tokens.name("target", false)?)
        }
        RecordType::Tlsa => {
            let mut number = || tokens.number("8", u8::MAX.into());
            let (usage, selector, matching) = (number()?, number()?, number()?);
            format!("{usage} {selector} {matching} {}", tokens.hex()?)
        }
        RecordType::Txt | RecordType::Spf => {
            let strings = tokens.0.by_ref().map(|token| match token {
                Token::Quoted(bytes) => Ok(quoted(&bytes)),
                Token::Bare(_) => Err(Flaw::Unquoted),
            });
            strings.collect::<Result<Vec<_>, _>>()?.join(" ")
        }
        _ => return Ok(content.trim().to_owned()),
    };
    if text.is_empty() {
        return Err(malformed(ENDED));
    }
    match tokens.0.next() {
        None => Ok(text),
        Some(_) => Err(malformed("there is more than belongs to the record")),
    }
}

enum Token {
    Quoted(Vec<u8>),
    Bare(String),
}

impl Token {
    fn bytes(self) -> Result<Vec<u8>, Flaw> {
        match self {
            Self::Quoted(bytes) => Ok(bytes),
            Self::Bare(text) => unescaped(&text),
        }
    }
}

struct Tokens(std::vec::IntoIter<Token>);

impl Tokens {
    fn bare(&mut self) -> Result<String, Flaw> {
        match self.0.next() {
            Some(Token::Bare(text)) => Ok(text),
            Some(Token::Quoted(_)) => Err(malformed("expecting an identifier")),
            None => Err(malformed(ENDED)),
        }
    }

    fn number(&mut self, bits: &str, most: u32) -> Result<u32, Flaw> {
        let text = self.bare()?;
        if text.is_empty() || !text.bytes().all(|b| b.is_ascii_digit()) {
            return Err(malformed("expecting an integer"));
        }
        let number = text.parse().ok().filter(|number| *number <= most);
        number.ok_or_else(|| Flaw::Malformed(format!("{text} is not an unsigned {bits}-bit integer")))
    }

    fn name(&mut self, part: &'static str, underscore: bool) -> Result<String, Flaw> {
        let text = self.bare()?;
        if text == "." {
            return Ok(text);
        }
        let Some(name) = text.strip_suffix('.') else { return Err(Flaw::Relative) };
        let bad = || Flaw::BadName(part, text.clone());
        let labels = name.split('.').map(|label| ascii(label).ok_or_else(bad));
        let labels = labels.collect::<Result<Vec<_>, _>>()?;
        let fits = |label: &String| {
            let allowed =
                |b: u8| b.is_ascii_alphanumeric() || b == b'-' || underscore && (b == b'_' || b == b'*');
            (1..=63).contains(&label.len()) && label.bytes().all(allowed)
        };
        let name = labels.join(".") + ".";
        if name.len() <= 254 && labels.iter().all(fits) { Ok(name) } else { Err(bad()) }
    }

    fn hex(&mut self) -> Result<String, Flaw> {
        let mut digits = String::new();
        while !self.0.as_slice().is_empty() {
            digits += &self.bare()?.to_ascii_lowercase();
        }
        if digits.len() % 2 == 1 {
            return Err(malformed("Odd-length string"));
        }
        if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err(malformed("Non-hexadecimal digit found"));
        }
        Ok(digits)
    }
}

// RFC 1035, section 5.1: blanks part, quotes join, parentheses are layout, a semicolon starts a comment.
fn tokens(content: &str) -> Result<Vec<Token>, Flaw> {
    let mut tokens = Vec::new();
    let mut rest = content;
    loop {
        rest = rest.trim_start_matches([' ', '\t', '(', ')']);
        if rest.is_empty() || rest.starts_with(';') {
            return Ok(tokens);
        }
        if rest.contains('\n') || rest.contains('\r') {
            return Err(malformed("a line break is not possible"));
        }
        let quote = rest.strip_prefix('"');
        let text = quote.unwrap_or(rest);
        let end = end(text, |c| if quote.is_some() { c == '"' } else { " \t();\"".contains(c) });
        tokens.push(if quote.is_some() {
            Token::Quoted(unescaped(&text[..end.ok_or_else(|| malformed(ENDED))?])?)
        } else {
            Token::Bare(text[..end.unwrap_or(text.len())].to_owned())
        });
        let past = end.map_or(text.len(), |end| end + usize::from(quote.is_some()));
        rest = &text[past..];
    }
}

// The first character that ends a token and is not escaped.
fn end(text: &str, ends: impl Fn(char) -> bool) -> Option<usize> {
    let mut escaped = false;
    text.char_indices().find_map(|(n, c)| {
        let found = !escaped && ends(c);
        escaped = !escaped && c == '\\';
        found.then_some(n)
    })
}

fn unescaped(text: &str) -> Result<Vec<u8>, Flaw> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        rest = tail;
        if first != b'\\' {
            bytes.push(first);
        } else if tail.first().is_some_and(u8::is_ascii_digit) {
            let code = tail.get(..3).and_then(|digits| std::str::from_utf8(digits).ok()?.parse().ok());
            bytes.push(code.ok_or_else(|| malformed("a decimal escape must be \\000 to \\255"))?);
            rest = &tail[3..];
        } else {
            let (&second, tail) = tail.split_first().ok_or_else(|| malformed(ENDED))?;
            bytes.push(second);
            rest = tail;
        }
    }
    Ok(bytes)
}

fn quoted(bytes: &[u8]) -> String {
    if bytes.is_empty() {
        return escaped(bytes);
    }
    bytes.chunks(255).map(escaped).collect::<Vec<_>>().join(" ")
}

fn escaped(bytes: &[u8]) -> String {
    let mut text = String::from('"');
    for &byte in bytes {
        match byte {
            b'"' | b'\\' => text.extend(['\\', byte.into()]),
            0x20..0x7f => text.push(byte.into()),
            _ => write!(text, "\\{byte:03}").expect("a String takes everything"),
        }
    }
    text.push('"');
    text
}

// Labels of other scripts become their ASCII form; others keep their letter case.
fn ascii(label: &str) -> Option<String> {
    if label.is_ascii() {
        return Some(label.to_owned());
    }
    match url::Host::parse(label) {
        Ok(url::Host::Domain(name)) if !label.contains('%') && !name.contains('.') => Some(name),
        _ => None,
    }
}

fn address<T: std::str::FromStr>(tokens: &mut Tokens) -> Result<T, Flaw> {
    tokens.bare()?.parse().map_err(|_| malformed("Text input is malformed."))
}

// RFC 5952, but never with a dotted end.
fn ipv6(address: Ipv6Addr) -> String {
    let groups = address.segments();
    let zeros = |start: usize| groups[start..].iter().take_while(|group| **group == 0).count();
    let hex = |groups: &[u16]| groups.iter().map(|group| format!("{group:x}")).collect::<Vec<_>>().join(":");
    // The first of the longest runs: `max_by_key` takes the last one.
    let start = (0..8).rev().max_by_key(|start| zeros(*start)).unwrap_or_default();
    match zeros(start) {
        0 | 1 => hex(&groups),
        run => format!("{}::{}", hex(&groups[..start]), hex(&groups[start + run..])),
    }
}

fn malformed(reason: &str) -> Flaw {
    Flaw::Malformed(reason.into())
}

const ENDED: &str = "Text input ended unexpectedly.";

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn rtype() -> impl Strategy<Value = RecordType> {
        let names = ["A", "AAAA", "CAA", "CNAME", "MX", "NS", "PTR", "SRV", "TLSA", "TXT", "SPF", "URI"];
        proptest::sample::select(names.to_vec()).prop_map(|name| name.parse().unwrap())
    }

    #[test]
    fn escapes_are_told_from_digits() {
        let canonical = |text| canonical(&RecordType::Txt, text).unwrap();
        assert_eq!(canonical(r#""\065\\\"""#), r#""A\\\"""#);
        assert!(super::canonical(&RecordType::Txt, r#""\25""#).is_err());
        assert!(super::canonical(&RecordType::Txt, r#""\256""#).is_err());
        assert!(super::canonical(&RecordType::Txt, "\"a\nb\"").is_err());
    }

    #[test]
    fn names_differ_by_more_than_letter_case() {
        let set = |text: &str| [text.to_owned()];
        assert!(same_records(&RecordType::Cname, &set("WWW.example."), &set("www.EXAMPLE. ; x")));
        assert!(!same_records(&RecordType::Cname, &set("www.example."), &set("www2.example.")));
        assert!(!same_records(&RecordType::Txt, &set("\"A\""), &set("\"a\"")));
        assert!(same_records(&RecordType::Txt, &set("unquoted "), &set("unquoted")));
        assert!(!same_records(&RecordType::A, &set("192.0.2.1"), &[]));
    }

    proptest! {
        #[test]
        fn canonical_is_idempotent(rtype in rtype(), content in "[ -~\\t\u{e9}]{0,40}") {
            if let Ok(once) = canonical(&rtype, &content) {
                prop_assert_eq!(canonical(&rtype, &once).unwrap(), once);
            }
        }

        #[test]
        fn any_content_is_read_or_refused(rtype in rtype(), content in any::<String>()) {
            let same = [content];
            prop_assert!(same_records(&rtype, &same, &same));
        }

        #[test]
        fn addresses_keep_their_value(groups in any::<[u16; 8]>(), mask in any::<[bool; 8]>()) {
            let groups: Vec<u16> = groups.iter().zip(mask).map(|(g, keep)| if keep { *g } else { 0 }).collect();
            let address = Ipv6Addr::from(<[u16; 8]>::try_from(groups).unwrap());
            let text = canonical(&RecordType::Aaaa, &address.to_string()).unwrap();
            prop_assert_eq!(text.parse::<Ipv6Addr>().unwrap(), address);
            prop_assert_eq!(canonical(&RecordType::Aaaa, &text).unwrap(), text);
        }

        #[test]
        fn txt_is_canonical_and_says_the_text(text in any::<String>(), times in 1_usize..40) {
            let text = text.repeat(times);
            let content = txt(&text);
            prop_assert_eq!(canonical(&RecordType::Txt, &content).unwrap(), content.clone());
            let said: Vec<u8> = tokens(&content)
                .unwrap()
                .into_iter()
                .flat_map(|token| token.bytes().unwrap())
                .collect();
            prop_assert_eq!(String::from_utf8(said).unwrap(), text);
        }
    }
}
