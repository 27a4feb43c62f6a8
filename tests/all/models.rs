//! `sayna init` from outside. Interrupted downloads are tested beside the code, with small files.

use std::fs;
use std::path::PathBuf;

use crate::support::World;

/// The models of the tests, in the folder that `sayna init` would make.
pub(crate) fn folder() -> PathBuf {
    let folder = std::env::var_os("SAYNA_TEST_MODELS");
    PathBuf::from(folder.expect("SAYNA_TEST_MODELS: `.ci/run` sets it by bench/models.sh"))
}

/// A machine that has no models.
pub(crate) fn bare(world: &World) -> Vec<(&'static str, String)> {
    let path = |name: &str| world.path(name).to_str().unwrap().to_owned();
    vec![
        ("SAYNA_MODELS_PATH", path("models")),
        ("HOME", path("home")),
        ("XDG_CACHE_HOME", path("cache")),
        ("LOCALAPPDATA", path("cache")),
    ]
}

#[test]
fn init_failure_names_the_next_step() {
    let world = World::new();
    let variables = bare(&world);
    let variables: Vec<_> = variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
    fs::create_dir(world.path("nothing")).unwrap();
    let ended = world.run_with(&["init", "--from", "nothing"], &variables);
    assert_eq!((ended.status, ended.stdout.as_str()), (Some(1), ""));
    assert!(ended.stderr.starts_with("error: nothing has neither "), "{}", ended.stderr);
    // The first port has no listener.
    let ended = world.run_with(&["init", "--mirror", "http://127.0.0.1:1/models"], &variables);
    assert_eq!(ended.status, Some(1));
    assert!(ended.stderr.contains("error: http://127.0.0.1:1/models/"), "{}", ended.stderr);
    assert!(ended.stderr.contains("set SAYNA_MODEL_MIRROR to use another host"), "{}", ended.stderr);
    for mirror in ["ftp://mirror.example", "mirror", "https://mirror.example/?key=1"] {
        assert_eq!(world.run_with(&["init", "--mirror", mirror], &variables).status, Some(2), "{mirror}");
    }
}

#[test]
#[ignore = "needs the models, from PyPI"]
fn init_copies_model_files_from_a_folder_once() {
    let world = World::new();
    let variables = bare(&world);
    let variables: Vec<_> = variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let from = folder();
    let arguments = ["init", "--from", from.to_str().unwrap()];
    let ended = world.run_with(&arguments, &variables);
    assert_eq!((ended.status, ended.stdout.as_str()), (Some(0), "all model files are there\n"), "{}", ended.stderr);
    assert!(ended.stderr.contains("silero_vad.onnx: 2.33 MB\nsilero_vad.onnx is here: "), "{}", ended.stderr);
    let again = world.run_with(&arguments, &variables);
    assert_eq!(again.status, Some(0));
    assert!(again.stderr.lines().all(|line| line.contains(" is there: ")), "{}", again.stderr);
    // A file that was spoilt is replaced, and nothing else is left of it.
    let spoilt = world.path("models/silero_vad.onnx");
    let mut bytes = fs::read(&spoilt).unwrap();
    bytes[1000] ^= 1;
    fs::write(&spoilt, bytes).unwrap();
    let healed = world.run_with(&arguments, &variables);
    assert!(healed.status == Some(0) && healed.stderr.contains("silero_vad.onnx is here: "), "{}", healed.stderr);
    assert!(!world.path("models/silero_vad.onnx.part").exists());
}
