//! Writers that wait for room: tasks and threads of the owner's process, and processes that map the region.
//!
//! Only the broker thread asks the reader to be told of room. Whoever else waits for it leaves a [`Wish`] here and calls that
//! thread, which asks for the least of all, its own among them, and tells those whose wish is due. They try again, and come back
//! if others were quicker.

use super::Broker;
use crate::process::Generation;
use crate::protocol::room::Wish;
use core::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

/// All of one ring's.
#[derive(Debug, Default)]
pub(super) struct Waits {
    waits: Vec<Wait>,
    /// The number of the next task.
    next: u64,
    /// Nobody tells anybody any more.
    closed: bool,
}

#[derive(Debug)]
struct Wait {
    wish: Wish,
    whose: Whose,
}

/// Who waits.
#[derive(Debug)]
pub(super) enum Whose {
    /// A task or thread, by a number of its own.
    Task(u64, Waker),
    /// A process, by its source's token.
    Process(u64),
}

impl Waits {
    pub(super) fn is_empty(&self) -> bool {
        self.waits.is_empty()
    }

    /// What is waited for.
    pub(super) fn wishes(&self) -> impl Iterator<Item = Wish> + Clone {
        self.waits.iter().map(|wait| wait.wish)
    }

    /// A process waits; `false` after the end.
    pub(super) fn add_process(&mut self, token: u64, wish: Wish) -> bool {
        if !self.closed {
            self.waits.push(Wait { wish, whose: Whose::Process(token) });
        }
        !self.closed
    }

    /// A process waits no more.
    pub(super) fn forget_process(&mut self, token: u64) {
        self.waits.retain(|wait| !matches!(wait.whose, Whose::Process(other) if other == token));
    }

    /// Takes out those whose wish is due, to be told without the lock.
    pub(super) fn take(&mut self, is_due: impl Fn(Wish) -> bool) -> Vec<Whose> {
        self.waits.extract_if(.., |wait| is_due(wait.wish)).map(|wait| wait.whose).collect()
    }

    /// Takes everybody out and lets nobody in any more.
    pub(super) fn close(&mut self) -> Vec<Whose> {
        self.closed = true;
        self.take(|_| true)
    }

    fn task(&mut self, number: u64) -> Option<&mut Waker> {
        self.waits.iter_mut().find_map(|wait| match &mut wait.whose {
            Whose::Task(other, waker) if *other == number => Some(waker),
            _ => None,
        })
    }

    fn add_task(&mut self, wish: Wish, waker: Waker) -> u64 {
        self.next += 1;
        self.waits.push(Wait { wish, whose: Whose::Task(self.next, waker) });
        self.next
    }

    fn forget_task(&mut self, number: u64) -> Option<Whose> {
        let at = self.waits.iter().position(|wait| matches!(wait.whose, Whose::Task(other, _) if other == number));
        at.map(|at| self.waits.swap_remove(at).whose)
    }
}

/// A task's or thread's wait, in the owner's process, until a wish is due; `false` if nobody will ever tell. Dropped, it leaves
/// nothing behind.
#[derive(Debug)]
pub(crate) struct Room {
    broker: Arc<Broker>,
    wish: Wish,
    /// What it is registered under.
    number: Option<u64>,
    /// The process that has the broker. A fork has none.
    home: Generation,
}

impl Room {
    pub(super) fn new(broker: Arc<Broker>, wish: Wish) -> Self {
        Room { broker, wish, number: None, home: Generation::current() }
    }
}

impl Future for Room {
    type Output = bool;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<bool> {
        if !self.home.is_current() {
            return Poll::Ready(false);
        }
        // A waker's clone and drop are its runtime's code: not for under the lock.
        let waker = context.waker().clone();
        let broker = self.broker.clone();
        let mut waits = broker.waits();
        let before = match self.number {
            Some(number) => match waits.task(number) {
                Some(registered) => core::mem::replace(registered, waker),
                // It was told.
                None => return Poll::Ready(!waits.closed),
            },
            None if waits.closed => return Poll::Ready(false),
            None => {
                self.number = Some(waits.add_task(self.wish, waker));
                drop(waits);
                broker.call();
                return Poll::Pending;
            }
        };
        drop(waits);
        drop(before);
        Poll::Pending
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        // A fork's copy may find the lock held for ever.
        if let Some(number) = self.number
            && self.home.is_current()
        {
            let registered = self.broker.waits().forget_task(number);
            drop(registered);
        }
    }
}
