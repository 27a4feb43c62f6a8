//! The command line: arguments, output and exit statuses.

use std::process::Command;

use crate::support::World;

#[test]
fn version_prints_the_package_version_alone() {
    let ended = World::new().run(&["--version"]);
    assert_eq!(ended.status, Some(0));
    assert_eq!(ended.stdout, concat!("sayna ", env!("CARGO_PKG_VERSION"), "\n"));
    assert_eq!(ended.stderr, "");
}

#[test]
fn version_verbose_lists_features_and_native_libraries() {
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
fn docs_rs_variable_never_reaches_a_release_with_livekit() {
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
fn help_examples_are_valid_commands() {
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

/// What `check` does not find, the start finds, too late.
#[test]
fn check_reports_what_would_stop_the_start() {
    let auth =
        [("AUTH_REQUIRED", "true"), ("AUTH_SERVICE_URL", "http://127.0.0.1:1"), ("AUTH_SIGNING_KEY_PATH", "text")];
    for (variables, said) in [
        (&auth[..], "`auth.signing_key_path`: text: no private key in PEM form: "),
        (&[("SAYNA_SERVER_EXTRA_CA", "text")], "`server.extra_ca`: text: has no certificate"),
        (&[("GOOGLE_APPLICATION_CREDENTIALS", "nowhere.json")], "`providers.google_credentials`: "),
        (&[("CACHE_PATH", "text/cache")], "`cache.path`: text/cache: "),
        (&[("CACHE_PATH", "text")], "`cache.path`: text: "),
        (&[("CACHE_PATH", ".")], "sip_hooks.json: "),
        (
            &[("SAYNA_METRICS_LISTEN", "127.0.0.1:3001")],
            "$SAYNA_METRICS_LISTEN: `metrics.listen` and `server.port` are both port 3001",
        ),
        (
            &[("HOST", "127.0.0.1"), ("PORT", "3001"), ("SAYNA_METRICS_LISTEN", "[::]:3001")],
            "`metrics.listen` and `server.port` are both port 3001",
        ),
        (
            &[("HOST", "127.0.0.1"), ("PORT", "3001"), ("SAYNA_METRICS_LISTEN", "[::ffff:127.0.0.1]:3001")],
            "`metrics.listen` and `server.port` are both port 3001",
        ),
    ] {
        let world = World::new().with_file("text", "not a key").with_file("sip_hooks.json", "{");
        for arguments in [&["check"][..], &[]] {
            let ended = world.run_with(arguments, variables);
            assert_eq!(ended.status, Some(2), "{arguments:?} {variables:?} {}", ended.stdout);
            assert!(ended.stderr.contains(said), "{said}: {}", ended.stderr);
        }
        let values = world.run_with(&["check", "--values-only"], variables);
        assert_eq!(values.status == Some(0), !said.contains("are both port"), "{}", values.stderr);
    }
    // All of them at once, and nothing is left behind.
    let world = World::new().with_file("text", "not a key");
    let several = [("SAYNA_SERVER_EXTRA_CA", "text"), ("CACHE_PATH", "text/cache")];
    let ended = world.run_with(&["check"], &[&auth[..], &several].concat());
    assert!(
        ended.stderr.starts_with("error: 3 errors in what the configuration names\n\n  `server.extra_ca`"),
        "{}",
        ended.stderr
    );
    assert_eq!(world.run_with(&["check"], &[("CACHE_PATH", "a/b")]).status, Some(0));
    assert!(!world.path("a").exists());
}

#[test]
fn check_reports_two_listeners_on_one_port() {
    let faulty = |host: &str, metrics: &str| {
        let variables = [("HOST", host), ("PORT", "4001"), ("SAYNA_METRICS_LISTEN", metrics)];
        World::new().run_with(&["check"], &variables).status == Some(2)
    };
    for (host, metrics) in [
        ("0.0.0.0", "127.0.0.1:4001"),
        ("127.0.0.1", "0.0.0.0:4001"),
        ("127.0.0.1", "127.0.0.1:4001"),
        ("::", "[::1]:4001"),
        ("::", "10.0.0.1:4001"),
        ("localhost", "127.0.0.1:4001"),
        ("voice.example", "0.0.0.0:4001"),
    ] {
        assert!(faulty(host, metrics), "{host} {metrics}");
    }
    for (host, metrics) in [
        ("0.0.0.0", "127.0.0.1:4002"),
        ("127.0.0.1", "127.0.0.2:4001"),
        ("127.0.0.1", "[::1]:4001"),
        ("localhost", "10.0.0.1:4001"),
    ] {
        assert!(!faulty(host, metrics), "{host} {metrics}");
    }
    let any = [("PORT", "0"), ("SAYNA_METRICS_LISTEN", "127.0.0.1:0")];
    assert_eq!(World::new().run_with(&["check"], &any).status, Some(0));
}
