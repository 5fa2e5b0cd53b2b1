//! Pages of lists, the newer way (an opaque cursor) and the older one (a page's number).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

/// Rows of a page unless the request says otherwise, and at most.
pub const USUAL: usize = 200;

/// Where a page begins and how long it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asked {
    /// Rows before it.
    pub skip: usize,
    /// Only rows whose number is past this one, in the list's order; from a cursor.
    pub after: Option<i64>,
    /// Rows.
    pub rows: usize,
    /// The page's number from 1, where it was not asked for by cursor.
    pub page: Option<usize>,
}

/// Reads `per_page`, `cursor` and `page`; the parameter that is wrong, if one is.
///
/// # Errors
/// Name of the parameter and what is wrong with it.
pub fn read(get: impl Fn(&str) -> Option<String>) -> Result<Asked, (&'static str, &'static str)> {
    let number = |name: &str| get(name).filter(|t| !t.is_empty()).map(|t| t.parse::<usize>());
    let rows = match number("per_page") {
        None => USUAL,
        Some(Ok(rows)) if rows > 0 => rows.min(USUAL),
        Some(_) => return Err(("per_page", "must be a number above 0")),
    };
    if let Some(text) = get("cursor").filter(|t| !t.is_empty()) {
        let after = STANDARD.decode(text.trim()).ok().and_then(|bytes| String::from_utf8(bytes).ok());
        let after = after.and_then(|text| text.strip_prefix("after&")?.parse().ok());
        let Some(after) = after else { return Err(("cursor", "is not a cursor that was given out")) };
        return Ok(Asked { skip: 0, after: Some(after), rows, page: None });
    }
    match number("page") {
        None => Ok(Asked { skip: 0, after: None, rows, page: Some(1) }),
        Some(Ok(page)) if page > 0 => {
            Ok(Asked { skip: (page - 1).saturating_mul(rows), after: None, rows, page: Some(page) })
        }
        Some(_) => Err(("page", "must be a number above 0")),
    }
}

/// The cursor after a row.
pub fn write(after: i64) -> String {
    STANDARD.encode(format!("after&{after}"))
}

/// What a page says about itself: the cursor (null where the page is empty) and whether more follow; without a cursor in
/// the request also the page's number and how many there are.
pub fn close(body: &mut Map<String, Value>, asked: &Asked, last: Option<i64>, more: bool, total: usize) {
    body.insert("cursor".into(), json!(last.map(write)));
    body.insert("has_more".into(), json!(more));
    if let Some(page) = asked.page {
        body.insert("per_page".into(), json!(asked.rows));
        body.insert("page".into(), json!(page));
        body.insert("current_page".into(), json!(page));
        body.insert("total_pages".into(), json!(total.div_ceil(asked.rows)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from(pairs: &[(&str, &str)]) -> Result<Asked, (&'static str, &'static str)> {
        read(|name| pairs.iter().find(|(n, _)| *n == name).map(|(_, v)| v.to_string()))
    }

    #[test]
    fn both_ways_are_read() {
        assert_eq!(from(&[]).unwrap().rows, USUAL);
        assert_eq!(from(&[("per_page", "5"), ("page", "3")]).unwrap().skip, 10);
        let next = from(&[("cursor", &write(17))]).unwrap();
        assert_eq!((next.after, next.page), (Some(17), None));
        assert_eq!(from(&[("per_page", "9999")]).unwrap().rows, USUAL);
        for wrong in
            [("per_page", "0"), ("per_page", "x"), ("cursor", "!!"), ("cursor", "YWJj"), ("page", "0")]
        {
            assert_eq!(from(&[wrong]).unwrap_err().0, wrong.0);
        }
    }

    #[test]
    fn a_page_says_where_it_ends() {
        let asked = from(&[("per_page", "2")]).unwrap();
        let mut body = Map::new();
        close(&mut body, &asked, None, false, 0);
        assert_eq!(body["cursor"], Value::Null);
        assert_eq!(body["total_pages"], json!(0));
        close(&mut body, &asked, Some(3), true, 5);
        assert_eq!(body["total_pages"], json!(3));
        assert_eq!(body["has_more"], json!(true));
    }
}
