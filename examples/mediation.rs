//! Says whether Linux itself can mediate writes here, and what is in the way if it cannot.
//!
//! ```text
//! cargo run --example mediation
//! ```

use std::process::ExitCode;

fn main() -> ExitCode {
    match iobring::mediation() {
        Ok(()) => {
            println!("the kernel can mediate: RingBuffer::create_mediated, Iob::send_kernel_to");
            ExitCode::SUCCESS
        }
        Err(obstacle) => {
            println!("{obstacle}; writers in other processes can go by the broker (Iob::send_to)");
            ExitCode::FAILURE
        }
    }
}
