//! Messages to write. They are copied from one place: bytes that are made one by one would cost a fuzzer, which is told of each
//! step and each comparison, more than all that is done with them.

/// After so many bytes they repeat: no power of two, so that what lies a word, a page or a lap too far is not the same.
const PERIOD: usize = 255;

/// Two periods, none of whose bytes is zero: what was written differs from what was never.
const PATTERN: [u8; 2 * PERIOD] = {
    let mut pattern = [0; 2 * PERIOD];
    let mut at = 0;
    while at < pattern.len() {
        pattern[at] = (at % PERIOD + 1) as u8;
        at += 1;
    }
    pattern
};

/// A message of `len` bytes, which follow from its number; of 255 in succession no two begin alike.
pub fn message(number: usize, len: usize) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(len);
    bytes.extend_from_slice(&PATTERN[number.wrapping_mul(31) % PERIOD..][..len.min(PERIOD)]);
    // Whole periods are there until the last is added, so that what is copied fits to what is there.
    while bytes.len() < len {
        bytes.extend_from_within(..bytes.len().min(len - bytes.len()));
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_follow_from_number_and_place() {
        for (number, len) in [(0, 0), (1, 1), (2, 254), (3, 255), (254, 256), (255, 511), (usize::MAX, 70_000)] {
            let expected: Vec<u8> =
                (0..len).map(|at| ((number.wrapping_mul(31) % PERIOD + at) % PERIOD + 1) as u8).collect();
            assert_eq!(message(number, len), expected, "number {number}");
        }
    }
}
