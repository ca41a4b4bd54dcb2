use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;

use super::*;
use crate::{Arrival, Batch, Fault, MailAccess, Position, Selection, Uid};

/// Lets other tasks run before and after each call, so that a future can be dropped there.
#[derive(Debug)]
struct Yielding(PostOffice);

#[async_trait]
impl MailAccess for Yielding {
    async fn submit(&self, login: &Login, message: &Outgoing) -> Result<Submission, Error> {
        self.0.submit(login, message).await
    }

    async fn check_submission(&self, login: &Login) -> Result<(), Error> {
        self.0.check_submission(login).await
    }

    async fn fetch(&self, login: &Login, selection: &Selection, limit: usize) -> Result<Batch, Error> {
        yield_now().await;
        let batch = self.0.fetch(login, selection, limit).await;
        yield_now().await;
        batch
    }

    async fn mark_seen(&self, login: &Login, uid_validity: u32, uids: &[Uid]) -> Result<(), Error> {
        self.0.mark_seen(login, uid_validity, uids).await
    }

    async fn wait(&self, login: &Login, after: Position, at_most: Duration) -> Result<Arrival, Error> {
        self.0.wait(login, after, at_most).await
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_dropped_at_any_poll_takes_nothing() {
    for stock in [0, 16 << 20] {
        for polls in 0..8 {
            let world = World::new();
            let access = Arc::new(Yielding(world.office.clone()));
            let hub =
                Hub::builder(access, world.login.clone(), EnvelopeRule::mailcow()).with_stock(stock).start();
            let (ada, dead) = (hub.address(&address("ada@agents.example")), hub.dead_letters());
            let mut taken = Vec::new();
            for number in 0..5 {
                world.receive(&number.to_string(), &["ada@agents.example", "nobody@agents.example"]).await;
                if let Some(delivery) = polled(polls, ada.next()).await {
                    taken.push(delivery.unwrap().message().subject().to_owned());
                }
                if let Some(letter) = polled(polls, dead.next()).await {
                    letter.unwrap().acknowledge();
                }
            }
            while taken.len() < 5 {
                taken.push(take(&ada).await.0);
            }
            assert_eq!(taken, ["0", "1", "2", "3", "4"], "{polls} polls, {stock} bytes");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn somebody_who_takes_nothing_costs_the_others_nothing() {
    let world = World::new();
    let hub = world.builder().with_stock(8 << 10).start();
    let [ada, bob] = ["ada@agents.example", "bob@agents.example"].map(|name| hub.address(&address(name)));
    for number in 0..200 {
        world.receive(&format!("{number}"), &["ada@agents.example", "bob@agents.example"]).await;
        assert_eq!(take(&bob).await.0, number.to_string());
    }
    assert_eq!(hub.position().open(), 200);
    for number in 0..200 {
        assert_eq!(take(&ada).await.0, number.to_string());
    }
    assert_eq!(hub.position().open(), 0);
}

/// Counts the messages that are given out by their UIDs, and the looks for others.
#[derive(Debug)]
struct Counting {
    office: PostOffice,
    by_uid: AtomicUsize,
    looks: AtomicUsize,
}

impl Counting {
    fn of(world: &World) -> Arc<Self> {
        Arc::new(Self {
            office: world.office.clone(),
            by_uid: AtomicUsize::new(0),
            looks: AtomicUsize::new(0),
        })
    }
}

#[async_trait]
impl MailAccess for Counting {
    async fn submit(&self, login: &Login, message: &Outgoing) -> Result<Submission, Error> {
        self.office.submit(login, message).await
    }

    async fn check_submission(&self, login: &Login) -> Result<(), Error> {
        self.office.check_submission(login).await
    }

    async fn fetch(&self, login: &Login, selection: &Selection, limit: usize) -> Result<Batch, Error> {
        let batch = self.office.fetch(login, selection, limit).await?;
        match selection {
            Selection::Uids(..) => self.by_uid.fetch_add(batch.messages.len(), Ordering::SeqCst),
            _ => self.looks.fetch_add(1, Ordering::SeqCst),
        };
        Ok(batch)
    }

    async fn mark_seen(&self, login: &Login, uid_validity: u32, uids: &[Uid]) -> Result<(), Error> {
        self.office.mark_seen(login, uid_validity, uids).await
    }

    async fn wait(&self, login: &Login, after: Position, at_most: Duration) -> Result<Arrival, Error> {
        self.office.wait(login, after, at_most).await
    }
}

#[tokio::test(start_paused = true)]
async fn a_backlog_is_fetched_once_whatever_others_leave_in_the_stock() {
    let world = World::new();
    let count = 64;
    for name in ["bob@agents.example", "ada@agents.example"] {
        for number in 0..count {
            world.receive(&number.to_string(), &[name]).await;
        }
    }
    let access = Counting::of(&world);
    let hub = Hub::builder(access.clone(), world.login.clone(), EnvelopeRule::mailcow())
        .with_stock(64 << 10)
        .start();
    // Hers is newer and fills the stock, and she takes none of it.
    let [_ada, bob] = ["ada@agents.example", "bob@agents.example"].map(|name| hub.address(&address(name)));
    tokio::time::sleep(PATIENCE).await;
    for number in 0..count {
        assert_eq!(take(&bob).await.0, number.to_string());
    }
    assert_eq!(access.by_uid.load(Ordering::SeqCst), count);
}

#[tokio::test(start_paused = true)]
async fn what_a_wait_told_of_is_given_out_without_another_look() {
    let world = World::new();
    let counting = Counting::of(&world);
    let builder = Hub::builder(counting.clone(), world.login.clone(), EnvelopeRule::mailcow());
    let (access, ada) = (builder.start_access(), Login::new(address("ada@agents.example"), "".into()));
    access.add(ada.address());
    let mut last = access.place().await.unwrap();
    for number in 0..5 {
        world.receive(&number.to_string(), &["ada@agents.example"]).await;
        assert_eq!(access.wait(&ada, last, PATIENCE).await.unwrap(), Arrival::New);
        let before = counting.looks.load(Ordering::SeqCst);
        let batch = access.fetch_arrived(&ada, last, 10).await.unwrap();
        assert_eq!(batch.messages[0].subject(), number.to_string());
        assert_eq!((batch.messages.len(), batch.more), (1, false));
        last.uid = batch.messages[0].uid().get();
        assert_eq!(counting.looks.load(Ordering::SeqCst), before);
        assert!(access.fetch_arrived(&ada, last, 10).await.unwrap().messages.is_empty());
        assert!(counting.looks.load(Ordering::SeqCst) > before, "nothing is known, so that it looks");
    }
}

#[tokio::test(start_paused = true)]
async fn clones_share_the_mail_and_each_message_comes_once() {
    let world = World::new();
    let hub = world.builder().with_stock(0).start();
    let ada = hub.address(&address("ada@agents.example"));
    let count = 60;
    let takers: Vec<_> = (0..6)
        .map(|_| {
            let ada = ada.clone();
            tokio::spawn(async move {
                let mut taken = Vec::new();
                while let Ok(delivery) = timeout(PATIENCE, ada.next()).await {
                    taken.push(delivery.unwrap().message().subject().parse::<u32>().unwrap());
                }
                taken
            })
        })
        .collect();
    for number in 0..count {
        world.receive(&number.to_string(), &["ada@agents.example"]).await;
        yield_now().await;
    }
    let mut all = Vec::new();
    for taker in takers {
        all.extend(taker.await.unwrap());
    }
    all.sort_unstable();
    assert_eq!(all, (0..count).collect::<Vec<_>>());
}

#[tokio::test(start_paused = true)]
async fn mail_that_was_there_before_its_address_is_not_missed() {
    let world = World::new();
    let hub = world.hub();
    let ada = hub.address(&address("ada@agents.example"));
    for to in ["bob+x@agents.example", "BOB@agents.example", "bob+own@agents.example", "eve@agents.example"] {
        world.receive(to, &[to]).await;
    }
    world.receive("last", &["ada@agents.example"]).await;
    assert_eq!(take(&ada).await.0, "last");
    let own = hub.address(&address("bob+OWN@agents.example"));
    let bob = hub.address(&address("Bob@agents.example"));
    assert_eq!(take(&own).await.0, "bob+own@agents.example");
    assert_eq!(take(&bob).await.0, "bob+x@agents.example");
    assert_eq!(take(&bob).await.0, "BOB@agents.example");
    assert_eq!(take_dead(&hub.dead_letters()).await.message().subject(), "eve@agents.example");
    assert_eq!(hub.position().open(), 0);
}

#[tokio::test(start_paused = true)]
async fn what_a_removed_address_left_is_dead() {
    let world = World::new();
    let hub = world.hub();
    let ada = hub.address(&address("ada@agents.example"));
    for subject in ["1", "2", "3"] {
        world.receive(subject, &["ada@agents.example"]).await;
    }
    assert_eq!(take(&ada).await.0, "1");
    let waiting = tokio::spawn({
        let bob = hub.address(&address("bob@agents.example"));
        async move { bob.next().await.map(drop) }
    });
    yield_now().await;
    for name in ["ADA@agents.example", "bob@agents.example"] {
        assert!(hub.remove(&address(name)));
        assert!(!hub.remove(&address(name)));
    }
    assert!(matches!(waiting.await.unwrap(), Err(Error::Invalid { .. })));
    assert!(matches!(ada.next().await, Err(Error::Invalid { .. })) && ada.address().is_err());
    let dead = hub.dead_letters();
    assert_eq!(take_dead(&dead).await.message().subject(), "2");
    // Come back, it has what nobody took; the old handle stays dead.
    let again = hub.address(&address("ada@agents.example"));
    assert_eq!(take(&again).await.0, "3");
    assert!(ada.next().await.is_err());
}

#[tokio::test(start_paused = true)]
async fn the_next_hub_goes_on_and_marks_what_may_have_been_handed_out() {
    let world = World::new();
    let names = ["ada@agents.example", "bob@agents.example"];
    let hub = world.hub();
    let [ada, bob] = names.map(|name| hub.address(&address(name)));
    for number in 0..4 {
        world.receive(&number.to_string(), &names).await;
    }
    world.receive("dead", &["nobody@agents.example"]).await;
    for number in 0..4 {
        assert_eq!(take(&ada).await, (number.to_string(), false));
    }
    let unhandled = bob.next().await.unwrap();
    assert_eq!(take(&bob).await.0, "1");
    let position = hub.position().to_string();
    assert_eq!(hub.position().open(), 4, "{position}");
    drop((hub, ada, bob));
    world.receive("meanwhile", &names).await;
    unhandled.acknowledge();

    let hub = world.builder().with_position(position.parse().unwrap()).start();
    assert_eq!(hub.position().to_string(), position, "nothing is forgotten before it is read again");
    let [ada, bob] = names.map(|name| hub.address(&address(name)));
    assert_eq!(take(&ada).await, ("meanwhile".to_owned(), true));
    for subject in ["0", "2", "3", "meanwhile"] {
        assert_eq!(take(&bob).await, (subject.to_owned(), true));
    }
    let dead = take_dead(&hub.dead_letters()).await;
    assert!(dead.is_repeated() && dead.message().subject() == "dead");
    world.receive("new", &names).await;
    assert_eq!(take(&bob).await, ("new".to_owned(), false));
    assert_eq!(hub.position().open(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_mailbox_numbered_anew_comes_again_and_is_marked() {
    for stock in [0, 16 << 20] {
        let world = World::new();
        let hub = world.builder().with_stock(stock).start();
        let ada = hub.address(&address("ada@agents.example"));
        for subject in ["1", "2", "3"] {
            world.receive(subject, &["ada@agents.example"]).await;
        }
        assert_eq!(take(&ada).await, ("1".to_owned(), false));
        let before = ada.next().await.unwrap();
        world.office.reset_uid_validity(world.login.address()).unwrap();
        tokio::time::sleep(PATIENCE).await;
        before.acknowledge();
        for subject in ["1", "2", "3"] {
            assert_eq!(take(&ada).await, (subject.to_owned(), true));
        }
        world.receive("4", &["ada@agents.example"]).await;
        assert_eq!(take(&ada).await, ("4".to_owned(), false));
        assert_eq!(hub.position().open(), 0);

        // And between two hubs.
        let position = hub.position();
        drop((hub, ada));
        world.office.reset_uid_validity(world.login.address()).unwrap();
        let hub = world.builder().with_position(position).start();
        let ada = hub.address(&address("ada@agents.example"));
        for subject in ["1", "2", "3", "4"] {
            assert_eq!(take(&ada).await, (subject.to_owned(), true));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_message_that_was_removed_elsewhere_is_passed_over() {
    let world = World::new();
    let hub = world.builder().with_stock(0).start();
    let ada = hub.address(&address("ada@agents.example"));
    for subject in ["1", "2", "3", "4"] {
        world.receive(subject, &["ada@agents.example"]).await;
    }
    assert_eq!(take(&ada).await.0, "1");
    let uids: Vec<_> = [2, 4].into_iter().filter_map(Uid::new).collect();
    world.office.expunge(world.login.address(), &uids).unwrap();
    assert_eq!(take(&ada).await.0, "3");
    assert!(timeout(PATIENCE, ada.next()).await.is_err());
    assert_eq!(hub.position().open(), 0);
}

#[tokio::test(start_paused = true)]
async fn troubles_are_waited_out_and_told() {
    let world = World::new();
    let hub = world.hub();
    let ada = hub.address(&address("ada@agents.example"));
    for _ in 0..5 {
        world.office.fail_next(world.login.address(), Fault::FetchUnavailable);
    }
    world.receive("late", &["ada@agents.example"]).await;
    yield_now().await;
    tokio::time::sleep(Duration::from_millis(1)).await;
    assert!(matches!(hub.trouble().as_deref(), Some(Error::Unavailable { .. })), "{:?}", hub.trouble());
    assert_eq!(take(&ada).await.0, "late");
    tokio::time::sleep(Duration::from_millis(1)).await;
    assert!(hub.trouble().is_none());
}

#[tokio::test(start_paused = true)]
async fn a_refused_login_ends_the_hub_at_once() {
    let world = World::new();
    let hub = world.hub();
    let ada = hub.address(&address("ada@agents.example"));
    world.receive("there", &["ada@agents.example"]).await;
    tokio::time::sleep(PATIENCE).await;
    world.office.set_password(world.login.address(), "another".into()).unwrap();
    // What is here already is handed out.
    assert_eq!(take(&ada).await.0, "there");
    assert!(matches!(ada.next().await, Err(Error::Authentication { .. })));
    assert!(matches!(hub.dead_letters().next().await, Err(Error::Authentication { .. })));
    assert!(matches!(hub.trouble().as_deref(), Some(Error::Authentication { .. })));
}
