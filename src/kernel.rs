//! What a ring has beside its region if the kernel writes into it for others: bells that a program can ring, and the rights to
//! write.

use crate::bpf::{self, Bell, Values};
use crate::doorbell::Doorbell;
use crate::grants::{Granted, Grants};
use crate::obstacle::{Obstacle, Step};
use crate::region::Region;
use core::sync::atomic::AtomicBool;
use rustix::event::epoll;
use rustix::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

/// The kernel as one ring's mediator.
#[derive(Debug)]
pub(crate) struct Kernel {
    /// Rung for a task; the broker thread hears it and wakes the task.
    pub(crate) wakers_bell: Bell,
    /// Rung for whoever sleeps or polls.
    descriptors_bell: Bell,
    /// Readable when that one or the reader's other bell is.
    either: OwnedFd,
    pub(crate) grants: Grants,
    /// Whether a writer that is handed over may write by way of the kernel although it was not asked for by name.
    pub(crate) preferred: AtomicBool,
}

impl Kernel {
    pub(crate) fn new(doorbell: &Doorbell) -> Result<Self, Obstacle> {
        let bell = || Bell::new().map_err(|error| Obstacle::of(Step::Bell, error));
        let (wakers_bell, descriptors_bell) = (bell()?, bell()?);
        let either = Self::either(doorbell.as_fd(), descriptors_bell.as_fd());
        let either = either.map_err(|errno| Obstacle::Status(errno.into()))?;
        let (grants, preferred) = (Grants::default(), AtomicBool::new(false));
        Ok(Kernel { wakers_bell, descriptors_bell, either, grants, preferred })
    }

    fn either(one: BorrowedFd<'_>, other: BorrowedFd<'_>) -> rustix::io::Result<OwnedFd> {
        let either = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        for bell in [one, other] {
            epoll::add(&either, bell, epoll::EventData::new_u64(0), epoll::EventFlags::IN)?;
        }
        Ok(either)
    }

    /// Makes the descriptor unreadable, as far as it is the kernel that rang.
    pub(crate) fn silence(&self) {
        self.descriptors_bell.silence();
    }

    /// A program by which the holder of `granted`, and nobody else, writes into this region with this tag.
    pub(crate) fn program(&self, region: &Region, tag: u64, granted: &Granted) -> Result<OwnedFd, Obstacle> {
        let unknown = || Obstacle::Machine("where its kernel keeps a system call's arguments is not known here".into());
        let values = Values {
            region: region.as_fd().as_raw_fd(),
            wakers_bell: self.wakers_bell.as_fd().as_raw_fd(),
            descriptors_bell: self.descriptors_bell.as_fd().as_raw_fd(),
            capacity: region.capacity() as u64,
            tag,
            holder: granted.holder(),
            grant: (granted.map(), granted.offset()),
            arguments: bpf::ARGUMENTS.ok_or_else(unknown)?,
        };
        let functions = bpf::of_this_kernel().map_err(Obstacle::Kernel)?;
        let code = bpf::link(&values, functions)
            .map_err(|name| Obstacle::Kernel(format!("it has no function {name} for programs (Linux 6.15 has)")))?;
        bpf::load(&code).map_err(|error| Obstacle::of(Step::Program, error))
    }
}

impl AsFd for Kernel {
    /// Readable when the reader's bell was rung, by whomever.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.either.as_fd()
    }
}
