use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use async_trait::async_trait;
use mail_access::conformance::{Harness, Missing};
use mail_access::{
    Address, DomainName, EnvelopeRule, Fault, FaultRule, FolderName, Hub, HubAccess, Login, MailAccess,
    MessageStore, Policy, PostOffice, Uid,
};

/// A hub over an office of its own.
#[derive(Debug)]
pub(crate) struct HubHarness {
    office: PostOffice,
    hub: Login,
    access: HubAccess,
    made: AtomicU32,
}

impl HubHarness {
    pub(crate) fn new() -> Self {
        let policy =
            Policy::like_postfix().with_size_limit(SIZE_LIMIT).with_recipients_limit(RECIPIENTS_LIMIT);
        let office = PostOffice::builder().with_policy(policy).build();
        let hub = Login::new("hub@agents.example".parse().unwrap(), "a password".into());
        for domain in ["agents.example", PLAIN] {
            office.add_domain(domain.parse().unwrap());
        }
        office.add_mailbox(hub.address(), hub.password().clone(), 0).unwrap();
        office.add_catch_all(hub.address().domain(), vec![hub.address().clone()]).unwrap();
        let builder = Hub::builder(Arc::new(office.clone()), hub.clone(), EnvelopeRule::mailcow());
        Self { office, hub, access: builder.start_access(), made: AtomicU32::new(0) }
    }

    fn name(&self, domain: &str) -> Address {
        format!("agent-{}@{domain}", self.made.fetch_add(1, Ordering::Relaxed)).parse().unwrap()
    }
}

#[async_trait]
impl Harness for HubHarness {
    fn access(&self) -> Arc<dyn MailAccess> {
        Arc::new(self.access.clone())
    }

    fn store(&self) -> Result<Arc<dyn MessageStore>, Missing> {
        Err(Missing("an address of a hub is an inbox and no more".to_owned()))
    }

    fn size_limit(&self) -> usize {
        SIZE_LIMIT
    }

    fn recipients_limit(&self) -> Result<usize, Missing> {
        Ok(RECIPIENTS_LIMIT)
    }

    async fn mailbox(&self) -> Login {
        let address = self.name("agents.example");
        self.access.add(&address);
        Login::new(address, "never looked at".into())
    }

    async fn catch_all(&self) -> Result<(Login, DomainName), Missing> {
        Err(Missing("no address of a hub is a catch-all".to_owned()))
    }

    async fn refused_recipient(&self) -> Result<Address, Missing> {
        Ok(self.name(PLAIN))
    }

    async fn failing_recipient(&self) -> Result<Address, Missing> {
        let alias = self.name(PLAIN);
        self.office.add_alias(&alias, vec![self.name(PLAIN)]).unwrap();
        Ok(alias)
    }

    async fn small_mailbox(&self, _: u32) -> Result<Login, Missing> {
        Err(Missing("the addresses of a hub share one quota".to_owned()))
    }

    async fn interrupt_next(&self, login: &Login, taken: bool) -> Result<(), Missing> {
        let fault = if taken { Fault::SubmitTakenAndLost } else { Fault::SubmitLost };
        let sender = login.address().clone();
        self.office
            .add_fault(FaultRule::new(fault).with_matching(move |message| message.sender() == &sender));
        Ok(())
    }

    async fn interrupt_copy(&self, _: &Login, _: &FolderName, _: bool) -> Result<(), Missing> {
        self.store().map(drop)
    }

    async fn break_next(&self, login: &Login, with_header: bool) -> Result<(), Missing> {
        if !with_header {
            return Err(Missing("without its header a message is a dead letter".to_owned()));
        }
        let sender = login.address().clone();
        let rule = FaultRule::new(Fault::DeliveredBroken { with_header });
        self.office.add_fault(rule.with_matching(move |message| message.sender() == &sender));
        Ok(())
    }

    async fn expunge(&self, _: &Login, uids: &[Uid]) -> Result<(), Missing> {
        self.office.expunge(self.hub.address(), uids).unwrap();
        Ok(())
    }

    async fn renumber(&self, _: &Login) -> Result<(), Missing> {
        self.office.reset_uid_validity(self.hub.address()).unwrap();
        Ok(())
    }
}

const PLAIN: &str = "plain.example";
const RECIPIENTS_LIMIT: usize = 30;
const SIZE_LIMIT: usize = 2 << 20;
