//! The life of one model thread: its body, its death, and the operating system after it.

use super::world::{self, Killed};
use crate::scenario::{End, Program};
use crate::trace::Action;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

/// Plays the program's thread of this lane to its end. A panic of the body that is not its death goes on unwinding.
///
/// If the thread dies, `hand_over` is told its lane and the operating system's: what the first has done happens before
/// what the second will do.
pub(super) fn play(program: &Program, lane: usize, hand_over: impl FnOnce(usize, usize)) -> End {
    world::resume(lane);
    let end = match catch_unwind(AssertUnwindSafe(|| (program.threads[lane].body)())) {
        Ok(notes) => {
            world::record(None, None, Action::Returned);
            End::Returned(notes)
        }
        Err(payload) if payload.is::<Killed>() => {
            hand_over(lane, world::system_lane());
            die(program, lane)
        }
        Err(payload) => resume_unwind(payload),
    };
    world::ended(lane);
    end
}

/// What is left to do for a thread that the harness has killed: the operating system's part, on its own lane.
///
/// It happens after everything the dead thread did: the kernel runs it on the dying thread, and its look at a lock word
/// is a full barrier on every machine that Linux supports. `on_death` runs there too.
fn die(program: &Program, lane: usize) -> End {
    world::resume(lane);
    let announced = world::announced(lane);
    world::record(None, announced.as_ref().map(|word| word.object()), Action::Died);
    world::resume(world::system_lane());
    if let Some(word) = announced {
        word.clean_up(world::id(lane));
    }
    if let Some(on_death) = &program.on_death {
        on_death(lane);
    }
    End::Died { after: world::steps(lane) }
}
