use std::sync::Arc;

use tokio::task::JoinSet;

use super::desk::{Desk, assert_no_such_folder, inbox, letter, named, uids};
use super::{Harness, Missing};
use crate::{
    Address, Error, Flag, FlagChange, FolderName, Login, MessageStore, Position, Query, Selection, Uid,
};

pub(super) async fn a_wrong_login_is_refused_by_every_method_of_the_store(
    harness: &dyn Harness,
) -> Result<(), Missing> {
    let (desk, listing) = Desk::with_messages(harness, 1).await?;
    let domain = desk.login.address().domain().clone();
    let nobody = Address::new("nobody-of-that-name", domain).expect("it is an address");
    for login in [
        Login::new(desk.login.address().clone(), "a-wrong-password".into()),
        Login::new(nobody, desk.login.password().clone()),
    ] {
        for (method, error) in every_answer(&*desk.store, &login, &inbox(), listing.uid_validity).await {
            assert!(matches!(error, Some(Error::Authentication { .. })), "{method}: {error:?}");
        }
    }
    assert_eq!(desk.list(&inbox()).await, listing);
    Ok(())
}

pub(super) async fn a_folder_that_is_not_there_is_refused_by_every_method(
    harness: &dyn Harness,
) -> Result<(), Missing> {
    let desk = Desk::open(harness).await?;
    let nowhere = named("nowhere");
    for (method, error) in every_answer(&*desk.store, &desk.login, &nowhere, 1).await {
        match method {
            "folders" | "create_folder" | "delete_folder" | "quota" => {
                assert!(error.is_none(), "{method}: {error:?}");
            }
            _ => assert_no_such_folder(&Err::<(), _>(error.unwrap_or_else(|| panic!("{method} is done")))),
        }
    }
    Ok(())
}

pub(super) async fn uids_of_another_uidvalidity_are_refused_by_every_method_and_nothing_is_done(
    harness: &dyn Harness,
) -> Result<(), Missing> {
    let (desk, listing) = Desk::with_messages(harness, 2).await?;
    let (store, login, inbox) = (&desk.store, &desk.login, inbox());
    let (uids, other, target) = (uids(&listing.entries), listing.uid_validity ^ 1, desk.make("target").await);
    let seen = FlagChange::Add(vec![Flag::Seen]);
    let selection = Selection::Uids(other, uids.clone());
    let at = Position { uid_validity: other, uid: uids[0].get() };
    for (method, error) in [
        ("list", store.list(login, &inbox, &selection).await.err()),
        ("read", store.read(login, &inbox, at, 0..1).await.err()),
        ("change_flags", store.change_flags(login, &inbox, other, &uids, &seen).await.err()),
        ("copy", store.copy(login, &inbox, other, &uids, &target).await.err()),
        ("move_to", store.move_to(login, &inbox, other, &uids, &target).await.err()),
        ("expunge", store.expunge(login, &inbox, other, &uids).await.err()),
        ("changes", store.changes(login, &inbox, other, 1).await.err()),
    ] {
        match error {
            Some(Error::Renumbered { expected, found, .. }) => {
                assert_eq!((expected, found), (other, listing.uid_validity), "{method}");
            }
            error => panic!("{method}: {error:?}"),
        }
    }
    assert_eq!((desk.list(&inbox).await, desk.status(&target).await.messages), (listing, 0));
    Ok(())
}

pub(super) async fn without_uids_no_method_does_anything(harness: &dyn Harness) -> Result<(), Missing> {
    let (desk, listing) = Desk::with_messages(harness, 2).await?;
    let (store, login, inbox) = (&desk.store, &desk.login, inbox());
    let target = desk.make("target").await;
    let set = FlagChange::Set(vec![Flag::Deleted]);
    for uid_validity in [listing.uid_validity, listing.uid_validity ^ 1] {
        store.change_flags(login, &inbox, uid_validity, &[], &set).await.expect("nothing is done");
        let copied = store.copy(login, &inbox, uid_validity, &[], &target).await.expect("nothing is done");
        let moved = store.move_to(login, &inbox, uid_validity, &[], &target).await.expect("nothing is done");
        store.expunge(login, &inbox, uid_validity, &[]).await.expect("nothing is done");
        assert_eq!((copied, moved), (Vec::new(), Vec::new()));
    }
    assert_eq!((desk.list(&inbox).await, desk.status(&target).await.messages), (listing, 0));
    Ok(())
}

pub(super) async fn one_mailbox_bears_all_methods_of_the_store_at_the_same_time(
    harness: &dyn Harness,
) -> Result<(), Missing> {
    let (desk, listing) = Desk::with_messages(harness, 8).await?;
    let (desk, listing, target) = (Arc::new(desk), Arc::new(listing), named("target"));
    desk.make(target.as_str()).await;
    let mut calls = JoinSet::new();
    for place in 0..8 {
        let (desk, listing, target) = (Arc::clone(&desk), Arc::clone(&listing), target.clone());
        calls.spawn(async move {
            let uid = [listing.entries[place].uid];
            desk.make(&format!("own-{place}")).await;
            desk.change_flags(&listing, &uid, &FlagChange::Add(vec![Flag::Flagged])).await;
            desk.search(Query::Subject("message".into())).await;
            desk.copy(&listing, &uid, &target).await.expect("it is copied");
            desk.append(&target, &letter("one more", "x"), &[]).await;
            if place % 2 == 0 {
                desk.expunge(&listing, &uid).await;
            }
            desk.status(&target).await;
        });
    }
    calls.join_all().await;
    let left: Vec<Uid> = listing.entries.iter().skip(1).step_by(2).map(|entry| entry.uid).collect();
    assert_eq!(desk.search(Query::Flag(Flag::Flagged)).await, left);
    assert_eq!(desk.status(&target).await.messages, 16);
    Ok(())
}

/// Calls every method that a folder is given to, and the others.
async fn every_answer(
    store: &dyn MessageStore,
    login: &Login,
    folder: &FolderName,
    uid_validity: u32,
) -> Vec<(&'static str, Option<Error>)> {
    let uids = [Uid::new(1).expect("it is not 0")];
    let at = Position { uid_validity, uid: 1 };
    let (all, other, message) = (Selection::After(None), named("Trash"), letter("x", "x"));
    let seen = FlagChange::Add(vec![Flag::Seen]);
    let mut messages = store.messages(login, folder, &all);
    let first = std::future::poll_fn(|context| messages.as_mut().poll_next(context)).await;
    vec![
        ("folders", store.folders(login).await.err()),
        ("status", store.status(login, folder).await.err()),
        ("search", store.search(login, folder, &Query::Unseen).await.err()),
        ("list", store.list(login, folder, &all).await.err()),
        ("messages", first.and_then(Result::err)),
        ("read", store.read(login, folder, at, 0..1).await.err()),
        ("change_flags", store.change_flags(login, folder, uid_validity, &uids, &seen).await.err()),
        ("copy", store.copy(login, folder, uid_validity, &uids, &other).await.err()),
        ("move_to", store.move_to(login, folder, uid_validity, &uids, &other).await.err()),
        ("append", store.append(login, folder, &message, &[], None).await.err()),
        ("expunge", store.expunge(login, folder, uid_validity, &uids).await.err()),
        ("changes", store.changes(login, folder, uid_validity, 1).await.err()),
        ("subscribe", store.subscribe(login, folder, true).await.err()),
        ("rename_folder", store.rename_folder(login, folder, &named("new")).await.err()),
        ("create_folder", store.create_folder(login, folder).await.err()),
        ("delete_folder", store.delete_folder(login, folder).await.err()),
        ("quota", store.quota(login).await.err()),
    ]
}
