//! Real questions over UDP and TCP.

use agent_mail::readiness::{LookUp, LookUpError, RecordData, RecordType, Server};

use crate::server::Fault;
use crate::world::{DOMAIN, NS1, World};

#[tokio::test]
async fn what_does_not_fit_comes_over_tcp() {
    let world = World::good().await;
    let long = "x".repeat(40_000);
    world.dns.set("long.shop.example", "TXT", &[&long]);
    let answer =
        world.name_servers().look_up(Server::Recursive, "long.shop.example", RecordType::Txt).await.unwrap();
    assert_eq!(answer.records[0].data, RecordData::Txt(long.into_bytes()));
    let (udp, tcp) = world.dns.asked("long.shop.example");
    assert!(udp > 0 && tcp == 1);
}

#[tokio::test]
async fn a_server_speaks_for_its_own_zone_only() {
    let world = World::good().await;
    let servers = world.name_servers();
    let at = |name: &'static str| servers.look_up(Server::At([127, 0, 0, NS1].into()), name, RecordType::Ns);
    assert!(at(DOMAIN).await.unwrap().is_authoritative);
    assert_eq!(at("other.example").await.unwrap_err(), LookUpError::Refused("Query Refused".into()));
    let parent = servers.look_up(Server::At([127, 0, 0, 10].into()), DOMAIN, RecordType::Ns).await.unwrap();
    assert!(!parent.is_authoritative && parent.records.is_empty());
    assert_eq!(parent.authority.len(), 2, "it leads on to the zone's servers");
    assert!(!servers.look_up(Server::Recursive, DOMAIN, RecordType::Ns).await.unwrap().is_authoritative);
}

#[tokio::test]
async fn a_name_that_is_not_there_is_told_from_one_without_such_records() {
    let world = World::good().await;
    let servers = world.name_servers();
    let ask = |name: &'static str| servers.look_up(Server::Recursive, name, RecordType::Aaaa);
    assert!(ask("nobody.shop.example").await.unwrap().is_no_name);
    let answer = ask("mail.shop.example").await.unwrap();
    assert!(!answer.is_no_name && answer.records.is_empty());
}

#[tokio::test]
async fn each_trouble_is_an_error_of_its_own() {
    let world = World::good().await;
    world.dns.fault(None, Some("a.shop.example"), Fault::Fails);
    world.dns.fault(None, Some("b.shop.example"), Fault::Silent);
    world.dns.fault(None, Some("c.shop.example"), Fault::Raw(|_| b"nothing that anyone could read".to_vec()));
    let patient = world.name_servers();
    let servers = world.name_servers().with_deadline(std::time::Duration::from_millis(600));
    let failing = patient.look_up(Server::Recursive, "a.shop.example", RecordType::A).await.unwrap_err();
    assert!(matches!(failing, LookUpError::Refused(code) if code.contains("Server Failure")));
    let ask = async |name: &str| servers.look_up(Server::Recursive, name, RecordType::A).await.unwrap_err();
    assert!(matches!(ask("b.shop.example").await, LookUpError::Silent(_)));
    let unread = ask("c.shop.example").await;
    assert!(matches!(unread, LookUpError::Malformed(_) | LookUpError::Silent(_)), "{unread}");
    let nobody =
        servers.look_up(Server::At([127, 0, 0, 77].into()), DOMAIN, RecordType::A).await.unwrap_err();
    assert!(matches!(nobody, LookUpError::Unreachable(_) | LookUpError::Silent(_)), "{nobody}");
    let long = format!("{}.example", "x".repeat(64));
    assert!(matches!(ask(&long).await, LookUpError::Malformed(_)), "no label is so long");
}

#[tokio::test]
async fn an_answer_that_says_it_is_cut_off_is_asked_for_again() {
    let world = World::good().await;
    world.dns.fault(None, Some(DOMAIN), Fault::Truncates);
    assert!(world.report().await.is_ready());
    assert!(world.dns.asked(DOMAIN).1 > 0);
}

#[tokio::test]
async fn a_server_without_extensions_is_asked_without_them() {
    let world = World::good().await;
    world.dns.fault(None, None, Fault::NoExtensions);
    assert!(world.report().await.is_ready());
    // One that says so with nothing but a header: FORMERR, and no question.
    let world = World::good().await;
    world.dns.fault(
        None,
        Some("mail.shop.example"),
        Fault::Raw(|asked| {
            let has_extensions = asked[11] == 1;
            let flags = if has_extensions { [0x80, 1] } else { [0x84, 0] };
            let question = if has_extensions { &[][..] } else { &asked[12..] };
            [&flags[..], &[0, u8::from(!has_extensions), 0, 0, 0, 0, 0, 0], question].concat()
        }),
    );
    let servers = world.name_servers().with_deadline(std::time::Duration::from_secs(1));
    let answer = servers.look_up(Server::Recursive, "mail.shop.example", RecordType::A).await.unwrap();
    assert!(answer.is_authoritative && answer.records.is_empty());
}
