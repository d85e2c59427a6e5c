//! Which gate an element stands at, and with which figures: quotas by address, one setting for all who share one.

use std::sync::Arc;

use backoff::{PacerMode, PacerSettings};
use engine::gates::gate::{Gate, Gates};
use websocket::Target;

use super::dial::join;
use super::policy::impossible;
use crate::values::{Invalid, Values};

/// What a gate stands before where nobody names it: the server and the path, without the query.
pub(super) fn quota_of(target: &Target) -> String {
    let path = target.path_and_query().split('?').next().unwrap_or_default();
    format!("{}:{}{path}", target.host(), target.port())
}

/// The quota of a sample by its address, which may be a part of one with a base beside it, as of [`ConnectPlan`]; what is no address
/// is a name of its own.
pub(crate) fn quota_by(address: &str, base: &str) -> String {
    join(address, base).map_or_else(|_| address.to_owned(), |target| quota_of(&target))
}

/// The gate before a quota, by the properties of the element that asks; `None`: it wants none.
pub(crate) fn gate(values: &Values, quota: &str, gates: &Gates) -> Result<Option<Arc<Gate>>, Invalid> {
    let settings = settings(values)?;
    if settings.mode == PacerMode::Off {
        return Ok(None);
    }
    gate_of(values, settings, quota, gates).map(Some)
}

/// The figures of the gate that the properties want.
pub(super) fn settings(values: &Values) -> Result<PacerSettings, Invalid> {
    gate_settings(values, values.choice("wsb.shared.mode")?)
}

/// As [`gate`], of an element that says in its own way what the gate does.
pub(crate) fn gate_of_mode(
    values: &Values,
    mode: PacerMode,
    quota: &str,
    gates: &Gates,
) -> Result<Arc<Gate>, Invalid> {
    gate_of(values, gate_settings(values, mode)?, quota, gates)
}

fn gate_settings(values: &Values, mode: PacerMode) -> Result<PacerSettings, Invalid> {
    const RATES: &str = "a number of attempts a second";
    let settings = PacerSettings {
        mode,
        rate: values.parse("wsb.shared.rate", RATES)?,
        beta: values.parse("wsb.shared.beta", "a number above 0 and below 1")?,
        increase: values.parse("wsb.shared.increase", RATES)?,
        min_rate: values.parse("wsb.shared.minRate", RATES)?,
        max_rate: values.parse("wsb.shared.maxRate", RATES)?,
        spread: values.duration("wsb.shared.spread")?,
        ..PacerSettings::default()
    };
    settings.check().map_err(|error| impossible(values, error))?;
    Ok(settings)
}

/// The name of a quota: what it stands before, and what users add to it.
pub(crate) fn quota_key(values: &Values, quota: &str) -> String {
    format!("{quota} {}", values.text("wsb.shared.key"))
}

fn gate_of(
    values: &Values,
    settings: PacerSettings,
    quota: &str,
    gates: &Gates,
) -> Result<Arc<Gate>, Invalid> {
    let key = quota_key(values, quota);
    gates
        .get(&key, settings)
        .map_err(|there| conflict(&key, &settings, &there))
}

/// Two who share a gate and want it otherwise: which key they differ in, and what to do.
fn conflict(gate: &str, wanted: &PacerSettings, there: &PacerSettings) -> Invalid {
    let figures = |settings: &PacerSettings| {
        [
            ("wsb.shared.mode", settings.mode.to_string()),
            ("wsb.shared.rate", settings.rate.to_string()),
            ("wsb.shared.beta", settings.beta.to_string()),
            ("wsb.shared.increase", settings.increase.to_string()),
            ("wsb.shared.minRate", settings.min_rate.to_string()),
            ("wsb.shared.maxRate", settings.max_rate.to_string()),
            ("wsb.shared.spread", units::format_duration(settings.spread)),
        ]
    };
    let pairs = || figures(wanted).into_iter().zip(figures(there));
    let differing = pairs().find(|(wanted, there)| wanted != there);
    let ((key, value), (_, other)) = differing.or_else(|| pairs().next()).expect("seven figures");
    Invalid::new(
        key,
        value,
        format!(
            "the gate of {} already has {other}, by another element or by this one earlier",
            gate.trim_end()
        ),
        format!(
            "one {key} for all who share a gate and for the whole test, best set in a WebSocket Defaults (wsb), or a wsb.shared.key of its own for each"
        ),
    )
}
