//! The vocabulary: what a thread of a generated program may do, at the level of the protocol core's entries.
//!
//! Every call leaves notes of what it returned; [`spec`](crate::spec) says which notes a program may leave.

use iobring::layout::MAX_WRITE_SIZE;

/// One call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Call {
    /// `write` of an empty message.
    Empty,
    /// `write` in one piece of 8 bytes.
    Write,
    /// `write` of 3 bytes in as many pieces as may be, most of them empty, which leaves padding.
    Pieces,
    /// `write` of 9 bytes in two pieces that split a word: a record that is one word longer.
    Long,
    /// `write_with` of 5 bytes, filled in its place.
    InPlace,
    /// `write_with` whose filling fails.
    Fails,
    /// `write_counted` in memory of the owner's process.
    Own,
    /// `write_counted` in the region.
    Shared,
    /// `write_with_counted` in the region.
    SharedInPlace,
    /// `write_batch` of two.
    Batch,
    /// `write_batch_counted` of two, in the region.
    SharedBatch,
    /// `write_batch_counted` of two, in memory of the owner's process.
    OwnBatch,
    /// `write_with` by a thread that is slow: its filling takes three seconds.
    Slow,
    /// `write_batch` of two of which the second is more than the ring holds.
    Spoiled,
    /// `write_batch` of none.
    Nothing,
    /// `write` of more than the ring holds.
    TooLarge,
    /// `write` in more pieces than may be.
    TooMany,
    /// `write_batch_aged` again and again until there is room: asks for it (`room::want`), sleeps until the bell rings.
    Await,
    /// `room::want`, and goes away.
    Ask,
    /// `write_batch_aged` of one record that was refused before: written, or room is set aside for it.
    Aged,
    /// `write_batch_aged` of two that were not, counted in memory of the owner's process.
    Young,
    /// `write_batch_aged` where nothing may be written any more.
    Barred,
    /// `write_batch_aged` of two that were refused before: room is set aside for the first.
    AgedBatch,
    /// `write_batch_aged` where something may be written until it is forbidden.
    Permitted,
    /// Forbids it, under the lock, and looks how far the writers have come.
    Forbid,
    /// `write` again and again until there is room: wishes for it (`room::want_any`, as a writer), sleeps until the bell rings.
    Plead,
    /// `room::give_up` of what was set aside.
    GiveUp,
    /// `Copies::retain`, and `release` of the copy.
    Copy,
    /// `Copies::release` of one's own.
    HangUp,
    /// `write` of more than a write may be, in one piece.
    Huge,
    /// `write` of more than a write may be, in pieces of which none is.
    HugeInPieces,
    /// `mediator::write`, for whoever had the right to write at first.
    Mediate,
    /// `mediator::write` of a message that cannot be read.
    MediateFails,
    /// `mediator::write` of more pieces than may be.
    MediateTooMany,
    /// `mediator::write` of more than a write may be.
    MediateHuge,
    /// `grant::revoke` of what was given at first.
    Revoke,
    /// `grant::give` to another.
    Give,
    /// The region's account is taken over into the one in the owner's process.
    TakeOver,
    /// The region's account starts anew.
    Clear,
    /// `close::refuse`.
    Refuse,
    /// `close::finish`.
    Close,
    /// Sleeps for a second, as a writer does that has nothing to say yet.
    Nap,

    /// `drain` to the end.
    Drain,
    /// `drain`, and break at the first.
    One,
    /// `first_in` up to the head that was last seen, and `release_more`.
    ByAmount,
    /// `first_in` up to the head that was last seen, and `release_to`.
    ByIndex,
    /// `first`, and nothing is given back.
    Look,
    /// `wait` without a limit.
    Wait,
    /// `subscribe` to both bells, by two that know nothing of each other, until there is something and whoever began to wait was rung for.
    WaitBoth,
    /// `subscribe` to the task's bell until there is something.
    WaitBell,
    /// `subscribe` to the descriptor's bell until there is something.
    WaitDescriptor,
    /// `wait` for at most two seconds.
    Limited,
    /// `wait` for no time at all.
    Impatient,
    /// `wait` for longer than the clock can count.
    Endless,
    /// `wait` for at most two seconds for more than is there.
    More,
    /// `subscribe`, and gives the wait up.
    Cancel,
    /// `resynchronise`.
    Resync,
    /// `is_closed`.
    Closed,
    /// `close::is_closing`.
    Ending,
    /// `close::is_closed`.
    Over,
    /// `close::abandon`.
    Abandon,
    /// Looks at the region's account, under the lock.
    Tally,
    /// Scribbles an index over `head` with which nothing can go on.
    ScribbleHead,
    /// Scribbles a head over `head` that is no multiple of 8.
    ScribbleOdd,
    /// Scribbles a head over `head` that is further from `tail` than the ring is large.
    ScribbleFar,
    /// Puts right what was scribbled over `head` like that, as a writer does that looked at it before.
    Mend,
    /// Scribbles an index over `tail` that is beyond `head`.
    ScribbleTail,
    /// Scribbles over the length of the first record.
    ScribbleLength,
    /// Scribbles over the length of the first record: with padding, it would be a word longer than the ring.
    ScribbleLonger,
    /// `drain`, while a head is scribbled over `head` that is a word further from `tail` than the ring is large.
    Glimpse,
    /// Scribbles over the wish for room.
    ScribbleRoom,
    /// Scribbles over the bells that are wanted.
    ScribbleInterest,
    /// Marks the lock's word, and says that its owner has died.
    ScribbleLock,
    /// Scribbles over the lap that the last writer noted, such that its offset is no multiple of 8.
    ScribbleLap,
    /// Scribbles over the writers' notes, such that the offset lies beyond the ring.
    ScribbleGuess,
    /// Sets more room aside than there is.
    ScribbleReserved,
}

/// Who makes a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// A writer.
    Writer,
    /// The one reader.
    Reader,
}

impl Call {
    /// All of them.
    pub const ALL: [Call; 76] = {
        use Call::*;
        [
            Empty,
            Write,
            Pieces,
            Long,
            InPlace,
            Fails,
            Own,
            Shared,
            SharedInPlace,
            Batch,
            SharedBatch,
            OwnBatch,
            Slow,
            Spoiled,
            Nothing,
            TooLarge,
            TooMany,
            Await,
            Ask,
            Aged,
            Young,
            Barred,
            AgedBatch,
            Permitted,
            Forbid,
            Plead,
            GiveUp,
            Copy,
            HangUp,
            Huge,
            HugeInPieces,
            Mediate,
            MediateFails,
            MediateTooMany,
            MediateHuge,
            Revoke,
            Give,
            TakeOver,
            Clear,
            Refuse,
            Close,
            Nap,
            Drain,
            One,
            ByAmount,
            ByIndex,
            Look,
            Wait,
            WaitBoth,
            WaitBell,
            WaitDescriptor,
            Limited,
            Impatient,
            Endless,
            More,
            Cancel,
            Resync,
            Closed,
            Ending,
            Over,
            Abandon,
            Tally,
            ScribbleHead,
            ScribbleOdd,
            ScribbleFar,
            Mend,
            ScribbleTail,
            ScribbleLength,
            ScribbleLonger,
            Glimpse,
            ScribbleRoom,
            ScribbleInterest,
            ScribbleLock,
            ScribbleLap,
            ScribbleGuess,
            ScribbleReserved,
        ]
    };

    /// Who makes it.
    pub fn side(self) -> Side {
        if self < Call::Drain { Side::Writer } else { Side::Reader }
    }

    /// The name, as programs have it.
    pub fn name(self) -> String {
        let mut name = String::new();
        for letter in format!("{self:?}").chars() {
            if letter.is_uppercase() && !name.is_empty() {
                name.push('-');
            }
            name.push(letter.to_ascii_lowercase());
        }
        name
    }

    /// The lengths of the messages that it writes, in bytes.
    pub fn messages(self) -> &'static [usize] {
        match self {
            Call::Empty => &[0],
            Call::Write | Call::Own | Call::Shared | Call::Await | Call::Aged | Call::Barred | Call::Mediate => &[8],
            Call::Slow | Call::Permitted | Call::Plead => &[8],
            Call::MediateFails | Call::MediateTooMany => &[8],
            Call::MediateHuge => &[MAX_WRITE_SIZE + 1],
            Call::Pieces => &[3],
            Call::Long | Call::SharedInPlace => &[9],
            Call::InPlace | Call::Fails => &[5],
            Call::Batch | Call::SharedBatch | Call::Young | Call::AgedBatch => &[8, 0],
            Call::OwnBatch => &[0, 8],
            Call::Spoiled => &[8, 80],
            _ => &[],
        }
    }

    /// Where it counts what it writes.
    pub fn account(self) -> Option<Place> {
        match self {
            Call::Shared | Call::SharedInPlace | Call::SharedBatch => Some(Place::Region),
            Call::Mediate | Call::MediateFails | Call::MediateTooMany | Call::MediateHuge => Some(Place::Grant),
            Call::Own | Call::OwnBatch | Call::Young => Some(Place::Process),
            _ => None,
        }
    }

    /// Whether it may last: it ends when somebody else, or the clock, does something.
    pub fn waits(self) -> bool {
        use Call::*;
        matches!(
            self,
            Await
                | Plead
                | Slow
                | Nap
                | Wait
                | WaitBoth
                | WaitBell
                | WaitDescriptor
                | Limited
                | Impatient
                | Endless
                | More
        )
    }

    /// Whether it sleeps on the lock word, which nobody may where a mediator writes.
    pub fn sleeps_on_the_lock(self) -> bool {
        use Call::*;
        matches!(self, Wait | Limited | Impatient | Endless | More)
    }

    /// Whether it writes by way of a mediator, or is about the right to.
    pub fn mediates(self) -> bool {
        use Call::*;
        matches!(self, Mediate | MediateFails | MediateTooMany | MediateHuge | Revoke | Give)
    }

    /// Whether the broker makes it, in the owner's process.
    pub fn is_brokers(self) -> bool {
        use Call::*;
        matches!(
            self,
            Await | Aged | AgedBatch | Young | Barred | Permitted | Forbid | Plead | GiveUp | Refuse | TakeOver | Clear
        ) || self.mediates()
    }

    /// Whether it waits for room.
    pub fn awaits_room(self) -> bool {
        matches!(self, Call::Await | Call::Plead)
    }

    /// Whether it has room set aside if it finds none.
    pub fn ages(self) -> bool {
        matches!(self, Call::Aged | Call::AgedBatch)
    }

    /// Whether it ends by the clock.
    pub fn timed(self) -> bool {
        matches!(self, Call::Nap | Call::Slow | Call::Limited | Call::Impatient | Call::More)
    }
}

/// Where an account is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// In the region's first page, with a journal.
    Region,
    /// In the owner's process.
    Process,
    /// With the right to write by way of a mediator.
    Grant,
}

/// What is left by a call in its thread's notes. Notes of records are below 100.
pub mod note {
    /// A write that was accepted; of a batch, so many more than none.
    pub const ACCEPTED: u64 = 200;
    /// A write that was refused: and why.
    pub const REFUSED: u64 = 300;
    /// A write by way of a mediator, by somebody who may not.
    pub const REVOKED: u64 = 306;
    /// A message that could not be read.
    pub const UNREADABLE: u64 = 307;
    /// No, at that; or yes.
    pub const ANSWER: u64 = 400;
    /// So many records follow.
    pub const RECORDS: u64 = 500;
    /// A read that failed: and why.
    pub const ERROR: u64 = 600;
    /// A wait that was given up.
    pub const GIVEN_UP: u64 = 700;
    /// A wait for more than there will ever be.
    pub const LAST: u64 = 800;
    /// A wait that ended so far beyond the start; or bytes that were given up.
    pub const BYTES: u64 = 1_000;
    /// So many records in an account.
    pub const COUNTED: u64 = 1_000_000;
    /// So many records that were refused.
    pub const LOST: u64 = 1_500_000;
    /// A time, in milliseconds.
    pub const TIME: u64 = 2_000_000;
}

/// The note of so many records and bytes: `kind` is [`note::COUNTED`] or [`note::LOST`]. Of very many bytes it says that they are many.
pub fn figure(kind: u64, (records, bytes): (u64, u64)) -> u64 {
    kind + 1000 * records + bytes.min(999)
}

/// The message of the record that is called `name`: bytes that follow from it, none of them 0.
pub fn message(name: u64, len: usize) -> Vec<u8> {
    (0..len as u64).map(|at| ((name * 37 + at * 11) % 255 + 1) as u8).collect()
}

/// Notes, in words.
pub fn words(notes: &[u64]) -> String {
    let words = notes.iter().map(|&note| match note {
        0..100 => format!("record {}.{}", note / 10, note % 10),
        note::ACCEPTED..=299 => format!("accepted {}", note - note::ACCEPTED),
        301 => "refused as invalid".into(),
        302 => "refused as too large".into(),
        303 => "refused as corrupt".into(),
        304 => "refused for want of room".into(),
        305 => "refused for good".into(),
        note::REVOKED => "refused to who may not write any more".into(),
        note::UNREADABLE => "not to be read".into(),
        note::ANSWER => "no".into(),
        401 => "yes".into(),
        note::RECORDS => "nothing there".into(),
        501..=599 => format!("read {}:", note - note::RECORDS),
        601 => "bad alignment".into(),
        602 => "too small".into(),
        603 => "bad length".into(),
        note::GIVEN_UP => "given up".into(),
        note::LAST => "nothing more comes".into(),
        note::BYTES..note::COUNTED => format!("{} bytes", note - note::BYTES),
        note::LOST..note::TIME => {
            let lost = note - note::LOST;
            format!("lost {} records of {} bytes", lost / 1000, lost % 1000)
        }
        note::COUNTED..note::LOST => {
            let counted = note - note::COUNTED;
            format!("counted {} records of {} bytes", counted / 1000, counted % 1000)
        }
        note::TIME.. => format!("after {} ms", note - note::TIME),
        other => format!("note {other}"),
    });
    words.collect::<Vec<String>>().join(", ")
}
