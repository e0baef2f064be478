//! Each site's operation as a function of its own, with the ordering of the table, in 32 and in 64 bits.
//!
//! No target's library is needed: the compiler is told what the operations are in the little `core` of the kernel's program, which
//! is made for this one compiler.

use crate::source::root;
use crate::{Listing, Target, mapping};
use iobring::protocol::sites;
use std::fmt::Write;
use std::fs;
use std::process::Command;
use weakest_facade::{Operation, Order, Site};

/// The instructions of each site's operation; or why there are none.
pub fn listing(target: &Target) -> Result<Listing, String> {
    let folder = root().join("target/codegen/isolated");
    fs::create_dir_all(&folder).expect("the target folder can be written");
    let source = folder.join("sites.rs");
    fs::write(&source, program()).expect("the target folder can be written");

    let rustc = |arguments: &[&str]| {
        let mut command = Command::new("rustc");
        command.args([
            "--edition",
            "2024",
            "--cap-lints",
            "allow",
            "--crate-type",
            "lib",
            "-Copt-level=3",
            "-Cpanic=abort",
        ]);
        command.args(["--target", target.triple, "--out-dir"]).arg(&folder).args(arguments);
        let output = command.env("RUSTC_BOOTSTRAP", "1").current_dir(root()).output().expect("rustc starts");
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        output
            .status
            .success()
            .then_some(())
            .ok_or_else(|| text.lines().find(|l| l.contains("error")).unwrap_or("").to_string())
    };
    let because = |error| format!("the little core is made for rustc 1.95, which this is not: {error}");
    rustc(&["--crate-name", "core", "kernel/core/lib.rs", "--emit=metadata"]).map_err(because)?;
    let core = format!("noprelude:core={}", folder.join("libcore.rmeta").display());
    let features = format!("-Ctarget-feature={}", target.features);
    rustc(&[
        "--extern",
        &core,
        "-Zunstable-options",
        "-Zmerge-functions=disabled",
        "--emit=asm",
        &features,
        &source.to_string_lossy(),
    ])
    .map_err(because)?;
    Ok(functions(&fs::read_to_string(folder.join("sites.s")).expect("the listing was written")))
}

fn program() -> String {
    let mut text = String::from(
        "#![no_core]\n#![feature(no_core, intrinsics, rustc_attrs, adt_const_params, unsized_const_params)]\n\
         extern crate core;\nuse core::intrinsics::{*, AtomicOrdering as Order};\nuse core::prelude::rust_2024::*;\n\
         #[rustc_intrinsic] #[rustc_nounwind] pub unsafe fn atomic_fence<const ORD: Order>();\n",
    );
    for site in sites::ALL {
        for int in ["u32", "u64"] {
            let Some((arguments, result, body)) = operation(site, int) else { continue };
            let name = format!("{}_{int}", site.name);
            writeln!(
                text,
                "#[unsafe(no_mangle)] pub unsafe fn {name}({arguments}) -> {result} {{ unsafe {{ {body} }} }}"
            )
            .expect("a string");
        }
    }
    text
}

/// Arguments, result and body, with what the facade's real platform does.
fn operation(site: &Site, int: &str) -> Option<(String, String, String)> {
    let order =
        format!("{{ Order::{:?} }}", if mapping::is_plain(site.operation) { Order::Relaxed } else { site.order });
    let (value, none) = (int.to_string(), "()".to_string());
    Some(match site.operation {
        Operation::Load | Operation::Read => {
            (format!("p: *mut {int}"), value, format!("atomic_load::<{int}, {order}>(p)"))
        }
        Operation::Store | Operation::Write => {
            (format!("p: *mut {int}, v: {int}"), none, format!("atomic_store::<{int}, {order}>(p, v)"))
        }
        Operation::Rmw => (format!("p: *mut {int}, v: {int}"), value, format!("atomic_xchg::<{int}, {order}>(p, v)")),
        Operation::CompareExchange => (
            format!("p: *mut {int}, old: {int}, new: {int}"),
            "bool".into(),
            format!("atomic_cxchg::<{int}, {order}, {{ Order::Relaxed }}>(p, old, new).1"),
        ),
        Operation::Fence => (String::new(), none, format!("atomic_fence::<{order}>()")),
        Operation::Wait | Operation::Wake => return None,
    })
}

fn functions(assembly: &str) -> Listing {
    let mut listing = Listing::new();
    let mut current: Option<(&'static str, Vec<String>)> = None;
    for line in assembly.lines() {
        if line.starts_with(".Lfunc_end") {
            if let Some((site, sequence)) = current.take().filter(|(_, sequence)| !sequence.is_empty()) {
                listing.entry(site).or_default().insert(sequence);
            }
        } else if let Some(label) = line.strip_suffix(':').and_then(|label| label.rsplit_once("_u")) {
            current = sites::ALL.iter().find(|site| site.name == label.0).map(|site| (site.name, Vec::new()));
        } else if let (Some((_, sequence)), Some(instruction)) = (&mut current, mapping::instruction(line)) {
            sequence.push(instruction);
        }
    }
    listing
}
