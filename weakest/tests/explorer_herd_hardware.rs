//! The explorer's hardware memory against herd7's models of ARMv8 and RISC-V, of which runs are recorded in `herd/`: every
//! outcome that hardware has is found.
//!
//! `HERD7=herd7 cargo test -p weakest --test explorer_herd_hardware` runs herd7 itself (with `HERD7_LIBDIR`, if it is not installed
//! where it was built for): each program that was recorded must have the recorded outcomes. With `HERD7_RECORD=1` the records are
//! written anew; a program that takes it more than two seconds is left out then. `weakest/herd.sh` does the former.

mod explorer_support;

use explorer_support::dependent::{Dependent, Step, Update, Value, buffering, deciding, relaxed};
use explorer_support::litmus::{LABELS, outcome};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs::File;
use std::io::Write as _;
use std::ops::Range;
use std::process::Command;
use weakest::explorer::{ExplorerOptions, Memory, check};
use weakest::facade::Order;
use weakest::run::Changes;

/// An architecture, with how it says things.
struct Architecture {
    /// The record's name, too.
    name: &'static str,
    model: &'static str,
    /// The instruction set's name in a litmus file.
    title: &'static str,
    /// The register of this number.
    register: fn(usize) -> String,
    /// The register that holds a location's address.
    address: fn(usize) -> String,
    /// The seeds of the programs.
    seeds: Range<u64>,
    /// How many programs there must be in the record.
    least: usize,
    /// The register that says whether the exclusive store of this number failed, where there are such.
    failed: Option<fn(usize) -> String>,
    /// The lines of a step, given a number for new labels and registers.
    step: fn(&Step, &mut usize, &str) -> Vec<String>,
}

const ARCHITECTURES: [Architecture; 3] = [
    // The weaker mapping: acquire loads as LDAPR, which LDAR's outcomes are among; and read-modify-writes as single instructions.
    Architecture {
        name: "aarch64",
        model: "aarch64.cat",
        title: "AArch64",
        register: |number| format!("X{number}"),
        address: |location| format!("X{}", 20 + location),
        seeds: 1000..1600,
        least: 1300,
        failed: None,
        step: aarch64,
    },
    // As it was before these instructions: LDAR, and pairs of exclusives, of which only executions count in which none fails. The loop
    // around them has a branch more, and so no outcome more.
    Architecture {
        name: "aarch64-exclusives",
        model: "aarch64.cat",
        title: "AArch64",
        register: |number| format!("X{number}"),
        address: |location| format!("X{}", 20 + location),
        seeds: 1000..1400,
        least: 800,
        failed: Some(|number| format!("X{}", 24 + number)),
        step: exclusives,
    },
    Architecture {
        name: "riscv",
        model: "riscv.cat",
        title: "RISCV",
        register: |number| format!("x{}", 10 + number),
        address: |location| format!("x{}", 6 + location),
        seeds: 1000..1600,
        least: 1300,
        failed: None,
        step: riscv,
    },
];

/// The programs for an architecture.
fn programs(architecture: &Architecture) -> impl Iterator<Item = Dependent> {
    let families = [|seed| buffering(seed, false), |seed| buffering(seed, true), deciding, relaxed];
    let writes = |step: &&Step| matches!(step, Step::Store(..) | Step::Update(..) | Step::Exchange(..));
    // What herd7 decides quickly.
    let small =
        move |program: &Dependent| program.threads.iter().flatten().filter(writes).count() + program.threads.len() <= 7;
    let exchanges =
        |program: &Dependent| program.threads.iter().flatten().any(|step| matches!(step, Step::Exchange(..)));
    let says = architecture.name != "riscv";
    let programs = architecture.seeds.clone().flat_map(move |seed| families.map(|family| family(seed)));
    programs.filter(small).filter(move |program| says || !exchanges(program))
}

/// The operand in a register: its own, or a new one.
fn aarch64_operand(value: Value, next: &mut usize, lines: &mut Vec<String>) -> String {
    match value {
        Value::Register(register) => format!("W{register}"),
        Value::Just(value) => {
            *next += 1;
            lines.push(format!("MOV W{},#{value}", 9 + *next));
            format!("W{}", 9 + *next)
        }
    }
}

fn aarch64(step: &Step, next: &mut usize, label: &str) -> Vec<String> {
    let mut lines = Vec::new();
    let suffix = |order: Order| match (order.acquires(), order.releases()) {
        (false, false) => "",
        (true, false) => "A",
        (false, true) => "L",
        (true, true) => "AL",
    };
    match *step {
        Step::Load(r, x, order) => {
            lines.push(format!("{} W{r},[X{}]", if order.acquires() { "LDAPR" } else { "LDR" }, 20 + x));
        }
        Step::Store(x, value, order) => {
            let value = aarch64_operand(value, next, &mut lines);
            lines.push(format!("{} {value},[X{}]", if order.releases() { "STLR" } else { "STR" }, 20 + x));
        }
        Step::Update(r, x, update, value, order) => {
            let value = aarch64_operand(value, next, &mut lines);
            let name = match update {
                Update::Swap => "SWP",
                Update::Add => "LDADD",
                Update::Or => "LDSET",
            };
            lines.push(format!("{name}{} {value},W{r},[X{}]", suffix(order), 20 + x));
        }
        Step::Exchange(r, x, current, new, order) => {
            let new = aarch64_operand(new, next, &mut lines);
            lines.push(format!("MOV W{r},#{current}"));
            lines.push(format!("CAS{} W{r},{new},[X{}]", suffix(order), 20 + x));
        }
        Step::Fence(Order::Relaxed) => {}
        Step::Fence(Order::Acquire) => lines.push("DMB ISHLD".into()),
        Step::Fence(_) => lines.push("DMB ISH".into()),
        Step::Skip { register, if_zero, .. } => {
            lines.push(format!("{} W{register},{label}", if if_zero { "CBZ" } else { "CBNZ" }));
        }
    }
    lines
}

/// A read-modify-write by a pair of exclusives, and acquire loads as LDAR; else the same.
fn exclusives(step: &Step, next: &mut usize, label: &str) -> Vec<String> {
    let pair = |register: usize, x: usize, order: Order| {
        let load = format!("{} W{register},[X{}]", if order.acquires() { "LDAXR" } else { "LDXR" }, 20 + x);
        let store = move |value: &str| {
            let name = if order.releases() { "STLXR" } else { "STXR" };
            format!("{name} W{},{value},[X{}]", 24 + register, 20 + x)
        };
        (load, store)
    };
    let mut lines = Vec::new();
    match *step {
        Step::Load(r, x, order) if order.acquires() => lines.push(format!("LDAR W{r},[X{}]", 20 + x)),
        Step::Update(r, x, update, value, order) => {
            let (load, store) = pair(r, x, order);
            let value = aarch64_operand(value, next, &mut lines);
            lines.push(load);
            let computed = match update {
                Update::Swap => value,
                Update::Add | Update::Or => {
                    *next += 1;
                    let name = if update == Update::Add { "ADD" } else { "ORR" };
                    lines.push(format!("{name} W{},W{r},{value}", 9 + *next));
                    format!("W{}", 9 + *next)
                }
            };
            lines.push(store(&computed));
        }
        Step::Exchange(r, x, current, new, order) => {
            let (load, store) = pair(r, x, order);
            let new = aarch64_operand(new, next, &mut lines);
            let beyond = format!("{label}R{r}");
            lines.extend([load, format!("CMP W{r},#{current}"), format!("B.NE {beyond}"), store(&new)]);
            lines.push(format!("{beyond}:"));
        }
        _ => lines = aarch64(step, next, label),
    }
    lines
}

fn riscv(step: &Step, next: &mut usize, label: &str) -> Vec<String> {
    let mut lines = Vec::new();
    let mut operand = |value: Value, lines: &mut Vec<String>| match value {
        Value::Register(register) => format!("x{}", 10 + register),
        Value::Just(value) => {
            *next += 1;
            lines.push(format!("ori x{},x0,{value}", 15 + *next));
            format!("x{}", 15 + *next)
        }
    };
    match *step {
        Step::Load(r, x, order) => {
            lines.push(format!("lw x{},0(x{})", 10 + r, 6 + x));
            if order.acquires() {
                lines.push("fence r,rw".into());
            }
        }
        Step::Store(x, value, order) => {
            let value = operand(value, &mut lines);
            if order.releases() {
                lines.push("fence rw,w".into());
            }
            lines.push(format!("sw {value},0(x{})", 6 + x));
        }
        Step::Update(r, x, update, value, order) => {
            let value = operand(value, &mut lines);
            let name = match update {
                Update::Swap => "amoswap",
                Update::Add => "amoadd",
                Update::Or => "amoor",
            };
            let aq = if order.acquires() { ".aq" } else { "" };
            let rl = if order.releases() { ".rl" } else { "" };
            lines.push(format!("{name}.w{aq}{rl} x{},{value},(x{})", 10 + r, 6 + x));
        }
        Step::Exchange(..) => unreachable!("no single instruction"),
        Step::Fence(Order::Relaxed) => {}
        Step::Fence(Order::Acquire) => lines.push("fence r,rw".into()),
        Step::Fence(Order::Release) => lines.push("fence rw,w".into()),
        Step::Fence(_) => lines.push("fence rw,rw".into()),
        Step::Skip { register, if_zero, .. } => {
            lines.push(format!("{} x{},x0,{label}", if if_zero { "beq" } else { "bne" }, 10 + register));
        }
    }
    lines
}

/// The program as herd7 reads it.
fn source(architecture: &Architecture, program: &Dependent) -> String {
    let mut columns = Vec::new();
    for (thread, steps) in program.threads.iter().enumerate() {
        let (mut lines, mut next, mut labels) = (Vec::new(), 0, BTreeSet::new());
        for (index, step) in steps.iter().enumerate() {
            if labels.contains(&index) {
                lines.push(format!("L{thread}{index}:"));
            }
            let target = if let Step::Skip { steps, .. } = step { index + 1 + steps } else { 0 };
            labels.insert(target);
            lines.extend((architecture.step)(step, &mut next, &format!("L{thread}{target}")));
        }
        if labels.contains(&steps.len()) {
            lines.push(format!("L{thread}{}:", steps.len()));
        }
        columns.push(lines);
    }
    let labels = &LABELS[..program.locations()];
    let mut text = format!("{} {}\n{{\n", architecture.title, program.name);
    for thread in 0..columns.len() {
        for (x, label) in labels.iter().enumerate() {
            write!(text, " {thread}:{}={label};", (architecture.address)(x)).expect("a string takes it");
        }
        text.push('\n');
    }
    text.push_str("}\n");
    let row = |cells: Vec<String>| format!(" {} ;\n", cells.join(" | "));
    text.push_str(&row((0..columns.len()).map(|thread| format!("P{thread}")).collect()));
    for line in 0..columns.iter().map(Vec::len).max().unwrap_or(0) {
        text.push_str(&row(columns.iter().map(|lines| lines.get(line).cloned().unwrap_or_default()).collect()));
    }
    let mut seen: Vec<String> = labels.iter().map(|label| format!("{label};")).collect();
    for thread in 0..columns.len() {
        seen.extend((0..program.registers(thread)).map(|r| format!("{thread}:{};", (architecture.register)(r))));
    }
    let failed: Vec<String> = (architecture.failed.iter())
        .flat_map(|failed| program.threads.iter().enumerate().map(move |(thread, steps)| (failed, thread, steps)))
        .flat_map(|(failed, thread, steps)| {
            let register = |step: &Step| match *step {
                Step::Update(r, ..) | Step::Exchange(r, ..) => Some(r),
                _ => None,
            };
            steps.iter().filter_map(register).map(move |r| format!("{thread}:{}=0", failed(r)))
        })
        .collect();
    let filter = if failed.is_empty() { String::new() } else { format!("filter ({})\n", failed.join(" /\\ ")) };
    text + &format!("locations [{}]\n{filter}exists ({}=-1)\n", seen.join(" "), LABELS[0])
}

/// An outcome in our words, from a line such as `0:X0=0; 1:X0=1; [x]=1;`.
fn translated(line: &str, architecture: &Architecture, program: &Dependent) -> String {
    let mut values = BTreeMap::new();
    for part in line.split(';').map(str::trim).filter(|part| !part.is_empty()) {
        let (place, value) = part.split_once('=').expect("place=value");
        values.insert(place.trim_matches(['[', ']']).to_string(), value.parse::<u64>().expect("a number"));
    }
    let read = |thread, r| values[&format!("{thread}:{}", (architecture.register)(r))];
    let reads: Vec<Vec<u64>> = (0..program.threads.len())
        .map(|thread| (0..program.registers(thread)).map(|r| read(thread, r)).collect())
        .collect();
    let finals: Vec<u64> = LABELS[..program.locations()].iter().map(|label| values[*label]).collect();
    outcome(&reads, &finals)
}

/// Runs herd7 on a program; nothing if it takes more than so many seconds.
fn herd(command: &str, architecture: &Architecture, program: &Dependent, patience: u32) -> Option<BTreeSet<String>> {
    let name = format!("{}-{}-{}.litmus", architecture.name, program.name, std::process::id());
    let path = std::env::temp_dir().join(name);
    std::fs::write(&path, source(architecture, program)).expect("a temporary file");
    let mut herd = Command::new("timeout");
    herd.arg(patience.to_string()).arg(command);
    if let Some(folder) = std::env::var_os("HERD7_LIBDIR") {
        herd.arg("-set-libdir").arg(folder);
    }
    let run = herd.args(["-model", architecture.model]).arg(&path).output().expect("herd7 runs");
    std::fs::remove_file(&path).expect("the temporary file");
    if run.status.code() == Some(124) {
        return None;
    }
    let text = String::from_utf8(run.stdout).expect("text");
    assert!(run.status.success(), "{text}{}{}", String::from_utf8_lossy(&run.stderr), source(architecture, program));
    let states = text.lines().skip_while(|line| !line.starts_with("States")).skip(1);
    Some(states.take_while(|line| line.contains('=')).map(|line| translated(line, architecture, program)).collect())
}

/// Writes the record, program by program: one that is cut short is a record of fewer programs.
fn record(command: &str, architecture: &Architecture, path: &str) {
    let version = Command::new(command).arg("-version").output().expect("herd7 runs").stdout;
    let mut file = File::create(path).expect("the record");
    write!(file, "herd7 {}", String::from_utf8_lossy(&version)).expect("the record is written");
    for program in programs(architecture) {
        if let Some(found) = herd(command, architecture, &program, 2) {
            let found = Vec::from_iter(found).join("; ");
            writeln!(file, "{}: {found}", program.name).expect("the record is written");
        }
    }
}

#[test]
fn outcomes_of_armv8_are_found() {
    outcomes_are_found(&ARCHITECTURES[0]);
}

#[test]
fn outcomes_of_armv8_with_exclusives_are_found() {
    outcomes_are_found(&ARCHITECTURES[1]);
}

#[test]
fn outcomes_of_risc_v_are_found() {
    outcomes_are_found(&ARCHITECTURES[2]);
}

fn outcomes_are_found(architecture: &Architecture) {
    let path = format!("{}/tests/herd/{}.txt", env!("CARGO_MANIFEST_DIR"), architecture.name);
    let herd7 = std::env::var("HERD7").ok();
    let recording = std::env::var("HERD7_RECORD").is_ok();
    if let Some(command) = herd7.as_ref().filter(|_| recording) {
        record(command, architecture, &path);
    }
    let record = std::fs::read_to_string(&path).expect("the record");
    let recorded: BTreeMap<&str, BTreeSet<&str>> = record
        .lines()
        .skip(1)
        .filter_map(|line| line.split_once(": "))
        .map(|(name, all)| (name, all.split("; ").collect()))
        .collect();
    let (mut count, mut equal, mut buffered) = (0, 0, 0);
    for program in programs(architecture) {
        let Some(hardware) = recorded.get(program.name.as_str()) else { continue };
        let again = herd7.as_ref().filter(|_| !recording);
        if let Some(found) = again.and_then(|command| herd(command, architecture, &program, 60)) {
            let found: BTreeSet<&str> = found.iter().map(String::as_str).collect();
            assert_eq!(found, *hardware, "{}, {}: herd7 says something else now", architecture.name, program.name);
        }
        let explore = |memory| {
            let options = ExplorerOptions { memory, workers: 1, ..Default::default() };
            let run = check(&program, Changes::default(), &options);
            assert!(run.verdict.passed(), "{}: {:?}", program.name, run.verdict);
            run.outcomes
        };
        let (found, rc11) = (explore(Memory::Hardware), explore(Memory::ReleaseAcquire));
        let ours: BTreeSet<&str> = found.iter().map(String::as_str).collect();
        let missing: Vec<_> = hardware.difference(&ours).collect();
        assert!(missing.is_empty(), "{}, {}: {missing:?} of {program:?}", architecture.name, program.name);
        count += 1;
        equal += usize::from(ours == *hardware);
        buffered += usize::from(!hardware.iter().all(|outcome| rc11.contains(*outcome)));
    }
    println!(
        "{}: {count} programs, RC11 misses outcomes of {buffered}, {equal} have exactly hardware's",
        architecture.name
    );
    assert!(
        count >= architecture.least && buffered > count / 10,
        "{}: {count} programs, {buffered} that buffer",
        architecture.name
    );
}
