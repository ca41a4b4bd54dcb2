use crate::{Flag, FlagChange, Keyword};

/// The flags and keywords of one message, in few bytes.
#[derive(Clone, Default, PartialEq, Eq)]
pub(super) struct Marks {
    /// A bit for each of [`SYSTEM`].
    system: u8,
    /// Sorted, each once.
    keywords: Box<[Keyword]>,
}

impl Marks {
    pub(super) fn of(flags: &[Flag]) -> Self {
        let mut marks = Self::default();
        let mut keywords = Vec::new();
        for flag in flags {
            match flag {
                Flag::Keyword(keyword) => keywords.push(keyword.clone()),
                system => marks.system |= bit(system),
            }
        }
        keywords.sort_unstable();
        keywords.dedup();
        marks.keywords = keywords.into();
        marks
    }

    pub(super) fn has(&self, flag: &Flag) -> bool {
        match flag {
            Flag::Keyword(keyword) => self.keywords.binary_search(keyword).is_ok(),
            system => self.system & bit(system) != 0,
        }
    }

    pub(super) fn seen(&self) -> bool {
        self.has(&Flag::Seen)
    }

    pub(super) fn flags(&self) -> Vec<Flag> {
        let system = SYSTEM.into_iter().filter(|flag| self.has(flag));
        system.chain(self.keywords.iter().cloned().map(Flag::Keyword)).collect()
    }

    pub(super) fn changed(&self, change: &FlagChange) -> Self {
        match change {
            FlagChange::Add(flags) => {
                let mut all = self.flags();
                all.extend_from_slice(flags);
                Self::of(&all)
            }
            FlagChange::Remove(flags) => {
                let mut all = self.flags();
                all.retain(|flag| !flags.contains(flag));
                Self::of(&all)
            }
            FlagChange::Set(flags) => Self::of(flags),
        }
    }
}

fn bit(flag: &Flag) -> u8 {
    SYSTEM.iter().position(|system| system == flag).map_or(0, |place| 1 << place)
}

const SYSTEM: [Flag; 5] = [Flag::Answered, Flag::Deleted, Flag::Draft, Flag::Flagged, Flag::Seen];
