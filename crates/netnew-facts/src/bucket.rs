//! Stable hashes: which bucket a customer lives in, and ids that are equal after re-import.

use xxhash_rust::xxh3::{xxh3_64, xxh3_128};

/// How many buckets a book has. A bucket is the unit of storage order, of parallel work and of the cluster.
pub const BUCKETS: u32 = 4096;

/// XXH3-64 of some bytes. Stable across versions and machines; stored in books, so it may never change.
pub fn hash64(bytes: &[u8]) -> u64 {
    xxh3_64(bytes)
}

/// The hash that orders customers inside a book. Segments are sorted by it first.
pub fn customer_hash(customer: &str) -> u64 {
    hash64(customer.as_bytes())
}

/// The bucket (0..[`BUCKETS`]) of a customer hash: its top bits, so that buckets are contiguous in hash order.
pub fn bucket_of(hash: u64) -> u32 {
    (hash >> (64 - BUCKETS.trailing_zeros())) as u32
}

/// A 128-bit hash of several parts as 32 hex digits. Parts are length-prefixed, so that `("ab","c")` and
/// `("a","bc")` differ.
pub fn hash128_hex(parts: &[&[u8]]) -> String {
    let mut joined = Vec::with_capacity(parts.iter().map(|p| p.len() + 8).sum());
    for part in parts {
        joined.extend_from_slice(&(part.len() as u64).to_le_bytes());
        joined.extend_from_slice(part);
    }
    format!("{:032x}", xxh3_128(&joined))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_follow_hash_order() {
        assert_eq!(bucket_of(0), 0);
        assert_eq!(bucket_of(u64::MAX), BUCKETS - 1);
        assert!(bucket_of(1 << 60) < bucket_of(1 << 61));
    }

    #[test]
    fn the_hash_is_pinned_because_books_store_it() {
        assert_eq!(customer_hash("acme"), hash64(b"acme"));
        assert_eq!(hash64(b""), 0x2d06_8005_38d3_94c2);
    }

    #[test]
    fn parts_do_not_run_together() {
        assert_ne!(hash128_hex(&[b"ab", b"c"]), hash128_hex(&[b"a", b"bc"]));
        assert_eq!(hash128_hex(&[b"ab"]).len(), 32);
    }
}
