//! The program: one writer's way into one ring.
//!
//! What differs from writer to writer are numbers that are put into its instructions when it is loaded: which map the region is,
//! which the bell, which the grant, the capacity, the tag, the holder's number. Whoever runs the program can change none of
//! them.
#![no_std]
#![feature(asm_experimental_arch)]
#![allow(dead_code)]

/// The library's own files, unchanged.
#[path = "../../src"]
mod library {
    pub mod layout;
}
/// Of the protocol, those that a mediator needs.
#[path = "../../src/protocol"]
mod protocol {
    pub mod account;
    mod bells;
    pub mod mediator;
    pub mod memory;
    mod place;
    mod refusal;
    pub mod sites;
    pub use memory::Memory;
}
use library::layout;

mod memory;
mod symbols;

use memory::{Region, Request};
use protocol::mediator::{self, Writer};
use symbols::{grant, holder, tag, with_preemption_disabled};

/// Writes one record or several, and returns the number of a [`mediator::Answer`], and of several how many were written before. What is
/// asked for is in the system call's own arguments: the kernel would copy a context, into memory that it has to find first, and back.
#[unsafe(no_mangle)]
#[unsafe(link_section = "syscall")]
pub extern "C" fn write(_context: *const u8) -> u32 {
    let mut request = Request::new();
    if let Err(answer) = request.fetch() {
        return answer as u32;
    }
    with_preemption_disabled(|| {
        let (region, request) = (Region, &request);
        let writer = Writer { grant: grant(), holder: holder(), tag: tag() };
        let fill = |i, offset| region.gather(offset, request, i);
        let (written, end) = mediator::write(&region, &writer, &request.asked, |i| request.len_of(i), fill);
        request.result(written, end)
    })
}

#[panic_handler]
fn panic(_: &core::panic::PanicInfo) -> ! {
    loop {}
}
