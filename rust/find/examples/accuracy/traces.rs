//! Traces in a folder, and the truth about each: a line of name, tab, limit, for all files whose path begins with the
//! name. Several limits with ` | ` between them are the same to whoever sees only decisions; what follows behind a further tab is for people.

use crate::verdict::Score;
use find::{Observations, Outcome, find};
use flate2::read::MultiGzDecoder;
use limiter::LimitSpec;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

pub(crate) fn score(folder: &Path, truth: &Path) -> Result<Score, String> {
    let told = std::fs::read_to_string(truth).map_err(|error| format!("{}: {error}", truth.display()))?;
    let lines = told
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'));
    let truths: Vec<(&str, Vec<LimitSpec>)> = lines.map(line).collect::<Result<_, _>>()?;
    let mut files = Vec::new();
    gather(folder, &mut files)?;
    files.sort();
    let mut score = Score::default();
    for file in files {
        let name = file.strip_prefix(folder).unwrap_or(&file).display().to_string();
        let Some((_, limits)) = truths.iter().find(|(begin, _)| name.starts_with(begin)) else {
            println!("no truth for {name}");
            continue;
        };
        let observations = read(&file)?;
        let nobody = |one: &find::Decision| one.outcome == Outcome::Passed;
        let unseen = observations.decisions().iter().all(nobody);
        // Where nobody was refused, nobody can see a limit.
        let none = [LimitSpec::default()];
        let limits = if unseen { &none[..] } else { &limits[..] };
        score.judge(&name, limits, &find(&observations));
    }
    Ok(score)
}

fn line(line: &str) -> Result<(&str, Vec<LimitSpec>), String> {
    let mut cells = line.split('\t');
    let (name, limits) = cells
        .next()
        .zip(cells.next())
        .ok_or(format!("no limit in {line:?}"))?;
    let limits = limits
        .split(" | ")
        .map(|text| text.parse::<LimitSpec>().map_err(|error| error.to_string()));
    Ok((name, limits.collect::<Result<_, _>>()?))
}

fn gather(folder: &Path, files: &mut Vec<PathBuf>) -> Result<(), String> {
    let cannot = |error: std::io::Error| format!("{}: {error}", folder.display());
    for entry in std::fs::read_dir(folder).map_err(cannot)? {
        let path = entry.map_err(cannot)?.path();
        if path.is_dir() {
            gather(&path, files)?;
        } else if [".jsonl", ".jsonl.gz"]
            .iter()
            .any(|end| path.display().to_string().ends_with(end))
        {
            files.push(path);
        }
    }
    Ok(())
}

fn read(path: &Path) -> Result<Observations, String> {
    let mut file = BufReader::new(File::open(path).map_err(|error| format!("{}: {error}", path.display()))?);
    let mut observations = Observations::new();
    let packed = file
        .fill_buf()
        .is_ok_and(|begin| begin.starts_with(&[0x1f, 0x8b]));
    let lines: Box<dyn Read> = if packed {
        Box::new(MultiGzDecoder::new(file))
    } else {
        Box::new(file)
    };
    for record in trace::Reader::new(BufReader::new(lines)) {
        let record = record.map_err(|error| format!("{}: {error}", path.display()))?;
        observations.add_record(0, &record);
    }
    Ok(observations)
}
