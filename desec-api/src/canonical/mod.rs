//! The forms in which the server stores record contents, to compare what is wanted with what is there.
//!
//! As the server, a content is turned into the data that travels, and that into text again.

mod addresses;
mod bitmap;
mod loc;
mod mnemonics;
mod name;
mod schema;
pub(crate) mod svcb;
mod tokens;
mod wire;

use std::collections::BTreeSet;

use self::{
    schema::{Field, fields},
    tokens::Tokens,
};
use crate::{Error, RecordType};

pub(crate) use self::{
    addresses::ipv6,
    name::{print as print_name, read as read_name},
    schema::{stable, tag},
    tokens::{is_word, quoted},
    wire::{Wire, hex},
};

/// Returns the form in which the server stores `content`.
///
/// All types that deSEC lets its users write are known, in their presentation format (RFC 1035, section 5)
/// and in the generic form `\# length digits` (RFC 3597). Contents of other types ([`RecordType::Other`]) are
/// trimmed only. Applying it twice changes nothing.
///
/// Names must be absolute and end in a dot. They keep their letter case; labels of other scripts become their
/// ASCII form (`xn--..`), by the standard of today (UTS 46). The server's older one knows less: it may read
/// letters that came after 2002 differently, and never gets to see them.
///
/// # Errors
/// [`Error::InvalidInput`] if the server would refuse the content, and for the few that it would store
/// differently each time: characters beyond ASCII in CAA, HINFO, NAPTR, URI and the `alpn` of HTTPS and SVCB; and
/// names with the four letters that the two standards read differently on purpose (ß is one).
///
/// ```
/// use desec_api::{RecordType, canonical};
///
/// assert_eq!(canonical(&RecordType::Mx, "010  mail.example.com.")?, "10 mail.example.com.");
/// assert_eq!(canonical(&RecordType::Aaaa, "::ffff:192.0.2.1")?, "::ffff:c000:201");
/// assert_eq!(canonical(&RecordType::Https, "1 . port=0443 ALPN=\"h2,h3\"")?, "1 . alpn=h2,h3 port=443");
/// assert_eq!(canonical(&RecordType::A, r"\# 4 C0000201")?, "192.0.2.1");
/// assert!(canonical(&RecordType::Mx, "10 mail").is_err());
/// # Ok::<(), desec_api::Error>(())
/// ```
pub fn canonical(rtype: &RecordType, content: &str) -> Result<String, Error> {
    normalise(rtype, content).map_err(|flaw| flaw.into_error(rtype))
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
    let meant = |records: &[String]| -> BTreeSet<String> {
        records.iter().map(|content| comparable(rtype, content)).collect()
    };
    // What is spelled alike need not be understood.
    a == b || spelled(a) == spelled(b) || meant(a) == meant(b)
}

fn spelled(records: &[String]) -> BTreeSet<&str> {
    records.iter().map(String::as_str).collect()
}

/// Returns the spelling by which contents are told apart.
pub(crate) fn comparable(rtype: &RecordType, content: &str) -> String {
    folded(rtype, normalise(rtype, content).unwrap_or_else(|_| content.trim().to_owned()))
}

/// The same for a content that is in canonical form already.
pub(crate) fn folded(rtype: &RecordType, text: String) -> String {
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
    /// A name of more than 255 bytes.
    LongName,
    /// A name that the type does not allow: its part in the record, and the name.
    BadName(&'static str, String),
    /// Data of more than 64,000 bytes: how many.
    TooLong(usize),
}

impl Flaw {
    pub(crate) fn into_error(self, rtype: &RecordType) -> Error {
        Error::InvalidInput { what: "record content", reason: format!("{rtype}: {}", self.reason()) }
    }

    pub(crate) fn reason(self) -> String {
        match self {
            Self::Malformed(reason) => reason,
            Self::Unquoted => "put the text into double quotes".into(),
            Self::Relative => "the name must be complete and end in a dot".into(),
            Self::LongName => "a name can have 255 bytes at most".into(),
            Self::BadName(part, name) => format!("{name:?} cannot be the {part}"),
            Self::TooLong(size) => format!("it has {size} bytes, and 64000 are possible"),
        }
    }

    fn new(reason: &str) -> Self {
        Self::Malformed(reason.into())
    }

    fn ended() -> Self {
        Self::new("Text input ended unexpectedly.")
    }
}

/// Returns the canonical form of a content.
pub(crate) fn normalise(rtype: &RecordType, content: &str) -> Result<String, Flaw> {
    Ok(data(rtype, content)?.map_or_else(|| content.trim().to_owned(), |(_, text)| text))
}

/// Returns a content as it travels and in its canonical form; nothing if the type is not known.
pub(crate) fn data(rtype: &RecordType, content: &str) -> Result<Option<(Vec<u8>, String)>, Flaw> {
    let Some(fields) = fields(rtype) else { return Ok(None) };
    if content.contains('\0') {
        return Err(Flaw::new("Null characters are not allowed."));
    }
    let tokens = Tokens::of(content.trim());
    let generic = wire::generic(tokens)?;
    let is_generic = generic.is_some();
    let wire = generic.map_or_else(|| read(fields, tokens), Ok)?;
    if wire.len() > MAX_RECORD {
        return Err(Flaw::TooLong(wire.len()));
    }
    let text = print(fields, &wire)?;
    // Data may say the same in more than one way; the server takes only its own.
    if is_generic && read(fields, Tokens::of(&text))? != wire {
        return Err(Flaw::new("compressed data in generic syntax form of known rdtype"));
    }
    Ok(Some((wire, text)))
}

fn read(fields: &[Field], mut tokens: Tokens<'_>) -> Result<Vec<u8>, Flaw> {
    let mut wire = Vec::new();
    for field in fields {
        field.read(&mut tokens, &mut wire)?;
    }
    if tokens.at_end()? { Ok(wire) } else { Err(Flaw::new("there is more than belongs to the record")) }
}

fn print(fields: &[Field], wire: &[u8]) -> Result<String, Flaw> {
    let (mut wire, mut text) = (Wire(wire), String::new());
    for field in fields {
        field.print(&mut wire, &mut text)?;
    }
    match text.as_str() {
        "" => Err(Flaw::ended()),
        _ if !wire.is_empty() => Err(Flaw::new("there is more than belongs to the record")),
        _ => Ok(text),
    }
}

const MAX_RECORD: usize = 64_000;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn rtype() -> impl Strategy<Value = RecordType> {
        proptest::sample::select(TYPES.to_vec()).prop_map(|name| name.parse().unwrap())
    }

    // Words that mean something to one type or another, in any order.
    fn words() -> impl Strategy<Value = String> {
        let word = proptest::sample::select(WORDS.to_vec());
        proptest::collection::vec(word, 0..8).prop_map(|words| words.join(" "))
    }

    fn stays(rtype: &RecordType, content: &str) -> Result<(), TestCaseError> {
        if let Ok(once) = canonical(rtype, content) {
            prop_assert_eq!(canonical(rtype, &once).ok(), Some(once), "{} {}", rtype, content);
        }
        Ok(())
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
        assert!(same_records(
            &RecordType::A,
            &["1.1.1.1".into(), "2.2.2.2".into()],
            &["2.2.2.2".into(), "1.1.1.1".into()]
        ));
    }

    #[test]
    fn one_record_has_at_most_64000_bytes() {
        let content = |strings: usize| vec![format!("\"{}\"", "x".repeat(249)); strings].join(" ");
        assert!(canonical(&RecordType::Txt, &content(256)).is_ok());
        assert_eq!(normalise(&RecordType::Txt, &content(257)), Err(Flaw::TooLong(64_250)));
    }

    #[test]
    fn long_contents_take_time_by_their_length() {
        for unit in ["\\", "(", "\"\"", "a.", "a ", "0", "key1=", ";", "\\\"", "!1:0.0.0.0/0 ", "\u{fc}."] {
            let long = unit.repeat(64 * 1024 / unit.len());
            let started = std::time::Instant::now();
            for rtype in TYPES {
                let rtype: RecordType = rtype.parse().unwrap();
                for lead in ["1 . ", "\""] {
                    let _ = normalise(&rtype, &format!("{lead}{long}"));
                }
            }
            // 80 contents; a quadratic step would take minutes.
            assert!(started.elapsed().as_secs() < 20, "{unit:?} {:?}", started.elapsed());
        }
    }

    proptest! {
        #[test]
        fn canonical_is_idempotent(rtype in rtype(), content in "[ -~\\t\u{e9}]{0,40}", words in words()) {
            stays(&rtype, &content)?;
            stays(&rtype, &words)?;
        }

        #[test]
        fn any_content_is_read_or_refused(rtype in rtype(), content in any::<String>()) {
            let same = [content];
            prop_assert!(same_records(&rtype, &same, &same));
            stays(&rtype, &same[0])?;
        }

        #[test]
        fn data_comes_back(rtype in rtype(), bytes in proptest::collection::vec(0_u8..70, 0..40)) {
            let mut digits = String::new();
            hex(&bytes, usize::MAX, "", &mut digits);
            let generic = format!("\\# {} {digits}", bytes.len());
            if let Ok(Some((wire, text))) = data(&rtype, &generic) {
                prop_assert_eq!(&wire, &bytes);
                prop_assert_eq!(data(&rtype, &text).unwrap(), Some((wire, text)));
            }
        }
    }

    #[rustfmt::skip]
    const TYPES: &[&str] = &[
        "A", "AAAA", "AFSDB", "APL", "CAA", "CDNSKEY", "CDS", "CERT", "CNAME", "CSYNC", "DHCID", "DLV", "DNAME",
        "DNSKEY", "DS", "EUI48", "EUI64", "HINFO", "HTTPS", "KX", "L32", "L64", "LOC", "LP", "MX", "NAPTR", "NID",
        "NS", "OPENPGPKEY", "PTR", "RP", "SMIMEA", "SPF", "SRV", "SSHFP", "SVCB", "TLSA", "TXT", "URI", "WALLET",
    ];
    #[rustfmt::skip]
    const WORDS: &[&str] = &[
        "0", "1", "12", "13", "255", "65536", "192.0.2.1", "2001:DB8::1", "a.example.", ".", "\\#", "4", "c0000201",
        "AB", "AAAA", "AA==", "\"a b\"", "a", "\"\"", "NS", "TYPE300", "TYPE0", "alpn=h2", "port=\"0443\"", "key7=x",
        "mandatory=alpn", "ipv4hint=1.1.1.1", "no-default-alpn", "ech=AA==", "alpn=\"a\\\\,b,c\"", "1:10.0.0.0/8",
        "!2:::1/128", "N", "S", "E", "W", "1.5", "-3.14m", "9e9m", "00-11-22-33-44-55", "0011:2233:4455:6677",
        "ED25519", "PGP", "(", ")", "; x", "\\065", "k\u{fc}.", "12345", "issue",
    ];
}
