//! Result files of JMeter: columns in any order, codes that are none of HTTP, and what cannot be read.

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

impl std::io::Read for Broken {
    fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
        Err(std::io::Error::other("the disk is gone"))
    }
}
