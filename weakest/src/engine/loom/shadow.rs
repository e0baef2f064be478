//! What loom is told that an access depends on.

use super::platform::{at, uninterrupted};
use crate::engine::world;
use ::loom::sync::Mutex;
use std::sync::OnceLock;

/// Stands beside an atomic, so that loom tries every order of a write with every other access.
///
/// By itself loom remembers the last access to an atomic only: a thread's load is forgotten, and never tried the other way
/// round, once another thread has loaded (its issues #166 and #392). So each lane has an object of its own here. A read
/// touches its lane's, a write touches them all. Other threads may step before the first of them only.
#[derive(Default)]
pub(super) struct Shadow(OnceLock<Box<[Taken]>>);

impl Shadow {
    /// Other threads may step here, before the read by `lane` that follows.
    pub fn read(&self, lane: usize) {
        // The set-up runs alone, and so does the final look.
        if !world::is_cast() {
            return;
        }
        if let Some(own) = self.lanes(lane).get(lane) {
            at(lane, || own.touch());
        }
    }

    /// Other threads may step here, before the write by `lane` that follows.
    pub fn write(&self, lane: usize) {
        if !world::is_cast() {
            return;
        }
        let lanes = self.lanes(lane);
        if lane >= lanes.len() {
            return;
        }
        at(lane, || lanes[lane].touch());
        for (_, other) in lanes.iter().enumerate().filter(|(other, _)| *other != lane) {
            uninterrupted(lane, || other.touch());
        }
    }

    fn lanes(&self, lane: usize) -> &[Taken] {
        self.0.get_or_init(|| (0..world::last_lane()).map(|_| uninterrupted(lane, Taken::new)).collect())
    }
}

/// A mutex that is taken for good. Trying to take it depends on every other try, and is the one operation of loom's
/// that orders nothing at all: a relaxed read-modify-write would pass on what a fence released, and a `Notify` makes a
/// thread that is about to notify as well know all that the notifier does.
struct Taken(Mutex<()>);

impl Taken {
    fn new() -> Self {
        let mutex = Mutex::new(());
        std::mem::forget(mutex.lock());
        Taken(mutex)
    }

    fn touch(&self) {
        assert!(self.0.try_lock().is_err(), "taken for good");
    }
}
