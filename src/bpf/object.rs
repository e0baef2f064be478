//! The program that is checked in, as the compiler left it: an ELF file with one function, and a list of where in it numbers are
//! still missing.

use std::collections::HashMap;
use std::sync::LazyLock;

/// Made from the sources beside it by `kernel/build.sh`.
static OBJECT: &[u8] = include_bytes!("../../kernel/iobring.o");

/// The section that the program is in.
const SECTION: &str = "syscall";

/// A number that is put in when the program is loaded.
#[derive(Clone, Copy, Debug)]
enum Value {
    Number(u64),
    /// A map, by its descriptor.
    Map(i32),
    /// An address in the one value of a map, by the map's descriptor and an offset.
    At(i32, u32),
}

/// What makes one writer's program. Maps are named by their descriptors.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Values {
    pub(crate) region: i32,
    pub(crate) wakers_bell: i32,
    pub(crate) descriptors_bell: i32,
    pub(crate) capacity: u64,
    pub(crate) tag: u64,
    pub(crate) holder: u64,
    /// The map that the grant is in, and where.
    pub(crate) grant: (i32, u32),
    /// Where this machine's kernel keeps a system call's last three arguments.
    pub(crate) arguments: [u64; 3],
}

impl Values {
    fn named(&self, name: &str) -> Option<Value> {
        Some(match name {
            "REGION" => Value::At(self.region, 0),
            "GRANT" => Value::At(self.grant.0, self.grant.1),
            "WAKERS_BELL" => Value::Map(self.wakers_bell),
            "DESCRIPTORS_BELL" => Value::Map(self.descriptors_bell),
            "CAPACITY" => Value::Number(self.capacity),
            "TAG" => Value::Number(self.tag),
            "HOLDER" => Value::Number(self.holder),
            "FOURTH" => Value::Number(self.arguments[0]),
            "FIFTH" => Value::Number(self.arguments[1]),
            "SIXTH" => Value::Number(self.arguments[2]),
            _ => return None,
        })
    }
}

/// The program, and what is missing in it.
struct Program {
    instructions: Vec<u64>,
    /// By the number of the instruction: what kind of relocation, and the name of what is missing.
    missing: Vec<(usize, u32, &'static str)>,
}

static PROGRAM: LazyLock<Program> = LazyLock::new(|| parse(OBJECT).expect("the object that is checked in is sound"));

/// The names of the kernel's functions that the program calls.
pub(super) fn calls() -> impl Iterator<Item = &'static str> {
    PROGRAM.missing.iter().filter(|(_, kind, _)| *kind == CALL).map(|(.., name)| *name)
}

/// The instructions of one writer's program, on a kernel that knows its functions by these numbers. `Err` names what is missing.
pub(crate) fn link(values: &Values, functions: &HashMap<&str, u32>) -> Result<Vec<u64>, String> {
    let mut code = PROGRAM.instructions.clone();
    for &(at, kind, name) in &PROGRAM.missing {
        if kind == CALL {
            let function = *functions.get(name).ok_or(name)?;
            // The source register says that it is a function of the kernel's.
            code[at] = code[at] & 0xffff_0fff | 2 << 12 | u64::from(function) << 32;
            continue;
        }
        // What is added to the symbol stands in the two halves of the instruction already.
        let added = (code[at] >> 32) | (code[at + 1] >> 32) << 32;
        let (source, low, high) = match values.named(name).ok_or(name)? {
            Value::Number(number) => {
                let number = number.wrapping_add(added);
                (0, number as u32, (number >> 32) as u32)
            }
            Value::Map(map) => (1, map as u32, 0),
            Value::At(map, offset) => (2, map as u32, offset.wrapping_add(added as u32)),
        };
        code[at] = code[at] & 0xffff_0fff | source << 12 | u64::from(low) << 32;
        code[at + 1] = u64::from(high) << 32;
    }
    Ok(code)
}

/// `R_BPF_64_64`: a 64-bit number, in two halves.
const NUMBER: u32 = 1;
/// `R_BPF_64_32`: a call.
const CALL: u32 = 10;

// Of `elf.h`.
const SHT_SYMTAB: u32 = 2;
const SHT_REL: u32 = 9;

fn parse(object: &'static [u8]) -> Option<Program> {
    let half = |at: usize| object.get(at..at + 2)?.try_into().ok().map(u16::from_le_bytes).map(usize::from);
    let word = |at: usize| object.get(at..at + 4)?.try_into().ok().map(u32::from_le_bytes);
    let long = |at: usize| object.get(at..at + 8)?.try_into().ok().map(u64::from_le_bytes).map(|n| n as usize);
    let text = |at: usize| object.get(at..)?.split(|&byte| byte == 0).next().and_then(|text| str::from_utf8(text).ok());

    // The sections: what each is called and of what kind it is, where its bytes are, and which others it is about.
    let (headers, count, names) = (long(40)?, half(60)?, half(62)?);
    let header = |section: usize| headers + 64 * section;
    let place = |section: usize| Some((long(header(section) + 24)?, long(header(section) + 32)?));
    let called = |section: usize| text(place(names)?.0 + word(header(section))? as usize);
    let of_kind = |kind: u32| (0..count).filter(move |&section| word(header(section) + 4) == Some(kind));

    let symbols = of_kind(SHT_SYMTAB).next()?;
    let symbol_names = place(word(header(symbols) + 40)? as usize)?.0;
    let symbol = |number: usize| text(symbol_names + word(place(symbols)?.0 + 24 * number)? as usize);

    let section = (0..count).find(|&section| called(section) == Some(SECTION))?;
    let (start, len) = place(section)?;
    let instructions = (start..start + len).step_by(8).map(|at| long(at).map(|n| n as u64)).collect::<Option<_>>()?;
    let about = of_kind(SHT_REL).find(|&other| word(header(other) + 44) == Some(section as u32))?;
    let (start, len) = place(about)?;
    let missing = (start..start + len).step_by(16).map(|at| {
        let (kind, number) = (word(at + 8)?, word(at + 12)? as usize);
        (kind == NUMBER || kind == CALL).then_some((long(at)? / 8, kind, symbol(number)?))
    });
    Some(Program { instructions, missing: missing.collect::<Option<_>>()? })
}
