//! Access to a registry: passwords, tokens, TLS, and the errors without them.

use std::fs;

use sayna_release::digest::Digest;
use sayna_release::registry::{Distribution, Error, Kind, Object, Registry as _};

use super::reach;
use super::server::{Server, TokenServer};

const RIGHT: [(&str, &str); 2] = [("SAYNA_REGISTRY_USERNAME", "rel"), ("SAYNA_REGISTRY_PASSWORD", "s3cret")];
const WRONG: [(&str, &str); 2] = [("SAYNA_REGISTRY_USERNAME", "rel"), ("SAYNA_REGISTRY_PASSWORD", "hunter2")];

/// Pushes a blob and asks for it.
fn push(registry: &Distribution, text: &str) -> Result<(), Error> {
    let folder = tempfile::tempdir().unwrap();
    let from = folder.path().join("blob");
    fs::write(&from, text).unwrap();
    let object = Object { digest: Digest::of(text.as_bytes()), size: text.len() as u64, kind: Kind::Blob, from };
    assert!(!registry.has(&object)?);
    registry.push(&object, &|_| ())?;
    assert!(registry.has(&object)?);
    Ok(())
}

fn denied(registry: &Distribution, words: &[&str]) {
    let error = push(registry, "x").unwrap_err();
    assert!(matches!(error, Error::Denied { .. }), "{error:?}");
    let text = error.to_string();
    assert!(words.iter().all(|word| text.contains(word)) && !text.contains("hunter2"), "{text}");
}

#[test]
#[ignore = "needs docker-registry and apache2-utils"]
fn a_password_from_the_environment_a_configuration_or_a_helper() {
    let server = Server::basic();
    push(&reach(&server.address, "a", &RIGHT), "by environment").unwrap();
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("config.json");
    let variables = [("DOCKER_CONFIG", folder.path().to_str().unwrap())];
    // rel:s3cret
    fs::write(&config, format!(r#"{{"auths": {{"{}": {{"auth": "cmVsOnMzY3JldA=="}}}}}}"#, server.address)).unwrap();
    push(&reach(&server.address, "a", &variables), "by configuration").unwrap();
    denied(&reach(&server.address, "a", &WRONG), &["status 401", "SAYNA_REGISTRY_PASSWORD", "user \"rel\""]);
    let nobody = [("DOCKER_CONFIG", "/nonexistent")];
    denied(&reach(&server.address, "a", &nobody), &["set SAYNA_REGISTRY_USERNAME", "docker login"]);
    fs::write(&config, format!(r#"{{"auths": {{"{}": {{"auth": "cmVsOmh1bnRlcjI="}}}}}}"#, server.address)).unwrap();
    denied(&reach(&server.address, "a", &variables), &["status 401", "config.json"]);
}

#[test]
#[ignore = "needs docker-registry"]
fn a_token_is_fetched_once_per_scope_and_again_when_it_has_expired() {
    let tokens = TokenServer::new(300);
    let server = Server::token(&tokens);
    let registry = reach(&server.address, "a/b", &RIGHT);
    push(&registry, "one").unwrap();
    push(&registry, "two").unwrap();
    assert_eq!(*tokens.asked.lock().unwrap(), ["repository:a/b:pull", "repository:a/b:pull,push"]);
    denied(&reach(&server.address, "a/b", &WRONG), &["status 401", "SAYNA_REGISTRY_PASSWORD"]);
    let nobody = [("DOCKER_CONFIG", "/nonexistent")];
    denied(&reach(&server.address, "a/b", &nobody), &["no credentials were found"]);

    let brief = TokenServer::new(0);
    let server = Server::token(&brief);
    push(&reach(&server.address, "a/b", &RIGHT), "one").unwrap();
    // One per request: HEAD, POST, PUT, HEAD. (What a token without life is good for is the registry's affair.)
    assert_eq!(brief.asked.lock().unwrap().len(), 4);
}

#[test]
#[ignore = "needs docker-registry and apache2-utils"]
fn an_identity_token_is_for_the_token_server_alone() {
    let tokens = TokenServer::new(300);
    let server = Server::token(&tokens);
    let folder = tempfile::tempdir().unwrap();
    let login = |address: &str, token: &str| {
        let config = format!(r#"{{"auths": {{"{address}": {{"identitytoken": "{token}"}}}}}}"#);
        fs::write(folder.path().join("config.json"), config).unwrap();
        reach(address, "a/b", &[("DOCKER_CONFIG", folder.path().to_str().unwrap())])
    };
    push(&login(&server.address, "identity"), "by identity token").unwrap();
    denied(&login(&server.address, "hunter2"), &["status 401", "the identity token of", "config.json"]);
    let basic = Server::basic();
    let error = push(&login(&basic.address, "hunter2"), "x").unwrap_err().to_string();
    assert!(error.contains("which asks for a password") && !error.contains("hunter2"), "{error}");
}

#[test]
#[ignore = "needs docker-registry and apache2-utils"]
fn tls_with_a_certificate_of_ones_own() {
    let server = Server::tls();
    let unknown = push(&reach(&server.address, "a", &RIGHT), "x").unwrap_err().to_string();
    assert!(unknown.contains("certificate"), "{unknown}");
    let registry = format!("docker://{}/a", server.address);
    let publisher = super::kill::Publisher::new();
    let mut command = publisher.command(&registry);
    command.env("SAYNA_CA_FILE", server.folder().join("ca.pem")).envs(RIGHT);
    let output = command.output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let mut command = publisher.command(&registry);
    command.env("SAYNA_CA_FILE", server.folder().join("ca.pem")).envs(WRONG);
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.code() == Some(1) && said.contains("SAYNA_REGISTRY_PASSWORD"), "{output:?}");
    assert!(!said.contains("hunter2"), "{said}");
}
