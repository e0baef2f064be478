//! Plain data of any type, shared under the protection of atomics elsewhere.
//!
//! [`Cell`] is one word and stays defined when somebody races; this is a value of any size, and a race is undefined behaviour on the
//! real machine. A checker finds the race: it treats the value as one word of data.

use crate::{Cell, Platform, Site};
use std::cell::UnsafeCell;
use std::sync::{Mutex, PoisonError};

/// Values that data may have.
pub trait Plain: Copy + Eq + Send + Sync + 'static {}

impl<T: Copy + Eq + Send + Sync + 'static> Plain for T {}

/// A place for plain data.
pub trait Data<T: Plain>: Send + Sync {
    /// A new one. `label` and `index` name it in traces.
    fn new(label: &'static str, index: usize, value: T) -> Self;

    /// Reads it. The site is declared a `Read`.
    ///
    /// # Safety
    /// No write races with this. (A checker notices if one does.)
    unsafe fn read(&self, site: &'static Site) -> T;

    /// Writes it. The site is declared a `Write`.
    ///
    /// # Safety
    /// No read and no other write races with this. (A checker notices if one does.)
    unsafe fn write(&self, site: &'static Site, value: T);
}

/// Plain memory.
#[repr(transparent)]
#[derive(Debug)]
pub struct NativeData<T>(UnsafeCell<T>);

// SAFETY: whoever reads or writes promises that nothing races.
unsafe impl<T: Send> Sync for NativeData<T> {}

impl<T: Plain> Data<T> for NativeData<T> {
    #[inline(always)]
    fn new(_: &'static str, _: usize, value: T) -> Self {
        NativeData(UnsafeCell::new(value))
    }

    #[inline(always)]
    unsafe fn read(&self, _: &'static Site) -> T {
        // SAFETY: the caller promises that no write races.
        unsafe { *self.0.get() }
    }

    #[inline(always)]
    unsafe fn write(&self, _: &'static Site, value: T) {
        // SAFETY: the caller promises that nothing races.
        unsafe { *self.0.get() = value }
    }
}

/// Data in a model: a word that holds which of the values met so far it is.
pub struct Numbered<P: Platform, T> {
    number: P::Cell,
    values: Mutex<Vec<T>>,
}

impl<P: Platform, T: Plain> Data<T> for Numbered<P, T> {
    fn new(label: &'static str, index: usize, value: T) -> Self {
        Numbered { number: P::Cell::new(label, index, 0), values: Mutex::new(vec![value]) }
    }

    unsafe fn read(&self, site: &'static Site) -> T {
        let number = self.number.read(site);
        self.values.lock().unwrap_or_else(PoisonError::into_inner)[number as usize]
    }

    unsafe fn write(&self, site: &'static Site, value: T) {
        let number = {
            let mut values = self.values.lock().unwrap_or_else(PoisonError::into_inner);
            values.iter().position(|known| *known == value).unwrap_or_else(|| {
                values.push(value);
                values.len() - 1
            })
        };
        self.number.write(site, number as u64);
    }
}
