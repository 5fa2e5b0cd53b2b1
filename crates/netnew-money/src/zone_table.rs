//! Offsets from UTC as sorted tables, so that cutting millions of instants into days costs no
//! call into the time zone database.

use crate::time::DAY_MICROS;

/// The offset that holds from an instant until the next entry's.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Segment {
    /// UTC microseconds.
    pub(crate) start: i64,
    /// Microseconds that local time is ahead of UTC.
    pub(crate) offset: i64,
}

impl Segment {
    /// Local microseconds since 1970-01-01T00:00:00 on the wall clock.
    pub(crate) const fn local(self, micros: i64) -> i64 {
        micros.saturating_add(self.offset)
    }
}

/// Sorted segments; the first begins before every instant.
#[derive(Clone, Debug)]
pub(crate) struct SegmentTable {
    segments: Vec<Segment>,
    /// By bucket of about 200 days from `first_bucket`, the segment that holds where the bucket begins.
    hints: Vec<u16>,
    first_bucket: i64,
}

/// 2^44 microseconds are 203 days: two transitions a year leave at most a few per bucket.
const BUCKET_SHIFT: u32 = 44;

impl SegmentTable {
    /// `segments` sorted by start, not empty, the first starting at `i64::MIN`.
    pub(crate) fn new(segments: Vec<Segment>) -> SegmentTable {
        let Some(second) = segments.get(1) else {
            return SegmentTable { segments, hints: Vec::new(), first_bucket: 0 };
        };
        let first_bucket = second.start >> BUCKET_SHIFT;
        let last_bucket = segments[segments.len() - 1].start >> BUCKET_SHIFT;
        let hints = (first_bucket..=last_bucket + 1)
            .map(|bucket| {
                let after = segments.partition_point(|s| s.start <= bucket << BUCKET_SHIFT);
                u16::try_from(after.saturating_sub(1)).unwrap_or(u16::MAX)
            })
            .collect();
        SegmentTable { segments, hints, first_bucket }
    }

    /// The index of the segment that holds at the instant.
    pub(crate) fn index_at(&self, micros: i64) -> usize {
        let from_first = (micros >> BUCKET_SHIFT) - self.first_bucket;
        let Ok(bucket) = usize::try_from(from_first) else { return 0 };
        let mut at = match self.hints.get(bucket).or(self.hints.last()) {
            Some(&hint) => usize::from(hint),
            None => return 0,
        };
        while self.segments.get(at + 1).is_some_and(|next| next.start <= micros) {
            at += 1;
        }
        at
    }

    /// The segment that holds at the instant.
    pub(crate) fn at(&self, micros: i64) -> Segment {
        self.segments[self.index_at(micros)]
    }

    /// The segments from the one that holds at the instant on, each with its end.
    pub(crate) fn from(&self, micros: i64) -> impl Iterator<Item = (Segment, i64)> {
        let first = self.index_at(micros);
        self.segments[first..].iter().enumerate().map(move |(i, &segment)| {
            (segment, self.segments.get(first + i + 1).map_or(i64::MAX, |next| next.start))
        })
    }
}

/// The offsets by which instants are cut into days, made so that days never run backwards.
///
/// Where clocks are set back across midnight (St. John's at 00:01 until 2011) the wall clock shows a
/// day's first minute, then the day before once more. A period that has begun stays begun: until the
/// second midnight the instants count to the new day, which is what keeping the old offset does.
pub(crate) fn day_segments(true_offsets: &[Segment]) -> Vec<Segment> {
    let mut segments: Vec<Segment> = Vec::with_capacity(true_offsets.len());
    for (at, &segment) in true_offsets.iter().enumerate() {
        let mut start = segment.start;
        if let Some(before) = segments.last() {
            let reached = before.local(start - 1).div_euclid(DAY_MICROS);
            if segment.local(start).div_euclid(DAY_MICROS) < reached {
                start = reached * DAY_MICROS - segment.offset;
            }
        }
        // A segment that ends before its new start would only have repeated days.
        let end = true_offsets.get(at + 1).map_or(i64::MAX, |next| next.start);
        if start < end {
            segments.push(Segment { start, ..segment });
        }
    }
    segments
}
