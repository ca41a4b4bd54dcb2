//! Whether two spellings are one record: a server may write it in its own way, and a run must not write it again.

use std::collections::BTreeSet;
use std::net::{Ipv4Addr, Ipv6Addr};

use super::text::text_of;
use crate::backend::RrSet;

/// Tells whether both hold the same records; order, repetition, spelling and time to live don't count.
pub(crate) fn same_records(one: &RrSet, other: &RrSet) -> bool {
    let meant = |set: &RrSet| -> BTreeSet<String> {
        set.records.iter().map(|record| canonical(&set.rtype, record)).collect()
    };
    one.rtype == other.rtype && meant(one) == meant(other)
}

/// Tells whether a record is among others of its type.
pub(super) fn contains(rtype: &str, records: &[String], record: &str) -> bool {
    let wanted = canonical(rtype, record);
    records.iter().any(|other| canonical(rtype, other) == wanted)
}

/// Returns the one spelling of a record. What is none of its type keeps its own.
pub(super) fn canonical(rtype: &str, record: &str) -> String {
    let fields: Vec<&str> = record.split_ascii_whitespace().collect();
    let read = match (rtype, fields.as_slice()) {
        // Readers put the strings of a text together, however it is cut (RFC 7208 section 3.3).
        ("TXT" | "SPF", _) => return text_of(record.trim()),
        ("A", [address]) => address.parse::<Ipv4Addr>().ok().map(|address| address.to_string()),
        ("AAAA", [address]) => address.parse::<Ipv6Addr>().ok().map(|address| address.to_string()),
        ("CNAME" | "NS" | "PTR" | "DNAME", [name]) => Some(name.to_ascii_lowercase()),
        ("MX", [preference, host]) => {
            numbers(&[preference]).map(|n| format!("{n} {}", host.to_ascii_lowercase()))
        }
        ("SRV", [priority, weight, port, host]) => {
            numbers(&[priority, weight, port]).map(|n| format!("{n} {}", host.to_ascii_lowercase()))
        }
        ("CAA", [flags, tag, ..]) => numbers(&[flags]).map(|flags| {
            let value = record.splitn(3, [' ', '\t']).last().unwrap_or_default();
            format!("{flags} {} {}", tag.to_ascii_lowercase(), text_of(value))
        }),
        ("TLSA", [usage, selector, matching, digest @ ..]) => numbers(&[usage, selector, matching])
            .map(|n| format!("{n} {}", digest.concat().to_ascii_lowercase())),
        _ => None,
    };
    read.unwrap_or_else(|| fields.join(" "))
}

fn numbers(fields: &[&str]) -> Option<String> {
    let read: Result<Vec<String>, _> =
        fields.iter().map(|field| field.parse::<u16>().map(|n| n.to_string())).collect();
    Some(read.ok()?.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_spellings_of_a_server_are_the_same_record() {
        for (rtype, one, other) in [
            ("A", "192.0.2.1", " 192.0.2.1 "),
            ("AAAA", "::ffff:192.0.2.1", "::ffff:c000:201"),
            ("AAAA", "2001:DB8:0:0::1", "2001:db8::1"),
            ("TXT", "\"a\" \"b\"", "\"ab\""),
            ("TXT", "\"\\065\"", "\"A\""),
            ("MX", "010  Mail.example.", "10 mail.example."),
            ("SRV", "0 01 465 Mail.example.", "0 1 465 mail.example."),
            ("CNAME", "Mail.example.", "mail.example."),
            ("CAA", "0 ISSUE letsencrypt.org", "0 issue \"letsencrypt.org\""),
            ("TLSA", "3 1 1 AB CD", "3 1 1 abcd"),
            ("HINFO", "a  b", "a b"),
        ] {
            assert_eq!(canonical(rtype, one), canonical(rtype, other), "{rtype} {one}");
        }
    }

    #[test]
    fn what_differs_stays_different() {
        for (rtype, one, other) in [
            ("TXT", "\"A\"", "\"a\""),
            ("MX", "10 a.example.", "20 a.example."),
            ("MX", "10 a.example.", "10 b.example."),
            ("CAA", "0 issue \"a.example\"", "0 issuewild \"a.example\""),
            ("A", "192.0.2.1", "192.0.2.2"),
            ("A", "nonsense", "192.0.2.2"),
        ] {
            assert_ne!(canonical(rtype, one), canonical(rtype, other), "{rtype} {one}");
        }
    }
}
