//! Mail that is held up in a world in memory, and at the fake of Mailcow.

use std::sync::Arc;
use std::time::SystemTime;

use agent_mail::conformance::HeldUpHarness;
use agent_mail::health::{QuarantineControl, QuarantineId, QueueControl, QueueId, QueuedMail};
use agent_mail::{Address, NewMessage};
use serde_json::json;

use crate::{EmbeddedWorld, FakeServer};

impl HeldUpHarness for EmbeddedWorld {
    fn queue(&self) -> Arc<dyn QueueControl> {
        Arc::new(self.0.vitals().clone())
    }

    fn quarantine(&self) -> Arc<dyn QuarantineControl> {
        Arc::new(self.0.vitals().clone())
    }

    fn put_in_queue(&self, id: &QueueId) {
        self.0.vitals().put_in_queue(QueuedMail::new(id.clone(), SystemTime::now(), "ada@agents.example"));
    }

    fn put_in_quarantine(&self) -> QuarantineId {
        let ada: Address = "ada@agents.example".parse().expect("it is an address");
        let office = self.0.post_office();
        office.add_domain(crate::domain());
        if !office.has_mailbox(&ada) {
            office.add_mailbox(&ada, "a password".to_owned().into(), 0).expect("it can be made");
        }
        let sender = "eve@far.example".parse::<Address>().expect("it is an address").into();
        let message = NewMessage::to(ada).with_subject("Win").seal(&sender).expect("it can be sealed");
        self.0.vitals().quarantine(message, 16.5)
    }
}

impl HeldUpHarness for FakeServer {
    fn queue(&self) -> Arc<dyn QueueControl> {
        self.mailcow.clone()
    }

    fn quarantine(&self) -> Arc<dyn QuarantineControl> {
        self.mailcow.clone()
    }

    fn put_in_queue(&self, id: &QueueId) {
        self.fake.put_in_mail_queue(&json!({"queue_id": id.as_str(), "queue_name": "deferred"}), "");
    }

    fn put_in_quarantine(&self) -> QuarantineId {
        QuarantineId::new(self.fake.quarantine(&json!({"rcpt": "ada@agents.example", "score": 16.5})))
    }
}
