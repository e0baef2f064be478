//! Memory that threads allocate and free: each fault is found by every engine, and drawn.

use std::sync::Arc;
use weakest::draw::text::{Colour, draw};
use weakest::engine::loom::LoomOptions;
use weakest::engine::shuttle::ShuttleOptions;
use weakest::explorer::ExplorerOptions;
use weakest::facade::{Atomic, Cell, Heap, Make, Native, Platform, sites};
use weakest::run::{Run, Verdict};
use weakest::suite::{Engine, Entry};
use weakest::{Program, Scenario};

sites! {
    /// A node.
    ALLOCATE: Write, "plain data";
    /// Its value.
    FILL: Write, "plain data";
    /// It is there.
    PUBLISH: Store Release, pairs with [LOOK], "the node is filled before it is seen";
    /// Whether it is there.
    LOOK: Load Acquire, pairs with [PUBLISH], "as PUBLISH";
    /// The node, used.
    USE: Read, "plain data";
    /// The value.
    TAKE: Read, "plain data";
    /// The node is no longer needed.
    FREE: Write, "plain data";
    /// It was used.
    DONE: Store Release, pairs with [WAS_USED], "the use comes before the freeing";
    /// Whether it was used.
    WAS_USED: Load Acquire, pairs with [DONE], "as DONE";
}

struct Node<P: Platform> {
    value: P::Cell,
}

impl<P: Platform> Make for Node<P> {
    fn make() -> Self {
        Node { value: P::Cell::new("value", 0, 0) }
    }
}

#[derive(Clone, Copy, PartialEq)]
enum How {
    Right,
    FreedAtOnce,
    FreedTwice,
    Leaked,
    UsedAfter,
}

/// One thread makes a node and frees it, another one uses it.
struct Lifetime(How);

impl Scenario for Lifetime {
    fn program<P: Platform>(&self) -> Program {
        let how = self.0;
        let shared = Arc::new((
            P::Heap::<Node<P>>::new("node", 2),
            P::AtomicPtr::<Node<P>>::new("pointer", std::ptr::null_mut()),
            P::AtomicBool::new("done", false),
        ));
        let (owner, last) = (shared.clone(), shared.clone());
        Program::new()
            .thread("owner", move || {
                let (heap, pointer, done) = &*owner;
                let node = heap.allocate(&ALLOCATE);
                // SAFETY: the model is the judge.
                unsafe {
                    heap.get(&USE, node).value.write(&FILL, 7);
                    pointer.store(&PUBLISH, node);
                    if how != How::FreedAtOnce {
                        P::retry(|| done.load(&WAS_USED).then_some(()));
                    }
                    if how != How::Leaked {
                        heap.free(&FREE, node);
                    }
                    if how == How::FreedTwice {
                        heap.free(&FREE, node);
                    }
                    if how == How::UsedAfter {
                        heap.get(&USE, node);
                    }
                }
                vec![]
            })
            .thread("user", move || {
                let (heap, pointer, done) = &*shared;
                let node = P::retry(|| Some(pointer.load(&LOOK)).filter(|node| !node.is_null()));
                // SAFETY: the model is the judge.
                let value = unsafe { heap.get(&USE, node) }.value.read(&TAKE);
                done.store(&DONE, true);
                vec![value]
            })
            .finish(move |ends| {
                assert_eq!(ends[1].notes(), [7]);
                last.0.assert_empty();
                "used and freed".into()
            })
    }
}

fn engines() -> [Engine; 3] {
    [
        Engine::Explorer(ExplorerOptions::default()),
        Engine::Loom(LoomOptions::default()),
        Engine::Shuttle(ShuttleOptions::default()),
    ]
}

fn picture(run: &Run) -> String {
    match &run.verdict {
        Verdict::Fail(trace) => draw(trace, Colour::Off),
        other => panic!("{}: {other}", run.engine),
    }
}

#[test]
fn what_is_right_passes() {
    for engine in engines() {
        let run = Entry::new(Lifetime(How::Right), engine).run(Default::default());
        assert!(run.verdict.passed(), "{}: {}", run.engine, picture(&run));
    }
    weakest::verify(ALL).scenario(Lifetime(How::Right)).run();
}

#[test]
fn each_fault_is_found_and_named() {
    for (how, words) in [
        (How::FreedAtOnce, "Use after free: "),
        (How::FreedTwice, "double free: node[0] at FREE"),
        (How::Leaked, "leak: node[0] is never freed"),
        (How::UsedAfter, "use after free: node[0] at USE"),
    ] {
        for engine in engines() {
            let run = Entry::new(Lifetime(how), engine).run(Default::default());
            let picture = picture(&run).to_lowercase();
            assert!(picture.contains(&words.to_lowercase()), "{}: {words} in {picture}", run.engine);
        }
    }
}

/// The same code on the real machine.
#[test]
fn the_real_heap_is_the_allocator() {
    let program = Lifetime(How::Right).program::<Native>();
    let ends: Vec<weakest::End> = std::thread::scope(|scope| {
        let threads: Vec<_> = program.threads.iter().map(|thread| scope.spawn(|| (thread.body)())).collect();
        threads.into_iter().map(|thread| weakest::End::Returned(thread.join().unwrap())).collect()
    });
    assert_eq!((program.finish)(&ends), "used and freed");
    assert_eq!(size_of::<<Native as Platform>::Heap<Node<Native>>>(), 0);
}
