//! Bringing the policies of a token to the wanted ones.

use std::collections::HashSet;

use super::{NewPolicy, Policy, PolicyPatch, check};
use crate::{Client, DomainName, Error, PolicyId, RecordType, SubName, TokenId};

impl Client {
    /// Brings the policies of `token` to exactly the `wanted` ones, and returns them in that order.
    ///
    /// It reads once and writes only what differs, one request for each difference: a second call writes
    /// nothing. At any moment in between the token may write only where it may before or afterwards. Repeating
    /// the call is safe, also after an error. A dropped call may have done a part of it.
    ///
    /// # Errors
    /// [`Error::InvalidInput`], before anything is sent, unless `wanted` is empty or has exactly one
    /// [default policy](NewPolicy::default_policy) and no domain, name and type twice; [`Error::Invalid`] if the
    /// server refuses a policy, for one because the token has
    /// [`auto_policy`](crate::NewToken::with_auto_policy) or the domain is not in this account;
    /// [`Error::NotFound`] if there is no such token; [`Error::Forbidden`] if the token in use may not manage
    /// tokens; [`Error::Conflict`] if another writer is at work.
    pub async fn ensure_policies(&self, token: &TokenId, wanted: &[NewPolicy]) -> Result<Vec<Policy>, Error> {
        check_all(wanted)?;
        let mut now = self.policies(token).await?;
        for step in steps(&now, wanted) {
            match step {
                Step::Create(policy) => {
                    now.push(self.create_policy(token, policy).await.map_err(repeatable)?);
                }
                Step::Set(id, perm_write) => {
                    let patch = PolicyPatch::new().with_perm_write(perm_write);
                    let changed = self.update_policy(token, &id, &patch).await?;
                    now.retain(|policy| policy.id != id);
                    now.push(changed);
                }
                Step::Delete(id) => {
                    self.delete_policy(token, &id).await?;
                    now.retain(|policy| policy.id != id);
                }
            }
        }
        Ok(wanted.iter().filter_map(|policy| at(&now, policy.place()).cloned()).collect())
    }
}

/// What a policy is about; a token has one policy for each.
type Place<'a> = (Option<&'a DomainName>, Option<&'a SubName>, Option<&'a RecordType>);

const DEFAULT: Place<'static> = (None, None, None);

impl NewPolicy {
    fn place(&self) -> Place<'_> {
        (self.domain.as_ref(), self.subname.as_ref(), self.rtype.as_ref())
    }
}

impl Policy {
    fn place(&self) -> Place<'_> {
        (self.domain.as_ref(), self.subname.as_ref(), self.rtype.as_ref())
    }
}

#[derive(Debug, PartialEq)]
enum Step<'a> {
    Create(&'a NewPolicy),
    Set(PolicyId, bool),
    Delete(PolicyId),
}

// First what takes rights away, then what stands in the way, then what gives rights: so the token never has a
// right that it has neither before nor afterwards.
fn steps<'a>(now: &[Policy], wanted: &'a [NewPolicy]) -> Vec<Step<'a>> {
    let is_wanted = |policy: &Policy| wanted.iter().any(|wanted| wanted.place() == policy.place());
    let missing = |policy: &&NewPolicy| at(now, policy.place()).is_none();
    let set = |allowed: bool| {
        wanted.iter().filter(move |policy| policy.perm_write == allowed).filter_map(move |policy| {
            let present = at(now, policy.place())?;
            (present.perm_write != allowed).then(|| Step::Set(present.id.clone(), allowed))
        })
    };
    let create = |allowed: bool| {
        let rest = wanted.iter().filter(move |policy| policy.place() != DEFAULT);
        rest.filter(move |policy| policy.perm_write == allowed).filter(missing).map(Step::Create)
    };
    let delete = |allowed: bool| {
        let rest = now.iter().filter(|policy| policy.place() != DEFAULT && !is_wanted(policy));
        rest.filter(move |policy| policy.perm_write == allowed).map(|policy| Step::Delete(policy.id.clone()))
    };
    let default = wanted.iter().filter(|policy| policy.place() == DEFAULT).filter(missing).map(Step::Create);
    let last = at(now, DEFAULT).filter(|policy| !is_wanted(policy));
    default
        .chain(set(false))
        .chain(create(false))
        .chain(delete(true))
        .chain(delete(false))
        .chain(set(true))
        .chain(create(true))
        .chain(last.map(|policy| Step::Delete(policy.id.clone())))
        .collect()
}

fn at<'a>(policies: &'a [Policy], place: Place<'_>) -> Option<&'a Policy> {
    policies.iter().find(|policy| policy.place() == place)
}

fn check_all(wanted: &[NewPolicy]) -> Result<(), Error> {
    let refuse = |reason: &str| Err(Error::InvalidInput { what: "policies", reason: reason.into() });
    let mut places = HashSet::new();
    for policy in wanted {
        check(policy.rtype.as_ref())?;
        if !places.insert(policy.place()) {
            return refuse("two of them are about the same domain, name and type");
        }
    }
    if !wanted.is_empty() && !places.contains(&DEFAULT) {
        return refuse("the default policy is missing");
    }
    Ok(())
}

// Read again, the policy that is there already is no obstacle.
fn repeatable(error: Error) -> Error {
    match error {
        Error::Conflict { operation, subject, problem, .. } => {
            Error::Conflict { operation, subject, repeatable: true, problem }
        }
        Error::Unknown { operation, subject, reason, source, .. } => {
            Error::Unknown { operation, subject, reason, repeatable: true, source }
        }
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    // Two domains, names and types, or any: 27 places.
    fn policy((place, perm_write): (usize, bool)) -> NewPolicy {
        let pick = |n: usize, texts: [&'static str; 2]| n.checked_sub(1).map(|n| texts[n]);
        NewPolicy::new(
            pick(place / 9, ["a.example", "b.example"]).map(|text| text.parse().unwrap()),
            pick(place / 3 % 3, ["", "www"]).map(|text| text.parse().unwrap()),
            pick(place % 3, ["A", "TXT"]).map(|text| text.parse().unwrap()),
            perm_write,
        )
    }

    fn set() -> impl Strategy<Value = Vec<NewPolicy>> {
        let some = proptest::collection::btree_map(0_usize..27, any::<bool>(), 1..12);
        let with_default = (some, any::<bool>()).prop_map(|(mut policies, default)| {
            policies.insert(0, default);
            policies
        });
        let sets = prop_oneof![1 => Just(BTreeMap::new()), 6 => with_default];
        sets.prop_map(|policies| policies.into_iter().map(policy).collect::<Vec<_>>()).prop_shuffle()
    }

    fn stored(number: u32, policy: &NewPolicy) -> Policy {
        let id = format!("00000000-0000-4000-8000-{number:012x}").parse().unwrap();
        let NewPolicy { domain, subname, rtype, perm_write } = policy.clone();
        Policy { id, domain, subname, rtype, perm_write }
    }

    // The rights to write 2 x 2 x 2 RRsets, as the server gives them: domain before name before type.
    fn rights(policies: &[Policy]) -> Vec<bool> {
        (0..8)
            .map(|n| {
                let rrset = policy((9 * (n / 4 + 1) + 3 * (n / 2 % 2 + 1) + n % 2 + 1, false));
                let (domain, subname, rtype) = rrset.place();
                let matching = policies.iter().filter(|policy| {
                    let (d, s, t) = policy.place();
                    (d.is_none() || d == domain)
                        && (s.is_none() || s == subname)
                        && (t.is_none() || t == rtype)
                });
                let most_specific = matching.max_by_key(|policy| {
                    let (d, s, t) = policy.place();
                    (d.is_some(), s.is_some(), t.is_some())
                });
                most_specific.is_none_or(|policy| policy.perm_write)
            })
            .collect()
    }

    // What the server does with a step, and which it refuses.
    fn take(policies: &mut Vec<Policy>, step: &Step<'_>, number: u32) {
        match step {
            Step::Create(new) => {
                assert!(at(policies, new.place()).is_none(), "409: it is there");
                assert!(!policies.is_empty() || new.place() == DEFAULT, "400: the default comes first");
                policies.push(stored(number, new));
            }
            Step::Set(id, allowed) => {
                policies.iter_mut().find(|policy| policy.id == *id).unwrap().perm_write = *allowed;
            }
            Step::Delete(id) => {
                let position = policies.iter().position(|policy| policy.id == *id).unwrap();
                let gone = policies.remove(position);
                assert!(gone.place() != DEFAULT || policies.is_empty(), "400: the default goes last");
            }
        }
    }

    proptest! {
        #[test]
        fn the_wanted_policies_are_reached_without_a_right_in_passing(before in set(), wanted in set()) {
            let mut now: Vec<Policy> = (0..).zip(&before).map(|(n, policy)| stored(n, policy)).collect();
            let first = rights(&now);
            let last = rights(&wanted.iter().map(|policy| stored(0, policy)).collect::<Vec<_>>());
            let planned = steps(&now, &wanted);
            let changed = before.iter().filter(|policy| !wanted.contains(policy)).count();
            let new = wanted.iter().filter(|policy| at(&now, policy.place()).is_none()).count();
            prop_assert_eq!(planned.len(), changed + new, "one step for each difference");
            for (step, number) in planned.iter().zip(100..) {
                take(&mut now, step, number);
                for ((right, first), last) in rights(&now).into_iter().zip(&first).zip(&last) {
                    prop_assert!(!right || *first || *last, "{step:?} of {planned:?}");
                }
            }
            prop_assert_eq!(now.len(), wanted.len());
            for policy in &wanted {
                prop_assert_eq!(at(&now, policy.place()).map(|found| found.perm_write), Some(policy.perm_write));
            }
            prop_assert_eq!(steps(&now, &wanted), []);
        }
    }

    #[test]
    fn what_the_server_cannot_accept_is_refused() {
        let default = NewPolicy::default_policy(false);
        assert!(check_all(&[]).is_ok() && check_all(std::slice::from_ref(&default)).is_ok());
        for wanted in [
            vec![policy((1, true))],
            vec![default.clone(), NewPolicy::default_policy(true)],
            vec![default.clone(), policy((5, true)), policy((5, false))],
            vec![default, NewPolicy::new(None, None, Some(RecordType::Other("txt".into())), true)],
        ] {
            assert!(check_all(&wanted).is_err(), "{wanted:?}");
        }
    }
}
