//! A writer that is never in the way: it connects again when the collector does, and its caller falls back meanwhile.

use crate::address::default_socket;
use crate::client::{Client, has_answered};
use crate::request::Request;
use crate::written::Written;
use iobring::Status;
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType, connect, socket_with};
use std::io;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{RwLock, TryLockError};
use std::time::{Duration, Instant};

/// How long after a failed attempt the next is made: doubled each time, between these.
const BACK_OFF: [Duration; 2] = [Duration::from_millis(50), Duration::from_secs(10)];

/// A connection to a collector that may come and go.
///
/// A write never waits: not for the collector, not for a connection. While there is no collector it says so, and the caller
/// does with the record whatever it does without one. Connecting again happens within writes, at most one attempt at a time,
/// less and less often; the first record after it tells how many were not written meanwhile.
#[derive(Debug)]
pub struct Sink {
    path: PathBuf,
    state: RwLock<State>,
    /// How many records found no collector since the last that did.
    missed: AtomicU64,
}

#[derive(Debug)]
enum State {
    Connected(Client),
    /// Asked for a writer; the answer has not come.
    Asked(UnixStream, Attempt),
    Apart(Attempt),
}

/// When to try again.
#[derive(Clone, Copy, Debug)]
struct Attempt {
    next: Instant,
    pause: Duration,
}

impl Attempt {
    fn first() -> Self {
        Attempt { next: Instant::now(), pause: BACK_OFF[0] }
    }

    fn failed(self) -> Self {
        Attempt { next: Instant::now() + self.pause, pause: (2 * self.pause).min(BACK_OFF[1]) }
    }
}

impl Sink {
    /// A sink for the collector whose socket is at `path`, connected already if one listens there and answers.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        let path = path.into();
        let state = match Client::connect(&path) {
            Ok(client) => State::Connected(client),
            Err(_) => State::Apart(Attempt::first().failed()),
        };
        Sink { path, state: RwLock::new(state), missed: AtomicU64::new(0) }
    }

    /// A sink for the collector whose writer this process has inherited; without one, or once that is gone, for the collector
    /// at the [`default_socket`].
    pub fn inherited_or_usual() -> Self {
        match Client::inherited() {
            Some(Ok(client)) => {
                Sink { path: default_socket(), state: RwLock::new(State::Connected(client)), missed: AtomicU64::new(0) }
            }
            _ => Sink::new(default_socket()),
        }
    }

    /// Whether there is a collector, as far as is known.
    pub fn is_connected(&self) -> bool {
        let state = self.state.try_read();
        state.is_ok_and(|state| matches!(&*state, State::Connected(client) if !client.is_closed()))
    }

    /// Writes one record. `report` makes the record that says so if records were missed before, from their number.
    pub fn write(&self, message: &[u8], report: impl Fn(u64) -> Vec<u8>) -> Written {
        let mut written = self.try_write(message, &report);
        if written.is_none() && self.reconnect() {
            written = self.try_write(message, &report);
        }
        written.unwrap_or_else(|| {
            self.missed.fetch_add(1, Ordering::Relaxed);
            Written::NoCollector
        })
    }

    /// `None`: there is no connection.
    fn try_write(&self, message: &[u8], report: impl Fn(u64) -> Vec<u8>) -> Option<Written> {
        // Whoever connects holds the lock for a moment, and in a child of a fork perhaps for ever: not waited for.
        let state = match self.state.try_read() {
            Ok(state) => state,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return None,
        };
        let State::Connected(client) = &*state else {
            return None;
        };
        if self.missed.load(Ordering::Relaxed) != 0 {
            let missed = self.missed.swap(0, Ordering::Relaxed);
            if missed != 0 && client.send_uncounted(&report(missed)).is_err() {
                self.missed.fetch_add(missed, Ordering::Relaxed);
            }
        }
        match client.send(message) {
            Ok(()) => Some(Written::ToCollector),
            Err(Status::INVALID_ARGS) => Some(Written::TooLong),
            Err(Status::PEER_CLOSED | Status::BAD_HANDLE) => None,
            Err(_) => Some(Written::Refused),
        }
    }

    /// Takes the next step towards a connection, if it is time and nobody else does. Returns whether there is one now.
    fn reconnect(&self) -> bool {
        let mut state = match self.state.try_write() {
            Ok(state) => state,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return false,
        };
        *state = match std::mem::replace(&mut *state, State::Apart(Attempt::first())) {
            State::Connected(client) if !client.is_closed() => State::Connected(client),
            State::Connected(_) => self.ask(Attempt::first()),
            State::Apart(attempt) if Instant::now() < attempt.next => State::Apart(attempt),
            State::Apart(attempt) => self.ask(attempt),
            asked @ State::Asked(..) => asked,
        };
        if let State::Asked(stream, attempt) = &*state {
            let answer = has_answered(stream)
                .and_then(|has_come| if has_come { stream.try_clone().map(Some) } else { Ok(None) });
            match answer.and_then(|stream| stream.map(Client::from_answer).transpose()) {
                Ok(Some(client)) => *state = State::Connected(client),
                Ok(None) if Instant::now() < attempt.next => {}
                Ok(None) | Err(_) => *state = State::Apart(attempt.failed()),
            }
        }
        matches!(&*state, State::Connected(_))
    }

    /// Connects without waiting, and asks for a writer.
    fn ask(&self, attempt: Attempt) -> State {
        let asked = self.connect().and_then(|stream| {
            Request::Write.send(&stream)?;
            Ok(stream)
        });
        match asked {
            // It has this long to answer.
            Ok(stream) => State::Asked(stream, attempt.failed()),
            Err(_) => State::Apart(attempt.failed()),
        }
    }

    fn connect(&self) -> io::Result<UnixStream> {
        // The socket blocks for nobody: a full backlog is an error.
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let socket = socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)?;
        connect(&socket, &SocketAddrUnix::new(&self.path)?)?;
        Ok(socket.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::net::UnixListener;
    use std::sync::Arc;
    use std::thread;

    #[test]
    fn attempts_become_rare_but_never_stop() {
        let mut attempt = Attempt::first();
        let mut pauses = Vec::new();
        for _ in 0..12 {
            let before = Instant::now();
            pauses.push(attempt.pause);
            let next = attempt.failed();
            assert!(next.next >= before + attempt.pause, "not before the pause is over");
            attempt = next;
        }
        assert_eq!(pauses[0], BACK_OFF[0]);
        assert!(pauses.windows(2).all(|pair| pair[1] == (2 * pair[0]).min(BACK_OFF[1])), "{pauses:?}");
        assert_eq!(pauses[11], BACK_OFF[1]);
    }

    /// A collector that takes every connection and answers none: however often is written, it is asked as often as the pauses allow.
    #[test]
    fn however_much_is_written_few_attempts_are_made() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("socket");
        let listener = UnixListener::bind(&path).unwrap();
        let attempts = Arc::new(AtomicU64::new(0));
        let counts = attempts.clone();
        thread::spawn(move || {
            while let Ok((stream, _)) = listener.accept() {
                counts.fetch_add(1, Ordering::SeqCst);
                drop(stream);
            }
        });
        let began = Instant::now();
        let sink = Sink::new(&path);
        let mut written = 0_u64;
        // Until the third attempt, at least.
        while attempts.load(Ordering::SeqCst) < 3 {
            assert_eq!(sink.write(b"x", |_| Vec::new()), Written::NoCollector);
            written += 1;
        }
        // One at first, and then after 50, 100, 200, ... ms.
        let elapsed = began.elapsed().as_millis() as u64 / BACK_OFF[0].as_millis() as u64;
        let most = 1 + u64::from((elapsed + 1).ilog2());
        let made = attempts.load(Ordering::SeqCst);
        assert!(made <= most, "{made} attempts of {written} writes, in {elapsed} times 50 ms");
        assert!(written > 10 * made, "the test needs more writes than attempts: {written}");
    }
}
