//! `tune`: settings worth having against a limit, what today's plan does, and the ramp-up that needs no retry.

use crate::curves::{self, Course};
use crate::output::{self, JSON, PICTURE, Sort};
use crate::storm::{self, LIMIT_HELP, Progress, Scene};
use crate::told::{self, Case, cells, heads, table};
use crate::{Failure, StopToken, say};
use clap::Args;
use limiter::{LimitSpec, Rule};
use serde::Serialize;
use simulate::{Figures, Habit, Storm};
use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::Duration;
use tune::{Answer, Goal, Kind, Note, Question, Setting, properties};
use units::format_duration;

const AFTER_HELP: &str =
    "Each setting was found by a search on the simulator, which runs the sampler's own policy and gate;
a multiple in brackets is that of the bound, which nobody can beat. What is not named in a setting
has its default.

Examples:
  The platform's quota is known, the plan is today's loop of 500 ms and three more tries:
    ws-backoff tune --limit \"fixed-window limit=120 window=60s\" --users 200
  As few attempts as possible, and the best setting as an element to paste into the plan:
    ws-backoff tune --limit \"token-bucket rate=10 burst=20\" --goal fewest-attempts --jmx defaults.jmx

  The quota is what a run of the plan met:
    jmeter -n -t plan.jmx -Jwsb.trace=trace.jsonl
    ws-backoff tune --trace trace.jsonl --users 500

Exit codes: 0, 1 when stopped, nothing can help or a file cannot be written, 2 for a wrong command line.";

#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
#[command(group = clap::ArgGroup::new("known").required(true).args(["limit", "traces"]))]
pub(crate) struct Options {
    /// Who is let in
    #[arg(long, value_name = "LIMIT", long_help = LIMIT_HELP, conflicts_with = "targets")]
    limit: Option<LimitSpec>,

    /// Who was let in, by traces or result files of a run, as `find` reads them, in place of --limit; repeatable
    #[arg(long = "trace", value_name = "TRACE", num_args = 1..)]
    traces: Vec<PathBuf>,

    #[command(flatten)]
    which: crate::find::Which,

    #[command(flatten)]
    scene: Scene,

    /// How the users try today, as `simulate --policy` takes it
    #[arg(long, value_name = "POLICY", default_value = "fixed=500ms tries=3", value_parser = crate::simulate::habit)]
    today: Habit,

    /// What is best: soonest, fewest-attempts, steady
    #[arg(long, value_name = "GOAL", default_value = "soonest")]
    goal: Goal,

    /// Over how many storms each setting's figures go
    #[arg(long, value_name = "NUMBER", default_value = "20", value_parser = storm::seeds, allow_negative_numbers = true)]
    seeds: u64,

    /// The setting for --jmx, by its number in the table
    #[arg(long, value_name = "NUMBER", default_value = "1", value_parser = clap::value_parser!(u8).range(1..=5), allow_negative_numbers = true)]
    setting: u8,

    /// Write a WebSocket Defaults (wsb) element there, a plan that JMeter opens or merges; or print it in place of the table
    #[arg(long, value_name = "FILE.jmx", num_args = 0..=1, default_missing_value = "-", conflicts_with = "json")]
    jmx: Option<PathBuf>,

    /// Draw users connected and attempts a second over time there, for today's plan and each setting
    #[arg(long, value_name = "FILE.svg")]
    picture: Option<PathBuf>,

    /// Write the answer there as JSON, or print it in place of the table
    #[arg(long, value_name = "FILE", num_args = 0..=1, default_missing_value = "-")]
    json: Option<PathBuf>,
}

/// The JSON.
#[derive(Serialize)]
struct Told<'a> {
    #[serde(flatten)]
    case: &'a Case,
    goal: String,
    today: ToldSetting,
    settings: Vec<ToldSetting>,
    /// Sentences.
    notes: Vec<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ToldSetting {
    /// `today`, `alone`, `pause`, `pace` or `calm`.
    kind: &'static str,
    ramp_seconds: f64,
    /// Of the sampler, or of a WebSocket Defaults (wsb), where they differ from the defaults.
    properties: serde_json::Map<String, serde_json::Value>,
    #[serde(flatten)]
    result: told::Result,
}

impl From<&Setting> for ToldSetting {
    fn from(setting: &Setting) -> Self {
        let properties = properties(&setting.habit).into_iter();
        Self {
            kind: match setting.kind {
                Kind::Today => "today",
                Kind::Alone => "alone",
                Kind::Pause => "pause",
                Kind::Pace => "pace",
                Kind::Calm => "calm",
            },
            ramp_seconds: setting.ramp.as_secs_f64(),
            properties: properties
                .map(|(key, value)| (key.to_owned(), value.into()))
                .collect(),
            result: told::Result::new(&setting.habit, &setting.figures),
        }
    }
}

impl Options {
    fn limit(&self) -> Result<LimitSpec, Failure> {
        if let Some(limit) = &self.limit {
            return Ok(limit.clone());
        }
        let observations = crate::find::observe(&self.traces, &self.which)?;
        let finding = find::find(&observations);
        crate::find::warn_of_others(&observations);
        finding.limit_spec.clone().ok_or_else(|| {
            Failure(format!(
                "no limit to tune for: {}. Say what is known of it with --limit",
                finding.sentence().trim_end_matches('.')
            ))
        })
    }
}

pub(crate) fn run(options: &Options, stop: impl FnOnce() -> StopToken) -> Result<(), Failure> {
    let Options { scene, .. } = options;
    output::check_if_any(options.json.as_ref(), &JSON)?;
    output::check_if_any(options.jmx.as_ref(), &PLAN)?;
    output::check_if_any(options.picture.as_ref(), &PICTURE)?;
    let limit = &options.limit()?;
    can_help(limit, scene)?;
    let stop = &stop();
    let question = Question {
        storm: scene.storm(limit.clone())?,
        today: options.today.clone(),
        goal: options.goal,
        seeds: options.seeds,
    };
    let mut progress = Progress::new(stop, None);
    let answer = tune::tune(&question, &mut || progress.step().is_ok());
    let answer = answer.ok_or_else(|| Failure("stopped".to_owned()))?;
    let case = Case::new(limit, scene, options.seeds);
    let printed = |path: &Option<PathBuf>| path.as_deref() == Some("-".as_ref());
    if !printed(&options.json) && !printed(&options.jmx) {
        print(options, &case, &answer)?;
    }
    if let Some(path) = &options.json {
        let told = Told {
            case: &case,
            goal: options.goal.to_string(),
            today: (&answer.today).into(),
            settings: answer.settings.iter().map(Into::into).collect(),
            notes: answer.notes.iter().map(sentence).collect(),
        };
        output::write_json(path, &told)?;
    }
    if let Some(path) = &options.picture {
        let picture = picture(options, &question.storm, &answer);
        output::write(path, &PICTURE, &picture)?;
    }
    helps(&answer)?;
    if let Some(path) = &options.jmx {
        let setting = answer.settings.get(usize::from(options.setting) - 1);
        let setting = setting.ok_or_else(|| {
            Failure(format!(
                "--setting {}: there are {}",
                options.setting,
                answer.settings.len()
            ))
        })?;
        output::write_or_say(path, &PLAN, &plan(&case.sentence(scene), setting))?;
    }
    Ok(())
}

/// A cap that nobody leaves has no answer but itself.
fn can_help(limit: &LimitSpec, scene: &Scene) -> Result<(), Failure> {
    let cap = limit.limits.iter().find_map(|limit| match limit.rule {
        Rule::Concurrency { limit } => Some(limit),
        _ => None,
    });
    match (cap, scene.hold) {
        (Some(cap), None) if usize::try_from(cap).is_ok_and(|cap| cap < scene.users) => {
            Err(Failure(format!(
                "the limit is a cap on connections at a time: no retry helps before a slot gets free, and without --hold TIME \
             nobody leaves; {cap} of {} users can be in. Say with --hold how long a user stays, or ask for fewer users.",
                scene.users
            )))
        }
        _ => Ok(()),
    }
}

/// Settings by which as many are lost as today are none.
fn helps(answer: &Answer) -> Result<(), Failure> {
    let lost = |setting: &Setting| setting.figures.lost.mean;
    let today = lost(&answer.today);
    if today > 0.0 && answer.settings.iter().all(|setting| lost(setting) >= today) {
        return Err(Failure(format!(
            "no setting helps: each loses at least as many as today, {today:.1} of {} users",
            answer.today.figures.users
        )));
    }
    Ok(())
}

fn print(options: &Options, case: &Case, answer: &Answer) -> Result<(), Failure> {
    let users = options.scene.users;
    say(&case.sentence(&options.scene))?;
    say(&crate::simulate::bound(Some(&answer.today.figures)))?;
    let mut rows = heads(&format!("goal: {}", options.goal)).to_vec();
    let figures = |setting: &Setting| -> Figures { setting.figures.clone() };
    rows.push(cells(
        format!("today: {}", answer.today.habit),
        users,
        &figures(&answer.today),
    ));
    for (nth, setting) in (1..).zip(&answer.settings) {
        rows.push(cells(
            format!("{nth}. {}", name(setting)),
            users,
            &figures(setting),
        ));
    }
    table(&rows).iter().try_for_each(|line| say(line))?;
    say("")?;
    for note in &answer.notes {
        say(&sentence(note))?;
    }
    for (nth, setting) in (1..).zip(&answer.settings) {
        say(&format!("{nth}. {}", instruction(setting)))?;
    }
    Ok(())
}

/// What a setting is, in few words.
fn name(setting: &Setting) -> String {
    match setting.kind {
        Kind::Calm => format!("ramp-up {}", seconds(setting.ramp)),
        _ => setting.habit.to_string(),
    }
}

/// What is to be set.
pub(crate) fn instruction(setting: &Setting) -> String {
    let own = properties(&setting.habit);
    let words: Vec<String> = own.iter().map(|(key, value)| format!("{key}={value}")).collect();
    match (setting.kind, words.is_empty()) {
        (Kind::Calm, _) => format!(
            "Ramp-up {} in the thread group: nobody is refused, no retry is needed.",
            seconds(setting.ramp)
        ),
        (_, true) => "The sampler as it comes, nothing to set.".to_owned(),
        _ => words.join(" "),
    }
}

/// As the field of the thread group takes it.
fn seconds(ramp: Duration) -> String {
    format!("{} s", ramp.as_secs_f64())
}

pub(crate) fn sentence(note: &Note) -> String {
    match note {
        Note::NothingToDo => "Nobody is refused today: there is nothing to tune.".to_owned(),
        Note::Concurrency(limit) => format!(
            "The limit is a cap, {limit} connections at a time: no retry helps before a slot gets free, it only finds it sooner."
        ),
        Note::RefusalsCount { alone, pace, times } => format!(
            "Refusals count against this quota: users who retry by themselves keep one another out ({alone:.0} lost, {times:.1} times \
             as long as with the gate pace, which loses {pace:.0}); no policy helps as the gate does."
        ),
        Note::MaxElapsed { usual, needed } => format!(
            "wsb.retry.maxElapsed={} is too short for this quota; {} is enough.",
            format_duration(*usual),
            format_duration(*needed)
        ),
        Note::NoCalm => "No ramp-up within a day keeps all users from being refused.".to_owned(),
    }
}

fn picture(options: &Options, storm: &Storm, answer: &Answer) -> String {
    let course = |setting: &Setting, name: String| {
        let mut storm = storm.clone();
        storm.ramp = setting.ramp;
        Course::of(&storm, &setting.habit, name)
    };
    let mut courses = vec![course(&answer.today, format!("today: {}", answer.today.habit))];
    courses.extend(
        answer
            .settings
            .iter()
            .map(|setting| course(setting, name(setting))),
    );
    let scene = &options.scene;
    let title = format!("{} against {}", scene.arrival(), storm.limit);
    curves::draw(
        &title,
        &format!("{}; one storm each", scene.refusal()),
        scene.users,
        &courses,
    )
}

/// What stands before and behind the properties of the one element of [`plan`].
const BEFORE: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<jmeterTestPlan version="1.2" properties="5.0" jmeter="5.6.3">
  <hashTree>
    <TestPlan guiclass="TestPlanGui" testclass="TestPlan" testname="Settings for this quota" enabled="true">
      <elementProp name="TestPlan.user_defined_variables" elementType="Arguments" guiclass="ArgumentsPanel" testclass="Arguments" testname="User Defined Variables" enabled="true">
        <collectionProp name="Arguments.arguments"/>
      </elementProp>
    </TestPlan>
    <hashTree>
      <io.github.wsbackoff.config.WebSocketDefaults guiclass="io.github.wsbackoff.gui.WebSocketDefaultsGui" testclass="io.github.wsbackoff.config.WebSocketDefaults" testname="WebSocket Defaults (wsb)" enabled="true">
"#;
const BEHIND: &str = r#"      </io.github.wsbackoff.config.WebSocketDefaults>
      <hashTree/>
    </hashTree>
  </hashTree>
</jmeterTestPlan>
"#;

/// One that people have put more into, or saved with JMeter, is theirs.
const PLAN: Sort = Sort {
    what: "the plan",
    ours: |text| {
        let own = text
            .strip_prefix(BEFORE)
            .and_then(|text| text.strip_suffix(BEHIND));
        own.is_some_and(|own| {
            own.lines()
                .all(|line| line.starts_with("        <stringProp name=\""))
        })
    },
};

/// A test plan with one element, as JMeter saves it.
fn plan(case: &str, setting: &Setting) -> String {
    let figures = &setting.figures;
    let comment = format!(
        "Found by ws-backoff tune for {case}. Ramp-up of the thread group: {}. Simulated: {:.1} lost, all in after {:.1} s, {:.2} attempts a user.",
        seconds(setting.ramp),
        figures.lost.mean,
        figures.makespan.mean,
        figures.attempts_per_user.mean
    );
    let mut strings = String::new();
    let mut string = |key: &str, value: &str| {
        let _ = writeln!(
            strings,
            "        <stringProp name=\"{key}\">{}</stringProp>",
            escaped(value)
        );
    };
    string("TestPlan.comments", &comment);
    for (key, value) in properties(&setting.habit) {
        string(key, &value);
    }
    format!("{BEFORE}{strings}{BEHIND}")
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}
