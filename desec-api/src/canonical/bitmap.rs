//! Sets of record types (CSYNC, RFC 7477; their form is that of RFC 4034, section 4.1.2).

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Flaw,
    mnemonics::{rtype, rtype_name},
    tokens::Tokens,
    wire::Wire,
};

/// Adds a set of types.
pub(super) fn read(tokens: &mut Tokens<'_>, wire: &mut Vec<u8>) -> Result<(), Flaw> {
    let mut types = BTreeSet::new();
    while let Some(token) = tokens.next()? {
        types.insert(rtype(token.text)?);
    }
    if types.contains(&0) {
        return Err(Flaw::new("CSYNC with bit 0"));
    }
    let mut windows: BTreeMap<u8, Vec<u8>> = BTreeMap::new();
    for rtype in types {
        let [window, low] = rtype.to_be_bytes();
        let octets = windows.entry(window).or_default();
        octets.resize(usize::from(low / 8) + 1, 0);
        octets[usize::from(low / 8)] |= 0x80 >> (low % 8);
    }
    for (window, octets) in windows {
        wire.extend([window, u8::try_from(octets.len()).expect("at most 32")]);
        wire.extend(octets);
    }
    Ok(())
}

/// Adds the names of a set of types, each after a blank.
pub(super) fn print(wire: &mut Wire<'_>, text: &mut String) -> Result<(), Flaw> {
    let mut last = None;
    while !wire.is_empty() {
        let (window, octets) = (wire.u8()?, wire.string()?);
        let sound = (1..=32).contains(&octets.len()) && octets.last() != Some(&0) && last < Some(window);
        // The number 0 is no type.
        if !sound || window == 0 && octets[0] & 0x80 != 0 {
            return Err(Flaw::new("bad CSYNC octets"));
        }
        last = Some(window);
        for low in (0..=u8::MAX).take(octets.len() * 8) {
            if octets[usize::from(low / 8)] & 0x80 >> (low % 8) != 0 {
                text.push(' ');
                text.push_str(&rtype_name(u16::from_be_bytes([window, low])));
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use crate::{RecordType, canonical};

    #[test]
    fn sets_have_one_form_only() {
        for bad in ["0001 80", "0000", "0021 00", "0002 4000", "0101 40 0001 40", "0001 40 0001 40"] {
            let digits = bad.replace(' ', "");
            let content = format!("\\# {} 000000000000{digits}", 6 + digits.len() / 2);
            assert!(canonical(&RecordType::Csync, &content).is_err(), "{bad}");
        }
        assert_eq!(canonical(&RecordType::Csync, r"\# 9 000000000000 0001 40").unwrap(), "0 0 A");
    }

    proptest! {
        #[test]
        fn types_come_in_order(types in proptest::collection::vec(40_000_u16.., 0..20)) {
            let said = |types: &mut dyn Iterator<Item = u16>| {
                types.fold("1 2".to_owned(), |text, number| format!("{text} TYPE{number}"))
            };
            let sorted: BTreeSet<u16> = types.iter().copied().collect();
            let form = canonical(&RecordType::Csync, &said(&mut types.into_iter())).unwrap();
            prop_assert_eq!(form, said(&mut sorted.into_iter()));
        }
    }
}
