//! Seeded chance: SplitMix64, in whole numbers only, so that a seed gives the same bytes on every machine.

/// A stream of pseudo-random numbers.
#[derive(Clone, Debug)]
pub(super) struct Random(u64);

const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

impl Random {
    /// The stream that `seed`, a purpose and a place in time name together.
    pub(super) fn new(seed: u64, purpose: u64, place: u64) -> Self {
        let mut random = Self(seed);
        random.0 = random.next().wrapping_add(purpose);
        random.0 = random.next().wrapping_add(place);
        random.0 = random.next(); // else neighbouring places would share most of their numbers
        random
    }

    /// The next 64 bits.
    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(GOLDEN);
        let first = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let second = (first ^ (first >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        second ^ (second >> 31)
    }

    /// A number below `bound`; 0 if `bound` is 0.
    pub(super) fn below(&mut self, bound: u64) -> u64 {
        let product = u128::from(self.next()) * u128::from(bound);
        u64::try_from(product >> 64).unwrap_or(0)
    }

    /// The like of [`Self::below`], for what is counted in bytes.
    pub(super) fn octet(&mut self, bound: u8) -> u8 {
        u8::try_from(self.below(u64::from(bound))).unwrap_or(0)
    }

    /// True so often in a thousand.
    pub(super) fn permille(&mut self, odds: u64) -> bool {
        self.below(1000) < odds
    }

    /// One of `choices`, which are not empty.
    pub(super) fn pick<'a, T>(&mut self, choices: &'a [T]) -> &'a T {
        let place = usize::try_from(self.below(choices.len() as u64)).unwrap_or(0);
        &choices[place]
    }

    /// About `middle`, with a long tail upwards as sizes and durations have it.
    pub(super) fn skewed(&mut self, middle: u64) -> u64 {
        let stretch = 40 + self.below(120);
        let tail = 60
            + self.below(80)
            + if self.permille(80) {
                self.below(500)
            } else {
                0
            };
        middle * stretch * tail / 10_000
    }

    /// How many events happen where `mean_permille` thousandths are the mean: nearly Poisson.
    pub(super) fn count(&mut self, mean_permille: u64) -> u64 {
        let slots = mean_permille / 250 + 8;
        let odds = (mean_permille << 16) / slots;
        (0..slots).filter(|_| self.below(1000 << 16) < odds).count() as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_gives_the_same_numbers_for_ever() {
        let mut random = Random::new(7, 1, 2);
        let numbers = [random.next(), random.below(1000), random.skewed(100)];
        assert_eq!(numbers, [13_119_566_962_333_423_783, 526, 120]);
    }

    #[test]
    fn counts_have_the_mean_that_was_asked() {
        let mut random = Random::new(7, 1, 2);
        let total: u64 = (0..10_000).map(|_| random.count(2_500)).sum();
        assert!((24_500..25_500).contains(&total), "{total}");
    }
}
