//! The names that numbers may have in contents.

use std::borrow::Cow;

use super::{Flaw, tokens::number};

/// Returns the number that `text` says in digits or by a name of `table`.
pub(super) fn value(table: &[(u16, &str)], text: &str, bits: u32) -> Result<u32, Flaw> {
    let named = table.iter().find(|(_, name)| name.eq_ignore_ascii_case(text));
    named.map_or_else(|| number(text, bits), |(value, _)| Ok((*value).into()))
}

/// Returns the number of a record type, from its name or from `TYPE` and the number.
pub(super) fn rtype(text: &str) -> Result<u16, Flaw> {
    let upper = text.to_ascii_uppercase();
    if let Some((number, _)) = RECORD_TYPES.iter().find(|(_, name)| *name == upper) {
        return Ok(*number);
    }
    let digits =
        upper.strip_prefix("TYPE").ok_or_else(|| Flaw::new("DNS resource record type is unknown."))?;
    number(digits, 16).map(|number| u16::try_from(number).expect("16 bits"))
}

/// Returns the name of a record type.
pub(super) fn rtype_name(number: u16) -> Cow<'static, str> {
    let known = RECORD_TYPES.binary_search_by_key(&number, |(number, _)| *number);
    known.map_or_else(|_| format!("TYPE{number}").into(), |at| RECORD_TYPES[at].1.into())
}

/// DNSSEC algorithms.
pub(super) const ALGORITHMS: &[(u16, &str)] = &[
    (1, "RSAMD5"),
    (2, "DH"),
    (3, "DSA"),
    (4, "ECC"),
    (5, "RSASHA1"),
    (6, "DSANSEC3SHA1"),
    (7, "RSASHA1NSEC3SHA1"),
    (8, "RSASHA256"),
    (10, "RSASHA512"),
    (12, "ECCGOST"),
    (13, "ECDSAP256SHA256"),
    (14, "ECDSAP384SHA384"),
    (15, "ED25519"),
    (16, "ED448"),
    (252, "INDIRECT"),
    (253, "PRIVATEDNS"),
    (254, "PRIVATEOID"),
];

/// Kinds of certificates in CERT (RFC 4398, section 2.1).
pub(super) const CERTIFICATES: &[(u16, &str)] = &[
    (1, "PKIX"),
    (2, "SPKI"),
    (3, "PGP"),
    (4, "IPKIX"),
    (5, "ISPKI"),
    (6, "IPGP"),
    (7, "ACPKIX"),
    (8, "IACPKIX"),
    (253, "URI"),
    (254, "OID"),
];

// In ascending order.
#[rustfmt::skip]
const RECORD_TYPES: &[(u16, &str)] = &[
    (1, "A"), (2, "NS"), (3, "MD"), (4, "MF"), (5, "CNAME"), (6, "SOA"), (7, "MB"), (8, "MG"), (9, "MR"),
    (10, "NULL"), (11, "WKS"), (12, "PTR"), (13, "HINFO"), (14, "MINFO"), (15, "MX"), (16, "TXT"), (17, "RP"),
    (18, "AFSDB"), (19, "X25"), (20, "ISDN"), (21, "RT"), (22, "NSAP"), (23, "NSAP-PTR"), (24, "SIG"),
    (25, "KEY"), (26, "PX"), (27, "GPOS"), (28, "AAAA"), (29, "LOC"), (30, "NXT"), (33, "SRV"), (35, "NAPTR"),
    (36, "KX"), (37, "CERT"), (38, "A6"), (39, "DNAME"), (41, "OPT"), (42, "APL"), (43, "DS"), (44, "SSHFP"),
    (45, "IPSECKEY"), (46, "RRSIG"), (47, "NSEC"), (48, "DNSKEY"), (49, "DHCID"), (50, "NSEC3"),
    (51, "NSEC3PARAM"), (52, "TLSA"), (53, "SMIMEA"), (55, "HIP"), (56, "NINFO"), (59, "CDS"),
    (60, "CDNSKEY"), (61, "OPENPGPKEY"), (62, "CSYNC"), (63, "ZONEMD"), (64, "SVCB"), (65, "HTTPS"),
    (66, "DSYNC"), (99, "SPF"), (103, "UNSPEC"), (104, "NID"), (105, "L32"), (106, "L64"), (107, "LP"),
    (108, "EUI48"), (109, "EUI64"), (249, "TKEY"), (250, "TSIG"), (251, "IXFR"), (252, "AXFR"),
    (253, "MAILB"), (254, "MAILA"), (255, "ANY"), (256, "URI"), (257, "CAA"), (258, "AVC"),
    (260, "AMTRELAY"), (261, "RESINFO"), (262, "WALLET"), (32768, "TA"), (32769, "DLV"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_have_numbers_both_ways() {
        assert!(RECORD_TYPES.is_sorted_by(|a, b| a.0 < b.0));
        for (number, name) in RECORD_TYPES {
            assert_eq!((rtype(name), rtype_name(*number).as_ref()), (Ok(*number), *name));
        }
        assert_eq!((rtype("type0300"), rtype_name(300).as_ref()), (Ok(300), "TYPE300"));
        assert!(rtype("NONSENSE").is_err() && rtype("TYPE65536").is_err());
    }

    #[test]
    fn numbers_may_be_named() {
        assert_eq!(value(ALGORITHMS, "ed25519", 8), Ok(15));
        assert_eq!(value(CERTIFICATES, "070", 16), Ok(70));
        assert!(value(ALGORITHMS, "256", 8).is_err());
    }
}
