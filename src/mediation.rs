//! What this machine can do.

use crate::obstacle::Obstacle;
use crate::ring::Ring;

/// Whether the kernel can be the mediator of rings that this process makes
/// ([`RingBuffer::try_create_mediated`](crate::RingBuffer::try_create_mediated)), found out by making a small one.
///
/// # Errors
/// What is in the way.
pub fn mediation() -> Result<(), Obstacle> {
    Ring::create_mediated(rustix::param::page_size()).map(drop)
}
