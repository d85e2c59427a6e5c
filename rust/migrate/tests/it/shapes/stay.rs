//! Loops that stay, and why.

use super::{Stays, on_failure, scripted};
use crate::loops::{
    after, asked, body_extractor, http, if_asked, list, loop_of, sampler_script, script, timer, until,
};

pub(crate) const STAY: &[Stays] = &[
    (
        "a client of its own",
        |s| on_failure(s, "new URL(\"http://h/\").openConnection().connect();"),
        "new URL(...)",
    ),
    (
        "a second sampler",
        |s| {
            list(&[("n", "0"), ("ok", "false")])
                + &until(
                    &asked(s, &["ok!=true", "n<4"]),
                    &(http(&after(
                        s,
                        &s.counting(&s.remembering(s.succeeded(), "Thread.sleep(500);")),
                    )) + &http("")),
                )
        },
        "is its second sampler",
    ),
    (
        "its count used elsewhere",
        |s| on_failure(s, "Thread.sleep(500);") + &http(&after(s, "log.info(\"tries \" + vars.get(\"n\"));")),
        "n is used in",
    ),
    (
        "a file that is not there",
        |s| {
            list(&[("n", "0"), ("ok", "false")])
                + &until(
                    &asked(s, &["ok!=true", "n<4"]),
                    &http(&script(s, "PostProcessor", "", "../secret.txt")),
                )
        },
        "not beside the plan",
    ),
    (
        "properties of all users",
        |s| on_failure(s, "props.put(\"down\", \"true\"); Thread.sleep(500);"),
        "props",
    ),
    (
        "the body as JSON",
        |s| {
            scripted(
                s,
                &s.counting(&s.remembering(
                    "new JsonSlurper().parseText(prev.getResponseDataAsString()).done",
                    "Thread.sleep(500);",
                )),
            )
        },
        "JsonSlurper",
    ),
    (
        "no end after a success",
        |s| {
            list(&[("n", "0")])
                + &until(
                    &asked(s, &["n<4"]),
                    &http(&after(
                        s,
                        &s.counting("if (!prev.isSuccessful()) { Thread.sleep(500); }"),
                    )),
                )
        },
        "it goes on after a success",
    ),
    (
        "a loop in it",
        |s| {
            list(&[("n", "0"), ("ok", "false")])
                + &until(
                    &asked(s, &["ok!=true", "n<4"]),
                    &(loop_of("3", &http(""))
                        + &sampler_script(
                            s,
                            &s.counting(&s.remembering(s.succeeded(), "Thread.sleep(500);")),
                        )),
                )
        },
        "no part of a retry that is known",
    ),
    (
        "a variable for the number of loops",
        |s| {
            list(&[("ok", "false")])
                + &loop_of(
                    "${tries}",
                    &if_asked(
                        &asked(s, &["ok!=true"]),
                        &http(&after(s, &s.remembering(s.succeeded(), "Thread.sleep(500);"))),
                    ),
                )
        },
        "as often as a variable says",
    ),
    (
        "a comma in the condition",
        |s| {
            list(&[("n", "0"), ("ok", "false")])
                + &until(
                    "${__groovy(vars.get(\"ok\") != \"true\" && vars.get(\"n\").toInteger() < Math.min(4, 5))}",
                    &http(&after(
                        s,
                        &s.counting(&s.remembering(s.succeeded(), "Thread.sleep(500);")),
                    )),
                )
        },
        "a comma that is not written as \\,",
    ),
    (
        "a count without a begin",
        |s| {
            until(
                &asked(s, &["ok!=true", "n<4"]),
                &http(&after(s, &s.remembering(s.succeeded(), "Thread.sleep(500);"))),
            )
        },
        "n",
    ),
    (
        "a stopped thread",
        |s| on_failure(s, "ctx.getThread().stop(); Thread.sleep(500);"),
        "ctx.getThread",
    ),
    (
        "another name that is built",
        |s| on_failure(s, "eval(\"vars.put('x', '1')\"); Thread.sleep(500);"),
        "eval",
    ),
    (
        "polling with two timers",
        |s| {
            until(
                &asked(s, &["status!=done"]),
                &(http(&body_extractor("status")) + &timer("1500") + &timer("2")),
            )
        },
        "several timers",
    ),
    (
        "polling that waits in a script",
        |s| {
            until(
                &asked(s, &["status!=done"]),
                &(http(&(body_extractor("status") + &after(s, "Thread.sleep(100);"))) + &timer("2")),
            )
        },
        "waits in a script",
    ),
];
