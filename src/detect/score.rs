//! How surprising something is, in bits: minus the binary logarithm of how often it would happen by itself.
//!
//! Sources of the formulas: additive smoothing towards a parent (Laplace, Dirichlet), the modified z-score of Iglewicz and Hoaglin
//! (1993, 0.6745 (x - median) / MAD), the negative binomial fitted by moments for counts that vary more than Poisson's, and
//! Krichevsky and Trofimov's half for events that were never seen (1981).

/// Nothing counts for more bits than this: one signal alone must not outweigh all others.
pub const CAP: f64 = 12.0;

/// What stands between an entity's own history and its parent's opinion: ten observations' worth.
pub const ALPHA: f64 = 10.0;

/// The days that an entity must have been active on before its own habits count.
pub const LEARNED_DAYS: f64 = 7.0;

/// The events that make up for fewer days.
pub const LEARNED_EVENTS: f64 = 50.0;

fn bits(probability: f64) -> f64 {
    if probability.is_nan() { 0.0 } else { (-probability.clamp(0.0, 1.0).log2()).clamp(0.0, CAP) }
}

/// Rarity of a value: `P = (count + ALPHA * parent) / (total + ALPHA)`, in bits. `parent` is the share of the value among the
/// entity's peers; without any history of its own an entity has exactly their opinion.
#[must_use]
pub fn rarity(count: f64, total: f64, parent: f64) -> f64 {
    bits((count.max(0.0) + ALPHA * parent.clamp(0.0, 1.0)) / (total.max(0.0) + ALPHA))
}

/// A value's share among peers, for [`rarity`]: `(with_value + 1/2) / (peers + 1)`; never nothing, never certain.
#[must_use]
pub fn share(with_value: f64, peers: f64) -> f64 {
    (with_value.max(0.0) + 0.5) / (peers.max(0.0) + 1.0)
}

/// Surprise at a value never seen before: `p = (new_days + 1/2) / (days + 1)`, where `new_days` are the active days that
/// brought a value never seen before. Somebody who roams surprises little; a function that has had one address for sixty
/// days surprises with 6.9 bits.
#[must_use]
pub fn novelty(new_days: f64, days: f64) -> f64 {
    bits((new_days.max(0.0) + 0.5) / (days.max(0.0) + 1.0))
}

/// The modified z-score of a size on the scale `ln(1 + x)`: `0.6745 (x - median) / max(MAD, 0.05 |median|, floor)`. `median` and
/// `mad` are on that scale already.
#[must_use]
pub fn robust_z(x: f64, median: f64, mad: f64) -> f64 {
    const FLOOR: f64 = 0.1;
    0.6745 * (x.max(0.0).ln_1p() - median) / mad.max(0.05 * median.abs()).max(FLOOR)
}

/// Surprise at `count` and more where `mean` and `variance` are usual: the tail of a negative binomial fitted by moments, of
/// Poisson's distribution where the variance is no larger than the mean.
#[must_use]
pub fn burst(count: f64, mean: f64, variance: f64) -> f64 {
    let (count, mean) = (count.max(0.0).floor(), mean.max(0.05));
    if count <= mean {
        return 0.0;
    }
    // P(X >= count) = 1 - P(X < count), summed up from the smallest; beyond what floating point tells, the cap holds anyway.
    let dispersed = variance > mean * 1.001;
    let (r, q) = (mean * mean / (variance - mean).max(1e-9), 1.0 - mean / variance.max(1e-9));
    let mut term = if dispersed { (1.0 - q).powf(r) } else { (-mean).exp() };
    let mut below = 0.0;
    let mut k = 0.0;
    while k < count && k < 1e6 {
        below += term;
        k += 1.0;
        term *= if dispersed { q * (r + k - 1.0) / k } else { mean / k };
    }
    bits((1.0 - below).max(1e-12))
}

/// Surprise at an hour: 48 bins (weekday or weekend, by hour), smoothed with 1/4, 1/2, 1/4 around the clock and with one half
/// added to each bin. `at` is the bin; bins 24 to 47 are the weekend's.
#[must_use]
pub fn hour(bins: &[f64; 48], at: usize) -> f64 {
    let smooth = |bin: usize| {
        let (half, hour) = (bin / 24 * 24, bin % 24);
        let count = |h: usize| bins.get(half + h % 24).copied().unwrap_or_default();
        0.25 * count(hour + 23) + 0.5 * count(hour) + 0.25 * count(hour + 1) + 0.5
    };
    let all: f64 = (0..48).map(smooth).sum();
    bits(smooth(at.min(47)) / all)
}

/// How regular periods are: MAD / median of the gaps between events; below 0.1 a machine keeps the time. `None` with fewer than
/// six gaps.
#[must_use]
pub fn irregularity(gaps: &[f64]) -> Option<f64> {
    let middle = median(gaps).filter(|_| gaps.len() >= 6)?;
    let off: Vec<f64> = gaps.iter().map(|gap| (gap - middle).abs()).collect();
    Some(median(&off)? / middle.max(1.0))
}

/// The median; `None` of nothing.
#[must_use]
pub fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let upper = *sorted.get(sorted.len() / 2)?;
    let lower = *sorted.get((sorted.len() - 1) / 2)?;
    Some(f64::midpoint(lower, upper))
}

/// How much a day counts that lies `age` days back, where a value loses half its weight in `half_life` days.
#[must_use]
pub fn decay(age: f64, half_life: f64) -> f64 {
    (-age.max(0.0) / half_life.max(0.001)).exp2()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(got: f64, expected: f64) {
        assert!((got - expected).abs() < 0.005, "{got} is not {expected}");
    }

    #[test]
    fn rarity_starts_from_the_parents_opinion() {
        close(rarity(0.0, 0.0, 0.5), 1.0);
        close(rarity(0.0, 0.0, 1.0 / 1024.0), 10.0);
        // (0 + 10 * 0.01) / (990 + 10) = 0.0001: 13.3 bits, capped.
        close(rarity(0.0, 990.0, 0.01), CAP);
        // (0 + 10 * 0.1) / (54 + 10) = 1/64.
        close(rarity(0.0, 54.0, 0.1), 6.0);
        close(rarity(90.0, 90.0, 1.0), 0.0);
        close(share(0.0, 31.0), 1.0 / 64.0);
    }

    #[test]
    fn novelty_is_what_the_catalogue_says() {
        // A roaming laptop: a new address on forty of sixty days.
        close(novelty(40.0, 60.0), 0.59);
        // A function with one address for sixty days.
        close(novelty(0.0, 60.0), 6.93);
        close(novelty(0.0, 0.0), 1.0);
    }

    #[test]
    fn sizes_are_compared_on_a_logarithmic_scale() {
        // ln(1+80) = 4.394; median ln(11) = 2.398, MAD 0: the floor is max(0.12, 0.1) = 0.1199.
        close(robust_z(80.0, 2.398, 0.0), 0.6745 * (4.394_45 - 2.398) / 0.1199);
        close(robust_z(10.0, 11_f64.ln(), 0.5), 0.0);
    }

    #[test]
    fn bursts_have_the_distributions_tails() {
        // Poisson, mean 1: P(X >= 1) is no burst, P(X >= 4) = 0.018988.
        close(burst(1.0, 1.0, 1.0), 0.0);
        close(burst(4.0, 1.0, 1.0), 5.7188);
        // Negative binomial with mean 2 and variance 4: r = 2, q = 1/2; P(X < 5) = 1/4 (1 + 1 + 3/4 + 1/2 + 5/16) = 0.890625.
        close(burst(5.0, 2.0, 4.0), 3.1926);
        close(burst(60.0, 0.1, 0.1), CAP);
    }

    #[test]
    fn hours_go_around_the_clock() {
        let mut bins = [0.0; 48];
        bins[9] = 40.0;
        bins[10] = 40.0;
        // Smoothed: 10.5 at eight and eleven, 30.5 at nine and ten, 0.5 elsewhere: 80 + 24 = 104.
        close(hour(&bins, 9), (104.0_f64 / 30.5).log2());
        close(hour(&bins, 3), (104.0_f64 / 0.5).log2());
        bins = [0.0; 48];
        bins[0] = 1.0;
        close(hour(&bins, 23), (25.0_f64 / 0.75).log2());
    }

    #[test]
    fn machines_keep_the_time() {
        assert_eq!(irregularity(&[900.0; 5]), None);
        assert_eq!(irregularity(&[900.0; 6]), Some(0.0));
        // Median 100, deviations 0, 0, 10, 10, 50, 50: their median 10.
        assert_eq!(irregularity(&[100.0, 100.0, 90.0, 110.0, 50.0, 150.0]), Some(0.1));
    }

    #[test]
    fn old_days_count_less() {
        close(decay(14.0, 14.0), 0.5);
        close(decay(0.0, 14.0), 1.0);
        close(decay(42.0, 14.0), 0.125);
    }
}
