//! Which programs there are, and which of them a level runs.
//!
//! A *shape* is who makes how many calls. Of each shape a level takes all programs, or every so-manieth; and each of them in
//! one or several circumstances, in turn, so that every call meets every circumstance. Of the longest it draws some: a few words of
//! the vocabulary for each, and calls and circumstances of those, always the same ones.

use super::call::{Call, Place, Side};
use super::feature::{Index, Pair, thread};
use super::program::{Program, Start};
use crate::spec::Time;
use crate::suite::Level;

/// Whether a program says something, and the specification has something to say about it.
pub fn sensible(program: &Program) -> bool {
    use Call::*;
    let has = |what: Call| program.calls().any(|call| call == what);
    let any = |what: fn(Call) -> bool| program.calls().any(what);
    let readers = program.threads.iter().filter(|thread| thread.calls.iter().any(|call| call.side() == Side::Reader));
    // There is one reader.
    readers.count() <= 1
        // Who has hung up holds no copy any more.
        && program.threads.iter().all(|thread| {
            let hung_up = thread.calls.iter().position(|&call| call == HangUp);
            hung_up.is_none_or(|at| !thread.calls[at + 1..].iter().any(|call| matches!(call, Copy | HangUp)))
        })
        // By hand one reads whatever the index says.
        && !(any(|call| matches!(call, ScribbleHead | ScribbleFar)) && any(|call| matches!(call, ByAmount | ByIndex)))
        && (!has(ScribbleHead) || may_scribble_head(program))
        && (!any(|call| {
            matches!(
                call,
                ScribbleOdd | ScribbleFar | Mend | Glimpse | ScribbleTail | ScribbleLap | ScribbleGuess | ScribbleReserved
            )
        }) || program.threads.len() == 1 && program.deaths == 0)
        // Near the end of the index range that head is none.
        && !(any(|call| matches!(call, ScribbleFar | Glimpse))
            && (program.start.place() == Index::Last || any(|call| matches!(call, ScribbleHead | ScribbleTail))))
        // Who scribbles over a wish keeps it from being granted.
        && !(has(ScribbleRoom) && any(Call::awaits_room))
        // Nor does he get room that is set aside for another and never given up.
        && !(any(Call::awaits_room) && any(|call| call.ages() || matches!(call, Barred | ScribbleReserved)))
        // Of those that wait for room one asks the reader; it would tell the others.
        && (!has(Plead) || program.threads.iter().filter(|thread| thread.calls.iter().any(|call| call.awaits_room())).count() == 1)
        // Who scribbles over the end takes it back.
        && !(any(|call| matches!(call, Close | Refuse | Abandon)) && has(ScribbleReserved))
        // The reader of a broker's ring does not go without the lock, nor is another end begun beside it.
        && !(has(Abandon)
            && any(|call| {
                let brokers = call.awaits_room() || call.ages() || matches!(call, Young | Barred | Permitted | GiveUp);
                brokers || matches!(call, Close | Refuse | Resync)
            }))
        // Where a mediator writes, nobody sleeps on the lock word.
        && !(any(Call::mediates) && any(Call::sleeps_on_the_lock))
        // Nor is it biased there.
        && !(program.start.biased && any(Call::mediates))
        // An account is taken over, or begun anew, when nobody counts there any more.
        && program.threads.iter().enumerate().all(|(at, thread)| {
            let others = program.threads.iter().enumerate().filter(|&(other, _)| other != at);
            let takes = |call: &Call| matches!(call, TakeOver | Clear);
            let counts = |call: &Call| call.account() == Some(Place::Region);
            !thread.calls.iter().any(takes) || !others.flat_map(|(_, other)| &other.calls).any(counts)
        })
        // Who scribbles over a note of the lap begins it where the head says, which is right if that is put right.
        && !(has(Mend) && any(|call| matches!(call, ScribbleLap | ScribbleGuess)))
        // A scribble is put right.
        && program.threads.iter().all(|thread| {
            let scribbles = |call: &Call| matches!(call, ScribbleOdd | ScribbleFar);
            let mends = thread.calls.iter().position(|&call| call == Mend);
            mends.is_none_or(|at| thread.calls[..at].iter().any(scribbles))
        })
        && (!has(Slow) || may_be_slow(program))
        // A nap is for somebody's clock, which must not go on while that one looks at it.
        && (!has(Nap) || program.time == Time::WhenIdle)
        && (program.time == Time::AtWill || any(Call::timed))
        && (!program.restless || any(Call::waits))
        && usize::from(program.deaths) <= program.threads.iter().filter(|thread| thread.mortal).count()
}

/// Whether nobody has to wait for a thread that is slow under the lock: the specification knows of no lock.
fn may_be_slow(program: &Program) -> bool {
    use Call::*;
    let goes_without = |call: &Call| {
        let waits = matches!(call, Wait | Limited | Impatient | Endless | More);
        waits || matches!(call, Drain | One | ByAmount | ByIndex | Look | Over)
    };
    let others = program.threads.iter().filter(|thread| !thread.calls.contains(&Slow));
    program.time == Time::WhenIdle
        && program.deaths == 0
        && others.clone().count() + 1 == program.threads.len()
        && others.flat_map(|thread| &thread.calls).all(goes_without)
}

/// Whether the specification says what comes of a scribble over `head`.
fn may_scribble_head(program: &Program) -> bool {
    use Call::*;
    let alone = program.threads.len() == 1;
    let counted = program.calls().any(|call| call.account() == Some(Place::Region));
    // Near the end of the index range that head is a likely one.
    program.start.place() != Index::Last
        // What a dead writer has counted is told by the head at which it did.
        && !(program.deaths > 0 && counted)
        // A nap orders the scribble before what comes after the nap, and the order of stores knows nothing of it.
        && (alone || !program.calls().any(|call| call == Nap))
        && program.threads.iter().all(|thread| {
            let Some(at) = thread.calls.iter().position(|&call| call == ScribbleHead) else { return true };
            let after = &thread.calls[at + 1..];
            let unrepaired = after.iter().take_while(|&&call| call != Resync);
            // Who waits for room is told of a repair, but of no damage.
            (after.contains(&Resync) || !program.calls().any(Call::awaits_room))
                // A reader looks at what the head says is there, and so may a writer write there.
                && (alone || unrepaired.clone().all(|call| !matches!(call, Drain | One | Look | ScribbleLength | ScribbleLonger)))
        })
}

/// All rings that programs start with.
pub fn starts() -> Vec<Start> {
    let mut starts = Vec::new();
    for capacity in [24, 48, 56, 72] {
        for filled in 0..=capacity / 24 {
            if filled > 1 && filled < capacity / 24 {
                continue;
            }
            let last = (u64::MAX - 7) - 24 * (filled + 1);
            let mut indices = vec![0, 5 * capacity - 8, 5 * capacity - 16, last];
            // Where there is room for a second record.
            indices.extend((capacity >= 48).then_some(5 * capacity - 32));
            let both = |index| [false, true].map(|biased| Start { capacity, index, filled, biased });
            starts.extend(indices.into_iter().flat_map(both));
        }
    }
    starts
}

/// All circumstances, by number: where the ring starts, how many deaths, whether waits may end for nothing, and when time passes.
pub struct Circumstances {
    starts: Vec<Start>,
}

impl Circumstances {
    /// All of them.
    pub fn all() -> Self {
        Circumstances { starts: starts() }
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.starts.len() * 12
    }

    /// A program of these calls in the circumstances of this number; it need not make sense.
    pub fn program(&self, calls: &[Vec<Call>], number: usize) -> Program {
        let is_brokered = calls.iter().flatten().any(|&call| call.is_brokers());
        // What dies is a process. The owner's is the end of the ring, and it is the broker's too.
        let mortal = |calls: &[Call]| {
            let owners = |call: Call| {
                let with_the_broker =
                    is_brokered && (call.is_brokers() || call == Call::Close || call.side() == Side::Reader);
                with_the_broker || call.account() == Some(Place::Process)
            };
            !calls.iter().any(|&call| owners(call))
        };
        let (start, rest) = (self.starts[number / 12], number % 12);
        let (deaths, restless) = ((rest / 4) as u8, rest / 2 % 2 == 1);
        let time = if rest % 2 == 0 { Time::AtWill } else { Time::WhenIdle };
        let threads = calls.iter().map(|calls| thread(calls, deaths > 0 && mortal(calls))).collect();
        Program { start, threads, deaths, restless, time }
    }

    /// A program of these calls in each of the circumstances in which it makes sense.
    pub fn of<'a>(&'a self, calls: &'a [Vec<Call>]) -> impl Iterator<Item = Program> + 'a {
        (0..self.count()).map(|number| self.program(calls, number)).filter(sensible)
    }
}

/// Programs in which a pair meets, smaller ones first.
pub fn with(pair: Pair) -> impl Iterator<Item = Program> {
    let mut shapes = Vec::new();
    match pair {
        Pair::Then(one, other) => {
            shapes.push(vec![vec![one, other]]);
            shapes.extend(Call::ALL.map(|call| vec![vec![call, one, other]]));
            shapes.extend(Call::ALL.map(|call| vec![vec![one, call, other]]));
        }
        Pair::Beside(one, other) => {
            shapes.push(vec![vec![one], vec![other]]);
            shapes.extend(Call::ALL.map(|call| vec![vec![one], vec![other, call]]));
            shapes.extend(Call::ALL.map(|call| vec![vec![one], vec![other], vec![call]]));
        }
        Pair::In(one, _) => {
            shapes.push(vec![vec![one]]);
            shapes.extend(Call::ALL.map(|call| vec![vec![one], vec![call]]));
        }
        Pair::Both(..) => shapes.extend(Call::ALL.map(|call| vec![vec![Call::Write], vec![call]])),
    }
    let all = Circumstances::all();
    shapes.into_iter().flat_map(move |shape| {
        let fitting: Vec<Program> =
            all.of(&shape).filter(|program| program.pairs().contains(&pair)).step_by(7).collect();
        fitting
    })
}

/// So many programs of a shape, each in so many circumstances.
#[derive(Clone, Debug)]
pub struct Shape {
    /// In words.
    name: &'static str,
    /// The calls of each thread: how many, and whose.
    threads: &'static [(usize, Who)],
    which: Which,
    /// Whether only where nobody dies and no wait ends for nothing, which makes small programs large.
    calm: bool,
    /// How many states a program may have before it is cut.
    most: u64,
}

#[derive(Clone, Copy, Debug)]
enum Which {
    /// Every so-manieth program, in so many circumstances.
    Each { every: usize, times: usize },
    /// So many, each of so many words.
    Drawn { count: u64, words: usize },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Who {
    Writer,
    Reader,
    Both,
    /// Whoever waits for room.
    Mediator,
    /// A thread that reads, damages and repairs.
    Repairer,
    /// Who takes the lock, each kind once.
    Contender,
    /// The reader, asleep in each way, or under the lock.
    Sleeper,
    /// A thread that counts, repairs, and takes the lock from the dead.
    Heir,
    /// Whoever ends the ring, or cares whether it has ended.
    Ender,
}

impl Who {
    fn calls(self) -> Vec<Call> {
        use Call::*;
        let fits = |call: &Call| match self {
            Who::Mediator => call.awaits_room(),
            Who::Repairer => {
                let damages = matches!(
                    call,
                    ScribbleHead
                        | ScribbleLength
                        | ScribbleLonger
                        | ScribbleFar
                        | ScribbleOdd
                        | ScribbleLock
                        | Glimpse
                        | Mend
                );
                damages || matches!(call, Write | Shared | Ask | Drain | One | ByIndex | Look | Resync)
            }
            Who::Contender => matches!(call, Write | Shared | Mediate | Close),
            Who::Heir => matches!(call, Shared | ScribbleHead | ScribbleLock | Resync | Tally),
            Who::Ender => {
                let ends = matches!(call, Refuse | Close | Abandon | Over | Ending | Resync | GiveUp);
                ends || matches!(
                    call,
                    Write | Own | Young | Aged | AgedBatch | Permitted | Plead | Mediate | Ask | Cancel | Drain
                )
            }
            Who::Sleeper => matches!(call, Wait | WaitBoth | Limited | Resync | Tally),
            Who::Writer => call.side() == Side::Writer,
            Who::Reader => call.side() == Side::Reader,
            Who::Both => true,
        };
        Call::ALL.into_iter().filter(fits).collect()
    }
}

/// What a level runs.
pub fn shapes(level: Level) -> Vec<Shape> {
    use Who::{Both, Contender, Ender, Heir, Mediator, Reader, Repairer, Sleeper, Writer};
    let at = |[quick, default, full]: [(usize, usize); 3]| match level {
        Level::Quick => quick,
        Level::Default => default,
        Level::Full => full,
    };
    let most = most_states(level);
    let each = |name, threads, numbers| {
        let (every, times) = at(numbers);
        Shape { name, threads, which: Which::Each { every, times }, calm: false, most }
    };
    let drawn = |name, threads, numbers| {
        let (count, words) = at(numbers);
        Shape { name, threads, which: Which::Drawn { count: count as u64, words }, calm: false, most }
    };
    let calm = |shape: Shape| Shape { calm: true, most: shape.most.max(12_000), ..shape };
    vec![
        each("one thread, 1 call", &[(1, Both)], [(1, 36), (1, 400), (1, 400)]),
        each("a mediator and whoever", &[(1, Mediator), (1, Both)], [(1, 12), (1, 60), (1, 400)]),
        each("a writer and a reader", &[(1, Writer), (1, Reader)], [(1, 6), (1, 20), (1, 400)]),
        each("two writers", &[(1, Writer), (1, Writer)], [(1, 2), (1, 16), (1, 400)]),
        each("one thread, 2 calls", &[(2, Both)], [(1, 2), (1, 8), (1, 400)]),
        drawn("one thread, 8 calls", &[(8, Both)], [(4_000, 5), (50_000, 5), (1_000_000, 5)]),
        drawn("damage and repair, 6 calls", &[(6, Repairer)], [(8_000, 5), (50_000, 5), (1_000_000, 5)]),
        calm(each("a mediator and a reader, 2 calls each", &[(2, Mediator), (2, Reader)], [(1, 1), (1, 4), (1, 20)])),
        calm(each(
            "two for the lock and a sleeper",
            &[(1, Contender), (1, Contender), (1, Sleeper)],
            [(1, 2), (1, 8), (1, 40)],
        )),
        each("accounts, repair and a dead owner's lock, 5 calls", &[(5, Heir)], [(1, 2), (1, 12), (1, 400)]),
        each("the end, 3 calls", &[(3, Ender)], [(1, 1), (1, 4), (1, 40)]),
        each("a writer with 2 calls and a reader", &[(2, Writer), (1, Reader)], [(37, 1), (5, 1), (1, 6)]),
        each("a writer and a reader with 2 calls", &[(1, Writer), (2, Reader)], [(37, 1), (5, 1), (1, 6)]),
        each("two writers and a reader", &[(1, Writer), (1, Writer), (1, Reader)], [(211, 1), (17, 1), (1, 4)]),
        each("one thread, 3 calls", &[(3, Both)], [(97, 1), (1, 1), (1, 4)]),
        each("damage and repair, 4 calls", &[(4, Repairer)], [(7, 1), (1, 1), (1, 40)]),
    ]
}

/// How many states a program may have before it is cut.
pub fn most_states(level: Level) -> u64 {
    match level {
        Level::Quick => 4_000,
        Level::Default => 4_000,
        Level::Full => 1_000_000,
    }
}

impl Shape {
    /// In words.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// How many states a program may have before it is cut.
    pub fn most_states(&self) -> u64 {
        self.most
    }

    /// Its programs.
    pub fn programs(&self) -> Box<dyn Iterator<Item = Program> + Send + '_> {
        match self.which {
            Which::Each { every, times } => Box::new(self.each(every, times)),
            Which::Drawn { count, words } => Box::new(self.drawn(count, words)),
        }
    }

    fn drawn(&self, count: u64, words: usize) -> impl Iterator<Item = Program> + Send + '_ {
        let circumstances = Circumstances::all();
        (0..count).map(move |number| {
            let mut dice = Dice(number);
            loop {
                let calls = |&(calls, who): &(usize, Who)| {
                    let all = who.calls();
                    let some: Vec<Call> = (0..words).map(|_| all[dice.below(all.len())]).collect();
                    (0..calls).map(|_| some[dice.below(words)]).collect()
                };
                let threads: Vec<Vec<Call>> = self.threads.iter().map(calls).collect();
                let program = circumstances.program(&threads, dice.below(circumstances.count()));
                if sensible(&program) {
                    return program;
                }
            }
        })
    }

    fn each(&self, every: usize, times: usize) -> impl Iterator<Item = Program> + Send + '_ {
        let lists: Vec<Vec<Call>> =
            self.threads.iter().flat_map(|&(count, who)| std::iter::repeat_n(who.calls(), count)).collect();
        let total: usize = lists.iter().map(Vec::len).product();
        let circumstances = Circumstances::all();
        (0..total).step_by(every).flat_map(move |number| {
            let mut rest = number;
            let mut calls = lists.iter().rev().map(|list| {
                let call = list[rest % list.len()];
                rest /= list.len();
                call
            });
            let mut calls: Vec<Call> = calls.by_ref().collect();
            calls.reverse();
            let mut calls = calls.into_iter();
            let threads: Vec<Vec<Call>> =
                self.threads.iter().map(|&(count, _)| calls.by_ref().take(count).collect()).collect();
            // Equal threads in another order are the same program.
            let equal = self.threads.windows(2).map(|pair| pair[0] == pair[1]);
            let twice = equal.zip(threads.windows(2)).any(|(equal, pair)| equal && pair[0] > pair[1]);
            let some = if twice { 0 } else { times };
            // The next ones in turn, far apart.
            let length = circumstances.count();
            let (first, step) = (number * 7919, coprime(length));
            let circumstances = &circumstances;
            let programs = (0..length).map(|at| circumstances.program(&threads, (first + at * step) % length));
            let fits = |program: &Program| !self.calm || program.deaths == 0 && !program.restless;
            programs.filter(fits).filter(sensible).take(some).collect::<Vec<_>>()
        })
    }
}

/// Numbers that follow from the first, as SplitMix64 has them.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ mixed >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((mixed ^ mixed >> 31) % limit as u64) as usize
    }
}

/// A program that fails, with as few calls as it takes: `fails` says whether another does too.
pub fn shortened(mut program: Program, fails: impl Fn(&Program) -> bool) -> Program {
    let without = |program: &Program, thread: usize, at: usize| {
        let mut program = program.clone();
        program.threads[thread].calls.remove(at);
        program.threads.retain(|thread| !thread.calls.is_empty());
        program
    };
    let shorter = |program: &Program| {
        let places = program
            .threads
            .iter()
            .enumerate()
            .flat_map(|(thread, one)| (0..one.calls.len()).map(move |at| (thread, at)));
        let mut shorter = places.map(|(thread, at)| without(program, thread, at));
        shorter.find(|shorter| !shorter.threads.is_empty() && sensible(shorter) && fails(shorter))
    };
    while let Some(next) = shorter(&program) {
        program = next;
    }
    program
}

/// A step that visits all of so many, far apart.
fn coprime(length: usize) -> usize {
    fn common(a: usize, b: usize) -> usize {
        if b == 0 { a } else { common(b, a % b) }
    }
    (length * 5 / 8 + 1..).find(|&step| common(step, length) == 1).expect("there is one")
}
