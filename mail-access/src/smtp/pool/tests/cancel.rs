//! Calls are dropped at every poll and at every step of what goes on behind them.

use std::pin::pin;
use std::task::Poll;

use super::double::{CHUNKING, NEITHER, PIPELINING};
use super::*;
use crate::{Error, MailAccess, SmtpImap, SmtpImapConfig};

/// By which way the calls come.
#[derive(Debug)]
enum Door {
    Pool(Pool),
    /// The one that programs use.
    Public(Box<SmtpImap>),
}

impl Door {
    /// Opens one that has room for one connection.
    fn new(is_public: bool, server: &Arc<Double>) -> Self {
        if !is_public {
            return Self::Pool(pool(server, Limits { in_all: 1, ..LIMITS }));
        }
        let endpoint = |port| Endpoint::new("mail.agents.example", port).unwrap();
        let config = SmtpImapConfig::new(endpoint(465), endpoint(993)).with_max_smtp_connections(1, 1);
        Self::Public(Box::new(SmtpImap::new(config, Arc::clone(server) as Arc<dyn Connector>)))
    }

    async fn submit(&self, login: &Login, message: &Outgoing) -> Result<Submission, Fault> {
        match self {
            Self::Pool(pool) => pool.submit(login, message).await,
            Self::Public(mail) => mail.submit(login, message).await.map_err(|error| match error {
                Error::Interrupted { source, .. } => Fault::Interrupted(source),
                other => Fault::Lost(io::Error::other(other)),
            }),
        }
    }
}

/// What is there when the call begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum World {
    /// No connection.
    Cold,
    /// An idle one.
    Warm,
    /// One, and it is in use.
    Busy,
    /// The same, and the server is known to be fast, so that the envelope goes behind the mail before.
    Behind,
    /// One of another login, idle, and no place for another.
    Taken,
}

#[tokio::test(start_paused = true)]
async fn a_call_dropped_at_any_step_harms_no_other() {
    let (mut runs, mut taken_after) = (0, 0);
    for (offers, is_public) in [(PIPELINING, true), (PIPELINING, false), (CHUNKING, false), (NEITHER, false)]
    {
        for world in [World::Cold, World::Warm, World::Busy, World::Behind, World::Taken] {
            let (mut kept, mut sent) = (0, 0);
            for steps in 0.. {
                let context = format!("{offers:?} {is_public} {world:?} {steps}");
                let run = tokio::spawn(drop_after(steps, offers, is_public, world, context.clone()));
                let (finished, taken) = run.await.unwrap();
                runs += 1;
                if finished {
                    break;
                }
                if taken {
                    sent += 1;
                } else {
                    kept += 1;
                    assert_eq!(sent, 0, "{context}: once it is sent it stays sent");
                }
            }
            assert!(kept > 0 && sent > 0, "{offers:?} {world:?}: {kept} {sent}");
            taken_after += sent;
        }
    }
    println!("{runs} dropped calls, {taken_after} of them too late to keep the mail");
}

/// Lets each task that can go on do so once; `yield_now` would let them go on until all wait.
async fn one_step() {
    let mut stepped = false;
    std::future::poll_fn(|cx| {
        if std::mem::replace(&mut stepped, true) {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// Returns whether the call was over before, and whether the mail was taken.
async fn drop_after(
    steps: usize,
    offers: &'static str,
    is_public: bool,
    world: World,
    context: String,
) -> (bool, bool) {
    let mut server = Double::new(offers);
    server.buffer = 16;
    let server = Arc::new(server);
    let door = Arc::new(Door::new(is_public, &server));
    let mut told = Vec::new();
    match world {
        World::Cold => {}
        World::Warm => told.push((10, Some(door.submit(&ada(), &mail(10)).await))),
        World::Taken => told.push((10, Some(door.submit(&login("eve", "canary"), &mail(10)).await))),
        World::Busy | World::Behind => {
            if world == World::Behind {
                told.push((11, Some(door.submit(&ada(), &mail(11)).await)));
            }
            let door = Arc::clone(&door);
            let other = tokio::spawn(async move { door.submit(&ada(), &mail(10)).await.map(drop) });
            tokio::task::yield_now().await;
            drop(other);
        }
    }
    let finished = {
        let (login, message) = (ada(), mail(0));
        let mut call = pin!(door.submit(&login, &message));
        let mut finished = None;
        for step in 0..=steps {
            let polled = std::future::poll_fn(|cx| Poll::Ready(call.as_mut().poll(cx))).await;
            if let Poll::Ready(done) = polled {
                finished = Some(done);
                break;
            }
            if step < steps {
                one_step().await;
            }
        }
        finished
    };
    let is_finished = finished.is_some();
    told.push((0, finished));
    for number in 1..3 {
        let next = door.submit(&ada(), &mail(number)).await;
        assert!(next.is_ok(), "{context}: {next:?}");
        told.push((number, Some(next)));
    }
    settle().await;
    if matches!(world, World::Busy | World::Behind) {
        told.push((10, None));
    }
    judge(&told, &server, &context);
    assert_eq!(server.seen(|seen| (seen.peak, seen.problems.clone())), (1, vec![]), "{context}");
    (is_finished, server.taken().contains(&0))
}

/// A caller is dropped after its turn has come and before it knows: a place goes to the next one, and what a connection
/// has in hand is carried to its end.
#[tokio::test(start_paused = true)]
async fn what_was_granted_and_never_taken_goes_to_the_next() {
    for (messages, counts, taken) in [(1, (1, 0, 0), &[0, 2][..]), (1000, (1, 1, 0), &[0, 1, 2])] {
        let server = Arc::new(Double::new(PIPELINING));
        let pool = pool(&server, Limits { in_all: 1, messages, ..LIMITS });
        let (login, first, second) = (ada(), mail(0), mail(1));
        let mut under_way = Box::pin(pool.submit(&login, &first));
        let mut queued = Box::pin(pool.submit(&login, &second));
        for call in [&mut under_way, &mut queued] {
            let polled = std::future::poll_fn(|cx| Poll::Ready(call.as_mut().poll(cx))).await;
            assert!(polled.is_pending());
        }
        assert_eq!(pool.shared.ledger().counts().2, 1);
        assert!(under_way.await.is_ok());
        settle().await;
        assert_eq!(pool.shared.ledger().counts(), counts, "its turn has come");
        drop(queued);
        assert!(pool.submit(&login, &mail(2)).await.is_ok());
        assert_eq!(server.taken(), taken);
        assert_eq!(server.seen(|seen| seen.peak), 1);
    }
}
