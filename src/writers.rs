//! Whether any writer is left in the whole ring, for a reader that wants it to end with the last.
//!
//! Each pair whose writer is there holds the one token that there is; the last to let go of it closes the ring, if that was asked
//! for.

use crate::process::Generation;
use crate::protocol::close;
use crate::ring::Ring;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

/// Of one ring.
#[derive(Debug, Default)]
pub(crate) struct Writers {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    token: Weak<Token>,
    /// Whether there ever was a writer.
    any: bool,
    /// Whether the ring is to end with the last.
    ends: bool,
}

impl State {
    fn is_over(&self) -> bool {
        self.ends && self.any && self.token.strong_count() == 0
    }
}

/// Held by each pair whose writer has a copy left.
#[derive(Debug)]
pub(crate) struct Token {
    ring: Weak<Ring>,
    /// Whose ring it is to close. Not a fork's.
    home: Generation,
}

impl Writers {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// There is one more.
    pub(crate) fn admit(ring: &Arc<Ring>) -> Arc<Token> {
        let mut state = ring.writers.state();
        state.any = true;
        state.token.upgrade().unwrap_or_else(|| {
            let token = Arc::new(Token { ring: Arc::downgrade(ring), home: Generation::current() });
            state.token = Arc::downgrade(&token);
            token
        })
    }

    /// From now on the ring ends with the last writer.
    pub(crate) fn end_with_last(ring: &Ring) {
        let is_over = {
            let mut state = ring.writers.state();
            state.ends = true;
            state.is_over()
        };
        if is_over {
            close::finish(ring);
        }
    }
}

impl Drop for Token {
    fn drop(&mut self) {
        if self.home.is_current()
            && let Some(ring) = self.ring.upgrade()
            && ring.writers.state().is_over()
        {
            close::finish(&*ring);
        }
    }
}
