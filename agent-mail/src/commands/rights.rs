//! What a commander may do.

use std::collections::BTreeSet;

use super::{Action, Command};
use crate::{AgentId, Error, ErrorKind};

/// What a commander may do, and to whose mailboxes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rights {
    actions: BTreeSet<Action>,
    /// `None` for those of all agents.
    agents: Option<BTreeSet<AgentId>>,
}

impl Rights {
    /// Allows all commands on all mailboxes.
    pub fn all() -> Self {
        Self { actions: Action::ALL.into(), agents: None }
    }

    /// Allows an agent to read and to send with its own mailbox, and nothing else.
    pub fn of_agent(agent: AgentId) -> Self {
        let actions = [Action::MonitorMailbox, Action::SendEmail].into();
        Self { actions, agents: Some([agent].into()) }
    }

    /// Allows these commands only, of those that are allowed.
    #[must_use]
    pub fn only(mut self, actions: impl IntoIterator<Item = Action>) -> Self {
        let actions: BTreeSet<Action> = actions.into_iter().collect();
        self.actions.retain(|action| actions.contains(action));
        self
    }

    /// Allows the mailboxes of these agents only, of those that are allowed.
    #[must_use]
    pub fn only_agents(mut self, agents: impl IntoIterator<Item = AgentId>) -> Self {
        let mut agents: BTreeSet<AgentId> = agents.into_iter().collect();
        agents.retain(|agent| self.allows_agent(agent));
        self.agents = Some(agents);
        self
    }

    /// Tells whether a command is allowed. One on all mailboxes is one on those that are allowed.
    pub fn allow(&self, command: &Command) -> bool {
        self.allows_action(command.action()) && command.agent().is_none_or(|agent| self.allows_agent(agent))
    }

    pub(super) fn allows_action(&self, action: Action) -> bool {
        self.actions.contains(&action)
    }

    pub(super) fn allows_agent(&self, agent: &AgentId) -> bool {
        self.agents.as_ref().is_none_or(|agents| agents.contains(agent))
    }

    /// Allows what both allow.
    pub(super) fn and(self, other: Self) -> Self {
        let both = self.only(other.actions);
        match other.agents {
            Some(agents) => both.only_agents(agents),
            None => both,
        }
    }

    /// Refuses a command that is not allowed, in the same words whether its agent is there or not.
    pub(super) fn check(&self, command: &Command) -> Result<(), Error> {
        if self.allow(command) {
            return Ok(());
        }
        Err(Error::new(ErrorKind::PermissionDenied, "execute", command.action())
            .with_code("not_allowed")
            .with_detail("the commander may not do that, or not with this mailbox")
            .with_fix("ask for nothing that isn't among the tools, and only of the own mailbox"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rights_only_get_fewer() {
        let id = |name: &str| -> AgentId { name.parse().unwrap() };
        let read =
            |name: &str| Command::MonitorMailbox { agent: id(name), reading: super::super::Reading::new() };
        let own = Rights::of_agent(id("ada"));
        assert!(own.allow(&read("ada")) && !own.allow(&read("bob")));
        assert!(!own.allow(&Command::DeleteMailbox { agent: id("ada") }));
        for wider in
            [own.clone().only(Action::ALL), own.clone().and(Rights::all()), Rights::all().and(own.clone())]
        {
            assert_eq!(wider, own);
        }
        let none = own.only_agents([id("bob")]);
        assert!(!none.allow(&read("ada")) && !none.allow(&read("bob")));
        assert!(Rights::all().allow(&Command::ListMailboxes));
    }
}
