//! What the campaigns have in common: the ring, the workers, the reading, the figures.

use crate::message::Life;
use crate::receipts::Receipts;
use crate::verifier::Verifier;
use crate::worker::{self, Manner};
use crate::{Options, Transports};
use indicatif::{ProgressBar, ProgressStyle};
use iobring::{Iob, Reader};
use rustix::process::{Pid, Signal, kill_process};
use std::ops::ControlFlow;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::process::{Child, Command, Stdio};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// How often the accounts are looked at, in rounds of reading.
const AUDIT: u64 = 1000;

/// A running campaign.
pub struct Campaign {
    pub reader: Reader,
    pub verifier: Verifier,
    pub random: fastrand::Rng,
    pub workers: Vec<Worker>,
    /// Mistreatments so far, or whatever the campaign counts.
    pub count: u64,
    /// What that is.
    pub counted: &'static str,
    /// More figures to print at the end.
    pub figures: Vec<(String, String)>,
    options: Options,
    started: Instant,
    bar: ProgressBar,
    lives: u64,
    rounds: u64,
    /// Workers that are gone, of which something may still have to be read.
    gone: Vec<Gone>,
    at_first: Resources,
}

/// By which transport a worker writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// A thread of this process.
    Own,
    Mapped,
    Isolated,
    Kernel,
}

/// Where a writer runs.
enum Body {
    Thread(JoinHandle<()>),
    Process(Child),
}

/// A writer: a process, or a thread of this one.
pub struct Worker {
    pub tag: u64,
    pub manner: Manner,
    pub receipts: Receipts,
    pub transport: Transport,
    life: Life,
    body: Body,
    /// Tells when everything that it wrote is in the ring.
    peer: Iob,
}

struct Gone {
    life: Life,
    accepted: u64,
    killed: bool,
    manner: Manner,
    peer: Iob,
    /// Where the ring's head was when the peer was seen closed.
    until: Option<u64>,
}

/// What a process may leak.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Resources {
    pub descriptors: usize,
    pub threads: usize,
    /// Resident memory.
    pub bytes: u64,
}

impl Resources {
    pub fn now() -> Self {
        let count = |directory| std::fs::read_dir(directory).map_or(0, Iterator::count);
        let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
        let pages: u64 = statm.split(' ').nth(1).and_then(|pages| pages.parse().ok()).unwrap_or(0);
        Resources {
            descriptors: count("/proc/self/fd"),
            threads: count("/proc/self/task"),
            bytes: pages * rustix::param::page_size() as u64,
        }
    }
}

/// The tags of hostile workers have this bit.
const HOSTILE: u64 = 1 << 31;

impl Campaign {
    pub fn new(name: &'static str, options: &Options, seed: u64) -> Self {
        let bar = ProgressBar::new(options.seconds);
        let style = ProgressStyle::with_template("{prefix} {bar:30} {pos}/{len} s  {msg}").expect("a template");
        bar.set_style(style);
        bar.set_prefix(name);
        let at_first = Resources::now();
        Campaign {
            reader: options.create(),
            verifier: Verifier::default(),
            random: fastrand::Rng::with_seed(seed),
            workers: Vec::new(),
            count: 0,
            counted: "mistreatments",
            figures: Vec::new(),
            options: options.clone(),
            started: Instant::now(),
            bar,
            lives: 0,
            rounds: 0,
            gone: Vec::new(),
            at_first,
        }
    }

    /// By which transport the honest writer of this number writes.
    pub fn transport(&self, number: u64) -> Transport {
        self.options.transport.of(number)
    }

    /// By which transport greedy and hostile writers write.
    pub fn attackers(&self) -> Transport {
        match self.options.transport {
            Transports::Ordinary => Transport::Isolated,
            Transports::Kernel => Transport::Kernel,
        }
    }

    /// By which transports a soak's writers write, in turn.
    pub fn all(&self) -> [Transport; 3] {
        [Transport::Own, self.options.transport.of(0), Transport::Isolated]
    }

    /// The numbers of the honest writers that were asked for.
    pub fn writers(&self) -> u32 {
        self.options.writers
    }

    /// Whether time, or the number of mistreatments, is up.
    pub fn is_over(&self) -> bool {
        self.started.elapsed() >= Duration::from_secs(self.options.seconds)
            || self.options.count.is_some_and(|count| self.count >= count)
    }

    /// Starts a worker.
    pub fn start(&mut self, number: u64, transport: Transport, manner: Manner) {
        let tag = number | if manner == Manner::Hostile { HOSTILE } else { 0 };
        let (life, iob, peer) = self.begin(tag);
        let (receipts, page) = Receipts::new();
        let body = match transport {
            Transport::Own => {
                let receipts = Receipts::open(&page);
                Body::Thread(std::thread::spawn(move || worker::work(&iob, &receipts, life, manner)))
            }
            _ => Body::Process(spawn(&iob, transport, life, manner, page)),
        };
        self.workers.push(Worker { tag, manner, receipts, transport, life, body, peer });
    }

    /// A pair whose writer's messages are to be this life's.
    pub fn begin(&mut self, tag: u64) -> (Life, Iob, Iob) {
        self.lives += 1;
        let life = tag << 32 | self.lives;
        self.verifier.begin(life);
        let (iob, peer) = self.reader.new_iob_writer(tag).expect("a pair");
        (life, iob, peer)
    }

    /// Reads what is there for about `time`, checking each record.
    pub fn read_for(&mut self, time: Duration) {
        let until = Instant::now() + time;
        loop {
            self.read(usize::MAX);
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            let tail = self.reader.tail();
            self.reader.wait_blocking(tail, Some(left.min(Duration::from_millis(5))));
        }
    }

    /// Reads up to `most` of the records that are there, checking each.
    pub fn read(&mut self, most: usize) {
        // A worker's end is looked at before the ring is read: what it wrote is there then.
        for gone in &mut self.gone {
            if gone.until.is_none() && gone.peer.is_peer_closed() {
                gone.until = Some(self.reader.head());
            }
        }
        let verifier = &mut self.verifier;
        let mut message = Vec::new();
        let mut left = most;
        let drained = self.reader.drain(|record| {
            message.clear();
            record.append_to(&mut message);
            verifier.record(record.tag(), &message, |tag| tag & HOSTILE != 0);
            left -= 1;
            if left > 0 { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        });
        if let Err(error) = drained {
            self.verifier.faults.push(format!("the ring is damaged: {error}"));
            self.reader.resync();
        }
        let tail = self.reader.tail();
        let verifier = &mut self.verifier;
        self.gone.retain(|gone| {
            let over = gone.until.is_some_and(|until| tail >= until);
            if over && gone.manner != Manner::Hostile {
                verifier.end(gone.life, gone.accepted, gone.killed);
            }
            !over
        });
        self.rounds += 1;
        if self.rounds.is_multiple_of(AUDIT) {
            self.audit();
        }
        self.bar.set_position(self.started.elapsed().as_secs());
        self.bar.set_message(format!("{} {}, {} records", self.count, self.counted, self.verifier.records));
    }

    /// Looks whether the accounts add up, and agree with what was read here.
    pub fn audit(&mut self) {
        let accounts = self.reader.accounts();
        let read = self.verifier.records + self.verifier.foreign;
        let delivered = accounts.total.delivered.records;
        if delivered != read && self.verifier.faults.is_empty() {
            self.verifier.faults.push(format!("{read} records were read, {delivered} delivered by the accounts"));
        }
        for (tag, account) in accounts.by_tag.iter().filter(|(_, account)| !account.balances()) {
            self.verifier.faults.push(format!("the account of tag {tag} does not balance: {account:?}"));
        }
        if !accounts.total.balances() {
            self.verifier.faults.push(format!("the accounts do not balance: {:?}", accounts.total));
        }
    }

    /// Sends a worker a signal. `false` if it has ended by itself.
    pub fn signal(&mut self, worker: usize, signal: Signal) -> bool {
        match &self.workers[worker].body {
            Body::Process(child) => kill_process(Pid::from_child(child), signal).is_ok(),
            Body::Thread(_) => panic!("a thread gets no signals of its own"),
        }
    }

    /// Kills a worker and starts another in its place.
    pub fn replace(&mut self, worker: usize) {
        let Worker { tag, transport, manner, .. } = self.workers[worker];
        self.bury(worker, true);
        self.start(tag & !HOSTILE, transport, manner);
    }

    /// Waits for a worker's end, which is its death if it is `killed`.
    pub fn bury(&mut self, worker: usize, killed: bool) {
        let Worker { transport, life, manner, peer, receipts, body, .. } = self.workers.swap_remove(worker);
        let ended = match body {
            Body::Process(mut child) => {
                if killed {
                    let _ = child.kill();
                }
                let status = child.wait().expect("our child");
                (killed || status.success()).then_some(()).ok_or_else(|| status.to_string())
            }
            Body::Thread(thread) => thread.join().map_err(|_| "by a panic".into()),
        };
        if let Err(how) = ended {
            self.verifier.faults.push(format!("a {transport:?} {manner:?} writer ended: {how}"));
        }
        self.gone.push(Gone { life, accepted: receipts.accepted(), killed, manner, peer, until: None });
    }

    /// Whether something may still have to be read of workers that are gone.
    pub fn is_mourning(&self) -> bool {
        !self.gone.is_empty()
    }

    /// Whether a worker has ended by itself.
    pub fn has_ended(&mut self, worker: usize) -> bool {
        match &mut self.workers[worker].body {
            Body::Process(child) => matches!(child.try_wait(), Ok(Some(_))),
            Body::Thread(thread) => thread.is_finished(),
        }
    }

    /// Ends every worker, reads what is left, prints the figures. Whether nothing was wrong.
    pub fn finish(mut self) -> bool {
        for worker in &self.workers {
            worker.receipts.stop();
        }
        while !self.workers.is_empty() {
            self.read_for(Duration::ZERO);
            if let Some(ended) = (0..self.workers.len()).find(|&worker| self.has_ended(worker)) {
                self.bury(ended, false);
            }
        }
        while !self.gone.is_empty() {
            self.read_for(Duration::from_millis(1));
        }
        self.audit();
        let elapsed = self.started.elapsed().as_secs_f64();
        let accounts = self.reader.accounts().total;
        self.bar.finish_and_clear();
        drop(self.reader);
        let left = Resources::now();
        if left.descriptors > self.at_first.descriptors || left.threads > self.at_first.threads {
            self.verifier.faults.push(format!("left behind: {left:?}, at first {:?}", self.at_first));
        }
        let Verifier { records, bytes, complete, in_between, foreign, faults, .. } = &self.verifier;
        let per_second = *records as f64 / elapsed;
        println!("{:>12}  {} in {elapsed:.1} s", self.count, self.counted);
        println!("{records:>12}  records checked, {per_second:.0} per second, {:.1} MB", *bytes as f64 / 1e6);
        println!("{complete:>12}  writers of which every acknowledged record was read");
        println!("{in_between:>12}  of them killed after publishing a record and before knowing it");
        println!("{foreign:>12}  records of hostile writers, under their own tags");
        println!(
            "{:>12}  accepted = {} delivered + {} in the ring",
            accounts.accepted.records, accounts.delivered.records, accounts.in_ring.records
        );
        println!(
            "{:>12}  refused for lack of space, {} more as reported, {} refused as bad",
            accounts.no_space.records, accounts.reported.records, accounts.bad.records
        );
        for (name, figure) in &self.figures {
            println!("{figure:>12}  {name}");
        }
        println!("{:>12}  faults", faults.len());
        for fault in faults.iter().take(20) {
            println!("FAULT: {fault}");
        }
        faults.is_empty()
    }
}

/// Hands a writer over, as one of this transport.
pub fn hand_over(iob: &Iob, transport: Transport, to: &UnixStream) {
    match transport {
        Transport::Mapped => iob.send_mapped_to(to),
        Transport::Kernel => iob.send_kernel_to(to),
        _ => iob.send_to(to),
    }
    .expect("a hand-over");
}

/// Starts a process that writes by this transport.
fn spawn(iob: &Iob, transport: Transport, life: Life, manner: Manner, page: OwnedFd) -> Child {
    let (near, far) = UnixStream::pair().expect("a socket");
    hand_over(iob, transport, &near);
    let name = format!("{manner:?}").to_lowercase();
    Command::new(std::env::current_exe().expect("this program"))
        .args(["worker", "--life", &life.to_string(), "--manner", &name])
        .stdin(Stdio::from(OwnedFd::from(far)))
        .stdout(Stdio::from(page))
        .spawn()
        .expect("a process")
}
