//! Making rings: every bad capacity is an error of `try_create`, and `create` panics with the value and the rule.

use iobring::{MAX_MESSAGE_SIZE, RingBuffer, Status};
use std::panic::catch_unwind;

fn page() -> usize {
    rustix::param::page_size()
}

#[test]
fn bad_capacities_are_errors() {
    let memory = rustix::system::sysinfo();
    let memory = (memory.totalram as usize + memory.totalswap as usize) * memory.mem_unit as usize;
    let more_than_exists = (memory + page()).next_multiple_of(page());
    #[rustfmt::skip]
    let table = [
        (0,                              Status::INVALID_ARGS),
        (1,                              Status::INVALID_ARGS),
        (page() - 1,                     Status::INVALID_ARGS),
        (page() + 8,                     Status::INVALID_ARGS),
        (MAX_MESSAGE_SIZE + 1,           Status::INVALID_ARGS),
        (usize::MAX,                     Status::INVALID_ARGS),
        (usize::MAX & !(page() - 1),     Status::OUT_OF_RANGE),
        (isize::MAX as usize + 1,        Status::OUT_OF_RANGE),
        (1 << 62,                        Status::NO_MEMORY),
        (1 << 47,                        Status::NO_MEMORY),
        (1 << 40,                        Status::NO_MEMORY),
        (more_than_exists,               Status::NO_MEMORY),
    ];
    for (capacity, status) in table {
        let error = RingBuffer::try_create(capacity).map(|reader| reader.capacity());
        assert_eq!(error, Err(status), "a ring of {capacity} bytes");
    }
}

#[test]
fn good_capacities_are_multiples_of_the_page() {
    for pages in [1, 2, 3, 15, 16, 17, 100] {
        let reader = RingBuffer::try_create(pages * page()).unwrap();
        assert_eq!(reader.capacity(), pages * page());
        assert_eq!((reader.head(), reader.tail()), (0, 0));
    }
}

fn panic_message(capacity: usize) -> String {
    let panic = catch_unwind(|| drop(RingBuffer::create(capacity))).expect_err("create panics");
    *panic.downcast::<String>().expect("a formatted message")
}

#[test]
fn create_panics_with_the_value_and_the_rule() {
    let page = page();
    let unaligned =
        |n: usize| format!("a ring's capacity must be a multiple of the page size, {page} bytes; {n} is not");
    let small = |n: usize| format!("a ring's capacity must be at least 65536 bytes (MAX_MESSAGE_SIZE); {n} is less");
    assert_eq!(panic_message(1), unaligned(1));
    assert_eq!(panic_message(65_537), unaligned(65_537));
    assert_eq!(panic_message(usize::MAX), unaligned(usize::MAX));
    assert_eq!(panic_message(0), small(0));
    assert_eq!(panic_message(65_536 - page), small(65_536 - page));
    let huge = usize::MAX & !(page - 1);
    assert_eq!(panic_message(huge), format!("a ring of {huge} bytes cannot be made: {}", Status::OUT_OF_RANGE));
}

#[test]
fn create_takes_the_smallest_and_larger() {
    assert_eq!(RingBuffer::create(MAX_MESSAGE_SIZE).capacity(), MAX_MESSAGE_SIZE);
    assert_eq!(RingBuffer::create(1 << 20).capacity(), 1 << 20);
}
