//! The short form of `script/soak`: all elements against random faults for half a minute.

use std::time::Duration;

use system::soak::Soak;

use crate::say;
use crate::support::{alone, folder};

#[test]
fn all_elements_stand_random_faults_and_every_attempt_is_accounted_for() {
    let _turn = alone();
    let soak = Soak {
        time: Duration::from_secs(30),
        seed: 1,
        folder: folder("soak"),
    };
    let verdict = soak.run(|_| ()).unwrap();
    for figure in &verdict.figures {
        say!("{figure}");
    }
    assert_eq!(verdict.faults, Vec::<String>::new());
}
