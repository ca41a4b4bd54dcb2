//! Administrators: recordings played back.

use mailcow_api::{AdminChange, AdminName, Error, NewAdmin};

use crate::replay;

const ALL: &str = "admins/all.json";

fn name(text: &str) -> AdminName {
    text.parse().unwrap()
}

#[tokio::test]
async fn creates_are_sent_as_recorded_and_judged() {
    let new = NewAdmin::new(name("ops"), "Fake-Passw0rd-123".into());
    replay::one(ALL, 0, &[]).add_admin(&new).await.unwrap();
    assert_eq!(replay::code(replay::one(ALL, 1, &[]).add_admin(&new).await), "object_exists");
}

#[tokio::test]
async fn one_or_all_are_read() {
    let ops = replay::one(ALL, 2, &[]).get_admin(&name("ops")).await.unwrap().unwrap();
    assert_eq!((ops.username.as_str(), ops.active, ops.two_factor), ("ops", true, false));
    assert_eq!(ops.created, "2026-11-20 09:27:56");
    assert!(!ops.next_login.two_factor && !ops.next_login.password_change);
    let all = replay::one("server/get-empty-collections.json", 11, &[]).admins().await.unwrap();
    assert_eq!((all.len(), all[0].username.as_str()), (1, "admin"));
    let none = replay::one("server/get-nonexistent.json", 12, &[]).get_admin(&name("nope")).await.unwrap();
    assert_eq!(none, None);
}

#[tokio::test]
async fn edits_are_sent_as_recorded_and_judged() {
    let change = AdminChange::new().with_active(false).with_force_two_factor(true);
    replay::one(ALL, 3, &[]).edit_admin(&name("ops"), &change).await.unwrap();
    let off = AdminChange::new().with_active(false);
    // A warning and no success: nothing was changed.
    let refused = replay::one(ALL, 4, &[]).edit_admin(&name("admin"), &off).await;
    assert!(matches!(refused, Err(Error::Refused { .. })));
    assert_eq!(replay::code(refused), "no_active_admin");
}

#[tokio::test]
async fn deletes_are_judged_one_by_one() {
    let names = [name("ops"), name("nope")];
    assert_eq!(replay::done(replay::one(ALL, 5, &[]).delete_admins(&names).await), ["ops"]);
    assert_eq!(replay::code(replay::one(ALL, 5, &[]).delete_admins(&names).await), "username_invalid");
}

#[tokio::test]
async fn nothing_is_sent_for_a_change_of_nothing() {
    let client = replay::client([]);
    for change in [AdminChange::new(), AdminChange::new().with_password("".into())] {
        let refused = client.edit_admin(&name("ops"), &change).await;
        assert!(matches!(refused, Err(Error::InvalidInput { .. })), "{change:?}");
    }
    assert!(matches!(client.delete_admins(&[]).await, Err(Error::InvalidInput { .. })));
}
