use weakest_facade::{Atomic, Cell, Platform, sites};

sites! {
    /// Taking the lock.
    TAKE: CompareExchange Acquire, pairs with [GIVE_BACK], "what the last holder did comes before what this one does";
    /// Giving it back.
    GIVE_BACK: Store Release, pairs with [TAKE], "as TAKE";
    /// The counter, in the lock.
    COUNT_READ: Read, "plain data";
    /// The same.
    COUNT_WRITE: Write, "plain data";
}

pub struct Counter<P: Platform> {
    locked: P::AtomicBool,
    count: P::Cell,
}

impl<P: Platform> Counter<P> {
    pub fn new() -> Self {
        Counter { locked: P::AtomicBool::new("locked", false), count: P::Cell::new("count", 0, 0) }
    }

    pub fn add(&self) -> u64 {
        P::retry(|| self.locked.compare_exchange(&TAKE, false, true).ok());
        let count = self.count.read(&COUNT_READ) + 1;
        self.count.write(&COUNT_WRITE, count);
        self.locked.store(&GIVE_BACK, false);
        count
    }
}
