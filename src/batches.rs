//! Records copied out many at a time, and an async stream of them.

use crate::protocol::read::Error;
use crate::reader::Reader;
use core::ops::ControlFlow;
use core::pin::Pin;
use core::task::{Context, Poll, ready};
use futures_core::Stream;
use futures_core::stream::FusedStream;

/// Records copied out of a ring, in their order.
///
/// Their bytes lie one behind the other in one buffer, which [`Reader::read_batch`] uses again.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Batch {
    bytes: Vec<u8>,
    /// Each record's tag, and where in `bytes` its message ends.
    records: Vec<(u64, usize)>,
}

impl Batch {
    /// An empty batch, which has allocated nothing.
    pub fn new() -> Self {
        Batch::default()
    }

    /// How many records it holds.
    pub fn len(&self) -> usize {
        self.records.len()
    }

    /// Whether it holds no records.
    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// The records: tag and message.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (u64, &[u8])> {
        let mut start = 0;
        self.records.iter().map(move |&(tag, end)| {
            let message = &self.bytes[start..end];
            start = end;
            (tag, message)
        })
    }

    fn clear(&mut self) {
        self.bytes.clear();
        self.records.clear();
    }
}

impl Reader {
    /// Copies up to `most` of the records that are there now into `batch`, whose former content goes, and gives their room
    /// back at once. Returns how many those were. Allocates only when the batch's buffers are too small.
    ///
    /// # Errors
    /// If the ring is damaged at the first record; damage further on ends the batch and is reported by the next call.
    pub fn read_batch(&mut self, batch: &mut Batch, most: usize) -> Result<usize, Error> {
        batch.clear();
        if most == 0 {
            return Ok(0);
        }
        self.drain(|record| {
            record.append_to(&mut batch.bytes);
            batch.records.push((record.tag(), batch.bytes.len()));
            if batch.records.len() < most { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        })
    }

    /// A stream of batches: each is what is there when it is asked for, up to `most` records and at least one, waiting for
    /// it if there is nothing.
    ///
    /// It ends at the [end](Self::is_at_end) of the ring, and after an error; then repair the ring ([`resync`](Self::resync)) and ask
    /// for another. May be dropped at any time;
    /// no record is lost.
    ///
    /// # Panics
    /// If `most` is 0.
    pub fn batches(&mut self, most: usize) -> Batches<'_> {
        assert!(most > 0, "batches of at most 0 records");
        Batches { reader: self, most, over: false }
    }
}

/// See [`Reader::batches`].
#[derive(Debug)]
#[must_use = "streams do nothing unless polled"]
pub struct Batches<'a> {
    reader: &'a mut Reader,
    most: usize,
    over: bool,
}

impl Batches<'_> {
    /// The next batch; `None` at the end of the ring, and after an error.
    pub async fn next(&mut self) -> Option<Result<Batch, Error>> {
        core::future::poll_fn(|context| Pin::new(&mut *self).poll_next(context)).await
    }
}

impl Stream for Batches<'_> {
    type Item = Result<Batch, Error>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        if this.over {
            return Poll::Ready(None);
        }
        let mut batch = Batch::new();
        loop {
            match this.reader.read_batch(&mut batch, this.most) {
                Ok(0) => {}
                outcome => {
                    this.over = outcome.is_err();
                    return Poll::Ready(Some(outcome.map(|_| batch)));
                }
            }
            let tail = this.reader.tail();
            if ready!(this.reader.poll_wait(tail, context)) <= tail {
                this.over = true;
                return Poll::Ready(None);
            }
        }
    }
}

impl FusedStream for Batches<'_> {
    fn is_terminated(&self) -> bool {
        self.over
    }
}

/// Takes the task's registration back.
impl Drop for Batches<'_> {
    fn drop(&mut self) {
        self.reader.forget_task();
    }
}
