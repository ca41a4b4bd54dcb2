use std::collections::HashMap;
use std::task::Waker;

use tokio::time::{Instant, timeout};

use super::*;
use crate::{Fault, NewMessage, PostOffice};

fn ada() -> Login {
    Login::new("ada@agents.example".parse().unwrap(), "a password".into())
}

fn office() -> PostOffice {
    let office = PostOffice::new();
    office.add_domain("agents.example".parse().unwrap());
    office.add_mailbox(ada().address(), ada().password().clone(), 0).unwrap();
    office
}

fn watch(office: &PostOffice, after: Option<Position>) -> Watcher {
    Watcher::new(Arc::new(office.clone()), ada(), after)
}

async fn deliver(office: &PostOffice, subject: &str) {
    let note = NewMessage::to(ada().address()).with_subject(subject).seal(&ada().address().into()).unwrap();
    office.submit(&ada(), &note).await.unwrap();
}

/// Reads what is there until nothing comes for a while.
async fn read(watcher: &mut Watcher) -> Vec<(String, bool)> {
    let mut read = Vec::new();
    while let Ok(next) = timeout(Duration::from_mins(30), watcher.next()).await {
        let next = next.unwrap().unwrap();
        read.push((next.message.subject().to_owned(), next.is_repeated));
    }
    read
}

fn fresh(subject: &str) -> (String, bool) {
    (subject.to_owned(), false)
}

#[tokio::test(start_paused = true)]
async fn it_reads_what_is_there_and_then_what_comes() {
    let office = office();
    for number in 0..40 {
        deliver(&office, &number.to_string()).await;
    }
    let mut watcher = watch(&office, None);
    let first = watcher.next().await.unwrap().unwrap();
    assert_eq!(
        read(&mut watcher).await,
        (1..40).map(|number: u32| fresh(&number.to_string())).collect::<Vec<_>>()
    );
    deliver(&office, "new").await;
    assert_eq!(read(&mut watcher).await, [fresh("new")]);
    let mut later = watch(&office, Some(Position { uid: 39, ..first.at }));
    assert_eq!(read(&mut later).await, [fresh("39"), fresh("new")]);
}

#[tokio::test(start_paused = true)]
async fn it_waits_while_the_system_is_away_and_ends_when_the_login_is_refused() {
    let office = office();
    let mut watcher = watch(&office, None);
    for fault in [Fault::FetchUnavailable, Fault::WaitUnavailable, Fault::FetchUnavailable] {
        office.fail_next(ada().address(), fault);
    }
    deliver(&office, "one").await;
    assert_eq!(read(&mut watcher).await, [fresh("one")]);
    office.set_password(ada().address(), "another".into()).unwrap();
    deliver_as(&office, "another", "two").await;
    assert!(matches!(watcher.next().await, Some(Err(Error::Authentication { .. }))));
    assert!(watcher.next().await.is_none());
}

async fn deliver_as(office: &PostOffice, password: &str, subject: &str) {
    let login = Login::new(ada().address().clone(), password.into());
    let note = NewMessage::to(ada().address()).with_subject(subject).seal(&ada().address().into()).unwrap();
    office.submit(&login, &note).await.unwrap();
}

/// 200 steps, half of them deliveries, and the mailbox is numbered anew at one of them.
#[tokio::test(start_paused = true)]
async fn a_new_numbering_at_any_step_loses_nothing_and_marks_what_comes_again() {
    let mut repeated = 0;
    for roll in 0..200 {
        let office = office();
        let mut watcher = watch(&office, None);
        let mut told: HashMap<String, (usize, usize)> = HashMap::new();
        let note = |next: Watched, told: &mut HashMap<String, (usize, usize)>| {
            let counts = told.entry(next.message.subject().to_owned()).or_default();
            if next.is_repeated { counts.1 += 1 } else { counts.0 += 1 }
        };
        for step in 0..200 {
            if step == roll {
                office.reset_uid_validity(ada().address()).unwrap();
            }
            // Now and then it falls behind, and now and then it waits for more.
            match step % 4 {
                0 | 3 => deliver(&office, &step.to_string()).await,
                _ => {
                    if let Ok(next) = timeout(Duration::from_millis(1), watcher.next()).await {
                        note(next.unwrap().unwrap(), &mut told);
                    }
                }
            }
        }
        while let Ok(next) = timeout(Duration::from_mins(30), watcher.next()).await {
            note(next.unwrap().unwrap(), &mut told);
        }
        assert_eq!(told.len(), 100, "{roll}");
        assert!(told.values().all(|(unmarked, _)| *unmarked == 1), "{roll}: {told:?}");
        repeated += told.values().map(|(_, marked)| marked).sum::<usize>();
    }
    assert!(repeated > 1000, "{repeated}");
}

#[tokio::test(start_paused = true)]
async fn what_was_read_under_an_unknown_numbering_may_be_repeated() {
    let office = office();
    deliver(&office, "old").await;
    let mut watcher = watch(&office, Some(Position { uid_validity: 1, uid: 9 }));
    assert_eq!(read(&mut watcher).await, [("old".to_owned(), true)]);
    deliver(&office, "new").await;
    assert_eq!(read(&mut watcher).await, [fresh("new")]);
}

/// More messages than are remembered: what is forgotten is marked by its date.
#[tokio::test(start_paused = true)]
async fn what_is_forgotten_is_not_taken_for_new() {
    let office = office();
    let mut watcher = watch(&office, None);
    for number in 0..REMEMBERED + 50 {
        deliver(&office, &number.to_string()).await;
    }
    assert_eq!(read(&mut watcher).await.len(), REMEMBERED + 50);
    office.reset_uid_validity(ada().address()).unwrap();
    assert!(read(&mut watcher).await.iter().all(|(_, is_repeated)| *is_repeated));
}

#[tokio::test(start_paused = true)]
async fn a_dropped_call_loses_nothing() {
    let office = office();
    let mut watcher = watch(&office, None);
    let mut subjects = Vec::new();
    for number in 0..30 {
        deliver(&office, &number.to_string()).await;
        for _ in 0..number % 5 {
            let mut next = std::pin::pin!(watcher.next());
            let polled = next.as_mut().poll(&mut Context::from_waker(Waker::noop()));
            if let Poll::Ready(Some(Ok(next))) = polled {
                subjects.push(next.message.subject().to_owned());
            }
        }
    }
    subjects.extend(read(&mut watcher).await.into_iter().map(|(subject, _)| subject));
    assert_eq!(subjects, (0..30).map(|number| number.to_string()).collect::<Vec<_>>());
}

/// A mail system that tells of nothing: it is looked at every so often once that is clear.
#[tokio::test(start_paused = true)]
async fn push_that_is_none_is_replaced_by_looking() {
    let office = office();
    let mut watcher = watch(&office, None).with_polling(Duration::from_secs(5));
    assert!(timeout(Duration::from_secs(1), watcher.next()).await.is_err());
    for late in [0.5, 20.0, 20.0, 20.0] {
        let seen = SystemTime::UNIX_EPOCH + Duration::from_secs_f64(1e6 + late);
        lock(&watcher.doctor).saw(SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000), seen);
    }
    assert_eq!(watcher.health(), PushHealth::Late);
    let begin = Instant::now();
    deliver(&office, "one").await;
    assert_eq!(watcher.next().await.unwrap().unwrap().message.subject(), "one");
    assert!(begin.elapsed() <= Duration::from_secs(5));
    assert_eq!(watcher.health(), PushHealth::Late, "what was looked for says nothing about push");
}

/// A mail system that says again and again that there is something, and has nothing.
#[derive(Debug, Default)]
struct Liar(std::sync::atomic::AtomicUsize);

#[async_trait::async_trait]
impl MailAccess for Liar {
    async fn submit(&self, _: &Login, _: &crate::Outgoing) -> Result<crate::Submission, Error> {
        Err(Error::Invalid { what: "message", problem: String::new() })
    }

    async fn check_submission(&self, _: &Login) -> Result<(), Error> {
        Ok(())
    }

    async fn fetch(&self, _: &Login, _: &Selection, _: usize) -> Result<crate::Batch, Error> {
        self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        tokio::time::sleep(Duration::from_millis(1)).await;
        Ok(crate::Batch::new(7, Vec::new(), false))
    }

    async fn mark_seen(&self, _: &Login, _: u32, _: &[crate::Uid]) -> Result<(), Error> {
        Ok(())
    }

    async fn wait(&self, _: &Login, _: Position, _: Duration) -> Result<Arrival, Error> {
        Ok(Arrival::New)
    }
}

#[tokio::test(start_paused = true)]
async fn who_is_called_for_nothing_again_and_again_slows_down() {
    let liar = Arc::new(Liar::default());
    let mut watcher = Watcher::new(Arc::clone(&liar) as Arc<dyn MailAccess>, ada(), None);
    assert!(timeout(Duration::from_mins(10), watcher.next()).await.is_err());
    let looks = liar.0.load(std::sync::atomic::Ordering::Relaxed);
    assert!((5..200).contains(&looks), "{looks}");
}
