//! The numbers by which this kernel knows its own functions: they stand in its type information, and differ from build to build.

use super::object;
use std::collections::HashMap;
use std::fs;
use std::sync::OnceLock;

/// Where the kernel shows its type information (BTF).
const TYPES: &str = "/sys/kernel/btf/vmlinux";

/// The functions that the program calls, as far as this kernel has them.
///
/// # Errors
/// Says in words why nothing is known.
pub(crate) fn of_this_kernel() -> Result<&'static HashMap<&'static str, u32>, String> {
    static FOUND: OnceLock<HashMap<&'static str, u32>> = OnceLock::new();
    if let Some(found) = FOUND.get() {
        return Ok(found);
    }
    let types = fs::read(TYPES).map_err(|error| format!("{TYPES}: {error}"))?;
    let found = find(&types).ok_or_else(|| format!("{TYPES} is not as expected"))?;
    Ok(FOUND.get_or_init(|| found))
}

/// `BTF_KIND_FUNC` of `linux/btf.h`.
const FUNCTION: u32 = 12;

fn find(types: &[u8]) -> Option<HashMap<&'static str, u32>> {
    let word = |at: usize| types.get(at..at + 4)?.try_into().ok().map(u32::from_le_bytes);
    let header = word(4)? as usize;
    let section = |at: usize| Some((header + word(at)? as usize, word(at + 4)? as usize));
    let ((mut at, len), (names, _)) = (section(8)?, section(16)?);
    let end = at + len;
    let wanted: Vec<&str> = object::calls().collect();
    let mut found = HashMap::new();
    // Types are numbered from 1 on, in order.
    for number in 1.. {
        if at >= end {
            break;
        }
        let (name, info) = (names + word(at)? as usize, word(at + 4)?);
        let (kind, count) = (info >> 24 & 31, (info & 0xffff) as usize);
        if kind == FUNCTION {
            let is = |wanted: &&&str| {
                types
                    .get(name..)
                    .is_some_and(|there| there.starts_with(wanted.as_bytes()) && there.get(wanted.len()) == Some(&0))
            };
            if let Some(&name) = wanted.iter().find(is) {
                found.entry(name).or_insert(number);
            }
        }
        // What follows a type depends on its kind.
        at += 12
            + match kind {
                1 | 14 | 17 => 4,
                3 => 12,
                4 | 5 | 15 | 19 => 12 * count,
                6 | 13 => 8 * count,
                _ => 0,
            };
    }
    Some(found)
}
