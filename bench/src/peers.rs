//! The transports, one per file.

#[cfg(feature = "aeron")]
pub mod aeron;
#[cfg(feature = "crossbeam")]
pub mod crossbeam;
#[cfg(feature = "iceoryx2")]
pub mod iceoryx2;
#[cfg(feature = "ipmpsc")]
pub mod ipmpsc;
pub mod isolated;
#[cfg(feature = "kanal")]
pub mod kanal;
pub mod memcpy;
pub mod pipe;
pub mod ring;
#[cfg(feature = "rtrb")]
pub mod rtrb;
pub mod seqpacket;
#[cfg(feature = "thingbuf")]
pub mod thingbuf;
