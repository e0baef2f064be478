//! Names whose values the loader puts in, and what the kernel offers programs.
//!
//! Safety throughout: addresses are those of maps, which live as long as the program does; helpers and functions have the types that
//! the kernel gives them, and the verifier lets nothing else through.

use crate::layout::Grant;
use core::arch::asm;
use core::hint::assert_unchecked;
use core::mem::transmute;
use weakest_facade::Native;

unsafe extern "C" {
    // Addresses in maps.
    static mut REGION: u8;
    static mut GRANT: u8;
    // Maps.
    static WAKERS_BELL: u8;
    static DESCRIPTORS_BELL: u8;
    // Plain numbers.
    static CAPACITY: u8;
    static TAG: u8;
    static HOLDER: u8;
    // Where this machine's kernel keeps a system call's last three arguments, in bytes.
    static FOURTH: u8;
    static FIFTH: u8;
    static SIXTH: u8;
}

// Functions of the kernel, found by name.
unsafe extern "C" {
    fn bpf_preempt_disable();
    fn bpf_preempt_enable();
}

/// The start of page 0.
#[inline(always)]
pub fn region() -> *mut u8 {
    &raw mut REGION
}

#[inline(always)]
pub fn grant() -> &'static Grant<Native> {
    unsafe { &*(&raw mut GRANT).cast::<Grant<Native>>() }
}

#[inline(always)]
pub fn capacity() -> u64 {
    let capacity = &raw const CAPACITY as u64;
    // A ring of nothing is not made.
    unsafe { assert_unchecked(capacity != 0) };
    capacity
}

#[inline(always)]
pub fn tag() -> u64 {
    &raw const TAG as u64
}

#[inline(always)]
pub fn holder() -> u64 {
    &raw const HOLDER as u64
}

/// Runs `work` in one go: a writer that the scheduler has forsaken must not keep the others out.
#[inline(always)]
pub fn with_preemption_disabled(work: impl FnOnce() -> u32) -> u32 {
    unsafe { bpf_preempt_disable() };
    let result = work();
    unsafe { bpf_preempt_enable() };
    result
}

// Helpers have numbers: `include/uapi/linux/bpf.h`.

/// `bpf_get_current_task_btf` and `bpf_task_pt_regs`: the arguments of the system call that runs the program which `bpf(2)` has no
/// use for. Each is fetched once; another process could change them, if it has stopped this one.
#[inline(always)]
pub fn arguments() -> [u64; 3] {
    let current: unsafe extern "C" fn() -> *const u8 = unsafe { transmute(158usize) };
    let registers: unsafe extern "C" fn(*const u8) -> *const u8 = unsafe { transmute(175usize) };
    let registers = unsafe { registers(current()) };
    let argument = |at: usize| unsafe { registers.add(at).cast::<u64>().read_volatile() };
    [argument(&raw const FOURTH as usize), argument(&raw const FIFTH as usize), argument(&raw const SIXTH as usize)]
}

/// `bpf_probe_read_user`: never sleeps; whether everything could be read.
#[inline(always)]
pub unsafe fn read_user(to: *mut u8, len: u64, from: u64) -> bool {
    let helper: unsafe extern "C" fn(*mut u8, u32, u64) -> i64 = unsafe { transmute(112usize) };
    unsafe { helper(to, len as u32, from) == 0 }
}

/// `bpf_probe_read_kernel`, within the region.
#[inline(always)]
pub unsafe fn copy(to: *mut u8, len: u64, from: *const u8) -> bool {
    let helper: unsafe extern "C" fn(*mut u8, u32, *const u8) -> i64 = unsafe { transmute(113usize) };
    unsafe { helper(to, len as u32, from) == 0 }
}

/// Which bell.
pub enum Bell {
    /// A task's.
    Wakers,
    /// The one that the reader's descriptor stands for.
    Descriptors,
}

/// `bpf_ringbuf_output` with `BPF_RB_FORCE_WAKEUP`: whoever polls the bell's map wakes, though it may be full.
#[inline(always)]
pub fn ring(bell: Bell) {
    let helper: unsafe extern "C" fn(*const u8, *const u64, u64, u64) -> i64 = unsafe { transmute(130usize) };
    let nothing = 0u64;
    let bell = match bell {
        Bell::Wakers => &raw const WAKERS_BELL,
        Bell::Descriptors => &raw const DESCRIPTORS_BELL,
    };
    unsafe { helper(bell, &nothing, 8, 2) };
}

/// The same number, of which the compiler knows nothing any more.
#[inline(always)]
pub fn opaque(mut number: u64) -> u64 {
    unsafe { asm!("/* {0} */", inout(reg) number, options(pure, nomem, nostack, preserves_flags)) };
    number
}
