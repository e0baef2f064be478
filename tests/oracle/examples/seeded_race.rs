//! A data race on purpose, on the ring's own memory: `ci/tsan.sh` runs it to prove that ThreadSanitizer sees such races.
//!
//! The reader looks in place at bytes beyond `head` while a writer writes them, against the documented condition of
//! `RingBuffer::read`. Nothing else runs this program.

use iobring::RingBuffer;
use std::thread;

fn main() {
    let mut reader = RingBuffer::create(65_536);
    let ring_buffer = reader.clone();
    let (writer, _) = reader.new_iob_writer(7).expect("a pair");
    let writing = thread::spawn(move || {
        for _ in 0..1000 {
            writer.write(Default::default(), 0, b"racing").expect("room for all");
        }
    });
    let mut sum = 0;
    for record in 0..1000 {
        // SAFETY: there is none; that is what this program is for. The bytes are valid, whatever they are.
        sum += unsafe { ring_buffer.read::<u64>(24 * record + 16) } & 1;
    }
    writing.join().expect("the writer ends");
    println!("{sum} of {} bytes", reader.resync());
}
