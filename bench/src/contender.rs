//! Peers as values: every peer behind one vtable, entered once per measurement and never per message.

use crate::machine;
use crate::peer::{Peer, Shape, Waiting};
use crate::peers;
use crate::round_trip::{self, Distribution};
use crate::throughput;
use anyhow::Result;
use core::marker::PhantomData;
use serde_json::Value;

/// A peer, or the name of one that this build has not.
pub trait Contender {
    /// The peer's name.
    fn name(&self) -> &'static str;
    /// The crate it comes from, if it comes from one.
    fn crate_name(&self) -> Option<&'static str>;
    /// Why it cannot be used like that, if it cannot.
    fn refuses(&self, shape: &Shape) -> Option<&'static str>;
    /// See [`throughput::measure`].
    fn throughput(&self, shape: &Shape, messages: usize) -> Result<f64>;
    /// See [`round_trip::measure`].
    fn round_trip(&self, waiting: Waiting, count: usize) -> Result<Distribution>;
}

struct Of<P>(PhantomData<P>);

impl<P: Peer> Contender for Of<P> {
    fn name(&self) -> &'static str {
        P::NAME
    }
    fn crate_name(&self) -> Option<&'static str> {
        P::CRATE
    }
    fn refuses(&self, shape: &Shape) -> Option<&'static str> {
        P::refuses(shape)
    }
    fn throughput(&self, shape: &Shape, messages: usize) -> Result<f64> {
        throughput::measure::<P>(shape, messages)
    }
    fn round_trip(&self, waiting: Waiting, count: usize) -> Result<Distribution> {
        round_trip::measure::<P>(waiting, count)
    }
}

fn of<P: Peer>() -> Box<dyn Contender> {
    Box::new(Of::<P>(PhantomData))
}

/// This project's ring.
pub fn ring() -> Box<dyn Contender> {
    of::<peers::ring::Ring>()
}

/// This project's ring with isolated writers.
pub fn isolated() -> Box<dyn Contender> {
    of::<peers::isolated::Isolated>()
}

/// What an isolated writer is beside: the socket alone.
pub fn socket() -> Box<dyn Contender> {
    of::<peers::seqpacket::SeqPacket>()
}

/// All peers of this build, the limit first.
pub fn peers() -> Vec<Box<dyn Contender>> {
    vec![
        of::<peers::memcpy::Memcpy>(),
        of::<peers::memcpy::MemcpyBatches>(),
        #[cfg(feature = "aeron")]
        of::<peers::aeron::Aeron>(),
        #[cfg(feature = "rtrb")]
        of::<peers::rtrb::Rtrb>(),
        #[cfg(feature = "rtrb")]
        of::<peers::rtrb::RtrbChunks>(),
        #[cfg(feature = "thingbuf")]
        of::<peers::thingbuf::Thingbuf>(),
        #[cfg(feature = "crossbeam")]
        of::<peers::crossbeam::Crossbeam>(),
        #[cfg(feature = "kanal")]
        of::<peers::kanal::Kanal>(),
        #[cfg(feature = "iceoryx2")]
        of::<peers::iceoryx2::Iceoryx2>(),
        #[cfg(feature = "ipmpsc")]
        of::<peers::ipmpsc::Ipmpsc>(),
        of::<peers::seqpacket::SeqPacket>(),
        of::<peers::pipe::Pipe>(),
    ]
}

/// Crates and the versions that were measured.
pub fn versions() -> Vec<(String, Value)> {
    let all = core::iter::once(ring()).chain(peers());
    let mut names: Vec<_> = all.filter_map(|contender| contender.crate_name()).collect();
    names.dedup();
    names.into_iter().map(|name| (name.to_owned(), machine::version(name).into())).collect()
}

/// The peers that this build leaves out.
pub fn left_out() -> Vec<&'static str> {
    let all = [
        ("aeron-rs", cfg!(feature = "aeron")),
        ("rtrb", cfg!(feature = "rtrb")),
        ("thingbuf", cfg!(feature = "thingbuf")),
        ("crossbeam-channel", cfg!(feature = "crossbeam")),
        ("kanal", cfg!(feature = "kanal")),
        ("iceoryx2", cfg!(feature = "iceoryx2")),
        ("ipmpsc", cfg!(feature = "ipmpsc")),
    ];
    all.into_iter().filter(|(_, built)| !built).map(|(name, _)| name).collect()
}
