//! Which addresses the whole internet can reach.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::network::{IpAddress, IpNetwork};

/// A network with a purpose of its own, none of whose addresses can be published.
pub struct Special<A> {
    address: A,
    bits: u8,
    purpose: &'static str,
}

/// Returns what speaks against publishing addresses of `network`; `None` if they are globally routable.
pub(super) fn objection<A: IpAddress>(network: &IpNetwork<A>) -> Option<String> {
    A::SPECIAL.iter().find_map(|special| {
        let range = IpNetwork::new(special.address, special.bits).expect("the table has valid networks");
        let within = || format!("not globally routable: {range} is for {}", special.purpose);
        range.overlaps(network).then(within)
    })
}

const fn v4(parts: [u8; 4], bits: u8, purpose: &'static str) -> Special<Ipv4Addr> {
    let [a, b, c, d] = parts;
    Special { address: Ipv4Addr::new(a, b, c, d), bits, purpose }
}

const fn v6(start: [u16; 3], bits: u8, purpose: &'static str) -> Special<Ipv6Addr> {
    let [a, b, c] = start;
    Special { address: Ipv6Addr::new(a, b, c, 0, 0, 0, 0, 0), bits, purpose }
}

// The special-purpose registries of IANA (RFC 6890 and its successors), and multicast. The few addresses in
// 192.0.0.0/24 and 2001::/23 that are reachable belong to protocols, not to a host.
pub(super) const SPECIAL_V4: &[Special<Ipv4Addr>] = &[
    v4([0, 0, 0, 0], 8, "\"this network\""),
    v4([10, 0, 0, 0], 8, "private networks"),
    v4([100, 64, 0, 0], 10, "carriers' address sharing"),
    v4([127, 0, 0, 0], 8, "loopback"),
    v4([169, 254, 0, 0], 16, "one link"),
    v4([172, 16, 0, 0], 12, "private networks"),
    v4([192, 0, 0, 0], 24, "protocols"),
    v4([192, 0, 2, 0], 24, "documentation"),
    v4([192, 88, 99, 0], 24, "6to4 relays"),
    v4([192, 168, 0, 0], 16, "private networks"),
    v4([198, 18, 0, 0], 15, "benchmarks"),
    v4([198, 51, 100, 0], 24, "documentation"),
    v4([203, 0, 113, 0], 24, "documentation"),
    v4([224, 0, 0, 0], 4, "multicast"),
    v4([240, 0, 0, 0], 4, "future use and broadcast"),
];

// Global unicast is 2000::/3; first what is known by name, then all else outside of it.
pub(super) const SPECIAL_V6: &[Special<Ipv6Addr>] = &[
    Special { address: Ipv6Addr::LOCALHOST, bits: 128, purpose: "loopback" },
    Special {
        address: Ipv6Addr::new(0, 0, 0, 0, 0, 0xffff, 0, 0),
        bits: 96,
        purpose: "mapped IPv4 addresses",
    },
    v6([0x64, 0xff9b, 0], 96, "NAT64"),
    v6([0x64, 0xff9b, 1], 48, "NAT64"),
    v6([0x100, 0, 0], 64, "discarding"),
    v6([0x2001, 0, 0], 32, "Teredo"),
    v6([0x2001, 2, 0], 48, "benchmarks"),
    v6([0x2001, 0, 0], 23, "protocols"),
    v6([0x2001, 0xdb8, 0], 32, "documentation"),
    v6([0x2002, 0, 0], 16, "6to4"),
    v6([0x3fff, 0, 0], 20, "documentation"),
    v6([0x5f00, 0, 0], 16, "segment routing"),
    v6([0xfc00, 0, 0], 7, "private networks"),
    v6([0xfe80, 0, 0], 10, "one link"),
    v6([0xff00, 0, 0], 8, "multicast"),
    v6([0, 0, 0], 3, "what is no global unicast"),
    v6([0x4000, 0, 0], 2, "what is no global unicast"),
    v6([0x8000, 0, 0], 1, "what is no global unicast"),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn refused<A: IpAddress>(text: &str) -> Option<String> {
        let Ok(address) = text.parse::<A>() else { panic!("{text}") };
        objection(&IpNetwork::only(address))
    }

    #[test]
    fn ipv4_at_the_edges_of_the_registry() {
        for public in [
            "1.0.0.0",
            "9.255.255.255",
            "11.0.0.0",
            "100.63.255.255",
            "100.128.0.0",
            "126.255.255.255",
            "128.0.0.0",
            "169.253.255.255",
            "169.255.0.0",
            "172.15.255.255",
            "172.32.0.0",
            "191.255.255.255",
            "192.0.1.0",
            "192.0.3.0",
            "192.31.196.1",
            "192.52.193.1",
            "192.88.98.255",
            "192.88.100.0",
            "192.167.255.255",
            "192.169.0.0",
            "192.175.48.1",
            "198.17.255.255",
            "198.20.0.0",
            "198.51.99.255",
            "198.51.101.0",
            "203.0.112.255",
            "203.0.114.0",
            "223.255.255.255",
        ] {
            assert_eq!(refused::<Ipv4Addr>(public), None, "{public}");
        }
        for special in [
            "0.0.0.0",
            "0.255.255.255",
            "10.0.0.0",
            "10.255.255.255",
            "100.64.0.0",
            "100.127.255.255",
            "127.0.0.1",
            "127.255.255.255",
            "169.254.0.0",
            "169.254.169.254",
            "172.16.0.0",
            "172.31.255.255",
            "192.0.0.0",
            "192.0.0.9",
            "192.0.0.255",
            "192.0.2.0",
            "192.0.2.255",
            "192.88.99.1",
            "192.168.0.1",
            "192.168.255.255",
            "198.18.0.0",
            "198.19.255.255",
            "198.51.100.7",
            "203.0.113.200",
            "224.0.0.1",
            "239.255.255.255",
            "240.0.0.0",
            "255.255.255.255",
        ] {
            assert!(refused::<Ipv4Addr>(special).is_some(), "{special}");
        }
    }

    #[test]
    fn ipv6_at_the_edges_of_the_registry() {
        for public in [
            "2000::",
            "2001:200::1",
            "2001:db7:ffff::1",
            "2001:db9::1",
            "2003::1",
            "2606:4700::1111",
            "2620:4f:8000::1",
            "2a01:4f8:10a:1044:deec:642:ac10:80",
            "3fff:1000::",
            "3ffe::1",
        ] {
            assert_eq!(refused::<Ipv6Addr>(public), None, "{public}");
        }
        for (special, purpose) in [
            ("::", "no global unicast"),
            ("::1", "loopback"),
            ("::192.0.2.1", "no global unicast"),
            ("::ffff:8.8.8.8", "mapped"),
            ("64:ff9b::808:808", "NAT64"),
            ("64:ff9b:1::1", "NAT64"),
            ("100::1", "discarding"),
            ("1fff:ffff::", "no global unicast"),
            ("2001::1", "Teredo"),
            ("2001:1::1", "protocols"),
            ("2001:2::1", "benchmarks"),
            ("2001:20::1", "protocols"),
            ("2001:1ff:ffff::", "protocols"),
            ("2001:db8::1", "documentation"),
            ("2002:c000:201::1", "6to4"),
            ("3fff:fff::1", "documentation"),
            ("4000::1", "no global unicast"),
            ("5f00::1", "segment routing"),
            ("fbff::1", "no global unicast"),
            ("fc00::1", "private"),
            ("fdff:ffff::1", "private"),
            ("fe80::1", "one link"),
            ("febf::1", "one link"),
            ("fec0::1", "no global unicast"),
            ("ff02::1", "multicast"),
        ] {
            let objection = refused::<Ipv6Addr>(special).unwrap_or_default();
            assert!(objection.contains(purpose), "{special}: {objection:?}");
        }
    }

    #[test]
    fn a_network_must_be_free_of_special_addresses() {
        let refused = |text: &str| objection(&text.parse::<IpNetwork<Ipv4Addr>>().unwrap()).is_some();
        assert!(refused("192.0.0.0/8") && refused("0.0.0.0/0") && refused("10.1.0.0/16"));
        assert!(!refused("9.0.0.0/8") && !refused("193.0.0.0/28"));
        assert!(objection(&"2000::/3".parse::<IpNetwork<Ipv6Addr>>().unwrap()).is_some());
        assert!(objection(&"2a00::/12".parse::<IpNetwork<Ipv6Addr>>().unwrap()).is_none());
    }
}
