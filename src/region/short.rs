//! Copying messages, most of which are short.
//!
//! A call of `memcpy` with a length that only the running program knows costs more than moving a short message does: its
//! caller's registers go to the stack and come back. So what fits into a few registers is moved by overlapping halves.

use core::ptr;

/// What one register moves, in bytes.
const WIDTH: usize = 16;

/// As [`ptr::copy_nonoverlapping`].
///
/// # Safety
/// The same.
#[inline(always)]
pub(super) unsafe fn copy(from: *const u8, to: *mut u8, len: usize) {
    if !(WIDTH..=4 * WIDTH).contains(&len) {
        // SAFETY: the caller's.
        return unsafe { ptr::copy_nonoverlapping(from, to, len) };
    }
    let last = len - WIDTH;
    // SAFETY: 0 and `last` are at least a width before the end, as the length is at least one; so are a width and `last` less
    // a width, where the length is more than two.
    unsafe {
        if len > 2 * WIDTH {
            let (second, third) = (load(from, WIDTH), load(from, last - WIDTH));
            store(to, WIDTH, second);
            store(to, last - WIDTH, third);
        }
        let (first, fourth) = (load(from, 0), load(from, last));
        store(to, 0, first);
        store(to, last, fourth);
    }
}

/// # Safety
/// There is a width of readable bytes from `at` on.
#[inline(always)]
unsafe fn load(from: *const u8, at: usize) -> [u8; WIDTH] {
    // SAFETY: the caller's.
    unsafe { from.add(at).cast::<[u8; WIDTH]>().read_unaligned() }
}

/// # Safety
/// There is a width of writable bytes from `at` on.
#[inline(always)]
unsafe fn store(to: *mut u8, at: usize, value: [u8; WIDTH]) {
    // SAFETY: the caller's.
    unsafe { to.add(at).cast::<[u8; WIDTH]>().write_unaligned(value) }
}

#[cfg(test)]
mod tests {
    use super::copy;

    #[test]
    fn every_short_length_is_copied_exactly() {
        let from: Vec<u8> = (1..=100).collect();
        for len in 0..=from.len() {
            let mut to = vec![0; len + 2];
            // SAFETY: `len` bytes are readable, and writable from the second on.
            unsafe { copy(from.as_ptr(), to.as_mut_ptr().wrapping_add(1), len) };
            assert_eq!(to[1..=len], from[..len], "{len} bytes");
            assert_eq!((to[0], to[len + 1]), (0, 0), "{len} bytes and more");
        }
    }
}
