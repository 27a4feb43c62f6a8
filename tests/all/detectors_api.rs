//! Voice-activity detection through the crate's API: real models on real speech.

use std::path::PathBuf;
use std::sync::Arc;

use sayna::detect::{Error, FRAME, Vad, VadModel};

pub(crate) fn model(name: &str) -> PathBuf {
    let folder = std::env::var_os("SAYNA_TEST_MODELS");
    PathBuf::from(folder.expect("SAYNA_TEST_MODELS: `.ci/run` sets it by bench/models.sh")).join(name)
}

/// Returns the frames of the recording.
fn frames() -> Vec<[i16; FRAME]> {
    let path = std::env::var("SAYNA_TEST_SPEECH").expect("SAYNA_TEST_SPEECH: `.ci/run` sets it by bench/speech.sh");
    let samples: Vec<i16> =
        std::fs::read(path).unwrap()[44..].as_chunks().0.iter().map(|sample| i16::from_le_bytes(*sample)).collect();
    samples.as_chunks().0.to_vec()
}

fn probabilities(vad: &mut Vad, frames: &[[i16; FRAME]]) -> Vec<f32> {
    frames.iter().map(|frame| vad.predict(frame)).collect()
}

#[test]
#[ignore = "needs a model and a recording, from PyPI"]
fn vad_agrees_with_onnx_runtime_and_streams_are_independent() {
    let model = Arc::new(VadModel::load(&model("silero_vad.onnx")).unwrap());
    let frames = frames();
    let speech = probabilities(&mut Vad::new(Arc::clone(&model)), &frames);
    // The same count as with ONNX Runtime.
    assert_eq!((speech.iter().filter(|speech| **speech > 0.5).count(), speech.len()), (141, 311));
    // Streams that share the model in turns do not influence each other.
    let (mut one, mut other) = (Vad::new(Arc::clone(&model)), Vad::new(model));
    for (at, frame) in frames.iter().enumerate() {
        assert_eq!(one.predict(frame).to_bits(), speech[at].to_bits());
        other.predict(&frames[frames.len() - 1 - at]);
    }
}

#[test]
#[ignore = "needs a model and a recording, from PyPI"]
fn vad_finds_no_speech_in_noise_and_silence_and_finds_it_after_them() {
    let mut vad = Vad::new(Arc::new(VadModel::load(&model("silero_vad.onnx")).unwrap()));
    let mut state = 1_u32;
    let mut hiss = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        i16::try_from(state >> 22).unwrap() - 512
    };
    let noise: Vec<[i16; FRAME]> = (0..940).map(|_| std::array::from_fn(|_| hiss())).collect();
    for quiet in [noise, vec![[0; FRAME]; 1880]] {
        let speech = probabilities(&mut vad, &quiet);
        assert!(speech.iter().all(|speech| *speech < 0.5), "{speech:?}");
        let speech = probabilities(&mut vad, &frames());
        let count = speech.iter().filter(|speech| **speech > 0.5).count();
        assert!((131..=151).contains(&count), "{count}");
    }
}

#[test]
fn vad_model_that_cannot_be_read_is_an_error_with_its_path() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("silero_vad.onnx");
    for content in [None, Some("no model")] {
        if let Some(content) = content {
            std::fs::write(&path, content).unwrap();
        }
        let error = VadModel::load(&path).unwrap_err();
        assert!(matches!(&error, Error::Load { path: p, .. } if *p == path), "{error}");
        assert!(error.to_string().starts_with(&path.display().to_string()), "{error}");
    }
}
