//! `iobring top`: shows who writes how much, live.

use crate::cli::{Look, Top};
use crate::picture::picture;
use crate::status::{Status, Writer};
use crate::text::count;
use crate::watch;
use anyhow::{Context, Result};
use iobring_collect::printable;
use ratatui::backend::TestBackend;
use ratatui::buffer::Buffer;
use ratatui::crossterm::event::{self, Event, KeyCode, KeyModifiers};
use ratatui::layout::{Constraint, Layout};
use ratatui::style::{Style, Stylize};
use ratatui::text::Line;
use ratatui::widgets::{Gauge, Row, Table};
use ratatui::{Frame, Terminal};
use std::collections::BTreeMap;
use std::fs;
use std::io::{self, IsTerminal, Write};
use std::thread;
use std::time::{Duration, Instant};

/// How often figures are asked for.
const ROUND: Duration = Duration::from_secs(1);

/// How long the dead are shown.
const REMEMBERED: Duration = Duration::from_secs(15);

/// How many screens a picture has, and how many writers it has room for.
const SCREENS: usize = 15;
const ROWS: usize = 6;

pub fn top(Top { look, picture: file }: Top) -> Result<()> {
    // Once before the screen is taken, so that an error is seen.
    let mut view = View::default();
    view.update(watch::status(&look)?);
    if let Some(file) = file {
        let screens = record(&mut view, &look)?;
        let written = fs::write(&file, picture(&screens, ROUND.as_secs_f64()));
        return written.with_context(|| format!("cannot write {}", file.display()));
    }
    if !io::stdout().is_terminal() {
        // A rate takes two looks.
        thread::sleep(ROUND);
        view.update(watch::status(&look)?);
        return view.print(&mut io::stdout().lock());
    }
    let mut terminal = ratatui::init();
    let done = show(&mut terminal, &mut view, &look);
    ratatui::restore();
    done
}

fn record(view: &mut View, look: &Look) -> Result<Vec<Buffer>> {
    let screen = |_| {
        thread::sleep(ROUND);
        view.update(watch::status(look)?);
        view.screen(ROWS)
    };
    (0..SCREENS).map(screen).collect()
}

fn show(terminal: &mut ratatui::DefaultTerminal, view: &mut View, look: &Look) -> Result<()> {
    loop {
        terminal.draw(|frame| view.draw(frame))?;
        let deadline = Instant::now() + ROUND;
        while event::poll(deadline.saturating_duration_since(Instant::now()))? {
            match event::read()? {
                Event::Key(key) if matches!(key.code, KeyCode::Char('q') | KeyCode::Esc) => return Ok(()),
                Event::Key(key) if key.code == KeyCode::Char('c') && key.modifiers == KeyModifiers::CONTROL => {
                    return Ok(());
                }
                Event::Resize(..) => break,
                _ => {}
            }
        }
        view.update(watch::status(look)?);
    }
}

/// What is shown.
#[derive(Default)]
struct View {
    status: Option<(Instant, Status)>,
    rows: BTreeMap<u64, Shown>,
}

struct Shown {
    writer: Writer,
    seen: Instant,
    /// Records, bytes and losses a second.
    rates: [f64; 3],
}

impl View {
    fn update(&mut self, status: Status) {
        let now = Instant::now();
        let elapsed = self.status.as_ref().map(|(before, _)| now.duration_since(*before).as_secs_f64());
        for writer in &status.writers {
            let rates = match (self.rows.get(&writer.who.tag), elapsed) {
                (Some(before), Some(elapsed)) if elapsed > 0.0 => [
                    (writer.records, before.writer.records),
                    (writer.bytes, before.writer.bytes),
                    (writer.lost, before.writer.lost),
                ]
                .map(|(now, before)| now.saturating_sub(before) as f64 / elapsed),
                _ => [0.0; 3],
            };
            self.rows.insert(writer.who.tag, Shown { writer: writer.clone(), seen: now, rates });
        }
        self.rows.retain(|_, row| now.duration_since(row.seen) < REMEMBERED);
        self.status = Some((now, status));
    }

    /// One screen as plain text.
    fn print(&self, to: &mut impl Write) -> Result<()> {
        let buffer = self.screen(self.rows.len())?;
        for line in buffer.content().chunks(usize::from(buffer.area.width)) {
            let line: String = line.iter().map(|cell| cell.symbol()).collect();
            writeln!(to, "{}", line.trim_end())?;
        }
        Ok(())
    }

    /// One screen with room for so many rows.
    fn screen(&self, rows: usize) -> Result<Buffer> {
        // As high as it takes: a head of three lines, a foot, and a line each.
        let height = u16::try_from(rows + 4).unwrap_or(u16::MAX);
        let mut terminal = Terminal::new(TestBackend::new(100, height))?;
        terminal.draw(|frame| self.draw(frame))?;
        Ok(terminal.backend().buffer().clone())
    }

    fn draw(&self, frame: &mut Frame<'_>) {
        let Some((now, status)) = &self.status else {
            return;
        };
        let [head, gauge, body, foot] =
            Layout::vertical([Constraint::Length(1), Constraint::Length(1), Constraint::Min(1), Constraint::Length(1)])
                .areas(frame.area());
        let total = &status.total;
        frame.render_widget(
            Line::from(format!(
                "{}   {} accepted, {} delivered, {} lost",
                count(status.writers.len() as u64, "writer"),
                total.accepted,
                total.delivered,
                total.lost
            ))
            .bold(),
            head,
        );
        let used = status.ring.used as f64 / status.ring.capacity.max(1) as f64;
        let label = format!("ring: {} of {} bytes", status.ring.used, status.ring.capacity);
        frame.render_widget(Gauge::default().ratio(used.clamp(0.0, 1.0)).label(label), gauge);
        let all: f64 = self.rows.values().map(|row| row.rates[1]).sum();
        let mut rows: Vec<&Shown> = self.rows.values().collect();
        rows.sort_by(|one, other| {
            other.rates[1].total_cmp(&one.rates[1]).then(one.writer.who.tag.cmp(&other.writer.who.tag))
        });
        let rows = rows.into_iter().map(|row| row.line(row.seen == *now, all));
        let widths = [8, 20, 8, 12, 14, 8, 12, 12].map(Constraint::Length);
        let header =
            Row::new(["PID", "NAME", "UID", "RECORDS/S", "BYTES/S", "SHARE", "LOST/S", "LOST"]).bold().reversed();
        frame.render_widget(Table::new(rows, widths).header(header), body);
        frame.render_widget(Line::from("q quits").dim(), foot);
    }
}

impl Shown {
    fn line(&self, lives: bool, all: f64) -> Row<'static> {
        let Writer { who, lost, .. } = &self.writer;
        let [records, bytes, losses] = self.rates;
        let share = if all > 0.0 { 100.0 * bytes / all } else { 0.0 };
        let cells = [
            who.pid.to_string(),
            printable(&who.name),
            who.uid.to_string(),
            format!("{records:.0}"),
            format!("{bytes:.0}"),
            format!("{share:.0} %"),
            format!("{losses:.0}"),
            lost.to_string(),
        ];
        let style = match (lives, losses > 0.0) {
            (false, _) => Style::new().dim(),
            (true, true) => Style::new().red(),
            (true, false) => Style::new(),
        };
        Row::new(cells).style(style)
    }
}
