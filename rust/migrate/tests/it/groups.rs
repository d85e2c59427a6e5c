//! Thread groups that become groups of virtual users: what changes is the name of the element, and everything else goes as it did.

use crate::corpus::plans;
use migrate::{Groups, Migration, Outcome, migrate, migrate_beside};
use std::fs;

const THEIRS: &str = "<ThreadGroup guiclass=\"ThreadGroupGui\" testclass=\"ThreadGroup\"";
const OURS: &str = "<io.github.wsbackoff.threads.VirtualUserGroup \
                    guiclass=\"io.github.wsbackoff.gui.VirtualUserGroupGui\" \
                    testclass=\"io.github.wsbackoff.threads.VirtualUserGroup\"";
const THEIR_END: &str = "</ThreadGroup>";
const OUR_END: &str = "</io.github.wsbackoff.threads.VirtualUserGroup>";

/// Replaces the names in a file of any charset that has ASCII's bytes.
fn renamed(bytes: &[u8]) -> Vec<u8> {
    let text: String = bytes.iter().copied().map(char::from).collect();
    let text = text.replace(THEIRS, OURS).replace(THEIR_END, OUR_END);
    text.chars()
        .map(|c| u8::try_from(c).expect("each is a byte of the file"))
        .collect()
}

fn to_virtual(bytes: &[u8]) -> Migration {
    migrate_beside(bytes, &|_| None, None, Groups::Virtual).unwrap()
}

fn groups(migration: &Migration) -> usize {
    let ours = Outcome::Moved("Virtual Thread Group (wsb)".to_owned());
    let moved = migration.entries.iter().filter(|entry| entry.outcome == ours);
    moved.count()
}

#[test]
fn only_their_names_change_and_a_second_time_nothing_does() {
    let mut converted = 0;
    for path in plans() {
        let bytes = fs::read(&path).unwrap();
        let name = path.display();
        let without = migrate(&bytes, &|_| None).unwrap();
        let with = to_virtual(&bytes);
        let count = groups(&with);
        assert_eq!(with.entries.len(), without.entries.len() + count, "{name}");
        let moved = without.plan.unwrap_or_else(|| bytes.clone());
        let expected = renamed(&moved);
        if expected != moved {
            converted += 1;
            assert!(count > 0, "{name}");
            assert!(with.plan.as_ref() == Some(&expected), "{name}");
        }
        let again = to_virtual(with.plan.as_ref().unwrap_or(&bytes));
        assert_eq!((again.plan, groups_of(&again.entries)), (None, 0), "{name}");
    }
    assert!(converted > 50, "{converted}");
}

fn groups_of(entries: &[migrate::Entry]) -> usize {
    let about = |entry: &&migrate::Entry| entry.element.contains("Group");
    entries.iter().filter(about).count()
}

#[test]
fn samplers_and_loops_move_in_a_group_of_virtual_users_as_in_any_other() {
    for path in plans() {
        let bytes = fs::read(&path).unwrap();
        let before = migrate(&bytes, &|_| None).unwrap();
        let after = migrate(&renamed(&bytes), &|_| None).unwrap();
        let expected = before.plan.as_deref().map(renamed);
        assert!(after.plan == expected, "{}", path.display());
        assert_eq!(after.entries, before.entries, "{}", path.display());
    }
}

#[test]
fn every_spelling_of_a_thread_group_is_one_and_groups_for_setting_up_are_none() {
    let plan = |inner: &str| {
        format!("<jmeterTestPlan version=\"1.2\"><hashTree>{inner}</hashTree></jmeterTestPlan>")
    };
    let class = "io.github.wsbackoff.threads.VirtualUserGroup";
    let gui = "io.github.wsbackoff.gui.VirtualUserGroupGui";
    let names = format!("guiclass=\"{gui}\" testclass=\"{class}\"");
    for (theirs, ours) in [
        // Attributes in another order, more of them, and what no plan of JMeter has.
        (
            "<ThreadGroup enabled=\"false\" testname=\"a\" testclass=\"ThreadGroup\" guiclass=\"ThreadGroupGui\"><x/></ThreadGroup>",
            format!(
                "<{class} enabled=\"false\" testname=\"a\" testclass=\"{class}\" guiclass=\"{gui}\"><x/></{class}>"
            ),
        ),
        ("<ThreadGroup/>", format!("<{class} {names}/>")),
        (
            "<org.apache.jmeter.threads.ThreadGroup ></org.apache.jmeter.threads.ThreadGroup>",
            format!("<{class} {names} ></{class}>"),
        ),
        (
            "<SetupThreadGroup guiclass=\"SetupThreadGroupGui\" testclass=\"SetupThreadGroup\"/>",
            String::new(),
        ),
        (
            "<PostThreadGroup guiclass=\"PostThreadGroupGui\" testclass=\"PostThreadGroup\"/>",
            String::new(),
        ),
    ] {
        let theirs = format!("{theirs}<hashTree/>");
        let moved = to_virtual(plan(&theirs).as_bytes());
        let expected = (!ours.is_empty()).then(|| plan(&format!("{ours}<hashTree/>")).into_bytes());
        assert_eq!(moved.plan, expected, "{theirs}");
        assert_eq!(groups(&moved), usize::from(expected.is_some()), "{theirs}");
    }
}
