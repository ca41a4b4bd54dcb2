use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use async_trait::async_trait;
use mail_access::conformance::{Harness, Missing};
use mail_access::{
    Address, DomainName, Fault, FolderName, Login, MailAccess, MessageStore, NewMessage, Outgoing, Policy,
    PostOffice, Uid,
};

/// One office for all cases, each of which gets mailboxes of its own.
#[derive(Debug)]
pub(crate) struct OfficeHarness {
    office: PostOffice,
    domain: DomainName,
    made: AtomicU32,
    refuses_unknown: bool,
}

impl OfficeHarness {
    pub(crate) fn new(policy: Policy) -> Self {
        let refuses_unknown = policy == Policy::like_postfix();
        let policy = policy.with_size_limit(SIZE_LIMIT).with_recipients_limit(RECIPIENTS_LIMIT);
        let office = PostOffice::builder().with_policy(policy).build();
        let domain: DomainName = "agents.example".parse().unwrap();
        office.add_domain(domain.clone());
        Self { office, domain, made: AtomicU32::new(0), refuses_unknown }
    }

    fn name(&self) -> Address {
        let name = format!("agent-{}", self.made.fetch_add(1, Ordering::Relaxed));
        Address::new(&name, self.domain.clone()).unwrap()
    }

    fn add_mailbox(&self, quota_mib: u64) -> Login {
        let address = self.name();
        self.office.add_mailbox(&address, PASSWORD.into(), quota_mib).unwrap();
        Login::new(address, PASSWORD.into())
    }
}

#[async_trait]
impl Harness for OfficeHarness {
    fn access(&self) -> Arc<dyn MailAccess> {
        Arc::new(self.office.clone())
    }

    fn store(&self) -> Result<Arc<dyn MessageStore>, Missing> {
        Ok(Arc::new(self.office.clone()))
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
        let domain: DomainName = format!("{}.example", hub.address().local_part()).parse().unwrap();
        self.office.add_domain(domain.clone());
        self.office.add_catch_all(&domain, vec![hub.address().clone()]).unwrap();
        Ok((hub, domain))
    }

    async fn refused_recipient(&self) -> Result<Address, Missing> {
        if self.refuses_unknown {
            return Ok(self.name());
        }
        let full = self.add_mailbox(1);
        // One message takes nearly all of the room, small ones the rest.
        let text = format!("{}\r\n", "x".repeat(70)).repeat(14_000);
        self.office.submit(&full, &to_itself(&full, &text)).await.unwrap();
        while self.office.submit(&full, &to_itself(&full, "")).await.is_ok() {}
        Ok(full.address().clone())
    }

    async fn failing_recipient(&self) -> Result<Address, Missing> {
        let alias = self.name();
        self.office.add_alias(&alias, vec![self.name()]).unwrap();
        Ok(alias)
    }

    async fn small_mailbox(&self, mib: u32) -> Result<Login, Missing> {
        Ok(self.add_mailbox(mib.into()))
    }

    async fn interrupt_next(&self, login: &Login, taken: bool) -> Result<(), Missing> {
        let fault = if taken { Fault::SubmitTakenAndLost } else { Fault::SubmitLost };
        self.office.fail_next(login.address(), fault);
        Ok(())
    }

    async fn interrupt_copy(&self, login: &Login, _: &FolderName, taken: bool) -> Result<(), Missing> {
        let fault = if taken { Fault::ChangeTakenAndLost } else { Fault::ChangeLost };
        self.office.fail_next(login.address(), fault);
        Ok(())
    }

    async fn break_next(&self, login: &Login, with_header: bool) -> Result<(), Missing> {
        self.office.fail_next(login.address(), Fault::DeliveredBroken { with_header });
        Ok(())
    }

    async fn expunge(&self, login: &Login, uids: &[Uid]) -> Result<(), Missing> {
        self.office.expunge(login.address(), uids).unwrap();
        Ok(())
    }

    async fn renumber(&self, login: &Login) -> Result<(), Missing> {
        self.office.reset_uid_validity(login.address()).unwrap();
        Ok(())
    }
}

fn to_itself(login: &Login, text: &str) -> Outgoing {
    NewMessage::to(login.address()).with_text(text).seal(&login.address().into()).unwrap()
}

const RECIPIENTS_LIMIT: usize = 30;
const PASSWORD: &str = "a-password";
/// Below the 100 MiB of Mailcow, so that the case of the oversized message stays quick.
const SIZE_LIMIT: usize = 2 << 20;
