//! Lines for whoever watches, as they come: whoever does not keep up misses some, and is told how many.

use std::collections::VecDeque;
use std::io::{self, ErrorKind, Write};
use std::os::unix::net::UnixStream;

/// How many bytes may wait for one watcher.
const MOST: usize = 1 << 20;

/// Lines on their way to one watcher, whose connection does not block.
#[derive(Debug)]
pub struct Feed {
    stream: UnixStream,
    waiting: VecDeque<u8>,
    missed: u64,
    ends: bool,
}

impl Feed {
    /// Feeds `stream`, which must not block.
    pub fn new(stream: UnixStream) -> Self {
        Feed { stream, waiting: VecDeque::new(), missed: 0, ends: false }
    }

    /// Adds a line, without its newline. It is missed where too much waits already; `report` makes the line that says so.
    /// Nothing is added to what is to [end](Self::end).
    pub fn push(&mut self, line: &[u8], report: impl FnOnce(u64) -> Vec<u8>) {
        if self.ends {
            return;
        }
        if self.waiting.len() + line.len() >= MOST {
            self.missed += 1;
            return;
        }
        if self.missed > 0 {
            let missed = std::mem::take(&mut self.missed);
            self.waiting.extend(report(missed));
            self.waiting.push_back(b'\n');
        }
        self.waiting.extend(line);
        self.waiting.push_back(b'\n');
    }

    /// Adds lines of any number, however much waits already: what was retained.
    pub fn begin(&mut self, lines: impl IntoIterator<Item: AsRef<[u8]>>) {
        for line in lines {
            self.waiting.extend(line.as_ref());
            self.waiting.push_back(b'\n');
        }
    }

    /// Closes the connection once everything that was added so far has been sent.
    pub fn end(&mut self) {
        self.ends = true;
    }

    /// Sends what can be sent now. Returns whether the watcher is there still.
    pub fn flush(&mut self) -> bool {
        while !self.waiting.is_empty() {
            let (front, _) = self.waiting.as_slices();
            match self.stream.write(front) {
                Ok(0) => return false,
                Ok(sent) => drop(self.waiting.drain(..sent)),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return true,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => return false,
            }
        }
        !self.ends && !self.is_gone()
    }

    /// Whether the watcher has closed its end; whatever it says otherwise is ignored.
    fn is_gone(&self) -> bool {
        let mut said = [0; 64];
        matches!(io::Read::read(&mut &self.stream, &mut said), Ok(0))
    }

    /// Whether something waits to be sent.
    pub fn is_behind(&self) -> bool {
        !self.waiting.is_empty()
    }
}

/// All watchers.
#[derive(Debug, Default)]
pub struct Feeds {
    feeds: Vec<Feed>,
}

impl Feeds {
    /// None.
    pub fn new() -> Self {
        Feeds::default()
    }

    /// One more.
    pub fn add(&mut self, feed: Feed) {
        self.feeds.push(feed);
    }

    /// A line for all of them; see [`Feed::push`].
    pub fn push(&mut self, line: &[u8], report: impl Fn(u64) -> Vec<u8>) {
        for feed in &mut self.feeds {
            feed.push(line, &report);
        }
    }

    /// Sends what can be sent, and forgets those who are gone. Returns whether somebody is behind.
    pub fn flush(&mut self) -> bool {
        self.feeds.retain_mut(Feed::flush);
        self.feeds.iter().any(Feed::is_behind)
    }

    /// Whether anybody watches.
    pub fn is_empty(&self) -> bool {
        self.feeds.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;

    #[test]
    fn an_answer_that_is_not_sent_yet_gets_nothing_that_comes_after_it() {
        let (ours, mut theirs) = UnixStream::pair().unwrap();
        ours.set_nonblocking(true).unwrap();
        let mut feeds = Feeds::new();
        let mut answer = Feed::new(ours);
        answer.begin(["the answer"]);
        answer.end();
        feeds.add(answer);
        feeds.push(b"an entry", |_| unreachable!());
        assert!(!feeds.flush() && feeds.is_empty());
        let mut heard = String::new();
        theirs.read_to_string(&mut heard).unwrap();
        assert_eq!(heard, "the answer\n");
    }
}
