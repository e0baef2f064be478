//! thingbuf's channel, whose slots keep their `Vec`s.

use crate::peer::{Between, Peer, Seed, Shape, seed};
use anyhow::Result;
use thingbuf::mpsc::blocking::{Receiver, Sender, with_recycle};
use thingbuf::recycling::WithCapacity;

/// See the module.
pub enum Thingbuf {}

impl Peer for Thingbuf {
    const NAME: &'static str = "thingbuf";
    const CRATE: Option<&'static str> = Some("thingbuf");
    type Writer = Sender<Vec<u8>, WithCapacity>;
    type Reader = Receiver<Vec<u8>, WithCapacity>;

    fn refuses(shape: &Shape) -> Option<&'static str> {
        (shape.between == Between::Processes).then_some("one process only")
    }

    fn open(shape: &Shape) -> Result<(Vec<Seed<Self::Writer>>, Self::Reader)> {
        let recycle = WithCapacity::new().with_min_capacity(shape.payload);
        let (sender, receiver) = with_recycle(shape.slots(), recycle);
        Ok(((0..shape.writers).map(|_| seed(sender.clone())).collect(), receiver))
    }
}

impl crate::peer::Writer for Sender<Vec<u8>, WithCapacity> {
    #[inline(always)]
    fn write(&mut self, message: &[u8]) -> bool {
        let slot = self.try_send_ref();
        slot.is_ok_and(|mut slot| {
            slot.extend_from_slice(message);
            true
        })
    }
}

impl crate::peer::Reader for Receiver<Vec<u8>, WithCapacity> {
    #[inline(always)]
    fn drain(&mut self, visit: &mut impl FnMut(&[u8])) -> usize {
        let mut visited = 0;
        while let Ok(message) = self.try_recv_ref() {
            visit(&message);
            visited += 1;
        }
        visited
    }

    fn drain_blocking(&mut self, visit: &mut impl FnMut(&[u8])) -> usize {
        let Some(message) = self.recv_ref() else {
            return 0;
        };
        visit(&message);
        drop(message);
        1 + self.drain(visit)
    }
}
