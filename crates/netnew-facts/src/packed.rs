//! Small numbers as Apache Parquet packs them: runs of equal ones, and groups of eight.

/// Unpacks `count` numbers of `width` bits into `out`, replacing what is there. `None` when the bytes do not hold them.
pub fn unpack_numbers(mut bytes: &[u8], width: u8, count: usize, out: &mut Vec<u32>) -> Option<()> {
    out.clear();
    if width > 32 {
        return None;
    }
    if width == 0 {
        out.resize(count, 0);
        return Some(());
    }
    let each = usize::from(width).div_ceil(8);
    while out.len() < count {
        let header = varint(&mut bytes)?;
        let left = count - out.len();
        if header & 1 == 0 {
            let (value, rest) = bytes.split_at_checked(each)?;
            bytes = rest;
            let mut wide = [0u8; 4];
            wide[..each].copy_from_slice(value);
            let run = usize::try_from(header >> 1).ok()?;
            out.resize(out.len() + run.min(left), u32::from_le_bytes(wide));
        } else {
            let groups = usize::try_from(header >> 1).ok()?;
            let length = groups.checked_mul(usize::from(width))?;
            // The last group may be cut short where its values are not needed.
            let (packed, rest) = bytes.split_at(length.min(bytes.len()));
            bytes = rest;
            unpack(packed, width, groups.saturating_mul(8).min(left), out)?;
        }
    }
    Some(())
}

fn varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0u64;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

fn unpack(packed: &[u8], width: u8, values: usize, out: &mut Vec<u32>) -> Option<()> {
    let width = usize::from(width);
    if (values * width).div_ceil(8) > packed.len() {
        return None;
    }
    let mask = (1u64 << width) - 1;
    // Eight bytes at once, as long as there are eight.
    let safe = (packed.len().saturating_sub(7) * 8 / width).min(values);
    out.extend((0..safe).map(|at| {
        let bit = at * width;
        let mut word = [0u8; 8];
        word.copy_from_slice(&packed[bit / 8..bit / 8 + 8]);
        ((u64::from_le_bytes(word) >> (bit % 8)) & mask) as u32
    }));
    for at in safe..values {
        let bit = at * width;
        let mut word = [0u8; 8];
        let rest = &packed[bit / 8..packed.len().min(bit / 8 + 8)];
        word[..rest.len()].copy_from_slice(rest);
        out.push(((u64::from_le_bytes(word) >> (bit % 8)) & mask) as u32);
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_and_packed_groups() {
        // Three times 5 in three bits, then eight packed: 0 to 7.
        let bytes = [3 << 1, 5, 3, 0x88, 0xc6, 0xfa];
        let mut out = Vec::new();
        unpack_numbers(&bytes, 3, 11, &mut out).unwrap();
        assert_eq!(out, [5, 5, 5, 0, 1, 2, 3, 4, 5, 6, 7]);
        assert!(unpack_numbers(&bytes[..3], 3, 11, &mut out).is_none());
    }
}
