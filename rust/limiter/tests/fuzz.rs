//! Broken inputs: limits as text.

use fuzz::Fuzz;
use limiter::{LimitSpec, Limiter};
use std::time::Duration;

#[test]
fn a_text_is_a_legal_limit_that_can_be_written_and_run_or_an_error_that_names_something() {
    let corpus = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/corpus/limits.txt");
    Fuzz::new(corpus, 20_000).run(|input| {
        let text = String::from_utf8_lossy(input);
        match text.parse::<LimitSpec>() {
            Ok(spec) => {
                spec.check().expect("what was read is legal");
                assert_eq!(spec.to_string().parse().as_ref(), Ok(&spec), "{spec}");
                let _ = spec.bound(u32::MAX);
                let mut limiter = Limiter::new(&spec);
                for now in [0, 1, 1_000_000, u64::MAX] {
                    limiter.try_pass(Duration::from_nanos(now));
                }
            }
            Err(error) => assert!(error.to_string().len() > 10, "{error} names nothing"),
        }
    });
}
