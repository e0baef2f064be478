//! Whose process this is: a number that no fork shares with the process it was forked from.
//!
//! What a library remembers of its process (thread ids, locks, threads, counts) means something else in a child. Handlers of
//! `pthread_atfork` do not see every child: `_Fork` and a raw `clone` run none. A page that the kernel wipes in children
//! (`MADV_WIPEONFORK`, Linux 4.14) sees all of them. Where it is not to be had, a handler does what it can.
//!
//! A child that shares its parent's memory (`vfork`, `posix_spawn`) is its parent, as far as this goes, and must not do more
//! than such a child may.

use core::ptr;
use core::sync::atomic::{AtomicPtr, AtomicU32, Ordering};

/// The word that is 0 in a new child; one that is always 0 until somebody asks for the first time.
static WORD: AtomicPtr<AtomicU32> = AtomicPtr::new(UNMADE);

/// No word has been made.
const UNMADE: *mut AtomicU32 = (&raw const ZERO).cast_mut();

/// Never written.
static ZERO: AtomicU32 = AtomicU32::new(0);

/// The last number given here or in a process that this one was forked from.
static LAST: AtomicU32 = AtomicU32::new(0);

/// In place of a wiped page, if there is none.
static FALLBACK: AtomicU32 = AtomicU32::new(0);

/// The number of this process: never 0, and none that a process had from which this one was forked. It stays the same until
/// the process ends.
///
/// Two children of one process may have the same.
#[inline(always)]
pub fn generation() -> u32 {
    // Acquire: the page is mapped, and wiped in children, before its address is seen.
    let word = WORD.load(Ordering::Acquire);
    // SAFETY: whichever it is, the word is mapped for ever.
    match unsafe { &*word }.load(Ordering::Relaxed) {
        0 => number(),
        known => known,
    }
}

/// Gives this process its number.
#[cold]
fn number() -> u32 {
    let mut word = WORD.load(Ordering::Acquire);
    if word == UNMADE {
        let made = wiped_page().unwrap_or_else(handled_word);
        word = match WORD.compare_exchange(UNMADE, made, Ordering::AcqRel, Ordering::Acquire) {
            Ok(_) => made,
            // Another thread was faster; the page is left unused, which happens once in a process's life.
            Err(theirs) => theirs,
        };
    }
    // SAFETY: as in `generation`.
    let word = unsafe { &*word };
    let new = LAST.fetch_add(1, Ordering::Relaxed).wrapping_add(1).max(1);
    match word.compare_exchange(0, new, Ordering::Relaxed, Ordering::Relaxed) {
        Ok(_) => new,
        Err(theirs) => theirs,
    }
}

/// A word on a page that is all zeros in a child.
fn wiped_page() -> Option<*mut AtomicU32> {
    let access = libc::PROT_READ | libc::PROT_WRITE;
    let kind = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
    // The kernel makes whole pages of it.
    let len = size_of::<AtomicU32>();
    // SAFETY: a new mapping at an address of the kernel's choice touches nothing that exists.
    let page = unsafe { libc::mmap(ptr::null_mut(), len, access, kind, -1, 0) };
    if page == libc::MAP_FAILED {
        return None;
    }
    // SAFETY: the page was mapped just now and nobody else knows of it.
    if unsafe { libc::madvise(page, len, libc::MADV_WIPEONFORK) } != 0 {
        // SAFETY: likewise.
        unsafe { libc::munmap(page, len) };
        return None;
    }
    Some(page.cast())
}

/// A word that a handler sets to 0 in a child of `fork`.
fn handled_word() -> *mut AtomicU32 {
    extern "C" fn wipe() {
        FALLBACK.store(0, Ordering::Relaxed);
    }
    // SAFETY: the handler is one atomic store, which is safe in a forked child. Without memory for it (the only failure)
    // children are not told apart, as if there were none.
    unsafe { libc::pthread_atfork(None, None, Some(wipe)) };
    (&raw const FALLBACK).cast_mut()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs `check` in a child made in the given way; whether it held.
    fn holds_in_a_child(fork: impl FnOnce() -> libc::pid_t, check: impl FnOnce() -> bool) -> bool {
        match fork() {
            // SAFETY: the child only compares numbers, and ends.
            0 => unsafe { libc::_exit(if check() { 0 } else { 1 }) },
            child => {
                let mut status = 0;
                // SAFETY: the child is ours, and `status` may be written.
                unsafe { libc::waitpid(child, &mut status, 0) };
                libc::WIFEXITED(status) && libc::WEXITSTATUS(status) == 0
            }
        }
    }

    #[test]
    fn a_child_has_a_number_of_its_own_however_it_was_made() {
        let here = generation();
        assert_eq!(generation(), here);
        let differs = || generation() != here && generation() == generation();
        // SAFETY: as in `holds_in_a_child`.
        assert!(holds_in_a_child(|| unsafe { libc::fork() }, differs));
        // SAFETY: a `clone` that shares nothing is a `fork` without handlers.
        let raw = || unsafe { libc::syscall(libc::SYS_clone, libc::SIGCHLD, 0, 0, 0, 0) as libc::pid_t };
        assert!(holds_in_a_child(raw, differs));
        // The grandchild differs from both.
        assert!(holds_in_a_child(raw, || {
            let child = generation();
            holds_in_a_child(raw, || generation() != child && generation() != here)
        }));
        assert_eq!(generation(), here);
    }
}
