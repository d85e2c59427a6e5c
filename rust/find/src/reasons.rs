//! Why a kind is not it, and why nobody can tell, in words. What is judged so stands in `judge`.

use crate::finding::{Kind, RuledOut};
use crate::judge::Rated;
use crate::seen::Seen;

/// What was missing.
pub(crate) fn too_little(seen: &Seen) -> String {
    let (passed, refused) = seen.counts();
    let first = seen.refused().map(|one| one.answered).min().unwrap_or(i64::MAX);
    let again = seen.passed().filter(|one| one.sent > first).count();
    if again == 0 {
        "nobody was let in after the first refusal, so no opening was seen; a longer run with retries would tell".to_owned()
    } else if refused < 5 {
        let were = if refused == 1 { "was" } else { "were" };
        format!(
            "only {refused} of {} {were} refused; a run with more users at once, or without the gate, would tell",
            passed + refused
        )
    } else {
        "too few were let in after a refusal; a longer run with retries would tell".to_owned()
    }
}

/// Of all kinds but those that are possible, with the candidates in the order of their weight.
pub(crate) fn ruled_out(decisions: usize, candidates: &[Rated], possible: &[Kind]) -> Vec<RuledOut> {
    let mut out: Vec<RuledOut> = Vec::new();
    let best = candidates.first();
    for rated in candidates {
        let kind = rated.kind();
        if possible.contains(&kind) || out.iter().any(|other| other.kind == kind) {
            continue;
        }
        let level = rated.found.fit.level;
        let least = best.map_or(0, |best| best.found.missed());
        let reason = if level.missed() > least {
            format!(
                "contradicts {} of {decisions} decisions at its best",
                level.missed()
            )
        } else if best.is_some_and(|best| rated.agreement < best.agreement - 4.0) {
            "refusals told waits that are not its".to_owned()
        } else if best.is_some_and(|best| rated.likely < best.likely - 4.0) {
            "explains as much only with figures that nobody configures".to_owned()
        } else {
            format!("leaves {} of {decisions} decisions to chance", level.open)
        };
        out.push(RuledOut { kind, reason });
    }
    out
}

/// Why nobody can tell where files of several load generators say so.
pub(crate) const CLOCKS: &str =
    "the clocks of the files seem to be apart; set them right, or give the trace of one load generator alone";
pub(crate) const BY_ADDRESS: &str = "each load generator seems to have a limit of its own, or their clocks are apart, which looks alike; \
     the trace of one of them alone would tell";
pub(crate) const ODD_WINDOW: &str = "the best that explains it is a window of a length that nobody configures, as clocks make it that are a \
     little apart; the trace of one load generator alone would tell";

/// What stays open beside a limit that is named.
pub(crate) const COUNTING: &str =
    "whether refusals count, too; a run that tries again at once after a refusal would tell";
pub(crate) const WINDOWS_BEGIN: &str = "whether windows begin with an attempt or on the server's clock; a run with a pause of some windows in it would tell";
pub(crate) const BLOCKS: &str =
    "whether whoever is refused is blocked for a time, which would look like this window; a probe would tell";
/// To whom a probe's own trace is shown, that is no news.
pub(crate) fn of_a_probe(open: &str) -> String {
    open.replace("a probe would tell", "a probe with a larger --budget may tell")
}
pub(crate) const HELD_OR_BLOCKED: &str = "whether it is connections at the same time or a block of whoever is refused: nobody wrote down when connections ended; a trace \
     of -Jwsb.trace=FILE, or a probe would tell";
pub(crate) const PUT_OFF: &str =
    "whether it is a window or a block, which each try puts off: both are the same to whoever was refused";

/// How long the window is that a block ends, in microseconds.
pub(crate) fn before_a_block(shortest: f64, longest: f64) -> String {
    let least = shortest / 1e6;
    let do_as_well = if longest.is_finite() {
        format!("{least:.1} to {:.1} s do as well", longest / 1e6)
    } else {
        format!("any from {least:.1} s on does as well")
    };
    format!(
        "how long the window is that a block ends, and whether it is one or a bucket: {do_as_well}; who comes slowly enough would tell"
    )
}
