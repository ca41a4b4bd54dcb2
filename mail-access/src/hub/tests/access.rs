//! No address gets at what is another's, though they share a mailbox, a login and a numbering.

use super::*;
use crate::{Arrival, MessageId, Received, Uid};

struct Shared {
    world: World,
    access: HubAccess,
    ada: Login,
    bob: Login,
}

/// Ada and Bob have got one mail each, and one together, and there is one for nobody.
async fn shared(stock: usize) -> Shared {
    let world = World::new();
    let access = world.builder().with_stock(stock).start_access();
    let [ada, bob] = ["ada@agents.example", "bob@agents.example"].map(|name| {
        access.add(&address(name));
        Login::new(address(name), "never looked at".into())
    });
    for (id, to) in [
        ("ada", &["ada@agents.example"][..]),
        ("bob", &["BOB+x@agents.example"]),
        ("both", &["ada+y@agents.example", "bob@agents.example"]),
        ("nobody", &["nobody@agents.example"]),
    ] {
        let to = to.iter().map(|name| address(name)).collect();
        let mail = format!("Subject: {id}\r\nMessage-ID: <{id}@b.example>\r\n\r\nx\r\n");
        world.receive_bytes(to, mail.into_bytes()).await;
    }
    Shared { world, access, ada, bob }
}

impl Shared {
    async fn subjects(&self, login: &Login, selection: &Selection) -> Vec<String> {
        let batch = self.access.fetch(login, selection, 10).await.unwrap();
        batch.messages.iter().map(|message| message.subject().to_owned()).collect()
    }
}

fn id(name: &str) -> MessageId {
    format!("{name}@b.example").parse().unwrap()
}

#[tokio::test(start_paused = true)]
async fn each_selection_gives_out_ones_own_mail_only() {
    for stock in [0, 16 << 20] {
        let shared = shared(stock).await;
        let Shared { world, ada, bob, .. } = &shared;
        let end = world.end().await;
        let all = (0..20).filter_map(Uid::new).collect::<Vec<_>>();
        for (selection, for_ada, for_bob) in [
            (Selection::After(None), &["ada", "both"][..], &["bob", "both"][..]),
            (Selection::After(Some(Position { uid: 1, ..end })), &["both"], &["bob", "both"]),
            (Selection::After(Some(Position { uid_validity: 1, ..end })), &["ada", "both"], &["bob", "both"]),
            (Selection::Uids(end.uid_validity, all), &["ada", "both"], &["bob", "both"]),
            (Selection::Unseen, &["ada", "both"], &["bob", "both"]),
            (Selection::MessageId(id("bob")), &[], &["bob"]),
            (Selection::MessageId(id("both")), &["both"], &["both"]),
            (Selection::MessageId(id("nobody")), &[], &[]),
        ] {
            assert_eq!(shared.subjects(ada, &selection).await, for_ada, "{selection:?}");
            assert_eq!(shared.subjects(bob, &selection).await, for_bob, "{selection:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn nobody_marks_waits_for_or_sends_what_is_anothers() {
    let shared = shared(16 << 20).await;
    let Shared { world, access, ada, bob } = &shared;
    let all = world.office.fetch(&world.login, &Selection::After(None), 10).await.unwrap();
    let uids: Vec<_> = all.messages.iter().map(Received::uid).collect();
    access.mark_seen(ada, all.uid_validity, &uids).await.unwrap();
    assert_eq!(shared.subjects(ada, &Selection::Unseen).await, [""; 0]);
    assert_eq!(shared.subjects(bob, &Selection::Unseen).await, ["bob", "both"]);
    let unseen = world.office.fetch(&world.login, &Selection::Unseen, 10).await.unwrap();
    assert_eq!(unseen.messages.len(), 3, "two of Bob's and one of nobody's");

    let end = world.end().await;
    world.receive("later", &["bob@agents.example"]).await;
    assert_eq!(access.wait(ada, end, PATIENCE).await.unwrap(), Arrival::TimedOut);
    assert_eq!(access.wait(bob, end, PATIENCE).await.unwrap(), Arrival::New);

    for sender in ["bob@agents.example", "hub@hub.example", "nobody@agents.example"] {
        let forged = letter(&address(sender), &[bob.address()]);
        let refused = access.submit(ada, &forged).await;
        assert!(matches!(refused, Err(Error::Refused { .. })), "{sender}: {refused:?}");
    }
    access.submit(ada, &letter(&address("ADA+z@agents.example"), &[bob.address()])).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn whoever_is_no_address_of_the_hub_is_refused_by_every_method() {
    let shared = shared(16 << 20).await;
    let Shared { world, access, ada, bob } = &shared;
    assert_eq!(shared.subjects(bob, &Selection::After(None)).await, ["bob", "both"]);
    assert!(access.remove(bob.address()));
    let end = world.end().await;
    for login in [bob, &world.login, &Login::new(address("eve@agents.example"), "x".into())] {
        let mail = letter(login.address(), &[ada.address()]);
        for error in [
            access.fetch(login, &Selection::After(None), 10).await.err(),
            access.mark_seen(login, end.uid_validity, &[]).await.err(),
            access.wait(login, Position { uid: 0, ..end }, PATIENCE).await.err(),
            access.submit(login, &mail).await.err(),
        ] {
            assert!(matches!(error, Some(Error::Authentication { .. })), "{error:?}");
        }
    }
    // What came for him since is his when he comes back, and nothing of the time before.
    world.receive("since", &["bob@agents.example"]).await;
    assert_eq!(shared.subjects(ada, &Selection::After(None)).await, ["ada", "both"]);
    access.add(bob.address());
    assert_eq!(shared.subjects(bob, &Selection::After(None)).await, ["since"]);
}
