//! Text inside drawings: escaping, links, and how wide it is about to be.

use crate::error::ChartError;

/// Writes text so that it is only text, in XML and in HTML. What XML 1.0 cannot hold becomes U+FFFD.
pub(crate) fn escape_into(out: &mut String, text: &str) {
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\t' | '\n' | '\r' => out.push(' '),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
}

/// Refuses links with a scheme other than the web's: a label from a file must never become a script.
pub(crate) fn check_href(id: &str, href: &str) -> Result<(), ChartError> {
    let lower = href.to_ascii_lowercase();
    let web = lower.starts_with("https://") || lower.starts_with("http://");
    let relative = href.split(['/', '?', '#']).next().is_none_or(|first| !first.contains(':'));
    let clean = !href.is_empty() && !href.chars().any(|c| c.is_control() || c.is_whitespace());
    if clean && (web || relative) && !href.starts_with("//") && !href.starts_with("/\\") {
        return Ok(());
    }
    Err(ChartError::BadLink { id: id.to_owned(), href: href.to_owned() })
}

/// About how wide text is at a size, in hundredths of a pixel. System fonts differ by a few per cent; the widths here
/// are those of wide ones, so labels that are clear of each other here are clear of each other.
pub(crate) fn width(text: &str, size: i64) -> i64 {
    text.chars().map(|c| i64::from(hundredths_of_em(c)) * size).sum()
}

/// The same for bold text.
pub(crate) fn bold_width(text: &str, size: i64) -> i64 {
    width(text, size) * 110 / 100
}

fn hundredths_of_em(c: char) -> u8 {
    match c {
        'i' | 'j' | 'l' | '.' | ',' | ':' | ';' | '\'' | '|' | '!' | 'I' => 32,
        ' ' | '\u{a0}' | 'f' | 't' | 'r' | '(' | ')' | '-' | '/' => 38,
        'm' | 'w' | 'M' | 'W' | '%' | '@' => 92,
        '0'..='9' => 60,
        '\u{2212}' | '+' | '–' | '=' => 62,
        'A'..='Z' => 69,
        c if c.is_ascii() => 57,
        c if u32::from(c) < 0x1100 => 66,
        _ => 102,
    }
}

/// The text, or as much of it as fits a width with an ellipsis.
pub(crate) fn fitted(text: &str, size: i64, room: i64) -> String {
    if width(text, size) <= room {
        return text.to_owned();
    }
    let mut kept = String::new();
    let mut used = width("…", size) + 40 * size;
    for c in text.chars() {
        used += i64::from(hundredths_of_em(c)) * size;
        if used > room {
            break;
        }
        kept.push(c);
    }
    let kept = kept.trim_end();
    if kept.is_empty() { String::new() } else { format!("{kept}…") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn escaped(text: &str) -> String {
        let mut out = String::new();
        escape_into(&mut out, text);
        out
    }

    #[test]
    fn text_stays_text() {
        assert_eq!(
            escaped("<a href=\"x\">&'\u{1}</a>\n"),
            "&lt;a href=&quot;x&quot;&gt;&amp;&#39;\u{fffd}&lt;/a&gt; "
        );
    }

    #[test]
    fn links_lead_into_the_product_or_to_the_web() {
        for good in ["/a?b=c:d", "?x=1", "#y", "https://example.com/", "explain/1", "a/b:c"] {
            assert!(check_href("c", good).is_ok(), "{good}");
        }
        for bad in [
            "javascript:alert(1)",
            "JAVASCRIPT:x",
            "data:text/html,x",
            "//evil.example",
            "",
            " /x",
            "java\nscript:x",
            "/\\evil",
        ] {
            assert!(check_href("c", bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn long_text_is_cut_with_an_ellipsis() {
        assert_eq!(fitted("Acme", 12, 100_000), "Acme");
        let cut = fitted("A very long customer name indeed", 12, 9_000);
        assert!(cut.ends_with('…') && width(&cut, 12) <= 9_000, "{cut}");
        assert_eq!(fitted("Acme", 12, 100), "");
    }
}
