//! Handing an endpoint to another process, and receiving one.
//!
//! One message over a Unix stream socket, with descriptors attached ([`Offer`]). What arrives is believed only after every
//! part of it was checked; on any error all descriptors that came are closed.

mod checks;
mod offer;

use crate::doorbell::Doorbell;
use crate::layout::ACCOUNTS;
use crate::region::Region;
use crate::ring::Ring;
use crate::transport::Transport;
use crate::transport::broker::remote::Remote;
use crate::transport::descriptors::{receive_with, send_with};
use crate::transport::direct::{Direct, Place};
use crate::transport::kernel::Mediated;
use crate::transport::link::Link;
use crate::transport::mapped::Watched;
use offer::{Kind, Offer};
use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
use std::io;
use std::sync::Arc;

/// Offers an isolated endpoint, which is nothing but its socket.
pub(crate) fn offer_isolated(to: BorrowedFd<'_>, tag: u64, capacity: u64, link: BorrowedFd<'_>) -> io::Result<()> {
    let offer = Offer { kind: Kind::Isolated, tag, capacity, slot: 0, namespace: 0 };
    send_with(to, &offer.to_bytes(), &[link])
}

/// Offers an endpoint that maps the ring's region.
pub(crate) fn offer_mapped(
    to: BorrowedFd<'_>,
    tag: u64,
    ring: &Ring,
    slot: usize,
    namespace: u64,
    link: BorrowedFd<'_>,
) -> io::Result<()> {
    let offer =
        Offer { kind: Kind::Mapped, tag, capacity: ring.region.capacity() as u64, slot: slot as u64, namespace };
    send_with(to, &offer.to_bytes(), &[ring.region.as_fd(), ring.doorbell.as_fd(), link])
}

/// Offers an endpoint that writes by way of the kernel; or by a socket where it may not, if there is one.
pub(crate) fn offer_program(
    to: BorrowedFd<'_>,
    tag: u64,
    capacity: u64,
    program: BorrowedFd<'_>,
    link: BorrowedFd<'_>,
    socket: Option<BorrowedFd<'_>>,
) -> io::Result<()> {
    let kind = if socket.is_some() { Kind::MediatedOrIsolated } else { Kind::Mediated };
    let offer = Offer { kind, tag, capacity, slot: 0, namespace: 0 };
    let descriptors: Vec<_> = [program, link].into_iter().chain(socket).collect();
    send_with(to, &offer.to_bytes(), &descriptors)
}

/// Receives what somebody offers.
pub(crate) fn accept(from: BorrowedFd<'_>) -> io::Result<Transport> {
    let (offer, mut descriptors) = receive(from)?;
    let mut next = || descriptors.remove(0);
    match offer.kind {
        Kind::Isolated => remote(&offer, next()),
        Kind::Mediated | Kind::MediatedOrIsolated => {
            let program = next();
            let link = Arc::new(Link::new(checks::link(next())?));
            match (Mediated::new(program, link, offer.tag, offer.capacity), offer.kind) {
                (Ok(mediated), _) => Ok(Transport::Kernel(mediated)),
                (Err(error), Kind::MediatedOrIsolated) if error.kind() == io::ErrorKind::Unsupported => {
                    remote(&offer, next())
                }
                (Err(error), _) => Err(error),
            }
        }
        Kind::Mapped => {
            let slot = usize::try_from(offer.slot).ok().filter(|&slot| slot < ACCOUNTS);
            let slot = slot.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "an account that is none"))?;
            let region = Region::adopt(next(), offer.capacity)?;
            let doorbell = Doorbell::elsewhere(checks::bell(next())?);
            let link = Arc::new(Link::new(checks::link(next())?));
            let watched = Arc::new(Watched::new(link, offer.namespace)?);
            let ring = Arc::new(Ring::new(region, doorbell));
            Ok(Transport::Direct(Direct::new(ring, offer.tag, Place::Elsewhere(watched, slot))))
        }
    }
}

/// Receives what somebody offers, if it comes with a socket: nothing else of it is used.
pub(crate) fn accept_isolated(from: BorrowedFd<'_>) -> io::Result<Transport> {
    let (offer, mut descriptors) = receive(from)?;
    match (offer.kind, descriptors.pop()) {
        // The socket comes last.
        (Kind::Isolated | Kind::MediatedOrIsolated, Some(socket)) => remote(&offer, socket),
        (kind, _) => {
            let why = format!("the sender offers {}, where only an isolated endpoint is taken", kind.in_words());
            Err(io::Error::new(io::ErrorKind::InvalidData, why))
        }
    }
}

/// An offer, and the descriptors of its kind.
fn receive(from: BorrowedFd<'_>) -> io::Result<(Offer, Vec<OwnedFd>)> {
    let mut bytes = [0; Offer::SIZE];
    let descriptors = receive_with(from, &mut bytes)?;
    let offer = Offer::from_bytes(&bytes)?;
    if descriptors.len() != offer.kind.descriptors() {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "an endpoint with too few or too many descriptors"));
    }
    Ok((offer, descriptors))
}

fn remote(offer: &Offer, socket: OwnedFd) -> io::Result<Transport> {
    let link = Arc::new(Link::new(checks::link(socket)?));
    Ok(Transport::Broker(Remote::new(link, offer.tag, offer.capacity)))
}
