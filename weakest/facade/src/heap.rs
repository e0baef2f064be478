//! Memory that threads allocate and free.
//!
//! On the real machine that is the allocator, and a pointer is one. In a model it is an [`Arena`]: each object is one of a few, made before
//! the threads start, with a word of plain data for its life. Allocating and freeing write that word and every use reads it, so a use
//! that is not ordered before the freeing is a data race, and one that is ordered after it, like a second freeing, fails an assertion. What was
//! freed is given out again at once, so that whoever mistakes the new for the old does so. Addresses are made up and the same in every
//! execution.

use crate::{Atomic, Cell, Platform, Site};
use std::cell::Cell as Local;
use std::marker::PhantomData;

/// An object that can be allocated.
pub trait Make: Send + Sync + 'static {
    /// A fresh one. What a model gives out a second time is as it was left: set every field after allocating.
    fn make() -> Self;
}

/// Where threads allocate and free.
pub trait Heap<T: Make>: Send + Sync + Sized {
    /// A heap of objects that are called `label` in traces. In a model there may be `capacity` of them at a time.
    fn new(label: &'static str, capacity: usize) -> Self;

    /// Allocates an object. The site is declared a `Write`.
    ///
    /// # Panics
    /// In a model, with more than its capacity.
    fn allocate(&self, site: &'static Site) -> *mut T;

    /// The object at an address. The site is declared a `Read`. Ask again for every use: a model judges the moment of asking.
    ///
    /// # Safety
    /// It was allocated here, and is not freed while the reference is used. (A model notices if not.)
    unsafe fn get(&self, site: &'static Site, object: *mut T) -> &T;

    /// Frees an object. The site is declared a `Write`.
    ///
    /// # Safety
    /// It was allocated here, is not used any more, and was not freed since. (A model notices if not.)
    unsafe fn free(&self, site: &'static Site, object: *mut T);

    /// For a scenario's final look: everything was freed. Nothing on the real machine.
    ///
    /// # Panics
    /// In a model, if something was not.
    fn assert_empty(&self);
}

/// The sites of the model's allocator.
pub mod sites {
    crate::sites! {
        /// The allocator's own: whoever frees comes before whoever is given the same again.
        HEAP_TAKE: CompareExchange Acquire, pairs with [HEAP_GIVE], "as every allocator has it";
        /// The same.
        HEAP_GIVE: Store Release, pairs with [HEAP_TAKE], "as every allocator has it";
        /// Whether an object is alive, when it is freed.
        HEAP_ALIVE: Read, "plain data";
    }
}

/// The heap of the real machine: the allocator.
#[derive(Debug)]
pub struct Boxes<T>(PhantomData<fn() -> T>);

impl<T: Make> Heap<T> for Boxes<T> {
    #[inline(always)]
    fn new(_: &'static str, _: usize) -> Self {
        Boxes(PhantomData)
    }

    #[inline(always)]
    fn allocate(&self, _: &'static Site) -> *mut T {
        Box::into_raw(Box::new(T::make()))
    }

    #[inline(always)]
    unsafe fn get(&self, _: &'static Site, object: *mut T) -> &T {
        // SAFETY: the caller's promise: it is allocated and stays so.
        unsafe { &*object }
    }

    #[inline(always)]
    unsafe fn free(&self, _: &'static Site, object: *mut T) {
        // SAFETY: the caller's promise: it came out of `allocate`, and nobody uses it.
        drop(unsafe { Box::from_raw(object) });
    }

    #[inline(always)]
    fn assert_empty(&self) {}
}

/// The heap of a model.
pub struct Arena<P: Platform, T> {
    label: &'static str,
    slots: Vec<Slot<P, T>>,
}

struct Slot<P: Platform, T> {
    object: T,
    /// 1 while it is allocated.
    life: P::Cell,
    taken: P::AtomicBool,
}

thread_local! {
    /// What is being made: the label of the heap and the object's number.
    static MAKING: Local<Option<(&'static str, usize)>> = const { Local::new(None) };
}

/// A model's name for a new object: with the object of a heap that it is part of.
pub fn qualified(label: &str) -> String {
    match MAKING.get() {
        Some((heap, index)) => format!("{heap}[{index}].{label}"),
        None => label.into(),
    }
}

/// The same for a word of plain data, which has a number of its own.
pub fn indexed(label: &str, number: usize) -> String {
    match MAKING.get() {
        Some((heap, index)) if label == heap => format!("life of {heap}[{index}]"),
        Some((heap, index)) => format!("{heap}[{index}].{label}[{number}]"),
        None => format!("{label}[{number}]"),
    }
}

/// Made-up addresses: far enough from each other to be told from null and from flags in the lowest bits.
const STRIDE: usize = 16;

impl<P: Platform, T> Arena<P, T> {
    fn slot(&self, site: &'static Site, object: *mut T) -> (usize, &Slot<P, T>) {
        let address = object.addr();
        let index = (address / STRIDE).wrapping_sub(1);
        let slot = self.slots.get(index).filter(|_| address.is_multiple_of(STRIDE));
        (index, slot.unwrap_or_else(|| panic!("{site}: {address:#x} is no {}", self.label)))
    }
}

impl<P: Platform, T: Make> Heap<T> for Arena<P, T> {
    fn new(label: &'static str, capacity: usize) -> Self {
        let slot = |index| {
            MAKING.set(Some((label, index)));
            let (object, life) = (T::make(), P::Cell::new(label, index, 0));
            let slot = Slot { object, life, taken: P::AtomicBool::new("taken", false) };
            MAKING.set(None);
            slot
        };
        Arena { label, slots: (0..capacity).map(slot).collect() }
    }

    fn allocate(&self, site: &'static Site) -> *mut T {
        for (index, slot) in self.slots.iter().enumerate() {
            if slot.taken.compare_exchange(&sites::HEAP_TAKE, false, true).is_ok() {
                slot.life.write(site, 1);
                return std::ptr::without_provenance_mut((index + 1) * STRIDE);
            }
        }
        panic!("{site}: more than {} of {} at a time", self.slots.len(), self.label)
    }

    unsafe fn get(&self, site: &'static Site, object: *mut T) -> &T {
        let (index, slot) = self.slot(site, object);
        assert!(slot.life.read(site) == 1, "use after free: {}[{index}] at {site}", self.label);
        &slot.object
    }

    unsafe fn free(&self, site: &'static Site, object: *mut T) {
        let (index, slot) = self.slot(site, object);
        assert!(slot.life.read(&sites::HEAP_ALIVE) == 1, "double free: {}[{index}] at {site}", self.label);
        slot.life.write(site, 0);
        slot.taken.store(&sites::HEAP_GIVE, false);
    }

    fn assert_empty(&self) {
        for (index, slot) in self.slots.iter().enumerate() {
            assert!(slot.life.read(&sites::HEAP_ALIVE) == 0, "leak: {}[{index}] is never freed", self.label);
        }
    }
}
