//! Peers and callers of all kinds in virtual time.

use proptest::prelude::*;

use super::*;

const TICK: Duration = Duration::from_millis(40);

fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// When the peer was given up, and the pings' times: somebody looks at the times that `looks` gives, all from the opening.
/// Each ping is answered after `answers(number)`, if at all; `news` are times at which other bytes come.
fn played(
    (keep_alive, pong_timeout): (Duration, Duration),
    looks: impl IntoIterator<Item = Duration>,
    news: &[Duration],
    answers: impl Fn(usize) -> Option<Duration>,
) -> (Option<Duration>, Vec<Duration>) {
    let opened = Instant::now();
    let mut liveness = Liveness::new(keep_alive, pong_timeout, opened);
    let mut arrivals: Vec<Duration> = news.to_vec();
    let mut pings = Vec::new();
    for now in looks {
        // Bytes count from when they are read.
        let there = arrivals.len();
        arrivals.retain(|&at| at > now);
        if arrivals.len() < there {
            liveness.heard(opened + now);
        }
        match liveness.duty(opened + now) {
            Duty::Wait => {}
            Duty::Ping => {
                arrivals.extend(answers(pings.len()).map(|after| now + after));
                pings.push(now);
            }
            Duty::GiveUp => return (Some(now), pings),
        }
    }
    (None, pings)
}

fn every(tick: Duration, whole: Duration) -> impl Iterator<Item = Duration> {
    let mut now = Duration::ZERO;
    std::iter::from_fn(move || {
        now += tick;
        (now <= whole).then_some(now)
    })
}

#[test]
fn a_silent_peer_that_answers_is_pinged_again_and_again_and_lives() {
    let (given_up, pings) = played((ms(1_000), ms(500)), every(TICK, ms(10_000)), &[], |_| {
        Some(ms(20))
    });
    assert_eq!(given_up, None);
    assert!((8..=9).contains(&pings.len()), "{pings:?}");
}

#[test]
fn without_keep_alive_nothing_is_ever_due() {
    let (given_up, pings) = played((Duration::ZERO, ms(1)), every(TICK, ms(100_000)), &[], |_| None);
    assert_eq!((given_up, pings), (None, vec![]));
    let never = Liveness::new(Duration::MAX, ms(1), Instant::now());
    assert_eq!(never.due(), None);
}

#[test]
fn what_is_due_is_told_beforehand() {
    let opened = Instant::now();
    let mut liveness = Liveness::new(ms(100), ms(30), opened);
    assert_eq!(liveness.due(), Some(opened + ms(100)));
    assert_eq!(liveness.duty(opened + ms(99)), Duty::Wait);
    assert_eq!(liveness.duty(opened + ms(110)), Duty::Ping);
    assert_eq!(liveness.due(), Some(opened + ms(140)));
    liveness.heard(opened + ms(105));
    assert_eq!(
        liveness.due(),
        Some(opened + ms(140)),
        "what came before the ping does not answer it"
    );
    liveness.heard(opened + ms(120));
    assert_eq!(liveness.due(), Some(opened + ms(220)));
}

proptest! {
    /// Whatever the thread does between: uses of the connection are no news.
    #[test]
    fn a_peer_that_is_gone_is_found_in_time(
        keep_alive in 50_u64..5_000,
        pong_timeout in 10_u64..5_000,
        tick in 1_u64..200,
        last_words in 0_u64..5_000,
    ) {
        let whole = ms(last_words + keep_alive + pong_timeout + 4 * tick);
        let (given_up, pings) = played((ms(keep_alive), ms(pong_timeout)), every(ms(tick), whole), &[ms(last_words)], |_| None);
        let given_up = given_up.expect("it was never found");
        // One tick each: until the last words are read, the ping goes out, the missing pong is noticed.
        prop_assert!(given_up <= ms(last_words + keep_alive + pong_timeout + 3 * tick), "{given_up:?}");
        prop_assert!(given_up >= pings.last().copied().unwrap() + ms(pong_timeout));
    }

    #[test]
    fn a_peer_that_answers_in_time_lives_however_long_we_are_held_up(
        keep_alive in 50_u64..2_000,
        pong_timeout in 200_u64..2_000,
        answer in 0_u64..150,
        stalls in prop::collection::vec((1_u64..60, 1_u64..20_000), 0..10),
    ) {
        // Ticks with stalls between them; time does not stand still for the network.
        let mut looks = Vec::new();
        let mut now = Duration::ZERO;
        for (ticks, stall) in stalls {
            looks.extend((0..ticks).map(|tick| now + TICK * u32::try_from(tick).unwrap()));
            now += TICK * u32::try_from(ticks).unwrap() + ms(stall);
        }
        let (given_up, _) = played((ms(keep_alive), ms(pong_timeout)), looks, &[], |_| Some(ms(answer)));
        prop_assert_eq!(given_up, None);
    }

    /// The whole machine stood still, the network with it: the pong comes only after we go on.
    #[test]
    fn a_pong_that_was_held_up_with_us_counts(stall in 251_u64..100_000, after in 0_u64..900) {
        let (keep_alive, pong_timeout) = (ms(1_000), ms(1_000));
        let ping = ms(1_000);
        let back = ping + pong_timeout + ms(stall);
        let looks = [ping].into_iter().chain(every(TICK, ms(950)).map(|later| back - TICK + later));
        let (given_up, _) = played((keep_alive, pong_timeout), looks, &[back + ms(after)], |_| None);
        prop_assert_eq!(given_up, None);
    }
}
