//! Tests in the words of other people's models: the format of herd7.
//!
//! The mappings are those that the compilers use, the weakest where there are several: LDAPR for an acquire load, single
//! instructions for swaps. What has no exact word in the kernel's model is said more strongly there: fences are `smp_mb()`, and a swap
//! that acquires and releases is fully ordered, as the kernel's and eBPF's are.

use super::{Action, Step, Test};
use crate::facade::Order::{self, AcqRel, Acquire, Relaxed, Release, SeqCst};
use std::fmt::Write;

/// A language of litmus tests, with the model that judges it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// C11 with RC11.
    C11,
    /// ARMv8.
    AArch64,
    /// RISC-V.
    RiscV,
    /// x86, which only performs stores after later loads (TSO).
    X86,
    /// The Linux kernel's memory model.
    Lkmm,
}

impl Dialect {
    /// All of them.
    pub const ALL: [Dialect; 5] = [Dialect::C11, Dialect::AArch64, Dialect::RiscV, Dialect::X86, Dialect::Lkmm];

    /// A short name, for folders.
    pub fn name(self) -> &'static str {
        match self {
            Dialect::C11 => "c11",
            Dialect::AArch64 => "aarch64",
            Dialect::RiscV => "riscv",
            Dialect::X86 => "x86",
            Dialect::Lkmm => "lkmm",
        }
    }

    /// The model's file, as herd7 has it, or the kernel's `tools/memory-model`.
    pub fn model(self) -> &'static str {
        match self {
            Dialect::C11 => "rc11.cat",
            Dialect::AArch64 => "aarch64.cat",
            Dialect::RiscV => "riscv.cat",
            Dialect::X86 => "x86tso.cat",
            Dialect::Lkmm => "linux-kernel.cat",
        }
    }

    /// The test of this name.
    pub fn write(self, name: &str, test: &Test, weakened: bool) -> String {
        let labels: Vec<String> = test.locations.iter().map(|label| identifier(label)).collect();
        let comment = format!("{} weakened to {}, in {}", test.mutant.0, test.mutant.1, test.case);
        let comment = if weakened { comment } else { "as it ships".into() };
        let about = format!("\"{} and {}: {comment}\"", test.pair.0, test.pair.1);
        match self {
            Dialect::C11 | Dialect::Lkmm => self.c(name, &about, test, weakened, &labels),
            Dialect::AArch64 | Dialect::RiscV | Dialect::X86 => self.assembly(name, &about, test, weakened, &labels),
        }
    }

    fn c(self, name: &str, about: &str, test: &Test, weakened: bool, labels: &[String]) -> String {
        let (kind, word) = if self == Dialect::C11 { ("atomic_int", c11 as Say) } else { ("int", lkmm as Say) };
        let arguments: Vec<String> = labels.iter().map(|label| format!("{kind}* {label}")).collect();
        let mut text = format!("C {name}\n{about}\n{{ }}\n");
        for (thread, steps) in test.threads.iter().enumerate() {
            writeln!(text, "P{thread} ({}) {{", arguments.join(", ")).expect("a string takes it");
            let mut registers = 0;
            for step in steps {
                let location = step.action.location().map_or("", |x| &labels[x]);
                let Some(call) = word(step.action, step.order(weakened), location) else { continue };
                if step.action.saw().is_some() {
                    writeln!(text, "  int r{registers} = {call};").expect("a string takes it");
                    registers += 1;
                } else {
                    writeln!(text, "  {call};").expect("a string takes it");
                }
            }
            text.push_str("}\n");
        }
        text + &condition(test, labels, |register| format!("r{register}"))
    }

    fn assembly(self, name: &str, about: &str, test: &Test, weakened: bool, labels: &[String]) -> String {
        type Register = fn(usize) -> String;
        type Lines = fn(&Step, Order, usize, &str) -> Vec<String>;
        let (title, read, address, lines): (_, Register, Option<Register>, Lines) = match self {
            Dialect::AArch64 => ("AArch64", |r| format!("X{r}"), Some(|x| format!("X{}", 20 + x)), aarch64),
            Dialect::X86 => ("X86", x86_register, None, x86),
            _ => ("RISCV", |r| format!("x{}", 10 + r), Some(|x| format!("x{}", 20 + x)), riscv),
        };
        // x86 names locations where the others have their addresses in registers.
        let place = |x: usize| address.map_or_else(|| labels[x].clone(), |register| register(x));
        let columns: Vec<Vec<String>> = (test.threads.iter())
            .map(|steps| {
                let (mut column, mut registers) = (Vec::new(), 0);
                for step in steps {
                    let at = step.action.location().map_or_else(String::new, place);
                    column.extend(lines(step, step.order(weakened), registers, &at));
                    registers += usize::from(step.action.saw().is_some());
                }
                column
            })
            .collect();
        let mut text = format!("{title} {name}\n{about}\n{{\n");
        for thread in (0..columns.len()).filter(|_| address.is_some()) {
            let addresses = labels.iter().enumerate().map(|(x, label)| format!(" {thread}:{}={label};", place(x)));
            writeln!(text, "{}", addresses.collect::<String>()).expect("a string takes it");
        }
        text.push_str("}\n");
        let row = |cells: Vec<String>| format!(" {} ;\n", cells.join(" | "));
        text.push_str(&row((0..columns.len()).map(|thread| format!("P{thread}")).collect()));
        for line in 0..columns.iter().map(Vec::len).max().unwrap_or(0) {
            text.push_str(&row(columns.iter().map(|lines| lines.get(line).cloned().unwrap_or_default()).collect()));
        }
        text + &condition(test, labels, read)
    }
}

type Say = fn(Action, Order, &str) -> Option<String>;

/// A label as a name: `word[3]` is `word_3`.
fn identifier(label: &str) -> String {
    let letters = |c: char| if c.is_ascii_alphanumeric() { c } else { '_' };
    format!("l_{}", label.chars().map(letters).collect::<String>().trim_matches('_'))
}

fn condition(test: &Test, labels: &[String], register: impl Fn(usize) -> String) -> String {
    let mut terms = Vec::new();
    for (thread, steps) in test.threads.iter().enumerate() {
        let saw = steps.iter().filter_map(|step| step.action.saw()).enumerate();
        terms.extend(saw.map(|(number, value)| format!("{thread}:{}={value}", register(number))));
    }
    terms.extend(test.finals.iter().map(|&(x, value)| format!("{}={value}", labels[x])));
    format!("exists ({})\n", terms.join(" /\\ "))
}

fn c11(action: Action, order: Order, location: &str) -> Option<String> {
    let word = match order {
        Relaxed => "memory_order_relaxed",
        Acquire => "memory_order_acquire",
        Release => "memory_order_release",
        AcqRel => "memory_order_acq_rel",
        SeqCst => "memory_order_seq_cst",
    };
    Some(match action {
        Action::Load { .. } => format!("atomic_load_explicit({location}, {word})"),
        Action::Store { value, .. } => format!("atomic_store_explicit({location}, {value}, {word})"),
        Action::Swap { value, .. } => format!("atomic_exchange_explicit({location}, {value}, {word})"),
        Action::Fence if order == Relaxed => return None,
        Action::Fence => format!("atomic_thread_fence({word})"),
    })
}

fn lkmm(action: Action, order: Order, location: &str) -> Option<String> {
    Some(match action {
        Action::Load { .. } if order.acquires() => format!("smp_load_acquire({location})"),
        Action::Load { .. } => format!("READ_ONCE(*{location})"),
        Action::Store { value, .. } if order.releases() => format!("smp_store_release({location}, {value})"),
        Action::Store { value, .. } => format!("WRITE_ONCE(*{location}, {value})"),
        Action::Swap { value, .. } => match (order.acquires(), order.releases()) {
            (true, true) => format!("xchg({location}, {value})"),
            (true, false) => format!("xchg_acquire({location}, {value})"),
            (false, true) => format!("xchg_release({location}, {value})"),
            (false, false) => format!("xchg_relaxed({location}, {value})"),
        },
        Action::Fence if order == Relaxed => return None,
        Action::Fence => "smp_mb()".into(),
    })
}

fn aarch64(step: &Step, order: Order, register: usize, at: &str) -> Vec<String> {
    match step.action {
        Action::Load { .. } => {
            vec![format!("{} W{register},[{at}]", if order.acquires() { "LDAPR" } else { "LDR" })]
        }
        Action::Store { value, .. } => {
            let name = if order.releases() { "STLR" } else { "STR" };
            vec![format!("MOV W19,#{value}"), format!("{name} W19,[{at}]")]
        }
        Action::Swap { value, .. } => {
            let suffix = match (order.acquires(), order.releases()) {
                (false, false) => "",
                (true, false) => "A",
                (false, true) => "L",
                (true, true) => "AL",
            };
            vec![format!("MOV W19,#{value}"), format!("SWP{suffix} W19,W{register},[{at}]")]
        }
        Action::Fence => match order {
            Relaxed => Vec::new(),
            Acquire => vec!["DMB ISHLD".into()],
            _ => vec!["DMB ISH".into()],
        },
    }
}

fn riscv(step: &Step, order: Order, register: usize, at: &str) -> Vec<String> {
    let register = 10 + register;
    let mut lines = Vec::new();
    match step.action {
        Action::Load { .. } => {
            lines.push(format!("lw x{register},0({at})"));
            lines.extend(order.acquires().then(|| "fence r,rw".into()));
        }
        Action::Store { value, .. } => {
            lines.push(format!("ori x9,x0,{value}"));
            lines.extend(order.releases().then(|| "fence rw,w".into()));
            lines.push(format!("sw x9,0({at})"));
        }
        Action::Swap { value, .. } => {
            let aq = if order.acquires() { ".aq" } else { "" };
            let rl = if order.releases() { ".rl" } else { "" };
            lines.extend([format!("ori x9,x0,{value}"), format!("amoswap.w{aq}{rl} x{register},x9,({at})")]);
        }
        Action::Fence => match order {
            Relaxed => {}
            Acquire => lines.push("fence r,rw".into()),
            Release => lines.push("fence rw,w".into()),
            AcqRel => lines.push("fence.tso".into()),
            SeqCst => lines.push("fence rw,rw".into()),
        },
    }
    lines
}

fn x86_register(number: usize) -> String {
    ["EAX", "EBX", "ECX", "EDX", "ESI", "EDI"].get(number).copied().unwrap_or("no register left").into()
}

fn x86(step: &Step, order: Order, register: usize, at: &str) -> Vec<String> {
    let register = x86_register(register);
    let fence = || (order == SeqCst).then(|| String::from("MFENCE"));
    match step.action {
        Action::Load { .. } => vec![format!("MOV {register},[{at}]")],
        Action::Store { value, .. } => [format!("MOV [{at}],${value}")].into_iter().chain(fence()).collect(),
        Action::Swap { value, .. } => vec![format!("MOV {register},${value}"), format!("XCHG {register},[{at}]")],
        // Any weaker fence is the compiler's alone.
        Action::Fence => Vec::from_iter(fence()),
    }
}
