//! The networks from which a token may be used.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

use serde_json::{Map, Value, json};

use super::fields::list;

#[derive(Clone, Copy)]
pub(super) struct Subnet {
    address: IpAddr,
    prefix: u32,
}

impl Subnet {
    pub(super) fn contains(self, address: IpAddr) -> bool {
        let (network, width) = bits(self.address);
        let (address, other) = bits(address);
        // Shifting out all bits at once is not possible.
        width == other && (network ^ address).checked_shr(width - self.prefix).unwrap_or_default() == 0
    }
}

impl fmt::Display for Subnet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix)
    }
}

/// Returns the networks of a token that may be used from everywhere.
pub(super) fn everywhere() -> Vec<Subnet> {
    let all = |address: IpAddr| Subnet { address, prefix: 0 };
    vec![all(Ipv4Addr::UNSPECIFIED.into()), all(Ipv6Addr::UNSPECIFIED.into())]
}

/// Reads a list of networks; what is wrong with one is noted under its position.
pub(super) fn read(value: &Value) -> Result<Vec<Subnet>, Value> {
    let items = list(value).map_err(|text| json!([text]))?;
    let (mut subnets, mut errors) = (Vec::new(), Map::new());
    for (position, item) in items.iter().enumerate() {
        match subnet(item.as_str().unwrap_or_default().trim()) {
            Ok(subnet) => subnets.push(subnet),
            Err(text) => {
                errors.insert(position.to_string(), json!([text]));
            }
        }
    }
    if errors.is_empty() { Ok(subnets) } else { Err(errors.into()) }
}

fn subnet(text: &str) -> Result<Subnet, &'static str> {
    let (address, prefix) = text.split_once('/').map_or((text, None), |(a, p)| (a, Some(p)));
    let address: IpAddr = address.parse().map_err(|_| INVALID)?;
    let (number, width) = bits(address);
    let prefix = prefix.map_or(Ok(width), str::parse).map_err(|_| INVALID)?;
    if prefix > width {
        return Err(INVALID);
    }
    let hosts = 1_u128.checked_shl(width - prefix).map_or(u128::MAX, |size| size - 1);
    if number & hosts != 0 {
        return Err("Must be a network address.");
    }
    Ok(Subnet { address, prefix })
}

fn bits(address: IpAddr) -> (u128, u32) {
    match address {
        IpAddr::V4(address) => (address.to_bits().into(), 32),
        IpAddr::V6(address) => (address.to_bits(), 128),
    }
}

const INVALID: &str = "Invalid CIDR address.";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_contain_their_addresses() {
        let holds = |net: &str, address: &str| subnet(net).unwrap().contains(address.parse().unwrap());
        assert!(holds("198.51.100.0/24", "198.51.100.7"));
        assert!(!holds("198.51.100.0/24", "198.51.101.7"));
        assert!(holds("2001:db8::/32", "2001:db8:ffff::1"));
        assert!(!holds("2001:db8::/32", "198.51.100.7"));
        assert!(holds("192.0.2.1", "192.0.2.1"));
        assert!(everywhere().iter().any(|net| net.contains("::1".parse().unwrap())));
        assert!(!everywhere()[0].contains("::1".parse().unwrap()));
        assert!(everywhere()[0].contains("203.0.113.1".parse().unwrap()));
    }
}
