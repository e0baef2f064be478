//! Screens as a moving picture: an SVG that needs no script.

use ratatui::buffer::{Buffer, Cell};
use ratatui::style::{Color, Modifier};
use std::fmt::Write;

/// The size of a character.
const WIDTH: f64 = 8.4;
const HEIGHT: f64 = 18.0;

/// The colours of a terminal that has none of its own.
const PAPER: &str = "#1e1e1e";
const INK: &str = "#d4d4d4";
const FAINT: &str = "#7a7a7a";
const RED: &str = "#f14c4c";

/// These screens, one after the other, each for so many seconds, again and again. The first stands where nothing moves.
pub fn picture(screens: &[Buffer], seconds: f64) -> String {
    let columns = screens.iter().map(|screen| screen.area.width).max().unwrap_or(0);
    let lines = screens.iter().map(|screen| screen.area.height).max().unwrap_or(0);
    let (width, height) = (f64::from(columns) * WIDTH, f64::from(lines) * HEIGHT);
    let count = screens.len().max(1) as f64;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width:.0} {height:.0}\" font-family=\"monospace\" font-size=\"14\">\n\
         <style>.s{{opacity:0;animation:s {:.0}s step-end infinite}}@keyframes s{{0%{{opacity:1}}{:.3}%{{opacity:0}}}}</style>\n",
        count * seconds,
        100.0 / count
    );
    for (number, screen) in screens.iter().enumerate() {
        // The first lies under all others, and is seen when none of them is.
        let moves = match number {
            0 => String::new(),
            _ => format!(" class=\"s\" style=\"animation-delay:{:.0}s\"", number as f64 * seconds),
        };
        let _ = writeln!(svg, "<g{moves}><rect width=\"{width:.0}\" height=\"{height:.0}\" fill=\"{PAPER}\"/>");
        draw(&mut svg, screen);
        svg += "</g>\n";
    }
    svg + "</svg>\n"
}

fn draw(svg: &mut String, screen: &Buffer) {
    for (line, cells) in screen.content().chunks(usize::from(screen.area.width).max(1)).enumerate() {
        let mut at = 0;
        for run in cells.chunk_by(|one, other| look(one) == look(other)) {
            let (ink, paper, bold) = look(&run[0]);
            let (x, y, width) = (at as f64 * WIDTH, line as f64 * HEIGHT, run.len() as f64 * WIDTH);
            at += run.len();
            if paper != PAPER {
                let rect = format!("<rect x=\"{x:.1}\" y=\"{y:.0}\" width=\"{width:.1}\" height=\"{HEIGHT:.0}\"");
                let _ = writeln!(svg, "{rect} fill=\"{paper}\"/>");
            }
            let text: String = run.iter().map(Cell::symbol).collect();
            if !text.trim().is_empty() {
                let weight = if bold { " font-weight=\"bold\"" } else { "" };
                let y = y + 0.75 * HEIGHT;
                let place = format!("x=\"{x:.1}\" y=\"{y:.1}\" textLength=\"{width:.1}\" xml:space=\"preserve\"");
                let _ = writeln!(svg, "<text {place} fill=\"{ink}\"{weight}>{}</text>", escape(&text));
            }
        }
    }
}

/// A cell's ink, its paper, and whether it is bold.
fn look(cell: &Cell) -> (&'static str, &'static str, bool) {
    let ink = match (cell.fg, cell.modifier.contains(Modifier::DIM)) {
        (Color::Red, _) => RED,
        (_, true) => FAINT,
        _ => INK,
    };
    let reversed = cell.modifier.contains(Modifier::REVERSED);
    let (ink, paper) = if reversed { (PAPER, ink) } else { (ink, PAPER) };
    (ink, paper, cell.modifier.contains(Modifier::BOLD))
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use ratatui::layout::Rect;
    use ratatui::style::{Style, Stylize};

    #[test]
    fn each_screen_is_a_group_and_a_name_cannot_leave_it() {
        let mut screen = Buffer::empty(Rect::new(0, 0, 12, 2));
        screen.set_string(0, 0, "a</text><b>&", Style::new());
        screen.set_string(0, 1, "dead", Style::new().dim());
        let svg = picture(&[screen.clone(), screen], 1.0);
        assert!(svg.contains(">a&lt;/text&gt;&lt;b&gt;&amp;<"), "{svg}");
        assert!(svg.contains(&format!("fill=\"{FAINT}\">dead<")), "{svg}");
        assert_eq!((svg.matches("<g").count(), svg.matches("</g>").count()), (2, 2));
    }
}
