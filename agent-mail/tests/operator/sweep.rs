//! Each call of each workflow goes wrong in each way, and the next run ends as if nothing had.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use agent_mail::backend::{RrSet, SecretStore, ServedDomain};
use agent_mail::spec::MailboxEntry;
use agent_mail::{Address, DomainSpec, Error, MemorySecrets, Operator, Plan};
use async_trait::async_trait;
use secrecy::SecretString;
use tokio::time::timeout;

use super::faults::How;
use super::plans::apply;
use super::world::{World, at, changed, domain, full};

/// What a workflow begins with, and what it does.
#[derive(Clone, Copy, Debug)]
enum Workflow {
    Onboard,
    Change,
    Offboard,
    Undo,
}

/// How the next program goes on.
#[derive(Clone, Copy, Debug)]
enum Next {
    /// It does the same again.
    Again,
    /// It finishes what was begun, and then does the same again.
    Resume,
}

impl Workflow {
    /// Returns the plan that is to be undone.
    async fn prepare(self, world: &World) -> Option<Plan> {
        if matches!(self, Self::Onboard) {
            return None;
        }
        apply(world, &full()).await;
        if !matches!(self, Self::Undo) {
            return None;
        }
        let plan = world.operator().plan(&changed()).await.unwrap();
        world.operator().apply(&plan).await.unwrap();
        Some(plan)
    }

    async fn run(self, operator: &Operator, done: Option<&Plan>) -> Result<(), Error> {
        let plan = match (self, done) {
            (Self::Onboard, _) => operator.plan(&full()).await?,
            (Self::Change, _) => operator.plan(&changed()).await?,
            (Self::Offboard, _) => operator.plan_offboard(&domain(), &[at("bob"), at("agent_bot")]).await?,
            (Self::Undo, done) => done.expect("there is one").inverse(),
        };
        operator.apply(&plan).await.map(drop)
    }
}

type State = (Option<ServedDomain>, Vec<RrSet>);

async fn state(world: &World) -> State {
    (world.admin.survey(&domain()).await.unwrap(), world.records().await)
}

async fn sweep(make: fn() -> World, workflow: Workflow, nexts: &[Next], hows: &[How]) {
    sweep_within(Duration::from_hours(1), make, workflow, nexts, hows).await;
}

/// Lets the caller of the workflow that breaks wait for so long.
async fn sweep_within(
    patience: Duration,
    make: fn() -> World,
    workflow: Workflow,
    nexts: &[Next],
    hows: &[How],
) {
    let whole = make();
    let done = workflow.prepare(&whole).await;
    workflow.run(&whole.operator(), done.as_ref()).await.unwrap();
    let wanted = state(&whole).await;
    for next in nexts.iter().copied() {
        for how in hows.iter().copied() {
            let mut calls = 0;
            while broken_at(make(), workflow, (next, how, patience), calls, &wanted).await {
                calls += 1;
            }
            assert!(calls > 10, "the workflow has calls: {calls}");
        }
    }
}

/// Returns whether the fault was met.
async fn broken_at(
    world: World,
    workflow: Workflow,
    (next, how, patience): (Next, How, Duration),
    calls: usize,
    wanted: &State,
) -> bool {
    let told = format!("{workflow:?} {next:?} {how:?} after {calls} calls");
    let done = workflow.prepare(&world).await;
    let done = done.as_ref();
    world.faults.arm(calls, how);
    let broken = timeout(patience, workflow.run(&world.operator(), done)).await;
    if !world.faults.calm() {
        return false;
    }
    // Mailcow's client repeats reads and looks writes up.
    assert!(world.mailcow.is_some() || !matches!(broken, Ok(Ok(()))), "a fault is told: {told}");
    let operator = world.operator();
    if matches!(next, Next::Resume) {
        operator.resume(&domain()).await.unwrap_or_else(|error| panic!("{error:?} {told}"));
    }
    workflow.run(&operator, done).await.unwrap_or_else(|error| panic!("{error:?} {told}"));
    assert_eq!(state(&world).await, *wanted, "{told}");
    world.check_secrets(&told).await;
    assert!(operator.resume(&domain()).await.unwrap().is_none(), "{told}");
    true
}

/// Of a broken onboarding that nobody wants any more nothing is left but what was made.
async fn abandoned(make: fn() -> World) {
    for how in How::ALL {
        for calls in 0.. {
            let world = make();
            world.faults.arm(calls, how);
            let operator = world.operator();
            drop(timeout(Duration::from_hours(1), Workflow::Onboard.run(&operator, None)).await);
            if !world.faults.calm() {
                break;
            }
            let told = format!("{how:?} after {calls} calls");
            let mut nothing = DomainSpec::new(domain(), "mail.shop.example".parse().unwrap());
            nothing.prune = true;
            apply(&world, &nothing).await;
            let served = world.served().await;
            assert!(served.mailboxes.len() <= 1 && served.aliases.is_empty(), "{served:?} {told}");
            world.check_secrets(&told).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn onboarding_embedded() {
    sweep(World::embedded, Workflow::Onboard, &BOTH, &How::ALL).await;
}

#[tokio::test(start_paused = true)]
async fn change_embedded() {
    sweep(World::embedded, Workflow::Change, &BOTH, &How::ALL).await;
}

#[tokio::test(start_paused = true)]
async fn offboarding_embedded() {
    sweep(World::embedded, Workflow::Offboard, &BOTH, &How::ALL).await;
}

#[tokio::test(start_paused = true)]
async fn abandoned_onboarding_embedded() {
    abandoned(World::embedded).await;
}

#[tokio::test(start_paused = true)]
async fn undoing_embedded() {
    sweep(World::embedded, Workflow::Undo, &BOTH, &How::ALL).await;
}

/// Here each HTTP request may go wrong, so that a change of the mail system is half done too.
#[tokio::test(start_paused = true)]
async fn onboarding_mailcow() {
    sweep(World::mailcow, Workflow::Onboard, &[Next::Again], &BROKEN).await;
}

#[tokio::test(start_paused = true)]
async fn change_mailcow() {
    sweep(World::mailcow, Workflow::Change, &[Next::Resume], &BROKEN).await;
}

#[tokio::test(start_paused = true)]
async fn offboarding_mailcow() {
    sweep(World::mailcow, Workflow::Offboard, &[Next::Again], &BROKEN).await;
}

#[tokio::test(start_paused = true)]
async fn undoing_mailcow() {
    sweep(World::mailcow, Workflow::Undo, &[Next::Again], &BROKEN).await;
}

/// A request that is never answered ends by the client's deadline; a call of another backend is given up.
#[tokio::test(start_paused = true)]
async fn onboarding_mailcow_that_hangs() {
    sweep(World::mailcow, Workflow::Onboard, &[Next::Resume], &HANGING).await;
}

#[tokio::test(start_paused = true)]
async fn change_mailcow_that_hangs() {
    sweep(World::mailcow, Workflow::Change, &[Next::Again], &HANGING).await;
}

#[tokio::test(start_paused = true)]
async fn offboarding_mailcow_that_hangs() {
    sweep(World::mailcow, Workflow::Offboard, &[Next::Resume], &HANGING).await;
}

#[tokio::test(start_paused = true)]
async fn undoing_mailcow_that_hangs() {
    sweep(World::mailcow, Workflow::Undo, &[Next::Resume], &HANGING[1..]).await;
}

/// The caller gives up at once, before the client's deadline.
#[tokio::test(start_paused = true)]
async fn mailcow_that_is_given_up() {
    for workflow in [Workflow::Onboard, Workflow::Offboard] {
        sweep_within(Duration::from_secs(1), World::mailcow, workflow, &[Next::Again], &HANGING[1..]).await;
    }
}

const BROKEN: [How; 2] = [How::NotDone, How::DoneButLost];
const HANGING: [How; 2] = [How::Hangs, How::DoneButHangs];
const BOTH: [Next; 2] = [Next::Again, Next::Resume];

/// A store into which another process, which finishes the same plan, puts its own password right after the first one.
#[derive(Debug)]
struct Overtaken(Arc<MemorySecrets>, AtomicBool);

#[async_trait]
impl SecretStore for Overtaken {
    async fn get(&self, address: &Address) -> Result<Option<SecretString>, Error> {
        self.0.get(address).await
    }

    async fn put(&self, address: &Address, secret: &SecretString) -> Result<(), Error> {
        self.0.put(address, secret).await?;
        if self.1.swap(false, Ordering::SeqCst) {
            self.0.put(address, &"Of-another-process-7".into()).await?;
        }
        Ok(())
    }

    async fn remove(&self, address: &Address) -> Result<(), Error> {
        self.0.remove(address).await
    }
}

#[tokio::test]
async fn a_mailbox_has_the_password_that_is_stored_whoever_stored_it() {
    let world = World::embedded();
    let spec = DomainSpec::new(domain(), "mail.shop.example".parse().unwrap())
        .with_mailbox(MailboxEntry::new(at("ada")));
    let secrets = Arc::new(Overtaken(world.secrets.clone(), AtomicBool::new(true)));
    let operator = Operator::builder(world.admin.clone()).secrets(secrets).state(world.state.clone());
    let operator = operator.build().unwrap();
    operator.apply(&operator.plan(&spec).await.unwrap()).await.unwrap();
    world.check_secrets("after two processes").await;
}
