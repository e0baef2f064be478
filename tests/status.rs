//! Status codes: Zircon's numbers, and how failed system calls are told in them.

use iobring::Status;
use rustix::io::Errno;
use std::io;

/// Zircon's numbers, as in its `errors.h`.
const NUMBERS: &[(Status, i32, &str)] = &[
    (Status::NO_RESOURCES, -3, "NO_RESOURCES"),
    (Status::NO_MEMORY, -4, "NO_MEMORY"),
    (Status::INVALID_ARGS, -10, "INVALID_ARGS"),
    (Status::BAD_HANDLE, -11, "BAD_HANDLE"),
    (Status::WRONG_TYPE, -12, "WRONG_TYPE"),
    (Status::OUT_OF_RANGE, -14, "OUT_OF_RANGE"),
    (Status::PEER_CLOSED, -24, "PEER_CLOSED"),
    (Status::ACCESS_DENIED, -30, "ACCESS_DENIED"),
    (Status::IO_DATA_INTEGRITY, -42, "IO_DATA_INTEGRITY"),
    (Status::NO_SPACE, -54, "NO_SPACE"),
];

#[test]
fn names_and_numbers_are_zircons() {
    for &(status, raw, name) in NUMBERS {
        assert_eq!((status.into_raw(), status.name()), (raw, name));
        assert_eq!((Status::from_raw(raw), Status::ok(raw)), (status, Err(status)));
        assert_eq!(format!("{status:?}"), name);
        assert!(status.to_string().ends_with(&format!("({name})")), "{status}");
    }
    assert_eq!(Status::ok(0), Ok(()));
    assert_eq!(Status::ok(-1), Err(Status::from_raw(-1)));
    assert_eq!(format!("{:?}", Status::from_raw(-1)), "Status(-1)");
}

#[test]
fn a_failed_system_call_has_a_status() {
    let expected = [
        (Errno::MFILE, Status::NO_RESOURCES),
        (Errno::NFILE, Status::NO_RESOURCES),
        (Errno::FBIG, Status::OUT_OF_RANGE),
        (Errno::OVERFLOW, Status::OUT_OF_RANGE),
        (Errno::INVAL, Status::INVALID_ARGS),
        (Errno::BADF, Status::BAD_HANDLE),
        (Errno::ACCESS, Status::ACCESS_DENIED),
        (Errno::PERM, Status::ACCESS_DENIED),
        (Errno::NOMEM, Status::NO_MEMORY),
        (Errno::AGAIN, Status::NO_MEMORY),
    ];
    for (errno, status) in expected {
        assert_eq!(Status::from(errno), status, "{errno}");
    }
}

/// For callers that speak `std::io`.
#[test]
fn a_status_is_an_io_error() {
    let expected = [
        (Status::NO_MEMORY, io::ErrorKind::OutOfMemory),
        (Status::INVALID_ARGS, io::ErrorKind::InvalidInput),
        (Status::PEER_CLOSED, io::ErrorKind::BrokenPipe),
        (Status::ACCESS_DENIED, io::ErrorKind::PermissionDenied),
        (Status::NO_SPACE, io::ErrorKind::StorageFull),
    ];
    for (status, kind) in expected {
        let error = io::Error::from(status);
        assert_eq!(error.kind(), kind, "{status}");
        assert_eq!(error.downcast::<Status>().expect("the status is inside"), status);
    }
}
