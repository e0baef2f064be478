//! Copying out of memory that another process may be writing to.
//!
//! A plain copy from there would be a data race, hence undefined: the compiler may fetch a byte twice, believe both values
//! equal and decide by one what it does with the other. What follows only ever moves bytes.

use core::sync::atomic::AtomicU64;

/// Copies the first `len` bytes of `words` to `to`. Each byte at `to` is one that was there during the call.
///
/// # Safety
/// `to` is writable for `len` bytes, no more than `words` hold, that nobody else uses.
#[cfg(all(target_arch = "x86_64", not(miri)))]
#[inline(always)]
pub(super) unsafe fn copy_out(words: &[AtomicU64], to: *mut u8, len: usize) {
    debug_assert!(len <= size_of_val(words));
    // The C library's copy, the fastest there is for each size, called where the compiler does not see what is called: to
    // it, this is an instruction that reads memory in ways of its own.
    //
    // SAFETY: the caller vouches for `to`; `words` is a reference, so readable, and at least `len` bytes long. Loads of the
    // machine are atomic byte by byte, whatever their size, and the assembly is opaque: its effect is that of relaxed atomic
    // loads, whose values are only stored, to `to`. The stack is aligned for a call (`nostack` is not given), and everything
    // that a call may change is declared.
    unsafe {
        core::arch::asm!(
            "call {copy}",
            copy = in(reg) libc::memcpy as unsafe extern "C" fn(*mut libc::c_void, *const libc::c_void, usize) -> *mut libc::c_void,
            in("rdi") to,
            in("rsi") words.as_ptr(),
            in("rdx") len,
            clobber_abi("C"),
        );
    }
}

/// Copies the first `len` bytes of `words` to `to`. Each byte at `to` is one that was there during the call.
///
/// # Safety
/// `to` is writable for `len` bytes, no more than `words` hold, that nobody else uses.
#[cfg(not(all(target_arch = "x86_64", not(miri))))]
#[inline(always)]
pub(super) unsafe fn copy_out(words: &[AtomicU64], to: *mut u8, len: usize) {
    use crate::orderings::BYTES;
    let (whole, rest) = words[..len.div_ceil(8)].split_at(len / 8);
    for (i, word) in whole.iter().enumerate() {
        // SAFETY: the `i`th word ends at or before `len`.
        unsafe { to.add(8 * i).cast::<u64>().write_unaligned(word.load(BYTES)) };
    }
    if let [word] = rest {
        let bytes = word.load(BYTES).to_ne_bytes();
        // SAFETY: fewer than 8 bytes remain up to `len`, from the last whole word on.
        unsafe { core::ptr::copy_nonoverlapping(bytes.as_ptr(), to.add(8 * whole.len()), len % 8) };
    }
}
