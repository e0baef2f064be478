//! What is done to a ring, as data: drawn by proptest in the tests and decoded from bytes by the fuzzer.
//!
//! Every operation is possible at any time; numbers that have to fit the ring's state are brought into range when it is
//! applied.

use crate::damage::{Damage, Remedy};
use crate::page::page_size;
use crate::shared::TOP;
use arbitrary::{Arbitrary, Unstructured};
use iobring::{MAX_MESSAGE_SIZE, RING_BUFFER_MESSAGE_HEADER_SIZE};

/// A ring to start from, and what is done to it.
#[derive(Clone, Debug, Arbitrary, proptest_derive::Arbitrary)]
pub struct Case {
    /// The ring.
    pub setup: Setup,
    /// In this order.
    #[arbitrary(with = until_the_end)]
    #[proptest(strategy = "proptest::collection::vec(proptest::arbitrary::any::<Operation>(), 0..60)")]
    pub operations: Vec<Operation>,
}

/// A fresh ring.
#[derive(Clone, Copy, Debug, Arbitrary, proptest_derive::Arbitrary)]
pub struct Setup {
    /// Decides the capacity: from one page to a few more than the mirrored 64 KiB.
    pub pages: u8,
    /// Where the indices start.
    pub start: Start,
}

/// The most pages a [`Setup`] gives a ring: on a machine with the smallest pages, a few more than the mirror has.
pub const MOST_PAGES: usize = MAX_MESSAGE_SIZE / 4096 + 4;

impl Setup {
    /// The ring's capacity in bytes.
    pub fn capacity(&self) -> usize {
        (1 + usize::from(self.pages) % MOST_PAGES) * page_size()
    }

    /// The index both indices start at: a multiple of 8.
    pub fn index(&self) -> u64 {
        match self.start {
            Start::NearZero(words) => 8 * u64::from(words),
            Start::NearCapacity(words) => self.capacity() as u64 + 64 - 8 * u64::from(words),
            Start::NearTop(words) => TOP - 8 * u64::from(words),
        }
    }
}

/// Where the indices start; the numbers count words of 8 bytes.
#[derive(Clone, Copy, Debug, Arbitrary, proptest_derive::Arbitrary)]
pub enum Start {
    /// So many words above 0.
    NearZero(u8),
    /// From eight words above the capacity downwards, so that a header or a message soon lies across the end.
    NearCapacity(u8),
    /// So many words below the end of the index range, where records soon fit no more.
    NearTop(u16),
}

/// One thing done to a ring.
#[derive(Clone, Copy, Debug, Arbitrary, proptest_derive::Arbitrary)]
pub enum Operation {
    /// A writer writes a message.
    #[proptest(weight = 12)]
    Write {
        /// Which writer, of those there are.
        writer: u8,
        /// What.
        message: Message,
    },
    /// A writer writes several messages under one lock.
    #[proptest(weight = 3)]
    WriteBatch {
        /// Which writer.
        writer: u8,
        /// How many of the messages.
        count: u8,
        /// What.
        messages: [Message; 3],
    },
    /// Somebody writes to a peer.
    WriteToPeer {
        /// Whose peer.
        writer: u8,
        /// To this region.
        region: u8,
        /// What.
        message: Message,
    },
    /// A writer writes to a region that does not exist.
    WriteToRegion {
        /// Which writer.
        writer: u8,
        /// Brought into the range of those that do not exist.
        region: u32,
        /// What.
        message: Message,
    },
    /// The next message is read, if there is one.
    #[proptest(weight = 6)]
    Read(ReadStyle),
    /// Several are read in place.
    #[proptest(weight = 2)]
    Drain {
        /// The visits break at this one.
        at_most: u8,
    },
    /// A task waits for a message, and then it is written. Only where the ring is empty.
    #[proptest(weight = 2)]
    Await {
        /// Which writer.
        writer: u8,
        /// What.
        message: Message,
    },
    /// The reader waits for `head` to pass an index, and gives up at once.
    Wait {
        /// Which index.
        index: WaitIndex,
        /// Whether a thread waits or a task.
        blocking: bool,
    },
    /// The reader's descriptor is polled.
    Poll,
    /// Another pair of endpoints.
    NewWriter {
        /// Its tag.
        tag: u64,
    },
    /// Another copy of a writer.
    CopyWriter {
        /// Which.
        writer: u8,
    },
    /// A copy of a writer goes.
    DropWriter {
        /// Which.
        writer: u8,
    },
    /// A peer goes.
    DropPeer {
        /// Which writer's.
        writer: u8,
    },
    /// Somebody damages the shared words; writer and reader notice; somebody mends it.
    #[proptest(weight = 2)]
    Break(Damage, Remedy),
    /// The reader gives everything up.
    Resync,
}

/// How one message is read.
#[derive(Clone, Copy, Debug, Arbitrary, proptest_derive::Arbitrary)]
pub enum ReadStyle {
    /// `try_read_message`.
    Try,
    /// `read_into`.
    Into,
    /// `read_message`, polled once.
    Async,
    /// `read_message_blocking` with no time to wait.
    Blocking,
    /// `drain`, broken off at the first record.
    Drain,
    /// `read_batch`, of one record.
    Batch,
    /// `first_message_in`, `read` and `increment_tail`, as Fuchsia's code does it.
    InPlace,
}

/// What a wait waits for.
#[derive(Clone, Copy, Debug, Arbitrary, proptest_derive::Arbitrary)]
pub enum WaitIndex {
    /// Anything the reader has not read yet.
    Tail,
    /// Something new.
    Head,
    /// The last thing published.
    BelowHead,
    /// The end of the index range: never.
    Never,
}

/// A message to write: how long, and in how many pieces. Its bytes are made up by whoever writes it.
#[derive(Clone, Copy, Debug, Arbitrary, proptest_derive::Arbitrary)]
pub struct Message {
    /// How long.
    pub length: Length,
    /// In how many vectors; from none to two more than there may be.
    pub pieces: u8,
    /// Decides where it is cut.
    pub cuts: u16,
}

/// How long a message is.
#[derive(Clone, Copy, Debug, Arbitrary, proptest_derive::Arbitrary)]
pub enum Length {
    /// So many bytes.
    #[proptest(weight = 4)]
    Short(u8),
    /// So many bytes, up to more than is allowed.
    Any(u16),
    /// Around the longest that may be written.
    AroundLimit(u8),
    /// Around what fills the room that is left.
    #[proptest(weight = 2)]
    AroundRoom(u8),
    /// Around what fills the whole ring.
    AroundCapacity(u8),
}

impl Message {
    /// The message's length in bytes in a ring of `capacity` bytes with `room` left.
    pub fn len(&self, capacity: u64, room: u64) -> usize {
        if self.vectors() == 0 {
            return 0;
        }
        let around = |middle: u64, by: u8| (middle as usize + usize::from(by) % 17).saturating_sub(8);
        let header = RING_BUFFER_MESSAGE_HEADER_SIZE as u64;
        match self.length {
            Length::Short(len) => len.into(),
            Length::Any(len) => len.into(),
            Length::AroundLimit(by) => around(65_519, by),
            Length::AroundRoom(by) => around(room.saturating_sub(header), by),
            Length::AroundCapacity(by) => around(capacity - header, by),
        }
    }

    /// In how many vectors it is written.
    pub fn vectors(&self) -> usize {
        usize::from(self.pieces) % 11
    }

    /// Cuts `bytes` into that many vectors, some of which may be empty.
    pub fn cut<'a>(&self, bytes: &'a [u8]) -> Vec<&'a [u8]> {
        let vectors = self.vectors();
        let mut at: Vec<usize> = (1..vectors)
            .map(|i| (usize::from(self.cuts.wrapping_mul(2 * i as u16 + 1)) * (bytes.len() + 1)) >> 16)
            .collect();
        at.sort_unstable();
        let mut pieces = Vec::with_capacity(vectors);
        let mut start = 0;
        for end in at.into_iter().chain((vectors > 0).then_some(bytes.len())) {
            pieces.push(&bytes[start..end]);
            start = end;
        }
        pieces
    }
}

/// The longest sequence of steps in one input: enough to wrap a small ring many times, short enough to be quick.
const MOST_STEPS: usize = 200;

/// Decodes steps until the input ends, so that every byte of it counts.
pub fn until_the_end<'a, T: Arbitrary<'a>>(input: &mut Unstructured<'a>) -> arbitrary::Result<Vec<T>> {
    let mut steps = Vec::new();
    while !input.is_empty() && steps.len() < MOST_STEPS {
        steps.push(input.arbitrary()?);
    }
    Ok(steps)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn pieces_add_up(message: Message, bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let pieces = message.cut(&bytes);
            prop_assert_eq!(pieces.len(), message.vectors());
            if message.vectors() > 0 {
                prop_assert_eq!(pieces.concat(), bytes);
            }
        }
    }
}
