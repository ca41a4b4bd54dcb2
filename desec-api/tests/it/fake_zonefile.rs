//! Zone files in the fake: what is imported with a domain, and what comes out again.

use desec_api::{FakeDesec, HttpRequest, Method};
use secrecy::ExposeSecret;
use serde_json::{Value, json};

fn send(fake: &FakeDesec, method: Method, path: &str, body: Option<&Value>) -> (u16, String) {
    let url = format!("https://desec.io/api/v1{path}").parse().unwrap();
    let authorization = format!("Token {}", fake.token().expose_secret());
    let request = HttpRequest::new(method, url).with_authorization(authorization.into());
    let request = match body {
        Some(body) => request.with_json(body.to_string().into_bytes()),
        None => request,
    };
    let response = fake.handle(&request);
    (response.status(), String::from_utf8(response.body().to_vec()).unwrap())
}

fn import(text: &str) -> (FakeDesec, u16, Value) {
    let fake = FakeDesec::new();
    let body = json!({ "name": "example.org", "zonefile": text });
    let (status, answer) = send(&fake, Method::Post, "/domains/", Some(&body));
    (fake, status, serde_json::from_str(&answer).unwrap())
}

#[test]
fn a_zone_file_is_read_as_it_is_written() {
    let text = "\
$TTL 2h
@ IN SOA ns.example.org. host.example.org. ( 1 ; serial
    7200 3600
    1209600 300 )
@   IN NS ns.elsewhere.example.
    IN MX 10 mail
    1d IN MX 20 mail.example.net.
mail IN 1h30m A 192.0.2.1
$ORIGIN dev.example.org.
*   IN TXT \"a; b\" ( \"c\"
    \"d\" ) ; a comment
_sip._tcp 86400 SRV 1 2 5060 @
@   CNAME www.example.net.
other.example.net. IN A 192.0.2.9
";
    let (fake, status, answer) = import(text);
    assert_eq!(status, 201, "{answer}");
    let (_, exported) = send(&fake, Method::Get, "/domains/example.org/zonefile/", None);
    let lines: Vec<String> = exported
        .lines()
        .filter(|line| !line.starts_with(';') && !line.contains("SOA"))
        .map(|line| line.replace('\t', " "))
        .collect();
    assert_eq!(
        lines,
        [
            "example.org. 7200 IN MX 10 mail.example.org.",
            "example.org. 7200 IN MX 20 mail.example.net.",
            "example.org. 3600 IN NS ns1.desec.io.",
            "example.org. 3600 IN NS ns2.desec.org.",
            "*.dev.example.org. 7200 IN TXT \"a; b\" \"c\" \"d\"",
            "_sip._tcp.dev.example.org. 86400 IN SRV 1 2 5060 dev.example.org.",
            "dev.example.org. 7200 IN CNAME www.example.net.",
            "mail.example.org. 5400 IN A 192.0.2.1",
        ]
    );
    // What was exported can be imported.
    let (again, status, _) = import(&exported);
    assert_eq!(status, 201);
    let domain = "example.org".parse().unwrap();
    let sets = |fake: &FakeDesec| {
        let zone = fake.zone(&domain).unwrap();
        zone.into_iter().map(|set| (set.subname, set.rtype, set.ttl, set.records)).collect::<Vec<_>>()
    };
    assert_eq!(sets(&fake), sets(&again));
}

#[test]
fn a_bad_zone_file_creates_nothing() {
    let syntax = |line: u32| json!([format!("Zonefile contains syntax error in line {line}.")]);
    for (text, errors) in [
        ("@ 3600 IN A 192.0.2.1\n\nwww 3600 IN A 192.0.2.256\n", syntax(3)),
        ("@ 3600 IN TXT \"open\n", syntax(1)),
        ("@ 3600 IN SOA ( 1 2\n3\n", syntax(1)),
        ("$INCLUDE other\n", syntax(1)),
        (" IN A 192.0.2.1\n", syntax(1)),
        ("@ IN A 192.0.2.1\n", syntax(1)),
        ("@ 3600 IN\n", syntax(1)),
        (
            "a 3600 CNAME b\na 3600 A 192.0.2.1\n",
            json!([
                "a.example.org/CNAME: RRset with conflicting type present at same subname: 1 (A). (No other \
                 RRsets are allowed alongside CNAME.)",
                "a.example.org/A: RRset with conflicting type present at same subname: 0 (CNAME). (No other \
                 RRsets are allowed alongside CNAME.)",
            ]),
        ),
        ("a 3600 CNAME b\na 3600 CNAME c\n", json!(["CNAME RRset cannot have multiple records."])),
    ] {
        let (fake, status, answer) = import(text);
        assert_eq!((status, &answer["zonefile"]), (400, &errors), "{text}");
        assert_eq!(fake.zone(&"example.org".parse().unwrap()), None);
    }
}
