//! Every crash point of a delivery: the run, the keeper and the driver as they are, in a world that
//! is stepped one thing at a time and breaks on purpose. At any step the page can be gone, and
//! comes back with nothing but what its store had committed.
//!
//! What must hold, whatever happens:
//! - nothing stands twice at the server;
//! - what is said to be delivered is there, and what is said to be safe to send is not and is not
//!   on its way;
//! - a task never arrives before those it depends on;
//! - with a server that is known to honour keys, every task that it would take arrives in the end.
//!
//! A failing case says how to play it again.
#![cfg(not(target_arch = "wasm32"))]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod client;
mod server;
mod store;
mod story;

use taskwright::random::SeededRng;

use story::{Case, Ending, play};

/// So many worlds are tried.
const SEEDS: u64 = 10_000;

/// In so many of them the page goes at every single step.
const EXHAUSTIVE_SEEDS: u64 = 200;

#[test]
fn nothing_is_lost_and_nothing_arrives_twice_whenever_the_page_goes() {
    let mut endings = Endings::default();
    for seed in 0..SEEDS {
        let steps = run(
            Case {
                seed,
                crashes: vec![],
            },
            &mut endings,
        );
        // Wherever it goes once; and twice.
        let mut draw = SeededRng::new(seed ^ 0x0C4A_54E5);
        let once = draw.below(steps + 1);
        run(
            Case {
                seed,
                crashes: vec![once],
            },
            &mut endings,
        );
        let again = once + 1 + draw.below(steps + 1);
        run(
            Case {
                seed,
                crashes: vec![once, again],
            },
            &mut endings,
        );
    }
    endings.expect_variety();
}

#[test]
fn the_page_may_go_at_every_single_step() {
    let mut endings = Endings::default();
    for seed in 0..EXHAUSTIVE_SEEDS {
        let steps = run(
            Case {
                seed,
                crashes: vec![],
            },
            &mut endings,
        );
        for at in 0..=steps {
            run(
                Case {
                    seed,
                    crashes: vec![at],
                },
                &mut endings,
            );
        }
    }
    endings.expect_variety();
}

/// Plays one case again and tells what happens: `CASE=seed,step,step`.
#[test]
fn a_case_can_be_played_again() {
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
    match play(&case, true) {
        Ok(ending) => println!("{ending:?}"),
        Err(wrong) => panic!("{wrong}"),
    }
}

/// Plays a case and says how many steps it took.
fn run(case: Case, endings: &mut Endings) -> u64 {
    match play(&case, false) {
        Ok(ending) => {
            endings.count(&ending);
            ending.steps
        }
        Err(wrong) => {
            let numbers: Vec<String> = std::iter::once(case.seed)
                .chain(case.crashes.iter().copied())
                .map(|number| number.to_string())
                .collect();
            panic!(
                "{wrong}\nPlay it again: CASE={} cargo test -p taskwright --test crash_points a_case -- --nocapture",
                numbers.join(",")
            );
        }
    }
}

/// What was seen over all cases: a world in which nothing ever goes wrong would prove nothing.
#[derive(Debug, Default)]
struct Endings {
    cases: u64,
    steps: u64,
    delivered: u64,
    unknown: u64,
    blocked: u64,
    replayed: u64,
    retried: u64,
    token_asked: u64,
    not_stored: u64,
    probed: u64,
}

impl Endings {
    fn count(&mut self, ending: &Ending) {
        self.cases += 1;
        self.steps += ending.steps;
        self.delivered += ending.delivered;
        self.unknown += ending.unknown;
        self.blocked += ending.blocked;
        self.replayed += ending.replayed;
        self.retried += ending.retried;
        self.token_asked += ending.token_asked;
        self.not_stored += ending.not_stored;
        self.probed += ending.probed;
    }

    fn expect_variety(&self) {
        println!("{self:?}");
        for (what, count) in [
            ("delivered", self.delivered),
            ("unconfirmed", self.unknown),
            ("blocked", self.blocked),
            ("replayed", self.replayed),
            ("retried", self.retried),
            ("asked for a token", self.token_asked),
            ("not stored", self.not_stored),
            ("probed", self.probed),
        ] {
            assert!(count > 100, "hardly anything was {what}: {count}");
        }
    }
}
