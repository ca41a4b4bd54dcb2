//! What the contents of each type consist of.

use std::{
    fmt::Write as _,
    net::{Ipv4Addr, Ipv6Addr},
};

use super::{
    Flaw, addresses, bitmap, loc,
    mnemonics::{ALGORITHMS, CERTIFICATES, value},
    name::{self, Rule},
    svcb,
    tokens::{Tokens, quoted, unescaped},
    wire::{Wire, base64, hex, unbase64, unhex},
};
use crate::RecordType;

/// A part of a content.
#[derive(Clone, Copy, Debug)]
pub(super) enum Field {
    U8,
    U16,
    U32,
    /// A DNSSEC algorithm: 8 bits, or its name.
    Algorithm,
    /// A kind of certificate: 16 bits, or its name.
    Certificate,
    Ipv4,
    /// In hexadecimal digits throughout.
    Ipv6,
    /// An absolute name: what it is for, and what it may consist of.
    Name(&'static str, Rule),
    /// Letters and digits (CAA).
    Tag,
    /// A string of at most 255 bytes.
    String,
    /// Strings of any length, all in quotes, to the end.
    Strings,
    /// A text without length, to the end.
    Value,
    /// The same without what a URI cannot have.
    Uri,
    /// To the end, in hexadecimal digits.
    Hex,
    /// The type of a digest and the digest; whether there is one that says "delete".
    Digest {
        deletes: bool,
    },
    /// To the end.
    Base64,
    /// So many bytes, in hexadecimal digits with hyphens.
    Eui(usize),
    /// 64 bits in groups of four digits.
    Groups,
    /// APL items.
    Networks,
    /// A set of types, to the end.
    Types,
    /// All of LOC.
    Location,
    /// Priority, target and parameters of SVCB and HTTPS.
    Service,
}

/// Returns the parts of the contents of a type that is known.
pub(super) fn fields(rtype: &RecordType) -> Option<&'static [Field]> {
    use Field::{
        Algorithm, Base64, Certificate, Digest, Eui, Groups, Hex, Ipv4, Ipv6, Location, Name, Networks,
        Service, String, Strings, Tag, Types, U8, U16, U32, Uri, Value,
    };
    const HOST: Rule = Rule::Host { root: true };
    Some(match rtype {
        RecordType::A => &[Ipv4],
        RecordType::Aaaa => &[Ipv6],
        RecordType::Afsdb | RecordType::Kx | RecordType::Lp => &[U16, Name("host", Rule::Any)],
        RecordType::Apl => &[Networks],
        RecordType::Caa => &[U8, Tag, Value],
        RecordType::Cdnskey | RecordType::Dnskey => &[U16, U8, Algorithm, Base64],
        RecordType::Cds => &[U16, Algorithm, Digest { deletes: true }],
        RecordType::Cert => &[Certificate, U16, Algorithm, Base64],
        RecordType::Cname => &[Name("target", Rule::Alias)],
        RecordType::Csync => &[U32, U16, Types],
        RecordType::Dhcid | RecordType::Openpgpkey => &[Base64],
        RecordType::Dlv | RecordType::Ds => &[U16, Algorithm, Digest { deletes: false }],
        RecordType::Dname | RecordType::Ptr => &[Name("target", Rule::Any)],
        RecordType::Eui48 => &[Eui(6)],
        RecordType::Eui64 => &[Eui(8)],
        RecordType::Hinfo => &[String, String],
        RecordType::Https | RecordType::Svcb => &[Service],
        RecordType::L32 => &[U16, Ipv4],
        RecordType::L64 | RecordType::Nid => &[U16, Groups],
        RecordType::Loc => &[Location],
        RecordType::Mx => &[U16, Name("exchange", HOST)],
        RecordType::Naptr => &[U16, U16, String, String, String, Name("replacement", Rule::Any)],
        RecordType::Ns => &[Name("target", Rule::Host { root: false })],
        RecordType::Rp => &[Name("mailbox", Rule::Any), Name("text", Rule::Any)],
        RecordType::Smimea | RecordType::Tlsa => &[U8, U8, U8, Hex],
        RecordType::Spf | RecordType::Txt => &[Strings],
        RecordType::Srv => &[U16, U16, U16, Name("target", HOST)],
        RecordType::Sshfp => &[U8, U8, Hex],
        RecordType::Uri => &[U16, U16, Uri],
        RecordType::Other(_) => return None,
    })
}

impl Field {
    /// Reads words of the presentation form, and adds what they say to `wire`.
    pub(super) fn read(self, tokens: &mut Tokens<'_>, wire: &mut Vec<u8>) -> Result<(), Flaw> {
        match self {
            Self::U8 => push(wire, 1, tokens.number(8)?),
            Self::U16 => push(wire, 2, tokens.number(16)?),
            Self::U32 => push(wire, 4, tokens.number(32)?),
            Self::Algorithm => push(wire, 1, value(ALGORITHMS, tokens.any()?.text, 8)?),
            Self::Certificate => push(wire, 2, value(CERTIFICATES, tokens.any()?.text, 16)?),
            Self::Ipv4 => wire.extend(addresses::address::<Ipv4Addr>(tokens.bare()?)?.octets()),
            Self::Ipv6 => wire.extend(addresses::address::<Ipv6Addr>(tokens.bare()?)?.octets()),
            Self::Name(..) => name::read(tokens.bare()?, wire)?,
            Self::Tag | Self::String => {
                let bytes = unescaped(tokens.any()?.text)?;
                wire.push(bytes.len().try_into().map_err(|_| Flaw::new("string too long"))?);
                wire.extend(&*bytes);
            }
            Self::Strings => strings(tokens, wire)?,
            Self::Value | Self::Uri => wire.extend(&*unescaped(tokens.any()?.text)?),
            Self::Hex => wire.extend(unhex(&tokens.joined()?)?),
            Self::Digest { .. } => {
                push(wire, 1, tokens.number(8)?);
                wire.extend(unhex(&tokens.joined()?)?);
            }
            Self::Base64 => wire.extend(unbase64(&tokens.joined()?)?),
            Self::Eui(count) => wire.extend(groups(tokens.any()?.text, '-', 2, count)?),
            Self::Groups => wire.extend(groups(tokens.bare()?, ':', 4, 4)?),
            Self::Networks => addresses::read(tokens, wire)?,
            Self::Types => bitmap::read(tokens, wire)?,
            Self::Location => loc::read(tokens, wire)?,
            Self::Service => {
                push(wire, 2, tokens.number(16)?);
                name::read(tokens.bare()?, wire)?;
                svcb::read(tokens, wire)?;
            }
        }
        Ok(())
    }

    /// Takes this part from `wire` and adds its canonical form to `text`, if the server allows it.
    pub(super) fn print(self, wire: &mut Wire<'_>, text: &mut String) -> Result<(), Flaw> {
        // A set that may be empty brings its own blanks.
        if !text.is_empty() && !matches!(self, Self::Types) {
            text.push(' ');
        }
        match self {
            Self::U8 | Self::Algorithm => add(text, wire.u8()?),
            Self::U16 | Self::Certificate => add(text, wire.u16()?),
            Self::U32 => add(text, wire.u32()?),
            Self::Ipv4 => add(text, Ipv4Addr::from(wire.array::<4>()?)),
            Self::Ipv6 => add(text, addresses::ipv6(wire.array::<16>()?.into())),
            Self::Name(part, rule) => {
                let start = text.len();
                name::print(&wire.name()?, text);
                rule.check(part, &text[start..])?;
            }
            Self::Tag => text.push_str(tag(wire.string()?)?),
            Self::String => quoted(stable(wire.string()?)?, text),
            Self::Strings => {
                quoted(wire.string()?, text);
                while !wire.is_empty() {
                    text.push(' ');
                    quoted(wire.string()?, text);
                }
            }
            Self::Value => quoted(stable(wire.rest())?, text),
            Self::Uri => {
                let uri = wire.rest();
                if uri.is_empty() || !uri.iter().all(|b| (0x20..0x7f).contains(b) && !b"\"\\".contains(b)) {
                    return Err(Flaw::new("a URI is one or more printable ASCII characters, not \" or \\"));
                }
                quoted(uri, text);
            }
            Self::Hex => hex(some(wire)?, usize::MAX, "", text),
            Self::Digest { deletes } => {
                let (kind, digest) = (wire.u8()?, wire.rest());
                digest_fits(kind, digest, deletes)?;
                add(text, format_args!("{kind} "));
                hex(digest, usize::MAX, "", text);
            }
            Self::Base64 => text.push_str(&base64(some(wire)?)),
            Self::Eui(count) => hex(wire.take(count)?, 1, "-", text),
            Self::Groups => hex(wire.take(8)?, 2, ":", text),
            Self::Networks => addresses::print(wire, text)?,
            Self::Types => bitmap::print(wire, text)?,
            Self::Location => loc::print(wire, text)?,
            Self::Service => {
                let priority = wire.u16()?;
                add(text, format_args!("{priority} "));
                name::print(&wire.name()?, text);
                let params = svcb::params(wire)?;
                svcb::check(priority, &params)?;
                svcb::print(&params, text);
            }
        }
        Ok(())
    }
}

// The lowest `count` bytes.
fn push(wire: &mut Vec<u8>, count: usize, number: u32) {
    wire.extend(&number.to_be_bytes()[4 - count..]);
}

fn add(text: &mut String, said: impl std::fmt::Display) {
    write!(text, "{said}").expect("a String takes everything");
}

// What is too long for one string goes on in further ones.
fn strings(tokens: &mut Tokens<'_>, wire: &mut Vec<u8>) -> Result<(), Flaw> {
    let mut token = Some(tokens.any()?);
    while let Some(given) = token {
        if !given.quoted {
            return Err(Flaw::Unquoted);
        }
        let bytes = unescaped(given.text)?;
        // No chunk comes from no bytes, but a string is there.
        let none = bytes.is_empty().then_some(&[][..]);
        for chunk in bytes.chunks(255).chain(none) {
            wire.push(u8::try_from(chunk.len()).expect("at most 255"));
            wire.extend(chunk);
        }
        token = tokens.next()?;
    }
    Ok(())
}

fn groups(text: &str, separator: char, digits: usize, count: usize) -> Result<Vec<u8>, Flaw> {
    let parts: Vec<&str> = text.split(separator).collect();
    if parts.len() != count || parts.iter().any(|part| part.len() != digits) {
        return Err(Flaw::Malformed(format!("there must be {count} groups of {digits} digits")));
    }
    unhex(&parts.concat())
}

pub(crate) fn tag(bytes: &[u8]) -> Result<&str, Flaw> {
    let tag = std::str::from_utf8(bytes).ok();
    let tag = tag.filter(|tag| !tag.is_empty() && tag.bytes().all(|b| b.is_ascii_alphanumeric()));
    tag.ok_or_else(|| Flaw::new("tag is not alphanumeric"))
}

// Outside of TXT the server reads \195 as a character, not as a byte: each writing would double what is
// beyond ASCII, and the zone would never be as wanted.
pub(crate) fn stable(bytes: &[u8]) -> Result<&[u8], Flaw> {
    if bytes.is_ascii() { Ok(bytes) } else { Err(Flaw::new("only ASCII is possible in this type")) }
}

fn some<'a>(wire: &mut Wire<'a>) -> Result<&'a [u8], Flaw> {
    if wire.is_empty() { Err(Flaw::ended()) } else { Ok(wire.rest()) }
}

fn digest_fits(kind: u8, digest: &[u8], deletes: bool) -> Result<(), Flaw> {
    let expected = match kind {
        0 if deletes => 1,
        0 => return Err(Flaw::new("digest type 0 is reserved")),
        1 => 20,
        2 | 3 => 32,
        4 => 48,
        _ if digest.is_empty() => return Err(Flaw::ended()),
        _ => return Ok(()),
    };
    if digest.len() == expected {
        Ok(())
    } else {
        Err(Flaw::new("digest length inconsistent with digest type"))
    }
}
