use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};

use super::*;
use crate::Arrival;

#[tokio::test(start_paused = true)]
async fn an_arrival_wakes_all_who_wait_at_the_very_moment() {
    let office = office();
    let start = beginning(&office, "bob").await;
    let waits = [wait(&office, start, HOUR), wait(&office, start, HOUR)];
    sleep(Duration::from_mins(1)).await;
    let sent = Instant::now();
    submit(&office, &["bob@agents.example"]).await.unwrap();
    for wait in waits {
        assert_eq!(wait.await.unwrap().unwrap(), Arrival::New);
    }
    assert_eq!(sent.elapsed(), Duration::ZERO, "nothing was polled for");
}

#[tokio::test(start_paused = true)]
async fn a_wait_takes_its_time_to_the_millisecond() {
    let office = office();
    let (start, begun) = (beginning(&office, "bob").await, Instant::now());
    let waiting = wait(&office, start, HOUR);
    submit(&office, &["ada@agents.example"]).await.unwrap();
    assert_eq!(waiting.await.unwrap().unwrap(), Arrival::TimedOut, "mail for Ada is none for Bob");
    assert_eq!(begun.elapsed(), HOUR);
    let forever = wait(&office, start, Duration::MAX);
    sleep(100 * HOUR).await;
    assert!(!forever.is_finished());
    submit(&office, &["bob@agents.example"]).await.unwrap();
    assert_eq!(forever.await.unwrap().unwrap(), Arrival::New);
}

#[tokio::test]
async fn what_is_there_already_is_new_even_without_time_to_wait() {
    let office = office();
    let start = beginning(&office, "bob").await;
    assert_eq!(office.wait(&login("bob"), start, Duration::ZERO).await.unwrap(), Arrival::TimedOut);
    submit(&office, &["bob@agents.example"]).await.unwrap();
    // More often than Tokio lets one task run on without a break.
    for _ in 0..1_000 {
        assert_eq!(office.wait(&login("bob"), start, Duration::ZERO).await.unwrap(), Arrival::New);
    }
}

/// On one thread a loop of calls that never rest would keep all other tasks from running.
#[tokio::test]
async fn a_busy_loop_lets_other_tasks_run() {
    let office = office();
    let (bob, start) = (login("bob"), beginning(&office, "bob").await);
    for method in ["submit", "fetch", "mark_seen", "wait"] {
        let other = tokio::spawn(async {});
        let mut calls = 0;
        while !other.is_finished() {
            calls += 1;
            assert!(calls < 1_000, "{method} rests");
            match method {
                "submit" => drop(submit(&office, &["bob@agents.example"]).await.unwrap()),
                "fetch" => drop(office.fetch(&bob, &Selection::After(None), 1).await.unwrap()),
                "mark_seen" => office.mark_seen(&bob, start.uid_validity, &[]).await.unwrap(),
                _ => assert_eq!(office.wait(&bob, start, HOUR).await.unwrap(), Arrival::New),
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_login_that_ends_takes_its_waits_with_it() {
    let removals: [fn(&PostOffice); 3] = [
        |office| office.remove_mailbox(&at_home("bob")).unwrap(),
        |office| office.set_password(&at_home("bob"), "new".into()).unwrap(),
        |office| {
            office.remove_mailbox(&at_home("bob")).unwrap();
            office.add_mailbox(&at_home("bob"), "new".into(), 0).unwrap();
        },
    ];
    for end in removals {
        let office = office();
        let waiting = wait(&office, beginning(&office, "bob").await, HOUR);
        sleep(Duration::from_mins(1)).await;
        let ended = Instant::now();
        end(&office);
        let answer = waiting.await.unwrap();
        assert!(matches!(answer, Err(Error::Authentication { .. })), "{answer:?}");
        assert_eq!(ended.elapsed(), Duration::ZERO);
    }
}

#[tokio::test(start_paused = true)]
async fn a_mailbox_numbered_anew_ends_a_wait() {
    let office = office();
    let waiting = wait(&office, beginning(&office, "bob").await, HOUR);
    sleep(Duration::from_mins(1)).await;
    office.reset_uid_validity(&at_home("bob")).unwrap();
    assert_eq!(waiting.await.unwrap().unwrap(), Arrival::New);
}

#[tokio::test(start_paused = true)]
async fn a_message_that_is_gone_again_ends_no_wait() {
    let office = office();
    let start = beginning(&office, "bob").await;
    let waiting = wait(&office, start, HOUR);
    sleep(Duration::from_mins(1)).await;
    submit(&office, &["bob@agents.example"]).await.unwrap();
    office.expunge(&at_home("bob"), &[Uid::new(1).unwrap()]).unwrap();
    assert_eq!(waiting.await.unwrap().unwrap(), Arrival::TimedOut);
}

/// Lets a wait run in a task of its own, as another part of the program would.
fn wait(office: &PostOffice, after: Position, at_most: Duration) -> JoinHandle<Result<Arrival, Error>> {
    let office = office.clone();
    tokio::spawn(async move { office.wait(&login("bob"), after, at_most).await })
}

async fn beginning(office: &PostOffice, name: &str) -> Position {
    Position { uid_validity: inbox(office, name).await.uid_validity, uid: 0 }
}

const HOUR: Duration = Duration::from_hours(1);
