//! A collector of records from many processes on one machine, and the side of it that lives in those processes.
//!
//! ```no_run
//! use iobring_collect::{Collector, Event};
//!
//! for event in Collector::bind("/run/my.sock")? {
//!     match event? {
//!         Event::Record(record) => println!("{}: {}", record.process, record.text()),
//!         Event::Joined(process) => println!("{process} has joined"),
//!         Event::Lost(lost) => println!("{} of {} lost", lost.records, lost.process),
//!         Event::Left(left) => println!("{} is gone", left.process),
//!         _ => {}
//!     }
//! }
//! # Ok::<(), std::io::Error>(())
//! ```
//!
//! and, in any other process:
//!
//! ```no_run
//! let client = iobring_collect::Client::connect("/run/my.sock")?;
//! client.send(b"hello")?;
//! # Ok::<(), std::io::Error>(())
//! ```
//!
//! # How it works
//!
//! Whoever connects to the socket says one line ([`Request`]) and, if it wants to write, is handed an isolated writer of the
//! collector's ring with a tag of its own. Who is behind the tag is what the kernel says of the connection ([`Process`]), so
//! that no writer can pass for another. The connection stays open: its end, however it comes about, is the writer's.
//!
//! | module | holds |
//! |---|---|
//! | `address` | where the socket is, if nobody says |
//! | `process` | who is at the other end, as the kernel says |
//! | `request` | the line that a connection begins with |
//! | `losses` | what a writer had to give up, in memory that outlives it |
//! | `client`, `sink` | a writer; one that is never in the way: it connects again, and falls back |
//! | `lines` | a logging library's lines, to a sink or to standard error; on any system |
//! | `inherited` | the writer that a child is started with |
//! | `event`, `collector` | what the collector tells, and the collector itself |
//! | `retained` | the newest so many bytes |
//! | `feed` | records as they come, for whoever watches |
//!
//! # What a hostile client can do
//!
//! It may connect, say nothing, say rubbish, never read, flood. A connection that does not say what it wants within
//! [`Limits::patience`] is closed; there are at most [`Limits::connections`]; nothing here waits for a client; and what it
//! floods, it loses itself: others have their turn (`iobring`'s SECURITY.md). Its records are bytes from a stranger:
//! [`Record::text`] escapes what a terminal would obey.

mod address;
mod lines;
mod written;

pub use address::{SOCKET_VARIABLE, default_socket};
pub use lines::Lines;
pub use written::Written;

#[cfg(all(target_os = "linux", target_pointer_width = "64"))]
mod client;
#[cfg(all(target_os = "linux", target_pointer_width = "64"))]
mod collector;
#[cfg(all(target_os = "linux", target_pointer_width = "64"))]
mod event;
#[cfg(all(target_os = "linux", target_pointer_width = "64"))]
mod feed;
#[cfg(all(target_os = "linux", target_pointer_width = "64"))]
mod inherited;
#[cfg(all(target_os = "linux", target_pointer_width = "64"))]
mod losses;
#[cfg(all(target_os = "linux", target_pointer_width = "64"))]
mod process;
#[cfg(all(target_os = "linux", target_pointer_width = "64"))]
mod request;
#[cfg(all(target_os = "linux", target_pointer_width = "64"))]
mod retained;
#[cfg(all(target_os = "linux", target_pointer_width = "64"))]
mod sink;

#[cfg(not(all(target_os = "linux", target_pointer_width = "64")))]
mod elsewhere;
#[cfg(not(all(target_os = "linux", target_pointer_width = "64")))]
pub use elsewhere::Sink;

#[cfg(all(target_os = "linux", target_pointer_width = "64"))]
mod supported {
    pub use crate::client::Client;
    #[cfg(feature = "tokio")]
    pub use crate::collector::AsyncCollector;
    pub use crate::collector::{Builder, Collector, Limits, Stopper, WriterStatus};
    pub use crate::event::{Event, Left, Lost, Record, Watcher, printable};
    pub use crate::feed::{Feed, Feeds};
    pub use crate::inherited::{INHERITED_VARIABLE, Invitation};
    pub use crate::process::Process;
    pub use crate::request::Request;
    pub use crate::retained::{Bytes, Retained};
    pub use crate::sink::Sink;
}
#[cfg(all(target_os = "linux", target_pointer_width = "64"))]
pub use supported::*;
