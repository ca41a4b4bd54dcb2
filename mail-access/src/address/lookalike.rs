//! Names that pass for others (UTS 39), by the tables of `unicode-security`.

use unicode_normalization::UnicodeNormalization;
use unicode_security::MixedScript;

/// Tells whether a text mixes scripts or holds a character outside ASCII that is listed as confusable.
pub(super) fn is_confusable(text: &str) -> bool {
    !text.is_ascii() && (!text.is_single_script() || text.chars().any(|c| !c.is_ascii() && is_listed(c)))
}

/// Returns what a text looks like: equal for texts that pass for one another.
pub(super) fn skeleton(text: &str) -> String {
    unicode_security::skeleton(text).flat_map(char::to_lowercase).collect()
}

fn is_listed(c: char) -> bool {
    unicode_security::skeleton(c.encode_utf8(&mut [0; 4])).ne(std::iter::once(c).nfd())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Address, DomainName};

    /// Each character of the list, in a name: refused, mapped to what it looks like, or flagged.
    #[test]
    fn the_whole_list_of_confusables_is_flagged() {
        let (mut listed, mut refused, mut mapped, mut flagged) = (0, 0, 0, 0);
        for c in ('\u{80}'..=char::MAX).filter(|c| is_listed(*c)) {
            listed += 1;
            match format!("a{c}a.example").parse::<DomainName>() {
                Err(_) => refused += 1,
                Ok(name) if name.is_confusable() => flagged += 1,
                Ok(name) => {
                    // What UTS 46 maps to another character is sent to nobody as it was written.
                    assert!(!name.to_unicode().contains(c), "{c:?} stands in {name}");
                    mapped += 1;
                }
            }
            let local = Address::new(&format!("a{c}a"), "agents.example".parse().unwrap());
            assert!(
                local.is_err()
                    || local.is_ok_and(|local| local.is_confusable() || !local.local_part().contains(c))
            );
        }
        assert!(listed > 6000, "{listed}");
        assert_eq!(listed, refused + mapped + flagged);
    }
}
