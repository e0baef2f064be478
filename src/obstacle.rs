//! Why the kernel cannot be a ring's mediator here.

use crate::status::Status;
use std::io;

/// Why the kernel cannot be a ring's mediator here.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Obstacle {
    /// The machine is of a kind for which the program was not made.
    #[error("the kernel cannot mediate on this machine: {0}")]
    Machine(String),
    /// The kernel lacks something, or has it switched off.
    #[error("this kernel cannot mediate: {0}")]
    Kernel(String),
    /// A capability is missing, in the initial user namespace.
    #[error("to let the kernel mediate, this process needs the capability {0}")]
    Capability(&'static str),
    /// The call is refused although the capabilities are there: by a filter (seccomp), a security module, or a lock-down.
    #[error("bpf(2) is refused here, by a filter or a policy, when it is to make {0}")]
    Filter(&'static str),
    /// What keeps any ring from being made.
    #[error("{0}")]
    Status(Status),
}

/// What could not be made.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Step {
    Region,
    Bell,
    Program,
}

impl Step {
    fn name(self) -> &'static str {
        match self {
            Step::Region => "a map",
            Step::Bell => "a ring buffer",
            Step::Program => "a program",
        }
    }
}

/// `ENOTSUPP`, which is not meant for user space, and comes nevertheless.
const ENOTSUPP: i32 = 524;

impl Obstacle {
    /// What it is that `error` tells of.
    pub(crate) fn of(step: Step, error: io::Error) -> Self {
        let errno = error.raw_os_error().or(match error.kind() {
            // With words of the kernel's, it has no number any more.
            io::ErrorKind::PermissionDenied => Some(libc::EACCES),
            io::ErrorKind::InvalidInput => Some(libc::EINVAL),
            _ => None,
        });
        match errno {
            Some(libc::EPERM) => missing_capability().map_or(Obstacle::Filter(step.name()), Obstacle::Capability),
            Some(libc::EACCES) if missing_capability().is_some() => {
                Obstacle::Capability(missing_capability().unwrap_or_default())
            }
            Some(libc::ENOSYS) => Obstacle::Filter(step.name()),
            Some(libc::ENOMEM | libc::E2BIG) => Obstacle::Status(Status::NO_MEMORY),
            Some(libc::EMFILE | libc::ENFILE) => Obstacle::Status(Status::NO_RESOURCES),
            Some(libc::EINVAL | libc::EACCES | libc::EOPNOTSUPP | ENOTSUPP) if is_compiler_off() => {
                Obstacle::Kernel("its compiler for programs is off (net.core.bpf_jit_enable)".into())
            }
            _ => Obstacle::Kernel(format!("it did not make {}: {error}", step.name())),
        }
    }

    /// The status that says as much as a status can.
    pub fn status(&self) -> Status {
        match self {
            Obstacle::Status(status) => *status,
            Obstacle::Capability(_) | Obstacle::Filter(_) => Status::ACCESS_DENIED,
            Obstacle::Kernel(_) | Obstacle::Machine(_) => Status::NOT_SUPPORTED,
        }
    }
}

impl From<Status> for Obstacle {
    fn from(status: Status) -> Self {
        Obstacle::Status(status)
    }
}

impl From<Obstacle> for io::Error {
    fn from(obstacle: Obstacle) -> Self {
        let kind = match obstacle {
            Obstacle::Status(status) => return status.into(),
            Obstacle::Capability(_) | Obstacle::Filter(_) => io::ErrorKind::PermissionDenied,
            Obstacle::Kernel(_) | Obstacle::Machine(_) => io::ErrorKind::Unsupported,
        };
        io::Error::new(kind, obstacle)
    }
}

/// The first of the capabilities that are needed, and that this thread does not have.
fn missing_capability() -> Option<&'static str> {
    const PERFMON: u64 = 1 << 38;
    const BPF: u64 = 1 << 39;
    const SYS_ADMIN: u64 = 1 << 21;
    let status = std::fs::read_to_string("/proc/thread-self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("CapEff:"))?;
    let effective = u64::from_str_radix(line.trim(), 16).ok()?;
    let has = |capability: u64| effective & (capability | SYS_ADMIN) != 0;
    // Those of a namespace of one's own do not count.
    let initial = std::fs::read_to_string("/proc/self/uid_map").is_ok_and(|map| map.contains("4294967295"));
    match (has(BPF) && initial, has(PERFMON)) {
        (false, _) => Some("CAP_BPF"),
        (_, false) => Some("CAP_PERFMON"),
        _ => None,
    }
}

fn is_compiler_off() -> bool {
    std::fs::read_to_string("/proc/sys/net/core/bpf_jit_enable").is_ok_and(|state| state.trim() == "0")
}
