use std::collections::BTreeSet;

use desec_api::{Rdata, RecordType, canonical, same_records};
use serde_json::Value;

use crate::recording::{Exchange, recording};

/// The recorded normalisations but one: the real server fails on it, with 500, by a fault of its own.
pub(crate) fn normalisations() -> Vec<Exchange> {
    let mut exchanges = recording("normalisation");
    exchanges.retain(|exchange| exchange.status != 500);
    exchanges
}

fn rtype(exchange: &Exchange) -> RecordType {
    exchange.sent["type"].as_str().unwrap().parse().unwrap()
}

fn texts(value: &Value) -> Vec<String> {
    value["records"].as_array().unwrap().iter().map(|text| text.as_str().unwrap().to_owned()).collect()
}

fn items(body: &Value) -> &[Value] {
    body.as_array().map_or(std::slice::from_ref(body), Vec::as_slice)
}

#[test]
fn contents_become_what_the_server_stores() {
    let exchanges = normalisations();
    let (accepted, refused): (Vec<_>, Vec<_>) = exchanges.iter().partition(|exchange| exchange.status == 201);
    assert_eq!((accepted.len(), refused.len()), (94, 18));
    for exchange in accepted {
        let (rtype, sent, stored) = (rtype(exchange), texts(&exchange.sent), texts(&exchange.body));
        for (sent, stored) in sent.iter().zip(&stored) {
            assert_eq!(canonical(&rtype, sent).unwrap(), *stored, "{rtype} {sent}");
            assert_eq!(canonical(&rtype, stored).unwrap(), *stored, "{rtype}");
            let value = Rdata::parse(&rtype, sent).unwrap();
            assert_eq!((value.rtype(), value.to_string()), (rtype.clone(), stored.clone()));
            assert_eq!(Rdata::parse(&rtype, stored).unwrap(), value);
        }
        assert!(same_records(&rtype, &sent, &stored), "{rtype}");
    }
    for exchange in refused {
        let rtype = rtype(exchange);
        for sent in texts(&exchange.sent) {
            assert!(canonical(&rtype, &sent).is_err(), "{rtype} {sent}");
            assert!(Rdata::parse(&rtype, &sent).is_err(), "{rtype} {sent}");
        }
    }
}

#[test]
fn a_place_with_usual_sizes_has_a_form_that_the_recorded_server_could_not_store() {
    // PowerDNS 4.7.3 behind it wants the sizes that the canonical form leaves out. Later ones need not.
    let failed = recording("normalisation").into_iter().filter(|exchange| exchange.status == 500);
    let sent: Vec<_> = failed.flat_map(|exchange| texts(&exchange.sent)).collect();
    assert_eq!(sent, ["52 22 23 N 4 53 32 E -2m"]);
    let form = "52 22 23.000 N 4 53 32.000 E -2.00m";
    assert_eq!(canonical(&RecordType::Loc, &sent[0]).unwrap(), form);
    assert_eq!(canonical(&RecordType::Loc, form).unwrap(), form);
}

#[test]
fn contents_of_other_recordings_are_judged_alike() {
    let (mut stored, mut refused) = (0, 0);
    let names = ["rrsets_create", "rrsets_bulk_post", "rrsets_bulk_put", "rrsets_bulk_patch", "cname_bulk"];
    for exchange in names.into_iter().flat_map(recording) {
        for item in items(&exchange.sent) {
            let Some(sent) = item["records"].as_array().filter(|sent| sent.iter().all(Value::is_string))
            else {
                continue;
            };
            let Some(rtype) = item["type"].as_str().and_then(|rtype| rtype.parse().ok()) else { continue };
            let sent: Vec<_> = sent.iter().map(|text| text.as_str().unwrap().to_owned()).collect();
            let is_this = |set: &&Value| set["subname"] == item["subname"] && set["type"] == item["type"];
            if let Some(set) = items(&exchange.body).iter().find(is_this) {
                assert!(same_records(&rtype, &sent, &texts(set)), "{item}");
                let forms: BTreeSet<_> = sent.iter().map(|text| canonical(&rtype, text).unwrap()).collect();
                assert_eq!(forms, texts(set).into_iter().collect(), "{item}");
                stored += 1;
            }
        }
        for (item, answer) in items(&exchange.sent).iter().zip(items(&exchange.body)) {
            let said = answer["non_field_errors"][0].as_str().unwrap_or_default();
            if ["malformed", "quotation", "fully qualified"].iter().any(|reason| said.contains(reason)) {
                let rtype: RecordType = item["type"].as_str().unwrap().parse().unwrap();
                assert!(texts(item).iter().any(|text| canonical(&rtype, text).is_err()), "{item} {said}");
                refused += 1;
            }
        }
    }
    assert_eq!((stored, refused), (25, 10));
}

#[test]
fn the_order_of_records_does_not_count() {
    let order =
        recording("roundtrip").into_iter().find(|exchange| exchange.sent[0]["subname"] == "order").unwrap();
    let (sent, stored) = (texts(&order.sent[0]), texts(&order.body[0]));
    assert_ne!(sent, stored);
    assert!(same_records(&RecordType::A, &sent, &stored));
    assert!(!same_records(&RecordType::A, &sent[1..], &stored));
}

#[test]
fn every_type_has_a_form() {
    for (rtype, content, form) in FORMS {
        let rtype: RecordType = rtype.parse().unwrap();
        assert_eq!(canonical(&rtype, content).unwrap(), *form, "{rtype} {content}");
    }
    let types: BTreeSet<_> = FORMS.iter().map(|(rtype, ..)| *rtype).collect();
    assert_eq!(types.len(), 39, "as many as deSEC lets its users write");
}

#[test]
fn what_cannot_be_is_refused() {
    for (rtype, content) in REFUSED {
        assert!(canonical(&rtype.parse().unwrap(), content).is_err(), "{rtype} {content}");
    }
}

// Forms that are not among the recorded ones, and one at least of each type.
#[rustfmt::skip]
const FORMS: &[(&str, &str, &str)] = &[
    ("A", r"\# 4 C000 0201", "192.0.2.1"),
    ("AAAA", "0:0:1::", "0:0:1::"),
    ("AFSDB", "01 AFS_1.example.", "1 AFS_1.example."),
    ("APL", "2:::ffff:1.2.3.4/128 1:10.0.0.0/08", "2:::ffff:1.2.3.4/128 1:10.0.0.0/8"),
    ("CAA", r#"0 issue "\059""#, r#"0 issue ";""#),
    ("CDNSKEY", "0 3 0 AB==", "0 3 0 AA=="),
    ("CDS", "0 0 0 00", "0 0 0 00"),
    ("CERT", "URI 00 ed448 AAAA AAAA", "253 0 16 AAAAAAAA"),
    ("CNAME", "1/2.0.192.in-addr.arpa.", "1/2.0.192.in-addr.arpa."),
    ("CSYNC", "1 2 TYPE257 MX TYPE1 TYPE300 MX", "1 2 A MX CAA TYPE300"),
    ("CSYNC", "66 3", "66 3"),
    ("DHCID", "AA AA", "AAAA"),
    ("DLV", "1 8 5 Ff", "1 8 5 ff"),
    ("DNAME", r"a\032b.Example.", r"a\032b.Example."),
    ("DNSKEY", "256 3 RSASHA256 AAAA", "256 3 8 AAAA"),
    ("DS", r"\# 24 0001 0801 00112233445566778899AABBCCDDEEFF00112233", "1 8 1 00112233445566778899aabbccddeeff00112233"),
    ("EUI48", "\"00-aB-22-33-44-55\"", "00-ab-22-33-44-55"),
    ("EUI64", "00-11-22-33-44-55-66-77", "00-11-22-33-44-55-66-77"),
    ("HINFO", "PC Linux", "\"PC\" \"Linux\""),
    ("HTTPS", "1 . ipv6hint=::1.2.3.4,::1 alpn=\"a\\\\,b\"", r"1 . alpn=a\\,b ipv6hint=::1.2.3.4,::1"),
    ("HTTPS", r#"1 . alpn=a\"b,c"#, r#"1 . alpn=a\\\"b,c"#),
    ("KX", "1 .", "1 ."),
    ("L32", "1 10.0.0.1", "1 10.0.0.1"),
    ("L64", "1 ABCD:0000:0000:0001", "1 abcd:0000:0000:0001"),
    ("LOC", "52 22 23 N 4 53 32 E -2m", "52 22 23.000 N 4 53 32.000 E -2.00m"),
    ("LOC", "0 S 179 0 0.5 W 0.29 12345m", "0 0 0.000 N 179 0 0.500 W 0.28m 10000.00m 10000.00m 10.00m"),
    ("LP", "1 Host.example.", "1 Host.example."),
    ("MX", r"\# 5 000A 016100", "10 a."),
    ("NAPTR", r#"1 2 u E2U+sip "!^.*$!sip:a@b!" ."#, r#"1 2 "u" "E2U+sip" "!^.*$!sip:a@b!" ."#),
    ("NID", "1 0000:0000:0000:0001", "1 0000:0000:0000:0001"),
    ("NS", "( NS.example.\n)", "NS.example."),
    ("OPENPGPKEY", "AAA=", "AAA="),
    ("PTR", r"a\046b.example.", r"a\.b.example."),
    ("RP", "a\\.b.example. T.example.", "a\\.b.example. T.example."),
    ("SMIMEA", "3 0 1 Aa Bb", "3 0 1 aabb"),
    ("SPF", "\"a\"", "\"a\""),
    ("SRV", "1 2 3 A.example.", "1 2 3 A.example."),
    ("SSHFP", "1 1 AA", "1 1 aa"),
    ("SVCB", r"1 _a.example. key65535 dohpath=/q{?dns} KEY1=\002h2 key3=\001\187", "1 _a.example. alpn=h2 port=443 dohpath=\"/q{?dns}\" key65535"),
    ("TLSA", r"\# 4 030101aa", "3 1 1 aa"),
    ("TXT", r"\# 3 0161 00", "\"a\" \"\""),
    ("URI", "1 2 ftp://a/b", "1 2 \"ftp://a/b\""),
];
#[rustfmt::skip]
const REFUSED: &[(&str, &str)] = &[
    ("A", ""), ("A", "192.0.2.1 x"), ("A", r"\# 5 C000020100"), ("A", r"\# 4 C00002"), ("A", "1.1.1.1\n2.2.2.2"),
    ("AAAA", "fe80::1%eth0"), ("APL", "3:00/0"), ("APL", "1:1.2.3.4/33"), ("APL", ""), ("CAA", "0 is-sue \"x\""),
    ("CAA", "0 \"\" \"x\""), ("CAA", "0 iodef \"caf\u{e9}\""), ("CDS", "0 0 0 0000"), ("CERT", "PGP 0 0"),
    ("CNAME", "stra\u{df}e.de."), ("CSYNC", "1 2 TYPE0"), ("DNSKEY", "256 3 8 A"), ("DS", "1 8 0 00"),
    ("DS", "1 8 9"), ("EUI48", "00-11-22-33-44"), ("EUI48", "00:11:22:33:44:55"), ("HINFO", "x"),
    ("HTTPS", "0 . alpn=h2"), ("HTTPS", "1 . no-default-alpn"), ("HTTPS", "1 . mandatory=port"),
    ("HTTPS", "1 . mandatory=mandatory"), ("HTTPS", "1 . port"), ("HTTPS", "1 . port= 443"),
    ("HTTPS", "1 . alpn=\"a b\""), ("HTTPS", r"1 . alpn=\187"), ("HTTPS", "1 . alpn=\u{e9}"), ("SVCB", r"1 . alpn=a\127"),
    ("HTTPS", "1 . key01=x"), ("HTTPS", "1 . nonsense=1"), ("HTTPS", "1 . =x"),
    ("L64", "1 abcd::1"), ("LOC", "91 N 0 E 0m"), ("LOC", "1 60 N 0 E 0m"), ("LOC", "1 N 1 E nan"),
    ("LOC", "1 N 1 E 0m 1m 1m 1m 1m"), ("LOC", "1 N 1 E 0m -1m"), ("MX", "10 -a.example."), ("MX", "10 a.b"),
    ("MX", r"\# 5 000A C00C00"), ("NS", "."), ("SRV", "0 0 0 *.example."), ("TXT", "\"a\" b"), ("TXT", ""),
    ("TXT", "\"a\0b\""), ("URI", "1 2 \"\""), ("URI", r#"1 2 "a\"b""#), ("TLSA", "3 1 1"), ("TLSA", "3 1 1 xx"),
];
