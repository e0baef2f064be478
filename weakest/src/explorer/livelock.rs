//! Whether every execution can still come to its end.

use super::visited::{StateId, Visited};
use rustc_hash::FxHashSet;

/// A state from which no final state can be reached, on the shortest way there. `edges` are the steps that threads may count
/// on, but for those by which states were met first. The `promising` states are not judged: promises that cannot be kept say
/// nothing, and others lead to states without.
pub(super) fn find(
    visited: &Visited,
    terminals: &[StateId],
    promising: &FxHashSet<StateId>,
    edges: Vec<Vec<(StateId, StateId)>>,
) -> Option<StateId> {
    let dense = visited.dense();
    let count = dense.count();
    let mut first = vec![0u32; count + 1];
    let each = |visit: &mut dyn FnMut(StateId, StateId)| {
        edges.iter().flatten().for_each(|&(from, to)| visit(from, to));
        visited.each_step(visit);
    };
    each(&mut |_, to| first[dense.index(to) + 1] += 1);
    for index in 0..count {
        first[index + 1] += first[index];
    }
    let mut sources = vec![0 as StateId; first[count] as usize];
    let mut fill = first.clone();
    each(&mut |from, to| {
        let slot = &mut fill[dense.index(to)];
        sources[*slot as usize] = from;
        *slot += 1;
    });
    drop(edges);
    let mut ends = vec![false; count];
    let mut open: Vec<StateId> = terminals.to_vec();
    open.iter().for_each(|&id| ends[dense.index(id)] = true);
    while let Some(id) = open.pop() {
        let at = dense.index(id);
        for &from in &sources[first[at] as usize..first[at + 1] as usize] {
            if !std::mem::replace(&mut ends[dense.index(from)], true) {
                open.push(from);
            }
        }
    }
    let stuck = |&id: &StateId| !ends[dense.index(id)] && !promising.contains(&id);
    dense.ids().filter(stuck).min_by_key(|&id| visited.path(id).len())
}
