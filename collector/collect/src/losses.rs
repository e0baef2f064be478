//! What a writer had to give up, counted in memory that outlives it.
//!
//! A refused record leaves no trace at the collector, and a writer that is killed says nothing more. So the two share a few bytes:
//! the writer counts there before it returns, and the collector looks at the figure when the writer is gone. When the collector ends it
//! seals the figure: what was counted before is told, and whoever counts later learns that nobody will.
//!
//! They are handed over as a message of their own before the writer is. The collector makes them, so that it maps nothing of a
//! stranger's, and seals their size, so that no access can fail on either side. What a hostile writer puts there is its own figure.

use iobring::Count;
use memmap2::{MmapOptions, MmapRaw};
use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, fcntl_get_seals, fstat, ftruncate, memfd_create};
use rustix::io::retry_on_intr;
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage, SendFlags,
    recvmsg, sendmsg,
};
use std::io::{self, ErrorKind, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicU64, Ordering};

/// The message that they come with.
const MESSAGE: [u8; 8] = *b"iob-lost";

/// How many bytes of a connection they take: when there are more, what follows is there too.
pub(crate) const MESSAGE_LEN: usize = MESSAGE.len();

/// The top bit of the number of records: nobody looks any more.
const SEALED: u64 = 1 << 63;

/// So many bytes are shared: the number of records, and that of their bytes.
const SIZE: usize = 2 * size_of::<u64>();

/// A writer's losses, as both sides have them.
#[derive(Debug)]
pub(crate) struct Losses {
    memory: MmapRaw,
}

impl Losses {
    /// Makes some, and sends them to the writer at the other end of `stream`.
    pub(crate) fn offer(stream: &UnixStream) -> io::Result<Self> {
        let file = memfd_create("iobring-losses", MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING)?;
        ftruncate(&file, SIZE as u64)?;
        fcntl_add_seals(&file, SealFlags::SHRINK | SealFlags::GROW | SealFlags::SEAL)?;
        let losses = Losses::map(&file)?;
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut ancillary = SendAncillaryBuffer::new(&mut space);
        let descriptors = [file.as_fd()];
        assert!(ancillary.push(SendAncillaryMessage::ScmRights(&descriptors)), "there is space for one");
        let sent = retry_on_intr(|| sendmsg(stream, &[IoSlice::new(&MESSAGE)], &mut ancillary, SendFlags::NOSIGNAL))?;
        if sent == MESSAGE_LEN { Ok(losses) } else { Err(ErrorKind::WriteZero.into()) }
    }

    /// Receives them from the collector, as long as `stream` waits.
    pub(crate) fn receive(stream: &UnixStream) -> io::Result<Self> {
        let mut message = [0; MESSAGE_LEN];
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut ancillary = RecvAncillaryBuffer::new(&mut space);
        let received = retry_on_intr(|| {
            recvmsg(stream, &mut [IoSliceMut::new(&mut message)], &mut ancillary, RecvFlags::CMSG_CLOEXEC)
        })?;
        let file: Option<OwnedFd> = ancillary.drain().find_map(|message| match message {
            RecvAncillaryMessage::ScmRights(mut descriptors) => descriptors.next(),
            _ => None,
        });
        match file {
            _ if received.bytes == 0 => Err(ErrorKind::UnexpectedEof.into()),
            Some(file) if message == MESSAGE => Losses::map(&file),
            _ => Err(io::Error::new(ErrorKind::InvalidData, "this is no collector's answer")),
        }
    }

    /// # Errors
    /// `InvalidData` where the file might become too small for them.
    fn map(file: &OwnedFd) -> io::Result<Self> {
        // Another kind of file has no seals, which is an error.
        let holds = fcntl_get_seals(file)?.contains(SealFlags::SHRINK) && fstat(file)?.st_size >= SIZE as i64;
        if !holds {
            return Err(io::Error::new(ErrorKind::InvalidData, "no sealed memory to count losses in"));
        }
        Ok(Losses { memory: MmapOptions::new().len(SIZE).map_raw(file)? })
    }

    fn word(&self, index: usize) -> &AtomicU64 {
        assert!((index + 1) * size_of::<u64>() <= SIZE);
        // SAFETY: the mapping has so many bytes (just asserted), begins on a page and lives as long as `self`; the file behind it
        // cannot shrink (`map`). Whoever shares it, in whatever process, may store what it likes, which an atomic access is
        // defined under.
        unsafe { AtomicU64::from_ptr(self.memory.as_mut_ptr().cast::<u64>().add(index)) }
    }

    fn records(&self) -> &AtomicU64 {
        self.word(0)
    }

    fn bytes(&self) -> &AtomicU64 {
        self.word(1)
    }

    /// One record more. Returns whether the collector will tell of it.
    pub(crate) fn add(&self, bytes: usize) -> bool {
        // First, so that whoever sees the record sees its bytes too.
        self.bytes().fetch_add(bytes as u64, Ordering::Relaxed);
        let one_more = |records: u64| (records & SEALED == 0).then(|| records.saturating_add(1));
        self.records().fetch_update(Ordering::Release, Ordering::Relaxed, one_more).is_ok()
    }

    /// What was counted so far. (Of what comes after the seal the bytes may be in there, the records are not.)
    pub(crate) fn count(&self) -> Count {
        let records = self.records().load(Ordering::Acquire) & !SEALED;
        Count { records, bytes: self.bytes().load(Ordering::Relaxed) }
    }

    /// Has whoever counts from now on be told that it is in vain.
    pub(crate) fn seal(&self) {
        self.records().fetch_or(SEALED, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread;

    fn both() -> (Losses, Losses) {
        let (ours, theirs) = UnixStream::pair().unwrap();
        (Losses::offer(&ours).unwrap(), Losses::receive(&theirs).unwrap())
    }

    #[test]
    fn what_is_counted_is_seen_and_stays_when_its_writer_is_gone() {
        let (collector, writer) = both();
        assert!(writer.add(10) && writer.add(5), "nobody has sealed it");
        drop(writer);
        assert_eq!(collector.count(), Count { records: 2, bytes: 15 });
    }

    #[test]
    fn every_loss_is_counted_before_the_seal_or_learns_of_it() {
        let (collector, writer) = both();
        let counted = thread::scope(|scope| {
            let writer = scope.spawn(|| (0..).take_while(|_| writer.add(1)).count() as u64);
            while collector.count().records < 1000 {}
            collector.seal();
            (writer.join().unwrap(), collector.count().records)
        });
        assert_eq!(counted.0, counted.1);
    }

    #[test]
    fn what_comes_from_no_collector_is_refused() {
        let (ours, theirs) = UnixStream::pair().unwrap();
        io::Write::write_all(&mut &ours, &MESSAGE).unwrap();
        assert_eq!(Losses::receive(&theirs).unwrap_err().kind(), ErrorKind::InvalidData);
        // Memory that its maker can take away.
        let file = memfd_create("shrinks", MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING).unwrap();
        ftruncate(&file, SIZE as u64).unwrap();
        assert_eq!(Losses::map(&file).unwrap_err().kind(), ErrorKind::InvalidData);
        drop(ours);
        assert_eq!(Losses::receive(&theirs).unwrap_err().kind(), ErrorKind::UnexpectedEof);
    }
}
