//! Others' lock-free algorithms, known good or known bad, each in one file: its table of sites, its scenarios, and what is to come
//! of them. Written from papers and documentation, in our own words and code.
//!
//! An exhibit that is known good must pass, and each of its orderings must be needed, except those that it lists with the reason.
//! One that is known bad must fail in the way it is known for. `cargo gallery` runs them all.

use std::sync::Arc;
use weakest::facade::{Order, Site};
use weakest::run::Mutant;
use weakest::suite::Case;
use weakest::trace::Fault;

pub mod exhibits;
pub mod judge;
pub mod literature;

/// What is known of an algorithm.
#[derive(Clone, Debug)]
pub enum Known {
    /// It is right. These orderings are stronger than any scenario here needs: site, weaker ordering, why it is there.
    Good(Vec<(&'static str, Order, &'static str)>),
    /// It is wrong, and shows by this fault. Either its code is, or its code is right and this ordering is too weak.
    Bad(Fault, Option<Mutant>),
}

/// One algorithm.
pub struct Exhibit {
    /// Its name, unique.
    pub name: &'static str,
    /// Where it is from, or where its bug was reported.
    pub source: &'static str,
    /// What is known of it.
    pub known: Known,
    /// Its table of sites.
    pub sites: &'static [Site],
    /// Its scenarios.
    pub cases: Vec<Arc<dyn Case>>,
    /// How many mortal threads may die in one execution.
    pub deaths: u8,
}

impl Exhibit {
    /// An algorithm that is right.
    pub fn good(name: &'static str, source: &'static str, sites: &'static [Site]) -> Self {
        Exhibit { name, source, known: Known::Good(Vec::new()), sites, cases: Vec::new(), deaths: 0 }
    }

    /// An algorithm whose code is wrong.
    pub fn bad(name: &'static str, source: &'static str, sites: &'static [Site], fault: Fault) -> Self {
        Exhibit { known: Known::Bad(fault, None), ..Exhibit::good(name, source, sites) }
    }

    /// An algorithm that is wrong by one ordering.
    pub fn weak(
        name: &'static str,
        source: &'static str,
        sites: &'static [Site],
        fault: Fault,
        mutant: Mutant,
    ) -> Self {
        assert!(sites.iter().any(|site| site.name == mutant.site), "{name}: no site is called {}", mutant.site);
        Exhibit { known: Known::Bad(fault, Some(mutant)), ..Exhibit::good(name, source, sites) }
    }

    /// Adds a scenario.
    pub fn with(mut self, case: impl weakest::Scenario) -> Self {
        self.cases.push(Arc::new(case));
        self
    }

    /// Lets so many mortal threads die.
    pub fn deaths(mut self, deaths: u8) -> Self {
        self.deaths = deaths;
        self
    }

    /// Lists an ordering that is stronger than needed here.
    pub fn stronger(mut self, site: &'static Site, order: Order, why: &'static str) -> Self {
        if let Known::Good(stronger) = &mut self.known {
            stronger.push((site.name, order, why));
        }
        self
    }
}

/// An ordering in place of the right one.
pub fn weakened(site: &Site, order: Order) -> Mutant {
    Mutant { site: site.name, order }
}

/// Declares a scenario: its documentation says what it is about.
#[macro_export]
macro_rules! scenario {
    ($(#[doc = $about:literal])* $name:ident<$platform:ident> $program:block) => {
        $(#[doc = $about])*
        pub struct $name;

        impl weakest::Scenario for $name {
            fn about(&self) -> String {
                concat!($($about),*).trim().into()
            }

            fn program<$platform: weakest::facade::Platform>(&self) -> weakest::Program $program
        }
    };
}
