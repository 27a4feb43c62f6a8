//! What was reverted within a release is neither in its notes nor in the step that they ask for.

use sayna_release::plan::{self, Options};

use super::{entries, next};
use crate::support::World;

fn begun() -> World {
    let mut world = World::new();
    world.commit("feat: begin");
    world.commit("feat: old");
    world.tag("v0.1.0");
    world
}

fn revert(subject: &str, id: &str) -> String {
    format!("Revert \"{subject}\"\n\nThis reverts commit {id}.")
}

#[test]
fn a_reverted_pair_cancels_out_in_notes_and_step_and_is_said() {
    let mut world = begun();
    world.commit("fix: stays");
    let feature = world.commit("feat!: gone\n\nBREAKING CHANGE: gone too");
    let back = world.commit(&revert("feat!: gone", &feature));
    let notes = next(&world);
    assert_eq!(entries(&notes), ["Stays"]);
    assert_eq!(notes.cancelled.iter().map(|c| c.id.clone()).collect::<Vec<_>>(), [feature, back]);
    assert_eq!(notes.asked.unwrap().version.to_string(), "0.1.1");
    let made = plan::make(world.root(), &Options::default()).unwrap();
    let fact = made.facts.iter().find(|fact| fact.kind == "reverted").unwrap();
    assert_eq!(fact.commits.len(), 2);
}

#[test]
fn a_release_of_reverted_pairs_alone_is_empty_and_dated_by_its_last_commit() {
    let mut world = begun();
    let feature = world.commit("feat: gone");
    world.commit(&revert("feat: gone", &feature));
    let notes = next(&world);
    assert!(notes.is_empty && entries(&notes).is_empty(), "{}", notes.markdown);
    assert!(notes.markdown.starts_with("## [0.2.0]"), "{}", notes.markdown);
}

#[test]
fn one_revert_of_several_names_them_in_a_list() {
    for words in ["This reverts commits A and B.", "This reverts commit A, B", "this reverts commits A,\nB\n\nRefs: x"]
    {
        let mut world = begun();
        let ids = [world.commit("feat: one"), world.commit("feat: two")];
        let body = words.replace('A', &ids[0]).replace('B', &ids[1]);
        world.commit(&format!("Revert features\n\n{body}"));
        assert!(next(&world).is_empty, "{words}: {:?}", entries(&next(&world)));
    }
    let mut world = begun();
    let ids = [world.commit("feat: one"), world.commit("feat: two")];
    world.commit(&format!("revert: both are no good\n\nRefs: {}, {}", &ids[0][..9], &ids[1][..9]));
    assert!(next(&world).is_empty, "{:?}", entries(&next(&world)));
}

#[test]
fn a_sentence_about_a_revert_takes_nothing_back() {
    let mut world = begun();
    let feature = world.commit("feat: x");
    for body in ["Before, the message said: This reverts commit A.", "> This reverts commit A.", "Refs: A"] {
        world.commit(&format!("fix: z\n\n{}", body.replace('A', &feature)));
    }
    assert_eq!(entries(&next(&world)).len(), 4, "{:?}", entries(&next(&world)));
}

#[test]
fn the_forms_of_reverts() {
    // By the id, of any length; by the subject where there is none, or one that leads nowhere.
    let forms: [&dyn Fn(&str) -> String; 8] = [
        &|id| revert("feat: gone (#3)", id),
        &|id| format!("Revert \"feat: gone (#3)\"\n\nThis reverts commit {} (feat: gone, 2026-01-02).", &id[..9]),
        &|id| format!("revert: feat: gone\n\nIt broke rooms.\n\nThis reverts commit\n{id}.\n\nRefs: #4"),
        &|id| format!("fix(tts): take it back\n\nThis reverts commit {id}."),
        &|_| "Revert \"feat: gone (#3)\" (#4)\n\nReverts saynaai/sayna#3".to_owned(),
        &|_| "Revert \"feat: gone (#3)\"".to_owned(),
        &|_| "revert: feat: gone (#3)".to_owned(),
        &|_| revert("feat: gone (#3)", "0123456789abcdef0123456789abcdef01234567"),
    ];
    for (n, form) in forms.iter().enumerate() {
        let mut world = begun();
        let feature = world.commit("feat: gone (#3)");
        world.commit("fix: stays");
        world.commit(&form(&feature));
        assert_eq!(entries(&next(&world)), ["Stays"], "form {n}");
    }
}

#[test]
fn a_revert_that_was_reverted_takes_nothing_back() {
    for again in ["Reapply \"feat: back\"", "Revert \"Revert \"feat: back\"\""] {
        let mut world = begun();
        let feature = world.commit("feat: back");
        let first = world.commit(&revert("feat: back", &feature));
        world.commit(&format!("{again}\n\nThis reverts commit {first}."));
        let notes = next(&world);
        assert_eq!((entries(&notes), notes.cancelled.len()), (vec!["Back".to_owned()], 2), "{again}");
        // Without an id.
        let mut world = begun();
        world.commit("feat: back");
        world.commit("Revert \"feat: back\" (#2)");
        let text = if again.starts_with("Reapply") {
            format!("{again} (#3)")
        } else {
            "Revert \"Revert \"feat: back\" (#2)\" (#3)".to_owned()
        };
        world.commit(&text);
        assert_eq!(entries(&next(&world)), ["Back"], "{text}");
    }
}

#[test]
fn reverts_of_an_older_release_are_listed_as_reverted() {
    let mut world = begun();
    let old = world.git(&["rev-parse", "v0.1.0"]);
    world.commit(&revert("feat: old", &old));
    let notes = next(&world);
    assert_eq!(entries(&notes), ["Revert \"feat: old\""]);
    assert!(notes.cancelled.is_empty() && !notes.is_empty);
    // One that takes back both stays, and what is new goes.
    let new = world.commit("feat: old");
    world.commit(&format!("revert: both\n\nThis reverts commit {new}.\nThis reverts commit {old}."));
    let notes = next(&world);
    assert_eq!(entries(&notes), ["Revert \"feat: old\"", "Both"]);
}

#[test]
fn the_revert_of_a_merge_takes_all_of_it_back() {
    let mut world = begun();
    let before = world.head();
    world.branch("topic", &before);
    world.commit("feat: one");
    let topic = world.commit("fix: two");
    world.switch("main");
    let parent = world.commit("fix: stays");
    let merge = world.merge(&topic, "Merge pull request #5 from ada/topic");
    let text = format!(
        "Revert \"Merge pull request #5 from ada/topic\"\n\nThis reverts commit {merge}, reversing\nchanges made to {parent}."
    );
    world.commit(&text);
    let notes = next(&world);
    assert_eq!((entries(&notes), notes.cancelled.len()), (vec!["Stays".to_owned()], 4));
    assert_eq!(notes.asked.unwrap().version.to_string(), "0.1.1");
}
