//! Which instructions an operation may be: the published mappings from C11 (Batty and others for x86 and Power, the Arm and RISC-V
//! manuals), which the memories `rc11` and `hardware` take for granted.

use weakest_facade::{Operation, Order, Site};

/// A family of processors.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Machine {
    /// x86-64.
    X86,
    /// AArch64.
    Arm,
    /// RISC-V with the A extension.
    RiscV,
}

/// Whether it has no ordering.
pub fn is_plain(operation: Operation) -> bool {
    matches!(operation, Operation::Read | Operation::Write)
}

/// Whether it may be no instruction at all.
pub fn may_vanish(machine: Machine, site: &Site) -> bool {
    // The fences of the asymmetric pair are the compiler's alone, and a system call.
    site.operation == Operation::Fence && (machine == Machine::X86 || matches!(site.name, "ROOM_CHECK" | "ROOM_CALL"))
}

/// The instruction of a line of assembly, if it touches memory (other than the stack) or is a fence.
pub fn instruction(line: &str) -> Option<String> {
    let code = line.strip_prefix('\t')?;
    // A number sign begins a comment, but on AArch64 a number.
    let code = code.split("//").next()?;
    let code = code.split("# ").next()?.split("\t#").next()?.trim();
    // Of what touches the stack, only a locked instruction matters: it is a fence.
    let is_stack = code.contains("sp)") || code.contains("[sp") || code.contains("bp)");
    if code.is_empty() || code.starts_with('.') || is_stack && !code.starts_with("lock") {
        return None;
    }
    let text = code.split_whitespace().collect::<Vec<_>>().join(" ");
    let word = text.split(' ').next()?;
    let jumps = word.starts_with("lea") || word.starts_with("nop") || word.starts_with("call") || word.starts_with('j');
    let touches = text.contains(['(', '[']) && !jumps;
    let fences = ["mfence", "dmb", "fence", "fence.tso", "lock"].contains(&word);
    (touches || fences || text.contains("__aarch64_")).then_some(text)
}

/// Whether these are the instructions for it: each of them may be there, and none is missing.
pub fn check(machine: Machine, site: &Site, sequence: &[String]) -> Result<(), String> {
    let order = if is_plain(site.operation) { Order::Relaxed } else { site.order };
    let acquires = matches!(order, Order::Acquire | Order::AcqRel | Order::SeqCst);
    let releases = matches!(order, Order::Release | Order::AcqRel | Order::SeqCst);
    let fault = match machine {
        Machine::X86 => x86(site.operation, order, sequence),
        Machine::Arm => arm(site.operation, acquires, releases, sequence),
        Machine::RiscV => riscv(site.operation, acquires, releases, order, sequence),
    };
    fault.map_or(Ok(()), Err)
}

fn x86(operation: Operation, order: Order, sequence: &[String]) -> Option<String> {
    let locked = |text: &String| text.starts_with("lock") || text.starts_with("xchg");
    let fences = |text: &String| text == "mfence" || text.starts_with("lock") && text.contains("(%rsp)");
    let fenced = sequence.iter().any(|text| locked(text) || text == "mfence");
    match operation {
        Operation::Load | Operation::Read => {
            sequence.iter().find(|text| locked(text)).map(|text| format!("{text} is no load"))
        }
        Operation::Store | Operation::Write | Operation::Fence => {
            (order == Order::SeqCst && !fenced).then(|| "it wants a full fence".into())
        }
        // A loop of compare-and-exchanges begins with a load.
        _ if sequence.iter().any(|text| text.starts_with("lock cmpxchg")) => None,
        // An update that changes nothing may be a load behind a full fence: no store of this thread's is waiting then.
        _ if sequence.len() == 2 && fences(&sequence[0]) && sequence[1].starts_with("mov") => None,
        _ => sequence.iter().find(|text| !locked(text)).map(|text| format!("{text} is not atomic")),
    }
}

fn arm(operation: Operation, acquires: bool, releases: bool, sequence: &[String]) -> Option<String> {
    let word = |text: &str| text.split(' ').next().unwrap_or("").to_string();
    let wrong = |text: &String| {
        let word = word(text);
        match operation {
            Operation::Fence => !(text == "dmb ish" || acquires && !releases && text == "dmb ishld"),
            Operation::Load | Operation::Read => {
                !(word == "ldar" || word == "ldapr" || !acquires && ["ldr", "ldur", "ldp"].contains(&word.as_str()))
            }
            Operation::Store | Operation::Write => {
                !(word == "stlr" || !releases && ["str", "stur", "stp"].contains(&word.as_str()))
            }
            _ => !arm_atomic(text, &word, acquires, releases),
        }
    };
    sequence.iter().find(|text| wrong(text)).map(|text| format!("{text} is not what the ordering asks for"))
}

/// A call out of line, a loop's half, or one instruction. One that acquires and throws away what it read orders nothing by that.
fn arm_atomic(text: &str, word: &str, acquires: bool, releases: bool) -> bool {
    if let Some((_, name)) = text.split_once("__aarch64_") {
        let (acquired, released) = (name.contains("_acq"), name.ends_with("_rel"));
        return (acquired || !acquires) && (released || !releases);
    }
    match word {
        "ldaxr" => true,
        "ldxr" => !acquires,
        "stlxr" => true,
        "stxr" => !releases,
        _ => {
            let known =
                ["swp", "ldadd", "ldclr", "ldeor", "ldset", "cas"].iter().find_map(|stem| word.strip_prefix(stem));
            let thrown_away =
                !word.starts_with("cas") && text.split(", ").nth(1).is_some_and(|result| result.ends_with("zr"));
            known.is_some_and(|suffix| {
                (!acquires || suffix.contains('a') && !thrown_away) && (!releases || suffix.contains('l'))
            })
        }
    }
}

fn riscv(operation: Operation, acquires: bool, releases: bool, order: Order, sequence: &[String]) -> Option<String> {
    let (first, last) = (sequence.first()?.as_str(), sequence.last()?.as_str());
    let is_fence = |text: &str| text.starts_with("fence");
    let good = match operation {
        Operation::Fence => match order {
            Order::Acquire => first == "fence r, rw" || first == "fence rw, rw",
            Order::Release => first == "fence rw, w" || first == "fence rw, rw",
            Order::AcqRel => first == "fence.tso" || first == "fence rw, rw",
            _ => first == "fence rw, rw",
        },
        Operation::Load | Operation::Read => {
            (!acquires || last == "fence r, rw") && sequence.iter().all(|text| is_fence(text) || text.starts_with('l'))
        }
        Operation::Store | Operation::Write => {
            (!releases || first == "fence rw, w") && sequence.iter().all(|text| is_fence(text) || text.starts_with('s'))
        }
        _ => sequence.iter().all(|text| {
            let word = text.split(' ').next().unwrap_or("");
            let (acquired, released) = (word.contains(".aq"), word.contains("rl"));
            match word.get(..2) {
                Some("lr") => !acquires || acquired,
                Some("sc") => !releases || released,
                Some("am") => (!acquires || acquired) && (!releases || released),
                _ => false,
            }
        }),
    };
    (!good).then(|| "not what the ordering asks for".into())
}

#[cfg(test)]
mod tests {
    use super::{Machine, check};
    use Machine::{Arm, RiscV, X86};
    use weakest_facade::{Operation, Order, Site};

    #[test]
    fn weaker_instructions_than_asked_for_are_noticed() {
        use {Operation as Op, Order::*};
        for (machine, operation, order, good, bad) in [
            (X86, Op::Rmw, Relaxed, "lock xaddl %eax, (%rdi)", "movl (%rdi), %eax"),
            (
                X86,
                Op::Rmw,
                Relaxed,
                "lock orl $0, -64(%rsp); movl (%rdi), %eax",
                "movl (%rdi), %eax; movl %eax, (%rdi)",
            ),
            (X86, Op::CompareExchange, AcqRel, "lock cmpxchgl %ecx, (%rdi)", "cmpxchgl %ecx, (%rdi)"),
            (X86, Op::Fence, SeqCst, "mfence", "movl (%rdi), %eax"),
            (Arm, Op::Load, Acquire, "ldapr x0, [x0]", "ldr x0, [x0]"),
            (Arm, Op::Store, Release, "stlr x1, [x0]", "str x1, [x0]"),
            (Arm, Op::Rmw, AcqRel, "swpal w1, w0, [x0]", "swpl w1, w0, [x0]"),
            (Arm, Op::Rmw, Acquire, "ldadda w1, w0, [x0]", "ldadda w1, wzr, [x0]"),
            (
                Arm,
                Op::CompareExchange,
                Acquire,
                "ldaxr w8, [x0]; stxr w9, w2, [x0]",
                "ldxr w8, [x0]; stlxr w9, w2, [x0]",
            ),
            (Arm, Op::CompareExchange, Release, "bl __aarch64_cas4_rel", "bl __aarch64_cas4_acq"),
            (Arm, Op::Rmw, AcqRel, "bl __aarch64_swp4_acq_rel", "bl __aarch64_swp4_rel"),
            (Arm, Op::Fence, Acquire, "dmb ishld", "dmb ishst"),
            (Arm, Op::Fence, Release, "dmb ish", "dmb ishld"),
            (RiscV, Op::Load, Acquire, "ld a0, 0(a0); fence r, rw", "fence r, rw; ld a0, 0(a0)"),
            (RiscV, Op::Store, Release, "fence rw, w; sd a1, 0(a0)", "sd a1, 0(a0)"),
            (RiscV, Op::Rmw, Release, "amoswap.w.rl a0, a1, (a0)", "amoswap.w.aq a0, a1, (a0)"),
            (
                RiscV,
                Op::CompareExchange,
                Acquire,
                "lr.w.aq a3, (a0); sc.w a4, a2, (a0)",
                "lr.w a3, (a0); sc.w a4, a2, (a0)",
            ),
            (RiscV, Op::Fence, Release, "fence rw, w", "fence r, rw"),
        ] {
            let site = Site { name: "SITE", operation, order, pairs_with: &[], reason: "" };
            let sequence = |text: &str| text.split("; ").map(String::from).collect::<Vec<_>>();
            assert_eq!(check(machine, &site, &sequence(good)), Ok(()), "{good}");
            assert!(check(machine, &site, &sequence(bad)).is_err(), "{bad}");
        }
    }
}
