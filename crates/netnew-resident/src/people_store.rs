//! Everybody's attributes as bytes: columns as they lie in memory, each with a checksum, so that a reader takes those it
//! was asked about and leaves the rest.

use crate::attributes::{Attributes, Column, People};
use crate::store::{Place, Source, fill, put, put_text};
use netnew_facts::hash64;
use rayon::prelude::*;
use std::io::{self, Write};

/// Changes with the layout, and with what it is made of.
const MAGIC: &[u8; 8] = b"nnpeopl1";

/// Before the list of sections: magic, version, how many.
const START: usize = 24;

/// Sections of a column.
const PARTS: usize = 6;

/// Sections before the columns: the names, and the ids of those without states.
const BEFORE: usize = 3;

impl People {
    /// Writes everything, made from version `version` of its book. `false` where it cannot be.
    pub fn write(&self, version: u64, out: &mut dyn Write) -> io::Result<bool> {
        if cfg!(target_endian = "big") {
            return Ok(false);
        }
        let mut head = Vec::new();
        for table in [&self.customers, &self.of_others] {
            put(&mut head, table.len as i64);
            put(&mut head, table.columns.len() as i64);
            table.columns.keys().for_each(|name| put_text(&mut head, name));
        }
        let mut sections: Vec<&[u8]> =
            vec![&head, bytemuck::cast_slice(&self.others.ends), &self.others.bytes];
        for column in self.customers.columns.values().chain(self.of_others.columns.values()) {
            sections.extend([
                bytemuck::cast_slice(&column.values.ends),
                &column.values.bytes[..],
                bytemuck::cast_slice(&column.codes),
                bytemuck::cast_slice(&column.whose),
                bytemuck::cast_slice(&column.from),
                bytemuck::cast_slice(&column.to),
            ]);
        }
        let sums: Vec<u64> = sections.par_iter().map(|section| hash64(section)).collect();
        let mut index = Vec::new();
        index.extend_from_slice(MAGIC);
        index.extend_from_slice(&version.to_le_bytes());
        index.extend_from_slice(&(sections.len() as u64).to_le_bytes());
        for (section, sum) in sections.iter().zip(sums) {
            index.extend_from_slice(&(section.len() as u64).to_le_bytes());
            index.extend_from_slice(&sum.to_le_bytes());
        }
        index.extend_from_slice(&hash64(&index).to_le_bytes());
        out.write_all(&index)?;
        sections.iter().try_for_each(|section| out.write_all(section))?;
        Ok(true)
    }

    /// Reads what [`People::write`] wrote for this version of the book, only the attributes that are `wanted`; `None`
    /// when it was made for another, or is damaged.
    pub fn read(
        source: &dyn Source,
        version: u64,
        wanted: &(dyn Fn(&str) -> bool + Sync),
    ) -> io::Result<Option<People>> {
        let Some(places) = places(source, version)? else { return Ok(None) };
        let mut head = Vec::new();
        let mut people = People::default();
        let sound = fill(&mut head, source, &places[0])?
            && fill(&mut people.others.ends, source, &places[1])?
            && fill(&mut people.others.bytes, source, &places[2])?;
        if !sound {
            return Ok(None);
        }
        let mut head = head.as_slice();
        let mut section = BEFORE;
        for which in 0..2 {
            let Some((length, names)) = names(&mut head) else { return Ok(None) };
            let end = section + names.len() * PARTS;
            let Some(mine) = places.get(section..end) else { return Ok(None) };
            section = end;
            let jobs: Vec<(&String, &[Place])> =
                names.iter().zip(mine.chunks(PARTS)).filter(|(name, _)| wanted(name)).collect();
            let columns: Vec<io::Result<Option<(String, Column)>>> = jobs
                .into_par_iter()
                .map(|(name, places)| Ok(column(source, places, length)?.map(|c| (name.clone(), c))))
                .collect();
            let table = if which == 0 { &mut people.customers } else { &mut people.of_others };
            *table = Attributes { len: length, ..Attributes::default() };
            for column in columns {
                let Some((name, column)) = column? else { return Ok(None) };
                table.columns.insert(name, column);
            }
        }
        Ok((people.others.len() == people.of_others.len).then_some(people))
    }
}

fn places(source: &dyn Source, version: u64) -> io::Result<Option<Vec<Place>>> {
    let mut start = vec![0u8; START];
    match source.read(0, &mut start) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        other => other?,
    }
    let word =
        |bytes: &[u8], at: usize| u64::from_le_bytes(bytes[at..at + 8].try_into().expect("eight bytes"));
    let count = word(&start, 16);
    let known = start.starts_with(MAGIC) && word(&start, 8) == version && cfg!(target_endian = "little");
    if !known || !(BEFORE as u64..1 << 20).contains(&count) {
        return Ok(None);
    }
    let count = count as usize;
    let mut index = vec![0u8; START + count * 16 + 8];
    match source.read(0, &mut index) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        other => other?,
    }
    if word(&index, index.len() - 8) != hash64(&index[..index.len() - 8]) {
        return Ok(None);
    }
    let mut places = Vec::with_capacity(count);
    let mut offset = index.len() as u64;
    for section in 0..count {
        let at = START + section * 16;
        places.push(Place { offset, length: word(&index, at) as usize, sum: word(&index, at + 8) });
        offset += word(&index, at);
    }
    Ok(Some(places))
}

fn names(head: &mut &[u8]) -> Option<(usize, Vec<String>)> {
    let mut int = || {
        let (bytes, rest) = head.split_at_checked(8)?;
        *head = rest;
        usize::try_from(i64::from_le_bytes(bytes.try_into().ok()?)).ok()
    };
    let (length, count) = (int()?, int()?);
    let mut names = Vec::new();
    for _ in 0..count {
        let (bytes, rest) = head.split_at_checked(8)?;
        let wide = usize::try_from(i64::from_le_bytes(bytes.try_into().ok()?)).ok()?;
        let (text, rest) = rest.split_at_checked(wide)?;
        *head = rest;
        names.push(std::str::from_utf8(text).ok()?.to_string());
    }
    Some((length, names))
}

fn column(source: &dyn Source, places: &[Place], length: usize) -> io::Result<Option<Column>> {
    let mut column = Column::default();
    let sound = fill(&mut column.values.ends, source, &places[0])?
        && fill(&mut column.values.bytes, source, &places[1])?
        && fill(&mut column.codes, source, &places[2])?
        && fill(&mut column.whose, source, &places[3])?
        && fill(&mut column.from, source, &places[4])?
        && fill(&mut column.to, source, &places[5])?
        && column.codes.len() == length
        && [column.from.len(), column.to.len()] == [column.whose.len(); 2];
    Ok(sound.then_some(column))
}
