//! Writers as other processes have them, in this one.

use iobring::Iob;
use std::os::unix::net::UnixStream;

/// An isolated copy: the ring's broker writes its records.
pub fn isolated(iob: &Iob) -> Iob {
    let (near, far) = UnixStream::pair().expect("sockets");
    iob.send_to(&near).expect("a hand-over");
    Iob::receive_from(&far).expect("a genuine offer")
}

/// A copy with a mapping of its own.
pub fn mapped(iob: &Iob) -> Iob {
    let (near, far) = UnixStream::pair().expect("sockets");
    iob.send_mapped_to(&near).expect("a hand-over");
    Iob::receive_from(&far).expect("a genuine offer")
}

/// A copy for which the kernel writes.
pub fn by_kernel(iob: &Iob) -> Iob {
    let (near, far) = UnixStream::pair().expect("sockets");
    iob.send_kernel_to(&near).expect("a hand-over");
    Iob::receive_from(&far).expect("a genuine offer")
}
