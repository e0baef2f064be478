//! The owner's book: an entry for each tag.

use super::{Account, Accounts, Count};
use crate::grants::Granted;
use crate::layout::{ACCOUNTS, Slot, Tally};
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use weakest_facade::Native;

/// The region's slot for whatever has none of its own.
pub(crate) const COMMON: usize = 0;

/// So many entries are kept without looking whether any can be closed.
const FEW: usize = 64;

/// One tag's entry. Writers and the reader count each record, at the same time, so that neither's figures may share a cache line
/// with the other's.
pub(crate) struct Entry {
    /// What writers in this process, and the broker, count.
    pub(crate) own: Apart<Slot<Native>>,
    /// What the reader counts.
    pub(crate) read: Apart<Read>,
    given_up: Tally<Native>,
    /// What isolated writers say to have refused. Changed and read under the writers' lock.
    reported: Tally<Native>,
    /// The slot in the region, once a writer with this tag was handed over with the mapping.
    shared: OnceLock<usize>,
    /// What the kernel counts for writers with this tag.
    granted: Mutex<Vec<Arc<Granted>>>,
}

/// What the reader counts of one tag.
pub(crate) struct Read {
    pub(crate) delivered: Tally<Native>,
    /// What it gave back unread.
    pub(crate) dropped: Tally<Native>,
}

/// Alone on its cache line, and on the one that processors fetch along with it.
#[repr(align(128))]
pub(crate) struct Apart<T>(pub(crate) T);

/// The entries of one ring.
#[derive(Debug)]
pub(crate) struct Book {
    pages: Mutex<Pages>,
    /// For what has no entry: records with a tag that nobody has, and what forks and surplus mapped writers wrote.
    others: Entry,
}

#[derive(Debug)]
struct Pages {
    /// Each is kept as long as it is held elsewhere too (by an endpoint, or by the reader), or does not balance.
    entries: HashMap<u64, Arc<Entry>>,
    /// The closed entries, added up.
    closed: Account,
    /// Entries that are nobody else's as long as the ring lives.
    kept: Vec<Arc<Entry>>,
    /// Which of the region's slots are taken.
    taken: [bool; ACCOUNTS],
    /// The number of entries at which it is time to look which can be closed.
    crowd: usize,
}

impl Default for Book {
    fn default() -> Self {
        let mut taken = [false; ACCOUNTS];
        taken[COMMON] = true;
        let pages = Pages { entries: HashMap::new(), closed: Account::default(), kept: Vec::new(), taken, crowd: FEW };
        Book { pages: Mutex::new(pages), others: Entry::new() }
    }
}

impl Book {
    fn pages(&self) -> MutexGuard<'_, Pages> {
        self.pages.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The entry of `tag`, for a new endpoint.
    pub(crate) fn open(&self, tag: u64) -> Arc<Entry> {
        self.pages().entries.entry(tag).or_insert_with(|| Arc::new(Entry::new())).clone()
    }

    /// The entry of `tag`, if there is one.
    pub(crate) fn find(&self, tag: u64) -> Option<Arc<Entry>> {
        self.pages().entries.get(&tag).cloned()
    }

    /// Somebody may count in this entry for ever, by a mapping that nobody can take back.
    pub(crate) fn keep(&self, entry: Arc<Entry>) {
        self.pages().kept.push(entry);
    }

    /// The entry for what has none.
    pub(crate) fn others(&self) -> &Entry {
        &self.others
    }

    /// The number of the region's slot in which mapped writers of `entry` count.
    pub(crate) fn share(&self, entry: &Entry) -> usize {
        let mut pages = self.pages();
        *entry.shared.get_or_init(|| match pages.taken.iter().position(|taken| !taken) {
            Some(free) => {
                pages.taken[free] = true;
                free
            }
            None => COMMON,
        })
    }

    /// Whether it is time to [`close_settled`](Self::close_settled).
    pub(crate) fn is_crowded(&self) -> bool {
        let pages = self.pages();
        pages.entries.len() >= pages.crowd
    }

    /// Closes every entry that nobody holds and that balances. The writers' lock is held.
    pub(crate) fn close_settled(&self, slots: &[Slot<Native>]) {
        let Pages { entries, closed, taken, crowd, .. } = &mut *self.pages();
        entries.retain(|_, entry| {
            let shared = entry.slot(slots);
            let account = entry.account(shared);
            // What surplus mapped writers wrote is with the others, so their tag's entry need not balance.
            let settled = account.balances() || entry.shared.get() == Some(&COMMON);
            // Nobody else has it, so nobody counts in it any more.
            if !settled || Arc::get_mut(entry).is_none() {
                return true;
            }
            *closed += account;
            if let Some(slot) = shared {
                slot.clear();
                taken[entry.shared.get().copied().unwrap_or(COMMON)] = false;
            }
            false
        });
        *crowd = (2 * entries.len()).max(FEW);
    }

    /// Everything as it stands, except what is in the ring. The writers' lock is held.
    pub(crate) fn read(&self, slots: &[Slot<Native>]) -> Accounts {
        let pages = self.pages();
        let mut total = pages.closed;
        total += self.others.account(slots.get(COMMON));
        let mut by_tag = BTreeMap::new();
        for (&tag, entry) in &pages.entries {
            let account = entry.account(entry.slot(slots));
            total += account;
            by_tag.insert(tag, account);
        }
        Accounts { total, by_tag }
    }

    /// The ring was emptied without being read: what was accepted and not delivered is given up. The writers' lock is held.
    pub(crate) fn give_up(&self, slots: &[Slot<Native>]) {
        for entry in self.pages().entries.values() {
            entry.give_up(entry.slot(slots));
        }
        self.others.give_up(slots.get(COMMON));
    }
}

impl Entry {
    fn new() -> Self {
        Entry {
            own: Apart(Slot::new()),
            read: Apart(Read { delivered: Tally::new("delivered"), dropped: Tally::new("dropped") }),
            given_up: Tally::new("given up"),
            reported: Tally::new("reported"),
            shared: OnceLock::new(),
            granted: Mutex::default(),
        }
    }

    /// Takes note of what an isolated writer says to have refused. The writers' lock is held.
    pub(crate) fn report(&self, records: u64, bytes: u64) {
        let Count { records, bytes } = Count::from(self.reported.get()).saturating_add(Count { records, bytes });
        self.reported.set(records, bytes);
    }

    fn granted(&self) -> MutexGuard<'_, Vec<Arc<Granted>>> {
        self.granted.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Has what the kernel counts for this holder count.
    pub(crate) fn add(&self, granted: Arc<Granted>) {
        self.granted().push(granted);
    }

    /// Takes over what the kernel has counted for a holder that was revoked. The writers' lock is held.
    pub(crate) fn close(&self, granted: &Arc<Granted>) {
        self.own.0.absorb(&granted.grant().slot);
        self.granted().retain(|other| !Arc::ptr_eq(other, granted));
    }

    /// The region's slot that is this entry's alone, if it has one.
    fn slot<'a>(&self, slots: &'a [Slot<Native>]) -> Option<&'a Slot<Native>> {
        self.shared.get().filter(|&&slot| slot != COMMON).and_then(|&slot| slots.get(slot))
    }

    fn account(&self, shared: Option<&Slot<Native>>) -> Account {
        let granted = self.granted();
        let sum = |figure: fn(&Slot<Native>) -> (u64, u64)| {
            let here = Count::from(figure(&self.own.0)) + shared.map(figure).unwrap_or_default().into();
            granted.iter().fold(here, |sum, granted| sum + figure(&granted.grant().slot).into())
        };
        Account {
            accepted: sum(|slot| slot.accepted.get()),
            delivered: self.read.0.delivered.get().into(),
            dropped: self.read.0.dropped.get().into(),
            in_ring: Count::default(),
            given_up: self.given_up.get().into(),
            no_space: sum(|slot| slot.no_space.get()),
            reported: self.reported.get().into(),
            bad: sum(|slot| slot.bad.get()),
        }
    }

    fn give_up(&self, shared: Option<&Slot<Native>>) {
        let Account { accepted, delivered, dropped, .. } = self.account(shared);
        let read = delivered + dropped;
        // Wraps for the tag of surplus mapped writers, whose records count as accepted with the others; the sum is right.
        let records = accepted.records.wrapping_sub(read.records);
        self.given_up.set(records, accepted.bytes.wrapping_sub(read.bytes));
    }
}

impl core::fmt::Debug for Entry {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Entry").field("shared", &self.shared).finish_non_exhaustive()
    }
}
