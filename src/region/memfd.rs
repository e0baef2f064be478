//! The region's descriptor: an anonymous file in memory that nobody can resize and that cannot run short.

use super::Geometry;
use crate::layout::Identity;
use crate::status::Status;
use crate::system::retry;
use rustix::fd::{BorrowedFd, OwnedFd};
use rustix::fs::{
    FallocateFlags, MemfdFlags, OFlags, SealFlags, fallocate, fcntl_add_seals, fcntl_get_seals, fcntl_getfl, fstat,
    ftruncate, memfd_create,
};
use rustix::io::{Errno, pread, pwrite};
use rustix::process::{Resource, getrlimit};
use std::io;

/// The seals on every region: a file that cannot shrink cannot raise SIGBUS under a mapping.
pub(super) const SEALS: SealFlags = SealFlags::SHRINK.union(SealFlags::GROW).union(SealFlags::SEAL);

/// Creates a region's file: sized, every page committed, identified, sealed.
pub(super) fn create(geometry: Geometry) -> Result<OwnedFd, Status> {
    let size = geometry.file() as u64;
    if size > available() {
        return Err(Status::NO_MEMORY);
    }
    // Growing a file beyond this limit does not merely fail: the kernel ends the process with SIGXFSZ.
    if getrlimit(Resource::Fsize).current.is_some_and(|limit| size > limit) {
        return Err(Status::OUT_OF_RANGE);
    }
    let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
    // Since Linux 6.3 a memfd should say that nobody will execute it; older kernels do not know the flag.
    let fd = match memfd_create(c"iobring", flags | MemfdFlags::NOEXEC_SEAL) {
        Err(Errno::INVAL) => memfd_create(c"iobring", flags)?,
        result => result?,
    };
    ftruncate(&fd, size)?;
    // Where memory is short this is an error here, instead of a SIGBUS at the first touch.
    retry(|| fallocate(&fd, FallocateFlags::empty(), 0, size))?;
    identify(&fd, geometry)?;
    fcntl_add_seals(&fd, SEALS)?;
    Ok(fd)
}

/// Whether a file that somebody sent is a region of this geometry: writable, of that size, sealed, identified.
///
/// # Errors
/// `InvalidData` if it is not.
pub(super) fn check(fd: BorrowedFd<'_>, geometry: Geometry) -> io::Result<()> {
    let bad = |why: &str| Err(io::Error::new(io::ErrorKind::InvalidData, why));
    // Only a memfd has seals at all.
    let seals = fcntl_get_seals(fd)?;
    if !seals.contains(SEALS) || seals.intersects(SealFlags::WRITE | SealFlags::FUTURE_WRITE) {
        return bad("the region is not sealed as a region is");
    }
    if fcntl_getfl(fd)? & OFlags::RWMODE != OFlags::RDWR {
        return bad("the region cannot be written");
    }
    if u64::try_from(fstat(fd)?.st_size) != Ok(geometry.file() as u64) {
        return bad("the region is of another size");
    }
    let mut bytes = [0; size_of::<Identity>()];
    if retry(|| pread(fd, &mut bytes, Identity::OFFSET))? != bytes.len() || bytes != identity(geometry).to_bytes() {
        return bad("the region is of another kind, version or geometry");
    }
    Ok(())
}

/// What a region of this geometry says of itself.
pub(super) fn identity(geometry: Geometry) -> Identity {
    Identity {
        magic: Identity::MAGIC,
        version: Identity::VERSION,
        page_size: geometry.page as u32,
        capacity: geometry.capacity as u64,
    }
}

fn identify(fd: &OwnedFd, geometry: Geometry) -> Result<(), Status> {
    let bytes = identity(geometry).to_bytes();
    // A committed page of an ordinary size takes the whole write at once.
    match retry(|| pwrite(fd, &bytes, Identity::OFFSET))? {
        n if n == bytes.len() => Ok(()),
        _ => Err(Status::NO_MEMORY),
    }
}

/// How many bytes the system can give before it would have to kill somebody for them.
///
/// Committing more than that does not fail: the kernel tries, and ends a process, most likely this one. So a size that
/// cannot work is refused before it is tried. The kernel's own estimate is used where there is one.
fn available() -> u64 {
    let estimate = std::fs::read_to_string("/proc/meminfo").ok().and_then(|text| {
        let kib = |name: &str| -> Option<u64> {
            let line = text.lines().find_map(|line| line.strip_prefix(name))?;
            line.split_whitespace().next()?.parse().ok()
        };
        Some((kib("MemAvailable:")? + kib("SwapFree:").unwrap_or(0)) * 1024)
    });
    let machine = estimate.unwrap_or_else(|| {
        let info = rustix::system::sysinfo();
        (info.freeram as u64 + info.freeswap as u64).saturating_mul(u64::from(info.mem_unit))
    });
    machine.min(group_limit().unwrap_or(u64::MAX))
}

/// What is left of this process's memory limit as a member of its control group (version 2), if it has one.
fn group_limit() -> Option<u64> {
    let groups = std::fs::read_to_string("/proc/self/cgroup").ok()?;
    let path = groups.lines().find_map(|line| line.strip_prefix("0::"))?;
    let read = |file: &str| std::fs::read_to_string(format!("/sys/fs/cgroup{path}/{file}")).ok();
    let limit: u64 = read("memory.max")?.trim().parse().ok()?;
    let used: u64 = read("memory.current")?.trim().parse().ok()?;
    Some(limit.saturating_sub(used))
}
