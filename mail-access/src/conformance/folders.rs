use super::desk::{Desk, assert_no_such_folder, assert_refused, inbox, letter, named, uids};
use super::exchange::{drop_after, moments};
use super::{Harness, Missing};
use crate::SpecialUse;

pub(super) async fn each_folder_is_listed_once_by_name_the_inbox_among_them(
    harness: &dyn Harness,
) -> Result<(), Missing> {
    let desk = Desk::open(harness).await?;
    for name in ["b", "a", "a/c", "B"] {
        desk.make(name).await;
    }
    let names: Vec<_> = desk.folders().await.into_iter().map(|folder| folder.name).collect();
    assert!(names.is_sorted_by(|one, next| one < next), "{names:?}");
    for name in ["INBOX", "a", "a/c", "b", "B"] {
        assert!(names.contains(&named(name)), "{name} in {names:?}");
    }
    Ok(())
}

pub(super) async fn a_folder_tells_what_it_is_meant_for(harness: &dyn Harness) -> Result<(), Missing> {
    let desk = Desk::open(harness).await?;
    desk.make("mine").await;
    for (name, special_use) in [
        ("Archive", Some(SpecialUse::Archive)),
        ("Drafts", Some(SpecialUse::Drafts)),
        ("Junk", Some(SpecialUse::Junk)),
        ("Sent", Some(SpecialUse::Sent)),
        ("Trash", Some(SpecialUse::Trash)),
        ("mine", None),
        ("INBOX", None),
    ] {
        let folder = desk.folder(&named(name)).await.expect(name);
        assert_eq!((folder.special_use, folder.separator, folder.selectable), (special_use, Some('/'), true));
    }
    Ok(())
}

pub(super) async fn a_name_that_only_holds_others_is_no_folder(harness: &dyn Harness) -> Result<(), Missing> {
    let desk = Desk::open(harness).await?;
    desk.make("above/below").await;
    let above = named("above");
    assert!(!desk.folder(&above).await.expect("it is listed").selectable);
    assert_no_such_folder(&desk.store.status(&desk.login, &above).await);
    assert_no_such_folder(&desk.store.append(&desk.login, &above, &letter("x", "x"), &[], None).await);
    desk.make("above").await;
    assert!(desk.folder(&above).await.expect("it is listed").selectable);
    assert_eq!(desk.status(&above).await.messages, 0);
    Ok(())
}

pub(super) async fn names_in_any_script_come_back_as_they_were(harness: &dyn Harness) -> Result<(), Missing> {
    let desk = Desk::open(harness).await?;
    for name in [
        "Entw\u{fc}rfe",
        "\u{65e5}\u{672c}\u{8a9e}/\u{41f}\u{438}\u{441}\u{44c}\u{43c}\u{430}",
        "\u{1f4ec} & co",
        "a \"quoted\" {5} name",
        "back\\slash",
        "a.b",
        "&AOk-",
        "(x) %*",
    ] {
        let folder = desk.make(name).await;
        assert!(desk.folder(&folder).await.is_some_and(|folder| folder.selectable), "{name}");
        let uid = desk.append(&folder, &letter(name, "x"), &[]).await;
        assert_eq!(uids(&desk.list(&folder).await.entries), [uid], "{name}");
    }
    Ok(())
}

pub(super) async fn a_created_folder_is_empty_and_those_above_it_are_listed(
    harness: &dyn Harness,
) -> Result<(), Missing> {
    let desk = Desk::open(harness).await?;
    let folder = desk.make("one/two/three").await;
    let status = desk.status(&folder).await;
    assert_eq!((status.messages, status.unseen, status.uid_next), (0, 0, 1));
    assert!(status.uid_validity > 0);
    for above in ["one", "one/two"] {
        assert!(desk.folder(&named(above)).await.is_some(), "{above} is listed");
    }
    Ok(())
}

pub(super) async fn a_folder_that_is_there_already_is_left_as_it_is(
    harness: &dyn Harness,
) -> Result<(), Missing> {
    let desk = Desk::open(harness).await?;
    for folder in [desk.make("mine").await, inbox(), named("Sent")] {
        desk.append(&folder, &letter("kept", "x"), &[]).await;
        let before = desk.list(&folder).await;
        desk.make(folder.as_str()).await;
        assert_eq!(desk.list(&folder).await, before, "{folder}");
    }
    Ok(())
}

pub(super) async fn a_name_with_an_empty_level_is_refused(harness: &dyn Harness) -> Result<(), Missing> {
    let desk = Desk::open(harness).await?;
    let before = desk.folders().await;
    for name in ["/a", "a//b"] {
        assert_refused(&desk.store.create_folder(&desk.login, &named(name)).await);
    }
    assert_eq!(desk.folders().await, before);
    Ok(())
}

pub(super) async fn a_deleted_folder_is_gone_with_its_messages_and_those_below_it_stay(
    harness: &dyn Harness,
) -> Result<(), Missing> {
    let desk = Desk::open(harness).await?;
    let (above, below) = (desk.make("above").await, desk.make("above/below").await);
    let uid = desk.append(&below, &letter("kept", "x"), &[]).await;
    desk.append(&above, &letter("lost", "x"), &[]).await;
    delete(&desk, &above).await;
    assert_no_such_folder(&desk.store.status(&desk.login, &above).await);
    assert!(desk.folder(&above).await.is_some(), "the name is still listed");
    assert_eq!(uids(&desk.list(&below).await.entries), [uid]);
    delete(&desk, &below).await;
    assert_eq!(desk.folder(&below).await, None);
    desk.make("above").await;
    assert_eq!(desk.status(&above).await.messages, 0);
    Ok(())
}

pub(super) async fn to_delete_a_folder_that_is_not_there_is_no_error(
    harness: &dyn Harness,
) -> Result<(), Missing> {
    let desk = Desk::open(harness).await?;
    let folder = desk.make("mine").await;
    for _ in 0..2 {
        delete(&desk, &folder).await;
        assert_eq!(desk.folder(&folder).await, None);
    }
    Ok(())
}

pub(super) async fn the_inbox_can_not_be_deleted(harness: &dyn Harness) -> Result<(), Missing> {
    let (desk, listing) = Desk::with_messages(harness, 1).await?;
    assert_refused(&desk.store.delete_folder(&desk.login, &inbox()).await);
    assert_eq!(desk.list(&inbox()).await, listing);
    Ok(())
}

pub(super) async fn a_folder_of_the_system_is_there_again_empty_and_numbered_anew(
    harness: &dyn Harness,
) -> Result<(), Missing> {
    let desk = Desk::open(harness).await?;
    let trash = named("Trash");
    desk.append(&trash, &letter("lost", "x"), &[]).await;
    let before = desk.status(&trash).await;
    delete(&desk, &trash).await;
    let listed = desk.folder(&trash).await.expect("it is there again");
    assert_eq!((listed.special_use, listed.selectable), (Some(SpecialUse::Trash), true));
    let status = desk.status(&trash).await;
    assert_eq!(status.messages, 0);
    assert_ne!(status.uid_validity, before.uid_validity);
    Ok(())
}

pub(super) async fn a_dropped_create_or_delete_is_done_or_not(harness: &dyn Harness) -> Result<(), Missing> {
    let desk = Desk::open(harness).await?;
    let (kept, folder) = (desk.make("kept").await, named("changing"));
    for moment in moments() {
        drop_after(moment, desk.store.create_folder(&desk.login, &folder)).await;
        desk.make("changing").await;
        assert_eq!(desk.status(&folder).await.messages, 0);
        drop_after(moment, desk.store.delete_folder(&desk.login, &folder)).await;
        delete(&desk, &folder).await;
        assert_eq!(desk.folder(&folder).await, None);
        assert_eq!(desk.status(&kept).await.messages, 0);
    }
    Ok(())
}

async fn delete(desk: &Desk, folder: &crate::FolderName) {
    desk.store.delete_folder(&desk.login, folder).await.expect("the folder is deleted");
}
