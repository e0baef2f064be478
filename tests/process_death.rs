//! Death at every instruction of a write: a process that maps the region is single-stepped into the write and killed there,
//! one instruction later each time.
//!
//! Whatever the instruction: the next writer goes on, the record is there exactly if it was published, the accounts
//! balance, and a reader that waits is woken for it, however it waits.

use iobring::{Iob, Reader, RingBuffer};
use iobring_oracle::watchdog::Watchdog;
use rustix::io::pread;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Wake, Waker};
use std::thread;

/// Bits of the lock word: somebody sleeps on it; its owner died with it.
const WAITERS: u32 = 0x8000_0000;
const OWNER_DIED: u32 = 0x4000_0000;
/// Those that name its owner.
const OWNER: u32 = 0x3fff_ffff;

/// Tags.
const DEAD: u64 = 1;
const LIVING: u64 = 2;

/// Unoptimised code has ten times the instructions, most of them moves between registers and stack.
const STRIDE: usize = if cfg!(debug_assertions) { 149 } else { 1 };

struct Scene {
    reader: Reader,
    /// The reader's ring, to be looked at while the reader waits.
    ring: Arc<RingBuffer>,
    /// What the victim writes with: received with the mapping.
    mapped: Iob,
    local: Iob,
    _peers: [Iob; 2],
}

impl Scene {
    fn new() -> Self {
        let reader = RingBuffer::create(64 * 1024);
        let (given, peer) = reader.new_iob_writer(DEAD).unwrap();
        let (local, other_peer) = reader.new_iob_writer(LIVING).unwrap();
        let (near, far) = UnixStream::pair().unwrap();
        given.send_mapped_to(&near).unwrap();
        let mapped = Iob::receive_from(&far).unwrap();
        let ring = Arc::clone(&reader);
        Scene { reader, ring, mapped, local, _peers: [peer, other_peer] }
    }

    /// A process that has written one record and is about to write `second`, all at once.
    fn victim(&self, second: &[&[u8]]) -> Victim {
        // SAFETY: the child makes system calls, writes to the ring and exits.
        match unsafe { libc::fork() } {
            0 => {
                // SAFETY: as above.
                unsafe { libc::ptrace(libc::PTRACE_TRACEME, 0, 0, 0) };
                let _ = self.mapped.write(Default::default(), 0, b"first of the victim");
                // SAFETY: as above.
                unsafe { libc::raise(libc::SIGSTOP) };
                let _ = self.mapped.write_batch(Default::default(), 0, second);
                // SAFETY: ends the child without running the parent's destructors.
                unsafe { libc::_exit(0) }
            }
            pid => {
                let victim = Victim(pid);
                assert!(victim.wait(), "it stops before its second record");
                victim
            }
        }
    }

    fn is_dead_mans_lock(&self) -> bool {
        lock_word(&self.ring) & OWNER_DIED != 0
    }

    /// The next writer goes on, and all that was published is there, whole and in order.
    fn aftermath(&mut self, second: &[&[u8]], published: bool, step: usize) {
        let total = self.reader.accounts().total;
        assert!(total.balances(), "killed at step {step}: {total:?}");
        self.local.write(Default::default(), 0, b"of the living").unwrap();
        let mut expected: Vec<(u64, &[u8])> = Vec::new();
        if published {
            expected.extend(second.iter().map(|&message| (DEAD, message)));
        }
        expected.push((LIVING, b"of the living"));
        for (tag, message) in expected {
            assert_eq!(self.reader.try_read_message().unwrap(), Some((tag, message.to_vec())), "killed at step {step}");
        }
        assert_eq!(self.reader.try_read_message().unwrap(), None);
        let total = self.reader.accounts().total;
        assert!(total.balances(), "after step {step}: {total:?}");
    }
}

/// The lock word as the region has it.
fn lock_word(ring: &RingBuffer) -> u32 {
    let mut word = [0; 4];
    pread(ring.as_fd(), &mut word, 128).unwrap();
    u32::from_ne_bytes(word)
}

/// A traced, stopped process.
struct Victim(libc::pid_t);

impl Victim {
    /// Waits until it stops; `false` if it ended instead.
    fn wait(&self) -> bool {
        let mut status = 0;
        // SAFETY: the out-pointer is valid.
        assert_eq!(unsafe { libc::waitpid(self.0, &mut status, 0) }, self.0);
        libc::WIFSTOPPED(status)
    }

    /// Lets it do `steps` instructions, then kills it. `false` if it came to its end before that.
    fn kill_after(self, steps: usize) -> bool {
        let stopped = self.stop_after(steps);
        if stopped {
            self.kill();
        }
        stopped
    }

    /// Lets it do `steps` instructions and no more. `false` if it came to its end before that.
    fn stop_after(&self, steps: usize) -> bool {
        for _ in 0..steps {
            // SAFETY: the victim is our stopped tracee.
            assert_eq!(unsafe { libc::ptrace(libc::PTRACE_SINGLESTEP, self.0, 0, 0) }, 0);
            if !self.wait() {
                return false;
            }
        }
        true
    }

    fn kill(self) {
        // SAFETY: it is our child, not yet waited for.
        unsafe { libc::kill(self.0, libc::SIGKILL) };
        assert!(!self.wait());
    }
}

/// Runs `scene` for deaths at one instruction after the other, until the write is survived. At least one death must have
/// been before the record was published, one with the lock held, and one after it was published.
fn sweep(mut one: impl FnMut(&mut Scene, usize) -> (bool, bool, bool)) {
    let watchdog = Watchdog::new("what goes on beside a writer that died");
    let mut scene = Scene::new();
    let (mut before, mut holding, mut after) = (0, 0, 0);
    for step in (0..).step_by(STRIDE) {
        watchdog.progress();
        let (killed, held, published) = one(&mut scene, step);
        if !killed {
            break;
        }
        holding += usize::from(held);
        *if published { &mut after } else { &mut before } += 1;
    }
    println!("{before} deaths before publishing, {after} after, {holding} of them with the lock");
    assert!(before > 0 && after > 0 && holding > 0);
}

fn read_first(scene: &mut Scene) {
    assert_eq!(scene.reader.try_read_message().unwrap(), Some((DEAD, b"first of the victim".to_vec())));
}

const ONE: &[&[u8]] = &[b"second"];

#[test]
fn nobody_waits() {
    sweep(|scene, step| die_alone(scene, ONE, step));
}

#[test]
fn in_a_batch_nobody_waits() {
    sweep(|scene, step| die_alone(scene, &[b"second", b"", b"fourth of the victim"], step));
}

fn die_alone(scene: &mut Scene, second: &[&[u8]], step: usize) -> (bool, bool, bool) {
    let victim = scene.victim(second);
    read_first(scene);
    let index = scene.reader.tail();
    let killed = victim.kill_after(step);
    let held = scene.is_dead_mans_lock();
    let published = scene.ring.head() > index;
    scene.aftermath(second, published, step);
    (killed, held, published)
}

struct Flag(AtomicBool, thread::Thread);

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Release);
        self.1.unpark();
    }
}

impl Flag {
    /// Waits for it to be raised.
    fn wait(&self) {
        while !self.0.load(Ordering::Acquire) {
            thread::park();
        }
    }
}

/// One that is down, and a waker that raises it.
fn flag() -> (Arc<Flag>, Waker) {
    let flag = Arc::new(Flag(AtomicBool::new(false), thread::current()));
    (flag.clone(), flag.into())
}

#[test]
fn a_task_waits() {
    sweep(|scene, step| {
        let victim = scene.victim(ONE);
        read_first(scene);
        let (flag, waker) = flag();
        let index = scene.reader.tail();
        let killed = {
            let mut waiting = pin!(scene.reader.wait(index));
            assert!(waiting.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
            let killed = victim.kill_after(step);
            if scene.ring.head() > index {
                // Woken by the victim, or by the owner who buries it. Without either this never ends.
                flag.wait();
                assert!(waiting.as_mut().poll(&mut Context::from_waker(&waker)).is_ready());
            }
            killed
        };
        let published = scene.ring.head() > index;
        let held = scene.is_dead_mans_lock();
        scene.aftermath(ONE, published, step);
        (killed, held, published)
    });
}

/// The writer is stopped there, and not killed: once it holds no lock the next to publish wakes whoever waits, wherever the first stands.
#[test]
fn a_task_waits_beside_one_that_is_stopped() {
    sweep(|scene, step| {
        let victim = scene.victim(ONE);
        read_first(scene);
        let (flag, waker) = flag();
        let index = scene.reader.tail();
        let (stopped, published, goes_on) = {
            let mut waiting = pin!(scene.reader.wait(index));
            assert!(waiting.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
            let stopped = victim.stop_after(step);
            let published = scene.ring.head() > index;
            let goes_on = stopped && published && lock_word(&scene.ring) & OWNER == 0;
            if goes_on {
                scene.local.write(Default::default(), 0, b"meanwhile").unwrap();
                // Otherwise this never ends.
                flag.wait();
                assert!(waiting.as_mut().poll(&mut Context::from_waker(&waker)).is_ready());
            }
            (stopped, published, goes_on)
        };
        if stopped {
            victim.kill();
        }
        let held = scene.is_dead_mans_lock();
        if goes_on {
            for (tag, message) in [(DEAD, ONE[0]), (LIVING, b"meanwhile")] {
                assert_eq!(scene.reader.try_read_message().unwrap(), Some((tag, message.to_vec())));
            }
        }
        scene.aftermath(ONE, published && !goes_on, step);
        (stopped, held, published)
    });
}

#[test]
fn a_thread_waits() {
    sweep(|scene, step| {
        let victim = scene.victim(ONE);
        read_first(scene);
        let index = scene.reader.tail();
        let Scene { reader, ring, local, .. } = scene;
        let result = thread::scope(|scope| {
            let waiting = scope.spawn(|| reader.wait_blocking(index, None));
            // Asleep, or about to be, once it has marked the lock word.
            while lock_word(ring) & WAITERS == 0 {
                thread::yield_now();
            }
            let killed = victim.kill_after(step);
            let held = lock_word(ring) & OWNER_DIED != 0;
            let published = ring.head() > index;
            if !published {
                // Nothing came of it: the next writer wakes the reader.
                local.write(Default::default(), 0, b"wake up").unwrap();
            }
            assert!(waiting.join().unwrap() > Some(index));
            (killed, held, published)
        });
        if !result.2 {
            assert_eq!(scene.reader.try_read_message().unwrap(), Some((LIVING, b"wake up".to_vec())));
        }
        scene.aftermath(ONE, result.2, step);
        result
    });
}
