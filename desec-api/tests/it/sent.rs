//! What is sent is what the server stores, or it is refused before anything is sent.

use std::net::{Ipv4Addr, Ipv6Addr};

use desec_api::{
    DomainName, Error, HttpResponse, Method, NewRrSet, RecordType, RrSet, RrSetPatch, SubName, Ttl, txt,
};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::recording::{Script, recording};

fn domain() -> DomainName {
    "example.com".parse().unwrap()
}

fn set(subname: &str, rtype: &str, records: &[&str]) -> NewRrSet {
    let records = records.iter().map(|record| (*record).to_owned());
    NewRrSet::new(subname.parse().unwrap(), rtype.parse().unwrap(), Ttl::new(3600).unwrap(), records)
}

/// Returns the body that is sent to create `set`, or the refusal.
async fn sent(set: &NewRrSet) -> Result<Value, Error> {
    let script = Script::new([HttpResponse::new(404)]);
    let refused = script.client().create_rrset(&domain(), set).await.unwrap_err();
    match &script.seen()[..] {
        [] => Err(refused),
        [(Method::Post, _, body)] => Ok(body.clone()),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn contents_are_sent_in_their_canonical_form() {
    let cases = [
        ("A", " 192.0.2.1 ; mine", "192.0.2.1"),
        ("AAAA", "2001:DB8:0::FFFF", "2001:db8::ffff"),
        ("MX", "010\tMail.example.com.", "10 Mail.example.com."),
        ("TXT", "\"a\"\"\\098\"", r#""a" "b""#),
        ("CNAME", "b\u{fc}cher.example.", "xn--bcher-kva.example."),
    ];
    for (rtype, given, stored) in cases {
        let body = sent(&set("WWW", rtype, &[given])).await.unwrap();
        assert_eq!(body, json!({"subname": "www", "type": rtype, "ttl": 3600, "records": [stored]}));
    }
}

#[tokio::test]
async fn every_way_to_write_sends_the_same() {
    let set = set("@", "MX", &["010 a.example."]);
    let patch =
        RrSetPatch::new(SubName::apex(), RecordType::Mx).with_ttl(set.ttl).with_records(set.records.clone());
    let script = Script::new((0..6).map(|_| HttpResponse::new(404)));
    let (client, domain) = (script.client(), domain());
    client.create_rrset(&domain, &set).await.unwrap_err();
    client.replace_rrset(&domain, &set).await.unwrap_err();
    client.create_rrsets(&domain, std::slice::from_ref(&set)).await.unwrap_err();
    client.put_rrsets(&domain, &[set]).await.unwrap_err();
    client.patch_rrsets(&domain, std::slice::from_ref(&patch)).await.unwrap_err();
    client.patch_rrset(&domain, &patch).await.unwrap_err();

    let body = json!({"subname": "", "type": "MX", "ttl": 3600, "records": ["10 a.example."]});
    let (all, one) = ("/api/v1/domains/example.com/rrsets/", "/api/v1/domains/example.com/rrsets/@/MX/");
    let expected = [
        (Method::Post, all, body.clone()),
        (Method::Put, one, body.clone()),
        (Method::Post, all, json!([body])),
        (Method::Put, all, json!([body])),
        (Method::Patch, all, json!([body])),
        // Name and type cannot be changed, so they are in the path alone.
        (Method::Patch, one, json!({"ttl": 3600, "records": ["10 a.example."]})),
    ];
    assert_eq!(script.seen(), expected.map(|(method, path, body)| (method, path.to_owned(), body)));
}

#[tokio::test]
async fn a_refusal_names_the_rrset_and_the_record() {
    let cases = [
        (
            set("www", "TXT", &["\"fine\"", "v=spf1 -all"]),
            "www TXT: records.1: put the text into double quotes",
        ),
        (set("@", "MX", &["10 mail"]), "@ MX: records.0: the name must be complete and end in a dot"),
        (set("x", "MX", &["10 A.example.", "10 a.example."]), "x MX: records.1: it is the same as records.0"),
        (set("x", "AAAA", &["::1", "0::1"]), "x AAAA: records.1: it is the same as records.0"),
        (set("x", "TXT", &["  "]), "x TXT: records.0: it is empty"),
        (set("x", "A", &[]), "x A: a new RRset needs at least one record"),
        (set("x", "RRSIG", &["x"]), "x RRSIG: the server manages this type itself"),
    ];
    for (set, reason) in cases {
        let error = sent(&set).await.unwrap_err();
        assert_eq!(error.to_string(), format!("invalid RRsets: {reason}"));
        let script = Script::new([]);
        let refused = script.client().create_rrsets(&domain(), &[set]).await.unwrap_err();
        assert_eq!((refused.to_string(), script.calls()), (error.to_string(), 0));
    }
    // Read from elsewhere, a time to live may be anything.
    let long = json!({"subname": "x", "type": "A", "ttl": 86_401, "records": ["192.0.2.1"]});
    let error = sent(&serde_json::from_value(long).unwrap()).await.unwrap_err();
    assert_eq!(error.to_string(), "invalid RRsets: x A: the ttl must be 1 to 86400 seconds");
}

#[tokio::test]
async fn answers_are_put_into_the_order_of_the_request() {
    // Recorded in another order than asked for, as the server's PUT and PATCH answer.
    let recorded = &recording("rrsets_bulk_put")[0];
    let sets: Vec<NewRrSet> = serde_json::from_value(recorded.sent.clone()).unwrap();
    let script = Script::new([recorded.response()]);
    let now = script.client().put_rrsets(&domain(), &sets).await.unwrap();
    let names = |set: &RrSet| (set.subname.clone(), set.rtype.clone());
    let wanted: Vec<_> = sets.iter().filter(|set| !set.records.is_empty()).collect();
    assert!(wanted.len() < sets.len(), "something is deleted");
    assert_eq!(
        now.iter().map(names).collect::<Vec<_>>(),
        wanted.iter().map(|set| (set.subname.clone(), set.rtype.clone())).collect::<Vec<_>>()
    );
    let answered: Vec<RrSet> = serde_json::from_value(recorded.body.clone()).unwrap();
    assert_ne!(now, answered, "the server's own order is another one");
}

#[tokio::test]
async fn an_answer_about_another_rrset_is_not_taken() {
    let other = recording("rrset_get")[5].response();
    let script = Script::new([other.clone(), other]);
    let (client, www) = (script.client(), set("www", "A", &["192.0.2.1"]));
    let read = client.rrset(&domain(), &www.subname, &www.rtype).await.unwrap_err();
    assert!(matches!(read, Error::Other { .. }), "{read:?}");
    let written = client.replace_rrset(&domain(), &www).await.unwrap_err();
    assert!(written.outcome_unknown() && written.is_retryable(), "{written:?}");
}

#[test]
fn an_rrset_is_written_as_it_is_read() {
    let recorded = &recording("rrset_get")[1].body;
    let set: RrSet = serde_json::from_value(recorded.clone()).unwrap();
    let written = serde_json::to_value(&set).unwrap();
    assert_eq!(
        (&written["subname"], &written["type"], &written["ttl"]),
        (&"".into(), &"A".into(), &3600.into())
    );
    assert_eq!(serde_json::from_value::<RrSet>(written).unwrap(), set);
}

/// What people write for a type: right, nearly right, or anything.
fn records() -> impl Strategy<Value = (String, Vec<String>)> {
    let name = "[a-zA-Z0-9-]{1,8}(\\.[a-zA-Z0-9_-]{1,8}){0,2}\\.";
    let number = "0{0,2}[0-9]{1,4}";
    let known = prop_oneof![
        any::<Ipv4Addr>().prop_map(|address| ("a", address.to_string())),
        any::<Ipv6Addr>().prop_map(|address| ("AAAA", address.to_string().to_uppercase())),
        any::<String>().prop_map(|text| ("Txt", txt(&text))),
        "\"[ -~]{0,12}\"( ?\"[a-z]{0,3}\")?".prop_map(|text| ("TXT", text)),
        (number, name).prop_map(|(preference, name)| ("MX", format!("{preference}  {name}"))),
        (number, number, name).prop_map(|(a, b, name)| ("SRV", format!("{a} {b}\t0443 {name}"))),
        name.prop_map(|name| ("Cname", name)),
        name.prop_map(|name| ("NS", format!("{name} ; a note"))),
        "[a-z]{1,5} \"?[!-~]{0,9}\"?".prop_map(|text| ("CAA", format!("00 {text}"))),
    ];
    let blank = || "[ \t]{0,2}";
    let spaced = (blank(), known, blank()).prop_map(|(before, (rtype, content), after)| {
        (rtype.to_owned(), vec![format!("{before}{content}{after}")])
    });
    let names = proptest::sample::select(vec!["A", "TXT", "MX", "CAA"]).prop_map(str::to_owned);
    let rtype = prop_oneof![names, "[A-Za-z0-9 ]{0,11}"];
    let content = prop_oneof![any::<String>(), "[ -~]{0,20}"];
    prop_oneof![5 => spaced, 1 => (rtype, proptest::collection::vec(content, 0..3))]
}

/// Judges a content without the help of the crate.
fn is_stored_as_it_is(rtype: &str, content: &str) -> bool {
    let mut words = content.split(' ');
    let number = |word: Option<&str>| {
        word.is_some_and(|word| word.parse::<u16>().is_ok_and(|number| number.to_string() == word))
    };
    let name = |word: Option<&str>| word.is_some_and(|word| word.is_ascii() && word.ends_with('.'));
    let fits = match rtype {
        "A" => return content.parse::<Ipv4Addr>().is_ok_and(|address| address.to_string() == content),
        "AAAA" => {
            let hex = content.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f' | b':'));
            return hex && content.parse::<Ipv6Addr>().is_ok();
        }
        "TXT" => {
            let plain = content.bytes().all(|b| (b' '..0x7f).contains(&b));
            return plain && content.starts_with('"') && content.ends_with('"');
        }
        "CNAME" | "NS" | "PTR" => name(words.next()),
        "MX" => number(words.next()) && name(words.next()),
        "SRV" => (0..3).all(|_| number(words.next())) && name(words.next()),
        "CAA" => return number(words.next()) && content.is_ascii() && content.ends_with('"'),
        _ => return content.trim() == content && !content.is_empty(),
    };
    fits && words.next().is_none()
}

proptest! {
    #[test]
    fn anything_is_refused_or_sent_as_it_is_stored(
        subname in prop_oneof![5 => "(\\*\\.)?[A-Za-z0-9_-]{1,4}(\\.[a-z]{1,4})?", 1 => any::<String>(), 1 => Just("@".into())],
        (rtype, records) in records(),
        ttl in prop_oneof![5 => 1_u32..=86_400, 1 => any::<u32>()],
    ) {
        let names = (subname.parse::<SubName>(), rtype.parse::<RecordType>(), Ttl::new(ttl));
        let (subname, rtype, ttl) = match names {
            (Ok(subname), Ok(rtype), Ok(ttl)) => (subname, rtype, ttl),
            (subname, rtype, ttl) => {
                for refused in [subname.err(), rtype.err(), ttl.err()].into_iter().flatten() {
                    let invalid = matches!(refused, Error::InvalidInput { .. });
                    prop_assert!(invalid, "{:?}", refused);
                }
                return Ok(());
            }
        };
        let set = NewRrSet::new(subname, rtype, ttl, records);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        match runtime.block_on(sent(&set)) {
            Err(refused) => {
                let invalid = matches!(refused, Error::InvalidInput { .. });
                prop_assert!(invalid, "{:?}", refused);
            }
            Ok(body) => {
                let text = |member: &str| body[member].as_str().unwrap().to_owned();
                let (subname, rtype) = (text("subname"), text("type"));
                let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_.*".contains(c);
                prop_assert!(subname.chars().all(allowed) && !subname.ends_with('.'), "{subname:?}");
                prop_assert!(rtype.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit()), "{rtype:?}");
                prop_assert_eq!(&body["ttl"], &Value::from(ttl.seconds()));
                let records = body["records"].as_array().unwrap();
                prop_assert!(!records.is_empty());
                for record in records {
                    let record = record.as_str().unwrap();
                    prop_assert!(is_stored_as_it_is(&rtype, record), "{rtype}: {record:?}");
                }
            }
        }
    }
}
