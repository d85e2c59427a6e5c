//! Loops for a flag and a number of tries around a script: in how many ways it may wait, remember and judge.

use super::{Shape, on_failure, scripted};
use crate::loops::{after, asked, http, list, until};

pub(crate) const SCRIPTS: &[Shape] = &[
    (
        "fixed",
        |s| on_failure(s, "Thread.sleep(500);"),
        (
            &[">500ms<"],
            &["waits of 500, 500, 500 ms, at most 4 tries", "strategy=fixed"],
        ),
    ),
    (
        "linear",
        |s| on_failure(s, "Thread.sleep(500 * n);"),
        (&[">500ms<"], &["500, 1000, 1500 ms", "strategy=linear"]),
    ),
    (
        "exponential",
        |s| {
            on_failure(
                s,
                s.of(
                    "Thread.sleep((long) (500 * Math.pow(2, n - 1)));",
                    "sleep((500 * 2 ** (n - 1)) as long)",
                    "java.lang.Thread.sleep((1 << (n - 1)) * 500);",
                ),
            )
        },
        (
            &[">500ms<"],
            &[
                "500, 1000, 2000 ms",
                "strategy=exponential wsb.retry.multiplier=2",
            ],
        ),
    ),
    (
        "with a cap",
        |s| on_failure(s, "Thread.sleep(Math.min(800 * n, 1000));"),
        (&[">800ms<"], &["800, 1000, 1000 ms"]),
    ),
    (
        "drawn",
        |s| {
            on_failure(
                s,
                s.of(
                    "Thread.sleep(1000 + new Random().nextInt(500));",
                    "sleep(java.util.concurrent.ThreadLocalRandom.current().nextInt(1000, 1500))",
                    "java.lang.Thread.sleep(1000 + Math.floor(Math.random() * 500));",
                ),
            )
        },
        (&[">1000ms<"], &["a part that is drawn"]),
    ),
    (
        "in seconds",
        |s| {
            on_failure(
                s,
                s.of(
                    "TimeUnit.SECONDS.sleep(2);",
                    "java.util.concurrent.TimeUnit.SECONDS.sleep(2)",
                    "java.util.concurrent.TimeUnit.SECONDS.sleep(2);",
                ),
            )
        },
        (&[">2000ms<"], &["2000, 2000, 2000 ms"]),
    ),
    (
        "interrupted",
        |s| {
            on_failure(
                s,
                s.of(
                    "try { Thread.sleep(500); } catch (InterruptedException e) { log.warn(\"stopped\"); }",
                    "try { sleep(500) } catch (InterruptedException e) { log.warn(\"stopped\") }",
                    "try { java.lang.Thread.sleep(500); } catch (e) { log.warn(\"stopped\"); }",
                ),
            )
        },
        (&[">500ms<"], &[]),
    ),
    (
        "without a count",
        |s| {
            list(&[("ok", "false")])
                + &until(
                    &asked(s, &["ok!=true"]),
                    &http(&after(s, &s.remembering(s.succeeded(), "Thread.sleep(700);"))),
                )
        },
        (&[">700ms<"], &["no limit"]),
    ),
    (
        "until 200",
        |s| {
            scripted(
                s,
                &s.counting(&s.remembering(
                    s.of(
                        "prev.getResponseCode().equals(\"200\")",
                        "prev.responseCode == \"200\"",
                        "prev.getResponseCode() == '200'",
                    ),
                    "Thread.sleep(500);",
                )),
            )
        },
        (&[">500ms<"], &["404 and the like are final at once"]),
    ),
    (
        "until it is no 429",
        |s| {
            scripted(
                s,
                &s.counting(&s.remembering(
                    s.of(
                        "!prev.getResponseCode().equals(\"429\")",
                        "prev.responseCode != \"429\"",
                        "prev.getResponseCode() != '429'",
                    ),
                    "Thread.sleep(500);",
                )),
            )
        },
        (&[">500ms<"], &["it tried again after 429 only"]),
    ),
    (
        "until neither 429 nor 503",
        |s| {
            scripted(
                s,
                &s.counting(&s.remembering(
                    s.of(
                        "!(prev.getResponseCode().equals(\"429\") || prev.getResponseCode().equals(\"503\"))",
                        "!(prev.responseCode in [\"429\", \"503\"])",
                        "prev.getResponseCode() != '429' && prev.getResponseCode() != '503'",
                    ),
                    "Thread.sleep(500);",
                )),
            )
        },
        (&[">500ms<"], &["after 429 and 503 only"]),
    ),
    (
        "below 400",
        |s| {
            scripted(
                s,
                &s.counting(&s.remembering(
                    s.of(
                        "Integer.parseInt(prev.getResponseCode()) < 400",
                        "prev.responseCode.isNumber() && prev.responseCode.toInteger() < 400",
                        "Number(prev.getResponseCode()) < 400",
                    ),
                    "Thread.sleep(500);",
                )),
            )
        },
        (&[">500ms<"], &[]),
    ),
];
