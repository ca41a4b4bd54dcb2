use crate::Uid;

/// Writes UIDs as sets of ranges (`4:7,9`), each short enough for one command (RFC 7162 section 4).
pub(super) fn sets(uids: &[Uid]) -> Vec<String> {
    let mut uids: Vec<u32> = uids.iter().map(|uid| uid.get()).collect();
    uids.sort_unstable();
    uids.dedup();
    let mut sets = vec![String::new()];
    for range in uids.chunk_by(|one, next| one + 1 == *next) {
        let (first, last) = (range[0], range[range.len() - 1]);
        let range = if first == last { first.to_string() } else { format!("{first}:{last}") };
        match sets.last_mut() {
            Some(set) if set.is_empty() => set.push_str(&range),
            Some(set) if set.len() + range.len() < MAX_SET => {
                set.push(',');
                set.push_str(&range);
            }
            _ => sets.push(range),
        }
    }
    sets.retain(|set| !set.is_empty());
    sets
}

const MAX_SET: usize = 8000;

#[cfg(test)]
mod tests {
    use super::*;

    fn uids(numbers: impl IntoIterator<Item = u32>) -> Vec<Uid> {
        numbers.into_iter().filter_map(Uid::new).collect()
    }

    #[test]
    fn neighbours_are_joined() {
        for (numbers, expected) in [
            (&[][..], &[][..]),
            (&[5], &["5"]),
            (&[9, 4, 5, 6, 5], &["4:6,9"]),
            (&[u32::MAX], &["4294967295"]),
        ] {
            assert_eq!(sets(&uids(numbers.iter().copied())), expected, "{numbers:?}");
        }
    }

    #[test]
    fn long_sets_are_split_and_whole() {
        let many = sets(&uids((1..20_000).step_by(2)));
        assert!(many.len() > 1 && many.iter().all(|set| set.len() <= MAX_SET));
        assert_eq!(many.join(",").split(',').count(), 10_000);
    }
}
