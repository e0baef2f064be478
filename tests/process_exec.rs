//! A writer whose process becomes another program: no descriptor survives it, and the end is noticed while the process lives on.

mod process;

use iobring::{Iob, Reader, RingBuffer};
use iobring_oracle::patience::{PATIENCE, until};
use process::{Order, Servant, message, servant};
use std::ffi::OsStr;
use std::path::Path;

#[test]
fn child_process() {
    servant();
}

/// Whether a descriptor of this name in this process is one of its standard ones, or was left to it and to all its children by
/// whoever started it.
fn outlives_exec(name: &OsStr) -> bool {
    const CLOSES_ON_EXEC: u32 = 0o2_000_000;
    let info = std::fs::read_to_string(Path::new("/proc/self/fdinfo").join(name)).unwrap_or_default();
    let flags = info.lines().find_map(|line| line.strip_prefix("flags:")).map(str::trim);
    let inherited = flags.is_some_and(|flags| u32::from_str_radix(flags, 8).unwrap() & CLOSES_ON_EXEC == 0);
    inherited || ["0", "1", "2"].iter().any(|standard| name == *standard)
}

fn ends_by_exec(mut reader: Reader, give: fn(&mut Servant, &Iob)) {
    let (iob, peer) = reader.new_iob_writer(5).unwrap();
    let mut servant = Servant::start();
    give(&mut servant, &iob);
    drop(iob);
    servant.write(24, 1);
    assert!(!peer.is_peer_closed());
    servant.tell(Order::Exec, 0, 0);
    assert!(peer.wait_peer_closed(Some(PATIENCE)), "a descriptor outlives exec");
    assert_eq!(reader.read_message_blocking(None).unwrap(), Some((5, message(24, 1))));

    assert_eq!(servant.child.try_wait().unwrap(), None, "the process lives on");
    // The kernel closes one descriptor after the other.
    let descriptors = format!("/proc/{}/fd", servant.child.id());
    until(|| {
        let names = std::fs::read_dir(&descriptors).unwrap().map(|entry| entry.unwrap().file_name());
        let more: Vec<_> = names.filter(|name| !outlives_exec(name)).collect();
        if more.is_empty() { Ok(()) } else { Err(format!("the new program has {more:?}")) }
    });
}

#[test]
fn exec_ends_an_isolated_writer() {
    ends_by_exec(RingBuffer::create(64 * 1024), Servant::give);
}

#[test]
fn exec_ends_a_mapped_writer() {
    ends_by_exec(RingBuffer::create(64 * 1024), Servant::give_mapped);
}

#[test]
fn exec_ends_a_writer_by_the_kernel() {
    match RingBuffer::try_create_mediated(64 * 1024) {
        Ok(reader) => ends_by_exec(reader, Servant::give_kernel),
        Err(obstacle) => println!("NOT RUN: {obstacle}"),
    }
}
