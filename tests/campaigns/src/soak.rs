//! For long, nothing bad: writers by every transport pause, end and begin at random; the reader waits in every style, often
//! gives a wait up, and reads now much, now little. The accounts add up all the time, and nothing grows.

use crate::campaign::{Campaign, Resources};
use crate::worker::Manner;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use std::future::Future;
use std::os::fd::AsFd;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Wake, Waker};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

/// How many waits pass between two looks at the accounts and the process.
pub const LOOK: u64 = 1000;

/// How many looks pass before the process counts as settled. Allocators take from the system in large pieces at first.
pub const SETTLED: u64 = 2;

/// By how much memory may differ from what it was then. Less than a leak of one record per look comes to.
pub const SLACK: u64 = 4 << 20;

/// The longest that a wait lasts if nothing comes.
const LONGEST_WAIT: u64 = 2_000;

pub fn run(campaign: &mut Campaign) {
    campaign.counted = "waits and reads";
    for number in 0..u64::from(campaign.writers()) {
        let transport = campaign.all()[number as usize % 3];
        campaign.start(number, transport, Manner::Leisurely);
    }
    let (mut cancelled, mut changed) = (0, 0);
    let mut settled = None;
    let mut most = 0;
    while !campaign.is_over() {
        cancelled += u64::from(!wait(campaign));
        // Many readers' habits: all there is, one record, a few.
        let at_most = match campaign.random.u32(..3) {
            0 => usize::MAX,
            1 => 1,
            _ => campaign.random.usize(1..64),
        };
        campaign.read(at_most);
        campaign.count += 1;
        if campaign.count.is_multiple_of(LOOK) {
            let looks = campaign.count / LOOK;
            campaign.audit();
            let now = Resources::now();
            most = most.max(now.bytes);
            match settled {
                None if looks >= SETTLED => settled = Some(now),
                Some(then) => compare(campaign, then, now),
                None => {}
            }
            change(campaign, Manner::Leisurely);
            changed += 1;
        }
    }
    let mebibytes = |bytes: u64| format!("{:.1}", bytes as f64 / f64::from(1 << 20));
    campaign.figures.push(("waits given up".into(), cancelled.to_string()));
    campaign.figures.push(("writers ended, and others begun".into(), changed.to_string()));
    if let Some(settled) = settled {
        campaign.figures.push(("MiB resident once settled".into(), mebibytes(settled.bytes)));
        campaign.figures.push(("MiB resident at most".into(), mebibytes(most)));
        campaign.figures.push(("descriptors, from then on".into(), settled.descriptors.to_string()));
    }
}

fn compare(campaign: &mut Campaign, settled: Resources, now: Resources) {
    // A worker's pair and connection are the same in number whoever it is; who waits for room has a socket here meanwhile.
    let waiting = campaign.writers() as usize;
    if now.descriptors > settled.descriptors + waiting || now.bytes > settled.bytes + SLACK {
        campaign.verifier.faults.push(format!("grown: {now:?}, once settled {settled:?}"));
    }
}

/// Ends a writer and starts another in its place.
pub fn change(campaign: &mut Campaign, manner: Manner) {
    let victim = campaign.random.usize(..campaign.workers.len());
    let (number, transport) = (campaign.workers[victim].tag, campaign.workers[victim].transport);
    campaign.workers[victim].receipts.stop();
    while !campaign.has_ended(victim) {
        campaign.read_for(Duration::from_micros(100));
    }
    campaign.bury(victim, false);
    while campaign.is_mourning() {
        campaign.read_for(Duration::from_micros(100));
    }
    campaign.start(number, transport, manner);
}

/// Waits in a random style for a random time at most; whether something came.
fn wait(campaign: &mut Campaign) -> bool {
    let longest = Duration::from_micros(campaign.random.u64(..LONGEST_WAIT));
    let tail = campaign.reader.tail();
    match campaign.random.u32(..4) {
        0 => campaign.reader.wait_blocking(tail, Some(longest)).is_some(),
        1 => within(longest, campaign.reader.wait(tail)),
        // Polled once and dropped: registered and taken back.
        2 => within(Duration::ZERO, campaign.reader.wait(tail)),
        _ => {
            let mut polled = [PollFd::from_borrowed_fd(campaign.reader.as_fd(), PollFlags::IN)];
            let longest = Timespec { tv_sec: 0, tv_nsec: longest.subsec_nanos().into() };
            poll(&mut polled, Some(&longest)) == Ok(1)
        }
    }
}

/// Whether `future` is ready within `time`. If not it is dropped.
fn within<T>(time: Duration, future: impl Future<Output = T>) -> bool {
    struct Unpark(Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let until = Instant::now() + time;
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut future = pin!(future);
    loop {
        if future.as_mut().poll(&mut Context::from_waker(&waker)).is_ready() {
            return true;
        }
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return false;
        }
        thread::park_timeout(left);
    }
}
