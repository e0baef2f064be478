//! The instructions that the compiler makes of each site, and whether they are what the checkers take for granted.
//!
//! Two listings: the library's release build, where each instruction is traced to its site by the compiler's own line numbers
//! (`release`), for targets whose standard library is installed; and each site's operation by itself (`isolated`), which needs no
//! library and so is made for every machine. `mapping` says what is asked of either. Branches that might stand for dependencies of
//! control are not looked for: every model that runs on the explorer's hardware memory passes without any (`cargo verify --memory
//! hardware-strict`). Nor is what the kernel's compiler makes of the mediator.
//!
//! Ends with 1 if an instruction is weaker than asked for, and with 77 if a listing could not be made.

mod isolated;
mod mapping;
mod release;
mod source;

use iobring::protocol::sites;
use mapping::Machine;
use std::collections::{BTreeMap, BTreeSet};
use std::process::ExitCode;
use weakest_facade::{Operation, Site};

/// Of each site, the sequences of instructions that were found.
type Listing = BTreeMap<&'static str, BTreeSet<Vec<String>>>;

/// A way to compile.
struct Target {
    triple: &'static str,
    /// What of the processor is turned on and off.
    features: &'static str,
    machine: Machine,
}

const TARGETS: &[Target] = &[
    Target { triple: "x86_64-unknown-linux-gnu", features: "", machine: Machine::X86 },
    Target { triple: "aarch64-unknown-linux-gnu", features: "-outline-atomics", machine: Machine::Arm },
    Target { triple: "aarch64-unknown-linux-gnu", features: "+outline-atomics", machine: Machine::Arm },
    Target { triple: "aarch64-unknown-linux-gnu", features: "-outline-atomics,+lse", machine: Machine::Arm },
    Target { triple: "aarch64-unknown-linux-gnu", features: "-outline-atomics,+lse,+rcpc", machine: Machine::Arm },
    Target { triple: "riscv64gc-unknown-linux-gnu", features: "", machine: Machine::RiscV },
];

fn main() -> ExitCode {
    let uses = source::uses();
    let (mut wrong, mut missing) = (0, 0);
    for target in TARGETS {
        for (name, listing, may_lack) in [
            ("release build", release::listing(target), true),
            ("each operation by itself", isolated::listing(target), false),
        ] {
            println!("\n{} {}: {name}", target.triple, target.features);
            match listing {
                Ok(listing) => {
                    let lacks = |site: &Site| may_lack && !uses.get(site.name).is_some_and(in_library);
                    wrong += report(target, &listing, lacks);
                }
                Err(reason) => {
                    println!("NOT RUN: {reason}");
                    missing += 1;
                }
            }
        }
    }
    println!("\n{wrong} wrong, {missing} of {} listings not run", 2 * TARGETS.len());
    match (wrong, missing) {
        (0, 0) => ExitCode::SUCCESS,
        (0, _) => ExitCode::from(77),
        _ => ExitCode::FAILURE,
    }
}

/// Whether the library's own build has it: what only the mediator does is done by the kernel's program.
fn in_library(files: &BTreeSet<String>) -> bool {
    files.iter().any(|file| !file.ends_with("protocol/mediator.rs"))
}

/// Prints the listing, and returns how many sites are not as they should be.
fn report(target: &Target, listing: &Listing, lacks: impl Fn(&Site) -> bool) -> usize {
    let mut wrong = 0;
    for site in sites::ALL {
        let order = if mapping::is_plain(site.operation) { String::new() } else { format!("{:?}", site.order) };
        let title = format!("{:17} {:?} {order}", site.name, site.operation);
        if matches!(site.operation, Operation::Wait | Operation::Wake) {
            println!("{title:45} a system call");
            continue;
        }
        let Some(sequences) = listing.get(site.name) else {
            if lacks(site) {
                println!("{title:45} not in this build");
            } else if mapping::may_vanish(target.machine, site) {
                println!("{title:45} no instruction");
            } else {
                println!("{title:45} WRONG: no instruction was found");
                wrong += 1;
            }
            continue;
        };
        for sequence in sequences {
            let verdict = match mapping::check(target.machine, site, sequence) {
                Ok(()) => String::new(),
                Err(why) => {
                    wrong += 1;
                    format!("   WRONG: {why}")
                }
            };
            println!("{title:45} {}{verdict}", sequence.join("; "));
        }
    }
    wrong
}
