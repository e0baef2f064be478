//! Reclamation by epochs, in miniature: one reader, one who unlinks and frees.
//!
//! K. Fraser, *Practical lock-freedom*, UCAM-CL-TR-579, 2004; the crate `crossbeam-epoch`. What was unlinked in an epoch is freed two
//! epochs later: a reader may be pinned in the epoch before the current one. One epoch is not enough.

use crate::{Exhibit, weakened};
use std::ptr::null_mut;
use std::sync::Arc;
use weakest::facade::{Atomic, Cell, Heap, Make, Order, Platform, sites};
use weakest::trace::Fault;
use weakest::{Program, Scenario};

sites! {
    /// The epoch to be pinned in.
    PIN_EPOCH: Load Relaxed, "ordered by PIN_FENCE";
    /// The reader is pinned.
    PIN: Store Release, pairs with [PINNED], "who sees only a later pin knows the use under the earlier ones, too; in C++20 a store ends the release sequence of the one before";
    /// Between the pin and the use.
    PIN_FENCE: Fence SeqCst, pairs with [ADVANCE_FENCE], "either the pin is seen or what was unlinked is not";
    /// The shared pointer.
    LINK: Load Acquire, pairs with [RELINK], "the object is filled before it is read";
    /// The object.
    OBJECT: Read, "kept by the pin";
    /// The reader is through.
    UNPIN: Store Release, pairs with [PINNED], "the use comes before the freeing";
    /// Another object in the place of the old one.
    RELINK: Rmw Release, pairs with [LINK], "as LINK";
    /// A fresh object.
    ALLOCATE: Write, "plain data";
    /// Its value.
    FILL: Write, "plain data";
    /// The value, read.
    VALUE: Read, "plain data";
    /// Between the unlinking, or another epoch, and the look at the pins.
    ADVANCE_FENCE: Fence SeqCst, pairs with [PIN_FENCE], "as PIN_FENCE";
    /// Whether the reader is pinned, and in which epoch.
    PINNED: Load Acquire, pairs with [PIN, UNPIN], "as UNPIN";
    /// Another epoch.
    ADVANCE: Store Relaxed, "a reader that sees the old one is pinned in the old one";
    /// The old object is freed.
    FREE: Write, "two epochs later";
}

struct Object<P: Platform> {
    value: P::Cell,
}

impl<P: Platform> Make for Object<P> {
    fn make() -> Self {
        Object { value: P::Cell::new("value", 0, 0) }
    }
}

struct Shared<P: Platform> {
    epoch: P::AtomicU32,
    /// 0, or the epoch of the pinned reader plus one.
    pin: P::AtomicU32,
    link: P::AtomicPtr<Object<P>>,
    heap: P::Heap<Object<P>>,
}

impl<P: Platform> Shared<P> {
    fn make(&self, value: u64) -> *mut Object<P> {
        let object = self.heap.allocate(&ALLOCATE);
        // SAFETY: nobody else has it yet.
        unsafe { self.heap.get(&OBJECT, object) }.value.write(&FILL, value);
        object
    }

    fn read(&self) -> u64 {
        let epoch = self.epoch.load(&PIN_EPOCH);
        self.pin.store(&PIN, epoch + 1);
        P::fence(&PIN_FENCE);
        let object = self.link.load(&LINK);
        // SAFETY: the pin keeps it.
        let value = unsafe { self.heap.get(&OBJECT, object) }.value.read(&VALUE);
        self.pin.store(&UNPIN, 0);
        value
    }

    fn replace(&self, value: u64, epochs: u32) {
        let old = self.link.swap(&RELINK, self.make(value));
        for epoch in 0..epochs {
            P::fence(&ADVANCE_FENCE);
            P::retry(|| {
                let pin = self.pin.load(&PINNED);
                (pin == 0 || pin == epoch + 1).then_some(())
            });
            self.epoch.store(&ADVANCE, epoch + 1);
        }
        // SAFETY: unlinked, and every reader that could have seen it is through.
        unsafe { self.heap.free(&FREE, old) };
    }
}

/// A reader reads twice, an updater replaces the object once and frees the old one after so many epochs.
struct ReadAndReplace(u32);

impl Scenario for ReadAndReplace {
    fn program<P: Platform>(&self) -> Program {
        let epochs = self.0;
        let shared = Shared::<P> {
            epoch: P::AtomicU32::new("epoch", 0),
            pin: P::AtomicU32::new("pin", 0),
            link: P::AtomicPtr::new("link", null_mut()),
            heap: P::Heap::new("object", 2),
        };
        shared.link.swap(&RELINK, shared.make(1));
        let (shared, reader) = {
            let shared = Arc::new(shared);
            (shared.clone(), shared)
        };
        Program::new()
            .thread("reader", move || vec![reader.read(), reader.read()])
            .thread("updater", move || {
                shared.replace(2, epochs);
                vec![]
            })
            .finish(|ends| format!("read {:?}", ends[0].notes()))
    }
}

/// The exhibits.
pub fn all() -> Vec<Exhibit> {
    let source = "Fraser, UCAM-CL-TR-579, 2004";
    let weak = |name, site| {
        Exhibit::weak(name, source, ALL, Fault::DataRace, weakened(site, Order::AcqRel)).with(ReadAndReplace(2))
    };
    vec![
        Exhibit::good("reclamation by epochs", source, ALL).with(ReadAndReplace(2)),
        Exhibit::bad("reclamation one epoch early", source, ALL, Fault::DataRace).with(ReadAndReplace(1)),
        weak("epochs, the pin's fence is none", &PIN_FENCE),
    ]
}
