//! What one sees of the command line.

use std::process::Command;

use crate::support::World;

#[test]
fn version_is_the_package_version_and_nothing_else() {
    let ended = World::new().run(&["--version"]);
    assert_eq!(ended.status, Some(0));
    assert_eq!(ended.stdout, concat!("sayna ", env!("CARGO_PKG_VERSION"), "\n"));
    assert_eq!(ended.stderr, "");
}

#[test]
fn what_the_program_is_made_of_is_told_with_the_version() {
    let ended = World::new().run(&["--version", "--verbose"]);
    assert_eq!(ended.status, Some(0), "{}", ended.stderr);
    let lines: Vec<_> = ended.stdout.lines().filter_map(|line| line.split_once(": ")).collect();
    let value = |name: &str| lines.iter().find(|(known, _)| *known == name).unwrap_or_else(|| panic!("{name}")).1;
    let detects = cfg!(feature = "turn-detect");
    assert_eq!(value("features").split(", ").any(|feature| feature == "turn-detect"), detects);
    assert!(value("toolchain").starts_with("rustc 1."));
    assert_eq!(value("native inputs").split(", ").any(|input| input == "onnxruntime"), detects);
    assert_eq!(value("models").split(", ").any(|model| model.starts_with("smart-turn")), detects);
    let last = lines.last().unwrap();
    if detects {
        assert!(last.0 == "turn detection" && ["ONNX Runtime (", "rten"].iter().any(|by| last.1.starts_with(by)));
    } else {
        assert_eq!(last.0, "models");
    }
    assert_eq!(World::new().run(&["--verbose"]).status, Some(2));
}

/// A build without libwebrtc would end at the first room that is joined.
#[test]
fn a_release_with_rooms_is_never_built_without_their_library() {
    let world = World::new();
    let script = world.path("build-script");
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/build.rs");
    let compiled = Command::new("rustc").args(["--edition", "2024", source, "-o"]).arg(&script).status().unwrap();
    assert!(compiled.success());
    let said = |variables: &[(&str, &str)]| {
        let mut run = Command::new(&script);
        run.env_remove("CARGO_FEATURE_LIVEKIT").env_remove("DOCS_RS").env_remove("PROFILE");
        String::from_utf8(run.envs(variables.iter().copied()).output().unwrap().stdout).unwrap()
    };
    let (rooms, docs, release) = (("CARGO_FEATURE_LIVEKIT", "1"), ("DOCS_RS", "1"), ("PROFILE", "release"));
    let refusal = "cargo::error=a release build with the feature livekit needs libwebrtc: unset DOCS_RS";
    assert!(said(&[rooms, docs, release]).contains(refusal));
    for fine in [&[docs, release][..], &[rooms, release], &[rooms, docs, ("PROFILE", "debug")]] {
        assert!(!said(fine).contains("cargo::error"), "{fine:?}");
    }
}

#[test]
fn help_names_every_mode_with_examples_and_exit_statuses() {
    let ended = World::new().run(&["--help"]);
    assert_eq!(ended.status, Some(0));
    for part in ["check ", "health ", "-c, --config <FILE>", "-V, --version", "Examples:", "Exit status:", "  2  "] {
        assert!(ended.stdout.contains(part), "{part} is missing:\n{}", ended.stdout);
    }
    assert!(ended.stdout.lines().all(|line| line.chars().count() <= 80), "{}", ended.stdout);
    for mode in ["check", "health"] {
        let ended = World::new().run(&[mode, "--help"]);
        assert_eq!(ended.status, Some(0));
        assert!(ended.stdout.contains("Example") && ended.stdout.contains("Exit status:"), "{}", ended.stdout);
    }
}

/// Every command line of the help is one that the program takes: a wrong one would end with a usage error.
#[test]
fn the_examples_of_the_help_are_understood() {
    let world = World::new().with_file("sayna.yaml", "server:\n");
    let help = world.run(&["--help"]).stdout;
    let examples = help.lines().skip_while(|line| *line != "Examples:").skip(1).take_while(|line| !line.is_empty());
    let mut count = 0;
    for example in examples {
        let mut words = example.split("   ").next().unwrap().split_whitespace().skip_while(|word| word.contains('='));
        assert_eq!(words.next(), Some("sayna"));
        // With `--help` nothing is started; a word that is not known is refused all the same.
        let arguments: Vec<_> = words.chain(["--help"]).collect();
        assert_eq!(world.run(&arguments).status, Some(0), "{example}");
        count += 1;
    }
    assert_eq!(count, 5);
}

#[test]
fn usage_errors_end_with_2() {
    for arguments in [&["serve"][..], &["--port", "80"], &["-c"], &["check", "x"], &["health", "a", "b"]] {
        let ended = World::new().run(arguments);
        assert_eq!(ended.status, Some(2), "{arguments:?}");
        assert!(ended.stderr.starts_with("error: ") && ended.stdout.is_empty(), "{ended:?}");
    }
}
