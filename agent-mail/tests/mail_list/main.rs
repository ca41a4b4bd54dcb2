//! Lists of mailboxes: who comes in, who goes, and what is left when something breaks.

#[path = "../operator/faults.rs"]
#[allow(dead_code, reason = "other tests need other faults")]
mod faults;
#[path = "../stage/mod.rs"]
mod stage;

use std::collections::HashSet;

use agent_mail::backend::{MailAdmin, SecretStore};
use agent_mail::mail_list::{MailList, Roster};
use agent_mail::{Address, DomainSpec, Error, ErrorKind};
use faults::How;
use secrecy::ExposeSecret;
use stage::{Stage, until_it_hangs};

const ZONE: &str = "shops.example";
const BLUE: &str = "blue.shops.example";

fn roster(stage: &Stage) -> Roster {
    let template = DomainSpec::new(ZONE.parse().unwrap(), "mail.shops.example".parse().unwrap());
    Roster::new(stage.operator(), template).unwrap()
}

fn list(text: &str) -> MailList {
    text.parse().unwrap()
}

fn both() -> MailList {
    list(
        "domains:
           - {name: blue.shops.example, users: [ada, {name: bob, display_name: Bob, quota_mib: 64}]}
           - {name: red.shops.example, users: [cleo]}",
    )
}

async fn apply(stage: &Stage, list: &MailList) -> Result<usize, Error> {
    let roster = roster(stage);
    let plan = roster.plan(list).await?;
    let applied = roster.apply(&plan).await?;
    Ok(applied.iter().map(|one| one.steps.len()).sum())
}

#[tokio::test]
async fn a_list_comes_into_being_once() {
    let stage = Stage::new(ZONE);
    let roster = roster(&stage);
    let plan = roster.plan(&both()).await.unwrap();
    assert_eq!((plan.plans().len(), plan.users_added()), (2, 3));
    assert!(plan.to_string().contains("bob@blue.shops.example"), "{plan}");
    let mut told = Vec::new();
    roster.apply_with(&plan, |progress| told.push((progress.done, progress.total))).await.unwrap();
    let total = plan.steps().count();
    assert_eq!(told, (1..=total).map(|done| (done, total)).collect::<Vec<_>>());

    let served = stage.world.survey(&BLUE.parse().unwrap()).await.unwrap().unwrap();
    let bob = served.mailboxes.iter().find(|one| one.address.local_part() == "bob").unwrap();
    assert_eq!((&*bob.name, bob.quota_mib, bob.by_plan), ("Bob", 64, true));
    let mut passwords = HashSet::new();
    for address in ["ada@blue.shops.example", "bob@blue.shops.example", "cleo@red.shops.example"] {
        let password = stage.secrets.get(&address.parse().unwrap()).await.unwrap().unwrap();
        assert!(password.expose_secret().len() >= 16);
        passwords.insert(password.expose_secret().to_owned());
    }
    assert_eq!(passwords.len(), 3);

    let again = roster.plan(&both()).await.unwrap();
    assert!(again.is_empty(), "{again}");
    assert_eq!(apply(&stage, &both()).await.unwrap(), 0);
    // Who is not named any more stays; going is a matter of its own.
    assert!(roster.plan(&list("domains: [{name: blue.shops.example, users: []}]")).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_plan_can_be_written_down_and_a_stale_one_is_refused() {
    let stage = Stage::new(ZONE);
    let roster = roster(&stage);
    let plan = roster.plan(&both()).await.unwrap();
    let text = serde_json::to_string(&plan).unwrap();
    assert_eq!(serde_json::from_str::<agent_mail::mail_list::RosterPlan>(&text).unwrap(), plan);
    apply(&stage, &list("domains: [{name: blue.shops.example, users: [ada]}]")).await.unwrap();
    assert_eq!(roster.apply(&plan).await.unwrap_err().kind(), ErrorKind::Stale);
}

#[tokio::test]
async fn nothing_is_half_applied() {
    let stage = Stage::new(ZONE);
    // The second domain lies in none of the operator's zones: the first one is not touched either.
    let wrong =
        list("domains: [{name: blue.shops.example, users: [ada]}, {name: elsewhere.example, users: [bob]}]");
    assert_eq!(apply(&stage, &wrong).await.unwrap_err().kind(), ErrorKind::InvalidInput);
    assert!(stage.world.survey(&BLUE.parse().unwrap()).await.unwrap().is_none());
    assert_eq!(format!("{:?}", stage.secrets), "MemorySecrets { secrets: 0 }");
}

#[tokio::test]
async fn who_goes_goes_with_the_password() {
    let stage = Stage::new(ZONE);
    apply(&stage, &both()).await.unwrap();
    let bob: Address = "bob@blue.shops.example".parse().unwrap();
    let gone = roster(&stage).offboard(&bob).await.unwrap();
    assert_eq!(gone.steps.len(), 1);
    assert!(stage.secrets.get(&bob).await.unwrap().is_none());
    let served = stage.world.survey(bob.domain()).await.unwrap().unwrap();
    assert_eq!(served.mailboxes.len(), 1);
    assert!(roster(&stage).offboard(&bob).await.unwrap().steps.is_empty());

    // A mailbox that others made is theirs.
    let theirs: Address = "eve@blue.shops.example".parse().unwrap();
    stage.world.post_office().add_mailbox(&theirs, "theirs".to_owned().into(), 0).unwrap();
    assert_eq!(roster(&stage).offboard(&theirs).await.unwrap_err().kind(), ErrorKind::AlreadyExists);
    assert!(stage.world.post_office().has_mailbox(&theirs));
}

#[test]
fn a_template_names_nobody() {
    let stage = Stage::new(ZONE);
    let template = || DomainSpec::new(ZONE.parse().unwrap(), "mail.shops.example".parse().unwrap());
    let mut pruning = template();
    pruning.prune = true;
    let named = template().with_catch_all(["ada@shops.example".parse().unwrap()]);
    for template in [pruning, named] {
        assert_eq!(Roster::new(stage.operator(), template).unwrap_err().kind(), ErrorKind::InvalidInput);
    }
}

/// Each call of onboarding and offboarding breaks once, in each way; the next run finishes, and nothing is left over.
#[tokio::test(start_paused = true)]
async fn whatever_breaks_the_next_run_finishes() {
    let mut broken = 0;
    for offboarding in [false, true] {
        let wanted = {
            let stage = prepared(offboarding).await;
            run(&stage, offboarding).await.unwrap();
            seen(&stage).await
        };
        for how in How::ALL {
            for k in 0.. {
                let stage = prepared(offboarding).await;
                stage.faults.arm(k, how);
                let first = until_it_hangs(run(&stage, offboarding)).await;
                if !stage.faults.calm() {
                    assert!(first.is_some_and(|first| first.is_ok()), "nothing broke");
                    break;
                }
                broken += 1;
                run(&stage, offboarding).await.unwrap_or_else(|error| panic!("{how:?} {k}: {error}"));
                assert_eq!(seen(&stage).await, wanted, "{how:?} {k}");
            }
        }
    }
    assert!(broken > 80, "{broken} calls were broken");
}

async fn prepared(offboarding: bool) -> Stage {
    let stage = Stage::new(ZONE);
    if offboarding {
        apply(&stage, &both()).await.unwrap();
    }
    stage
}

async fn run(stage: &Stage, offboarding: bool) -> Result<(), Error> {
    if offboarding {
        return roster(stage).offboard(&"bob@blue.shops.example".parse().unwrap()).await.map(drop);
    }
    apply(stage, &both()).await.map(drop)
}

async fn seen(stage: &Stage) -> String {
    format!("{}\n{}", stage.shown(BLUE).await, stage.shown("red.shops.example").await)
}
