//! Buckets of whole numbers, of which percentiles can be read without the numbers themselves.
//!
//! Comes in: numbers, a millionth of a unit each. Goes out: the number of the bucket that a number falls into, and back: what stands for all
//! numbers of a bucket. Up to 127 each number has a bucket of its own; from there on the buckets double in width with each power of two, 64
//! to a power, as in an [HDR histogram](https://hdrhistogram.github.io/HdrHistogram/). Counts of buckets add up across days and writers.

/// How many buckets there are for each power of two.
const STEPS: i64 = 64;

/// How far what stands for a bucket can be from a number in it, as a share of the number: half a bucket's width.
#[cfg(test)]
pub(crate) const PRECISION: f64 = 0.5 / STEPS as f64;

/// The bucket of a number; one below zero falls into the first.
pub(crate) fn bucket(number: i64) -> i64 {
    let number = number.max(0);
    // How often it must be halved to have as many digits as a step.
    let halvings = i64::from((number / STEPS).checked_ilog2().unwrap_or(0));
    halvings * STEPS + (number >> halvings)
}

/// The middle of a bucket.
pub(crate) fn middle(bucket: i64) -> f64 {
    let halvings = (bucket / STEPS - 1).clamp(0, 62);
    let width = 1_i64 << halvings;
    #[allow(clippy::cast_precision_loss)] // a middle is no more exact than its bucket
    let low = (bucket - halvings * STEPS) as f64 * width as f64;
    #[allow(clippy::cast_precision_loss)]
    let middle = low + (width - 1) as f64 / 2.0;
    middle
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_is_as_narrow_as_is_said() {
        let mut last = -1;
        let numbers =
            (0..100_000).chain((17..63).flat_map(|power| [-1, 0, 1, 12_345].map(|more| (1_i64 << power) + more)));
        for number in numbers {
            let bucket = bucket(number);
            assert!(bucket >= last, "{number}");
            last = bucket;
            let error = (middle(bucket) - number as f64).abs();
            assert!(error <= number as f64 * PRECISION, "{number}: {}", middle(bucket));
            assert!(number >= 128 || error == 0.0, "{number}");
        }
        assert_eq!((bucket(-5), bucket(i64::MAX)), (0, 57 * STEPS + 63));
    }
}
