//! The shared region seen through its descriptor: its size, its seals, its identity, and that it is not inherited.

use iobring::layout::Identity;
use iobring::{Reader, RingBuffer};
use iobring_oracle::page::page_size;
use iobring_oracle::shared::{HEAD, Shared, TAIL};
use rustix::fs::{FallocateFlags, SealFlags, fallocate, fcntl_add_seals, fcntl_get_seals, fstat, ftruncate};
use rustix::io::{Errno, FdFlags, fcntl_getfd};
use std::os::fd::{AsFd, BorrowedFd};
use std::process::Command;

/// Of the rings here, in bytes.
fn capacity() -> usize {
    2 * page_size()
}

fn page() -> u64 {
    rustix::param::page_size() as u64
}

/// The region's descriptor. (`Reader::as_fd` is another: the one to poll.)
fn region_fd(reader: &Reader) -> BorrowedFd<'_> {
    RingBuffer::as_fd(reader)
}

#[test]
fn it_holds_a_page_of_words_and_the_ring() {
    let reader = RingBuffer::try_create(capacity()).unwrap();
    let stat = fstat(region_fd(&reader)).unwrap();
    assert_eq!(stat.st_size as u64, page() + capacity() as u64);
    assert_eq!(stat.st_blocks as u64 * 512, page() + capacity() as u64, "every page is committed");
}

#[test]
fn seals_hold() {
    let reader = RingBuffer::try_create(capacity()).unwrap();
    let fd = region_fd(&reader);
    let seals = fcntl_get_seals(fd).unwrap();
    assert!(seals.contains(SealFlags::SHRINK | SealFlags::GROW | SealFlags::SEAL), "{seals:?}");
    assert!(!seals.intersects(SealFlags::WRITE | SealFlags::FUTURE_WRITE), "{seals:?}");
    let size = page() + capacity() as u64;
    assert_eq!(ftruncate(fd, 0), Err(Errno::PERM));
    assert_eq!(ftruncate(fd, size - 1), Err(Errno::PERM));
    assert_eq!(ftruncate(fd, size + 1), Err(Errno::PERM));
    assert_eq!(fallocate(fd, FallocateFlags::empty(), size, page()), Err(Errno::PERM));
    assert_eq!(fcntl_add_seals(fd, SealFlags::WRITE), Err(Errno::PERM));
    assert_eq!(fstat(fd).unwrap().st_size as u64, size);
}

#[test]
fn it_says_what_it_is() {
    let reader = RingBuffer::try_create(capacity()).unwrap();
    let identity = Identity { magic: *b"iobring\0", version: 1, page_size: page() as u32, capacity: capacity() as u64 };
    // Written out: this is an ABI.
    let size = (page() as u32).to_ne_bytes();
    let bytes = [&b"iobring\0"[..], &1u32.to_ne_bytes(), &size, &(capacity() as u64).to_ne_bytes()].concat();
    assert_eq!(identity.to_bytes(), *bytes);
    assert_eq!(Shared::of(&reader).read(64, 24), bytes);
}

#[test]
fn the_rest_of_the_first_page_is_zero() {
    let reader = RingBuffer::try_create(capacity()).unwrap();
    let shared = Shared::of(&reader);
    assert!(shared.read(0, 64).iter().all(|&byte| byte == 0));
    assert!(shared.read(88, page() as usize - 88).iter().all(|&byte| byte == 0));
}

/// The first two words are the indices, in the machine's byte order: an ABI.
#[test]
fn the_indices_are_where_others_look_for_them() {
    let mut reader = RingBuffer::try_create(capacity()).unwrap();
    let shared = Shared::of(&reader);
    let (writer, _) = reader.new_iob_writer(0x0123_4567_89ab_cdef).unwrap();
    writer.write(Default::default(), 0, b"12345").unwrap();
    writer.write(Default::default(), 0, b"").unwrap();
    assert_eq!((shared.word(HEAD), shared.word(TAIL)), (40, 0));
    reader.try_read_message().unwrap();
    assert_eq!((shared.word(HEAD), shared.word(TAIL)), (40, 24));
    assert_eq!(shared.word(shared.offset(0)), 0x0123_4567_89ab_cdef);
    assert_eq!(shared.word(shared.offset(8)), 5);
    assert_eq!(shared.read(shared.offset(16), 8), b"12345\0\0\0");
    assert_eq!(shared.word(shared.offset(24)), 0x0123_4567_89ab_cdef);
    assert_eq!(shared.word(shared.offset(32)), 0);
}

#[test]
fn no_descriptor_is_inherited() {
    let reader = RingBuffer::try_create(capacity()).unwrap();
    let (writer, peer) = reader.new_iob_writer(1).unwrap();
    for fd in [region_fd(&reader), reader.as_fd(), writer.as_fd(), peer.as_fd()] {
        assert!(fcntl_getfd(fd).unwrap().contains(FdFlags::CLOEXEC));
    }
    let listing = Command::new("ls").args(["-l", "/proc/self/fd"]).output().unwrap();
    assert!(listing.status.success());
    let listing = String::from_utf8(listing.stdout).unwrap();
    assert!(!listing.contains("iobring"), "a child process has the region: {listing}");
}
