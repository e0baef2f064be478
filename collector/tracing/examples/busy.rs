//! Logs until it is killed, so many events a second: something to look at with `iobring top` and `iobring tail`.

use std::time::Duration;

fn main() {
    let rate: u32 = std::env::args().nth(1).and_then(|rate| rate.parse().ok()).unwrap_or(100);
    tracing_iobring::init();
    for request in 0_u64.. {
        tracing::info!(request, "served");
        std::thread::sleep(Duration::from_secs(1) / rate);
    }
}
