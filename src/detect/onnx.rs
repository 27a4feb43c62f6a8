//! ONNX Runtime, loaded from a shared library at run time (crate `ort`).

use std::error::Error as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use ort::session::Session;
use ort::value::TensorRef;

use super::engine::{Engine, INPUT, OUTPUT, SHAPE, empty};
use super::{Error, LibraryError};

/// The environment variable that names the library, the same as in other programs with `ort`.
const VARIABLE: &str = "ORT_DYLIB_PATH";

/// The model in a session, which takes one input at a time, and the environment that the session needs.
pub(super) struct Onnx {
    session: Mutex<Session>,
    _environment: ort::environment::Environment,
}

/// Loads the library, so that its errors are known at once. A process keeps the first library that it has loaded.
pub(super) fn load(library: &Path) -> Result<(), LibraryError> {
    let failed = |reason: String| LibraryError { path: library.to_owned(), reason };
    // `ort` looks for a relative path beside the program first, and panics if the system cannot tell the program's path.
    if library.is_relative() && std::env::current_exe().is_err() {
        return Err(failed("the path is relative, and the system does not know the path of this program".to_owned()));
    }
    ort::init_from(library).map(drop).map_err(|e| failed(reason(&e)))
}

/// Returns the loader's message if the library could not be loaded, because the text of `ort` leaves it out.
fn reason(error: &ort::LoadDynamicError) -> String {
    match error {
        ort::LoadDynamicError::Dlopen { error, .. } => {
            error.source().map_or_else(|| error.to_string(), ToString::to_string)
        }
        _ => error.to_string(),
    }
}

/// Returns the places of a library that is not configured: the environment variable, the program's folder, and the loader's own
/// search path.
pub(super) fn candidates() -> Vec<PathBuf> {
    let name = format!("{}onnxruntime{}", std::env::consts::DLL_PREFIX, std::env::consts::DLL_SUFFIX);
    let variable = std::env::var_os(VARIABLE).filter(|path| !path.is_empty()).map(PathBuf::from);
    let beside = std::env::current_exe().ok().and_then(|program| Some(program.parent()?.join(&name)));
    let beside = beside.filter(|path| path.exists());
    [variable, beside, Some(PathBuf::from(name))].into_iter().flatten().collect()
}

impl Onnx {
    /// Opens the model with this library, after [`load`].
    pub(super) fn open(library: &Path, model: &Path) -> Result<Self, LibraryError> {
        let failed = |reason: String| LibraryError { path: library.to_owned(), reason };
        let environment = ort::init_from(library).map_err(|e| failed(reason(&e)))?;
        let environment = environment.build().map_err(|e| failed(e.to_string()))?;
        let session = Session::builder(&environment).map_err(|e| failed(e.to_string()))?;
        // One thread: a decision may take some ten milliseconds, and the sessions need the rest.
        let mut session = session.with_intra_threads(1).map_err(|e| failed(e.to_string()))?;
        let session = session.commit_from_file(model).map_err(|e| failed(e.to_string()))?;
        Ok(Self { session: Mutex::new(session), _environment: environment })
    }
}

impl Engine for Onnx {
    fn run(&self, features: &[f32]) -> Result<f32, Error> {
        let failed = |e: ort::Error| Error::Run(e.to_string());
        let input = TensorRef::from_array_view((SHAPE, features)).map_err(failed)?;
        let mut session = self.session.lock().unwrap_or_else(PoisonError::into_inner);
        let outputs = session.run(ort::inputs![INPUT => input]).map_err(failed)?;
        let output = outputs.get(OUTPUT).ok_or_else(|| Error::Run(format!("it has no output `{OUTPUT}`")))?;
        let (_, output) = output.try_extract_tensor::<f32>().map_err(failed)?;
        output.first().copied().ok_or_else(empty)
    }
}
