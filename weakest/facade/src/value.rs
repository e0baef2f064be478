//! What an atomic of the facade may hold, and what may be done to it in one step.

/// A value that fits an atomic.
pub trait Value: Copy + Eq + 'static {
    /// All ones, as wide as the type.
    const MASK: u64;
    /// Whether the highest bit is a sign.
    const SIGNED: bool = false;
    /// As a number no greater than the mask.
    fn to_bits(self) -> u64;
    /// Back from such a number.
    fn from_bits(bits: u64) -> Self;
}

/// A value of bits that can be set and cleared one by one.
pub trait Bits: Value {}

/// A number.
pub trait Integer: Bits {}

macro_rules! integers {
    ($($int:ident as $unsigned:ident, signed $signed:literal;)*) => {$(
        impl Value for $int {
            const MASK: u64 = $unsigned::MAX as u64;
            const SIGNED: bool = $signed;
            #[inline(always)]
            fn to_bits(self) -> u64 {
                self as $unsigned as u64
            }
            #[inline(always)]
            fn from_bits(bits: u64) -> Self {
                bits as $int
            }
        }
        impl Bits for $int {}
        impl Integer for $int {}
    )*};
}

integers! {
    u32 as u32, signed false;
    u64 as u64, signed false;
    usize as usize, signed false;
    i32 as u32, signed true;
}

impl Value for bool {
    const MASK: u64 = 1;
    #[inline(always)]
    fn to_bits(self) -> u64 {
        self.into()
    }
    #[inline(always)]
    fn from_bits(bits: u64) -> Self {
        bits != 0
    }
}
impl Bits for bool {}

/// Only the address is compared and kept: a model gives out addresses of its own (see [`Heap`](crate::Heap)).
impl<T: 'static> Value for *mut T {
    const MASK: u64 = usize::MAX as u64;
    #[inline(always)]
    fn to_bits(self) -> u64 {
        self.expose_provenance() as u64
    }
    #[inline(always)]
    fn from_bits(bits: u64) -> Self {
        std::ptr::with_exposed_provenance_mut(bits as usize)
    }
}

/// A read-modify-write that always succeeds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Rmw {
    /// Stores the operand.
    Swap,
    /// Adds it, wrapping.
    Add,
    /// Subtracts it, wrapping.
    Sub,
    /// Clears the bits that it lacks.
    And,
    /// Inverts what `And` would leave.
    Nand,
    /// Sets its bits.
    Or,
    /// Inverts its bits.
    Xor,
    /// Stores it if it is greater.
    Max,
    /// Stores it if it is less.
    Min,
}

impl Rmw {
    /// The new value, by the meaning of `T`.
    pub fn apply<T: Value>(self, old: u64, operand: u64) -> u64 {
        self.apply_as(old, operand, T::MASK, T::SIGNED)
    }

    /// The new value, of integers of this mask.
    pub fn apply_as(self, old: u64, operand: u64, mask: u64, signed: bool) -> u64 {
        // With its sign bit inverted, a signed number compares as an unsigned one.
        let sign = if signed { mask ^ mask >> 1 } else { 0 };
        let greater = operand ^ sign > old ^ sign;
        let new = match self {
            Rmw::Swap => operand,
            Rmw::Add => old.wrapping_add(operand),
            Rmw::Sub => old.wrapping_sub(operand),
            Rmw::And => old & operand,
            Rmw::Nand => !(old & operand),
            Rmw::Or => old | operand,
            Rmw::Xor => old ^ operand,
            Rmw::Max if greater => operand,
            Rmw::Min if !greater => operand,
            Rmw::Max | Rmw::Min => old,
        };
        new & mask
    }
}

#[cfg(test)]
mod tests {
    use super::{Rmw, Value};
    use core::sync::atomic::{AtomicI32, AtomicU32, Ordering::Relaxed};

    const ALL: [Rmw; 9] = [Rmw::Swap, Rmw::Add, Rmw::Sub, Rmw::And, Rmw::Nand, Rmw::Or, Rmw::Xor, Rmw::Max, Rmw::Min];

    #[test]
    fn models_reckon_as_core_does() {
        macro_rules! compare {
            ($atomic:ident, $int:ident, $values:expr) => {
                for old in $values {
                    for operand in $values {
                        for rmw in ALL {
                            let core = $atomic::new(old);
                            match rmw {
                                Rmw::Swap => core.swap(operand, Relaxed),
                                Rmw::Add => core.fetch_add(operand, Relaxed),
                                Rmw::Sub => core.fetch_sub(operand, Relaxed),
                                Rmw::And => core.fetch_and(operand, Relaxed),
                                Rmw::Nand => core.fetch_nand(operand, Relaxed),
                                Rmw::Or => core.fetch_or(operand, Relaxed),
                                Rmw::Xor => core.fetch_xor(operand, Relaxed),
                                Rmw::Max => core.fetch_max(operand, Relaxed),
                                Rmw::Min => core.fetch_min(operand, Relaxed),
                            };
                            let ours = rmw.apply::<$int>(old.to_bits(), operand.to_bits());
                            assert_eq!($int::from_bits(ours), core.into_inner(), "{rmw:?} {old} {operand}");
                            assert!(ours <= $int::MASK);
                        }
                    }
                }
            };
        }
        compare!(AtomicU32, u32, [0, 1, 7, u32::MAX / 2, u32::MAX]);
        compare!(AtomicI32, i32, [0, 1, -1, -7, i32::MAX, i32::MIN]);
    }
}
