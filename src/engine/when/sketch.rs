//! A sketch of many numbers that tells their percentiles with a relative error of at most 1 % (after Masson, Rim and
//! Lee, "DDSketch", 2019): each number is counted in the bucket of its logarithm.
//!
//! Numbers nearer to zero than [`SMALL`] count as zero, and those beyond [`LARGE`] as that: so the buckets are bounded.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The relative error of a percentile.
const ERROR: f64 = 0.01;

/// The base of the logarithm that makes a bucket so wide.
const GAMMA: f64 = (1.0 + ERROR) / (1.0 - ERROR);

const SMALL: f64 = 1e-6;
const LARGE: f64 = 1e15;

/// How many numbers lie in each bucket. A bucket is that of the numbers' size, from 1, with their sign; 0 is that of zero.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(in crate::engine) struct Sketch {
    buckets: BTreeMap<i32, u64>,
}

impl Sketch {
    pub(super) fn add(&mut self, number: f64) {
        *self.buckets.entry(bucket(number)).or_default() += 1;
    }

    /// Takes out numbers that were added.
    pub(super) fn remove_all(&mut self, other: &Self) {
        for (bucket, count) in &other.buckets {
            if let Some(left) = self.buckets.get_mut(bucket) {
                *left = left.saturating_sub(*count);
                if *left == 0 {
                    self.buckets.remove(bucket);
                }
            }
        }
    }

    /// The number that `percent` of the numbers don't exceed (the nearest rank).
    pub(super) fn percentile(&self, percent: f64) -> Option<f64> {
        let total: u64 = self.buckets.values().sum();
        let rank = ((percent / 100.0 * total as f64).ceil() as u64).clamp(1, total.max(1));
        let mut below = 0;
        self.buckets.iter().find_map(|(bucket, count)| {
            below += count;
            (below >= rank).then(|| middle(*bucket))
        })
    }
}

fn bucket(number: f64) -> i32 {
    let size = number.abs();
    if size < SMALL {
        return 0;
    }
    let steps = ((size.min(LARGE) / SMALL).ln() / GAMMA.ln()).ceil() as i32 + 1;
    if number < 0.0 { -steps } else { steps }
}

/// What a bucket's numbers are taken for: at most 1 % away from each of them.
fn middle(bucket: i32) -> f64 {
    if bucket == 0 {
        return 0.0;
    }
    let size = SMALL * 2.0 * GAMMA.powi(bucket.abs() - 1) / (GAMMA + 1.0);
    if bucket < 0 { -size } else { size }
}

/// What the sketch takes a number for, for oracles.
#[cfg(test)]
pub(in crate::engine) fn taken_for(number: f64) -> f64 {
    middle(bucket(number))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_percentile_is_within_one_percent_of_the_exact_one(
            mut numbers in proptest::collection::vec(
                prop_oneof![-1e6f64..1e6, -1.0f64..1.0, 1e-3f64..1e14, Just(0.0)], 1..300),
            gone in proptest::collection::vec(-1e9f64..1e9, 0..50),
            percent in 0.1f64..100.0,
        ) {
            let mut sketch = Sketch::default();
            let mut other = Sketch::default();
            numbers.iter().chain(&gone).for_each(|number| sketch.add(*number));
            gone.iter().for_each(|number| other.add(*number));
            sketch.remove_all(&other);
            numbers.sort_by(f64::total_cmp);
            let rank = (percent / 100.0 * numbers.len() as f64).ceil() as usize;
            let exact = numbers[rank.clamp(1, numbers.len()) - 1];
            let got = sketch.percentile(percent).unwrap();
            prop_assert!((got - exact).abs() <= exact.abs() * ERROR * 1.000_001 + SMALL, "{got} for {exact}");
        }
    }

    #[test]
    fn any_numbers_have_a_bounded_number_of_buckets() {
        for number in [f64::MAX, f64::MIN, f64::MIN_POSITIVE, 0.0, -0.0, 1e15, 1e16] {
            assert!(bucket(number).abs() < 2_500, "{number}");
        }
        assert_eq!(Sketch::default().percentile(50.0), None);
    }
}
