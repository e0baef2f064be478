//! What became of every event.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// What is known of each service, by its process id.
#[derive(Default)]
pub struct Books {
    accounts: BTreeMap<u32, Account>,
    /// What must not be.
    faults: Vec<String>,
}

#[derive(Default)]
struct Account {
    /// How many events it has logged; it may have been in the middle of one more.
    logged: u64,
    /// The numbers that each collector told; those that went to its own file.
    told: Vec<BTreeSet<u64>>,
    fell_back: BTreeSet<u64>,
    /// How many the collectors told were lost.
    lost: u64,
    /// How many it said itself had gone to its file.
    said: u64,
}

#[derive(Default)]
struct Sums {
    logged: u64,
    told: u64,
    fell_back: u64,
    lost: u64,
}

impl Books {
    /// A service that has ended.
    pub fn open(&mut self, pid: u32, logged: u64, fallback: &str) {
        let account =
            Account { logged, fell_back: fallback.lines().filter_map(number).collect(), ..Account::default() };
        if fallback.lines().count() != account.fell_back.len() {
            self.faults.push(format!("process {pid}: its own file has lines that are no events, or some twice"));
        }
        if self.accounts.insert(pid, account).is_some() {
            self.faults.push(format!("process id {pid} came twice: run it again"));
        }
    }

    /// What one collector told.
    pub fn read(&mut self, output: &Path) {
        let output = fs::read_to_string(output).expect("what a collector wrote");
        self.accounts.values_mut().for_each(|account| account.told.push(BTreeSet::new()));
        for line in output.lines() {
            let mut words = line.splitn(3, ' ');
            let what = words.next().unwrap_or_default();
            let account = words.next().and_then(|pid| self.accounts.get_mut(&pid.parse().ok()?));
            let rest = words.next().unwrap_or_default();
            match (what, account) {
                ("record", Some(account)) => match (number(rest), missed(rest)) {
                    (Some(number), _) => {
                        if !account.told.last_mut().expect("pushed above").insert(number) {
                            self.faults.push(format!("told twice: {line}"));
                        }
                    }
                    (None, Some(missed)) => account.said += missed,
                    (None, None) => self.faults.push(format!("no event: {line}")),
                },
                ("lost", Some(account)) => account.lost += rest.parse::<u64>().expect("a number"),
                // Whoever is killed between connecting and asking.
                ("away", _) => {}
                _ => self.faults.push(line.to_owned()),
            }
        }
    }

    /// Whether every event is where it has to be.
    pub fn balance(mut self) -> bool {
        let mut sums = Sums::default();
        for (pid, account) in &self.accounts {
            account.check(&mut sums).into_iter().for_each(|fault| self.faults.push(format!("process {pid}: {fault}")));
        }
        let Sums { logged, told, fell_back, lost } = sums;
        println!(
            "{} processes logged {logged} events: {told} told, {fell_back} to their own files",
            self.accounts.len()
        );
        println!("{lost} told to be lost");
        self.faults.iter().take(20).for_each(|fault| println!("FAULT: {fault}"));
        if told == 0 || lost == 0 || fell_back == 0 {
            println!("NOT SHOWN: nothing was told, lost, or fell back; more processes, or a smaller ring");
        }
        self.faults.is_empty()
    }
}

impl Account {
    fn check(&self, sums: &mut Sums) -> Vec<String> {
        let mut faults = Vec::new();
        let told: usize = self.told.iter().map(BTreeSet::len).sum();
        let all: BTreeSet<u64> = self.told.iter().chain([&self.fell_back]).flatten().copied().collect();
        if all.len() != told + self.fell_back.len() {
            faults.push("an event is in two places".to_owned());
        }
        if all.last().is_some_and(|last| *last > self.logged) {
            faults.push(format!("event {:?} of {} that it logged", all.last(), self.logged));
        }
        let missing: Vec<u64> = (0..self.logged).filter(|number| !all.contains(number)).collect();
        // Of the one that it was in the middle of only the refusal may be known.
        let in_the_middle = u64::from(!all.contains(&self.logged));
        let missing = missing.len() as u64;
        if self.lost < missing {
            faults.push(format!("{} events are nowhere, of which nobody told", missing - self.lost));
        }
        if self.lost > missing + in_the_middle {
            faults.push(format!("{} told to be lost, {missing} are missing", self.lost));
        }
        if self.said > self.fell_back.len() as u64 {
            faults.push(format!("it says {} fell back; {} did", self.said, self.fell_back.len()));
        }
        sums.logged += self.logged;
        sums.told += told as u64;
        sums.fell_back += self.fell_back.len() as u64;
        sums.lost += self.lost;
        faults
    }
}

/// The number of an event.
fn number(line: &str) -> Option<u64> {
    field(line, "\"number\":")
}

/// How many fell back, of the line that says so.
fn missed(line: &str) -> Option<u64> {
    field(line, "\"missed\":")
}

fn field(line: &str, name: &str) -> Option<u64> {
    let (_, value) = line.split_once(name)?;
    value.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}
