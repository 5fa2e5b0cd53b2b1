//! Ids: shaped as UUIDs with a prefix, and always the same for the same thing, so that they survive a restart, a restored
//! backup and an import into a fresh book.

use netnew_facts::hash128_hex;

/// An id: `prefix`, then a UUID made from the parts. An empty prefix gives the UUID alone.
pub fn id(prefix: &str, parts: &[&str]) -> String {
    let mut bytes: Vec<&[u8]> = vec![b"netnew-mogul", prefix.as_bytes()];
    bytes.extend(parts.iter().map(|part| part.as_bytes()));
    let hex = hash128_hex(&bytes);
    // Version 8 is for UUIDs made in ways of one's own; the variant is the usual one.
    let uuid = format!("{}-{}-8{}-a{}-{}", &hex[..8], &hex[8..12], &hex[13..16], &hex[17..20], &hex[20..]);
    if prefix.is_empty() { uuid } else { format!("{prefix}_{uuid}") }
}

/// A number made from an id, for the places where the API has numbers: positive, at most 15 digits, so that every reader of
/// JSON keeps it whole.
pub fn number(id: &str) -> i64 {
    i64::try_from(netnew_facts::hash64(id.as_bytes()) % 900_000_000_000_000).unwrap_or(0)
        + 100_000_000_000_000
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_uuids_that_stay() {
        let one = id("cus", &["ds_1", "acme"]);
        assert_eq!(one, id("cus", &["ds_1", "acme"]));
        assert_ne!(one, id("cus", &["ds_1a", "cme"]));
        assert_ne!(one[4..], id("pl", &["ds_1", "acme"])[3..]);
        let parts: Vec<usize> = one.trim_start_matches("cus_").split('-').map(str::len).collect();
        assert_eq!(parts, [8, 4, 4, 4, 12]);
        assert_eq!(id("", &["x"]).len(), 36);
        assert!(number(&one) >= 100_000_000_000_000);
    }
}
