//! The kernel's robust-futex clean-up, without a list.
//!
//! When a thread dies the kernel walks the robust list that its C library registered, and looks at one word more: the
//! entry at `list_op_pending`, meant for the instants in which a lock is neither quite on nor off the list
//! (`Documentation/locking/robust-futexes.rst`). A lock that is held for a few hundred instructions and never nested
//! can live in that field alone: point it at the word, lock, work, unlock, clear it. That costs two thread-local
//! stores, where a full robust mutex also links and unlinks a list.
//!
//! Relies on the C library having called `set_robust_list` for every thread (glibc and musl do), and on nobody else
//! using the field meanwhile: a signal handler that locks a robust mutex inside our section overwrites it, so
//! [`retire`] puts back what [`announce`] found. A child of `fork` has another thread id: the cache is told by
//! `pthread_atfork`.

use core::cell::Cell;
use core::ptr;
use core::sync::atomic::{AtomicU32, Ordering, compiler_fence};
use std::sync::Once;

/// `struct robust_list_head` of `linux/futex.h`.
#[repr(C)]
struct RobustListHead {
    list: *mut libc::c_void,
    futex_offset: libc::c_long,
    list_op_pending: *mut libc::c_void,
}

/// What is known of this thread. Cells of their own, so that each is one load or store.
struct Thread {
    /// 0: not looked up yet, or stale after `fork`.
    id: Cell<u32>,
    head: Cell<*mut RobustListHead>,
    before: Cell<*mut libc::c_void>,
}

thread_local! {
    static THREAD: Thread = const {
        Thread { id: Cell::new(0), head: Cell::new(ptr::null_mut()), before: Cell::new(ptr::null_mut()) }
    };
}

/// Sets the kernel's pending entry of this thread to `word` and returns the thread's id.
///
/// # Safety
/// `word` stays mapped until [`retire`].
#[inline(always)]
pub(super) unsafe fn announce(word: &AtomicU32) -> u32 {
    THREAD.with(|thread| {
        if thread.id.get() == 0 {
            look_up(thread);
        }
        let head = thread.head.get();
        // SAFETY: `head` came from the kernel for this very thread and lives as long as the thread.
        unsafe {
            let pending = ptr::addr_of_mut!((*head).list_op_pending);
            thread.before.set(pending.read_volatile());
            let entry = word.as_ptr().wrapping_byte_offset(-((*head).futex_offset as isize));
            pending.write_volatile(entry.cast());
        }
        // The kernel reads the field when this thread dies, that is between two of its instructions: program order,
        // kept by the compiler, is all that is needed.
        compiler_fence(Ordering::SeqCst);
        thread.id.get()
    })
}

/// Puts back the pending entry that [`announce`] found.
#[inline(always)]
pub(super) fn retire() {
    compiler_fence(Ordering::SeqCst);
    THREAD.with(|thread| {
        let head = thread.head.get();
        if !head.is_null() {
            // SAFETY: as in `announce`.
            unsafe { ptr::addr_of_mut!((*head).list_op_pending).write_volatile(thread.before.get()) };
        }
    });
}

#[cold]
fn look_up(thread: &Thread) {
    static FORK: Once = Once::new();
    FORK.call_once(|| {
        // SAFETY: the handler only clears a thread-local without a destructor, which is safe in a forked child.
        let refused = unsafe { libc::pthread_atfork(None, None, Some(forget)) };
        assert_eq!(refused, 0, "pthread_atfork: no memory to register a handler");
    });
    let mut head: *mut RobustListHead = ptr::null_mut();
    let mut len: libc::size_t = 0;
    // SAFETY: both out-pointers are valid; pid 0 is the calling thread.
    let failed = unsafe { libc::syscall(libc::SYS_get_robust_list, 0, &mut head, &mut len) };
    assert!(
        failed == 0 && !head.is_null() && len == size_of::<RobustListHead>(),
        "this thread has no robust list (get_robust_list: {failed}, {len} bytes): the C library registered none"
    );
    thread.id.set(rustix::thread::gettid().as_raw_nonzero().get() as u32);
    thread.head.set(head);
}

/// In the child of a fork: the thread id changed, and so did what the kernel knows of this thread.
extern "C" fn forget() {
    let _ = THREAD.try_with(|thread| {
        thread.id.set(0);
        thread.head.set(ptr::null_mut());
    });
}
