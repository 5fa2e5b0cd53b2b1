//! From exact values to places, in whole hundredths of a pixel: no float, so equal specs draw equal bytes anywhere.

use netnew_money::Amount;

use crate::format::ONE;
use crate::spec::Unit;
use crate::svg::Px;

/// A straight map from values to places.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scale {
    lo: i128,
    hi: i128,
    from: Px,
    to: Px,
}

impl Scale {
    /// `lo` is drawn at `from` and `hi` at `to`. Equal ends give a map to `from`.
    pub(crate) fn new(lo: i128, hi: i128, from: Px, to: Px) -> Scale {
        Scale { lo, hi, from, to }
    }

    /// Where a value is drawn. Values outside the ends are drawn at the ends.
    pub(crate) fn at(&self, value: Amount) -> Px {
        let value = value.raw().clamp(self.lo, self.hi);
        let (mut over, mut span) = (value - self.lo, self.hi - self.lo);
        if span <= 0 {
            return self.from;
        }
        // 2^80 times the largest drawing stays far inside 128 bits; what is shifted away is below a pixel.
        let shift = (128 - span.leading_zeros()).saturating_sub(80);
        over >>= shift;
        span >>= shift;
        let length = i128::from(self.to - self.from);
        let offset = (over * length * 2 + span * length.signum()) / (span * 2);
        self.from + i64::try_from(offset).unwrap_or(0)
    }
}

/// Round values that cover a range, with the ends of the axis.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Ticks {
    pub(crate) lo: i128,
    pub(crate) hi: i128,
    pub(crate) at: Vec<Amount>,
}

/// About `count` round ticks (1, 2, 2.5 or 5 times a power of ten apart) from at or below `lo` to at or above `hi`.
pub(crate) fn ticks(lo: i128, hi: i128, count: i64, unit: &Unit) -> Ticks {
    let (lo, hi) = if lo == hi { (lo.min(0), hi.max(0)) } else { (lo, hi) };
    let (lo, hi) = if lo == hi { (0, ONE.max(unit.least_step())) } else { (lo, hi) };
    let step = round_step((hi - lo) / i128::from(count.max(1)), unit.least_step());
    let first = lo.div_euclid(step);
    let last = (hi + step - 1).div_euclid(step);
    let at = (first..=last).map(|n| Amount::from_raw(n * step)).collect();
    Ticks { lo: first * step, hi: last * step, at }
}

fn round_step(wanted: i128, least: i128) -> i128 {
    let mut power = least;
    loop {
        for tenths in [10, 20, 25, 50] {
            let step = power * tenths / 10;
            if step >= wanted && step % least == 0 {
                return step;
            }
        }
        power *= 10;
    }
}

/// How many places to go from one label to the next so that none touches another. Labels are counted from the last,
/// which is the one people look for; `centers` and `widths` are of all of them, `ends` are the drawing's.
pub(crate) fn stride(centers: &[Px], widths: &[Px], ends: (Px, Px), gap: Px) -> usize {
    let steps = [1, 2, 3, 4, 6, 8, 12, 24, 36, 48, 60];
    let clear = |stride: usize| {
        let mut next: Option<Px> = None;
        for place in (0..centers.len()).rev().step_by(stride) {
            let (left, right) = extent(centers[place], widths[place], ends);
            if next.is_some_and(|next| right + gap > next) {
                return false;
            }
            next = Some(left);
        }
        true
    };
    steps
        .into_iter()
        .chain((2..).map(|k| k * 60))
        .find(|&stride| stride >= centers.len() || clear(stride))
        .unwrap_or(1)
}

/// Left and right of a centred label, moved in where it would leave the drawing.
pub(crate) fn extent(center: Px, width: Px, ends: (Px, Px)) -> (Px, Px) {
    let left = (center - width / 2).min(ends.1 - width).max(ends.0);
    (left, left + width)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(lo: &str, hi: &str, unit: &Unit) -> Vec<String> {
        let raw = |text: &str| Amount::parse(text).expect("a number").raw();
        ticks(raw(lo), raw(hi), 4, unit).at.into_iter().map(|tick| unit.tick(tick)).collect()
    }

    #[test]
    fn ticks_are_round_and_cover_the_range() {
        let usd = Unit::Money { code: "USD".into(), decimals: 2 };
        assert_eq!(labels("0", "12480.33", &usd), ["0", "5K", "10K", "15K"]);
        assert_eq!(labels("-1010", "1310", &usd), ["−2K", "−1K", "0", "1K", "2K"]);
        assert_eq!(labels("0", "9", &usd), ["0", "2.5", "5", "7.5", "10"]);
        assert_eq!(labels("0", "1e15", &usd), ["0", "250T", "500T", "750T", "1,000T"]);
        assert_eq!(labels("0", "3", &Unit::Count), ["0", "1", "2", "3"]);
        assert_eq!(labels("0", "0", &Unit::Count), ["0", "1"]);
        assert_eq!(labels("-500", "-500", &usd), ["−600", "−400", "−200", "0"]);
        assert_eq!(labels("0", "0.01", &usd), ["0", "0.01"]);
    }

    #[test]
    fn the_map_is_exact_at_its_ends_and_holds_any_amount() {
        let most = 10_i128.pow(35);
        let scale = Scale::new(-most, most, 20_000, 0);
        assert_eq!(scale.at(Amount::from_raw(-most)), 20_000);
        assert_eq!(scale.at(Amount::ZERO), 10_000);
        assert_eq!(scale.at(Amount::from_raw(most)), 0);
        let small = Scale::new(0, 3, 0, 100);
        assert_eq!([0, 1, 2, 3].map(|raw| small.at(Amount::from_raw(raw))), [0, 33, 67, 100]);
    }

    #[test]
    fn labels_thin_out_until_none_touches() {
        let centers: Vec<Px> = (0..60).map(|n| n * 450).collect();
        let step = stride(&centers, &[2_400; 60], (0, 27_000), 600);
        // The last one is moved in from the edge, which costs a step.
        assert_eq!(step, 12);
        assert_eq!(stride(&centers[..1], &[2_400], (0, 27_000), 600), 1);
        assert_eq!(stride(&[], &[], (0, 0), 600), 1);
    }
}
