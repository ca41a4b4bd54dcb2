//! Contents of each type, each value in many spellings.

use desec_api::canonical;

use crate::plan::rtype;

/// Returns the content of type `of` that says `value`; the bits of `style` say how it is spelled.
pub(crate) fn spelled(of: &str, value: u8, style: u32) -> String {
    let (number, n) = (|n: u16| number(n, style), u16::from(value));
    let tokens = match of {
        "A" => vec![format!("192.0.2.{value}")],
        "AAAA" => vec![address(value, style)],
        "CAA" => vec![number(n / 2), "issue".into(), quoted(&format!("ca{value}.example"), style)],
        "CNAME" | "PTR" => vec![name(&format!("_t{value}"), style)],
        "MX" => vec![number(10 * n), name("mx", style)],
        "NS" => vec![
            ["ns1.desec.io.", "ns2.desec.org.", "ns3.example.", "ns4.example."][usize::from(value)].into(),
        ],
        "SPF" | "TXT" => strings(value, style),
        "SRV" => vec![number(0), number(1), number(465 + n), name("mail", style)],
        "TLSA" => {
            let digits = format!("{value:02x}").repeat(32);
            let digits = if style & UPPER > 0 { digits.to_uppercase() } else { digits };
            let (start, rest) = digits.split_at(if style & CUT > 0 { 9 } else { 0 });
            vec![number(3), number(1), number(1), start.into(), rest.into()]
        }
        other => panic!("no contents for {other}"),
    };
    laid_out(&tokens, style)
}

/// Returns what a TXT record says in one string.
pub(crate) fn text(value: u8) -> String {
    match value {
        0 => "v=spf1 mx -all".into(),
        1 => "v=spf1 a\\b \"c\" \u{e9}".into(),
        2 => String::new(),
        _ => format!("k=rsa; p={}", "x".repeat(600)),
    }
}

// A long text may be cut by hand where the server would cut it.
fn strings(value: u8, style: u32) -> Vec<String> {
    let text = text(value);
    if style & CUT == 0 || text.len() < 255 {
        return vec![quoted(&text, style)];
    }
    text.as_bytes()
        .chunks(255)
        .map(|part| quoted(str::from_utf8(part).expect("it is ASCII"), style))
        .collect()
}

fn quoted(text: &str, style: u32) -> String {
    let escape = |(n, byte): (usize, u8)| match byte {
        b'"' | b'\\' => format!("\\{}", char::from(byte)),
        _ if !byte.is_ascii() || style & ESCAPES > 0 && n % 3 == 0 => format!("\\{byte:03}"),
        b'e' if style & UNNEEDED > 0 => "\\e".into(),
        _ => char::from(byte).into(),
    };
    let escaped: String = text.bytes().enumerate().map(escape).collect();
    format!("\"{escaped}\"")
}

fn name(host: &str, style: u32) -> String {
    let name = format!("{host}.example.net.");
    if style & UPPER > 0 { name.to_uppercase() } else { name }
}

fn number(number: u16, style: u32) -> String {
    if style & ZEROS > 0 { format!("{number:05}") } else { number.to_string() }
}

fn address(value: u8, style: u32) -> String {
    let text = match (value, style & LONG > 0) {
        (0, false) => "::ffff:192.0.2.1".into(),
        (0, true) => "0:0::ffff:c000:0201".into(),
        (_, false) => format!("2001:db8::{value}"),
        (_, true) => format!("2001:0db8:0:0:0:0:0:000{value}"),
    };
    if style & UPPER > 0 { text.to_uppercase() } else { text }
}

fn laid_out(tokens: &[String], style: u32) -> String {
    let blank = if style & BLANKS > 0 { " \t " } else { " " };
    let line = tokens.iter().filter(|token| !token.is_empty()).cloned().collect::<Vec<_>>().join(blank);
    let line = if style & PARENTHESES > 0 { format!("( {line} )") } else { line };
    if style & COMMENT > 0 { format!(" {line} ; (\"x") } else { line }
}

/// How many values each type has.
pub(crate) const VALUES: u8 = 4;

pub(crate) const TYPES: &[&str] =
    &["A", "AAAA", "CAA", "CNAME", "MX", "NS", "PTR", "SPF", "SRV", "TLSA", "TXT", "TXT"];

const BLANKS: u32 = 1;
const COMMENT: u32 = 2;
const CUT: u32 = 4;
const ESCAPES: u32 = 8;
const LONG: u32 = 16;
const PARENTHESES: u32 = 32;
const UNNEEDED: u32 = 64;
const UPPER: u32 = 128;
const ZEROS: u32 = 256;

#[test]
fn a_value_is_the_same_in_each_spelling_and_no_other() {
    for of in TYPES {
        let said = |value, style| canonical(&rtype(of), &spelled(of, value, style)).unwrap().to_lowercase();
        for value in 0..VALUES {
            let plain = said(value, 0);
            (0..512).for_each(|style| assert_eq!(said(value, style), plain, "{of} {style}"));
            (0..value).for_each(|other| assert_ne!(said(other, 0), plain, "{of} {value}"));
        }
    }
}
