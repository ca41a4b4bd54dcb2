//! Transports: recordings played back, and the fake.

use mailcow_api::{FakeMailcow, NewTransport, TransportChange, TransportId};
use serde_json::json;

use crate::tape::{Tape, outcome};

fn id(number: u32) -> TransportId {
    number.to_string().parse().unwrap()
}

fn new(destination: &str) -> NewTransport {
    NewTransport::new(destination, "[mx.partner.test]:25")
}

#[tokio::test]
async fn every_exchange_is_as_its_note_says() {
    let tape = Tape::load("transports/all.json");
    assert_eq!(outcome(tape.play(0).add_transport(&new("partner.test")).await), "ok");
    let said = outcome(tape.play(1).add_transport(&new("partner.test")).await);
    assert_eq!(said, "refused: transport_dest_exists (partner.test)");
    let login = NewTransport::new("a.partner.test", "mx2.partner.test:587").with_login("u", "p".into());
    let one = tape.sending(2, json!({"destination": "a.partner.test"}));
    assert_eq!(outcome(one.add_transport(&login).await), "ok");
    assert_eq!(outcome(tape.unsent(3).add_transport(&new("not valid!!")).await), "invalid input");
    let nowhere = NewTransport::new("d.partner.test", "");
    assert_eq!(outcome(tape.unsent(4).add_transport(&nowhere).await), "invalid input");
    let by_address = NewTransport::new("e.partner.test", "192.0.2.10");
    assert_eq!(outcome(tape.play(5).add_transport(&by_address).await), "ok");
    let all = tape.play(6).transports().await.unwrap();
    assert_eq!((all.len(), all[1].username.as_str(), all[4].nexthop.as_str()), (5, "u", "[192.0.2.10]"));
    let one = tape.play(7).get_transport(id(1)).await.unwrap().unwrap();
    assert!(one.active && !one.mx_based && one == all[0]);
    let off = TransportChange::new().with_active(false);
    assert_eq!(outcome(tape.play(8).edit_transport(id(1), &off).await), "ok");
    let said = outcome(tape.play(9).edit_transport(id(999), &off).await);
    assert_eq!(said, "refused: relayhost_invalid (999)");
    // Deletes go out four at a time; those that do not exist are confirmed too.
    let few = tape.with_body(10, json!([1, 2, 5, 999]));
    assert_eq!(outcome(few.delete_transports(&[1, 2, 5, 999].map(id)).await), "ok");
}

#[tokio::test]
async fn the_fake_keeps_transports_as_the_server_does() {
    let client = FakeMailcow::new().client();
    client.add_transport(&new("partner.test")).await.unwrap();
    let said = outcome(client.add_transport(&new("partner.test")).await);
    assert_eq!(said, "refused: transport_dest_exists (partner.test)");
    client.add_transport(&NewTransport::new("e.partner.test", "192.0.2.10")).await.unwrap();
    let all = client.transports().await.unwrap();
    assert_eq!((all.len(), all[1].nexthop.as_str()), (2, "[192.0.2.10]"));
    let change = TransportChange::new().with_nexthop("mx3.partner.test").with_active(false);
    client.edit_transport(all[0].id, &change).await.unwrap();
    let changed = client.get_transport(all[0].id).await.unwrap().unwrap();
    assert_eq!((changed.nexthop.as_str(), changed.active), ("mx3.partner.test", false));
    client.delete_transport(all[0].id).await.unwrap();
    assert_eq!(client.transports().await.unwrap().len(), 1);
}
