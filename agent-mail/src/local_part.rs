//! The local parts that people get.

use mail_access::{Address, DomainName};

/// Makes the address of a person. It is stricter than an address may be: what mail systems, logins and paths all
/// take as it is.
pub(crate) fn address(local_part: &str, domain: &DomainName) -> Result<Address, &'static str> {
    let inner = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    let bytes = local_part.as_bytes();
    let ends = bytes.first().copied().is_some_and(inner) && bytes.last().copied().is_some_and(inner);
    let all = bytes.iter().all(|&b| inner(b) || b".-_".contains(&b));
    if !ends || !all || local_part.contains("..") || bytes.len() > 64 {
        return Err(RULE);
    }
    Address::new(local_part, domain.clone()).map_err(|_| "the whole address has to be at most 254 bytes long")
}

const RULE: &str = "expected is a local part of 1 to 64 of a-z, 0-9, dot, hyphen and underscore, \
                    with a letter or digit at both ends and no two dots in a row";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_every_system_takes_is_a_local_part() {
        let domain: DomainName = "shop.example".parse().unwrap();
        for good in ["ada", "a", "7", "ada.b-c_d9", &"a".repeat(64)] {
            assert_eq!(address(good, &domain).unwrap().to_string(), format!("{good}@shop.example"));
        }
        let bad = [
            "", ".a", "a.", "a..b", "-a", "a-", "Ada", "a b", "a+b", "a/b", "\"a\"", "a@b", "ä", "a\n",
            "a%00",
        ];
        for bad in bad.into_iter().chain([&*"a".repeat(65)]) {
            assert_eq!(address(bad, &domain), Err(RULE), "{bad:?}");
        }
        let long: DomainName = format!("{}.example", ["a"; 100].join(".")).parse().unwrap();
        assert!(address(&"a".repeat(64), &long).unwrap_err().contains("254"));
    }
}
