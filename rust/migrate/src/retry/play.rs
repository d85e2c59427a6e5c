//! A loop, played against answers that are imagined: how many tries it makes, how long it waits before each, when it ends.

use super::filling::filled;
use super::imagine::{Try, World, run};
use super::parts::{Act, Parts, Step, language};
use super::question::Question;
use super::syntax::{Unread, script};
use crate::jmx::Plan;
use crate::scripts::is_sampler;

/// What holds a loop together.
#[derive(Debug)]
pub(super) enum Head {
    While(Question),
    /// So many times; none for ever.
    Times(Option<u32>),
}

/// How a loop went.
#[derive(Debug)]
pub(super) struct Played<'f> {
    pub(super) tries: usize,
    /// Milliseconds before each try after the first.
    pub(super) waits: Vec<f64>,
    /// Milliseconds before the first.
    pub(super) lead: f64,
    /// What it left behind.
    pub(super) world: World<'f>,
}

/// A loop in its plan.
pub(super) struct Game<'a> {
    pub(super) plan: &'a Plan,
    pub(super) name: String,
    pub(super) head: &'a Head,
    pub(super) parts: &'a Parts,
}

enum Flow {
    On,
    Break,
}

struct Playing<'a, 'f> {
    game: &'a Game<'a>,
    server: &'a dyn Fn(usize) -> Try,
    played: Played<'f>,
    most: usize,
}

impl Game<'_> {
    /// Plays it from a state of variables, for a number of tries at most.
    pub(super) fn play<'f>(
        &self,
        world: &World<'f>,
        most: usize,
        server: &dyn Fn(usize) -> Try,
    ) -> Result<Played<'f>, String> {
        let label = Some(self.plan.name(self.parts.sampler)).filter(|label| !label.contains("${"));
        let mut playing = Playing {
            game: self,
            server,
            played: Played {
                tries: 0,
                waits: Vec::new(),
                lead: 0.0,
                world: World {
                    label,
                    ..world.clone()
                },
            },
            most,
        };
        let index = format!("__jm__{}__idx", self.name);
        for round in 0..=most {
            playing.played.world.vars.insert(index.clone(), round.to_string());
            let goes_on = match self.head {
                // With an empty condition a loop begins, and goes on after a success.
                Head::While(question) => match question.holds(&mut playing.played.world)? {
                    Some(holds) => holds,
                    None => {
                        playing.played.world.did.asked_in_vain |= round > 0;
                        round == 0 || playing.played.world.last.is_none_or(|last| last.ok)
                    }
                },
                Head::Times(times) => {
                    times.is_none_or(|times| round < usize::try_from(times).unwrap_or(usize::MAX))
                }
            };
            if !goes_on
                || matches!(playing.steps(&self.parts.steps)?, Flow::Break)
                || playing.played.tries >= most
            {
                break;
            }
        }
        playing.played.world.vars.remove(&index);
        Ok(playing.played)
    }
}

impl Playing<'_, '_> {
    fn steps(&mut self, steps: &[Step]) -> Result<Flow, String> {
        for step in steps {
            match step {
                Step::Try { before, after } => {
                    self.acts(before)?;
                    let waited = std::mem::take(&mut self.played.world.slept);
                    if self.played.tries == 0 {
                        self.played.lead = waited;
                    } else {
                        self.played.waits.push(waited);
                    }
                    self.played.world.last = Some((self.server)(self.played.tries));
                    self.played.tries += 1;
                    self.acts(after)?;
                    if self.played.tries >= self.most {
                        return Ok(Flow::Break);
                    }
                }
                Step::Act(act) => self.act(act)?,
                Step::If(question, inner) => {
                    if question.holds(&mut self.played.world)? == Some(true)
                        && matches!(self.steps(inner)?, Flow::Break)
                    {
                        return Ok(Flow::Break);
                    }
                }
                Step::Break => return Ok(Flow::Break),
            }
        }
        Ok(Flow::On)
    }

    fn acts(&mut self, acts: &[Act]) -> Result<(), String> {
        acts.iter().try_for_each(|act| self.act(act))
    }

    fn act(&mut self, act: &Act) -> Result<(), String> {
        let plan = self.game.plan;
        let world = &mut self.played.world;
        if let Act::Script { item, .. } | Act::Filled { item, .. } = act {
            world.language = language(plan, *item);
        }
        match act {
            Act::Script {
                item,
                script,
                parameters,
                delays,
            } => {
                let parameters = filled(parameters, world);
                let own = is_sampler(plan.class(*item));
                let value = as_sampler(own, world, |world| run(script, &parameters, world))
                    .map_err(|other| self.does_more(*item, other.line, &other.what))?;
                self.delay(*delays, &value);
            }
            Act::Filled {
                item,
                script: text,
                parameters,
                delays,
            } => {
                let (text, parameters) = (filled(text, world), filled(parameters, world));
                let own = is_sampler(plan.class(*item));
                let ran = as_sampler(own, world, |world| {
                    script(&text).and_then(|script| run(&script, &parameters, world))
                });
                let value = ran.map_err(|other| self.does_more(*item, other.line, &other.what))?;
                self.delay(*delays, &value);
            }
            Act::Wait { least, drawn } => {
                let number = |text: &str, world: &mut World| -> f64 {
                    filled(text, world).trim().parse().unwrap_or(0.0)
                };
                let range = number(drawn, world);
                world.did.draws |= range > 0.0;
                let wait = number(least, world) + range * world.drawn;
                world.slept += wait;
                world.clock += wait;
            }
            Act::Count { name, from, by } => {
                let next = world
                    .vars
                    .get(name)
                    .and_then(|count| count.parse::<f64>().ok())
                    .map_or(*from, |count| count + by);
                world.puts.insert(name.clone());
                world.vars.insert(name.clone(), next.to_string());
            }
            Act::Code { name } => {
                let code = world.last.map_or("", |last| last.code);
                world.puts.insert(name.clone());
                world.vars.insert(name.clone(), code.to_owned());
            }
        }
        Ok(())
    }

    /// What the script of a timer returns is a wait.
    fn delay(&mut self, delays: bool, value: &super::imagine::Value) {
        if let (true, super::imagine::Value::Number(millis)) = (delays, value) {
            self.played.world.slept += millis.max(0.0);
        }
    }

    fn does_more(&self, item: usize, line: usize, what: &str) -> String {
        let plan = self.game.plan;
        let place = ["script", "BeanShellSampler.query", "BeanShellAssertion.query"];
        let own = place.iter().find_map(|key| plan.property_node(item, key));
        let line = own.map_or(line + 1, |node| {
            plan.xml().line(plan.xml().node(node).open.start) + line
        });
        format!(
            "{} (line {}) does more than to count, wait and remember: {what} (line {line})",
            plan.name(item),
            plan.line(item)
        )
    }
}

/// Runs the script of an element; one that is a sampler makes a sample of its own, which is the last one then, if it is kept.
pub(super) fn as_sampler<T>(
    own: bool,
    world: &mut World,
    run: impl FnOnce(&mut World) -> Result<T, Unread>,
) -> Result<T, Unread> {
    if !own {
        return run(world);
    }
    world.own = Some((true, true));
    let came = run(world);
    let (ok, kept) = world.own.take().unwrap_or((true, true));
    if kept {
        world.last = Some(Try {
            code: "200",
            ok: ok && world.did.broke.is_none(),
            headers: "",
            has: false,
        });
    }
    came
}
