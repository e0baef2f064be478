//! Coverage beyond the edges of the program.
//!
//! The fuzzer keeps an input that does something new, and by itself it looks at edges of the control flow only. Two
//! schedules may take the same edges and differ in what matters: who ran between whom, who read whose write. libFuzzer
//! takes every byte of the section named here for one more counter, so such a thing becomes new by being counted.
//! Outside of the fuzzer the counters are bytes that nobody reads.

use std::sync::atomic::{AtomicU8, Ordering};

/// How many features are told apart. Others share a counter, which costs guidance and nothing else.
const COUNTERS: usize = 1 << 15;

#[unsafe(link_section = "__libfuzzer_extra_counters")]
static SEEN: [AtomicU8; COUNTERS] = [const { AtomicU8::new(0) }; COUNTERS];

/// Says that this execution has the feature that these words name.
pub fn saw(words: &[&str]) -> u64 {
    // FNV-1a. By name, not by address, so that a corpus means the same in every process.
    let fnv = |sum: u64, byte: u8| (sum ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3);
    let name = words.iter().fold(0xcbf2_9ce4_8422_2325, |sum, word| fnv(word.bytes().fold(sum, fnv), b'/'));
    count(name)
}

/// Says that this execution has the feature that consists of these two, one after the other.
pub fn saw_in_turn(first: u64, second: u64) {
    count(first.rotate_left(29).wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ second);
}

fn count(feature: u64) -> u64 {
    let counter = &SEEN[(feature ^ feature >> 32) as usize % COUNTERS];
    // Stays at the top: a wrap would make often look like never.
    counter.store(counter.load(Ordering::Relaxed).saturating_add(1), Ordering::Relaxed);
    feature
}
