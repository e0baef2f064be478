//! Which memory needs which ordering: the mutants on one memory of the explorer's each.

use crate::table::Table;
use weakest::explorer::Memory;
use weakest::facade::{Operation, Order, Site};
use weakest::matrix::{Fate, Matrix, Row};

/// Each weakened ordering, with what fails on each memory.
pub fn table(memories: &[(Memory, Matrix)]) -> Table {
    let mut header = vec!["site", "ships", "weakened to", "on x86"];
    header.extend(memories.iter().map(|(memory, _)| title(*memory)));
    let first = memories.first().map_or(&[][..], |(_, matrix)| &matrix.rows);
    let rows = first.iter().enumerate().map(|(at, row)| {
        let x86 = if same_on_x86(row.site, row.order) { "the same code" } else { "other code" };
        let mut cells = vec![row.site.name.into(), row.site.order.to_string(), row.order.to_string(), x86.into()];
        cells.extend(memories.iter().map(|(_, matrix)| said(&matrix.rows[at])));
        cells
    });
    Table::new(header, rows.collect())
}

fn title(memory: Memory) -> &'static str {
    match memory {
        Memory::ReleaseAcquire => "RC11",
        Memory::Hardware => "ARMv8 and RISC-V",
        Memory::HardwareStrict => "without control dependencies",
        Memory::Interleaved => "interleaving",
        Memory::SequentiallyConsistent => "sequential consistency",
    }
}

fn said(row: &Row) -> String {
    match (row.fate, row.killed_by.first()) {
        (_, Some(kill)) => format!("{}: {:?}", kill.case, kill.trace.fault),
        (Fate::Undecided, None) => "not decided".into(),
        (_, None) => "**not needed**".into(),
    }
}

/// Whether x86's code is the same for both orderings: of loads, stores and read-modify-writes it has one kind but for sequentially
/// consistent stores, and of fences one (which `codegen` looks for in what the compiler makes). Where it is, only the compiler may
/// still reorder; where it is not, stores may be performed after later loads.
pub fn same_on_x86(site: &Site, weaker: Order) -> bool {
    let differs = matches!(site.operation, Operation::Store | Operation::Fence);
    !(differs && site.order == Order::SeqCst && weaker != Order::SeqCst)
}

#[cfg(test)]
mod tests {
    use super::same_on_x86;
    use weakest::facade::{Operation, Order, Site};

    #[test]
    fn only_sequentially_consistent_stores_and_fences_are_something_else() {
        let same = |operation, order, weaker| {
            same_on_x86(&Site { name: "SITE", operation, order, pairs_with: &[], reason: "" }, weaker)
        };
        assert!(same(Operation::Store, Order::Release, Order::Relaxed));
        assert!(same(Operation::Rmw, Order::SeqCst, Order::Relaxed));
        assert!(same(Operation::Load, Order::SeqCst, Order::Relaxed));
        assert!(same(Operation::Fence, Order::AcqRel, Order::Acquire));
        assert!(!same(Operation::Store, Order::SeqCst, Order::Release));
        assert!(!same(Operation::Fence, Order::SeqCst, Order::AcqRel));
    }
}
