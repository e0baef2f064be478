//! Tasks that wait in a process where the ring has no thread: for room and for their peer, by every transport.

use iobring::transport::Kind;
use iobring::{Iob, Reader, RingBuffer, Status};
use iobring_oracle::child::{self, Fork};
use iobring_oracle::elsewhere;
use iobring_oracle::patience::until;
use iobring_oracle::shared::{ROOM, Shared};
use iobring_oracle::task::Count;
use iobring_oracle::watchdog::Watchdog;
use std::future::Future;
use std::io::{Read, Write};
use std::pin::{Pin, pin};
use std::sync::{Mutex, PoisonError};
use std::task::{Context, Poll, Waker};

const CAPACITY: usize = 64 * 1024;
const LARGE: usize = 20_000;

/// One test at a time: they count this process's descriptors, and fork it.
static ALONE: Mutex<()> = Mutex::new(());

fn fill(writer: &Iob) {
    while writer.send(&[0; LARGE]).is_ok() {}
}

/// Writers that another process may have, of full rings.
fn full() -> Vec<(Reader, Iob, Iob)> {
    let ring = |mediated: bool, elsewhere: fn(&Iob) -> Iob| {
        let reader = match mediated {
            false => RingBuffer::create(CAPACITY),
            true => match RingBuffer::try_create_mediated(CAPACITY) {
                Ok(reader) => reader,
                Err(obstacle) => {
                    println!("NOT RUN by way of the kernel: {obstacle}");
                    return None;
                }
            },
        };
        let (writer, peer) = reader.new_iob_writer(1).unwrap();
        let copy = elsewhere(&writer);
        fill(&writer);
        if copy.transport() == Some(Kind::Broker) {
            // What the socket is full of, the broker takes as much of as it can, and then asks to be told of room.
            fill(&copy);
            let shared = Shared::of(&reader);
            until(|| if shared.word(ROOM) == 0 { Err("the broker waits for no room".into()) } else { Ok(()) });
        }
        fill(&copy);
        Some((reader, copy, peer))
    };
    let all = [ring(false, elsewhere::isolated), ring(false, elsewhere::mapped), ring(true, elsewhere::by_kernel)];
    all.into_iter().flatten().collect()
}

fn poll<T>(future: Pin<&mut impl Future<Output = T>>, waker: &Waker) -> Poll<T> {
    future.poll(&mut Context::from_waker(waker))
}

/// How many descriptors this process has.
fn descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").unwrap().count()
}

/// Reads until `count` has been woken.
fn read_until_woken(reader: &mut Reader, count: &Count) {
    until(|| {
        let _ = reader.try_read_message().unwrap();
        if count.get() == 0 { Err("the task is not woken".into()) } else { Ok(()) }
    });
}

#[test]
fn they_are_woken_for_room_and_leave_nothing_behind() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    // The thread that wakes them stays, with its descriptor.
    pollster::block_on(async {
        let reader = RingBuffer::create(CAPACITY);
        let (writer, peer) = reader.new_iob_writer(1).unwrap();
        let copy = elsewhere::isolated(&writer);
        drop(peer);
        copy.peer_closed().await.unwrap();
    });
    for (mut reader, writer, _peer) in full() {
        let _watchdog = Watchdog::new("tasks that wait for room elsewhere");
        let kind = writer.transport();
        let before = descriptors();
        {
            let mut given_up = Box::pin(writer.send_when_room(&[1; LARGE]));
            assert!(poll(given_up.as_mut(), Waker::noop()).is_pending(), "{kind:?}");
            assert!(poll(given_up.as_mut(), Waker::noop()).is_pending(), "{kind:?}");
            assert!(descriptors() > before);
        }
        // The owner has an end of what a wait for room is told on, and closes it when it hears.
        until(|| if descriptors() == before { Ok(()) } else { Err(format!("{before}, now {}", descriptors())) });
        let (count, waker) = Count::waker();
        let mut waits = pin!(writer.send_when_room(&[2; LARGE]));
        assert!(poll(waits.as_mut(), &waker).is_pending());
        loop {
            read_until_woken(&mut reader, &count);
            if let Poll::Ready(sent) = poll(waits.as_mut(), &waker) {
                break assert_eq!(sent, Ok(()), "{kind:?}");
            }
        }
    }
}

#[test]
fn they_are_woken_at_the_end() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    for (reader, writer, peer) in full() {
        let _watchdog = Watchdog::new("tasks at the end of a ring");
        let mut waits = Box::pin(writer.send_when_room(&[1; LARGE]));
        assert!(poll(waits.as_mut(), Waker::noop()).is_pending());
        let mut watches = Box::pin(writer.peer_closed());
        assert!(poll(watches.as_mut(), Waker::noop()).is_pending());
        drop(peer);
        pollster::block_on(watches).unwrap();
        assert!(poll(waits.as_mut(), Waker::noop()).is_pending(), "that is not for who waits for room");
        let mut second = Box::pin(writer.send_when_room(&[2; LARGE]));
        assert!(poll(second.as_mut(), Waker::noop()).is_pending());
        drop(reader);
        let each = pollster::block_on(async { futures::join!(waits, second) });
        assert_eq!(each, (Err(Status::PEER_CLOSED), Err(Status::PEER_CLOSED)), "{:?}", writer.transport());
    }
}

/// Its parent's thread wakes nobody there.
#[test]
fn a_fork_waits_for_itself() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    for (mut reader, writer, _peer) in full() {
        let _watchdog = Watchdog::new("tasks of a fork that wait for room");
        let kind = writer.transport();
        let mut before = Box::pin(writer.send_when_room(&[1; LARGE]));
        assert!(poll(before.as_mut(), Waker::noop()).is_pending());
        for how in [Fork::Libc, Fork::Raw] {
            // A raw fork may start no thread: the C library knows nothing of it.
            let may_wait = matches!(how, Fork::Libc);
            let (mut polled, mut polls) = std::io::pipe().unwrap();
            // SAFETY: the child polls, writes and ends; what that allocates is the C library's to allow after a fork.
            let child = unsafe {
                child::fork(how, || {
                    let refused = poll(before.as_mut(), Waker::noop()) == Poll::Ready(Err(Status::NOT_SUPPORTED));
                    // Dropped there, it is still its parent's.
                    before = Box::pin(writer.send_when_room(&[1; LARGE]));
                    polls.write_all(&[0]).unwrap();
                    if !may_wait {
                        return i32::from(!refused);
                    }
                    let sent = pollster::block_on(writer.send_when_room(&[3; LARGE]));
                    if refused && sent == Ok(()) { 0 } else { 1 }
                })
            };
            polled.read_exact(&mut [0]).unwrap();
            if may_wait {
                // Until the child's record is there. It may take its time.
                until(|| match reader.try_read_message().unwrap() {
                    Some((1, message)) if message == [3; LARGE] => Ok(()),
                    _ => Err("the child's record has not come".into()),
                });
            }
            assert_eq!(child::result(child), 0, "{kind:?} {how:?}");
            if may_wait {
                // The parent's task may have its turn now, and is told by its own thread.
                assert_eq!(pollster::block_on(before.as_mut()), Ok(()), "{kind:?}");
                before = Box::pin(writer.send_when_room(&[1; LARGE]));
                while let Poll::Ready(sent) = poll(before.as_mut(), Waker::noop()) {
                    sent.unwrap();
                    before = Box::pin(writer.send_when_room(&[1; LARGE]));
                }
            }
        }
    }
}
