//! The connection of the commands that look.

use crate::cli::Look;
use crate::status::Status;
use anyhow::{Context, Result, bail};
use iobring_collect::Request;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::net::UnixStream;

/// Asks the collector for something.
fn ask(look: &Look, request: Request) -> Result<BufReader<UnixStream>> {
    let path = look.path();
    let stream = UnixStream::connect(&path).with_context(|| format!("no collector at {}", path.display()))?;
    request.send(&stream).context("the collector does not listen")?;
    Ok(BufReader::new(stream))
}

/// The lines of entries that come.
pub fn lines(look: &Look, retained: bool) -> Result<impl Iterator<Item = std::io::Result<Vec<u8>>>> {
    Ok(ask(look, Request::Watch { retained })?.split(b'\n'))
}

/// How things stand.
pub fn status(look: &Look) -> Result<Status> {
    let mut answer = Vec::new();
    ask(look, Request::Status)?.read_to_end(&mut answer)?;
    if answer.is_empty() {
        bail!("the collector at {} turned us away", look.path().display());
    }
    serde_json::from_slice(&answer).context("the collector's answer is not understood")
}
