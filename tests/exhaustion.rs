//! Where the system's limits are reached: errors, no panics, and nothing lost.
//!
//! One test, because limits belong to the whole process.

use iobring::{RingBuffer, Status};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::fs::{self, File};
use std::io;

/// Sets a limit of this process for as long as `work` runs.
fn limited<T>(resource: Resource, limit: u64, work: impl FnOnce() -> T) -> T {
    let before = getrlimit(resource);
    setrlimit(resource, Rlimit { current: Some(limit), maximum: before.maximum }).unwrap();
    let result = work();
    setrlimit(resource, before).unwrap();
    result
}

/// Runs `work` with so many descriptors to spare.
fn with_descriptors<T>(spare: usize, work: impl FnOnce() -> T) -> T {
    limited(Resource::Nofile, 200, || {
        let mut all: Vec<File> = std::iter::from_fn(|| File::open("/dev/null").ok()).collect();
        all.truncate(all.len() - spare);
        work()
    })
}

#[test]
fn limits() {
    no_descriptor_for_a_ring();
    no_descriptor_for_an_endpoint();
    no_address_space();
    no_file_so_large();
}

fn no_descriptor_for_a_ring() {
    for spare in 0..2 {
        let result = with_descriptors(spare, || RingBuffer::try_create(65_536).map(drop));
        assert_eq!(result, Err(Status::NO_RESOURCES), "{spare} to spare");
    }
    with_descriptors(2, || RingBuffer::try_create(65_536).map(drop)).expect("a ring takes two");
    let panicked = with_descriptors(0, || std::panic::catch_unwind(|| drop(RingBuffer::create(65_536))));
    let message = panicked.unwrap_err().downcast::<String>().unwrap();
    assert_eq!(*message, format!("a ring of 65536 bytes cannot be made: {}", Status::NO_RESOURCES));
}

fn no_descriptor_for_an_endpoint() {
    let mut reader = RingBuffer::create(65_536);
    let (writer, peer) = reader.new_iob_writer(7).unwrap();
    with_descriptors(0, || {
        let (another, its_peer) = reader.new_iob_writer(8).expect("a pair needs no descriptor");
        another.write(Default::default(), 0, b"hello").unwrap();
        for end in [&writer, &peer, &another, &its_peer] {
            let error = end.try_as_fd().unwrap_err();
            assert_eq!(error.kind(), io::Error::from(rustix::io::Errno::MFILE).kind());
            assert_eq!(error.raw_os_error(), Some(rustix::io::Errno::MFILE.raw_os_error()));
        }
        assert_eq!(reader.try_read_message(), Ok(Some((8, b"hello".to_vec()))));
        drop(another);
        assert!(its_peer.is_peer_closed(), "known without a descriptor");
        assert!(its_peer.wait_peer_closed(None), "and waited for without one");
    });
    writer.try_as_fd().expect("there are descriptors again");
}

fn no_address_space() {
    let used = fs::read_to_string("/proc/self/statm").unwrap();
    let used: u64 = used.split_whitespace().next().unwrap().parse().unwrap();
    let limit = used * rustix::param::page_size() as u64 + (8 << 20);
    let result = limited(Resource::As, limit, || RingBuffer::try_create(64 << 20).map(drop));
    assert_eq!(result, Err(Status::NO_MEMORY));
}

/// The kernel would end the process with a signal for a file larger than its limit.
fn no_file_so_large() {
    let limit = 65_536 + rustix::param::page_size();
    let result = limited(Resource::Fsize, limit as u64, || RingBuffer::try_create(limit).map(drop));
    assert_eq!(result, Err(Status::OUT_OF_RANGE), "a page more than the limit");
    limited(Resource::Fsize, limit as u64, || RingBuffer::try_create(65_536)).expect("exactly the limit");
}
