//! A part of a list of jobs, for several machines: each takes its own, and [`report::merge`](crate::report::merge) puts the
//! answers together.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

/// Part `part` of `parts`, counted from 0: every `parts`-th job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shard {
    part: usize,
    parts: usize,
}

impl Shard {
    /// Everything.
    pub const WHOLE: Shard = Shard { part: 0, parts: 1 };

    /// Part `part` of `parts`.
    ///
    /// # Errors
    /// If there is no such part.
    pub fn new(part: usize, parts: usize) -> Result<Self, String> {
        if part >= parts {
            return Err(format!("there is no part {part} of {parts}: they are counted from 0"));
        }
        Ok(Shard { part, parts })
    }

    /// The part's number.
    pub fn part(self) -> usize {
        self.part
    }

    /// How many parts there are.
    pub fn parts(self) -> usize {
        self.parts
    }

    /// What of a list is this part's.
    pub fn of<T>(self, jobs: Vec<T>) -> Vec<T> {
        jobs.into_iter().skip(self.part).step_by(self.parts).collect()
    }
}

/// Why these, of so many, are not all the parts of a whole: each that is missing, and each that is there twice.
pub fn holes(there: impl IntoIterator<Item = usize>, parts: usize) -> Vec<String> {
    let mut times: BTreeMap<usize, usize> = (0..parts).map(|part| (part, 0)).collect();
    there.into_iter().for_each(|part| *times.entry(part).or_default() += 1);
    let wrong = times.into_iter().filter(|&(_, times)| times != 1);
    wrong
        .map(|(part, times)| format!("part {part}/{parts} is {}", if times == 0 { "missing" } else { "there twice" }))
        .collect()
}

impl Default for Shard {
    fn default() -> Self {
        Shard::WHOLE
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.part, self.parts)
    }
}

impl FromStr for Shard {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let number = |text: &str| text.parse::<usize>().map_err(|error| format!("{text:?}: {error}"));
        let (part, parts) = text.split_once('/').ok_or("a part is K/N, such as 0/4")?;
        Shard::new(number(part)?, number(parts)?)
    }
}
