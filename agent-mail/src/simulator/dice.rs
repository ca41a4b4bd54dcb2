use std::time::Duration;

/// A generator of random numbers that follows from a seed: xoshiro256** 1.0 (Blackman and Vigna 2018), whose four words
/// are the first outputs of `SplitMix64` for the seed. It is not for secrets.
///
/// The same seed gives the same numbers on each machine and in each release of this crate.
///
/// ```
/// let mut dice = agent_mail::simulator::Dice::new(1);
/// let first: Vec<u64> = (0..3).map(|_| dice.below(6)).collect();
/// let mut again = agent_mail::simulator::Dice::new(1);
/// assert_eq!(first, (0..3).map(|_| again.below(6)).collect::<Vec<_>>());
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dice([u64; 4]);

impl Dice {
    /// Makes the generator of a seed.
    pub fn new(seed: u64) -> Self {
        let mut state = seed;
        Self(std::array::from_fn(|_| {
            state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            split_mix(state)
        }))
    }

    /// Makes another generator of the same seed for each name.
    pub(super) fn named(seed: u64, name: &str) -> Self {
        let mixed = name.bytes().fold(seed, |mixed, byte| split_mix(mixed ^ u64::from(byte)));
        Self::new(mixed)
    }

    /// Draws any number.
    pub fn draw(&mut self) -> u64 {
        let [a, b, c, d] = &mut self.0;
        let drawn = b.wrapping_mul(5).rotate_left(7).wrapping_mul(9);
        let shifted = *b << 17;
        *c ^= *a;
        *d ^= *b;
        *b ^= *c;
        *a ^= *d;
        *c ^= shifted;
        *d = d.rotate_left(45);
        drawn
    }

    /// Draws a number below a limit; 0 if the limit is 0.
    pub fn below(&mut self, limit: u64) -> u64 {
        // The high half of the product: a bias of at most limit / 2^64.
        let product = u128::from(self.draw()) * u128::from(limit);
        u64::try_from(product >> 64).unwrap_or(0)
    }

    /// Draws a number from 0 to 1, without 1.
    pub fn share(&mut self) -> f64 {
        // 32 bits are exact in an f64.
        f64::from(u32::try_from(self.draw() >> 32).unwrap_or(0)) / 4_294_967_296.0
    }

    /// Tells whether something of this probability (0 to 1) happens.
    pub fn happens(&mut self, probability: f64) -> bool {
        self.share() < probability
    }

    /// Draws a time from one to another, in steps of a microsecond.
    pub fn between(&mut self, shortest: Duration, longest: Duration) -> Duration {
        let room = u64::try_from(longest.saturating_sub(shortest).as_micros()).unwrap_or(u64::MAX - 1);
        shortest + Duration::from_micros(self.below(room + 1))
    }

    /// Draws one of several; `None` if there is none.
    pub fn pick<'a, T>(&mut self, of: &'a [T]) -> Option<&'a T> {
        of.get(usize::try_from(self.below(of.len() as u64)).unwrap_or(0))
    }

    /// Fills a slice with random bytes.
    pub fn fill(&mut self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(8) {
            chunk.copy_from_slice(&self.draw().to_le_bytes()[..chunk.len()]);
        }
    }
}

fn split_mix(state: u64) -> u64 {
    let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_the_generator_that_it_says() {
        // The first outputs of SplitMix64 for the seed 1234567, as its authors give them.
        let Dice(words) = Dice::new(1_234_567);
        assert_eq!(
            words[..3],
            [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423]
        );
        // Those of xoshiro256** for the state 1, 2, 3, 4.
        let mut dice = Dice([1, 2, 3, 4]);
        let drawn: Vec<u64> = (0..4).map(|_| dice.draw()).collect();
        assert_eq!(drawn, [11_520, 0, 1_509_978_240, 1_215_971_899_390_074_240]);
    }

    #[test]
    fn draws_stay_within_their_limits_and_spread() {
        let mut dice = Dice::new(3);
        let mut seen = [0; 6];
        for _ in 0..6_000 {
            seen[usize::try_from(dice.below(6)).unwrap()] += 1;
        }
        assert!(seen.iter().all(|times| (800..1_200).contains(times)), "{seen:?}");
        let (low, high) = (Duration::from_secs(1), Duration::from_secs(2));
        assert!((0..1_000).all(|_| (low..=high).contains(&dice.between(low, high))));
        assert_eq!(dice.between(high, high), high);
        let hits = (0..10_000).filter(|_| dice.happens(0.1)).count();
        assert!((800..1_200).contains(&hits), "{hits}");
        assert_eq!((dice.below(0), dice.pick::<u8>(&[])), (0, None));
    }

    #[test]
    fn each_name_has_dice_of_its_own() {
        let first = |name| Dice::named(1, name).draw();
        assert_ne!(first("a"), first("b"));
        assert_ne!(first("a"), Dice::named(2, "a").draw());
        assert_eq!(first("a"), first("a"));
    }
}
