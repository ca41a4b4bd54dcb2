//! What a policy leaves open until a mail comes (RFC 7208 section 7).

use std::net::IpAddr;

/// What macros stand for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sender<'a> {
    pub(super) address: IpAddr,
    /// The local part of the sender.
    pub(super) local_part: &'a str,
    /// The domain of the sender.
    pub(super) domain: &'a str,
    /// What the sending host calls itself.
    pub(super) helo: &'a str,
}

/// Tells whether a text may stand where a domain has to: a macro string that ends in a label or a macro.
pub(super) fn is_domain(text: &str) -> bool {
    let end = text.strip_suffix('.').unwrap_or(text);
    let last = end.rsplit('.').next().unwrap_or_default();
    let is_top = end.contains('.')
        && last.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
        && last.bytes().any(|b| !b.is_ascii_digit())
        && !last.starts_with('-')
        && !last.ends_with('-');
    is_sound(text) && (is_top || text.ends_with('}'))
}

/// Tells whether all macros in a text are some.
pub(super) fn is_sound(text: &str) -> bool {
    let nobody = Sender { address: IpAddr::from([0; 4]), local_part: "", domain: "", helo: "" };
    text.bytes().all(|b| b.is_ascii_graphic()) && expand(text, &nobody, "").is_some()
}

/// Replaces the macros by what they stand for; `None` if one is none.
///
/// A name that gets too long loses labels from its left (RFC 7208 section 7.3).
pub(super) fn expand(text: &str, sender: &Sender<'_>, current: &str) -> Option<String> {
    let mut expanded = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('%') {
        expanded.push_str(&rest[..at]);
        let after = &rest[at + 1..];
        rest = match after.as_bytes().first()? {
            b'%' => {
                expanded.push('%');
                &after[1..]
            }
            b'_' => {
                expanded.push(' ');
                &after[1..]
            }
            b'-' => {
                expanded.push_str("%20");
                &after[1..]
            }
            b'{' => {
                let (inside, behind) = after[1..].split_once('}')?;
                expanded.push_str(&one(inside, sender, current)?);
                behind
            }
            _ => return None,
        };
    }
    expanded.push_str(rest);
    let mut name = expanded.trim_end_matches('.');
    while name.len() > LONGEST_NAME {
        name = name.split_once('.')?.1;
    }
    Some(name.to_ascii_lowercase())
}

/// Expands `letter [digits] [r] [delimiters]`.
fn one(inside: &str, sender: &Sender<'_>, current: &str) -> Option<String> {
    let letter = inside.chars().next()?;
    let value = match letter.to_ascii_lowercase() {
        's' => format!("{}@{}", sender.local_part, sender.domain),
        'l' => sender.local_part.to_owned(),
        'o' => sender.domain.to_owned(),
        'd' => current.to_owned(),
        'i' => dotted(sender.address),
        // Section 7.3 lets it be so; looking it up is not worth it.
        'p' => "unknown".to_owned(),
        'v' => if sender.address.is_ipv4() { "in-addr" } else { "ip6" }.to_owned(),
        'h' => sender.helo.to_owned(),
        _ => return None,
    };
    let transform = &inside[letter.len_utf8()..];
    let digits = transform.bytes().take_while(u8::is_ascii_digit).count();
    let (count, rest) = transform.split_at(digits);
    let count: Option<usize> =
        if count.is_empty() { None } else { Some(count.parse().ok().filter(|n| *n > 0)?) };
    let (is_reversed, delimiters) = match rest.strip_prefix(['r', 'R']) {
        Some(delimiters) => (true, delimiters),
        None => (false, rest),
    };
    if !delimiters.chars().all(|c| ".-+,/_=".contains(c)) {
        return None;
    }
    let is_delimiter = |c: char| if delimiters.is_empty() { c == '.' } else { delimiters.contains(c) };
    let mut parts: Vec<&str> = value.split(is_delimiter).collect();
    if is_reversed {
        parts.reverse();
    }
    let skipped = count.map_or(0, |count| parts.len().saturating_sub(count));
    Some(parts[skipped..].join("."))
}

/// An IPv4 address as it is, an IPv6 address by its 32 nibbles.
fn dotted(address: IpAddr) -> String {
    match address {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => {
            let nibbles = address.octets().into_iter().flat_map(|byte| [byte >> 4, byte & 15]);
            nibbles.map(|nibble| format!("{nibble:x}")).collect::<Vec<_>>().join(".")
        }
    }
}

const LONGEST_NAME: usize = 253;

#[cfg(test)]
mod tests {
    use super::*;

    /// The examples of RFC 7208 section 7.4.
    #[test]
    fn the_examples_of_the_rfc() {
        let mut sender = Sender {
            address: "192.0.2.3".parse().unwrap(),
            local_part: "strong-bad",
            domain: "email.example.com",
            helo: "mx.example.org",
        };
        let expand = |text, sender: &Sender<'_>| super::expand(text, sender, "email.example.com").unwrap();
        for (text, wanted) in [
            ("%{s}", "strong-bad@email.example.com"),
            ("%{o}", "email.example.com"),
            ("%{d}", "email.example.com"),
            ("%{d4}", "email.example.com"),
            ("%{d3}", "email.example.com"),
            ("%{d2}", "example.com"),
            ("%{d1}", "com"),
            ("%{dr}", "com.example.email"),
            ("%{d2r}", "example.email"),
            ("%{l}", "strong-bad"),
            ("%{l-}", "strong.bad"),
            ("%{lr}", "strong-bad"),
            ("%{lr-}", "bad.strong"),
            ("%{l1r-}", "strong"),
            ("%{ir}.%{v}._spf.%{d2}", "3.2.0.192.in-addr._spf.example.com"),
            ("%{lr-}.lp._spf.%{d2}", "bad.strong.lp._spf.example.com"),
            ("%{lr-}.lp.%{ir}.%{v}._spf.%{d2}", "bad.strong.lp.3.2.0.192.in-addr._spf.example.com"),
            ("%{d2}.trusted-domains.example.net", "example.com.trusted-domains.example.net"),
            ("a%%b%_c%-d", "a%b c%20d"),
        ] {
            assert_eq!(expand(text, &sender), wanted, "{text}");
        }
        sender.address = "2001:db8::cb01".parse().unwrap();
        assert_eq!(
            expand("%{ir}.%{v}._spf.%{d2}", &sender),
            "1.0.b.c.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6._spf.example.com"
        );
    }

    #[test]
    fn what_is_no_macro_or_no_domain_is_told() {
        for text in ["%", "%{", "%{d", "%{q}.x", "%{d0}.x", "%{d2x}.x", "%(d).x", "%{}", "%{\u{e9}}"] {
            assert!(!is_sound(text), "{text}");
        }
        for text in ["", "com", "x.-a", "x.12", "x y.example", "x.example..", "\u{e9}.example"] {
            assert!(!is_domain(text), "{text}");
        }
        for text in ["x.example", "x.example.", "%{d}", "_spf.%{d2}", "%{i}.x.example"] {
            assert!(is_domain(text), "{text}");
        }
    }

    #[test]
    fn a_name_that_is_too_long_loses_labels_from_its_left() {
        let sender = Sender { address: [192, 0, 2, 3].into(), local_part: "", domain: "", helo: "" };
        let long = format!("{}.example", vec!["abcdefghi"; 40].join("."));
        let expanded = expand("%{d}", &sender, &long).unwrap();
        assert!(expanded.len() <= 253 && expanded.ends_with("abcdefghi.example"), "{expanded}");
    }
}
