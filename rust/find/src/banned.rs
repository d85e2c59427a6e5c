//! Users who are denied each time while others are let in: that is no limit, but another reason, as a wrong password.

use crate::observations::Decision;
use crate::outcome::Outcome;
use std::collections::HashMap;

/// Fewer attempts of a user may all be denied by a limit.
const FEWEST: i32 = 3;
/// So likely at most it is that a limit denies all of a user's attempts.
const CHANCE: f64 = 1e-3;

/// Takes them out, and tells of them.
pub(crate) fn take_out(decisions: &mut Vec<Decision>) -> Option<String> {
    let mut users: HashMap<u32, (i32, i32)> = HashMap::new();
    for one in decisions.iter() {
        let (passed, denied) = users.entry(one.user).or_default();
        match one.outcome {
            Outcome::Passed => *passed += 1,
            Outcome::Denied => *denied += 1,
            Outcome::Refused | Outcome::Unanswered => {}
        }
    }
    // What a limit would deny, by those who were let in now and then.
    let limited = users.values().filter(|(passed, _)| *passed > 0);
    let (passed, denied) = limited.fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
    if passed == 0 {
        return None;
    }
    let share = f64::from(denied) / f64::from(passed + denied);
    users.retain(|_, (passed, denied)| *passed == 0 && *denied >= FEWEST && share.powi(*denied) < CHANCE);
    let is_out = |one: &Decision| one.outcome == Outcome::Denied && users.contains_key(&one.user);
    let mut statuses: Vec<String> = decisions
        .iter()
        .filter(|one| is_out(one))
        .filter_map(|one| one.status.map(|status| status.to_string()))
        .collect();
    let before = decisions.len();
    decisions.retain(|one| !is_out(one));
    statuses.sort_unstable();
    statuses.dedup();
    let out = before - decisions.len();
    let who = match users.len() {
        1 => "1 user".to_owned(),
        some => format!("{some} users"),
    };
    (out > 0).then(|| {
        format!(
            "{out} attempts of {who} were refused each time ({}), for another reason",
            statuses.join(", ")
        )
    })
}
