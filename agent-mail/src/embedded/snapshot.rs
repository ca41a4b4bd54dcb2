//! A second world like this one, for whoever goes on from the same moment twice.

use std::sync::{Arc, Mutex};

use mail_access::PostOffice;

use super::{Embedded, World, lock};
use crate::Vitals;

impl Embedded {
    /// Makes a world with copies of all that stands beside the mail. Figures, queue and quarantine begin anew.
    pub(crate) fn copy_around(&self, post_office: PostOffice) -> Self {
        Self(Arc::new(World {
            domain: self.0.domain.clone(),
            vitals: Vitals::new(post_office.clone()),
            post_office,
            registry: Mutex::new(lock(&self.0.registry).clone()),
            records: Mutex::new(lock(&self.0.records).clone()),
            state: Arc::new(self.0.state.copy()),
            secrets: Arc::new(self.0.secrets.copy()),
        }))
    }

    /// Shows the records of the state, in the order of their keys.
    pub(crate) fn for_each_record(&self, see: impl FnMut(&str, &[u8])) {
        self.0.state.for_each(see);
    }
}
