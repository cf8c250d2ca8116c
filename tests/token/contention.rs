//! Two processes that change one object at the same time.
use crate::common::*;
use crate::disk::{data, named};
use crate::peer::together;

#[test]
fn two_processes_change_one_object_and_no_change_fails() {
    const EACH: usize = 60;
    let change = |s: &Session, object: Handle, who: &str| {
        for n in 0..EACH {
            s.set(object, &attrs![CKA_VALUE => format!("{who} {n}").as_str()]).unwrap();
        }
    };
    together(
        "contention::two_processes_change_one_object_and_no_change_fails",
        |s, peer| {
            let shared = data(s, "shared");
            peer.say("go");
            change(s, shared, "here");
            peer.hear("done");
            assert_eq!(named(s, "shared"), [shared]);
        },
        |s, peer| {
            peer.hear("go");
            change(s, named(s, "shared")[0], "there");
            peer.say("done");
        },
    );
}
