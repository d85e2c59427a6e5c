//! What a library for a platform must be, so that every system of that kind can load it.

use std::fmt;
use std::str::FromStr;

use object::{Architecture, BinaryFormat};

use crate::facts::{Facts, Version};

/// What CentOS 7 and its kin have; every distribution of the last ten years has more.
const GLIBC: [u32; 2] = [2, 17];
/// The oldest macOS for its kind of machine that Rust's standard library is for.
const MACOS_X86_64: [u32; 3] = [10, 12, 0];
const MACOS_AARCH64: [u32; 3] = [11, 0, 0];

/// Java's side of the exports.
const NATIVE_JAVA: &str = include_str!("../../../java/src/main/java/io/github/wsbackoff/core/Native.java");
const PREFIX: &str = "Java_io_github_wsbackoff_core_Native_";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum System {
    Glibc,
    Musl,
    Windows,
    Macos,
}

/// A folder of the jar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Platform {
    system: System,
    machine: Architecture,
}

impl FromStr for Platform {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let (system, machine) = match name.split('-').collect::<Vec<_>>()[..] {
            ["linux", machine] => (System::Glibc, machine),
            ["linux", machine, "musl"] => (System::Musl, machine),
            ["windows", machine] => (System::Windows, machine),
            ["macos", machine] => (System::Macos, machine),
            _ => return Err("no system of that name".to_owned()),
        };
        let machine = match machine {
            "x86_64" => Architecture::X86_64,
            "aarch64" => Architecture::Aarch64,
            _ => return Err("no machine of that name".to_owned()),
        };
        Ok(Platform { system, machine })
    }
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (system, musl) = match self.system {
            System::Glibc => ("linux", ""),
            System::Musl => ("linux", "-musl"),
            System::Windows => ("windows", ""),
            System::Macos => ("macos", ""),
        };
        let machine = format!("{:?}", self.machine).to_lowercase();
        write!(f, "{system}-{machine}{musl}")
    }
}

impl System {
    fn format(self) -> BinaryFormat {
        match self {
            System::Glibc | System::Musl => BinaryFormat::Elf,
            System::Windows => BinaryFormat::Pe,
            System::Macos => BinaryFormat::MachO,
        }
    }

    /// Whether every such system has this library.
    fn has(self, library: &str) -> bool {
        match self {
            System::Glibc => {
                let name = library.split(".so").next().unwrap_or_default();
                matches!(name, "libc" | "libm" | "libdl" | "librt" | "libpthread")
                    || name.starts_with("ld-linux")
            }
            System::Musl => library == "libc.so",
            // Part of Windows 10, the oldest that Rust's standard library is for.
            System::Windows => {
                let name = library.to_lowercase();
                let own = [
                    "advapi32",
                    "bcrypt",
                    "bcryptprimitives",
                    "crypt32",
                    "kernel32",
                    "msvcrt",
                    "ntdll",
                    "secur32",
                    "userenv",
                    "ws2_32",
                ];
                name.starts_with("api-ms-win-") || own.iter().any(|own| name == format!("{own}.dll"))
            }
            System::Macos => matches!(
                library,
                "/usr/lib/libSystem.B.dylib" | "/usr/lib/libiconv.2.dylib" | "/usr/lib/libcharset.1.dylib"
            ),
        }
    }
}

/// What the library needs, or why it must not be shipped for that platform.
///
/// # Errors
/// The first rule that it breaks.
pub(crate) fn judge(platform: Platform, facts: &Facts) -> Result<String, String> {
    if (facts.format, facts.machine) != (platform.system.format(), platform.machine) {
        return Err(format!("it is {:?} for {:?}", facts.format, facts.machine));
    }
    let mut others = facts.libraries.iter().filter(|name| !platform.system.has(name));
    if let Some(other) = others.next() {
        return Err(format!("it needs another library: {other}"));
    }
    let natives = natives();
    let mut missing = natives.iter().filter(|&&name| !exports(facts, name));
    if let Some(missing) = missing.next() {
        return Err(format!("it does not export Native.{missing}"));
    }
    facts.signature.clone()?;
    let needs = match platform.system {
        System::Glibc => at_most("glibc", facts.glibc.as_ref(), &GLIBC)?,
        System::Macos => {
            let floor = match platform.machine {
                Architecture::X86_64 => MACOS_X86_64,
                _ => MACOS_AARCH64,
            };
            at_most("macOS", facts.macos.as_ref(), &floor)? + ", signed (ad hoc)"
        }
        System::Musl | System::Windows => format!("needs {}", facts.libraries.join(", ")),
    };
    Ok(format!("{needs}, exports {} functions", natives.len()))
}

fn exports(facts: &Facts, native: &str) -> bool {
    // Apple's format has an underscore before each name of C.
    let of_java = |name: &String| name.trim_start_matches('_').strip_prefix(PREFIX) == Some(native);
    facts.exports.iter().any(of_java)
}

/// The names of the native methods.
fn natives() -> Vec<&'static str> {
    let declared = NATIVE_JAVA.split(" static native ").skip(1);
    declared
        .filter_map(|rest| rest.split('(').next()?.split_whitespace().nth(1))
        .collect()
}

fn at_most(what: &str, needs: Option<&Version>, floor: &[u32]) -> Result<String, String> {
    let needs = needs.ok_or_else(|| format!("it names no version of {what}: is it for that system?"))?;
    let shown = |version: &[u32]| version.iter().map(u32::to_string).collect::<Vec<_>>().join(".");
    if needs.as_slice() > floor {
        return Err(format!(
            "it needs {what} {}, above the floor of {}",
            shown(needs),
            shown(floor)
        ));
    }
    Ok(format!("needs {what} {} (floor {})", shown(needs), shown(floor)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(format: BinaryFormat, machine: Architecture, library: &str) -> Facts {
        Facts {
            format,
            machine,
            libraries: vec![library.to_owned()],
            glibc: None,
            exports: natives().iter().map(|name| format!("{PREFIX}{name}")).collect(),
            macos: None,
            signature: Ok(()),
        }
    }

    fn verdict(platform: &str, facts: &Facts) -> String {
        let platform: Platform = platform.parse().unwrap();
        judge(platform, facts).unwrap_or_else(|why| why)
    }

    #[test]
    fn a_library_is_for_one_platform_only() {
        let elf = facts(BinaryFormat::Elf, Architecture::X86_64, "libc.so.6");
        let elf = Facts {
            glibc: Some(vec![2, 17]),
            ..elf
        };
        assert!(verdict("linux-x86_64", &elf).starts_with("needs glibc 2.17 (floor 2.17)"));
        for (other, why) in [
            ("linux-x86_64-musl", "it needs another library: libc.so.6"),
            ("linux-aarch64", "it is Elf for X86_64"),
            ("windows-x86_64", "it is Elf for X86_64"),
            ("macos-x86_64", "it is Elf for X86_64"),
        ] {
            assert_eq!(verdict(other, &elf), why);
        }
        let newer = Facts {
            glibc: Some(vec![2, 34]),
            ..elf
        };
        assert_eq!(
            verdict("linux-x86_64", &newer),
            "it needs glibc 2.34, above the floor of 2.17"
        );
    }

    #[test]
    fn a_library_for_musl_or_windows_needs_what_each_of_them_has() {
        let musl = facts(BinaryFormat::Elf, Architecture::Aarch64, "libc.so");
        assert!(verdict("linux-aarch64-musl", &musl).starts_with("needs libc.so, exports "));
        let windows = |library| {
            verdict(
                "windows-x86_64",
                &facts(BinaryFormat::Pe, Architecture::X86_64, library),
            )
        };
        assert!(windows("KERNEL32.dll").starts_with("needs KERNEL32.dll, exports "));
        assert_eq!(
            windows("libgcc_s_seh-1.dll"),
            "it needs another library: libgcc_s_seh-1.dll"
        );
    }

    #[test]
    fn a_library_for_macos_is_signed_and_for_an_old_one() {
        let system = "/usr/lib/libSystem.B.dylib";
        let mut macos = facts(BinaryFormat::MachO, Architecture::Aarch64, system);
        for name in &mut macos.exports {
            name.insert(0, '_');
        }
        macos.macos = Some(vec![11, 0, 0]);
        assert!(verdict("macos-aarch64", &macos).starts_with("needs macOS 11.0.0 (floor 11.0.0), signed"));
        macos.macos = Some(vec![11, 0, 1]);
        assert!(verdict("macos-aarch64", &macos).contains("above the floor"));
        macos.signature = Err("page 3 is not the one that was signed".to_owned());
        assert_eq!(
            verdict("macos-aarch64", &macos),
            "page 3 is not the one that was signed"
        );
    }

    #[test]
    fn a_native_method_without_export_is_named() {
        assert!(
            natives().contains(&"abi") && natives().contains(&"stopCommand"),
            "{:?}",
            natives()
        );
        let mut musl = facts(BinaryFormat::Elf, Architecture::X86_64, "libc.so");
        musl.exports.retain(|name| !name.ends_with("_drive"));
        assert_eq!(
            verdict("linux-x86_64-musl", &musl),
            "it does not export Native.drive"
        );
    }

    #[test]
    fn names_of_platforms_are_the_jars() {
        for name in [
            "linux-x86_64",
            "linux-aarch64-musl",
            "windows-x86_64",
            "macos-aarch64",
        ] {
            assert_eq!(name.parse::<Platform>().unwrap().to_string(), name);
        }
        for wrong in ["linux", "beos-x86_64", "linux-mips", "windows-x86_64-musl"] {
            assert!(wrong.parse::<Platform>().is_err(), "{wrong}");
        }
    }
}
