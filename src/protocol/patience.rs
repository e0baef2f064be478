//! Looking again for a little while before sleeping, ever less often.
//!
//! Whoever looks at a cache line takes it from whoever is about to write it. So the pauses between two looks double, up to
//! about the time that the line takes to come and go.

use core::marker::PhantomData;
use weakest_facade::Platform;

/// The most pauses between two looks.
const LONGEST: u32 = 32;

/// What is left of the patience to look again; none at all in a model ([`Platform::PATIENCE`]).
pub(super) struct Patience<P> {
    left: u32,
    pauses: u32,
    platform: PhantomData<P>,
}

impl<P: Platform> Patience<P> {
    pub(super) fn new() -> Self {
        Patience { left: P::PATIENCE, pauses: 1, platform: PhantomData }
    }

    /// Pauses before the next look; `false`, at once, when the patience is at its end.
    pub(super) fn pause(&mut self) -> bool {
        let pauses = self.pauses.min(self.left);
        (0..pauses).for_each(|_| P::spin());
        self.left -= pauses;
        self.pauses = LONGEST.min(2 * self.pauses);
        pauses > 0
    }
}
