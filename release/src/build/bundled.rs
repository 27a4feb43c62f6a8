//! The content of an image beside its executable: the models that `models.json` marks, and by Nix what is loaded at run time.

use std::path::PathBuf;

use super::{Error, models};
use crate::atomic::{At as _, PathError};
use crate::digest::Digest;
use crate::part::Built;
use crate::table::{Builder, Model, Supply, Table};

/// The folder of models on this machine; the server looks there too.
const VARIABLE: &str = "SAYNA_MODELS_PATH";

/// A model file that is not the table's.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// It cannot be read.
    #[error(transparent)]
    File(#[from] PathError),
    /// Other bytes.
    #[error("{}: has digest {found}, models.json says {wanted}", path.display())]
    Changed {
        /// The file.
        path: PathBuf,
        /// Of its bytes.
        found: Digest,
        /// The table's.
        wanted: Digest,
    },
}

/// Marks what the image will have inside, and gives the models that Cargo's has: their paths below a folder of models, and
/// where they are here. Nix has them all from their publishers; Cargo takes what lies on this machine.
pub(super) fn inside(table: &Table, built: &mut Built) -> Result<Vec<(String, PathBuf)>, Error> {
    let wanted = wanted(table, built);
    let files = match (built.by, std::env::var_os(VARIABLE).filter(|folder| !folder.is_empty())) {
        (Builder::Nix, _) => Vec::new(),
        (Builder::Cargo, Some(folder)) => {
            let folder = PathBuf::from(folder);
            wanted.iter().map(|model| checked(model, folder.join(&model.name))).collect::<Result<_, _>>()?
        }
        (Builder::Cargo, None) => return Ok(Vec::new()),
    };
    let loaded = table.native.iter().filter(|native| matches!(native.supply, Supply::Nixpkgs));
    let loaded = loaded.filter(|_| built.by == Builder::Nix).map(|native| native.name.get_ref());
    let names: Vec<&String> = loaded.chain(wanted.iter().map(|model| &model.name)).collect();
    for input in &mut built.inputs {
        input.inside |= names.contains(&&input.name);
    }
    Ok(files)
}

fn wanted<'a>(table: &'a Table, built: &Built) -> Vec<&'a Model> {
    models(table, &built.features).into_iter().filter(|model| model.image).collect()
}

/// Returns what a part lacks, each with the reason: features, and of an image its models.
pub fn without(table: &Table, built: &Built, is_image: bool) -> Vec<String> {
    let features = built.left_out.iter().map(|left| format!("{}: {}", left.feature, left.reason));
    let has = |model: &Model| built.inputs.iter().any(|input| input.inside && input.name == model.name);
    let lacking: Vec<&Model> = wanted(table, built).into_iter().filter(|model| is_image && !has(model)).collect();
    let names: Vec<&str> = lacking.iter().map(|model| model.name.as_str()).collect();
    let models = (!names.is_empty()).then(|| format!("{}: {VARIABLE} names no folder of models", names.join(", ")));
    features.chain(models).collect()
}

fn checked(model: &Model, path: PathBuf) -> Result<(String, PathBuf), ModelError> {
    let (found, _) = Digest::of_file(&path).at("read", &path)?;
    let wanted = model.sha256;
    if found == wanted { Ok((model.name.clone(), path)) } else { Err(ModelError::Changed { path, found, wanted }) }
}
