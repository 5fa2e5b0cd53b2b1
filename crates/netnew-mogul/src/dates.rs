//! Dates as clients of the API write them, and as it answers them.

use netnew_money::{Day, Instant, Zone};

/// Reads a date in any of the ways that clients send: `2016-01-01`, `2016-01-01 12:00:00`, with `UTC`, `Z`, `+02:00` or
/// `+0200` behind it, a blank or a `T` between, with or without seconds. Without a zone it is UTC.
pub fn read(text: &str) -> Option<Instant> {
    let text = text.trim();
    if !text.is_ascii() {
        return None;
    }
    let (date, rest) = text.split_at_checked(10)?;
    let day = Day::parse(date).ok()?;
    let rest = rest.strip_prefix(['T', 't', ' ']).unwrap_or(rest);
    let at = rest.find(['Z', 'z', 'U', 'u', 'G', 'g', '+', '-', ' ']).unwrap_or(rest.len());
    let (clock, zone) = rest.split_at(at);
    let clock = match clock.len() {
        0 => "00:00:00".to_string(),
        5 => format!("{clock}:00"),
        _ => clock.to_string(),
    };
    let zone = match zone.trim() {
        "" | "Z" | "z" | "UTC" | "utc" | "GMT" | "+0000" => "Z".to_string(),
        offset if offset.len() == 5 && !offset.contains(':') => format!("{}:{}", &offset[..3], &offset[3..]),
        offset if offset.len() == 3 => format!("{offset}:00"),
        offset => offset.to_string(),
    };
    Instant::parse_rfc3339(&format!("{day}T{clock}{zone}")).ok()
}

/// Reads a day, whatever comes after it.
pub fn read_day(text: &str) -> Option<Day> {
    Day::parse(text.trim().get(..10)?).ok()
}

fn parts(at: Instant) -> (Day, i64, i64) {
    let (day, micros) = Zone::utc().clock(at);
    (day, micros / 1_000_000, micros % 1_000_000 / 1_000)
}

/// `2016-01-01T12:00:00.000Z`: objects that were sent.
pub fn write(at: Instant) -> String {
    let (day, seconds, millis) = parts(at);
    format!("{day}T{:02}:{:02}:{:02}.{millis:03}Z", seconds / 3600, seconds / 60 % 60, seconds % 60)
}

/// `2016-01-01T12:00:00Z`: subscription events.
pub fn write_seconds(at: Instant) -> String {
    let (day, seconds, _) = parts(at);
    format!("{day}T{:02}:{:02}:{:02}Z", seconds / 3600, seconds / 60 % 60, seconds % 60)
}

/// `2016-01-01T12:00:00+00:00`: what was worked out.
pub fn write_offset(at: Instant) -> String {
    write_seconds(at).replace('Z', "+00:00")
}

/// An instant as objects carry it.
pub mod wire {
    use netnew_money::Instant;
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    /// Writes it.
    ///
    /// # Errors
    /// The serializer's own.
    pub fn serialize<S: Serializer>(at: &Instant, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&super::write(*at))
    }

    /// Reads it.
    ///
    /// # Errors
    /// What is no date.
    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Instant, D::Error> {
        let text = String::deserialize(from)?;
        super::read(&text).ok_or_else(|| D::Error::custom(format!("{text:?} is not a date")))
    }
}

/// The same where there may be none.
pub mod optional {
    use netnew_money::Instant;
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    /// Writes it, or null.
    ///
    /// # Errors
    /// The serializer's own.
    pub fn serialize<S: Serializer>(at: &Option<Instant>, to: S) -> Result<S::Ok, S::Error> {
        match at {
            Some(at) => to.serialize_str(&super::write(*at)),
            None => to.serialize_none(),
        }
    }

    /// Reads it, or null.
    ///
    /// # Errors
    /// What is no date.
    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Instant>, D::Error> {
        match Option::<String>::deserialize(from)?.filter(|text| !text.is_empty()) {
            None => Ok(None),
            Some(text) => match super::read(&text) {
                Some(at) => Ok(Some(at)),
                None => Err(D::Error::custom(format!("{text:?} is not a date"))),
            },
        }
    }
}

/// A list of instants.
pub mod list {
    use netnew_money::Instant;
    use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

    /// Writes them.
    ///
    /// # Errors
    /// The serializer's own.
    pub fn serialize<S: Serializer>(all: &[Instant], to: S) -> Result<S::Ok, S::Error> {
        all.iter().map(|at| super::write(*at)).collect::<Vec<_>>().serialize(to)
    }

    /// Reads them.
    ///
    /// # Errors
    /// What is no date.
    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<Instant>, D::Error> {
        let read = |text: String| {
            super::read(&text).ok_or_else(|| D::Error::custom(format!("{text:?} is not a date")))
        };
        Vec::<String>::deserialize(from)?.into_iter().map(read).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_clients_write_dates_is_read() {
        let noon = Instant::parse_rfc3339("2016-01-01T12:00:00Z").unwrap();
        for text in [
            "2016-01-01 12:00:00 UTC",
            "2016-01-01 12:00:00",
            "2016-01-01T12:00:00.000Z",
            "2016-01-01T12:00:00",
            "2016-01-01T14:00:00+02:00",
            "2016-01-01 14:00:00 +0200",
            "2016-01-01 12:00",
            "2016-01-01T12:00:00.000000+00:00",
        ] {
            assert_eq!(read(text), Some(noon), "{text}");
        }
        assert_eq!(write(read("2016-01-01").unwrap()), "2016-01-01T00:00:00.000Z");
        assert_eq!(write_offset(noon), "2016-01-01T12:00:00+00:00");
        for text in ["", "yesterday", "2016-02-30", "2016-01-01 25:00:00", "12/01/2016", "2016-01-01é"] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
