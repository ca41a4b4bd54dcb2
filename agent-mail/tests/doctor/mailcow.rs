//! The doctor over a Mailcow: what its administration, its queue and its quarantine tell.

use std::sync::Arc;

use agent_mail::Mailcow;
use agent_mail::doctor::{Complaint, Doctor};
use mailcow_api::{DkimKeySpec, FakeHealth, FakeMailcow, Mib, NewDomain, NewMailbox};
use serde_json::json;

use crate::world::{PASSWORD, ada};

async fn fake() -> FakeMailcow {
    let fake = FakeMailcow::new();
    let client = fake.client();
    let domain = NewDomain::new("agents.example".parse().unwrap()).with_max_mailboxes(1);
    client.add_domain(&domain).await.unwrap();
    let key = DkimKeySpec::new("dkim").unwrap();
    let _made = client.ensure_dkim(&"agents.example".parse().unwrap(), &key).await.unwrap();
    let address = "ada@agents.example".parse().unwrap();
    client.add_mailbox(&NewMailbox::new(address, PASSWORD.into(), Mib::new(256))).await.unwrap();
    fake
}

async fn codes(fake: &FakeMailcow, complaint: Complaint) -> Vec<String> {
    let mailcow = Arc::new(Mailcow::new(fake.client()));
    let doctor =
        Doctor::new(ada()).with_admin(mailcow.clone()).with_health(mailcow.clone()).with_quarantine(mailcow);
    let diagnosis = doctor.examine(complaint).await;
    diagnosis.findings.iter().map(|finding| format!("{} {}", finding.step, finding.code)).collect()
}

#[tokio::test(start_paused = true)]
async fn a_mailcow_that_is_well_has_no_findings() {
    let fake = fake().await;
    let writes = fake.writes();
    for complaint in [Complaint::NotSending, Complaint::NotReceiving, Complaint::HighSpamScore] {
        assert!(codes(&fake, complaint).await.is_empty());
    }
    assert_eq!(fake.writes(), writes, "the doctor changes nothing");
}

#[tokio::test(start_paused = true)]
async fn what_a_mailcow_holds_up_is_told() {
    let fake = fake().await;
    let reason = "host mx.far.example[192.0.2.1] said: 554 5.7.1 blocked using zen.spamhaus.org";
    fake.put_in_mail_queue(
        &json!({"queue_id": "A1", "sender": "ada@agents.example", "recipients": [format!("b@far.example ({reason})")]}),
        "",
    );
    fake.quarantine(&json!({"rcpt": "ada@agents.example", "score": 16.5}));
    assert_eq!(codes(&fake, Complaint::NotSending).await, ["queue on_blocklist_spamhaus"]);
    assert_eq!(codes(&fake, Complaint::NotReceiving).await, ["quarantine quarantined"]);
    let found = codes(&fake, Complaint::CannotCreate).await;
    assert!(
        found.contains(&"domain address_taken".into())
            && found.contains(&"domain max_mailbox_exceeded".into())
    );
}

#[tokio::test(start_paused = true)]
async fn a_mailcow_that_is_down_is_one_cause_in_each_step() {
    let fake = fake().await;
    fake.set_health(FakeHealth::DatabaseDown);
    assert_eq!(
        codes(&fake, Complaint::NotReceiving).await,
        ["domain back_end_down", "figures back_end_down", "quarantine back_end_down"]
    );
    let fake = FakeMailcow::new();
    assert_eq!(codes(&fake, Complaint::NotReceiving).await, ["domain domain_not_served"]);
}
