//! Public versions against tags: versions, their order, and where notes begin.

use sayna_release::plan::{self, Options, PlanReport};
use sayna_release::public::Public;

use super::{assert_only, kinds, made, with_table};
use crate::support::World;

fn made_where(world: &World, public: &[&str]) -> PlanReport {
    let public = Public::Known(public.iter().map(|v| v.parse().unwrap()).collect());
    plan::make(world.root(), &Options { public, ..Options::default() }).unwrap()
}

/// `v0.1.0` is tagged, and after a bump alone `v0.1.1`.
fn bumped() -> World {
    let mut world = World::begun();
    world.tag("v0.1.0");
    world.set_version("0.1.1");
    world.commit("chore(release): 0.1.1");
    world.tag("v0.1.1");
    world
}

#[test]
fn a_bump_after_a_spent_version_takes_its_commits_in() {
    let world = bumped();
    let plan = made_where(&world, &[]);
    assert_eq!((kinds(&plan.problems), kinds(&plan.warnings)), (vec![], vec![]));
    assert_eq!(kinds(&plan.facts), ["tag-not-public"]);
    assert!(plan.facts[0].message.contains("the Git tag v0.1.0 does not count"), "{:?}", plan.facts);
    let notes = &plan.plan.notes;
    assert!(notes.contains("- Begin (") && notes.contains("/releases/tag/v0.1.1)"), "{notes}");
}

#[test]
fn after_a_public_version_a_bump_alone_is_nothing_to_release() {
    let world = bumped();
    let public = made_where(&world, &["0.1.0"]);
    assert_eq!((kinds(&public.problems), kinds(&public.facts)), (vec!["notes-empty"], vec![]));
    assert!(public.problems[0].message.contains("since v0.1.0"));
}

#[test]
fn where_it_is_not_known_the_notes_go_back_to_the_last_tag_and_it_is_said() {
    let world = bumped();
    let unknown = made(&world);
    assert_eq!((kinds(&unknown.problems), kinds(&unknown.warnings)), (vec![], vec!["notes-empty"]));
    assert_eq!(kinds(&unknown.facts), ["notes-since-tag"]);
    assert!(unknown.facts[0].message.ends_with("whether it is public is not known: no forge was asked"));
    assert!(unknown.warnings[0].hint.as_ref().unwrap().contains("if v0.1.0 was never public"));
}

#[test]
fn a_fix_between_does_not_hide_what_the_spent_version_had() {
    let mut world = World::begun();
    world.tag("v0.1.0");
    world.commit("feat: spent");
    world.set_version("0.2.0");
    world.commit("chore(release): 0.2.0");
    world.tag("v0.2.0");
    world.commit("fix: what stopped it");
    world.set_version("0.2.1");
    world.commit("chore(release): 0.2.1");
    world.tag("v0.2.1");
    let plan = made_where(&world, &["0.1.0"]);
    assert_eq!((kinds(&plan.problems), kinds(&plan.warnings)), (vec![], vec![]));
    let notes = &plan.plan.notes;
    assert!(notes.contains("- Spent (") && notes.contains("- What stopped it ("), "{notes}");
    assert!(notes.contains("/compare/v0.1.0...v0.2.1)") && !notes.contains("Begin"), "{notes}");
    // The step is counted from there too: a feature asks for 0.2.0, and 0.2.1 is above it.
    world.set_version("0.1.1");
    world.commit("chore(release): 0.1.1");
    let small = made_where(&world, &["0.1.0"]);
    assert_eq!(kinds(&small.warnings), ["version-step"], "{:?}", small.warnings);
}

#[test]
fn a_newer_git_tag_keeps_nothing_back_and_a_public_version_does() {
    let mut world = World::begun();
    world.tag("v1.2.4");
    world.commit("feat: a mistake");
    world.tag("v1.3.0");
    world.tag("v1.2.9");
    world.set_version("1.2.5");
    world.commit("fix: released");
    world.tag("v1.2.5");
    let spent = made_where(&world, &["1.2.4"]);
    assert_eq!((kinds(&spent.problems), spent.plan.latest), (vec![], true));
    assert!(spent.facts[0].message.contains("v1.3.0, v1.2.9 do not count"), "{:?}", spent.facts);
    let newer = made_where(&world, &["1.2.4", "1.3.0"]);
    assert_eq!((kinds(&newer.problems), newer.plan.latest), (vec![], false));
    let above = made_where(&world, &["1.2.4", "1.2.9"]);
    assert_eq!(kinds(&above.problems), ["version-order"]);
    assert!(above.problems[0].message.ends_with("1.2.5 is below 1.2.9, which is public already"));
    let unknown = assert_only(&world, "version-order", &["1.2.5 is below 1.2.9, which is tagged already", "--tag"]);
    assert!(unknown.hint.unwrap().contains("never public"));
}

#[test]
fn a_tag_on_a_side_branch_refuses_nothing() {
    let mut world = World::begun();
    world.tag("v0.1.0");
    let fork = world.head();
    world.branch("side", &fork);
    world.commit("feat: elsewhere");
    world.tag("v0.1.7");
    world.tag("v0.3.0");
    world.switch("main");
    world.commit("fix: here");
    world.set_version("0.1.1");
    world.commit("chore(release): 0.1.1");
    world.tag("v0.1.1");
    for made in [made(&world), made_where(&world, &["0.1.0"])] {
        assert_eq!(kinds(&made.problems), [""; 0], "{:?}", made.problems);
        assert!(made.plan.notes.contains("/compare/v0.1.0...v0.1.1)"), "{}", made.plan.notes);
    }
}

#[test]
fn tags_that_the_table_leaves_out_are_no_versions() {
    let mut world = World::new();
    let date = "[release]\nignore_tags = '^v?20[0-9]{2}\\.'\n";
    world.edit("sayna-release.toml", "[release]\n", date);
    world.commit("feat: old");
    world.tag("v2023.1.0");
    world.commit("fix: new");
    world.tag("v2024.2.0");
    world.tag("v0.1.0");
    let made = made(&world);
    assert_eq!((kinds(&made.problems), kinds(&made.facts)), (vec![], vec![]));
    assert!(made.plan.latest && made.plan.notes.contains("- Old (") && made.plan.notes.contains("- New ("));
    let own = with_table("[release]\n", "[release]\nignore_tags = '^v0'\n");
    assert_only(&own, "tag-ignored", &["v0.1.0", "ignore_tags"]);
    own.write("sayna-release.toml", &own.read("sayna-release.toml").replace("'^v0'", "'v0('"));
    let error = plan::make(own.root(), &Options::default()).unwrap_err().render(false);
    assert!(error.contains("is no pattern of tags") && error.contains("sayna-release.toml:2:"), "{error}");
}

#[test]
fn a_version_that_is_spent_on_an_older_commit_is_answered_with_the_next_number() {
    let mut world = World::begun();
    world.tag("v0.1.0");
    world.commit("fix: what stopped it");
    let made = made_where(&world, &[]);
    assert_eq!(kinds(&made.problems), ["head-not-tagged"]);
    assert!(made.problems[0].hint.as_ref().unwrap().contains("raise the version to 0.1.1"), "{:?}", made.problems);
}
