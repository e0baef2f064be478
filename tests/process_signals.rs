//! A signal's handler writes through an isolated endpoint, in the middle of whatever it interrupts: also of a write through the same.
//! One test, since the signals are the process's.

use iobring::{Iob, RingBuffer, Status};
use iobring_oracle::elsewhere;
use iobring_oracle::watchdog::Watchdog;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

static WRITER: OnceLock<Iob> = OnceLock::new();
static BY_HANDLER: AtomicU64 = AtomicU64::new(0);

extern "C" fn handler(_: libc::c_int) {
    if WRITER.get().is_some_and(|writer| writer.send(&[1; 100]).is_ok()) {
        BY_HANDLER.fetch_add(1, Ordering::Relaxed);
    }
}

#[test]
fn a_handler_writes_through_an_isolated_endpoint() {
    let watchdog = Watchdog::new("writing from a signal's handler");
    let mut reader = RingBuffer::create(64 * 1024);
    let (iob, _peer) = reader.new_iob_writer(1).unwrap();
    let writer = WRITER.get_or_init(|| elsewhere::isolated(&iob));
    let timer = |microseconds| {
        let every = libc::timeval { tv_sec: 0, tv_usec: microseconds };
        let timer = libc::itimerval { it_interval: every, it_value: every };
        // SAFETY: the timer is this process's own.
        assert_eq!(unsafe { libc::setitimer(libc::ITIMER_REAL, &timer, std::ptr::null_mut()) }, 0);
    };
    // SAFETY: all zeros is an action without flags and with an empty mask; what the handler calls is what is tested.
    unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = handler as extern "C" fn(libc::c_int) as usize;
        assert_eq!(libc::sigaction(libc::SIGALRM, &action, std::ptr::null_mut()), 0);
    }
    timer(100);
    let (mut sent, mut read) = (0, [0; 2]);
    let mut count = |reader: &mut iobring::Reader| {
        while let Some((_, message)) = reader.try_read_message().unwrap() {
            read[usize::from(message[0])] += 1;
            watchdog.progress();
        }
        read
    };
    while BY_HANDLER.load(Ordering::Relaxed) < 1_000 {
        match writer.send(&[0; 100]) {
            Ok(()) => sent += 1,
            refused => assert_eq!(refused, Err(Status::NO_SPACE)),
        }
        count(&mut reader);
    }
    timer(0);
    while count(&mut reader) != [sent, BY_HANDLER.load(Ordering::Relaxed)] {}
}
