//! The message that hands an endpoint over.

use std::io;

/// What is handed over, beside descriptors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Offer {
    pub(super) kind: Kind,
    /// The records' tag.
    pub(super) tag: u64,
    /// The size of the ring in bytes.
    pub(super) capacity: u64,
    /// The number of the account in the region; 0 for all but a mapped writer, whose accounts are the owner's affair.
    pub(super) slot: u64,
    /// The inode of the PID namespace in which the thread ids of the writers' lock mean something; 0 if that is of no concern.
    pub(super) namespace: u64,
}

/// By which transport the receiver will write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// The broker. One descriptor: the socket.
    Isolated = 1,
    /// Its own mapping. Three descriptors: the region, the reader's bell, the link.
    Mapped = 2,
    /// The kernel. Two descriptors: the program, the link.
    Mediated = 3,
    /// The kernel, or else the broker. Three descriptors: the program, the link, the socket.
    MediatedOrIsolated = 4,
}

impl Kind {
    /// How many descriptors belong to it.
    pub(super) const fn descriptors(self) -> usize {
        match self {
            Kind::Isolated => 1,
            Kind::Mediated => 2,
            Kind::Mapped | Kind::MediatedOrIsolated => 3,
        }
    }

    /// What an error calls it.
    pub(super) const fn in_words(self) -> &'static str {
        match self {
            Kind::Isolated => "a socket",
            Kind::Mapped => "a mapping of its ring",
            Kind::Mediated => "a program for the kernel to run",
            Kind::MediatedOrIsolated => "a program for the kernel to run, or a socket",
        }
    }
}

impl Offer {
    /// The size of the message in bytes.
    pub(super) const SIZE: usize = 56;
    const MAGIC: [u8; 8] = *b"iob-send";
    const VERSION: u32 = 1;

    pub(super) fn to_bytes(self) -> [u8; Self::SIZE] {
        let mut bytes = [0; Self::SIZE];
        bytes[0..8].copy_from_slice(&Self::MAGIC);
        bytes[8..12].copy_from_slice(&Self::VERSION.to_ne_bytes());
        bytes[12..16].copy_from_slice(&(self.kind as u32).to_ne_bytes());
        bytes[16..24].copy_from_slice(&self.tag.to_ne_bytes());
        bytes[24..32].copy_from_slice(&self.capacity.to_ne_bytes());
        bytes[32..40].copy_from_slice(&self.namespace.to_ne_bytes());
        bytes[40..48].copy_from_slice(&self.slot.to_ne_bytes());
        let sum = checksum(&bytes[..48]);
        bytes[48..56].copy_from_slice(&sum.to_ne_bytes());
        bytes
    }

    /// # Errors
    /// `InvalidData` for anything but an offer of this version.
    pub(super) fn from_bytes(bytes: &[u8; Self::SIZE]) -> io::Result<Self> {
        let word = |at: usize| u64::from_ne_bytes(std::array::from_fn(|i| bytes[at + i]));
        let half = |at: usize| u32::from_ne_bytes(std::array::from_fn(|i| bytes[at + i]));
        let bad = |why: &str| Err(io::Error::new(io::ErrorKind::InvalidData, why));
        if bytes[0..8] != Self::MAGIC {
            return bad("not an endpoint");
        }
        if half(8) != Self::VERSION {
            return bad("an endpoint of another version");
        }
        if word(48) != checksum(&bytes[..48]) {
            return bad("a damaged endpoint");
        }
        let kind = match half(12) {
            kind if kind == Kind::Isolated as u32 => Kind::Isolated,
            kind if kind == Kind::Mapped as u32 => Kind::Mapped,
            kind if kind == Kind::Mediated as u32 => Kind::Mediated,
            kind if kind == Kind::MediatedOrIsolated as u32 => Kind::MediatedOrIsolated,
            _ => return bad("an endpoint of an unknown kind"),
        };
        Ok(Offer { kind, tag: word(16), capacity: word(24), namespace: word(32), slot: word(40) })
    }
}

/// FNV-1a: against accidents, not against malice, against which every field is checked by itself.
fn checksum(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |sum, &byte| (sum ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_goes_in_comes_out_and_every_flipped_bit_is_noticed() {
        let offer = Offer { kind: Kind::Mapped, tag: u64::MAX, capacity: 65_536, slot: 77, namespace: 4_026_531_836 };
        let bytes = offer.to_bytes();
        assert_eq!(Offer::from_bytes(&bytes).unwrap(), offer);
        for bit in 0..Offer::SIZE * 8 {
            let mut flipped = bytes;
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(Offer::from_bytes(&flipped).is_err(), "bit {bit}");
        }
    }
}
