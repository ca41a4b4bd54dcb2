//! Whether the zone is signed as its parent says (RFC 4035). The signatures themselves are the recursive server's
//! concern: a broken one makes it answer SERVFAIL, which every other check then tells.

use futures_util::future::join_all;
use sha2::{Digest, Sha256, Sha384};

use super::report::Finding;
use super::scene::Scene;
use super::zone::Cut;
use super::{RecordData, RecordType};

pub(super) async fn dnssec(scene: &Scene<'_>) -> Finding {
    let zone = match scene.zone().await {
        Ok(zone) => zone,
        Err(unknown) => return unknown,
    };
    let digests = match scene.ask(&zone.name, RecordType::Ds).await {
        Ok(answer) => answer,
        Err(error) => return Finding::unknown(error),
    };
    let digests: Vec<&[u8]> =
        digests.contents(&zone.name, RecordType::Ds).0.into_iter().filter_map(wire).collect();
    if digests.is_empty() {
        let found = format!("{} is not signed: its parent has no DS", zone.name);
        return Finding::warning(found, "enter the zone's DS at the registrar");
    }
    let keys = keys(scene, zone).await;
    if keys.is_empty() {
        return Finding::failed(
            format!("the parent has a DS, but {} shows no key", zone.name),
            "sign the zone, or take the DS out at the registrar: until then it is bogus to many",
        );
    }
    let matching = keys.iter().find(|key| digests.iter().any(|digest| is_digest(digest, key, &zone.name)));
    match matching {
        Some(key) => Finding::ok(format!("{} is signed, key {}", zone.name, key_tag(key))),
        None => Finding::failed(
            format!("none of the keys of {} is the one that the parent's DS names", zone.name),
            "enter the DS of the present key at the registrar",
        ),
    }
}

async fn keys(scene: &Scene<'_>, zone: &Cut) -> Vec<Vec<u8>> {
    let each = zone.servers.iter().map(|server| server.ask(scene.look_up, &zone.name, RecordType::Dnskey));
    let answers = join_all(each).await;
    let first = answers.into_iter().flatten().find(|answer| answer.is_authoritative).unwrap_or_default();
    first
        .contents(&zone.name, RecordType::Dnskey)
        .0
        .into_iter()
        .filter_map(wire)
        .map(<[u8]>::to_vec)
        .collect()
}

fn wire(data: &RecordData) -> Option<&[u8]> {
    match data {
        RecordData::Ds(wire) | RecordData::Dnskey(wire) => Some(wire),
        _ => None,
    }
}

/// Tells whether a DS is one of the key (RFC 4034 section 5.1): tag, algorithm, and the digest where its kind is
/// known.
fn is_digest(ds: &[u8], key: &[u8], zone: &str) -> bool {
    let (&[high, low, algorithm, kind, ref digest @ ..], &[_, _, _, key_algorithm, ..]) = (ds, key) else {
        return false;
    };
    let mut signed = Vec::new();
    for label in zone.split('.').filter(|label| !label.is_empty()) {
        signed.extend(u8::try_from(label.len()));
        signed.extend(label.bytes());
    }
    signed.push(0);
    signed.extend(key);
    u16::from_be_bytes([high, low]) == key_tag(key)
        && algorithm == key_algorithm
        && match kind {
            2 => Sha256::digest(&signed).as_slice() == digest,
            4 => Sha384::digest(&signed).as_slice() == digest,
            _ => true,
        }
}

/// Computes the tag of a key (RFC 4034 appendix B).
fn key_tag(key: &[u8]) -> u16 {
    let sum: u32 = key
        .chunks(2)
        .map(|pair| u32::from(pair[0]) << 8 | u32::from(pair.get(1).copied().unwrap_or_default()))
        .fold(0, u32::wrapping_add);
    let [_, _, high, low] = (sum.wrapping_add(sum >> 16 & 0xffff)).to_be_bytes();
    u16::from_be_bytes([high, low])
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of RFC 4509 section 2.3.
    const KEY: &str = "AQOeiiR0GOMYkDshWoSKz9XzfwJr1AYtsmx3TGkJaNXVbfi/2pHm822aJ5iI9BMzNXxeYCmZDRD99WYwYqUSdjMmmAphXdvxegXd/M5+X7OrzKBaMbCVdFLUUh6DhweJBjEVv5f2wwjM9XzcnOf+EPbtG9DMBmADjFDc2w/rljwvFw==";
    const DIGEST: &str = "D4B7D520E7BB5F0F67674A0CCEB1E3E0614B93C4F9E99B8383F6A1E4469DA50A";

    fn key() -> Vec<u8> {
        let mut key = vec![1, 0, 3, 5];
        let value = |c: u8| match c {
            b'A'..=b'Z' => u32::from(c - b'A'),
            b'a'..=b'z' => u32::from(c - b'a') + 26,
            b'0'..=b'9' => u32::from(c - b'0') + 52,
            b'+' => 62,
            _ => 63,
        };
        for four in KEY.as_bytes().chunks(4) {
            let bits = four.iter().fold(0, |bits, c| bits << 6 | if *c == b'=' { 0 } else { value(*c) });
            let padding = four.iter().filter(|c| **c == b'=').count();
            key.extend(&bits.to_be_bytes()[1..4 - padding]);
        }
        key
    }

    fn ds(tag: u16, kind: u8) -> Vec<u8> {
        let digest = (0..DIGEST.len()).step_by(2).map(|i| u8::from_str_radix(&DIGEST[i..i + 2], 16).unwrap());
        tag.to_be_bytes().into_iter().chain([5, kind]).chain(digest).collect()
    }

    #[test]
    fn the_example_of_the_rfc_fits_and_nothing_else_does() {
        let key = key();
        assert_eq!(key_tag(&key), 60485);
        assert!(is_digest(&ds(60485, 2), &key, "dskey.example.com"));
        assert!(!is_digest(&ds(60485, 2), &key, "other.example.com"));
        assert!(!is_digest(&ds(60486, 2), &key, "dskey.example.com"));
        assert!(
            !is_digest(&[1], &key, "dskey.example.com")
                && !is_digest(&ds(60485, 2), &[], "dskey.example.com")
        );
        let mut broken = ds(60485, 2);
        *broken.last_mut().unwrap() ^= 1;
        assert!(!is_digest(&broken, &key, "dskey.example.com"));
    }
}
