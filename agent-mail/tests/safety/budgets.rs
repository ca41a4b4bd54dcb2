//! No budget is ever exceeded, and the offender is throttled first.

use std::sync::Arc;
use std::time::Duration;

use agent_mail::backend::{MailAdmin, TimeAndChance};
use agent_mail::safety::{Budget, Policy, Ramp};
use agent_mail::{AgentMail, AgentMailbox, ErrorKind, NewMessage, Sending};
use futures_util::future::join_all;
use mail_access::{MailAccess, Selection};
use proptest::prelude::*;
use tokio::time::Instant;

use crate::world::{Virtual, agent, id, size, with, world};

async fn storm(agents: &[AgentMailbox], sends: usize) -> usize {
    let to = agents[0].address().clone();
    let all = (0..sends).map(|n| {
        let (mailbox, to) = (agents[n % agents.len()].clone(), to.clone());
        async move {
            match mailbox.send(NewMessage::to(to)).await {
                Ok(_) => true,
                Err(error) => {
                    assert_eq!(error.kind(), ErrorKind::RateLimited, "{error}");
                    assert!(
                        error.retry_after().is_some_and(|wait| wait <= Duration::from_hours(25)),
                        "{error:?}"
                    );
                    false
                }
            }
        }
    });
    join_all(all).await.into_iter().filter(|sent| *sent).count()
}

#[tokio::test(start_paused = true)]
async fn a_storm_stays_within_the_budget_over_restarts() {
    let world = world();
    let sends = size("AGENT_MAIL_STORM", 3_000);
    let policy = || Policy::new().with_agent_budget(Budget::per_hour(100));
    let clock = Arc::new(Virtual::new(1));
    let system = || world.system().policy(policy()).time_and_chance(clock.clone()).build().unwrap();
    let mut sent = 0;
    for _restart in 0..5 {
        let ada = agent(&system(), "ada").await;
        sent += storm(&[ada], sends / 5).await;
    }
    assert_eq!(sent, 100);
    // Room is given back within the hour and a slice of it.
    tokio::time::sleep(Duration::from_secs(3_600 + 113)).await;
    assert_eq!(storm(&[agent(&system(), "ada").await], 150).await, 100);
}

#[tokio::test(start_paused = true)]
async fn two_systems_over_one_store_share_the_budget() {
    let world = world();
    let policy =
        || Policy::new().with_fleet_budget(Budget::per_hour(60)).with_domain_budget(Budget::per_hour(50));
    let clock = Arc::new(Virtual::new(1));
    let system = || world.system().policy(policy()).time_and_chance(clock.clone()).build().unwrap();
    let (one, other) = (system(), system());
    let mut agents = Vec::new();
    for n in 0..10 {
        agents.push(agent(if n % 2 == 0 { &one } else { &other }, &format!("a{n}")).await);
    }
    let sent = storm(&agents, 400).await;
    assert!((40..=50).contains(&sent), "{sent}");
}

#[tokio::test(start_paused = true)]
async fn the_storm_of_one_leaves_the_others_their_share() {
    let policy = Policy::new().with_domain_budget(Budget::per_hour(100));
    let mail = with(&world(), policy);
    let (mad, calm) = (agent(&mail, "mad").await, agent(&mail, "calm").await);
    assert_eq!(storm(std::slice::from_ref(&mad), 500).await, 50, "half of it goes to whoever asks");
    assert_eq!(storm(std::slice::from_ref(&calm), 20).await, 20, "the others don't notice");
    assert_eq!(storm(std::slice::from_ref(&mad), 100).await, 0);
    let late = agent(&mail, "late").await;
    assert!(storm(std::slice::from_ref(&late), 10).await >= 10, "a share is left for one more");
    assert!(storm(&[mad, calm, late], 500).await <= 20, "never more than there is");
}

#[tokio::test(start_paused = true)]
async fn each_layer_counts_and_the_narrowest_is_over_first() {
    let policy = Policy::new()
        .with_agent_budget(Budget::per_hour(3))
        .with_site_budget(Budget::per_hour(12))
        .with_domain_budget(Budget::per_hour(1_000))
        .with_sites(|agent| agent.as_str().split('-').next().map(str::to_owned));
    let mail = with(&world(), policy);
    let ada = agent(&mail, "shop-ada").await;
    assert_eq!(storm(std::slice::from_ref(&ada), 10).await, 3);
    let error = ada.send(NewMessage::to(ada.address())).await.unwrap_err();
    assert!(error.to_string().contains("budget of the agent"), "{error}");
    let mut shop = Vec::new();
    for n in 0..6 {
        shop.push(agent(&mail, &format!("shop-{n}")).await);
    }
    let sent = storm(&shop, 60).await;
    assert!((5..=9).contains(&sent), "with the three before it is at most twelve: {sent}");
    assert_eq!(storm(&[agent(&mail, "blog-eva").await], 10).await, 3, "another site has its own");
}

#[tokio::test(start_paused = true)]
async fn a_message_counts_for_each_recipient() {
    let mail = with(&world(), Policy::new().with_agent_budget(Budget::per_hour(5)));
    let ada = agent(&mail, "ada").await;
    let to = |count: usize| {
        let bob = |n| format!("b{n}@outside.example").parse::<mail_access::Address>().unwrap();
        (1..count).fold(NewMessage::to(bob(0)), |message, n| message.with_bcc(bob(n)))
    };
    assert_eq!(ada.send(to(6)).await.unwrap_err().kind(), ErrorKind::PermissionDenied);
    ada.send(to(4)).await.unwrap();
    assert_eq!(ada.send(to(2)).await.unwrap_err().kind(), ErrorKind::RateLimited);
    ada.send(to(1)).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_young_domain_warms_up() {
    let policy = Policy::new().with_ramp(Ramp::days([4, 8]));
    let mail = with(&world(), policy);
    let agents = [agent(&mail, "ada").await, agent(&mail, "bob").await, agent(&mail, "eva").await];
    let first = storm(&agents, 40).await;
    assert!((3..=4).contains(&first), "{first}");
    tokio::time::sleep(Duration::from_hours(25)).await;
    let second = storm(&agents, 40).await;
    assert!((6..=8).contains(&second), "{second}");
    tokio::time::sleep(Duration::from_hours(24)).await;
    assert_eq!(storm(&agents, 40).await, 40, "the ramp is over");
}

#[tokio::test(start_paused = true)]
async fn the_mail_system_has_the_limit_too() {
    let world = world();
    let before = world.system().build().unwrap();
    agent(&before, "old").await;
    drop(before);
    let policy =
        Policy::new().with_agent_budget(Budget::per_minute(2)).with_agent_budget(Budget::per_day(40));
    assert_eq!((policy.agent_hourly_limit(), policy.domain_hourly_limit()), (Some(40), None));
    let mail = with(&world, policy);
    agent(&mail, "new").await;
    let limits = || async {
        let served = world.survey(mail.domain()).await.unwrap().unwrap();
        let mut limits: Vec<_> = served
            .mailboxes
            .iter()
            .map(|mailbox| (mailbox.address.local_part().to_owned(), mailbox.hourly_limit))
            .collect();
        limits.sort();
        limits
    };
    let (new, old) = ("agent_new".to_owned(), "agent_old".to_owned());
    assert_eq!(limits().await, [(new.clone(), Some(40)), (old.clone(), None)]);
    assert_eq!(mail.mirror_limits().await.unwrap(), 2);
    assert_eq!(limits().await, [(new, Some(40)), (old, Some(40))]);
    agent(&mail, "old").await.send(NewMessage::to(crate::world::eve())).await.unwrap();
}

#[test]
fn what_can_t_be_meant_is_refused() {
    for policy in [
        Policy::new().with_agent_budget(Budget::per_hour(0)),
        Policy::new().with_domain_budget(Budget::new(1, Duration::ZERO)),
        Policy::new().with_site_budget(Budget::per_hour(1)),
        Policy::new().with_ramp(Ramp::days([1, 0])),
    ] {
        let error = world().system().policy(policy).build().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: proptest_cases(12), ..ProptestConfig::default() })]

    #[test]
    fn no_window_of_any_layer_holds_more_than_its_budget(
        own in 1_u32..6,
        all in 2_u32..12,
        steps in proptest::collection::vec((0_usize..4, 1_usize..8, 0_u64..900), 1..25),
    ) {
        let run = async {
            let hour = Duration::from_hours(1);
            let policy = Policy::new().with_agent_budget(Budget::per_hour(own)).with_domain_budget(Budget::per_hour(all));
            let mail: AgentMail = with(&world(), policy);
            let mut agents = Vec::new();
            for n in 0..4 {
                agents.push(mail.provision(&id(&format!("a{n}"))).await.unwrap());
            }
            let mut sent: Vec<(usize, Instant)> = Vec::new();
            for (who, how_many, pause) in steps {
                let accepted = storm(std::slice::from_ref(&agents[who]), how_many).await;
                sent.extend(std::iter::repeat_n((who, Instant::now()), accepted));
                tokio::time::sleep(Duration::from_secs(pause)).await;
            }
            for (_, end) in &sent {
                let within = |(_, at): &&(usize, Instant)| at <= end && *at + hour > *end;
                assert!(sent.iter().filter(within).count() <= all as usize);
                for who in 0..4 {
                    assert!(sent.iter().filter(within).filter(|(by, _)| *by == who).count() <= own as usize);
                }
            }
        };
        tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap().block_on(run);
    }
}

fn proptest_cases(usual: u32) -> u32 {
    std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(usual)
}

#[tokio::test(start_paused = true)]
async fn what_is_set_for_one_time_goes_as_the_budgets_let_it() {
    let world = world();
    let clock = Arc::new(Virtual::new(1));
    let policy = Policy::new().with_agent_budget(Budget::per_hour(3));
    let mail = world.system().policy(policy).time_and_chance(clock.clone()).build().unwrap();
    let ada = agent(&mail, "ada").await;
    let eve = crate::world::eve();
    let (hour, begin) = (Duration::from_hours(1), clock.now());
    for n in 0..8 {
        let to_eve = NewMessage::to(eve.clone()).with_subject(n.to_string());
        ada.enqueue(Sending::new(to_eve).with_time(begin + 2 * hour)).await.unwrap();
    }
    let taken_back = ada.outbox().await.unwrap().remove(7);
    ada.cancel(&taken_back).await.unwrap();
    let too_many = (0..4).fold(NewMessage::default(), |message, n| {
        message.with_to(format!("b{n}@outside.example").parse::<mail_access::Address>().unwrap())
    });
    let never = ada.enqueue(Sending::new(too_many).with_time(begin + 2 * hour)).await.unwrap_err();
    assert_eq!(never.kind(), ErrorKind::PermissionDenied, "it is told at once");
    // What goes later takes nothing of what goes now.
    assert_eq!(storm(std::slice::from_ref(&ada), 5).await, 3);
    let login = mail_access::Login::new(eve, "eves secret".into());
    let mut got = Vec::new();
    for minutes in [119, 30, 25, 30, 30, 30, 30] {
        mail.courier().run(tokio::time::sleep(Duration::from_mins(minutes))).await;
        let all = world.post_office().fetch(&login, &Selection::Unseen, 99).await.unwrap();
        got.push(all.messages.len());
    }
    assert_eq!(got, [0, 3, 3, 6, 6, 7, 7], "three in any hour, and what was taken back takes no room");
    assert!(ada.outbox().await.unwrap().is_empty());
}
