//! The origin of values, and the errors of invalid ones. The texts are compared whole, because users see them.

use std::path::Path;

use proptest::prelude::*;
use sayna::config::{Config, MAX_BYTES, Origin, Problem, parse};

use crate::support::World;

const EXAMPLE: &str = include_str!("../../config.example.yaml");

fn faults(text: impl AsRef<[u8]>) -> String {
    let ended = World::new().with_file("sayna.yaml", text).run(&["check", "-c", "sayna.yaml"]);
    assert_eq!((ended.status, ended.stdout.as_str()), (Some(2), ""), "{}", ended.stderr);
    ended.stderr
}

#[test]
fn example_configuration_equals_the_defaults() {
    assert_eq!(parse(EXAMPLE.as_bytes(), Path::new("x")).unwrap().config, Config::default());
}

#[test]
fn example_configuration_has_every_key_with_its_variable() {
    let loaded = parse(EXAMPLE.as_bytes(), Path::new("x")).unwrap();
    for ((path, value, origin), (_, variables)) in loaded.settings().zip(sayna::config::variables()) {
        // The key follows the line that names its variables: set, or commented out where it has no default.
        let line = format!("# Environment: {}\n", variables.join(" or "));
        let (_, rest) = EXAMPLE.split_once(&line).unwrap_or_else(|| panic!("{path}: no {line}"));
        let name = path.rsplit('.').next().unwrap();
        let next = rest.lines().next().unwrap().trim_start();
        if *origin == Origin::Default {
            assert!(value.is_empty() && next.starts_with(&format!("# {name}:")), "{path}: {next}");
        } else {
            assert!(next.starts_with(&format!("{name}:")), "{path}: {next}");
        }
    }
}

/// The commented-out lines of the example are valid too, except for files that do not exist.
#[test]
fn example_configuration_is_valid_without_comment_marks() {
    let uncomment = |line: &str| {
        let bare = line.trim_start();
        let word = bare.strip_prefix("# ").filter(|rest| {
            let rest = rest.trim_start().trim_start_matches("- ");
            let key = rest.split(':').next().unwrap_or_default();
            rest.contains(':') && key != "Environment" && !key.contains(' ') && line.starts_with(' ')
        });
        let indent = line.len() - bare.len();
        word.map_or(line.to_owned(), |word| format!("{}{word}", " ".repeat(indent)))
    };
    let text =
        EXAMPLE.replace("api_secrets: []\n", "api_secrets:\n").lines().map(uncomment).collect::<Vec<_>>().join("\n");
    let text = text.replace("    credentials_json:", "    # ");
    let loaded = parse(text.as_bytes(), Path::new("x")).unwrap_or_else(|faults| panic!("{faults}\n{text}"));
    let unset: Vec<_> = loaded.settings().filter(|(_, _, origin)| **origin == Origin::Default).collect();
    assert_eq!(unset.len(), 1, "{unset:?}");
    assert_eq!(loaded.config.sip.hooks.len() + loaded.config.auth.api_secrets.len(), 2);
}

#[test]
fn environment_wins_over_file_wins_over_default() {
    let world = World::new().with_file("sayna.yaml", "server:\n  host: 127.0.0.1\n  port: 4000\n");
    let ended = world.run_with(&["check", "-c", "sayna.yaml"], &[("PORT", "5000")]);
    let expected = "no errors in sayna.yaml and the environment\n\
         \n\
         \x20 server.host                              127.0.0.1               sayna.yaml:2\n\
         \x20 server.port                              5000                    $PORT\n\
         \x20 server.shutdown_seconds                  10                      default\n";
    assert!(ended.stdout.starts_with(expected), "{}", ended.stdout);
    assert_eq!((ended.status, ended.stderr.as_str()), (Some(0), ""));
}

/// The file is tried by the example; here is the same by the environment.
#[test]
fn every_key_can_be_set_by_the_environment() {
    let by_default = parse(b"", Path::new("x")).unwrap();
    for ((path, value, _), (_, variables)) in by_default.settings().zip(sayna::config::variables()) {
        for name in variables {
            let value = match *name {
                "AUTH_API_SECRETS_JSON" => r#"[{"id": "a", "secret": "\u0073"}, {"id": "b", "secret": "t"}]"#,
                "SIP_HOOKS_JSON" => r#"[{"host": "a", "url": "http://b/c?d", "auth_id": "", "secret": "s"}]"#,
                "SAYNA_SERVER_ALLOWED_ORIGINS" => "https://a.example, null",
                "SIP_ALLOWED_ADDRESSES" => "10.0.0.1,10.0.0.0/8",
                "SAYNA_METRICS_LISTEN" => "[::1]:9090",
                "RECORDING_BACKEND" => "gcs",
                "SIP_OUTBOUND_ADDRESS" => "sip.example.org:5060",
                _ if name.ends_with("_STT_URL") => "ws://127.0.0.1:1/x",
                _ if name.ends_with("_URL") || name.ends_with("ENDPOINT") => "http://127.0.0.1:1",
                _ if value.is_empty() || value == "(secret)" => "12",
                _ => &value,
            };
            let variable = |asked: &str| (asked == *name).then(|| value.into());
            let loaded = match sayna::config::load(None, variable) {
                Ok(loaded) => loaded,
                // Those that ask for another key are set all the same; the rule names the key that is missing.
                Err(faults) => {
                    assert!(
                        faults.iter().all(|fault| matches!(fault.problem, Problem::Rule { .. })),
                        "{name}: {faults}"
                    );
                    continue;
                }
            };
            let origin = loaded.settings().find(|(found, ..)| *found == path).map(|(.., origin)| origin.clone());
            assert_eq!(origin, Some(Origin::Environment(name)));
        }
    }
}

#[test]
fn contradicting_keys_are_reported_at_once() {
    let text = "auth:\n  required: yes\n  signing_key_path: nowhere.pem\n\
                server: {ping_seconds: 60, extra_ca: nowhere.pem}\n\
                turn: {hard_ms: 100}\n\
                sip:\n  hook_secret: short\n  outbound_auth_username: me\n  hooks:\n\
                \x20   - {host: a, url: 'http://b'}\n    - {host: A, url: 'http://b', auth_id: x}\n";
    let expected = "error: 11 errors in the configuration

  sayna.yaml:2:1: `auth.required` is true, but there is no secret and no service
      set `auth.api_secrets` (AUTH_API_SECRETS_JSON), or `auth.service_url` and `auth.signing_key_path`
  sayna.yaml:3:1: `auth.signing_key_path` is set without `auth.service_url`
      set the address of the service that decides about tokens
  sayna.yaml:3:1: `auth.signing_key_path`: there is no file nowhere.pem
      check the path; it counts from the folder in which sayna is started
  sayna.yaml:4:1: `server.extra_ca`: there is no file nowhere.pem
      check the path; it counts from the folder in which sayna is started
  the configuration: `server.pong_timeout_seconds` is not longer than `server.ping_seconds`
      two or three pings should fit into it
  sayna.yaml:5:1: `turn.hard_ms` is shorter than `turn.fallback_ms`
      it is the limit for a turn in which texts keep coming
  the configuration: `sip.room_prefix` is not set, but other keys of `sip` are
      rooms of calls begin with it
  sayna.yaml:7:1: `sip.hook_secret` is shorter than 16 characters
      make one with `openssl rand -hex 32`
  sayna.yaml:9:1: `sip.hooks`: a has no `auth_id`, which `auth.required` asks for
      name the tenant whose calls these are
  sayna.yaml:9:1: `sip.hooks`: the host A is there twice
      hosts differ in more than capitals
  sayna.yaml:8:1: `sip.outbound_auth_username` and `sip.outbound_auth_password` go together
      set both or neither
";
    assert_eq!(faults(text), expected);
}

#[test]
fn keys_without_effect_are_warnings() {
    let text =
        "vad: {threshold: 1}\nsip: {room_prefix: call-, allowed_addresses: [10.0.0.0/8]}\nlivekit: {api_key: k}\n";
    let ended = World::new().with_file("sayna.yaml", text).run(&["check", "-c", "sayna.yaml"]);
    assert_eq!(ended.status, Some(0), "{}", ended.stderr);
    for expected in [
        "warning: sayna.yaml:1: the section `vad` has no effect; remove it\n",
        "warning: `sip.allowed_addresses` is set, but this build has no SIP trunks of its own making\n",
        "warning: only one of `livekit.api_key` and `livekit.api_secret` is set: LiveKit counts as not configured\n",
    ] {
        assert!(ended.stdout.contains(expected), "{}", ended.stdout);
    }
}

#[test]
fn dotenv_file_adds_to_the_environment() {
    let world = World::new().with_file(".env", "PORT=4001\nHOST=\"127.0.0.1\" # here\n");
    let shown = world.run_with(&["check"], &[("PORT", "5001")]).stdout;
    assert!(shown.contains("5001  ") && shown.contains("127.0.0.1  "), "{shown}");
}

/// Container files pass on what is not set. Of the port that is a fault: it would be another than what was meant.
#[test]
fn empty_environment_variable_counts_as_not_set() {
    let by_default = World::new().run(&["check"]).stdout;
    for (path, variables) in sayna::config::variables() {
        for name in variables {
            let ended = World::new().run_with(&["check"], &[(name, "")]);
            let warned = ended.stdout.contains(&format!("\nwarning: ${name} is empty, and counts as not set\n"));
            match *name {
                "PORT" => {
                    assert_eq!(ended.status, Some(2));
                    let said = "$PORT: `server.port` must be a whole number from 0 to 65535, not empty";
                    assert!(ended.stderr.contains(said), "{}", ended.stderr);
                }
                // To these it means something: the machine's own identity, and no prefix.
                "GOOGLE_APPLICATION_CREDENTIALS" | "RECORDING_PREFIX" => assert!(!warned && ended.status == Some(0)),
                _ => {
                    assert!(warned && ended.status == Some(0), "{path}: {} {}", ended.stdout, ended.stderr);
                    assert_eq!(
                        ended.stdout.split("\nwarning: $").next(),
                        by_default.split("\nwarning: $").next().map(str::trim_end)
                    );
                }
            }
        }
    }
    // What a file says then counts, and so does the other name of a key.
    let world =
        World::new().with_file("sayna.yaml", "server: {host: 127.0.0.1}").with_file(".env", "LIVEKIT_API_KEY=k\n");
    let empty = [("HOST", ""), ("LIVEKIT_API_KEY", ""), ("RECORDING_S3_BUCKET", ""), ("RECORDING_GCS_BUCKET", "b")];
    let shown = world.run_with(&["check", "-c", "sayna.yaml"], &empty).stdout;
    for (value, origin) in [("127.0.0.1", "sayna.yaml:1"), ("k", "$LIVEKIT_API_KEY"), ("b", "$RECORDING_GCS_BUCKET")] {
        let line = |line: &str| line.split_whitespace().skip(1).eq([value, origin]);
        assert!(shown.lines().any(line), "{value}: {shown}");
    }
}

#[test]
fn empty_configuration_file_is_the_defaults() {
    for text in ["", "\n", "# nothing\n", "---\n", "server:\n", "\u{feff}server: {}\r\n", "{}", "~"] {
        let loaded = parse(text.as_bytes(), Path::new("x")).unwrap_or_else(|e| panic!("{text:?}: {e}"));
        assert_eq!(loaded.config, Config::default(), "{text:?}");
    }
}

#[test]
fn all_configuration_errors_are_reported_at_once() {
    let text = "server:\n  prot: 80\n  port: eighty\n  host: http://x\n  port: 12\n  shutdown_seconds:\n\
                sever: {}\nport: 80\n? [a]\n: 3\n";
    let world = World::new().with_file("sayna.yaml", text);
    let ended = world.run_with(&["-c", "sayna.yaml"], &[("PORT", "70000"), ("HOST", " ")]);
    assert_eq!(ended.status, Some(2));
    assert_eq!(
        ended.stderr,
        "error: 10 errors in the configuration

  sayna.yaml:2:3: unknown key `server.prot`
      did you mean `port`?
  sayna.yaml:3:9: `server.port` must be a whole number from 0 to 65535, not `eighty`
  sayna.yaml:4:9: `server.host` must be an IP address or a host name, without scheme or port, not `http://x`
  sayna.yaml:5:3: `server.port` is already set on line 3
      keep one of the two
  sayna.yaml:6:19: `server.shutdown_seconds` must be a whole number of seconds from 0 to 3600, not empty
  sayna.yaml:7:1: unknown key `sever`
      did you mean `server`?
  sayna.yaml:8:1: unknown key `port`
      did you mean `port:` below `server:`?
  sayna.yaml:9:3: a key must be a plain word, not a list
  $HOST: `server.host` must be an IP address or a host name, without scheme or port, not ` `
  $PORT: `server.port` must be a whole number from 0 to 65535, not `70000`
"
    );
}

#[test]
fn each_configuration_error_names_problem_and_place() {
    let deep = "a: ".to_owned() + &"[".repeat(100);
    for (text, expected) in [
        ("- a\n", "sayna.yaml:1:1: a configuration must be a mapping (`key: value` lines), not a list"),
        ("hello", "sayna.yaml:1:1: a configuration must be a mapping (`key: value` lines), not a text"),
        ("server: 80", "sayna.yaml:1:9: `server` must be a mapping (`key: value` lines), not `80`"),
        ("server:\n  port: [1]", "sayna.yaml:2:9: `server.port` must be a whole number from 0 to 65535, not a list"),
        ("server:\n  port: {a: 1}", "`server.port` must be a whole number from 0 to 65535, not a mapping"),
        ("server:\n  port: 65536", "not `65536`"),
        ("server:\n  port: 0x50", "not `0x50`"),
        ("server:\n  host: ~", "sayna.yaml:2:9: `server.host` must be an IP address or a host name, without"),
        ("server:\n  shutdown_seconds: 3601", "from 0 to 3600, not `3601`"),
        ("server: {}\nserver: {}", "sayna.yaml:2:1: `server` is already set on line 1\n      keep one of the two"),
        ("server.port: 1", "unknown key `server.port`\n      did you mean `port:` below `server:`?"),
        ("colour: red", "sayna.yaml:1:1: unknown key `colour`\n      known here: `server`, `auth`, `providers`"),
        ("server: {}\n---\nserver: {}", "sayna.yaml:2:1: a second document begins here"),
        ("a: &x 1\nserver: *x", "sayna.yaml:2:9: aliases (`*name`) are not supported\n      write the value out"),
        ("server:\n  port: !!int 1", "tags (`!name`) are not supported"),
        ("server: [", "not valid YAML: "),
        ("server:\n\tport: 1", "not valid YAML: "),
        ("server:\n  port: \"\u{7}1\"", "sayna.yaml:2:10: control character U+0007"),
        (&deep, "nested more than 32 levels deep"),
    ] {
        let said = faults(text);
        assert!(said.contains(expected), "{text:?} should say {expected:?}:\n{said}");
    }
    assert!(faults(b"server:\n  \xff").contains("sayna.yaml:2:3: is not UTF-8 text"));
}

#[test]
fn unreadable_configuration_file_is_an_error() {
    let ended = World::new().run(&["-c", "nowhere.yaml"]);
    assert_eq!(ended.status, Some(2));
    assert!(ended.stderr.contains("  nowhere.yaml: cannot be read: "), "{}", ended.stderr);
    assert!(ended.stderr.contains("check the path given with `-c`"), "{}", ended.stderr);
}

#[test]
fn thousand_configuration_errors_are_counted_and_not_all_printed() {
    let said = faults((0..1000).map(|n| format!("key{n}: 1\n")).collect::<Vec<_>>().concat());
    assert!(said.starts_with("error: 1000 errors in the configuration\n"), "{said}");
    assert!(said.ends_with("… and 980 more\n"), "{said}");
}

/// Shapes that are known to make YAML parsers run out of time, memory or stack.
#[test]
fn hostile_configuration_files_are_rejected() {
    let most = usize::try_from(MAX_BYTES).unwrap();
    let level = |n: usize| format!("a{n}: &a{n} [{}]\n", format!("*a{},", n - 1).repeat(9));
    let bomb = (1..30).map(level).collect::<Vec<_>>().concat();
    let fill = |piece: &str| piece.repeat(most / piece.len());
    for text in [
        fill("["),
        fill("{"),
        fill("- "),
        fill("? "),
        fill("a: "),
        fill("[]"),
        fill("\"\\x"),
        fill("&a "),
        fill("!a "),
        fill("a\n"),
        fill("--- \n"),
        fill("%YAML 1.2\n"),
        fill("*a"),
        fill("|\n"),
        fill("{a: "),
        fill("'"),
        format!("a0: &a0 lol\n{bomb}"),
        fill("a: 1\n"),
        "a".repeat(most + 1),
        "\0".repeat(most),
        fill("a, "),
    ] {
        assert!(parse(text.as_bytes(), Path::new("x")).is_err(), "{:?}…", text.get(..10));
    }
}

/// What fuzzing has found, and what it starts from, stays tried without it.
#[test]
fn config_fuzzer_corpus_does_not_panic() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus/config");
    let inputs: Vec<_> = std::fs::read_dir(corpus).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(inputs.len() >= 4, "{inputs:?}");
    for input in inputs {
        parse(&std::fs::read(&input).unwrap(), &input).ok();
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..2000)) {
        parse(&bytes, Path::new("x")).ok();
    }

    #[test]
    fn arbitrary_yaml_never_panics(pieces in proptest::collection::vec(piece(), 0..60)) {
        if let Err(faults) = parse(pieces.concat().as_bytes(), Path::new("x")) {
            prop_assert!(!faults.to_string().contains('\0') && faults.iter().count() > 0);
        }
    }

    #[test]
    fn a_number_is_taken_exactly_if_it_is_a_port(number in -70_000_i64..140_000) {
        let loaded = parse(format!("server:\n  port: {number}\n").as_bytes(), Path::new("x"));
        prop_assert_eq!(loaded.ok().map(|loaded| i64::from(loaded.config.server.port)),
            (0..=65535).contains(&number).then_some(number));
    }
}

/// What YAML is made of, so that random texts get further than their first character.
fn piece() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "server",
        "port",
        "host",
        ":",
        ": ",
        "\n",
        "\n  ",
        "- ",
        "[",
        "]",
        "{",
        "}",
        ",",
        "? ",
        "&a ",
        "*a",
        "!t ",
        "|\n",
        ">-\n",
        "'",
        "\"",
        "\\",
        "#",
        " #",
        "---\n",
        "...\n",
        "%YAML 1.2\n",
        "\t",
        "\r\n",
        "3001",
        "~",
        "ä",
        "\u{85}",
        "\u{2028}",
        "@",
        "`",
        "<<",
    ])
}
