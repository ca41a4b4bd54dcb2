//! Steps backwards.

use mail_access::DomainName;

use super::seen::Seen;
use super::{Step, zone};
use crate::backend::{MailChange, RrSet};
use crate::{Error, ErrorKind};

/// Returns the steps that undo others once they are done, and what they can't bring back.
pub(super) fn inverse(domain: &DomainName, steps: &[Step]) -> (Vec<Step>, Vec<String>) {
    let removes_domain = steps.iter().any(
        |step| matches!(step, Step::Mail { undo: Some(undo), .. } if **undo == MailChange::RemoveDomain),
    );
    let mut losses = Vec::new();
    let mut undone = Vec::new();
    for step in steps.iter().rev() {
        undone.extend(backwards(step));
        losses.extend(match step {
            Step::Provision { address, restores: true, .. } => {
                Some(format!("{address} keeps its mailbox, as its agent was there before"))
            }
            Step::Provision { address, .. } => Some(format!("mail that {address} got goes with the agent")),
            Step::Retire { address, .. } => Some(format!("the mail of {address} is gone for good")),
            Step::Mail { change, .. } => match &**change {
                MailChange::AddMailbox { mailbox } => {
                    Some(format!("mail that {} got goes with the mailbox", mailbox.address))
                }
                MailChange::RemoveMailbox { address } => Some(format!(
                    "the mail of {address} is gone for good; it comes back empty, with a new password"
                )),
                MailChange::AddDkim { .. } if !removes_domain => {
                    Some(format!("the signing key of {domain} stays"))
                }
                MailChange::SetAlias { alias } if !can_be_undone(step) => {
                    Some(format!("alias {} was switched off, and stays on", alias.address))
                }
                MailChange::SetCatchAll { .. } if !can_be_undone(step) => {
                    Some(format!("the catch-all of {domain} was switched off, and stays on"))
                }
                _ => None,
            },
            _ => None,
        });
    }
    (undone, losses)
}

/// Returns what is still to be done to undo others. What is neither as they made it nor as it was before was changed by
/// somebody else, unless it is as an undoing that was interrupted leaves it.
pub(super) fn steps(done: &[Step], seen: &Seen, resuming: bool) -> Result<Vec<Step>, Error> {
    let mut left = Vec::new();
    for step in done.iter().rev() {
        let (is_undone, is_done) = match step {
            Step::ForgetSecret { .. }
            | Step::Mail { undo: None, .. }
            | Step::Provision { restores: true, .. } => continue,
            Step::Mail { change, undo: Some(undo) } => (seen.holds(undo), seen.holds(change)),
            Step::Provision { agent, .. } => {
                let is_known = seen.agents.get(agent).is_some_and(|agent| agent.phase.is_some());
                (!is_known, is_known)
            }
            Step::Retire { agent, .. } => (seen.is_provisioned(agent), !seen.is_provisioned(agent)),
            Step::Record { old, new } => {
                (zone::is(seen, step, old.as_ref()), zone::is(seen, step, new.as_ref()))
            }
            // What the plan wrote is what plans still claim there.
            Step::KeyRecord { name, old } => {
                let claim = seen.ledger.record(name, "TXT");
                (zone::is(seen, step, old.as_ref()), claim.is_some() && zone::is(seen, step, claim))
            }
        };
        if is_undone {
            continue;
        }
        let is_half_undone = || match step {
            Step::Mail { change, undo: Some(undo) } => seen.is_on_the_way(change, undo),
            _ => false,
        };
        if !(is_done || resuming && is_half_undone()) {
            return Err(Error::new(ErrorKind::Stale, "apply plan", step.subject())
                .with_detail("it is neither as the plan made it nor as it was before")
                .with_fix("look who changed it, and make a plan from a specification"));
        }
        left.extend(match (backwards(step), step) {
            (Some(Step::Record { new, .. }), Step::KeyRecord { name, .. }) => {
                let old = seen.zone.as_ref().and_then(|zone| zone.find(name, "TXT")).cloned();
                Some(Step::Record { old, new })
            }
            (Some(Step::Mail { change, .. }), _) => seen.step(*change),
            (other, _) => other,
        });
    }
    Ok(left)
}

fn can_be_undone(step: &Step) -> bool {
    backwards(step).is_some()
}

fn backwards(step: &Step) -> Option<Step> {
    Some(match step.clone() {
        Step::ForgetSecret { .. } | Step::Provision { restores: true, .. } => return None,
        Step::Mail { change, undo } => Step::Mail { change: undo?, undo: Some(change) },
        Step::Provision { agent, address, .. } => Step::Retire { agent, address },
        Step::Retire { agent, address } => Step::Provision { agent, address, restores: false },
        Step::Record { old, new } => Step::Record { old: new, new: old },
        Step::KeyRecord { name, old } => {
            Step::Record { old: Some(RrSet::new(name, "TXT", 0, Vec::new())), new: old }
        }
    })
}
