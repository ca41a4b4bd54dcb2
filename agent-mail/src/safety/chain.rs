//! The checks on what is sent, in their order and by their names.

use std::ops::Range;
use std::sync::Arc;

use super::{Letter, OutboundCheck, rule};
use crate::drafts::{Errand, Holder};
use crate::system::System;
use crate::{AgentMailbox, Error, observe};

/// The filters of the rules, and the checks behind them.
pub(super) struct Chain<'a> {
    all: Vec<&'a Arc<dyn OutboundCheck>>,
    /// How many of them are filters.
    pub(super) filters: usize,
}

impl<'a> Chain<'a> {
    pub(super) fn of(system: &'a System) -> Self {
        let filters = system.policy.as_ref().map_or(&[][..], |policy| &policy.filters);
        Self { all: filters.iter().chain(&system.outbound).collect(), filters: filters.len() }
    }

    /// Asks some of them that have not passed the message before, and tells whether they changed it.
    pub(super) async fn ask(
        &self,
        mailbox: &AgentMailbox,
        letter: &mut Letter,
        errand: &Errand,
        which: Range<usize>,
    ) -> Result<bool, Error> {
        let mut changed = false;
        for at in which {
            if !errand.passes(|| self.name(at)) {
                let ruling = observe::outbound(&**self.all[at], letter).await?;
                changed |= rule(mailbox, letter, ruling, errand, || self.holder(at)).await?;
            }
        }
        Ok(changed)
    }

    pub(super) fn len(&self) -> usize {
        self.all.len()
    }

    /// Names one by its own word, and by how many before it have the same.
    fn name(&self, at: usize) -> String {
        let own = self.all[at].name();
        let before = self.all[..at].iter().filter(|check| check.name() == own).count();
        format!("{before} {own}")
    }

    fn holder(&self, at: usize) -> Holder {
        Holder { name: self.name(at), passed: (0..at).map(|before| self.name(before)).collect() }
    }
}
