//! Writers are handed over and dropped, one after the other, by every transport that was asked for; each writes once. Neither the
//! process nor, where the kernel writes, the kernel keeps anything of them.

use crate::campaign::{Campaign, Resources, hand_over};
use crate::message::compose;
use crate::soak::{LOOK, SETTLED, SLACK};
use iobring::Iob;
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

/// The owner's ends that its thread may not have noticed yet.
const UNNOTICED: usize = 64;

/// Of how many hand-overs, the last, it is noted how long they took.
const TIMES: usize = LOOK as usize;

pub fn run(campaign: &mut Campaign) {
    campaign.counted = "hand-overs";
    let (life, iob, _peer) = campaign.begin(1);
    let mut message = Vec::new();
    let (mut settled, mut most) = (None, 0);
    let mut times = vec![Duration::ZERO; TIMES];
    while !campaign.is_over() {
        let (near, far) = UnixStream::pair().expect("sockets");
        let begun = Instant::now();
        hand_over(&iob, campaign.transport(campaign.count), &near);
        let writer = Iob::receive_from(&far).expect("a genuine offer");
        times[campaign.count as usize % TIMES] = begun.elapsed();
        compose(life, campaign.count, &mut message);
        writer.send(&message).expect("room");
        campaign.count += 1;
        while campaign.verifier.records < campaign.count && campaign.verifier.faults.is_empty() {
            campaign.read_for(Duration::ZERO);
        }
        drop(writer);
        if campaign.count.is_multiple_of(LOOK) {
            let now = Resources::now();
            most = most.max(now.bytes);
            match settled {
                None if campaign.count / LOOK >= SETTLED => settled = Some(now),
                Some(then) => compare(campaign, then, now),
                None => {}
            }
        }
    }
    campaign.verifier.end(life, campaign.count, false);
    if let Some(settled) = settled {
        times.sort();
        let median = times[TIMES / 2];
        campaign.figures.push(("a hand-over, median".into(), format!("{median:.1?}")));
        campaign.figures.push(("KiB resident once settled".into(), (settled.bytes / 1024).to_string()));
        campaign.figures.push(("KiB resident at most".into(), (most / 1024).to_string()));
        campaign.figures.push(("descriptors, from then on".into(), settled.descriptors.to_string()));
    }
}

fn compare(campaign: &mut Campaign, settled: Resources, now: Resources) {
    if now.descriptors > settled.descriptors + UNNOTICED || now.bytes > settled.bytes + SLACK {
        campaign.verifier.faults.push(format!("grown: {now:?}, once settled {settled:?}"));
    }
}
