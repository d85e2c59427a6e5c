//! What the conversation answers by itself, how much it takes at once, and how it ends.

use conversation::awaited::Condition;
use conversation::matcher::Matcher;
use conversation::{Answers, Budget, Conversation, End, Outgoing, Reply, Violation};

use crate::support::*;

/// The second frame has a reserved bit set.
fn good_then_bad() -> Vec<u8> {
    [frame(TEXT, b"good"), vec![0xb1, 0]].concat()
}

#[test]
fn what_came_whole_before_a_violation_is_answered_also_when_a_look_finds_the_violation_first() {
    let mut conversation = conversation();
    come(&mut conversation, &good_then_bad(), 0);
    assert_eq!(next(&mut conversation).as_deref(), Some(&b"good"[..]));
    // The thread that took the message is slow to answer; meanwhile somebody looks after the connection.
    for ms in [1, 50, 999] {
        assert_eq!(conversation.look(&mut Budget::LOOK.clone(), at(ms)), Ok(None));
    }
    assert!(conversation.is_open() && conversation.is_held());
    send(&mut conversation, "answer");
    assert_eq!(sent(&mut conversation), [(TEXT, b"answer".to_vec())]);
    let violation = conversation.next(&mut Budget::UNBOUNDED.clone()).unwrap_err();
    assert_eq!(violation, Violation::Protocol("a reserved bit is set".to_owned()));
    assert_eq!(sent(&mut conversation), [(CLOSE, vec![3, 234])]);
    assert_eq!(conversation.end(), Some(&End::Violated(violation)));
}

#[test]
fn a_violation_that_nobody_comes_back_for_ends_the_conversation_after_a_second() {
    let mut conversation = conversation();
    come(&mut conversation, &[0xb1, 0], 0);
    assert_eq!(conversation.look(&mut Budget::LOOK.clone(), at(10)), Ok(None));
    assert!(
        conversation
            .look(&mut Budget::LOOK.clone(), at(1_009))
            .unwrap()
            .is_none()
    );
    conversation
        .look(&mut Budget::LOOK.clone(), at(1_010))
        .unwrap_err();
    assert!(!conversation.is_open() && !conversation.is_held());
    assert_eq!(sent(&mut conversation), [(CLOSE, vec![3, 234])]);
}

#[test]
fn a_pong_goes_out_before_the_close_that_follows_in_the_same_read() {
    for last in [vec![0xb1, 0], frame(CLOSE, &[3, 232])] {
        let mut conversation = conversation();
        come(&mut conversation, &[frame(PING, b"p"), last].concat(), 0);
        assert_eq!(next(&mut conversation).as_deref(), Some(&b"p"[..]));
        let _ = conversation.next(&mut Budget::UNBOUNDED.clone());
        let frames = sent(&mut conversation);
        assert_eq!(frames.first(), Some(&(PONG, b"p".to_vec())));
        assert_eq!((frames.len(), frames[1].0), (2, CLOSE));
    }
}

#[test]
fn a_pong_waits_for_the_end_of_a_frame_that_went_in_part_and_stays_before_the_close() {
    let mut conversation = conversation();
    send(&mut conversation, "long");
    conversation.taken(3);
    come(&mut conversation, &frame(PING, b"1"), 0);
    come(&mut conversation, &frame(PING, b"2"), 0);
    next(&mut conversation);
    next(&mut conversation);
    conversation.say_close(1000, "");
    assert_eq!(
        conversation.unsent().len(),
        7 + 7 + 8,
        "only the newest ping is answered"
    );
    assert_eq!(conversation.unsent()[7], PONG);
    assert_eq!(conversation.unsent()[14], CLOSE);
}

#[test]
fn a_look_ends_with_its_budget_however_much_comes() {
    let mut conversation = conversation();
    let empty_continuations = [frame(0x01, b"a"), [0, 0].repeat(1000)].concat();
    come(&mut conversation, &empty_continuations, 0);
    let mut budget = Budget {
        frames: 300,
        bytes: 1,
    };
    for looks in 1..=3 {
        budget.frames = 300;
        assert_eq!(conversation.look(&mut budget, at(looks)), Ok(None));
        assert!(budget.is_spent());
    }
    budget.frames = 300;
    assert_eq!(conversation.look(&mut budget, at(4)), Ok(None));
    assert_eq!(budget.frames, 300 * 4 - 1001, "all frames are read");
}

#[test]
fn a_message_of_frames_without_end_is_refused() {
    let mut conversation = conversation();
    come(&mut conversation, &frame(0x01, b"a"), 0);
    assert_eq!(next(&mut conversation), None);
    let empty_continuations = [0, 0].repeat(2048);
    for read in 0..1 << 10 {
        come(&mut conversation, &empty_continuations, 0);
        match conversation.next(&mut Budget::UNBOUNDED.clone()) {
            Ok(found) => assert_eq!(found, None),
            Err(violation) => {
                assert!(violation.to_string().contains("1048576 frames"), "{violation}");
                assert_eq!((violation.close_code(), read), (1009, 511));
                return;
            }
        }
    }
    panic!("two million frames were taken");
}

#[test]
fn a_deaf_conversation_takes_note_of_pings_and_answers_none() {
    for (answers, expected) in [(true, vec![(PONG, b"p".to_vec())]), (false, vec![])] {
        let mut conversation = answering(Answers {
            pings: answers,
            ..Answers::default()
        });
        come(&mut conversation, &frame(PING, b"p"), 0);
        assert_eq!(next(&mut conversation), Some(b"p".to_vec()));
        assert_eq!(sent(&mut conversation), expected);
    }
}

/// Replies to these messages, whatever their kind.
fn replying(replies: &[(&str, &str)]) -> Conversation {
    let reply = |(to, payload): &(&str, &str)| Reply {
        to: Condition {
            kind: None,
            matcher: Matcher::Equals(to.as_bytes().to_vec()),
            is_negated: false,
        },
        payload: payload.as_bytes().to_vec(),
    };
    answering(Answers {
        replies: replies.iter().map(reply).collect(),
        ..Answers::default()
    })
}

#[test]
fn a_heartbeat_gets_its_reply_in_its_kind_and_is_dealt_with() {
    let mut conversation = replying(&[("2", "3"), ("\n", "\n"), ("2", "never")]);
    let bytes: Vec<u8> = [
        frame(TEXT, b"2"),
        frame(TEXT, b"23"),
        frame(BINARY, b"\n"),
        frame(PING, b"2"),
    ]
    .concat();
    come(&mut conversation, &bytes, 0);
    let mut dealt_with = Vec::new();
    let mut budget = Budget::LOOK;
    while let Some(received) = conversation.look(&mut budget, at(0)).unwrap() {
        dealt_with.push((received.is_answered, received.is_dealt_with()));
    }
    assert_eq!(
        dealt_with,
        [(true, true), (false, false), (true, true), (false, true)]
    );
    assert_eq!(
        sent(&mut conversation),
        [
            (TEXT, b"3".to_vec()),
            (BINARY, b"\n".to_vec()),
            (PONG, b"2".to_vec())
        ]
    );
    assert_eq!(conversation.replies(), 2);
}

#[test]
fn replies_wait_behind_a_message_that_is_not_out_and_end_with_the_close() {
    let mut conversation = replying(&[("2", "3")]);
    let mut sending = conversation.begin(&Outgoing::text("late"));
    conversation.fill(&mut sending);
    conversation.keep(sending);
    come(&mut conversation, &frame(TEXT, b"2"), 0);
    assert_eq!(next(&mut conversation), Some(b"2".to_vec()));
    conversation.say_close(1000, "");
    come(&mut conversation, &frame(TEXT, b"2"), 1);
    assert_eq!(next(&mut conversation), Some(b"2".to_vec()));
    assert_eq!(
        sent(&mut conversation),
        [
            (TEXT, b"late".to_vec()),
            (TEXT, b"3".to_vec()),
            (CLOSE, 1000_u16.to_be_bytes().to_vec())
        ]
    );
}

#[test]
fn a_peer_that_reads_nothing_gets_no_replies_without_end() {
    let reply = "x".repeat(100);
    let mut conversation = replying(&[("2", &reply)]);
    for _ in 0..10_000 {
        come(&mut conversation, &frame(TEXT, b"2"), 0);
        assert_eq!(next(&mut conversation), Some(b"2".to_vec()));
    }
    let waiting = conversation.unsent().len();
    assert!((64_000..66_000).contains(&waiting), "{waiting} bytes wait");
}

#[test]
fn what_a_deadline_left_of_a_message_in_tiny_fragments_goes_out_in_one_frame() {
    const SIZE: usize = 8 << 20;
    let mut conversation = conversation();
    let payload = vec![b'x'; SIZE];
    let mut message = Outgoing::text("");
    message.payload = &payload;
    message.fragment = Some(1);
    let mut sending = conversation.begin(&message);
    conversation.fill(&mut sending);
    let begun = usize::try_from(sending.wire_bytes()).unwrap();
    conversation.keep(sending);
    let waiting = conversation.unsent();
    // Each frame that was begun holds one byte behind a head of two and a key of four.
    let rest = &waiting[begun..];
    assert_eq!(rest.len(), 1 + 1 + 8 + 4 + SIZE - begun / 7);
    assert_eq!(
        rest[..2],
        [0x80, 0x80 | 127],
        "the last frame, its length in eight bytes"
    );
}
