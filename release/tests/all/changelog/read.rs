//! Notes as they are read on GitHub: markup, encodings, merges, length.

use std::fs;
use std::io::Write as _;
use std::process::{Command, Stdio};

use sayna_release::changelog;
use sayna_release::forge::{Draft, Forge as _};
use sayna_release::plan::{self, Options};
use sayna_release::public::Public;

use super::{entries, git_cliff, next, upcoming};
use crate::github::{Counterpart, reach};
use crate::support::World;

fn begun() -> World {
    let world = World::begun();
    world.tag("v0.1.0");
    world
}

/// A subject, and what stands in the notes.
const MARKUP: [(&str, &str); 15] = [
    ("fix: \\`<b>no code</b>\\`", "\\`&lt;b>no code&lt;/b>\\`"),
    ("fix: one \\\\<b> and \\<i>", "One \\\\&lt;b> and \\<i>"),
    ("fix: take Option<String>", "Take Option&lt;String>"),
    ("fix: take `Option<String>` and Option<u8>", "Take `Option<String>` and Option&lt;u8>"),
    ("fix(tts): play <audio>", "**tts:** Play &lt;audio>"),
    ("fix: <!-- hidden", "&lt;!-- hidden"),
    ("fix(a<b>): x", "**a&lt;b>:** X"),
    ("fix: ``a`<b>`` and ```<c>``` and <d>", "``a`<b>`` and ```<c>``` and &lt;d>"),
    ("fix: a stray ` and <b>", "A stray ` and &lt;b>"),
    ("fix: two `` strays ` <b>", "Two `` strays ` &lt;b>"),
    ("fix: write &lt; and &#60; for it", "Write &amp;lt; and &amp;#60; for it"),
    ("fix: Q&A, a < b > c -> d", "Q&A, a &lt; b > c -> d"),
    ("fix: see <https://example.org/?a=1&b=2>", "See <https://example.org/?a=1&b=2>"),
    ("fix: close it (#7) </details>", "Close it ([#7](https://github.com/saynaai/sayna/issues/7)) &lt;/details>"),
    ("<script>alert(1)</script>", "&lt;script>alert(1)&lt;/script>"),
];

#[test]
fn markup_is_escaped_outside_of_code_spans() {
    let mut world = begun();
    for (subject, _) in MARKUP {
        world.commit(subject);
    }
    let notes = next(&world);
    let wanted = MARKUP.map(|(_, shown)| shown);
    assert_eq!(entries(&notes), wanted);
}

#[test]
fn breaking_change_notes_are_escaped_outside_of_code() {
    let mut world = begun();
    world.commit(
        "feat!: rename\n\nTake <b>, `Vec<u8>` and <!-- this.\n\n```rust\nlet a: Vec<u8>;\n\nlet b = <T>::new();\n```\n\n\
         A stray ` here\n\nand <i> `there.",
    );
    let text = next(&world).markdown;
    let body = "\n  Take &lt;b>, `Vec<u8>` and &lt;!-- this.\n\n  ```rust\n  let a: Vec<u8>;\n\n  let b = <T>::new();\n  ```\n\n  \
                A stray ` here\n\n  and &lt;i> `there.\n";
    assert!(text.contains(body), "{text}");
}

#[test]
#[ignore = "needs git-cliff"]
fn the_git_cliff_program_escapes_the_same() {
    let mut world = begun();
    for (subject, _) in MARKUP {
        world.commit(subject);
    }
    world.commit("feat!: rename\n\n`Vec<u8>` and <!-- this.");
    let fork = world.head();
    world.branch("topic", &fork);
    let topic = world.commit("fix: here");
    world.switch("main");
    world.merge(&topic, "feat: the title (#3)");
    let text = git_cliff(&world, &["--unreleased", "--tag", "v0.2.0", "--strip", "header"]);
    assert_eq!(next(&world).markdown, format!("{}\n", text.trim()));
}

/// A commit whose message has these bytes; its header names that encoding, or none.
fn commit_bytes(world: &World, encoding: Option<&str>, message: &[u8]) {
    let Some(encoding) = encoding else { return import(world, [message.to_vec()].into_iter()) };
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("message");
    fs::write(&file, message).unwrap();
    let (tree, head) = (world.git(&["write-tree"]), world.head());
    let said = format!("i18n.commitEncoding={encoding}");
    let commit = world.git(&["-c", &said, "commit-tree", &tree, "-p", &head, "-F", &file.display().to_string()]);
    world.git(&["update-ref", "HEAD", &commit]);
}

/// So many commits at once, with messages as they are.
fn import(world: &World, messages: impl Iterator<Item = Vec<u8>>) {
    let mut command = Command::new("git");
    command.current_dir(world.root()).args(["fast-import", "--quiet", "--force"]).stdin(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut stream = child.stdin.take().unwrap();
    let mut from = format!("from {}\n", world.head());
    for (n, message) in messages.enumerate() {
        let time = crate::support::START + 7200 + i64::try_from(n).unwrap();
        let who = format!("Ada <ada@example.org> {time} +0000");
        write!(stream, "commit refs/heads/main\ncommitter {who}\ndata {}\n", message.len()).unwrap();
        stream.write_all(&message).unwrap();
        write!(stream, "\n{from}\n").unwrap();
        from.clear();
    }
    drop(stream);
    assert!(child.wait().unwrap().success());
}

#[test]
fn commits_in_other_encodings_are_decoded_and_count() {
    let world = begun();
    commit_bytes(&world, Some("ISO-8859-1"), b"feat: h\xf6rt \xdcbermut");
    // As it is written without a header.
    commit_bytes(&world, None, b"fix: gr\xfc\xdfe, \x93so\x94 f\xfcr 5 \x80");
    commit_bytes(&world, Some("ISO-8859-15"), b"fix: 7 \xa4");
    commit_bytes(&world, Some("KOI8-R"), b"fix: \xd0\xd2\xc9\xd7\xc5\xd4");
    commit_bytes(&world, Some("Shift_JIS"), b"fix: \x93\xfa\x96\x7b");
    // One that Git cannot convert, and says so of nothing.
    commit_bytes(&world, Some("no-such-encoding"), b"fix: caf\xe9");
    // The log's own encoding changes nothing.
    world.git(&["config", "i18n.logOutputEncoding", "ISO-8859-1"]);
    commit_bytes(&world, None, "fix: 日本語".as_bytes());
    let notes = next(&world);
    let wanted = ["Hört Übermut", "Grüße, “so” für 5 €", "7 €", "Привет", "日本", "Café", "日本語"];
    assert_eq!(entries(&notes), wanted);
    assert_eq!(notes.unconventional, []);
    assert_eq!(notes.asked.unwrap().version.to_string(), "0.2.0");
}

#[test]
fn a_merge_with_the_title_of_its_pull_request_is_not_listed_beside_what_it_merges() {
    let mut world = begun();
    let fork = world.head();
    world.branch("topic", &fork);
    let topic = world.commit("fix(livekit): leave the room");
    world.switch("main");
    world.commit("docs: main goes on");
    world.merge(&topic, "feat(livekit): rooms (#12)\n\nThe pull request's text.");
    let notes = next(&world);
    assert_eq!(entries(&notes), ["**livekit:** Leave the room", "Main goes on"]);
    let asked = notes.asked.unwrap();
    assert_eq!((asked.version.to_string(), notes.unconventional.len()), ("0.1.1".to_owned(), 0));
    // A breaking change may be told by the title alone: that stays.
    let head = world.head();
    world.branch("other", &head);
    let other = world.commit("fix(api): another route");
    world.switch("main");
    world.merge(&other, "fix(api)!: another route for all (#13)");
    let notes = next(&world);
    assert!(
        entries(&notes)
            .contains(&"**api:** Another route for all ([#13](https://github.com/saynaai/sayna/issues/13))".to_owned())
    );
    assert_eq!(notes.asked.unwrap().version.to_string(), "0.2.0");
}

/// The notes after a branch with these commits was merged under that title.
fn merged(subjects: &[&str], title: &str) -> changelog::Notes {
    let mut world = begun();
    world.branch("topic", &world.head());
    let topic = subjects.iter().map(|subject| world.commit(subject)).last().unwrap();
    world.switch("main");
    world.commit("docs: main goes on");
    world.merge(&topic, title);
    next(&world)
}

#[test]
fn the_title_of_a_merge_is_listed_where_nothing_that_it_merges_is() {
    let of = |subjects: &[&str], title: &str| entries(&merged(subjects, title));
    let title = "feat(livekit): rooms";
    for subjects in [&["wip"][..], &["more", "chore: tidy"], &["chore: tidy"], &["style: blanks", "wip"]] {
        let notes = merged(subjects, title);
        assert_eq!(entries(&notes), ["**livekit:** Rooms", "Main goes on"], "{subjects:?}");
        assert_eq!((notes.unconventional.len(), notes.asked.unwrap().version.to_string().as_str()), (0, "0.2.0"));
    }
    assert_eq!(merged(&["wip"], "feat(api)!: another route").asked.unwrap().version.to_string(), "0.2.0");
    // One that is listed says it, and so does the title of a merge inside.
    assert_eq!(of(&["fix: leave", "wip"], title), ["Leave", "Wip", "Main goes on"]);
    assert_eq!(of(&["wip"], "Merge branch 'topic'"), ["Wip", "Main goes on"]);
    assert_eq!(of(&["wip"], "Rooms for all"), ["Wip", "Main goes on"]);
    assert_eq!(of(&["chore: tidy"], "Rooms for all"), ["Rooms for all", "Main goes on"]);
    assert_eq!(of(&["chore: tidy"], "Merge branch 'topic'"), ["Main goes on"]);
    assert_eq!(of(&["chore: tidy"], "chore: merge it"), ["Main goes on"]);
}

#[test]
fn notes_that_are_too_long_are_cut_at_a_line_with_a_link_to_all_of_them() {
    let world = begun();
    world.git(&["tag", "v0.2.0-rc.1"]);
    import(
        &world,
        (0..900).map(|n| format!("fix(tts): number {n} of the many faults there were — ünd söme möre").into_bytes()),
    );
    let made = plan::make(world.root(), &Options::default()).unwrap();
    let notes = made.plan.notes;
    let (all, length) =
        (changelog::notes(world.root(), &upcoming("v0.1.0"), &Public::default()).unwrap(), notes.chars().count());
    assert_eq!(all.markdown, notes);
    assert!((119_000..=120_000).contains(&length) && all.cut_from.unwrap() > 125_000, "{length} {:?}", all.cut_from);
    assert!(notes.ends_with("[CHANGELOG.md](https://github.com/saynaai/sayna/blob/v0.1.0/CHANGELOG.md)\n"));
    let last = notes.lines().rfind(|line| line.starts_with("- ")).unwrap();
    assert!(last.ends_with("))"), "{last}");
    let warning = made.warnings.iter().find(|w| w.kind == "notes-long").unwrap();
    assert!(warning.message.contains("GitHub takes 125000"), "{warning:?}");
    // GitHub takes them, with the warning of a withdrawn release on top, and would not have taken all.
    let hub = Counterpart::start();
    let forge = reach(&hub.addresses.api, "push-token");
    let draft = |notes: String| forge.create_draft(&Draft { tag: "v0.1.0".to_owned(), prerelease: false, notes });
    let warned = format!("> [!WARNING]\n> {}\n\n{notes}", "Do not use this. ".repeat(200));
    draft(warned).unwrap();
    let error = draft("x".repeat(125_001)).unwrap_err();
    assert!(error.to_string().contains("body is too long"), "{error}");
}

#[test]
fn notes_are_not_cut_inside_of_code_nor_below_a_heading_alone() {
    let mut world = begun();
    world.commit("feat!: rename\n\nShort.");
    let code = "let a = 1;\n".repeat(12_000);
    import(&world, [format!("feat!: more\n\nAs this:\n\n```rust\n{code}```\n\nThat is all.").into_bytes()].into_iter());
    world.commit("fix: and a fix");
    let notes = next(&world);
    assert!(notes.cut_from.is_some() && changelog::is_cut(&notes.markdown));
    let text = notes.markdown;
    assert!(text.contains("  As this:\n\nThese notes are cut") && !text.contains("```"), "{text}");
}

#[test]
fn notes_that_fit_are_whole() {
    let world = begun();
    import(&world, [format!("feat!: long\n\n{}", "word\n".repeat(17_000)).into_bytes()].into_iter());
    let notes = next(&world);
    let length = notes.markdown.chars().count();
    assert!((119_000..125_000).contains(&length) && notes.cut_from.is_none(), "{length}");
    assert!(!changelog::is_cut(&notes.markdown));
}

#[test]
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
fn the_row_on_notes_knows_that_they_were_cut() {
    let world = begun();
    import(&world, [format!("feat!: long\n\n{}", "word\n".repeat(25_000)).into_bytes()].into_iter());
    let mut release = crate::small_release::Release::unpublished();
    release.plan.notes = next(&world).markdown;
    assert!(release.publish().complete());
    for report in [release.verify(), release.verify_as_a_stranger()] {
        let row = report.rows.iter().find(|row| row.id == "notes").unwrap();
        assert!(report.passed() && row.evidence.ends_with("; cut, with a link to all of them"), "{row:?}");
    }
}
