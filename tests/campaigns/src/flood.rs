//! Greedy and hostile writers beside honest ones.

use crate::campaign::{Campaign, Transport};
use crate::worker::Manner;
use std::time::Duration;

pub fn run(campaign: &mut Campaign) {
    let honest = u64::from(campaign.writers());
    for number in 0..honest {
        campaign.start(number, campaign.transport(number), Manner::Honest);
    }
    for number in honest..honest + 2 {
        campaign.start(number, campaign.attackers(), Manner::Greedy);
    }
    for number in honest + 2..honest + 4 {
        campaign.start(number, campaign.attackers(), Manner::Hostile);
    }
    while !campaign.is_over() {
        campaign.read_for(Duration::from_millis(1));
        // A hostile one that lost its connection gets another.
        for worker in (0..campaign.workers.len()).rev() {
            if campaign.workers[worker].manner == Manner::Hostile && campaign.has_ended(worker) {
                campaign.replace(worker);
                campaign.count += 1;
            }
        }
    }
    let isolated = |worker: &&crate::campaign::Worker| worker.transport != Transport::Mapped && worker.tag < honest;
    let least = campaign.workers.iter().filter(isolated).map(|worker| worker.receipts.accepted()).min();
    let most = campaign.workers.iter().filter(|worker| worker.manner == Manner::Greedy);
    let most = most.map(|worker| worker.receipts.accepted()).max();
    campaign.figures.push(("records of the slowest honest isolated writer".into(), least.unwrap_or(0).to_string()));
    campaign.figures.push(("records of the fastest greedy writer".into(), most.unwrap_or(0).to_string()));
    if least == Some(0) {
        campaign.verifier.faults.push("an honest writer was starved".into());
    }
}
