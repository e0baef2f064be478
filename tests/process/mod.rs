//! Other processes for the tests: this test program, started again as a servant that does what it is told, one order and
//! one answer at a time. So every step of a test happens when the test says, and nothing waits for time to pass.
//!
//! A test file that uses this has a test [`servant`]-calling `child_process`, which is where the second process begins.
#![allow(dead_code, reason = "each test file uses its part")]

mod filter;

use iobring::{Iob, Status};
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};

/// Set in the servant's environment.
const MARK: &str = "IOBRING_TEST_SERVANT";

/// The answer to [`Order::Receive`] where the library says that it is not supported.
pub const UNSUPPORTED: i64 = -100_000;

/// What a servant can be told. Every answer is a number; what it means stands here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Order {
    /// Receive an endpoint: 0, or the negated errno (1 where there is none; [`UNSUPPORTED`] for that kind of error).
    Receive,
    /// Write one message of `a` bytes, numbered `b`: 0 or the status.
    Write,
    /// Write one message of `a` bytes, numbered `b`, waiting for room as long as it takes: 0 or the status.
    WriteWaiting,
    /// Write messages of `a` bytes, numbered from `b`, until one is refused: how many were accepted.
    Fill,
    /// The status of the refusal that ended the last `Fill`.
    Refusal,
    /// Whether the peer is closed.
    IsPeerClosed,
    /// Wait until the peer is closed.
    WaitPeerClosed,
    /// Clone the endpoint and keep the clone.
    Clone,
    /// Drop all endpoints.
    Drop,
    /// Send the endpoint on, isolated, to the servant's servant.
    SendOn,
    /// Send the endpoint on, mapped, to the servant's servant.
    SendMappedOn,
    /// Tell the servant's servant to write one message of `a` bytes, numbered `b`.
    WriteOn,
    /// Kill and bury the servant's servant.
    KillOn,
    /// Fork; the child writes one message of `a` bytes, numbered `b`, and exits with the status negated; the answer is that.
    ForkAndWrite,
    /// How many lines of /proc/self/maps and links of /proc/self/fd name a memfd.
    TracesOfRegion,
    /// Try every way to another process's memory and files, against process `a`: a bit for each that worked.
    Trespass,
    /// Send the raw bytes that follow (`a` of them) on the endpoint's own socket: 0 or the negated errno.
    SendRaw,
    /// Send a raw empty message on the endpoint's own socket, with a descriptor attached: 0 or the negated errno.
    SendDescriptor,
    /// Shut the endpoint's own socket down for writing.
    ShutDown,
    /// Install a filter by which `bpf(2)` fails with EPERM: 0.
    ForbidBpf,
    /// Send the endpoint on, by way of the kernel, to the servant's servant.
    SendKernelOn,
    /// Write messages of `a` bytes for ever, as fast as possible, and never answer.
    Flood,
    /// Become another program, which ends when the master does, and never answer.
    Exec,
    /// Exit.
    Exit,
}

impl Order {
    const ALL: [Order; 24] = [
        Order::Receive,
        Order::Write,
        Order::WriteWaiting,
        Order::Fill,
        Order::Refusal,
        Order::IsPeerClosed,
        Order::WaitPeerClosed,
        Order::Clone,
        Order::Drop,
        Order::SendOn,
        Order::SendMappedOn,
        Order::WriteOn,
        Order::KillOn,
        Order::ForkAndWrite,
        Order::TracesOfRegion,
        Order::Trespass,
        Order::SendRaw,
        Order::SendDescriptor,
        Order::ShutDown,
        Order::ForbidBpf,
        Order::SendKernelOn,
        Order::Flood,
        Order::Exec,
        Order::Exit,
    ];
}

/// A process that obeys.
pub struct Servant {
    pub child: Child,
    pub socket: UnixStream,
}

impl Servant {
    pub fn start() -> Self {
        Self::start_with(|_| {})
    }

    /// As another user, who owns nothing here.
    pub fn start_as_nobody() -> Self {
        Self::start_with(|command| {
            command.uid(65534).gid(65534);
        })
    }

    /// In a PID namespace of its own, where this machine allows it.
    pub fn start_in_another_pid_namespace() -> Option<Self> {
        let mut unshare = vec!["--pid", "--fork", "--kill-child"];
        if !rustix::process::geteuid().is_root() {
            unshare.extend(["--user", "--map-root-user"]);
        }
        let allowed = Command::new("unshare").args(&unshare).arg("true").stderr(Stdio::null()).status();
        allowed.is_ok_and(|status| status.success()).then(|| {
            let mut command = Command::new("unshare");
            command.args(unshare).arg(std::env::current_exe().unwrap());
            Self::start_as(command)
        })
    }

    fn start_with(change: impl FnOnce(&mut Command)) -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        change(&mut command);
        Self::start_as(command)
    }

    fn start_as(mut command: Command) -> Self {
        let (ours, theirs) = UnixStream::pair().unwrap();
        command.args(["child_process", "--exact", "--nocapture"]).env(MARK, "1");
        command.stdin(Stdio::from(OwnedFd::from(theirs))).stdout(Stdio::null());
        Servant { child: command.spawn().unwrap(), socket: ours }
    }

    /// Gives an order and waits for the answer.
    pub fn order(&mut self, order: Order, a: u32, b: u64) -> i64 {
        self.tell(order, a, b);
        self.answer()
    }

    pub fn tell(&mut self, order: Order, a: u32, b: u64) {
        let mut message = [0; 16];
        message[0] = order as u8;
        message[4..8].copy_from_slice(&a.to_ne_bytes());
        message[8..16].copy_from_slice(&b.to_ne_bytes());
        self.socket.write_all(&message).unwrap();
    }

    pub fn answer(&mut self) -> i64 {
        let mut answer = [0; 8];
        self.socket.read_exact(&mut answer).unwrap();
        i64::from_ne_bytes(answer)
    }

    /// Hands `iob` over, isolated.
    pub fn give(&mut self, iob: &Iob) {
        self.tell(Order::Receive, 0, 0);
        iob.send_to(&self.socket).unwrap();
        assert_eq!(self.answer(), 0);
    }

    /// Hands `iob` over with the mapping.
    pub fn give_mapped(&mut self, iob: &Iob) {
        self.tell(Order::Receive, 0, 0);
        iob.send_mapped_to(&self.socket).unwrap();
        assert_eq!(self.answer(), 0);
    }

    /// Hands `iob` over by way of the kernel.
    pub fn give_kernel(&mut self, iob: &Iob) {
        self.tell(Order::Receive, 0, 0);
        iob.send_kernel_to(&self.socket).unwrap();
        assert_eq!(self.answer(), 0);
    }

    /// Has it write one message, which must be accepted.
    pub fn write(&mut self, len: u32, number: u64) {
        assert_eq!(self.order(Order::Write, len, number), 0);
    }

    /// Kills it and waits until it is gone.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    pub fn signal(&self, signal: rustix::process::Signal) {
        let pid = rustix::process::Pid::from_raw(self.child.id() as i32).unwrap();
        rustix::process::kill_process(pid, signal).unwrap();
    }
}

impl Drop for Servant {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The message numbered `number`: its number, then bytes that follow from it; the first `len` bytes of that.
pub fn message(len: usize, number: u64) -> Vec<u8> {
    let mut bytes: Vec<u8> = number.to_ne_bytes().to_vec();
    bytes.extend((8..len).map(|i| (i as u64).wrapping_mul(31).wrapping_add(number) as u8));
    bytes.truncate(len);
    bytes
}

/// The body of every test file's `child_process`: returns at once in the first process, never in a servant.
pub fn servant() {
    if std::env::var_os(MARK).is_none() {
        return;
    }
    let socket = UnixStream::from(io::stdin().as_fd().try_clone_to_owned().unwrap());
    let mut obedient = Obedient { socket, iobs: Vec::new(), refusal: 0, servant: None };
    loop {
        let mut message = [0; 16];
        // The master is gone: so are we.
        if obedient.socket.read_exact(&mut message).is_err() {
            std::process::exit(0);
        }
        let order = Order::ALL[message[0] as usize];
        let a = u32::from_ne_bytes(message[4..8].try_into().unwrap());
        let b = u64::from_ne_bytes(message[8..16].try_into().unwrap());
        let answer = obedient.obey(order, a, b);
        obedient.socket.write_all(&answer.to_ne_bytes()).unwrap();
    }
}

/// How many names a region might have been given where all may look for them. Others may have left some.
pub fn names() -> u64 {
    let named = |directory| {
        std::fs::read_dir(directory).into_iter().flatten().flatten().filter(|entry| {
            let name = entry.file_name();
            name.to_string_lossy().contains("iobring")
        })
    };
    ["/dev/shm", "/tmp", "/run"].into_iter().flat_map(named).count() as u64
}

/// Tries to get at the region of process `pid`, which has it as a descriptor and mapped.
fn trespass(pid: i32, names_before: u64) -> i64 {
    let anything = |directory: &str, open: &dyn Fn(&std::path::Path) -> bool| {
        let entries = std::fs::read_dir(format!("/proc/{pid}/{directory}"));
        entries.is_ok_and(|mut entries| entries.any(|entry| entry.is_ok_and(|entry| open(&entry.path()))))
    };
    let open = |path: &std::path::Path| std::fs::OpenOptions::new().read(true).write(true).open(path).is_ok();
    let process = rustix::process::Pid::from_raw(pid).unwrap();
    let pidfd = rustix::process::pidfd_open(process, rustix::process::PidfdFlags::empty());
    let steal = |fd| {
        let none = rustix::process::PidfdGetfdFlags::empty();
        pidfd.as_ref().is_ok_and(|pidfd| rustix::process::pidfd_getfd(pidfd, fd, none).is_ok())
    };
    let ways = [
        anything("fd", &|path| path.read_link().is_ok_and(|to| to.to_string_lossy().contains("memfd")) && open(path)),
        anything("map_files", &open),
        open(format!("/proc/{pid}/mem").as_ref()),
        std::fs::read_to_string(format!("/proc/{pid}/maps")).is_ok_and(|maps| !maps.is_empty()),
        (0..64).any(steal),
        // SAFETY: attaching touches no memory of ours.
        unsafe { libc::ptrace(libc::PTRACE_SEIZE, pid, 0, 0) } == 0,
        names() > names_before,
    ];
    ways.iter().enumerate().map(|(bit, &worked)| i64::from(worked) << bit).sum()
}

struct Obedient {
    socket: UnixStream,
    iobs: Vec<Iob>,
    refusal: i64,
    servant: Option<Servant>,
}

impl Obedient {
    fn obey(&mut self, order: Order, a: u32, b: u64) -> i64 {
        match order {
            Order::Receive => match Iob::receive_from(&self.socket) {
                Ok(iob) => {
                    self.iobs = vec![iob];
                    0
                }
                Err(error) if error.kind() == io::ErrorKind::Unsupported => UNSUPPORTED,
                Err(error) => -i64::from(error.raw_os_error().unwrap_or(1)),
            },
            Order::Write => self.write(a, b),
            Order::WriteWaiting => {
                let result = self.iobs[0].send_timeout(&message(a as usize, b), None);
                result.map_or_else(|status| i64::from(status.into_raw()), |()| 0)
            }
            Order::Fill => {
                let mut accepted = 0;
                loop {
                    match self.write(a, b + accepted) {
                        0 => accepted += 1,
                        status => {
                            self.refusal = status;
                            return accepted as i64;
                        }
                    }
                }
            }
            Order::Refusal => self.refusal,
            Order::IsPeerClosed => i64::from(self.iobs[0].is_peer_closed()),
            Order::WaitPeerClosed => i64::from(self.iobs[0].wait_peer_closed(None)),
            Order::Clone => {
                self.iobs.push(self.iobs[0].clone());
                0
            }
            Order::Drop => {
                self.iobs.clear();
                0
            }
            Order::ForbidBpf => filter::forbid(libc::SYS_bpf),
            Order::SendOn | Order::SendMappedOn | Order::SendKernelOn => {
                let mut servant = Servant::start();
                match order {
                    Order::SendOn => servant.give(&self.iobs[0]),
                    Order::SendKernelOn => servant.give_kernel(&self.iobs[0]),
                    _ => servant.give_mapped(&self.iobs[0]),
                }
                self.servant = Some(servant);
                0
            }
            Order::WriteOn => self.servant.as_mut().unwrap().order(Order::Write, a, b),
            Order::KillOn => {
                self.servant.take().unwrap().kill();
                0
            }
            Order::ForkAndWrite => {
                // SAFETY: the child of this single-threaded moment only writes and exits.
                match unsafe { libc::fork() } {
                    0 => {
                        let status = self.write(a, b);
                        // SAFETY: ends the child without running the parent's destructors.
                        unsafe { libc::_exit(-status as i32) }
                    }
                    child => {
                        let mut status = 0;
                        // SAFETY: the out-pointer is valid.
                        unsafe { libc::waitpid(child, &mut status, 0) };
                        -i64::from(libc::WEXITSTATUS(status))
                    }
                }
            }
            Order::TracesOfRegion => {
                let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
                let links = std::fs::read_dir("/proc/self/fd").unwrap();
                let links = links.filter_map(|entry| std::fs::read_link(entry.ok()?.path()).ok());
                let in_maps = maps.lines().filter(|line| line.contains("memfd")).count();
                (in_maps + links.filter(|link| link.to_string_lossy().contains("memfd")).count()) as i64
            }
            Order::Trespass => trespass(a as i32, b),
            Order::SendRaw => {
                let mut bytes = vec![0; a as usize];
                self.socket.read_exact(&mut bytes).unwrap();
                let sent = rustix::net::send(self.iobs[0].as_fd(), &bytes, rustix::net::SendFlags::NOSIGNAL);
                sent.map_or_else(|errno| -i64::from(errno.raw_os_error()), |_| 0)
            }
            Order::SendDescriptor => {
                use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, sendmsg};
                let mut space = [std::mem::MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
                let mut ancillary = SendAncillaryBuffer::new(&mut space);
                let descriptors = [self.socket.as_fd()];
                assert!(ancillary.push(SendAncillaryMessage::ScmRights(&descriptors)));
                let bytes = [io::IoSlice::new(&[0; 16])];
                let sent = sendmsg(self.iobs[0].as_fd(), &bytes, &mut ancillary, SendFlags::NOSIGNAL);
                sent.map_or_else(|errno| -i64::from(errno.raw_os_error()), |_| 0)
            }
            Order::ShutDown => {
                rustix::net::shutdown(self.iobs[0].as_fd(), rustix::net::Shutdown::Write).unwrap();
                0
            }
            Order::Flood => loop {
                self.write(a, b);
            },
            Order::Exec => panic!("exec: {}", Command::new("cat").exec()),
            Order::Exit => std::process::exit(0),
        }
    }

    fn write(&self, len: u32, number: u64) -> i64 {
        let result = self.iobs[0].write(Default::default(), 0, &message(len as usize, number));
        result.map_or_else(|status| i64::from(status.into_raw()), |()| 0)
    }
}

/// The number by which a servant answers that a write was refused with `status`.
pub fn refused(status: Status) -> i64 {
    i64::from(status.into_raw())
}
