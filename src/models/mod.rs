//! The model files of this machine: the table, the directories that are searched, and the downloads of `sayna init`.
//!
//! [`Models::find`] returns the path of a file. A file gets its name only when it is complete and has the right digest, so code
//! that opens one need not check it.

mod download;
mod folder;
mod init;
mod part;
mod places;
mod table;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

pub use download::Network;
pub use init::{Event, InitError, Store, init};
pub use table::{File, all};

use crate::config::Config;

/// Voice activity.
pub const SILERO: &str = "silero_vad.onnx";
/// Speech: how words are pronounced.
pub const DICTIONARY: &str = "cmudict.dict";
/// The end of a turn.
pub const SMART_TURN: &str = "smart-turn-v3.2-cpu.onnx";
/// Recognition: the weights.
pub const WHISPER: &str = "whisper-tiny.en/model.bin";
/// Recognition: the words that its numbers stand for.
pub const WHISPER_TOKENIZER: &str = "whisper-tiny.en/tokenizer.json";
/// Recognition: which numbers are never said.
pub const WHISPER_CONFIG: &str = "whisper-tiny.en/config.json";
/// Speech: the voice.
pub const VOICE: &str = "en_US-joe-medium.onnx";
/// Speech: the numbers of its sounds.
pub const VOICE_CONFIG: &str = "en_US-joe-medium.onnx.json";

/// The directories of model files, and the table of files. Built once at the start.
#[derive(Debug, Clone)]
pub struct Models {
    places: Vec<PathBuf>,
    files: Vec<File>,
}

/// A model file is in none of the directories.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the model file {name} is missing (looked for in {}); `sayna init` fetches it", shown(places))]
pub struct Missing {
    /// The file.
    pub name: String,
    /// The directories that were searched.
    pub places: Vec<PathBuf>,
}

fn shown(places: &[PathBuf]) -> String {
    let mut text = String::new();
    for (index, place) in places.iter().enumerate() {
        // Writing to a text cannot fail.
        write!(text, "{}{}", if index > 0 { ", " } else { "" }, place.display()).ok();
    }
    text
}

impl Models {
    /// Returns the directories of this configuration on this machine.
    pub fn new(config: &Config) -> Self {
        Self { places: places::of(config), files: all() }
    }

    /// Returns the directories in the order of the search.
    pub fn places(&self) -> &[PathBuf] {
        &self.places
    }

    /// Returns the path of a file of the table. A file of another size is ignored, as an incomplete copy by another program.
    pub fn find(&self, name: &str) -> Result<PathBuf, Missing> {
        let bytes = self.files.iter().find(|file| file.name == name).map(|file| file.bytes);
        let is_there = |path: &Path| path.metadata().is_ok_and(|data| data.is_file() && Some(data.len()) == bytes);
        let mut paths = self.places.iter().map(|place| place.join(name));
        paths.find(|path| is_there(path)).ok_or_else(|| Missing { name: name.to_owned(), places: self.places.clone() })
    }

    /// Returns the files that the features of this build need.
    pub fn needed(&self) -> impl Iterator<Item = &File> {
        self.files.iter().filter(|file| file.is_needed())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(path: &Path) -> Config {
        let mut config = Config::default();
        config.models.path = Some(path.to_owned());
        config
    }

    #[test]
    fn model_file_is_found_in_the_configured_folder_and_only_if_complete() {
        let folder = tempfile::tempdir().unwrap();
        let models = Models::new(&config(folder.path()));
        assert_eq!(models.places()[0], folder.path());
        let path = folder.path().join(SILERO);
        std::fs::write(&path, "the beginning of one").unwrap();
        assert_ne!(models.find(SILERO), Ok(path.clone()));
        let file = std::fs::File::create(&path).unwrap();
        file.set_len(all().into_iter().find(|file| file.name == SILERO).unwrap().bytes).unwrap();
        assert_eq!(models.find(SILERO), Ok(path));
    }

    #[test]
    fn missing_model_file_names_the_command_that_downloads_it() {
        let error = Missing { name: SILERO.to_owned(), places: vec!["/a".into(), "/b".into()] };
        let expected = "the model file silero_vad.onnx is missing (looked for in /a, /b); `sayna init` fetches it";
        assert_eq!(error.to_string(), expected);
    }

    #[test]
    fn every_model_file_name_is_in_the_table() {
        let known = [DICTIONARY, SILERO, SMART_TURN, WHISPER, WHISPER_TOKENIZER, WHISPER_CONFIG, VOICE, VOICE_CONFIG];
        assert_eq!(all().len(), known.len());
        for file in all() {
            assert!(known.contains(&file.name.as_str()), "{}", file.name);
        }
    }
}
