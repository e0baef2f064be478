//! The native platform compiles to what hand-written atomics compile to: instruction by instruction, and in layout.
//!
//! Builds the examples `codegen_facade` and `codegen_core` with optimisation and compares the assembly of the functions
//! of the same names. Their target directory is their own, so that the build waits for no other.

use core::sync::atomic::{AtomicU32, AtomicU64};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;
use weakest_facade::native::{NativeCell, NativeU32, NativeU64};

/// The instructions of each function of an example.
fn functions_of(example: &str) -> BTreeMap<String, Vec<String>> {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("codegen");
    let assembly = target.join(format!("{example}.s"));
    let status = Command::new(env!("CARGO"))
        .args(["rustc", "--quiet", "--release", "--offline", "--example", example, "--target-dir"])
        .arg(&target)
        // One unit, so that the assembly is one file.
        .args(["--", "-Ccodegen-units=1", "--emit"])
        .arg(format!("asm={}", assembly.display()))
        .env_remove("RUSTFLAGS")
        .env_remove("CARGO_ENCODED_RUSTFLAGS")
        .status()
        .expect("cargo runs");
    assert!(status.success(), "building {example}: {status}");
    split(&fs::read_to_string(assembly).expect("the assembly"))
}

/// Cuts assembly into functions: from a label to the end of its function, without directives and comments. Equal functions
/// are one function with two names (`one = other`).
fn split(assembly: &str) -> BTreeMap<String, Vec<String>> {
    let mut functions = BTreeMap::new();
    let mut current: Option<(String, Vec<String>)> = None;
    for line in assembly.lines().map(str::trim) {
        if line.starts_with(".Lfunc_end") {
            functions.extend(current.take());
        } else if let Some(label) = line.strip_suffix(':').filter(|label| !label.starts_with('.')) {
            current = Some((label.to_owned(), Vec::new()));
        } else if let Some((_, instructions)) = &mut current {
            let beside_the_point = [".cfi", ".p2align", "#", "//"].iter().any(|start| line.starts_with(start));
            if !line.is_empty() && !beside_the_point {
                instructions.push(line.split_whitespace().collect::<Vec<_>>().join(" "));
            }
        } else if let Some((alias, of)) = line.split_once(" = ") {
            functions.insert(alias.to_owned(), vec![format!("as {of}")]);
        }
    }
    functions
}

/// The functions to compare: as many as the examples have.
const NAMES: [&str; 37] = [
    "load_relaxed",
    "load_acquire",
    "load_acquire_32",
    "store_relaxed",
    "store_release",
    "store_release_32",
    "swap_relaxed",
    "swap_acqrel",
    "add_relaxed",
    "add_acqrel",
    "or_acqrel",
    "and_relaxed",
    "exchange_acquire",
    "exchange_release",
    "exchange_weak",
    "exchange_else",
    "store_seqcst",
    "swap_seqcst",
    "sub_acqrel",
    "xor_relaxed",
    "nand_relaxed",
    "max_acqrel",
    "min_relaxed",
    "update_acquire",
    "bool_swap",
    "bool_or",
    "bool_load",
    "pointer_load",
    "pointer_exchange",
    "fence_acqrel",
    "fence_seqcst",
    "fence_relaxed",
    "data_read",
    "data_write",
    "spin",
    "read_word",
    "write_word",
];

#[test]
fn the_facade_costs_no_instruction() {
    let (facade, core) = (functions_of("codegen_facade"), functions_of("codegen_core"));
    for name in NAMES {
        let hand_written = core.get(name).unwrap_or_else(|| panic!("no {name} in codegen_core: {:?}", core.keys()));
        assert!(!hand_written.is_empty(), "{name} has no instructions");
        assert_eq!(facade.get(name), Some(hand_written), "{name}");
    }
}

#[test]
fn the_types_are_what_they_stand_for() {
    assert_eq!((size_of::<NativeU32>(), align_of::<NativeU32>()), (size_of::<AtomicU32>(), align_of::<AtomicU32>()));
    assert_eq!((size_of::<NativeU64>(), align_of::<NativeU64>()), (size_of::<AtomicU64>(), align_of::<AtomicU64>()));
    use weakest_facade::data::NativeData;
    assert_eq!((size_of::<NativeData<[u8; 3]>>(), align_of::<NativeData<[u8; 3]>>()), (3, 1));
    assert_eq!((size_of::<NativeCell>(), align_of::<NativeCell>()), (size_of::<u64>(), align_of::<AtomicU64>()));
}

/// An ordering is known when the code is compiled.
const _: () = {
    use weakest_facade::{Operation, Order, Site};
    const SITE: Site = Site {
        name: "S",
        operation: Operation::Load,
        order: Order::Acquire,
        pairs_with: &[],
        reason: "to be looked at",
    };
    assert!(matches!(SITE.order(), Order::Acquire));
    assert!(matches!(SITE.order().as_core(), core::sync::atomic::Ordering::Acquire));
};
