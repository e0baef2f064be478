//! What was found, for whoever shows it.

use crate::paired::Cell;
use crate::peer::{Between, Shape, Waiting};
use crate::round_trip::Distribution;
use crate::scaling::Curve;

/// One cell: a peer in a shape.
#[derive(Clone, Debug)]
pub struct Row {
    pub peer: &'static str,
    pub shape: Shape,
    pub outcome: Outcome,
}

/// What came of it.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// It was measured.
    Measured(Cell),
    /// The peer is not made for that.
    Refused(&'static str),
    /// It should have worked and did not.
    Failed(String),
}

/// Round trips of one peer, or of a limit.
#[derive(Clone, Debug)]
pub struct RoundTrip {
    pub peer: &'static str,
    pub waiting: Waiting,
    /// The times; or why there are none.
    pub times: Result<Distribution, String>,
    /// The peer's median over the ring's in the same round.
    pub ratio: Option<f64>,
}

/// Everything.
pub struct Report {
    /// Every shape.
    pub rows: Vec<Row>,
    /// Those of isolated writers beside a bare socket.
    pub isolated: Vec<Row>,
    pub round_trips: Vec<RoundTrip>,
    /// How the ring's cost grows; or why that is not known.
    pub scaling: Result<Vec<Curve>, String>,
    /// Peers that this build leaves out.
    pub left_out: Vec<&'static str>,
}

impl Default for Report {
    fn default() -> Self {
        Report {
            rows: Vec::new(),
            isolated: Vec::new(),
            round_trips: Vec::new(),
            scaling: Ok(Vec::new()),
            left_out: Vec::new(),
        }
    }
}

impl Report {
    /// The rows measured in one way.
    pub fn rows_of(&self, waiting: Waiting, between: Between) -> impl Iterator<Item = &Row> {
        self.rows.iter().filter(move |row| row.shape.waiting == waiting && row.shape.between == between)
    }
}
