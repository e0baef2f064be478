//! crossbeam-channel, bounded, of `Vec`s.

use crate::peer::{Between, Peer, Seed, Shape, seed};
use anyhow::Result;
use crossbeam_channel::{Receiver, Sender, bounded};

/// See the module.
pub enum Crossbeam {}

impl Peer for Crossbeam {
    const NAME: &'static str = "crossbeam-channel";
    const CRATE: Option<&'static str> = Some("crossbeam-channel");
    type Writer = Sender<Vec<u8>>;
    type Reader = Receiver<Vec<u8>>;

    fn refuses(shape: &Shape) -> Option<&'static str> {
        (shape.between == Between::Processes).then_some("one process only")
    }

    fn open(shape: &Shape) -> Result<(Vec<Seed<Self::Writer>>, Self::Reader)> {
        let (sender, receiver) = bounded(shape.slots());
        Ok(((0..shape.writers).map(|_| seed(sender.clone())).collect(), receiver))
    }
}

impl crate::peer::Writer for Sender<Vec<u8>> {
    #[inline(always)]
    fn write(&mut self, message: &[u8]) -> bool {
        // Looked at first, so that a full channel does not cost an allocation.
        !self.is_full() && self.try_send(message.to_vec()).is_ok()
    }
}

impl crate::peer::Reader for Receiver<Vec<u8>> {
    #[inline(always)]
    fn drain(&mut self, visit: &mut impl FnMut(&[u8])) -> usize {
        let mut visited = 0;
        while let Ok(message) = self.try_recv() {
            visit(&message);
            visited += 1;
        }
        visited
    }

    fn drain_blocking(&mut self, visit: &mut impl FnMut(&[u8])) -> usize {
        let Ok(message) = self.recv() else {
            return 0;
        };
        visit(&message);
        1 + self.drain(visit)
    }
}
