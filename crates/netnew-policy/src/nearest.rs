//! What somebody most likely meant.

/// Edits (insert, delete, replace one character) from one word to another.
fn distance(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (i, a) in from.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, b) in to.iter().enumerate() {
            let replaced = diagonal + usize::from(a != *b);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[to.len()]
}

/// The candidate closest to `text`, without regard to case; of equally close ones the first. A candidate that has
/// `text` as one of its dotted parts (`grace` for `past_due.grace`) comes before any near miss.
///
/// `None` when every candidate would have to be rewritten for more than half.
pub fn nearest<'a>(text: &str, candidates: impl Iterator<Item = &'a str> + Clone) -> Option<&'a str> {
    // Longer input is no slip of the fingers, and must not cost time.
    const LONGEST: usize = 80;
    let wanted = text.trim().to_lowercase();
    if wanted.is_empty() || wanted.chars().count() > LONGEST {
        return None;
    }
    if let Some(part) = candidates.clone().find(|c| c.split('.').any(|part| part == wanted)) {
        return Some(part);
    }
    let scored = candidates.map(|c| (distance(&wanted, &c.to_lowercase()), c));
    let (edits, best) = scored.min_by_key(|(edits, _)| *edits)?;
    (edits * 2 <= best.chars().count().max(wanted.chars().count())).then_some(best)
}

/// Text as errors show it: cut to a printable length.
pub fn shown(text: &str) -> String {
    const LONGEST: usize = 60;
    if text.chars().count() <= LONGEST {
        return text.to_string();
    }
    text.chars().take(LONGEST).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::{distance, nearest, shown};

    #[test]
    fn edits_are_counted() {
        for (from, to, edits) in [
            ("", "", 0),
            ("", "day", 3),
            ("day", "", 3),
            ("day", "dya", 2),
            ("kitten", "sitting", 3),
            ("ä", "a", 1),
        ] {
            assert_eq!(distance(from, to), edits, "{from} {to}");
            assert_eq!(distance(to, from), edits, "{to} {from}");
        }
    }

    #[test]
    fn the_closest_wins_unless_all_are_far() {
        let near = |text| nearest(text, ["netting", "nrr", "past_due.grace", "fx.row"].into_iter());
        assert_eq!(near("neting"), Some("netting"));
        assert_eq!(near("NETTING "), Some("netting"));
        assert_eq!(near("grace"), Some("past_due.grace"));
        assert_eq!(near("past_due_grace"), Some("past_due.grace"));
        assert_eq!(near("nr"), Some("nrr"));
        assert_eq!(near("completely else"), None);
        assert_eq!(near(""), None);
        assert_eq!(near(&"x".repeat(1_000_000)), None);
    }

    #[test]
    fn long_text_is_cut() {
        assert_eq!(shown("netting"), "netting");
        assert_eq!(shown(&"ß".repeat(100)).chars().count(), 61);
    }
}
