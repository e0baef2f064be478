//! Who sleeps on which word, and what ends a sleep.

use super::{Object, World, with};
use std::time::Duration;

/// A thread asleep on a word, or woken and not yet running again.
pub(crate) struct Sleeper {
    lane: usize,
    word: Object,
    deadline: Option<Duration>,
    end: Option<WakeUp>,
    /// How to let the thread run again, where the engine has blocked it.
    unblock: Option<Box<dyn Fn()>>,
}

/// Why a sleeper may run again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WakeUp {
    /// Woken by the event of this index.
    By(usize),
    /// Its time was up.
    TimedOut,
}

/// Puts `lane` to sleep on `word`.
pub(crate) fn sleep(lane: usize, word: Object, deadline: Option<Duration>) {
    with(|world| world.sleepers.push(Sleeper { lane, word, deadline, end: None, unblock: None }));
}

/// Says how the sleeping `lane` can be let run again.
pub(crate) fn block(lane: usize, unblock: Box<dyn Fn()>) {
    with(|world| {
        if let Some(sleeper) = world.sleepers.iter_mut().find(|s| s.lane == lane) {
            sleeper.unblock = Some(unblock);
        }
    });
}

/// Whether `lane` sleeps and nothing has ended its sleep.
pub(crate) fn asleep(lane: usize) -> bool {
    with(|world| world.asleep(lane))
}

/// If the sleep of `lane` has been ended, forgets it and says why.
pub(crate) fn woken(lane: usize) -> Option<WakeUp> {
    with(|world| {
        let at = world.sleepers.iter().position(|s| s.lane == lane && s.end.is_some())?;
        world.sleepers.remove(at).end
    })
}

/// The lanes asleep up to a deadline.
pub(crate) fn timed_sleepers() -> Vec<usize> {
    with(|world| world.sleepers.iter().filter(|s| s.deadline.is_some() && s.end.is_none()).map(|s| s.lane).collect())
}

/// Whether nobody's deadline is before that of `lane`, which sleeps.
pub(crate) fn is_next_to_time_out(lane: usize) -> bool {
    let first = |world: &World, only: Option<usize>| {
        let asleep = world.sleepers.iter().filter(|s| s.end.is_none() && only.is_none_or(|lane| s.lane == lane));
        asleep.filter_map(|s| s.deadline).min()
    };
    with(|world| first(world, None) == first(world, Some(lane)))
}

/// Ends the sleep of `lane` because its time is up: it has passed until then.
pub(crate) fn time_out(lane: usize) {
    with(|world| {
        for sleeper in world.sleepers.iter_mut().filter(|s| s.lane == lane) {
            sleeper.end = Some(WakeUp::TimedOut);
            world.now = world.now.max(sleeper.deadline.unwrap_or_default());
        }
    });
}

/// The virtual time. Before and after an execution it stands still.
pub(crate) fn now() -> Duration {
    super::WORLD.with_borrow(|world| world.as_ref().map_or(Duration::ZERO, |world| world.now))
}

/// Wakes up to `count` sleepers of `word`; `pick` chooses among that many. Returns how many were woken. The waking event
/// must be recorded next.
pub(crate) fn wake(word: Object, count: u32, mut pick: impl FnMut(usize) -> usize) -> usize {
    let mut unblock = Vec::new();
    let woken = with(|world| {
        let by = world.records.len();
        let mut asleep: Vec<usize> = (0..world.sleepers.len())
            .filter(|&s| world.sleepers[s].word == word && world.sleepers[s].end.is_none())
            .collect();
        let mut woken = 0;
        while woken < count as usize && !asleep.is_empty() {
            let sleeper = &mut world.sleepers[asleep.remove(pick(asleep.len()))];
            sleeper.end = Some(WakeUp::By(by));
            unblock.extend(sleeper.unblock.take());
            woken += 1;
        }
        woken
    });
    unblock.iter().for_each(|unblock| unblock());
    woken
}

impl World {
    pub(super) fn asleep(&self, lane: usize) -> bool {
        self.sleepers.iter().any(|s| s.lane == lane && s.end.is_none())
    }

    /// Who sleeps for ever, in words.
    pub(super) fn sleeping(&self) -> String {
        let sleepers: Vec<String> = (self.sleepers.iter().filter(|s| s.end.is_none()))
            .map(|s| format!("{} on {}", self.lanes[s.lane], self.objects[s.word].label))
            .collect();
        format!("asleep for ever: {}", sleepers.join(", "))
    }
}
