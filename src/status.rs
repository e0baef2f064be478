//! Zircon's status codes, as far as this crate returns them.

use crate::protocol::read::Error;
use core::fmt;
use std::io;

/// Why a call failed. Names and numbers are Zircon's.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Status(i32);

macro_rules! statuses {
    ($($(#[$meta:meta])* $name:ident = $raw:literal, $errno:ident, $text:literal;)*) => {
        impl Status {
            $($(#[$meta])* pub const $name: Status = Status($raw);)*

            /// The name of the constant, without `Status::`.
            pub const fn name(self) -> &'static str {
                match self.0 {
                    $($raw => stringify!($name),)*
                    _ => "UNKNOWN",
                }
            }

            const fn text(self) -> &'static str {
                match self.0 {
                    $($raw => $text,)*
                    _ => "unknown status",
                }
            }

            fn errno(self) -> rustix::io::Errno {
                match self.0 {
                    $($raw => rustix::io::Errno::$errno,)*
                    _ => rustix::io::Errno::IO,
                }
            }
        }
    };
}

statuses! {
    /// Not on this machine, or not by this kernel.
    NOT_SUPPORTED = -2, OPNOTSUPP, "not supported here";
    /// No descriptors, threads or mappings are left.
    NO_RESOURCES = -3, MFILE, "out of descriptors or other resources of the process";
    /// Not enough memory.
    NO_MEMORY = -4, NOMEM, "not enough memory";
    /// An argument is not allowed: a bad capacity, more than 8 vectors, a message too long.
    INVALID_ARGS = -10, INVAL, "invalid argument";
    /// The handle is not valid.
    BAD_HANDLE = -11, BADF, "bad handle";
    /// The object is of another kind.
    WRONG_TYPE = -12, NOTTY, "wrong type of object";
    /// The region index, or the size, is beyond what exists.
    OUT_OF_RANGE = -14, RANGE, "out of range";
    /// The time was up.
    TIMED_OUT = -21, TIMEDOUT, "timed out";
    /// The other end is gone.
    PEER_CLOSED = -24, PIPE, "the peer is closed";
    /// The endpoint may not do this; the peer of a writer cannot write.
    ACCESS_DENIED = -30, ACCESS, "access denied";
    /// The indices in the ring's header contradict each other.
    IO_DATA_INTEGRITY = -42, IO, "the ring's header is corrupt";
    /// The record does not fit: there is no room now, or it is larger than the ring.
    NO_SPACE = -54, NOSPC, "no room in the ring";
}

impl Status {
    /// The number Zircon gives this status.
    pub const fn into_raw(self) -> i32 {
        self.0
    }

    /// The status with this number.
    pub const fn from_raw(raw: i32) -> Self {
        Status(raw)
    }

    /// `Ok` for 0, the error otherwise.
    pub const fn ok(raw: i32) -> Result<(), Status> {
        if raw == 0 { Ok(()) } else { Err(Status(raw)) }
    }
}

impl Status {
    /// Of a wait on the way of a write: `false` is that its time was up.
    pub(crate) fn of_wait(waited: io::Result<bool>) -> Result<(), Self> {
        match waited.map_err(Status::of_call)? {
            true => Ok(()),
            false => Err(Status::TIMED_OUT),
        }
    }

    /// Of a call of ours that failed on the way of a write.
    pub(crate) fn of_call(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Status::PEER_CLOSED,
            io::ErrorKind::TimedOut => Status::TIMED_OUT,
            io::ErrorKind::Unsupported | io::ErrorKind::PermissionDenied => Status::NOT_SUPPORTED,
            _ => rustix::io::Errno::from_io_error(&error).map_or(Status::BAD_HANDLE, Status::from),
        }
    }
}

impl fmt::Debug for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            "UNKNOWN" => write!(f, "Status({})", self.0),
            name => f.pad(name),
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({:?})", self.text(), self)
    }
}

impl std::error::Error for Status {}

impl From<Status> for io::Error {
    fn from(status: Status) -> Self {
        io::Error::new(io::Error::from(status.errno()).kind(), status)
    }
}

/// A damaged ring, to a caller that has one kind of error.
impl From<Error> for Status {
    fn from(_: Error) -> Self {
        Status::IO_DATA_INTEGRITY
    }
}

/// As `InvalidData`, with the error inside.
impl From<Error> for io::Error {
    fn from(error: Error) -> Self {
        io::Error::new(io::ErrorKind::InvalidData, error)
    }
}

/// How a failed system call of the creation path is reported.
impl From<rustix::io::Errno> for Status {
    fn from(errno: rustix::io::Errno) -> Self {
        use rustix::io::Errno;
        match errno {
            Errno::MFILE | Errno::NFILE => Status::NO_RESOURCES,
            Errno::FBIG | Errno::OVERFLOW => Status::OUT_OF_RANGE,
            Errno::INVAL => Status::INVALID_ARGS,
            Errno::BADF => Status::BAD_HANDLE,
            Errno::ACCESS | Errno::PERM => Status::ACCESS_DENIED,
            _ => Status::NO_MEMORY,
        }
    }
}
