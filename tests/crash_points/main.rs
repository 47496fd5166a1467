//! Crash tests of a delivery: the real run, write queue and driver in a simulation with injected
//! faults that advances step by step. The page can crash at any step, and restarts with only what
//! its store has committed.
//!
//! Invariants:
//! - the server never has a task twice;
//! - a delivered task is on the server, and a task that is safe to post is neither there nor on its
//!   way;
//! - a task never arrives before its dependencies;
//! - what leaves is in the committed journal with this very body, and was approved for this server;
//! - a second tab shows what is stored;
//! - with a server that honours keys, every task that it accepts is delivered in the end.
//!
//! Half of the operators interfere: they pause, stop, edit, approve and post during a transaction,
//! look tasks up, decide about them, use another path or body template, archive the run and load it
//! again, and post a second run in between. A second tab may take the lock, and the database may be
//! cleared.
//!
//! A failing case prints the command to reproduce it.
#![cfg(not(target_arch = "wasm32"))]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod client;
mod server;
mod simulation;
mod store;

use taskwright::random::SeededRng;

use simulation::{Case, Stats, simulate};

/// Number of simulated deliveries.
const SEEDS: u64 = 10_000;

/// Number of simulated deliveries in which the page crashes at every single step.
const EXHAUSTIVE_SEEDS: u64 = 200;

/// Number of threads that share the simulated deliveries.
const THREADS: usize = 2;

#[test]
fn no_task_is_lost_or_duplicated_when_the_page_crashes() {
    let totals = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..)
            .take(THREADS)
            .map(|thread| scope.spawn(move || crash_twice((thread..SEEDS).step_by(THREADS))))
            .collect();
        let totals = threads
            .into_iter()
            .map(|thread| thread.join().expect("no case fails"));
        totals.fold(Totals::default(), |all, some| all.with(&some))
    });
    totals.expect_variety();
}

/// Simulates the deliveries of these seeds: without a crash, with one, and with two.
fn crash_twice(seeds: impl Iterator<Item = u64>) -> Totals {
    let mut totals = Totals::default();
    for seed in seeds {
        let steps = run(
            Case {
                seed,
                crashes: vec![],
            },
            &mut totals,
        );
        let mut rng = SeededRng::new(seed ^ 0x0C4A_54E5);
        let first = rng.below(steps + 1);
        run(
            Case {
                seed,
                crashes: vec![first],
            },
            &mut totals,
        );
        let second = first + 1 + rng.below(steps + 1);
        run(
            Case {
                seed,
                crashes: vec![first, second],
            },
            &mut totals,
        );
    }
    totals
}

#[test]
fn the_page_may_crash_at_every_single_step() {
    let mut totals = Totals::default();
    for seed in 0..EXHAUSTIVE_SEEDS {
        let steps = run(
            Case {
                seed,
                crashes: vec![],
            },
            &mut totals,
        );
        for at in 0..=steps {
            run(
                Case {
                    seed,
                    crashes: vec![at],
                },
                &mut totals,
            );
        }
    }
    totals.expect_variety();
}

/// Reproduces one case and prints its steps: `CASE=seed,step,step`.
#[test]
fn reproduce_a_case() {
    let Ok(text) = std::env::var("CASE") else {
        return;
    };
    let numbers: Vec<u64> = text
        .split(',')
        .map(|n| n.parse().expect("a number"))
        .collect();
    let case = Case {
        seed: numbers[0],
        crashes: numbers[1..].to_vec(),
    };
    match simulate(&case, true) {
        Ok(stats) => println!("{stats:?}"),
        Err(error) => panic!("{error}"),
    }
}

/// Simulates a case and returns its number of steps.
fn run(case: Case, totals: &mut Totals) -> u64 {
    match simulate(&case, false) {
        Ok(stats) => {
            totals.add(&stats);
            stats.steps
        }
        Err(error) => {
            let numbers: Vec<String> = std::iter::once(case.seed)
                .chain(case.crashes.iter().copied())
                .map(|number| number.to_string())
                .collect();
            panic!(
                "{error}\nReproduce with: CASE={} cargo test -p taskwright --test crash_points reproduce -- --nocapture",
                numbers.join(",")
            );
        }
    }
}

/// Totals over all cases. Simulations without faults would prove nothing.
#[derive(Debug, Default)]
struct Totals {
    cases: u64,
    steps: u64,
    delivered: u64,
    unconfirmed: u64,
    blocked: u64,
    replayed: u64,
    retried: u64,
    token_requested: u64,
    not_stored: u64,
    probed: u64,
    without_receipt: u64,
    found: u64,
    replaced: u64,
    moved: u64,
    archived: u64,
    switched: u64,
    cleared: u64,
    taken_over: u64,
    decided: u64,
}

impl Totals {
    fn add(&mut self, stats: &Stats) {
        self.cases += 1;
        self.steps += stats.steps;
        self.delivered += stats.delivered;
        self.unconfirmed += stats.unconfirmed;
        self.blocked += stats.blocked;
        self.replayed += stats.replayed;
        self.retried += stats.retried;
        self.token_requested += stats.token_requested;
        self.not_stored += stats.not_stored;
        self.probed += stats.probed;
        self.without_receipt += stats.without_receipt;
        self.found += stats.found;
        self.replaced += stats.replaced;
        self.moved += stats.moved;
        self.archived += stats.archived;
        self.switched += stats.switched;
        self.cleared += stats.cleared;
        self.taken_over += stats.taken_over;
        self.decided += stats.decided;
    }

    /// The sum of both.
    fn with(mut self, other: &Totals) -> Totals {
        self.cases += other.cases;
        self.steps += other.steps;
        self.delivered += other.delivered;
        self.unconfirmed += other.unconfirmed;
        self.blocked += other.blocked;
        self.replayed += other.replayed;
        self.retried += other.retried;
        self.token_requested += other.token_requested;
        self.not_stored += other.not_stored;
        self.probed += other.probed;
        self.without_receipt += other.without_receipt;
        self.found += other.found;
        self.replaced += other.replaced;
        self.moved += other.moved;
        self.archived += other.archived;
        self.switched += other.switched;
        self.cleared += other.cleared;
        self.taken_over += other.taken_over;
        self.decided += other.decided;
        self
    }

    fn expect_variety(&self) {
        println!("{self:?}");
        for (what, count) in [
            ("delivered", self.delivered),
            ("unconfirmed", self.unconfirmed),
            ("blocked", self.blocked),
            ("replayed", self.replayed),
            ("retried", self.retried),
            ("token requested", self.token_requested),
            ("not stored", self.not_stored),
            ("probed", self.probed),
            ("without a receipt", self.without_receipt),
            ("found by a look-up", self.found),
            ("replaced while journaling", self.replaced),
            ("moved to another server", self.moved),
            ("archived and loaded", self.archived),
            ("switched to another run", self.switched),
            ("database cleared", self.cleared),
            ("taken over by a second tab", self.taken_over),
            ("decided by the operator", self.decided),
        ] {
            assert!(count > 100, "too few cases of \"{what}\": {count}");
        }
    }
}
