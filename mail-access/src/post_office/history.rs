use crate::Uid;

/// Which messages went from a folder, and when: as far back as it is kept.
#[derive(Clone, Default)]
pub(super) struct History(Option<Box<Kept>>);

#[derive(Clone, Default)]
struct Kept {
    /// By ascending state.
    gone: Vec<(u64, Uid)>,
    /// The state up to which nothing is known any more.
    forgotten: u64,
}

impl History {
    pub(super) fn note(&mut self, modseq: u64, uid: Uid) {
        let kept = self.0.get_or_insert_default();
        if kept.gone.len() >= MAX_GONE {
            let mut old = kept.gone.drain(..MAX_GONE / 2);
            kept.forgotten = old.next_back().map_or(kept.forgotten, |(modseq, _)| modseq);
        }
        kept.gone.push((modseq, uid));
    }

    /// Returns what went since a state, by ascending UID; `None` if that is too long ago.
    pub(super) fn since(&self, modseq: u64) -> Option<Vec<Uid>> {
        let Some(kept) = &self.0 else { return Some(Vec::new()) };
        if modseq < kept.forgotten {
            return None;
        }
        let first = kept.gone.partition_point(|(state, _)| *state <= modseq);
        let mut gone: Vec<Uid> = kept.gone[first..].iter().map(|(_, uid)| *uid).collect();
        gone.sort_unstable();
        Some(gone)
    }
}

/// 64 KiB for each folder at most.
const MAX_GONE: usize = 4_096;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_went_is_told_as_far_back_as_it_is_kept() {
        let mut history = History::default();
        assert_eq!(history.since(0), Some(Vec::new()));
        let uid = |number: u64| Uid::new(u32::try_from(number).unwrap()).unwrap();
        let all = MAX_GONE as u64 + 10;
        for modseq in 1..=all {
            history.note(modseq, uid(all + 1 - modseq));
        }
        assert_eq!(history.since(all), Some(Vec::new()));
        assert_eq!(history.since(all - 2), Some(vec![uid(1), uid(2)]));
        let oldest = MAX_GONE as u64 / 2;
        assert_eq!(history.since(oldest - 1), None);
        assert_eq!(history.since(oldest).unwrap().len() as u64, all - oldest);
    }
}
