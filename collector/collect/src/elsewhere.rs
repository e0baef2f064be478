//! A sink where iobring is not made for the system: there is never a collector.

use crate::written::Written;
use std::path::PathBuf;

/// Nothing.
#[derive(Debug)]
pub struct Sink;

impl Sink {
    /// Never connected.
    pub fn new(_: impl Into<PathBuf>) -> Self {
        Sink
    }

    /// Never connected.
    pub fn inherited_or_usual() -> Self {
        Sink
    }

    /// Never.
    pub fn is_connected(&self) -> bool {
        false
    }

    /// Always [`Written::NoCollector`].
    pub fn write(&self, _: &[u8], _: impl Fn(u64) -> Vec<u8>) -> Written {
        Written::NoCollector
    }
}
