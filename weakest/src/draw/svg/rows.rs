//! The rows of a picture: one for each event, as high as its words need.

use super::{COLUMNS, LINE};
use crate::draw::words;
use crate::trace::{Event, Trace};

/// One event's row.
pub struct Row {
    pub top: usize,
    pub height: usize,
    pub lines: Vec<String>,
    /// How many of the lines, from the first, say where: site, operation, ordering.
    pub places: usize,
}

impl Row {
    /// The height at which the event's dot stands.
    pub fn middle(&self) -> usize {
        self.top + LINE / 2 + 2
    }
}

/// The rows of all events, the first at `top`.
pub fn place(trace: &Trace, mut top: usize) -> Vec<Row> {
    let row = |(index, event): (usize, &Event)| {
        let mut lines = words::begins(trace, index).map_or_else(Vec::new, |call| wrap(&format!("▸ {call}"), COLUMNS));
        lines.extend(site(event).into_iter().flat_map(|words| wrap(&words, COLUMNS)));
        let places = lines.len();
        lines.extend(wrap(&(words::action(event) + &words::caption(event)), COLUMNS));
        let row = Row { top, height: LINE * lines.len() + 6, lines, places };
        top += row.height;
        row
    };
    trace.events.iter().enumerate().map(row).collect()
}

/// `HEAD_PUBLISH store Release`.
fn site(event: &Event) -> Option<String> {
    let site = event.site?;
    let operation = words::operation(site.operation);
    Some(match words::ordering(event) {
        Some(ordering) => format!("{} {operation} {ordering}", site.name),
        None => format!("{} {operation}", site.name),
    })
}

/// Breaks `words` at spaces into lines of up to `columns` characters; a longer word has a line of its own.
pub fn wrap(words: &str, columns: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in words.split(' ') {
        let last = lines.last_mut().expect("there is a line");
        if last.is_empty() {
            *last = word.into();
        } else if last.chars().count() + 1 + word.chars().count() <= columns {
            last.push(' ');
            last.push_str(word);
        } else {
            lines.push(word.into());
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::wrap;

    #[test]
    fn lines_break_at_spaces() {
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
        assert_eq!(wrap("a_very_long_word b", 4), ["a_very_long_word", "b"]);
        assert_eq!(wrap("", 4), [""]);
    }
}
