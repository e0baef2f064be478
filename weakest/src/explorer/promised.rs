//! Promises on a state: writes that are in memory before their thread has come to them.
//!
//! Hardware performs a store while a read before it still waits. Here that is a *promise*: the message is put in place
//! early, and its thread must come to write just that, later. `machine/promise.rs` says who may promise what and when.

use super::faults::{Fault as Seeded, seeded};
use super::memory::Access;
use super::state::{Message, Sizes, State};
use super::view::View;

impl<const N: usize> State<N> {
    /// Whether a thread has promises to keep.
    pub(super) fn has_promises(&self, thread: usize) -> bool {
        self.promisers >> thread & 1 == 1
    }

    /// The positions of what `thread` has promised to write to a location, in the order in which it will.
    pub(super) fn promises(&self, thread: usize, location: usize) -> impl DoubleEndedIterator<Item = usize> + '_ {
        let promised = move |&(_, message): &(usize, &Message<N>)| message.promised_by as usize == thread + 1;
        self.of(location).iter().enumerate().filter(promised).map(|(position, _)| position)
    }

    /// The next write to a location that `thread` is bound to, if any.
    pub(super) fn bound(&self, thread: usize, location: usize) -> Option<usize> {
        if self.has_promises(thread) { self.promises(thread, location).next() } else { None }
    }

    /// `thread` promises a write; `glued`, by a read-modify-write of the message before. `false` if that contradicts the
    /// order of the fences.
    ///
    /// What the write will teach is known: it is no release, and no release fence comes before it.
    #[expect(clippy::too_many_arguments, reason = "the operands of one instruction")]
    pub(super) fn promise(
        &mut self,
        sizes: Sizes,
        thread: usize,
        location: usize,
        position: usize,
        value: u64,
        glued: bool,
        source: u32,
    ) -> bool {
        let bit = 1 << thread;
        let newer = self.promisers & !bit;
        let promised_by = thread as u8 + 1;
        let torn = seeded(Seeded::PromisesAreTornApart);
        self.insert(location, position, Message { promised_by, newer, ..Message::new(value, glued && !torn, source) });
        let mut view = self.threads[thread].released;
        if seeded(Seeded::PromisesTeachNothing) {
            view = View::NOTHING;
        }
        if glued {
            view.join(&self.message(location, position - 1).view);
        }
        let index = self.starts[location] as usize + position;
        self.messages[index].view = view;
        for message in &mut self.messages {
            message.newer &= !bit;
        }
        self.threads[thread].blocked = true;
        self.promisers |= bit;
        self.order_fences(sizes, thread, location, position, Access::Write)
    }

    /// `thread` has come to the write that it promised. `false` if that contradicts the order of the fences.
    pub(super) fn keep_promise(&mut self, sizes: Sizes, thread: usize, location: usize, position: usize) -> bool {
        let index = self.starts[location] as usize + position;
        self.messages[index].promised_by = 0;
        self.threads[thread].view.0[location] = position as u8;
        if self.messages.iter().all(|message| message.promised_by as usize != thread + 1) {
            self.promisers &= !(1 << thread);
            for message in &mut self.messages {
                message.newer &= !(1 << thread);
            }
        }
        self.order_fences(sizes, thread, location, position, Access::Kept)
    }

    /// Whether a message is newer than the last promise that `thread` has to keep.
    pub(super) fn is_newer(&self, thread: usize, location: usize, position: usize) -> bool {
        self.message(location, position).newer >> thread & 1 == 1
    }
}
