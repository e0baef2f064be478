//! The table of ordering sites: every operation on shared words, its ordering, and why.
//!
//! Nothing else in this crate names an ordering. The checkers weaken each entry in turn and must find a failing
//! execution; an entry that no model can kill is stronger than it needs to be.

weakest_facade::sites! {
    /// A writer's look at `head`.
    HEAD_READ: Load Relaxed,
        "only writers move head, and the lock orders writers";
    /// A writer's look at the writers' own copy of `head` or of its lap.
    GUESS_READ: Read, "written by the lock's last owner, if that one lived; checked against head before it is used";
    /// A writer's note of where `head` is, for the next writer.
    GUESS_WRITE: Write, "the lock orders writers";
    /// A writer's look at how much room is set aside for the broker.
    RESERVED_READ: Load Relaxed, "the lock orders writers, the broker among them";
    /// The broker has room set aside for its record, or none any more.
    RESERVED_WRITE: Store Relaxed, "as RESERVED_READ";
    /// All room is set aside, for ever: the ring is closed.
    CLOSE: Store Release, pairs with [CLOSED_LOOK],
        "whoever sees the ring closed sees the last of head: the lock has acquired everything that was published before";
    /// The reader is gone: all room is set aside, for ever, whoever holds the lock.
    ABANDON: Store Relaxed,
        "nobody reads any more; without a broker nobody else sets room aside, and whoever takes the lock later finds it";
    /// A look, without the lock, whether the ring is closed.
    CLOSED_LOOK: Load Acquire, pairs with [CLOSE],
        "the look at head that follows it is the last that is needed";
    /// A writer's look at `tail`.
    TAIL_ACQUIRE: Load Acquire, pairs with [TAIL_RELEASE, TAIL_ADD],
        "room given back may be overwritten only after the reader's copy of the old record";
    /// The publish.
    HEAD_PUBLISH: Store Release, pairs with [HEAD_ACQUIRE, HEAD_RECHECK],
        "whoever sees the new head sees the record's bytes. A store of the computed value, not an add: it costs no locked \
         instruction, and a scribble on head between check and publish is overwritten instead of carried on";

    /// The reader's look at `head`.
    HEAD_ACQUIRE: Load Acquire, pairs with [HEAD_PUBLISH],
        "the record's bytes are read after head was seen past them";
    /// The reader's look at its own index.
    TAIL_READ: Load Relaxed,
        "only the reader moves tail";
    /// Giving back what was read.
    TAIL_RELEASE: Store Release, pairs with [TAIL_ACQUIRE],
        "the record was copied out before a writer may overwrite it";
    /// Giving back by amount, for callers that read through `first_message_in`.
    TAIL_ADD: Rmw Release, pairs with [TAIL_ACQUIRE],
        "as TAIL_RELEASE; an addition, because the caller holds no exclusive right to tail";

    /// Taking a free lock that nobody sleeps on.
    LOCK_TAKE: CompareExchange Acquire, pairs with [LOCK_RELEASE, LOCK_HANDOVER, LOCK_UNMARK, MEDIATOR_RELEASE],
        "head as the last writer left it";
    /// A look at a lock that was not free.
    LOCK_LOOK: Load Relaxed,
        "only chooses what to try next; every decision is made by a compare-and-exchange";
    /// Taking a lock that is free but marked: with sleepers, or after its owner's death.
    LOCK_TAKE_MARKED: CompareExchange Acquire, pairs with [LOCK_RELEASE, LOCK_HANDOVER, MEDIATOR_RELEASE],
        "as LOCK_TAKE; after a death it acquires the kernel's clean-up";
    /// Marking a held lock before sleeping on it.
    LOCK_MARK: CompareExchange Relaxed,
        "says only that somebody sleeps; the owner's release sees the mark because it changes the same word";
    /// A writer asleep on the lock.
    LOCK_SLEEP: Wait, "orders nothing; the lock is taken anew after it";
    /// Giving up a lock that nobody sleeps on.
    LOCK_RELEASE: CompareExchange Release, pairs with [LOCK_TAKE, LOCK_TAKE_MARKED, MEDIATOR_TAKE, READER_ARM],
        "the next writer finds head as this one left it, and a reader that arms later finds the record";
    /// Before the kernel frees a lock that somebody sleeps on.
    LOCK_HANDOVER: Fence Release, pairs with [LOCK_TAKE, LOCK_TAKE_MARKED, READER_ARM],
        "the kernel's swap releases nothing by itself, so what precedes it is released here";
    /// The kernel frees the lock and wakes all its sleepers in one step.
    LOCK_WAKE: Wake, "all, so that no sleeper's waking depends on another sleeper's survival";
    /// After the kernel freed a lock that somebody had marked.
    MARK_ACQUIRE: Fence Acquire, pairs with [READER_ARM],
        "the swap took the mark; INTEREST_LOOK must see what the reader wanted before it marked. After the swap, not before: \
         the mark that LOCK_RELEASE met may have been another writer's, and the reader's may have come since";
    /// Giving up a marked lock where nobody sleeps, because a mediator could not wake who does.
    LOCK_UNMARK: Rmw AcqRel, pairs with [LOCK_TAKE, MEDIATOR_TAKE, READER_ARM],
        "LOCK_HANDOVER, LOCK_WAKE and MARK_ACQUIRE in one: what precedes is released, and what the reader wanted before it \
         marked is acquired";

    /// A thread looks whether the lock is biased towards it.
    BIAS_LOOK: Load Relaxed, "only chooses the way; BIAS_STILL decides";
    /// The biased thread looks whether a thread of the same id died inside.
    BIAS_VACANT: Load Relaxed, "its own word, as it left it; or the kernel did, before this thread was made";
    /// The biased thread enters.
    BIAS_ENTER: Store Relaxed, "ordered before BIAS_STILL by BIAS_CHECK";
    /// The biased thread's fence between entering and looking whether it may: the light half.
    BIAS_CHECK: Fence SeqCst, pairs with [BIAS_CALL],
        "either this thread sees that the bias has ended, or whoever ended it sees this thread inside";
    /// The biased thread looks whether it still is.
    BIAS_STILL: Load Relaxed,
        "what it sees of its own bias is its own, and what others did before it was given was acquired with the lock";
    /// The biased thread leaves.
    BIAS_LEAVE: Store Release, pairs with [BIAS_SEEN],
        "whoever sees it outside finds head as it left it";
    /// The biased thread's fence between leaving and looking whether somebody waits for that: the light half.
    BIAS_LEFT: Fence SeqCst, pairs with [BIAS_CALL, BELL_CALL],
        "either this thread sees the lock taken, or whoever took it sees this thread outside";
    /// The biased thread looks whether somebody has taken or marked the lock.
    BIAS_WANTED: Load Relaxed, "ordered after BIAS_LEAVE by BIAS_LEFT; decides only whether to give the bias up";
    /// The biased thread gives the bias up.
    BIAS_GIVE_UP: CompareExchange Release, pairs with [BIAS_READ, BIAS_ARMED],
        "whoever sees it given up looks no further, and has to find what this thread did inside";
    /// Whoever waits for the biased thread to be outside is woken.
    BIAS_WAKE: Wake, "the word is 0 already, and stays so; with the wake-up in one step, since a store may come after a wake-up";
    /// Whoever has taken the lock looks whether it is biased.
    BIAS_READ: Load Acquire, pairs with [BIAS_GIVE_UP],
        "given and renounced under the lock; where it was given up outside, BIAS_GIVE_UP";
    /// The reader, which has marked the lock, looks whether there is a bias.
    BIAS_ARMED: Load Acquire, pairs with [BIAS_GIVE_UP],
        "READER_ARM has acquired a bias that was given before; where it was given up, HEAD_RECHECK must see what was published before";
    /// Whoever has published looks whether the lock is biased, towards itself that is.
    BIAS_FREE: Load Relaxed, "the lock is held, and was when it was given or renounced";
    /// The lock is biased towards the thread that has it.
    BIAS_GIVE: Store Relaxed, "the lock is held; READER_ARM acquires it, or LOCK_RELEASE meets the mark";
    /// The thread that had the bias takes the lock as everybody does: another may get it.
    BIAS_RENOUNCE: Store Relaxed, "the lock is held";
    /// Whoever has taken the lock ends the bias.
    BIAS_END: Store Relaxed, "ordered before BIAS_SEEN by BIAS_CALL";
    /// The fence between ending a bias and looking whether its thread is inside: the heavy half.
    BIAS_CALL: Fence SeqCst, pairs with [BIAS_CHECK, BIAS_LEFT], "as BIAS_CHECK and BIAS_LEFT: who ends a bias bears the cost of all";
    /// The reader's fence between its wish and its last look at `head`, where the lock is biased: the heavy half.
    BELL_CALL: Fence SeqCst, pairs with [BIAS_LEFT],
        "either the reader sees the biased thread's record, or that thread, which looks for a wish when it has left, sees the wish";
    /// A look whether the thread that was biased is outside.
    BIAS_SEEN: Load Acquire, pairs with [BIAS_LEAVE],
        "head as that thread left it; after its death, the kernel's clean-up";
    /// Marking the biased thread's word before sleeping on it.
    BIAS_MARK: CompareExchange Relaxed, "for the kernel, should that thread die; it does not look itself";
    /// Asleep until the biased thread is outside.
    BIAS_SLEEP: Wait, "orders nothing; the word is looked at again after it";
    /// The word of a thread that died inside is put right.
    BIAS_CLEAR: Store Relaxed, "the lock is held, and nobody is biased";
    /// A look at how often which thread has taken the lock in turn.
    STREAK_READ: Read, "the lock is held";
    /// Counting that.
    STREAK_WRITE: Write, "the lock is held";

    /// A mediator takes the lock, marked or not, or gives up.
    MEDIATOR_TAKE: CompareExchange Acquire, pairs with [LOCK_RELEASE, LOCK_UNMARK, MEDIATOR_RELEASE],
        "as LOCK_TAKE; after a death it acquires the system's clean-up";
    /// A mediator gives the lock up, and learns whether it was marked meanwhile.
    MEDIATOR_RELEASE: Rmw AcqRel, pairs with [LOCK_TAKE, LOCK_TAKE_MARKED, MEDIATOR_TAKE, READER_ARM],
        "as LOCK_UNMARK: it needs no compare-and-exchange first, since it wakes nobody";
    /// A mediator looks whether its writer may still write.
    GRANT_READ: Read, "the lock is held, as it is by whoever takes the right to write away";
    /// The owner gives a writer the right to write, or takes it away.
    GRANT_WRITE: Write, "as GRANT_READ";

    /// The reader's wish has a new number.
    INTEREST_NEXT: Rmw Release, pairs with [INTEREST_LOOK],
        "whoever has rung for the wish before takes this one for none of its own; a release lest it is performed before the reader has \
         taken the bell that was rung last: the wish would be granted with a bell that is taken at once";
    /// The reader says which bells it wants.
    INTEREST_SET: Rmw Relaxed, pairs with [INTEREST_LOOK],
        "after INTEREST_NEXT, on the same word; READER_ARM releases it to whoever meets the mark";
    /// The reader marks the lock word before it looks at head for the last time.
    READER_ARM: Rmw AcqRel, pairs with [LOCK_RELEASE, LOCK_HANDOVER, MARK_ACQUIRE, LOCK_UNMARK, MEDIATOR_RELEASE],
        "either the writer's release comes first, then the re-check sees its record; or the mark does, then the writer \
         sees it, and what the reader wanted";
    /// The look at `head` between arming and sleeping.
    HEAD_RECHECK: Load Acquire, pairs with [HEAD_PUBLISH],
        "as HEAD_ACQUIRE: the record may be read at once";
    /// The reader asleep on the lock word.
    READER_SLEEP: Wait, "orders nothing; head is looked at again after it";
    /// A reader that was woken looks whether the lock is free with others asleep.
    READER_PASS: Rmw Relaxed,
        "a read-modify-write to see the newest value; decides only whether to wake others";
    /// The reader passes a wake-up on that the kernel had meant for whoever comes.
    READER_WAKE: Wake, "after a death the kernel wakes one sleeper only";
    /// Whoever gives the lock up looks whether the reader wants a bell rung.
    INTEREST_LOOK: Load Relaxed, pairs with [INTEREST_NEXT, INTEREST_SET],
        "MARK_ACQUIRE has acquired what the reader wanted before it marked; and whoever takes the lock later has acquired it with the \
         lock, however long the one that met the mark takes to ring";
    /// A writer takes the wish back that it has rung for.
    INTEREST_TAKE: CompareExchange Relaxed,
        "fails where the reader has a new wish, which has another number; decides only whether the next writer rings once more";

    /// A mediator's look at `head` without the lock.
    ROOM_HEAD: Load Relaxed,
        "an old head makes the ring look roomier than it is; the write that follows looks again, under the lock";
    /// A writer that is about to wait for room looks, without the lock, how much of it is set aside for another.
    ROOM_ASIDE: Load Relaxed,
        "as ROOM_HEAD: an old figure makes it ask for too early a moment, or for too late a one, and the mediator, which set it aside, \
         looks anew when it has taken it back";
    /// A mediator says from which `tail` on it has room for its next record.
    ROOM_WANT: Store Relaxed,
        "ordered before its last look at tail by ROOM_CALL";
    /// The mediator's fence between its wish and its last look at `tail` before it sleeps: the heavy half.
    ROOM_CALL: Fence SeqCst, pairs with [ROOM_CHECK],
        "either the mediator's look at tail sees the room, or the reader's look at the wish sees the wish";
    /// The reader's fence between moving `tail` and looking for a wish: the light half, which costs no instruction.
    ROOM_CHECK: Fence SeqCst, pairs with [ROOM_CALL],
        "as ROOM_CALL; the mediator and the reader are threads of one process, so the rare side can bear the cost of both";
    /// The reader's look for a wish.
    ROOM_LOOK: Load Relaxed,
        "ordered after the store of tail by ROOM_CHECK; decides only whether to ring";
    /// The reader grants the wish.
    ROOM_TAKE: Rmw Relaxed,
        "a swap, so that each wish is granted once; the mediator looks at tail again, with an acquire";

    /// A look at what was counted so far.
    TALLY_READ: Read, "one thread at a time counts: the lock's holder what was accepted, the reader what was delivered";
    /// Counting one record more.
    TALLY_WRITE: Write, "as TALLY_READ";
    /// Whoever takes a dead owner's lock looks at what it was about to count.
    JOURNAL_READ: Read, "the lock is held";
    /// A writer notes what it is about to count.
    JOURNAL_WRITE: Write, "the lock is held";
    /// A refused write is counted.
    REFUSED_ADD: Rmw Relaxed, "a figure; nothing depends on when it is seen";
    /// A look at how many writes were refused.
    REFUSED_LOOK: Load Relaxed, "as REFUSED_ADD";

    /// Another copy of an endpoint.
    PEER_RETAIN: Rmw Relaxed,
        "whoever copies holds a copy, so the count is not zero";
    /// A copy of an endpoint is gone.
    PEER_RELEASE: Rmw Release, pairs with [PEER_LOOK],
        "whatever was written through the copy happens before its absence is seen";
    /// The peer's look at whether any copy is left.
    PEER_LOOK: Load Acquire, pairs with [PEER_RELEASE],
        "whoever sees the endpoint closed finds all its records in the ring";
}
