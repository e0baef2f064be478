//! What a region says of itself.

use super::header::IDENTITY;

/// What kind of region this is, at byte 64 of page 0.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identity {
    /// [`Identity::MAGIC`].
    pub magic: [u8; 8],
    /// [`Identity::VERSION`].
    pub version: u32,
    /// The page size the region was made with, in bytes: where the ring begins.
    pub page_size: u32,
    /// The size of the ring in bytes.
    pub capacity: u64,
}

impl Identity {
    /// The first bytes of every region's identity.
    pub const MAGIC: [u8; 8] = *b"iobring\0";
    /// The version of this layout.
    pub const VERSION: u32 = 1;
    /// Where the identity stands in page 0, in bytes.
    pub const OFFSET: u64 = IDENTITY as u64;

    /// The identity as it stands in memory.
    pub fn to_bytes(self) -> [u8; size_of::<Self>()] {
        let mut bytes = [0; size_of::<Self>()];
        bytes[0..8].copy_from_slice(&self.magic);
        bytes[8..12].copy_from_slice(&self.version.to_ne_bytes());
        bytes[12..16].copy_from_slice(&self.page_size.to_ne_bytes());
        bytes[16..24].copy_from_slice(&self.capacity.to_ne_bytes());
        bytes
    }
}
