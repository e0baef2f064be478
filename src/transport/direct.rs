//! The direct transport: the library writes the record, in a process that maps the region.

use crate::accounts::{COMMON, Entry};
use crate::kernel::Kernel;
use crate::orderings::PREFERRED;
use crate::pair::Endpoint;
use crate::process::pid_namespace;
use crate::protocol::account::Account;
use crate::protocol::write::{self, Message, Refusal};
use crate::protocol::{close, section};
use crate::ring::Ring;
use crate::status::Status;
use crate::transport::broker::{Host, Writer};
use crate::transport::handover;
use crate::transport::mapped::{self, Watched};
use crate::waiting::{Deadline, block_until};
use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
use std::io;
use std::sync::Arc;
use weakest_facade::Native;
use weakest_facade::native::is_robust;

/// A writer in a process that maps the region.
#[derive(Clone, Debug)]
pub(crate) struct Direct {
    ring: Arc<Ring>,
    tag: u64,
    pub(crate) place: Place,
}

/// Where the writer is.
#[derive(Clone, Debug)]
pub(crate) enum Place {
    /// In the owner's process, where the pair was made.
    Here(Local),
    /// In a process that received it: and the number of the slot in the region where it counts.
    Elsewhere(Arc<Watched>, usize),
}

/// What a writer in the owner's process has beside the ring.
#[derive(Clone, Debug)]
pub(crate) struct Local {
    pub(crate) endpoint: Endpoint,
    pub(crate) entry: Arc<Entry>,
    pub(crate) host: Arc<Host>,
}

impl Direct {
    pub(crate) fn new(ring: Arc<Ring>, tag: u64, place: Place) -> Self {
        Direct { ring, tag, place }
    }

    pub(crate) fn tag(&self) -> u64 {
        self.tag
    }

    pub(crate) fn capacity(&self) -> u64 {
        self.ring.region.capacity() as u64
    }

    /// Writes one record.
    #[inline(always)]
    pub(crate) fn write(&self, message: impl Message) -> Result<(), Status> {
        self.be_watched()?;
        let written = write::write_counted::<Native, _>(&*self.ring, self.tag, self.account(), &message);
        written.map_err(|refusal| self.refused(refusal, message.any_len()))
    }

    /// Writes records, as many as there is room for, and returns how many those were.
    #[inline(always)]
    pub(crate) fn write_batch(&self, messages: &[impl Message]) -> Result<usize, Status> {
        self.be_watched()?;
        let written = write::write_batch_counted::<Native, _>(&*self.ring, self.tag, self.account(), messages);
        // Only the first can be refused.
        written.map_err(|refusal| self.refused(refusal, messages[0].any_len()))
    }

    /// Writes one record, waiting for room until the deadline. A try in vain is counted as a refusal if it is the last.
    pub(crate) fn write_until(&self, message: impl Message, deadline: Deadline) -> Result<(), Status> {
        while !self.offer(&message)? {
            let waited = match deadline.is_over() {
                true => Err(Status::TIMED_OUT),
                false => self.wait_for_room(&message, deadline),
            };
            match waited {
                Ok(()) => {}
                // Room may have come at the same moment.
                Err(Status::TIMED_OUT) if self.offer(&message)? => break,
                Err(status) => return Err(self.given_up(status, &message)),
            }
        }
        Ok(())
    }

    /// Writes one record, waiting for room as a task.
    pub(crate) async fn write_when_room(&self, message: impl Message) -> Result<(), Status> {
        while !self.offer(&message)? {
            self.room(&message).await.map_err(|status| self.given_up(status, &message))?;
        }
        Ok(())
    }

    /// Waits, as a task, until it is worth another try.
    async fn room(&self, message: &impl Message) -> Result<(), Status> {
        let record_len = mapped::record_len(message);
        match &self.place {
            Place::Here(local) => match local.host.room(&self.ring, record_len).map_err(Status::of_call)?.await {
                true => Ok(()),
                false => Err(Status::PEER_CLOSED),
            },
            Place::Elsewhere(watched, _) => mapped::room(watched.link(), record_len).await,
        }
    }

    /// Counts a record that there was no room for, and is not tried any more.
    fn given_up(&self, why: Status, message: &impl Message) -> Status {
        self.refused(Refusal::Full, message.any_len());
        why
    }

    /// Writes one record; `false` if there is no room now, which is counted as no refusal.
    fn offer(&self, message: &impl Message) -> Result<bool, Status> {
        self.be_watched()?;
        match write::write_counted::<Native, _>(&*self.ring, self.tag, self.account(), message) {
            Ok(()) => Ok(true),
            Err(Refusal::Full) if self.status(Refusal::Full) == Status::NO_SPACE => Ok(false),
            Err(refusal) => Err(self.refused(refusal, message.any_len())),
        }
    }

    /// Waits until it is worth another try.
    fn wait_for_room(&self, message: &impl Message, deadline: Deadline) -> Result<(), Status> {
        match &self.place {
            Place::Here(local) => {
                let room = local.host.room(&self.ring, mapped::record_len(message)).map_err(Status::of_call)?;
                match block_until(room, deadline) {
                    Some(true) => Ok(()),
                    Some(false) => Err(Status::PEER_CLOSED),
                    None => Err(Status::TIMED_OUT),
                }
            }
            Place::Elsewhere(watched, _) => {
                mapped::wait_for_room(watched.link(), mapped::record_len(message), deadline)
            }
        }
    }

    /// Sees to it that the owner learns of this process's end, if it is not the owner's own.
    #[inline(always)]
    fn be_watched(&self) -> Result<(), Status> {
        match &self.place {
            Place::Here(..) => Ok(()),
            // Others wait for a lock that must not die with this thread.
            Place::Elsewhere(..) if !is_robust() => Err(Status::BAD_HANDLE),
            Place::Elsewhere(watched, _) => watched.renew().map_err(|error| match error.kind() {
                io::ErrorKind::BrokenPipe => Status::PEER_CLOSED,
                io::ErrorKind::TimedOut => Status::TIMED_OUT,
                _ => Status::BAD_HANDLE,
            }),
        }
    }

    /// Where what is accepted is counted.
    #[inline(always)]
    fn account(&self) -> Account<'_, Native> {
        match &self.place {
            Place::Here(local) if self.ring.doorbell.is_home() => Account::Own(&local.entry.own.0),
            Place::Here(..) => self.account_of_a_fork(),
            Place::Elsewhere(_, slot) => Account::Shared(*slot),
        }
    }

    /// A fork's own memory is nothing that the owner sees; nor may its thread be taken for the one that the lock is biased towards.
    #[cold]
    fn account_of_a_fork(&self) -> Account<'_, Native> {
        self.ring.open_from_fork();
        Account::Shared(COMMON)
    }

    #[cold]
    fn refused(&self, refusal: Refusal, bytes: u64) -> Status {
        let status = self.status(refusal);
        let slots = &self.ring.region.accounts().slots;
        let slot = match self.account() {
            Account::Own(slot) => Some(slot),
            Account::Shared(number) => slots.get(number),
            Account::None => None,
        };
        if let Some(slot) = slot {
            slot.refuse(refusal, bytes);
        }
        status
    }

    fn status(&self, refusal: Refusal) -> Status {
        match refusal {
            Refusal::Invalid => Status::INVALID_ARGS,
            Refusal::Corrupt => Status::IO_DATA_INTEGRITY,
            Refusal::TooLarge => Status::NO_SPACE,
            Refusal::Closed => Status::PEER_CLOSED,
            Refusal::Full => match &self.place {
                // Looked at only now, since whoever finds room need not know.
                Place::Elsewhere(watched, _) if watched.link().is_owner_gone() => Status::PEER_CLOSED,
                _ => Status::NO_SPACE,
            },
        }
    }

    /// Hands an isolated copy over.
    pub(crate) fn send_to(&self, to: BorrowedFd<'_>) -> io::Result<()> {
        if let (Place::Here(local), Some(kernel)) = (&self.place, &self.ring.kernel)
            && kernel.preferred.load(PREFERRED)
            && let Ok((program, link)) = self.program(local, kernel)
        {
            let socket = local.host.connect(&self.ring, self.source(local))?;
            let (program, link, socket) = (program.as_fd(), link.as_fd(), Some(socket.as_fd()));
            return handover::offer_program(to, self.tag, self.ring.region.capacity() as u64, program, link, socket);
        }
        let theirs = match &self.place {
            Place::Here(local) => local.host.connect(&self.ring, self.source(local))?,
            Place::Elsewhere(watched, _) => {
                let theirs = mapped::request_connection(watched.link());
                // Before the ring was closed: then its owner has found the request. Or else nobody may have the socket.
                if watched.link().is_owner_gone()
                    || section::exclusively(&*self.ring, |_| close::is_closing(&*self.ring))
                {
                    return Err(io::Error::new(io::ErrorKind::BrokenPipe, "the ring is closed"));
                }
                theirs?
            }
        };
        handover::offer_isolated(to, self.tag, self.ring.region.capacity() as u64, theirs.as_fd())
    }

    /// Hands over a copy for which the kernel writes.
    pub(crate) fn send_kernel_to(&self, to: BorrowedFd<'_>) -> io::Result<()> {
        let (Place::Here(local), Some(kernel)) = (&self.place, &self.ring.kernel) else {
            let why = "the kernel writes into rings made by RingBuffer::create_mediated, and for their owner";
            return Err(io::Error::new(io::ErrorKind::Unsupported, why));
        };
        let (program, link) = self.program(local, kernel)?;
        let capacity = self.ring.region.capacity() as u64;
        handover::offer_program(to, self.tag, capacity, program.as_fd(), link.as_fd(), None)
    }

    /// A program for a new holder, and its link to this process.
    fn program(&self, local: &Local, kernel: &Kernel) -> io::Result<(OwnedFd, OwnedFd)> {
        local.host.must_be_home()?;
        let granted = kernel.grants.give(&*self.ring)?;
        let loaded = kernel.program(&self.ring.region, self.tag, &granted);
        let linked = local.host.grant(&self.ring, self.source(local), granted);
        // In this order, so that what was granted is taken back in either case.
        let link = linked?;
        Ok((loaded?, link))
    }

    /// Takes the right to write back from isolated copies in other processes.
    pub(crate) fn revoke(&self) -> io::Result<()> {
        match &self.place {
            Place::Here(local) => local.host.revoke(&self.ring, &local.endpoint),
            Place::Elsewhere(..) => Err(io::Error::new(
                io::ErrorKind::Unsupported,
                "the right to write is taken back where it was given, in the process of the ring's owner",
            )),
        }
    }

    /// Hands over a copy that maps the region.
    pub(crate) fn send_mapped_to(&self, to: BorrowedFd<'_>) -> io::Result<()> {
        if self.ring.kernel.is_some() {
            let why = "on a ring into which the kernel writes nobody sleeps on the lock, as a writer elsewhere would";
            return Err(io::Error::new(io::ErrorKind::Unsupported, why));
        }
        match &self.place {
            Place::Here(local) => {
                if !is_robust() {
                    let why =
                        "this thread has no robust list, so that a lock shared with other processes would die with it";
                    return Err(io::Error::new(io::ErrorKind::Unsupported, why));
                }
                let namespace = pid_namespace()?;
                let theirs = local.host.link(&self.ring, self.source(local))?;
                let slot = self.ring.book.share(&local.entry);
                self.ring.open();
                handover::offer_mapped(to, self.tag, &self.ring, slot, namespace, theirs.as_fd())
            }
            Place::Elsewhere(watched, slot) => {
                handover::offer_mapped(to, self.tag, &self.ring, *slot, watched.namespace(), watched.link().as_fd())
            }
        }
    }

    fn source(&self, local: &Local) -> Writer {
        Writer { tag: self.tag, endpoint: local.endpoint.clone(), entry: local.entry.clone() }
    }
}
