//! Messages that tell on whoever damages them.
//!
//! ```text
//! | life: u64 | sequence: u64 | checksum: u64 | bytes that follow from life and sequence |
//! ```

/// Which writer, and the how-many-eth in its place.
pub type Life = u64;

/// The size of a message without its filling, in bytes.
const HEADER: usize = 24;

/// The message numbered `sequence` of `life`, of a length that follows from both.
pub fn compose(life: Life, sequence: u64, into: &mut Vec<u8>) {
    into.clear();
    into.extend(life.to_ne_bytes());
    into.extend(sequence.to_ne_bytes());
    into.extend([0; 8]);
    let mut random = fastrand::Rng::with_seed(life.rotate_left(32) ^ sequence);
    // Mostly short ones, sometimes long ones, now and then a very long one.
    let longest = match random.u32(..1000) {
        0 => 60_000,
        1..50 => 4_000,
        _ => 200,
    };
    into.resize(HEADER + random.usize(..longest), 0);
    random.fill(&mut into[HEADER..]);
    let sum = checksum(into);
    into[16..24].copy_from_slice(&sum.to_ne_bytes());
}

/// Life and sequence of a message, if it is whole.
pub fn parse(message: &[u8]) -> Option<(Life, u64)> {
    let word = |at: usize| message.get(at..at + 8).map(|bytes| u64::from_ne_bytes(bytes.try_into().expect("8 bytes")));
    let (life, sequence, sum) = (word(0)?, word(8)?, word(16)?);
    (sum == checksum(message)).then_some((life, sequence))
}

/// FNV-1a by words, over everything but the checksum itself.
fn checksum(message: &[u8]) -> u64 {
    let step = |sum: u64, bytes: &[u8]| {
        let mut word = [0; 8];
        word[..bytes.len()].copy_from_slice(bytes);
        (sum ^ u64::from_ne_bytes(word)).wrapping_mul(0x100_0000_01b3).rotate_left(17)
    };
    let start = 0xcbf2_9ce4_8422_2325 ^ message.len() as u64;
    let sum = message[..16].chunks(8).fold(start, step);
    message[HEADER..].chunks(8).fold(sum, step)
}
