//! A writer that writes until it is refused for good.

use iobring::Status;
use iobring_collect::Client;
use std::path::Path;

/// Connects, and writes as fast as it can until the collector ends. How many records were accepted, and how many were refused before
/// that.
pub fn flood(path: &Path) -> [u64; 2] {
    let client = Client::connect(path).unwrap();
    let (mut written, mut refused) = (0, 0);
    loop {
        match client.send(&[b'x'; 1000]) {
            Ok(()) => written += 1,
            Err(Status::NO_SPACE) => refused += 1,
            Err(Status::PEER_CLOSED) => return [written, refused],
            Err(status) => panic!("{status}"),
        }
    }
}
