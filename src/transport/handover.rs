//! Handing an endpoint to another process, and receiving one.
//!
//! One message over a Unix stream socket, with descriptors attached ([`Offer`]). What arrives is believed only after every
//! part of it was checked; on any error all descriptors that came are closed.

mod offer;

use crate::doorbell::Doorbell;
use crate::layout::ACCOUNTS;
use crate::region::Region;
use crate::ring::Ring;
use crate::strange::{Socket, Strangers};
use crate::transport::Transport;
use crate::transport::broker::remote::Remote;
use crate::transport::checks;
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
    let (offer, mut strangers) = receive(from)?;
    match offer.kind {
        Kind::Isolated => isolated(&offer, &mut strangers),
        Kind::Mediated => {
            let [program, link] = strangers.each().ok_or_else(miscounted)?;
            checks::silent_link(link)?;
            Mediated::check(program)?;
            mediated(&offer, strangers.take_each().ok_or_else(miscounted)?)
        }
        Kind::MediatedOrIsolated => {
            let [program, link, socket] = strangers.each().ok_or_else(miscounted)?;
            checks::silent_link(link)?;
            match Mediated::check(program) {
                Ok(()) => {
                    checks::silent_link(socket)?;
                    let [program, link, socket] = strangers.take_each().ok_or_else(miscounted)?;
                    drop(Socket::silent(socket));
                    mediated(&offer, [program, link])
                }
                Err(error) if error.kind() == io::ErrorKind::Unsupported => isolated(&offer, &mut strangers),
                Err(error) => Err(error),
            }
        }
        Kind::Mapped => {
            let slot = usize::try_from(offer.slot).ok().filter(|&slot| slot < ACCOUNTS);
            let slot = slot.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "an account that is none"))?;
            let [region, bell, link] = strangers.each().ok_or_else(miscounted)?;
            let geometry = Region::check(region, offer.capacity)?;
            checks::bell(bell)?;
            checks::silent_link(link)?;
            let [region, bell, link] = strangers.take_each().ok_or_else(miscounted)?;
            let link = Arc::new(Link::new(Socket::silent(link)));
            let (region, doorbell) = (Region::adopt(region, geometry)?, Doorbell::elsewhere(bell));
            let watched = Arc::new(Watched::new(link, offer.namespace)?);
            let ring = Arc::new(Ring::new(region, doorbell));
            Ok(Transport::Direct(Direct::new(ring, offer.tag, Place::Elsewhere(watched, slot))))
        }
    }
}

/// Receives what somebody offers, if it comes with a socket: nothing else of it is used.
pub(crate) fn accept_isolated(from: BorrowedFd<'_>) -> io::Result<Transport> {
    let (offer, mut strangers) = receive(from)?;
    match offer.kind {
        Kind::Isolated | Kind::MediatedOrIsolated => isolated(&offer, &mut strangers),
        kind => {
            let why = format!("the sender offers {}, where only an isolated endpoint is taken", kind.in_words());
            Err(io::Error::new(io::ErrorKind::InvalidData, why))
        }
    }
}

/// An offer, and the descriptors of its kind.
fn receive(from: BorrowedFd<'_>) -> io::Result<(Offer, Strangers)> {
    let mut bytes = [0; Offer::SIZE];
    let strangers = receive_with(from, &mut bytes)?;
    let offer = Offer::from_bytes(&bytes)?;
    if strangers.len() != offer.kind.descriptors() {
        return Err(miscounted());
    }
    Ok((offer, strangers))
}

fn miscounted() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "an endpoint with too few or too many descriptors")
}

/// The socket comes last. What comes before it is not used.
fn isolated(offer: &Offer, strangers: &mut Strangers) -> io::Result<Transport> {
    checks::silent_link(strangers.last().ok_or_else(miscounted)?)?;
    let socket = Socket::silent(strangers.take_last().ok_or_else(miscounted)?);
    if strangers.last().is_some_and(|link| checks::silent_link(link).is_ok()) {
        // The link of a program, whose other end learns at once that nobody will use it.
        drop(strangers.take_last().map(Socket::silent));
    }
    Ok(Transport::Broker(Remote::new(Arc::new(Link::new(socket)), offer.tag, offer.capacity)))
}

fn mediated(offer: &Offer, [program, link]: [OwnedFd; 2]) -> io::Result<Transport> {
    let link = Arc::new(Link::new(Socket::silent(link)));
    Ok(Transport::Kernel(Mediated::new(program, link, offer.tag, offer.capacity)))
}
