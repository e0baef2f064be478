//! Threads that own handles with `&mut self`, as queues of one producer have them, and that close what they leave.

use std::cell::Cell as Local;
use std::sync::Arc;
use weakest::engine::loom::LoomOptions;
use weakest::engine::shuttle::ShuttleOptions;
use weakest::facade::{Atomic, Cell, Platform, sites};
use weakest::suite::Engine;
use weakest::{Outcomes, Program, Scenario, owned};

sites! {
    /// The value.
    FILL: Write, "plain data";
    /// How many values there are.
    SEND: Store Release, pairs with [LOOK], "the value comes before its number";
    /// The sender is gone.
    CLOSE: Store Release, pairs with [CLOSED], "all that was sent comes before";
    /// Whether it is gone.
    CLOSED: Load Acquire, pairs with [CLOSE], "as CLOSE";
    /// How many values there are.
    LOOK: Load Acquire, pairs with [SEND], "as SEND";
    /// The value.
    TAKE: Read, "plain data";
}

struct Shared<P: Platform> {
    sent: P::AtomicUsize,
    closed: P::AtomicBool,
    values: [P::Cell; 2],
}

#[derive(Clone)]
struct Sender<P: Platform> {
    shared: Arc<Shared<P>>,
    // Not `Sync`, as the handles of many queues.
    sent: Local<usize>,
}

#[derive(Clone)]
struct Receiver<P: Platform> {
    shared: Arc<Shared<P>>,
    taken: usize,
}

impl<P: Platform> Sender<P> {
    fn send(&mut self, value: u64) {
        self.shared.values[self.sent.get()].write(&FILL, value);
        self.sent.set(self.sent.get() + 1);
        self.shared.sent.store(&SEND, self.sent.get());
    }
}

impl<P: Platform> Drop for Sender<P> {
    fn drop(&mut self) {
        self.shared.closed.store(&CLOSE, true);
    }
}

impl<P: Platform> Receiver<P> {
    /// The next value; 0 if there will be none.
    fn receive(&mut self) -> u64 {
        let (shared, taken) = (&self.shared, self.taken);
        let value = P::retry(|| {
            let closed = shared.closed.load(&CLOSED);
            if shared.sent.load(&LOOK) > taken {
                return Some(shared.values[taken].read(&TAKE));
            }
            closed.then_some(0)
        });
        self.taken += 1;
        value
    }
}

struct TwoThenClosed;

impl Scenario for TwoThenClosed {
    fn outcomes(&self) -> Outcomes {
        Outcomes::exactly(["[1, 2, 0]"])
    }

    fn program<P: Platform>(&self) -> Program {
        let shared = Arc::new(Shared::<P> {
            sent: P::AtomicUsize::new("sent", 0),
            closed: P::AtomicBool::new("closed", false),
            values: [P::Cell::new("value", 0, 0), P::Cell::new("value", 1, 0)],
        });
        let sender = Sender { shared: shared.clone(), sent: Local::new(0) };
        let receiver = Receiver { shared, taken: 0 };
        let send = |mut sender: Sender<P>| {
            sender.send(1);
            sender.send(2);
            vec![]
        };
        let receive = |mut receiver: Receiver<P>| vec![receiver.receive(), receiver.receive(), receiver.receive()];
        Program::new()
            .thread("sender", owned(sender, send))
            .thread("receiver", owned(receiver, receive))
            .finish(|ends| format!("{:?}", ends[1].notes()))
    }
}

#[test]
fn a_thread_may_own_what_closes_when_it_is_dropped() {
    weakest::verify(ALL)
        .scenario(TwoThenClosed)
        .also(Engine::Loom(LoomOptions { preemption_bound: Some(3), ..LoomOptions::default() }))
        .also(Engine::Shuttle(ShuttleOptions::default()))
        .run();
}
