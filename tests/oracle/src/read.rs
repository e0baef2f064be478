//! Reading one message, in whatever style.

use crate::operation::ReadStyle;
use crate::task::poll_once;
use iobring::{Batch, Error, Reader};
use std::ops::ControlFlow;
use std::time::Duration;

/// What came of it: a record's tag and message, if there was one.
pub type Taken = Result<Option<(u64, Vec<u8>)>, Error>;

/// Reads one message without waiting. `None` in place, where the caller must vouch for the memory and so has to do it himself.
///
/// # Panics
/// If the reader contradicts itself, which it must not whatever the memory holds, and also while it changes.
pub fn read(reader: &mut Reader, style: ReadStyle) -> Option<Taken> {
    Some(match style {
        ReadStyle::Try => reader.try_read_message(),
        ReadStyle::Into => read_into(reader),
        ReadStyle::Async => poll_once(reader.read_message()).transpose(),
        ReadStyle::Blocking => reader.read_message_blocking(Some(Duration::ZERO)),
        ReadStyle::Drain => drain_one(reader),
        ReadStyle::Batch => read_batch_of_one(reader),
        ReadStyle::InPlace => return None,
    })
}

fn read_into(reader: &mut Reader) -> Taken {
    let mut message = b"what was in the buffer before".to_vec();
    let tag = reader.read_into(&mut message)?;
    assert!(tag.is_some() || message.is_empty(), "a message without a tag");
    Ok(tag.map(|tag| (tag, message)))
}

fn drain_one(reader: &mut Reader) -> Taken {
    let mut message = None;
    let visited = reader.drain(|record| {
        assert_eq!(record.is_empty(), record.to_vec().is_empty());
        assert_eq!(record.len(), record.to_vec().len());
        message = Some((record.tag(), record.to_vec()));
        ControlFlow::Break(())
    })?;
    assert_eq!(visited, usize::from(message.is_some()));
    Ok(message)
}

fn read_batch_of_one(reader: &mut Reader) -> Taken {
    let mut batch = Batch::new();
    let count = reader.read_batch(&mut batch, 1)?;
    assert_eq!(count, batch.len());
    Ok(batch.iter().next().map(|(tag, message)| (tag, message.to_vec())))
}
