//! Many short texts in one allocation.

use netnew_facts::Text;

/// Texts by number, bytes end to end.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Texts {
    /// Where each text ends.
    pub(crate) ends: Vec<u32>,
    pub(crate) bytes: Vec<u8>,
}

impl Texts {
    /// Adds a text and gives its number. `None` once four gigabytes are full.
    pub fn push(&mut self, text: &str) -> Option<u32> {
        let number = u32::try_from(self.ends.len()).ok()?;
        self.bytes.extend_from_slice(text.as_bytes());
        self.ends.push(u32::try_from(self.bytes.len()).ok()?);
        Some(number)
    }

    /// Adds all of another's. `None` once four gigabytes are full.
    pub fn append(&mut self, other: &Texts) -> Option<()> {
        u32::try_from(self.bytes.len() + other.bytes.len()).ok()?;
        let before = self.bytes.len() as u32;
        self.ends.extend(other.ends.iter().map(|end| end + before));
        self.bytes.extend_from_slice(&other.bytes);
        Some(())
    }

    /// The text of a number. Empty where texts were left out on reading.
    pub fn get(&self, number: usize) -> &str {
        std::str::from_utf8(self.bytes_of(number)).unwrap_or_default()
    }

    /// Its bytes, which sort as the texts do.
    pub(crate) fn bytes_of(&self, number: usize) -> &[u8] {
        let start =
            number.checked_sub(1).map_or(0, |before| self.ends.get(before).copied().unwrap_or_default());
        let end = self.ends.get(number).copied().unwrap_or_default();
        self.bytes.get(start as usize..end as usize).unwrap_or_default()
    }

    /// The text of a number, shared.
    pub fn text(&self, number: usize) -> Text {
        self.get(number).into()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// True when there are none.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }
}
