//! Thousands of writers on one broker thread; and where descriptors run out, an error for the newcomer and nothing for the rest.
//!
//! One test, since it changes this process's limits.

use iobring::{Iob, RingBuffer};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::os::unix::net::UnixStream;

const WRITERS: u64 = 2_000;

fn limit(descriptors: u64) {
    let maximum = getrlimit(Resource::Nofile).maximum;
    setrlimit(Resource::Nofile, Rlimit { current: Some(descriptors), maximum }).unwrap();
}

#[test]
fn many_writers_and_the_end_of_descriptors() {
    // Both ends of every connection are in this process.
    let enough = 3 * WRITERS;
    assert!(
        getrlimit(Resource::Nofile).maximum.is_none_or(|most| most >= enough),
        "this test needs {enough} descriptors"
    );
    limit(enough);
    let mut reader = RingBuffer::create(1024 * 1024);
    let (near, far) = UnixStream::pair().unwrap();
    let threads = || std::fs::read_dir("/proc/self/task").unwrap().count();

    let (first, _peer) = reader.new_iob_writer(0).unwrap();
    first.send_to(&near).unwrap();
    let mut writers = vec![Iob::receive_from(&far).unwrap()];
    let before = threads();
    for tag in 1..WRITERS {
        let (iob, _) = reader.new_iob_writer(tag).unwrap();
        iob.send_to(&near).unwrap();
        writers.push(Iob::receive_from(&far).unwrap());
    }
    assert_eq!(threads(), before, "one thread serves them all");
    let mut write_and_read = |round: u64| {
        for writer in &writers {
            writer.write(Default::default(), 0, &round.to_ne_bytes()).unwrap();
        }
        let mut tags: Vec<u64> = (0..WRITERS)
            .map(|_| {
                let (tag, message) = reader.read_message_blocking(None).unwrap().unwrap();
                assert_eq!(message, round.to_ne_bytes());
                tag
            })
            .collect();
        tags.sort();
        assert!(tags.iter().copied().eq(0..WRITERS));
    };
    write_and_read(1);

    // No descriptor left for a connection, then one but not the second it takes, and so on.
    let open = std::fs::read_dir("/proc/self/fd").unwrap().count() as u64;
    for left in 0..2 {
        limit(open - 1 + left);
        assert!(first.send_to(&near).is_err(), "{left} descriptors left");
        assert!(first.send_mapped_to(&near).is_err(), "{left} descriptors left");
    }
    write_and_read(2);
    // Enough to send, but not to receive.
    limit(enough);
    first.send_mapped_to(&near).unwrap();
    limit(std::fs::read_dir("/proc/self/fd").unwrap().count() as u64 - 1);
    assert!(Iob::receive_from(&far).is_err());
    write_and_read(3);
    limit(enough);
    first.send_to(&near).unwrap();
    let last = Iob::receive_from(&far).unwrap();
    last.write(Default::default(), 0, b"last").unwrap();
    assert_eq!(reader.read_message_blocking(None).unwrap(), Some((0, b"last".to_vec())));
}
