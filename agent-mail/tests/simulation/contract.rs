//! A world without troubles is a mail system like any other: the cases of the contracts of `MailAccess` and
//! `MessageStore`.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use agent_mail::mail_access::conformance::{CASES, Harness, Missing};
use agent_mail::mail_access::{
    Address, DomainName, Fault, FolderName, Login, MailAccess, MessageStore, NewMessage, Policy, Uid,
};
use agent_mail::simulator::Simulation;
use async_trait::async_trait;

use super::paused;

#[test]
fn a_calm_world_keeps_the_contract_of_mail_access() {
    for case in CASES {
        let runtime = paused();
        let entered = runtime.enter();
        let world = SimulatedMail::new();
        drop(entered);
        let kept = runtime.block_on(case.run(&world));
        assert_eq!(kept, Ok(()), "{}", case.name());
    }
}

#[derive(Debug)]
struct SimulatedMail {
    world: Simulation,
    made: AtomicU32,
}

impl SimulatedMail {
    fn new() -> Self {
        let policy = Policy::new().with_size_limit(SIZE_LIMIT).with_recipients_limit(RECIPIENTS_LIMIT);
        let world = Simulation::builder(1).policy(policy).build();
        world.post_office().add_domain(domain());
        Self { world, made: AtomicU32::new(0) }
    }

    fn name(&self) -> Address {
        let name = format!("agent-{}", self.made.fetch_add(1, Ordering::Relaxed));
        Address::new(&name, domain()).unwrap()
    }

    fn add_mailbox(&self, quota_mib: u64) -> Login {
        let address = self.name();
        self.world.post_office().add_mailbox(&address, PASSWORD.into(), quota_mib).unwrap();
        Login::new(address, PASSWORD.into())
    }
}

#[async_trait]
impl Harness for SimulatedMail {
    fn access(&self) -> Arc<dyn MailAccess> {
        self.world.mail_access()
    }

    fn store(&self) -> Result<Arc<dyn MessageStore>, Missing> {
        Ok(self.world.message_store())
    }

    fn size_limit(&self) -> usize {
        SIZE_LIMIT
    }

    fn recipients_limit(&self) -> Result<usize, Missing> {
        Ok(RECIPIENTS_LIMIT)
    }

    async fn mailbox(&self) -> Login {
        self.add_mailbox(0)
    }

    async fn catch_all(&self) -> Result<(Login, DomainName), Missing> {
        let hub = self.add_mailbox(0);
        let name: DomainName = format!("{}.example", hub.address().local_part()).parse().unwrap();
        self.world.post_office().add_domain(name.clone());
        self.world.post_office().add_catch_all(&name, vec![hub.address().clone()]).unwrap();
        Ok((hub, name))
    }

    async fn refused_recipient(&self) -> Result<Address, Missing> {
        let full = self.add_mailbox(1);
        let office = self.world.post_office();
        for lines in [14_000, 1] {
            let text = format!("{}\r\n", "x".repeat(70)).repeat(lines);
            let note = NewMessage::to(full.address()).with_text(text).seal(&full.address().into()).unwrap();
            while office.submit(&full, &note).await.is_ok() {}
        }
        Ok(full.address().clone())
    }

    async fn failing_recipient(&self) -> Result<Address, Missing> {
        let alias = self.name();
        self.world.post_office().add_alias(&alias, vec![self.name()]).unwrap();
        Ok(alias)
    }

    async fn small_mailbox(&self, mib: u32) -> Result<Login, Missing> {
        Ok(self.add_mailbox(mib.into()))
    }

    async fn interrupt_next(&self, login: &Login, taken: bool) -> Result<(), Missing> {
        let fault = if taken { Fault::SubmitTakenAndLost } else { Fault::SubmitLost };
        self.world.post_office().fail_next(login.address(), fault);
        Ok(())
    }

    async fn interrupt_copy(&self, login: &Login, _: &FolderName, taken: bool) -> Result<(), Missing> {
        let fault = if taken { Fault::ChangeTakenAndLost } else { Fault::ChangeLost };
        self.world.post_office().fail_next(login.address(), fault);
        Ok(())
    }

    async fn break_next(&self, login: &Login, with_header: bool) -> Result<(), Missing> {
        self.world.post_office().fail_next(login.address(), Fault::DeliveredBroken { with_header });
        Ok(())
    }

    async fn expunge(&self, login: &Login, uids: &[Uid]) -> Result<(), Missing> {
        self.world.post_office().expunge(login.address(), uids).unwrap();
        Ok(())
    }

    async fn renumber(&self, login: &Login) -> Result<(), Missing> {
        self.world.post_office().reset_uid_validity(login.address()).unwrap();
        Ok(())
    }
}

fn domain() -> DomainName {
    "agents.example".parse().unwrap()
}

const RECIPIENTS_LIMIT: usize = 30;
const PASSWORD: &str = "a-password";
const SIZE_LIMIT: usize = 2 << 20;
