//! Fuchsia's `RingBuffer` for Linux: many writers, one reader, tagged records of any length in shared memory.
//!
//! A writer hands over bytes and never sees the memory; whoever mediates the write stamps the record with the writer's tag.
//! So the reader can trust *who* wrote each record, though not *what* was written. The reader maps the region and reads
//! records in place. Every memory ordering of the protocol is declared in one table
//! ([`protocol::sites`]), with a reason, and model-checked on this very code: see `verification.md`.
//!
//! ```
//! use iobring::RingBuffer;
//!
//! let mut reader = RingBuffer::create(64 * 1024);
//! let (writer, peer) = reader.new_iob_writer(7)?;
//!
//! std::thread::spawn(move || writer.write(Default::default(), 0, b"hello"));
//!
//! let (tag, message) = pollster::block_on(reader.read_message())?;
//! assert_eq!((tag, &message[..]), (7, &b"hello"[..]));
//! assert!(peer.wait_peer_closed(None));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What is stable
//!
//! What the documentation shows. The modules `layout` and `protocol`, which it hides, are public for the models, the fuzzers and
//! the tests, which run the code that ships; they may change in any version. So may whatever type of `weakest_facade` they
//! mention. (The region's layout is an ABI all the same, with a version in its header.) `#[non_exhaustive]` marks what may grow;
//! [`Error`] may not, since code written for Fuchsia's crate may name all of it.
//!
//! # Where things are
//!
//! From the bottom up: each module uses only those above it in this table.
//!
//! | module | holds |
//! |---|---|
//! | [`layout`] | the shared region's layout, an ABI |
//! | [`protocol`] | how records get in and out: generic over the platform, what is checked **and** shipped |
//! | `status`, `system`, `process` | Zircon's status codes; system calls that signals interrupt; whose process this is |
//! | `strange` | descriptors that others have made |
//! | `obstacle`, `bpf` | what keeps the kernel from mediating; the system call by which it does |
//! | `grants`, `kernel` | who may write by way of the kernel; what a ring has for it |
//! | `region`, `doorbell`, [`accounts`], `ring` | the real memory: a sealed memfd, mapped so that every record is contiguous; bells; counts |
//! | `writers`, `pair`, [`transport`] | endpoints that know of each other's end; who mediates a write, in which process |
//! | `iob`, `ring_buffer` | a writer; the owner's face of the ring |
//! | `interrupter`, `record`, `reader`, `batches` | the reading side |
//!
//! # Which calls are sound against whom
//!
//! | call | whatever a process does that maps the region | only if every such process keeps to the protocol |
//! |---|---|---|
//! | all safe methods, of [`Reader`], [`RingBuffer`], [`Iob`] and [`Record`] | sound: an error or wrong bytes | right |
//! | [`Record::as_slice`], [`RingBuffer::first_message_in`], [`RingBuffer::read`] | **unsound**, hence `unsafe` | sound |
//!
//! Isolated writers map nothing, so against them both columns are one. The argument for the first row: every number that
//! comes from shared memory is loaded once, by an atomic access, into private memory, and checked there before it is used;
//! messages leave by copies that are defined under races (they come by plain ones, which decide nothing); and the mapping can
//! neither end early nor shrink. The second row lends references to bytes, and to the compiler a `&[u8]` is a promise that nobody
//! changes them. No fence or check makes that promise true of memory which another process can write
//! (rust-lang/unsafe-code-guidelines#607), so it is the caller's to give.
//!
//! # Limits
//!
//! Linux, 64-bit. Either byte order: numbers in the region are in the machine's own.

#[cfg(not(all(target_os = "linux", target_pointer_width = "64")))]
compile_error!("iobring runs on 64-bit Linux");

pub mod accounts;
mod batches;
mod bpf;
mod callback;
mod doorbell;
mod event;
mod grants;
mod interrupter;
mod iob;
mod kernel;
#[doc(hidden)]
pub mod layout;
mod mediation;
mod obstacle;
mod orderings;
mod pair;
mod process;
#[doc(hidden)]
pub mod protocol;
mod reader;
mod readiness;
mod record;
mod region;
mod ring;
mod ring_buffer;
mod status;
mod strange;
mod system;
pub mod transport;
mod waiting;
mod writers;

pub use accounts::{Account, Accounts, Count};
pub use batches::{Batch, Batches};
pub use interrupter::Interrupter;
pub use iob::{Iob, IobIoSlice, IobWriteOptions};
#[doc(inline)]
pub use layout::{MAX_MESSAGE_SIZE, RING_BUFFER_MESSAGE_HEADER_SIZE, ring_buffer_record_len};
pub use mediation::mediation;
pub use obstacle::Obstacle;
#[doc(inline)]
pub use protocol::read::Error;
pub use reader::Reader;
pub use record::{Message, Record, Records};
pub use ring_buffer::RingBuffer;
pub use status::Status;
pub use transport::credentials::Credentials;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
