use super::desk::{Desk, assert_no_such_folder, assert_refused, inbox, letter, named, uids};
use super::exchange::{drop_after, moments};
use super::{Harness, Missing};
use crate::FolderName;

pub(super) async fn a_renamed_folder_keeps_its_messages_and_those_below_go_along(
    harness: &dyn Harness,
) -> Result<(), Missing> {
    let desk = Desk::open(harness).await?;
    let (above, below) = (desk.make("old").await, desk.make("old/below").await);
    desk.append(&above, &letter("first", "x"), &[]).await;
    let gone = desk.append(&below, &letter("gone", "x"), &[]).await;
    let uid_validity = desk.status(&below).await.uid_validity;
    desk.store.expunge(&desk.login, &below, uid_validity, &[gone]).await.expect("it is expunged");
    desk.append(&below, &letter("second", "x"), &[]).await;
    let (first, second) = (desk.list(&above).await, desk.list(&below).await);
    rename(&desk, &above, &named("new/name")).await;
    assert_eq!(uids(&desk.list(&named("new/name")).await.entries), uids(&first.entries));
    assert_eq!(desk.list(&named("new/name/below")).await.entries, second.entries);
    for gone in [above, below] {
        assert_eq!(desk.folder(&gone).await, None);
    }
    assert!(desk.folder(&named("new")).await.is_some());
    Ok(())
}

pub(super) async fn what_can_not_be_renamed_is_refused_and_stays(
    harness: &dyn Harness,
) -> Result<(), Missing> {
    let desk = Desk::open(harness).await?;
    let (one, other) = (desk.make("one").await, desk.make("other").await);
    desk.append(&one, &letter("x", "x"), &[]).await;
    let (listing, folders) = (desk.list(&one).await, desk.folders().await);
    let login = &desk.login;
    for to in [other, named("one"), named("one/below"), named("a//b"), inbox()] {
        assert_refused(&desk.store.rename_folder(login, &one, &to).await);
    }
    assert_no_such_folder(&desk.store.rename_folder(login, &named("nowhere"), &named("new")).await);
    assert_eq!((desk.list(&one).await, desk.folders().await), (listing, folders));
    Ok(())
}

pub(super) async fn the_inbox_can_not_be_renamed(harness: &dyn Harness) -> Result<(), Missing> {
    let (desk, listing) = Desk::with_messages(harness, 1).await?;
    assert_refused(&desk.store.rename_folder(&desk.login, &inbox(), &named("old")).await);
    assert_eq!((desk.list(&inbox()).await, desk.folder(&named("old")).await), (listing, None));
    Ok(())
}

pub(super) async fn renaming_changes_no_subscription(harness: &dyn Harness) -> Result<(), Missing> {
    let desk = Desk::open(harness).await?;
    let (old, new) = (desk.make("old").await, named("new"));
    subscribe(&desk, &old, true).await;
    rename(&desk, &old, &new).await;
    assert!(!is_subscribed(&desk, &new).await);
    rename(&desk, &new, &old).await;
    assert!(is_subscribed(&desk, &old).await);
    Ok(())
}

pub(super) async fn a_dropped_rename_is_done_or_not(harness: &dyn Harness) -> Result<(), Missing> {
    let desk = Desk::open(harness).await?;
    let (mut old, mut new) = (desk.make("one").await, named("other"));
    desk.append(&old, &letter("kept", "x"), &[]).await;
    let entries = desk.list(&old).await.entries;
    for moment in moments() {
        drop_after(moment, desk.store.rename_folder(&desk.login, &old, &new)).await;
        // It may be done after the drop still; then this one finds nothing to do.
        drop(desk.store.rename_folder(&desk.login, &old, &new).await);
        assert_eq!(desk.folder(&old).await, None);
        assert_eq!(desk.list(&new).await.entries, entries);
        std::mem::swap(&mut old, &mut new);
    }
    Ok(())
}

pub(super) async fn a_subscription_is_noted_however_often_it_is_said(
    harness: &dyn Harness,
) -> Result<(), Missing> {
    let desk = Desk::open(harness).await?;
    let (folder, other) = (desk.make("mine").await, desk.make("other").await);
    assert!(!is_subscribed(&desk, &folder).await);
    for subscribed in [true, true, false, false, true] {
        subscribe(&desk, &folder, subscribed).await;
        assert_eq!(is_subscribed(&desk, &folder).await, subscribed);
    }
    assert!(!is_subscribed(&desk, &other).await);
    Ok(())
}

pub(super) async fn a_subscription_outlives_its_folder(harness: &dyn Harness) -> Result<(), Missing> {
    let desk = Desk::open(harness).await?;
    let folder = desk.make("mine").await;
    subscribe(&desk, &folder, true).await;
    desk.store.delete_folder(&desk.login, &folder).await.expect("the folder is deleted");
    desk.make("mine").await;
    assert!(is_subscribed(&desk, &folder).await);
    Ok(())
}

pub(super) async fn a_name_without_a_folder_can_only_be_unsubscribed_from(
    harness: &dyn Harness,
) -> Result<(), Missing> {
    let desk = Desk::open(harness).await?;
    let nowhere = named("nowhere");
    assert_no_such_folder(&desk.store.subscribe(&desk.login, &nowhere, true).await);
    subscribe(&desk, &nowhere, false).await;
    desk.make("nowhere").await;
    assert!(!is_subscribed(&desk, &nowhere).await);
    Ok(())
}

pub(super) async fn a_dropped_subscription_is_noted_or_not(harness: &dyn Harness) -> Result<(), Missing> {
    let desk = Desk::open(harness).await?;
    let folder = desk.make("mine").await;
    let mut subscribed = true;
    for moment in moments() {
        drop_after(moment, desk.store.subscribe(&desk.login, &folder, subscribed)).await;
        subscribe(&desk, &folder, subscribed).await;
        assert_eq!(is_subscribed(&desk, &folder).await, subscribed);
        subscribed = !subscribed;
    }
    Ok(())
}

async fn rename(desk: &Desk, from: &FolderName, to: &FolderName) {
    desk.store.rename_folder(&desk.login, from, to).await.expect("the folder is renamed");
}

async fn subscribe(desk: &Desk, folder: &FolderName, subscribed: bool) {
    desk.store.subscribe(&desk.login, folder, subscribed).await.expect("the wish is noted");
}

async fn is_subscribed(desk: &Desk, folder: &FolderName) -> bool {
    desk.folder(folder).await.expect("the folder is listed").subscribed
}
