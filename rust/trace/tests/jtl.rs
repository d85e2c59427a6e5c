//! Result files of JMeter: columns in any order, codes that are none of HTTP, and what cannot be read.

use std::io::Read;
use trace::jtl::{JtlError, Row, Rows, delimiter};

const HEADER: &str = "timeStamp,elapsed,label,responseCode,responseMessage,threadName,dataType,success,failureMessage,bytes,sentBytes,grpThreads,allThreads,URL,Latency,IdleTime,Connect";

fn rows(text: &str) -> Vec<Result<Row, String>> {
    let sign = delimiter(text.lines().next().unwrap_or_default()).unwrap_or(b',');
    match Rows::new(text.as_bytes(), sign) {
        Ok(rows) => rows.map(|row| row.map_err(|error| error.to_string())).collect(),
        Err(error) => vec![Err(error.to_string())],
    }
}

#[test]
fn a_row_is_read_by_the_names_of_its_columns() {
    let text = format!(
        "{HEADER}\n1795887532400,35,\"Log in, please\",429,Too Many Requests,Users 1-7,text,false,,300,200,9,9,ws://h/,31,4210,3\n"
    );
    let row = Row {
        time_stamp: 1_795_887_532_400,
        elapsed: 35,
        label: "Log in, please".to_owned(),
        code: "429".to_owned(),
        message: "Too Many Requests".to_owned(),
        thread: "Users 1-7".to_owned(),
        success: Some(false),
        latency: Some(31),
        connect: Some(3),
        idle_time: Some(4_210),
        url: Some("ws://h/".to_owned()),
        ..Row::default()
    };
    assert_eq!(rows(&text), [Ok(row.clone())]);
    for sign in [';', '\t', '|'] {
        let text = format!(
            "threadName{sign}responseCode{sign}unknown{sign}elapsed{sign}timeStamp\nUsers 1-7{sign}429{sign}x{sign}35{sign}1795887532400\r\n"
        );
        let expected = Row {
            label: String::new(),
            message: String::new(),
            success: None,
            latency: None,
            connect: None,
            idle_time: None,
            url: None,
            ..row.clone()
        };
        assert_eq!(rows(&text), [Ok(expected)], "{sign}");
    }
}

#[test]
fn codes_are_a_status_or_a_failure() {
    for (code, status, failure) in [
        ("101", Some(101), None),
        ("429", Some(429), None),
        (
            "Non HTTP response code: java.net.SocketTimeoutException",
            None,
            Some("java.net.SocketTimeoutException"),
        ),
        ("Non HTTP response code: tcp.refused", None, Some("tcp.refused")),
        ("1013", None, Some("1013")),
        ("", None, Some("")),
    ] {
        let row = Row {
            code: code.to_owned(),
            ..Row::default()
        };
        assert_eq!((row.status(), row.failure()), (status, failure), "{code}");
    }
}

#[test]
fn what_cannot_be_read_is_told_with_its_line_and_its_cure() {
    let short = "timeStamp,elapsed,responseCode";
    for (text, expected) in [
        (
            "1795887532400,35,CONNECT,429\n".to_owned(),
            vec!["print_field_names=true"],
        ),
        (
            "timeStamp,elapsed,label\n1,2,x\n".to_owned(),
            vec!["responseCode is missing: set jmeter.save.saveservice.response_code=true"],
        ),
        (
            format!("{short}\n2026/11/29 00:46:33,35,429\n1,2,101\n"),
            vec![
                "line 2: invalid digit found in string (times must be numbers",
                "101",
            ],
        ),
        (
            format!("{short}\n1,2\n3,4,101\n"),
            vec!["line 2: 2 columns where the first row names 3", "101"],
        ),
        (format!("{short}\n1,2,429\n3,4"), vec!["429", "line 3 is cut"]),
        (format!("{short}\n"), vec![]),
    ] {
        let told: Vec<String> = rows(&text)
            .into_iter()
            .map(|row| row.map_or_else(|error| error, |row| row.code))
            .collect();
        assert_eq!(told.len(), expected.len(), "{text}: {told:?}");
        for (told, expected) in told.iter().zip(expected) {
            assert!(told.contains(expected), "{text}: {told}");
        }
    }
    let broken = Rows::new(Broken, b',').err();
    assert!(matches!(&broken, Some(JtlError::Io(_))), "{broken:?}");
}

struct Broken;

impl Read for Broken {
    fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
        Err(std::io::Error::other("the disk is gone"))
    }
}

#[test]
fn times_that_are_none_in_milliseconds_are_told_column_by_column() {
    let good = "1795887532400,35,CONNECT,101,,U 1-1,text,true,,3,2,9,9,ws://h/,31,0,3";
    for (at, column) in [
        (0, "timeStamp"),
        (1, "elapsed"),
        (14, "Latency"),
        (15, "IdleTime"),
        (16, "Connect"),
    ] {
        // Nanoseconds, microseconds, and the most that a number holds.
        for number in ["1795887532400000000", "1795887532400000", "18446744073709551615"] {
            let mut cells: Vec<&str> = good.split(',').collect();
            cells[at] = number;
            let read = rows(&format!("{HEADER}\n{}\n{good}\n", cells.join(",")));
            let told = read[0].as_ref().unwrap_err();
            assert!(
                told.starts_with(&format!("line 2: {column} is no time in milliseconds")),
                "{told}"
            );
            assert!(read[1].is_ok());
        }
    }
}

#[test]
fn a_row_that_waited_or_says_so_may_hide_attempts() {
    let row = |idle, attempts: &str, connected: Option<&str>, message: &str| Row {
        label: "Connect".to_owned(),
        idle_time: idle,
        attempts: attempts.to_owned(),
        connected: connected.map(str::to_owned),
        message: message.to_owned(),
        ..Row::default()
    };
    for (row, hides) in [
        (row(None, "", None, "OK"), false),
        (row(Some(0), "", None, "OK"), false),
        (row(Some(3_000), "", None, "OK"), true),
        (row(Some(3_000), "null", None, "OK"), true),
        // It waited before a gate.
        (row(Some(3_000), "1", Some("Connect"), "OK"), false),
        (row(Some(3_000), "2", Some("Connect"), "OK"), true),
        // wsb.result.elapsed=total counts the pauses as work.
        (row(Some(0), "2", None, "OK"), true),
        (row(Some(0), "2", Some("another"), "OK"), false),
        (
            row(
                Some(3_000),
                "",
                None,
                "Number of samples in transaction : 2, number of failing samples : 0",
            ),
            false,
        ),
    ] {
        assert_eq!(row.may_hide_attempts(), hides, "{row:?}");
    }
}

#[test]
fn a_quote_that_nobody_closes_ends_the_reading_before_it_fills_the_memory() {
    let begin = "timeStamp,elapsed,responseCode\n1,2,101\n1,2,\"";
    let mut endless = std::io::repeat(b'x').take(1 << 30);
    let read: Vec<_> = Rows::new(begin.as_bytes().chain(&mut endless), b',')
        .unwrap()
        .collect();
    assert!(read[0].is_ok() && read.len() == 2, "{read:?}");
    let told = read[1].as_ref().unwrap_err().to_string();
    assert!(told.contains("is a quote not closed"), "{told}");
    assert!(
        endless.limit() > (1 << 30) - (1 << 21),
        "no more is read than a row may have"
    );
}
