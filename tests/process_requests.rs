//! A mapped process that asks the owner for more without end holds nothing up. One test, since it uses up descriptors.

use iobring::{RingBuffer, Status};
use iobring_oracle::elsewhere;
use iobring_oracle::watchdog::Watchdog;
use rustix::net::{
    AddressFamily, SendAncillaryBuffer, SendAncillaryMessage, SendFlags, SocketFlags, SocketType, sendmsg, socketpair,
};
use std::io::IoSlice;
use std::mem::MaybeUninit;
use std::os::fd::AsFd;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;

#[test]
fn others_are_served_and_closing_ends_beside_a_flood_of_requests() {
    let watchdog = Watchdog::new("closing a ring beside a flood of requests");
    let connect = [&b"iobr"[..], &2u32.to_ne_bytes()].concat();
    for _ in 0..5 {
        let mut reader = RingBuffer::create(64 * 1024);
        let (iob, _peer) = reader.new_iob_writer(1).unwrap();
        let mapped = elsewhere::mapped(&iob);
        let (iob, _peer) = reader.new_iob_writer(2).unwrap();
        let isolated = elsewhere::isolated(&iob);
        let (stop, sent) = (AtomicBool::new(false), AtomicU64::new(0));
        thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| {
                    // The broker finds it at its end, and lets go of it.
                    let (socket, _) =
                        socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None).unwrap();
                    let attached = [socket.as_fd()];
                    while !stop.load(Ordering::Relaxed) {
                        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
                        let mut ancillary = SendAncillaryBuffer::new(&mut space);
                        assert!(ancillary.push(SendAncillaryMessage::ScmRights(&attached)));
                        let flags = SendFlags::NOSIGNAL | SendFlags::DONTWAIT;
                        if sendmsg(mapped.as_fd(), &[IoSlice::new(&connect)], &mut ancillary, flags).is_ok() {
                            sent.fetch_add(1, Ordering::Relaxed);
                        }
                    }
                });
            }
            while sent.load(Ordering::Relaxed) < 1_000 {
                thread::yield_now();
            }
            // So many that they take longer than the watchdog allows where each has to wait until the flood pauses by chance.
            for number in 0..20_u64 {
                isolated.send(&number.to_ne_bytes()).unwrap();
                let served = reader.read_message_blocking(None);
                assert_eq!(served, Ok(Some((2, number.to_ne_bytes().to_vec()))), "others have their turn");
            }
            watchdog.progress();
            reader.close();
            watchdog.progress();
            assert_eq!(mapped.send(b"late"), Err(Status::PEER_CLOSED));
            assert_eq!(reader.read_message_blocking(None), Ok(None), "the end comes while the flood goes on");
            watchdog.progress();
            stop.store(true, Ordering::Relaxed);
        });
        drop(reader);
        watchdog.progress();
    }
}
