//! The scenes of domains and RRsets.

use desec_api::{Fault, Method};
use serde_json::{Value, json};

use super::{Scene, essence::recording, world::World};

pub(crate) const SCENES: &[(&str, Scene)] = &[
    ("cname_bulk", cname_bulk),
    ("conflict_race", conflict_race),
    ("domain_keys", domain_keys),
    ("domains_create", domains_create),
    ("domains_delete", domains_delete),
    ("domains_get", domains_get),
    ("domains_list", domains_list),
    ("domains_owns_qname", domains_owns_qname),
    ("domains_update", |world, _, _| {
        world.domains(&["example.com"]);
    }),
    ("errors_server", errors_server),
    ("normalisation", normalisation),
    ("pagination_500", pagination_500),
    ("pagination_small", pagination_small),
    ("roundtrip", roundtrip),
    ("rrset_delete", rrset_delete),
    ("rrset_get", rrset_get),
    ("rrset_patch", rrset_patch),
    ("rrset_put", rrset_put),
    ("rrsets_bulk_limits", rrsets_bulk_limits),
    ("rrsets_bulk_patch", rrsets_bulk_patch),
    ("rrsets_bulk_post", |world, _, _| {
        world.domains(&["dev.example.com"]);
    }),
    ("rrsets_bulk_put", rrsets_bulk_put),
    ("rrsets_create", rrsets_create),
    ("rrsets_list", rrsets_list),
    ("zonefile", zonefile),
];

fn cname_bulk(world: &mut World, n: usize, _: &[Value]) {
    if n == 0 {
        world.domains(&["example.com"]);
        world.put("example.com", "c1", "A", &["192.0.2.1"]);
        world.put("example.com", "c1", "AAAA", &["2001:db8::1"]);
    }
}

fn conflict_race(world: &mut World, n: usize, _: &[Value]) {
    world.domains(&["example.com"]);
    if n == 2 {
        return world.leave_out(DYNDNS);
    }
    world.fake.inject(Fault::Conflict);
}

fn domain_keys(world: &mut World, n: usize, _: &[Value]) {
    match n {
        0 => world.domains(&["example.com"]),
        2 => world.put("example.com", "", "DNSKEY", &[]),
        _ => {}
    }
}

fn domains_create(world: &mut World, n: usize, _: &[Value]) {
    match n {
        6 => {
            world.restart(&[]);
            world.foreign("example.com");
        }
        25 => world.fake.set_domain_limit(Some(1)),
        _ => {}
    }
}

fn domains_delete(world: &mut World, n: usize, _: &[Value]) {
    match n {
        0 => {
            world.domains(&["ignored-fields.example", "alice-home.dedyn.io", "example.com"]);
            world.foreign("bob1.example");
            world.become_token(&json!({ "perm_create_domain": true }));
        }
        1 => world.become_token(&json!({ "perm_delete_domain": true })),
        _ => {}
    }
}

fn domains_get(world: &mut World, n: usize, _: &[Value]) {
    if n == 0 {
        world.domains(&["example.com", "alice-home.dedyn.io"]);
        world.foreign("bob1.example");
    }
}

fn domains_list(world: &mut World, n: usize, exchanges: &[Value]) {
    if n == 1 {
        world.seed(&exchanges[1]["response"]["body"]);
    }
}

fn domains_owns_qname(world: &mut World, _: usize, _: &[Value]) {
    world.domains(&["example.com", "dev.example.com"]);
}

fn errors_server(world: &mut World, n: usize, _: &[Value]) {
    match n {
        0 => {
            world.domains(&["example.com", "slow.example"]);
            world.fake.inject(Fault::FailsUnstored);
        }
        1 | 3 => world.fake.inject(Fault::ReadFails),
        2 | 7 => world.fake.inject(Fault::FailsUnstored),
        6 => {
            world.fake.inject(Fault::FailsStored);
            let set = json!({ "subname": "masterdown", "type": "A", "ttl": 3600, "records": ["192.0.2.1"] });
            let path = "/api/v1/domains/example.com/rrsets/";
            assert_eq!(world.status(Method::Post, path, &set), 500);
        }
        9 => world.fake.inject(Fault::GatewayTimeout { stored: true }),
        10 => world.put("slow.example", "h0399", "A", &["198.51.100.1"]),
        _ => {}
    }
}

fn normalisation(world: &mut World, n: usize, _: &[Value]) {
    world.domains(&["norm.example"]);
    if n == 58 {
        // A content that the name server of the recording did not take.
        world.fake.inject(Fault::FailsUnstored);
    }
}

fn pagination_500(world: &mut World, n: usize, exchanges: &[Value]) {
    if n == 0 {
        for page in [2, 1] {
            world.seed(&exchanges[page]["response"]["body"]);
        }
    }
}

fn pagination_small(world: &mut World, n: usize, exchanges: &[Value]) {
    match n {
        0 => {
            world.fake.set_page_size(5);
            for page in [3, 2, 1] {
                world.seed(&exchanges[page]["response"]["body"]);
            }
        }
        11 => {
            world.restart(&[]);
            world.fake.set_page_size(5);
            for page in [12, 11] {
                world.seed(&exchanges[page]["response"]["body"]);
            }
        }
        14 => (1..23).for_each(|_| {
            world.token("", &json!({}));
        }),
        _ => {}
    }
}

fn roundtrip(world: &mut World, n: usize, _: &[Value]) {
    match n {
        0 => {
            import(world);
            world.domains(&["example.com"]);
        }
        2 => world.put_with("example.com", "dyn", "A", 60, &["192.0.2.40"]),
        _ => {}
    }
}

fn rrset_delete(world: &mut World, n: usize, _: &[Value]) {
    if n == 0 {
        world.domains(&["example.com"]);
        world.foreign("bob1.example");
        for subname in ["ttlfloat", "*.dev2", "www"] {
            world.put("example.com", subname, "A", &["192.0.2.1"]);
        }
    }
}

fn rrset_get(world: &mut World, n: usize, _: &[Value]) {
    if n == 0 {
        world.domains(&["example.com"]);
        world.put("example.com", "www", "A", &["192.0.2.1", "192.0.2.2"]);
        world.put("example.com", "", "A", &["192.0.2.80"]);
        world.put("example.com", "*", "A", &["192.0.2.3"]);
    }
}

fn rrset_patch(world: &mut World, n: usize, _: &[Value]) {
    world.domains(&["example.com"]);
    match n {
        0 => world.put_with("example.com", "www", "A", 7200, &["192.0.2.3"]),
        1 => world.put("example.com", "www", "A", &["192.0.2.1", "192.0.2.2"]),
        3 => world.put("example.com", "charset", "A", &["192.0.2.1"]),
        _ => {}
    }
}

fn rrset_put(world: &mut World, n: usize, _: &[Value]) {
    if n == 0 {
        world.domains(&["example.com"]);
        for subname in ["www", "extra", ""] {
            world.put("example.com", subname, "A", &["192.0.2.1"]);
        }
    }
}

fn rrsets_bulk_limits(world: &mut World, n: usize, _: &[Value]) {
    match n {
        0 => {
            world.domains(&["xn--bcher-kva.example", "alice-dyn.dedyn.io", "dev.example.com"]);
            world.put("xn--bcher-kva.example", "", "NS", &[]);
        }
        // What the recording leaves out of them.
        7 => {
            let record = |n: usize| format!("\"x{n:04}{}\"", "y".repeat(100));
            let records: Vec<String> = (0..600).map(record).collect();
            world.send_instead(&json!({ "subname": "big", "type": "TXT", "ttl": 3600, "records": records }));
        }
        8 => {
            let record = |n: usize| format!("10.0.{}.{}", n / 256, n % 256);
            let records: Vec<String> = (0..4_000).map(record).collect();
            world.send_instead(&json!({ "subname": "many", "type": "A", "ttl": 3600, "records": records }));
        }
        _ => {}
    }
}

fn rrsets_bulk_patch(world: &mut World, n: usize, _: &[Value]) {
    if n == 0 {
        world.domains(&["dev.example.com"]);
        world.put("dev.example.com", "", "A", &["192.0.2.11"]);
        world.put("dev.example.com", "api", "A", &["192.0.2.20"]);
        world.put("dev.example.com", "www", "CNAME", &["dev.example.com."]);
    }
}

fn rrsets_bulk_put(world: &mut World, n: usize, _: &[Value]) {
    if n == 0 {
        world.domains(&["dev.example.com"]);
        world.put("dev.example.com", "", "A", &["192.0.2.10"]);
        world.put("dev.example.com", "www", "CNAME", &["dev.example.com."]);
        world.put("dev.example.com", "", "TXT", &["\"hello\""]);
    }
}

fn rrsets_create(world: &mut World, n: usize, _: &[Value]) {
    match n {
        0 => {
            world.domains(&["example.com"]);
            world.foreign("bob1.example");
        }
        47 => world.put("example.com", "", "AAAA", &["2001:db8::80"]),
        48 => world.put("example.com", "alias", "CNAME", &["www.example.com."]),
        58 => world.body = Some(b"{\"subname\":\"\xff\"}".to_vec()),
        59 => world.body = Some(b"\xef\xbb\xbf{\"subname\":\"x\"}".to_vec()),
        60 | 61 => world.leave_out("headers that the client never sends: see the test over HTTP"),
        _ => {}
    }
}

fn rrsets_list(world: &mut World, n: usize, exchanges: &[Value]) {
    match n {
        0 => import(world),
        1 => {
            world.seed(&exchanges[1]["response"]["body"]);
            world.foreign("bob1.example");
        }
        _ => {}
    }
}

fn zonefile(world: &mut World, n: usize, _: &[Value]) {
    if n == 0 {
        world.domains(&["example.org"]);
        world.foreign("bob1.example");
        world.put("example.org", "", "A", &["192.0.2.10"]);
        world.put_with("example.org", "www", "CNAME", 86_400, &["example.org."]);
        world.put("example.org", "mail", "MX", &["10 mx1.example.org."]);
        world.put("example.org", "txt", "TXT", &["\"v=spf1 -all\""]);
        world.put("example.org", "sub", "NS", &["ns1.example.net."]);
    }
}

// Creates example.org with the zone file that was recorded.
fn import(world: &World) {
    let creation = &recording("domains_create")[2];
    world.ask(Method::Post, "/api/v1/domains/", &creation["request"]["body"]);
}

pub(super) const DYNDNS: &str = "dynDNS, which has tests of its own";
