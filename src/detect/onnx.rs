//! ONNX Runtime, loaded from a file while the program runs (the `ort` library).

use std::error::Error as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use ort::session::Session;
use ort::value::TensorRef;

use super::engine::{Engine, INPUT, OUTPUT, SHAPE};
use super::{Error, LibraryError};

/// The name of the variable that says where the library is, as other programs have it too.
const VARIABLE: &str = "ORT_DYLIB_PATH";

/// A session, which one question at a time is put to, and what it runs in.
pub(super) struct Onnx {
    session: Mutex<Session>,
    _environment: ort::environment::Environment,
}

/// Loads the library, so that what is wrong with it is known. A process keeps the first that it has loaded.
pub(super) fn load(library: &Path) -> Result<(), LibraryError> {
    let failed = |reason: String| LibraryError { path: library.to_owned(), reason };
    // Such a name is looked for beside the program first, and `ort` takes for granted that the system says where that is.
    if library.is_relative() && std::env::current_exe().is_err() {
        return Err(failed("the system does not say where this program is, and the name is relative".to_owned()));
    }
    ort::init_from(library).map(drop).map_err(|e| failed(reason(&e)))
}

/// What the system says, where it is the system that cannot load it: the library's own words leave that out.
fn reason(error: &ort::LoadDynamicError) -> String {
    match error {
        ort::LoadDynamicError::Dlopen { error, .. } => {
            error.source().map_or_else(|| error.to_string(), ToString::to_string)
        }
        _ => error.to_string(),
    }
}

/// Where the library may be that nobody has named: where the environment says, beside the program, and where the system finds
/// it.
pub(super) fn places() -> Vec<PathBuf> {
    let name = format!("{}onnxruntime{}", std::env::consts::DLL_PREFIX, std::env::consts::DLL_SUFFIX);
    let variable = std::env::var_os(VARIABLE).filter(|path| !path.is_empty()).map(PathBuf::from);
    let beside = std::env::current_exe().ok().and_then(|program| Some(program.parent()?.join(&name)));
    let beside = beside.filter(|path| path.exists());
    [variable, beside, Some(PathBuf::from(name))].into_iter().flatten().collect()
}

impl Onnx {
    /// Opens the model with the library, which is loaded.
    pub(super) fn open(library: &Path, model: &Path) -> Result<Self, LibraryError> {
        let failed = |reason: String| LibraryError { path: library.to_owned(), reason };
        let environment = ort::init_from(library).map_err(|e| failed(reason(&e)))?;
        let environment = environment.build().map_err(|e| failed(e.to_string()))?;
        let session = Session::builder(&environment).map_err(|e| failed(e.to_string()))?;
        // A decision is wanted soon, not at once: one thread leaves the others to the sessions.
        let mut session = session.with_intra_threads(1).map_err(|e| failed(e.to_string()))?;
        let session = session.commit_from_file(model).map_err(|e| failed(e.to_string()))?;
        Ok(Self { session: Mutex::new(session), _environment: environment })
    }
}

impl Engine for Onnx {
    fn ask(&self, features: &[f32]) -> Result<f32, Error> {
        let failed = |e: ort::Error| Error::Run(e.to_string());
        let input = TensorRef::from_array_view((SHAPE, features)).map_err(failed)?;
        let mut session = self.session.lock().unwrap_or_else(PoisonError::into_inner);
        let answer = session.run(ort::inputs![INPUT => input]).map_err(failed)?;
        let output = answer.get(OUTPUT).ok_or_else(|| Error::Run(format!("it answers without `{OUTPUT}`")))?;
        let (_, output) = output.try_extract_tensor::<f32>().map_err(failed)?;
        output.first().copied().ok_or_else(|| Error::Run("it answers with nothing".to_owned()))
    }
}
