//! The families of IP addresses, and their networks.

use std::{
    fmt,
    hash::Hash,
    net::{Ipv4Addr, Ipv6Addr},
    str::FromStr,
};

use crate::Error;

/// An address of one family: [`Ipv4Addr`] or [`Ipv6Addr`]. It cannot be implemented elsewhere.
pub trait IpAddress:
    sealed::IpAddress + Copy + Ord + Hash + fmt::Debug + fmt::Display + FromStr + Send + Sync + 'static
{
}

impl IpAddress for Ipv4Addr {}

impl IpAddress for Ipv6Addr {}

/// A network, such as `192.0.2.0/28` or `2001:db8::/64`.
///
/// ```
/// use std::net::Ipv6Addr;
///
/// use desec_api::IpNetwork;
///
/// let network: IpNetwork<Ipv6Addr> = "2001:db8:9:9:1:2:3:4/56".parse()?;
/// assert_eq!(network.to_string(), "2001:db8:9::/56");
/// assert!("2001:db8::/129".parse::<IpNetwork<Ipv6Addr>>().is_err());
/// # Ok::<(), desec_api::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct IpNetwork<A> {
    address: A,
    bits: u8,
}

impl<A: IpAddress> IpNetwork<A> {
    /// Returns the network of the first `bits` bits of `address`; the others are cleared.
    ///
    /// # Errors
    /// [`Error::InvalidInput`] if an address of this family has fewer bits.
    pub fn new(address: A, bits: u8) -> Result<Self, Error> {
        if bits > A::BITS {
            let reason = format!("\"{address}/{bits}\": an {} address has {} bits", A::FAMILY, A::BITS);
            return Err(Error::InvalidInput { what: "network", reason });
        }
        Ok(Self { address: A::of(address.number() & mask(bits)), bits })
    }

    /// Returns the first address of the network.
    pub fn address(&self) -> A {
        self.address
    }

    /// Returns how many bits all addresses of the network share.
    pub fn bits(&self) -> u8 {
        self.bits
    }

    /// Returns the network of `address` alone.
    pub(super) fn only(address: A) -> Self {
        Self { address, bits: A::BITS }
    }

    /// Returns whether some address belongs to both networks.
    pub(super) fn overlaps(&self, other: &Self) -> bool {
        (self.address.number() ^ other.address.number()) & mask(self.bits.min(other.bits)) == 0
    }

    /// Returns `address` with its first bits replaced by those of the network.
    #[cfg(feature = "fake")]
    pub(crate) fn adopt(&self, address: A) -> A {
        A::of(self.address.number() | address.number() & !mask(self.bits))
    }
}

impl<A: IpAddress> fmt::Display for IpNetwork<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.bits)
    }
}

impl<A: IpAddress> FromStr for IpNetwork<A> {
    type Err = Error;

    /// Parses an address with a number of bits; the bits behind them are cleared.
    fn from_str(text: &str) -> Result<Self, Error> {
        let parts = text.split_once('/').and_then(|(address, bits)| {
            // No sign and no blank, which a number would take.
            let digits = bits.bytes().all(|b| b.is_ascii_digit());
            Some((address.parse().ok()?, bits.parse().ok().filter(|_| digits)?))
        });
        let Some((address, bits)) = parts else {
            let shown: String = text.chars().take(80).collect();
            let reason = format!("{shown:?}: give an {} address, a slash and a number of bits", A::FAMILY);
            return Err(Error::InvalidInput { what: "network", reason });
        };
        Self::new(address, bits)
    }
}

// The bits of an address are the first ones of the number, for both families.
fn mask(bits: u8) -> u128 {
    u128::MAX.checked_shl(128 - u32::from(bits)).unwrap_or(0)
}

pub(super) mod sealed {
    use std::net::{Ipv4Addr, Ipv6Addr};

    use super::super::public::{SPECIAL_V4, SPECIAL_V6, Special};

    /// What the families differ in.
    pub trait IpAddress: Sized + 'static {
        /// The name of the family.
        const FAMILY: &'static str;
        /// The length of an address.
        const BITS: u8;
        /// The networks whose addresses are not to be published.
        const SPECIAL: &'static [Special<Self>];
        /// Returns the address as a number, its first bit foremost.
        fn number(self) -> u128;
        /// Returns the address that is `number`.
        fn of(number: u128) -> Self;
    }

    impl IpAddress for Ipv4Addr {
        const FAMILY: &'static str = "IPv4";
        const BITS: u8 = 32;
        const SPECIAL: &'static [Special<Self>] = SPECIAL_V4;

        fn number(self) -> u128 {
            u128::from(self.to_bits()) << 96
        }

        fn of(number: u128) -> Self {
            let [a, b, c, d, ..] = number.to_be_bytes();
            Self::new(a, b, c, d)
        }
    }

    impl IpAddress for Ipv6Addr {
        const FAMILY: &'static str = "IPv6";
        const BITS: u8 = 128;
        const SPECIAL: &'static [Special<Self>] = SPECIAL_V6;

        fn number(self) -> u128 {
            self.to_bits()
        }

        fn of(number: u128) -> Self {
            Self::from_bits(number)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn v4(text: &str) -> IpNetwork<Ipv4Addr> {
        text.parse().unwrap()
    }

    #[test]
    fn networks_parse_to_one_spelling() {
        for (given, shown) in [
            ("192.0.2.77/28", "192.0.2.64/28"),
            ("192.0.2.77/32", "192.0.2.77/32"),
            ("192.0.2.77/0", "0.0.0.0/0"),
        ] {
            assert_eq!(v4(given).to_string(), shown);
            assert_eq!(v4(shown), v4(given));
        }
        for bad in ["192.0.2.0", "192.0.2.0/33", "192.0.2.0/", "192.0.2.0/+8", "192.0.2.0/ 8", "::/8", "/8"] {
            assert!(bad.parse::<IpNetwork<Ipv4Addr>>().is_err(), "{bad:?}");
        }
        assert!("192.0.2.0/24".parse::<IpNetwork<Ipv6Addr>>().is_err());
    }

    #[test]
    fn networks_overlap_if_one_contains_the_other() {
        for (a, b, expected) in [
            ("10.0.0.0/8", "10.255.255.255/32", true),
            ("0.0.0.0/0", "10.0.0.0/8", true),
            ("10.0.0.0/8", "11.0.0.0/8", false),
            ("192.0.2.0/25", "192.0.2.128/25", false),
        ] {
            assert_eq!(v4(a).overlaps(&v4(b)), expected, "{a} {b}");
            assert_eq!(v4(b).overlaps(&v4(a)), expected, "{b} {a}");
        }
    }
}
