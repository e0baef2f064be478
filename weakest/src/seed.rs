//! Faults as text, seeded into a source behind switches: a standing measure of what a set of scenarios notices.
//!
//! All faults of a file go into one copy of it, which is built once; a run of it puts one in force. Nothing of them is left in the
//! source itself. A fault whose place is gone is an error, so that a list of them follows the code.
//!
//! ```
//! use weakest::seed::{Patch, splice};
//! let early = Patch { name: "early", after: None, old: "self.turn()", new: "true" };
//! let spliced = splice("while self.turn() {}", &[early], |number| format!("crate::seeded({number})"));
//! assert_eq!(spliced.unwrap(), "while (if crate::seeded(0) { true } else { self.turn() }) {}");
//! ```

use std::cmp::Reverse;
use std::ops::Range;

/// One fault: an expression, or statements to their `;` or `}`, and what stands there instead.
#[derive(Clone, Copy, Debug)]
pub struct Patch<'a> {
    /// What errors call it.
    pub name: &'a str,
    /// A text behind whose first occurrence `old` is looked for; without one, `old` must be there once.
    pub after: Option<&'a str>,
    /// What is there.
    pub old: &'a str,
    /// What is there while the fault is in force.
    pub new: &'a str,
}

/// `source` with each of `patches` behind the condition that `switch` gives for its number. One may lie within another, and several
/// in one place.
///
/// # Errors
/// If a place is not to be found, or two overlap in part: begins with the patch's name.
pub fn splice(source: &str, patches: &[Patch<'_>], switch: impl Fn(usize) -> String) -> Result<String, String> {
    let mut places = Vec::new();
    for (number, patch) in patches.iter().enumerate() {
        places.push((place(source, patch)?, number));
    }
    // Outer ones before what is in them.
    places.sort_by_key(|(place, number)| (place.start, Reverse(place.end), *number));
    Splice { source, patches, switch, places, at: 0 }.render(0..source.len())
}

fn place(source: &str, patch: &Patch<'_>) -> Result<Range<usize>, String> {
    let stale = |what: &str| format!("{} is stale: {what}", patch.name);
    let begin = match patch.after {
        Some(text) => source.find(text).ok_or_else(|| stale("`after` is not there"))? + text.len(),
        None => 0,
    };
    let start = begin + source[begin..].find(patch.old).ok_or_else(|| stale("`old` is not there"))?;
    if patch.after.is_none() && source[start + 1..].contains(patch.old) {
        return Err(stale("`old` is there twice, and there is no `after`"));
    }
    Ok(start..start + patch.old.len())
}

/// A source on its way.
struct Splice<'a, F> {
    source: &'a str,
    patches: &'a [Patch<'a>],
    switch: F,
    /// Where each goes, with its number.
    places: Vec<(Range<usize>, usize)>,
    /// The first place that is not done.
    at: usize,
}

impl<F: Fn(usize) -> String> Splice<'_, F> {
    /// The text of a range, with the places that lie in it.
    fn render(&mut self, range: Range<usize>) -> Result<String, String> {
        let mut text = String::new();
        let mut done = range.start;
        while let Some((place, number)) = self.places.get(self.at).filter(|(place, _)| place.start < range.end).cloned()
        {
            if place.end > range.end {
                return Err(format!("{} overlaps another in part", self.patches[number].name));
            }
            text += &self.source[done..place.start];
            // Several may be in the same place.
            let mut choices = String::new();
            while let Some((_, number)) = self.places.get(self.at).filter(|(other, _)| *other == place) {
                choices += &format!("if {} {{ {} }} else ", (self.switch)(*number), self.patches[*number].new);
                self.at += 1;
            }
            let old = self.render(place.clone())?;
            let statements = self.source[place.clone()].ends_with([';', '}']);
            text += &if statements { format!("{choices}{{ {old} }}") } else { format!("({choices}{{ {old} }})") };
            done = place.end;
        }
        Ok(text + &self.source[done..range.end])
    }
}
