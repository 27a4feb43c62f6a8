use proptest::prelude::*;

use super::*;

fn found(host: &str, pairs: &[(&str, &str)]) -> Result<Option<Credentials>, String> {
    let pairs: BTreeMap<String, String> = pairs.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
    let repository = if host.contains('/') { host.to_owned() } else { format!("{host}/a/b") };
    find(&repository.parse().unwrap(), &move |name| pairs.get(name).cloned()).map_err(|e| e.to_string())
}

/// Credentials found with these variables, as `user password from`.
fn look(host: &str, pairs: &[(&str, &str)]) -> Result<Option<(String, String, String)>, String> {
    Ok(found(host, pairs)?.map(|c| (c.user, c.secret.expose().to_owned(), c.from)))
}

/// Credentials found in a configuration, as `user password`.
fn configured(host: &str, config: &str) -> Result<Option<(String, String)>, String> {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("config.json"), config).unwrap();
    let found = look(host, &[("DOCKER_CONFIG", folder.path().to_str().unwrap())])?;
    Ok(found.map(|(user, password, _)| (user, password)))
}

fn pair(user: &str, password: &str) -> (String, String) {
    (user.to_owned(), password.to_owned())
}

#[test]
fn the_environment_goes_first_and_docker_hubs_token_goes_nowhere_else() {
    let hub = [("DOCKERHUB_USERNAME", "u"), ("DOCKERHUB_TOKEN", "t")];
    let own = [("SAYNA_REGISTRY_USERNAME", "v"), ("SAYNA_REGISTRY_PASSWORD", "p")];
    let (user, password, from) = look("docker.io", &hub).unwrap().unwrap();
    assert_eq!((user.as_str(), password.as_str()), ("u", "t"));
    assert!(from.contains("DOCKERHUB_TOKEN"), "{from}");
    assert_eq!(look("ghcr.io", &hub).unwrap(), None);
    assert_eq!(look("docker.io", &own).unwrap(), None);
    assert_eq!(look("ghcr.io", &own).unwrap().unwrap().0, "v");
    let half = look("docker.io", &hub[..1]).unwrap_err();
    assert_eq!(half, "DOCKERHUB_USERNAME is set and DOCKERHUB_TOKEN is not; set both or neither");
    let empty = [("DOCKERHUB_USERNAME", ""), ("DOCKERHUB_TOKEN", "")];
    assert_eq!(look("docker.io", &empty).unwrap(), None, "a secret that a workflow does not have is empty");
}

#[test]
fn configurations_as_docker_writes_them() {
    let auth = |key: &str| format!(r#"{{"auths": {{"{key}": {{"auth": "dTpwOnc="}}}}, "other": 1}}"#);
    assert_eq!(configured("docker.io", &auth("https://index.docker.io/v1/")).unwrap(), Some(pair("u", "p:w")));
    for key in ["ghcr.io", "https://ghcr.io", "https://ghcr.io/v2/"] {
        assert_eq!(configured("ghcr.io", &auth(key)).unwrap(), Some(pair("u", "p:w")), "{key}");
    }
    assert_eq!(configured("ghcr.io", &auth("ghcr.io:443")).unwrap(), None);
    assert_eq!(configured("ghcr.io", &auth("evil-ghcr.io")).unwrap(), None);
    let plain = r#"{"auths": {"a.io": {"username": "u", "password": "p"}, "b.io": {}}}"#;
    assert_eq!(configured("a.io", plain).unwrap(), Some(pair("u", "p")));
    assert_eq!(configured("b.io", plain).unwrap(), None, "the empty entry of a registry whose secret is in a store");
    assert_eq!(look("a.io", &[("DOCKER_CONFIG", "/nonexistent")]).unwrap(), None);
    assert_eq!(look("a.io", &[]).unwrap(), None);
}

#[test]
fn the_longest_key_that_is_a_prefix_counts() {
    let auths = |keys: &[&str]| {
        let entry = |key: &&str| format!(r#""{key}": {{"username": "{key}", "password": "p"}}"#);
        format!(r#"{{"auths": {{{}}}}}"#, keys.iter().map(entry).collect::<Vec<_>>().join(", "))
    };
    let all = ["a.io", "a.io/x", "a.io/x/y", "a.io/x/y/z", "a.io/xx", "b.io/x/y", "https://a.io/v1/"];
    for (repository, key) in [
        ("a.io/x/y/z", Some("a.io/x/y/z")),
        ("a.io/x/y", Some("a.io/x/y")),
        ("a.io/x/yz", Some("a.io/x")),
        ("a.io/xx/y", Some("a.io/xx")),
        ("a.io/other", Some("a.io")),
        ("b.io/x/y/z", Some("b.io/x/y")),
        ("b.io/x", None),
        ("a.io:5000/x", None),
    ] {
        let found = configured(repository, &auths(&all)).unwrap().map(|(user, _)| user);
        assert_eq!(found.as_deref(), key, "{repository}");
    }
    let found = configured("a.io/x/y", r#"{"auths": {"a.io/x": {}, "a.io": {"username": "u", "password": "p"}}}"#);
    assert_eq!(found.unwrap(), Some(pair("u", "p")), "an empty entry has no credentials");
    let hub = auths(&["https://index.docker.io/v1/", "docker.io/saynaai"]);
    assert_eq!(configured("docker.io/saynaai/sayna", &hub).unwrap().unwrap().0, "docker.io/saynaai");
    assert_eq!(configured("docker.io/other/sayna", &hub).unwrap().unwrap().0, "https://index.docker.io/v1/");
    // The helper of the registry is not asked where a namespace has a key of its own.
    let both = auths(&["a.io/x"]).replacen('{', r#"{"credsStore": "does-not-exist", "#, 1);
    assert_eq!(configured("a.io/x/y", &both).unwrap().unwrap().0, "a.io/x");
    assert!(configured("a.io/other", &both).unwrap_err().contains("docker-credential-does-not-exist"));
}

#[test]
fn configurations_that_cannot_be_used_are_named() {
    for (config, reason) in [
        ("{", "config.json: EOF"),
        (r#"{"auths": {"a.io": {"auth": "***"}}}"#, "is not base64 of user:password"),
        (r#"{"auths": {"a.io": {"auth": "dQ=="}}}"#, "is not base64 of user:password"),
        (r#"{"credsStore": "../../bin/sh"}"#, "is not the name of a program"),
        (r#"{"credHelpers": {"a.io": "does-not-exist"}}"#, "docker-credential-does-not-exist (named in"),
    ] {
        let text = configured("a.io", config).unwrap_err();
        assert!(text.contains(reason) && !text.contains("secret"), "{text}");
    }
}

/// `PATH` is of the whole process: the helper is run by its own path.
#[test]
#[cfg(unix)]
fn helpers_are_asked_by_their_protocol() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("config.json");
    let helper = |body: &str| {
        let path = folder.path().join("helper");
        fs::write(&path, format!("#!/bin/sh\nread -r key || true\n[ \"$1\" = get ] || exit 9\n{body}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        run_helper(path.to_str().unwrap(), "docker.io", &config)
    };
    let answer = r#"printf '{"ServerURL":"%s","Username":"u","Secret":"%s"}' "$key" "$key""#;
    let found = helper(answer).unwrap().unwrap();
    assert_eq!((found.user.as_str(), found.secret.expose(), found.kind), ("u", DOCKER_HUB_KEY, Kind::Password));
    assert!(helper("echo credentials not found in native keychain; exit 1").unwrap().is_none());
    let text = helper("echo the keychain is locked; exit 2").unwrap_err().to_string();
    assert!(text.contains("the keychain is locked"), "{text}");
    let text = helper("echo hunter2").unwrap_err().to_string();
    assert!(text.contains("not JSON") && !text.contains("hunter2"), "{text}");
    let token = helper(r#"echo '{"ServerURL":"x","Username":"<token>","Secret":"hunter2"}'"#).unwrap().unwrap();
    assert_eq!((token.secret.expose(), token.kind), ("hunter2", Kind::IdentityToken));
}

#[test]
fn an_identity_token_goes_before_the_password_that_it_stands_for() {
    let folder = tempfile::tempdir().unwrap();
    // `<token>:` is what Docker leaves in `auth` beside it.
    let config = r#"{"auths": {"a.io": {"auth": "PHRva2VuPjo=", "identitytoken": "t"}}}"#;
    fs::write(folder.path().join("config.json"), config).unwrap();
    let found = found("a.io", &[("DOCKER_CONFIG", folder.path().to_str().unwrap())]).unwrap().unwrap();
    assert_eq!((found.secret.expose(), found.kind), ("t", Kind::IdentityToken));
}

proptest! {
    #[test]
    fn any_user_and_password_come_out_as_docker_put_them_in(user in "[a-z0-9]{1,9}", password in "[!-~]{1,20}") {
        let auth = STANDARD.encode(format!("{user}:{password}"));
        let config = serde_json::json!({"auths": {"a.io": {"auth": auth}}}).to_string();
        prop_assert_eq!(configured("a.io", &config).unwrap(), Some((user, password)));
    }

    #[test]
    fn any_text_is_read_or_refused(text in "\\PC{0,60}") {
        let _either = configured("a.io", &text);
    }
}
