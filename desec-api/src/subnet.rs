//! Networks from which a token may be used.

use std::{fmt, net::IpAddr, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::Error;

/// A network from which a token may be used: an address and the length of its prefix in bits.
///
/// ```
/// use desec_api::Subnet;
///
/// assert_eq!("192.0.2.0/24".parse::<Subnet>()?.to_string(), "192.0.2.0/24");
/// assert_eq!("2001:DB8::1".parse::<Subnet>()?.to_string(), "2001:db8::1/128");
/// assert!("192.0.2.1/24".parse::<Subnet>().is_err());
/// # Ok::<(), desec_api::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Subnet {
    address: IpAddr,
    prefix: u8,
}

impl Subnet {
    /// Returns the network of the first `prefix` bits of `address`.
    ///
    /// # Errors
    /// [`Error::InvalidInput`] if the prefix is longer than the address, or the address has bits behind it.
    pub fn new(address: IpAddr, prefix: u8) -> Result<Self, Error> {
        let refuse = |reason: &str| Err(invalid(&format!("{address}/{prefix}"), reason));
        // As the upper bits of 128, so that both families are alike.
        let (length, bits) = match address {
            IpAddr::V4(v4) => (32, u128::from(v4.to_bits()) << 96),
            IpAddr::V6(v6) => (128, v6.to_bits()),
        };
        if prefix > length {
            return refuse("the prefix is longer than the address");
        }
        if bits.checked_shl(prefix.into()).is_some_and(|rest| rest != 0) {
            return refuse("the address has bits behind its prefix; give the first address of the network");
        }
        Ok(Self { address, prefix })
    }

    /// Returns the first address.
    pub fn address(&self) -> IpAddr {
        self.address
    }

    /// Returns the length of the prefix in bits.
    pub fn prefix(&self) -> u8 {
        self.prefix
    }
}

impl fmt::Display for Subnet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix)
    }
}

impl FromStr for Subnet {
    type Err = Error;

    /// Parses `address/prefix`, or a single address.
    fn from_str(text: &str) -> Result<Self, Error> {
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| invalid(text, "it is no IP address"))?;
        let Some(prefix) = prefix else { return Ok(address.into()) };
        match prefix.parse() {
            Ok(bits) if prefix.bytes().all(|b| b.is_ascii_digit()) => Self::new(address, bits),
            _ => Err(invalid(text, "the prefix must be a number of bits")),
        }
    }
}

impl From<IpAddr> for Subnet {
    fn from(address: IpAddr) -> Self {
        Self { address, prefix: if address.is_ipv4() { 32 } else { 128 } }
    }
}

impl TryFrom<String> for Subnet {
    type Error = Error;

    fn try_from(text: String) -> Result<Self, Error> {
        text.parse()
    }
}

impl From<Subnet> for String {
    fn from(subnet: Subnet) -> Self {
        subnet.to_string()
    }
}

fn invalid(text: &str, reason: &str) -> Error {
    let shown: String = text.chars().take(80).collect();
    Error::InvalidInput { what: "subnet", reason: format!("{shown:?}: {reason}") }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn host_bits_are_refused() {
        for good in ["0.0.0.0/0", "::/0", "192.0.2.1/32", "192.0.2.128/25", "2001:db8::/32", "::1/128"] {
            assert_eq!(good.parse::<Subnet>().unwrap().to_string(), good);
        }
        for bad in [
            "",
            "/",
            "192.0.2.1/24",
            "192.0.2.1/31",
            "0.0.0.1/0",
            "2001:db8::1/127",
            "192.0.2.0/33",
            "::/129",
            "192.0.2.0/",
            "192.0.2.0/+24",
            "192.0.2.0/-1",
            "192.0.2.0/255.255.255.0",
            "192.0.2.0/24/24",
            "192.0.2",
            "192.0.2.01",
            " 192.0.2.0/24",
            "example.com",
            "fe80::1%eth0",
        ] {
            assert!(bad.parse::<Subnet>().is_err(), "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_parses_to_the_same(bits: u128, prefix in 0_u8..=128, v4: bool) {
            let (length, prefix) = if v4 { (32_u8, prefix % 33) } else { (128, prefix) };
            let kept = bits & u128::MAX.checked_shl((128 - prefix).into()).unwrap_or(0);
            let address: IpAddr = if v4 {
                std::net::Ipv4Addr::from_bits(u32::try_from(kept >> 96).unwrap()).into()
            } else {
                std::net::Ipv6Addr::from_bits(kept).into()
            };
            let subnet = Subnet::new(address, prefix).unwrap();
            prop_assert_eq!(subnet.to_string().parse::<Subnet>().unwrap(), subnet);
            prop_assert_eq!(Subnet::from(address).prefix(), length);
        }

        #[test]
        fn any_text_parses_or_is_refused(text in prop_oneof![any::<String>(), "[0-9a-f:./]{0,30}"]) {
            if let Ok(subnet) = text.parse::<Subnet>() {
                prop_assert_eq!(subnet.to_string().parse::<Subnet>().unwrap(), subnet);
            }
        }
    }
}
