//! A kernel that refuses one system call: the K-th of its kind, or all from the K-th on, with an error of the test's choice; or that has
//! the process forked, or killed, in the middle of the K-th. Nothing of the library is changed for this: a seccomp filter has a thread that it does
//! not bind decide about every call of all others.

use rustix::fd::{AsRawFd, FromRawFd, OwnedFd};
use rustix::process::{Signal, getpid, kill_process};
use std::cell::Cell;
use std::mem::zeroed;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicU32, Ordering};
use std::thread;

/// One more than the largest number of a system call.
pub const CALLS: usize = 512;

/// What is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refusal {
    pub call: usize,
    /// Which of these calls, from 1 on.
    pub number: u32,
    /// All that follow, too.
    pub and_on: bool,
    pub errno: i32,
}

/// What comes of which call.
#[derive(Clone, Copy, Debug)]
pub enum Plan {
    Nothing,
    Refuse(Refusal),
    /// In the middle of this one of all calls, from 1 on, there is a fork, which does this; the result is its exit status.
    Fork {
        number: u32,
        child: fn(&'static Counts) -> i32,
    },
    /// In the middle of this one of all calls the process is killed.
    #[allow(dead_code, reason = "each test file uses its part")]
    Kill {
        number: u32,
    },
}

/// What is counted, in memory that a child shares with its parent.
#[derive(Debug)]
pub struct Counts {
    /// The library's calls by number, as far as they can be refused.
    pub calls: [AtomicU32; CALLS],
    /// All of them.
    pub all: AtomicU32,
    /// The fork's process id; 0 if there is none.
    pub fork: AtomicI32,
    /// How many records the fork was told to have written, by tag.
    pub told: [AtomicU32; 4],
    /// Whether any thread has panicked.
    pub panicked: AtomicBool,
}

impl Counts {
    /// All zero, and shared with forks.
    pub fn shared() -> &'static Counts {
        let map = anonymous(size_of::<Counts>());
        // SAFETY: the mapping is large enough, never unmapped, and zeros are numbers and `false`.
        unsafe { &*map.cast::<Counts>() }
    }
}

fn anonymous(len: usize) -> *mut libc::c_void {
    let (access, kind) = (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_SHARED | libc::MAP_ANONYMOUS);
    // SAFETY: a new mapping at an address of the kernel's choice.
    let map = unsafe { libc::mmap(std::ptr::null_mut(), len, access, kind, -1, 0) };
    assert_ne!(map, libc::MAP_FAILED);
    map
}

/// The test's own threads: what they call outside of [`library`] is nobody's business.
static TESTERS: [AtomicI32; 8] = [const { AtomicI32::new(0) }; 8];
/// Whether each is in a call of the library.
static INSIDE: [AtomicBool; 8] = [const { AtomicBool::new(false) }; 8];
/// Whether the scene has begun.
static BEGUN: AtomicBool = AtomicBool::new(false);

thread_local! {
    static TESTER: Cell<Option<usize>> = const { Cell::new(None) };
}

/// Has this thread be one of the test's own.
pub fn be_tester() {
    let id = rustix::thread::gettid().as_raw_nonzero().get();
    let free = |place: &AtomicI32| place.compare_exchange(0, id, Ordering::SeqCst, Ordering::SeqCst).is_ok();
    TESTER.set(Some(TESTERS.iter().position(free).expect("few threads")));
}

/// A call of the library by a thread of the test.
pub fn library<T>(call: impl FnOnce() -> T) -> T {
    let place = TESTER.get().expect("a tester");
    INSIDE[place].store(true, Ordering::SeqCst);
    let result = call();
    INSIDE[place].store(false, Ordering::SeqCst);
    result
}

/// From now on calls are counted, and refused.
pub fn begin() {
    BEGUN.store(true, Ordering::SeqCst);
}

/// No more.
pub fn end() {
    BEGUN.store(false, Ordering::SeqCst);
}

/// Binds this thread, and whatever it starts, to a kernel that refuses this. Says why, if there is no such kernel.
pub fn bind(plan: Plan, counts: &'static Counts) -> Result<(), std::io::Error> {
    static LISTENER: AtomicI32 = AtomicI32::new(-1);
    thread::spawn(move || {
        while LISTENER.load(Ordering::SeqCst) < 0 {
            thread::yield_now();
        }
        // SAFETY: the descriptor was made for this thread.
        decide(unsafe { OwnedFd::from_raw_fd(LISTENER.load(Ordering::SeqCst)) }, plan, counts);
    });
    let filter = |code: u32, jt, jf, k| libc::sock_filter { code: code as u16, jt, jf, k };
    let load = |offset| filter(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, 0, 0, offset);
    let is = |value, jt, jf| filter(libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K, jt, jf, value);
    let argument = |number: u32| 16 + 8 * number + if cfg!(target_endian = "big") { 4 } else { 0 };
    // Nobody is asked about the allocator's calls and those of locks, since a fork, for which whoever is asked needs all locks of the C
    // library, would wait for itself. Each jump says how many instructions are passed over.
    let mut program = [
        load(0),
        is(libc::SYS_brk as u32, 13, 0),
        is(libc::SYS_munmap as u32, 12, 0),
        is(libc::SYS_mprotect as u32, 11, 0),
        is(libc::SYS_futex as u32, 2, 0),
        is(libc::SYS_mmap as u32, 4, 0),
        filter(libc::BPF_JMP | libc::BPF_JA, 0, 0, 7),
        // A futex's operation.
        load(argument(1)),
        filter(libc::BPF_ALU | libc::BPF_AND | libc::BPF_K, 0, 0, 0x7f),
        is(libc::FUTEX_WAKE_OP as u32, 4, 5),
        // A mapping's file, and flags.
        load(argument(4)),
        is(u32::MAX, 0, 2),
        load(argument(3)),
        filter(libc::BPF_JMP | libc::BPF_JSET | libc::BPF_K, 0, 1, libc::MAP_STACK as u32),
        filter(libc::BPF_RET | libc::BPF_K, 0, 0, libc::SECCOMP_RET_USER_NOTIF),
        filter(libc::BPF_RET | libc::BPF_K, 0, 0, libc::SECCOMP_RET_ALLOW),
    ];
    let program = libc::sock_fprog { len: program.len() as u16, filter: program.as_mut_ptr() };
    let flags = libc::SECCOMP_FILTER_FLAG_NEW_LISTENER;
    // SAFETY: the filter is as long as said.
    let listener = unsafe {
        libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
        libc::syscall(libc::SYS_seccomp, libc::SECCOMP_SET_MODE_FILTER, flags, &raw const program)
    };
    if listener < 0 {
        return Err(std::io::Error::last_os_error());
    }
    // No call of the kernel's from here to there.
    LISTENER.store(listener as i32, Ordering::SeqCst);
    Ok(())
}

/// Answers for the kernel.
fn decide(listener: OwnedFd, plan: Plan, counts: &'static Counts) {
    loop {
        // SAFETY: all zeros is what the kernel wants there.
        let (mut asked, mut answer): (libc::seccomp_notif, libc::seccomp_notif_resp) = unsafe { zeroed() };
        // SAFETY: the kernel fills it in.
        if unsafe { libc::ioctl(listener.as_raw_fd(), libc::SECCOMP_IOCTL_NOTIF_RECV, &raw mut asked) } != 0 {
            continue;
        }
        answer.id = asked.id;
        answer.flags = libc::SECCOMP_USER_NOTIF_FLAG_CONTINUE as u32;
        if is_the_librarys(&asked) {
            let call = asked.data.nr as usize;
            let number = 1 + counts.calls[call].fetch_add(1, Ordering::SeqCst);
            let meant = |refusal: &Refusal| {
                refusal.call == call && (refusal.number == number || refusal.and_on && refusal.number < number)
            };
            let all = 1 + counts.all.fetch_add(1, Ordering::SeqCst);
            match plan {
                Plan::Refuse(refusal) if meant(&refusal) => (answer.flags, answer.error) = (0, -refusal.errno),
                Plan::Fork { number, child } if number == all => fork(child, counts),
                Plan::Kill { number } if number == all => kill_process(getpid(), Signal::KILL).unwrap(),
                _ => {}
            }
        }
        // SAFETY: the answer to what was asked; who has asked may be gone by now.
        unsafe { libc::ioctl(listener.as_raw_fd(), libc::SECCOMP_IOCTL_NOTIF_SEND, &raw mut answer) };
    }
}

/// Makes the fork.
fn fork(child: fn(&'static Counts) -> i32, counts: &'static Counts) {
    // SAFETY: for what the child does the test vouches.
    match unsafe { libc::fork() } {
        0 => {
            // SAFETY: the child ends without running anything of its parent's, and by the alarm where it hangs.
            unsafe {
                libc::alarm(60);
                libc::_exit(child(counts))
            }
        }
        id => counts.fork.store(id, Ordering::SeqCst),
    }
}

/// Whether it is a call that the library makes, or has made, and not the test, the C library's allocator, or a thread that comes or
/// goes.
fn is_the_librarys(asked: &libc::seccomp_notif) -> bool {
    let place = TESTERS.iter().position(|tester| tester.load(Ordering::SeqCst) == asked.pid as i32);
    if !BEGUN.load(Ordering::SeqCst) || place.is_some_and(|place| !INSIDE[place].load(Ordering::SeqCst)) {
        return false;
    }
    let args = asked.data.args;
    match i64::from(asked.data.nr) {
        libc::SYS_mmap => {
            let (access, flags, file) = (args[2] as i32, args[3] as i32, args[4] as i32);
            // Anonymous ones are the allocator's, which ends the process; or a thread's stack; or its stack for signals, for want of which
            // the standard library does.
            file >= 0 || flags & libc::MAP_STACK != 0 && access == libc::PROT_NONE
        }
        libc::SYS_madvise => args[2] as i32 == libc::MADV_WIPEONFORK,
        _ => true,
    }
}
