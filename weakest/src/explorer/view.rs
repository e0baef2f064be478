//! What somebody knows: of each location the newest message, of each thread the newest data access.

/// Slots `0..locations` hold positions in modification order, the `threads` slots after them hold clocks. 0 is what
/// everybody knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct View<const N: usize>(pub(super) [u8; N]);

impl<const N: usize> View<N> {
    pub(super) const NOTHING: View<N> = View([0; N]);

    /// Learns all that `other` knows.
    pub(super) fn join(&mut self, other: &View<N>) {
        for (mine, theirs) in self.0.iter_mut().zip(&other.0) {
            *mine = (*mine).max(*theirs);
        }
    }

    pub(super) fn is_nothing(&self) -> bool {
        *self == Self::NOTHING
    }

    /// Knows only what is known here and there.
    pub(super) fn meet(&mut self, other: &View<N>) {
        for (mine, theirs) in self.0.iter_mut().zip(&other.0) {
            *mine = (*mine).min(*theirs);
        }
    }

    /// Forgets each slot that `others` know as well.
    pub(super) fn forget(&mut self, others: &View<N>) {
        for (mine, theirs) in self.0.iter_mut().zip(&others.0) {
            if *mine <= *theirs {
                *mine = 0;
            }
        }
    }
}
