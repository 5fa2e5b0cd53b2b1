//! Numbers for combinations of values, column by column.

use super::Unfit;
use std::collections::HashMap;

/// Entries of a table before a map takes its place.
const LARGEST_TABLE: usize = 1 << 21;

const UNSEEN: u32 = u32::MAX;

/// More combinations than this are not worth telling apart.
const MOST: u32 = 1 << 22;

/// Numbers pairs (combination so far, code of the next column).
pub(super) struct Pairing {
    /// Codes have so many bits in the table.
    bits: u32,
    table: Vec<u32>,
    map: Option<HashMap<(u32, u32), u32, foldhash::fast::FixedState>>,
    /// Pairs by number.
    pairs: Vec<(u32, u32)>,
}

impl Pairing {
    pub(super) fn new() -> Pairing {
        Pairing { bits: 1, table: Vec::new(), map: None, pairs: Vec::new() }
    }

    /// Puts for each row the number of its pair in place of its combination. Codes are below `cardinality`.
    pub(super) fn combine(
        &mut self,
        rows: &mut [u32],
        codes: &[u32],
        cardinality: usize,
    ) -> Result<(), Unfit> {
        let wanted = cardinality.next_power_of_two().trailing_zeros();
        if wanted > self.bits {
            self.bits = wanted;
            self.rebuild();
        }
        for (row, code) in rows.iter_mut().zip(codes) {
            *row = self.number(*row, *code)?;
        }
        Ok(())
    }

    fn number(&mut self, combination: u32, code: u32) -> Result<u32, Unfit> {
        if let Some(map) = &mut self.map {
            let next = self.pairs.len() as u32;
            let number = *map.entry((combination, code)).or_insert(next);
            if number == next {
                self.pairs.push((combination, code));
            }
            return if next > MOST { Err(Unfit) } else { Ok(number) };
        }
        let at = ((combination as usize) << self.bits) | code as usize;
        match self.table.get(at) {
            Some(&number) if number != UNSEEN => Ok(number),
            _ => {
                let number = self.pairs.len() as u32;
                self.pairs.push((combination, code));
                self.place(at, number);
                Ok(number)
            }
        }
    }

    fn place(&mut self, at: usize, number: u32) {
        if at >= LARGEST_TABLE {
            self.table = Vec::new();
            self.map = Some(self.pairs.iter().enumerate().map(|(n, p)| (*p, n as u32)).collect());
            return;
        }
        if at >= self.table.len() {
            self.table.resize((at + 1).next_power_of_two(), UNSEEN);
        }
        self.table[at] = number;
    }

    fn rebuild(&mut self) {
        if self.map.is_some() {
            return;
        }
        self.table.clear();
        for number in 0..self.pairs.len() {
            let (combination, code) = self.pairs[number];
            self.place(((combination as usize) << self.bits) | code as usize, number as u32);
            if self.map.is_some() {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_pairs_have_one_number_whatever_the_size() {
        let mut pairing = Pairing::new();
        let mut first = vec![0, 0, 1, 0];
        pairing.combine(&mut first, &[0, 1, 1, 0], 2).unwrap();
        assert_eq!(first, [0, 1, 2, 0]);
        let mut second = vec![1, 0, 1, 5_000_000, 0];
        pairing.combine(&mut second, &[1, 99, 1, 7, 0], 100).unwrap();
        assert_eq!(second, [2, 3, 2, 4, 0]);
        let mut third = vec![5_000_000, 0, 1];
        pairing.combine(&mut third, &[7, 99, 1], 100).unwrap();
        assert_eq!(third, [4, 3, 2]);
    }
}
