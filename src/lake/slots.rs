//! Which stretches of a day events fall into: what tells the few pages of a day's files that a duplicate can be in.

/// Microseconds in a day, and in one of its slots: five minutes, about as often as CloudTrail delivers.
const DAY: i64 = 86_400_000_000;
const SLOT: i64 = 300_000_000;

/// A set of five-minute stretches of one day.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Slots([u64; 5]);

/// The slot of a time, which may lie in any day.
fn slot(time: i64) -> u16 {
    u16::try_from(time.rem_euclid(DAY) / SLOT).unwrap_or_default()
}

impl Slots {
    /// All slots from that of the first time to that of the last, both of the same day.
    pub fn span(first: i64, last: i64) -> Self {
        let mut slots = Self::default();
        // A file's statistics hold milliseconds, the upper bound rounded up: of the last one of a day that is the next day.
        let last = if last.div_euclid(DAY) > first.div_euclid(DAY) { DAY - 1 } else { last };
        (slot(first)..=slot(last)).for_each(|slot| slots.put(slot));
        slots
    }

    /// Every slot of a day.
    pub fn all() -> Self {
        Self::span(0, DAY - 1)
    }

    /// Adds the slot of a time; gives its number.
    pub fn add(&mut self, time: i64) -> u16 {
        let slot = slot(time);
        self.put(slot);
        slot
    }

    /// Adds a slot by its number.
    pub fn put(&mut self, slot: u16) {
        if let Some(word) = self.0.get_mut(usize::from(slot / 64)) {
            *word |= 1 << (slot % 64);
        }
    }

    /// Whether it holds the slot of that number.
    pub fn has(&self, slot: u16) -> bool {
        self.0.get(usize::from(slot / 64)).is_some_and(|word| word & (1 << (slot % 64)) != 0)
    }

    /// Whether both sets hold one slot.
    pub fn meets(&self, other: &Self) -> bool {
        self.0.iter().zip(other.0).any(|(a, b)| a & b != 0)
    }

    /// The slots of this set that are not in the other.
    pub fn without(mut self, other: &Self) -> Self {
        self.0.iter_mut().zip(other.0).for_each(|(a, b)| *a &= !b);
        self
    }

    /// The slots of both sets.
    pub fn and(mut self, other: &Self) -> Self {
        self.0.iter_mut().zip(other.0).for_each(|(a, b)| *a |= b);
        self
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.iter().all(|word| *word == 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_of_a_day() {
        let mut two = Slots::default();
        assert!(two.is_empty());
        two.add(-1);
        two.add(DAY * 20_000);
        assert_eq!(two, Slots::span(0, 1).and(&Slots::span(DAY - 1, DAY - 1)));
        assert!(two.meets(&Slots::span(0, 5)) && !two.meets(&Slots::span(SLOT, DAY - SLOT - 1)));
        assert_eq!(Slots::all().without(&two), Slots::span(SLOT, DAY - SLOT - 1));
        assert!(two.without(&Slots::all()).is_empty());
        assert_eq!(Slots::span(SLOT, DAY), Slots::span(SLOT, DAY - 1));
    }
}
