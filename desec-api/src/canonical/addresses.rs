//! Addresses, and lists of networks (APL, RFC 3123).

use std::{
    fmt::Write as _,
    net::{Ipv4Addr, Ipv6Addr},
    str::FromStr,
};

use super::{
    Flaw,
    tokens::{Tokens, number, unescaped},
    wire::Wire,
};

/// Returns the address that `text` writes.
pub(super) fn address<T: FromStr>(text: &str) -> Result<T, Flaw> {
    text.parse().map_err(|_| Flaw::new("Text input is malformed."))
}

/// Returns the form of RFC 5952, but without a dotted end.
///
/// ```text
/// ::ffff:192.0.2.1 -> ::ffff:c000:201
/// ```
pub(crate) fn ipv6(address: Ipv6Addr) -> String {
    let [.., c, d] = address.segments();
    address.to_ipv4_mapped().map_or_else(|| address.to_string(), |_| format!("::ffff:{c:x}:{d:x}"))
}

/// Returns the form that the server uses outside of AAAA: IPv4 within IPv6 has a dotted end.
pub(super) fn dotted(address: Ipv6Addr) -> String {
    let [.., c, d] = address.segments();
    let (v4, upper) = (Ipv4Addr::from(u32::from(c) << 16 | u32::from(d)), address.to_bits() >> 32);
    match upper {
        0 if c != 0 => format!("::{v4}"),
        0xffff => format!("::ffff:{v4}"),
        _ => ipv6(address),
    }
}

/// Adds networks, `[!]family:address/prefix`.
pub(super) fn read(tokens: &mut Tokens<'_>, wire: &mut Vec<u8>) -> Result<(), Flaw> {
    while let Some(token) = tokens.next()? {
        let item = unescaped(token.text)?;
        let item = str::from_utf8(&item).map_err(|_| malformed())?;
        let (negation, item) = item.strip_prefix('!').map_or((0, item), |item| (0x80, item));
        let (family, network) = item.split_once(':').ok_or_else(malformed)?;
        let (network, prefix) = network.split_once('/').ok_or_else(malformed)?;
        let family = number(family, 16)?;
        let octets = match family {
            1 => address::<Ipv4Addr>(network)?.octets().to_vec(),
            2 => address::<Ipv6Addr>(network)?.octets().to_vec(),
            _ => return Err(Flaw::new("the family must be 1 or 2")),
        };
        let length = octets.iter().rposition(|octet| *octet != 0).map_or(0, |last| last + 1);
        wire.extend([0, u8::try_from(family).expect("1 or 2")]);
        wire.push(u8::try_from(number(prefix, 8)?).expect("8 bits"));
        wire.push(negation | u8::try_from(length).expect("at most 16"));
        wire.extend(&octets[..length]);
    }
    Ok(())
}

/// Adds the text form of networks.
pub(super) fn print(wire: &mut Wire<'_>, text: &mut String) -> Result<(), Flaw> {
    let mut separator = "";
    while !wire.is_empty() {
        let (family, prefix, length) = (wire.u16()?, wire.u8()?, wire.u8()?);
        let given = wire.take((length & 0x7f).into())?;
        let (most, bits) = match family {
            1 => (4, 32),
            2 => (16, 128),
            _ => return Err(Flaw::new("the family must be 1 or 2")),
        };
        if given.len() > most || given.last() == Some(&0) || prefix > bits {
            return Err(malformed());
        }
        let mut octets = [0; 16];
        octets[..given.len()].copy_from_slice(given);
        let v4 = || Ipv4Addr::new(octets[0], octets[1], octets[2], octets[3]).to_string();
        let network = if family == 1 { v4() } else { dotted(octets.into()) };
        let negation = if length & 0x80 == 0 { "" } else { "!" };
        write!(text, "{separator}{negation}{family}:{network}/{prefix}").expect("a String takes everything");
        separator = " ";
    }
    Ok(())
}

fn malformed() -> Flaw {
    Flaw::new("a network must be [!]family:address/prefix")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{RecordType, canonical};

    #[test]
    fn one_form_is_dotted() {
        let forms = [
            ("::1.2.3.4", "::102:304", "::1.2.3.4"),
            ("::ffff:0:0", "::ffff:0:0", "::ffff:0.0.0.0"),
            ("::1", "::1", "::1"),
            ("::0.1.0.0", "::1:0", "::0.1.0.0"),
            ("64:ff9b::1.2.3.4", "64:ff9b::102:304", "64:ff9b::102:304"),
            ("1:0:0:2:0:0:0:3", "1:0:0:2::3", "1:0:0:2::3"),
            ("1:0:2:3:4:5:6:7", "1:0:2:3:4:5:6:7", "1:0:2:3:4:5:6:7"),
            ("0:0:1::", "0:0:1::", "0:0:1::"),
        ];
        for (text, hex, dots) in forms {
            let address = text.parse().unwrap();
            assert_eq!((ipv6(address).as_str(), dotted(address).as_str()), (hex, dots));
        }
    }

    proptest! {
        #[test]
        fn addresses_keep_their_value(groups in any::<[u16; 8]>(), mask in any::<[bool; 8]>()) {
            let groups: Vec<u16> = groups.iter().zip(mask).map(|(g, keep)| if keep { *g } else { 0 }).collect();
            let address = Ipv6Addr::from(<[u16; 8]>::try_from(groups).unwrap());
            prop_assert!(!ipv6(address).contains('.'));
            prop_assert_eq!(ipv6(address).parse::<Ipv6Addr>().unwrap(), address);
            prop_assert_eq!(dotted(address).parse::<Ipv6Addr>().unwrap(), address);
            let network = format!("!2:{}/7 1:{}/32", dotted(address), Ipv4Addr::from([1, 2, 0, mask[0].into()]));
            prop_assert_eq!(canonical(&RecordType::Apl, &network).unwrap(), network);
        }
    }
}
