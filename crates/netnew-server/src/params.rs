//! The state of a page: the parameters of its address, and the addresses that differ from it by one.

use crate::error::WebError;
use axum::extract::FromRequestParts;
use axum::http::StatusCode;
use axum::http::request::Parts;
use netnew_report::Question;
use std::convert::Infallible;

/// Parameters that every report takes, besides `set`, which may come several times.
pub const SHARED: [&str; 12] = [
    "from",
    "to",
    "interval",
    "policy",
    "set",
    "currency",
    "constant_rates",
    "timezone",
    "by",
    "where",
    "known_on",
    "as_of",
];

/// Parameters of an address, in their order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Params(Vec<(String, String)>);

impl Params {
    /// Reads a query string; parameters without a value are left out, as an empty form field means nothing chosen.
    pub fn parse(query: &str) -> Params {
        let pairs = form_urlencoded::parse(query.as_bytes());
        Params(
            pairs
                .filter(|(_, value)| !value.trim().is_empty())
                .map(|(k, v)| (k.into_owned(), v.into_owned()))
                .collect(),
        )
    }

    /// The value of a parameter.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// Its value as owned text.
    pub fn text(&self, name: &str) -> Option<String> {
        self.get(name).map(str::to_string)
    }

    /// All values of a parameter.
    pub fn all(&self, name: &str) -> Vec<String> {
        self.0.iter().filter(|(key, _)| key == name).map(|(_, value)| value.clone()).collect()
    }

    /// Names and values.
    pub fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(k, v)| (k.as_str(), v.as_str()))
    }

    /// With a parameter changed; an empty value takes it away.
    pub fn with(&self, name: &str, value: &str) -> Params {
        let mut out = self.without(&[name]);
        if !value.is_empty() {
            out.0.push((name.to_string(), value.to_string()));
        }
        out
    }

    /// With one more value of a parameter that may come several times.
    pub fn and(&self, name: &str, value: &str) -> Params {
        let mut out = self.clone();
        out.0.push((name.to_string(), value.to_string()));
        out
    }

    /// Without some parameters.
    pub fn without(&self, names: &[&str]) -> Params {
        Params(self.0.iter().filter(|(key, _)| !names.contains(&key.as_str())).cloned().collect())
    }

    /// Only some parameters.
    pub fn only(&self, names: &[&str]) -> Params {
        Params(self.0.iter().filter(|(key, _)| names.contains(&key.as_str())).cloned().collect())
    }

    /// An address: path and query.
    pub fn link(&self, path: &str) -> String {
        if self.0.is_empty() {
            return path.to_string();
        }
        let query = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(self.0.iter().map(|(k, v)| (k.as_str(), v.as_str())))
            .finish();
        format!("{path}?{query}")
    }

    /// What is asked.
    pub fn question(&self) -> Question {
        Question {
            from: self.text("from"),
            to: self.text("to"),
            interval: self.text("interval").unwrap_or_default(),
            policy: self.text("policy"),
            set: self.all("set"),
            currency: self.text("currency"),
            constant_rates: self.text("constant_rates"),
            timezone: self.text("timezone"),
            by: self.text("by"),
            filter: self.text("where"),
            known_on: self.text("known_on"),
        }
    }

    /// A number of rows, at most `most`.
    ///
    /// # Errors
    /// `bad_limit` for what is no number from 1 on.
    pub fn limit(&self, usual: usize, most: usize) -> Result<usize, WebError> {
        let Some(text) = self.get("limit") else { return Ok(usual) };
        match text.parse::<usize>() {
            Ok(number @ 1..) => Ok(number.min(most)),
            _ => Err(WebError::new(
                StatusCode::BAD_REQUEST,
                "bad_limit",
                format!("limit {text:?} is not a number of rows"),
                "write a number from 1 on",
            )),
        }
    }

    /// Refuses parameters that nobody would look at, so that a misspelt one is not silently without effect.
    ///
    /// # Errors
    /// `unknown_parameter`, naming those there are.
    pub fn allow(&self, own: &[&str]) -> Result<(), WebError> {
        let known = |name: &str| own.contains(&name) || SHARED.contains(&name);
        match self.0.iter().find(|(name, _)| !known(name)) {
            None => Ok(()),
            Some((name, _)) => Err(WebError::new(
                StatusCode::BAD_REQUEST,
                "unknown_parameter",
                format!("there is no parameter {name:?} here"),
                &format!("parameters are {}", [own, &SHARED].concat().join(", ")),
            )),
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Params {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Params, Infallible> {
        Ok(Params::parse(parts.uri.query().unwrap_or_default()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_read_changed_and_written_again() {
        let params =
            Params::parse("from=2026-01-01&where=plan%3DPro%2B%2Ccountry%3DDE&to=&set=a%3Db&set=c%3Dd");
        assert_eq!(params.get("where"), Some("plan=Pro+,country=DE"));
        assert_eq!(params.all("set"), ["a=b", "c=d"]);
        assert_eq!(params.get("to"), None);
        let link = params.with("from", "").with("by", "plan").link("/movements");
        assert_eq!(link, "/movements?where=plan%3DPro%2B%2Ccountry%3DDE&set=a%3Db&set=c%3Dd&by=plan");
        assert_eq!(Params::default().link("/"), "/");
    }

    #[test]
    fn a_misspelt_parameter_is_refused() {
        let error = Params::parse("form=2026-01-01").allow(&["limit"]).unwrap_err();
        assert_eq!(error.error.code, "unknown_parameter");
        assert!(error.error.hint.contains("limit, from, to"));
    }
}
