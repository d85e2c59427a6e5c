//! Plans of one run of `migrate` that include each other: their samplers may meet on one connection, and move together or not at all.

use ::migrate::{included, kept_by};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Reads a plan, or a file that it names.
pub(crate) struct Reading<'a> {
    pub(crate) plan: &'a dyn Fn(&Path) -> Option<Vec<u8>>,
    pub(crate) beside: &'a dyn Fn(&Path, &str) -> Option<Vec<u8>>,
}

/// For each plan that stays for another one, what keeps it.
pub(crate) fn kept(plans: &[&Path], reading: &Reading) -> BTreeMap<PathBuf, String> {
    let mut kept = BTreeMap::new();
    for group in groups(plans, reading) {
        let cause = group.iter().find_map(|path| {
            let bytes = (reading.plan)(path)?;
            let files = |name: &str| (reading.beside)(path, name);
            Some((path, kept_by(&bytes, &files).ok().flatten()?))
        });
        let Some((cause, why)) = cause else { continue };
        let name = cause.file_name().unwrap_or_default().to_string_lossy();
        let why = format!("{why}, in {name}");
        let others = group.iter().filter(|path| *path != cause);
        kept.extend(others.map(|path| (path.clone(), why.clone())));
    }
    kept
}

/// The plans, of those that are moved, that include one another by any way.
fn groups(plans: &[&Path], reading: &Reading) -> Vec<BTreeSet<PathBuf>> {
    let own: BTreeSet<PathBuf> = plans.iter().filter_map(|path| path.canonicalize().ok()).collect();
    let mut groups: Vec<BTreeSet<PathBuf>> = Vec::new();
    for path in &own {
        let names = (reading.plan)(path).filter(|bytes| may_include(bytes));
        let names = names.and_then(|bytes| included(&bytes).ok()).unwrap_or_default();
        let folder = path.parent().unwrap_or(Path::new("/"));
        let files = names
            .iter()
            .filter_map(|name| folder.join(name).canonicalize().ok());
        let mut group: BTreeSet<PathBuf> = files.filter(|file| own.contains(file)).collect();
        if group.is_empty() {
            continue;
        }
        group.insert(path.clone());
        let (meets, rest): (Vec<_>, Vec<_>) =
            groups.into_iter().partition(|other| !other.is_disjoint(&group));
        group.extend(meets.into_iter().flatten());
        groups = rest;
        groups.push(group);
    }
    groups
}

/// Whether it has the name of an Include Controller, in whatever charset: most plans are not read twice.
fn may_include(bytes: &[u8]) -> bool {
    let letters: Vec<u8> = bytes.iter().copied().filter(|byte| *byte != 0).collect();
    letters.windows(17).any(|letters| letters == b"IncludeController")
}
