//! `iobring stat`: shows who writes how much, once.

use crate::cli::{Format, Stat};
use crate::output::print;
use crate::status::Status;
use crate::watch;
use anyhow::Result;
use comfy_table::{CellAlignment, Table, presets};
use iobring_collect::printable;

pub fn stat(arguments: Stat) -> Result<()> {
    let status = watch::status(&arguments.look)?;
    match arguments.format {
        Format::Text => print(&text(&status))?,
        Format::Json => print(&serde_json::to_string(&status)?)?,
        Format::None => {}
    }
    Ok(())
}

fn text(status: &Status) -> String {
    let mut table = Table::new();
    table.load_preset(presets::NOTHING).set_header(["pid", "name", "uid", "records", "bytes", "lost"]);
    for writer in &status.writers {
        table.add_row([
            writer.who.pid.to_string(),
            printable(&writer.who.name),
            writer.who.uid.to_string(),
            writer.records.to_string(),
            writer.bytes.to_string(),
            writer.lost.to_string(),
        ]);
    }
    for column in [0, 2, 3, 4, 5] {
        table.column_mut(column).expect("there are six").set_cell_alignment(CellAlignment::Right);
    }
    let Status { ring, total, retained, .. } = status;
    format!(
        "ring: {} of {} bytes taken; {} records accepted, {} delivered, {} lost\nretained: {} entries, {} bytes; {} older dropped\n{table}",
        ring.used,
        ring.capacity,
        total.accepted,
        total.delivered,
        total.lost,
        retained.entries,
        retained.bytes,
        retained.dropped
    )
}
