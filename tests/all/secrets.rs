//! The rules for secrets of the configuration. No output shows a secret.

use crate::support::World;

fn faults(text: &str) -> String {
    World::new().with_file("sayna.yaml", text).run(&["check", "-c", "sayna.yaml"]).stderr
}

#[test]
fn api_secrets_are_checked_one_by_one() {
    let text = r#"[{"id": " ", "secret": "s1"}, {"id": "a", "secret": " "}, {"id": "A", "secret": "s2"}, {"id": "b", "secret": "s2"}]"#;
    let ended = World::new().run_with(&["check"], &[("AUTH_API_SECRETS_JSON", text)]);
    for (entry, expected) in [
        (1, "the id of entry 1 is empty"),
        (2, "the secret of entry 2 is empty"),
        (3, "the id of entry 3 is there twice"),
        (4, "the secret of entry 4 is there twice"),
    ] {
        assert!(
            ended.stderr.contains(&format!("$AUTH_API_SECRETS_JSON: `auth.api_secrets`: {expected}")),
            "{entry}: {}",
            ended.stderr
        );
    }
    assert!(ended.stderr.starts_with("error: 4 errors") && !ended.stderr.contains("s2"), "{}", ended.stderr);
}

#[test]
fn secrets_are_never_shown() {
    let text = "auth:\n  api_secrets:\n    - {id: a, secret: hunter2}\nproviders:\n  deepgram_api_key: hunter2\n";
    let world = World::new().with_file("sayna.yaml", text);
    let ended = world.run_with(&["check", "-c", "sayna.yaml"], &[("LIVEKIT_API_SECRET", "hunter2")]);
    assert_eq!(ended.status, Some(0), "{}", ended.stderr);
    assert!(!ended.stdout.contains("hunter2") && ended.stdout.matches("(secret)").count() == 2, "{}", ended.stdout);
    for text in
        ["auth: {api_secrets: hunter2}", "providers: {cartesia_api_key: ' hunter2'}", "auth: {api_secret: [hunter2]}"]
    {
        let said = faults(text);
        assert!(!said.contains("hunter2") && said.contains("must be"), "{said}");
    }
    let ended = World::new().run_with(&["check"], &[("AUTH_API_SECRETS_JSON", "[{\"id\": \"hunter2\"")]);
    assert!(
        ended.stderr.contains("not what is there (a JSON array)") && !ended.stderr.contains("hunter2"),
        "{}",
        ended.stderr
    );
}

/// An empty `AUTH_REQUIRED` is one that is not set.
#[test]
fn secrets_without_authentication_are_a_warning() {
    let warned = |variables: &[(&str, &str)]| {
        let ended = World::new().with_file("key.pem", "").run_with(&["check", "--values-only"], variables);
        ended.stdout.contains("\nwarning: secrets or a service are set in `auth`, but no client is asked for a token: set AUTH_REQUIRED=true")
    };
    let service = [("AUTH_SERVICE_URL", "http://a"), ("AUTH_SIGNING_KEY_PATH", "key.pem")];
    assert!(warned(&[("AUTH_API_SECRET", "s")]) && warned(&service));
    assert!(warned(&[("AUTH_API_SECRET", "s"), ("AUTH_REQUIRED", "")]));
    assert!(!warned(&[]) && !warned(&[("AUTH_API_SECRET", "s"), ("AUTH_REQUIRED", "true")]));
}

/// A value that is wrong is not shown where a password may be in it: in an address, or in the place of one.
#[test]
fn invalid_url_is_not_shown() {
    let (user, query) = ("https://me:hunter2@a.example", "https://a.example/?token=hunter2");
    let names = [
        "AUTH_SERVICE_URL",
        "LIVEKIT_URL",
        "LIVEKIT_PUBLIC_URL",
        "SAYNA_PROVIDERS_DEEPGRAM_STT_URL",
        "HOST",
        "SAYNA_PROVIDERS_GOOGLE_TTS_URL",
        "RECORDING_S3_ENDPOINT",
        "SAYNA_SERVER_ALLOWED_ORIGINS",
        "SIP_OUTBOUND_ADDRESS",
        "SAYNA_METRICS_LISTEN",
    ];
    for name in names {
        for value in [user, query, "wss://me:hunter2@a.example:x", "me:hunter2@a"] {
            let ended = World::new().run_with(&["check"], &[(name, value)]);
            assert_eq!(ended.status, Some(2), "{name}={value}");
            assert!(ended.stderr.contains(&format!("${name}: `")), "{}", ended.stderr);
            assert!(
                !ended.stderr.contains("hunter2") && ended.stderr.contains("not what is there"),
                "{}",
                ended.stderr
            );
        }
    }
    for text in [
        format!("auth: {{service_url: '{user}'}}"),
        format!("server: {{allowed_origins: ['{user}']}}"),
        "providers: hunter2".to_owned(),
        "auth: hunter2".to_owned(),
        "DEEPGRAM_API_KEY=hunter2\nPORT=80\n".to_owned(),
    ] {
        let said = faults(&text);
        assert!(!said.contains("hunter2") && said.contains("must be"), "{said}");
    }
}

/// A server that anybody can reach, open and with keys to spend, says so in one line that names what to set.
#[test]
fn server_without_authentication_but_with_keys_warns() {
    let warned = |variables: &[(&str, &str)]| {
        World::new().run_with(&["check"], variables).stdout.contains("warning: clients need no token")
    };
    let key = ("DEEPGRAM_API_KEY", "key");
    assert!(warned(&[key]) && warned(&[key, ("HOST", "voice.example")]));
    assert!(!warned(&[]) && !warned(&[key, ("HOST", "127.0.0.1")]) && !warned(&[key, ("HOST", "localhost")]));
    assert!(!warned(&[key, ("AUTH_REQUIRED", "true"), ("AUTH_API_SECRET", "s")]));
}

#[test]
fn dotenv_dollar_is_literal() {
    // The text in the address is the key that the server was given.
    for line in
        ["AUTH_API_SECRET=pa$$word$HOME", "AUTH_API_SECRET='pa$$word$HOME'", "AUTH_API_SECRET=\"pa$\\$word$HOME\""]
    {
        let world = World::new().with_file(".env", format!("{line}\nAUTH_REQUIRED=true\n"));
        let server = world.serve(&[]);
        let ask = |secret: &str| server.request("GET", "/voices", &[("Authorization", secret)], b"").status();
        assert_eq!(ask("Bearer pa$$word$HOME"), 200, "{line}");
        assert_eq!([ask("Bearer pa"), ask("Bearer pa$"), ask("Bearer pa$word")], [401; 3], "{line}");
    }
}

/// A fault in it stops only what reads the configuration, and no value of it is shown.
#[test]
fn dotenv_error_names_line_and_key() {
    let running = World::new().serve(&[]);
    for (text, said) in [
        (
            "PORT=1\nDEEPGRAM_API_KEY='hunter2\n",
            ".env:2:1: `DEEPGRAM_API_KEY`: the value begins with a quote (') that is not",
        ),
        ("DEEPGRAM_API_KEY=\"hunter2", ".env:1:1: `DEEPGRAM_API_KEY`: the value begins with a quote (\") that is not"),
        ("A='hunter2\nB='x'", ".env:1:1: `A`: more text follows behind the quote that ends the value"),
        ("A=1\nhunter2\n", ".env:2:1: not a line of the form NAME=value"),
    ] {
        let world = World::new().with_file(".env", text);
        for arguments in [&["check"][..], &[], &["health"], &["--version", "--verbose"]] {
            let ended = world.run(arguments);
            assert_eq!(ended.status, Some(2), "{arguments:?}");
            assert!(ended.stderr.contains(said) && ended.stderr.starts_with("error: 1 error"), "{}", ended.stderr);
            assert!(!ended.stderr.contains("hunter2") && !ended.stdout.contains("hunter2"), "{}", ended.stderr);
        }
        for arguments in [&["--version"][..], &["health", &running.url()], &["--help"]] {
            let ended = world.run(arguments);
            assert_eq!((ended.status, ended.stderr.as_str()), (Some(0), ""), "{arguments:?}");
        }
    }
}
