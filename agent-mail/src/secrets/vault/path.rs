//! How addresses stand in Vault's paths.

use mail_access::Address;

/// Writes the last two segments of an address's path: the domain, and the local part in small letters.
///
/// Vault decodes a URL before it reads the path, so that an escape of the URL alone would let `/` and `..` through. What
/// is not a letter, a digit, `-`, `_` or a single dot inside becomes `=` and two hex digits, which Vault leaves alone.
pub(super) fn segments(address: &Address) -> [String; 2] {
    let local = address.local_part().to_ascii_lowercase();
    let bytes = local.as_bytes();
    let mut name = String::with_capacity(bytes.len());
    for (at, &byte) in bytes.iter().enumerate() {
        let is_dot = |at: usize| bytes.get(at).is_none_or(|byte| *byte == b'.');
        match byte {
            b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' => name.push(char::from(byte)),
            b'.' if at > 0 && !is_dot(at - 1) && !is_dot(at + 1) => name.push('.'),
            other => name.extend(format!("={other:02x}").chars()),
        }
    }
    [address.domain().as_str().to_owned(), name]
}

/// Splits a mount, a prefix or a namespace into its segments; `None` if one of them could lead elsewhere.
pub(super) fn checked(path: &str) -> Option<Vec<String>> {
    let segments: Vec<_> = path.trim_matches('/').split('/').map(str::to_owned).collect();
    let is_fine = |segment: &String| {
        !segment.is_empty()
            && !segment.starts_with('.')
            && !segment.contains("..")
            && segment.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
    };
    segments.iter().all(is_fine).then_some(segments)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn no_address_leads_elsewhere() {
        for (address, local) in [
            ("Agent_Ada@agents.example", "agent_ada"),
            ("order-bot.7@agents.example", "order-bot.7"),
            ("ada+x@agents.example", "ada=2bx"),
            ("a/b@agents.example", "a=2fb"),
            ("a=2fb@agents.example", "a=3d2fb"),
            ("\"../../sys\"@agents.example", "=22=2e=2e=2f=2e=2e=2fsys=22"),
            ("\"..\"@agents.example", "=22=2e=2e=22"),
            ("gr\u{fc}n@agents.example", "gr=c3=bcn"),
        ] {
            let address: Address = address.parse().unwrap();
            assert_eq!(segments(&address), ["agents.example".to_owned(), local.to_owned()]);
        }
        for bad in ["", "/", "a//b", "..", "a/../b", ".a", "a b", "a%2fb", "a?b"] {
            assert_eq!(checked(bad), None, "{bad:?}");
        }
        assert_eq!(checked("/team/kv/").unwrap(), ["team", "kv"]);
    }

    proptest! {
        #[test]
        fn no_two_addresses_share_a_path(one in "[a-z0-9._+=/-]{1,9}", other in "[a-z0-9._+=/-]{1,9}") {
            let address = |local: &str| format!("{local}@a.example").parse::<Address>();
            let (Ok(first), Ok(second)) = (address(&one), address(&other)) else { return Ok(()) };
            let ([_, first], [_, second]) = (segments(&first), segments(&second));
            prop_assert_eq!(first == second, one == other);
            prop_assert!(!first.contains('/') && !first.contains("..") && !first.contains('%'));
        }
    }
}
