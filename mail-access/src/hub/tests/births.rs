//! Addresses that had another owner, that have two names, and that are listened to together.

use std::time::SystemTime;

use super::*;

#[tokio::test]
async fn a_new_owner_of_an_address_never_gets_what_came_before() {
    let world = World::new();
    let access = world.access();
    let ada = login("ada");
    access.add(ada.address());
    world.send("ada", "for the first").await;
    assert_eq!(subjects(&access, &ada).await, ["for the first"]);
    assert!(access.remove(ada.address()));
    world.send("ada", "for nobody").await;

    let (place, time) = (access.place().await.unwrap(), SystemTime::now());
    access.add_since(ada.address(), place, time);
    assert!(subjects(&access, &ada).await.is_empty());
    world.send("ada", "for the second").await;
    assert_eq!(subjects(&access, &ada).await, ["for the second"]);

    // The next run of the program reads everything anew, and so does one after a new numbering.
    let again = world.access();
    again.add_since(ada.address(), place, time);
    assert_eq!(subjects(&again, &ada).await, ["for the second"]);
    world.office.reset_uid_validity(world.hub.address()).unwrap();
    let later = world.access();
    later.add_since(ada.address(), place, time + Duration::from_hours(1));
    assert!(subjects(&later, &ada).await.is_empty(), "all of it came before that time");
    later.remove(ada.address());
    let earlier = world.access();
    earlier.add_since(ada.address(), place, time - Duration::from_hours(1));
    assert_eq!(subjects(&earlier, &ada).await.len(), 3, "all of it came after that time");
}

#[tokio::test]
async fn an_address_may_have_a_second_name() {
    let world = World::new();
    let access = world.access();
    let (ada, other) = (login("ada"), login("other"));
    access.add(ada.address());
    world.send("other", "before it is known").await;
    access.place().await.unwrap();
    access.add_name(other.address(), ada.address());
    world.send("ada", "by its own").await;
    world.send("other", "by the second").await;
    assert_eq!(subjects(&access, &ada).await, ["before it is known", "by its own", "by the second"]);
    access.remove_name(ada.address());
    assert!(access.has(ada.address()), "its own name is no second one");
    access.remove_name(other.address());
    assert!(!access.has(other.address()));
}

#[tokio::test]
async fn all_addresses_are_listened_to_at_once() {
    let world = World::new();
    let access = world.access();
    for name in ["ada", "bob", "eve"] {
        access.add(login(name).address());
    }
    world.send("bob", "early").await;
    access.place().await.unwrap();
    let mut arrivals = access.arrivals();
    assert_eq!(arrivals.next().await, [login("bob").address().clone()]);
    world.send("eve", "late").await;
    assert_eq!(arrivals.next().await, [login("eve").address().clone()]);
    let mut office = world.office.arrivals();
    assert_eq!(office.next().await, [world.hub.address().clone()]);
}

struct World {
    office: PostOffice,
    hub: Login,
}

impl World {
    fn new() -> Self {
        let office = PostOffice::new();
        office.add_domain("x.example".parse().unwrap());
        let hub = login("hub");
        office.add_mailbox(hub.address(), hub.password().clone(), 0).unwrap();
        office.add_catch_all(hub.address().domain(), vec![hub.address().clone()]).unwrap();
        Self { office, hub }
    }

    fn access(&self) -> HubAccess {
        Hub::builder(Arc::new(self.office.clone()), self.hub.clone(), EnvelopeRule::mailcow()).start_access()
    }

    async fn send(&self, to: &str, subject: &str) {
        let note = NewMessage::to(login(to).address()).with_subject(subject).with_text("x");
        let note = note.seal(&"eve@elsewhere.example".parse::<Address>().unwrap().into()).unwrap();
        self.office.receive(&note).await.unwrap();
    }
}

fn login(name: &str) -> Login {
    Login::new(format!("{name}@x.example").parse().unwrap(), "secret".into())
}

async fn subjects(access: &HubAccess, login: &Login) -> Vec<String> {
    let batch = access.fetch(login, &Selection::After(None), 10).await.unwrap();
    batch.messages.iter().map(|message| message.subject().to_owned()).collect()
}
