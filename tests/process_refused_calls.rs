//! Every system call that the library makes is refused: each kind, each time, with each error that it can have, or from then on, as a
//! filter does; descriptors run out after each number of them; and the process is forked in the middle of each call. In a scene that has
//! hand-overs, writers of all transports in this process, waits for room and the end. Nobody panics, nobody hangs, whoever is told
//! something is told the truth, and the accounts balance. Which calls there are nobody has picked: a call that the table does not know
//! fails the test.

#[path = "process/refusing.rs"]
mod refusing;

use iobring::{Iob, Reader, RingBuffer, Status};
use iobring_oracle::child::{self, Fork};
use iobring_oracle::patience::PATIENCE;
use refusing::{CALLS, Counts, Plan, Refusal, library};
use rustix::process::{Pid, Resource, Rlimit, WaitOptions, getrlimit, setrlimit, waitpid};
use std::collections::BTreeMap;
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;
use std::panic::catch_unwind;
use std::ptr::{self, null_mut};
use std::sync::Mutex;
use std::sync::atomic::Ordering::SeqCst;
use std::sync::atomic::{AtomicBool, AtomicPtr};
use std::sync::mpsc::{Sender, channel};
use std::thread;
use std::time::Duration;

const CAPACITY: usize = 64 * 1024;
/// Two do not fit into the ring.
const LARGE: usize = 40_000;

/// What the library does with a call that fails.
enum Known {
    /// It can fail so, and is refused so.
    Fails(&'static [i32]),
    /// It is not refused: why it cannot fail, or what nobody can do about it.
    #[expect(dead_code, reason = "for whoever reads")]
    Cannot(&'static str),
}
use Known::{Cannot, Fails};

/// Every call of the library, and of the standard library on its behalf.
fn known(call: i64) -> Option<(&'static str, Known)> {
    use libc::{EACCES, EAGAIN, EINTR, EMFILE, ENOENT, ENOMEM, ENOSPC, ENOSYS, EPERM};
    macro_rules! calls {
        ($($(#[$when:meta])? $name:ident => $known:expr;)*) => {
            match call { $($(#[$when])? libc::$name => Some((stringify!($name), $known)),)* _ => None }
        };
    }
    const THREADS: &str = "of a thread that comes or goes, where the standard library does without";
    calls! {
        SYS_memfd_create => Fails(&[EMFILE, ENOMEM, EPERM]);
        SYS_ftruncate => Fails(&[ENOMEM, EPERM]);
        SYS_fallocate => Fails(&[ENOSPC, EINTR, EPERM]);
        SYS_pwrite64 => Fails(&[EINTR, ENOSPC, EPERM]);
        SYS_pread64 => Fails(&[EINTR, ENOMEM, EPERM]);
        SYS_fcntl => Fails(&[EPERM, EMFILE]);
        SYS_fstat => Fails(&[ENOMEM, EPERM]);
        SYS_mmap => Fails(&[ENOMEM, EPERM]);
        SYS_madvise => Fails(&[EPERM]);
        SYS_eventfd2 => Fails(&[EMFILE, ENOMEM, EPERM]);
        SYS_epoll_create1 => Fails(&[EMFILE, ENOMEM, EPERM]);
        SYS_epoll_ctl => Fails(&[ENOMEM, ENOSPC, EPERM]);
        SYS_socketpair => Fails(&[EMFILE, ENOMEM, EPERM]);
        SYS_pidfd_open => Fails(&[EMFILE, ENOMEM, EPERM]);
        SYS_membarrier => Fails(&[EPERM, ENOSYS]);
        SYS_clone3 => Fails(&[EAGAIN, EPERM]);
        SYS_clone => Fails(&[EAGAIN, EPERM]);
        SYS_sendmsg => Fails(&[EINTR, EAGAIN, ENOMEM, EPERM]);
        SYS_sendto => Fails(&[EINTR, EAGAIN, ENOMEM, EPERM]);
        SYS_recvmsg => Fails(&[EINTR, EPERM]);
        SYS_recvfrom => Fails(&[EINTR, EPERM]);
        SYS_recvmmsg => Fails(&[EINTR, EPERM, ENOSYS]);
        SYS_setsockopt => Fails(&[ENOMEM, EPERM]);
        SYS_getsockopt => Fails(&[ENOMEM, EPERM]);
        SYS_getpeername => Fails(&[ENOMEM, EPERM]);
        #[cfg(target_arch = "x86_64")]
        SYS_poll => Fails(&[EINTR, ENOMEM, EPERM]);
        SYS_ppoll => Fails(&[EINTR, ENOMEM, EPERM]);
        #[cfg(target_arch = "x86_64")]
        SYS_epoll_wait => Fails(&[EINTR]);
        SYS_epoll_pwait => Fails(&[EINTR]);
        SYS_epoll_pwait2 => Fails(&[EINTR]);
        SYS_waitid => Fails(&[EINTR, EPERM]);
        SYS_ioctl => Fails(&[EPERM]);
        SYS_openat => Fails(&[ENOENT, EMFILE, EACCES]);
        SYS_statx => Fails(&[ENOENT, EACCES]);
        SYS_newfstatat => Fails(&[ENOENT, EACCES]);
        #[cfg(target_arch = "x86_64")]
        SYS_readlink => Fails(&[ENOENT, EACCES]);
        SYS_readlinkat => Fails(&[ENOENT, EACCES]);
        SYS_futex => Fails(&[EPERM, ENOSYS]);
        SYS_get_robust_list => Fails(&[EPERM]);
        SYS_set_robust_list => Fails(&[EPERM]);
        SYS_prlimit64 => Cannot("of a process's own limits, it has no reason to fail");
        SYS_sysinfo => Cannot("it has no reason to fail");
        SYS_write => Cannot("to a bell: its listeners would sleep for ever");
        SYS_read => Cannot("of a bell, or of a file that was opened");
        SYS_shutdown => Cannot("of a connected socket: whoever is to learn of the end would wait for ever");
        SYS_close => Cannot("Linux closes in any case, and whoever is to learn of it would wait for ever");
        SYS_lseek => Cannot("of a file that was opened");
        SYS_gettid => Cannot("it has no error");
        SYS_getpid => Cannot("it has no error");
        SYS_munmap => Cannot("of what was mapped");
        SYS_mremap => Cannot("the allocator's, which ends the process");
        SYS_clock_gettime => Cannot("of a clock that there is");
        SYS_clock_nanosleep => Cannot("it is a wait for nothing else");
        SYS_mprotect => Cannot(THREADS);
        SYS_brk => Cannot(THREADS);
        SYS_getrandom => Cannot("the standard library's hash maps have another source");
        SYS_sched_yield => Cannot("it has no error");
        SYS_sched_getaffinity => Cannot(THREADS);
        SYS_rseq => Cannot(THREADS);
        SYS_rt_sigprocmask => Cannot(THREADS);
        SYS_rt_sigaction => Cannot(THREADS);
        SYS_rt_sigreturn => Cannot(THREADS);
        SYS_sigaltstack => Cannot(THREADS);
        SYS_prctl => Cannot(THREADS);
        SYS_exit => Cannot(THREADS);
        SYS_exit_group => Cannot(THREADS);
        SYS_restart_syscall => Cannot("the kernel's own");
    }
}

/// A writer on a thread of its own, which does one thing after the other.
struct Helper {
    work: Sender<Box<dyn FnOnce() + Send>>,
}

impl Helper {
    fn start() -> Self {
        let (work, works) = channel::<Box<dyn FnOnce() + Send>>();
        let (ready, is_ready) = channel();
        thread::spawn(move || {
            refusing::be_tester();
            ready.send(()).unwrap();
            works.into_iter().for_each(|work| work());
        });
        is_ready.recv().unwrap();
        Helper { work }
    }

    /// Has it do this; the result comes later.
    fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> std::sync::mpsc::Receiver<T> {
        let (done, is_done) = channel();
        self.work.send(Box::new(move || drop(done.send(work())))).unwrap();
        is_done
    }
}

/// Whether nothing is to be noticed of the trouble.
static UNTROUBLED: AtomicBool = AtomicBool::new(true);

/// The writers that are there, for a fork that comes at any moment.
static WRITERS: [AtomicPtr<Writer>; 4] = [const { AtomicPtr::new(null_mut()) }; 4];

/// What a fork does: it writes through its copies, asks them, and drops them.
fn in_a_fork(counts: &'static Counts) -> i32 {
    for place in &WRITERS {
        // SAFETY: nothing or a writer, of which this process has its copy.
        let Some(writer) = (unsafe { place.load(SeqCst).as_ref() }) else { continue };
        let told = |result: Result<(), Status>| {
            if result.is_ok() {
                counts.told[writer.tag as usize].fetch_add(1, SeqCst);
            }
        };
        let another = writer.iob.clone();
        told(another.send(&[writer.tag as u8; 10]));
        told(another.send_timeout(&[writer.tag as u8; 20], Some(Duration::ZERO)));
        another.is_peer_closed();
        drop(another);
        // SAFETY: nobody in this process uses it after this.
        drop(unsafe { place.load(SeqCst).read() });
    }
    0
}

/// A writer, and what it was told.
#[derive(Clone)]
struct Writer {
    iob: Iob,
    tag: u64,
    told: std::sync::Arc<std::sync::atomic::AtomicU64>,
}

impl Writer {
    fn send(&self, len: usize) -> Result<(), Status> {
        self.counted(library(|| self.iob.send(&vec![self.tag as u8; len])))
    }

    fn send_timeout(&self, len: usize, timeout: Option<Duration>) -> Result<(), Status> {
        self.counted(library(|| self.iob.send_timeout(&vec![self.tag as u8; len], timeout)))
    }

    fn counted(&self, result: Result<(), Status>) -> Result<(), Status> {
        match result {
            Ok(()) => drop(self.told.fetch_add(1, SeqCst)),
            Err(Status::NO_SPACE | Status::TIMED_OUT) => {}
            Err(status) => assert!(status.name() != "UNKNOWN" && !UNTROUBLED.load(SeqCst), "{status}"),
        }
        result
    }
}

/// A hand-over that may fail, and then has handed nothing over.
fn hand_over(
    iob: &Iob,
    how: fn(&Iob, &UnixStream) -> io::Result<()>,
    take: fn(&UnixStream) -> io::Result<Iob>,
    (near, far): (UnixStream, UnixStream),
) -> Option<Iob> {
    match library(|| how(iob, &near)) {
        Ok(()) => {
            let taken = library(|| take(&far));
            assert!(taken.is_ok() || !UNTROUBLED.load(SeqCst), "{taken:?}");
            taken.ok()
        }
        Err(error) => {
            assert!(!UNTROUBLED.load(SeqCst), "{error}");
            let error = Iob::receive_from(&far).expect_err("what failed has handed over");
            assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
            None
        }
    }
}

/// What comes out of the ring.
#[derive(Default)]
struct Read {
    by_tag: BTreeMap<u64, u64>,
}

impl Read {
    fn take(&mut self, reader: &mut Reader, timeout: Duration) -> bool {
        let Some((tag, message)) = library(|| reader.read_message_blocking(Some(timeout))).unwrap() else {
            return false;
        };
        assert!(message.iter().all(|&byte| byte == tag as u8));
        *self.by_tag.entry(tag).or_default() += 1;
        true
    }
}

/// Waits for the end of the fork, if there is one, and goes on with this meanwhile.
fn has_ended(fork: &mut Option<Pid>, counts: &Counts, mut go_on: impl FnMut()) -> Result<(), String> {
    let Some(child) = Pid::from_raw(counts.fork.load(SeqCst)).filter(|_| fork.is_none()) else { return Ok(()) };
    *fork = Some(child);
    loop {
        match waitpid(Some(child), WaitOptions::NOHANG).unwrap() {
            None => go_on(),
            Some((_, status)) if status.exit_status() == Some(0) => return Ok(()),
            Some((_, status)) => return Err(format!("the fork: {status:?}")),
        }
    }
}

/// What happens, and what has to hold of it. All that the test itself needs is there before.
fn scene(helpers: &[Helper; 3], sockets: [(UnixStream, UnixStream); 3], counts: &'static Counts) -> Result<(), String> {
    let [first, second, third] = sockets;
    let mut reader = match library(|| RingBuffer::try_create(CAPACITY)) {
        Ok(reader) => reader,
        Err(status) if UNTROUBLED.load(SeqCst) => return Err(status.to_string()),
        Err(_) => return Ok(()),
    };
    let pairs: Vec<_> = (0..4).map(|tag| library(|| reader.new_iob_writer(tag)).unwrap()).collect();
    let peers: Vec<_> = pairs.iter().map(|(_, peer)| peer.clone()).collect();
    // So that they are told by a descriptor, of which a fork has a copy.
    let watched = peers.iter().try_for_each(|peer| library(|| peer.try_as_fd()).map(drop));
    assert!(watched.is_ok() || !UNTROUBLED.load(SeqCst), "{watched:?}");
    let mut fork = None;
    let told = || std::sync::Arc::default();
    let of = |tag: usize, iob: Iob| Writer { iob, tag: tag as u64, told: told() };
    let direct = of(0, pairs[0].0.clone());
    let mapped = hand_over(&pairs[1].0, Iob::send_mapped_to, Iob::receive_from, first).map(|iob| of(1, iob));
    let isolated = hand_over(&pairs[2].0, Iob::send_to, Iob::receive_isolated_from, second).map(|iob| of(2, iob));
    // From one that maps, to one that is isolated.
    let on = mapped.as_ref().and_then(|mapped| hand_over(&mapped.iob, Iob::send_to, Iob::receive_from, third));
    let on = on.map(|iob| of(1, iob));
    drop(pairs);
    let writers: Vec<Writer> = [Some(direct), mapped, isolated, on].into_iter().flatten().collect();
    for (place, writer) in WRITERS.iter().zip(&writers) {
        place.store(ptr::from_ref(writer).cast_mut(), SeqCst);
    }

    let mut read = Read::default();
    for writer in &writers {
        let _ = writer.send(10);
        let _ = writer.send(0);
    }
    while read.take(&mut reader, Duration::from_millis(1)) {}

    // There is room for one at a time: each waits for the reader.
    let _ = writers[0].send(LARGE);
    let mut waits = Vec::new();
    for (writer, helper) in writers.iter().zip(helpers.iter().cycle()) {
        let writer = writer.clone();
        waits.push(helper.run(move || (0..2).map(|_| writer.send_timeout(LARGE, Some(PATIENCE))).collect::<Vec<_>>()));
    }
    let mut results = Vec::new();
    for wait in &waits {
        loop {
            read.take(&mut reader, Duration::from_millis(1));
            match wait.try_recv() {
                Ok(result) => break results.push(result),
                Err(std::sync::mpsc::TryRecvError::Empty) => {}
                Err(gone) => return Err(format!("a helper: {gone}")),
            }
        }
    }
    if results.iter().flatten().any(|result| *result == Err(Status::TIMED_OUT)) {
        return Err(format!("who waits for room is not told: {results:?}"));
    }
    // A task that waits, and is given up.
    let _ = writers[0].send(LARGE);
    let _ = writers[0].send_timeout(LARGE, Some(Duration::ZERO));

    // That a fork has dropped its copies, and ended, is nothing to the peers.
    has_ended(&mut fork, counts, || {
        read.take(&mut reader, Duration::from_millis(1));
    })?;
    for writer in writers.iter().filter(|_| UNTROUBLED.load(SeqCst)) {
        let closed = library(|| peers[writer.tag as usize].try_wait_peer_closed(Some(Duration::ZERO)));
        assert!(matches!(closed, Ok(false)), "of writer {}: {closed:?}", writer.tag);
    }
    let told: Vec<(u64, u64)> = writers.iter().map(|writer| (writer.tag, writer.told.load(SeqCst))).collect();
    for (place, writer) in WRITERS.iter().zip(writers) {
        place.store(null_mut(), SeqCst);
        library(|| drop(writer));
    }
    // All that was sent is there when the peer says so.
    for peer in &peers {
        loop {
            match library(|| peer.try_wait_peer_closed(Some(Duration::from_millis(1)))) {
                Ok(true) => break,
                Ok(false) => drop(read.take(&mut reader, Duration::from_millis(1))),
                // It has no descriptor to wait with; what it looks at is there all the same.
                Err(_) if library(|| peer.is_peer_closed()) => break,
                Err(_) => drop(read.take(&mut reader, Duration::from_millis(1))),
            }
        }
    }
    has_ended(&mut fork, counts, || {
        read.take(&mut reader, Duration::from_millis(1));
    })?;
    library(|| reader.close());
    while !library(|| reader.is_at_end()) {
        read.take(&mut reader, Duration::from_millis(1));
    }
    let accounts = library(|| reader.accounts());
    // What forks write counts in total.
    if !accounts.total.balances() || fork.is_none() && accounts.by_tag.values().any(|account| !account.balances()) {
        return Err(format!("{accounts:?}"));
    }
    let mut expected = BTreeMap::new();
    let by_fork = (0..).zip(&counts.told).map(|(tag, told)| (tag, u64::from(told.load(SeqCst))));
    told.into_iter()
        .chain(by_fork)
        .filter(|(_, told)| *told > 0)
        .for_each(|(tag, told)| *expected.entry(tag).or_default() += told);
    if expected != read.by_tag {
        return Err(format!("told {expected:?}, read {:?}", read.by_tag));
    }
    library(|| drop((reader, peers)));
    Ok(())
}

/// What there is not enough of.
#[derive(Clone, Copy, Debug)]
enum Trouble {
    None,
    Refused(Refusal),
    /// So many descriptors are left.
    Descriptors(u64),
    /// A fork in the middle of this call.
    Fork(u32),
}

/// One at a time, since a child is made while other threads of this process do nothing.
static TURN: Mutex<()> = Mutex::new(());

/// The scene in a child: 0 if all holds, 77 if it cannot be judged here.
fn in_a_child(trouble: Trouble, counts: &'static Counts) -> i32 {
    let plan = match trouble {
        Trouble::None | Trouble::Descriptors(_) => Plan::Nothing,
        Trouble::Refused(refusal) => Plan::Refuse(refusal),
        Trouble::Fork(number) => Plan::Fork { number, child: in_a_fork },
    };
    // SAFETY: this test has no threads beside but the harness's, which holds no lock that the child takes.
    let child = unsafe {
        child::fork(Fork::Libc, || {
            let hook = std::panic::take_hook();
            std::panic::set_hook(Box::new(move |info| {
                counts.panicked.store(true, SeqCst);
                hook(info);
            }));
            if let Err(error) = refusing::bind(plan, counts) {
                println!("NOT RUN: no filter can have somebody decide here: {error}");
                return 77;
            }
            // A call that is interrupted is repeated, and a fork is nothing to its parent.
            UNTROUBLED.store(
                match trouble {
                    Trouble::None | Trouble::Fork(_) => true,
                    Trouble::Refused(refusal) => refusal.errno == libc::EINTR,
                    Trouble::Descriptors(_) => false,
                },
                SeqCst,
            );
            refusing::be_tester();
            let helpers = [(); 3].map(|()| Helper::start());
            let sockets = [(); 3].map(|()| UnixStream::pair().unwrap());
            sockets.iter().for_each(|(_, far)| far.set_nonblocking(true).unwrap());
            if let Trouble::Descriptors(left) = trouble {
                let next = sockets[0].0.try_clone().unwrap().as_raw_fd() as u64;
                let maximum = getrlimit(Resource::Nofile).maximum;
                setrlimit(Resource::Nofile, Rlimit { current: Some(next + left), maximum }).unwrap();
            }
            refusing::begin();
            let result = scene(&helpers, sockets, counts);
            refusing::end();
            if let Err(why) = &result {
                println!("{trouble:?}: {why}");
            }
            i32::from(result.is_err() || counts.panicked.load(SeqCst))
        })
    };
    child::result(child)
}

/// Every case, and those of them in which something does not hold, in words.
fn failures(cases: impl Iterator<Item = (String, Trouble)>) -> Vec<String> {
    let mut failed = Vec::new();
    for (name, trouble) in cases {
        let result = catch_unwind(|| in_a_child(trouble, Counts::shared()));
        if !matches!(result, Ok(0)) {
            println!("FAILED {name}");
            failed.push(name);
        }
    }
    failed
}

#[test]
fn each_call_is_refused_at_each_time() {
    let _turn = TURN.lock();
    let counts = Counts::shared();
    match in_a_child(Trouble::None, counts) {
        77 => return,
        result => assert_eq!(result, 0, "nothing was refused"),
    }
    let made = |call: usize| counts.calls[call].load(SeqCst);
    let unknown: Vec<_> = (0..CALLS).filter(|&call| made(call) > 0 && known(call as i64).is_none()).collect();
    assert!(unknown.is_empty(), "system calls of which nobody has said how they fail: {unknown:?}");
    let mut cases = Vec::new();
    for call in 0..CALLS {
        let Some((name, Fails(errors))) = known(call as i64) else { continue };
        for (&errno, number) in errors.iter().flat_map(|errno| (1..=made(call)).map(move |number| (errno, number))) {
            // What a filter refuses it refuses for ever.
            let and_on = errno == libc::EPERM;
            let error = io::Error::from_raw_os_error(errno);
            let name = format!("{name} {number}{}: {error}", if and_on { " and on" } else { "" });
            cases.push((name, Trouble::Refused(Refusal { call, number, and_on, errno })));
        }
    }
    println!("{} cases", cases.len());
    assert_eq!(failures(cases.into_iter()), Vec::<String>::new());
}

#[test]
fn descriptors_run_out_after_each_number() {
    let _turn = TURN.lock();
    if in_a_child(Trouble::None, Counts::shared()) == 77 {
        return;
    }
    // More than the scene takes.
    let cases = (0..40).map(|left| (format!("{left} descriptors"), Trouble::Descriptors(left)));
    assert_eq!(failures(cases), Vec::<String>::new());
}

#[test]
fn a_fork_in_the_middle_of_each_call() {
    let _turn = TURN.lock();
    let counts = Counts::shared();
    if in_a_child(Trouble::None, counts) == 77 {
        return;
    }
    let made = counts.all.load(SeqCst);
    println!("{made} calls");
    let cases = (1..=made).map(|number| (format!("a fork in call {number}"), Trouble::Fork(number)));
    assert_eq!(failures(cases), Vec::<String>::new());
}
