//! Happens-before by vector clocks, over a sequentially consistent execution.
//!
//! The rules are C11's: a store that releases hands its thread's clock to whoever acquires it; a read-modify-write goes on
//! with the release sequence of what it read; fences release on behalf of later relaxed stores and acquire on behalf of
//! earlier relaxed loads; `SeqCst` fences also order each other.

use crate::facade::Order;

/// For each thread, how many of its steps are known to have happened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Clock(Vec<u32>);

impl Clock {
    fn join(&mut self, other: &Clock) {
        if self.0.len() < other.0.len() {
            self.0.resize(other.0.len(), 0);
        }
        for (mine, theirs) in self.0.iter_mut().zip(&other.0) {
            *mine = (*mine).max(*theirs);
        }
    }

    fn set(&mut self, thread: usize, time: u32) {
        if self.0.len() <= thread {
            self.0.resize(thread + 1, 0);
        }
        self.0[thread] = time;
    }

    fn get(&self, thread: usize) -> u32 {
        self.0.get(thread).copied().unwrap_or(0)
    }

    fn knows(&self, other: &Clock) -> bool {
        other.0.iter().enumerate().all(|(thread, &time)| time <= self.get(thread))
    }
}

#[derive(Clone, Debug, Default)]
struct Thread {
    now: Clock,
    /// What the last release fence covered.
    released: Clock,
    /// What was read relaxed, for the next acquire fence.
    pending: Clock,
}

#[derive(Clone, Debug, Default)]
struct Location {
    /// What the newest value's release sequence hands on.
    sync: Clock,
    writes: Clock,
    reads: Clock,
}

/// Who knows what, in one execution.
#[derive(Clone, Debug, Default)]
pub(super) struct Tracker {
    threads: Vec<Thread>,
    locations: Vec<Location>,
    fences: Clock,
    /// What the light halves of asymmetric fences hand to the heavy ones.
    lights: Clock,
}

impl Tracker {
    /// A tracker of so many threads, none of which knows anything of another.
    pub fn new(threads: usize) -> Self {
        let thread = |t| {
            let mut thread = Thread::default();
            thread.now.set(t, 1);
            thread
        };
        Tracker { threads: (0..threads).map(thread).collect(), ..Tracker::default() }
    }

    /// What `before` has done happens before all that `after` does from now on.
    pub fn join(&mut self, before: usize, after: usize) {
        let known = self.threads[before].now.clone();
        self.threads[after].now.join(&known);
        self.tick(before);
    }

    pub fn load(&mut self, thread: usize, location: usize, order: Order) {
        let sync = self.location(location).sync.clone();
        let thread = &mut self.threads[thread];
        if order.acquires() {
            thread.now.join(&sync);
        }
        thread.pending.join(&sync);
    }

    pub fn store(&mut self, thread: usize, location: usize, order: Order) {
        let handed = self.handed_on(thread, order);
        self.location(location).sync = handed;
        self.tick(thread);
    }

    pub fn update(&mut self, thread: usize, location: usize, order: Order) {
        self.load(thread, location, order);
        let handed = self.handed_on(thread, order);
        self.location(location).sync.join(&handed);
        self.tick(thread);
    }

    /// The light half of an asymmetric fence: ordered with full and heavy fences, not with other light ones.
    pub fn light_fence(&mut self, thread: usize, order: Order) {
        if order == Order::SeqCst {
            self.threads[thread].now.join(&self.fences);
            self.lights.join(&self.threads[thread].now);
            self.tick(thread);
        }
    }

    pub fn fence(&mut self, thread: usize, order: Order) {
        if order.acquires() {
            let pending = self.threads[thread].pending.clone();
            self.threads[thread].now.join(&pending);
        }
        if order == Order::SeqCst {
            self.threads[thread].now.join(&self.fences);
            self.threads[thread].now.join(&self.lights);
            self.fences.join(&self.threads[thread].now);
        }
        if order.releases() {
            self.threads[thread].released = self.threads[thread].now.clone();
            self.tick(thread);
        }
    }

    /// Reads a data word; false if that is a race.
    #[must_use]
    pub fn read(&mut self, thread: usize, location: usize) -> bool {
        let now = self.threads[thread].now.clone();
        let location = self.location(location);
        location.reads.set(thread, now.get(thread));
        now.knows(&location.writes)
    }

    /// Writes a data word; false if that is a race.
    #[must_use]
    pub fn write(&mut self, thread: usize, location: usize) -> bool {
        let now = self.threads[thread].now.clone();
        let location = self.location(location);
        let ordered = now.knows(&location.writes) && now.knows(&location.reads);
        location.writes.set(thread, now.get(thread));
        ordered
    }

    /// What a store of this order hands to whoever acquires it.
    fn handed_on(&self, thread: usize, order: Order) -> Clock {
        let thread = &self.threads[thread];
        if order.releases() { thread.now.clone() } else { thread.released.clone() }
    }

    /// Steps after a release are not part of it.
    fn tick(&mut self, thread: usize) {
        let now = &mut self.threads[thread].now;
        now.set(thread, now.get(thread).checked_add(1).expect("a model's thread makes fewer than 2³² releases"));
    }

    fn location(&mut self, location: usize) -> &mut Location {
        if self.locations.len() <= location {
            self.locations.resize(location + 1, Location::default());
        }
        &mut self.locations[location]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Order::{AcqRel, Acquire, Relaxed, Release, SeqCst};

    /// Thread 0 writes the word 9 and then runs `publish`; thread 1 runs `look`, then reads the word.
    fn passes(publish: impl Fn(&mut Tracker), look: impl Fn(&mut Tracker)) -> bool {
        let mut tracker = Tracker::new(3);
        assert!(tracker.write(0, 9));
        publish(&mut tracker);
        look(&mut tracker);
        tracker.read(1, 9)
    }

    #[test]
    fn a_release_reaches_an_acquire_and_nothing_less() {
        for publish in [Relaxed, Release] {
            for look in [Relaxed, Acquire] {
                let passed = passes(|t| t.store(0, 1, publish), |t| t.load(1, 1, look));
                assert_eq!(passed, publish == Release && look == Acquire, "{publish} {look}");
            }
        }
    }

    #[test]
    fn fences_stand_in_for_either_side() {
        let release = |t: &mut Tracker| {
            t.fence(0, Release);
            t.store(0, 1, Relaxed);
        };
        let acquire = |t: &mut Tracker| {
            t.load(1, 1, Relaxed);
            t.fence(1, Acquire);
        };
        assert!(passes(release, acquire));
        assert!(passes(release, |t| t.load(1, 1, Acquire)));
        assert!(passes(|t| t.store(0, 1, Release), acquire));
        // A fence behind the store, or before the load, comes too late or too early.
        let late = |t: &mut Tracker| {
            t.store(0, 1, Relaxed);
            t.fence(0, Release);
        };
        let early = |t: &mut Tracker| {
            t.fence(1, Acquire);
            t.load(1, 1, Relaxed);
        };
        assert!(!passes(late, acquire));
        assert!(!passes(release, early));
    }

    #[test]
    fn an_update_keeps_the_release_sequence_and_a_store_ends_it() {
        let release = |t: &mut Tracker| t.store(0, 1, Release);
        assert!(passes(release, |t| {
            t.update(2, 1, Relaxed);
            t.load(1, 1, Acquire);
        }));
        assert!(!passes(release, |t| {
            t.store(2, 1, Release);
            t.load(1, 1, Acquire);
        }));
        assert!(passes(release, |t| t.update(1, 1, AcqRel)));
        assert!(!passes(release, |t| t.update(1, 1, Release)));
    }

    #[test]
    fn seqcst_fences_order_each_other() {
        assert!(passes(|t| t.fence(0, SeqCst), |t| t.fence(1, SeqCst)));
        assert!(!passes(|t| t.fence(0, AcqRel), |t| t.fence(1, SeqCst)));
        assert!(!passes(|t| t.fence(0, SeqCst), |t| t.fence(1, AcqRel)));
    }

    #[test]
    fn of_an_asymmetric_pair_one_side_is_heavy() {
        assert!(passes(|t| t.light_fence(0, SeqCst), |t| t.fence(1, SeqCst)));
        assert!(passes(|t| t.fence(0, SeqCst), |t| t.light_fence(1, SeqCst)));
        assert!(!passes(|t| t.light_fence(0, SeqCst), |t| t.light_fence(1, SeqCst)));
        assert!(!passes(|t| t.light_fence(0, Relaxed), |t| t.fence(1, SeqCst)));
    }

    #[test]
    fn what_follows_a_release_is_not_released() {
        let mut tracker = Tracker::new(2);
        tracker.store(0, 1, Release);
        assert!(tracker.write(0, 9));
        tracker.load(1, 1, Acquire);
        assert!(!tracker.read(1, 9));
    }

    #[test]
    fn a_write_races_with_an_unordered_read() {
        let mut tracker = Tracker::new(2);
        assert!(tracker.read(0, 9));
        assert!(tracker.read(1, 9), "reads do not race");
        assert!(!tracker.write(1, 9));
    }

    #[test]
    fn join_orders_all_that_was_done() {
        let mut tracker = Tracker::new(2);
        assert!(tracker.write(0, 9));
        tracker.join(0, 1);
        assert!(tracker.read(1, 9));
        assert!(tracker.write(0, 8));
        assert!(!tracker.read(1, 8), "done after the join");
    }
}
