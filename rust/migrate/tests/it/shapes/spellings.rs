//! Loops whose scripts say the same in more words: functions, lists, cases, loops of their own; and what JMeter makes of them.

use super::{Shape, bare, moved, on_failure, scripted};
use crate::loops::{
    Spelling, after, asked, counter, element, http, list, pause, sampler_script, timer, transaction, until,
};

pub(crate) const SPELLINGS: &[Shape] = &[
    (
        "a list of waits",
        |s| {
            on_failure(
                s,
                s.of(
                    "int[] waits = {300, 700, 900, 1000}; Thread.sleep(waits[n - 1]);",
                    "def waits = [300, 700, 900, 1000]\nsleep(waits[n - 1])",
                    "var waits = [300, 700, 900, 1000]; java.lang.Thread.sleep(waits[n - 1]);",
                ),
            )
        },
        (&[">300ms<"], &["300, 700, 900 ms"]),
    ),
    (
        "a function of its own",
        |s| {
            let function = s.of(
                "long backoff(int n) { long most = 600; return Math.min(most, 200 * (1 << (n - 1))); }\n",
                "def backoff(int n) {\n  long most = 600L\n  Math.min(most, 200L * (1L << (n - 1)))\n}\n",
                "function backoff(n) { var most = 600; return Math.min(most, 200 * Math.pow(2, n - 1)); }\n",
            );
            scripted(
                s,
                &(function.to_owned()
                    + &s.counting(&s.remembering(s.succeeded(), "Thread.sleep(backoff(n));"))),
            )
        },
        (&[">200ms<"], &["200, 400, 600 ms"]),
    ),
    (
        "cases",
        |s| {
            let cases = "switch (CODE) {\n case '200': PUT; break;\n case '429':\n case '503': SLEEP(400); break;\n default: PUT; }";
            let cases = match s {
                Spelling::BeanShell => cases.replace('\'', "\"").replace("SLEEP", "Thread.sleep"),
                Spelling::Groovy => cases.replace("SLEEP", "sleep"),
                Spelling::JavaScript => cases.replace("SLEEP", "java.lang.Thread.sleep"),
            };
            let cases = cases
                .replace("CODE", "prev.getResponseCode()")
                .replace("PUT", "vars.put(\"ok\", \"true\")");
            scripted(s, &s.counting(&cases))
        },
        (&[">400ms<"], &["after 429 and 503 only"]),
    ),
    (
        "rounds for a wait",
        |s| {
            on_failure(
                s,
                s.of(
                    "long wait = 200; for (int i = 1; i < n; i++) { wait *= 3; } Thread.sleep(wait);",
                    "long wait = 200; int i = 1\nwhile (i++ < n) { wait = wait * 3 }\nsleep(wait)",
                    "var wait = 200, i = 1; do { if (i >= n) break; wait *= 3; } while (++i < 99); Thread.sleep(wait);",
                ),
            )
        },
        (&[">200ms<"], &["200, 600, 1800 ms", "multiplier=3"]),
    ),
    (
        "a Counter whose variable has no value at first",
        |s| {
            list(&[("ok", "false")])
                + &until(
                    &asked(s, &["ok!=true", "n<4"]),
                    &(counter("n").replace("false<", "true<")
                        + &http(&after(s, &s.remembering(s.succeeded(), "Thread.sleep(500);")))),
                )
        },
        (&[">500ms<"], &["at most 4 tries"]),
    ),
    (
        "a script that keeps itself out of reports",
        |s| {
            sampler_script(
                s,
                "vars.put(\"n\", \"0\"); vars.put(\"ok\", \"false\"); SampleResult.setIgnore();",
            ) + &bare(s)
        },
        (&[">500ms<"], &["500, 500, 500 ms", "what it set back"]),
    ),
    (
        "a sampler's script that hides itself in the loop",
        |s| {
            list(&[("n", "0"), ("ok", "false")])
                + &until(
                    &asked(s, &["ok!=true", "n<4"]),
                    &(http("")
                        + &sampler_script(
                            s,
                            &s.counting(
                                &(s.remembering(
                                    "ctx.getPreviousResult().isSuccessful()",
                                    "Thread.sleep(500);",
                                ) + "SampleResult.setIgnore();"),
                            ),
                        )),
                )
        },
        (&[">500ms<"], &["at most 4 tries"]),
    ),
    (
        "figures from properties",
        |s| {
            list(&[
                ("n", "0"),
                ("ok", "false"),
                ("most", "${__P(retries,4)}"),
                ("wait", "${__P(wait,300)}"),
            ]) + &until(
                &asked(s, &["ok!=true", "n<4"]).replace('4', "${most}"),
                &(http(&after(
                    s,
                    &s.counting(&s.remembering(s.succeeded(), "Thread.sleep(${wait});")),
                ))),
            )
        },
        (
            &[">${wait}<", "__P(wait,300)"],
            &["waits of ${wait}", "at most 4 tries"],
        ),
    ),
    (
        "seconds from a property",
        |s| on_failure(s, "Thread.sleep(${__P(seconds,2)} * 1000);"),
        (&[">2000ms<"], &["came from ${__P(seconds,2)}"]),
    ),
    (
        "counted by a function of JMeter",
        |s| {
            list(&[("n", "0"), ("code", "429")])
                + &until(
                    &asked(s, &["code==429", "n<4"]),
                    &(http(&after(
                        s,
                        "vars.put(\"n\", \"${__intSum(${n},1)}\"); vars.put(\"code\", prev.getResponseCode());",
                    )) + &timer("2000")),
                )
        },
        (&[">2000ms<"], &["at most 4 tries"]),
    ),
    (
        "a drawn wait of JMeter's",
        |s| on_failure(s, "Thread.sleep(${__Random(400,900)});"),
        (&[">400ms<"], &["a part that is drawn"]),
    ),
    (
        "named tries",
        |s| {
            on_failure(
                s,
                "prev.setSampleLabel(prev.getSampleLabel() + \" again\"); Thread.sleep(500);",
            )
        },
        (&[">500ms<"], &["other names"]),
    ),
    (
        "a failed body",
        |s| {
            let has = s.of(
                "prev.getResponseDataAsString().contains(\"done\")",
                "prev.responseDataAsString.contains(\"done\")",
                "prev.getResponseDataAsString().indexOf('done') >= 0",
            );
            scripted(
                s,
                &s.counting(&s.remembering(has, "prev.setSuccessful(false); Thread.sleep(500);")),
            )
        },
        (&[">500ms<", "ResponseAssertion"], &["lacks \"done\""]),
    ),
    (
        "the status in a pattern",
        |s| {
            scripted(
                s,
                &s.counting(&s.remembering(
                    s.of(
                        "!prev.getResponseCode().matches(\"429|5[0-9][0-9]\")",
                        "!(prev.responseCode ==~ /429|5\\d\\d/)",
                        "!/^(429|5\\d\\d)$/.test(prev.getResponseCode())",
                    ),
                    "Thread.sleep(500);",
                )),
            )
        },
        (&[">500ms<"], &["statuses from 500 on"]),
    ),
    (
        "a pause of a transaction's",
        |s| {
            list(&[("n", "0"), ("ok", "false")])
                + &until(
                    &asked(s, &["ok!=true", "n<4"]),
                    &(transaction(&http(&after(s, &s.counting(&s.remembering(s.succeeded(), "")))))
                        + &pause("${__Random(500,900)}")),
                )
        },
        (&[">${__Random(500,900)}<"], &["at most 4 tries"]),
    ),
];

#[test]
fn words_of_one_language_are_understood() {
    let (b, g, j) = (Spelling::BeanShell, Spelling::Groovy, Spelling::JavaScript);
    let objects = |s: Spelling| {
        sampler_script(s, "vars.putObject(\"n\", 0); vars.put(\"ok\", \"false\");")
            + &until(
                &asked(g, &["ok!=true", "n<4"])
                    .replace("vars.get(\"n\").toInteger()", "vars.getObject(\"n\")"),
                &http(&after(
                    s,
                    &("vars.putObject(\"n\", vars.getObject(\"n\") + 1);\n".to_owned()
                        + &s.remembering(s.succeeded(), "Thread.sleep(500);")),
                )),
            )
    };
    let number = "Integer n = new Integer(vars.get(\"n\")); n = n + 1; vars.put(\"n\", n.toString());";
    for (inner, says) in [
        (objects(g), "at most 4 tries"),
        (
            scripted(
                b,
                &(number.to_owned() + &b.remembering(b.succeeded(), "Thread.sleep(500);")),
            ),
            "at most 4 tries",
        ),
        (
            on_failure(
                g,
                "log.info(\"try ${n + 1} of ${prev.URL}\"); vars.put('w', \"${n * 300}\"); sleep(vars.get('w') as long)",
            ),
            "300, 600, 900 ms",
        ),
        (
            on_failure(g, "def wait = { it * 200 }\nsleep(wait(n))"),
            "200, 400, 600 ms",
        ),
        (
            on_failure(
                g,
                "def hint = prev.responseHeaders.readLines().find { it.startsWith('Retry-After') }?.split(':')?.getAt(1)?.trim()\nsleep((hint ?: '1') as long * 1000)",
            ),
            "it waited for what Retry-After says",
        ),
        (
            on_failure(g, "List<Integer> waits = [300, 700, 900]\nsleep waits[n - 1]"),
            "300, 700, 900 ms",
        ),
        (
            on_failure(j, "var f = function(n) { return n * 300; }; Thread.sleep(f(+n));"),
            "300, 600, 900 ms",
        ),
        (
            on_failure(g, "vars.put('wait', n * 500)\nsleep(500)"),
            "vars.put takes texts only",
        ),
        (
            on_failure(j, "vars.put('wait', n * 500); Thread.sleep(500);"),
            "500, 500, 500 ms",
        ),
    ] {
        let (plan, said) = moved(says, &inner);
        assert!(plan.is_some() && said.contains(says), "{says}: {inner}\n{said}");
    }
}

#[test]
fn a_loop_is_entered_with_what_the_sample_before_it_was() {
    for (s, failed, first) in [
        (
            Spelling::BeanShell,
            "${__jexl3(\"${JMeterThread.last_sample_ok}\" == \"false\" && ${n} < 4)}",
            false,
        ),
        (
            Spelling::Groovy,
            "${__groovy((prev == null || !prev.successful) && vars.get(\"n\").toInteger() < 4)}",
            true,
        ),
    ] {
        let alone = list(&[("n", "0")]) + &until(failed, &(http(&after(s, &s.counting(""))) + &timer("300")));
        let (plan, said) = moved("first", &alone);
        assert_eq!(plan.is_some(), first, "{said}");
        let (plan, said) = moved("second", &(http("") + &alone));
        assert!(plan.is_none() && said.contains("stands before it, too"), "{said}");
    }
}

#[test]
fn scripts_that_run_their_sampler_again_are_told() {
    for s in Spelling::ALL {
        let again = "while (!prev.isSuccessful()) { Thread.sleep(500); prev = ctx.getCurrentSampler().sample(null); }";
        let (plan, said) = moved("again", &http(&after(s, again)));
        assert!(
            plan.is_none() && said.contains("LEFT it runs its sampler again by itself (line"),
            "{said}"
        );
    }
}

#[test]
fn a_loop_that_works_once_stays_where_something_comes_to_it_again_for_a_time() {
    for s in Spelling::ALL {
        let once = list(&[("n", "0"), ("ok", "false")])
            + &element("RunTime", "Half a minute", &[("RunTime.seconds", "30")], &bare(s));
        let (plan, said) = moved("once", &once);
        assert!(plan.is_none() && said.contains("Half a minute (line"), "{said}");
        let begin = sampler_script(s, "vars.put(\"n\", \"0\"); vars.put(\"ok\", \"false\");");
        let each = element(
            "RunTime",
            "Half a minute",
            &[("RunTime.seconds", "30")],
            &(begin + &bare(s)),
        );
        let (plan, said) = moved("each", &each);
        assert!(plan.is_some(), "{said}");
    }
}
