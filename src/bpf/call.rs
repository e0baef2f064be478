//! The system call.

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

#[repr(C)]
#[derive(Default)]
struct TestRun {
    program: u32,
    result: u32,
    data_size_in: u32,
    data_size_out: u32,
    data_in: u64,
    data_out: u64,
    repeat: u32,
    duration: u32,
    context_size_in: u32,
    context_size_out: u32,
    context_in: u64,
    context_out: u64,
}

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
    // SAFETY: instructions, licence and log are as long as said.
    let fd = unsafe { bpf(PROG_LOAD, &mut attributes)? };
    // SAFETY: as in `map`.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// Runs a program on a copy of `context`, which the kernel then copies back, and returns its result. The program may read this
/// process's memory wherever the context says.
#[inline(always)]
pub(crate) fn run<T>(program: BorrowedFd<'_>, context: &mut T) -> io::Result<u32> {
    let mut attributes = TestRun {
        program: program.as_raw_fd() as u32,
        context_in: (&raw mut *context) as u64,
        context_size_in: size_of::<T>() as u32,
        ..TestRun::default()
    };
    // SAFETY: the context is as long as said, and may be written.
    unsafe { bpf(PROG_TEST_RUN, &mut attributes)? };
    Ok(attributes.result)
}
