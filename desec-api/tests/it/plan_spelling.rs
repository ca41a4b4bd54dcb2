//! Contents of each type, each value in many spellings.

use desec_api::canonical;

use crate::plan::rtype;

/// Returns the content of type `of` that says `value`; the bits of `style` say how it is spelled.
pub(crate) fn spelled(of: &str, value: u8, style: u32) -> String {
    let (number, n) = (|n: u16| number(n, style), u16::from(value));
    let (host, exact) = (|label: &str| name(label, style), |label: &str| name(label, 0));
    let tokens = match of {
        "A" => vec![format!("192.0.2.{value}")],
        "AAAA" => vec![address(value, style)],
        "AFSDB" | "KX" | "LP" => vec![number(n), exact("host")],
        "CAA" => vec![number(n / 2), "issue".into(), quoted(&format!("ca{value}.example"), style)],
        "CDS" | "DLV" | "DS" => [vec![number(n), number(8), number(2)], hex(value, 32, style)].concat(),
        "CERT" => [vec![number(1), number(n), number(8)], base64(value, style)].concat(),
        "CNAME" | "DNAME" | "PTR" => vec![host(&format!("_t{value}"))],
        "CSYNC" => {
            vec![number(n), number(3), ["A NS AAAA", "NS A AAAA"][usize::from(style & LONG > 0)].into()]
        }
        "DHCID" | "OPENPGPKEY" => base64(value, style),
        "EUI48" => vec![cased(format!("00-00-5e-00-53-{value:02x}"), style)],
        "HINFO" => vec![quoted(&format!("cpu {value}"), style), quoted("os", style)],
        "HTTPS" | "SVCB" => {
            let parameters = ["alpn=h2 port=443", "port=443 alpn=\"h2\""][usize::from(style & LONG > 0)];
            vec![number(n + 1), exact("svc"), parameters.into()]
        }
        "L32" => vec![number(n), "10.1.2.0".into()],
        "L64" | "NID" => vec![number(n), cased("2001:0db8:00ab:cd00".into(), style)],
        "MX" => vec![number(10 * n), host("mx")],
        "NAPTR" => {
            let strings = ["s", "SIP+D2U", ""].map(|text| quoted(text, style));
            [vec![number(n), number(10)], strings.to_vec(), vec![exact("sip")]].concat()
        }
        "NS" => vec![
            ["ns1.desec.io.", "ns2.desec.org.", "ns3.example.", "ns4.example."][usize::from(value)].into(),
        ],
        "RP" => vec![exact(&format!("m{value}")), exact("text")],
        "SMIMEA" | "TLSA" => [vec![number(3), number(1), number(1)], hex(value, 32, style)].concat(),
        "SPF" | "TXT" => strings(value, style),
        "SRV" => vec![number(0), number(1), number(465 + n), host("mail")],
        "SSHFP" => [vec![number(4), number(1)], hex(value, 20, style)].concat(),
        "URI" => vec![number(n), number(1), quoted("https://example.net/", style & !ESCAPES)],
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
    cased(format!("{host}.example.net."), style)
}

fn cased(text: String, style: u32) -> String {
    if style & UPPER > 0 { text.to_uppercase() } else { text }
}

fn hex(value: u8, bytes: usize, style: u32) -> Vec<String> {
    let digits = cased(format!("{:02x}", value + 0xa0).repeat(bytes), style);
    cut(&digits, style)
}

fn base64(value: u8, style: u32) -> Vec<String> {
    cut(&format!("{}Ag==", ["AAAA", "AQAB", "AgID", "Awq/"][usize::from(value)].repeat(4)), style)
}

fn cut(text: &str, style: u32) -> Vec<String> {
    let (start, rest) = text.split_at(if style & CUT > 0 { 9 } else { 0 });
    vec![start.into(), rest.into()]
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
    cased(text, style)
}

fn laid_out(tokens: &[String], style: u32) -> String {
    let blank = if style & BLANKS > 0 { " \t " } else { " " };
    let line = tokens.iter().filter(|token| !token.is_empty()).cloned().collect::<Vec<_>>().join(blank);
    let line = if style & PARENTHESES > 0 { format!("( {line} )") } else { line };
    if style & COMMENT > 0 { format!(" {line} ; (\"x") } else { line }
}

/// How many values each type has.
pub(crate) const VALUES: u8 = 4;

/// Those that may stand anywhere; mail's own ones come up more often.
pub(crate) const TYPES: &[&str] = &[
    "A",
    "A",
    "AAAA",
    "AAAA",
    "AFSDB",
    "CAA",
    "CDS",
    "CERT",
    "CNAME",
    "CNAME",
    "CSYNC",
    "DHCID",
    "DLV",
    "DNAME",
    "EUI48",
    "HINFO",
    "HTTPS",
    "KX",
    "L32",
    "L64",
    "LP",
    "MX",
    "MX",
    "NAPTR",
    "NID",
    "NS",
    "NS",
    "OPENPGPKEY",
    "PTR",
    "RP",
    "SMIMEA",
    "SPF",
    "SRV",
    "SSHFP",
    "SVCB",
    "TLSA",
    "TXT",
    "TXT",
    "TXT",
    "URI",
];

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
