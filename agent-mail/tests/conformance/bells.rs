//! The bells of an office in memory, and of a hub over one.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use agent_mail::Address;
use agent_mail::backend::Doorbell;
use agent_mail::conformance::DoorbellHarness;
use async_trait::async_trait;
use mail_access::{EnvelopeRule, Hub, HubAccess, Login, MailAccess, NewMessage, PostOffice};

#[derive(Debug)]
pub(crate) struct Bells {
    office: PostOffice,
    hub: Option<HubAccess>,
    sender: Login,
    made: AtomicU32,
}

impl Bells {
    pub(crate) fn new(has_hub: bool) -> Self {
        let office = PostOffice::new();
        let [sender, shared] = ["sender", "hub"].map(|name| {
            Login::new(format!("{name}@agents.example").parse().expect("an address"), "secret".into())
        });
        office.add_domain(sender.address().domain().clone());
        office.add_mailbox(sender.address(), sender.password().clone(), 0).expect("it is free");
        let hub = has_hub.then(|| {
            office.add_mailbox(shared.address(), shared.password().clone(), 0).expect("it is free");
            office
                .add_catch_all(sender.address().domain(), vec![shared.address().clone()])
                .expect("there is none");
            Hub::builder(Arc::new(office.clone()), shared, EnvelopeRule::mailcow()).start_access()
        });
        Self { office, hub, sender, made: AtomicU32::new(0) }
    }

    /// Goes on from a snapshot, which somebody listened to before.
    pub(crate) fn restored(self) -> Self {
        let _listens = self.office.arrivals();
        let office = PostOffice::builder().restore(&self.office.snapshot());
        Self { office, ..self }
    }
}

#[async_trait]
impl DoorbellHarness for Bells {
    fn doorbell(&self) -> Arc<dyn Doorbell> {
        match &self.hub {
            Some(hub) => Arc::new(hub.clone()),
            None => Arc::new(self.office.clone()),
        }
    }

    async fn mailbox(&self) -> Address {
        let number = self.made.fetch_add(1, Ordering::Relaxed);
        let address: Address = format!("agent-{number}@agents.example").parse().expect("an address");
        match &self.hub {
            Some(hub) => hub.add(&address),
            None => self.office.add_mailbox(&address, "secret".into(), 0).expect("it is free"),
        }
        address
    }

    async fn deliver(&self, to: &Address) {
        let note = NewMessage::to(to).with_subject("ring").seal(&self.sender.address().into());
        self.office.submit(&self.sender, &note.expect("it can be sent")).await.expect("it is taken");
    }
}
