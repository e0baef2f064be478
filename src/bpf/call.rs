//! The system call.

use crate::system::without_signals;
use rustix::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::ffi::CStr;
use std::io;

// Of `linux/bpf.h`.
const MAP_CREATE: libc::c_long = 0;
const PROG_LOAD: libc::c_long = 5;
const PROG_TEST_RUN: libc::c_long = 10;
const MAP_TYPE_ARRAY: u32 = 2;
const MAP_TYPE_RINGBUF: u32 = 27;
const PROG_TYPE_SYSCALL: u32 = 31;
const F_MMAPABLE: u32 = 1 << 10;
const F_SLEEPABLE: u32 = 1 << 4;

/// What the kernel wants to know of a program's licence before it lets it use its functions.
const LICENSE: &CStr = c"Dual MIT/GPL";

/// What maps and programs are called in `bpftool`.
const NAME: [u8; 16] = *b"iobring\0\0\0\0\0\0\0\0\0";

/// How often a program is loaded anew: a signal that comes while the kernel checks it makes the kernel give up (`EAGAIN`). All wait
/// that can; what stops the process cannot.
const LOAD_TRIES: u32 = 100;

#[repr(C)]
#[derive(Default)]
struct MapCreate {
    kind: u32,
    key_size: u32,
    value_size: u32,
    entries: u32,
    flags: u32,
    inner: u32,
    numa_node: u32,
    name: [u8; 16],
}

#[repr(C)]
#[derive(Default)]
struct ProgLoad {
    kind: u32,
    count: u32,
    instructions: u64,
    license: u64,
    log_level: u32,
    log_size: u32,
    log: u64,
    kernel_version: u32,
    flags: u32,
    name: [u8; 16],
}

/// The beginning of what the command takes: the rest is zeros, which says that there is no context to copy.
#[repr(C)]
struct TestRun {
    program: u32,
    result: u32,
}

/// Where the kernel keeps the last three arguments of a system call while it is served, in bytes: in `struct pt_regs`, which is an
/// ABI. `None` for machines of which nobody has looked it up.
pub(crate) const ARGUMENTS: Option<[u64; 3]> = if cfg!(target_pointer_width = "32") {
    None
} else if cfg!(target_arch = "x86_64") {
    // r10, r8, r9
    Some([56, 72, 64])
} else if cfg!(target_arch = "aarch64") {
    // x3, x4, x5
    Some([24, 32, 40])
} else if cfg!(target_arch = "riscv64") {
    // a3, a4, a5
    Some([104, 112, 120])
} else {
    None
};

/// # Safety
/// Whatever the attributes point at is what the command wants there.
#[inline(always)]
unsafe fn bpf<T>(command: libc::c_long, attributes: &mut T) -> io::Result<RawFd> {
    // SAFETY: the attributes are as long as said, and writable; the caller vouches for what they point at.
    let result = unsafe { libc::syscall(libc::SYS_bpf, command, &raw mut *attributes, size_of::<T>()) };
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(result as RawFd) }
}

fn map(attributes: MapCreate) -> io::Result<OwnedFd> {
    let mut attributes = MapCreate { name: NAME, ..attributes };
    // SAFETY: nothing is pointed at.
    let fd = unsafe { bpf(MAP_CREATE, &mut attributes)? };
    // SAFETY: the kernel made this descriptor just now, for us, closed on exec.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// A map of one value of `bytes` bytes, which can be mapped.
pub(crate) fn array(bytes: u32) -> io::Result<OwnedFd> {
    map(MapCreate {
        kind: MAP_TYPE_ARRAY,
        key_size: 4,
        value_size: bytes,
        entries: 1,
        flags: F_MMAPABLE,
        ..MapCreate::default()
    })
}

/// A ring buffer of `bytes` bytes, a multiple of the page size and a power of two.
pub(super) fn ring_buffer(bytes: u32) -> io::Result<OwnedFd> {
    map(MapCreate { kind: MAP_TYPE_RINGBUF, entries: bytes, ..MapCreate::default() })
}

/// Has the kernel check and compile a program.
///
/// # Errors
/// Those of the call; a program that the kernel does not accept with the last lines of what it says of it.
pub(crate) fn load(instructions: &[u64]) -> io::Result<OwnedFd> {
    match load_with(instructions, &mut []) {
        Err(error) if matches!(error.raw_os_error(), Some(libc::EINVAL | libc::EACCES | libc::EOPNOTSUPP)) => {
            let mut log = vec![0; 1 << 20];
            // It fails again.
            let error = load_with(instructions, &mut log).err().unwrap_or(error);
            let text = log.split(|&byte| byte == 0).next().unwrap_or_default();
            let lines: Vec<_> = text.rsplit(|&byte| byte == b'\n').take(8).map(String::from_utf8_lossy).collect();
            let lines: Vec<_> = lines.iter().rev().map(|line| &**line).collect();
            Err(io::Error::new(error.kind(), format!("{error}: {}", lines.join("; "))))
        }
        result => result,
    }
}

fn load_with(instructions: &[u64], log: &mut [u8]) -> io::Result<OwnedFd> {
    let mut attributes = ProgLoad {
        kind: PROG_TYPE_SYSCALL,
        count: instructions.len() as u32,
        instructions: instructions.as_ptr() as u64,
        license: LICENSE.as_ptr() as u64,
        log_level: u32::from(!log.is_empty()),
        log_size: log.len() as u32,
        log: if log.is_empty() { 0 } else { log.as_mut_ptr() as u64 },
        flags: F_SLEEPABLE,
        name: NAME,
        ..ProgLoad::default()
    };
    let mut tries = 0..LOAD_TRIES;
    let fd = without_signals(|| {
        loop {
            // SAFETY: instructions, licence and log are as long as said.
            match unsafe { bpf(PROG_LOAD, &mut attributes) } {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock && tries.next().is_some() => {}
                result => return result,
            }
        }
    })?;
    // SAFETY: as in `map`.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// Runs a program, which finds the arguments among those of the system call, and returns its result. The program may read this
/// process's memory wherever they say.
#[inline(always)]
pub(crate) fn run(program: BorrowedFd<'_>, arguments: [u64; 3]) -> io::Result<u32> {
    let mut attributes = TestRun { program: program.as_raw_fd() as u32, result: 0 };
    let [fourth, fifth, sixth] = arguments;
    let size = size_of::<TestRun>();
    // SAFETY: the attributes are as long as said, and writable; of the other arguments the call itself knows nothing.
    let result =
        unsafe { libc::syscall(libc::SYS_bpf, PROG_TEST_RUN, &raw mut attributes, size, fourth, fifth, sixth) };
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(attributes.result) }
}
