//! The kernel's robust-futex clean-up, without a list.
//!
//! When a thread dies the kernel walks the robust list that was registered for it, and looks at one word more: the
//! entry at `list_op_pending`, meant for the instants in which a lock is neither quite on nor off the list
//! (`Documentation/locking/robust-futexes.rst`). A lock that is held for a few hundred instructions and never nested
//! can live in that field alone: point it at the word, lock, work, unlock, clear it. That costs two thread-local
//! stores, where a full robust mutex also links and unlinks a list.
//!
//! | who registers the list | when |
//! |---|---|
//! | glibc | at the start of every thread |
//! | musl | at a thread's first robust mutex, so one is locked here |
//! | nobody (a raw `clone`, a list that was taken away) | here |
//! | nobody, and the kernel or a filter refuses (user-mode emulators) | never: the lock works, but does not survive its owner; see [`is_robust`] |
//!
//! Relies on nobody else using the field meanwhile: a signal handler that locks a robust mutex inside our section overwrites
//! it, so [`retire`] puts back what [`announce`] found. So does one that takes a second lock of this kind; a third, in a handler that
//! interrupts that handler, leaves the first without the kernel's care, but never a word named that may be gone. A child of a fork
//! has another thread id, so what is known of a thread is known for one [`generation`] of the process.

use super::process::generation;
use core::cell::{Cell, UnsafeCell};
use core::mem::MaybeUninit;
use core::ptr;
use core::sync::atomic::{AtomicU32, Ordering, compiler_fence};

/// `struct robust_list_head` of `linux/futex.h`.
#[repr(C)]
struct RobustListHead {
    list: *mut libc::c_void,
    futex_offset: libc::c_long,
    list_op_pending: *mut libc::c_void,
}

/// What is known of this thread. Cells of their own, so that each is one load or store.
struct Thread {
    /// The process in which the rest was looked up. 0: none.
    generation: Cell<u32>,
    id: Cell<u32>,
    /// What the kernel looks at; or `own`, at which it does not look where `robust` is false.
    head: Cell<*mut RobustListHead>,
    before: Cell<*mut libc::c_void>,
    robust: Cell<bool>,
    /// A list for a thread that has none.
    own: UnsafeCell<RobustListHead>,
}

thread_local! {
    static THREAD: Thread = const {
        Thread {
            generation: Cell::new(0),
            id: Cell::new(0),
            head: Cell::new(ptr::null_mut()),
            before: Cell::new(ptr::null_mut()),
            robust: Cell::new(false),
            own: UnsafeCell::new(RobustListHead {
                list: ptr::null_mut(),
                futex_offset: 0,
                list_op_pending: ptr::null_mut(),
            }),
        }
    };
}

/// Whether a lock that this thread holds is freed when the thread dies. Where it is not, the thread must not take locks that
/// other processes wait for.
#[inline(always)]
pub fn is_robust() -> bool {
    THREAD.with(|thread| {
        know(thread);
        thread.robust.get()
    })
}

/// This thread's id.
#[inline(always)]
pub(super) fn thread_id() -> u32 {
    THREAD.with(|thread| {
        know(thread);
        thread.id.get()
    })
}

/// Sets the kernel's pending entry of this thread to `word` and returns the thread's id.
///
/// # Safety
/// `word` stays mapped until [`retire`].
#[inline(always)]
pub(super) unsafe fn announce(word: &AtomicU32) -> u32 {
    let id = thread_id();
    // SAFETY: the caller's, and the line above.
    unsafe { announce_known(word) };
    id
}

/// As [`announce`], by a thread that [`thread_id`] has looked up in this process.
///
/// # Safety
/// As for [`announce`], and that.
#[inline(always)]
pub(super) unsafe fn announce_known(word: &AtomicU32) {
    THREAD.with(|thread| {
        let head = thread.head.get();
        // SAFETY: `head` is what the kernel has for this very thread, or the thread's own: it lives as long as the thread.
        unsafe {
            let pending = ptr::addr_of_mut!((*head).list_op_pending);
            thread.before.set(pending.read_volatile());
            let entry = word.as_ptr().wrapping_byte_offset(-((*head).futex_offset as isize));
            pending.write_volatile(entry.cast());
        }
        // The kernel reads the field when this thread dies, that is between two of its instructions: program order,
        // kept by the compiler, is all that is needed.
        compiler_fence(Ordering::SeqCst);
    })
}

/// Puts back the pending entry that [`announce`] found.
#[inline(always)]
pub(super) fn retire() {
    compiler_fence(Ordering::SeqCst);
    THREAD.with(|thread| {
        let head = thread.head.get();
        if !head.is_null() {
            // Once: whoever announced before, and was interrupted, has nothing to put back but null.
            let before = thread.before.replace(ptr::null_mut());
            // SAFETY: as in `announce`.
            unsafe { ptr::addr_of_mut!((*head).list_op_pending).write_volatile(before) };
        }
    });
}

/// Sees to it that what is known of this thread is true of this process.
#[inline(always)]
fn know(thread: &Thread) {
    let generation = generation();
    if thread.generation.get() != generation {
        look_up(thread, generation);
    }
}

#[cold]
fn look_up(thread: &Thread, generation: u32) {
    let head = registered().or_else(|| {
        lock_a_robust_mutex();
        registered()
    });
    let (head, robust) = match head {
        Some(head) => (head, true),
        None => register(thread.own.get()),
    };
    thread.head.set(head);
    thread.robust.set(robust);
    thread.id.set(rustix::thread::gettid().as_raw_nonzero().get() as u32);
    thread.generation.set(generation);
}

/// The list that the kernel has for this thread, if it has one.
fn registered() -> Option<*mut RobustListHead> {
    let mut head: *mut RobustListHead = ptr::null_mut();
    let mut len: libc::size_t = 0;
    // SAFETY: both out-pointers are valid; pid 0 is the calling thread.
    let failed = unsafe { libc::syscall(libc::SYS_get_robust_list, 0, &mut head, &mut len) };
    (failed == 0 && !head.is_null() && len == size_of::<RobustListHead>()).then_some(head)
}

/// What makes musl register a list. It does no harm elsewhere, also where one of the steps is refused.
fn lock_a_robust_mutex() {
    let mut attributes = MaybeUninit::<libc::pthread_mutexattr_t>::uninit();
    let mut mutex = MaybeUninit::<libc::pthread_mutex_t>::uninit();
    // SAFETY: both are initialised before they are used, used by this thread alone, and given up before they go.
    unsafe {
        if libc::pthread_mutexattr_init(attributes.as_mut_ptr()) != 0 {
            return;
        }
        if libc::pthread_mutexattr_setpshared(attributes.as_mut_ptr(), libc::PTHREAD_PROCESS_SHARED) == 0
            && libc::pthread_mutexattr_setrobust(attributes.as_mut_ptr(), libc::PTHREAD_MUTEX_ROBUST) == 0
            && libc::pthread_mutex_init(mutex.as_mut_ptr(), attributes.as_ptr()) == 0
        {
            if libc::pthread_mutex_lock(mutex.as_mut_ptr()) == 0 {
                libc::pthread_mutex_unlock(mutex.as_mut_ptr());
            }
            libc::pthread_mutex_destroy(mutex.as_mut_ptr());
        }
        libc::pthread_mutexattr_destroy(attributes.as_mut_ptr());
    }
}

/// Registers an empty list of the thread's own. Returns it, and whether the kernel took it.
fn register(own: *mut RobustListHead) -> (*mut RobustListHead, bool) {
    // SAFETY: `own` is this thread's, which nobody borrows; it stays where it is until the thread has ended, and the kernel
    // looks at it for the last time before its memory can be used again. An empty list points at itself.
    let failed = unsafe {
        own.write(RobustListHead { list: own.cast(), futex_offset: 0, list_op_pending: ptr::null_mut() });
        libc::syscall(libc::SYS_set_robust_list, own, size_of::<RobustListHead>())
    };
    (own, failed == 0)
}
