//! The explorer against herd7's `rc11.cat`, of which a run is recorded in `herd/rc11.txt`.
//!
//! `HERD7=herd7 cargo test -p weakest --test explorer_herd` runs herd7 itself (with `HERD7_LIBDIR`, if it is not installed where
//! it was built for) and writes the record anew.

mod explorer_support;

use explorer_support::litmus::{Instruction, Litmus, outcome};
use explorer_support::random::{Dice, Family, chain, program};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::process::Command;
use weakest::explorer::{ExplorerOptions, check};
use weakest::facade::Order;
use weakest::run::Changes;

const RECORD: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/herd/rc11.txt");
const LABELS: [&str; 3] = ["x", "y", "z"];

/// Programs of the families that herd7's C can say: no compare-and-exchange, no data words.
fn programs() -> Vec<(String, Litmus)> {
    let mut programs = Vec::new();
    for seed in 0..400 {
        let family = Family { name: "herd", fences: seed % 2 == 0, updates: seed % 3 != 0, data: false };
        programs.push((format!("random-{seed}"), program(&mut Dice(seed), family)));
    }
    programs.extend((0..200).map(|seed| (format!("chain-{seed}"), chain(&mut Dice(seed)))));
    let says = |litmus: &Litmus| !litmus.threads.iter().flatten().any(|i| matches!(i, Instruction::Exchange(..)));
    programs.retain(|(_, litmus)| says(litmus));
    programs
}

fn order(order: Order) -> &'static str {
    match order {
        Order::Relaxed => "memory_order_relaxed",
        Order::Acquire => "memory_order_acquire",
        Order::Release => "memory_order_release",
        Order::AcqRel => "memory_order_acq_rel",
        Order::SeqCst => "memory_order_seq_cst",
    }
}

/// The program in herd7's C.
fn source(name: &str, litmus: &Litmus) -> String {
    let labels = &LABELS[..litmus.locations()];
    let arguments: Vec<String> = labels.iter().map(|label| format!("atomic_int* {label}")).collect();
    let mut seen: Vec<String> = labels.iter().map(|label| format!("{label};")).collect();
    let mut text = format!("C {name}\n{{ }}\n");
    for (thread, instructions) in litmus.threads.iter().enumerate() {
        writeln!(text, "P{thread} ({}) {{", arguments.join(", ")).expect("a string takes it");
        let mut registers = 0;
        for instruction in instructions {
            let call = match *instruction {
                Instruction::Load(x, o) => format!("int r# = atomic_load_explicit({}, {});", LABELS[x], order(o)),
                Instruction::Store(x, v, o) => format!("atomic_store_explicit({}, {v}, {});", LABELS[x], order(o)),
                Instruction::Swap(x, v, o) => {
                    format!("int r# = atomic_exchange_explicit({}, {v}, {});", LABELS[x], order(o))
                }
                Instruction::Add(x, v, o) => {
                    format!("int r# = atomic_fetch_add_explicit({}, {v}, {});", LABELS[x], order(o))
                }
                Instruction::Fence(o) => format!("atomic_thread_fence({});", order(o)),
                other => unreachable!("{other:?}"),
            };
            if call.contains('#') {
                seen.push(format!("{thread}:r{registers};"));
            }
            writeln!(text, "  {}", call.replace('#', &registers.to_string())).expect("a string takes it");
            registers += u64::from(call.contains('#'));
        }
        text.push_str("}\n");
    }
    text + &format!("locations [{}]\nexists ({}=-1)\n", seen.join(" "), LABELS[0])
}

/// An outcome in our words, from a line such as `0:r0=0; 1:r0=1; [x]=1;`.
fn translated(line: &str, litmus: &Litmus) -> String {
    let mut reads = vec![BTreeMap::new(); litmus.threads.len()];
    let mut finals = vec![0; litmus.locations()];
    for part in line.split(';').map(str::trim).filter(|part| !part.is_empty()) {
        let (place, value) = part.split_once('=').expect("place=value");
        let value: u64 = value.parse().expect("a number");
        match place.split_once(":r") {
            Some((thread, register)) => {
                let thread: usize = thread.parse().expect("a thread's number");
                reads[thread].insert(register.parse::<usize>().expect("a register's number"), value);
            }
            None => {
                let label = place.trim_matches(['[', ']']);
                finals[LABELS.iter().position(|known| *known == label).expect("a location")] = value;
            }
        }
    }
    let reads: Vec<Vec<u64>> = reads.into_iter().map(|values| values.into_values().collect()).collect();
    outcome(&reads, &finals)
}

/// Runs herd7 on a program.
fn herd(command: &str, name: &str, litmus: &Litmus) -> BTreeSet<String> {
    let path = std::env::temp_dir().join(format!("{name}-{}.litmus", std::process::id()));
    std::fs::write(&path, source(name, litmus)).expect("a temporary file");
    let mut herd = Command::new(command);
    if let Some(folder) = std::env::var_os("HERD7_LIBDIR") {
        herd.arg("-set-libdir").arg(folder);
    }
    let run = herd.args(["-model", "rc11.cat"]).arg(&path).output().expect("herd7 runs");
    std::fs::remove_file(&path).expect("the temporary file");
    let text = String::from_utf8(run.stdout).expect("text");
    let states = text.lines().skip_while(|line| !line.starts_with("States")).skip(1);
    let found = states.take_while(|line| line.contains('=')).map(|line| translated(line, litmus)).collect();
    assert!(run.status.success(), "{text}{}", String::from_utf8_lossy(&run.stderr));
    found
}

#[test]
fn outcomes_are_those_of_herd7() {
    if let Ok(command) = std::env::var("HERD7") {
        let version = Command::new(&command).arg("-version").output().expect("herd7 runs").stdout;
        let mut text = format!("herd7 {}", String::from_utf8_lossy(&version));
        for (name, litmus) in programs() {
            let found = Vec::from_iter(herd(&command, &name, &litmus)).join("; ");
            writeln!(text, "{name}: {found}").expect("a string takes it");
        }
        std::fs::write(RECORD, text).expect("the record is written");
    }
    let record = std::fs::read_to_string(RECORD).expect("the record");
    let recorded: BTreeMap<&str, BTreeSet<&str>> = record
        .lines()
        .skip(1)
        .filter_map(|line| line.split_once(": "))
        .map(|(n, all)| (n, all.split("; ").collect()))
        .collect();
    for (name, litmus) in programs() {
        let run = check(&litmus, Changes::default(), &ExplorerOptions { workers: 1, ..Default::default() });
        assert!(run.verdict.passed(), "{name}: {:?}", run.verdict);
        let ours: BTreeSet<&str> = run.outcomes.iter().map(String::as_str).collect();
        assert_eq!(ours, recorded[name.as_str()], "{name}: {litmus:?}");
    }
    assert_eq!(recorded.len(), programs().len());
}
