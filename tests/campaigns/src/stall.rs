//! Writers are stopped and continued at random.

use crate::campaign::Campaign;
use crate::worker::Manner;
use rustix::process::Signal;
use std::time::Duration;

pub fn run(campaign: &mut Campaign) {
    for number in 0..u64::from(campaign.writers()) {
        campaign.start(number, campaign.transport(number), Manner::Honest);
    }
    while !campaign.is_over() {
        let victim = campaign.random.usize(..campaign.workers.len());
        campaign.signal(victim, Signal::STOP);
        let pause = campaign.random.u64(..3_000);
        campaign.read_for(Duration::from_micros(pause));
        campaign.signal(victim, Signal::CONT);
        let pause = campaign.random.u64(..1_000);
        campaign.read_for(Duration::from_micros(pause));
        campaign.count += 1;
    }
}
