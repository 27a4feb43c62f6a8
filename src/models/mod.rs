//! The files of the models that run on this machine: where they are looked for, and how they get there.
//!
//! [`Models::find`] gives the path of a file of the table; `sayna init` puts it there. A file appears under its name only when
//! it is whole and has the right digest, so whoever opens one need not look again.

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

/// The directories that model files may be in.
#[derive(Debug, Clone)]
pub struct Models {
    places: Vec<PathBuf>,
    files: Vec<File>,
}

/// A model file that is in none of them.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the model file {name} is missing (looked for in {}); `sayna init` fetches it", shown(places))]
pub struct Missing {
    /// The file.
    pub name: String,
    /// Where it was looked for.
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
    /// The directories of this configuration, on this machine.
    pub fn new(config: &Config) -> Self {
        Self { places: places::of(config), files: all() }
    }

    /// The directories, in the order in which they are looked through.
    pub fn places(&self) -> &[PathBuf] {
        &self.places
    }

    /// Where a file of the table is. What has another size is an unfinished copy, made by something else than `sayna init`.
    pub fn find(&self, name: &str) -> Result<PathBuf, Missing> {
        let bytes = self.files.iter().find(|file| file.name == name).map(|file| file.bytes);
        let is_there = |path: &Path| path.metadata().is_ok_and(|data| data.is_file() && Some(data.len()) == bytes);
        let mut paths = self.places.iter().map(|place| place.join(name));
        paths.find(|path| is_there(path)).ok_or_else(|| Missing { name: name.to_owned(), places: self.places.clone() })
    }

    /// The files that the features of this build need.
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
    fn a_file_is_found_where_the_configuration_says_and_only_whole() {
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
    fn a_missing_file_is_told_with_the_command_that_fetches_it() {
        let error = Missing { name: SILERO.to_owned(), places: vec!["/a".into(), "/b".into()] };
        let expected = "the model file silero_vad.onnx is missing (looked for in /a, /b); `sayna init` fetches it";
        assert_eq!(error.to_string(), expected);
    }

    #[test]
    fn every_name_here_is_in_the_table() {
        let known = [DICTIONARY, SILERO, SMART_TURN, WHISPER, WHISPER_TOKENIZER, WHISPER_CONFIG, VOICE, VOICE_CONFIG];
        assert_eq!(all().len(), known.len());
        for file in all() {
            assert!(known.contains(&file.name.as_str()), "{}", file.name);
        }
    }
}
