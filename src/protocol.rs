//! The protocol core: how records get into the ring and out of it.
//!
//! Generic over the [`Platform`](weakest_facade::Platform) (the real machine, or a model checker's) and over the
//! [`Memory`] (a mapping, or a few words on a model's heap). This is the code that ships **and** the code that is checked; it
//! names no ordering (they are in [`sites`]) and knows no checker.
//!
//! | actor | from | action | to |
//! |---|---|---|---|
//! | writer | lock free | take the lock ([`lock`]) | lock held; `head`, `tail` read and checked |
//! | writer | published, for the 256th time with nobody in between | bias the lock towards itself ([`bias`]) | enters and leaves by plain stores |
//! | writer, reader about to sleep | lock biased towards another | take the lock, end the bias, heavy fence, wait for that one to leave | lock held, nobody's |
//! | writer | lock held, room | copy tag, length, message, zeros beyond `head` | bytes there, invisible |
//! | writer | bytes there | store `head` with Release | record **published** |
//! | writer | published (or refused) | give the lock up | lock free; if somebody waited: woken, bell rung |
//! | writer | before it rings | is stopped | the next to give the lock up rings |
//! | writer | anywhere before *published* | dies | nothing happened; the kernel frees the lock, or says that the biased thread is gone |
//! | writer | after *published* | dies | record is there; the kernel wakes a sleeper, who sees to the rest |
//! | reader | `head` > `tail` | load `head` with Acquire, copy the record out | bytes in the reader's hands |
//! | reader | record copied | put back a word of each of its cache lines, as it was ([`Memory::own`]) | same bytes; lines the reader's alone |
//! | reader | record copied | store `tail` with Release | room again |
//! | reader | `head` = `tail` | mark the lock word ([`wait`](mod@wait)), end a bias, look at `head` again, sleep | woken by the next release of the lock |
//! | mediator that cannot wait ([`mediator`]) | lock free, grant given | writes as a writer does | record published; if the reader waited: bell rung |
//! | mediator that cannot wait | lock held | gives up | nothing happened |
//! | mediator | was told, and others were faster | set room aside, under the lock | nobody else takes it; what was missing is given back, and it suffices |
//! | owner | lock held | set all room aside, for ever ([`close`]) | nobody publishes any more; a waiting reader: woken |
//! | mediator | ring full | leave a wish for room ([`room`]), look at `tail` again, sleep | rung by the reader that moves `tail` far enough |
//! | writer, reader | reader marks, writer publishes | *the lost race*: whichever changes the lock word second sees the other | reader sees the record, or the writer sees the mark |
//!
//! A waiting reader is one more sleeper on the writers' lock word. That is what makes waking free when nobody waits (the
//! writer's release of the lock, which it makes anyway, is the check) and what lets the kernel's robust-futex clean-up
//! wake the reader when a writer dies between publishing and waking.

pub mod account;
mod bells;
pub mod bias;
pub mod close;
pub mod cursor;
pub mod grant;
pub mod lock;
pub mod mediator;
pub mod memory;
mod patience;
pub mod peer;
mod place;
pub mod read;
mod refusal;
pub mod repair;
pub mod room;
pub mod section;
pub mod sites;
pub mod wait;
pub mod write;

pub use memory::Memory;
