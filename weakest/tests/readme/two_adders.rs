use super::algorithm::*;
use std::sync::Arc;
use weakest::{Outcomes, Program, Scenario, facade::Platform};

struct TwoAdders;

impl Scenario for TwoAdders {
    fn outcomes(&self) -> Outcomes {
        Outcomes::exactly(["1 and 2", "2 and 1"])
    }

    fn program<P: Platform>(&self) -> Program {
        let counter = Arc::new(Counter::<P>::new());
        let other = counter.clone();
        Program::new()
            .thread("one", move || vec![counter.add()])
            .thread("other", move || vec![other.add()])
            .finish(|ends| format!("{} and {}", ends[0].notes()[0], ends[1].notes()[0]))
    }
}

#[test]
fn every_ordering_has_a_witness() {
    weakest::verify(ALL).scenario(TwoAdders).run();
}
