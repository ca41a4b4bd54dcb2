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
