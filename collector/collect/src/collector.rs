//! The collector: one thread that admits, reads, and tells.

#[cfg(feature = "tokio")]
mod asynchronous;
mod building;
mod poller;
mod session;
mod stopper;

#[cfg(feature = "tokio")]
pub use asynchronous::AsyncCollector;
pub use building::{Builder, Limits};
pub use stopper::Stopper;

use crate::event::{Event, Left, Lost, Record, Watcher};
use crate::inherited::Invitation;
use crate::losses::Losses;
use crate::process::Process;
use crate::request::Request;
use iobring::{Account, Batch, Count, Iob, Reader, Status};
use poller::{Poller, Source};
use session::{Heard, Session};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::io;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

/// How many records are taken out of the ring at once.
const BATCH: usize = 256;

/// How many silent connections are closed at once: more would keep others waiting.
const LATE: usize = 64;

/// How often losses are looked for, and silent connections.
const ROUND: Duration = Duration::from_millis(500);

/// Collects records from all who connect to its socket. An iterator of what happens, which blocks; or
/// [`next_event`](Self::next_event) with a time limit.
#[derive(Debug)]
pub struct Collector {
    reader: Reader,
    listener: Option<UnixListener>,
    poller: Poller,
    stopper: Stopper,
    limits: Limits,
    /// Those who have not said yet what they want.
    silent: BTreeMap<u64, Session>,
    /// Those who write, by their tag.
    writers: BTreeMap<u64, Writer>,
    stage: Stage,
    /// Those of them whose end the poller has told.
    ending: BTreeSet<u64>,
    last_tag: u64,
    /// What was told to be lost, of all who ever wrote.
    lost: Count,
    events: VecDeque<Event>,
    batch: Batch,
    next_round: Instant,
    /// Whether there are more silent connections to be closed now.
    is_late: bool,
}

/// How far its end has come.
#[derive(Clone, Copy, Debug)]
enum Stage {
    Open,
    /// It was stopped, and tells what was accepted before.
    Closing,
    /// Nothing is told any more but what is in the queue.
    Closed,
}

/// Somebody who was given a writer.
#[derive(Debug)]
struct Writer {
    process: Arc<Process>,
    peer: Iob,
    /// Its connection, until that ends. Writers in this process have none.
    session: Option<Session>,
    /// Where it counts what it had to give up. Writers in this process do so in the ring's accounts.
    losses: Option<Losses>,
    read: Count,
    /// Its records that were known to be lost when it was last looked at.
    lost: Count,
}

/// Somebody who can write.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct WriterStatus<'a> {
    /// Who.
    pub process: &'a Arc<Process>,
    /// What was read of it.
    pub read: Count,
    /// What is known to be lost.
    pub lost: Count,
}

impl Collector {
    /// A collector with the usual limits, listening at `path`. See [`Builder`].
    ///
    /// # Errors
    /// As [`Builder::bind`].
    pub fn bind(path: impl AsRef<Path>) -> io::Result<Self> {
        Builder::new().bind(path)
    }

    /// A writer in this very process, of records as if written by `process`, and the tag that it gets in place of that process's.
    /// It has left when every copy of the writer is dropped.
    ///
    /// # Errors
    /// Those of [`RingBuffer::new_iob_writer`](iobring::RingBuffer::new_iob_writer).
    pub fn writer_of(&mut self, process: Process) -> Result<(u64, Iob), Status> {
        let process = Arc::new(Process { tag: self.new_tag(), ..process });
        let (writer, peer) = self.reader.new_iob_writer(process.tag)?;
        let tag = process.tag;
        self.enter(process, peer, None, None);
        self.watch_peer(tag);
        Ok((tag, writer))
    }

    /// Admits a child that was started with one end of `invitation`, as `process`: the first that asks there gets a writer. The
    /// child has left when its end is closed; if it never asks, nothing is told of it.
    ///
    /// # Errors
    /// Of polling.
    pub fn admit(&mut self, invitation: Invitation, process: Process) -> io::Result<()> {
        let process = Arc::new(Process { tag: self.new_tag(), ..process });
        let stream = invitation.into_stream();
        self.poller.watch(&stream, Source::Session(process.tag))?;
        self.silent.insert(process.tag, Session::invited(process, stream));
        Ok(())
    }

    /// Ends the collector from any thread, or a signal's handler.
    pub fn stopper(&self) -> Stopper {
        self.stopper.clone()
    }

    /// What happens next; `None` when `limit` has passed before that, or the collector was stopped and everything told.
    ///
    /// # Errors
    /// Of polling, which only a lack of memory brings about.
    pub fn next_event(&mut self, limit: Option<Duration>) -> io::Result<Option<Event>> {
        let deadline = limit.map(|limit| Instant::now() + limit);
        loop {
            if let Some(event) = self.told() {
                return Ok(Some(event));
            }
            let now = Instant::now();
            if self.is_at_end() || deadline.is_some_and(|deadline| now >= deadline) {
                return Ok(None);
            }
            self.turn(deadline.map(|deadline| deadline - now))?;
        }
    }

    /// What has happened already; `None` if nothing has, or nothing ever will.
    #[cfg(feature = "tokio")]
    fn try_next_event(&mut self) -> io::Result<Option<Event>> {
        loop {
            if let Some(event) = self.told() {
                return Ok(Some(event));
            }
            if self.is_at_end() || !self.turn(Some(Duration::ZERO))? {
                return Ok(None);
            }
        }
    }

    /// What is known already and is to be told next.
    fn told(&mut self) -> Option<Event> {
        if self.events.is_empty() && matches!(self.stage, Stage::Closing) && self.reader.is_at_end() {
            self.stage = Stage::Closed;
            // Who is refused from now on finds this collector gone.
            self.writers.values().filter_map(|writer| writer.losses.as_ref()).for_each(Losses::seal);
            self.look_for_losses();
        }
        self.events.pop_front()
    }

    /// Whether everything was told, and nothing will be any more.
    fn is_at_end(&self) -> bool {
        matches!(self.stage, Stage::Closed) && self.events.is_empty()
    }

    /// Whether it was stopped, and will tell of nothing more once what is there was told.
    pub fn is_stopped(&self) -> bool {
        self.listener.is_none()
    }

    /// Those who can write now.
    pub fn writers(&self) -> impl ExactSizeIterator<Item = WriterStatus<'_>> {
        self.writers.values().map(|writer| WriterStatus {
            process: &writer.process,
            read: writer.read,
            lost: writer.lost,
        })
    }

    /// What became of every write, in total.
    pub fn total(&self) -> Account {
        self.reader.accounts().total
    }

    /// What was told to be lost, in total.
    pub fn lost(&self) -> Count {
        self.lost
    }

    /// How many bytes of the ring are taken, and how many there are.
    pub fn fill(&self) -> (u64, u64) {
        (self.reader.head().saturating_sub(self.reader.tail()), self.reader.capacity() as u64)
    }

    /// Waits for something to happen, `limit` at most, and sees to it. Returns whether it did.
    fn turn(&mut self, limit: Option<Duration>) -> io::Result<bool> {
        let round = if self.is_late { Instant::now() } else { self.next_round };
        let round = round.saturating_duration_since(Instant::now());
        let happened = self.poller.wait(limit.map_or(round, |limit| limit.min(round)))?;
        let has_happened = !happened.is_empty();
        for source in happened {
            match source {
                Source::Listener => self.accept(),
                Source::Stopper => self.stop(),
                // Looked at below, whatever has happened.
                Source::Ring => {}
                Source::Peer(tag) => self.ending.extend([tag]),
                Source::Session(tag) => self.hear(tag),
            }
        }
        // Whose end is seen before the ring is read has everything it wrote in what is read.
        let is_round = Instant::now() >= self.next_round;
        let gone = self.gone(is_round);
        if gone.is_empty() {
            self.read()?;
        } else {
            let head = self.reader.head();
            while self.reader.tail() < head && self.read()? > 0 {}
        }
        if !gone.is_empty() || is_round {
            self.look_for_losses();
            self.next_round = Instant::now() + ROUND;
        }
        if is_round || self.is_late {
            self.turn_the_silent_away();
        }
        gone.into_iter().for_each(|tag| self.leave(tag));
        Ok(has_happened || is_round || self.is_late)
    }

    /// Whose every writer is dropped: of those of whom the poller told, and each round of all, since some may have found no
    /// descriptor to be watched by.
    fn gone(&mut self, all: bool) -> Vec<u64> {
        let is_gone = |tag: &u64| self.writers.get(tag).is_some_and(|writer| writer.peer.is_peer_closed());
        let gone: Vec<u64> = if all {
            self.writers.keys().copied().filter(is_gone).collect()
        } else {
            self.ending.iter().copied().filter(is_gone).collect()
        };
        self.ending.retain(|tag| !gone.contains(tag));
        gone
    }

    /// Admits whoever has connected.
    fn accept(&mut self) {
        let Some(listener) = &self.listener else {
            return;
        };
        let Ok(Some(stream)) = self.poller.accept(listener) else {
            return;
        };
        let tag = self.new_tag();
        let Ok(process) = Process::behind(&stream, tag) else {
            return;
        };
        let process = Arc::new(process);
        if self.silent.len() + self.writers.len() >= self.limits.connections {
            return self.turn_away(process, "there are as many connections as are allowed");
        }
        if !(self.limits.admit)(&process) {
            return self.turn_away(process, "not admitted");
        }
        match self.poller.watch(&stream, Source::Session(tag)) {
            Ok(()) => drop(self.silent.insert(tag, Session::new(process, stream))),
            Err(_) => self.turn_away(process, "out of memory"),
        }
    }

    /// Something was said on a connection, or it has ended.
    fn hear(&mut self, tag: u64) {
        if let Some(session) = self.silent.get_mut(&tag) {
            match session.hear() {
                Heard::Nothing => {}
                Heard::Request(request) => {
                    let Session { process, stream, .. } = self.silent.remove(&tag).expect("looked up just now");
                    self.serve(process, stream, request);
                }
                Heard::End => drop(self.silent.remove(&tag)),
                Heard::Nonsense => {
                    let session = self.silent.remove(&tag).expect("looked up just now");
                    self.turn_away(session.process, "it did not say what it wants");
                }
            }
        } else if let Some(writer) = self.writers.get_mut(&tag) {
            // A writer says nothing more; whatever it does, its connection has served its time.
            writer.session = None;
            self.watch_peer(tag);
        }
    }

    fn serve(&mut self, process: Arc<Process>, stream: UnixStream, request: Request) {
        match request {
            Request::Write => match self.hand_over(&process, &stream) {
                Ok((peer, losses)) => {
                    self.enter(process.clone(), peer, Some(Session::new(process, stream)), Some(losses));
                }
                Err(_) => self.turn_away(process, "its writer could not be handed over"),
            },
            request => {
                self.poller.forget(&stream);
                self.events.push_back(Event::Watcher(Watcher { process, request, stream }));
            }
        }
    }

    fn hand_over(&mut self, process: &Process, stream: &UnixStream) -> io::Result<(Iob, Losses)> {
        let (writer, peer) = self.reader.new_iob_writer(process.tag)?;
        let losses = Losses::offer(stream)?;
        writer.send_to(stream)?;
        Ok((peer, losses))
    }

    fn enter(&mut self, process: Arc<Process>, peer: Iob, session: Option<Session>, losses: Option<Losses>) {
        let (read, lost) = (Count::default(), Count::default());
        let writer = Writer { process: process.clone(), peer, session, losses, read, lost };
        self.writers.insert(process.tag, writer);
        self.events.push_back(Event::Joined(process));
    }

    fn new_tag(&mut self) -> u64 {
        self.last_tag += 1;
        self.last_tag
    }

    /// Has the poller tell of the end of a writer that has no connection.
    fn watch_peer(&mut self, tag: u64) {
        if let Some(writer) = self.writers.get(&tag) {
            // Where no descriptor is left, its end is seen at the next round.
            let _ = writer.peer.try_as_fd().and_then(|fd| self.poller.watch(fd, Source::Peer(tag)));
        }
    }

    /// Tells of the records that are there. Returns how many those were.
    fn read(&mut self) -> io::Result<usize> {
        let read = match self.reader.read_batch(&mut self.batch, BATCH) {
            Ok(read) => read,
            Err(_) => {
                let bytes = self.reader.resync();
                self.events.push_back(Event::Damaged { bytes });
                return Ok(0);
            }
        };
        let time = SystemTime::now();
        for (tag, message) in self.batch.iter() {
            if let Some(writer) = self.writers.get_mut(&tag) {
                writer.read += Count { records: 1, bytes: message.len() as u64 };
                let process = writer.process.clone();
                self.events.push_back(Event::Record(Record { process, time, message: message.to_vec() }));
            }
        }
        Ok(read)
    }

    fn look_for_losses(&mut self) {
        let accounts = self.reader.accounts();
        for (tag, writer) in &mut self.writers {
            let lost = lost(accounts.by_tag.get(tag), writer.losses.as_ref());
            if lost.records > writer.lost.records {
                let before = std::mem::replace(&mut writer.lost, lost);
                self.lost.records = self.lost.records.saturating_add(lost.records - before.records);
                self.lost.bytes = self.lost.bytes.saturating_add(lost.bytes.saturating_sub(before.bytes));
                self.events.push_back(Event::Lost(Lost {
                    process: writer.process.clone(),
                    records: lost.records - before.records,
                    bytes: lost.bytes.saturating_sub(before.bytes),
                }));
            }
        }
    }

    fn leave(&mut self, tag: u64) {
        if let Some(writer) = self.writers.remove(&tag) {
            let left = Left { process: writer.process, records: writer.read.records, lost: writer.lost.records };
            self.events.push_back(Event::Left(left));
        }
    }

    /// Some of those who have not said in time what they want.
    fn turn_the_silent_away(&mut self) {
        let patience = self.limits.patience;
        let late: Vec<u64> = self
            .silent
            .iter()
            .filter(|(_, session)| session.age().is_some_and(|age| age > patience))
            .map(|(&tag, _)| tag)
            .take(LATE)
            .collect();
        self.is_late = late.len() == LATE;
        for tag in late {
            let session = self.silent.remove(&tag).expect("found just now");
            self.turn_away(session.process, "it did not say in time what it wants");
        }
    }

    fn turn_away(&mut self, process: Arc<Process>, why: &'static str) {
        self.events.push_back(Event::TurnedAway { process, why });
    }

    /// Admits nobody any more, and has every write refused; what was accepted is still told.
    fn stop(&mut self) {
        self.poller.forget(&self.stopper);
        self.listener = None;
        self.silent.clear();
        self.reader.close();
        self.stage = Stage::Closing;
    }
}

/// What was refused: as seen here, and as the writer itself has counted it, which may be any figure.
fn lost(account: Option<&Account>, losses: Option<&Losses>) -> Count {
    let here = account.map_or([Count::default(); 2], |account| [account.no_space, account.bad]);
    let all = here.into_iter().chain(losses.map(Losses::count));
    all.fold(Count::default(), |sum, count| Count {
        records: sum.records.saturating_add(count.records),
        bytes: sum.bytes.saturating_add(count.bytes),
    })
}

impl Iterator for Collector {
    type Item = io::Result<Event>;

    fn next(&mut self) -> Option<Self::Item> {
        self.next_event(None).transpose()
    }
}
