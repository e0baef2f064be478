//! Cache lines on their way between the writers' processors and the reader's.

/// How far beyond the place of the next record the line lies that a writer asks for, in bytes. On a Xeon this was better than 128, 256,
/// 384 and 768, and than to ask for several lines.
const AHEAD: usize = 192;

/// Asks for the line that will be written soon after the byte at `at`, as one that will be written: a short record is in the
/// ring before a processor has seen by itself what comes next.
#[inline(always)]
pub(super) fn prefetch(at: *const u8) {
    let at = at.wrapping_add(AHEAD);
    #[cfg(all(target_arch = "x86_64", not(miri)))]
    // SAFETY: to prefetch is no access: of no address, mapped or not, does it change or fault anything.
    unsafe {
        core::arch::asm!("prefetchw [{}]", in(reg) at, options(nostack, preserves_flags, readonly))
    };
    #[cfg(all(target_arch = "aarch64", not(miri)))]
    // SAFETY: as above.
    unsafe {
        core::arch::asm!("prfm pstl1keep, [{}]", in(reg) at, options(nostack, preserves_flags, readonly))
    };
    #[cfg(any(miri, not(any(target_arch = "x86_64", target_arch = "aarch64"))))]
    let _ = at;
}

/// Whether it pays that a reader [puts lines back](crate::protocol::Memory::own): on processors where a line that one core wrote and
/// another has read stays dirty in the first. On Intel's it does not; there the reader would only have more to do. (Measured on
/// an EPYC and on a Xeon; all others are taken for the former.)
#[cfg(all(target_arch = "x86_64", not(miri)))]
pub(super) fn are_to_be_put_back() -> bool {
    use std::sync::LazyLock;
    static IS_INTEL: LazyLock<bool> = LazyLock::new(|| {
        // Safe by now; in the oldest compiler that is promised it was not.
        #[allow(unused_unsafe)]
        // SAFETY: every processor of this architecture has the instruction, and leaf 0.
        let leaf = unsafe { core::arch::x86_64::__cpuid(0) };
        [leaf.ebx, leaf.edx, leaf.ecx].map(u32::to_le_bytes).concat() == b"GenuineIntel"
    });
    !*IS_INTEL
}

#[cfg(not(all(target_arch = "x86_64", not(miri))))]
pub(super) fn are_to_be_put_back() -> bool {
    true
}
