//! The line that a connection begins with.

use std::io::{self, Write};
use std::os::unix::net::UnixStream;

/// What a connection is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Request {
    /// To write records.
    Write,
    /// To watch them: what is retained first if `retained`, then what comes.
    Watch {
        /// Whether what is retained is wanted.
        retained: bool,
    },
    /// To be told how things stand.
    Status,
}

/// The longest request in bytes, its newline included.
pub(crate) const LONGEST: usize = 64;

impl Request {
    const ALL: [Request; 4] =
        [Request::Write, Request::Watch { retained: true }, Request::Watch { retained: false }, Request::Status];

    /// The line, newline included.
    fn line(self) -> &'static str {
        match self {
            Request::Write => "iobring 1 write\n",
            Request::Watch { retained: true } => "iobring 1 watch retained\n",
            Request::Watch { retained: false } => "iobring 1 watch\n",
            Request::Status => "iobring 1 status\n",
        }
    }

    /// Says so to the collector at the other end.
    pub fn send(self, mut stream: &UnixStream) -> io::Result<()> {
        stream.write_all(self.line().as_bytes())
    }

    /// What was said, if it is a whole request: nothing may follow it.
    pub(crate) fn parse(said: &[u8]) -> Option<Self> {
        Self::ALL.into_iter().find(|request| request.line().as_bytes() == said)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_request_is_understood_and_nothing_else_is() {
        for request in Request::ALL {
            assert_eq!(Request::parse(request.line().as_bytes()), Some(request));
            assert!(request.line().len() <= LONGEST);
        }
        for said in [&b""[..], b"\n", b"iobring 1 write", b"iobring 1 write\nx", b"iobring 2 write\n", &[255; 64]] {
            assert_eq!(Request::parse(said), None);
        }
    }
}
