//! What a library says of itself: its machine, what it needs and offers. What of that is right, `rules` knows.

use object::macho::{self, BuildVersionCommand};
use object::read::macho::{CodeDirectory, LoadCommandVariant, MachOFile64};
use object::{
    Architecture, BigEndian, BinaryFormat, Endianness, File, Import, ImportFlags, NameOrOrdinal, Object,
};
use sha2::{Digest, Sha256};

/// A version number, as far as it goes.
pub(crate) type Version = Vec<u32>;

#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Facts {
    pub format: BinaryFormat,
    pub machine: Architecture,
    /// The libraries that it has the system load, as it names them.
    pub libraries: Vec<String>,
    /// The newest symbol version of glibc among what it imports.
    pub glibc: Option<Version>,
    /// Names of what it offers.
    pub exports: Vec<String>,
    /// The oldest macOS that it may be loaded on.
    pub macos: Option<Version>,
    /// What is wrong with its signature; only Apple's format has one.
    pub signature: Result<(), String>,
}

/// Reads a library.
///
/// # Errors
/// It is none, or damaged.
pub(crate) fn read(data: &[u8]) -> Result<Facts, object::Error> {
    let file = File::parse(data)?;
    let mut facts = Facts {
        format: file.format(),
        machine: file.architecture(),
        libraries: Vec::new(),
        glibc: None,
        exports: Vec::new(),
        macos: None,
        signature: Ok(()),
    };
    for library in file.import_libraries()? {
        facts.libraries.push(text(library?.name()));
    }
    for import in file.imports()? {
        facts.glibc = facts.glibc.max(glibc_of(&import?));
    }
    for export in file.exports()? {
        if let NameOrOrdinal::Name(name) = export?.name() {
            facts.exports.push(text(name));
        }
    }
    if let File::MachO64(file) = &file {
        if let Some((build, _)) = file.build_version()? {
            facts.macos = macos_of(build, file.endian());
        }
        facts.signature = signed(file)?;
    }
    Ok(facts)
}

fn text(name: &[u8]) -> String {
    String::from_utf8_lossy(name).into_owned()
}

fn glibc_of(import: &Import<'_>) -> Option<Version> {
    let ImportFlags::Elf { version, .. } = import.flags() else {
        return None;
    };
    let version = text(version?);
    let numbers = version.strip_prefix("GLIBC_")?.split('.');
    numbers.map(|number| number.parse().ok()).collect()
}

fn macos_of(build: &BuildVersionCommand<Endianness>, endian: Endianness) -> Option<Version> {
    let version = build.minos.get(endian).0;
    (build.platform.get(endian) == macho::PLATFORM_MACOS)
        .then(|| vec![version >> 16, version >> 8 & 0xff, version & 0xff])
}

/// Whether macOS would take its pages: it ends a process that touches one whose hash is not the one in the signature.
fn signed(file: &MachOFile64<'_, Endianness>) -> Result<Result<(), String>, object::Error> {
    let mut commands = file.macho_load_commands()?;
    while let Some(command) = commands.next()? {
        let LoadCommandVariant::LinkeditData(place) = command.variant()? else {
            continue;
        };
        if command.cmd() != macho::LC_CODE_SIGNATURE {
            continue;
        }
        let signature = place.code_signature(file.endian(), file.data())?;
        for blob in signature.blobs() {
            if let Some(directory) = blob?.code_directory()? {
                let begin = usize::try_from(place.dataoff.get(file.endian())).unwrap_or(usize::MAX);
                return pages_match(&directory, file.data(), begin);
            }
        }
    }
    Ok(Err("it has no signature".to_owned()))
}

fn pages_match(
    directory: &CodeDirectory<'_>,
    data: &[u8],
    begin_of_signature: usize,
) -> Result<Result<(), String>, object::Error> {
    let header = directory.header();
    if header.hash_type != macho::CS_HASHTYPE_SHA256 {
        return Ok(Err("its signature's hashes are not SHA-256".to_owned()));
    }
    let limit = usize::try_from(directory.code_limit()).unwrap_or(usize::MAX);
    if limit != begin_of_signature || limit > data.len() {
        return Ok(Err(
            "its signature does not cover all that is before it".to_owned()
        ));
    }
    let pages = data[..limit].chunks(1 << header.page_size);
    if pages.len() != header.n_code_slots.get(BigEndian) as usize {
        return Ok(Err("its signature is of another number of pages".to_owned()));
    }
    for (index, page) in (0_u32..).zip(pages) {
        if directory.code_hash(index)? != Sha256::digest(page).as_slice() {
            return Ok(Err(format!("page {index} is not the one that was signed")));
        }
    }
    Ok(Ok(()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_this_very_program_says_of_itself_is_read() {
        let program = std::fs::read(std::env::current_exe().unwrap()).unwrap();
        let facts = read(&program).unwrap();
        if cfg!(all(target_os = "linux", target_env = "gnu")) {
            assert_eq!(facts.format, BinaryFormat::Elf);
            assert!(
                facts.libraries.iter().any(|name| name == "libc.so.6"),
                "{facts:?}"
            );
            assert!(facts.glibc.is_some_and(|version| version >= vec![2, 2]));
        }
        assert!(read(&program[..1000]).is_err());
        assert!(read(b"no library").is_err());
    }
}
