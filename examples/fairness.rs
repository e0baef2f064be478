//! How evenly writers get their turn, and what one that is preempted costs the others: threads that write as fast as they can into one
//! ring, one of them at the lowest priority.
//!
//! ```console
//! $ cargo run --release --example fairness -- 8 5    # writers, seconds
//! ```

use iobring::{RingBuffer, Status};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// Of how long a write took, in powers of two of nanoseconds.
#[derive(Clone, Copy)]
struct Times([u64; 64]);

impl Times {
    fn add(&mut self, time: Duration) {
        self.0[(time.as_nanos() as u64 | 1).ilog2() as usize] += 1;
    }

    fn count(&self) -> u64 {
        self.0.iter().sum()
    }

    /// What so many in a million do not exceed.
    fn quantile(&self, millionths: u64) -> String {
        let mut left = self.count() * millionths / 1_000_000;
        let bucket = self.0.iter().position(|&count| {
            let found = count >= left;
            left = left.saturating_sub(count);
            found
        });
        format!("{:?}", Duration::from_nanos(2u64 << bucket.unwrap_or(62)))
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1).map(|argument| argument.parse::<u64>());
    let writers = arguments.next().transpose()?.unwrap_or(8);
    let seconds = arguments.next().transpose()?.unwrap_or(5);
    let mut reader = RingBuffer::create(1 << 20);
    let stop = AtomicBool::new(false);
    let times: Vec<Times> = thread::scope(|scope| {
        let running: Vec<_> = (0..writers)
            .map(|number| {
                let (iob, _) = reader.new_iob_writer(number).expect("a pair");
                let stop = &stop;
                scope.spawn(move || {
                    if number == 0 {
                        // Of this thread alone; it cannot fail downwards.
                        let _ = rustix::process::nice(19);
                    }
                    let mut times = Times([0; 64]);
                    while !stop.load(Ordering::Relaxed) {
                        let began = Instant::now();
                        match iob.send(&[0; 64]) {
                            Ok(()) => times.add(began.elapsed()),
                            Err(Status::NO_SPACE) => thread::yield_now(),
                            Err(status) => panic!("{status}"),
                        }
                    }
                    times
                })
            })
            .collect();
        let until = Instant::now() + Duration::from_secs(seconds);
        while Instant::now() < until {
            reader.drain(|_| core::ops::ControlFlow::Continue(())).expect("an honest ring");
            let tail = reader.tail();
            reader.wait_blocking(tail, Some(Duration::from_millis(1)));
        }
        stop.store(true, Ordering::Relaxed);
        running.into_iter().map(|writer| writer.join().expect("a writer")).collect()
    });
    println!("| writer | records | half of them within | 99 % | 99.9 % | 99.99 % |\n|---|---|---|---|---|---|");
    for (number, times) in times.iter().enumerate() {
        let name = if number == 0 { "0, lowest priority".into() } else { number.to_string() };
        let quantiles = [500_000, 990_000, 999_000, 999_900].map(|millionths| times.quantile(millionths));
        println!("| {name} | {} | {} |", times.count(), quantiles.join(" | "));
    }
    let others = times.iter().skip(1).map(Times::count);
    if let (Some(least), Some(most)) = (others.clone().min(), others.max()) {
        println!(
            "\nof the others the busiest wrote {:.2} times as much as the idlest",
            most as f64 / least.max(1) as f64
        );
    }
    Ok(())
}
