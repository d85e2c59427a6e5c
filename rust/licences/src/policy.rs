//! Which licences a dependency may have: permissive ones, as the jar is Apache-2.0 and is shipped with everything inside.

use spdx::{Expression, LicenseReq, ParseMode};

use crate::packages::Package;

/// The allowed licences, as in SPDX expressions.
pub const ALLOWED: &[&str] = &[
    "MIT",
    "MIT-0",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "ISC",
    "Zlib",
    "Unicode-3.0",
    "Unicode-DFS-2016",
    "CDLA-Permissive-2.0",
    "Unlicense",
    "0BSD",
    "BSL-1.0",
];

/// `MIT/Apache-2.0` is how crates wrote `OR` before SPDX; everything else must be exact.
const MODE: ParseMode = ParseMode {
    allow_slash_as_or_operator: true,
    ..ParseMode::STRICT
};

/// The packages that may not be used, each with the reason.
pub fn offenders(packages: &[Package]) -> Vec<(&Package, String)> {
    packages
        .iter()
        .filter_map(|package| Some((package, refusal(package.license.as_deref())?)))
        .collect()
}

/// Why a licence expression is refused; none if one way to read it needs allowed licences only.
fn refusal(license: Option<&str>) -> Option<String> {
    let Some(license) = license else {
        return Some("gives no licence expression".to_owned());
    };
    match parse(license) {
        Ok(expression) if expression.evaluate(allows) => None,
        Ok(_) => Some(format!("{license} is not allowed")),
        Err(error) => Some(format!(
            "{license:?} is not a licence expression: {}",
            error.reason
        )),
    }
}

/// Reads an expression as crates write it.
pub fn parse(license: &str) -> Result<Expression, spdx::ParseError> {
    Expression::parse_mode(license, MODE)
}

/// Whether one licence of an expression is on the list.
pub fn allows(wanted: &LicenseReq) -> bool {
    ALLOWED.contains(&wanted.to_string().as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions_are_judged_by_what_they_demand() {
        for (expression, allowed) in [
            ("MIT", true),
            ("MIT OR Apache-2.0", true),
            ("MIT/Apache-2.0", true),
            ("Apache-2.0 / MIT", true),
            ("Apache-2.0 WITH LLVM-exception OR Apache-2.0 OR MIT", true),
            ("(MIT OR Apache-2.0) AND Unicode-3.0", true),
            ("MIT OR LGPL-2.1-or-later", true),
            ("MIT AND LGPL-2.1-or-later", false),
            ("GPL-3.0-only", false),
            ("Apache-2.0 WITH Classpath-exception-2.0", false),
            ("MPL-2.0", false),
            ("LicenseRef-Ours", false),
            ("Apache", false),
            ("", false),
        ] {
            assert_eq!(refusal(Some(expression)).is_none(), allowed, "{expression:?}");
        }
    }

    #[test]
    fn offenders_are_found_and_named() {
        let packages = crate::packages::parse(include_str!("../fixtures/metadata.json")).unwrap();
        let found: Vec<(&str, String)> = offenders(&packages)
            .into_iter()
            .map(|(package, why)| (package.name.as_str(), why))
            .collect();
        assert_eq!(
            found,
            [
                ("copyleft", "GPL-3.0-or-later is not allowed".to_owned()),
                ("nameless", "gives no licence expression".to_owned()),
                ("partly", "MIT AND MPL-2.0 is not allowed".to_owned()),
            ]
        );
    }
}
