//! What an agent answered each of its correspondents, so that no two of them answer each other without end.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use mail_access::{Address, NewMessage};
use serde::{Deserialize, Serialize};

use super::AutoReplies;
use super::budget::Usage;
use crate::backend::Change;
use crate::journal::{Owner, StoredPolicy, fingerprint};
use crate::{AgentMailbox, Error, ErrorKind};

/// An answer, as far as it counts against its correspondents: what it says and to whom, by fingerprints.
#[derive(Clone, Debug)]
pub(super) struct Answer {
    words: String,
    to: BTreeSet<String>,
}

impl Answer {
    pub(super) fn of(message: &NewMessage) -> Self {
        let words = [message.text().unwrap_or_default(), message.html().unwrap_or_default()].join("\n");
        let name = |to: &Address| fingerprint(to.to_string().to_lowercase().as_bytes());
        Self { words: fingerprint(words.as_bytes()), to: message.recipients().map(name).collect() }
    }
}

/// The records of correspondents that answers are counted against.
#[derive(Default)]
pub(super) struct Pairs(BTreeMap<String, StoredPolicy<Pair>>);

impl Pairs {
    /// Counts an answer against its correspondents; after a refusal they are not to be closed.
    ///
    /// # Errors
    /// [`RateLimited`](ErrorKind::RateLimited) if one of them had too many,
    /// [`PermissionDenied`](ErrorKind::PermissionDenied) if one of them had the same too often.
    pub(super) async fn take(
        &mut self,
        mailbox: &AgentMailbox,
        rules: &AutoReplies,
        answer: &Answer,
        now: u64,
    ) -> Result<(), Error> {
        let journal = &mailbox.inner().journal;
        for name in &answer.to {
            let stored = match self.0.entry(name.clone()) {
                Entry::Occupied(known) => known.into_mut(),
                Entry::Vacant(free) => {
                    let key = journal.policy_key(Owner::Agent(mailbox.id()), &format!("pair/{name}"));
                    free.insert(journal.stored_policy(key).await?)
                }
            };
            stored.value.take(rules, now, &answer.words).map_err(|refusal| refusal.into_error(mailbox))?;
        }
        Ok(())
    }

    pub(super) fn close(self, change: Change) -> Change {
        self.0.into_values().fold(change, |change, stored| stored.save(change))
    }
}

/// What an agent answered one correspondent lately.
#[derive(Default, Serialize, Deserialize)]
struct Pair {
    answers: Usage,
    /// What was said, by its fingerprint, and when in milliseconds since 1970.
    said: Vec<(u64, String)>,
}

impl Pair {
    fn take(&mut self, rules: &AutoReplies, now: u64, words: &String) -> Result<(), PairRefusal> {
        self.answers.look(rules.pair, now);
        self.said.retain(|(at, _)| at.saturating_add(DAY) > now);
        let most = u64::from(rules.pair.recipients);
        if self.answers.used() >= most {
            return Err(PairRefusal::Full(self.answers.until(rules.pair, now, most - 1)));
        }
        if self.said.iter().filter(|(_, said)| said == words).count() >= rules.repeats {
            return Err(PairRefusal::Circle);
        }
        self.answers.add(rules.pair, now, 1);
        if self.said.len() >= MOST_SAID {
            self.said.remove(0);
        }
        self.said.push((now, words.clone()));
        Ok(())
    }
}

enum PairRefusal {
    Circle,
    Full(Duration),
}

impl PairRefusal {
    fn into_error(self, mailbox: &AgentMailbox) -> Error {
        match self {
            Self::Full(wait) => Error::new(ErrorKind::RateLimited, "reply", mailbox.id())
                .with_detail("this correspondent has had as many answers as may be in that time")
                .with_code(PAIR)
                .with_retry_after(Some(wait)),
            Self::Circle => Error::new(ErrorKind::PermissionDenied, "reply", mailbox.id())
                .with_detail("the same words went to this correspondent before, again and again")
                .with_code(CIRCLE)
                .with_fix("find out who answers whom; write a new message to begin anew"),
        }
    }
}

/// The codes of both refusals.
pub(super) const PAIR: &str = "answers_to_one";
pub(super) const CIRCLE: &str = "answers_in_a_circle";

/// In milliseconds.
const DAY: u64 = 86_400_000;
const MOST_SAID: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_words_a_third_time_are_a_circle_and_a_day_later_they_are_not() {
        let (rules, mut pair) = (AutoReplies::new(), Pair::default());
        let words = "the same".to_owned();
        for now in [1, 2] {
            assert!(pair.take(&rules, now, &words).is_ok());
        }
        assert!(matches!(pair.take(&rules, 3, &words), Err(PairRefusal::Circle)));
        assert!(pair.take(&rules, 4, &"others".to_owned()).is_ok());
        assert!(pair.take(&rules, 5 + DAY, &words).is_ok());
    }
}
