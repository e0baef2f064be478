//! One connection, until it has said what it wants.

use crate::process::Process;
use crate::request::{LONGEST, Request};
use std::io::{ErrorKind, Read};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::time::{Duration, Instant};

#[derive(Debug)]
pub(super) struct Session {
    pub(super) process: Arc<Process>,
    pub(super) stream: UnixStream,
    said: Vec<u8>,
    /// Since when it is waited for; whoever was invited may take its time.
    since: Option<Instant>,
}

/// What a connection has said.
pub(super) enum Heard {
    /// Nothing that is a whole request yet.
    Nothing,
    Request(Request),
    /// It has ended.
    End,
    /// What is no request.
    Nonsense,
}

impl Session {
    /// A connection whose stream does not block.
    pub(super) fn new(process: Arc<Process>, stream: UnixStream) -> Self {
        Session { process, stream, said: Vec::new(), since: Some(Instant::now()) }
    }

    /// One that was invited, and may say what it wants whenever it likes.
    pub(super) fn invited(process: Arc<Process>, stream: UnixStream) -> Self {
        Session { process, stream, said: Vec::new(), since: None }
    }

    /// How long it has been there, if that matters.
    pub(super) fn age(&self) -> Option<Duration> {
        self.since.map(|since| since.elapsed())
    }

    /// Reads what has come, and no more than a request's length.
    pub(super) fn hear(&mut self) -> Heard {
        let mut buffer = [0; LONGEST + 1];
        loop {
            match (&self.stream).read(&mut buffer) {
                Ok(0) => return Heard::End,
                Ok(len) => self.said.extend_from_slice(&buffer[..len]),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Heard::Nothing,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(_) => return Heard::End,
            }
            match Request::parse(&self.said) {
                Some(request) => return Heard::Request(request),
                None if self.said.len() > LONGEST || self.said.contains(&b'\n') => return Heard::Nonsense,
                None => {}
            }
        }
    }
}
