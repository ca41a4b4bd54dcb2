//! What the mail system says of a domain's other names, for as long as that can be believed.

use std::sync::{Mutex, PoisonError};

use mail_access::DomainName;
use tokio::sync::Mutex as AsyncMutex;
use tokio::time::Instant;

use super::gate::REST;
use crate::Error;

/// The alias domains of a domain, as they were last told.
#[derive(Default)]
pub(super) struct OtherNames {
    told: Mutex<Option<(Instant, Vec<DomainName>)>>,
    /// Held while they are asked for again: others wait for the outcome.
    asking: AsyncMutex<()>,
}

impl OtherNames {
    /// Notes what was said when it was asked for.
    pub(super) fn note(&self, asked: Instant, names: Vec<DomainName>) {
        *self.told.lock().unwrap_or_else(PoisonError::into_inner) = Some((asked, names));
    }

    /// Tells whether all of these are names of the domain. If that was last heard long ago, `ask` has to [`note`](Self::note)
    /// it anew; while nobody can say, they are not.
    pub(super) async fn have(
        &self,
        names: &[&DomainName],
        ask: impl AsyncFnOnce() -> Result<(), Error>,
    ) -> bool {
        if self.age(names) == Some(Age::Old) {
            let _alone = self.asking.lock().await;
            // Whoever held the lock since we looked has asked for us too.
            if self.age(names) == Some(Age::Old)
                && let Err(error) = ask().await
            {
                tracing::warn!(%error, "the alias domains could not be found out");
            }
        }
        self.age(names) == Some(Age::Fresh)
    }

    /// Returns how old the knowledge is that these are names of the domain, if there is such.
    fn age(&self, names: &[&DomainName]) -> Option<Age> {
        let told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let (asked, known) = told.as_ref()?;
        let age = if asked.elapsed() < REST { Age::Fresh } else { Age::Old };
        names.iter().all(|name| known.contains(name)).then_some(age)
    }
}

#[derive(PartialEq, Eq)]
enum Age {
    Fresh,
    Old,
}
