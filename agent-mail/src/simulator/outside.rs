use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use mail_access::{Address, Departed, DomainName, FromOutside, Received, Uid};

use super::clock::VirtualTime;
use super::correspondent::{Correspondent, Deed};
use super::dice::Dice;
use super::letters;
use super::weather::Sky;
use crate::backend::TimeAndChance;
use crate::embedded::lock;

/// What lies between the program and the world, and the world itself.
pub(super) struct Outside {
    pub(super) time: Arc<VirtualTime>,
    pub(super) sky: Sky,
    pub(super) people: People,
    pub(super) memory: Mutex<Memory>,
}

/// The scripts of those outside.
#[derive(Clone, Default)]
pub(super) struct People {
    /// By the address in lower case.
    pub(super) by_address: BTreeMap<String, Correspondent>,
    pub(super) by_domain: BTreeMap<DomainName, Correspondent>,
    pub(super) others: Option<Correspondent>,
}

/// What the outside has got, and its dice.
#[derive(Clone)]
pub(super) struct Memory {
    pub(super) dice: Dice,
    pub(super) departed: Vec<(Duration, Departed)>,
}

impl Outside {
    pub(super) fn sky(&self) -> &Sky {
        &self.sky
    }

    pub(super) fn take_departed(&self) -> Vec<(Duration, Departed)> {
        std::mem::take(&mut lock(&self.memory).departed)
    }

    /// Brings a message to whom it is for, and tells what comes of it.
    pub(super) fn receive(&self, departed: &Departed) -> Vec<FromOutside> {
        let mut memory = lock(&self.memory);
        memory.departed.push((self.time.elapsed(), departed.clone()));
        let own = &departed.recipient;
        let (Some(correspondent), Some(uid)) = (self.people.find(own), Uid::new(1)) else {
            return Vec::new();
        };
        let read = Received::parse(uid, self.time.now(), false, departed.message.bytes().to_vec());
        let reactions = correspondent.react(&read, &mut memory.dice);
        reactions
            .into_iter()
            .filter_map(|reaction| {
                let after = reaction.after;
                if let Deed::Bounce(status) = reaction.deed {
                    return Some(FromOutside::Refusal { after, status });
                }
                let message = letters::written(&self.time, own, &departed.message, &read, &reaction)?;
                Some(FromOutside::Mail { after, message })
            })
            .collect()
    }
}

impl People {
    fn find(&self, address: &Address) -> Option<&Correspondent> {
        let by_address = self.by_address.get(&address.to_string().to_ascii_lowercase());
        by_address.or_else(|| self.by_domain.get(address.domain())).or(self.others.as_ref())
    }
}

impl fmt::Debug for Outside {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outside").field("people", &self.people.by_address.len()).finish_non_exhaustive()
    }
}
