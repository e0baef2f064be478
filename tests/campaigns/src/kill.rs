//! Writers are killed at random instants, and others take their places.

use crate::campaign::Campaign;
use crate::worker::Manner;
use std::time::Duration;

pub fn run(campaign: &mut Campaign) {
    for number in 0..u64::from(campaign.writers()) {
        campaign.start(number, campaign.transport(number), Manner::Honest);
    }
    while !campaign.is_over() {
        // Now at the start, in the hand-over, now in the middle of writing.
        let pause = campaign.random.u64(..4_000);
        campaign.read_for(Duration::from_micros(pause));
        let victim = campaign.random.usize(..campaign.workers.len());
        campaign.replace(victim);
        campaign.count += 1;
    }
}
