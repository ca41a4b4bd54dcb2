use desec_api::{RecordType, canonical, same_records};

use crate::recording::{Exchange, recording};

/// The recorded normalisations of the types that are known.
pub(crate) fn normalisations() -> Vec<Exchange> {
    let known = ["A", "AAAA", "CAA", "CNAME", "MX", "NS", "PTR", "SRV", "TLSA", "TXT"];
    let mut exchanges = recording("normalisation");
    exchanges.retain(|exchange| known.contains(&exchange.sent["type"].as_str().unwrap()));
    exchanges
}

fn texts(value: &serde_json::Value) -> Vec<String> {
    value["records"].as_array().unwrap().iter().map(|text| text.as_str().unwrap().to_owned()).collect()
}

#[test]
fn contents_become_what_the_server_stores() {
    let exchanges = normalisations();
    assert!(exchanges.len() == 75, "{}", exchanges.len());
    for exchange in exchanges {
        let rtype: RecordType = exchange.sent["type"].as_str().unwrap().parse().unwrap();
        for (n, sent) in texts(&exchange.sent).iter().enumerate() {
            let ours = canonical(&rtype, sent).ok();
            if exchange.status == 201 {
                assert_eq!(ours, Some(texts(&exchange.body)[n].clone()), "{rtype} {sent}");
            } else {
                assert_eq!(ours, None, "{rtype} {sent}");
            }
        }
    }
}

#[test]
fn what_was_sent_and_what_was_stored_are_the_same() {
    for exchange in recording("normalisation") {
        let rtype: RecordType = exchange.sent["type"].as_str().unwrap().parse().unwrap();
        if exchange.status == 201 {
            let stored = texts(&exchange.body);
            assert!(same_records(&rtype, &stored, &stored), "{rtype}");
            if normalisations().iter().any(|known| known.path == exchange.path && known.sent == exchange.sent)
            {
                assert!(same_records(&rtype, &texts(&exchange.sent), &stored), "{rtype}");
            }
        }
    }
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
