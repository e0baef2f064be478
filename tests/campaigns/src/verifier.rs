//! Whether each record is what it must be: whole, by whom it says, the next of that writer; and whether all were there.

use crate::message::{Life, parse};
use std::collections::HashMap;

/// What was seen of every writer that lives, or whose end was not checked yet.
#[derive(Default)]
pub struct Verifier {
    next: HashMap<Life, u64>,
    /// Records that were right.
    pub records: u64,
    /// The bytes of their messages.
    pub bytes: u64,
    /// Writers of which every record was there.
    pub complete: u64,
    /// Of these, how many died between a record's publication and its receipt.
    pub in_between: u64,
    /// Records that are no messages at all, by tag: what hostile writers managed to write.
    pub foreign: u64,
    /// What was wrong, in words.
    pub faults: Vec<String>,
}

impl Verifier {
    /// A writer begins.
    pub fn begin(&mut self, life: Life) {
        self.next.insert(life, 0);
    }

    /// A record was read. Those with a tag of `hostile` need not be messages.
    pub fn record(&mut self, tag: u64, message: &[u8], hostile: impl Fn(u64) -> bool) {
        if hostile(tag) {
            self.foreign += 1;
            return;
        }
        match parse(message) {
            None => self.fault(format!("a torn record of {} bytes with tag {tag}", message.len())),
            Some((life, _)) if life >> 32 != tag => {
                self.fault(format!("a record of writer {} with tag {tag}", life >> 32));
            }
            Some((life, sequence)) => match self.next.get_mut(&life) {
                Some(next) if *next == sequence => {
                    *next += 1;
                    self.records += 1;
                    self.bytes += message.len() as u64;
                }
                Some(next) => {
                    let fault = format!("record {sequence} of life {life:#x} where {next} was due");
                    self.fault(fault);
                }
                None => self.fault(format!("a record of life {life:#x}, which is over")),
            },
        }
    }

    /// A writer is gone, and everything it wrote was read: `accepted` messages by its receipts, and perhaps one more if it
    /// was killed.
    pub fn end(&mut self, life: Life, accepted: u64, killed: bool) {
        let seen = self.next.remove(&life).unwrap_or(0);
        match seen.checked_sub(accepted) {
            Some(0) => self.complete += 1,
            Some(1) if killed => {
                self.complete += 1;
                self.in_between += 1;
            }
            _ => self.fault(format!("life {life:#x} had {accepted} records accepted, and {seen} were there")),
        }
    }

    fn fault(&mut self, fault: String) {
        if self.faults.len() < 20 {
            eprintln!("FAULT: {fault}");
        }
        self.faults.push(fault);
    }
}
