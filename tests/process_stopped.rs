//! The ring's owner is stopped: writers that ask it for something are told so in the end, and hang no longer than that.

use iobring::{Iob, RingBuffer, Status};
use iobring_oracle::child::{self, Fork};
use iobring_oracle::watchdog::Watchdog;
use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, sendmsg};
use rustix::process::{Pid, PidfdFlags, Signal, WaitOptions, getpid, kill_process, pidfd_open, waitpid};
use std::io::{ErrorKind, IoSlice, Read};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::process::{Child, Command, Stdio};
use std::thread;

/// Set for the copy of this program that owns the ring.
const OWNER: &str = "IOBRING_TEST_OWNER";

#[test]
fn the_owner() {
    if std::env::var_os(OWNER).is_none() {
        return;
    }
    let socket = UnixStream::from(std::io::stdin().as_fd().try_clone_to_owned().unwrap());
    let reader = RingBuffer::create(64 * 1024);
    let (iob, _peer) = reader.new_iob_writer(1).unwrap();
    iob.send_mapped_to(&socket).unwrap();
    // Until the test is over.
    let _ = (&socket).read(&mut [0]);
}

/// The owner's process, and a writer that maps its ring.
struct Owner {
    child: Child,
    _socket: UnixStream,
}

impl Owner {
    fn start() -> (Self, Iob) {
        let (ours, theirs) = UnixStream::pair().unwrap();
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["the_owner", "--exact"]).env(OWNER, "1").stdin(Stdio::from(OwnedFd::from(theirs)));
        let child = command.stdout(Stdio::null()).spawn().unwrap();
        let iob = Iob::receive_from(&ours).unwrap();
        (Owner { child, _socket: ours }, iob)
    }

    fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    fn stop(&self) {
        kill_process(self.pid(), Signal::STOP).unwrap();
        let (_, status) = waitpid(Some(self.pid()), WaitOptions::UNTRACED).unwrap().unwrap();
        assert!(status.stopped());
    }

    fn go_on(&self) {
        kill_process(self.pid(), Signal::CONT).unwrap();
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Asks to be watched, again and again, until nothing more is taken.
fn fill_the_link(iob: &Iob) {
    let this = pidfd_open(getpid(), PidfdFlags::empty()).unwrap();
    let request = [&b"iobr"[..], &1_u32.to_ne_bytes()].concat();
    loop {
        let attached = [this.as_fd()];
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut ancillary = SendAncillaryBuffer::new(&mut space);
        assert!(ancillary.push(SendAncillaryMessage::ScmRights(&attached)));
        let flags = SendFlags::NOSIGNAL | SendFlags::DONTWAIT;
        match sendmsg(iob.as_fd(), &[IoSlice::new(&request)], &mut ancillary, flags) {
            Ok(_) => {}
            Err(rustix::io::Errno::AGAIN) => return,
            Err(errno) => panic!("{errno}"),
        }
    }
}

#[test]
fn who_asks_it_for_another_way_in_is_told_that_it_does_not_answer() {
    let watchdog = Watchdog::new("asking an owner that is stopped");
    let (owner, iob) = Owner::start();
    owner.stop();
    let (near, far) = UnixStream::pair().unwrap();
    assert_eq!(iob.send_to(&near).unwrap_err().kind(), ErrorKind::TimedOut);
    // It writes itself meanwhile.
    iob.send(b"mapped").unwrap();
    watchdog.progress();
    owner.go_on();
    iob.send_to(&near).unwrap();
    let isolated = Iob::receive_from(&far).unwrap();
    isolated.send(b"isolated").unwrap();
}

#[test]
fn who_has_to_be_watched_and_cannot_be_is_told_so() {
    let watchdog = Watchdog::new("being watched by an owner that is stopped");
    let (owner, iob) = Owner::start();
    owner.stop();
    fill_the_link(&iob);
    let (near, far) = UnixStream::pair().unwrap();
    iob.send_mapped_to(&near).unwrap();
    let writes = || match iob.send(b"a fork") {
        Ok(()) => 0,
        Err(status) => 1 + i32::from(status == Status::TIMED_OUT),
    };
    thread::scope(|scope| {
        let receiving = scope.spawn(|| Iob::receive_from(&far).map(drop).unwrap_err().kind());
        let asking = scope.spawn(|| iob.send_to(&near).unwrap_err().kind());
        // SAFETY: the child writes one record, which needs no lock of another thread's.
        let fork = unsafe { child::fork(Fork::Libc, writes) };
        assert_eq!(child::result(fork), 2);
        assert_eq!(receiving.join().unwrap(), ErrorKind::TimedOut);
        assert_eq!(asking.join().unwrap(), ErrorKind::TimedOut);
    });
    watchdog.progress();
    owner.go_on();
    // SAFETY: as above.
    assert_eq!(child::result(unsafe { child::fork(Fork::Libc, writes) }), 0);
}
