use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

/// Bends seeds by chance, always by the same one for the same number.
pub(crate) struct Mutator<'a> {
    name: &'static str,
    seeds: Vec<&'a [u8]>,
    words: Vec<&'a [u8]>,
    chance: Chance,
}

impl<'a> Mutator<'a> {
    /// Begins with `seeds`; `words` are what mutants are made of besides.
    pub(crate) fn new(name: &'static str, seeds: &[&'a str], words: &[&'a str]) -> Self {
        let [seeds, words] = [seeds, words].map(|texts| texts.iter().map(|text| text.as_bytes()).collect());
        Self { name, seeds, words, chance: Chance(0) }
    }

    /// Checks every seed as it is, and then `each` mutants for one case of proptest's.
    pub(crate) fn run(mut self, each: u64, check: fn(&[u8])) {
        let begin = number("MUTATOR_SEED").unwrap_or(FIRST);
        let count = number("PROPTEST_CASES").unwrap_or(CASES) * each;
        println!("{}: {count} mutants from MUTATOR_SEED={begin} on", self.name);
        for seed in self.seeds.clone() {
            self.checked(seed, "a seed", check);
        }
        for number in 0..count {
            // Each mutant has a beginning of its own, so that it can be made again alone.
            self.chance = Chance::new(begin.wrapping_add(number));
            let mutant = self.mutant();
            self.checked(&mutant, &format!("MUTATOR_SEED={}", begin.wrapping_add(number)), check);
        }
    }

    fn checked(&self, bytes: &[u8], which: &str, check: fn(&[u8])) {
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| check(bytes))) {
            eprintln!("{}: {which} fails: b\"{}\"", self.name, bytes.escape_ascii());
            resume_unwind(panic);
        }
    }

    fn mutant(&mut self) -> Vec<u8> {
        let mut bytes = self.seed().to_vec();
        for _ in 0..=self.chance.below(6) {
            self.bend(&mut bytes);
        }
        bytes.truncate(LARGEST);
        bytes
    }

    fn bend(&mut self, bytes: &mut Vec<u8>) {
        let at = self.chance.below(bytes.len() + 1);
        let length = self.chance.below(24).min(bytes.len() - at);
        match self.chance.below(7) {
            0 => bytes.iter_mut().skip(at).take(1).for_each(|byte| *byte = self.chance.byte()),
            1 => bytes.insert(at, self.chance.byte()),
            2 => drop(bytes.drain(at..at + length)),
            3 => {
                let piece = bytes[at..at + length].repeat(1 + self.chance.below(40));
                bytes.splice(at..at, piece);
            }
            4 => {
                let word = self.words[self.chance.below(self.words.len())];
                bytes.splice(at..at, word.repeat(1 + self.chance.below(3)));
            }
            5 => {
                let other = self.seed();
                let from = self.chance.below(other.len() + 1);
                bytes.truncate(at);
                bytes.extend_from_slice(&other[from..]);
            }
            _ => bytes.truncate(at),
        }
    }

    fn seed(&mut self) -> &'a [u8] {
        self.seeds[self.chance.below(self.seeds.len())]
    }
}

/// SplitMix64, of Steele, Lea and Flood.
struct Chance(u64);

impl Chance {
    /// Neighbouring numbers give unlike beginnings.
    fn new(number: u64) -> Self {
        let mut chance = Self(number);
        Self(chance.next())
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() % limit.max(1) as u64).expect("it is below a usize")
    }

    fn byte(&mut self) -> u8 {
        self.next().to_le_bytes()[0]
    }
}

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}

const FIRST: u64 = 20_261_120;
/// As many as proptest runs.
const CASES: u64 = 256;
const LARGEST: usize = 1 << 16;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mutants_differ_from_each_other_and_come_again() {
        let made = |number| {
            let mut mutator = Mutator::new("test", &["one seed of many bytes", "another seed"], &["word"]);
            mutator.chance = Chance::new(number);
            mutator.mutant()
        };
        let mutants: std::collections::BTreeSet<_> = (0..500).map(made).collect();
        assert!(mutants.len() > 400, "{}", mutants.len());
        assert_eq!(made(7), made(7));
    }

    #[test]
    fn what_fails_is_told() {
        let failing = || Mutator::new("test", &["a"], &["b"]).run(1, |bytes| assert_eq!(bytes, b"a"));
        assert!(catch_unwind(failing).is_err());
    }
}
