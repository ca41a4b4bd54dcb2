//! Random calls of several logins over few connections whose links break: what was told is true, and all comes to rest.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use proptest::prelude::*;

use super::*;
use crate::imap::double::{Double, PASSWORD};
use crate::wire::link::{Cut, Manner, Side};
use crate::{Arrival, Limit, Watcher};

#[derive(Clone, Debug)]
enum Step {
    Deliver,
    Renumber,
    Hint,
    Fetch,
    Mark,
    Wait(u64),
    /// Waits and is dropped.
    Drop(u64),
    Sleep(u64),
    Restart,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => Just(Step::Deliver),
        1 => Just(Step::Renumber),
        2 => Just(Step::Hint),
        4 => Just(Step::Fetch),
        2 => Just(Step::Mark),
        4 => (0..40_000_u64).prop_map(Step::Wait),
        2 => (0..3000_u64).prop_map(Step::Drop),
        3 => (0..90_000_u64).prop_map(Step::Sleep),
        1 => Just(Step::Restart),
    ]
}

fn cut() -> impl Strategy<Value = Cut> {
    let side = prop_oneof![Just(Side::ToServer), Just(Side::ToClient)];
    let manner = prop_oneof![Just(Manner::Fin), Just(Manner::Reset), Just(Manner::Half)];
    (side, 0..2000_usize, manner).prop_map(|(side, after, manner)| Cut { side, after, manner })
}

fn agent(number: usize) -> Login {
    Login::new(format!("agent-{number}@agents.example").parse().unwrap(), PASSWORD.into())
}

const CAP: usize = 2;

/// Takes the steps and then reads all mailboxes to their ends.
async fn play(steps: Vec<(usize, Step)>, cuts: Vec<Cut>) {
    let broken = cuts.len();
    let server = Arc::new(Double::new().pacing(Duration::from_millis(2)).cutting(cuts));
    let mail = Arc::new(server.mail(Double::config().with_max_imap_connections(CAP)));
    let mut calls = Vec::new();
    for (number, step) in steps {
        let login = agent(number);
        let here = Position { uid_validity: 7, uid: u32::try_from(number).unwrap() };
        let (mail, server) = (Arc::clone(&mail), Arc::clone(&server));
        let known = |error: Error| match error {
            Error::Unavailable { .. } | Error::Interrupted { .. } | Error::Renumbered { .. } => {}
            other => panic!("{other:?}"),
        };
        match step {
            Step::Deliver => drop(server.deliver(&login, "x").to_string()),
            Step::Renumber => server.renumber(&login),
            Step::Hint => mail.hint(login.address()),
            Step::Sleep(ms) => tokio::time::sleep(Duration::from_millis(ms)).await,
            Step::Restart => {
                server.set_up(false);
                tokio::time::sleep(Duration::from_secs(1)).await;
                server.set_up(true);
            }
            Step::Fetch => calls.push(tokio::spawn(async move {
                let before = server.world(|world| {
                    world.mailboxes.get(&login.address().to_string()).map_or(0, |one| one.messages.len())
                });
                match mail.fetch(&login, &Selection::After(None), 100).await {
                    Ok(batch) => assert!(batch.messages.len() >= before, "what was there is read"),
                    Err(error) => known(error),
                }
            })),
            Step::Mark => calls.push(tokio::spawn(async move {
                mail.mark_seen(&login, 7, &[uid(1)]).await.unwrap_or_else(known);
            })),
            Step::Wait(ms) => calls.push(tokio::spawn(async move {
                let count = |server: &Double| {
                    server.world(|world| {
                        world
                            .mailboxes
                            .get(&login.address().to_string())
                            .map(|one| (one.uid_validity, one.uid_next))
                    })
                };
                match mail.wait(&login, here, Duration::from_millis(ms)).await {
                    Ok(Arrival::New) => {
                        let (validity, next) = count(&server).expect("there is a mailbox");
                        assert!(
                            validity != 7 || next > here.uid + 1,
                            "there is something behind the position"
                        );
                    }
                    Ok(Arrival::TimedOut) => {}
                    Err(error) => known(error),
                }
            })),
            Step::Drop(ms) => calls.push(tokio::spawn(async move {
                let wait = mail.wait(&login, here, Duration::from_mins(9));
                let _ = tokio::time::timeout(Duration::from_millis(ms), wait).await;
            })),
        }
    }
    for call in calls {
        tokio::time::timeout(Duration::from_mins(30), call).await.expect("each call ends").unwrap();
    }
    for number in 0..AGENTS {
        let last = server.deliver(&agent(number), "last");
        let mut watcher = Watcher::new(Arc::clone(&mail) as Arc<dyn MailAccess>, agent(number), None);
        let reading = async {
            loop {
                let message = watcher.next().await.unwrap().unwrap().message;
                // What the links break at again and again comes by less, and those behind it come too.
                let is_withheld = message.opaque() == Some(Limit::Withheld);
                assert!(!is_withheld || broken >= 3, "links broke {broken} times");
                assert!(is_withheld || !message.raw().is_empty());
                if message.uid().get() == last {
                    return assert!(is_withheld || message.subject() == "last");
                }
            }
        };
        tokio::time::timeout(Duration::from_mins(30), reading).await.expect("all is read in the end");
    }
    drop(mail);
    tokio::time::sleep(Duration::from_mins(3)).await;
    assert_eq!(server.traffic.open.load(Ordering::Relaxed), 0);
    assert!(server.traffic.peak.load(Ordering::Relaxed) <= CAP);
    assert_eq!(server.world(|world| world.problems.clone()), [""; 0]);
}

const AGENTS: usize = 4;

#[tokio::test(start_paused = true)]
async fn what_the_links_break_at_keeps_nothing_back() {
    for times in 0..12 {
        for after in 195..210 {
            let cut = Cut { side: Side::ToClient, after, manner: Manner::Fin };
            play(vec![(1, Step::Deliver)], vec![cut; times]).await;
        }
    }
}

proptest! {
    #[test]
    fn whatever_happens_nothing_is_lost(
        steps in proptest::collection::vec((0..AGENTS, step()), 1..60),
        cuts in proptest::collection::vec(cut(), 0..12),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
        runtime.block_on(play(steps, cuts));
    }
}
