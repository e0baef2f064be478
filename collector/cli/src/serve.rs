//! `iobring serve`: collects from every process that connects.

use crate::cli::Serve;
use crate::entry::Entry;
use crate::hub::Hub;
use crate::output::Outputs;
use anyhow::{Context, Result};
use iobring_collect::{Builder, Collector, Stopper};
use listenfd::ListenFd;
use sd_notify::NotifyState;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use std::fs;
use std::path::PathBuf;
use std::thread;

pub fn serve(arguments: Serve) -> Result<()> {
    let allowed = arguments.allow_uid.clone();
    let builder = Builder::new()
        .capacity(usize::try_from(arguments.capacity.as_u64()).context("the ring's size")?)
        .connections(arguments.connections as usize)
        .admit(move |process| allowed.is_empty() || allowed.contains(&process.uid));
    let outputs = Outputs::new(&arguments.out)?;
    let (mut collector, bound) = listen(builder, &arguments)?;
    stop_on_signals(collector.stopper())?;
    let retain = usize::try_from(arguments.retain.as_u64()).unwrap_or(usize::MAX);
    let mut hub = Hub::new(outputs, retain);
    notify(NotifyState::Ready);
    while hub.step(&mut collector, Entry::of)?.is_some() {}
    notify(NotifyState::Stopping);
    drop(bound);
    Ok(())
}

/// A socket in the file system that is ours to remove.
struct Bound(PathBuf);

impl Drop for Bound {
    fn drop(&mut self) {
        // It may be gone, or another's by now: then there is nothing to do.
        let _ = fs::remove_file(&self.0);
    }
}

/// On the socket that systemd passes on, if it does; else on one of our own.
fn listen(builder: Builder, arguments: &Serve) -> Result<(Collector, Option<Bound>)> {
    let inherited = ListenFd::from_env().take_unix_listener(0).context("the socket of $LISTEN_FDS")?;
    if let Some(listener) = inherited {
        return Ok((builder.listen(listener)?, None));
    }
    let path = arguments.look.path();
    let collector = builder.bind(&path).with_context(|| format!("cannot collect at {}", path.display()))?;
    anstream::eprintln!("iobring: collecting at {}", path.display());
    Ok((collector, Some(Bound(path))))
}

/// Ends the collector when the process is asked to end.
fn stop_on_signals(stopper: Stopper) -> Result<()> {
    let mut signals = Signals::new([SIGINT, SIGTERM])?;
    thread::spawn(move || signals.forever().for_each(|_| stopper.stop()));
    Ok(())
}

/// Tells systemd, if it wants to know.
fn notify(state: NotifyState<'_>) {
    // Nothing is lost where it cannot be told.
    let _ = sd_notify::notify(false, &[state]);
}
