//! What an event costs the thread that logs it: through this crate, beside a plain file, `tracing-appender`'s non-blocking writer and
//! `tracing-journald`, in one run.
//!
//! ```text
//! cargo bench -p tracing-iobring --bench event
//! ```
//!
//! Each round has one burst of events for every contender, in turn, and then a pause, in which those who write behind the caller's
//! back catch up. Every event is timed by itself. All but journald's have the same JSON formatter, so the cost of that is in every
//! figure; `nothing` is that cost alone. The collector is a process of its own and writes what comes to a file, as the others do.

use iobring_collect::{Collector, Event};
use std::env;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};
use tracing::Dispatch;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::prelude::*;

/// So many rounds, the first tenth of which are not counted.
const ROUNDS: usize = 1_000;
/// So many events at once.
const BURST: usize = 50;
/// Between two bursts.
const PAUSE: Duration = Duration::from_millis(1);

struct Contender {
    name: &'static str,
    dispatch: Dispatch,
    took: Vec<u64>,
}

impl Contender {
    fn json(name: &'static str, writer: impl for<'a> MakeWriter<'a> + Send + Sync + 'static) -> Self {
        let subscriber =
            tracing_subscriber::registry().with(tracing_subscriber::fmt::layer().json().with_writer(writer));
        Contender { name, dispatch: Dispatch::new(subscriber), took: Vec::new() }
    }

    fn burst(&mut self, counts: bool) {
        tracing::dispatcher::with_default(&self.dispatch, || {
            for number in 0..BURST {
                let began = Instant::now();
                tracing::info!(number, path = "/var/lib/service/data", "a request was served");
                let took = began.elapsed().as_nanos() as u64;
                if counts {
                    self.took.push(took);
                }
            }
        });
    }

    fn at(&self, share: f64) -> u64 {
        self.took[((self.took.len() as f64 * share) as usize).min(self.took.len() - 1)]
    }
}

fn main() {
    if let Some(path) = env::var_os("EVENT_BENCH_COLLECTOR") {
        return collect(Path::new(&path)).expect("a collector");
    }
    let folder = tempfile::tempdir().expect("a folder");
    let collector = Collecting::start(&folder.path().join("socket"));
    let iobring = tracing_iobring::writer_at(folder.path().join("socket"));
    assert!(iobring.is_connected());
    let file = File::create(folder.path().join("plain")).expect("a file");
    let behind = tracing_appender::rolling::never(folder.path(), "appender");
    let (non_blocking, guard) = tracing_appender::non_blocking(behind);
    let dropped = non_blocking.error_counter();
    let mut contenders = vec![
        Contender::json("iobring", iobring),
        Contender::json("nothing", io::sink),
        Contender::json("plain file", file),
        Contender::json("appender", non_blocking),
    ];
    match tracing_journald::layer() {
        Ok(layer) => contenders.push(Contender {
            name: "journald",
            dispatch: Dispatch::new(tracing_subscriber::registry().with(layer)),
            took: Vec::new(),
        }),
        Err(error) => println!("journald: NOT RUN: {error}"),
    }
    for round in 0..ROUNDS {
        for contender in &mut contenders {
            contender.burst(round >= ROUNDS / 10);
            thread::sleep(PAUSE);
        }
    }
    contenders.iter_mut().for_each(|contender| contender.took.sort_unstable());

    const SHARES: [(&str, f64); 5] =
        [("median", 0.5), ("90 %", 0.9), ("99 %", 0.99), ("99.9 %", 0.999), ("worst", 1.0)];
    println!("| times as long as through iobring | {} |", SHARES.map(|(name, _)| name).join(" | "));
    println!("|---|{}", "---|".repeat(SHARES.len()));
    for contender in &contenders[1..] {
        let ratios =
            SHARES.map(|(_, share)| format!("{:.2}", contender.at(share) as f64 / contenders[0].at(share) as f64));
        println!("| {} | {} |", contender.name, ratios.join(" | "));
    }
    println!(
        "| *iobring, µs an event* | {} |",
        SHARES.map(|(_, share)| format!("{:.1}", contenders[0].at(share) as f64 / 1e3)).join(" | ")
    );
    println!("\n{} events each, {BURST} at once.", contenders[0].took.len());
    drop(contenders);
    drop(guard);
    println!("Lost: {} by iobring, {} by appender.", collector.end(), dropped.dropped_lines());
}

/// The collector's process.
struct Collecting(Child);

impl Collecting {
    fn start(socket: &Path) -> Self {
        let mut this = Command::new(env::current_exe().expect("this program"));
        let mut child = this
            .env("EVENT_BENCH_COLLECTOR", socket)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .expect("a process");
        let mut ready = [0];
        io::Read::read_exact(child.stdout.as_mut().expect("piped"), &mut ready).expect("a collector that listens");
        Collecting(child)
    }

    /// What it counted as lost, once its client is gone.
    fn end(self) -> String {
        let output = self.0.wait_with_output().expect("its end");
        assert!(output.status.success());
        String::from_utf8(output.stdout).expect("a number")
    }
}

/// Collects until its only client has left, and says then how many records were lost.
fn collect(socket: &Path) -> io::Result<()> {
    let mut collector = Collector::bind(socket)?;
    let mut output = BufWriter::new(File::create(socket.with_extension("collected"))?);
    print!(".");
    io::stdout().flush()?;
    loop {
        let event = match collector.next_event(Some(Duration::ZERO))? {
            Some(event) => Some(event),
            None => {
                output.flush()?;
                collector.next_event(None)?
            }
        };
        match event {
            Some(Event::Record(record)) => writeln!(output, "{}", record.text())?,
            Some(Event::Left(left)) => {
                print!("{}", left.lost);
                return output.flush();
            }
            _ => {}
        }
    }
}
