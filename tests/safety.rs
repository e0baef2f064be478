//! What is public and safe is sound, whatever safe code does with it: also what the documentation hides.

use iobring::layout::Header;
use iobring::protocol::{Memory, section, wait, write};
use rustix::process::Signal;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use weakest_facade::Native;

/// A ring of safe code's own, whose header goes when it does.
struct Own {
    header: Box<Header<Native>>,
    /// It panics where its header is asked for the time after so many.
    headers: AtomicU32,
}

impl Own {
    fn new(headers: u32) -> Self {
        Own { header: Box::new(Header::new(0)), headers: AtomicU32::new(headers) }
    }
}

impl Memory<Native> for Own {
    fn header(&self) -> &Header<Native> {
        assert!(self.headers.fetch_sub(1, Ordering::Relaxed) > 0, "no more headers");
        &self.header
    }
    fn capacity(&self) -> u64 {
        4096
    }
    fn read_word(&self, _: u64) -> u64 {
        0
    }
    fn write_word(&self, _: u64, _: u64) {}
    fn write_bytes(&self, _: u64, _: &[u8]) {}
    fn ring_bell(&self, _: u32) {}
}

/// The word that the kernel is to look at when this thread dies.
fn pending() -> usize {
    let (mut head, mut len) = (std::ptr::null::<[usize; 3]>(), 0usize);
    // SAFETY: the call fills both in; what it names lives as long as this thread.
    unsafe {
        assert_eq!(libc::syscall(libc::SYS_get_robust_list, 0, &mut head, &mut len), 0);
        (&raw const (*head)[2]).read_volatile()
    }
}

/// A signal handler that writes into another ring does this.
#[test]
fn a_section_in_a_section_leaves_no_word_named() {
    let (outer, inner) = (Own::new(100), Own::new(100));
    section::exclusively::<Native, _, _>(&outer, |header| {
        let named = pending();
        assert!(named.abs_diff((&raw const header.writers.0.lock).addr()) < 256);
        section::exclusively::<Native, _, _>(&inner, |_| assert_ne!(pending(), named));
        assert_eq!(pending(), named, "the outer one is still held");
    });
    assert_eq!(pending(), 0, "the kernel would write to memory that is about to go");
}

/// The ways to unwind while a word is named.
fn ways() -> [(&'static str, fn()); 4] {
    [
        ("a section", || section::exclusively::<Native, _, _>(&Own::new(100), |_| panic!("in a section"))),
        ("a message's place", || {
            let fill = |_| -> Result<(), write::Refusal> { panic!("in the middle of a message") };
            let _ = write::write_with::<Native, _, _>(&Own::new(100), 1, 8, fill);
        }),
        ("a memory, in a write", || {
            let _ = write::write::<Native, _>(&Own::new(2), 1, &[]);
        }),
        ("a memory, in a wait", || {
            // Until it is about to sleep.
            for headers in 1..100 {
                let wait = || wait::wait::<Native, _>(&Own::new(headers), 0, Some(std::time::Duration::ZERO));
                if catch_unwind(AssertUnwindSafe(wait)).is_ok() {
                    return;
                }
            }
        }),
    ]
}

const WAY: &str = "IOBRING_TEST_WAY";

/// The process ends: nobody is left to use what the kernel would write to, or to wait for the lock.
#[test]
fn nothing_unwinds_while_a_word_is_named() {
    if let Ok(way) = std::env::var(WAY) {
        let (_, way) = ways()[way.parse::<usize>().unwrap()];
        let _ = catch_unwind(way);
        assert_eq!(pending(), 0);
        return;
    }
    for (number, (name, _)) in ways().into_iter().enumerate() {
        let mut again = Command::new(std::env::current_exe().unwrap());
        again.args(["nothing_unwinds_while_a_word_is_named", "--exact"]).env(WAY, number.to_string());
        let output = again.output().unwrap();
        let signal = std::os::unix::process::ExitStatusExt::signal(&output.status);
        assert_eq!(signal, Some(Signal::ABORT.as_raw()), "{name}: {output:?}");
    }
}
