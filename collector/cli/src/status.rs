//! How things stand with a collector, as it tells whoever asks.

use crate::entry::Who;
use iobring_collect::Collector;
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Status {
    pub ring: Ring,
    pub total: Total,
    pub retained: Kept,
    pub writers: Vec<Writer>,
}

/// The ring, in bytes.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Ring {
    pub used: u64,
    pub capacity: u64,
}

/// Records since the collector began.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Total {
    pub accepted: u64,
    pub delivered: u64,
    pub lost: u64,
}

/// What is retained.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Kept {
    pub entries: u64,
    pub bytes: u64,
    /// How many were dropped to make room.
    pub dropped: u64,
}

/// A process that writes.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Writer {
    #[serde(flatten)]
    pub who: Who,
    pub records: u64,
    pub bytes: u64,
    pub lost: u64,
}

impl Status {
    pub fn of(collector: &Collector, retained: Kept) -> Self {
        let (used, capacity) = collector.fill();
        let total = collector.total();
        let writers = collector.writers().map(|writer| Writer {
            who: Who::from(&**writer.process),
            records: writer.read.records,
            bytes: writer.read.bytes,
            lost: writer.lost.records,
        });
        Status {
            ring: Ring { used, capacity },
            total: Total {
                accepted: total.accepted.records,
                delivered: total.delivered.records,
                lost: collector.lost().records,
            },
            retained,
            writers: writers.collect(),
        }
    }
}
