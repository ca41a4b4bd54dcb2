//! Resources, played back from recordings.

use mailcow_api::{Bookings, MailboxAddress, NewResource, ResourceChange, ResourceKind};
use serde_json::json;

use crate::tape::{Tape, outcome};

fn room() -> MailboxAddress {
    "Meetingroom1@example.net".parse().unwrap()
}

fn nobody() -> MailboxAddress {
    "nope@example.net".parse().unwrap()
}

fn new(description: &str, kind: ResourceKind) -> NewResource {
    NewResource::new(description, "example.net".parse().unwrap(), kind)
}

#[tokio::test]
async fn every_exchange_is_as_its_note_says() {
    let tape = Tape::load("resources/all.json");
    let meeting = new("Meeting room 1", ResourceKind::Location);
    assert_eq!(outcome(tape.play(0).add_resource(&meeting).await), "ok");
    let said = outcome(tape.play(1).add_resource(&meeting).await);
    assert_eq!(said, "refused: object_exists (Meetingroom1@example.net)");
    let car = new("Car", ResourceKind::Other("vehicle".to_owned()));
    assert_eq!(outcome(tape.play(2).add_resource(&car).await), "refused: resource_invalid");
    let all = tape.play(3).resources().await.unwrap();
    assert_eq!((all[0].kind.clone(), all[0].bookings), (ResourceKind::Group, Bookings::Unlimited));
    // Upper case does not count, and this client sends none.
    let lower = "get/resource/meetingroom1@example.net";
    let one = tape.play(4).get_resource(&room()).await.unwrap().unwrap();
    assert_eq!(tape.with_path(5, lower).get_resource(&room()).await.unwrap().unwrap(), one);
    assert_eq!((one.address.as_str(), one.bookings), ("Meetingroom1@example.net", Bookings::AlwaysFree));
    assert!(one.active && one.description == "Meeting room 1" && all[1] == one);
    let change = ResourceChange::new()
        .with_description("Room 1")
        .with_kind(ResourceKind::Thing)
        .with_active(true)
        .with_bookings(Bookings::AtMost(3));
    let edit = tape.altered(6, |exchange| exchange.body["items"] = json!([room().as_str()]));
    assert_eq!(outcome(edit.edit_resource(&room(), &change).await), "ok");
    let active = ResourceChange::new().with_active(true);
    let said = outcome(tape.play(7).edit_resource(&nobody(), &active).await);
    assert_eq!(said, "refused: resource_invalid (nope@example.net)");
    let both = [room(), nobody()];
    let delete = tape.with_body(8, json!([room().as_str(), nobody().as_str()]));
    let said = outcome(delete.delete_resources(&both).await);
    let expected =
        r#"done ["meetingroom1@example.net"], unknown ["nope@example.net"], problem: access_denied"#;
    assert_eq!(said, expected);
}

#[tokio::test]
async fn a_description_that_gives_no_address_is_not_sent() {
    let client = crate::replay::client([]);
    assert_eq!(outcome(client.add_resource(&new(" ", ResourceKind::Thing)).await), "invalid input");
    let lines = ResourceChange::new().with_description("a\nb");
    assert_eq!(outcome(client.edit_resource(&room(), &lines).await), "invalid input");
}
