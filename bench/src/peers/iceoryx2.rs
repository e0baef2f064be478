//! iceoryx2's publish-subscribe: samples loaned from shared memory, written in place, handed over as offsets.

use crate::peer::{Peer, Seed, Shape, Waiting};
use anyhow::{Context, Result};
use core::sync::atomic::{AtomicU64, Ordering};
use iceoryx2::port::publisher::Publisher;
use iceoryx2::port::subscriber::Subscriber;
use iceoryx2::prelude::*;
use iceoryx2::service::port_factory::publish_subscribe::PortFactory as Topic;

/// See the module.
pub enum Iceoryx2 {}

/// The writing end, and what it needs to live.
pub struct Writer {
    publisher: Publisher<ipc::Service, [u8], ()>,
    _node: Node<ipc::Service>,
}

/// The reading end, and what it needs to live.
pub struct Reader {
    subscriber: Subscriber<ipc::Service, [u8], ()>,
    _node: Node<ipc::Service>,
}

/// A node, and the topic as it sees it.
type Joined = (Node<ipc::Service>, Topic<ipc::Service, [u8], ()>);

/// Joins the topic `name`.
fn join(name: &str, shape: &Shape) -> Result<Joined> {
    set_log_level(LogLevel::Fatal);
    let node = NodeBuilder::new().signal_handling_mode(SignalHandlingMode::Disabled).create::<ipc::Service>()?;
    let topic = node
        .service_builder(&name.try_into()?)
        .publish_subscribe::<[u8]>()
        .enable_safe_overflow(false)
        .subscriber_max_buffer_size(shape.slots())
        .max_publishers(shape.writers)
        .max_subscribers(1)
        .open_or_create()?;
    Ok((node, topic))
}

impl Peer for Iceoryx2 {
    const NAME: &'static str = "iceoryx2";
    const CRATE: Option<&'static str> = Some("iceoryx2");
    type Writer = Writer;
    type Reader = Reader;

    fn refuses(shape: &Shape) -> Option<&'static str> {
        (shape.waiting == Waiting::Blocking).then_some("publish-subscribe polls")
    }

    fn open(shape: &Shape) -> Result<(Vec<Seed<Writer>>, Reader)> {
        static TOPICS: AtomicU64 = AtomicU64::new(0);
        let name = format!("iobring-bench/{}/{}", std::process::id(), TOPICS.fetch_add(1, Ordering::Relaxed));
        let shape = *shape;
        let (node, topic) = join(&name, &shape).context("joining the topic")?;
        let subscriber = topic.subscriber_builder().buffer_size(shape.slots()).create()?;
        let writers = (0..shape.writers)
            .map(|_| {
                let name = name.clone();
                Box::new(move || {
                    let (node, topic) = join(&name, &shape)?;
                    let publisher = topic
                        .publisher_builder()
                        .initial_max_slice_len(shape.payload)
                        .backpressure_strategy(BackpressureStrategy::DiscardData)
                        .create()?;
                    Ok(Writer { publisher, _node: node })
                }) as Seed<Writer>
            })
            .collect();
        Ok((writers, Reader { subscriber, _node: node }))
    }
}

impl crate::peer::Writer for Writer {
    fn write(&mut self, message: &[u8]) -> bool {
        let Ok(sample) = self.publisher.loan_slice_uninit(message.len()) else {
            return false;
        };
        // Nobody got it: the subscriber's buffer is full.
        sample.write_from_slice(message).send().expect("a connected topic") == 1
    }
}

impl crate::peer::Reader for Reader {
    fn drain(&mut self, visit: &mut impl FnMut(&[u8])) -> usize {
        let mut visited = 0;
        while let Some(sample) = self.subscriber.receive().expect("a connected topic") {
            visit(sample.payload());
            visited += 1;
        }
        visited
    }
}
