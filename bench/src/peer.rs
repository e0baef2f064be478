//! What a transport must offer to be measured.

use anyhow::Result;

/// How many messages make a batch.
pub const BATCH: usize = 32;

/// The size of a byte ring, in bytes, unless a shape says otherwise; slot-based peers hold as many messages as would fit.
pub const CAPACITY: usize = 1 << 20;

/// What is sent through a transport.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// The size of each message in bytes, a multiple of 8.
    pub payload: usize,
    /// How many writers there are.
    pub writers: usize,
    /// Whether writers hand over [`BATCH`] messages at a time.
    pub batched: bool,
    /// How the reader waits when there is nothing.
    pub waiting: Waiting,
    /// Where writers live.
    pub between: Between,
    /// The size of a byte ring, in bytes.
    pub capacity: usize,
}

impl Shape {
    /// One message at a time, between threads, polled.
    pub fn new(payload: usize, writers: usize) -> Self {
        Shape {
            payload,
            writers,
            batched: false,
            waiting: Waiting::Polling,
            between: Between::Threads,
            capacity: CAPACITY,
        }
    }

    /// How many slots a slot-based peer gets, a power of two: what a ring of that many bytes would hold, within reason.
    pub fn slots(&self) -> usize {
        (self.capacity / (self.payload + 16)).next_power_of_two().clamp(16, 4096)
    }
}

/// How the reader waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Waiting {
    /// Looks again after a pause.
    Polling,
    /// Sleeps in the kernel, by the transport's own means.
    Blocking,
}

/// Where writers live.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Between {
    /// In threads of the reader's process.
    Threads,
    /// In a forked process each.
    Processes,
}

/// One way from writers to a reader.
pub trait Peer: 'static {
    /// The name in tables and in JSON.
    const NAME: &'static str;
    /// The crate whose version is shown; none for what the kernel or this program brings.
    const CRATE: Option<&'static str>;
    /// Whether it has memory of its own that must have been touched before the clock runs.
    const WARMS_UP: bool = true;

    /// The writing end, as it lives in its thread or process.
    type Writer: Writer;
    /// The reading end.
    type Reader: Reader;

    /// Why this transport cannot be used like that, if it cannot.
    fn refuses(shape: &Shape) -> Option<&'static str>;

    /// A fresh transport: a seed per writer, from which the writer grows in its own thread or process, and the reader.
    #[expect(clippy::type_complexity, reason = "used here and in two callers, which never spell it")]
    fn open(shape: &Shape) -> Result<(Vec<Seed<Self::Writer>>, Self::Reader)>;
}

/// What becomes a writer in its own thread or process.
pub type Seed<W> = Box<dyn FnOnce() -> Result<W> + Send>;

/// A writing end.
pub trait Writer {
    /// Sends one message; whether there was room.
    fn write(&mut self, message: &[u8]) -> bool;

    /// Sends the first of `messages`, by the transport's best means for many; how many there was room for.
    fn write_batch(&mut self, messages: &[&[u8]]) -> usize {
        messages.iter().take_while(|message| self.write(message)).count()
    }
}

/// The reading end.
pub trait Reader {
    /// Visits the messages that are there, by the transport's best means; how many there were.
    fn drain(&mut self, visit: &mut impl FnMut(&[u8])) -> usize;

    /// Sleeps until there is something, by the transport's own means, and visits it. Called only on transports that do not
    /// refuse [`Waiting::Blocking`].
    fn drain_blocking(&mut self, _visit: &mut impl FnMut(&[u8])) -> usize {
        unreachable!("this transport refuses to block");
    }
}

/// A seed that is the writer already.
pub fn seed<W: Send + 'static>(writer: W) -> Seed<W> {
    Box::new(move || Ok(writer))
}
