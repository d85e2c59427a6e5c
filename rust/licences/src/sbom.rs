//! The bill of materials: what is linked into the native libraries, as CycloneDX 1.5 in JSON.

use serde_json::{Value, json};

use crate::packages::Package;

/// The bill for this version of the jar, the same text for the same packages.
pub fn write(version: &str, packages: &[Package]) -> String {
    let components: Vec<Value> = packages.iter().map(component).collect();
    let bill = json!({
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {
            "component": {
                "type": "library",
                "bom-ref": "ws-backoff",
                "group": "io.github.wsbackoff",
                "name": "ws-backoff",
                "version": version,
                "purl": format!("pkg:maven/io.github.wsbackoff/ws-backoff@{version}"),
                "licenses": [{ "expression": "Apache-2.0" }],
            }
        },
        "components": components,
        "dependencies": [{
            "ref": "ws-backoff",
            "dependsOn": packages.iter().map(purl).collect::<Vec<_>>(),
        }],
    });
    format!("{bill:#}\n")
}

fn component(package: &Package) -> Value {
    let mut component = json!({
        "type": "library",
        "bom-ref": purl(package),
        "name": package.name,
        "version": package.version,
        "purl": purl(package),
    });
    if let Some(license) = &package.license {
        // How crates wrote it before SPDX.
        component["licenses"] = json!([{ "expression": license.replace('/', " OR ") }]);
    }
    component
}

/// A version's build part has a `+`, which stands for a blank there.
fn purl(package: &Package) -> String {
    format!(
        "pkg:cargo/{}@{}",
        package.name,
        package.version.replace('+', "%2B")
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packages::parse;

    #[test]
    fn each_package_is_named_once_with_its_licence() {
        let packages = parse(include_str!("../fixtures/metadata.json")).unwrap();
        let bill: Value = serde_json::from_str(&write("1.2.3", &packages)).unwrap();
        assert_eq!(bill["metadata"]["component"]["version"], "1.2.3");
        let components = bill["components"].as_array().unwrap();
        assert_eq!(components.len(), packages.len());
        let of = |name: &str| components.iter().find(|each| each["name"] == name).unwrap();
        assert_eq!(of("plain")["purl"], "pkg:cargo/plain@1.0.0");
        assert_eq!(of("plain")["licenses"][0]["expression"], "MIT");
        assert_eq!(of("nameless").get("licenses"), None);
        for (package, reference) in packages
            .iter()
            .zip(bill["dependencies"][0]["dependsOn"].as_array().unwrap())
        {
            assert_eq!(of(&package.name)["bom-ref"], *reference);
        }
    }
}
