//! Where a process may have no more memory, a hand-over is refused, and nobody is ended by it: not for the thread that it starts, nor
//! for what that receives into.

use iobring::{Iob, RingBuffer};
use iobring_oracle::child::{self, Fork};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::fs;
use std::os::unix::net::UnixStream;

/// In which steps the limit is raised, and until when, in bytes. What a thread needs at its start, beside its stack, is less than a
/// step; where that alone is missing the standard library ends the process, in one step at most.
const STEP: u64 = 256 << 10;
const ENOUGH: u64 = 8 << 20;

/// Of this process's address space, in bytes.
fn used() -> u64 {
    let pages = fs::read_to_string("/proc/self/statm").unwrap();
    let pages: u64 = pages.split_whitespace().next().unwrap().parse().unwrap();
    pages * rustix::param::page_size() as u64
}

/// Hands over with so much to spare; whether it could.
fn hand_over(spare: u64) -> bool {
    let reader = RingBuffer::create(65_536);
    let (writer, _peer) = reader.new_iob_writer(7).unwrap();
    let (near, far) = UnixStream::pair().unwrap();
    let limit = Rlimit { current: Some(used() + spare), maximum: getrlimit(Resource::As).maximum };
    setrlimit(Resource::As, limit).unwrap();
    if writer.send_to(&near).is_err() {
        return false;
    }
    let isolated = Iob::receive_from(&far).unwrap();
    isolated.send(b"hello").unwrap();
    let mut reader = reader;
    assert_eq!(reader.read_message_blocking(None), Ok(Some((7, b"hello".to_vec()))));
    true
}

#[test]
fn too_little_memory_for_a_hand_over() {
    let could: Vec<_> = (0..=ENOUGH / STEP)
        // SAFETY: this process has no thread but the test's, which is the child's too.
        .map(|step| child::ending(unsafe { child::fork(Fork::Libc, || i32::from(hand_over(step * STEP))) }))
        .collect();
    let lived: Vec<i32> = could.iter().flatten().copied().collect();
    assert!(lived.is_sorted() && lived.first() == Some(&0) && lived.last() == Some(&1), "{could:?}");
    assert!(could.len() - lived.len() <= 1, "{could:?}");
}
