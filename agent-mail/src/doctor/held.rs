//! What the spam filter holds back.

use tokio::time::timeout;

use super::catalogue::remedy;
use super::{Diagnosis, Doctor, Remedy};

impl Doctor {
    pub(super) async fn look_at_quarantine(&self, walk: &mut Diagnosis) {
        let Some(quarantine) = &self.quarantine else {
            return walk.skip("quarantine", "no access to the quarantine was given");
        };
        let own = self.address.to_string();
        match timeout(self.deadline, quarantine.quarantined()).await {
            Err(_) => walk.failed("quarantine", &super::late("read quarantine", "mail system")),
            Ok(Err(error)) => walk.failed("quarantine", &error),
            Ok(Ok(list)) => {
                let held: Vec<_> =
                    list.iter().filter(|item| item.recipient.eq_ignore_ascii_case(&own)).collect();
                if let Some(last) = held.last() {
                    let evidence = format!(
                        "{} messages, the last is {} from {} with a score of {}",
                        held.len(),
                        last.id,
                        last.sender,
                        last.score
                    );
                    walk.found("quarantine", QUARANTINED, evidence);
                }
            }
        }
        walk.done("quarantine");
    }
}

const QUARANTINED: Remedy = remedy(
    "quarantined",
    "the spam filter holds mail for the address in the quarantine",
    "release what is no spam, or teach the filter that it is ham, and allow its sender",
);
