//! The connection of the commands that look.

use crate::cli::Look;
use crate::status::Status;
use anyhow::{Context, Result, bail};
use iobring_collect::Request;
use std::io::{self, BufRead, BufReader, ErrorKind, Read};
use std::iter;
use std::os::unix::net::UnixStream;
use std::time::Duration;

/// How long a collector may take to answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// Asks the collector for something.
fn ask(look: &Look, request: Request) -> Result<BufReader<UnixStream>> {
    let path = look.path();
    let stream = match UnixStream::connect(&path) {
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::ConnectionRefused) => {
            let path = path.display();
            return Err(error).with_context(|| format!("no collector at {path} (`iobring serve` starts one)"));
        }
        connected => connected.with_context(|| format!("cannot ask the collector at {}", path.display()))?,
    };
    request.send(&stream).context("the collector does not listen")?;
    Ok(BufReader::new(stream))
}

/// The lines of entries that come, until the collector ends, which is said.
pub fn lines(look: &Look, retained: bool) -> Result<impl Iterator<Item = io::Result<Vec<u8>>>> {
    let path = look.path();
    let ended = iter::once_with(move || {
        anstream::eprintln!("iobring: the collector at {} has ended, or admits us no more", path.display());
    });
    Ok(ask(look, Request::Watch { retained })?.split(b'\n').chain(ended.filter_map(|()| None)))
}

/// How things stand.
pub fn status(look: &Look) -> Result<Status> {
    let mut answer = Vec::new();
    let mut from = ask(look, Request::Status)?;
    from.get_ref().set_read_timeout(Some(PATIENCE))?;
    let read = from.read_to_end(&mut answer);
    read.with_context(|| format!("the collector at {} does not answer: it may be stopped", look.path().display()))?;
    if answer.is_empty() {
        bail!("the collector at {} turned us away", look.path().display());
    }
    serde_json::from_slice(&answer).context("the collector's answer is not understood")
}
